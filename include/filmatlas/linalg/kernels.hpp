// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LINALG_KERNELS_HPP
#define FILMATLAS_LINALG_KERNELS_HPP

// Included by the files that are compiled per instruction set: nothing here may define an inline function or
// pull in a header that does (one copy would be linked for all of them, perhaps the AVX-512 one).
#include <cstddef>
#include <cstdint>

#include "filmatlas/core/config.hpp"

/// @file kernels.hpp
/// @brief The inner loops, once per instruction set, behind one table of functions.
///
/// All levels give the same bits for finite input (but for `block_product_loose` and the screen). Float32 products are
/// accumulated with a fused multiply-add (one rounding); processors without one emulate it exactly. Float64
/// products are rounded before they are added. Reductions use 32 fixed lanes and a fixed tree; block products
/// accumulate every output element over the dimension in ascending order, so that no result depends on a
/// vector's width or a tile's shape.

namespace filmatlas {

/// Rows per panel of packed float32 data (see `PackedRows`).
inline constexpr std::size_t panel_rows_f32 = 16;
/// Rows per panel of packed float64 data.
inline constexpr std::size_t panel_rows_f64 = 8;

/// Rows in panels of 16 for the screen, with their share of the pairs' keys. `panels` is even.
struct ScreenRows {
    const void* data;    ///< word k of row r of panel p at [(p * words + k) * 16 + r], 32 bits each; much faster
                         ///< when aligned to 64 bytes
    std::size_t panels;
    const float* add;    ///< per row, finite; +inf where there is no row
    const float* gap;    ///< add - limit, per row
};

/// A pair that the screen does not rule out; row and column count from the block's first.
struct ScreenHit {
    std::uint16_t row;
    std::uint16_t col;
    float key;  ///< (add of the row + add of the column) - product
};

/// Rows in fixed point, with their share of the pairs' keys: 16-bit integers, -32,767 the least. Panels are of 16 rows, as
/// `ScreenRows`. With `Kernels::fixed_pairs` a word holds two values, 2k in the low half. Else values are 256 * high + low in
/// 8-bit integers, four per word: first the words of the high ones, then those of the low ones.
struct FixedRows {
    const void* data;
    std::size_t panels;
    const float* scale;  ///< per row
    const float* add;    ///< per row; +inf where there is no row
};

/// Values of a row whose products with another row's are added in 32-bit integers with `Kernels::fixed_pairs`, and the
/// greatest norm that so many of them may have: by Cauchy-Schwarz every sum of products stays below 2^31.
inline constexpr std::size_t fixed_chunk = 16;
inline constexpr double fixed_chunk_norm = 46340;

/// Codes that are counted at a time.
inline constexpr std::size_t code_chunk = 64;

/// Thresholds of positions, for codes of 16 bits: the s-th of position p at [p * thresholds + s], from each position's largest
/// on; 0 where a position has fewer.
struct CodeBounds {
    const std::uint16_t* low;    ///< codes below this are certainly below the threshold
    const std::uint16_t* width;  ///< per position: codes above low + width certainly are not
    std::uint16_t* counts;       ///< as `low`
};

/// Codes that are within the width of a threshold of their row.
struct OpenCodes {
    std::uint16_t row;
    std::uint16_t col;
    std::uint64_t mask;  ///< bit j: the one of column col + j
};

/// Function table of one instruction set. Pointers need no alignment; ranges must not overlap unless said
/// otherwise.
struct Kernels {
    /// Sum of a[i] * b[i]; symmetric in a and b.
    float (*dot)(const float* a, const float* b, std::size_t n);
    /// Sum of (a[i] - b[i])^2; exactly 0 for equal vectors; symmetric.
    float (*squared_l2)(const float* a, const float* b, std::size_t n);
    /// Sum of (a[i] * scale_a - b[i] * scale_b)^2, the scaled values rounded to float32 first.
    float (*squared_l2_scaled)(const float* a, float scale_a, const float* b, float scale_b, std::size_t n);
    /// Sum of |a[i] - b[i]|.
    float (*l1)(const float* a, const float* b, std::size_t n);
    /// `l1` of every row of `a` with every row of `b`, bit by bit the same: c[i * c_stride + j]. The rows are given by
    /// their addresses. Several times faster than one pair at a time.
    void (*l1_block)(const float* const* a, std::size_t a_rows, const float* const* b, std::size_t b_rows,
                     std::size_t n, float* c, std::size_t c_stride);

