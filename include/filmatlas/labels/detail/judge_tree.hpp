// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LABELS_DETAIL_JUDGE_TREE_HPP
#define FILMATLAS_LABELS_DETAIL_JUDGE_TREE_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "filmatlas/core/random.hpp"
#include "filmatlas/labels/detail/label_judge.hpp"

/// @file judge_tree.hpp
/// @brief Gates of the node as a whole: L8 its large children, L9 stable under resampling of its members.

namespace filmatlas::detail {

inline GateResult LabelJudge::children(const std::vector<Claim>& claims) const {
    GateResult result = start(LabelGate::Children);
    result.threshold = 1;
    result.value = 1;
    std::int64_t large = 0;
    for (const Index child : context_.hierarchy.children(node_)) {
        const auto size =
            static_cast<double>(context_.hierarchy.nodes[static_cast<std::size_t>(child)].size());
        if (size < options_.child_share * static_cast<double>(members_.size())) continue;
        ++large;
        const auto shared = [&](Index column) {
            const TermSupport s = context_.term(child, column);
            return s.support > 0 && s.p_in >= options_.min_share && s.lift >= 1;
        };
        const bool holds_here = std::any_of(claims.begin(), claims.end(), [&](const Claim& claim) {
            if (claim.by_words && claim.column < 0) return true;  // a time
            return (claim.by_words && shared(claim.column)) ||
                   (claim.by_reason &&
                    std::any_of(claim.cited_columns.begin(), claim.cited_columns.end(), shared));
        });
        if (!holds_here) result.nodes.push_back(child);
    }
    if (large > 0) {
        result.value = 1 - static_cast<double>(result.nodes.size()) / static_cast<double>(large);
    }
    result.passed = result.nodes.empty() || claims.empty();
    result.message = result.passed ? "holds for every large child"
                                   : "says nothing of child " + std::to_string(result.nodes.front());
    return result;
}

inline GateResult LabelJudge::stability(const std::vector<Claim>& claims, const std::vector<char>& hit, double outside_clean,
                     double coverage_bar, double separation_bar) const {
    GateResult result = start(LabelGate::Stability);
    result.threshold = static_cast<double>(options_.samples_passed);
    const std::size_t n = members_.size();
    if (n < 4) {
        result.value = static_cast<double>(options_.samples);
        result.message = "too few members to halve";
        return result;
    }
    std::vector<std::vector<char>> held(claims.size());
    for (std::size_t c = 0; c < claims.size(); ++c) {
        if (!claims[c].by_words || claims[c].column < 0) continue;
        for (const Index item : members_)
            held[c].push_back(row_holds(context_.held, item, claims[c].column) ? 1 : 0);
    }
    const auto outside =
        static_cast<double>(context_.hierarchy.num_items() - static_cast<std::int64_t>(n));
    std::int64_t passed = 0;
    std::vector<std::size_t> order(n);
    const std::size_t half = (n + 1) / 2;
    for (int sample = 0; sample < options_.samples; ++sample) {
        RandomStream random(
            options_.seed, "label_stability",
            static_cast<std::uint64_t>(node_) * 4096 + static_cast<std::uint64_t>(sample));
        for (std::size_t i = 0; i < n; ++i) order[i] = i;
        for (std::size_t i = 0; i < half; ++i) {
            std::swap(order[i], order[i + static_cast<std::size_t>(random.below(n - i))]);
        }
        std::int64_t covered = 0;
        for (std::size_t i = 0; i < half; ++i) covered += hit[order[i]];
        const double coverage = static_cast<double>(covered) / static_cast<double>(half);
        bool fine = coverage >= coverage_bar && (coverage + outside_clean) / 2 >= separation_bar;
        for (std::size_t c = 0; fine && c < claims.size() && outside > 0; ++c) {
            if (held[c].empty()) continue;
            std::int64_t with = 0;
            for (std::size_t i = 0; i < half; ++i) with += held[c][order[i]];
            fine = smoothed_lift(static_cast<double>(with), static_cast<double>(half),
                                 static_cast<double>(claims[c].support.others),
                                 outside) >= std::min(1.0, lift_bar_);
        }
        passed += fine ? 1 : 0;
    }
    result.value = static_cast<double>(passed);
    result.passed = passed * options_.samples >=
                    static_cast<std::int64_t>(options_.samples_passed) * options_.samples;
    result.message = "holds on " + std::to_string(passed) + " of " + std::to_string(options_.samples) +
                     " halves of the members";
    return result;
}

}  // namespace filmatlas::detail
#endif  // FILMATLAS_LABELS_DETAIL_JUDGE_TREE_HPP
