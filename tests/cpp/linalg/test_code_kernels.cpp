// SPDX-License-Identifier: MIT
// The kernels of kernels.hpp that count by codes: key_codes, fixed_codes, byte_codes, transpose_codes and count_codes.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <vector>

#include "filmatlas/core/random.hpp"
#include "filmatlas/linalg/kernels.hpp"
#include "support/levels.hpp"

using namespace filmatlas;

namespace {

constexpr float inf = std::numeric_limits<float>::infinity();

/// Positions with descending thresholds, some with fewer.
struct Side {
    Side(std::size_t positions, std::size_t thresholds, RandomStream& stream)
        : low(positions * thresholds, 0), width(positions), counts(low.size()) {
        for (std::size_t p = 0; p < positions; ++p) {
            width[p] = static_cast<std::uint16_t>(stream.below(p % 7 == 0 ? 65536 : 200));
            const std::size_t own = thresholds - stream.below(thresholds);
            const std::uint64_t range = p % 3 == 0 ? 65536 : 4000;
            for (std::size_t s = 0; s < own; ++s) low[p * thresholds + s] = static_cast<std::uint16_t>(stream.below(range));
            std::sort(low.begin() + static_cast<std::ptrdiff_t>(p * thresholds),
                      low.begin() + static_cast<std::ptrdiff_t>(p * thresholds + own), std::greater<>());
        }
        for (std::uint16_t& count : counts) count = static_cast<std::uint16_t>(stream.below(1000));
    }

    std::vector<std::uint16_t> low;
    std::vector<std::uint16_t> width;
    std::vector<std::uint16_t> counts;
};

/// How a word holds integers: two of 16 bits, the low or high bytes of four, or four of 8 bits.
enum class Form { Pairs, Split, Bytes };

/// Rows of integers: all extremes in the first two, zeros in the third, the last dimensions unused. `words` for four values.
struct Integers {
    Integers(std::size_t panels, std::size_t words, Form integers, RandomStream& stream)
        : form(integers),
          dim(4 * words),
          row_words(form == Form::Bytes ? words : 2 * words),
          value(16 * panels * dim, 0),
          packed(16 * panels * row_words, 0),
          scale(16 * panels),
          add(scale) {
        for (std::size_t i = 0; i < scale.size(); ++i) {
            const int exponent = static_cast<int>(i % 5) - (form == Form::Bytes ? 16 : 24);
            scale[i] = i == 2 ? 0.0F : std::ldexp(1.0F + 0.01F * static_cast<float>(i), exponent);
            add[i] = 0.1F * static_cast<float>(i % 9) - 0.2F;
            for (std::size_t k = 0; k + 3 < dim && i != 2; ++k) {
                value[i * dim + k] = form == Form::Pairs   ? pair_value(i, k, stream)
                                     : form == Form::Split ? split_value(i, stream)
                                                           : byte_value(i, stream);
                pack(i, k);
            }
        }
    }

    /// As large as the norm of a chunk allows: in all values, or in two of them.
    static std::int32_t pair_value(std::size_t row, std::size_t k, RandomStream& stream) {
        constexpr std::int32_t most = 11585;
        static_assert(most * most * static_cast<double>(fixed_chunk) <= fixed_chunk_norm * fixed_chunk_norm);
        static_assert(2.0 * 32767 * 32767 <= fixed_chunk_norm * fixed_chunk_norm);
        if (row == 0) return most;
        if (row == 1) return k % fixed_chunk < 2 ? -32767 : 0;
        return static_cast<std::int32_t>(stream.below(2 * most + 1)) - most;
    }
    static std::int32_t split_value(std::size_t row, RandomStream& stream) {
        if (row < 2) return row == 0 ? 256 * 127 - 128 : -256 * 127 - 128;
        return 256 * (static_cast<std::int32_t>(stream.below(255)) - 127) + static_cast<std::int32_t>(stream.below(256)) - 128;
    }
    static std::int32_t byte_value(std::size_t row, RandomStream& stream) {
        if (row < 2) return row == 0 ? 127 : -127;
        return static_cast<std::int32_t>(stream.below(255)) - 127;
    }
    void pack(std::size_t row, std::size_t k) {
        const std::int32_t own = value[row * dim + k];
        const std::size_t first = row / 16 * row_words * 16 + row % 16;
        if (form == Form::Pairs) {
            packed[first + k / 2 * 16] |= (static_cast<std::uint32_t>(own) & 0xFFFFU) << (16 * (k % 2));
            return;
        }
        const std::int32_t low = ((own + 128) & 255) - 128;
        const auto put = [&](std::size_t word, std::int32_t byte) {
            packed[first + word * 16] |= (static_cast<std::uint32_t>(byte) & 0xFFU) << (8 * (k % 4));
        };
        if (form == Form::Bytes) return put(k / 4, own);
        put(k / 4, (own - low) / 256);
        put(row_words / 2 + k / 4, low);
    }
    /// As `kernel` wants its left operand.
    std::vector<std::uint32_t> arranged(const Kernels& kernel) const {
        std::vector<std::uint32_t> out = packed;
        if (form == Form::Bytes) {
            for (std::uint32_t& word : out) word ^= 0x80808080U;
        } else if (kernel.screen_left != nullptr) {
            kernel.screen_left(packed.data(), row_words, scale.size() / 16, out.data());
        }
        return out;
    }

