// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <cfloat>
#include <cmath>
#include <iterator>
#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "filmatlas/core/random.hpp"
#include "filmatlas/core/simd.hpp"
#include "filmatlas/linalg/kernels.hpp"
#include "support/levels.hpp"

using namespace filmatlas;
using testing::random_matrix;
using testing::simd_words;
using testing::SimdLevelScope;

namespace {

/// Tables of every level this machine has.
std::vector<const Kernels*> tables() {
    std::vector<const Kernels*> out;
    for (const char* word : simd_words) {
        const SimdLevelScope scope(word);
        if (out.empty() || out.back() != &kernels()) out.push_back(&kernels());
    }
    return out;
}

/// fma(a[i], b[j], c[i]) for 16 x 16 pairs by the kernel: the first step of the product loads c.
void kernel_fma(const Kernels& kernel, const float* a, const float* b, const float* c, float* out) {
    float left[32];
    float right[32];
    for (int r = 0; r < 16; ++r) {
        left[r] = c[r];
        left[16 + r] = a[r];
        right[r] = 1.0F;
        right[16 + r] = b[r];
    }
    kernel.block_product(left, right, 2, 1, out, 16);
}

/// Number of the 256 results that differ from the C library's fma.
int wrong_fmas(const Kernels& kernel, const float* a, const float* b, const float* c) {
    float got[256];
    kernel_fma(kernel, a, b, c, got);
    int wrong = 0;
    for (int i = 0; i < 16; ++i) {
        for (int j = 0; j < 16; ++j) {
            const float want = std::fma(a[i], b[j], c[i]);
            const float have = got[i * 16 + j];
            // A zero accumulator loses its sign in the first step of the product (0 + -0).
            const bool same = std::isnan(want) ? std::isnan(have)
                              : want == 0
                                  ? have == 0
                                  : std::bit_cast<std::uint32_t>(want) == std::bit_cast<std::uint32_t>(have);
            wrong += !same;
        }
    }
    return wrong;
}

float random_bits(RandomStream& stream) {
    for (;;) {
        const float x = std::bit_cast<float>(static_cast<std::uint32_t>(stream.next()));
        if (std::isfinite(x)) return x;
    }
}

}  // namespace

TEST_CASE("kernels: a table per level, no level above what was asked for") {
    const SimdLevelScope scope("baseline");
#if defined(__x86_64__)
    CHECK(std::string(kernels().name) == "sse2");
    const SimdLevelScope best(std::string(to_string(detected_simd_level())).c_str());
#ifndef FILMATLAS_HEADER_ONLY  // which has one table only
    if (detected_simd_level() != SimdLevel::Baseline) {
        CHECK(std::string(kernels().name) == std::string(to_string(detected_simd_level())));
    }
#endif
#endif
    const SimdLevelScope wrong("avx1024");
    CHECK_THROWS_WITH_AS(kernels(), doctest::Contains("use baseline, avx2, avx512, avx512_bf16 or amx"), Error);
}

TEST_CASE("kernels: the multiply-add rounds once at every level, over random bit patterns") {
    for (const Kernels* kernel : tables()) {
        CAPTURE(kernel->name);
        RandomStream stream(7, "fma bits");
        int wrong = 0;
        for (int round = 0; round < 4000; ++round) {
            float a[16];
            float b[16];
            float c[16];
            for (int r = 0; r < 16; ++r) {
                a[r] = random_bits(stream);
                b[r] = random_bits(stream);
                // Half of the sums have parts of comparable size, so that they do not just return one of
                // them.
                c[r] = round % 2 == 0
                           ? random_bits(stream)
                           : static_cast<float>(
                                 static_cast<double>(a[r]) * static_cast<double>(b[r]) *
                                 std::ldexp(stream.normal(), static_cast<int>(stream.below(60)) - 30));
                if (!std::isfinite(c[r])) c[r] = 1.0F;
            }
            wrong += wrong_fmas(*kernel, a, b, c);
        }
        CHECK(wrong == 0);
    }
}

