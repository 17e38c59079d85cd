// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_PROFILE_DETAIL_CLEAN_IMPL_HPP
#define FILMATLAS_PROFILE_DETAIL_CLEAN_IMPL_HPP

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "filmatlas/core/utf8.hpp"
#include "filmatlas/profile/clean.hpp"

namespace filmatlas {
namespace detail {

/// Characters of the Windows-1252 bytes 0x80 to 0x9F; the five bytes without one stand for the C1 control of
/// their value.
inline constexpr char16_t kCleanWindows1252[32] = {
    0x20AC, 0x0081, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
    0x2039, 0x0152, 0x008D, 0x017D, 0x008F, 0x0090, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
    0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x009D, 0x017E, 0x0178};

/// The Windows-1252 byte of a character (C1 controls: the byte of their value), or -1.
inline int clean_windows_1252_byte(char32_t c) noexcept {
    if (c <= 0xFF) return static_cast<int>(c);
    for (int i = 0; i < 32; ++i) {
        if (kCleanWindows1252[i] == c) return 0x80 + i;
    }
    return -1;
}

/// Characters that real text is likely to hold; what lies outside speaks for a coincidence.
inline bool clean_is_common(char32_t c) noexcept {
    struct Range {
        char32_t first;
        char32_t last;
    };
    static constexpr Range kRanges[] = {
        {0x00A0, 0x017F},  // Latin-1 supplement, Latin extended A
        {0x0192, 0x0192}, {0x0218, 0x021B}, {0x02C6, 0x02DC}, {0x0370, 0x052F},  // Greek, Cyrillic
        {0x0590, 0x06FF},                                                        // Hebrew, Arabic
        {0x0900, 0x0E7F},  // scripts of India, Sinhala, Thai
        {0x1E00, 0x1EFF},  // Vietnamese
        {0x2000, 0x206F}, {0x20A0, 0x20BF}, {0x2100, 0x27BF}, {0x3000, 0x9FFF},  {0xAC00, 0xD7AF},
        {0xFE00, 0xFE0F}, {0xFEFF, 0xFEFF}, {0xFF00, 0xFFEF}, {0x1F000, 0x1FAFF}};
    for (const Range& range : kRanges) {
        if (c >= range.first && c <= range.last) return true;
    }
    return false;
}

/// Undoes one layer of double encoding of the whole text. `text` is valid UTF-8.
inline bool clean_undo_layer(std::string& text) {
    std::string bytes;
    bytes.reserve(text.size());
    for (std::size_t i = 0; i < text.size();) {
        const CodePoint c = decode_utf8(text, i);
        const int byte = clean_windows_1252_byte(c.value);
        if (byte < 0) return false;
        bytes += static_cast<char>(byte);
        i += static_cast<std::size_t>(c.length);
    }
    int sequences = 0;
    bool typical = false;
    for (std::size_t i = 0; i < bytes.size();) {
        const CodePoint c = decode_utf8(bytes, i);
        if (!c.valid) return false;
        if (c.length > 1) {
            // A C1 control is common only as a further layer's half-decoded byte.
            if (!clean_is_common(c.value) && !(c.value >= 0x80 && c.value < 0xA0))
                return false;
            ++sequences;
            const auto lead = static_cast<unsigned char>(bytes[i]);
            typical = typical || lead == 0xC2 || lead == 0xC3 || lead == 0xE2;
        }
        i += static_cast<std::size_t>(c.length);
    }
    if (sequences == 0 || !(typical || sequences >= 2)) return false;
    text = std::move(bytes);
    return true;
}

/// Replaces U+00E2 U+20AC and a third character, where the three bytes are general punctuation, in otherwise
/// healthy text.
inline bool clean_undo_punctuation(std::string& text) {
    static constexpr std::string_view kStart = "\xC3\xA2\xE2\x82\xAC";  // U+00E2 U+20AC, in bytes E2 80
    std::size_t found = text.find(kStart);
    if (found == std::string::npos) return false;
    std::string out;
    std::size_t copied = 0;
    bool changed = false;
    while (found != std::string::npos) {
        const std::size_t third = found + kStart.size();
        std::size_t next = third;
        if (third < text.size()) {
            const CodePoint c = decode_utf8(text, third);
            const int byte = clean_windows_1252_byte(c.value);
            if (byte >= 0x80 && byte <= 0xBF) {
                out.append(text, copied, found - copied);
                append_utf8(out, 0x2000U + static_cast<char32_t>(byte - 0x80));
                next = copied = third + static_cast<std::size_t>(c.length);
                changed = true;
            }
        }
        found = text.find(kStart, next);
    }
    if (!changed) return false;
    out.append(text, copied, text.size() - copied);
    text = std::move(out);
    return true;
}

struct HtmlEntity {
    std::string_view name;
    char32_t value;
};
inline constexpr HtmlEntity clean_html_entities[] = {
#include "filmatlas/profile/detail/html_entities.inc"
};

/// Code point of the reference "&name;" or "&#number;" between its first and last byte, or 0.
inline char32_t clean_entity(std::string_view name) noexcept {
    if (name.size() < 2) return 0;
    if (name[0] != '#') {
        const auto* const end = std::end(clean_html_entities);
        const auto* const found = std::lower_bound(
            std::begin(clean_html_entities), end, name,
            [](const HtmlEntity& entity, std::string_view key) { return entity.name < key; });
        return found != end && found->name == name ? found->value : 0;
    }
    const bool hexadecimal = name[1] == 'x' || name[1] == 'X';
    const std::string_view digits = name.substr(hexadecimal ? 2 : 1);
    if (digits.empty() || digits.size() > 7) return 0;
    std::uint32_t value = 0;
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), value, hexadecimal ? 16 : 10);
    if (error != std::errc() || end != digits.data() + digits.size() || value == 0 || value > 0x10FFFF) return 0;
    // Numbers of the C1 controls mean Windows-1252 characters (HTML 5, 13.2.5.80).
    return value >= 0x80 && value < 0xA0 ? kCleanWindows1252[value - 0x80] : value;
}

