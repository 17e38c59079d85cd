// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LABELS_DETAIL_JUDGE_NAMES_HPP
#define FILMATLAS_LABELS_DETAIL_JUDGE_NAMES_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "filmatlas/core/detail/quote.hpp"
#include "filmatlas/labels/detail/label_judge.hpp"
#include "filmatlas/labels/detail/label_text.hpp"
#include "filmatlas/labels/detail/label_words.hpp"
#include "filmatlas/text/unicode.hpp"

/// @file judge_names.hpp
/// @brief Gates of names: L5 unique among labels, L6 no title.

namespace filmatlas::detail {

inline GateResult LabelJudge::unique(std::string_view text, const LabelSet& written) const {
    GateResult result = start(LabelGate::Unique);
    result.threshold = options_.max_overlap;
    const std::string key = fold(text);
    std::vector<std::string> stems = label_stems(text);
    std::sort(stems.begin(), stems.end());
    const auto equal = [&](Index other) {
        return (!stems.empty() && stems == written.stems(other)) || key == fold(written.text(other));
    };
    const auto meets = [&](Index other, double overlap, const char* what) {
        result.passed = false;
        result.value = std::max(result.value, overlap);
        result.nodes.push_back(other);
        result.terms.push_back(written.text(other));
        if (result.message.empty()) {
            result.message = std::string(what) + " node " + std::to_string(other) + ", " +
                             excerpt(written.text(other));
        }
    };
    const Hierarchy& tree = context_.hierarchy;
    for (Index above = tree.nodes[static_cast<std::size_t>(node_)].parent; above >= 0;
         above = tree.nodes[static_cast<std::size_t>(above)].parent) {
        if (!written.text(above).empty() && equal(above)) meets(above, 1, "the same as its ancestor");
    }
    for (const Index child : tree.children(node_)) {
        if (!written.text(child).empty() && equal(child)) meets(child, 1, "the same as its child");
    }
    const HierarchyNode& self = tree.nodes[static_cast<std::size_t>(node_)];
    for (Index other = tree.level_begin[static_cast<std::size_t>(level_)];
         other < tree.level_begin[static_cast<std::size_t>(level_) + 1]; ++other) {
        if (other == node_ || written.text(other).empty()) continue;
        if (equal(other)) {
            meets(other, 1, "the same as");
        } else if (tree.nodes[static_cast<std::size_t>(other)].parent == self.parent) {
            const double overlap = jaccard(stems, written.stems(other));
            if (overlap >= options_.max_overlap) {
                meets(other, overlap, "nearly the same as its sibling");
            } else {
                result.value = std::max(result.value, overlap);
            }
        }
    }
    if (result.passed) result.message = "no other label says the same";
    return result;
}

inline GateResult LabelJudge::title_leak(std::string_view text, const std::vector<Claim>& claims) const {
    GateResult result = start(LabelGate::TitleLeak);
    for (std::string& title : titles_in(text)) result.terms.push_back(std::move(title));
    if (!result.terms.empty()) result.message = "holds a title: " + excerpt(result.terms.front());
    for (const Claim& claim : claims) {
        if (claim.column < 0 || !claim.by_words) continue;
        std::vector<Index> titled = carried_by_titles(claim.column);
        if (titled.empty()) continue;
        result.terms.push_back(claim.stem);
        result.items.insert(result.items.end(), titled.begin(), titled.end());
        if (result.message.empty()) {
            result.message = excerpt(claim.stem) + " is common here through the titles of " +
                             std::to_string(titled.size()) + " members only";
        }
    }
    result.value = static_cast<double>(result.terms.size());
    result.passed = result.terms.empty();
    if (result.passed) result.message = "no title";
    return result;
}

inline std::vector<std::string> LabelJudge::titles_in(std::string_view text) const {
    std::vector<std::string> found;
    if (context_.title_keys.empty()) return found;
    for (const std::string& part : parts_of(text)) {
        const std::vector<std::string> words = label_words(part);
        for (std::size_t begin = 0; begin < words.size(); ++begin) {
            std::string key;
            for (std::size_t end = begin; end < words.size(); ++end) {
                key.append(key.empty() ? "" : " ").append(words[end]);
                const auto at =
                    std::lower_bound(context_.title_keys.begin(), context_.title_keys.end(), key);
                if (at == context_.title_keys.end() || *at != key) continue;
                if (context_.title_words[static_cast<std::size_t>(at - context_.title_keys.begin())] < 2)
                    continue;
                if (std::binary_search(context_.common_phrases.begin(), context_.common_phrases.end(),
                                       key))
                    continue;
                found.push_back(key);
            }
        }
    }
    return found;
}

inline std::vector<Index> LabelJudge::carried_by_titles(Index column) const {
    if (context_.titled.nnz() == 0) return {};
    std::vector<Index> titled;
    for (const Index item : members_) {
        if (row_holds(context_.titled, item, column)) titled.push_back(item);
    }
    if (titled.empty()) return {};
    const TermSupport all = context_.term(node_, column);
    std::int64_t titled_held = 0;
    for (const Index item : titled) titled_held += row_holds(context_.held, item, column) ? 1 : 0;
    const std::int64_t left = all.support - titled_held;
    const HierarchyNode& self = context_.hierarchy.nodes[static_cast<std::size_t>(node_)];
    std::int64_t others = all.others;
    std::int64_t outside = context_.hierarchy.num_items() - self.size();
    for (Index at = 0; at < static_cast<Index>(context_.hierarchy.order.size()); ++at) {
        if (at >= self.begin && at < self.end) continue;
        const Index item = context_.hierarchy.order[static_cast<std::size_t>(at)];
        if (!row_holds(context_.titled, item, column)) continue;
        --outside;
        others -= row_holds(context_.held, item, column) ? 1 : 0;
    }
    const std::int64_t members = self.size() - static_cast<std::int64_t>(titled.size());
    const bool mostly_titles = 10 * titled_held > 7 * all.support;
    const bool rare_without =
        left == 0 ||
        (outside > 0 &&
         smoothed_lift(static_cast<double>(left), static_cast<double>(members),
                       static_cast<double>(others), static_cast<double>(outside)) < lift_bar_);
    return mostly_titles || rare_without ? titled : std::vector<Index>();
}

inline bool LabelJudge::is_structural(std::string_view text) const {
    const std::vector<std::string> level =
        label_words(context_.hierarchy.level_names[static_cast<std::size_t>(level_)]);
    for (const std::string& word : label_words(text)) {
        const bool digits =
            std::all_of(word.begin(), word.end(), [](char c) { return c >= '0' && c <= '9'; });
        if (!digits && std::find(level.begin(), level.end(), word) == level.end()) return false;
    }
    return true;
}

}  // namespace filmatlas::detail
#endif  // FILMATLAS_LABELS_DETAIL_JUDGE_NAMES_HPP