TEST_CASE("kernels: the multiply-add rounds once where two roundings go wrong") {
    for (const Kernels* kernel : tables()) {
        CAPTURE(kernel->name);
        RandomStream stream(8, "fma ties");
        int wrong = 0;
        // c has 24 bits and the product is half a unit of c's last place, give or take the smallest amounts:
        // rounding to float64 first would land on the half-way point and then go the wrong way.
        for (int round = 0; round < 6000; ++round) {
            float a[16];
            float b[16];
            float c[16];
            // Near 1, near the largest and near the smallest normal numbers.
            const int exponents[] = {0, 1, 126, 100, -100, -120, -125, -126, -127, -140};
            const int exponent = exponents[stream.below(10)];
            for (int r = 0; r < 16; ++r) {
                const auto mantissa = static_cast<float>((1U << 23) + stream.below(1U << 23));
                const float sign = stream.below(2) == 0 ? 1.0F : -1.0F;
                c[r] = sign * std::ldexp(mantissa, exponent - 23);
                // a * b = 2^(exponent - 24) * (1 + e1) * (1 + e2), e of a few units of the last place
                const auto near_one = [&] {
                    return 1.0F + static_cast<float>(static_cast<int>(stream.below(7)) - 3) * 0x1.0p-23F;
                };
                const int split = static_cast<int>(stream.below(40)) - 20;
                a[r] = std::ldexp(near_one(), split) * (stream.below(2) == 0 ? 1.0F : -1.0F);
                b[r] = std::ldexp(near_one(), exponent - 24 - split);
            }
            wrong += wrong_fmas(*kernel, a, b, c);
        }
        CHECK(wrong == 0);
    }
}

TEST_CASE("kernels: the multiply-add at the edges: overflow, infinities, zeros, subnormals") {
    const float inf = std::numeric_limits<float>::infinity();
    const float a[16] = {
        0,           -0.0F, 1,   -1,   FLT_MAX,        -FLT_MAX,   FLT_MIN,         0x1.0p-149F,
        0x1.8p-149F, 3,     inf, -inf, 0x1.fffffep-1F, 0x1.0p-75F, 0x1.000002p-75F, 0x1.0p64F};
    const float b[16] = {1,
                         0,
                         -1,
                         2,
                         0.5F,
                         FLT_MAX,
                         FLT_MIN,
                         0x1.0p-74F,
                         0x1.000002p-74F,
                         0x1.fffffep0F,
                         0x1.0p63F,
                         0x1.0p-1F,
                         inf,
                         -0.0F,
                         0x1.0p-149F,
                         1.5F};
    for (const Kernels* kernel : tables()) {
        CAPTURE(kernel->name);
        for (const float c : {0.0F, 1.0F, -1.0F, FLT_MAX, -FLT_MAX, FLT_MIN, -FLT_MIN, 0x1.0p-149F,
                              -0x1.0p-149F, 0x1.fffffcp-127F, 0x1.0p127F}) {
            float all_c[16];
            for (float& x : all_c) x = c;
            CHECK(wrong_fmas(*kernel, a, b, all_c) == 0);
        }
    }
}