inline bool clean_decode_entities(std::string& text) {
    constexpr std::size_t kLongest = 10;  // bytes between '&' and ';'
    std::size_t at = text.find('&');
    if (at == std::string::npos) return false;
    std::string out;
    std::size_t copied = 0;
    for (; at != std::string::npos; at = text.find('&', at + 1)) {
        const std::size_t end = text.find(';', at);
        if (end == std::string::npos) break;
        if (end - at > kLongest) continue;
        const char32_t value = clean_entity(std::string_view(text).substr(at + 1, end - at - 1));
        if (value == 0) continue;
        out.append(text, copied, at - copied);
        append_utf8(out, value);
        copied = end + 1;
    }
    if (copied == 0) return false;
    out.append(text, copied, text.size() - copied);
    text = std::move(out);
    return true;
}

inline bool clean_is_space(char32_t c) noexcept {
    return c <= 0x20 || (c >= 0x7F && c <= 0xA0) || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) ||
           c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

/// `text` is valid UTF-8.
inline bool clean_white_space(std::string& text) {
    std::string out;
    out.reserve(text.size());
    bool gap = false;
    for (std::size_t i = 0; i < text.size();) {
        const CodePoint c = decode_utf8(text, i);
        if (clean_is_space(c.value)) {
            gap = true;
        } else {
            if (gap && !out.empty()) out += ' ';
            gap = false;
            out.append(text, i, static_cast<std::size_t>(c.length));
        }
        i += static_cast<std::size_t>(c.length);
    }
    if (out == text) return false;
    text = std::move(out);
    return true;
}

}  // namespace detail

FILMATLAS_INLINE TextRepairs clean_text(std::string& text) {
    TextRepairs repairs;
    bool ascii = true;
    bool escaped = false;
    bool spaced = !text.empty() && (text.front() == ' ' || text.back() == ' ');
    char previous = 'x';
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        ascii = ascii && byte < 0x80;
        escaped = escaped || c == '&';
        spaced = spaced || byte < 0x20 || byte == 0x7F || (c == ' ' && previous == ' ');
        previous = c;
    }
    if (!ascii) {
        if (!is_valid_utf8(text)) {
            text = replace_invalid_utf8(text);
            repairs.invalid_utf8 = true;
        }
    }
    // A repair can uncover another: every round that changes something shortens the text or removes its last
    // tab, so this ends; layers of encoding or escapes each lengthen the text, so there are few.
    for (bool changed = true; changed;) {
        changed = false;
        if (escaped && detail::clean_decode_entities(text)) {
            repairs.html_entities = changed = true;
            ascii = false;  // what came out may need any of the other repairs
        }
        if (!ascii && (detail::clean_undo_layer(text) || detail::clean_undo_punctuation(text))) {
            repairs.double_encoded = changed = true;
        }
        if (!changed && (!ascii || spaced) && detail::clean_white_space(text)) {
            repairs.white_space = changed = true;
        }
    }
    return repairs;
}

}  // namespace filmatlas
#endif  // FILMATLAS_PROFILE_DETAIL_CLEAN_IMPL_HPP
