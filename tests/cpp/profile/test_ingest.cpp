// SPDX-License-Identifier: MIT
// ingest.hpp
#include <doctest/doctest.h>
#include <zlib.h>

#include <cmath>
#include <filesystem>

#include "filmatlas/core/random.hpp"
#include "filmatlas/core/utf8.hpp"
#include "filmatlas/io/delimited.hpp"
#include "filmatlas/io/files.hpp"
#include "filmatlas/io/json.hpp"
#include "filmatlas/profile/ingest.hpp"
#include "io/support.hpp"

using namespace filmatlas;
using filmatlas_test::error_of;
using filmatlas_test::message_of;
using filmatlas_test::TempDir;
using filmatlas_test::throws_error;

namespace {

IngestOptions skipping() {
    IngestOptions options;
    options.on_bad_row = OnBadRow::Skip;
    return options;
}

template <class... Texts>
bool refuses_jsonl(const std::string& text, const Texts&... texts) {
    const auto attempt = [&] { parse_jsonl(text, {}, "f.jsonl"); };
    const bool ok = throws_error(ErrorCode::Format, attempt, "f.jsonl", texts...);
    if (!ok) MESSAGE(message_of(attempt));
    return ok;
}

std::vector<double> scores(const Column& column, std::size_t row) {
    std::vector<double> out;
    for (const ScoredTag& tag : column.scored_tags[row]) out.push_back(tag.score);
    return out;
}

bool same(const IngestResult& a, const IngestResult& b) {
    if (a.records.ids != b.records.ids || a.records.columns.size() != b.records.columns.size()) return false;
    for (std::size_t c = 0; c < a.records.columns.size(); ++c) {
        const Column& x = a.records.columns[c];
        const Column& y = b.records.columns[c];
        if (x.name != y.name || x.kind != y.kind || x.text != y.text || x.tags != y.tags ||
            x.scored_tags != y.scored_tags) {
            return false;
        }
        for (std::size_t i = 0; i < x.numbers.size(); ++i) {
            if (x.numbers[i] != y.numbers[i] && !(std::isnan(x.numbers[i]) && std::isnan(y.numbers[i])))
                return false;
        }
    }
    const auto notes = [](const std::vector<CleaningNote>& list) {
        std::string text;
        for (const CleaningNote& note : list)
            text += std::to_string(note.row) + note.column + note.reason + "\n";
        return text;
    };
    return notes(a.cleaning.repaired) == notes(b.cleaning.repaired) &&
           notes(a.cleaning.rejected) == notes(b.cleaning.rejected);
}

}  // namespace