TEST_CASE("kernels: every level gives the same bits") {
    const auto levels = tables();
    for (const std::size_t n : {1U, 2U, 15U, 16U, 31U, 32U, 33U, 100U, 384U, 700U}) {
        CAPTURE(n);
        const auto a = random_matrix(16, static_cast<std::int64_t>(n), 3);
        const auto b = random_matrix(4 * 16, static_cast<std::int64_t>(n), 4);
        std::vector<float> sums;
        std::vector<float> block;
        std::vector<double> block64;
        std::vector<std::uint32_t> hits;
        std::vector<double> a64(a.values().begin(), a.values().end());
        std::vector<double> b64(b.values().begin(), b.values().end());
        for (const Kernels* kernel : levels) {
            CAPTURE(kernel->name);
            std::vector<float> now;
            for (std::int64_t i = 0; i < 16; ++i) {
                now.push_back(kernel->dot(a.row_data(i), b.row_data(i), n));
                now.push_back(kernel->squared_l2(a.row_data(i), b.row_data(i), n));
                now.push_back(kernel->squared_l2_scaled(a.row_data(i), 0.3F, b.row_data(i), 1.7F, n));
                now.push_back(kernel->l1(a.row_data(i), b.row_data(i), n));
            }
            std::vector<float> now_block(16 * 64);
            kernel->block_product(a.data(), b.data(), n, 4, now_block.data(), 64);
            std::vector<double> now_block64(8 * 32, 0.5);
            kernel->block_product_f64(a64.data(), b64.data(), n, 4, now_block64.data(), 32, true);
            std::vector<float> limits(64, 0.0F);
            std::vector<std::uint32_t> now_hits(16 * 64);
            now_hits.resize(kernel->scan_pairs(now_block.data(), 64, 16, 64, limits.data(), limits.data(),
                                               2.0F, limits.data(), limits.data(), now_hits.data()));
            std::vector<float> y(n, 0.25F);
            kernel->add_scaled(0.7F, a.data(), y.data(), n);
            now.insert(now.end(), y.begin(), y.end());
            if (sums.empty()) {
                sums = now;
                block = now_block;
                block64 = now_block64;
                hits = now_hits;
            }
            CHECK(testing::same_bits(now, sums));
            CHECK(testing::same_bits(now_block, block));
            CHECK(testing::same_bits(now_block64, block64));
            CHECK(now_hits == hits);
        }
    }
}

TEST_CASE("kernels: reductions agree with float64, are symmetric, and vanish for equal vectors") {
    for (const Kernels* kernel : tables()) {
        CAPTURE(kernel->name);
        for (const std::int64_t n : {1, 3, 31, 64, 385}) {
            const auto m = random_matrix(2, n, static_cast<std::uint64_t>(n));
            const float* a = m.row_data(0);
            const float* b = m.row_data(1);
            double dot = 0;
            double l2 = 0;
            double l1 = 0;
            for (std::int64_t i = 0; i < n; ++i) {
                const double x = static_cast<double>(a[i]);
                const double y = static_cast<double>(b[i]);
                dot += x * y;
                l2 += (x - y) * (x - y);
                l1 += std::abs(x - y);
            }
            const auto size = static_cast<std::size_t>(n);
            CHECK(static_cast<double>(kernel->dot(a, b, size)) == doctest::Approx(dot).epsilon(1e-4));
            CHECK(static_cast<double>(kernel->squared_l2(a, b, size)) == doctest::Approx(l2).epsilon(1e-5));
            CHECK(static_cast<double>(kernel->l1(a, b, size)) == doctest::Approx(l1).epsilon(1e-5));
            CHECK(kernel->dot(a, b, size) == kernel->dot(b, a, size));
            CHECK(kernel->squared_l2(a, b, size) == kernel->squared_l2(b, a, size));
            CHECK(kernel->squared_l2_scaled(a, 0.7F, b, 1.3F, size) ==
                  kernel->squared_l2_scaled(b, 1.3F, a, 0.7F, size));
            CHECK(kernel->squared_l2_scaled(a, 0.7F, a, 0.7F, size) == 0);
            CHECK(kernel->l1(a, a, size) == 0);
        }
    }
}

