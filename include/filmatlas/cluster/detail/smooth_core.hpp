// SPDX-License-Identifier: MIT
// Before the guard: header-only, this includes the bodies, which need what follows.
#include "filmatlas/cluster/smooth.hpp"

#ifndef FILMATLAS_CLUSTER_DETAIL_SMOOTH_CORE_HPP
#define FILMATLAS_CLUSTER_DETAIL_SMOOTH_CORE_HPP

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "filmatlas/core/parallel.hpp"
#include "filmatlas/core/progress.hpp"

/// @file smooth_core.hpp
/// @brief Shared-neighbour weights and averaging, used by smooth_embedding and nested_clusters.

namespace filmatlas::detail {

inline constexpr std::int64_t kSmoothGrain = 256;
inline constexpr const char* kSmoothStage = "smooth_embedding";

/// Ascending ids per item, as offsets into one array.
struct SmoothLists {
    std::vector<std::int64_t> begin;
    std::vector<Index> ids;
    std::span<const Index> of(std::int64_t i) const {
        const auto first = static_cast<std::size_t>(begin[static_cast<std::size_t>(i)]);
        return {ids.data() + first, static_cast<std::size_t>(begin[static_cast<std::size_t>(i) + 1]) - first};
    }
};

/// @throws Error (Format) on an id of the graph that is no item.
inline void smooth_check_ids(const KnnGraph& graph) {
    const std::int64_t n = graph.size();
    for (std::int64_t i = 0; i < n; ++i) {
        for (const Index j : graph.indices.row(i)) {
            if (j < n && j >= -1) continue;
            ErrorContext where;
            where.stage = "smooth_embedding";
            where.row = i;
            throw Error(ErrorCode::Format, std::move(where),
                        "neighbour id " + std::to_string(j) + " is out of range",
                        "ids must be -1 or below the number of items");
        }
    }
}

/// Every item's neighbours and itself, ascending; empty for items without neighbours.
inline SmoothLists smooth_neighbor_lists(const KnnGraph& graph) {
    smooth_check_ids(graph);
    SmoothLists lists;
    const std::int64_t n = graph.size();
    lists.begin.push_back(0);
    lists.ids.reserve(static_cast<std::size_t>(n * (graph.k() + 1)));
    for (std::int64_t i = 0; i < n; ++i) {
        const std::size_t first = lists.ids.size();
        for (const Index j : graph.indices.row(i)) {
            if (j >= 0 && j != i) lists.ids.push_back(j);
        }
        if (lists.ids.size() > first) lists.ids.push_back(static_cast<Index>(i));
        const auto start = lists.ids.begin() + static_cast<std::ptrdiff_t>(first);
        std::sort(start, lists.ids.end());
        lists.ids.erase(std::unique(start, lists.ids.end()), lists.ids.end());
        lists.begin.push_back(static_cast<std::int64_t>(lists.ids.size()));
    }
    return lists;
}

/// Who lists item i, ascending.
inline SmoothLists smooth_reverse_lists(const SmoothLists& lists) {
    const std::size_t n = lists.begin.size() - 1;
    SmoothLists reverse;
    reverse.begin.assign(n + 1, 0);
    for (const Index j : lists.ids) ++reverse.begin[static_cast<std::size_t>(j) + 1];
    for (std::size_t i = 0; i < n; ++i) reverse.begin[i + 1] += reverse.begin[i];
    reverse.ids.resize(lists.ids.size());
    std::vector<std::int64_t> next(reverse.begin.begin(), reverse.begin.end() - 1);
    for (std::size_t i = 0; i < n; ++i) {
        for (const Index j : lists.of(static_cast<std::int64_t>(i))) {
            reverse.ids[static_cast<std::size_t>(next[static_cast<std::size_t>(j)]++)] =
                static_cast<Index>(i);
        }
    }
    return reverse;
}

inline std::int64_t smooth_common(std::span<const Index> a, std::span<const Index> b) {
    std::int64_t common = 0;
    for (std::size_t x = 0, y = 0; x < a.size() && y < b.size();) {
        if (a[x] == b[y]) {
            ++common;
            ++x;
            ++y;
        } else if (a[x] < b[y]) {
            ++x;
        } else {
            ++y;
        }
    }
    return common;
}

/// Shared-neighbour weights of lists that hold their own item.
inline CsrMatrix<float> smooth_weights(const SmoothLists& lists, int num_threads, const Progress& progress) {
    const auto n = static_cast<std::int64_t>(lists.begin.size()) - 1;
    const SmoothLists reverse = smooth_reverse_lists(lists);
    std::vector<std::vector<Index>> columns(static_cast<std::size_t>((n + kSmoothGrain - 1) / kSmoothGrain));
    std::vector<std::vector<float>> weights(columns.size());
    CsrMatrix<float> out;
    out.rows = n;
    out.cols = n;
    out.indptr.assign(static_cast<std::size_t>(n) + 1, 0);
    const auto weigh = [&](std::int64_t begin, std::int64_t end) {
        const auto block = static_cast<std::size_t>(begin / kSmoothGrain);
        std::vector<Index> joined;
        std::vector<double> overlap;
        for (std::int64_t i = begin; i < end; ++i) {
            const auto mine = lists.of(i);
            const auto listed_by = reverse.of(i);
            joined.clear();
            std::set_union(mine.begin(), mine.end(), listed_by.begin(), listed_by.end(),
                           std::back_inserter(joined));
            overlap.clear();
            double sum = 0;
            for (const Index j : joined) {
                const auto theirs = lists.of(j);
                const std::int64_t common = j == i ? 0 : smooth_common(mine, theirs);
                const auto all = static_cast<std::int64_t>(mine.size() + theirs.size()) - common;
                overlap.push_back(static_cast<double>(common) / static_cast<double>(all));
                sum += overlap.back();
            }
            std::int64_t kept = 0;
            for (std::size_t e = 0; e < joined.size(); ++e) {
                if (!(overlap[e] > 0)) continue;
                columns[block].push_back(joined[e]);
                weights[block].push_back(static_cast<float>(overlap[e] / sum));
                ++kept;
            }
            out.indptr[static_cast<std::size_t>(i) + 1] = kept;
        }
    };
    parallel_for(n, kSmoothGrain, num_threads, weigh, progress, kSmoothStage);
    for (std::size_t i = 0; i < static_cast<std::size_t>(n); ++i) out.indptr[i + 1] += out.indptr[i];
    out.indices.reserve(static_cast<std::size_t>(out.indptr.back()));
    out.values.reserve(static_cast<std::size_t>(out.indptr.back()));
    for (std::size_t block = 0; block < columns.size(); ++block) {
        out.indices.insert(out.indices.end(), columns[block].begin(), columns[block].end());
        out.values.insert(out.values.end(), weights[block].begin(), weights[block].end());
    }
    return out;
}

/// Scales a row to unit length (float64 norm); a zero row stays zero.
inline void smooth_unit(float* row, std::int64_t d) {
    double norm2 = 0;
    for (std::int64_t j = 0; j < d; ++j) norm2 += static_cast<double>(row[j]) * static_cast<double>(row[j]);
    if (!(norm2 > 0)) return;
    const double scale = 1.0 / std::sqrt(norm2);
    for (std::int64_t j = 0; j < d; ++j) row[j] = static_cast<float>(static_cast<double>(row[j]) * scale);
}

/// The averaging steps on rows that are ready (unit length when `unit`).
inline Matrix<float> smooth_steps(Matrix<float> rows, const CsrMatrix<float>& weights,
                                  const SmoothOptions& options, bool unit, const Progress& progress) {
    if (options.steps == 0) return rows;
    const std::int64_t d = rows.cols();
    const auto keep = static_cast<float>(options.keep);
    const auto move = static_cast<float>(1.0 - options.keep);
    Matrix<float> next(rows.rows(), d);
    const auto average = [&](std::int64_t begin, std::int64_t end) {
        std::vector<float> mean(static_cast<std::size_t>(d));
        for (std::int64_t i = begin; i < end; ++i) {
            const float* own = rows.row_data(i);
            float* out = next.row_data(i);
            const auto columns = weights.row_indices(i);
            if (columns.empty()) {
                std::copy_n(own, d, out);
                continue;
            }
            const auto shares = weights.row_values(i);
            std::fill(mean.begin(), mean.end(), 0.0F);
            for (std::size_t e = 0; e < columns.size(); ++e) {
                const float* other = rows.row_data(columns[e]);
                const float share = shares[e];
                for (std::int64_t j = 0; j < d; ++j) mean[static_cast<std::size_t>(j)] += share * other[j];
            }
            if (unit) smooth_unit(mean.data(), d);
            for (std::int64_t j = 0; j < d; ++j) out[j] = keep * own[j] + move * mean[static_cast<std::size_t>(j)];
            if (unit) smooth_unit(out, d);
        }
    };
    for (int step = 0; step < options.steps; ++step) {
        parallel_for(rows.rows(), kSmoothGrain, options.num_threads, average, progress, kSmoothStage);
        std::swap(rows, next);
    }
    return rows;
}

/// Directions matter, lengths do not.
inline bool smooth_uses_unit_rows(Metric metric) {
    return metric == Metric::Cosine || metric == Metric::InnerProduct;
}

}  // namespace filmatlas::detail
#endif  // FILMATLAS_CLUSTER_DETAIL_SMOOTH_CORE_HPP