TEST_CASE("parse_jsonl: kinds are inferred, missing is missing, ids leave the columns") {
    const IngestResult result = parse_jsonl(
        "\xEF\xBB\xBF{\"id\":7,\"title\":\"A\",\"year\":1999,\"genres\":[\"x\",\"y\"],\"mood\":[[\"dark\",0."
        "5],[\"slow\",1]],"
        "\"tone\":{\"warm\":0.25},\"home\":\"https://a.org/"
        "1\",\"empty\":[],\"none\":null,\"flag\":true,\"ids\":[3,4],"
        "\"raw\":[{\"id\":1,\"name\":\"Action\"}]}\r\n"
        "\n"
        "{\"id\":8,\"title\":null,\"later\":\"new\",\"home\":\"HTTP://"
        "b.org\",\"year\":null,\"genres\":[]}\n");
    const Records& records = result.records;
    CHECK(records.ids == std::vector<std::string>{"7", "8"});
    CHECK(records.find("id") == nullptr);
    const std::vector<std::pair<std::string, ColumnKind>> expected = {
        {"title", ColumnKind::Text},      {"year", ColumnKind::Number},     {"genres", ColumnKind::Tags},
        {"mood", ColumnKind::ScoredTags}, {"tone", ColumnKind::ScoredTags}, {"home", ColumnKind::Link},
        {"empty", ColumnKind::Tags},      {"none", ColumnKind::Text},       {"flag", ColumnKind::Text},
        {"ids", ColumnKind::Tags},        {"raw", ColumnKind::Tags},        {"later", ColumnKind::Text}};
    REQUIRE(records.columns.size() == expected.size());
    for (std::size_t c = 0; c < expected.size(); ++c) {
        CHECK(records.columns[c].name == expected[c].first);
        CHECK(records.columns[c].kind == expected[c].second);
        CHECK(records.columns[c].size() == 2);
        if (expected[c].first != "home" && expected[c].first != "later") CHECK(records.columns[c].missing(1));
    }
    CHECK(records.column("year").numbers[0] == 1999);
    CHECK(cell_text(records.column("year"), 0) == "1999");
    CHECK(records.column("genres").tags[0] == std::vector<std::string>{"x", "y"});
    CHECK(records.column("mood").scored_tags[0][1] == ScoredTag{"slow", 1});
    CHECK(records.column("tone").scored_tags[0][0] == ScoredTag{"warm", 0.25});
    CHECK(records.column("flag").text[0] == "true");
    CHECK(records.column("ids").tags[0] == std::vector<std::string>{"3", "4"});
    CHECK(records.column("raw").tags[0] == std::vector<std::string>{"Action"});
    CHECK(records.column("later").text == std::vector<std::string>{"", "new"});
    CHECK(result.cleaning.seen == 2);
    CHECK(result.cleaning.kept == 2);
    CHECK(result.cleaning.retention() == 1);
    CHECK(result.cleaning.repaired.empty());
}

TEST_CASE("parse_jsonl: where ids come from") {
    CHECK(parse_jsonl("{\"a_id\":\"x\",\"id\":\"y\"}").records.ids[0] == "y");
    CHECK(parse_jsonl("{\"b\":1,\"a_id\":\"x\",\"c_id\":\"y\"}").records.ids[0] == "x");
    CHECK(parse_jsonl("{\"b\":1}\n{\"b\":1}").records.ids == std::vector<std::string>{"0", "1"});
    IngestOptions options;
    options.id_column = "c";
    CHECK(parse_jsonl("{\"id\":1,\"c\":\" k \"}", options).records.ids[0] == "k");
    CHECK(parse_jsonl("{\"id\":1,\"c\":\"k\"}", options).records.find("id")->kind == ColumnKind::Number);
    options.id_column = "d";
    CHECK(throws_error(
        ErrorCode::InvalidArgument, [&] { parse_jsonl("{\"id\":1,\"c\":\"k\"}", options); }, "id_column",
        "'d'", "columns are: id, c"));
    // Exact also beyond 2^53 and beyond 64 bits.
    CHECK(parse_jsonl("{\"id\":9007199254740993}").records.ids[0] == "9007199254740993");
    CHECK(parse_jsonl("{\"id\":9223372036854775808}").records.ids[0] == "9223372036854775808");
    CHECK(parse_jsonl("{\"id\":1e3}").records.ids[0] == "1000");
    CHECK(refuses_jsonl("{\"id\":1}\n{\"id\":null}", "id is missing", "line 2", "column id"));
    CHECK(refuses_jsonl("{\"id\":1}\n{}", "id is missing", "line 2"));
    CHECK(refuses_jsonl("{\"id\":1}\n{\"id\":\"  \"}", "id is missing"));
    CHECK(refuses_jsonl("{\"id\":[1]}", "neither a text nor a number"));
    CHECK(refuses_jsonl("{\"id\":true}", "neither a text nor a number"));
}

TEST_CASE("parse_jsonl: repeated ids name both lines, or are rejected and listed") {
    const std::string text = "{\"id\":5,\"t\":\"a\"}\n{\"id\":6,\"t\":\"b\"}\n\n{\"id\":\"5\",\"t\":\"c\"}\n";
    CHECK(refuses_jsonl(text, "the id '5' is that of line 1, too", "line 4", "column id"));
    const IngestResult result = parse_jsonl(text, skipping());
    CHECK(result.records.ids == std::vector<std::string>{"5", "6"});
    CHECK(result.records.column("t").text == std::vector<std::string>{"a", "b"});
    REQUIRE(result.cleaning.rejected.size() == 1);
    CHECK(result.cleaning.rejected[0].row == 4);
    CHECK(result.cleaning.rejected[0].reason.find("line 1") != std::string::npos);
    CHECK(result.cleaning.seen == 3);
    CHECK(result.cleaning.retention() == doctest::Approx(2.0 / 3));
}