    /// C = A * B^T for one panel of A (16 rows) and `b_panels` consecutive panels of B, `n` the dimension.
    /// `c` receives 16 rows of 16 * b_panels values, row stride `c_stride` elements.
    void (*block_product)(const float* a, const float* b, std::size_t n, std::size_t b_panels, float* c,
                          std::size_t c_stride);
    /// The same up to rounding: products may be rounded before they are added, so bits differ between levels.
    /// Much faster where a fused multiply-add must be emulated. For screening with a bound only.
    void (*block_product_loose)(const float* a, const float* b, std::size_t n, std::size_t b_panels, float* c,
                                std::size_t c_stride);
    /// `block_product` in float64: one panel of A has 8 rows, `c` receives 8 rows of 8 * b_panels values.
    /// With `accumulate` the products are added to what `c` holds.
    void (*block_product_f64)(const double* a, const double* b, std::size_t n, std::size_t b_panels,
                              double* c, std::size_t c_stride, bool accumulate);
    /// The same for values that float32 holds: their products are exact in float64, so that a fused multiply-add gives
    /// the same bits in half the time.
    void (*block_product_exact_f64)(const double* a, const double* b, std::size_t n, std::size_t b_panels,
                                    double* c, std::size_t c_stride, bool accumulate);

    /// Finds the pairs of a block whose key = row_add[i] + col_add[j] - scale * c[i][j] is at most
    /// max(row_limit[i], col_limit[j]). `scale` must be a power of two; `cols` a multiple of 16, at most
    /// 65,536. Writes (i << 16 | j) in ascending order to `hits` (room for rows * cols) and returns their
    /// number.
    std::size_t (*scan_pairs)(const float* c, std::size_t c_stride, std::size_t rows, std::size_t cols,
                              const float* row_add, const float* col_add, float scale, const float* row_limit,
                              const float* col_limit, std::uint32_t* hits);

    /// Whether the screen's words are pairs of bfloat16 (values 2k and 2k + 1, the first one in the low half)
    /// or float32 values.
    bool screen_bfloat16;
    /// How `FixedRows` hold their values.
    bool fixed_pairs;
    /// Arranges `panels` panels of `words` words the way `screen_block` wants its left operand; null where it
    /// takes them as they are.
    void (*screen_left)(const void* data, std::size_t words, std::size_t panels, void* out);
    /// Multiplies all rows of the left with all rows of the right (at most 65,536 each) and writes the pairs
    /// whose key is at most the limit of either, up to the rounding of the sums of add and limit, to `hits`
    /// (room for all pairs), in no particular order; returns their number. With bfloat16, `words` must be a
    /// multiple of 16.
    ///
    /// The product: the n terms (`words`, or with bfloat16 2 * `words`) are added in an order of the level's
    /// own, each through at most n + n / 32 + 4 roundings to nearest float32; with bfloat16, subnormal values
    /// and results count as zero. (TDPBF16PS and VDPBF16PS fuse each multiplication with an addition in
    /// float32, round to nearest and flush subnormals, whatever MXCSR says: Intel 64 and IA-32 Architectures
    /// Software Developer's Manual, volume 2.)
    std::size_t (*screen_block)(const ScreenRows& left, const ScreenRows& right, std::size_t words,
                                ScreenHit* hits);
    /// The keys of all pairs, whatever the limits: keys[i * 16 * right.panels + j] has the key of rows i and j in its high
    /// half and first + j in its low one, as `key_bounds` reads them. The same products as `screen_block`'s.
    void (*screen_keys)(const ScreenRows& left, const ScreenRows& right, std::size_t words, std::uint32_t first,
                        std::uint64_t* keys);

