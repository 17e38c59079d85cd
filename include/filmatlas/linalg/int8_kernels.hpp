// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LINALG_INT8_KERNELS_HPP
#define FILMATLAS_LINALG_INT8_KERNELS_HPP

// Included by the files that are compiled per instruction set; see the note in kernels.hpp.
#include <cstddef>
#include <cstdint>

#include "filmatlas/core/config.hpp"

/// @file int8_kernels.hpp
/// @brief Products of rows of 8-bit integers: exact, and so the same on every instruction set.

namespace filmatlas {

/// Rows are padded with zeros to a multiple of this many values.
inline constexpr std::size_t int8_row_unit = 64;
/// Most values per row: sums of products stay within 32 bits.
inline constexpr std::size_t int8_max_row = 65536;

/// Function table of one instruction set. `n` is the padded length of a row; values are in [-127, 127].
struct Int8Kernels {
    /// c[i * c_stride + j] = float(rows[i] . rows[j]) * (scale[i] * scale[j]) for i < left rounded up to 16
    /// and for j from the first of i's 16 to `count` rounded up to 16; the scales are padded likewise. All
    /// pairs of `count` rows (left = count), or those of the first `left` rows with all. `n` is a multiple of
    /// 64; `scratch`, aligned to 64 bytes, holds 2 * n for each row, `count` rounded up to 16.
    void (*scaled_products)(const std::int8_t* const* rows, const float* scale, std::size_t count,
                            std::size_t left, std::size_t n, std::byte* scratch, float* c,
                            std::size_t c_stride);
    /// out[i] = direction . row ids[i] of `base` (stride n), for `count` rows.
    void (*project)(const std::int8_t* base, const std::uint32_t* ids, std::size_t count,
                    const std::int8_t* direction, std::size_t n, std::int32_t* out);

    const char* name;  ///< "portable", "sse2", "avx2", "avx512" or "avx512_vnni"
};

/// Table for `simd_level()`. From avx512 on the processor's VNNI instructions are used where it has them, except
/// where FILMATLAS_SIMD=avx512 holds it below what it can do.
/// @throws Error (InvalidArgument) when FILMATLAS_SIMD holds an unknown word.
const Int8Kernels& int8_kernels();

}  // namespace filmatlas

#ifdef FILMATLAS_HEADER_ONLY
#include "filmatlas/linalg/detail/int8_kernels_impl.hpp"
#endif
#endif  // FILMATLAS_LINALG_INT8_KERNELS_HPP
