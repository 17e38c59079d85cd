// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "filmatlas/linalg/sparse.hpp"
#include "filmatlas/linalg/truncated_svd.hpp"
#include "support/levels.hpp"

using namespace filmatlas;

namespace {

CsrMatrix<float> term_counts(std::int64_t rows, std::int64_t cols, std::uint64_t seed) {
    RandomStream stream(seed, "svd");
    std::vector<SparseEntry<float>> entries;
    for (std::int64_t i = 0; i < rows; ++i) {
        for (int e = 0; e < 12; ++e) {
            const double u = stream.uniform();
            entries.push_back({static_cast<Index>(i), static_cast<Index>(u * u * static_cast<double>(cols)),
                               static_cast<float>(stream.uniform() + 0.1)});
        }
    }
    return csr_from_entries<float>(rows, cols, std::move(entries));
}

void check_orthonormal(const Matrix<float>& x, std::int64_t columns) {
    for (std::int64_t a = 0; a < columns; ++a) {
        for (std::int64_t b = 0; b < columns; ++b) {
            double sum = 0;
            for (std::int64_t i = 0; i < x.rows(); ++i)
                sum += static_cast<double>(x(i, a)) * static_cast<double>(x(i, b));
            REQUIRE(std::abs(sum - (a == b)) < 1e-5);
        }
    }
}

}  // namespace

TEST_CASE("truncated_svd: a diagonal matrix, by hand") {
    const auto a = csr_from_entries<float>(4, 3, {{0, 0, 2}, {1, 1, -5}, {3, 2, 3}});
    const auto r = truncated_svd(a, {.n_components = 3});
    CHECK(r.singular_values[0] == doctest::Approx(5));
    CHECK(r.singular_values[1] == doctest::Approx(3));
    CHECK(r.singular_values[2] == doctest::Approx(2));
    CHECK(r.v(1, 0) == doctest::Approx(1));
    CHECK(r.u(1, 0) == doctest::Approx(-1));
    CHECK(r.u(3, 1) == doctest::Approx(1));
}

TEST_CASE("truncated_svd: singular triplets have small residuals, columns are orthonormal, signs are fixed") {
    const auto a = term_counts(300, 120, 1);
    const auto t = transpose(a);
    const auto r = truncated_svd(a, {.n_components = 10, .n_iterations = 12});
    check_orthonormal(r.u, 10);
    check_orthonormal(r.v, 10);
    const auto av = multiply<float>(a, r.v.view());
    const auto atu = multiply<float>(t, r.u.view());
    for (std::int64_t j = 0; j < 10; ++j) {
        const double s = r.singular_values[static_cast<std::size_t>(j)];
        if (j > 0) CHECK(s <= r.singular_values[static_cast<std::size_t>(j) - 1]);
        double left = 0;
        double right = 0;
        for (std::int64_t i = 0; i < 300; ++i)
            left += std::pow(static_cast<double>(av(i, j)) - s * static_cast<double>(r.u(i, j)), 2);
        for (std::int64_t i = 0; i < 120; ++i)
            right += std::pow(static_cast<double>(atu(i, j)) - s * static_cast<double>(r.v(i, j)), 2);
        CHECK(std::sqrt(left) < 1e-4 * r.singular_values[0]);
        CHECK(std::sqrt(right) < 2e-2 * r.singular_values[0]);
        float largest = 0;
        for (std::int64_t i = 0; i < 120; ++i)
            largest = std::abs(r.v(i, j)) > std::abs(largest) ? r.v(i, j) : largest;
        CHECK(largest > 0);
    }
    // The Frobenius norm bounds what the triplets hold; the full set holds all of it.
    double squares = 0;
    for (const float value : a.values) squares += static_cast<double>(value) * static_cast<double>(value);
    const auto all = truncated_svd(a, {.n_components = 120});
    double held = 0;
    for (const double s : all.singular_values) held += s * s;
    CHECK(held == doctest::Approx(squares).epsilon(1e-9));
    CHECK(all.singular_values[0] == doctest::Approx(r.singular_values[0]).epsilon(1e-9));
}

