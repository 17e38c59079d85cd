// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_ATLAS_LABEL_JOBS_HPP
#define FILMATLAS_ATLAS_LABEL_JOBS_HPP

#include <string>
#include <string_view>
#include <vector>

#include "filmatlas/labels/evidence.hpp"
#include "filmatlas/labels/gates.hpp"

/// @file label_jobs.hpp
/// @brief Evidence out, labels in: JSON lines for writers that live elsewhere.
///
/// The library never talks to a network. `label_jobs.jsonl` holds one question per node; whoever answers
/// writes `labels.jsonl` with one object per line: node, hash (of the question), label, and, if wanted,
/// because: {word: [items]} or {word: {"term": text, "items": [items]}}.

namespace filmatlas {

/// The evidence as compact JSON: the same bytes for the same evidence. Numbers are rounded to six decimals.
std::string evidence_json(const LabelEvidence& evidence);

/// SHA-256 of evidence_json(), 64 hexadecimal digits.
std::string evidence_hash(const LabelEvidence& evidence);

/// One line per node in node order: {"node", "hash", "evidence"}. @param nodes empty = all.
std::string label_jobs(const LabelContext& context, const LabelSet& written,
                       const std::vector<Index>& nodes = {}, const GateOptions& gates = {},
                       const EvidenceOptions& options = {});

struct LabelAnswer {
    Index node = -1;
    std::string hash;  ///< of the evidence that was answered; "" = not given
    LabelCandidate candidate;
};

/// Reads `labels.jsonl`. Blank lines are skipped; unknown keys are ignored.
/// @throws Error (Format) with the line, for text that is no JSON object, or has no node or label.
std::vector<LabelAnswer> parse_label_answers(std::string_view jsonl);

/// A verdict as compact JSON: {"node", "label", "accepted", "gates": [{"code", "gate", "passed", "value",
/// "threshold", "message", "terms", "items", "nodes"}]}; at most 20 items of evidence per gate.
std::string verdict_json(const LabelVerdict& verdict);

}  // namespace filmatlas
#endif  // FILMATLAS_ATLAS_LABEL_JOBS_HPP
