// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LINALG_BLOCK_PRODUCT_HPP
#define FILMATLAS_LINALG_BLOCK_PRODUCT_HPP

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "filmatlas/core/config.hpp"
#include "filmatlas/core/matrix.hpp"
#include "filmatlas/core/parallel.hpp"
#include "filmatlas/linalg/kernels.hpp"

/// @file block_product.hpp
/// @brief Rows packed for the block-product kernels, and the dense products built on them.

namespace filmatlas {

/// Rows interleaved in panels: 16 rows (float) or 8 rows (double) of one panel stand side by side for each
/// dimension, `panel(p)[k * panel_rows + r]` is element k of row p * panel_rows + r. The last panel is padded
/// with zero rows; the memory is aligned to 64 bytes. Any panel can be the left or the right operand of
/// `Kernels::block_product` (float) or `block_product_f64` (double).
template <class T>
class PackedRows {
public:
    static constexpr std::int64_t panel_rows = 64 / sizeof(T);

    PackedRows() = default;

    /// `fill(i, out)` writes the `cols` values of row i; called once per row, from any thread.
    template <class Fill>
    PackedRows(std::int64_t rows, std::int64_t cols, int num_threads, Fill&& fill, const Progress& progress = {},
               std::string_view stage = {})
        : rows_(rows), cols_(cols), panels_((rows + panel_rows - 1) / panel_rows) {
        storage_ = std::make_unique_for_overwrite<Line[]>(static_cast<std::size_t>(panels_ * cols_));
        const auto pack = [&](std::int64_t begin, std::int64_t end) {
            std::vector<T> row(static_cast<std::size_t>(cols_));
            for (std::int64_t p = begin; p < end; ++p) {
                Line* lines = storage_.get() + p * cols_;
                for (std::int64_t r = 0; r < panel_rows; ++r) {
                    const std::int64_t i = p * panel_rows + r;
                    if (i < rows_) {
                        fill(i, row.data());
                        for (std::int64_t k = 0; k < cols_; ++k)
                            lines[k].value[r] = row[static_cast<std::size_t>(k)];
                    } else {
                        for (std::int64_t k = 0; k < cols_; ++k) lines[k].value[r] = T{0};
                    }
                }
            }
        };
        parallel_for(panels_, 8, num_threads, pack, progress, stage);
    }

    explicit PackedRows(MatrixView<const T> rows, int num_threads = 0)
        : PackedRows(rows.rows, rows.cols, num_threads, [&rows](std::int64_t i, T* out) {
              const T* row = rows.row_data(i);
              for (std::int64_t k = 0; k < rows.cols; ++k) out[k] = row[k];
          }) {}

    std::int64_t rows() const noexcept { return rows_; }
    std::int64_t cols() const noexcept { return cols_; }
    std::int64_t panels() const noexcept { return panels_; }
    const T* panel(std::int64_t p) const { return storage_[static_cast<std::size_t>(p * cols_)].value; }

    /// Bytes that packing (rows, cols) takes.
    static constexpr std::int64_t bytes(std::int64_t rows, std::int64_t cols) {
        return (rows + panel_rows - 1) / panel_rows * 64 * cols;
    }

private:
    struct alignas(64) Line {
        T value[panel_rows];
    };

    std::int64_t rows_ = 0;
    std::int64_t cols_ = 0;
    std::int64_t panels_ = 0;
    std::unique_ptr<Line[]> storage_;
};

/// A * B^T: `a` (n, d), `b` (m, d); result (n, m), each element accumulated over d in ascending order. 2 n m
/// d operations, parallel over rows. @throws Error (Shape) when the dimensions differ.
Matrix<float> multiply_transposed(MatrixView<const float> a, MatrixView<const float> b, int num_threads = 0);
Matrix<double> multiply_transposed(MatrixView<const double> a, MatrixView<const double> b,
                                   int num_threads = 0);

/// X^T * Y for tall blocks: `x` (n, p), `y` (n, q); result (p, q). The rows are cut into at most 32 chunks
/// (fixed by n), whose sums are added in order. @throws Error (Shape) when the rows differ.
Matrix<double> inner_products(MatrixView<const double> x, MatrixView<const double> y, int num_threads = 0);

}  // namespace filmatlas

#ifdef FILMATLAS_HEADER_ONLY
#include "filmatlas/linalg/detail/block_product_impl.hpp"
#endif
#endif  // FILMATLAS_LINALG_BLOCK_PRODUCT_HPP