TEST_CASE("parse_jsonl: bad rows are refused with line, column and byte, or skipped and listed") {
    CHECK(refuses_jsonl("{\"id\":1}\n{\"id\":2,}\n", "line 2", "byte 17"));
    CHECK(refuses_jsonl("{\"id\":1}\n{\"id\":2", "line 2"));
    CHECK(refuses_jsonl("{\"id\":1}\n[1,2]", "line 2", "not a JSON object"));
    CHECK(refuses_jsonl("[{\"id\":1},\n{\"id\":2}]", "line 1", "one object per line, not one array"));
    CHECK(refuses_jsonl("{\"id\":1,\"a\":1,\"a\":2}", "repeated key \"a\""));
    CHECK(refuses_jsonl("{\"id\":1,\"a\":1,\" a\":2}", "two keys mean the same column"));
    CHECK(refuses_jsonl("{\"id\":1,\"\":1}", "a key is empty"));
    CHECK(refuses_jsonl("{\"id\":1,\"a\":" + std::string(100, '[') + std::string(100, ']') + "}",
                        "nested deeper than 64"));
    CHECK(refuses_jsonl("{\"id\":1,\"a\":\"\\ud800\"}", "surrogate"));
    CHECK(refuses_jsonl("{\"id\":1,\"a\":1e400}", "line 1"));
    CHECK(refuses_jsonl("{\"id\":1,\"vector\":[0.1,0.2]}", "column vector", "is a vector of numbers",
                        "pass them as an array"));
    CHECK(refuses_jsonl("{\"id\":1,\"a\":{\"b\":{\"c\":1}}}", "column a", "'b' is no score"));
    CHECK(refuses_jsonl("{\"id\":1,\"a\":[[1,2]]}", "column a", "not [tag, score]"));
    CHECK(refuses_jsonl("{\"id\":1,\"a\":[\"x\",[\"y\",1]]}", "mixes tags with and without scores"));
    CHECK(refuses_jsonl("{\"id\":1,\"a\":[{\"x\":1}]}", "without a \"name\""));
    CHECK(refuses_jsonl("{\"id\":1,\"a\":[[\"x\",-0.5]]}", "tag 'x' has score -0.5"));
    CHECK(refuses_jsonl("\x1F\x8B\x08 gzip", "gunzip"));
    CHECK(refuses_jsonl(std::string("\xFF\xFE{\0}\0", 6), "UTF-16"));

    const IngestResult result = parse_jsonl(
        "{\"id\":1,\"a\":\"x\"}\nnot json\n{\"id\":3,\"a\":[[1]]}\n\n{\"id\":5,\"a\":\"y\"}\n", skipping());
    CHECK(result.records.ids == std::vector<std::string>{"1", "5"});
    CHECK(result.cleaning.seen == 4);
    CHECK(result.cleaning.kept == 2);
    REQUIRE(result.cleaning.rejected.size() == 2);
    CHECK(result.cleaning.rejected[0].row == 2);
    CHECK(result.cleaning.rejected[1].row == 3);
    CHECK(result.cleaning.rejected[1].column == "a");
    // Row numbers as ids count the rejected rows, so that ids do not move when a row is repaired.
    CHECK(parse_jsonl("{\"a\":1}\nbad\n{\"a\":2}", skipping()).records.ids ==
          std::vector<std::string>{"0", "2"});
}

