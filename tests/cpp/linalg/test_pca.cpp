// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cmath>

#include "filmatlas/core/error.hpp"
#include "filmatlas/linalg/pca.hpp"
#include "support/levels.hpp"

using namespace filmatlas;
using testing::random_matrix;

namespace {

/// Rows with variances 4^2, 2^2, 1, ... along rotated axes, far from the origin.
Matrix<float> stretched(std::int64_t n, std::int64_t d, std::uint64_t seed) {
    auto x = random_matrix(n, d, seed);
    for (std::int64_t i = 0; i < n; ++i) {
        for (std::int64_t j = 0; j < d; ++j)
            x(i, j) *= std::ldexp(4.0F, -static_cast<int>(std::min<std::int64_t>(j, 12)));
        // Householder reflection by the vector of ones, then a shift.
        float sum = 0;
        for (std::int64_t j = 0; j < d; ++j) sum += x(i, j);
        for (std::int64_t j = 0; j < d; ++j) x(i, j) = x(i, j) - 2 * sum / static_cast<float>(d) + 100.0F;
    }
    return x;
}

double dot(const Matrix<float>& a, std::int64_t i, const Matrix<float>& b, std::int64_t j) {
    double sum = 0;
    for (std::int64_t k = 0; k < a.cols(); ++k)
        sum += static_cast<double>(a(i, k)) * static_cast<double>(b(j, k));
    return sum;
}

}  // namespace

TEST_CASE("pca: points on a line, by hand") {
    const Matrix<float> x(3, 2, {0, 0, 3, 4, 6, 8});
    const auto r = pca(x.view(), {.n_components = 2});
    CHECK(r.mean == std::vector<float>{3, 4});
    CHECK(r.explained_variance[0] == doctest::Approx(25));
    CHECK(r.explained_variance[1] == doctest::Approx(0));
    CHECK(r.explained_variance_ratio[0] == doctest::Approx(1));
    CHECK(r.components(0, 0) == doctest::Approx(0.6));
    CHECK(r.components(0, 1) == doctest::Approx(0.8));
    CHECK(r.transformed(0, 0) == doctest::Approx(-5));
    CHECK(r.transformed(2, 0) == doctest::Approx(5));
    CHECK(r.method == "covariance");
}

TEST_CASE("pca: orthonormal axes, variances of the coordinates, ratios, signs") {
    const auto x = stretched(700, 20, 1);
    const auto r = pca(x.view(), {.n_components = 6});
    double total = 0;
    for (std::int64_t j = 0; j < 20; ++j) {
        double sum = 0;
        double squares = 0;
        for (std::int64_t i = 0; i < 700; ++i) sum += static_cast<double>(x(i, j));
        for (std::int64_t i = 0; i < 700; ++i)
            squares += std::pow(static_cast<double>(x(i, j)) - sum / 700, 2);
        total += squares / 699;
    }
    for (std::int64_t a = 0; a < 6; ++a) {
        for (std::int64_t b = 0; b < 6; ++b) {
            CHECK(dot(r.components, a, r.components, b) == doctest::Approx(a == b ? 1.0 : 0.0).epsilon(1e-5));
        }
        double variance = 0;
        for (std::int64_t i = 0; i < 700; ++i)
            variance += std::pow(static_cast<double>(r.transformed(i, a)), 2);
        const auto at = static_cast<std::size_t>(a);
        CHECK(variance / 699 == doctest::Approx(r.explained_variance[at]).epsilon(1e-4));
        CHECK(r.explained_variance_ratio[at] ==
              doctest::Approx(r.explained_variance[at] / total).epsilon(1e-6));
        if (a > 0) CHECK(r.explained_variance[at] <= r.explained_variance[at - 1]);
        float largest = 0;
        for (const float value : r.components.row(a))
            largest = std::abs(value) > std::abs(largest) ? value : largest;
        CHECK(largest > 0);
    }
    CHECK(r.explained_variance[0] == doctest::Approx(16).epsilon(0.2));
}