TEST_CASE("kernels: l1_block gives the bits of l1 pair by pair, whatever the numbers of rows") {
    for (const Kernels* kernel : tables()) {
        CAPTURE(kernel->name);
        for (const std::int64_t n : {1, 31, 32, 33, 100, 384}) {
            const auto m = random_matrix(23, n, static_cast<std::uint64_t>(n) + 40);
            std::vector<const float*> rows;
            for (std::int64_t i = 0; i < 23; ++i) rows.push_back(m.row_data((i * 7) % 23));  // in any order
            const auto size = static_cast<std::size_t>(n);
            for (const std::size_t a_rows : {1U, 3U, 4U, 9U}) {
                for (const std::size_t b_rows : {1U, 2U, 5U, 14U}) {
                    constexpr std::size_t stride = 17;
                    std::vector<float> c(a_rows * stride, -1.0F);
                    std::vector<float> want = c;
                    kernel->l1_block(rows.data(), a_rows, rows.data() + 9, b_rows, size, c.data(), stride);
                    for (std::size_t i = 0; i < a_rows; ++i) {
                        for (std::size_t j = 0; j < b_rows; ++j)
                            want[i * stride + j] = kernel->l1(rows[i], rows[9 + j], size);
                    }
                    CHECK(testing::same_bits(c, want));  // and nothing beside the rows is written
                }
            }
        }
    }
}

TEST_CASE("kernels: an element of a block product is one chain of multiply-adds, wherever it stands") {
    constexpr std::size_t n = 1100;  // more than one piece of the dimension
    const auto a = random_matrix(static_cast<std::int64_t>(n), 16, 5);
    const auto b = random_matrix(static_cast<std::int64_t>(5 * n), 16, 6);
    for (const Kernels* kernel : tables()) {
        CAPTURE(kernel->name);
        for (std::size_t panels = 1; panels <= 5; ++panels) {
            std::vector<float> c(16 * 80, -7.0F);
            kernel->block_product(a.data(), b.data(), n, panels, c.data(), 80);
            bool same = true;
            for (std::size_t i = 0; i < 16; ++i) {
                for (std::size_t j = 0; j < 80; ++j) {
                    float want = -7.0F;  // beyond the panels: untouched
                    if (j < panels * 16) {
                        want = 0;
                        for (std::size_t k = 0; k < n; ++k) {
                            want = std::fma(a.data()[k * 16 + i], b.data()[(j / 16 * n + k) * 16 + j % 16],
                                            want);
                        }
                    }
                    same = same && want == c[i * 80 + j];
                }
            }
            CHECK(same);
            std::vector<float> loose(16 * 80);
            kernel->block_product_loose(a.data(), b.data(), n, panels, loose.data(), 80);
            double worst = 0;
            for (std::size_t i = 0; i < 16; ++i) {
                for (std::size_t j = 0; j < panels * 16; ++j) {
                    worst = std::max(worst, static_cast<double>(std::abs(loose[i * 80 + j] - c[i * 80 + j])));
                }
            }
            CHECK(worst < 1e-2);
        }
    }
}

TEST_CASE("kernels: float32 values give the same float64 products, fused or not") {
    constexpr std::size_t n = 391;
    const auto widened = [](const auto& values) {
        std::vector<double> out;
        for (const float value : values.values()) out.push_back(static_cast<double>(value));
        return out;
    };
    const auto a = widened(random_matrix(static_cast<std::int64_t>(n), 8, 15));
    const auto b = widened(random_matrix(static_cast<std::int64_t>(5 * n), 8, 16));
    std::vector<double> want;
    for (const Kernels* kernel : tables()) {
        CAPTURE(kernel->name);
        std::vector<double> c(8 * 40, 1.0);
        kernel->block_product_exact_f64(a.data(), b.data(), n, 5, c.data(), 40, false);
        if (want.empty()) {
            want.resize(c.size());
            kernel->block_product_f64(a.data(), b.data(), n, 5, want.data(), 40, false);
        }
        CHECK(c == want);
    }
}

