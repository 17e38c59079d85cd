// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LINALG_VECTOR_ROWS_HPP
#define FILMATLAS_LINALG_VECTOR_ROWS_HPP

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "filmatlas/core/config.hpp"
#include "filmatlas/core/matrix.hpp"
#include "filmatlas/linalg/kernels.hpp"

/// @file vector_rows.hpp
/// @brief Rows of numbers as they lie in memory, read as float32 one row at a time.
///
/// An algorithm that takes `VectorRows` works on half-precision and double arrays, on memory maps, Fortran order and
/// strided views, and on several arrays side by side, without a converted copy of the whole. What it computes is to
/// the bit what it would compute on `to_matrix()`.

namespace filmatlas {

/// Type of the numbers in memory, in the machine's byte order.
enum class ScalarType : unsigned char {
    Float32,
    Float64,
    Float16,   ///< IEEE binary16
    BFloat16,  ///< the upper half of a float32
    Int8,
    UInt8,
    Int16,
    UInt16,
    Int32,
    UInt32,
    Int64,
    UInt64,
};
/// "float32", "float64", "float16", "bfloat16", "int8", ...
std::string_view to_string(ScalarType type) noexcept;
/// Bytes of one number.
std::int64_t scalar_bytes(ScalarType type) noexcept;

/// Why a row is no vector.
enum class RowFault : unsigned char {
    Nan,
    Infinite,
    Zero,  ///< a fault under cosine only
};
/// "nan", "infinite", "zero".
std::string_view to_string(RowFault fault) noexcept;

/// A two-dimensional array in memory. Strides are in bytes, of any sign or alignment; element (i, j) is at
/// `data + i * row_stride + j * col_stride`.
struct StridedArray {
    const void* data = nullptr;
    ScalarType type = ScalarType::Float32;
    std::int64_t rows = 0;
    std::int64_t cols = 0;
    std::int64_t row_stride = 0;
    std::int64_t col_stride = 0;

    /// C order without gaps.
    static StridedArray contiguous(const void* data, ScalarType type, std::int64_t rows, std::int64_t cols) {
        return {data, type, rows, cols, cols * scalar_bytes(type), scalar_bytes(type)};
    }
};

/// One of several arrays side by side.
struct WeightedArray {
    StridedArray array;
    double weight = 1;  ///< >= 0; normalised to sum 1 over the parts
};

struct SideBySideOptions {
    /// Scale each part of a row to unit norm, so that the cosine of two rows is the weighted sum of the parts'
    /// cosines (the rule of `combine_embeddings`). A zero, NaN or infinite part then means that the row lacks it.
    /// false = parts keep their norms: squared Euclidean distances become the weighted sum of the parts'.
    bool unit_parts = true;
    /// With `unit_parts`, rows that lack a part: true = the present ones are scaled up to unit norm.
    bool renormalize_missing = true;
    int num_threads = 0;  ///< the norms are taken once, here
};

/// Non-owning view of rows; cheap to copy. The memory must outlive it and not change.
class FILMATLAS_API VectorRows {
public:
    VectorRows() = default;
    VectorRows(MatrixView<const float> view);  // NOLINT: a float32 matrix is the ordinary case of rows
    VectorRows(MatrixView<float> view) : VectorRows(MatrixView<const float>(view)) {}  // NOLINT
    /// @throws Error (Shape) for a negative shape.
    explicit VectorRows(const StridedArray& array);
    /// Parts side by side, each times sqrt(weight). Keeps 8 bytes per row and part when `unit_parts`.
    /// @throws Error (InvalidArgument) for no parts or bad weights; (Shape) naming the part with another number of
    ///         rows or without columns.
    explicit VectorRows(const std::vector<WeightedArray>& parts, const SideBySideOptions& options = {});

    std::int64_t rows() const noexcept { return rows_; }
    std::int64_t cols() const noexcept { return cols_; }

    /// Whether every row lies in memory as aligned, contiguous float32.
    bool direct() const noexcept { return direct_; }
    /// Start of row i; only when `direct()`.
    const float* direct_row(std::int64_t i) const noexcept {
        return reinterpret_cast<const float*>(static_cast<const std::byte*>(first_.data) + i * first_.row_stride);
    }
    /// Row i as float32: in place when `direct()`, else converted into `scratch` (room for `cols()`).
    const float* row(std::int64_t i, float* scratch) const {
        if (direct_) return direct_row(i);
        read(i, scratch);
        return scratch;
    }
    /// Writes row i as float32; values beyond its range become infinite.
    void read(std::int64_t i, float* out) const;
    /// First column of row i that holds a finite number which float32 cannot; unset where there is none.
    std::optional<std::int64_t> overflow(std::int64_t i) const;

    /// All rows, converted.
    Matrix<float> to_matrix(int num_threads = 0) const;

private:
    struct Parts;

    StridedArray first_;
    std::int64_t rows_ = 0;
    std::int64_t cols_ = 0;
    bool direct_ = false;
    const Kernels* kernels_ = nullptr;
    std::shared_ptr<const Parts> parts_;
};

}  // namespace filmatlas

#ifdef FILMATLAS_HEADER_ONLY
#include "filmatlas/linalg/detail/vector_rows_impl.hpp"
#endif
#endif  // FILMATLAS_LINALG_VECTOR_ROWS_HPP
