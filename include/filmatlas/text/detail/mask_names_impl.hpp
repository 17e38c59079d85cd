// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_TEXT_DETAIL_MASK_NAMES_IMPL_HPP
#define FILMATLAS_TEXT_DETAIL_MASK_NAMES_IMPL_HPP

#include <algorithm>
#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "filmatlas/core/parallel.hpp"
#include "filmatlas/core/utf8.hpp"
#include "filmatlas/text/mask_names.hpp"
#include "filmatlas/text/stem.hpp"
#include "filmatlas/text/stop_words.hpp"
#include "filmatlas/text/unicode.hpp"

namespace filmatlas {
namespace detail {

/// A run of word characters at bytes [begin, end).
struct PlacedWord {
    std::size_t begin = 0;
    std::size_t end = 0;
};

inline std::vector<PlacedWord> placed_words(std::string_view text) {
    std::vector<PlacedWord> words;
    bool inside = false;
    for (std::size_t at = 0; at < text.size();) {
        const CodePoint unit = decode_utf8(text, at);
        const bool word = unit.valid && is_word(unit.value);
        if (word && !inside) words.push_back({at, at});
        at += static_cast<std::size_t>(unit.length);
        if (word) words.back().end = at;
        inside = word;
    }
    return words;
}

inline std::string mask_key(std::string_view word) { return stem(fold(word)); }

using MaskPhrase = std::vector<std::string>;  // keys of a name's words
/// Phrases by their first key, longest first.
using MaskPhrases = std::map<std::string, std::vector<MaskPhrase>, std::less<>>;

inline void add_mask_phrase(MaskPhrases& phrases, MaskPhrase phrase) {
    if (phrase.empty()) return;
    std::vector<MaskPhrase>& known = phrases[phrase.front()];
    known.push_back(std::move(phrase));
    std::stable_sort(known.begin(), known.end(),
                     [](const MaskPhrase& a, const MaskPhrase& b) { return a.size() > b.size(); });
}

inline MaskPhrase mask_phrase(std::string_view name) {
    MaskPhrase phrase;
    for (const PlacedWord& word : placed_words(name))
        phrase.push_back(mask_key(name.substr(word.begin, word.end - word.begin)));
    return phrase;
}

/// Words from `at` on that a phrase takes, 0 for none.
inline std::size_t match_phrase(const MaskPhrases& phrases, const std::vector<std::string>& keys,
                                std::size_t at) {
    const auto known = phrases.find(keys[at]);
    if (known == phrases.end()) return 0;
    for (const MaskPhrase& phrase : known->second) {
        if (at + phrase.size() <= keys.size() &&
            std::equal(phrase.begin(), phrase.end(), keys.begin() + static_cast<std::ptrdiff_t>(at))) {
            return phrase.size();
        }
    }
    return 0;
}

/// Bytes of a possessive ending at `at`, 0 for none.
inline std::size_t possessive_length(std::string_view text, std::size_t at) {
    for (const std::string_view ending : {std::string_view("'s"), std::string_view("\xE2\x80\x99s")}) {
        if (text.substr(at, ending.size()) != ending) continue;
        const std::size_t after = at + ending.size();
        if (after >= text.size() || !is_word(decode_utf8(text, after).value)) return ending.size();
    }
    return 0;
}

/// `text` without the bytes of the masked words.
inline std::string without_words(std::string_view text, const std::vector<PlacedWord>& words,
                                 const std::vector<bool>& masked, std::string_view replacement) {
    std::string out;
    std::size_t copied = 0;
    const auto close_gap = [&] {
        if (replacement.empty() && (out.empty() || out.back() == ' ')) {
            while (copied < text.size() && text[copied] == ' ') ++copied;
        }
    };
    for (std::size_t w = 0; w < words.size(); ++w) {
        if (!masked[w]) continue;
        if (words[w].begin < copied) continue;  // the "s" of a possessive
        out.append(text.substr(copied, words[w].begin - copied));
        out.append(replacement);
        copied = words[w].end + possessive_length(text, words[w].end);
        close_gap();
    }
    out.append(text.substr(copied));
    while (replacement.empty() && !out.empty() && out.back() == ' ' && !text.ends_with(' ')) out.pop_back();
    return out;
}

}  // namespace detail

FILMATLAS_INLINE void validate(const MaskOptions& options) {
    if (options.min_word_length < 1) {
        throw_invalid("mask_names", "min_word_length", "is " + std::to_string(options.min_word_length),
                      "use 1 or more");
    }
    static_cast<void>(stop_list(options.stop_words));
    if (options.num_threads < 0) static_cast<void>(resolve_num_threads(options.num_threads));
}

FILMATLAS_INLINE MaskedTexts mask_names(std::span<const std::string> texts,
                                        std::span<const std::vector<std::string>> names,
                                        const MaskOptions& options) {
    validate(options);
    if (names.size() != texts.size()) {
        throw_shape(
            "mask_names",
            std::to_string(names.size()) + " lists of names for " + std::to_string(texts.size()) + " texts",
            "give one list per text, empty where there are none");
    }
    detail::MaskPhrases everywhere;
    for (const std::string& name : options.everywhere)
        detail::add_mask_phrase(everywhere, detail::mask_phrase(name));
    const std::span<const std::string_view> stop_words = stop_list(options.stop_words);
    MaskedTexts out;
    out.texts.resize(texts.size());
    out.masked_words.assign(texts.size(), 0);
    parallel_for(static_cast<std::int64_t>(texts.size()), 64, options.num_threads,
                 [&](std::int64_t begin, std::int64_t end) {
                     for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i) {
                         const std::string& text = texts[i];
                         detail::MaskPhrases own;
                         std::vector<std::string> single;
                         for (const std::string& name : names[i]) {
                             detail::add_mask_phrase(own, detail::mask_phrase(name));
                             if (!options.single_words) continue;
                             for (const detail::PlacedWord& word : detail::placed_words(name)) {
                                 const std::string form =
                                     lower(std::string_view(name).substr(word.begin, word.end - word.begin));
                                 if (count_code_points(form) >= options.min_word_length &&
                                     !std::binary_search(stop_words.begin(), stop_words.end(), form)) {
                                     single.push_back(detail::mask_key(form));
                                 }
                             }
                         }
                         if (own.empty() && everywhere.empty()) {
                             out.texts[i] = text;
                             continue;
                         }
                         std::sort(single.begin(), single.end());
                         const std::vector<detail::PlacedWord> words = detail::placed_words(text);
                         std::vector<std::string> keys;
                         keys.reserve(words.size());
                         for (const detail::PlacedWord& word : words)
                             keys.push_back(detail::mask_key(
                                 std::string_view(text).substr(word.begin, word.end - word.begin)));
                         std::vector<bool> masked(words.size(), false);
                         for (std::size_t w = 0; w < words.size(); ++w) {
                             const std::size_t length = std::max(detail::match_phrase(own, keys, w),
                                                                 detail::match_phrase(everywhere, keys, w));
                             std::fill_n(masked.begin() + static_cast<std::ptrdiff_t>(w), length, true);
                             if (std::binary_search(single.begin(), single.end(), keys[w])) masked[w] = true;
                         }
                         out.masked_words[i] = std::count(masked.begin(), masked.end(), true);
                         out.texts[i] = out.masked_words[i] == 0
                                            ? text
                                            : detail::without_words(text, words, masked, options.replacement);
                     }
                 });
    return out;
}

