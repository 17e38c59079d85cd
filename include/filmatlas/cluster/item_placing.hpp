// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_CLUSTER_ITEM_PLACING_HPP
#define FILMATLAS_CLUSTER_ITEM_PLACING_HPP

#include <cstdint>
#include <vector>

#include "filmatlas/core/config.hpp"
#include "filmatlas/core/matrix.hpp"
#include "filmatlas/hierarchy/hierarchy.hpp"
#include "filmatlas/neighbors/knn_graph.hpp"

/// @file item_placing.hpp
/// @brief The dial between honest noise and full coverage: which items of a strict tree are sure of their nodes.
///
/// A strict tree places every item; some of them lie between nodes. Every item gets, at every level, the smallest
/// coverage at which it is placed there. Labels at a coverage are read off these numbers, so an item that is placed
/// at 0.6 has the same label at 0.8, and one placed in a fine node is placed in all nodes above it.

namespace filmatlas {

/// How surely items belong to their nodes. All lists are (n * levels), item-major.
struct ItemPlacing {
    int levels = 0;
    /// The order of placing, larger first. From a graph: the chance that a walk of one or two steps along the
    /// neighbours, both alike, ends inside the item's node; in [0, 1].
    std::vector<float> key;
    /// Whether the item is in the core of its node: from a graph, a key of at least 1/2; from given keys, above 0.
    std::vector<std::uint8_t> is_core;
    /// Smallest coverage at which the item is placed, in (0, 1]. At the finest level the share of items whose key is
    /// at least as large (equal keys are placed together); above, the least over the item's path downwards.
    std::vector<float> place_at;

    std::int64_t num_items() const noexcept {
        return levels > 0 ? static_cast<std::int64_t>(key.size()) / levels : 0;
    }
};

/// From the neighbours: no parameter, no vectors, the same for any order of the rows.
/// @param graph over the items of the hierarchy; 15 neighbours recommended. Items without neighbours come last.
/// @throws Error (Shape) when graph and hierarchy differ in items; (Format) for ids out of range.
/// Cost: O(levels n k^2).
ItemPlacing item_placing(const Hierarchy& hierarchy, const KnnGraph& graph, int num_threads = 0);

/// From keys of another origin (probabilities of HDBSCAN, strengths of nested_clusters).
/// @param keys (n, levels), or (n, 1) for all levels alike; NaN comes last.
/// @throws Error (Shape).
ItemPlacing item_placing(const Hierarchy& hierarchy, MatrixView<const float> keys);

/// Labels of a level at a coverage; shape (n,), -1 = not placed. At the finest level the share of placed items is at
/// most `coverage` (the nearest below it that equal keys allow), at coarser ones at least that of the level below; at
/// 1 all are placed, at 0 none.
/// @throws Error (Shape) when hierarchy and placing differ; (InvalidArgument) unless coverage is in [0, 1] and the
///         level exists.
std::vector<Index> labels_at_coverage(const Hierarchy& hierarchy, const ItemPlacing& placing, int level,
                                      double coverage);

}  // namespace filmatlas

#ifdef FILMATLAS_HEADER_ONLY
#include "filmatlas/cluster/detail/item_placing_impl.hpp"
#endif
#endif  // FILMATLAS_CLUSTER_ITEM_PLACING_HPP
