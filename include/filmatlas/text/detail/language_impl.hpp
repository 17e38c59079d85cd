// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_TEXT_DETAIL_LANGUAGE_IMPL_HPP
#define FILMATLAS_TEXT_DETAIL_LANGUAGE_IMPL_HPP

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "filmatlas/core/utf8.hpp"
#include "filmatlas/text/detail/stop_word_lists.hpp"
#include "filmatlas/text/language.hpp"
#include "filmatlas/text/stop_words.hpp"
#include "filmatlas/text/tokenize.hpp"
#include "filmatlas/text/unicode.hpp"

namespace filmatlas {
namespace detail {

struct LanguageScript {
    char32_t first, last;
    std::string_view code;  ///< "" = several languages, told apart by their function words
};
/// Scripts in the order of their letters; Japanese is told from Chinese by its kana.
inline constexpr LanguageScript language_scripts[] = {
    {0x41, 0x24F, ""},       {0x370, 0x3FF, "el"},   {0x400, 0x52F, ""},     {0x590, 0x5FF, "he"},
    {0x600, 0x6FF, "ar"},    {0x900, 0x97F, "hi"},   {0xE00, 0xE7F, "th"},   {0x1E00, 0x1EFF, ""},
    {0x1F00, 0x1FFF, "el"},  {0x3041, 0x30FF, "ja"}, {0x3400, 0x9FFF, "zh"}, {0xAC00, 0xD7AF, "ko"},
    {0x20000, 0x3FFFF, "zh"}};

}  // namespace detail

FILMATLAS_INLINE LanguageHint language_hint(std::string_view text) {
    std::array<std::int64_t, std::size(detail::language_scripts)> letters{};
    std::int64_t all = 0;
    for (std::size_t at = 0; at < text.size();) {
        const CodePoint unit = decode_utf8(text, at);
        at += static_cast<std::size_t>(unit.length);
        const bool ascii_letter = (unit.value | 0x20U) >= 'a' && (unit.value | 0x20U) <= 'z';
        if (unit.value < 0x80 ? !ascii_letter : !is_word(unit.value)) continue;
        ++all;
        for (std::size_t s = 0; s < letters.size(); ++s) {
            if (unit.value >= detail::language_scripts[s].first &&
                unit.value <= detail::language_scripts[s].last)
                ++letters[s];
        }
    }
    if (all == 0) return {};
    const auto of = [&](std::string_view code) {
        std::int64_t sum = 0;
        for (std::size_t s = 0; s < letters.size(); ++s)
            sum += detail::language_scripts[s].code == code ? letters[s] : 0;
        return sum;
    };
    const auto share = [&](std::int64_t count) {
        return static_cast<double>(count) / static_cast<double>(all);
    };
    if (const std::int64_t east = of("ja") + of("zh"); 2 * east > all) {
        return {20 * of("ja") > east ? "ja" : "zh", share(east)};
    }
    for (const std::string_view code : {"el", "he", "ar", "hi", "th", "ko"}) {
        if (2 * of(code) > all) return {code, share(of(code))};
    }
    const std::vector<std::string> words = tokenize(text, TokenizeOptions{.min_length = 1});
    std::string_view best;
    std::int64_t most = 0;
    std::int64_t next = 0;
    const auto weigh = [&](std::string_view code) {
        const std::span<const std::string_view> list = stop_list(code);
        const std::int64_t hits = std::count_if(words.begin(), words.end(), [&](const std::string& word) {
            return std::binary_search(list.begin(), list.end(), std::string_view(word));
        });
        if (hits > most) {
            next = most;
            most = hits;
            best = code;
        } else {
            next = std::max(next, hits);
        }
    };
    weigh("en");
    for (const detail::StopWordList& list : detail::stop_word_lists) weigh(list.code);
    if (most < 3 || most == next) return {};
    return {best, static_cast<double>(most - next) / static_cast<double>(most)};
}

}  // namespace filmatlas
#endif  // FILMATLAS_TEXT_DETAIL_LANGUAGE_IMPL_HPP
