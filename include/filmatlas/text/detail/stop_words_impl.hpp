// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_TEXT_DETAIL_STOP_WORDS_IMPL_HPP
#define FILMATLAS_TEXT_DETAIL_STOP_WORDS_IMPL_HPP

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "filmatlas/text/detail/stop_word_lists.hpp"
#include "filmatlas/text/stop_words.hpp"

namespace filmatlas {
namespace detail {

// The list of scikit-learn (feature_extraction/_stop_words.py, BSD-3-Clause, Copyright the scikit-learn
// developers), which took it from the Glasgow Information Retrieval Group. Odd entries ("bill", "fire",
// "system") are kept as they are: results then compare with those of other tools.
inline constexpr std::string_view stop_words_english[] = {
    "a",         "about",      "above",      "across",       "after",      "afterwards", "again",
    "against",   "all",        "almost",     "alone",        "along",      "already",    "also",
    "although",  "always",     "am",         "among",        "amongst",    "amoungst",   "amount",
    "an",        "and",        "another",    "any",          "anyhow",     "anyone",     "anything",
    "anyway",    "anywhere",   "are",        "around",       "as",         "at",         "back",
    "be",        "became",     "because",    "become",       "becomes",    "becoming",   "been",
    "before",    "beforehand", "behind",     "being",        "below",      "beside",     "besides",
    "between",   "beyond",     "bill",       "both",         "bottom",     "but",        "by",
    "call",      "can",        "cannot",     "cant",         "co",         "con",        "could",
    "couldnt",   "cry",        "de",         "describe",     "detail",     "do",         "done",
    "down",      "due",        "during",     "each",         "eg",         "eight",      "either",
    "eleven",    "else",       "elsewhere",  "empty",        "enough",     "etc",        "even",
    "ever",      "every",      "everyone",   "everything",   "everywhere", "except",     "few",
    "fifteen",   "fifty",      "fill",       "find",         "fire",       "first",      "five",
    "for",       "former",     "formerly",   "forty",        "found",      "four",       "from",
    "front",     "full",       "further",    "get",          "give",       "go",         "had",
    "has",       "hasnt",      "have",       "he",           "hence",      "her",        "here",
    "hereafter", "hereby",     "herein",     "hereupon",     "hers",       "herself",    "him",
    "himself",   "his",        "how",        "however",      "hundred",    "i",          "ie",
    "if",        "in",         "inc",        "indeed",       "interest",   "into",       "is",
    "it",        "its",        "itself",     "keep",         "last",       "latter",     "latterly",
    "least",     "less",       "ltd",        "made",         "many",       "may",        "me",
    "meanwhile", "might",      "mill",       "mine",         "more",       "moreover",   "most",
    "mostly",    "move",       "much",       "must",         "my",         "myself",     "name",
    "namely",    "neither",    "never",      "nevertheless", "next",       "nine",       "no",
    "nobody",    "none",       "noone",      "nor",          "not",        "nothing",    "now",
    "nowhere",   "of",         "off",        "often",        "on",         "once",       "one",
    "only",      "onto",       "or",         "other",        "others",     "otherwise",  "our",
    "ours",      "ourselves",  "out",        "over",         "own",        "part",       "per",
    "perhaps",   "please",     "put",        "rather",       "re",         "same",       "see",
    "seem",      "seemed",     "seeming",    "seems",        "serious",    "several",    "she",
    "should",    "show",       "side",       "since",        "sincere",    "six",        "sixty",
    "so",        "some",       "somehow",    "someone",      "something",  "sometime",   "sometimes",
    "somewhere", "still",      "such",       "system",       "take",       "ten",        "than",
    "that",      "the",        "their",      "them",         "themselves", "then",       "thence",
    "there",     "thereafter", "thereby",    "therefore",    "therein",    "thereupon",  "these",
    "they",      "thick",      "thin",       "third",        "this",       "those",      "though",
    "three",     "through",    "throughout", "thru",         "thus",       "to",         "together",
    "too",       "top",        "toward",     "towards",      "twelve",     "twenty",     "two",
    "un",        "under",      "until",      "up",           "upon",       "us",         "very",
    "via",       "was",        "we",         "well",         "were",       "what",       "whatever",
    "when",      "whence",     "whenever",   "where",        "whereafter", "whereas",    "whereby",
    "wherein",   "whereupon",  "wherever",   "whether",      "which",      "while",      "whither",
    "who",       "whoever",    "whole",      "whom",         "whose",      "why",        "will",
    "with",      "within",     "without",    "would",        "yet",        "you",        "your",
    "yours",     "yourself",   "yourselves"};

/// The words of every list of stop_word_lists, ascending, each once; made on first use.
inline const std::vector<std::vector<std::string_view>>& sorted_stop_words() {
    static const std::vector<std::vector<std::string_view>> lists = [] {
        std::vector<std::vector<std::string_view>> out;
        for (const StopWordList& list : stop_word_lists) {
            std::vector<std::string_view>& words = out.emplace_back();
            for (std::size_t at = 0; at < list.words.size();) {
                const std::size_t end = std::min(list.words.find(' ', at), list.words.size());
                if (end > at) words.push_back(list.words.substr(at, end - at));
                at = end + 1;
            }
            std::sort(words.begin(), words.end());
            words.erase(std::unique(words.begin(), words.end()), words.end());
        }
        return out;
    }();
    return lists;
}

}  // namespace detail

FILMATLAS_INLINE std::vector<std::string_view> stop_list_names() {
    std::vector<std::string_view> names{"english"};
    for (const detail::StopWordList& list : detail::stop_word_lists) names.push_back(list.name);
    std::sort(names.begin(), names.end());
    return names;
}

FILMATLAS_INLINE std::span<const std::string_view> stop_list(std::string_view name) {
    if (name.empty()) return {};
    if (name == "english" || name == "en") return detail::stop_words_english;
    for (std::size_t i = 0; i < std::size(detail::stop_word_lists); ++i) {
        const detail::StopWordList& list = detail::stop_word_lists[i];
        if (name == list.name || name == list.code) return detail::sorted_stop_words()[i];
    }
    std::string known;
    for (const std::string_view list : stop_list_names())
        known.append(known.empty() ? "" : ", ").append(list);
    throw_invalid("stop_list", "stop_words", std::string("\"").append(name).append("\" is not a known list"),
                  "use one of " + known + ", \"\" for none, or give words of your own");
}

}  // namespace filmatlas
#endif  // FILMATLAS_TEXT_DETAIL_STOP_WORDS_IMPL_HPP