TEST_CASE("parse_jsonl: no rows is an error, one row is fine, a megabyte of title too") {
    for (const char* text : {"", "\n\n", "\xEF\xBB\xBF", "  \r\n"}) CHECK(refuses_jsonl(text, "no rows"));
    CHECK(throws_error(
        ErrorCode::Format, [] { parse_jsonl("x\ny", skipping()); }, "all 2 were rejected", "line 1"));
    CHECK(parse_jsonl("{\"a\":1}").records.size() == 1);
    const std::string title(1 << 20, 'x');
    CHECK(parse_jsonl("{\"id\":1,\"title\":\"" + title + "\"}").records.column("title").text[0] == title);
    CHECK(parse_jsonl("{\"id\":\"" + title + "\"}").records.ids[0] == title);
}

TEST_CASE("parse_jsonl: repairs are made and reported") {
    const IngestResult result = parse_jsonl(
        "{\"id\":1,\"a\":\"fine\",\"g\":[\"x\",\"x\",\"\"]}\n"
        "{\"id\":2,\"a\":\"caf\xFF\"}\n"
        "{\"id\":3,\"a\":\"  two \\n lines\\u0000\"}\n"
        "{\"id\":4,\"a\":\"Am\xC3\x83\xC2\xA9lie\",\"g\":[\"na\xC3\x83\xC2\xAFve\",\"caf\xC3\x83\xC2\xA9\"]}"
        "\n");
    const Column& a = result.records.column("a");
    CHECK(a.text == std::vector<std::string>{"fine", "caf\xEF\xBF\xBD", "two lines", "Am\xC3\xA9lie"});
    CHECK(result.records.column("g").tags[0] == std::vector<std::string>{"x"});
    CHECK(result.records.column("g").tags[3] == std::vector<std::string>{"na\xC3\xAFve", "caf\xC3\xA9"});
    REQUIRE(result.cleaning.repaired.size() == 4);
    CHECK(result.cleaning.repaired[0].reason == "repeated tags were dropped");
    CHECK(result.cleaning.repaired[1].row == 2);
    CHECK(result.cleaning.repaired[1].reason.find("U+FFFD") != std::string::npos);
    CHECK(result.cleaning.repaired[2].row == 4);
    CHECK(result.cleaning.repaired[2].column == "a");
    CHECK(result.cleaning.repaired[3].column == "g");
    CHECK(result.cleaning.white_space_texts == 1);
    CHECK(result.cleaning.kept == 4);
}

TEST_CASE("parse_jsonl: mixed values become one kind, and that is reported once") {
    const IngestResult mixed =
        parse_jsonl("{\"a\":\"x\",\"b\":\"one\"}\n{\"a\":100000,\"b\":[\"two\",\"three\"]}\n{\"a\":true}\n");
    CHECK(mixed.records.column("a").text == std::vector<std::string>{"x", "100000", "true"});
    CHECK(mixed.records.column("b").tags ==
          std::vector<std::vector<std::string>>{{"one"}, {"two", "three"}, {}});
    REQUIRE(mixed.cleaning.repaired.size() == 2);
    CHECK(mixed.cleaning.repaired[0].row == 0);
    CHECK(mixed.cleaning.repaired[0].column == "a");
    CHECK(mixed.cleaning.repaired[0].reason.find("1 texts, 1 numbers, 1 booleans") != std::string::npos);
    CHECK(mixed.cleaning.repaired[1].reason.find("1 single values became lists") != std::string::npos);
    // Plain lists among scored ones cannot be scored.
    const std::string lists = "{\"a\":[[\"x\",1]]}\n{\"a\":[\"y\"]}\n{\"a\":{\"z\":0.5}}\n";
    CHECK(refuses_jsonl(lists, "has no scores", "line 2", "column a"));
    CHECK(parse_jsonl(lists, skipping()).records.ids == std::vector<std::string>{"0", "2"});
    CHECK(refuses_jsonl("{\"a\":[\"x\"]}\n{\"a\":[\"y\"]}\n{\"a\":[[\"z\",1]]}\n", "has scores", "line 3"));
}

