// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "filmatlas/linalg/sparse.hpp"
#include "support/levels.hpp"

using namespace filmatlas;
using testing::random_matrix;

namespace {

template <class T = float>
CsrMatrix<T> random_sparse(std::int64_t rows, std::int64_t cols, std::int64_t entries, std::uint64_t seed) {
    RandomStream stream(seed, "sparse");
    std::vector<SparseEntry<T>> list;
    for (std::int64_t e = 0; e < entries; ++e) {
        list.push_back({static_cast<Index>(stream.below(static_cast<std::uint64_t>(rows))),
                        static_cast<Index>(stream.below(static_cast<std::uint64_t>(cols))),
                        static_cast<T>(stream.uniform() * 0.9 + 0.05)});
    }
    // Entries of one cell are summed; memberships must stay in [0, 1].
    CsrMatrix<T> a = csr_from_entries<T>(rows, cols, std::move(list));
    for (T& value : a.values) value = value > 1 ? T{1} : value;
    return a;
}

template <class T>
Matrix<double> dense(const CsrMatrix<T>& a) {
    Matrix<double> out(a.rows, a.cols);
    for (std::int64_t i = 0; i < a.rows; ++i) {
        for (std::size_t e = 0; e < a.row_indices(i).size(); ++e) {
            out(i, a.row_indices(i)[e]) = static_cast<double>(a.row_values(i)[e]);
        }
    }
    return out;
}

}  // namespace

TEST_CASE("csr_from_entries: sorts, sums cells in order, refuses entries outside") {
    const auto a = csr_from_entries<float>(3, 4, {{2, 1, 5}, {0, 3, 1}, {2, 1, -2}, {0, 0, 4}});
    CHECK(a.indptr == std::vector<std::int64_t>{0, 2, 2, 3});
    CHECK(a.indices == std::vector<Index>{0, 3, 1});
    CHECK(a.values == std::vector<float>{4, 1, 3});
    validate(a);
    CHECK_THROWS_WITH_AS(csr_from_entries<float>(3, 4, {{3, 0, 1}}),
                         doctest::Contains("(3, 0) is outside 3 x 4"), Error);
    CHECK(csr_from_entries<float>(0, 0, {}).nnz() == 0);
}

TEST_CASE("validate: names the first bad row") {
    auto a = csr_from_entries<float>(2, 3, {{0, 1, 1}, {1, 0, 1}, {1, 2, 1}});
    auto b = a;
    b.indices[2] = 0;
    CHECK_THROWS_WITH_AS(validate(b), doctest::Contains("columns do not ascend [row 1]"), Error);
    b = a;
    b.indices[0] = 3;
    CHECK_THROWS_WITH_AS(validate(b), doctest::Contains("column 3 is out of range [row 0]"), Error);
    b = a;
    b.values[1] = std::nanf("");
    CHECK_THROWS_WITH_AS(validate(b), doctest::Contains("not finite [row 1]"), Error);
    b = a;
    b.indptr[1] = 9;
    CHECK_THROWS_WITH_AS(validate(b), doctest::Contains("offsets do not ascend"), Error);
    b = a;
    b.indptr.pop_back();
    CHECK_THROWS_AS(validate(b), Error);
}

TEST_CASE("transpose: twice is the identity, entries move to their place") {
    for (const std::int64_t rows : {1, 7, 5000}) {
        const auto a = random_sparse(rows, 300, rows * 120, 2);
        const auto t = transpose(a);
        validate(t);
        CHECK(transpose(t) == a);
        if (rows == 7) {
            const auto want = dense(a);
            const auto got = dense(t);
            for (std::int64_t i = 0; i < a.rows; ++i) {
                for (std::int64_t j = 0; j < a.cols; ++j) CHECK(got(j, i) == want(i, j));
            }
        }
        CHECK(transpose(a, 3) == t);
    }
    CHECK(transpose(csr_from_entries<float>(0, 5, {})).rows == 5);
}

