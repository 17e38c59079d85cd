// SPDX-License-Identifier: MIT
// numeric.hpp
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "filmatlas/core/random.hpp"
#include "filmatlas/profile/numeric.hpp"
#include "io/support.hpp"

using namespace filmatlas;
using filmatlas_test::throws_error;

namespace {

Records with_numbers(std::vector<double> numbers) {
    Records records;
    for (std::size_t i = 0; i < numbers.size(); ++i) records.ids.push_back(std::to_string(i));
    Column column;
    column.name = "x";
    column.kind = ColumnKind::Number;
    column.numbers = std::move(numbers);
    records.columns.push_back(column);
    return records;
}

std::vector<float> scaled(std::vector<double> numbers, NumericScaling scaling,
                          MissingNumber missing = MissingNumber::Mean, NumericSummary* summary = nullptr) {
    std::vector<NumericSummary> summaries;
    const Matrix<float> m =
        numeric_features(with_numbers(std::move(numbers)), {{"x", scaling, missing}}, &summaries);
    REQUIRE(summaries.size() == 1);
    if (summary != nullptr) *summary = summaries[0];
    return m.values();
}

}  // namespace

TEST_CASE("numeric_features: every scaling by hand, missing values by rule") {
    NumericSummary s;
    CHECK(scaled({1, NAN, 3}, NumericScaling::Standard, MissingNumber::Mean, &s) ==
          std::vector<float>{-1, 0, 1});
    CHECK(s.present == 2);
    CHECK(s.missing == 1);
    CHECK(s.center == 2);
    CHECK(s.scale == 1);
    CHECK(s.fill == 0);
    CHECK(scaled({10, NAN, 20, 12.5}, NumericScaling::MinMax, MissingNumber::Mean, &s) ==
          std::vector<float>{0, 1.25F / 3, 1, 0.25F});
    CHECK(s.center == 10);
    CHECK(s.scale == 10);
    CHECK(scaled({10, NAN, 20}, NumericScaling::MinMax, MissingNumber::Zero) == std::vector<float>{0, 0, 1});
    CHECK(scaled({5, 1, 5, 1000}, NumericScaling::Rank) == std::vector<float>{0.5F, 0.125F, 0.5F, 0.875F});
    CHECK(scaled({5, NAN}, NumericScaling::Rank) == std::vector<float>{0.5F, 0.5F});
    const std::vector<float> logs =
        scaled({0, std::exp(2.0) - 1}, NumericScaling::LogStandard, MissingNumber::Mean, &s);
    CHECK(logs[0] == doctest::Approx(-1));
    CHECK(logs[1] == doctest::Approx(1));
    CHECK(s.center == doctest::Approx(1));
}

TEST_CASE("numeric_features: constant, empty and extreme columns stay finite") {
    NumericSummary s;
    CHECK(scaled({7, 7, NAN}, NumericScaling::Standard, MissingNumber::Mean, &s) ==
          std::vector<float>{0, 0, 0});
    CHECK(s.constant);
    CHECK(s.center == 7);
    CHECK(scaled({0.1, 0.1, 0.1}, NumericScaling::LogStandard) == std::vector<float>{0, 0, 0});
    CHECK(scaled({7, 7}, NumericScaling::MinMax) == std::vector<float>{0, 0});
    CHECK(scaled({NAN, NAN}, NumericScaling::Standard, MissingNumber::Mean, &s) == std::vector<float>{0, 0});
    CHECK(s.present == 0);
    CHECK(s.missing == 2);
    CHECK(scaled({}, NumericScaling::Rank).empty());
    for (const NumericScaling scaling :
         {NumericScaling::Standard, NumericScaling::MinMax, NumericScaling::Rank}) {
        for (const float x : scaled({-1.7e308, 1.7e308, 0, 5e-324}, scaling)) CHECK(std::isfinite(x));
    }
    CHECK(scaled({-1.7e308, 1.7e308}, NumericScaling::Standard) == std::vector<float>{-1, 1});
    CHECK(scaled({-1.7e308, 1.7e308}, NumericScaling::MinMax) == std::vector<float>{0, 1});
}

TEST_CASE("numeric_features: standard columns have mean 0 and deviation 1; ranks are uniform") {
    RandomStream stream(5, "numeric");
    for (const std::size_t n : {2UL, 127UL, 128UL, 129UL, 1000UL, 20000UL}) {
        std::vector<double> numbers(n);
        for (double& x : numbers) x = 1e6 + stream.normal();
        const std::vector<float> standard = scaled(numbers, NumericScaling::Standard);
        double sum = 0;
        double squares = 0;
        for (const float x : standard) {
            sum += x;
            squares += double{x} * x;
        }
        CHECK(sum / static_cast<double>(n) == doctest::Approx(0).epsilon(1e-5));
        CHECK(squares / static_cast<double>(n) == doctest::Approx(1).epsilon(1e-5));
        std::vector<float> ranks = scaled(numbers, NumericScaling::Rank);
        std::sort(ranks.begin(), ranks.end());
        for (std::size_t i = 0; i < n; ++i) {
            CHECK(ranks[i] == doctest::Approx((static_cast<double>(i) + 0.5) / static_cast<double>(n)));
        }
    }
}

TEST_CASE("numeric_features: several columns side by side, errors with row and column") {
    Records records = with_numbers({1, 2, 3});
    Column text;
    text.name = "t";
    text.text = {"a", "b", "c"};
    records.columns.push_back(text);
    const Matrix<float> m =
        numeric_features(records, {{"x", NumericScaling::MinMax}, {"x", NumericScaling::Rank}});
    CHECK(m.rows() == 3);
    CHECK(m.cols() == 2);
    CHECK(m(2, 0) == 1);
    CHECK(m(0, 1) == doctest::Approx(1.0 / 6));
    CHECK(numeric_features(records, {}).cols() == 0);
    CHECK(
        throws_error(ErrorCode::InvalidArgument, [&] { numeric_features(records, {{"y"}}); }, "'y'", "x, t"));
    CHECK(
        throws_error(ErrorCode::Type, [&] { numeric_features(records, {{"t"}}); }, "kind text", "column t"));
    records.columns[0].numbers[1] = -1;
    CHECK(throws_error(
        ErrorCode::Format, [&] { numeric_features(records, {{"x", NumericScaling::LogStandard}}); }, "-1",
        "row 1, column x"));
    records.columns[0].numbers[1] = INFINITY;
    CHECK(throws_error(ErrorCode::Format, [&] { numeric_features(records, {{"x"}}); }, "inf", "row 1"));
    CHECK(to_string(NumericScaling::LogStandard) == "log_standard");
}
