// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LABELS_GATES_HPP
#define FILMATLAS_LABELS_GATES_HPP

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "filmatlas/core/config.hpp"
#include "filmatlas/labels/label_context.hpp"

/// @file gates.hpp
/// @brief Ten machine-checked tests that a label has to pass, whoever wrote it.
///
/// A label promises something about the members of its node. Each gate tests one such promise against the
/// members' own words and returns a value, the bar it was held to and the evidence. No gate asks a model.
///
/// The bars of coverage and separation are relative: a label has to reach the absolute bar, or a set part of
/// what the node's own keywords reach where that is less. So a vague node can be named, and the keyword label
/// of fallback_labels() always passes L1 to L6.

namespace filmatlas {

enum class LabelGate {
    Length,         ///< L1: words and characters by level
    Support,        ///< L2: every content word is accounted for by the members' words or by cited items
    Coverage,       ///< L3: share of the members that hold a supported word
    Separation,     ///< L4: the same words tell members from the siblings' members
    Unique,         ///< L5: not the label of a sibling, of an ancestor or of the level
    TitleLeak,      ///< L6: no title, and no word that only titles account for
    Contradiction,  ///< L7: no word that is rarer inside than outside, no time outside the span
    Children,       ///< L8: holds for every large child
    Stability,      ///< L9: passes L2 to L4 on half-samples of the members
    Hygiene,        ///< L10: no filler words, markup or private words
};
inline constexpr int kNumLabelGates = 10;

/// "L1" .. "L10".
std::string_view gate_code(LabelGate gate) noexcept;
/// "length", "support", ...
std::string_view to_string(LabelGate gate) noexcept;

struct GateOptions {
    /// Fewest and most words per level, coarse to fine; the last entry serves all finer levels.
    std::vector<std::array<int, 2>> words_per_level = {{1, 4}, {2, 5}, {2, 7}};
    int max_characters = 48;      ///< code points, at least 8
    double min_lift = 1.5;        ///< L2: of a word that counts as supported
    double min_share = 0.05;      ///< L2: share of the members that hold it
    int min_cited = 3;            ///< L2: members that a reason has to cite
    int figurative = 1;           ///< L2: unsupported words allowed when `closeness` reaches its bar
    double min_coverage = 0.6;    ///< L3
    double min_separation = 0.6;  ///< L4: balanced accuracy; chance is 0.5
    double relative = 0.7;        ///< L3, L4: part of what the keyword label reaches that is enough
    double max_overlap = 0.67;    ///< L5: Jaccard index of the stems with a sibling's, below this
    double depleted_lift = 0.67;  ///< L7: a word below this lift ...
    double depleted_z = -2;       ///< ... and below this z contradicts
    double child_share = 0.15;    ///< L8: children with this share of the members count
    int samples = 10;             ///< L9: half-samples
    int samples_passed = 9;       ///< L9: that have to pass
    std::uint64_t seed = 42;      ///< L9
    std::vector<std::string> banned = {"assorted", "film",   "films",   "misc",     "miscellaneous",
                                       "movie",    "movies", "other",   "others",   "stories",
                                       "story",    "tale",   "tales",   "theme",    "themes",
                                       "topic",    "topics", "unknown", "untitled", "various"};  ///< L10
    std::vector<std::string> private_words = {};  ///< L10: e.g. internal names; compared after fold()
    /// Keywords in a fallback label per level, coarse to fine; the last entry serves all finer levels.
    std::vector<int> fallback_words = {2, 2, 3};
};

/// @throws Error (InvalidArgument) naming the first bad field.
void validate(const GateOptions& options);

/// Why a word of a label holds: items whose texts say so.
struct LabelReason {
    std::string word;          ///< of the label
    std::string term;          ///< what the items say; empty = the word itself
    std::vector<Index> items;  ///< members of the node
};

/// A label as a writer hands it in.
struct LabelCandidate {
    std::string text;
    std::vector<LabelReason> because = {};
    /// Cosine of the label and the node's centre, and what the node's median keyword reaches, when an
    /// encoder was asked.
    std::optional<double> closeness = std::nullopt;
    double closeness_bar = 1;
};

struct GateResult {
    LabelGate gate = LabelGate::Length;
    bool passed = true;
    double value = 0;
    double threshold = 0;
    std::string message;             ///< what was found, one sentence
    std::vector<std::string> terms;  ///< words concerned
    std::vector<Index> items;        ///< evidence: items
    std::vector<Index> nodes;        ///< evidence: other nodes
};

struct LabelVerdict {
    Index node = -1;
    std::string text;
    bool accepted = false;          ///< all gates passed
    std::vector<GateResult> gates;  ///< kNumLabelGates entries, in order
    /// Codes of the gates that failed, e.g. "L2 L6"; "" when accepted.
    std::string failed() const;
};

/// The labels of a hierarchy while they are written: their words worked out once.
class LabelSet {
public:
    explicit LabelSet(std::int64_t nodes = 0)
        : texts_(static_cast<std::size_t>(nodes)), stems_(static_cast<std::size_t>(nodes)) {}
    LabelSet(std::span<const std::string> texts);
    void set(Index node, std::string text);
    /// "" = not written yet.
    const std::string& text(Index node) const { return texts_[static_cast<std::size_t>(node)]; }
    /// Stems of the words, ascending.
    const std::vector<std::string>& stems(Index node) const { return stems_[static_cast<std::size_t>(node)]; }
    std::int64_t size() const noexcept { return static_cast<std::int64_t>(texts_.size()); }
    const std::vector<std::string>& texts() const noexcept { return texts_; }

private:
    std::vector<std::string> texts_;
    std::vector<std::vector<std::string>> stems_;
};

/// The bars of each node, shape (nodes,): what its own words allow to be asked of a label.
struct LabelBars {
    /// L2: `min_lift`, or what the node's third best word reaches where fewer than three reach that.
    std::vector<double> lift;
    std::vector<std::int64_t> supported;  ///< L1: words that pass L2; asks for no more words than these
    std::vector<double> coverage;         ///< L3
    std::vector<double> separation;       ///< L4
};
/// @param keyword_labels fallback_labels() of the same context and options.
LabelBars label_bars(const LabelContext& context, const LabelSet& keyword_labels,
                     const GateOptions& options = {});

/// Runs all gates on a label for `node`, next to the other labels written so far.
/// Texts above 4 KiB are judged by their beginning (and fail L1).
/// @throws Error (InvalidArgument) for a node that is not there, (Shape).
LabelVerdict check_label(const LabelContext& context, const LabelBars& bars, const LabelSet& written,
                         Index node, const LabelCandidate& candidate, const GateOptions& options = {});

/// One label per node made of its supported words, coarse to fine: never rejected by L1 to L7 or L10 where
/// the node has any supported word. The first of the best combinations of keywords that also passes L8 and
/// L9; a node without supported words is called after its level, e.g. "macro 3". Deterministic.
LabelSet fallback_labels(const LabelContext& context, const GateOptions& options = {});

}  // namespace filmatlas

#ifdef FILMATLAS_HEADER_ONLY
#include "filmatlas/labels/detail/gates_impl.hpp"
#endif
#endif  // FILMATLAS_LABELS_GATES_HPP