TEST_CASE("kernels: scan_pairs finds the pairs at or below either limit, in order") {
    const auto products = random_matrix(16, 48, 9);
    const auto adds = random_matrix(2, 48, 10);
    const auto limits = random_matrix(2, 48, 11);
    std::vector<std::uint32_t> want;
    for (std::uint32_t i = 0; i < 13; ++i) {
        for (std::uint32_t j = 0; j < 48; ++j) {
            const float key = (adds(0, i) + adds(1, j)) - 2.0F * products(i, j);
            if (key <= limits(0, i) || key <= limits(1, j)) want.push_back(i << 16 | j);
        }
    }
    REQUIRE(!want.empty());
    for (const Kernels* kernel : tables()) {
        CAPTURE(kernel->name);
        std::vector<std::uint32_t> hits(16 * 48);
        hits.resize(kernel->scan_pairs(products.data(), 48, 13, 48, adds.row_data(0), adds.row_data(1), 2.0F,
                                       limits.row_data(0), limits.row_data(1), hits.data()));
        CHECK(hits == want);
    }
}

TEST_CASE("kernels: at_least_kth gives one of the values, the k-th smallest or one near above, the same at every level") {
    RandomStream stream(5, "kth", 0);
    int exact = 0;
    int cases = 0;
    for (std::size_t count = 1; count <= 70; ++count) {
        for (const std::uint64_t spread : {3ULL, 1000ULL, 4000000000ULL}) {
            std::vector<std::int32_t> values(count);
            for (std::int32_t& value : values)
                value = static_cast<std::int32_t>(static_cast<std::int64_t>(stream.below(spread)) - static_cast<std::int64_t>(spread / 2));
            std::vector<std::int32_t> sorted = values;
            std::sort(sorted.begin(), sorted.end());
            for (const std::size_t k : {std::size_t{1}, (count + 1) / 2, count}) {
                CAPTURE(count);
                CAPTURE(k);
                std::optional<std::int32_t> first;
                for (const Kernels* kernel : tables()) {
                    std::vector<std::int32_t> room = values;
                    room.resize((count + 15) / 16 * 16);
                    const std::int32_t found = kernel->at_least_kth(room.data(), count, k);
                    CHECK(std::binary_search(sorted.begin(), sorted.end(), found));
                    CHECK(found >= sorted[k - 1]);
                    CHECK(found == first.value_or(found));
                    first = found;
                }
                exact += *first == sorted[k - 1] ? 1 : 0;
                // Ten halvings of the range: what is taken for the k-th lies within a thousandth of it.
                CHECK(static_cast<double>(*first) - static_cast<double>(sorted[k - 1]) <= 1 + static_cast<double>(spread) / 1000);
                ++cases;
            }
        }
    }
    CHECK(exact > cases / 2);
}

TEST_CASE("kernels: key_bounds adds to the float of a key what its number says, keep_at_most keeps the order") {
    RandomStream stream(7, "keys", 0);
    const auto ordered = [](float x) {
        const auto bits = std::bit_cast<std::uint32_t>(x);
        return (bits >> 31) != 0 ? ~bits : bits | 0x80000000U;
    };
    const auto add = random_matrix(1, 300, 8);
    for (std::size_t count = 0; count <= 70; ++count) {
        CAPTURE(count);
        std::vector<std::uint64_t> keys;
        std::vector<std::int32_t> bounds;
        for (std::size_t i = 0; i < count; ++i) {
            const float sizes[] = {0.0F, 1.0F, -1.0F, 1e30F, -1e-30F, std::numeric_limits<float>::infinity()};
            const float value = sizes[stream.below(6)] * static_cast<float>(stream.uniform() + 0.5);
            const auto number = static_cast<std::uint32_t>(stream.below(300));
            keys.push_back(std::uint64_t{ordered(value + 0.0F)} << 32 | number);
            const auto bits = std::bit_cast<std::int32_t>((value + 0.0F) + add(0, number));
            bounds.push_back(bits ^ (bits >> 31 & 0x7FFFFFFF));
        }
        const std::uint64_t limit = count == 0 ? 0 : keys[stream.below(count)];
        std::vector<std::uint64_t> kept;
        std::copy_if(keys.begin(), keys.end(), std::back_inserter(kept), [limit](std::uint64_t key) { return key <= limit; });
        for (const Kernels* kernel : tables()) {
            CAPTURE(kernel->name);
            std::vector<std::int32_t> out(count + 1, 77);
            kernel->key_bounds(keys.data(), count, add.data(), out.data());
            CHECK(out.back() == 77);
            out.pop_back();
            CHECK(out == bounds);
            std::vector<std::uint64_t> left = keys;
            left.push_back(99);
            CHECK(kernel->keep_at_most(left.data(), count, limit) == kept.size());
            CHECK(left.back() == 99);
            left.resize(kept.size());
            CHECK(left == kept);
        }
    }
}

