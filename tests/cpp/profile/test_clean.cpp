// SPDX-License-Identifier: MIT
// clean.hpp
#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

#include "filmatlas/core/random.hpp"
#include "filmatlas/core/utf8.hpp"
#include "filmatlas/profile/clean.hpp"

using namespace filmatlas;

namespace {

std::string cleaned(std::string text) {
    clean_text(text);
    return text;
}

/// UTF-8 read as Windows-1252 and encoded again; bytes without a character become C1 controls.
std::string encode_twice(const std::string& text) {
    static constexpr char16_t kTable[32] = {0x20AC, 0x81,   0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021,
                                            0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0x8D,   0x017D, 0x8F,
                                            0x90,   0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014,
                                            0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x9D,   0x017E, 0x0178};
    std::string out;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        append_utf8(out, byte >= 0x80 && byte < 0xA0 ? kTable[byte - 0x80] : byte);
    }
    return out;
}

}  // namespace

TEST_CASE("clean_text: doubly encoded text is repaired, whatever the script and the number of layers") {
    for (const std::string text :
         {"Am\xC3\xA9lie", "caf\xC3\xA9 \xE2\x80\x94 \xE2\x80\x9Cquoted\xE2\x80\x9D", "It\xE2\x80\x99s",
          "na\xC3\xAFve \xC3\xA0 la carte", "\xD0\x9C\xD0\xBE\xD1\x81\xD0\xBA\xD0\xB2\xD0\xB0",
          "\xE6\x98\xA0\xE7\x94\xBB", "film \xF0\x9F\x8E\xAC \xE2\x82\xAC", "\xC5\x81\xC3\xB3\x64\xC5\xBA",
          "Academy Award\xC2\xAE nominee"}) {
        std::string once = encode_twice(text);
        REQUIRE(once != text);
        const TextRepairs repairs = clean_text(once);
        CHECK(once == text);
        CHECK(repairs.double_encoded);
        CHECK_FALSE(repairs.invalid_utf8);
        CHECK(cleaned(encode_twice(encode_twice(text))) == text);
        CHECK(cleaned(encode_twice(encode_twice(encode_twice(encode_twice(text))))) == text);
    }
}

TEST_CASE("clean_text: healthy text stays as it is") {
    for (const std::string text :
         {"plain", "", "Am\xC3\xA9lie", "CAF\xC3\x89\xC2\xBB", "\xC2\xAB LE CAF\xC3\x89\xC2\xBB",
          "\xC3\x85land", "S\xC3\x83O PAULO", "\xD0\x9C\xD0\xBE\xD1\x81\xD0\xBA\xD0\xB2\xD0\xB0",
          "\xE6\x98\xA0\xE7\x94\xBB", "\xF0\x9F\x91\xA8\xE2\x80\x8D\xF0\x9F\x91\xA9", "e\xCC\x81",
          "\xC3\x83 propos", "5 \xE2\x82\xAC", "\xEF\xBF\xBD", "\xC3\xA2\xE2\x82\xAC"}) {
        std::string copy = text;
        const TextRepairs repairs = clean_text(copy);
        CHECK(copy == text);
        CHECK_FALSE(repairs.double_encoded);
        CHECK_FALSE(repairs.invalid_utf8);
        CHECK_FALSE(repairs.white_space);
    }
}

TEST_CASE("clean_text: broken curly quotes are repaired beside healthy foreign text") {
    std::string text = "\xD0\x9C\xD0\xB8\xD1\x80 isn" + encode_twice("\xE2\x80\x99") + "t " +
                       encode_twice("\xE2\x80\x94") + " over";
    CHECK(clean_text(text).double_encoded);
    CHECK(text == "\xD0\x9C\xD0\xB8\xD1\x80 isn\xE2\x80\x99t \xE2\x80\x94 over");
}

TEST_CASE("clean_text: bytes that are not UTF-8 become U+FFFD, one for each maximal subpart") {
    std::string text =
        "a\xFF"
        "b\xC3(\xE2\x82"
        "c\xED\xA0\x80\xF0\x9F\x8E";
    CHECK(clean_text(text).invalid_utf8);
    const std::string r = "\xEF\xBF\xBD";
    CHECK(text == "a" + r + "b" + r + "(" + r + "c" + r + r + r + r);
}

TEST_CASE("clean_text: white space and control characters collapse, joiners stay") {
    std::string text =
        " \t a\r\n\n b\xC2\xA0\xE2\x80\x83 c\x01"
        "d\x7F\xE2\x80\xA8";
    CHECK(clean_text(text).white_space);
    CHECK(text == "a b c d");
    CHECK(cleaned(std::string("a\0b", 3)) == "a b");
    CHECK(cleaned("  ").empty());
    CHECK(cleaned("\xE3\x80\x80\xC2\x85").empty());
    CHECK(cleaned("a\xE2\x80\x8D"
                  "b") ==
          "a\xE2\x80\x8D"
          "b");
}

TEST_CASE("clean_text: the result is clean: valid, and a second pass changes nothing") {
    RandomStream stream(3, "clean");
    const std::vector<std::string> parts = {
        "a",        " ",        "\n",           "\xC3\xA9", "\xC3\x83",     "\xC2\xA9",
        "\xC3\x82", "\xC2\xA0", "\xE2\x82\xAC", "\xC3\xA2", "\xE2\x84\xA2", "\xFF",
        "\xC2\x81", "\xC3",     "\xC5\xB8",     "\xC2\x90", "\x01"};
    for (int round = 0; round < 20000; ++round) {
        std::string text;
        for (std::uint64_t i = stream.next() % 12; i > 0; --i) text += parts[stream.next() % parts.size()];
        const std::string original = text;
        clean_text(text);
        CHECK(is_valid_utf8(text));
        std::string again = text;
        const TextRepairs repairs = clean_text(again);
        if (again != text || repairs.white_space || repairs.double_encoded) FAIL_CHECK(original);
    }
}

TEST_CASE("clean_text: a megabyte is no trouble") {
    std::string text;
    while (text.size() < 1000000) text += "caf\xC3\xA9 ";
    const std::string trimmed = text.substr(0, text.size() - 1);
    CHECK(cleaned(text) == trimmed);
    CHECK(cleaned(encode_twice(text)) == trimmed);
}

TEST_CASE("clean_text: HTML character references, by name and number, however often escaped") {
    const std::pair<const char*, const char*> known[] = {
        {"Tom &amp; Jerry", "Tom & Jerry"},
        {"&quot;Am&eacute;lie&quot;", "\"Am\xC3\xA9lie\""},
        {"It&#39;s &#x2019;quoted&#X2019;", "It's \xE2\x80\x99quoted\xE2\x80\x99"},
        {"&amp;amp;lt;", "<"},
        {"caf&#233;&nbsp;&nbsp;au lait", "caf\xC3\xA9 au lait"},
        {"&#151; dash", "\xE2\x80\x94 dash"},  // Windows-1252, as browsers read it
        {"&Eacute;&eacute;", "\xC3\x89\xC3\xA9"}};
    for (const auto& [raw, expected] : known) {
        std::string text = raw;
        CHECK(clean_text(text).html_entities);
        CHECK(text == expected);
        CHECK_FALSE(clean_text(text).html_entities);
    }
    for (const std::string text : {"AT&T; &c. & so on;", "&unknown; &#; &#x; &#0; &#xD800000; &#99999999;",
                                   "R&B", "&amp", "&;", "&"}) {
        CHECK(cleaned(text) == text);
    }
    CHECK(cleaned("&#xD800;") == "\xEF\xBF\xBD");
}