TEST_CASE("pca: the randomised way finds the same axes") {
    const auto x = stretched(300, 2100, 2);
    const auto r = pca(x.view(), {.n_components = 4});
    CHECK(r.method == "randomized");
    // Every component is an eigenvector of the scatter matrix: X^T X v = lambda v.
    for (std::int64_t a = 0; a < 4; ++a) {
        std::vector<double> image(2100, 0.0);
        for (std::int64_t i = 0; i < 300; ++i) {
            for (std::size_t j = 0; j < 2100; ++j) {
                image[j] += static_cast<double>(r.transformed(i, a)) *
                            (static_cast<double>(x(i, static_cast<std::int64_t>(j))) -
                             static_cast<double>(r.mean[j]));
            }
        }
        const double value = r.explained_variance[static_cast<std::size_t>(a)] * 299;
        double residual = 0;
        for (std::size_t j = 0; j < 2100; ++j) {
            residual += std::pow(
                image[j] - value * static_cast<double>(r.components(a, static_cast<std::int64_t>(j))), 2);
        }
        CHECK(std::sqrt(residual) < 2e-3 * value);
    }
    CHECK(
        testing::same_bits(pca(x.view(), {.n_components = 4, .num_threads = 3}).transformed, r.transformed));
}

TEST_CASE("pca: same bits for any threads and level; transform equals the fit, row by row") {
    const auto x = stretched(600, 40, 3);
    const auto r = pca(x.view(), {.n_components = 7, .num_threads = 1});
    for (const char* level : testing::simd_words) {
        const testing::SimdLevelScope scope(level);
        for (const int threads : {1, 2, 3}) {
            const auto again = pca(x.view(), {.n_components = 7, .num_threads = threads});
            CHECK(testing::same_bits(again.components, r.components));
            CHECK(testing::same_bits(again.transformed, r.transformed));
            CHECK(again.explained_variance == r.explained_variance);
        }
    }
    for (const std::int64_t i : {0, 17, 599}) {
        const auto one = pca_transform(r, MatrixView<const float>(x.row_data(i), 1, 40));
        for (std::int64_t c = 0; c < 7; ++c) CHECK(one(0, c) == r.transformed(i, c));
    }
}

TEST_CASE("pca: constant data has no variance; bad input is named") {
    Matrix<float> x(5, 3);
    for (float& value : x.values()) value = 2;
    const auto r = pca(x.view(), {.n_components = 2});
    CHECK(r.explained_variance == std::vector<double>{0, 0});
    CHECK(r.explained_variance_ratio == std::vector<double>{0, 0});
    for (const float value : r.transformed.values()) CHECK(value == 0);
    CHECK_THROWS_WITH_AS(pca(x.view(), {.n_components = 4}), doctest::Contains("use at most 3"), Error);
    CHECK_THROWS_WITH_AS(pca(x.view(), {.n_components = 0}), doctest::Contains("n_components: is 0"), Error);
    x(3, 1) = INFINITY;
    CHECK_THROWS_WITH_AS(pca(x.view(), {.n_components = 1}), doctest::Contains("not finite [row 3]"), Error);
    CHECK_THROWS_WITH_AS(pca(Matrix<float>(1, 3).view(), {.n_components = 1}),
                         doctest::Contains("at least two"), Error);
    CHECK_THROWS_AS(pca_transform(r, Matrix<float>(1, 2).view()), Error);
}

TEST_CASE("pca: few of many axes equal the full decomposition; clusters of equal variances; any magnitude") {
    const auto x = stretched(500, 96, 6);
    const auto few = pca(x.view(), {.n_components = 8});
    const auto many = pca(x.view(), {.n_components = 90});
    for (std::int64_t a = 0; a < 8; ++a) {
        CHECK(few.explained_variance[static_cast<std::size_t>(a)] ==
              doctest::Approx(many.explained_variance[static_cast<std::size_t>(a)]).epsilon(1e-9));
        CHECK(std::abs(dot(few.components, a, many.components, a)) == doctest::Approx(1).epsilon(1e-6));
    }
    // Corners of a scaled cross: 64 variances, all equal.
    Matrix<float> cross(128, 64);
    for (std::int64_t i = 0; i < 64; ++i) {
        cross(2 * i, i) = 3;
        cross(2 * i + 1, i) = -3;
    }
    const auto equal = pca(cross.view(), {.n_components = 5});
    for (std::int64_t a = 0; a < 5; ++a) {
        CHECK(equal.explained_variance[static_cast<std::size_t>(a)] == doctest::Approx(18.0 / 127).epsilon(1e-6));
        for (std::int64_t b = 0; b < 5; ++b)
            CHECK(std::abs(dot(equal.components, a, equal.components, b) - (a == b)) < 1e-6);
    }
    for (const float size : {1e-25F, 1e25F}) {
        Matrix<float> scaled(500, 96);
        for (std::int64_t i = 0; i < 500; ++i) {
            for (std::int64_t j = 0; j < 96; ++j) scaled(i, j) = x(i, j) * size;
        }
        const auto r = pca(scaled.view(), {.n_components = 4});
        const double unit = static_cast<double>(size);
        CHECK(r.explained_variance[0] / unit / unit == doctest::Approx(few.explained_variance[0]).epsilon(1e-3));
    }
}

