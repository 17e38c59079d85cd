// SPDX-License-Identifier: MIT
#include "filmatlas/text/unicode.hpp"

#include <doctest/doctest.h>

#include <string>
#include <string_view>

#include "text/digest.hpp"

using namespace filmatlas;
using namespace std::string_view_literals;

TEST_CASE("unicode: word, space and lower-case properties of every code point equal Python's") {
    // Python 3.11 (Unicode 14): re.fullmatch(r"\w", c), c.isspace(), c.lower() of all code points.
    REQUIRE(unicode_version() == "14.0.0");
    Digest digest;
    for (char32_t c = 0; c < 0x110000; ++c) {
        if (c >= 0xD800 && c <= 0xDFFF) continue;
        digest.add(is_word(c) ? "1" : "0");
        digest.add(is_space(c) ? "1" : "0");
        std::string text;
        append_utf8(text, c);
        digest.add(lower(text));
    }
    CHECK(digest.value == 0x3A8C6FBE04994295ULL);
}

TEST_CASE("utf8: broken bytes are replaced as Python's decode(\"utf-8\", \"replace\") does") {
    Digest digest;
    for (std::uint64_t s = 0; s < 20000; ++s) {
        const std::string bytes = random_bytes(s);
        const std::string text = replace_invalid_utf8(bytes);
        digest.add(text);
        digest.add("\xFF");
        CHECK(is_valid_utf8(text));
        CHECK(is_valid_utf8(bytes) == (text == bytes));
        CHECK(from_code_points(to_code_points(bytes)) == text);
        CHECK(count_code_points(bytes) == static_cast<std::int64_t>(to_code_points(text).size()));
    }
    CHECK(digest.value == 0x8BE27300ECA7EFEEULL);
}

TEST_CASE("lower: final sigma looks past case-ignorable characters on both sides") {
    CHECK(lower("ΟΔΥΣΣΕΥΣ ΣΑΣ ΑΣ. Σ ΑΣ' ΑΣΒ") == "οδυσσευς σας ας. σ ας' ασβ");
    CHECK(lower("ΑΣ\u00AD ΑΣ\u0301Β") == "ας\u00AD ασ\u0301β");
    CHECK(lower("İI") == "i\u0307i");
    CHECK(lower("") == "");
    CHECK(lower("a\0B"sv) == "a\0b"sv);
    CHECK(lower("\xFF\x41") == "\uFFFD\u0061");
}

TEST_CASE("fold: case, diacritics and compatibility forms don't matter, letters do") {
    CHECK(fold("Amélie") == "amelie");
    CHECK(fold("AME\u0301LIE") == "amelie");
    CHECK(fold("Łódź") == "lodz");
    CHECK(fold("Straße") == "strasse");
    CHECK(fold("Ærøskøbing") == "aeroskobing");
    CHECK(fold("ﬁlm Ⅷ ②") == "film viii 2");
    CHECK(fold("ガンダム") == "ガンダム");
    CHECK(fold("がか") != fold("かか"));
    CHECK(fold("ｶﾞ") == "カ\u3099");  // half width: the mark stays a mark
    CHECK(fold("한국") == "한국");
    CHECK(fold("हिन्दी") == "हिन्दी");
    CHECK(fold("Ελλάδα") == "ελλαδα");
    CHECK(fold("İstanbul") == "istanbul");
    CHECK(fold("Đặng") == "dang");
    CHECK(fold("l’été") == "l'ete");
    CHECK(fold("ёлка й") == "елка и");
    CHECK(fold("\xC3(") == "\uFFFD(");
}

TEST_CASE("fold: folding twice changes nothing") {
    for (char32_t c = 0; c < 0x30000; ++c) {
        if (c >= 0xD800 && c <= 0xDFFF) continue;
        std::string text;
        append_utf8(text, c);
        const std::string once = fold(text);
        if (fold(once) != once) FAIL("code point " << static_cast<std::uint32_t>(c));
    }
}

TEST_CASE("truncate: never splits a code point") {
    CHECK(truncate_utf8("héllo", 2) == "hé");
    CHECK(truncate_utf8("héllo", 9) == "héllo");
    CHECK(truncate_utf8("héllo", 0) == "");
    CHECK(truncate_utf8("héllo", -1) == "");
}