TEST_CASE("parse_jsonl: counts are scaled by the item's largest, scores are left alone") {
    const IngestResult result = parse_jsonl(
        "{\"id\":1,\"counts\":[[\"a\",30],[\"b\",3]],\"scores\":[[\"a\",0.9]]}\n"
        "{\"id\":2,\"counts\":[[\"a\",1]],\"scores\":[[\"a\",1]]}\n"
        "{\"id\":3,\"counts\":[[\"a\",0],[\"a\",0.5],[\"a\",0.25]],\"scores\":{}}\n{\"id\":4,\"counts\":[["
        "\"z\",0]]}\n");
    const Column& counts = result.records.column("counts");
    CHECK(scores(counts, 0) == std::vector<double>{1, 0.1});
    CHECK(scores(counts, 1) == std::vector<double>{1});
    CHECK(scores(counts, 2) == std::vector<double>{1});
    CHECK(scores(counts, 3) == std::vector<double>{0});
    CHECK(scores(result.records.column("scores"), 0) == std::vector<double>{0.9});
    int notes = 0;
    for (const CleaningNote& note : result.cleaning.repaired)
        notes += note.reason.find("divided by") != std::string::npos ? 1 : 0;
    CHECK(notes == 1);
    validate(result.records);
}

TEST_CASE("parse_jsonl: column_kinds converts, private columns are marked, both must exist") {
    IngestOptions options;
    options.column_kinds = {{"n", ColumnKind::Number}, {"t", ColumnKind::Tags}, {"s", ColumnKind::ScoredTags},
                            {"x", ColumnKind::Text},   {"d", ColumnKind::Tags}, {"b", ColumnKind::Number}};
    options.private_columns = {"x"};
    options.list_separator = ";";
    const IngestResult result = parse_jsonl(
        "{\"id\":1,\"n\":\"-2.5\",\"t\":\"a; b;;c\",\"s\":\"dark:0.5; "
        "a:b:1\",\"x\":[\"p\",\"q\"],\"d\":[[\"k\",0.5]],\"b\":true}\n"
        "{\"id\":2,\"n\":\"NA\"}",
        options);
    const Records& records = result.records;
    CHECK(records.column("n").numbers[0] == -2.5);
    CHECK(records.column("n").missing(1));
    CHECK(records.column("t").tags[0] == std::vector<std::string>{"a", "b", "c"});
    CHECK(records.column("s").scored_tags[0] == std::vector<ScoredTag>{{"dark", 0.5}, {"a:b", 1}});
    CHECK(records.column("x").text[0] == "p, q");
    CHECK(records.column("d").tags[0] == std::vector<std::string>{"k"});
    CHECK(records.column("b").numbers[0] == 1);
    CHECK_FALSE(records.column("x").is_public);
    CHECK(records.column("n").is_public);

    IngestOptions wrong;
    wrong.column_kinds = {{"n", ColumnKind::Number}};
    CHECK(throws_error(
        ErrorCode::Format, [&] { parse_jsonl("{\"id\":1,\"n\":\"1,5\"}", wrong); }, "'1,5' is not a number",
        "column n"));
    CHECK(throws_error(
        ErrorCode::Format, [&] { parse_jsonl("{\"id\":1,\"n\":[\"x\"]}", wrong); }, "is a list", "column n"));
    CHECK(throws_error(
        ErrorCode::InvalidArgument, [&] { parse_jsonl("{\"id\":1}", wrong); }, "column_kinds", "'n'"));
    wrong = {};
    wrong.column_kinds = {{"n", ColumnKind::ScoredTags}};
    CHECK(throws_error(
        ErrorCode::Format, [&] { parse_jsonl("{\"id\":1,\"n\":\"dark\"}", wrong); },
        "'dark' is not tag:score"));
    wrong = {};
    wrong.private_columns = {"secret"};
    CHECK(throws_error(
        ErrorCode::InvalidArgument, [&] { parse_jsonl("{\"id\":1}", wrong); }, "private_columns",
        "'secret'"));
    wrong.private_columns = {"id"};
    CHECK(throws_error(
        ErrorCode::InvalidArgument, [&] { parse_jsonl("{\"id\":1}", wrong); }, "ids, which are public"));
    wrong = {};
    wrong.max_text_bytes = -1;
    CHECK(throws_error(
        ErrorCode::InvalidArgument, [&] { parse_jsonl("{\"id\":1}", wrong); }, "max_text_bytes"));
    wrong = {};
    wrong.list_separator = "";
    CHECK(throws_error(
        ErrorCode::InvalidArgument, [&] { parse_jsonl("{\"id\":1}", wrong); }, "list_separator"));
    wrong = {};
    wrong.num_threads = -1;
    CHECK(throws_error(ErrorCode::InvalidArgument, [&] { parse_jsonl("{\"id\":1}", wrong); }, "num_threads"));
}

