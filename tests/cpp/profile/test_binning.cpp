// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <limits>
#include <string>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "filmatlas/profile/binning.hpp"

using namespace filmatlas;

namespace {

constexpr double nan_value = std::numeric_limits<double>::quiet_NaN();

Records catalogue() {
    Records records;
    records.ids = {"a", "b", "c", "d", "e"};
    Column year;
    year.name = "year";
    year.kind = ColumnKind::Number;
    year.numbers = {1994, 2000, nan_value, 1999, -5};
    Column date;
    date.name = "date";
    date.text = {"1994-10-14", "2000", "", "1999-01", "1950-12-31"};
    Column tags;
    tags.name = "tags";
    tags.kind = ColumnKind::Tags;
    tags.tags.resize(5);
    records.columns = {year, date, tags};
    return records;
}

std::vector<std::string> words(const BinOptions& options) {
    std::vector<std::string> out;
    for (const auto& tags : binned_column(catalogue(), options, "bins").tags)
        out.push_back(tags.empty() ? "-" : tags.front());
    return out;
}

using Words = std::vector<std::string>;

}  // namespace

TEST_CASE("binned_column: decades, with a word for what is missing") {
    CHECK(words({.column = "year"}) == Words{"1990s", "2000s", "-", "1990s", "-10s"});
    CHECK(words({.column = "year", .width = 50, .pattern = "{low} to {high}", .missing = "undated"}) ==
          Words{"1950 to 2000", "2000 to 2050", "undated", "1950 to 2000", "-50 to 0"});
    CHECK(words({.column = "year", .width = 1, .pattern = "{value}"}) ==
          Words{"1994", "2000", "-", "1999", "-5"});
}

TEST_CASE("binned_column: dates by year and month") {
    CHECK(words({.column = "date"}) == Words{"1990s", "2000s", "-", "1990s", "1950s"});
    Records records = catalogue();
    records.columns[1].text = {"1994-10-14", "2000-02-01", "", "1999-01", "1950-12-31"};
    const BinOptions seasons{.column = "date",
                             .rule = BinRule::Edges,
                             .edges = {3, 6, 9, 12},
                             .names = {"winter", "spring", "summer", "autumn", "winter"},
                             .date_part = DatePart::Month};
    const Column column = binned_column(records, seasons, "season");
    CHECK(column.kind == ColumnKind::Tags);
    CHECK(column.tags == std::vector<Words>{{"autumn"}, {"winter"}, {}, {"winter"}, {"winter"}});
}

TEST_CASE("binned_column: edges with names, quantiles with ties") {
    CHECK(
        words(
            {.column = "year", .rule = BinRule::Edges, .edges = {0, 1999}, .names = {"bc", "old", "new"}}) ==
        Words{"old", "new", "-", "new", "bc"});
    CHECK(words({.column = "year", .rule = BinRule::Quantile, .bins = 2, .pattern = "{low}-{high}"}) ==
          Words{"-1999", "1999-", "-", "1999-", "-1999"});
    Records same = catalogue();
    same.columns[0].numbers.assign(5, 7);
    for (const auto& tags : binned_column(same, {.column = "year", .rule = BinRule::Quantile}, "q").tags)
        CHECK(tags == Words{"s"});
}

TEST_CASE("binned_column: bad rules and columns are named") {
    CHECK_THROWS_WITH_AS(words({.column = "tags"}), doctest::Contains("is of kind tags"), Error);
    CHECK_THROWS_WITH_AS(words({.column = "none"}), doctest::Contains("no column is called 'none'"), Error);
    CHECK_THROWS_WITH_AS(words({.column = "year", .width = 0}), doctest::Contains("width: is 0"), Error);
    CHECK_THROWS_WITH_AS(words({.column = "year", .rule = BinRule::Edges, .edges = {2, 1}}),
                         doctest::Contains("do not ascend"), Error);
    CHECK_THROWS_WITH_AS(words({.column = "year", .rule = BinRule::Quantile, .bins = 1}),
                         doctest::Contains("bins: is 1"), Error);
    Records records = catalogue();
    records.columns[1].text[1] = "soon";
    CHECK_THROWS_WITH_AS(binned_column(records, {.column = "date"}, "d"),
                         doctest::Contains("'soon' is no ISO date"), Error);
}