TEST_CASE("kernels: sort_few sorts, and take_near keeps the near points of a leaf in their order, with the bits of squared_l2") {
    RandomStream stream(6, "few", 0);
    for (std::size_t count = 0; count <= 40; ++count) {
        CAPTURE(count);
        std::vector<std::uint64_t> keys(count);
        for (std::uint64_t& key : keys) key = mix64(stream.below(1U << 30));
        std::vector<std::uint64_t> sorted = keys;
        std::sort(sorted.begin(), sorted.end());
        for (const Kernels* kernel : tables()) {
            CAPTURE(kernel->name);
            std::vector<std::uint64_t> out(count);
            kernel->sort_few(keys.data(), count, out.data());
            CHECK(out == sorted);
        }
    }
    for (const std::size_t coordinates : {2U, 4U, 8U, 16U}) {
        const auto rows = random_matrix(17, static_cast<std::int64_t>(coordinates), 12);
        std::vector<float> points(coordinates * 16);
        for (std::size_t k = 0; k < coordinates; ++k) {
            for (std::size_t j = 0; j < 16; ++j) points[k * 16 + j] = rows(static_cast<std::int64_t>(j), static_cast<std::int64_t>(k));
        }
        for (const std::size_t count : {1U, 7U, 16U}) {
            for (const Kernels* kernel : tables()) {
                CAPTURE(kernel->name);
                std::vector<float> all;
                for (std::size_t j = 0; j < count; ++j)
                    all.push_back(kernel->squared_l2(rows.row_data(16), rows.row_data(static_cast<std::int64_t>(j)), coordinates));
                std::vector<float> ordered = all;
                std::sort(ordered.begin(), ordered.end());
                const float limit = ordered[count / 2];  // one of them: at most, not below
                std::vector<float> want;
                std::vector<std::int32_t> want_numbers;
                for (std::size_t j = 0; j < count; ++j) {
                    if (all[j] > limit) continue;
                    want.push_back(all[j]);
                    want_numbers.push_back(100 + static_cast<std::int32_t>(j));
                }
                std::vector<float> squared(16);
                std::vector<std::int32_t> numbers(16);
                const std::size_t taken = kernel->take_near(rows.row_data(16), points.data(), coordinates, count, limit, 100,
                                                            squared.data(), numbers.data());
                squared.resize(taken);
                numbers.resize(taken);
                CHECK(testing::same_bits(squared, want));
                CHECK(numbers == want_numbers);
            }
        }
    }
}

TEST_CASE("kernels: all 65,536 half floats to float32 and back") {
    std::vector<std::uint16_t> halves(65536);
    for (std::size_t i = 0; i < halves.size(); ++i) halves[i] = static_cast<std::uint16_t>(i);
    std::vector<float> first;
    for (const Kernels* kernel : tables()) {
        CAPTURE(kernel->name);
        std::vector<float> wide(halves.size());
        kernel->half_to_float(halves.data(), wide.data(), halves.size());
        CHECK(wide[0x3C00] == 1.0F);
        CHECK(wide[0x0001] == 0x1.0p-24F);
        CHECK(wide[0x03FF] == 1023 * 0x1.0p-24F);
        CHECK(wide[0x7BFF] == 65504.0F);
        CHECK(wide[0xFC00] == -std::numeric_limits<float>::infinity());
        CHECK(std::isnan(wide[0x7C01]));
        CHECK(std::signbit(wide[0x8000]));
        if (first.empty()) first = wide;
        CHECK(testing::same_bits(wide, first));
        std::vector<std::uint16_t> back(halves.size());
        kernel->float_to_half(wide.data(), back.data(), back.size());
        int wrong = 0;
        for (std::size_t i = 0; i < halves.size(); ++i) {
            const bool nan = (i & 0x7FFF) > 0x7C00;
            wrong += back[i] != (nan ? halves[i] | 0x200 : halves[i]);
        }
        CHECK(wrong == 0);
    }
}

