// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_CLUSTER_DETAIL_KMEANS_SEEDS_HPP
#define FILMATLAS_CLUSTER_DETAIL_KMEANS_SEEDS_HPP

#include <algorithm>
#include <cstdint>
#include <limits>
#include <numeric>
#include <utility>
#include <vector>

#include "filmatlas/cluster/detail/kmeans_data.hpp"
#include "filmatlas/cluster/detail/panels.hpp"
#include "filmatlas/core/progress.hpp"
#include "filmatlas/core/random.hpp"

/// @file kmeans_seeds.hpp
/// @brief Greedy k-means++ and the order of the centroids.

namespace filmatlas::detail {

/// At most `wanted` rows, one from each of equal strata: ascending, the same for any number of threads.
inline std::vector<std::int64_t> kmeans_sample(std::int64_t n, std::int64_t wanted, std::uint64_t seed,
                                               std::uint64_t start) {
    std::vector<std::int64_t> rows(static_cast<std::size_t>(std::min(n, wanted)));
    if (n <= wanted) {
        std::iota(rows.begin(), rows.end(), std::int64_t{0});
        return rows;
    }
    RandomStream random(seed, "kmeans.sample", start);
    for (std::int64_t s = 0; s < wanted; ++s) {
        const std::int64_t first = s * n / wanted;
        const std::int64_t last = (s + 1) * n / wanted;
        rows[static_cast<std::size_t>(s)] =
            first + static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(last - first)));
    }
    return rows;
}