TEST_CASE("parse_jsonl: max_text_bytes cuts between characters and reports") {
    IngestOptions options;
    options.max_text_bytes = 4;
    const IngestResult result = parse_jsonl(
        "{\"id\":1,\"a\":\"abc\xC3\xA9"
        "d\"}\n{\"id\":2,\"a\":\"abcd\"}\n{\"id\":3,\"a\":\"abc def\"}",
        options);
    CHECK(result.records.column("a").text == std::vector<std::string>{"abc", "abcd", "abc"});
    REQUIRE(result.cleaning.repaired.size() == 2);
    CHECK(result.cleaning.repaired[0].reason.find("from 6 to 3 bytes") != std::string::npos);
}

TEST_CASE("parse_jsonl: too many keys are refused, also when they come from several blocks") {
    std::string text;
    for (int i = 0; i < 12000; ++i) text += "{\"k" + std::to_string(i) + "\":1}\n";
    CHECK(refuses_jsonl(text, "more than 10000 different keys"));
}

TEST_CASE("parse_jsonl: the result does not depend on num_threads; progress can cancel") {
    std::string text;
    RandomStream stream(1, "ingest");
    for (int i = 0; i < 3000; ++i) {
        text += "{\"id\":" + std::to_string(i % 2900) + ",\"k" + std::to_string(stream.next() % 40) +
                "\":\"v\",\"n\":" + std::to_string(stream.next() % 100) + ",\"t\":[\"a\",\"b" +
                std::to_string(stream.next() % 9) +
                "\"],\"m\":" + (stream.next() % 500 == 0 ? "\"x\"" : "1") +
                (stream.next() % 300 == 0 ? ",}" : "}") + "\n";
    }
    IngestOptions options = skipping();
    options.num_threads = 1;
    const IngestResult one = parse_jsonl(text, options);
    CHECK(one.cleaning.rejected.size() > 100);
    CHECK(one.cleaning.kept + static_cast<std::int64_t>(one.cleaning.rejected.size()) == one.cleaning.seen);
    for (const int threads : {2, 3, 8}) {
        options.num_threads = threads;
        CHECK(same(parse_jsonl(text, options), one));
    }
    std::string first;
    for (const int threads : {1, 3}) {
        IngestOptions strict;
        strict.num_threads = threads;
        const std::string message = message_of([&] { parse_jsonl(text, strict); });
        CHECK((first.empty() || message == first));
        first = message;
    }
    const Progress cancel([](const Tick&) { return false; }, std::chrono::milliseconds(0));
    CHECK(throws_error(ErrorCode::Cancelled, [&] { parse_jsonl(text, options, "x", cancel); }));
}

