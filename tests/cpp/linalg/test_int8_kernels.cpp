// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "filmatlas/core/random.hpp"
#include "filmatlas/linalg/int8_kernels.hpp"
#include "support/levels.hpp"

using namespace filmatlas;

namespace {

struct alignas(64) Line {
    std::byte bytes[64];
};

std::vector<std::int8_t> random_rows(std::size_t count, std::size_t n, std::uint64_t seed, bool extreme) {
    RandomStream stream(seed, "int8 test");
    std::vector<std::int8_t> rows(count * n);
    for (auto& x : rows) {
        x = extreme ? static_cast<std::int8_t>(stream.below(2) == 0 ? -127 : 127)
                    : static_cast<std::int8_t>(static_cast<int>(stream.below(255)) - 127);
    }
    return rows;
}

std::int32_t plain_dot(const std::int8_t* a, const std::int8_t* b, std::size_t n) {
    std::int32_t sum = 0;
    for (std::size_t k = 0; k < n; ++k) sum += static_cast<std::int32_t>(a[k]) * b[k];
    return sum;
}

}  // namespace

TEST_CASE("int8_kernels: products and projections equal plain loops on every level") {
    for (const char* word : testing::simd_words) {
        const testing::SimdLevelScope scope(word);
        const Int8Kernels& kernel = int8_kernels();
        CAPTURE(kernel.name);
        for (const std::size_t n : {64, 128, 384, 4096}) {
            for (const std::size_t count : {1, 2, 15, 16, 17, 33, 61}) {
                for (const bool extreme : {false, true}) {
                    const auto values = random_rows(count, n, n + count, extreme);
                    const std::size_t padded = (count + 15) / 16 * 16;
                    std::vector<const std::int8_t*> rows;
                    std::vector<float> scale(padded, 0.0F);
                    for (std::size_t i = 0; i < count; ++i) {
                        rows.push_back(values.data() + (i * 7 % count) * n);
                        scale[i] = 0.37F * static_cast<float>(i + 1);
                    }
                    std::vector<Line> scratch(padded * n * 2 / 64);
                    const std::size_t stride = padded + 3;
                    for (const std::size_t left : {count, (count + 1) / 2}) {
                        std::vector<float> c(padded * stride, -1.0F);
                        kernel.scaled_products(rows.data(), scale.data(), count, left, n, scratch[0].bytes,
                                               c.data(), stride);
                        int wrong = 0;
                        for (std::size_t i = 0; i < left; ++i) {
                            for (std::size_t j = i / 16 * 16; j < count; ++j) {
                                const float want =
                                    static_cast<float>(plain_dot(rows[i], rows[j], n)) * (scale[i] * scale[j]);
                                wrong += std::memcmp(&want, &c[i * stride + j], sizeof want) != 0;
                            }
                        }
                        CHECK(wrong == 0);
                    }
                    const auto direction = random_rows(1, n, 9, extreme);
                    std::vector<std::uint32_t> ids;
                    for (std::size_t i = 0; i < count; ++i)
                        ids.push_back(static_cast<std::uint32_t>(i * 5 % count));
                    std::vector<std::int32_t> out(count);
                    kernel.project(values.data(), ids.data(), count, direction.data(), n, out.data());
                    int wrong = 0;
                    for (std::size_t i = 0; i < count; ++i)
                        wrong += out[i] != plain_dot(values.data() + ids[i] * n, direction.data(), n);
                    CHECK(wrong == 0);
                }
            }
        }
    }
}

TEST_CASE("int8_kernels: the longest rows of the largest values do not overflow") {
    const std::vector<std::int8_t> values(2 * int8_max_row, 127);
    const std::int8_t* rows[2] = {values.data(), values.data() + int8_max_row};
    std::vector<Line> scratch(16 * int8_max_row * 2 / 64);
    const std::vector<float> scale(16, 1.0F);
    std::vector<float> c(16 * 16);
    for (const char* word : testing::simd_words) {
        const testing::SimdLevelScope scope(word);
        int8_kernels().scaled_products(rows, scale.data(), 2, 2, int8_max_row, scratch[0].bytes, c.data(), 16);
        CHECK(c[1] == 127.0F * 127.0F * static_cast<float>(int8_max_row));
    }
}
