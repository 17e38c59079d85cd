// SPDX-License-Identifier: MIT
// The screen of kernels.hpp: screen_left, screen_block, screen_keys.
#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <utility>
#include <vector>

#include "filmatlas/core/simd.hpp"
#include "filmatlas/linalg/block_product.hpp"
#include "filmatlas/linalg/kernels.hpp"
#include "support/levels.hpp"

using namespace filmatlas;

namespace {

constexpr float inf = std::numeric_limits<float>::infinity();

std::uint16_t to_bfloat16(float x) {
    std::uint16_t out = 0;
    kernels().float_to_bfloat16(&x, &out, 1);
    return out;
}

/// Rows packed the way a level's screen wants them, and the values that are in them.
struct Side {
    Side(const Matrix<float>& x, const Kernels& kernel) : values(x.rows(), x.cols()) {
        words = kernel.screen_bfloat16 ? (x.cols() + 31) / 32 * 16 : x.cols();
        const std::int64_t padded = (x.rows() + 31) / 32 * 32;
        panels = static_cast<std::size_t>(padded / 16);
        data.assign(static_cast<std::size_t>(padded * words), 0);
        for (std::int64_t i = 0; i < x.rows(); ++i) {
            for (std::int64_t k = 0; k < x.cols(); ++k) {
                const std::int64_t word = kernel.screen_bfloat16 ? k / 2 : k;
                auto& at = data[static_cast<std::size_t>((i / 16 * words + word) * 16 + i % 16)];
                std::uint32_t bits = std::bit_cast<std::uint32_t>(x(i, k));
                if (kernel.screen_bfloat16) {
                    const std::uint32_t half = to_bfloat16(x(i, k));
                    bits = half << 16;
                    at |= k % 2 == 0 ? half : bits;
                } else {
                    at = bits;
                }
                values(i, k) = std::bit_cast<float>(bits);
            }
        }
        add.assign(static_cast<std::size_t>(padded), inf);
        gap.assign(static_cast<std::size_t>(padded), inf);
    }
    ScreenRows rows() const { return {data.data(), panels, add.data(), gap.data()}; }

    Matrix<float> values;
    std::int64_t words;
    std::size_t panels;
    std::vector<std::uint32_t> data;
    std::vector<float> add;
    std::vector<float> gap;
};

/// The left operand as the level wants it, kept in `arranged` where it has to be turned.
ScreenRows left_rows(const Kernels& kernel, const Side& left, std::vector<std::uint32_t>& arranged) {
    ScreenRows a = left.rows();
    if (kernel.screen_left != nullptr) {
        arranged.resize(left.data.size());
        kernel.screen_left(left.data.data(), static_cast<std::size_t>(left.words), left.panels, arranged.data());
        a.data = arranged.data();
    }
    return a;
}

std::map<std::pair<int, int>, float> screen(const Kernels& kernel, const Side& left, const Side& right) {
    std::vector<ScreenHit> hits(left.add.size() * right.add.size());
    std::vector<std::uint32_t> arranged;
    const ScreenRows a = left_rows(kernel, left, arranged);
    hits.resize(kernel.screen_block(a, right.rows(), static_cast<std::size_t>(left.words), hits.data()));
    std::map<std::pair<int, int>, float> found;
    for (const ScreenHit& hit : hits) found[{hit.row, hit.col}] = hit.key;
    CHECK(found.size() == hits.size());
    return found;
}

/// Values that are hard on sums and on bfloat16: half-way between two of them, cancelling, of all sizes.
Matrix<float> hard_rows(std::int64_t n, std::int64_t d, std::uint64_t seed) {
    Matrix<float> x(n, d);
    RandomStream stream(seed, "screen test");
    for (std::int64_t i = 0; i < n; ++i) {
        for (std::int64_t k = 0; k < d; ++k) {
            const auto steps = static_cast<float>(128 + stream.below(128));
            const float sign = stream.below(2) == 0 ? 1.0F : -1.0F;
            switch (i % 4) {
                case 0: x(i, k) = sign * (steps + 0.5F) / 128; break;  // a tie
                case 1: x(i, k) = (k % 2 == 0 ? 1.0F : -1.0F) * (1 + static_cast<float>(k % 7) * 0x1.0p-8F); break;
                case 2: x(i, k) = sign * std::ldexp(steps, static_cast<int>(stream.below(60)) - 37); break;
                default: x(i, k) = sign * std::ldexp(steps, -74 - static_cast<int>(stream.below(60)));  // underflow
            }
        }
    }
    return x;
}

}  // namespace

