// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_KEYWORDS_DETAIL_WORD_FORMS_HPP
#define FILMATLAS_KEYWORDS_DETAIL_WORD_FORMS_HPP

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "filmatlas/text/unicode.hpp"

/// @file word_forms.hpp
/// @brief Forms of a word, worked out once per word and compared often; inline.

namespace filmatlas::detail {

inline bool word_has_vowel(std::string_view text) {
    return text.find_first_of("aeiouy") != std::string_view::npos;
}

/// The folded word without an English plural.
inline std::string word_singular(std::string_view word) {
    static constexpr std::pair<std::string_view, std::string_view> irregular[] = {
        {"children", "child"}, {"knives", "knife"},        {"lives", "life"},
        {"men", "man"},        {"thieves", "thief"},       {"wives", "wife"},
        {"wolves", "wolf"},    {"werewolves", "werewolf"}, {"women", "woman"}};
    std::string text = fold(word);
    for (const auto& [plural, singular] : irregular) {
        if (text == plural) return std::string(singular);
    }
    const std::size_t n = text.size();
    if (n < 4 || text.back() != 's') return text;
    if (text.ends_with("ies") && n > 4) return text.substr(0, n - 3) + "y";
    for (const std::string_view ending : {"sses", "xes", "ches", "shes", "zes"}) {
        if (text.ends_with(ending)) return text.substr(0, n - 2);
    }
    if (text.ends_with("ss") || text.ends_with("us") || text.ends_with("is")) return text;
    return text.substr(0, n - 1);
}

/// What the forms of a verb or noun share; meaningful for comparison only.
inline std::string word_stem(std::string_view word) {
    std::string text = word_singular(word);
    if (text.size() > 4 && text.ends_with("ie"))
        return text.substr(0, text.size() - 2) + "y";  // as "zombies"
    for (const std::string_view ending : {"ing", "ed"}) {
        if (!text.ends_with(ending)) continue;
        std::string stem = text.substr(0, text.size() - ending.size());
        if (stem.size() < 3 || !word_has_vowel(stem) || stem.back() == 'e') break;
        const char last = stem.back();
        const bool doubled = stem[stem.size() - 2] == last;
        if (doubled && std::string_view("bdgmnprt").find(last) != std::string_view::npos) stem.pop_back();
        if (stem.back() == 'i') stem.back() = 'y';  // "married", "marry"
        text = std::move(stem);
        break;
    }
    if (text.size() > 3 && text.back() == 'e') text.pop_back();
    return text;
}

/// Whether `agent` is the doer of `verb`: "killer" of "kill", "robber" of "rob", "murderer" of "murder".
inline bool is_agent_of(std::string_view agent, std::string_view verb) {
    if (verb.size() < 3 || agent.size() < verb.size() + 1 || !agent.ends_with("er")) return false;
    const std::string_view base = agent.substr(0, agent.size() - 2);
    if (base == verb) return verb.size() > 3;
    if (verb.back() == 'e' && base == verb.substr(0, verb.size() - 1)) return verb.size() > 4;
    return base.size() == verb.size() + 1 && base.starts_with(verb) && base.back() == verb.back();
}

struct WordForms {
    std::string singular;
    std::string stem;

    explicit WordForms(std::string_view word) : singular(word_singular(word)), stem(word_stem(word)) {}
    bool same_word(const WordForms& other) const {
        return stem == other.stem || is_agent_of(singular, other.singular) ||
               is_agent_of(other.singular, singular);
    }
};

/// The words of a term, and all of them written as one ("super hero", "superhero").
struct TermForms {
    std::vector<WordForms> words;
    std::string joined;

    explicit TermForms(std::string_view term) {
        for (std::size_t at = 0; at < term.size();) {
            const std::size_t end = std::min(term.find(' ', at), term.size());
            if (end > at) words.emplace_back(term.substr(at, end - at));
            joined.append(term, at, end - at);
            at = end + 1;
        }
        joined = word_stem(joined);
    }
    bool near_duplicate(const TermForms& other) const {
        if (words.empty() || other.words.empty()) return words.empty() && other.words.empty();
        const auto contained = [](const TermForms& less, const TermForms& more) {
            return less.words.size() <= more.words.size() &&
                   std::all_of(less.words.begin(), less.words.end(), [&](const WordForms& word) {
                       return std::any_of(more.words.begin(), more.words.end(),
                                          [&](const WordForms& w) { return word.same_word(w); });
                   });
        };
        return joined == other.joined || contained(*this, other) || contained(other, *this);
    }
};

}  // namespace filmatlas::detail
#endif  // FILMATLAS_KEYWORDS_DETAIL_WORD_FORMS_HPP
