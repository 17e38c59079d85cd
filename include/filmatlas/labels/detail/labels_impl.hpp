// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LABELS_DETAIL_LABELS_IMPL_HPP
#define FILMATLAS_LABELS_DETAIL_LABELS_IMPL_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "filmatlas/labels/detail/label_text.hpp"
#include "filmatlas/labels/labels.hpp"
#include "filmatlas/text/unicode.hpp"

namespace filmatlas {
FILMATLAS_INLINE std::string_view to_string(LabelOrigin origin) noexcept {
    return origin == LabelOrigin::Keywords ? "keywords" : "writer";
}

FILMATLAS_INLINE std::string_view to_string(LabelIssueKind kind) noexcept {
    switch (kind) {
        case LabelIssueKind::Empty:
            return "empty";
        case LabelIssueKind::TooLong:
            return "too_long";
        case LabelIssueKind::EqualToParent:
            return "equal_to_parent";
        case LabelIssueKind::DuplicatePath:
            return "duplicate_path";
        case LabelIssueKind::Markup:
            return "markup";
    }
    return "unknown";
}

FILMATLAS_INLINE std::vector<LabelIssue> label_issues(const Hierarchy& hierarchy, const Labels& labels,
                                                      int max_characters) {
    if (labels.size() != hierarchy.nodes.size()) {
        throw_shape("label_issues", "there are " + std::to_string(labels.size()) +
                                        " labels, the hierarchy has " +
                                        std::to_string(hierarchy.nodes.size()) + " nodes");
    }
    std::vector<LabelIssue> issues;
    std::vector<std::string> key(labels.size());
    // Nodes whose paths read the same share a class, named by its first node: a path is its parent's class
    // and a text.
    std::map<std::pair<Index, std::string>, Index> first_with_path;
    std::vector<Index> path_class(labels.size());
    for (std::size_t i = 0; i < labels.size(); ++i) {
        const auto node = static_cast<Index>(i);
        const std::string& text = labels[i].text;
        const auto report = [&](LabelIssueKind kind, Index other, const std::string& what) {
            issues.push_back({kind, node, other, "label of node " + std::to_string(node) + what});
        };
        key[i] = fold(text);
        if (detail::label_blank(text)) report(LabelIssueKind::Empty, -1, " is empty");
        if (const std::int64_t length = count_code_points(text); length > max_characters) {
            report(LabelIssueKind::TooLong, -1,
                   " has " + std::to_string(length) + " characters, allowed are " +
                       std::to_string(max_characters));
        }
        const Index parent = hierarchy.nodes[i].parent;
        for (Index above = parent; above >= 0;
             above = hierarchy.nodes[static_cast<std::size_t>(above)].parent) {
            if (key[static_cast<std::size_t>(above)] != key[i]) continue;
            report(LabelIssueKind::EqualToParent, above,
                   " repeats that of node " + std::to_string(above) + " above it");
            break;
        }
        const Index above_class = parent < 0 ? -1 : path_class[static_cast<std::size_t>(parent)];
        const auto [entry, is_new] = first_with_path.try_emplace({above_class, key[i]}, node);
        path_class[i] = entry->second;
        if (!is_new) {
            report(LabelIssueKind::DuplicatePath, entry->second,
                   " has the path of node " + std::to_string(entry->second));
        }
        if (detail::label_markup(text)) {
            report(LabelIssueKind::Markup, -1, " holds markup, control characters or invalid UTF-8");
        }
    }
    return issues;
}

}  // namespace filmatlas
#endif  // FILMATLAS_LABELS_DETAIL_LABELS_IMPL_HPP
