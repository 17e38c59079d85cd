// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LINALG_DETAIL_BLOCK_PRODUCT_IMPL_HPP
#define FILMATLAS_LINALG_DETAIL_BLOCK_PRODUCT_IMPL_HPP

#include <algorithm>
#include <string>

#include "filmatlas/core/error.hpp"
#include "filmatlas/linalg/block_product.hpp"
#include "filmatlas/linalg/detail/product_over_rows.hpp"

namespace filmatlas {
namespace detail {

inline void product_panels(const Kernels& kernel, const float* a, const float* b, std::int64_t n,
                           std::int64_t panels, float* c, std::int64_t stride) {
    kernel.block_product(a, b, static_cast<std::size_t>(n), static_cast<std::size_t>(panels), c,
                         static_cast<std::size_t>(stride));
}
inline void product_panels(const Kernels& kernel, const double* a, const double* b, std::int64_t n,
                           std::int64_t panels, double* c, std::int64_t stride) {
    kernel.block_product_f64(a, b, static_cast<std::size_t>(n), static_cast<std::size_t>(panels), c,
                             static_cast<std::size_t>(stride), false);
}

template <class T>
Matrix<T> product_transposed(MatrixView<const T> a, MatrixView<const T> b, int num_threads) {
    if (a.cols != b.cols) {
        throw_shape("multiply_transposed", "the operands have " + std::to_string(a.cols) + " and " +
                                               std::to_string(b.cols) + " columns");
    }
    Matrix<T> out(a.rows, b.rows);
    if (out.empty() || a.cols == 0) return out;
    const Kernels& kernel = kernels();
    constexpr std::int64_t panel = PackedRows<T>::panel_rows;
    const PackedRows<T> left(a, num_threads);
    const PackedRows<T> right(b, num_threads);
    constexpr std::int64_t group = 16;  // right panels per call: the strip of results stays in the cache
    parallel_for(left.panels(), 4, num_threads, [&](std::int64_t begin, std::int64_t end) {
        std::vector<T> strip(static_cast<std::size_t>(panel * group * panel));
        for (std::int64_t q = 0; q < right.panels(); q += group) {
            const std::int64_t panels = std::min(group, right.panels() - q);
            const std::int64_t width = std::min(panels * panel, b.rows - q * panel);
            for (std::int64_t p = begin; p < end; ++p) {
                product_panels(kernel, left.panel(p), right.panel(q), a.cols, panels, strip.data(),
                               group * panel);
                for (std::int64_t r = 0; r < std::min(panel, a.rows - p * panel); ++r) {
                    std::copy_n(strip.data() + r * group * panel, width,
                                out.row_data(p * panel + r) + q * panel);
                }
            }
        }
    });
    return out;
}

}  // namespace detail

FILMATLAS_INLINE Matrix<float> multiply_transposed(MatrixView<const float> a, MatrixView<const float> b,
                                                   int num_threads) {
    return detail::product_transposed(a, b, num_threads);
}

FILMATLAS_INLINE Matrix<double> multiply_transposed(MatrixView<const double> a, MatrixView<const double> b,
                                                    int num_threads) {
    return detail::product_transposed(a, b, num_threads);
}

FILMATLAS_INLINE Matrix<double> inner_products(MatrixView<const double> x, MatrixView<const double> y,
                                               int num_threads) {
    if (x.rows != y.rows) {
        throw_shape("inner_products",
                    "the blocks have " + std::to_string(x.rows) + " and " + std::to_string(y.rows) + " rows");
    }
    const bool same = x.data == y.data && x.cols == y.cols && x.stride == y.stride;
    return detail::product_over_rows(
        x.rows, x.cols, y.cols, same, num_threads, [&x](std::int64_t i, std::int64_t j) { return x(i, j); },
        [&y](std::int64_t i, std::int64_t j) { return y(i, j); });
}

}  // namespace filmatlas
#endif  // FILMATLAS_LINALG_DETAIL_BLOCK_PRODUCT_IMPL_HPP
