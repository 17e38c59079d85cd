// SPDX-License-Identifier: MIT
#include "filmatlas/core/utf8.hpp"
#include "filmatlas/core/detail/quote.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <string>

using namespace filmatlas;

TEST_CASE("utf8: every code point survives a round trip; others become U+FFFD") {
    for (char32_t c = 0; c < 0x110000; ++c) {
        if (c >= 0xD800 && c <= 0xDFFF) continue;
        std::string text;
        append_utf8(text, c);
        const CodePoint unit = decode_utf8(text, 0);
        if (!unit.valid || unit.value != c || unit.length != static_cast<int>(text.size())) {
            FAIL("code point " << static_cast<std::uint32_t>(c));
        }
    }
    std::string text;
    append_utf8(text, 0xD800);
    append_utf8(text, 0x110000);
    CHECK(text == "\uFFFD\uFFFD");
}

TEST_CASE("utf8: the first invalid byte is named") {
    CHECK_FALSE(find_invalid_utf8("héllo").has_value());
    CHECK(find_invalid_utf8("h\xC3") == 1U);
    CHECK(find_invalid_utf8("ab\xED\xA0\x80") == 2U);
    CHECK(find_invalid_utf8("\xC0\x80") == 0U);
}

TEST_CASE("utf8: a prefix never splits a character, a quotation is short and printable") {
    CHECK(utf8_prefix_length("h\u00E9", 2) == 1);
    CHECK(utf8_prefix_length("h\u00E9", 3) == 3);
    CHECK(utf8_prefix_length("abc", 9) == 3);
    CHECK(detail::excerpt("a\nb\x7F") == "a b ");
    CHECK(detail::excerpt("h\u00E9llo", 2) == "h...");
    CHECK(detail::excerpt("x\xFF", 60) == "x\uFFFD");
}
