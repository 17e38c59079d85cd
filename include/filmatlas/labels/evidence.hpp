// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LABELS_EVIDENCE_HPP
#define FILMATLAS_LABELS_EVIDENCE_HPP

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "filmatlas/core/config.hpp"
#include "filmatlas/labels/gates.hpp"
#include "filmatlas/labels/label_context.hpp"

/// @file evidence.hpp
/// @brief Everything that a writer of labels gets to see of a node, and nothing else.
///
/// Deterministic: the same context and the same labels of other nodes give the same evidence, so its hash
/// (see atlas/label_jobs.hpp) tells whether an answer was given to the question that is being asked.

namespace filmatlas {

struct EvidenceOptions {
    int keywords = 20;        ///< of the node, at least 1
    int tags = 10;            ///< of the node
    int relatives = 5;        ///< keywords shown of each sibling and child
    int max_relatives = 24;   ///< siblings and children listed, the largest
    int contrast = 5;         ///< words that tell the node from each sibling
    int exemplars = 8;        ///< central members shown
    int borders = 3;          ///< border members shown
    int excerpt = 300;        ///< characters of an exemplar's text; 0 = no texts
    bool mask_titles = true;  ///< words of an item's own title are left out of its excerpt ("…")
};

/// @throws Error (InvalidArgument) naming the first bad field.
void validate(const EvidenceOptions& options);

struct EvidenceTerm {
    std::string term;
    double score = 0;        ///< of the keyword; for tags p * log2(lift)
    TermSupport support;     ///< of the term; a phrase counts where all its words are held
    double mean_score = -1;  ///< of a scored tag over the members that hold it; -1 = not scored
};

struct EvidenceItem {
    Index item = -1;
    std::string text;  ///< beginning of the item's text, its own title masked
};

struct EvidenceRelative {
    Index node = -1;
    std::string label;  ///< "" = not written yet
    std::int64_t size = 0;
    std::vector<std::string> keywords;
    /// For siblings: words that tell this node from that one, best first, with z of the log-odds ratio.
    std::vector<Keyword> contrast;
};

struct EvidenceLink {
    Index node = -1;
    std::string label;
    double share = 0;  ///< of the members' neighbour links that lead there
};

struct LabelEvidence {
    Index node = -1;
    Index level = 0;
    std::string level_name;
    std::vector<std::string> path;  ///< labels of the ancestors, coarse to fine
    std::array<int, 2> words{};     ///< fewest and most words of the label
    int max_characters = 0;
    std::int64_t size = 0;
    std::int64_t items = 0;  ///< in the whole catalogue
    std::vector<EvidenceTerm> keywords;
    std::vector<EvidenceTerm> tags;
    std::vector<std::string> source_names;
    std::vector<std::vector<std::string>> source_keywords;  ///< one list per source
    std::vector<EvidenceItem> exemplars;
    std::vector<EvidenceItem> borders;
    std::vector<EvidenceRelative> siblings;
    std::vector<EvidenceRelative> children;
    double links_inside = -1;             ///< share of neighbour links that stay; -1 = no graph
    std::vector<EvidenceLink> links_out;  ///< at most three nodes of the level that most others lead to
    bool has_times = false;
    std::array<double, 3> times{};    ///< smallest, median, largest
    std::vector<std::string> titles;  ///< of the exemplars: not to be used in the label
};

/// Evidence for one node. Cost: O(terms of the node and its siblings + members * k).
/// @param written labels so far; "" where there is none. @throws Error (InvalidArgument), (Shape).
LabelEvidence label_evidence(const LabelContext& context, const LabelSet& written, Index node,
                             const GateOptions& gates = {}, const EvidenceOptions& options = {});

}  // namespace filmatlas

#ifdef FILMATLAS_HEADER_ONLY
#include "filmatlas/labels/detail/evidence_impl.hpp"
#endif
#endif  // FILMATLAS_LABELS_EVIDENCE_HPP
