// SPDX-License-Identifier: MIT
// The kernels of kernels.hpp that count by codes: key_codes, count_codes, and fixed_products.
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
    Side(std::size_t chunks, std::size_t thresholds, RandomStream& stream)
        : low(chunks * thresholds * code_chunk, 0), width(chunks * code_chunk), counts(low.size()) {
        for (std::size_t p = 0; p < width.size(); ++p) {
            width[p] = static_cast<std::uint16_t>(stream.below(p % 7 == 0 ? 65536 : 200));
            std::vector<std::uint16_t> own(thresholds - stream.below(thresholds));
            const std::uint64_t range = p % 3 == 0 ? 65536 : 4000;
            for (std::uint16_t& value : own) value = static_cast<std::uint16_t>(stream.below(range));
            std::sort(own.begin(), own.end(), std::greater<>());
            for (std::size_t s = 0; s < own.size(); ++s) low[place(p, s, thresholds)] = own[s];
        }
        for (std::uint16_t& count : counts) count = static_cast<std::uint16_t>(stream.below(1000));
    }
    static std::size_t place(std::size_t p, std::size_t s, std::size_t thresholds) {
        return (p / code_chunk * thresholds + s) * code_chunk + p % code_chunk;
    }

    std::vector<std::uint16_t> low;
    std::vector<std::uint16_t> width;
    std::vector<std::uint16_t> counts;
};

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

TEST_CASE("count_codes: counts what is below, and misses nothing that is within a width, at every level") {
    RandomStream stream(5, "codes test");
    for (const std::size_t chunks : {1, 2, 3, 4}) {
        for (const std::size_t thresholds : {1, 2, 15}) {
            const std::size_t stride = chunks * code_chunk + 32;
            const Side left(1, thresholds, stream);
            const Side right(chunks, thresholds, stream);
            std::vector<std::uint16_t> codes(panel_rows_f32 * stride);
            for (std::size_t e = 0; e < codes.size(); ++e) {
                const std::uint64_t range = e % 5 == 0 ? 5000 : 65535;
                codes[e] = static_cast<std::uint16_t>(1 + stream.below(range));
            }
            constexpr std::size_t first_row = 32;  // the panel's place in its chunk
            auto row_counts = left.counts;
            auto col_counts = right.counts;
            std::vector<bool> open(panel_rows_f32 * chunks * code_chunk, false);
            for (std::size_t i = 0; i < panel_rows_f32; ++i) {
                for (std::size_t j = 0; j < chunks * code_chunk; ++j) {
                    const std::uint16_t code = codes[i * stride + j];
                    const auto look = [&](const Side& side, std::size_t p, std::vector<std::uint16_t>& counts) {
                        for (std::size_t s = 0; s < thresholds; ++s) {
                            const std::size_t at = Side::place(p, s, thresholds);
                            if (code < side.low[at]) ++counts[at];
                            if (code >= side.low[at] && code <= side.low[at] + side.width[p])
                                open[i * chunks * code_chunk + j] = true;
                        }
                    };
                    look(left, first_row + i, row_counts);
                    look(right, j, col_counts);
                }
            }
            for (const char* level : testing::simd_words) {
                CAPTURE(level);
                CAPTURE(chunks);
                CAPTURE(thresholds);
                const testing::SimdLevelScope scope(level);
                Side rows = left;
                Side cols = right;
                std::vector<std::uint64_t> found(panel_rows_f32 * chunks, ~std::uint64_t{0});
                kernels().count_codes(codes.data(), stride, chunks * code_chunk, thresholds,
                                      {rows.low.data() + first_row, rows.width.data() + first_row,
                                       rows.counts.data() + first_row},
                                      {cols.low.data(), cols.width.data(), cols.counts.data()}, found.data());
                CHECK(rows.counts == row_counts);
                CHECK(cols.counts == col_counts);
                std::int64_t missed = 0;
                std::int64_t closed = 0;
                for (std::size_t e = 0; e < open.size(); ++e) {
                    const bool bit = (found[e / code_chunk] >> e % code_chunk & 1U) != 0;
                    missed += open[e] && !bit;
                    closed += !bit;
                }
                CHECK(missed == 0);
                CHECK(closed > 0);
            }
        }
    }
}

TEST_CASE("fixed_products: the integers' products, exact up to eight roundings") {
    const Kernels& kernel = kernels();
    if (kernel.fixed_products == nullptr) {
        MESSAGE("skipped: no tiles of 8-bit integers here");
        return;
    }
    RandomStream stream(3, "fixed test");
    for (const std::size_t words : {16, 48, 512}) {
        for (const std::size_t left_panels : {1, 3}) {
            for (const std::size_t right_panels : {2, 6}) {
                CAPTURE(words);
                const std::size_t d = 4 * words;
                struct Rows {
                    std::vector<std::int32_t> value;
                    std::vector<std::uint32_t> packed;
                    std::vector<float> scale;
                };
                const auto make = [&](std::size_t panels) {
                    Rows rows;
                    rows.value.resize(16 * panels * d);
                    rows.packed.assign(16 * panels * 2 * words, 0);
                    rows.scale.resize(16 * panels);
                    for (std::size_t i = 0; i < 16 * panels; ++i) {
                        rows.scale[i] = std::ldexp(1.0F + 0.01F * static_cast<float>(i), static_cast<int>(i % 40) - 30);
                        for (std::size_t k = 0; k < d; ++k) {
                            // All extremes in the first row.
                            const auto high = i == 0 ? 127 : static_cast<std::int32_t>(stream.below(255)) - 127;
                            const auto low = i == 0 ? -128 : static_cast<std::int32_t>(stream.below(256)) - 128;
                            rows.value[i * d + k] = 256 * high + low;
                            const std::size_t at = (i / 16 * 2 * words + k / 4) * 16 + i % 16;
                            rows.packed[at] |= (static_cast<std::uint32_t>(high) & 0xFFU) << (8 * (k % 4));
                            rows.packed[at + 16 * words] |= (static_cast<std::uint32_t>(low) & 0xFFU) << (8 * (k % 4));
                        }
                    }
                    return rows;
                };
                const Rows left = make(left_panels);
                const Rows right = make(right_panels);
                std::vector<std::uint32_t> arranged(left.packed.size());
                kernel.screen_left(left.packed.data(), 2 * words, left_panels, arranged.data());
                const std::size_t stride = 16 * right_panels + 3;
                std::vector<float> c(16 * left_panels * stride, -7.0F);
                kernel.fixed_products(arranged.data(), left_panels, right.packed.data(), right_panels, words,
                                      left.scale.data(), right.scale.data(), c.data(), stride);
                std::int64_t wrong = 0;
                for (std::size_t i = 0; i < 16 * left_panels; ++i) {
                    for (std::size_t j = 0; j < stride; ++j) {
                        if (j >= 16 * right_panels) {
                            wrong += c[i * stride + j] != -7.0F;
                            continue;
                        }
                        std::int64_t exact = 0;
                        double size = 0;
                        for (std::size_t k = 0; k < d; ++k) {
                            const std::int64_t term = std::int64_t{left.value[i * d + k]} * right.value[j * d + k];
                            exact += term;
                            size += std::abs(static_cast<double>(term));
                        }
                        const double scale = static_cast<double>(left.scale[i]) * static_cast<double>(right.scale[j]);
                        const double error =
                            std::abs(static_cast<double>(c[i * stride + j]) - static_cast<double>(exact) * scale);
                        wrong += !(error <= 8 * 0x1.0p-23 * size * scale);
                    }
                }
                CHECK(wrong == 0);
            }
        }
    }
}
