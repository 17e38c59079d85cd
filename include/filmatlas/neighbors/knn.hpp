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

namespace filmatlas {

enum class KnnMethod {
    Auto,    ///< KdTree where d <= 8, n > 2,000 and the metric is Euclidean or SqEuclidean; Exact otherwise
    Exact,   ///< blocked products
    KdTree,  ///< a tree of boxes; exact too; d <= 16, Euclidean and SqEuclidean only
};
/// "auto", "exact", "kd_tree".
std::string_view to_string(KnnMethod method) noexcept;
/// @throws Error (InvalidArgument) naming the accepted words.
KnnMethod knn_method_from_string(std::string_view name);

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
};
/// @throws Error (InvalidArgument) naming the first bad field.
void validate(const KnnOptions& options);

/// Bytes that `knn_graph` will use for n rows of d columns beside the vectors, its result included.
std::int64_t knn_graph_bytes(std::int64_t n, std::int64_t d, const KnnOptions& options = {});

/// Neighbours of every row of `vectors` (n, d) among the other rows.
///
/// Rows with NaN or infinite values, and zero rows under cosine, are listed in `invalid_rows` and take no
/// part. Cosine distances are half the squared distance of the rows scaled to unit norm.
/// @throws Error (InvalidArgument) for bad options, no rows or values too large for the metric; (Shape) for
/// no columns;
///         (Memory) with the figures when `memory_limit` is too low; (Cancelled).
KnnGraph knn_graph(MatrixView<const float> vectors, const KnnOptions& options = {},
                   const Progress& progress = {});

namespace detail {
struct KnnSpace;
}

/// Exact search among fixed rows for new ones. Copies the vectors (and packs them): 8 n d bytes.
class FILMATLAS_API KnnIndex {
public:
    /// `vectors` (n, d); rows without a valid vector are never found.
    /// @throws Error as `knn_graph`.
    explicit KnnIndex(MatrixView<const float> vectors, Metric metric = Metric::Cosine, int num_threads = 0);
    ~KnnIndex();
    KnnIndex(KnnIndex&&) noexcept;
    KnnIndex& operator=(KnnIndex&&) noexcept;
    KnnIndex(const KnnIndex&) = delete;
    KnnIndex& operator=(const KnnIndex&) = delete;

    struct Result {
        Matrix<Index> indices;    ///< (q, k), nearest first, ties by the lower id; -1 where there is none
        Matrix<float> distances;  ///< (q, k), of the index's metric; +inf where there is none
    };

    /// The k nearest rows of each query row (q, d). A row's result does not depend on the others in the
    /// batch. A query without a valid vector gets -1 and +inf. Safe to call from several threads.
    /// @throws Error (Shape) for another number of columns; (InvalidArgument) for k < 1; (Cancelled).
    Result query(MatrixView<const float> queries, int k, int num_threads = 0,
                 const Progress& progress = {}) const;

    std::int64_t size() const noexcept;  ///< rows, the invalid ones included
    std::int64_t dim() const noexcept;
    Metric metric() const noexcept;

private:
    Matrix<float> vectors_;
    std::unique_ptr<detail::KnnSpace> space_;
};

/// Share of the true neighbours (ids) that `graph` holds, in the first min(k) slots of both; 1 where there
/// are none.
/// @throws Error (Shape) when the graphs have different numbers of rows.
double recall(const KnnGraph& graph, const KnnGraph& truth);

}  // namespace filmatlas

#ifdef FILMATLAS_HEADER_ONLY
#include "filmatlas/neighbors/detail/knn_impl.hpp"
#endif
#endif  // FILMATLAS_NEIGHBORS_KNN_HPP
