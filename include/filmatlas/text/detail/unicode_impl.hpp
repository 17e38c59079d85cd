// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_TEXT_DETAIL_UNICODE_IMPL_HPP
#define FILMATLAS_TEXT_DETAIL_UNICODE_IMPL_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>

#include "filmatlas/text/detail/unicode_index.hpp"
#include "filmatlas/text/unicode.hpp"

namespace filmatlas {

FILMATLAS_INLINE std::string_view unicode_version() noexcept { return detail::unicode_tables_version; }

FILMATLAS_INLINE std::u32string to_code_points(std::string_view text) {
    std::u32string out;
    out.reserve(text.size());
    for (std::size_t at = 0; at < text.size();) {
        const CodePoint unit = decode_utf8(text, at);
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
        at += static_cast<std::size_t>(decode_utf8(text, at).length);
    return count;
}

FILMATLAS_INLINE std::string_view truncate_utf8(std::string_view text,
                                                std::int64_t max_code_points) noexcept {
    std::size_t at = 0;
    for (std::int64_t count = 0; at < text.size() && count < max_code_points; ++count) {
        at += static_cast<std::size_t>(decode_utf8(text, at).length);
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
        const CodePoint unit = decode_utf8(text, at);
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
        const CodePoint unit = decode_utf8(text, at);
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
#endif  // FILMATLAS_TEXT_DETAIL_UNICODE_IMPL_HPP