TEST_CASE("multiply: equals the dense product; mixed precision too; same bits for any threads and level") {
    const auto a = random_sparse(80, 60, 700, 3);
    const auto x = random_matrix(60, 11, 4);
    const auto y = multiply<float>(a, x.view());
    const auto full = dense(a);
    for (std::int64_t i = 0; i < 80; ++i) {
        for (std::int64_t c = 0; c < 11; ++c) {
            double want = 0;
            for (std::int64_t j = 0; j < 60; ++j) want += full(i, j) * static_cast<double>(x(j, c));
            CHECK(static_cast<double>(y(i, c)) == doctest::Approx(want).epsilon(1e-4));
        }
    }
    const auto x64 = random_matrix<double>(60, 11, 4);
    Matrix<double> y64(80, 11);
    multiply_into<float, double>(a, x64.view(), y64.view());
    for (const char* level : testing::simd_words) {
        const testing::SimdLevelScope scope(level);
        for (const int threads : {1, 2, 3}) {
            CHECK(testing::same_bits(multiply<float>(a, x.view(), threads), y));
            Matrix<double> again(80, 11);
            multiply_into<float, double>(a, x64.view(), again.view(), threads);
            CHECK(testing::same_bits(again, y64));
        }
    }
    CHECK_THROWS_WITH_AS(multiply<float>(a, random_matrix(59, 2, 1).view()), doctest::Contains("(80, 60)"),
                         Error);
}

TEST_CASE("symmetrize: each rule on every pair of cells, results symmetric") {
    const auto a = random_sparse<double>(40, 40, 260, 5);
    const auto full = dense(a);
    struct Rule {
        Symmetrize rule;
        double (*join)(double, double);
    };
    const Rule rules[] = {
        {Symmetrize::Max, [](double x, double y) { return std::max(x, y); }},
        {Symmetrize::Min, [](double x, double y) { return std::min(x, y); }},
        {Symmetrize::Sum, [](double x, double y) { return x + y; }},
        {Symmetrize::Mean, [](double x, double y) { return (x + y) / 2; }},
        {Symmetrize::FuzzyUnion, [](double x, double y) { return x + y - x * y; }},
    };
    for (const Rule& rule : rules) {
        const auto s = symmetrize(a, rule.rule, 2);
        validate(s);
        CHECK(transpose(s) == s);
        const auto got = dense(s);
        for (std::int64_t i = 0; i < 40; ++i) {
            for (std::int64_t j = 0; j < 40; ++j) {
                REQUIRE(got(i, j) == doctest::Approx(rule.join(full(i, j), full(j, i))).epsilon(1e-14));
            }
        }
        CHECK(symmetrize(a, rule.rule, 1) == s);
    }
    for (const double value : symmetrize(a, Symmetrize::Min).values) CHECK(value != 0);
    CHECK_THROWS_WITH_AS(symmetrize(random_sparse(3, 4, 2, 1), Symmetrize::Max), doctest::Contains("square"),
                         Error);
}

TEST_CASE("fuzzy_union: mix 1 is the union, 0 the intersection, memberships stay in [0, 1]") {
    const auto a = csr_from_entries<float>(3, 3, {{0, 1, 1}, {1, 0, 0.5F}, {1, 2, 0.25F}});
    const auto both = dense(fuzzy_union(a, 1.0));
    CHECK(both(0, 1) == 1.0);
    CHECK(both(1, 2) == 0.25);
    CHECK(both(2, 1) == 0.25);
    const auto meet = fuzzy_union(a, 0.0);
    CHECK(meet.nnz() == 2);
    CHECK(dense(meet)(1, 0) == 0.5);
    CHECK(dense(fuzzy_union(a, 0.5))(1, 0) == 0.75);
    const auto big = fuzzy_union(random_sparse(200, 200, 3000, 6));
    for (const float value : big.values) CHECK((value > 0 && value <= 1));
    CHECK_THROWS_WITH_AS(fuzzy_union(a, 1.5), doctest::Contains("mix: is 1.5"), Error);
}

TEST_CASE("row_sums, scale_rows, scale_cols, normalize_rows: worked example") {
    auto a = csr_from_entries<float>(3, 2, {{0, 0, 3}, {0, 1, -4}, {2, 1, 2}});
    CHECK(row_sums(a) == std::vector<double>{-1, 0, 2});
    auto b = a;
    normalize_rows(b, RowNorm::L2);
    CHECK(b.values == std::vector<float>{0.6F, -0.8F, 1});
    b = a;
    normalize_rows(b, RowNorm::L1);
    CHECK(b.values == std::vector<float>{3.0F / 7, -4.0F / 7, 1});
    b = a;
    normalize_rows(b, RowNorm::Max);
    CHECK(b.values == std::vector<float>{0.75F, -1, 1});
    const std::vector<double> rows = {2, 5, 3};
    scale_rows<float>(a, rows);
    CHECK(a.values == std::vector<float>{6, -8, 6});
    const std::vector<double> cols = {1, 0.5};
    scale_cols<float>(a, cols);
    CHECK(a.values == std::vector<float>{6, -4, 3});
    CHECK_THROWS_AS(scale_rows<float>(a, cols), Error);
    CHECK_THROWS_AS(scale_cols<float>(a, rows), Error);
}

