// SPDX-License-Identifier: MIT
// delimited.hpp
#include <doctest/doctest.h>

#include "filmatlas/core/random.hpp"
#include "filmatlas/io/delimited.hpp"
#include "io/support.hpp"

using namespace filmatlas;
using filmatlas_test::error_of;
using filmatlas_test::throws_error;

namespace {

using Table = std::vector<std::vector<std::string>>;

Table read_all(std::string_view text, char delimiter = ',') {
    DelimitedReader reader(text, delimiter, "t.csv");
    DelimitedRow row;
    Table table;
    while (reader.next(row)) table.push_back(row.cells);
    return table;
}

std::string write_all(const Table& table, const DelimitedWriteOptions& options = {}) {
    std::string out;
    for (const auto& cells : table) append_delimited_row(out, cells, options);
    return out;
}

}  // namespace

TEST_CASE("delimited: cells, quotes and every kind of line end") {
    CHECK(read_all("a,b\n1,2\n") == Table{{"a", "b"}, {"1", "2"}});
    CHECK(read_all("a,b\r\n1,2") == Table{{"a", "b"}, {"1", "2"}});
    CHECK(read_all("a,b\r1,2\r") == Table{{"a", "b"}, {"1", "2"}});
    CHECK(read_all("\xEF\xBB\xBF"
                   "a\n\n\r\nb\n") == Table{{"a"}, {"b"}});
    CHECK(read_all("\"a \"\"x\"\", y\",\"\"\n\"1\r\n2\n3\",,") ==
          Table{{"a \"x\", y", ""}, {"1\r\n2\n3", "", ""}});
    CHECK(read_all("6\" screw,a\"b\"") == Table{{"6\" screw", "a\"b\""}});
    CHECK(read_all(",\n") == Table{{"", ""}});
    CHECK(read_all("\"\"\n") == Table{{""}});
    CHECK(read_all("a\t\"b\tc\"\td,e", '\t') == Table{{"a", "b\tc", "d,e"}});
    CHECK(read_all("").empty());
    CHECK(read_all("\n\n").empty());
}

TEST_CASE("delimited: records know their line and byte") {
    DelimitedReader reader("a,b\r\n\n\"x\r\ny\nz\",2\nlast,3", ',');
    DelimitedRow row;
    REQUIRE(reader.next(row));
    CHECK(row.line == 1);
    REQUIRE(reader.next(row));
    CHECK(row.line == 3);
    CHECK(row.byte_offset == 6);
    REQUIRE(reader.next(row));
    CHECK(row.line == 6);
    CHECK_FALSE(reader.next(row));
    CHECK_FALSE(reader.next(row));
}

TEST_CASE("delimited: malformed records are refused where they are, and reading can go on") {
    DelimitedReader reader("h,i\n\"a\"b,c\nfine,1\n\"open,2\nfine,3\n\"never\nclosed", ',', "t.csv");
    DelimitedRow row;
    REQUIRE(reader.next(row));
    auto error = error_of([&] { reader.next(row); });
    REQUIRE(error);
    CHECK(error->code() == ErrorCode::Format);
    CHECK(error->where().row == 2);
    CHECK(error->where().byte_offset == 7);
    CHECK(std::string(error->what()).find("text after the closing quote of cell 1 [file t.csv, line 2") !=
          std::string::npos);
    REQUIRE(reader.next(row));
    CHECK(row.cells[1] == "1");
    // The quote that opens on line 4 is closed by that of line 6: an n follows it.
    error = error_of([&] { reader.next(row); });
    REQUIRE(error);
    CHECK(error->where().row == 6);
    REQUIRE(reader.next(row));
    CHECK(row.line == 5);
    CHECK(row.cells == std::vector<std::string>{"fine", "3"});
    error = error_of([&] { reader.next(row); });
    REQUIRE(error);
    CHECK(error->where().row == 6);
    CHECK(std::string(error->what()).find("unclosed quote") != std::string::npos);
    REQUIRE(reader.next(row));
    CHECK(row.cells == std::vector<std::string>{"closed"});
    CHECK_FALSE(reader.next(row));
}

