// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LINALG_DETAIL_VECTOR_ROWS_IMPL_HPP
#define FILMATLAS_LINALG_DETAIL_VECTOR_ROWS_IMPL_HPP

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <utility>

#include "filmatlas/core/error.hpp"
#include "filmatlas/core/parallel.hpp"
#include "filmatlas/linalg/vector_rows.hpp"

namespace filmatlas {
namespace detail {

template <class T>
T rows_load(const std::byte* at) {
    T value;
    std::memcpy(&value, at, sizeof value);  // memory maps and packed records need not be aligned
    return value;
}

template <class T>
void rows_convert(const std::byte* from, std::int64_t stride, std::int64_t count, float* out) {
    if (stride == static_cast<std::int64_t>(sizeof(T))) {  // a constant stride lets the loop be vectorised
        for (std::int64_t j = 0; j < count; ++j) {
            out[j] = static_cast<float>(rows_load<T>(from + j * static_cast<std::int64_t>(sizeof(T))));
        }
        return;
    }
    for (std::int64_t j = 0; j < count; ++j) out[j] = static_cast<float>(rows_load<T>(from + j * stride));
}

using RowsFrom16 = void (*)(const std::uint16_t*, float*, std::size_t);

inline void rows_convert_16(RowsFrom16 convert, const std::byte* from, std::int64_t stride, std::int64_t count,
                            float* out) {
    if (stride == 2 && reinterpret_cast<std::uintptr_t>(from) % 2 == 0) {
        convert(reinterpret_cast<const std::uint16_t*>(from), out, static_cast<std::size_t>(count));
        return;
    }
    std::uint16_t gathered[256];
    for (std::int64_t begin = 0; begin < count; begin += 256) {
        const std::int64_t size = std::min<std::int64_t>(256, count - begin);
        for (std::int64_t j = 0; j < size; ++j) {
            gathered[j] = rows_load<std::uint16_t>(from + (begin + j) * stride);
        }
        convert(gathered, out + begin, static_cast<std::size_t>(size));
    }
}

inline void rows_read(const Kernels& kernel, const StridedArray& array, std::int64_t i, float* out) {
    const std::byte* from = static_cast<const std::byte*>(array.data) + i * array.row_stride;
    const std::int64_t stride = array.col_stride;
    switch (array.type) {
        case ScalarType::Float32: return rows_convert<float>(from, stride, array.cols, out);
        case ScalarType::Float64: return rows_convert<double>(from, stride, array.cols, out);
        case ScalarType::Float16: return rows_convert_16(kernel.half_to_float, from, stride, array.cols, out);
        case ScalarType::BFloat16:
            return rows_convert_16(kernel.bfloat16_to_float, from, stride, array.cols, out);
        case ScalarType::Int8: return rows_convert<std::int8_t>(from, stride, array.cols, out);
        case ScalarType::UInt8: return rows_convert<std::uint8_t>(from, stride, array.cols, out);
        case ScalarType::Int16: return rows_convert<std::int16_t>(from, stride, array.cols, out);
        case ScalarType::UInt16: return rows_convert<std::uint16_t>(from, stride, array.cols, out);
        case ScalarType::Int32: return rows_convert<std::int32_t>(from, stride, array.cols, out);
        case ScalarType::UInt32: return rows_convert<std::uint32_t>(from, stride, array.cols, out);
        case ScalarType::Int64: return rows_convert<std::int64_t>(from, stride, array.cols, out);
        case ScalarType::UInt64: return rows_convert<std::uint64_t>(from, stride, array.cols, out);
    }
}

inline void rows_check_shape(const StridedArray& array) {
    if (array.rows < 0 || array.cols < 0) {
        throw_shape("VectorRows", "the array has " + std::to_string(array.rows) + " rows and " +
                                      std::to_string(array.cols) + " columns");
    }
}

inline std::optional<std::int64_t> rows_overflow(const StridedArray& array, std::int64_t i) {
    if (array.type != ScalarType::Float64) return std::nullopt;
    const std::byte* from = static_cast<const std::byte*>(array.data) + i * array.row_stride;
    for (std::int64_t j = 0; j < array.cols; ++j) {
        const auto value = rows_load<double>(from + j * array.col_stride);
        if (std::isfinite(value) && !std::isfinite(static_cast<float>(value))) return j;
    }
    return std::nullopt;
}

}  // namespace detail

struct VectorRows::Parts {
    std::vector<WeightedArray> part;
    bool unit = true;
    bool renormalize = true;
    /// Norm of each part of each row; 0, NaN or infinite where the row lacks the part.
    std::vector<double> norm;