TEST_CASE("select_rows, select_cols, row_range, col_range: equal the dense selection; same for any threads") {
    for (const std::uint64_t seed : {1, 2, 3}) {
        const auto a = random_sparse(60, 45, 700, seed);
        const Matrix<double> full = dense(a);
        RandomStream stream(seed, "ids");
        std::vector<Index> rows(80);
        std::vector<Index> cols(70);  // out of order and with repeats
        for (Index& row : rows) row = static_cast<Index>(stream.below(60));
        for (Index& col : cols) col = static_cast<Index>(stream.below(45));
        const auto by_rows = select_rows<float>(a, rows, 1);
        const auto by_cols = select_cols<float>(a, cols, 1);
        validate(by_rows);
        validate(by_cols);
        CHECK(select_rows<float>(a, rows, 3) == by_rows);
        CHECK(select_cols<float>(a, cols, 3) == by_cols);
        const Matrix<double> picked_rows = dense(by_rows);
        const Matrix<double> picked_cols = dense(by_cols);
        REQUIRE(picked_rows.rows() == 80);
        REQUIRE(picked_cols.cols() == 70);
        for (std::size_t i = 0; i < rows.size(); ++i) {
            for (std::int64_t j = 0; j < 45; ++j)
                REQUIRE(picked_rows(static_cast<std::int64_t>(i), j) == full(rows[i], j));
        }
        for (std::size_t j = 0; j < cols.size(); ++j) {
            for (std::int64_t i = 0; i < 60; ++i)
                REQUIRE(picked_cols(i, static_cast<std::int64_t>(j)) == full(i, cols[j]));
        }
        const Matrix<double> part = dense(col_range(row_range(a, 7, 31), 4, 40));
        REQUIRE(part.rows() == 24);
        REQUIRE(part.cols() == 36);
        for (std::int64_t i = 0; i < 24; ++i) {
            for (std::int64_t j = 0; j < 36; ++j) REQUIRE(part(i, j) == full(i + 7, j + 4));
        }
    }
    const auto a = random_sparse(5, 4, 9, 1);
    CHECK(row_range(a, 0, 5) == a);
    CHECK(col_range(a, 0, 4) == a);
    CHECK(row_range(a, 2, 2).rows == 0);
    CHECK(col_range(a, 4, 4).nnz() == 0);
    CHECK(select_rows<float>(a, {}).rows == 0);
    const std::vector<Index> beyond = {0, 5};
    CHECK_THROWS_WITH_AS(select_rows<float>(a, beyond), doctest::Contains("id 5 is outside [0, 5)"), Error);
    CHECK_THROWS_WITH_AS(select_cols<float>(a, beyond), doctest::Contains("id 5 is outside [0, 4)"), Error);
    CHECK_THROWS_AS(row_range(a, 3, 2), Error);
    CHECK_THROWS_AS(col_range(a, 0, 5), Error);
}

TEST_CASE("CscMatrix: columns of A, back to A, and the transposed product; col_sums") {
    const auto a = random_sparse(40, 30, 300, 4);
    const Matrix<double> full = dense(a);
    const CscMatrix<float> by_columns(a);
    CHECK(by_columns.rows() == 40);
    CHECK(by_columns.cols() == 30);
    CHECK(by_columns.nnz() == a.nnz());
    CHECK(by_columns.to_csr() == a);
    const auto x = random_matrix(40, 3, 5);
    const auto product = multiply_transposed(by_columns, x.view());
    const auto sums = col_sums(a);
    for (std::int64_t j = 0; j < 30; ++j) {
        double sum = 0;
        double dot = 0;
        for (std::int64_t i = 0; i < 40; ++i) {
            sum += full(i, j);
            dot += full(i, j) * static_cast<double>(x(i, 1));
        }
        CHECK(sums[static_cast<std::size_t>(j)] == doctest::Approx(sum).epsilon(1e-12));
        CHECK(static_cast<double>(product(j, 1)) == doctest::Approx(dot).epsilon(1e-5));
        for (std::size_t e = 0; e < by_columns.col_indices(j).size(); ++e) {
            CHECK(static_cast<double>(by_columns.col_values(j)[e]) == full(by_columns.col_indices(j)[e], j));
        }
    }
}
