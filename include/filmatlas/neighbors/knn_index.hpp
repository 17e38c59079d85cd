// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_NEIGHBORS_KNN_INDEX_HPP
#define FILMATLAS_NEIGHBORS_KNN_INDEX_HPP

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "filmatlas/core/config.hpp"
#include "filmatlas/core/matrix.hpp"
#include "filmatlas/core/progress.hpp"
#include "filmatlas/linalg/vector_rows.hpp"
#include "filmatlas/neighbors/knn_graph.hpp"

/// @file knn_index.hpp
/// @brief The nearest of fixed vectors for new ones: exactly, or through a navigable graph of measured recall.
///
/// `Exact` screens blocks of queries against all rows. `Hnsw` walks a graph in layers (Malkov & Yashunin, "Efficient
/// and robust approximate nearest neighbor search using hierarchical navigable small world graphs", 2018), whose
/// links are chosen among the rows' true neighbours instead of by insertion: the build is parallel, and its bytes
/// depend on the data, the options and the seed alone. It walks on 8-bit copies of the rows; what it finds is
/// measured again by the exact kernel, so distances are those of `Exact` to the bit.

namespace filmatlas {

enum class KnnIndexMethod {
    Auto,   ///< Exact up to 102,400,000 numbers (200,000 rows of 512) and for metrics Hnsw does not know
    Exact,  ///< every query sees every row
    Hnsw,   ///< a graph search; cosine, euclidean and sqeuclidean
};
/// "auto", "exact", "hnsw".
std::string_view to_string(KnnIndexMethod method) noexcept;
/// @throws Error (InvalidArgument) naming the accepted words.
KnnIndexMethod knn_index_method_from_string(std::string_view name);

struct KnnIndexOptions {
    Metric metric = Metric::Cosine;
    KnnIndexMethod method = KnnIndexMethod::Auto;
    /// Hnsw: links per row on the upper layers, twice as many on the lowest; 4 to 64.
    int links = 16;
    /// Hnsw: share of the true `target_k` nearest that searches shall find, in (0, 1). The shortest search is taken
    /// whose recall, measured on rows that are hidden from their own search, has its whole 95 % interval above it.
    double target_recall = 0.97;
    int target_k = 15;
    /// Hnsw: candidates that a search keeps, instead of choosing by `target_recall`; at least 1.
    std::optional<int> ef = std::nullopt;
    /// Bytes that the index may hold and need while it is built; unset = no limit.
    std::optional<std::int64_t> memory_limit = std::nullopt;
    std::uint64_t seed = 42;
    int num_threads = 0;  ///< of the build; never changes the result
};
/// @throws Error (InvalidArgument) naming the first bad field.
void validate(const KnnIndexOptions& options);

/// How much of the truth searches find.
struct KnnIndexQuality {
    int ef = 0;           ///< candidates that a search for `k` keeps; 0 = exact
    int k = 0;            ///< neighbours that were looked for
    double recall = 1;    ///< mean share found
    double low = 1;       ///< 95 % interval
    double high = 1;
    std::int64_t rows = 0;  ///< rows measured
};

/// All that an index is made from: what a file keeps.
struct KnnIndexState {
    KnnIndexOptions options;  ///< `method` as resolved
    Matrix<float> vectors;    ///< (n, d)
    /// Hnsw: nearest neighbours among the distinct valid rows, by their place among those; -1 pads. Else empty.
    Matrix<Index> neighbors;
    KnnIndexQuality quality;
    /// Hnsw: searches read the float32 rows, because 8-bit copies do not tell their neighbours apart.
    bool full_precision = false;
};

namespace detail {
struct KnnIndexEngine;
}

/// Fixed vectors, ready to be searched. Holds a float32 copy of them beside the method's own form (half of that,
/// or a quarter and the links).
class FILMATLAS_API KnnIndex {
public:
    /// `vectors` (n, d); rows without a valid vector are never found.
    /// @throws Error as `knn_graph`.
    explicit KnnIndex(const VectorRows& vectors, const KnnIndexOptions& options = {}, const Progress& progress = {});
    /// The exact index.
    KnnIndex(const VectorRows& vectors, Metric metric, int num_threads = 0);
    /// From another index's state; links are built anew from its neighbours, in a fraction of the build.
    /// @throws Error (Format) where the state contradicts itself.
    explicit KnnIndex(KnnIndexState state, const Progress& progress = {});
    ~KnnIndex();
    KnnIndex(KnnIndex&&) noexcept;
    KnnIndex& operator=(KnnIndex&&) noexcept;
    KnnIndex(const KnnIndex&) = delete;
    KnnIndex& operator=(const KnnIndex&) = delete;

    struct Result {
        Matrix<Index> indices;    ///< (q, k), nearest first, ties by the lower id; -1 where there is none
        Matrix<float> distances;  ///< (q, k), of the index's metric; +inf where there is none
    };

    /// The k nearest rows of each query row (q, d). A row's result does not depend on the others in the batch. A
    /// query without a valid vector gets -1 and +inf. Safe to call from several threads.
    /// @param ef Hnsw: candidates of this search; 0 = the index's, more where `k` is more than it was measured for.
    /// @throws Error (Shape) for another number of columns; (InvalidArgument) for k < 1 or ef < 0; (Cancelled).
    Result query(const VectorRows& queries, int k, int num_threads = 0, const Progress& progress = {},
                 int ef = 0) const;

    std::int64_t size() const noexcept;  ///< rows, the invalid ones included
    std::int64_t dim() const noexcept;
    Metric metric() const noexcept;
    KnnIndexMethod method() const noexcept;  ///< Exact or Hnsw
    const std::string& reason() const noexcept;  ///< why this method, in one sentence
    const KnnIndexQuality& quality() const noexcept;
    const KnnIndexState& state() const noexcept;

private:
    void prepare(const Progress& progress);

    KnnIndexState state_;
    std::string reason_;
    std::unique_ptr<detail::KnnIndexEngine> engine_;
};

}  // namespace filmatlas

#ifdef FILMATLAS_HEADER_ONLY
#include "filmatlas/neighbors/detail/knn_index_impl.hpp"
#endif
#endif  // FILMATLAS_NEIGHBORS_KNN_INDEX_HPP