    const double* norms(std::int64_t i) const {
        return norm.data() + static_cast<std::size_t>(i) * part.size();
    }
    static bool present(double norm) { return norm > 0 && std::isfinite(norm); }
};

FILMATLAS_INLINE std::string_view to_string(ScalarType type) noexcept {
    switch (type) {
        case ScalarType::Float32: return "float32";
        case ScalarType::Float64: return "float64";
        case ScalarType::Float16: return "float16";
        case ScalarType::BFloat16: return "bfloat16";
        case ScalarType::Int8: return "int8";
        case ScalarType::UInt8: return "uint8";
        case ScalarType::Int16: return "int16";
        case ScalarType::UInt16: return "uint16";
        case ScalarType::Int32: return "int32";
        case ScalarType::UInt32: return "uint32";
        case ScalarType::Int64: return "int64";
        case ScalarType::UInt64: return "uint64";
    }
    return "unknown";
}

FILMATLAS_INLINE std::int64_t scalar_bytes(ScalarType type) noexcept {
    switch (type) {
        case ScalarType::Int8:
        case ScalarType::UInt8: return 1;
        case ScalarType::Float16:
        case ScalarType::BFloat16:
        case ScalarType::Int16:
        case ScalarType::UInt16: return 2;
        case ScalarType::Float32:
        case ScalarType::Int32:
        case ScalarType::UInt32: return 4;
        case ScalarType::Float64:
        case ScalarType::Int64:
        case ScalarType::UInt64: return 8;
    }
    return 0;
}

FILMATLAS_INLINE std::string_view to_string(RowFault fault) noexcept {
    switch (fault) {
        case RowFault::Nan: return "nan";
        case RowFault::Infinite: return "infinite";
        case RowFault::Zero: return "zero";
    }
    return "unknown";
}

FILMATLAS_INLINE VectorRows::VectorRows(MatrixView<const float> view)
    : VectorRows(StridedArray{view.data, ScalarType::Float32, view.rows, view.cols,
                              view.stride * static_cast<std::int64_t>(sizeof(float)), sizeof(float)}) {}

FILMATLAS_INLINE VectorRows::VectorRows(const StridedArray& array)
    : first_(array), rows_(array.rows), cols_(array.cols), kernels_(&kernels()) {
    detail::rows_check_shape(array);
    constexpr auto word = static_cast<std::int64_t>(alignof(float));
    direct_ = array.type == ScalarType::Float32 && (array.col_stride == word || array.cols == 1) &&
              array.row_stride % word == 0 && reinterpret_cast<std::uintptr_t>(array.data) % alignof(float) == 0;
}

FILMATLAS_INLINE VectorRows::VectorRows(const std::vector<WeightedArray>& parts, const SideBySideOptions& options)
    : kernels_(&kernels()) {
    constexpr const char* stage = "VectorRows";
    if (parts.empty()) throw_invalid(stage, "parts", "none given", "give at least one array");
    rows_ = parts.front().array.rows;
    double total = 0;
    for (std::size_t s = 0; s < parts.size(); ++s) {
        const WeightedArray& part = parts[s];
        detail::rows_check_shape(part.array);
        if (part.array.rows != rows_) {
            throw_shape(stage,
                        "part " + std::to_string(s) + " has " + std::to_string(part.array.rows) +
                            " rows, part 0 has " + std::to_string(rows_),
                        "give every part one row per item, zero where an item lacks it");
        }
        if (part.array.cols < 1) throw_shape(stage, "part " + std::to_string(s) + " has no columns");
        if (!std::isfinite(part.weight) || part.weight < 0) {
            throw_invalid(stage, "weight", "of part " + std::to_string(s) + " is " + std::to_string(part.weight),
                          "use a finite weight of at least 0");
        }
        total += part.weight;
        cols_ += part.array.cols;
    }
    if (!(total > 0) || !std::isfinite(total)) {
        throw_invalid(stage, "weight", "of all parts sums to " + std::to_string(total),
                      "give at least one positive weight");
    }
    auto state = std::make_shared<Parts>();
    state->part = parts;
    state->unit = options.unit_parts;
    state->renormalize = options.renormalize_missing;
    for (WeightedArray& part : state->part) part.weight /= total;
    if (state->unit) {
        state->norm.resize(static_cast<std::size_t>(rows_) * parts.size());
        const Kernels& kernel = *kernels_;
        parallel_for(rows_, 256, options.num_threads, [&](std::int64_t begin, std::int64_t end) {
            std::vector<float> row(static_cast<std::size_t>(cols_));
            for (std::int64_t i = begin; i < end; ++i) {
                double* norms = state->norm.data() + static_cast<std::size_t>(i) * parts.size();
                for (std::size_t s = 0; s < parts.size(); ++s) {
                    detail::rows_read(kernel, parts[s].array, i, row.data());
                    double squared = 0;
                    for (std::int64_t j = 0; j < parts[s].array.cols; ++j) {
                        const double x = static_cast<double>(row[static_cast<std::size_t>(j)]);
                        squared += x * x;
                    }
                    norms[s] = std::sqrt(squared);
                    if (std::isinf(squared)) {
                        if (const auto j = detail::rows_overflow(parts[s].array, i)) {
                            ErrorContext where;
                            where.stage = stage;
                            where.row = i;
                            throw Error(ErrorCode::InvalidArgument, std::move(where),
                                        "column " + std::to_string(*j) + " of part " + std::to_string(s) +
                                            " does not fit float32",
                                        "scale the vectors down");
                        }
                    }
                }
            }
        });
    }
    parts_ = std::move(state);
}

FILMATLAS_INLINE void VectorRows::read(std::int64_t i, float* out) const {
    if (!parts_) return detail::rows_read(*kernels_, first_, i, out);
    const Parts& parts = *parts_;
    const std::size_t count = parts.part.size();
    const double* norms = parts.unit ? parts.norms(i) : nullptr;
    double present = 0;
    double lacking = 0;  // becomes the worst reason when no part is present: NaN over infinite over zero
    if (norms != nullptr) {
        for (std::size_t s = 0; s < count; ++s) {
            const double weight = parts.part[s].weight;
            if (Parts::present(norms[s])) {
                present += weight;
            } else if (weight > 0) {
                lacking += norms[s];
            }
        }
        if (!(present > 0)) {
            std::fill_n(out, cols_, static_cast<float>(lacking));
            return;
        }
    }
    float* to = out;
    for (std::size_t s = 0; s < count; to += parts.part[s].array.cols, ++s) {
        const StridedArray& array = parts.part[s].array;
        if (norms != nullptr && !Parts::present(norms[s])) {
            std::fill_n(to, array.cols, 0.0F);
            continue;
        }
        detail::rows_read(*kernels_, array, i, to);
        const double share = parts.part[s].weight / (norms != nullptr && parts.renormalize ? present : 1.0);
        const double root = std::sqrt(share);
        const double norm = norms != nullptr ? norms[s] : 1.0;
        for (std::int64_t j = 0; j < array.cols; ++j) {
            to[j] = static_cast<float>(static_cast<double>(to[j]) / norm * root);
        }
    }
}

FILMATLAS_INLINE std::optional<std::int64_t> VectorRows::overflow(std::int64_t i) const {
    if (!parts_) return detail::rows_overflow(first_, i);
    std::int64_t begin = 0;
    for (const WeightedArray& part : parts_->part) {
        if (const auto column = detail::rows_overflow(part.array, i)) return begin + *column;
        begin += part.array.cols;
    }
    return std::nullopt;
}

FILMATLAS_INLINE Matrix<float> VectorRows::to_matrix(int num_threads) const {
    Matrix<float> out(rows_, cols_);
    parallel_for(rows_, 256, num_threads, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i) read(i, out.row_data(i));
    });
    return out;
}

}  // namespace filmatlas
#endif  // FILMATLAS_LINALG_DETAIL_VECTOR_ROWS_IMPL_HPP
