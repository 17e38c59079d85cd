// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_TEXT_DETAIL_UTF8_IMPL_HPP
#define FILMATLAS_TEXT_DETAIL_UTF8_IMPL_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>

#include "filmatlas/text/detail/unicode_index.hpp"
#include "filmatlas/text/utf8.hpp"

namespace filmatlas {

FILMATLAS_INLINE std::string_view unicode_version() noexcept { return detail::unicode_tables_version; }

FILMATLAS_INLINE CodePoint decode_utf8(std::string_view text, std::size_t offset) noexcept {
    return detail::utf8_decode(text, offset);
}

FILMATLAS_INLINE void append_utf8(std::string& out, char32_t code_point) {
    const std::uint32_t c =
        code_point > 0x10FFFF || (code_point >= 0xD800 && code_point <= 0xDFFF) ? 0xFFFD : code_point;
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

FILMATLAS_INLINE std::optional<std::size_t> find_invalid_utf8(std::string_view text) noexcept {
    for (std::size_t at = 0; at < text.size();) {
        const CodePoint unit = detail::utf8_decode(text, at);
        if (!unit.valid) return at;
        at += static_cast<std::size_t>(unit.length);
    }
    return std::nullopt;
}

FILMATLAS_INLINE std::string replace_invalid_utf8(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t at = 0; at < text.size();) {
        const CodePoint unit = detail::utf8_decode(text, at);
        if (unit.valid) {
            out.append(text, at, static_cast<std::size_t>(unit.length));
        } else {
            append_utf8(out, unit.value);
        }
        at += static_cast<std::size_t>(unit.length);
    }
    return out;
}

FILMATLAS_INLINE std::u32string to_code_points(std::string_view text) {
    std::u32string out;
    out.reserve(text.size());
    for (std::size_t at = 0; at < text.size();) {
        const CodePoint unit = detail::utf8_decode(text, at);
        out += unit.value;
        at += static_cast<std::size_t>(unit.length);
    }
    return out;
}

FILMATLAS_INLINE std::string from_code_points(std::u32string_view text) {
    std::string out;
    out.reserve(text.size());
    for (const char32_t c : text) append_utf8(out, c);
    return out;
}

FILMATLAS_INLINE std::int64_t count_code_points(std::string_view text) noexcept {
    std::int64_t count = 0;
    for (std::size_t at = 0; at < text.size(); ++count)
        at += static_cast<std::size_t>(detail::utf8_decode(text, at).length);
    return count;
}

FILMATLAS_INLINE std::string_view truncate_utf8(std::string_view text,
                                                std::int64_t max_code_points) noexcept {
    std::size_t at = 0;
    for (std::int64_t count = 0; at < text.size() && count < max_code_points; ++count) {
        at += static_cast<std::size_t>(detail::utf8_decode(text, at).length);
    }
    return text.substr(0, at);
}

FILMATLAS_INLINE bool is_word(char32_t code_point) noexcept {
    return detail::unicode_index().is_word(code_point);
}

FILMATLAS_INLINE bool is_space(char32_t code_point) noexcept {
    return detail::unicode_contains(detail::unicode_space, code_point);
}

FILMATLAS_INLINE std::string lower(std::string_view text) {
    const detail::UnicodeIndex& index = detail::unicode_index();
    std::string out;
    out.reserve(text.size());
    for (std::size_t at = 0; at < text.size();) {
        const CodePoint unit = detail::utf8_decode(text, at);
        if (unit.value == detail::kCapitalSigma && detail::is_final_sigma(text, at)) {
            append_utf8(out, detail::kFinalSigma);
        } else if (unit.value == detail::kCapitalIWithDot) {
            out += 'i';
            append_utf8(out, detail::kCombiningDotAbove);
        } else {
            append_utf8(out, index.to_lower(unit.value));
        }
        at += static_cast<std::size_t>(unit.length);
    }
    return out;
}

FILMATLAS_INLINE std::string fold(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t at = 0; at < text.size();) {
        const CodePoint unit = detail::utf8_decode(text, at);
        at += static_cast<std::size_t>(unit.length);
        const char32_t c = unit.value;
        if (c < 0x80) {
            out += static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
            continue;
        }
        if (detail::unicode_contains(detail::unicode_fold_removed, c)) continue;
        const auto* many = std::lower_bound(
            std::begin(detail::unicode_fold_many), std::end(detail::unicode_fold_many), c,
            [](const detail::UnicodeExpansion& e, char32_t value) { return e.code_point < value; });
        if (many != std::end(detail::unicode_fold_many) && many->code_point == c) {
            for (std::int32_t i = 0; i < many->length; ++i) {
                append_utf8(out, detail::unicode_fold_pool[many->offset + i]);
            }
        } else {
            append_utf8(out, detail::unicode_map(detail::unicode_fold, c));
        }
    }
    return out;
}

}  // namespace filmatlas
#endif  // FILMATLAS_TEXT_DETAIL_UTF8_IMPL_HPP