TEST_CASE("parse_delimited: kinds, quotes, missing numbers, codes with zeros") {
    const IngestResult result = parse_delimited(
        "\xEF\xBB\xBFmovie_id, title ,year,code,url,score,note,\n"
        "1,\"A, \"\"B\"\"\",1999,007,http://a.org,NA,1,\n"
        "2,None,,123,,1e3,x,\n"
        "3,\"two\nlines\",2001.5,010,https://b.org/x?y=1,nan,2,z\n",
        {}, "f.csv");
    const Records& records = result.records;
    CHECK(records.ids == std::vector<std::string>{"1", "2", "3"});
    CHECK(records.column("title").text == std::vector<std::string>{"A, \"B\"", "None", "two lines"});
    const Column& year = records.column("year");
    CHECK(year.kind == ColumnKind::Number);
    CHECK(year.numbers[0] == 1999);
    CHECK(year.missing(1));
    CHECK(cell_text(year, 2) == "2001.5");
    CHECK(records.column("code").text == std::vector<std::string>{"007", "123", "010"});
    CHECK(records.column("url").kind == ColumnKind::Link);
    const Column& score = records.column("score");
    CHECK(score.kind == ColumnKind::Number);
    CHECK(score.numbers[1] == 1000);
    CHECK((score.missing(0) && score.missing(2)));
    CHECK(records.column("note").kind == ColumnKind::Text);
    CHECK(records.column("column_8").text[2] == "z");
    REQUIRE(result.cleaning.repaired.size() == 1);
    CHECK(result.cleaning.repaired[0].column == "column_8");
}

TEST_CASE("parse_delimited: tags by column_kinds; a number column with one odd cell is reported") {
    IngestOptions options;
    options.column_kinds = {{"genres", ColumnKind::Tags}, {"moods", ColumnKind::ScoredTags}};
    std::string text = "id,genres,moods,year\n1,Action|Sci-Fi| Drama,dark:4|slow:2,1990\n2,,,199O\n";
    for (int i = 3; i < 40; ++i) text += std::to_string(i) + ",x,,2000\n";
    const IngestResult result = parse_delimited(text, options);
    CHECK(result.records.column("genres").tags[0] == std::vector<std::string>{"Action", "Sci-Fi", "Drama"});
    CHECK(result.records.column("genres").missing(1));
    CHECK(result.records.column("moods").scored_tags[0] ==
          std::vector<ScoredTag>{{"dark", 1}, {"slow", 0.5}});
    CHECK(result.records.column("year").kind == ColumnKind::Text);
    bool told = false;
    for (const CleaningNote& note : result.cleaning.repaired)
        told = told || note.reason.find("line 3 has '199O'") != std::string::npos;
    CHECK(told);
}

TEST_CASE("parse_delimited: bad rows and headers") {
    const auto refuses = [](const std::string& text, const std::string& part, const std::string& place) {
        const auto attempt = [&] { parse_delimited(text, {}, "f.csv"); };
        const bool ok = throws_error(ErrorCode::Format, attempt, part, place);
        if (!ok) MESSAGE(message_of(attempt));
        return ok;
    };
    CHECK(refuses("", "no rows", "f.csv"));
    CHECK(refuses("id,a\n", "no rows", "f.csv"));
    CHECK(refuses("id,a\n1,2\n3\n", "the row has 1 cells, the header 2", "line 3"));
    CHECK(refuses("id,a\n1,2\n3,4,5\n", "the row has 3 cells", "line 3"));
    CHECK(refuses("id,a\n1,\"x\n", "unclosed quote", "line 2"));
    CHECK(refuses("id,a,a\n1,2,3\n", "columns 2 and 3 have the same name", "line 1"));
    CHECK(refuses("id,a\n1,2\n1,3\n", "that of line 2, too", "line 3"));
    CHECK(refuses(std::string("id,a\n1,\0\n", 9), "NUL", "line 2"));
    CHECK(refuses("id,a\n,2\n", "id is missing", "line 2"));
    const IngestResult result = parse_delimited("id,a\n1,2\n3\n\"4\"x,5\n6,7\n\"8,9\n", skipping());
    CHECK(result.records.ids == std::vector<std::string>{"1", "6"});
    CHECK(result.cleaning.seen == 5);
    REQUIRE(result.cleaning.rejected.size() == 3);
    CHECK(result.cleaning.rejected[0].row == 3);
    CHECK(result.cleaning.rejected[1].row == 4);
    CHECK(result.cleaning.rejected[2].row == 6);
}