TEST_CASE("delimited: NUL bytes, UTF-16, too many cells and bad delimiters are refused") {
    CHECK(throws_error(
        ErrorCode::Format, [] { read_all(std::string_view("a,\0b", 4)); }, "NUL byte", "byte 2"));
    CHECK(throws_error(
        ErrorCode::Format, [] { read_all(std::string_view("\"a\0b\"", 5)); }, "NUL byte", "byte 2"));
    CHECK(throws_error(
        ErrorCode::Format,
        [] {
            read_all(
                std::string_view("\xFF\xFE"
                                 "a\0",
                                 4));
        },
        "UTF-16", "iconv"));
    CHECK(throws_error(
        ErrorCode::Format, [] { read_all(std::string(100000, ',')); }, "65536 cells", "delimiter"));
    for (const char delimiter : {'"', '\n', '\r', '\0'}) {
        CHECK(throws_error(
            ErrorCode::InvalidArgument, [&] { DelimitedReader reader("a", delimiter); }, "delimiter"));
    }
}

TEST_CASE("delimited: numbers are whole cells, without locale") {
    CHECK(parse_number("12") == 12.0);
    CHECK(parse_number("-0.5") == -0.5);
    CHECK(parse_number("+3") == 3.0);
    CHECK(parse_number("1e6") == 1e6);
    CHECK(parse_number(".5") == 0.5);
    for (const char* text : {"", "1,5", "0x1p3", "nan", "inf", "-inf", "1e999", " 1", "1 ", "+-1", "1.2.3",
                             "-", "+", "e5", "1_000"}) {
        CHECK_FALSE(parse_number(text).has_value());
    }
}

TEST_CASE("delimited: what is written is read back") {
    RandomStream stream(11, "delimited");
    const std::string alphabet = "ab,\"\n\r\t; '=1";
    for (const char delimiter : {',', '\t', ';'}) {
        DelimitedWriteOptions options;
        options.delimiter = delimiter;
        options.guard_formulas = false;
        for (int round = 0; round < 300; ++round) {
            Table table(1 + stream.next() % 4);
            const std::size_t width = 1 + stream.next() % 4;
            for (auto& cells : table) {
                for (std::size_t c = 0; c < width; ++c) {
                    std::string cell;
                    for (std::uint64_t i = stream.next() % 6; i > 0; --i)
                        cell += alphabet[stream.next() % alphabet.size()];
                    cells.push_back(cell);
                }
            }
            const std::string text = write_all(table, options);
            if (read_all(text, delimiter) != table) FAIL_CHECK(text);
        }
    }
}

TEST_CASE("delimited: formulas are written as text, numbers as numbers") {
    const Table table = {
        {"=cmd|' /C calc'!A0", "+1", "-1+1", "@SUM(A1)", "\tx", "\rx", "-12.5", "a=b", "-", ""}};
    const Table back = read_all(write_all(table));
    CHECK(back == Table{{"'=cmd|' /C calc'!A0", "+1", "'-1+1", "'@SUM(A1)", "'\tx", "'\rx", "-12.5", "a=b",
                         "'-", ""}});
    CHECK(write_all({{"a,b", "c\"d", " e", "f"}}) == "\"a,b\",\"c\"\"d\",\" e\",f\n");
    CHECK(write_all({{""}}) == "\"\"\n");
}

TEST_CASE("delimited: any bytes end in rows or in a refusal") {
    RandomStream stream(13, "delimited_fuzz");
    const std::string alphabet = "\"\",,\n\rab";
    for (int round = 0; round < 5000; ++round) {
        std::string text;
        for (std::uint64_t i = stream.next() % 40; i > 0; --i)
            text += alphabet[stream.next() % alphabet.size()];
        DelimitedReader reader(text, ',');
        DelimitedRow row;
        std::int64_t line = 0;
        bool more = true;
        for (int steps = 0; more; ++steps) {
            REQUIRE(steps < 100);
            const auto error = error_of([&] { more = reader.next(row); });
            if (error || !more) continue;
            CHECK(row.line > line);  // always forward
            line = row.line;
        }
    }
}
