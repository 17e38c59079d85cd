// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_NEIGHBORS_KNN_HPP
#define FILMATLAS_NEIGHBORS_KNN_HPP

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "filmatlas/core/config.hpp"
#include "filmatlas/core/matrix.hpp"
#include "filmatlas/core/progress.hpp"
#include "filmatlas/linalg/vector_rows.hpp"
#include "filmatlas/neighbors/knn_graph.hpp"

/// @file knn.hpp
/// @brief The k nearest neighbours of every row, and of new rows.
///
/// Exact search multiplies blocks of rows and uses the products only to rule pairs out, with a bound on their
/// rounding; what remains is measured again by one kernel per metric. So distances do not depend on blocking,
/// equal vectors are at distance exactly 0, and ties are decided by the lower id. The same bytes come out for
/// every number of threads and every instruction set.
///
/// Cost of exact search: n^2 d operations (each pair once, for both of its rows), O(n k) memory beside one
/// packed copy of the vectors.
///
/// Descent finds nearly all neighbours of many rows: a forest of median cuts and a few rounds of asking the
/// neighbours' neighbours (Dong, Charikar & Li, 2011), on rows rounded to 8 bits, whose products are exact on
/// every processor; the best candidates are measured again as exact search does. Equal rows are searched
/// once. Its recall is measured on every run, by the exact neighbours of a random sample of rows.

namespace filmatlas {

enum class KnnMethod {
    /// KdTree where d <= 8, n > 2,000 and the metric is Euclidean or SqEuclidean; else Exact while n^2 d is at
    /// most 200,000^2 * 512 (a tenth of it for Manhattan), which takes minutes; else Descent.
    Auto,
    Exact,   ///< blocked products
    KdTree,  ///< a tree of boxes; exact too; d <= 16, Euclidean and SqEuclidean only
    Descent,  ///< approximate, with measured recall; not for InnerProduct, where rows are not near themselves
};
/// "auto", "exact", "kd_tree", "descent".
std::string_view to_string(KnnMethod method) noexcept;
/// @throws Error (InvalidArgument) naming the accepted words.
KnnMethod knn_method_from_string(std::string_view name);

/// Options of KnnMethod::Descent. What is unset is chosen by k, the dimension and the metric.
struct DescentOptions {
    /// Trees of the forest. More find more, at about n * leaf_size / 2 products each. Default 24 (8 where rows
    /// are not rounded).
    std::optional<int> n_trees = std::nullopt;
    /// Most rows of a leaf, whose pairs are all compared; 8 to 2048. Default 512 (64 where rows are not
    /// rounded); raised to twice the list's size.
    std::optional<int> leaf_size = std::nullopt;
    /// Neighbours kept per row while searching, at least k. Default k + max(12, k / 2).
    std::optional<int> list_size = std::nullopt;
    /// Most rows of each kind that a round compares for one row: new and old ones, that it names and that
    /// name it. Default min(list_size, 32).
    std::optional<int> max_candidates = std::nullopt;
    int max_iterations = 12;  ///< most rounds; 0 = the forest alone
    /// Stop when a round has renewed at most this share of the lists; in [0, 1).
    double delta = 0.01;
    /// Rows whose exact neighbours are found to measure the recall; all where fewer exist.
    int recall_sample = 1000;
};

/// Options of `knn_graph()`.
struct KnnOptions {
    /// Neighbours per row, the row itself not counted; at least 1. Where fewer other valid rows exist, rows
    /// are padded with id -1 and distance +inf and a warning says so.
    int k = 15;
    Metric metric = Metric::Cosine;
    KnnMethod method = KnnMethod::Auto;
    /// Workers; 0 = choose for me. Never changes the result.
    int num_threads = 0;
    /// Seed of the methods that draw; the exact ones do not.
    std::uint64_t seed = 42;
    /// Bytes that may be used beside the vectors; unset = no limit.
    std::optional<std::int64_t> memory_limit = std::nullopt;
    DescentOptions descent = {};
};
/// @throws Error (InvalidArgument) naming the first bad field.
void validate(const KnnOptions& options);

/// Bytes that `knn_graph` will use for n rows of d columns beside the vectors, its result included.
std::int64_t knn_graph_bytes(std::int64_t n, std::int64_t d, const KnnOptions& options = {});

/// Neighbours of every row of `vectors` (n, d) among the other rows.
///
/// `vectors` may be float16, float64, strided, mapped or several arrays (see `VectorRows`; a `MatrixView` of float32
/// converts): what comes out is what their float32 copy would give, without the copy. Rows with NaN or infinite
/// values, and zero rows under cosine, are listed in `invalid_rows` by reason and take no part. Cosine distances are half the squared distance of the rows scaled to unit norm.
/// @throws Error (InvalidArgument) for bad options, no rows or values too large for the metric; (Shape) for
/// no columns;
///         (Memory) with the figures when `memory_limit` is too low; (Cancelled).
KnnGraph knn_graph(const VectorRows& vectors, const KnnOptions& options = {}, const Progress& progress = {});

/// Share of the true neighbours (ids) that `graph` holds, in the first min(k) slots of both; 1 where there
/// are none.
/// @throws Error (Shape) when the graphs have different numbers of rows.
double recall(const KnnGraph& graph, const KnnGraph& truth);

}  // namespace filmatlas

#ifdef FILMATLAS_HEADER_ONLY
#include "filmatlas/neighbors/detail/knn_impl.hpp"
#endif
#endif  // FILMATLAS_NEIGHBORS_KNN_HPP