TEST_CASE("pca: one pass over many rows equals the exact centre; drifting, mixed and broken rows too") {
    const std::int64_t n = 5000;
    const auto check = [&](const Matrix<float>& x, std::int64_t c) {
        const auto r = pca(x.view(), {.n_components = 3, .num_threads = 1});
        for (std::int64_t j = 0; j < x.cols(); ++j) {
            double sum = 0;
            for (std::int64_t i = 0; i < n; ++i) sum += static_cast<double>(x(i, j));
            const double mean = sum / static_cast<double>(n);
            CHECK(static_cast<double>(r.mean[static_cast<std::size_t>(j)]) == doctest::Approx(mean).epsilon(1e-6));
        }
        for (std::int64_t a = 0; a < c; ++a) {
            double squares = 0;
            for (std::int64_t i = 0; i < n; ++i) squares += std::pow(static_cast<double>(r.transformed(i, a)), 2);
            CHECK(squares / static_cast<double>(n - 1) ==
                  doctest::Approx(r.explained_variance[static_cast<std::size_t>(a)]).epsilon(1e-5));
        }
        for (const char* level : testing::simd_words) {
            const testing::SimdLevelScope scope(level);
            const auto again = pca(x.view(), {.n_components = 3, .num_threads = 3});
            CHECK(testing::same_bits(again.transformed, r.transformed));
            CHECK(again.mean == r.mean);
        }
        return r;
    };
    auto x = stretched(n, 37, 11);
    const auto plain = check(x, 3);
    // One row far beyond all others, which the sample does not see.
    for (std::int64_t j = 0; j < x.cols(); ++j) x(4999, j) += 1e6F;
    const auto far = check(x, 1);
    CHECK(far.explained_variance[0] > 1e6 * plain.explained_variance[0]);
    for (std::int64_t j = 0; j < x.cols(); ++j) x(4999, j) = 1e30F;
    CHECK(std::isfinite(check(x, 1).explained_variance[0]));
    x(4321, 5) = NAN;
    CHECK_THROWS_WITH_AS(pca(x.view(), {.n_components = 1}), doctest::Contains("not finite [row 4321]"), Error);
}

TEST_CASE("pca: the leading axes of many shapes are eigenvectors, equal variances or not") {
    for (const std::int64_t d : {32, 33, 47, 64, 130}) {
        for (const bool repeated : {false, true}) {
            auto x = random_matrix(400, d, static_cast<std::uint64_t>(d));
            if (repeated) {  // every column twice: half of the variances are 0
                for (std::int64_t i = 0; i < 400; ++i) {
                    for (std::int64_t j = d / 2; j < d / 2 * 2; ++j) x(i, j) = x(i, j - d / 2);
                }
            }
            const auto few = pca(x.view(), {.n_components = static_cast<int>(d / 3)});
            const auto all = pca(x.view(), {.n_components = static_cast<int>(d)});
            for (std::int64_t a = 0; a < d / 3; ++a) {
                const auto at = static_cast<std::size_t>(a);
                CHECK(few.explained_variance[at] == doctest::Approx(all.explained_variance[at]).epsilon(1e-9));
                double squares = 0;
                for (std::int64_t i = 0; i < 400; ++i) squares += std::pow(static_cast<double>(few.transformed(i, a)), 2);
                CHECK(squares / 399 == doctest::Approx(few.explained_variance[at]).epsilon(1e-5));
                for (std::int64_t b = 0; b < d / 3; ++b)
                    CHECK(std::abs(dot(few.components, a, few.components, b) - (a == b)) < 1e-6);
            }
        }
    }
}
