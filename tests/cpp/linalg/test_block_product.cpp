// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cmath>

#include "filmatlas/core/error.hpp"
#include "filmatlas/linalg/block_product.hpp"
#include "support/levels.hpp"

using namespace filmatlas;
using testing::random_matrix;

namespace {

template <class T>
double worst_error(const Matrix<T>& got, const Matrix<T>& a, const Matrix<T>& b) {
    double worst = 0;
    for (std::int64_t i = 0; i < a.rows(); ++i) {
        for (std::int64_t j = 0; j < b.rows(); ++j) {
            double want = 0;
            for (std::int64_t k = 0; k < a.cols(); ++k)
                want += static_cast<double>(a(i, k)) * static_cast<double>(b(j, k));
            worst = std::max(worst, std::abs(want - static_cast<double>(got(i, j))));
        }
    }
    return worst;
}

template <class T>
MatrixView<const T> view(const Matrix<T>& m) {
    return m.view();
}

}  // namespace

TEST_CASE("PackedRows: rows stand side by side in aligned panels, the last one padded with zeros") {
    const auto m = random_matrix(19, 3, 1);
    const PackedRows<float> packed(m.view(), 2);
    CHECK(packed.panels() == 2);
    CHECK(reinterpret_cast<std::uintptr_t>(packed.panel(1)) % 64 == 0);
    for (std::int64_t i = 0; i < 32; ++i) {
        for (std::int64_t k = 0; k < 3; ++k) {
            CHECK(packed.panel(i / 16)[k * 16 + i % 16] == (i < 19 ? m(i, k) : 0.0F));
        }
    }
    CHECK(PackedRows<float>::bytes(19, 3) == 2 * 64 * 3);
    CHECK(PackedRows<double>(Matrix<double>(9, 2).view()).panels() == 2);
}

TEST_CASE("multiply_transposed: equals the float64 reference for every shape") {
    for (const std::int64_t n : {1, 15, 16, 33}) {
        for (const std::int64_t m : {1, 17, 300}) {
            for (const std::int64_t d : {1, 8, 100}) {
                CAPTURE(n);
                CAPTURE(m);
                CAPTURE(d);
                const auto a = random_matrix(n, d, 1);
                const auto b = random_matrix(m, d, 2);
                CHECK(worst_error(multiply_transposed(a.view(), b.view()), a, b) < 1e-4);
                const auto a64 = random_matrix<double>(n, d, 1);
                const auto b64 = random_matrix<double>(m, d, 2);
                CHECK(worst_error(multiply_transposed(a64.view(), b64.view()), a64, b64) < 1e-11);
            }
        }
    }
    CHECK(multiply_transposed(view(Matrix<float>(0, 3)), view(Matrix<float>(2, 3))).rows() == 0);
    CHECK_THROWS_WITH_AS(multiply_transposed(view(Matrix<float>(1, 3)), view(Matrix<float>(2, 4))),
                         doctest::Contains("3 and 4 columns"), Error);
}

TEST_CASE("multiply_transposed, inner_products: same bits for any threads and level") {
    const auto a = random_matrix<double>(3000, 21, 1);
    const auto b = random_matrix<double>(3000, 13, 2);
    const auto f = random_matrix(70, 50, 3);
    const auto gram = inner_products(a.view(), a.view(), 1);
    const auto cross = inner_products(a.view(), b.view(), 1);
    const auto product = multiply_transposed(f.view(), f.view(), 1);
    for (const char* level : testing::simd_words) {
        const testing::SimdLevelScope scope(level);
        for (const int threads : {1, 2, 3}) {
            CHECK(testing::same_bits(gram, inner_products(a.view(), a.view(), threads)));
            CHECK(testing::same_bits(cross, inner_products(a.view(), b.view(), threads)));
            CHECK(testing::same_bits(product, multiply_transposed(f.view(), f.view(), threads)));
        }
    }
}

TEST_CASE("inner_products: equals the float64 reference; a product with itself is symmetric") {
    for (const std::int64_t n : {1, 255, 257, 1500}) {
        const auto a = random_matrix<double>(n, 9, 1);
        const auto b = random_matrix<double>(n, 17, 2);
        const auto cross = inner_products(a.view(), b.view());
        const auto gram = inner_products(a.view(), a.view());
        double worst = 0;
        for (std::int64_t i = 0; i < 9; ++i) {
            for (std::int64_t j = 0; j < 17; ++j) {
                double want = 0;
                double want_gram = 0;
                for (std::int64_t r = 0; r < n; ++r) {
                    want += a(r, i) * b(r, j);
                    if (j < 9) want_gram += a(r, i) * a(r, j);
                }
                worst = std::max(worst, std::abs(want - cross(i, j)));
                if (j < 9) worst = std::max(worst, std::abs(want_gram - gram(i, j)));
                if (j < 9) CHECK(gram(i, j) == gram(j, i));
            }
        }
        CHECK(worst < 1e-10 * static_cast<double>(n));
    }
    CHECK_THROWS_AS(inner_products(view(Matrix<double>(2, 1)), view(Matrix<double>(3, 1))), Error);
}