TEST_CASE("screen_block: products are within the promised rounding at every level") {
    for (const char* level : testing::simd_words) {
        const testing::SimdLevelScope scope(level);
        const Kernels& kernel = kernels();
        for (const std::int64_t d : {1, 2, 31, 32, 33, 384, 1500}) {
            for (const bool hard : {false, true}) {
                CAPTURE(kernel.name);
                CAPTURE(d);
                CAPTURE(hard);
                Side left(hard ? hard_rows(61, d, 1) : testing::random_matrix(61, d, 1), kernel);
                Side right(hard ? hard_rows(90, d, 2) : testing::random_matrix(90, d, 2), kernel);
                for (Side* side : {&left, &right}) {
                    std::fill_n(side->add.begin(), side->values.rows(), 0.0F);
                    std::fill_n(side->gap.begin(), side->values.rows(), -1e38F);
                }
                const auto found = screen(kernel, left, right);
                REQUIRE(found.size() == 61 * 90);  // all pairs, and none with the padding
                int wrong = 0;
                for (const auto& [pair, key] : found) {
                    double product = 0;
                    double sizes = 0;
                    for (std::int64_t k = 0; k < d; ++k) {
                        const double term = static_cast<double>(left.values(pair.first, k)) *
                                            static_cast<double>(right.values(pair.second, k));
                        product += term;
                        sizes += std::abs(term);
                    }
                    const double n = static_cast<double>(kernel.screen_bfloat16 ? 2 * left.words : left.words);
                    const double bound = (n + n / 32 + 4) * (0x1.0p-24 + 0x1.0p-40) * sizes + 2 * n * 0x1.0p-126;
                    wrong += !(std::abs(static_cast<double>(-key) - product) <= bound);
                }
                CHECK(wrong == 0);
            }
        }
    }
}

TEST_CASE("screen_keys: gives the keys of all pairs, those that screen_block finds bit by bit") {
    for (const char* level : testing::simd_words) {
        const testing::SimdLevelScope scope(level);
        const Kernels& kernel = kernels();
        for (const std::int64_t d : {1, 33, 384}) {
            CAPTURE(kernel.name);
            CAPTURE(d);
            Side left(testing::random_matrix(61, d, 1), kernel);
            Side right(testing::random_matrix(250, d, 2), kernel);
            for (Side* side : {&left, &right}) {
                const auto adds = testing::random_matrix(1, side->values.rows(), 3);
                std::copy_n(adds.data(), side->values.rows(), side->add.begin());
                std::fill_n(side->gap.begin(), side->values.rows(), -1e38F);
            }
            const auto found = screen(kernel, left, right);
            REQUIRE(found.size() == 61 * 250);
            std::vector<std::uint32_t> arranged;
            const std::size_t stride = 16 * right.panels;
            std::vector<std::uint64_t> keys(16 * left.panels * stride);
            kernel.screen_keys(left_rows(kernel, left, arranged), right.rows(), static_cast<std::size_t>(left.words), 1000,
                               keys.data());
            int wrong = 0;
            for (std::size_t i = 0; i < 16 * left.panels; ++i) {
                for (std::size_t j = 0; j < stride; ++j) {
                    const std::uint64_t key = keys[i * stride + j];
                    const auto ordered = static_cast<std::uint32_t>(key >> 32);
                    const auto value = std::bit_cast<float>((ordered >> 31) != 0 ? ordered & 0x7FFFFFFFU : ~ordered);
                    const auto hit = found.find({static_cast<int>(i), static_cast<int>(j)});
                    wrong += static_cast<std::uint32_t>(key) != 1000 + j;
                    wrong += hit == found.end() ? value != inf : std::bit_cast<std::uint32_t>(value) != std::bit_cast<std::uint32_t>(hit->second + 0.0F);
                }
            }
            CHECK(wrong == 0);
        }
    }
}

TEST_CASE("screen_block: finds the pairs whose key is at most either limit, and no others") {
    // Small integers: products, sums and gaps are exact, so the comparison is too.
    RandomStream stream(3, "screen limits");
    Matrix<float> x(70, 40);
    Matrix<float> y(75, 40);
    for (auto* m : {&x, &y}) {
        for (float& value : m->values()) value = static_cast<float>(stream.below(7)) - 3;
    }
    std::vector<float> limits(145);
    std::vector<float> adds(145);
    for (float& limit : limits) limit = static_cast<float>(stream.below(60)) - 110;
    for (float& add : adds) add = static_cast<float>(stream.below(40)) - 20;
    std::map<std::pair<int, int>, float> want;
    for (int i = 0; i < 70; ++i) {
        for (int j = 0; j < 75; ++j) {
            float key = adds[static_cast<std::size_t>(i)] + adds[static_cast<std::size_t>(70 + j)];
            for (int k = 0; k < 40; ++k) key -= x(i, k) * y(j, k);
            if (key <= limits[static_cast<std::size_t>(i)] || key <= limits[static_cast<std::size_t>(70 + j)])
                want[{i, j}] = key;
        }
    }
    REQUIRE(want.size() > 50);
    REQUIRE(want.size() < 3000);
    for (const char* level : testing::simd_words) {
        const testing::SimdLevelScope scope(level);
        CAPTURE(kernels().name);
        Side left(x, kernels());
        Side right(y, kernels());
        for (std::size_t i = 0; i < 145; ++i) {
            Side& side = i < 70 ? left : right;
            const std::size_t at = i < 70 ? i : i - 70;
            side.add[at] = adds[i];
            side.gap[at] = adds[i] - limits[i];
        }
        CHECK(screen(kernels(), left, right) == want);
    }
}