/// Greedy k-means++: every seed is the best of several draws by squared distance to the nearest seed so far.
/// @return row ids; fewer than k distinct rows give repeated ids at the end
inline std::vector<std::int64_t> kmeans_seeds(const KMeansData& data, int k, std::uint64_t seed,
                                              std::uint64_t start, const Progress& progress) {
    const std::vector<std::int64_t> sample = kmeans_sample(
        data.X.rows, std::max<std::int64_t>(4096, 10 * static_cast<std::int64_t>(k)), seed, start);
    const auto m = static_cast<std::int64_t>(sample.size());
    const std::int64_t d = data.X.cols;
    const std::int64_t blocks = (m + kKMeansGrain - 1) / kKMeansGrain;
    int trials = 2;
    for (int power = 3; power < k && trials < kPanelWidth; power *= 3) ++trials;  // about 2 + log k

    RandomStream random(seed, "kmeans.seeds", start);
    std::vector<double> nearest(static_cast<std::size_t>(m),
                                1.0);  // weight x squared distance; at first weights only
    for (std::int64_t s = 0; s < m; ++s) {
        nearest[static_cast<std::size_t>(s)] = data.weight(sample[static_cast<std::size_t>(s)]);
    }
    Matrix<double> candidate(m, kPanelWidth);
    Matrix<double> partial(blocks, kPanelWidth);
    std::vector<double> block_sum(static_cast<std::size_t>(blocks), 0.0);
    std::vector<std::int64_t> chosen;
    Matrix<float> rows(kPanelWidth, d);
    CentroidPanels panel;

    const auto sum_blocks = [&] {
        for (std::int64_t b = 0; b < blocks; ++b) {
            double sum = 0;
            for (std::int64_t s = b * kKMeansGrain; s < std::min(m, (b + 1) * kKMeansGrain); ++s) {
                sum += nearest[static_cast<std::size_t>(s)];
            }
            block_sum[static_cast<std::size_t>(b)] = sum;
        }
        return std::accumulate(block_sum.begin(), block_sum.end(), 0.0);
    };
    /// The sampled row where the running sum of `nearest` passes `target`.
    const auto draw = [&](double target) {
        std::int64_t b = 0;
        while (b + 1 < blocks && target >= block_sum[static_cast<std::size_t>(b)]) {
            target -= block_sum[static_cast<std::size_t>(b)];
            ++b;
        }
        std::int64_t last = -1;
        for (std::int64_t s = b * kKMeansGrain; s < std::min(m, (b + 1) * kKMeansGrain); ++s) {
            const double value = nearest[static_cast<std::size_t>(s)];
            if (!(value > 0)) continue;
            last = s;
            if (target < value) return s;
            target -= value;
        }
        // Rounding can carry the target past the end of the block.
        for (std::int64_t s = m - 1; last < 0 && s >= 0; --s) {
            if (nearest[static_cast<std::size_t>(s)] > 0) last = s;
        }
        return last;
    };

    double total = sum_blocks();
    while (static_cast<int>(chosen.size()) < k) {
        const bool first = chosen.empty();
        if (!(total > 0)) {
            chosen.push_back(chosen.back());  // every row is a seed already
            continue;
        }
        const int count = first ? 1 : trials;
        std::int64_t drawn[kPanelWidth];
        for (int t = 0; t < count; ++t) {
            drawn[t] = draw(random.uniform() * total);
            const float* row = data.row(sample[static_cast<std::size_t>(drawn[t])]);
            std::copy_n(row, d, rows.row_data(t));
        }
        panel.pack(MatrixView<const float>(rows.data(), count, d));
        parallel_for(m, kKMeansGrain, data.num_threads, [&](std::int64_t begin, std::int64_t end) {
            double* sums = partial.row_data(begin / kKMeansGrain);
            std::fill_n(sums, kPanelWidth, 0.0);
            for (std::int64_t s = begin; s < end; s += kPanelRows) {
                const float* x[kPanelRows];
                for (int r = 0; r < kPanelRows; ++r) {
                    x[r] = data.row(sample[static_cast<std::size_t>(std::min(s + r, end - 1))]);
                }
                float dots[kPanelRows][kPanelWidth];
                panel.products(x, 0, dots);
                for (int r = 0; r < kPanelRows && s + r < end; ++r) {
                    const std::int64_t id = sample[static_cast<std::size_t>(s + r)];
                    for (int t = 0; t < count; ++t) {
                        const double distance = static_cast<double>(kmeans_distance_from_product(
                            data.squares[static_cast<std::size_t>(id)], panel.square(t), dots[r][t], x[r],
                            rows.row_data(t), d));
                        const double value = first ? data.weight(id) * distance
                                                   : std::min(nearest[static_cast<std::size_t>(s + r)],
                                                              data.weight(id) * distance);
                        candidate(s + r, t) = value;
                        sums[t] += value;
                    }
                }
            }
        });
        int best = 0;
        double best_sum = std::numeric_limits<double>::infinity();
        for (int t = 0; t < count; ++t) {
            double sum = 0;
            for (std::int64_t b = 0; b < blocks; ++b) sum += partial(b, t);
            if (sum < best_sum) {
                best_sum = sum;
                best = t;
            }
        }
        chosen.push_back(sample[static_cast<std::size_t>(drawn[best])]);
        for (std::int64_t s = 0; s < m; ++s) nearest[static_cast<std::size_t>(s)] = candidate(s, best);
        total = sum_blocks();
        progress("kmeans seeds", static_cast<std::int64_t>(chosen.size()), k);
    }
    return chosen;
}

/// Brings near centroids side by side, so that the groups that share a bound are compact: from the first
/// centroid left, its nearest ones fill the panel.
inline std::vector<std::int64_t> kmeans_group_order(const Matrix<float>& centroids) {
    const std::int64_t k = centroids.rows();
    std::vector<std::int64_t> left(static_cast<std::size_t>(k));
    std::iota(left.begin(), left.end(), std::int64_t{0});
    std::vector<std::int64_t> order;
    std::vector<std::pair<double, std::int64_t>> near;
    while (!left.empty()) {
        const std::int64_t first = left.front();
        near.clear();
        for (const std::int64_t c : left) {
            near.emplace_back(
                kmeans_squared_distance(centroids.row_data(first), centroids.row_data(c), centroids.cols()),
                c);
        }
        const std::size_t take = std::min<std::size_t>(kPanelWidth, near.size());
        std::partial_sort(near.begin(), near.begin() + static_cast<std::ptrdiff_t>(take), near.end());
        for (std::size_t i = 0; i < take; ++i) {
            order.push_back(near[i].second);
            left.erase(std::lower_bound(left.begin(), left.end(), near[i].second));
        }
    }
    return order;
}

}  // namespace filmatlas::detail
#endif  // FILMATLAS_CLUSTER_DETAIL_KMEANS_SEEDS_HPP
