// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LABELS_DETAIL_GATES_IMPL_HPP
#define FILMATLAS_LABELS_DETAIL_GATES_IMPL_HPP

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "filmatlas/labels/detail/fallback_writer.hpp"
#include "filmatlas/labels/detail/label_judge.hpp"
#include "filmatlas/labels/detail/label_text.hpp"
#include "filmatlas/labels/detail/label_words.hpp"
#include "filmatlas/labels/gates.hpp"

namespace filmatlas {

FILMATLAS_INLINE std::string_view gate_code(LabelGate gate) noexcept {
    static constexpr std::array<std::string_view, kNumLabelGates> codes = {"L1", "L2", "L3", "L4", "L5",
                                                                           "L6", "L7", "L8", "L9", "L10"};
    return codes[static_cast<std::size_t>(gate)];
}

FILMATLAS_INLINE std::string_view to_string(LabelGate gate) noexcept {
    static constexpr std::array<std::string_view, kNumLabelGates> names = {
        "length",     "support",       "coverage", "separation", "unique",
        "title_leak", "contradiction", "children", "stability",  "hygiene"};
    return names[static_cast<std::size_t>(gate)];
}

FILMATLAS_INLINE void validate(const GateOptions& options) {
    const auto whole = [](const char* field, int value, int least) {
        if (value < least) {
            throw_invalid("check_label", field, "is " + std::to_string(value),
                          "use " + std::to_string(least) + " or more");
        }
    };
    const auto within = [](const char* field, double value, double low, double high) {
        if (!(value >= low && value <= high)) {
            throw_invalid("check_label", field, "is " + to_text(value),
                          "use " + to_text(low) + " .. " + to_text(high));
        }
    };
    if (options.words_per_level.empty()) throw_invalid("check_label", "words_per_level", "is empty");
    for (const auto& [fewest, most] : options.words_per_level) {
        if (fewest < 1 || most < fewest) {
            throw_invalid("check_label", "words_per_level", "holds a pair out of order",
                          "use 1 <= fewest <= most");
        }
    }
    if (options.fallback_words.empty()) throw_invalid("check_label", "fallback_words", "is empty");
    for (const int words : options.fallback_words) whole("fallback_words", words, 1);
    whole("max_characters", options.max_characters, 8);
    within("min_lift", options.min_lift, 1, 1e9);
    within("min_share", options.min_share, 0, 1);
    whole("min_cited", options.min_cited, 1);
    whole("figurative", options.figurative, 0);
    within("min_coverage", options.min_coverage, 0, 1);
    within("min_separation", options.min_separation, 0, 1);
    within("relative", options.relative, 0, 1);
    within("max_overlap", options.max_overlap, 0, 1);
    within("depleted_lift", options.depleted_lift, 0, 1);
    within("depleted_z", options.depleted_z, -1e9, 0);
    within("child_share", options.child_share, 0, 1);
    whole("samples", options.samples, 0);
    if (options.samples_passed < 0 || options.samples_passed > options.samples) {
        throw_invalid("check_label", "samples_passed", "is " + std::to_string(options.samples_passed),
                      "use 0 .. samples");
    }
}

FILMATLAS_INLINE std::string LabelVerdict::failed() const {
    std::string codes;
    for (const GateResult& result : gates) {
        if (!result.passed) codes.append(codes.empty() ? "" : " ").append(gate_code(result.gate));
    }
    return codes;
}

FILMATLAS_INLINE LabelSet::LabelSet(std::span<const std::string> texts)
    : LabelSet(static_cast<std::int64_t>(texts.size())) {
    for (std::size_t node = 0; node < texts.size(); ++node) set(static_cast<Index>(node), texts[node]);
}

FILMATLAS_INLINE void LabelSet::set(Index node, std::string text) {
    if (node < 0 || node >= size()) {
        throw_invalid("LabelSet", "node", "is " + std::to_string(node),
                      "nodes are 0 .. " + std::to_string(size() - 1));
    }
    std::vector<std::string> stems = label_stems(text);
    std::sort(stems.begin(), stems.end());
    stems_[static_cast<std::size_t>(node)] = std::move(stems);
    texts_[static_cast<std::size_t>(node)] = std::move(text);
}

FILMATLAS_INLINE LabelBars label_bars(const LabelContext& context, const LabelSet& keyword_labels,
                                      const GateOptions& options) {
    validate(options);
    if (keyword_labels.size() != context.hierarchy.num_nodes()) {
        throw_shape("label_bars", "there are " + std::to_string(keyword_labels.size()) +
                                      " labels, the hierarchy has " +
                                      std::to_string(context.hierarchy.num_nodes()) + " nodes");
    }
    LabelBars bars;
    for (Index node = 0; node < static_cast<Index>(context.hierarchy.num_nodes()); ++node) {
        const detail::NodeBar bar = detail::node_lift_bar(context, options, node);
        const detail::LabelJudge judge(context, options, node, bar.lift);
        const auto claims = judge.claims(keyword_labels.text(node), {});
        const double coverage = detail::LabelJudge::share(judge.hits(context.hierarchy.items(node), claims));
        const double separation = (coverage + judge.specificity(claims)) / 2;
        bars.lift.push_back(bar.lift);
        bars.supported.push_back(bar.supported);
        bars.coverage.push_back(detail::coverage_bar(options, coverage));
        bars.separation.push_back(detail::separation_bar(options, separation));
    }
    return bars;
}

FILMATLAS_INLINE LabelVerdict check_label(const LabelContext& context, const LabelBars& bars,
                                          const LabelSet& written, Index node,
                                          const LabelCandidate& candidate, const GateOptions& options) {
    validate(options);
    if (node < 0 || node >= context.hierarchy.num_nodes()) {
        throw_invalid("check_label", "node", "is " + std::to_string(node),
                      "nodes are 0 .. " + std::to_string(context.hierarchy.num_nodes() - 1));
    }
    if (written.size() != context.hierarchy.num_nodes() ||
        static_cast<std::int64_t>(bars.lift.size()) != context.hierarchy.num_nodes()) {
        throw_shape("check_label", "the labels or bars are not those of this hierarchy");
    }
    const auto at = static_cast<std::size_t>(node);
    LabelCandidate judged = candidate;
    judged.text.resize(utf8_prefix_length(judged.text, detail::kJudgedLabelBytes));
    const detail::LabelJudge judge(context, options, node, bars.lift[at]);
    const auto claims = judge.claims(judged.text, judged.because);
    const std::vector<char> hits = judge.hits(context.hierarchy.items(node), claims);
    const double coverage = detail::LabelJudge::share(hits);
    const double outside_clean = judge.specificity(claims);

    LabelVerdict verdict;
    verdict.node = node;
    verdict.text = judged.text;
    verdict.gates = {
        judge.length(candidate.text, bars.supported[at]),
        judge.support(claims, judged, bars.supported[at]),
        judge.at_least(LabelGate::Coverage, coverage, bars.coverage[at],
                       "share of the members that hold a supported word"),
        judge.at_least(LabelGate::Separation, (coverage + outside_clean) / 2, bars.separation[at],
                       "balanced accuracy of its words as a test of membership among the siblings"),
        judge.unique(judged.text, written),
        judge.title_leak(judged.text, claims),
        judge.contradiction(claims),
        judge.children(claims),
        judge.stability(claims, hits, outside_clean, bars.coverage[at], bars.separation[at]),
        judge.hygiene(judged.text),
    };
    verdict.accepted = std::all_of(verdict.gates.begin(), verdict.gates.end(),
                                   [](const GateResult& result) { return result.passed; });
    return verdict;
}

FILMATLAS_INLINE LabelSet fallback_labels(const LabelContext& context, const GateOptions& options) {
    validate(options);
    LabelSet labels(context.hierarchy.num_nodes());
    for (Index node = 0; node < static_cast<Index>(context.hierarchy.num_nodes()); ++node) {
        const detail::FallbackWriter writer(context, options, node,
                                            detail::node_lift_bar(context, options, node));
        labels.set(node, writer.write(labels));
    }
    return labels;
}

}  // namespace filmatlas
#endif  // FILMATLAS_LABELS_DETAIL_GATES_IMPL_HPP
