// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_NEIGHBORS_KNN_GRAPH_HPP
#define FILMATLAS_NEIGHBORS_KNN_GRAPH_HPP

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "filmatlas/core/config.hpp"
#include "filmatlas/core/matrix.hpp"
#include "filmatlas/core/run_info.hpp"
#include "filmatlas/linalg/vector_rows.hpp"

/// @file knn_graph.hpp
/// @brief The k nearest neighbours of every item, in the full space.

namespace filmatlas {

/// Distance between two rows.
enum class Metric {
    Cosine,        ///< 1 - dot / (norms); in [0, 2]
    Euclidean,     ///< square root of the sum of squares
    SqEuclidean,   ///< sum of squares
    InnerProduct,  ///< -dot: the largest product is nearest
    Manhattan,     ///< sum of absolute differences
};

/// "cosine", "euclidean", "sqeuclidean", "inner_product", "manhattan".
std::string_view to_string(Metric metric) noexcept;
/// @throws Error (InvalidArgument) naming the accepted words.
Metric metric_from_string(std::string_view name);

/// What an exact search took. It differs between machines and between runs, so it is never written to files.
struct KnnEffort {
    std::string screen;                ///< "bfloat16" or "float32" products that rule pairs out; "" without them
    std::int64_t measured_pairs = 0;  ///< distances that were measured all the same, of n (n - 1) / 2
};

/// k neighbours per row, nearest first; self excluded; ties by (distance, id).
///
/// A row that has no valid vector (NaN, infinite, zero under cosine) has no neighbours and is nobody's
/// neighbour: its ids are -1 and its distances +inf. The same pads rows when fewer than k others exist.
struct KnnGraph {
    Matrix<Index> indices;    ///< (n, k)
    Matrix<float> distances;  ///< (n, k), ascending along a row, of `metric`
    Metric metric = Metric::Cosine;
    std::string method;        ///< "exact", "kd_tree", "descent", "hnsw" or "given"
    std::string reason;        ///< why this method, in one sentence
    double recall = 1;         ///< share of true neighbours found: 1 for exact methods, else measured
    double recall_low = 1;     ///< 95 % interval of `recall`
    double recall_high = 1;
    std::vector<Index> invalid_rows;  ///< rows without a valid vector, ascending
    RunInfo run;
    std::vector<RowFault> invalid_reasons;  ///< of each of `invalid_rows`; empty where they are not known
    KnnEffort effort;                       ///< of the exact search

    std::int64_t size() const noexcept { return indices.rows(); }
    std::int64_t k() const noexcept { return indices.cols(); }
    bool exact() const noexcept { return method == "exact" || method == "kd_tree"; }
};

/// Checks shapes, id range, order, self loops, finite distances.
/// @throws Error (Format) naming the first bad (row, slot).
void validate(const KnnGraph& graph);

}  // namespace filmatlas

#ifdef FILMATLAS_HEADER_ONLY
#include "filmatlas/neighbors/detail/knn_graph_impl.hpp"
#endif
#endif  // FILMATLAS_NEIGHBORS_KNN_GRAPH_HPP
