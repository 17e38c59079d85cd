// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LABELS_DETAIL_JUDGE_CLAIMS_HPP
#define FILMATLAS_LABELS_DETAIL_JUDGE_CLAIMS_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "filmatlas/labels/detail/label_judge.hpp"
#include "filmatlas/labels/detail/label_text.hpp"
#include "filmatlas/labels/detail/label_words.hpp"

/// @file judge_claims.hpp
/// @brief What the words of a label claim, which members hold them, and which reasons count.

namespace filmatlas::detail {

inline TermSupport LabelJudge::time_support(const LabelTime& time) const {
    TermSupport result;
    const std::vector<double>& times = context_.facts.times;
    if (times.empty()) return result;
    std::int64_t known = 0;
    std::int64_t everywhere = 0;
    std::int64_t known_everywhere = 0;
    const auto within = [&](Index item) {
        const double t = times[static_cast<std::size_t>(item)];
        return t >= time.first && t <= time.last;
    };
    for (const Index item : members_) {
        known += std::isnan(times[static_cast<std::size_t>(item)]) ? 0 : 1;
        result.support += within(item) ? 1 : 0;
    }
    for (const Index item : context_.hierarchy.order) {
        known_everywhere += std::isnan(times[static_cast<std::size_t>(item)]) ? 0 : 1;
        everywhere += within(item) ? 1 : 0;
    }
    result.others = everywhere - result.support;
    const auto in = static_cast<double>(known);
    const auto out = static_cast<double>(known_everywhere - known);
    if (in > 0) result.p_in = static_cast<double>(result.support) / in;
    if (out > 0) {
        result.p_out = static_cast<double>(result.others) / out;
        result.lift = smoothed_lift(static_cast<double>(result.support), in,
                                    static_cast<double>(result.others), out);
        result.z =
            log_odds_z(static_cast<double>(result.support), in, static_cast<double>(result.others), out);
    }
    return result;
}

inline bool LabelJudge::supports(const TermSupport& support) const {
    const bool alone = static_cast<std::int64_t>(members_.size()) == context_.hierarchy.num_items();
    return support.support > 0 && support.p_in >= options_.min_share &&
           (alone || support.lift >= lift_bar_);
}

inline std::vector<LabelJudge::Claim> LabelJudge::claims(std::string_view text, const std::vector<LabelReason>& because) const {
    std::vector<Claim> result;
    for (std::string& stem : label_stems(text)) {
        if (label_number(stem)) continue;
        Claim claim;
        claim.time = label_time(stem);
        claim.stem = std::move(stem);
        // word_stem() takes the "s" from "1980s".
        if (!claim.time.is_time && claim.stem.size() == 4) claim.time = label_time(claim.stem);
        claim.column = context_.find_stem(claim.stem);
        if (claim.column >= 0) claim.support = context_.term(node_, claim.column);
        if (!supports(claim.support) && !context_.facts.times.empty()) {
            if (claim.time.is_time) claim.support = decade_or_year(claim.time, text);
        }
        claim.by_words = supports(claim.support);
        for (const LabelReason& reason : because) accept_reason(claim, reason);
        result.push_back(std::move(claim));
    }
    return result;
}

inline std::vector<char> LabelJudge::hits(std::span<const Index> items, const std::vector<Claim>& claims) const {
    std::vector<char> result(items.size(), 0);
    for (std::size_t i = 0; i < items.size(); ++i) {
        for (const Claim& claim : claims) {
            if (result[i] == 0 && holds(items[i], claim)) result[i] = 1;
        }
    }
    return result;
}

inline double LabelJudge::share(const std::vector<char>& hits) {
    std::int64_t sum = 0;
    for (const char hit : hits) sum += hit;
    return hits.empty() ? 0.0 : static_cast<double>(sum) / static_cast<double>(hits.size());
}

inline double LabelJudge::specificity(const std::vector<Claim>& claims) const {
    const std::span<const Index> family = label_family(context_.hierarchy, node_);
    const HierarchyNode& self = context_.hierarchy.nodes[static_cast<std::size_t>(node_)];
    const Index* const order = context_.hierarchy.order.data();
    std::int64_t clean = 0;
    std::int64_t total = 0;
    for (const Index& item : family) {
        const std::ptrdiff_t at = &item - order;
        if (at >= self.begin && at < self.end) continue;
        ++total;
        const bool hit =
            std::any_of(claims.begin(), claims.end(), [&](const Claim& c) { return holds(item, c); });
        clean += hit ? 0 : 1;
    }
    return total == 0 ? 1.0 : static_cast<double>(clean) / static_cast<double>(total);
}

inline TermSupport LabelJudge::decade_or_year(const LabelTime& time, std::string_view text) const {
    LabelTime range = time;
    // The stem of "1980s" is "1980"; the text tells which was meant.
    const auto digits = std::to_string(static_cast<int>(time.first)) + "s";
    if (range.first == range.last && fold(text).find(digits) != std::string::npos) range.last += 9;
    return time_support(range);
}

inline void LabelJudge::accept_reason(Claim& claim, const LabelReason& reason) const {
    const std::vector<std::string> word = label_stems(reason.word);
    if (word.size() != 1 || word.front() != claim.stem) return;
    const std::vector<std::string> terms = label_stems(reason.term.empty() ? reason.word : reason.term);
    std::vector<Index> columns;
    for (const std::string& term : terms) {
        columns.push_back(context_.find_stem(term));
        // What is rarer here than elsewhere is no reason.
        if (columns.back() < 0 || context_.term(node_, columns.back()).lift < 1) return;
    }
    if (columns.empty()) return;
    std::vector<Index> cited = reason.items;
    std::sort(cited.begin(), cited.end());
    cited.erase(std::unique(cited.begin(), cited.end()), cited.end());
    if (cited.size() > 1000) cited.resize(1000);  // a bound on the work that an answer can ask for
    const auto fails = [&](Index item) {
        return item < 0 || item >= context_.hierarchy.num_items() ||
               std::find(members_.begin(), members_.end(), item) == members_.end() ||
               !std::all_of(columns.begin(), columns.end(),
                            [&](Index column) { return row_holds(context_.held, item, column); });
    };
    std::erase_if(cited, fails);
    const auto wanted =
        std::min<std::size_t>(static_cast<std::size_t>(options_.min_cited), members_.size());
    if (cited.size() < wanted) return;
    claim.by_reason = true;
    claim.cited = std::move(cited);
    claim.cited_columns = std::move(columns);
}

inline bool LabelJudge::holds(Index item, const Claim& claim) const {
    if (claim.by_words && claim.column >= 0 && row_holds(context_.held, item, claim.column)) return true;
    if (claim.by_words && claim.time.is_time && !context_.facts.times.empty()) {
        const double t = context_.facts.times[static_cast<std::size_t>(item)];
        const double last = claim.time.first == claim.time.last ? claim.time.first + 9 : claim.time.last;
        if (t >= claim.time.first && t <= last) return true;
    }
    return claim.by_reason && !claim.cited_columns.empty() &&
           std::all_of(claim.cited_columns.begin(), claim.cited_columns.end(),
                       [&](Index column) { return row_holds(context_.held, item, column); });
}

}  // namespace filmatlas::detail
#endif  // FILMATLAS_LABELS_DETAIL_JUDGE_CLAIMS_HPP
