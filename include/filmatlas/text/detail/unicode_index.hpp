// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_TEXT_DETAIL_UNICODE_INDEX_HPP
#define FILMATLAS_TEXT_DETAIL_UNICODE_INDEX_HPP

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string_view>

#include "filmatlas/core/utf8.hpp"

/// @file unicode_index.hpp
/// @brief What the tokeniser's inner loops need of Unicode, inline.

namespace filmatlas::detail {

struct UnicodeRange {
    char32_t first, last;
};
/// Every `stride`-th code point from `first` to `last` moves by `delta`. Intervals ascend and are disjoint.
struct UnicodeMapping {
    char32_t first, last;
    std::int32_t stride, delta;
};
struct UnicodeExpansion {
    char32_t code_point;
    std::int32_t offset, length;
};

#include "filmatlas/text/detail/unicode_tables.inc"

template <std::size_t N>
bool unicode_contains(const UnicodeRange (&table)[N], char32_t c) noexcept {
    const UnicodeRange* after = std::upper_bound(
        table, table + N, c, [](char32_t value, const UnicodeRange& r) { return value < r.first; });
    return after != table && c <= std::prev(after)->last;
}

/// c itself when the table does not move it.
template <std::size_t N>
char32_t unicode_map(const UnicodeMapping (&table)[N], char32_t c) noexcept {
    const UnicodeMapping* after = std::upper_bound(
        table, table + N, c, [](char32_t value, const UnicodeMapping& m) { return value < m.first; });
    if (after == table) return c;
    const UnicodeMapping& m = *std::prev(after);
    if (c > m.last || (c - m.first) % static_cast<char32_t>(m.stride) != 0) return c;
    return static_cast<char32_t>(static_cast<std::int64_t>(c) + m.delta);
}

/// Direct tables of what running text is made of: built once from the compact ones.
struct UnicodeIndex {
    static constexpr char32_t kLowerSize = 0x600;    ///< Latin, Greek, Cyrillic, Armenian
    std::array<std::uint64_t, 0x10000 / 64> word{};  ///< bits of the basic plane
    std::array<char16_t, kLowerSize> lower{};
    /// ASCII: the lower-case byte of a word character, 0 of any other; 0x80 and above map to 0x80.
    std::array<unsigned char, 256> ascii{};

    UnicodeIndex() {
        for (const UnicodeRange& r : unicode_word) {
            for (char32_t c = r.first; c <= r.last && c < 0x10000; ++c) {
                word[c >> 6] |= std::uint64_t{1} << (c & 63U);
            }
        }
        for (char32_t c = 0; c < kLowerSize; ++c)
            lower[c] = static_cast<char16_t>(unicode_map(unicode_lower, c));
        for (std::size_t c = 0; c < 0x80; ++c) {
            ascii[c] = is_word(static_cast<char32_t>(c)) ? static_cast<unsigned char>(lower[c]) : 0;
        }
        for (std::size_t c = 0x80; c < 0x100; ++c) ascii[c] = 0x80;
    }
    bool is_word(char32_t c) const noexcept {
        if (c < 0x10000) return (word[c >> 6] >> (c & 63U) & 1U) != 0;
        return unicode_contains(unicode_word, c);
    }
    /// str.lower() of one character that is neither U+0130 nor a capital sigma in final position.
    char32_t to_lower(char32_t c) const noexcept {
        return c < kLowerSize ? lower[c] : unicode_map(unicode_lower, c);
    }
};

inline const UnicodeIndex& unicode_index() {
    static const UnicodeIndex index;
    return index;
}

inline constexpr char32_t kCapitalSigma = U'\u03A3';
inline constexpr char32_t kFinalSigma = U'\u03C2';
inline constexpr char32_t kCapitalIWithDot = U'\u0130';
inline constexpr char32_t kCombiningDotAbove = U'\u0307';

/// Start of the unit that ends before `offset` > 0: a valid sequence, else one byte.
inline std::size_t utf8_previous(std::string_view text, std::size_t offset) noexcept {
    for (std::size_t back = 1; back <= 4 && back <= offset; ++back) {
        const std::size_t start = offset - back;
        if ((static_cast<unsigned char>(text[start]) & 0xC0U) == 0x80U) continue;
        const CodePoint unit = decode_utf8(text, start);
        if (unit.valid && static_cast<std::size_t>(unit.length) == back) return start;
        break;
    }
    return offset - 1;
}

/// Whether the capital sigma at [offset, offset + 2) ends a word: a cased letter before it and none after it,
/// looking past case-ignorable characters (Unicode 3.13, Final_Sigma).
inline bool is_final_sigma(std::string_view text, std::size_t offset) noexcept {
    bool after_cased = false;
    for (std::size_t at = offset; at > 0;) {
        at = utf8_previous(text, at);
        const char32_t c = decode_utf8(text, at).value;
        if (unicode_contains(unicode_case_ignorable, c)) continue;
        after_cased = unicode_contains(unicode_cased, c);
        break;
    }
    if (!after_cased) return false;
    for (std::size_t at = offset + 2; at < text.size();) {
        const CodePoint unit = decode_utf8(text, at);
        if (!unicode_contains(unicode_case_ignorable, unit.value))
            return !unicode_contains(unicode_cased, unit.value);
        at += static_cast<std::size_t>(unit.length);
    }
    return true;
}

}  // namespace filmatlas::detail
#endif  // FILMATLAS_TEXT_DETAIL_UNICODE_INDEX_HPP