TEST_CASE("truncated_svd: same bits for any threads and level") {
    const auto a = term_counts(900, 400, 2);
    const auto r = truncated_svd(a, {.n_components = 20, .num_threads = 1});
    for (const char* level : testing::simd_words) {
        const testing::SimdLevelScope scope(level);
        for (const int threads : {1, 2, 3}) {
            const auto again = truncated_svd(a, {.n_components = 20, .num_threads = threads});
            CHECK(testing::same_bits(again.u, r.u));
            CHECK(testing::same_bits(again.v, r.v));
            CHECK(again.singular_values == r.singular_values);
        }
    }
    CHECK_FALSE(testing::same_bits(truncated_svd(a, {.n_components = 20, .seed = 1}).u, r.u));
}

TEST_CASE("truncated_svd: beyond the rank there are zeros and a warning; a zero matrix too") {
    std::vector<SparseEntry<float>> entries;
    for (Index i = 0; i < 50; ++i) {
        for (Index j = 0; j < 30; ++j)
            entries.push_back({i, j, static_cast<float>((i % 3 + 1) * (j % 2 == 0 ? 1 : -2))});
    }
    const auto r = truncated_svd(csr_from_entries<float>(50, 30, entries), {.n_components = 5});
    CHECK(r.singular_values[0] > 1);
    CHECK(r.singular_values[1] < 1e-4);
    for (std::int64_t i = 0; i < 50; ++i) CHECK(r.u(i, 4) == 0);
    REQUIRE(r.run.warnings.size() == 1);
    CHECK(r.run.warnings[0].find("numerical rank") != std::string::npos);
    const auto zero = truncated_svd(csr_from_entries<float>(5, 4, {}), {.n_components = 2});
    CHECK(zero.singular_values == std::vector<double>{0, 0});
    for (const float value : zero.v.values()) CHECK(value == 0);
}

TEST_CASE("truncated_svd: errors name the field; progress can cancel") {
    const auto a = term_counts(20, 10, 3);
    CHECK_THROWS_WITH_AS(truncated_svd(a, {.n_components = 11}), doctest::Contains("use at most 10"), Error);
    CHECK_THROWS_WITH_AS(truncated_svd(a, {.n_components = 0}), doctest::Contains("n_components: is 0"),
                         Error);
    CHECK_THROWS_WITH_AS(truncated_svd(a, {.n_components = 1, .n_oversamples = -1}),
                         doctest::Contains("n_oversamples"), Error);
    CHECK_THROWS_AS(truncated_svd(CsrMatrix<float>{}, {.n_components = 1}), Error);
    const Progress stop([](const Tick&) { return false; }, std::chrono::milliseconds(0));
    CHECK_THROWS_WITH_AS(truncated_svd(a, {.n_components = 2}, stop), doctest::Contains("cancelled"), Error);
}

TEST_CASE("truncated_svd: a dense matrix gives the triplets of the same sparse one, both ways") {
    for (const std::int64_t cols : {90, 2100}) {
        const auto a = term_counts(400, cols, 5);
        Matrix<float> full(400, cols);
        for (std::int64_t i = 0; i < 400; ++i) {
            for (std::size_t e = 0; e < a.row_indices(i).size(); ++e)
                full(i, a.row_indices(i)[e]) = a.row_values(i)[e];
        }
        const auto sparse = truncated_svd(a, {.n_components = 3, .n_iterations = 30});
        const auto dense = truncated_svd(full.view(), {.n_components = 3, .n_iterations = 30, .num_threads = 1});
        check_orthonormal(dense.u, 3);
        check_orthonormal(dense.v, 3);
        for (std::size_t j = 0; j < 3; ++j)
            CHECK(dense.singular_values[j] == doctest::Approx(sparse.singular_values[j]).epsilon(1e-6));
        double overlap = 0;  // of the first vectors, whose gap is wide
        for (std::int64_t i = 0; i < cols; ++i)
            overlap += static_cast<double>(dense.v(i, 0)) * static_cast<double>(sparse.v(i, 0));
        CHECK(overlap == doctest::Approx(1).epsilon(1e-6));
        const auto threads = truncated_svd(full.view(), {.n_components = 3, .n_iterations = 30, .num_threads = 3});
        CHECK(testing::same_bits(threads.u, dense.u));
        CHECK(testing::same_bits(threads.v, dense.v));
    }
    Matrix<float> one(6, 40);  // rank 1
    for (std::int64_t i = 0; i < 6; ++i) {
        for (std::int64_t j = 0; j < 40; ++j) one(i, j) = static_cast<float>((i + 1) * (j % 3 + 1));
    }
    const auto r = truncated_svd(one.view(), {.n_components = 2});
    CHECK(r.singular_values[1] == 0);
    CHECK(r.run.warnings.size() == 1);
    one(4, 7) = NAN;
    CHECK_THROWS_WITH_AS(truncated_svd(one.view(), {.n_components = 2}), doctest::Contains("not finite [row 4]"),
                         Error);
}

