// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_CLUSTER_DETAIL_SUBSET_GRAPH_HPP
#define FILMATLAS_CLUSTER_DETAIL_SUBSET_GRAPH_HPP

#include <algorithm>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "filmatlas/core/matrix.hpp"
#include "filmatlas/neighbors/knn_graph.hpp"

/// @file subset_graph.hpp
/// @brief Some items by themselves: their rows, and their neighbours among each other.

namespace filmatlas::detail {

inline Matrix<float> subset_rows(MatrixView<const float> X, std::span<const Index> items) {
    Matrix<float> out(static_cast<std::int64_t>(items.size()), X.cols);
    for (std::size_t r = 0; r < items.size(); ++r) {
        const float* row = X.data + static_cast<std::int64_t>(items[r]) * X.cols;
        std::copy_n(row, X.cols, out.row_data(static_cast<std::int64_t>(r)));
    }
    return out;
}

/// Lists keep their order; neighbours outside the subset are dropped.
/// @param items distinct.
inline KnnGraph subset_graph(const KnnGraph& graph, std::span<const Index> items) {
    std::vector<Index> place(static_cast<std::size_t>(graph.size()), -1);
    for (std::size_t r = 0; r < items.size(); ++r)
        place[static_cast<std::size_t>(items[r])] = static_cast<Index>(r);
    KnnGraph out;
    out.metric = graph.metric;
    out.method = "given";
    out.indices = Matrix<Index>(static_cast<std::int64_t>(items.size()), graph.k());
    out.distances = Matrix<float>(static_cast<std::int64_t>(items.size()), graph.k());
    std::fill(out.indices.values().begin(), out.indices.values().end(), Index{-1});
    std::fill(out.distances.values().begin(), out.distances.values().end(),
              std::numeric_limits<float>::infinity());
    for (std::size_t r = 0; r < items.size(); ++r) {
        const auto row = static_cast<std::int64_t>(r);
        std::int64_t kept = 0;
        for (std::int64_t s = 0; s < graph.k(); ++s) {
            const Index j = graph.indices(items[r], s);
            if (j < 0 || place[static_cast<std::size_t>(j)] < 0) continue;
            out.indices(row, kept) = place[static_cast<std::size_t>(j)];
            out.distances(row, kept) = graph.distances(items[r], s);
            ++kept;
        }
    }
    for (const Index row : graph.invalid_rows) {
        if (place[static_cast<std::size_t>(row)] >= 0)
            out.invalid_rows.push_back(place[static_cast<std::size_t>(row)]);
    }
    std::sort(out.invalid_rows.begin(), out.invalid_rows.end());
    return out;
}

}  // namespace filmatlas::detail
#endif  // FILMATLAS_CLUSTER_DETAIL_SUBSET_GRAPH_HPP
