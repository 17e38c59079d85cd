// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_IO_DETAIL_UTF8_HPP
#define FILMATLAS_IO_DETAIL_UTF8_HPP

#include <cstddef>
#include <string>
#include <string_view>

/// @file utf8.hpp
/// @brief The few UTF-8 routines that readers, writers and profiles share.

namespace filmatlas::detail {

/// One decoded character, or an ill-formed subsequence of `length` bytes (then code_point is U+FFFD).
struct Utf8Char {
    char32_t code_point = 0xFFFD;
    int length = 1;
    bool valid = false;
};

/// Decodes at `position` < text.size(). Ill-formed input advances by its maximal subpart, as the Unicode
/// standard recommends: overlong forms, surrogates and values above U+10FFFF are ill-formed.
inline Utf8Char decode_utf8(std::string_view text, std::size_t position) noexcept {
    const auto byte = [text](std::size_t i) -> unsigned {
        return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
    };
    const unsigned lead = byte(position);
    if (lead < 0x80) return {static_cast<char32_t>(lead), 1, true};
    int continuation = 0;
    unsigned low = 0x80;
    unsigned high = 0xBF;
    char32_t value = 0;
    if (lead >= 0xC2 && lead <= 0xDF) {
        continuation = 1;
        value = lead & 0x1F;
    } else if (lead >= 0xE0 && lead <= 0xEF) {
        continuation = 2;
        value = lead & 0x0F;
        if (lead == 0xE0) low = 0xA0;
        if (lead == 0xED) high = 0x9F;
    } else if (lead >= 0xF0 && lead <= 0xF4) {
        continuation = 3;
        value = lead & 0x07;
        if (lead == 0xF0) low = 0x90;
        if (lead == 0xF4) high = 0x8F;
    } else {
        return {};
    }
    for (int i = 1; i <= continuation; ++i) {
        const unsigned next = byte(position + static_cast<std::size_t>(i));
        if (next < low || next > high) return {0xFFFD, i, false};
        value = value << 6 | (next & 0x3F);
        low = 0x80;
        high = 0xBF;
    }
    return {value, continuation + 1, true};
}

inline void append_utf8(std::string& out, char32_t c) {
    if (c < 0x80) {
        out += static_cast<char>(c);
    } else if (c < 0x800) {
        out += static_cast<char>(0xC0 | c >> 6);
        out += static_cast<char>(0x80 | (c & 0x3F));
    } else if (c < 0x10000) {
        out += static_cast<char>(0xE0 | c >> 12);
        out += static_cast<char>(0x80 | (c >> 6 & 0x3F));
        out += static_cast<char>(0x80 | (c & 0x3F));
    } else {
        out += static_cast<char>(0xF0 | c >> 18);
        out += static_cast<char>(0x80 | (c >> 12 & 0x3F));
        out += static_cast<char>(0x80 | (c >> 6 & 0x3F));
        out += static_cast<char>(0x80 | (c & 0x3F));
    }
}

/// Offset of the first ill-formed byte, or npos.
inline std::size_t find_invalid_utf8(std::string_view text) noexcept {
    std::size_t i = 0;
    while (i < text.size()) {
        if (static_cast<unsigned char>(text[i]) < 0x80) {
            ++i;
            continue;
        }
        const Utf8Char c = decode_utf8(text, i);
        if (!c.valid) return i;
        i += static_cast<std::size_t>(c.length);
    }
    return std::string_view::npos;
}

/// The text with every ill-formed subsequence replaced by U+FFFD.
inline std::string to_valid_utf8(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    std::size_t i = 0;
    while (i < text.size()) {
        const Utf8Char c = decode_utf8(text, i);
        append_utf8(out, c.code_point);
        i += static_cast<std::size_t>(c.length);
    }
    return out;
}

/// Largest length <= `limit` that does not split a character of valid UTF-8.
inline std::size_t utf8_prefix_length(std::string_view text, std::size_t limit) noexcept {
    if (text.size() <= limit) return text.size();
    while (limit > 0 && (static_cast<unsigned char>(text[limit]) & 0xC0) == 0x80) --limit;
    return limit;
}

/// A short quotation of untrusted text for a message: valid UTF-8, no control characters, at most `limit`
/// bytes.
inline std::string excerpt(std::string_view text, std::size_t limit = 60) {
    const bool cut = text.size() > limit;
    std::string out = to_valid_utf8(text.substr(0, cut ? limit : text.size()));
    out.resize(utf8_prefix_length(out, limit));
    for (char& c : out) {
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = ' ';
    }
    return cut ? out + "..." : out;
}

/// Appends an item of a list, with ", " before all but the first.
inline void append_item(std::string& list, std::string_view item) {
    if (!list.empty()) list += ", ";
    list += item;
}

}  // namespace filmatlas::detail
#endif  // FILMATLAS_IO_DETAIL_UTF8_HPP
