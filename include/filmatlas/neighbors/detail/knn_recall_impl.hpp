// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_NEIGHBORS_DETAIL_KNN_RECALL_IMPL_HPP
#define FILMATLAS_NEIGHBORS_DETAIL_KNN_RECALL_IMPL_HPP

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <set>
#include <span>
#include <vector>

#include "filmatlas/core/progress.hpp"
#include "filmatlas/core/random.hpp"
#include "filmatlas/neighbors/detail/knn_some_rows_impl.hpp"
#include "filmatlas/neighbors/detail/knn_space_impl.hpp"
#include "filmatlas/neighbors/knn_graph.hpp"

namespace filmatlas::detail {

struct KnnInterval {
    double mean = 1;
    double low = 1;
    double high = 1;
};

/// Mean of a sample of rows' recalls, out of `population` rows, with its 95 % interval.
///
/// The rows are what was drawn, not their neighbours, which are found or missed together: the standard error
/// comes from the rows' own spread, corrected for the finite population. Since recalls crowd near 1, the
/// interval is Wilson's (1927) for as many independent trials as would have that standard error; where all
/// rows agree, for as many as there are rows.
inline KnnInterval knn_recall_interval(std::span<const double> recalls, std::int64_t population) {
    const auto m = static_cast<double>(recalls.size());
    if (recalls.empty()) return {};
    double sum = 0;
    for (const double r : recalls) sum += r;
    const double p = sum / m;
    const double unseen = 1 - m / static_cast<double>(population);
    if (!(unseen > 0)) return {p, p, p};
    double squares = 0;
    for (const double r : recalls) squares += (r - p) * (r - p);
    const double variance = m > 1 ? squares / (m - 1) / m * unseen : 0;
    const double trials = variance > 0 && p < 1 && p > 0 ? p * (1 - p) / variance : m / unseen;
    constexpr double z2 = 1.959963984540054 * 1.959963984540054;
    const double middle = (p + z2 / (2 * trials)) / (1 + z2 / trials);
    const double half =
        std::sqrt(z2 * (p * (1 - p) / trials + z2 / (4 * trials * trials))) / (1 + z2 / trials);
    return {p, std::max(0.0, middle - half), std::min(1.0, std::max(p, middle + half))};
}

/// `count` different numbers below n, ascending (Floyd's algorithm).
inline std::vector<std::int64_t> knn_draw_rows(std::int64_t n, std::int64_t count, std::uint64_t seed) {
    RandomStream stream(seed, "knn recall");
    std::set<std::int64_t> drawn;
    for (std::int64_t last = n - count; last < n; ++last) {
        const auto at = static_cast<std::int64_t>(stream.below(static_cast<std::uint64_t>(last) + 1));
        if (!drawn.insert(at).second) drawn.insert(last);
    }
    return {drawn.begin(), drawn.end()};
}

/// Recall of a graph's rows, each with `slots` true neighbours, from a sample.
inline KnnInterval knn_measure_recall(const KnnSpace& space, const Matrix<Index>& graph, std::int64_t slots,
                                      std::int64_t samples, std::uint64_t seed, int num_threads,
                                      const Progress& progress) {
    const auto positions = knn_draw_rows(space.size(), std::min(samples, space.size()), seed);
    KnnSomeRows search(space, positions, slots);
    search.run(num_threads, progress, "knn_graph");
    std::vector<double> recalls;
    std::vector<Index> truth(static_cast<std::size_t>(slots));
    std::vector<float> distances(truth.size());
    for (std::size_t i = 0; i < positions.size(); ++i) {
        search.write(static_cast<std::int64_t>(i), truth, distances);
        const auto found = graph.row(space.valid[static_cast<std::size_t>(positions[i])]);
        std::int64_t hits = 0;
        for (const Index id : truth) hits += std::find(found.begin(), found.end(), id) != found.end();
        recalls.push_back(static_cast<double>(hits) / static_cast<double>(slots));
    }
    return knn_recall_interval(recalls, space.size());
}

}  // namespace filmatlas::detail
#endif  // FILMATLAS_NEIGHBORS_DETAIL_KNN_RECALL_IMPL_HPP