TEST_CASE("read_records: by extension") {
    const TempDir dir;
    write_file_atomic(dir / "a.jsonl", "{\"id\":1}\n");
    write_file_atomic(dir / "a.NDJSON", "{\"id\":2}\n");
    write_file_atomic(dir / "a.csv", "id,b\n3,x\n");
    write_file_atomic(dir / "a.tsv", "id\tb\n4\tx,y\n");
    CHECK(read_records(dir / "a.jsonl").records.ids[0] == "1");
    CHECK(read_records(dir / "a.NDJSON").records.ids[0] == "2");
    CHECK(read_records(dir / "a.csv").records.ids[0] == "3");
    CHECK(read_records(dir / "a.tsv").records.column("b").text[0] == "x,y");
    CHECK(throws_error(
        ErrorCode::InvalidArgument, [&] { read_records(dir / "a.json"); }, ".json'",
        ".jsonl, .ndjson, .csv and .tsv"));
    CHECK(throws_error(ErrorCode::InvalidArgument, [&] { read_records(dir / "a.jsonl.gz"); }, "gunzip"));
    CHECK(throws_error(ErrorCode::InvalidArgument, [&] { read_records(dir / "none"); }, "''"));
    CHECK(throws_error(ErrorCode::Io, [&] { read_records(dir / "absent.csv"); }, "No such file"));
}

TEST_CASE("ingest: random changes never crash; what passes is valid") {
    const std::string json =
        "{\"id\":1,\"a\":\"x\xC3\xA9\",\"t\":[\"p\",\"q\"],\"s\":[[\"u\",2]],\"n\":1.5}\n{\"id\":2,\"s\":{"
        "\"v\":1}}\n";
    const std::string csv = "id,a,b\n1,\"x,y\",2\n2,z,3\n";
    RandomStream stream(17, "ingest_fuzz");
    int kept = 0;
    for (int round = 0; round < 4000; ++round) {
        std::string text = round % 2 == 0 ? json : csv;
        for (std::uint64_t c = 0; c <= stream.next() % 3; ++c) {
            const std::size_t at = stream.next() % text.size();
            if (stream.next() % 2 == 0) {
                text[at] = static_cast<char>(stream.next());
            } else {
                text[at] = text[stream.next() % text.size()];
            }
        }
        IngestOptions options = round % 4 < 2 ? skipping() : IngestOptions{};
        options.num_threads = 1;
        const auto error = error_of([&] {
            const IngestResult result =
                round % 2 == 0 ? parse_jsonl(text, options) : parse_delimited(text, options);
            validate(result.records);
            ++kept;
        });
        if (error) CHECK(is_valid_utf8(error->what()));
    }
    CHECK(kept > 500);
    CHECK(kept < 4000);
}

TEST_CASE("ingest: the shared film set") {
    const std::string path = std::string(FILMATLAS_SHARED_DATA) + "/films.jsonl.gz";
    if (!std::filesystem::exists(path)) {
        MESSAGE("skipped: no shared data");
        return;
    }
    gzFile file = gzopen(path.c_str(), "rb");
    REQUIRE(file != nullptr);
    std::string text;
    std::vector<char> buffer(1 << 20);
    for (int got = 0; (got = gzread(file, buffer.data(), static_cast<unsigned>(buffer.size()))) > 0;) {
        text.append(buffer.data(), static_cast<std::size_t>(got));
    }
    gzclose(file);
    const IngestResult result = parse_jsonl(text, {}, "films.jsonl");
    CHECK(result.records.size() == 15834);
    CHECK(result.cleaning.rejected.empty());
    CHECK(result.records.ids[0] == "27205");
    CHECK(result.records.column("keywords").kind == ColumnKind::Tags);
    CHECK(result.records.column("user_tags").kind == ColumnKind::ScoredTags);
    CHECK(result.records.column("genome_top").kind == ColumnKind::ScoredTags);
    CHECK(result.records.column("year").kind == ColumnKind::Number);
    CHECK(result.records.column("overview").kind == ColumnKind::Text);
    CHECK(result.records.column("user_tags").scored_tags[0][0] == ScoredTag{"visually appealing", 1});
}
