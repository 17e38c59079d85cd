// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LABELS_DETAIL_LABEL_JUDGE_HPP
#define FILMATLAS_LABELS_DETAIL_LABEL_JUDGE_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "filmatlas/labels/gates.hpp"

/// @file label_judge.hpp
/// @brief What judges the labels of one node; its gates are defined by family in judge_*.hpp.

namespace filmatlas::detail {

inline constexpr std::size_t kJudgedLabelBytes = 4096;
inline constexpr std::string_view kFallbackSeparator = " \u00B7 ";

template <class T>
const T& label_level_entry(const std::vector<T>& entries, Index level) {
    return entries[std::min(entries.size() - 1, static_cast<std::size_t>(level))];
}

/// Items next to which a node has to stand out: those of the nearest ancestor with more items.
inline std::span<const Index> label_family(const Hierarchy& hierarchy, Index node) {
    const std::int64_t size = hierarchy.nodes[static_cast<std::size_t>(node)].size();
    Index above = hierarchy.nodes[static_cast<std::size_t>(node)].parent;
    while (above >= 0 && hierarchy.nodes[static_cast<std::size_t>(above)].size() == size) {
        above = hierarchy.nodes[static_cast<std::size_t>(above)].parent;
    }
    return above >= 0 ? hierarchy.items(above) : std::span<const Index>(hierarchy.order);
}

/// Nodes with the same parent, without the node itself.
inline std::vector<Index> label_siblings(const Hierarchy& hierarchy, Index node) {
    const HierarchyNode& self = hierarchy.nodes[static_cast<std::size_t>(node)];
    std::vector<Index> siblings;
    if (self.parent >= 0) {
        siblings = hierarchy.children(self.parent);
    } else {
        for (Index other = hierarchy.level_begin[0]; other < hierarchy.level_begin[1]; ++other) {
            siblings.push_back(other);
        }
    }
    std::erase(siblings, node);
    return siblings;
}

/// A word that names a time: "1984", "1980s" or "80s"; the range is [first, last].
struct LabelTime {
    bool is_time = false;
    double first = 0;
    double last = 0;
};
inline LabelTime label_time(std::string_view word) {
    const bool decade = word.size() > 1 && word.back() == 's';
    const std::string_view digits = word.substr(0, word.size() - (decade ? 1 : 0));
    if ((digits.size() != 4 && !(decade && digits.size() == 2)) ||
        !std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; })) {
        return {};
    }
    int number = 0;
    for (const char c : digits) number = 10 * number + (c - '0');
    if (digits.size() == 2) number += number < 30 ? 2000 : 1900;
    if (number < 1000 || number > 2200) return {};
    return {true, static_cast<double>(number), static_cast<double>(number + (decade ? 9 : 0))};
}

/// Digits too few to be a year: what tells equal labels apart ("war 2"), no claim.
inline bool label_number(std::string_view word) {
    return word.size() < 4 &&
           std::all_of(word.begin(), word.end(), [](char c) { return c >= '0' && c <= '9'; });
}

inline double jaccard(const std::vector<std::string>& a, const std::vector<std::string>& b) {
    if (a.empty() && b.empty()) return 0;
    std::size_t both = 0;
    for (const std::string& word : a) both += std::binary_search(b.begin(), b.end(), word) ? 1 : 0;
    return static_cast<double>(both) / static_cast<double>(a.size() + b.size() - both);
}

/// Judges labels of one node.
class LabelJudge {
public:
    LabelJudge(const LabelContext& context, const GateOptions& options, Index node, double lift_bar)
        : context_(context),
          options_(options),
          node_(node),
          lift_bar_(lift_bar),
          level_(context.hierarchy.nodes[static_cast<std::size_t>(node)].level),
          members_(context.hierarchy.items(node)) {}

    /// A word of the label that makes a claim.
    struct Claim {
        std::string stem;
        Index column = -1;  ///< of the context's stems
        LabelTime time;
        TermSupport support;
        bool by_words = false;
        bool by_reason = false;
        std::vector<Index> cited;          ///< members that a reason cites and that hold its term
        std::vector<Index> cited_columns;  ///< stems of the reason's term
    };

    TermSupport time_support(const LabelTime& time) const;

    bool supports(const TermSupport& support) const;

    std::vector<Claim> claims(std::string_view text, const std::vector<LabelReason>& because) const;

    /// Whether members (in the order of members_) hold one of the accounted words.
    std::vector<char> hits(std::span<const Index> items, const std::vector<Claim>& claims) const;

    static double share(const std::vector<char>& hits);

    /// Share of the family's items outside the node that hold none of the words; 1 when there are none.
    double specificity(const std::vector<Claim>& claims) const;

    GateResult length(std::string_view text, std::int64_t supported) const;

    GateResult support(const std::vector<Claim>& claims, const LabelCandidate& candidate,
                       std::int64_t supported) const;

    GateResult at_least(LabelGate gate, double value, double bar, const std::string& what) const;

    GateResult unique(std::string_view text, const LabelSet& written) const;

    GateResult title_leak(std::string_view text, const std::vector<Claim>& claims) const;

    GateResult contradiction(const std::vector<Claim>& claims) const;

    GateResult children(const std::vector<Claim>& claims) const;

    GateResult stability(const std::vector<Claim>& claims, const std::vector<char>& hit, double outside_clean,
                         double coverage_bar, double separation_bar) const;

    GateResult hygiene(std::string_view text) const;

    /// Titles of at least two content words that the label holds, word by word.
    std::vector<std::string> titles_in(std::string_view text) const;

    /// Members whose titles alone make a word common here; empty when it stays typical without them.
    std::vector<Index> carried_by_titles(Index column) const;

    bool is_structural(std::string_view text) const;

private:
    static GateResult start(LabelGate gate) {
        GateResult result;
        result.gate = gate;
        return result;
    }

    static std::vector<std::string> parts_of(std::string_view text);

    TermSupport decade_or_year(const LabelTime& time, std::string_view text) const;

    void accept_reason(Claim& claim, const LabelReason& reason) const;

    bool holds(Index item, const Claim& claim) const;

    const LabelContext& context_;
    const GateOptions& options_;
    Index node_;
    double lift_bar_;
    Index level_;
    std::span<const Index> members_;
};

}  // namespace filmatlas::detail
#endif  // FILMATLAS_LABELS_DETAIL_LABEL_JUDGE_HPP
