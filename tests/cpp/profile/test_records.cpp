// SPDX-License-Identifier: MIT
// records.hpp
#include <doctest/doctest.h>

#include <cmath>
#include <functional>

#include "filmatlas/profile/records.hpp"
#include "io/support.hpp"

using namespace filmatlas;
using filmatlas_test::throws_error;

namespace {

Column text_column(std::string name, std::vector<std::string> text) {
    Column column;
    column.name = std::move(name);
    column.text = std::move(text);
    return column;
}

Records small_records() {
    Records records;
    records.ids = {"a", "b"};
    records.columns.push_back(text_column("plot", {"one", ""}));
    Column tags;
    tags.name = "genres";
    tags.kind = ColumnKind::Tags;
    tags.tags = {{"x", "y z"}, {}};
    records.columns.push_back(tags);
    Column scored;
    scored.name = "mood";
    scored.kind = ColumnKind::ScoredTags;
    scored.scored_tags = {{{"dark", 0.5}, {"slow", 1}}, {}};
    records.columns.push_back(scored);
    Column numbers;
    numbers.name = "year";
    numbers.kind = ColumnKind::Number;
    numbers.numbers = {1999, NAN};
    records.columns.push_back(numbers);
    return records;
}

}  // namespace

TEST_CASE("records: sizes, missing cells and text of every kind") {
    const Records records = small_records();
    validate(records);
    const std::vector<std::string> texts = {"one", "x, y z", "dark, slow", "1999"};
    for (std::size_t c = 0; c < 4; ++c) {
        const Column& column = records.columns[c];
        CHECK(column.size() == 2);
        CHECK_FALSE(column.missing(0));
        CHECK(column.missing(1));
        CHECK(cell_text(column, 0) == texts[c]);
        CHECK(cell_text(column, 1).empty());
    }
    CHECK(records.find("year") == &records.columns[3]);
    CHECK(records.find("absent") == nullptr);
    CHECK(throws_error(
        ErrorCode::InvalidArgument, [&] { records.column("absent"); }, "absent", "plot, genres, mood, year"));
    CHECK(to_string(ColumnKind::ScoredTags) == "scored_tags");
}

TEST_CASE("number_text: whole numbers look whole") {
    CHECK(number_text(148) == "148");
    CHECK(number_text(100000) == "100000");
    CHECK(number_text(-3) == "-3");
    CHECK(number_text(9007199254740991.0) == "9007199254740991");
    CHECK(number_text(0.1) == "0.1");
    CHECK(number_text(7.5) == "7.5");
    CHECK(number_text(1e300) == "1e+300");
    CHECK(number_text(NAN).empty());
}

TEST_CASE("validate: the first broken promise is named with row and column") {
    const auto refuses = [](const std::function<void(Records&)>& damage, const std::string& text) {
        Records records = small_records();
        damage(records);
        return throws_error(ErrorCode::Format, [&] { validate(records); }, text);
    };
    CHECK(refuses([](Records& r) { r.ids[1] = r.ids[0]; }, "'a' is also the id of row 0"));
    CHECK(refuses([](Records& r) { r.ids[1] = ""; }, "is empty [row 1, column id]"));
    CHECK(refuses([](Records& r) { r.columns[1].name = "plot"; }, "two columns"));
    CHECK(refuses([](Records& r) { r.columns[1].name = ""; }, "no name"));
    CHECK(refuses([](Records& r) { r.columns[0].text.pop_back(); }, "has 1 values for 2 rows"));
    CHECK(refuses([](Records& r) { r.columns[0].numbers = {1, 2}; }, "also holds 2 values of kind number"));
    CHECK(refuses([](Records& r) { r.columns[1].tags[1] = {""}; }, "empty tag [row 1, column genres]"));
    CHECK(
        refuses([](Records& r) { r.columns[2].scored_tags[0][1].score = 1.5; }, "tag 'slow' has score 1.5"));
    CHECK(refuses([](Records& r) { r.columns[2].scored_tags[0][1].score = NAN; }, "score nan"));
    CHECK(refuses([](Records& r) { r.columns[2].scored_tags[0][1].score = -0.1; }, "score -0.1"));
    CHECK(refuses([](Records& r) { r.columns[3].numbers[1] = INFINITY; }, "infinite [row 1, column year]"));
    validate(Records{});
}
