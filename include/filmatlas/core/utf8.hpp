// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_CORE_UTF8_HPP
#define FILMATLAS_CORE_UTF8_HPP

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

/// @file utf8.hpp
/// @brief UTF-8, decoded and encoded one code point at a time.
///
/// Every function accepts any bytes: an ill-formed sequence (overlong forms, surrogates and values above U+10FFFF
/// among them) counts as one U+FFFD per maximal subpart (Unicode 3.9, as Python's
/// `bytes.decode("utf-8", "replace")`), so nothing here throws and no code point is ever split.

namespace filmatlas {

/// A code point, or an ill-formed sequence that stands for U+FFFD.
struct CodePoint {
    char32_t value = U'\uFFFD';
    int length = 1;      ///< bytes taken, 1..4
    bool valid = false;  ///< false: ill-formed, `value` is U+FFFD
};

/// Decodes the unit that starts at `offset`, which must be below text.size().
inline CodePoint decode_utf8(std::string_view text, std::size_t offset) noexcept {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned lead = byte(offset);
    if (lead < 0x80) return {static_cast<char32_t>(lead), 1, true};
    int length = 0;
    char32_t value = 0;
    // The second byte's range excludes overlong forms, surrogates and values above U+10FFFF (Unicode table 3-7).
    unsigned low = 0x80;
    unsigned high = 0xBF;
    if (lead >= 0xC2 && lead <= 0xDF) {
        length = 2;
        value = lead & 0x1FU;
    } else if (lead >= 0xE0 && lead <= 0xEF) {
        length = 3;
        value = lead & 0x0FU;
        if (lead == 0xE0) low = 0xA0;
        if (lead == 0xED) high = 0x9F;
    } else if (lead >= 0xF0 && lead <= 0xF4) {
        length = 4;
        value = lead & 0x07U;
        if (lead == 0xF0) low = 0x90;
        if (lead == 0xF4) high = 0x8F;
    } else {
        return {U'\uFFFD', 1, false};
    }
    for (int i = 1; i < length; ++i) {
        const std::size_t at = offset + static_cast<std::size_t>(i);
        if (at >= text.size() || byte(at) < low || byte(at) > high) return {U'\uFFFD', i, false};
        value = value << 6 | (byte(at) & 0x3FU);
        low = 0x80;
        high = 0xBF;
    }
    return {value, length, true};
}

/// Appends `code_point`; surrogates and values above U+10FFFF become U+FFFD.
inline void append_utf8(std::string& out, char32_t code_point) {
    const char32_t c =
        code_point > 0x10FFFF || (code_point >= 0xD800 && code_point <= 0xDFFF) ? U'\uFFFD' : code_point;
    if (c < 0x80) {
        out += static_cast<char>(c);
    } else if (c < 0x800) {
        out += static_cast<char>(0xC0U | c >> 6);
        out += static_cast<char>(0x80U | (c & 0x3FU));
    } else if (c < 0x10000) {
        out += static_cast<char>(0xE0U | c >> 12);
        out += static_cast<char>(0x80U | (c >> 6 & 0x3FU));
        out += static_cast<char>(0x80U | (c & 0x3FU));
    } else {
        out += static_cast<char>(0xF0U | c >> 18);
        out += static_cast<char>(0x80U | (c >> 12 & 0x3FU));
        out += static_cast<char>(0x80U | (c >> 6 & 0x3FU));
        out += static_cast<char>(0x80U | (c & 0x3FU));
    }
}

/// Byte offset of the first ill-formed sequence; empty when `text` is valid UTF-8.
inline std::optional<std::size_t> find_invalid_utf8(std::string_view text) noexcept {
    for (std::size_t at = 0; at < text.size();) {
        const CodePoint unit = decode_utf8(text, at);
        if (!unit.valid) return at;
        at += static_cast<std::size_t>(unit.length);
    }
    return std::nullopt;
}
inline bool is_valid_utf8(std::string_view text) noexcept { return !find_invalid_utf8(text).has_value(); }

/// `text` with ill-formed sequences replaced by U+FFFD.
inline std::string replace_invalid_utf8(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t at = 0; at < text.size();) {
        const CodePoint unit = decode_utf8(text, at);
        append_utf8(out, unit.value);
        at += static_cast<std::size_t>(unit.length);
    }
    return out;
}

/// Largest length <= `limit` (bytes) that does not split a character of valid UTF-8.
inline std::size_t utf8_prefix_length(std::string_view text, std::size_t limit) noexcept {
    if (text.size() <= limit) return text.size();
    while (limit > 0 && (static_cast<unsigned char>(text[limit]) & 0xC0) == 0x80) --limit;
    return limit;
}

}  // namespace filmatlas
#endif  // FILMATLAS_CORE_UTF8_HPP
