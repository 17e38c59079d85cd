// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LINALG_DETAIL_PRODUCT_OVER_ROWS_HPP
#define FILMATLAS_LINALG_DETAIL_PRODUCT_OVER_ROWS_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "filmatlas/core/matrix.hpp"
#include "filmatlas/core/parallel.hpp"
#include "filmatlas/linalg/kernels.hpp"

namespace filmatlas::detail {

/// `value(i, j)` of rows [begin, end) and all `cols` columns, packed as panels of 8 columns: the rows become
/// the accumulated dimension.
template <class Value>
void product_pack_columns(std::int64_t begin, std::int64_t end, std::int64_t cols, double* out,
                          Value&& value) {
    constexpr auto panel = static_cast<std::int64_t>(panel_rows_f64);
    for (std::int64_t first = 0; first < cols; first += panel) {
        const std::int64_t width = std::min(panel, cols - first);
        for (std::int64_t i = begin; i < end; ++i, out += panel) {
            for (std::int64_t j = 0; j < panel; ++j) out[j] = j < width ? value(i, first + j) : 0.0;
        }
    }
}

/// Sum over rows i of x(i, .)^T y(i, .): (x_cols, y_cols). With `same` both sides are x and only half is
/// computed. The chunks of rows are fixed by `rows`; their sums are added in order.
template <class X, class Y>
Matrix<double> product_over_rows(std::int64_t rows, std::int64_t x_cols, std::int64_t y_cols, bool same,
                                 int num_threads, X&& x, Y&& y) {
    Matrix<double> out(x_cols, y_cols);
    if (out.empty() || rows == 0) return out;
    const Kernels& kernel = kernels();
    constexpr auto panel = static_cast<std::int64_t>(panel_rows_f64);
    constexpr std::int64_t slice = 256;  // rows packed at a time
    const std::int64_t x_panels = (x_cols + panel - 1) / panel;
    const std::int64_t y_panels = (y_cols + panel - 1) / panel;
    const std::int64_t chunks = std::clamp<std::int64_t>(rows / 512, 1, 32);
    const std::int64_t chunk_rows = (rows + chunks - 1) / chunks;
    const std::int64_t stride = y_panels * panel;
    std::vector<std::vector<double>> sums(static_cast<std::size_t>(chunks));

    parallel_blocks(chunks, num_threads, [&](std::int64_t chunk, int) {
        std::vector<double> sum(static_cast<std::size_t>(x_panels * panel * stride), 0.0);
        std::vector<double> left(static_cast<std::size_t>(slice * x_panels * panel));
        std::vector<double> right(same ? 0 : static_cast<std::size_t>(slice * y_panels * panel));
        const std::int64_t last = std::min(rows, (chunk + 1) * chunk_rows);
        for (std::int64_t begin = chunk * chunk_rows; begin < last; begin += slice) {
            const std::int64_t end = std::min(last, begin + slice);
            const std::int64_t depth = end - begin;
            product_pack_columns(begin, end, x_cols, left.data(), x);
            if (!same) product_pack_columns(begin, end, y_cols, right.data(), y);
            const double* other = same ? left.data() : right.data();
            for (std::int64_t p = 0; p < x_panels; ++p) {
                const std::int64_t q = same ? p : 0;
                kernel.block_product_f64(
                    left.data() + p * panel * depth, other + q * panel * depth,
                    static_cast<std::size_t>(depth), static_cast<std::size_t>(y_panels - q),
                    sum.data() + p * panel * stride + q * panel, static_cast<std::size_t>(stride), true);
            }
        }
        sums[static_cast<std::size_t>(chunk)] = std::move(sum);
    });
    for (std::int64_t i = 0; i < x_cols; ++i) {
        for (std::int64_t j = same ? i : 0; j < y_cols; ++j) {
            double total = 0;
            for (const std::vector<double>& sum : sums)
                total += sum[static_cast<std::size_t>(i * stride + j)];
            out(i, j) = total;
            if (same) out(j, i) = total;
        }
    }
    return out;
}

/// Scatter matrix of float32 rows, sum over i of row(i)^T row(i): (cols, cols). `fill(i, out)` writes row i.
/// Products run in float32 over 256 rows at a time and are summed in float64, so that the error is that of 256
/// additions however many rows there are. Chunks of rows, fixed by the sizes, are summed in order; their sums
/// take at most 64 MiB.
template <class Fill>
Matrix<double> scatter_of_rows(std::int64_t rows, std::int64_t cols, int num_threads, Fill&& fill) {
    Matrix<double> out(cols, cols);
    if (out.empty() || rows == 0) return out;
    const Kernels& kernel = kernels();
    constexpr auto panel = static_cast<std::int64_t>(panel_rows_f32);
    constexpr std::int64_t slice = 256;  // rows multiplied at a time
    const std::int64_t panels = (cols + panel - 1) / panel;
    const std::int64_t stride = panels * panel;
    const std::int64_t most = std::clamp<std::int64_t>((std::int64_t{1} << 23) / (stride * stride), 1, 32);
    const std::int64_t chunks = std::clamp<std::int64_t>(rows / 1024, 1, most);
    const std::int64_t chunk_rows = (rows + chunks - 1) / chunks;
    std::vector<std::vector<double>> sums(static_cast<std::size_t>(chunks));

    parallel_blocks(chunks, num_threads, [&](std::int64_t chunk, int) {
        std::vector<double> sum(static_cast<std::size_t>(stride * stride), 0.0);
        std::vector<float> packed(static_cast<std::size_t>(slice * stride));
        std::vector<float> strip(static_cast<std::size_t>(panel * stride));
        std::vector<float> row(static_cast<std::size_t>(stride), 0.0F);
        const std::int64_t last = std::min(rows, (chunk + 1) * chunk_rows);
        for (std::int64_t begin = chunk * chunk_rows; begin < last; begin += slice) {
            const std::int64_t depth = std::min(slice, last - begin);
            for (std::int64_t i = 0; i < depth; ++i) {
                fill(begin + i, row.data());
                for (std::int64_t p = 0; p < panels; ++p) {
                    std::copy_n(row.data() + p * panel, panel, packed.data() + (p * depth + i) * panel);
                }
            }
            for (std::int64_t p = 0; p < panels; ++p) {
                const float* from = packed.data() + p * depth * panel;
                const std::int64_t width = stride - p * panel;  // the upper triangle, diagonal panel included
                kernel.block_product(from, from, static_cast<std::size_t>(depth),
                                     static_cast<std::size_t>(panels - p), strip.data(),
                                     static_cast<std::size_t>(width));
                for (std::int64_t r = 0; r < panel; ++r) {
                    double* to = sum.data() + (p * panel + r) * stride + p * panel;
                    const float* products = strip.data() + r * width;
                    for (std::int64_t j = 0; j < width; ++j) to[j] += static_cast<double>(products[j]);
                }
            }
        }
        sums[static_cast<std::size_t>(chunk)] = std::move(sum);
    });
    parallel_for(cols, 32, num_threads, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i) {
            double* to = out.row_data(i);
            for (const std::vector<double>& sum : sums) {
                const double* from = sum.data() + i * stride;
                for (std::int64_t j = i; j < cols; ++j) to[j] += from[j];
            }
        }
    });
    for (std::int64_t i = 1; i < cols; ++i) {
        for (std::int64_t j = 0; j < i; ++j) out(i, j) = out(j, i);
    }
    return out;
}

}  // namespace filmatlas::detail
#endif  // FILMATLAS_LINALG_DETAIL_PRODUCT_OVER_ROWS_HPP