    Form form;
    std::size_t dim;
    std::size_t row_words;
    std::vector<std::int32_t> value;
    std::vector<std::uint32_t> packed;
    std::vector<float> scale;
    std::vector<float> add;
};

/// At the level that holds: `fixed_codes`, or `byte_codes`.
void check_integer_codes(bool bytes, RandomStream& stream) {
    const Kernels& kernel = kernels();
    const auto integer_codes = bytes ? kernel.byte_codes : kernel.fixed_codes;
    if (integer_codes == nullptr) return;
    const Form form = bytes ? Form::Bytes : kernel.fixed_pairs ? Form::Pairs : Form::Split;
    for (const std::size_t words : {16, 48, 512}) {
        for (const std::size_t left_panels : {1, 3}) {
            for (const std::size_t right_panels : {2, 6}) {
                CAPTURE(words);
                const Integers left(left_panels, words, form, stream);
                const Integers right(right_panels, words, form, stream);
                const std::vector<std::uint32_t> arranged = left.arranged(kernel);
                const std::size_t cols = 16 * right_panels;
                const std::size_t stride = cols + 3;
                std::vector<std::uint16_t> codes(16 * left_panels * stride, 7);
                constexpr float base = -40;
                constexpr float per_unit = 800;
                integer_codes({arranged.data(), left_panels, left.scale.data(), left.add.data()},
                              {right.packed.data(), right_panels, right.scale.data(), right.add.data()}, words, base,
                              per_unit, codes.data(), stride);
                const double roundings =
                    8 + (form == Form::Pairs ? 2.0 * static_cast<double>(left.dim / fixed_chunk) : 0.0);
                std::int64_t wrong = 0;
                std::int64_t inside = 0;
                for (std::size_t i = 0; i < 16 * left_panels; ++i) {
                    for (std::size_t j = 0; j < cols; ++j) {
                        std::int64_t exact = 0;
                        double size = 0;
                        for (std::size_t k = 0; k < left.dim; ++k) {
                            const std::int64_t term =
                                std::int64_t{left.value[i * left.dim + k]} * right.value[j * left.dim + k];
                            exact += term;
                            size += std::abs(static_cast<double>(term));
                        }
                        const double scale = static_cast<double>(left.scale[i]) * static_cast<double>(right.scale[j]);
                        const double adds = static_cast<double>(left.add[i]) + static_cast<double>(right.add[j]);
                        const double key = adds - static_cast<double>(exact) * scale;
                        const double error = roundings * 0x1.0p-23 * (size * scale + 1) + 0x1.0p-22 * std::abs(key - base);
                        const auto code_of = [&](double value) {
                            return std::floor(std::clamp((value - base) * per_unit, 1.0, 65535.0));
                        };
                        const double code = codes[i * stride + j];
                        wrong += !(code >= code_of(key - error) && code <= code_of(key + error));
                        inside += code > 1 && code < 65535;
                    }
                    for (std::size_t j = cols; j < stride; ++j) wrong += codes[i * stride + j] != 7;
                }
                CHECK(wrong == 0);
                CHECK(inside > 0);
            }
        }
    }
}

}  // namespace

TEST_CASE("key_codes: the same at every level, growing with the key, held at the ends") {
    std::vector<float> add(101, 0.25F);
    std::vector<float> products(add.size());
    for (std::size_t j = 0; j < add.size(); ++j) products[j] = 1.0F - 0.04F * static_cast<float>(j);
    add[7] = inf;
    products[11] = std::numeric_limits<float>::quiet_NaN();
    products[12] = inf;
    std::vector<std::uint16_t> expected(add.size());
    for (std::size_t j = 0; j < add.size(); ++j) {
        const float code = (((0.5F + add[j]) - products[j]) - 0.75F) * 30000.0F;
        expected[j] = std::isnan(code) ? 65535 : static_cast<std::uint16_t>(std::clamp(code, 1.0F, 65535.0F));
    }
    CHECK(expected[0] == 1);
    CHECK(expected[7] == 65535);
    CHECK(expected[11] == 65535);
    CHECK(expected[12] == 1);
    CHECK(expected[100] == 65535);
    CHECK(expected[50] > expected[49]);
    for (const char* level : testing::simd_words) {
        CAPTURE(level);
        const testing::SimdLevelScope scope(level);
        for (const std::size_t count : {0, 1, 31, 32, 64, 101}) {
            std::vector<std::uint16_t> codes(add.size(), 9);
            kernels().key_codes(products.data(), count, 0.5F, add.data(), 0.75F, 30000.0F, codes.data());
            for (std::size_t j = 0; j < codes.size(); ++j) CHECK(codes[j] == (j < count ? expected[j] : 9));
        }
    }
}

