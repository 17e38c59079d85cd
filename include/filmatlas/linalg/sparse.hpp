// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LINALG_SPARSE_HPP
#define FILMATLAS_LINALG_SPARSE_HPP

#include <cstdint>
#include <span>
#include <vector>

#include "filmatlas/core/config.hpp"
#include "filmatlas/core/matrix.hpp"
#include "filmatlas/linalg/csr.hpp"

/// @file sparse.hpp
/// @brief Operations on CsrMatrix, parallel over rows; the same bytes for any number of threads.
///
/// T is float or double. Cost is O(nnz) unless said otherwise. Inputs are expected to satisfy `validate`;
/// only that function and the assembly from entries check.

namespace filmatlas {

/// One entry of a sparse matrix.
template <class T>
struct SparseEntry {
    Index row = 0;
    Index col = 0;
    T value = 0;
};

/// Assembles a matrix; entries of one cell are summed in the order given. O(nnz log nnz).
/// @throws Error (Shape) for an entry outside rows x cols.
template <class T>
CsrMatrix<T> csr_from_entries(std::int64_t rows, std::int64_t cols, std::vector<SparseEntry<T>> entries);

/// Checks offsets, column range, ascending columns and finite values.
/// @throws Error (Format) naming the first bad row.
template <class T>
void validate(const CsrMatrix<T>& a);

template <class T>
CsrMatrix<T> transpose(const CsrMatrix<T>& a, int num_threads = 0);

/// A * X, X dense (a.cols, c); result (a.rows, c). Sums run over a row's entries in ascending column order.
/// @throws Error (Shape) when the sizes do not fit.
template <class T>
Matrix<T> multiply(const CsrMatrix<T>& a, MatrixView<const T> x, int num_threads = 0);

/// A * X into `out` (a.rows, c), which must not overlap `x`; float weights may act on a float64 block.
template <class T, class D>
void multiply_into(const CsrMatrix<T>& a, MatrixView<const D> x, MatrixView<D> out, int num_threads = 0);

/// How `symmetrize` joins a = A(i,j) and b = A(j,i); an absent entry counts as 0.
enum class Symmetrize {
    Max,         ///< max(a, b)
    Min,         ///< min(a, b): of non-negative weights, only mutual edges stay
    Sum,         ///< a + b
    Mean,        ///< (a + b) / 2
    FuzzyUnion,  ///< a + b - a b, for memberships in [0, 1]
};

/// Symmetric matrix on the union of both patterns (Min: results that are zero are left out). `a` must be
/// square.
template <class T>
CsrMatrix<T> symmetrize(const CsrMatrix<T>& a, Symmetrize rule, int num_threads = 0);

/// mix * (a + b - a b) + (1 - mix) * a b: mix 1 is the fuzzy union, 0 the intersection (zero results are left
/// out).
template <class T>
CsrMatrix<T> fuzzy_union(const CsrMatrix<T>& a, double mix = 1.0, int num_threads = 0);

/// Sums of the rows, float64; shape (rows,).
template <class T>
std::vector<double> row_sums(const CsrMatrix<T>& a, int num_threads = 0);

/// Sums of the columns, float64; shape (cols,). Each runs over its entries in ascending row order.
template <class T>
std::vector<double> col_sums(const CsrMatrix<T>& a, int num_threads = 0);

/// Multiplies row i by factors[i]. @throws Error (Shape) when factors are not (rows,).
template <class T>
void scale_rows(CsrMatrix<T>& a, std::span<const double> factors, int num_threads = 0);
/// Multiplies column j by factors[j]. @throws Error (Shape) when factors are not (cols,).
template <class T>
void scale_cols(CsrMatrix<T>& a, std::span<const double> factors, int num_threads = 0);

enum class RowNorm {
    L1,   ///< sum of absolute values
    L2,   ///< root of the sum of squares
    Max,  ///< largest absolute value
};

/// Divides each row by its norm; rows of norm 0 stay.
template <class T>
void normalize_rows(CsrMatrix<T>& a, RowNorm norm, int num_threads = 0);

/// The given rows in the given order, repeats allowed; shape (rows.size(), a.cols).
/// @throws Error (Shape) for an id outside the matrix.
template <class T>
CsrMatrix<T> select_rows(const CsrMatrix<T>& a, std::span<const Index> rows, int num_threads = 0);
/// The given columns in the given order, repeats allowed; shape (a.rows, columns.size()). O(nnz + cols) and a sort
/// of each row that the order disturbs.
/// @throws Error (Shape) for an id outside the matrix.
template <class T>
CsrMatrix<T> select_cols(const CsrMatrix<T>& a, std::span<const Index> columns, int num_threads = 0);

/// Rows [begin, end). @throws Error (Shape) unless 0 <= begin <= end <= rows.
template <class T>
CsrMatrix<T> row_range(const CsrMatrix<T>& a, std::int64_t begin, std::int64_t end);
/// Columns [begin, end). @throws Error (Shape) unless 0 <= begin <= end <= cols.
template <class T>
CsrMatrix<T> col_range(const CsrMatrix<T>& a, std::int64_t begin, std::int64_t end, int num_threads = 0);

/// Compressed sparse columns of A: the compressed sparse rows of its transpose, under A's own names. Where columns are
/// walked (terms' documents, tags' items); all algorithms stay those of CsrMatrix.
template <class T>
struct CscMatrix {
    CsrMatrix<T> columns;  ///< row j is A's column j

    CscMatrix() = default;
    explicit CscMatrix(const CsrMatrix<T>& a, int num_threads = 0) : columns(transpose(a, num_threads)) {}

    std::int64_t rows() const noexcept { return columns.cols; }
    std::int64_t cols() const noexcept { return columns.rows; }
    std::int64_t nnz() const noexcept { return columns.nnz(); }
    /// Rows of column j's entries, ascending, and their values.
    std::span<const Index> col_indices(std::int64_t j) const { return columns.row_indices(j); }
    std::span<const T> col_values(std::int64_t j) const { return columns.row_values(j); }
    /// A again, by rows.
    CsrMatrix<T> to_csr(int num_threads = 0) const { return transpose(columns, num_threads); }
    bool operator==(const CscMatrix&) const = default;
};

/// A^T * X, X dense (a.rows, c); result (a.cols, c).
/// @throws Error (Shape) when the sizes do not fit.
template <class T>
Matrix<T> multiply_transposed(const CscMatrix<T>& a, MatrixView<const T> x, int num_threads = 0) {
    return multiply(a.columns, x, num_threads);
}

}  // namespace filmatlas

#ifdef FILMATLAS_HEADER_ONLY
#include "filmatlas/linalg/detail/sparse_impl.hpp"
#endif
#endif  // FILMATLAS_LINALG_SPARSE_HPP
