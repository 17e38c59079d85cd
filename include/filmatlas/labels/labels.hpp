// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LABELS_LABELS_HPP
#define FILMATLAS_LABELS_LABELS_HPP

#include <string>
#include <string_view>
#include <vector>

#include "filmatlas/core/config.hpp"
#include "filmatlas/core/matrix.hpp"
#include "filmatlas/hierarchy/hierarchy.hpp"

/// @file labels.hpp
/// @brief One label per node of a hierarchy, with its origin.

namespace filmatlas {

/// Who wrote a label: the library from keywords, or a person or model outside it.
enum class LabelOrigin { Keywords, Writer };
/// "keywords", "writer".
std::string_view to_string(LabelOrigin origin) noexcept;

struct NodeLabel {
    std::string text;  ///< e.g. "samurai · village · honour"
    LabelOrigin origin = LabelOrigin::Keywords;
    std::vector<std::string> keywords;  ///< the evidence: best terms of the node, best first
    bool operator==(const NodeLabel&) const = default;
};

/// (nodes,) in node order. The path of labels from level 0 to a node is unique in the atlas.
using Labels = std::vector<NodeLabel>;

enum class LabelIssueKind {
    Empty,          ///< nothing but white space
    TooLong,        ///< more than `max_characters` code points
    EqualToParent,  ///< same text as an ancestor, case and diacritics aside
    DuplicatePath,  ///< the same path of texts as an earlier node's
    Markup,         ///< control characters, invalid UTF-8 or the characters < >
};
/// "empty", "too_long", "equal_to_parent", "duplicate_path", "markup".
std::string_view to_string(LabelIssueKind kind) noexcept;

struct LabelIssue {
    LabelIssueKind kind = LabelIssueKind::Empty;
    Index node = -1;
    Index other = -1;  ///< the ancestor or the earlier node; -1 where there is none
    std::string message;
};

/// Everything that is wrong with labels of any origin, by node, then kind. Texts are compared after fold().
/// @throws Error (Shape) when there is not one label per node.
std::vector<LabelIssue> label_issues(const Hierarchy& hierarchy, const Labels& labels,
                                     int max_characters = 48);

}  // namespace filmatlas

#ifdef FILMATLAS_HEADER_ONLY
#include "filmatlas/labels/detail/labels_impl.hpp"
#endif
#endif  // FILMATLAS_LABELS_LABELS_HPP
