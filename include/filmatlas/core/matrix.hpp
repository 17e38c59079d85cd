// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_CORE_MATRIX_HPP
#define FILMATLAS_CORE_MATRIX_HPP

#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

/// @file matrix.hpp
/// @brief Row-major two-dimensional views and owners: one row per item at every public boundary.

namespace filmatlas {

/// Id of an item: its 0-based row. Counts of edges and bytes are std::int64_t.
using Index = std::int32_t;

/// Non-owning row-major view; row i starts at `data + i * stride`. `T` may be const.
template <class T>
struct MatrixView {
    T* data = nullptr;
    std::int64_t rows = 0;
    std::int64_t cols = 0;
    std::int64_t stride = 0;  ///< elements between the starts of two rows; at least `cols`

    constexpr MatrixView() = default;
    constexpr MatrixView(T* pointer, std::int64_t num_rows, std::int64_t num_cols, std::int64_t row_stride = -1)
        : data(pointer), rows(num_rows), cols(num_cols), stride(row_stride < 0 ? num_cols : row_stride) {}

    constexpr T* row_data(std::int64_t i) const { return data + i * stride; }
    constexpr std::span<T> row(std::int64_t i) const {
        return std::span<T>(row_data(i), static_cast<std::size_t>(cols));
    }
    constexpr T& operator()(std::int64_t i, std::int64_t j) const { return data[i * stride + j]; }
    constexpr bool empty() const { return rows == 0 || cols == 0; }

    /// A view of T converts to a view of const T.
    constexpr operator MatrixView<const T>() const
        requires(!std::is_const_v<T>)
    {
        return MatrixView<const T>(data, rows, cols, stride);
    }
};

/// Owning row-major matrix, contiguous (stride = cols), zero-initialised.
template <class T>
class Matrix {
public:
    Matrix() = default;
    Matrix(std::int64_t rows, std::int64_t cols)
        : rows_(rows), cols_(cols), values_(static_cast<std::size_t>(rows) * static_cast<std::size_t>(cols)) {}
    Matrix(std::int64_t rows, std::int64_t cols, std::vector<T> values)
        : rows_(rows), cols_(cols), values_(std::move(values)) {}

    std::int64_t rows() const noexcept { return rows_; }
    std::int64_t cols() const noexcept { return cols_; }
    bool empty() const noexcept { return values_.empty(); }
    T* data() noexcept { return values_.data(); }
    const T* data() const noexcept { return values_.data(); }
    T* row_data(std::int64_t i) { return values_.data() + i * cols_; }
    const T* row_data(std::int64_t i) const { return values_.data() + i * cols_; }
    std::span<T> row(std::int64_t i) { return {row_data(i), static_cast<std::size_t>(cols_)}; }
    std::span<const T> row(std::int64_t i) const { return {row_data(i), static_cast<std::size_t>(cols_)}; }
    T& operator()(std::int64_t i, std::int64_t j) { return values_[static_cast<std::size_t>(i * cols_ + j)]; }
    const T& operator()(std::int64_t i, std::int64_t j) const {
        return values_[static_cast<std::size_t>(i * cols_ + j)];
    }
    MatrixView<T> view() { return {values_.data(), rows_, cols_}; }
    MatrixView<const T> view() const { return {values_.data(), rows_, cols_}; }
    std::vector<T>& values() noexcept { return values_; }
    const std::vector<T>& values() const noexcept { return values_; }
    bool operator==(const Matrix&) const = default;

private:
    std::int64_t rows_ = 0;
    std::int64_t cols_ = 0;
    std::vector<T> values_;
};

}  // namespace filmatlas
#endif  // FILMATLAS_CORE_MATRIX_HPP
