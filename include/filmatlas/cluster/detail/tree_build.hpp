// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_CLUSTER_DETAIL_TREE_BUILD_HPP
#define FILMATLAS_CLUSTER_DETAIL_TREE_BUILD_HPP

#include <algorithm>
#include <cstdint>
#include <limits>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "filmatlas/hierarchy/hierarchy.hpp"

/// @file tree_build.hpp
/// @brief A strict tree whose nodes keep the order that they had.

namespace filmatlas::detail {

/// Labels of a tree to be: per level a label per item, and per label the node that it was (-1: a new one).
struct TreePlan {
    std::vector<std::vector<Index>> label;     ///< nested, any numbers in [0, previous[level].size())
    std::vector<std::vector<Index>> previous;  ///< per level and label
};

/// The plan of a tree as it is.
inline TreePlan tree_plan(const Hierarchy& tree) {
    TreePlan plan;
    for (int level = 0; level < tree.num_levels(); ++level) {
        plan.label.push_back(tree.labels(level));
        std::vector<Index> ids(static_cast<std::size_t>(tree.num_nodes(level)));
        std::iota(ids.begin(), ids.end(), tree.level_begin[static_cast<std::size_t>(level)]);
        plan.previous.push_back(std::move(ids));
    }
    return plan;
}

/// Siblings that were there come first, in the order that they had; then the others by (size descending, smallest
/// item). Items of a finest node ascend. @return the tree, and per node what it was
inline std::pair<Hierarchy, std::vector<Index>> tree_build(const TreePlan& plan,
                                                           std::vector<std::string> level_names) {
    struct Group {
        Index parent = 0;  ///< place among the nodes of the level above
        Index previous = -1;
        std::int64_t size = 0;
        Index first = 0;
        Index label = 0;
    };
    Hierarchy tree;
    std::vector<Index> previous;
    tree.level_names = std::move(level_names);
    const std::size_t n = plan.label.front().size();
    tree.order.resize(n);
    std::iota(tree.order.begin(), tree.order.end(), Index{0});
    tree.level_begin.push_back(0);
    std::vector<Index> place(n, 0);  // of every item's node among those of the level above
    for (std::size_t level = 0; level < plan.label.size(); ++level) {
        std::vector<Group> groups(plan.previous[level].size());
        for (std::size_t i = 0; i < n; ++i) {
            const Index label = plan.label[level][i];
            Group& group = groups[static_cast<std::size_t>(label)];
            if (group.size == 0) {
                group = {place[i], plan.previous[level][static_cast<std::size_t>(label)], 0,
                         static_cast<Index>(i), label};
            }
            ++group.size;
        }
        std::erase_if(groups, [](const Group& group) { return group.size == 0; });
        std::sort(groups.begin(), groups.end(), [](const Group& a, const Group& b) {
            if (a.parent != b.parent) return a.parent < b.parent;
            if ((a.previous < 0) != (b.previous < 0)) return b.previous < 0;
            if (a.previous != b.previous) return a.previous < b.previous;
            if (a.size != b.size) return a.size > b.size;
            return a.first < b.first;
        });
        const Index above = level == 0 ? 0 : tree.level_begin[level - 1];
        std::vector<Index> rank(plan.previous[level].size(), -1);
        Index begin = 0;
        for (std::size_t r = 0; r < groups.size(); ++r) {
            const Group& group = groups[r];
            rank[static_cast<std::size_t>(group.label)] = static_cast<Index>(r);
            HierarchyNode node;
            node.begin = begin;
            node.end = begin + static_cast<Index>(group.size);
            node.level = static_cast<Index>(level);
            node.parent = level == 0 ? -1 : above + group.parent;
            tree.nodes.push_back(node);
            previous.push_back(group.previous);
            begin = node.end;
        }
        for (std::size_t i = 0; i < n; ++i) place[i] = rank[static_cast<std::size_t>(plan.label[level][i])];
        tree.level_begin.push_back(static_cast<Index>(tree.nodes.size()));
    }
    std::stable_sort(tree.order.begin(), tree.order.end(), [&](Index a, Index b) {
        return place[static_cast<std::size_t>(a)] < place[static_cast<std::size_t>(b)];
    });
    return {std::move(tree), std::move(previous)};
}

}  // namespace filmatlas::detail
#endif  // FILMATLAS_CLUSTER_DETAIL_TREE_BUILD_HPP
