// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LABELS_KEYWORD_LABELS_HPP
#define FILMATLAS_LABELS_KEYWORD_LABELS_HPP

#include <string>
#include <string_view>
#include <vector>

#include "filmatlas/core/config.hpp"
#include "filmatlas/hierarchy/hierarchy.hpp"
#include "filmatlas/keywords/class_terms.hpp"
#include "filmatlas/labels/labels.hpp"

/// @file keyword_labels.hpp
/// @brief Labels made of a node's best keywords: always there, always unique, always accounted for.

namespace filmatlas {

struct LabelOptions {
    /// Words per label, coarse to fine; the last entry serves all finer levels. Each at least 1.
    std::vector<int> words_per_level = {2, 2, 3};
    std::string separator = " · ";
    int max_characters = 48;  ///< code points, at least 8
};

/// @throws Error (InvalidArgument) naming the first bad field.
void validate(const LabelOptions& options);

/// One label per node: its best keywords, without those that repeat a word of an ancestor's label while
/// others are left.
///
/// Coarse nodes are named first, in node order. A label that is taken (on its level, or by an ancestor) is
/// repaired by exchanging its last word for the next keyword, then by further words, at last by a number, so
/// labels are unique within every level and along every path. A node without keywords is called after its
/// level, e.g. "macro 3". Markup characters and control characters never reach a label. Deterministic.
/// @param keywords (nodes,) best first, from node_keywords(). @throws Error (Shape), (InvalidArgument).
Labels keyword_labels(const Hierarchy& hierarchy, const std::vector<std::vector<Keyword>>& keywords,
                      const LabelOptions& options = {});

/// A term as labels show it: valid UTF-8, white space collapsed, without control characters, invisible
/// direction marks and the characters < >; "" when nothing is left.
std::string clean_label_text(std::string_view text);

}  // namespace filmatlas

#ifdef FILMATLAS_HEADER_ONLY
#include "filmatlas/labels/detail/keyword_labels_impl.hpp"
#endif
#endif  // FILMATLAS_LABELS_KEYWORD_LABELS_HPP