TEST_CASE("kernels: float32 to half and bfloat16 rounds to nearest even") {
    RandomStream stream(12, "half");
    std::vector<float> x = {65519.996F, 65520.0F,     -65520.0F,        0x1.0p-25F,       0x1.000002p-25F,
                            0x1.8p-24F, 0x1.ffcp-15F, 0x1.ffep-15F,     2049.0F,          2051.0F,
                            1e-10F,     -0.0F,        1.0F + 0x1.0p-8F, 1.0F + 0x1.8p-7F, FLT_MAX};
    for (int i = 0; i < 100000; ++i)
        x.push_back(std::ldexp(static_cast<float>(stream.normal()), static_cast<int>(stream.below(44)) - 28));
    for (const Kernels* kernel : tables()) {
        CAPTURE(kernel->name);
        std::vector<std::uint16_t> half(x.size());
        std::vector<float> back(x.size());
        kernel->float_to_half(x.data(), half.data(), x.size());
        kernel->half_to_float(half.data(), back.data(), x.size());
        CHECK(half[0] == 0x7BFF);  // below the half-way point to 65536
        CHECK(half[1] == 0x7C00);
        CHECK(half[2] == 0xFC00);
        CHECK(half[3] == 0);  // half of the smallest: to even
        CHECK(half[4] == 1);
        CHECK(half[5] == 2);  // 1.5 units: to even
        CHECK(back[8] == 2048.0F);
        CHECK(back[9] == 2052.0F);
        CHECK(half[11] == 0x8000);
        int wrong = 0;
        for (std::size_t i = 0; i < x.size(); ++i) {
            if (!(std::abs(x[i]) < 65504.0F)) continue;
            // Neighbours in half precision are no nearer.
            for (const int step : {-1, 1}) {
                const auto other = static_cast<std::uint16_t>(half[i] + step);
                if ((half[i] & 0x7FFF) == 0 && step < 0) continue;
                float value = 0;
                kernel->half_to_float(&other, &value, 1);
                if (!std::isfinite(value)) continue;
                const double exact = static_cast<double>(x[i]);
                const double here = std::abs(static_cast<double>(back[i]) - exact);
                const double there = std::abs(static_cast<double>(value) - exact);
                wrong += there < here || (there == here && (half[i] & 1) != 0);
            }
        }
        CHECK(wrong == 0);
        std::vector<std::uint16_t> brain(x.size());
        kernel->float_to_bfloat16(x.data(), brain.data(), x.size());
        kernel->bfloat16_to_float(brain.data(), back.data(), x.size());
        CHECK(back[12] == 1.0F);  // a tie: to even
        CHECK(back[13] == 1.0F + 0x1.0p-6F);
        CHECK(std::isinf(back[14]));
        wrong = 0;
        for (std::size_t i = 15; i < x.size(); ++i)
            wrong += std::abs(back[i] - x[i]) > std::abs(x[i]) * 0x1.0p-8F;
        CHECK(wrong == 0);
        const float nan = std::nanf("");
        std::uint16_t out = 0;
        kernel->float_to_bfloat16(&nan, &out, 1);
        CHECK((out & 0x7FFF) > 0x7F80);
    }
}
