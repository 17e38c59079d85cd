// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LINALG_DETAIL_DENSE_KERNELS_HPP
#define FILMATLAS_LINALG_DETAIL_DENSE_KERNELS_HPP

// Inner loops of the dense eigensolver and of sums over many rows, once per instruction set. Included by the files that
// are compiled for one; see the note in kernels.hpp. The bits are the same everywhere: fixed lanes, no contraction.
#include <cstddef>

#include "filmatlas/core/config.hpp"

namespace filmatlas::detail {

struct DenseKernels {
    /// y += A x for the rows and columns [first, n) of a symmetric matrix, `first` and `n` multiples of 8. Of a[i * stride + j]
    /// the blocks of 8 x 8 on the diagonal and what lies above them are read.
    void (*symmetric_times)(const double* a, std::size_t stride, std::size_t first, std::size_t n, const double* x, double* y);
    /// out[r] = rows[r * stride + .] . x for r < count, and y -= the sum of weights[r] * rows[r * stride + .]; `n` is a
    /// multiple of 8.
    void (*inner_products)(const double* rows, std::size_t stride, std::size_t count, const double* x, std::size_t n,
                           double* out);
    void (*take_rows)(const double* rows, std::size_t stride, std::size_t count, const double* weights, double* y,
                      std::size_t n);
    /// y[i] += x[i].
    void (*add_float)(const float* x, double* y, std::size_t n);
    /// 16 columns of some rows: out[row * 16 + j] = x[row * stride + j] * scale - shift[j], and their sums onto `sums`.
    void (*shifted_columns)(const float* x, std::size_t stride, std::size_t rows, float scale, const float* shift, float* out,
                            double* sums);
    /// 16 rows: out[j * 16 + row] = x[row * stride + j] - shift[j] for j < cols.
    void (*shifted_rows)(const float* x, std::size_t stride, std::size_t cols, const float* shift, float* out);
};

/// Table for `simd_level()`.
const DenseKernels& dense_kernels();

}  // namespace filmatlas::detail

#ifdef FILMATLAS_HEADER_ONLY
#include "filmatlas/linalg/detail/dense_kernels_impl.hpp"
#endif
#endif  // FILMATLAS_LINALG_DETAIL_DENSE_KERNELS_HPP
