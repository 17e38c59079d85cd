// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_HIERARCHY_HIERARCHY_HPP
#define FILMATLAS_HIERARCHY_HIERARCHY_HPP

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "filmatlas/core/config.hpp"
#include "filmatlas/core/matrix.hpp"

/// @file hierarchy.hpp
/// @brief The strict tree: an order of the items, and nodes that are contiguous ranges of it.

namespace filmatlas {

/// One node: the items `order[begin] .. order[end - 1]`.
struct HierarchyNode {
    Index begin = 0;
    Index end = 0;
    Index level = 0;    ///< 0 is the coarsest
    Index parent = -1;  ///< node id one level up; -1 at level 0
    std::int64_t size() const noexcept { return end - begin; }
    bool operator==(const HierarchyNode&) const = default;
};

/// A tree in which every item has exactly one node at every level, by construction.
///
/// Nodes are stored level by level (all of level 0, then level 1, ...), each level in ascending `begin`. The ranges of
/// one level partition [0, n); a node's children partition its range. Items whose vector was invalid are
/// placed like all others by the function that made the tree; its result says which.
struct Hierarchy {
    std::vector<std::string> level_names;  ///< coarse to fine
    std::vector<Index> order;              ///< a permutation of the items 0 .. n-1
    std::vector<HierarchyNode> nodes;
    std::vector<Index> level_begin;  ///< levels + 1 offsets into `nodes`

    std::int64_t num_items() const noexcept { return static_cast<std::int64_t>(order.size()); }
    int num_levels() const noexcept { return static_cast<int>(level_names.size()); }
    std::int64_t num_nodes() const noexcept { return static_cast<std::int64_t>(nodes.size()); }
    std::int64_t num_nodes(int level) const {
        return level_begin[static_cast<std::size_t>(level) + 1] - level_begin[static_cast<std::size_t>(level)];
    }
    /// Items of a node, in tree order.
    std::span<const Index> items(Index node) const {
        const HierarchyNode& entry = nodes[static_cast<std::size_t>(node)];
        return {order.data() + entry.begin, static_cast<std::size_t>(entry.size())};
    }
    /// Per item, its node at `level` counted from 0 within the level; shape (n,).
    std::vector<Index> labels(int level) const;
    /// Per item, the node id of its finest node; shape (n,).
    std::vector<Index> leaves() const;
    /// Node ids of the children of `node`, ascending; empty at the finest level.
    std::vector<Index> children(Index node) const;
    /// Node ids from level 0 down to `node`.
    std::vector<Index> path(Index node) const;
    bool operator==(const Hierarchy&) const = default;
};

/// Builds the tree from one label per item and level: `labels[level][item]`, coarse to fine, any distinct integers >= 0.
///
/// Children of one node are ordered by (size descending, smallest item) and so are the nodes of level 0; items of a
/// finest node ascend.
/// @throws Error (Shape) on unequal lengths; (Format) naming the first item whose fine label occurs under two
///         parents, or that has a negative label.
Hierarchy hierarchy_from_labels(const std::vector<std::vector<Index>>& labels, std::vector<std::string> level_names);

/// Checks every invariant of the type.
/// @throws Error (Format) naming the first violation.
void validate(const Hierarchy& hierarchy);

/// "macro", "neighborhood", "microcluster" for three levels; "macro", "microcluster" for two; else "level 0", ...
std::vector<std::string> default_level_names(int num_levels);

}  // namespace filmatlas

#ifdef FILMATLAS_HEADER_ONLY
#include "filmatlas/hierarchy/detail/hierarchy_impl.hpp"
#endif
#endif  // FILMATLAS_HIERARCHY_HIERARCHY_HPP