TEST_CASE("truncated_svd: the Krylov basis finds the triplets of the exact way, tall, wide and of any magnitude") {
    for (const auto& [rows, cols] : {std::pair<std::int64_t, std::int64_t>{400, 300}, {300, 500}}) {
        auto a = term_counts(rows, cols, 9);
        const auto exact = truncated_svd(a, {.n_components = 8, .n_iterations = 60});  // the basis is the whole space
        const auto quick = truncated_svd(a, {.n_components = 8, .n_iterations = 8, .num_threads = 1});
        check_orthonormal(quick.u, 8);
        check_orthonormal(quick.v, 8);
        for (std::size_t j = 0; j < 8; ++j)
            CHECK(quick.singular_values[j] == doctest::Approx(exact.singular_values[j]).epsilon(1e-6));
        double overlap = 0;
        for (std::int64_t i = 0; i < cols; ++i)
            overlap += static_cast<double>(quick.v(i, 0)) * static_cast<double>(exact.v(i, 0));
        CHECK(overlap == doctest::Approx(1).epsilon(1e-6));
        for (const float size : {1e-25F, 1e25F}) {
            auto scaled = a;
            for (float& value : scaled.values) value *= size;
            const auto r = truncated_svd(scaled, {.n_components = 8, .n_iterations = 8});
            for (std::size_t j = 0; j < 8; ++j) {
                CHECK(r.singular_values[j] / static_cast<double>(size) ==
                      doctest::Approx(exact.singular_values[j]).epsilon(1e-5));
            }
        }
    }
}

TEST_CASE("truncated_svd: where the Krylov space ends early, fresh directions take over") {
    // A multiple of the identity, a matrix of rank 2, one of 40 equal blocks, and nothing at all.
    std::vector<SparseEntry<float>> diagonal, low, blocks;
    for (Index i = 0; i < 900; ++i) {
        diagonal.push_back({i, i, 3});
        for (Index j = 0; j < 20; ++j) {
            low.push_back({i, j, static_cast<float>(i % 7 + 1)});
            if (i % 2 == 0) low.push_back({i, j + 20, static_cast<float>(j % 3)});
        }
        if (i < 800) {
            for (Index j = 0; j < 20; ++j) blocks.push_back({i, i / 20 * 20 + j, 1});
        }
    }
    const auto same = truncated_svd(csr_from_entries<float>(900, 900, diagonal), {.n_components = 40});
    check_orthonormal(same.u, 40);
    check_orthonormal(same.v, 40);
    for (const double value : same.singular_values) CHECK(value == doctest::Approx(3).epsilon(1e-6));
    const auto equal = truncated_svd(csr_from_entries<float>(900, 900, blocks), {.n_components = 40});
    for (const double value : equal.singular_values) CHECK(value == doctest::Approx(20).epsilon(1e-5));
    const auto two = truncated_svd(csr_from_entries<float>(900, 900, low), {.n_components = 5});
    CHECK(two.singular_values[1] > 1);
    CHECK(two.singular_values[2] < 1e-3);
    const auto none = truncated_svd(csr_from_entries<float>(900, 900, {}), {.n_components = 5});
    CHECK(none.singular_values == std::vector<double>(5, 0.0));
}