TEST_CASE("transpose_codes: rows become columns, at every level") {
    constexpr std::size_t rows = 96;
    constexpr std::size_t cols = 64;
    std::vector<std::uint16_t> codes(rows * (cols + 5));
    for (std::size_t e = 0; e < codes.size(); ++e) codes[e] = static_cast<std::uint16_t>(e * 40503U);
    for (const char* level : testing::simd_words) {
        CAPTURE(level);
        const testing::SimdLevelScope scope(level);
        std::vector<std::uint16_t> out(cols * (rows + 3), 7);
        kernels().transpose_codes(codes.data(), cols + 5, rows, cols, out.data(), rows + 3);
        std::int64_t wrong = 0;
        for (std::size_t j = 0; j < cols; ++j) {
            for (std::size_t i = 0; i < rows + 3; ++i)
                wrong += out[j * (rows + 3) + i] != (i < rows ? codes[i * (cols + 5) + j] : 7);
        }
        CHECK(wrong == 0);
    }
}

TEST_CASE("count_codes: counts what is below, and misses nothing that is within a width, at every level") {
    RandomStream stream(5, "codes test");
    for (const std::size_t chunks : {1, 2, 3, 4}) {
        for (const std::size_t thresholds : {1, 2, 15}) {
            constexpr std::size_t rows = 48;
            const std::size_t cols = chunks * code_chunk;
            const std::size_t stride = cols + 32;
            const Side side(rows, thresholds, stream);
            std::vector<std::uint16_t> codes(rows * stride);
            for (std::size_t e = 0; e < codes.size(); ++e) {
                const std::uint64_t range = e % 5 == 0 ? 5000 : 65535;
                codes[e] = static_cast<std::uint16_t>(1 + stream.below(range));
            }
            auto counts = side.counts;
            std::vector<bool> open(rows * cols, false);
            for (std::size_t i = 0; i < rows; ++i) {
                for (std::size_t j = 0; j < cols; ++j) {
                    const std::uint16_t code = codes[i * stride + j];
                    for (std::size_t at = i * thresholds; at < (i + 1) * thresholds; ++at) {
                        if (code < side.low[at]) ++counts[at];
                        if (code >= side.low[at] && code <= side.low[at] + side.width[i]) open[i * cols + j] = true;
                    }
                }
            }
            for (const char* level : testing::simd_words) {
                CAPTURE(level);
                CAPTURE(chunks);
                CAPTURE(thresholds);
                const testing::SimdLevelScope scope(level);
                Side found = side;
                std::vector<OpenCodes> masks(rows * chunks + 1);
                const std::size_t written =
                    kernels().count_codes(codes.data(), stride, rows, cols, thresholds,
                                          {found.low.data(), found.width.data(), found.counts.data()}, masks.data());
                CHECK(found.counts == counts);
                REQUIRE(written <= rows * chunks);
                std::vector<bool> named(open.size(), false);
                for (std::size_t e = 0; e < written; ++e) {
                    CHECK(masks[e].mask != 0);
                    for (std::size_t j = 0; j < code_chunk; ++j) {
                        if ((masks[e].mask >> j & 1U) != 0) named[masks[e].row * cols + masks[e].col + j] = true;
                    }
                }
                std::int64_t missed = 0;
                std::int64_t closed = 0;
                for (std::size_t e = 0; e < open.size(); ++e) {
                    missed += open[e] && !named[e];
                    closed += !named[e];
                }
                CHECK(missed == 0);
                CHECK(closed > 0);
            }
        }
    }
}

TEST_CASE("fixed_codes, byte_codes: codes of the integers' products, exact up to few roundings, at every level that has them") {
    RandomStream stream(3, "fixed test");
    for (const char* level : testing::simd_words) {
        CAPTURE(level);
        const testing::SimdLevelScope scope(level);
        check_integer_codes(false, stream);
        check_integer_codes(true, stream);
    }
}