FILMATLAS_INLINE std::vector<std::string> name_words(std::span<const std::string> texts,
                                                     const NameOptions& options) {
    if (!(options.min_share > 0 && options.min_share <= 1)) {
        throw_invalid("name_words", "min_share", "is " + to_text(options.min_share), "use a value in (0, 1]");
    }
    if (options.min_occurrences < 1) {
        throw_invalid("name_words", "min_occurrences", "is " + std::to_string(options.min_occurrences),
                      "use 1 or more");
    }
    struct Seen {
        std::int64_t capital = 0;
        std::int64_t all = 0;
    };
    std::map<std::string, Seen, std::less<>> seen;
    for (const std::string& text : texts) {
        std::size_t before = 0;  // end of the word before
        for (const detail::PlacedWord& word : detail::placed_words(text)) {
            const std::string_view gap = std::string_view(text).substr(before, word.begin - before);
            // A sentence may start behind anything but blanks, commas and hyphens.
            const bool starts = before == 0 || gap.find_first_not_of(" ,-") != std::string_view::npos;
            before = word.end;
            if (starts) continue;
            const std::string_view form = std::string_view(text).substr(word.begin, word.end - word.begin);
            const std::string low = lower(form);
            Seen& entry = seen[low];
            ++entry.all;
            const CodePoint first = decode_utf8(form, 0);
            if (decode_utf8(low, 0).value != first.value) ++entry.capital;
        }
    }
    std::vector<std::string> names;
    for (const auto& [word, count] : seen) {
        if (count.all >= options.min_occurrences && count.capital > 0 &&
            static_cast<double>(count.capital) >= options.min_share * static_cast<double>(count.all)) {
            names.push_back(word);
        }
    }
    return names;
}

}  // namespace filmatlas
#endif  // FILMATLAS_TEXT_DETAIL_MASK_NAMES_IMPL_HPP