    /// codes[j] = (((own + add[j]) - products[j]) - base) * per_unit, held within [1, 65535] and cut to an integer; 65535
    /// where that is no number. Grows with (own + add[j]) - products[j].
    void (*key_codes)(const float* products, std::size_t count, float own, const float* add, float base, float per_unit,
                      std::uint16_t* codes);
    /// These codes of all pairs, codes[i * stride + j], their products (row i of the left . row j of the right) * scale_i *
    /// scale_j: sums of integers exact, and eight roundings to nearest float32 of them, with `fixed_pairs` eight and two per
    /// `fixed_chunk`. `words` is half of a row's, a multiple of 16, at most 15,008. The left is arranged by `screen_left`, the
    /// panels of the right are even. Null where the processor has neither tiles nor 16-bit products for it.
    void (*fixed_codes)(const FixedRows& left, const FixedRows& right, std::size_t words, float base, float per_unit,
                        std::uint16_t* codes, std::size_t stride);
    /// The same of rows of bytes, four values of -127 to 127 per word, the first in the lowest byte; those of the left raised
    /// by 128. Sums of integers exact, and eight roundings. `words` is a row's, at most 15,008. Null where the processor has no
    /// such products, or tiles, which multiply 16 bits as fast.
    void (*byte_codes)(const FixedRows& left, const FixedRows& right, std::size_t words, float base, float per_unit,
                       std::uint16_t* codes, std::size_t stride);
    /// out[j * out_stride + i] = codes[i * stride + j]; rows and columns are multiples of 32.
    void (*transpose_codes)(const std::uint16_t* codes, std::size_t stride, std::size_t rows, std::size_t cols,
                            std::uint16_t* out, std::size_t out_stride);
    /// Compares rows of `cols` codes, a multiple of `code_chunk`, with the thresholds of the row's position: counts gain the
    /// codes that are below. Writes those that are open to a threshold (perhaps some that are not) to `open`, with room for
    /// rows * cols / code_chunk, and returns how many masks it wrote.
    std::size_t (*count_codes)(const std::uint16_t* codes, std::size_t stride, std::size_t rows, std::size_t cols,
                               std::size_t thresholds, const CodeBounds& bounds, OpenCodes* open);

    /// The k-th smallest of `count` values, or one of them that is slightly larger (1 <= k <= count); `values` has room
    /// for a multiple of 16, and all are below the greatest number of their type. The same at every level.
    std::int32_t (*at_least_kth)(std::int32_t* values, std::size_t count, std::size_t k);
    /// A key holds a float in its high half, as an integer of the same order (its bits inverted where negative, else with the
    /// sign bit set), and a number in its low half. out[i]: that float plus add[number], as a signed integer of the same
    /// order.
    void (*key_bounds)(const std::uint64_t* keys, std::size_t count, const float* add, std::int32_t* out);
    /// Keeps the keys that are at most `limit`, in their order; returns how many.
    std::size_t (*keep_at_most)(std::uint64_t* keys, std::size_t count, std::uint64_t limit);
    /// Of `count` points (at most 16; points[k * 16 + j] is coordinate k of point j; 2, 4, 8 or 16 of them): the squared
    /// distances to `query` that are at most `limit` go to `squared`, their numbers j + first to `numbers`; returns how
    /// many. Both have room for 16. The squares of one distance are added as the halves of a row are, down to one.
    std::size_t (*take_near)(const float* query, const float* points, std::size_t coordinates, std::size_t count, float limit,
                             std::int32_t first, float* squared, std::int32_t* numbers);
    /// Copies `count` different keys to `out`, ascending. For few: takes count^2 steps, none of them a branch by the keys.
    void (*sort_few)(const std::uint64_t* keys, std::size_t count, std::uint64_t* out);

    /// y[i] += w * x[i], the product rounded first.
    void (*add_scaled)(float w, const float* x, float* y, std::size_t n);
    void (*add_scaled_f64)(double w, const double* x, double* y, std::size_t n);

    /// IEEE binary16 to float32; exact. Signalling NaNs become quiet, payloads are kept.
    void (*half_to_float)(const std::uint16_t* x, float* y, std::size_t n);
    /// float32 to binary16, to nearest even.
    void (*float_to_half)(const float* x, std::uint16_t* y, std::size_t n);
    /// bfloat16 to float32; exact.
    void (*bfloat16_to_float)(const std::uint16_t* x, float* y, std::size_t n);
    /// float32 to bfloat16, to nearest even.
    void (*float_to_bfloat16)(const float* x, std::uint16_t* y, std::size_t n);

    const char* name;  ///< "portable", "sse2", "avx2", "avx512", "avx512_bf16" or "amx"
};

/// Table for `simd_level()`; look it up once per call of an algorithm. Header-only use has the one table that
/// its compiler flags allow.
/// @throws Error (InvalidArgument) when FILMATLAS_SIMD holds an unknown word.
const Kernels& kernels();

}  // namespace filmatlas

#ifdef FILMATLAS_HEADER_ONLY
#include "filmatlas/linalg/detail/kernels_impl.hpp"
#endif
#endif  // FILMATLAS_LINALG_KERNELS_HPP
