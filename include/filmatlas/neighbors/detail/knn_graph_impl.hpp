// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_NEIGHBORS_DETAIL_KNN_GRAPH_IMPL_HPP
#define FILMATLAS_NEIGHBORS_DETAIL_KNN_GRAPH_IMPL_HPP

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <utility>

#include "filmatlas/core/error.hpp"
#include "filmatlas/neighbors/knn_graph.hpp"

namespace filmatlas {
namespace detail {

inline constexpr Metric knn_graph_metrics[] = {Metric::Cosine, Metric::Euclidean, Metric::SqEuclidean,
                                               Metric::InnerProduct, Metric::Manhattan};

[[noreturn]] inline void knn_graph_fail(std::int64_t row, std::string what) {
    throw Error(ErrorCode::Format, ErrorContext{"KnnGraph", {}, row, {}, -1}, std::move(what));
}

}  // namespace detail

FILMATLAS_INLINE std::string_view to_string(Metric metric) noexcept {
    switch (metric) {
        case Metric::Cosine: return "cosine";
        case Metric::Euclidean: return "euclidean";
        case Metric::SqEuclidean: return "sqeuclidean";
        case Metric::InnerProduct: return "inner_product";
        case Metric::Manhattan: return "manhattan";
    }
    return "unknown";
}

FILMATLAS_INLINE Metric metric_from_string(std::string_view name) {
    std::string words;
    for (const Metric metric : detail::knn_graph_metrics) {
        if (to_string(metric) == name) return metric;
        words += (words.empty() ? "" : ", ") + std::string(to_string(metric));
    }
    throw_invalid("metric_from_string", "metric", "is '" + std::string(name) + "'", "use one of " + words);
}

FILMATLAS_INLINE void validate(const KnnGraph& graph) {
    const std::int64_t n = graph.size();
    const std::int64_t k = graph.k();
    if (graph.distances.rows() != n || graph.distances.cols() != k) {
        detail::knn_graph_fail(-1, "indices are (" + std::to_string(n) + ", " + std::to_string(k) +
                                       ") and distances (" + std::to_string(graph.distances.rows()) + ", " +
                                       std::to_string(graph.distances.cols()) + ")");
    }
    if (n > std::numeric_limits<Index>::max())
        detail::knn_graph_fail(-1, "more rows than 32-bit ids can name");
    std::vector<Index> sorted;
    for (std::int64_t i = 0; i < n; ++i) {
        const auto ids = graph.indices.row(i);
        const auto distances = graph.distances.row(i);
        std::size_t used = 0;
        for (std::size_t slot = 0; slot < ids.size(); ++slot) {
            const auto place = [slot] { return "slot " + std::to_string(slot) + ": "; };
            if (ids[slot] == -1) {
                if (distances[slot] != std::numeric_limits<float>::infinity()) {
                    detail::knn_graph_fail(i, place() + "id -1 needs the distance +inf");
                }
                continue;
            }
            if (used != slot) detail::knn_graph_fail(i, place() + "a neighbour after the padding");
            ++used;
            if (ids[slot] < 0 || ids[slot] >= n) {
                detail::knn_graph_fail(i, place() + "id " + std::to_string(ids[slot]) + " is outside [0, " +
                                              std::to_string(n) + ")");
            }
            if (ids[slot] == i) detail::knn_graph_fail(i, place() + "the item is its own neighbour");
            if (!std::isfinite(distances[slot]))
                detail::knn_graph_fail(i, place() + "the distance is not finite");
            if (distances[slot] < 0 && graph.metric != Metric::InnerProduct) {
                detail::knn_graph_fail(i, place() + "the distance is negative");
            }
            if (slot > 0 && distances[slot] < distances[slot - 1]) {
                detail::knn_graph_fail(i, place() + "the distances do not ascend");
            }
        }
        sorted.assign(ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(used));
        std::sort(sorted.begin(), sorted.end());
        const auto twice = std::adjacent_find(sorted.begin(), sorted.end());
        if (twice != sorted.end()) {
            detail::knn_graph_fail(i, "neighbour " + std::to_string(*twice) + " occurs twice");
        }
    }
    for (std::size_t i = 0; i < graph.invalid_rows.size(); ++i) {
        const Index row = graph.invalid_rows[i];
        if (row < 0 || row >= n || (i > 0 && row <= graph.invalid_rows[i - 1])) {
            detail::knn_graph_fail(row, "invalid_rows is not an ascending list of rows");
        }
    }
    if (!graph.invalid_reasons.empty() && graph.invalid_reasons.size() != graph.invalid_rows.size()) {
        detail::knn_graph_fail(-1, std::to_string(graph.invalid_rows.size()) + " invalid rows have " +
                                       std::to_string(graph.invalid_reasons.size()) + " reasons");
    }
}

}  // namespace filmatlas
#endif  // FILMATLAS_NEIGHBORS_DETAIL_KNN_GRAPH_IMPL_HPP
