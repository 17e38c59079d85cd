// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LABELS_DETAIL_LABEL_TEXT_HPP
#define FILMATLAS_LABELS_DETAIL_LABEL_TEXT_HPP

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "filmatlas/text/unicode.hpp"

/// @file label_text.hpp
/// @brief What may stand in a label, inline.

namespace filmatlas::detail {

/// Controls, marks that change the direction or the joining of what follows without being seen, and U+FFFD.
inline bool label_hidden(char32_t c) noexcept {
    return c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0xAD || c == 0x61C || (c >= 0x200B && c <= 0x200F) ||
           (c >= 0x2028 && c <= 0x202E) || (c >= 0x2060 && c <= 0x206F) || c == 0xFEFF || c == 0xFFFD;
}

/// At most `max_characters` code points, with an ellipsis where something was cut.
inline std::string shorten_label(std::string_view text, std::int64_t max_characters) {
    if (count_code_points(text) <= max_characters) return std::string(text);
    std::string out(truncate_utf8(text, max_characters - 1));
    while (!out.empty() && out.back() == ' ') out.pop_back();
    return out + "\u2026";
}

inline bool label_markup(std::string_view text) {
    const std::u32string points = to_code_points(text);
    return std::any_of(points.begin(), points.end(),
                       [](char32_t c) { return label_hidden(c) || c == U'<' || c == U'>'; });
}

inline bool label_blank(std::string_view text) {
    const std::u32string points = to_code_points(text);
    return std::all_of(points.begin(), points.end(),
                       [](char32_t c) { return is_space(c) || label_hidden(c); });
}

}  // namespace filmatlas::detail
#endif  // FILMATLAS_LABELS_DETAIL_LABEL_TEXT_HPP
