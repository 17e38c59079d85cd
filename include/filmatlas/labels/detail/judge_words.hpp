// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LABELS_DETAIL_JUDGE_WORDS_HPP
#define FILMATLAS_LABELS_DETAIL_JUDGE_WORDS_HPP

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "filmatlas/core/detail/quote.hpp"
#include "filmatlas/labels/detail/label_judge.hpp"
#include "filmatlas/labels/detail/label_text.hpp"
#include "filmatlas/labels/detail/label_words.hpp"
#include "filmatlas/text/unicode.hpp"

/// @file judge_words.hpp
/// @brief Gates of the words themselves: L1 length, L2 support, L3 and L4 bars, L7 contradiction, L10 hygiene.

namespace filmatlas::detail {

inline GateResult LabelJudge::length(std::string_view text, std::int64_t supported) const {
    GateResult result = start(LabelGate::Length);
    const auto [fewest, most] = label_level_entry(options_.words_per_level, level_);
    std::int64_t words = 0;
    bool inside = false;
    for (const char32_t c : to_code_points(text.substr(0, kJudgedLabelBytes))) {
        if (is_space(c)) {
            inside = false;
        } else if (!inside && is_word(c)) {
            inside = true;
            ++words;
        }
    }
    const std::int64_t characters = count_code_points(text);
    const std::int64_t least = std::min<std::int64_t>(fewest, std::max<std::int64_t>(supported, 1));
    result.value = static_cast<double>(words);
    result.threshold = static_cast<double>(words < least ? least : most);
    result.passed = words >= least && words <= most && characters <= options_.max_characters;
    result.message = std::to_string(words) + " words, " + std::to_string(characters) +
                     " characters; asked for are " + std::to_string(least) + " to " +
                     std::to_string(most) + " words of at most " +
                     std::to_string(options_.max_characters) + " characters";
    return result;
}

inline GateResult LabelJudge::support(const std::vector<Claim>& claims, const LabelCandidate& candidate,
                   std::int64_t supported) const {
    GateResult result = start(LabelGate::Support);
    result.threshold = 1;
    std::int64_t by_words = 0;
    std::int64_t accounted = 0;
    for (const Claim& claim : claims) {
        by_words += claim.by_words ? 1 : 0;
        accounted += claim.by_words || claim.by_reason ? 1 : 0;
        result.items.insert(result.items.end(), claim.cited.begin(), claim.cited.end());
        if (!claim.by_words && !claim.by_reason) result.terms.push_back(claim.stem);
    }
    if (supported == 0 && is_structural(candidate.text)) {
        result.value = 1;
        result.terms.clear();
        result.message = "the node has no supported word; the label claims none";
        return result;
    }
    const auto open = static_cast<std::int64_t>(claims.size()) - accounted;
    const bool figurative = open > 0 && open <= options_.figurative && candidate.closeness.has_value() &&
                            *candidate.closeness >= candidate.closeness_bar;
    result.value =
        claims.empty() ? 0.0 : static_cast<double>(accounted) / static_cast<double>(claims.size());
    result.passed = by_words > 0 && (open == 0 || figurative);
    if (result.passed) {
        result.message = figurative ? "one figurative word, close to the node's centre"
                                    : "every word is accounted for";
    } else if (claims.empty()) {
        result.message = "the label says nothing that could be checked";
    } else {
        result.message =
            result.terms.empty() ? "no word is typical of the members" : "not accounted for: ";
        std::string list;
        for (const std::string& term : result.terms) append_item(list, excerpt(term));
        result.message += list;
    }
    return result;
}

inline GateResult LabelJudge::at_least(LabelGate gate, double value, double bar, const std::string& what) const {
    GateResult result = start(gate);
    result.value = value;
    result.threshold = bar;
    result.passed = value >= bar;
    result.message = what;
    return result;
}

inline GateResult LabelJudge::contradiction(const std::vector<Claim>& claims) const {
    GateResult result = start(LabelGate::Contradiction);
    for (const Claim& claim : claims) {
        if (claim.by_words) continue;
        const bool time = claim.time.is_time && !context_.facts.times.empty();
        const TermSupport& s = claim.support;
        if (claim.column < 0 && !time) continue;
        if ((s.lift < options_.depleted_lift && s.z < options_.depleted_z) ||
            (time && (s.support == 0 || s.p_in < s.p_out))) {
            result.terms.push_back(claim.stem);
        }
    }
    result.value = static_cast<double>(result.terms.size());
    result.passed = result.terms.empty();
    result.message = result.passed ? "no word is rarer inside than outside"
                                   : excerpt(result.terms.front()) + " is rarer inside than outside";
    return result;
}

inline GateResult LabelJudge::hygiene(std::string_view text) const {
    GateResult result = start(LabelGate::Hygiene);
    for (const std::string& word : label_words(text)) {
        for (const auto* list : {&options_.banned, &options_.private_words}) {
            for (const std::string& bad : *list) {
                if (fold(bad) == word) result.terms.push_back(word);
            }
        }
    }
    const bool markup = label_markup(text);
    if (markup) result.terms.emplace_back("markup");
    result.value = static_cast<double>(result.terms.size());
    result.passed = result.terms.empty();
    result.message = result.passed ? "no filler, markup or private words"
                     : markup      ? "holds markup, control characters or invalid UTF-8"
                                   : "holds the word " + excerpt(result.terms.front());
    return result;
}

inline std::vector<std::string> LabelJudge::parts_of(std::string_view text) {
    std::vector<std::string> parts(1);
    for (const char32_t c : to_code_points(text)) {
        if (c == U'\u00B7' || c == U'|' || c == U'/' || c == U';') {
            parts.emplace_back();
        } else {
            append_utf8(parts.back(), c);
        }
    }
    return parts;
}

}  // namespace filmatlas::detail
#endif  // FILMATLAS_LABELS_DETAIL_JUDGE_WORDS_HPP
