// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_CLUSTER_DETAIL_SIBLING_STRENGTH_HPP
#define FILMATLAS_CLUSTER_DETAIL_SIBLING_STRENGTH_HPP

#include <algorithm>
#include <cstddef>

#include "filmatlas/core/config.hpp"
#include "filmatlas/hierarchy/hierarchy.hpp"

/// @file sibling_strength.hpp
/// @brief How much nearer an item is to its own node than to the best other node under the same parent.

namespace filmatlas::detail {

struct SiblingStrength {
    double value = 0;
    Index runner_up = -1;  ///< node id; -1 without a sibling that has items
};

/// @param own        node id of the item's node
/// @param unit       whether closeness is a cosine, whose difference is taken; else minus a distance, and the difference
///                   is taken relative to the larger distance
/// @param has_items  of a node id: whether there is a centre to compare with
/// @param closeness  of a node id: the larger the nearer
template <class HasItems, class Closeness>
SiblingStrength sibling_strength(const Hierarchy& tree, Index own, bool unit, const HasItems& has_items,
                                 const Closeness& closeness) {
    const HierarchyNode& node = tree.nodes[static_cast<std::size_t>(own)];
    const auto level = static_cast<std::size_t>(node.level);
    SiblingStrength out;
    double second = 0;
    const auto visit = [&](Index other) {
        if (tree.nodes[static_cast<std::size_t>(other)].parent != node.parent) return false;
        if (!has_items(other)) return true;
        const double value = closeness(other);
        if (out.runner_up < 0 || value > second || (value == second && other < out.runner_up)) {
            second = value;
            out.runner_up = other;
        }
        return true;
    };
    // Siblings are neighbours in the list of nodes: walk both ways from the own node.
    for (Index other = own - 1; other >= tree.level_begin[level] && visit(other); --other) {
    }
    for (Index other = own + 1; other < tree.level_begin[level + 1] && visit(other); ++other) {
    }
    if (out.runner_up < 0) return out;
    const double first = closeness(own);
    out.value = first - second;
    if (!unit) {
        const double larger = std::max(-first, -second);
        out.value = larger > 0 ? out.value / larger : 0.0;
    }
    return out;
}

}  // namespace filmatlas::detail
#endif  // FILMATLAS_CLUSTER_DETAIL_SIBLING_STRENGTH_HPP
