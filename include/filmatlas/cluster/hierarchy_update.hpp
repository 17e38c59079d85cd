// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_CLUSTER_HIERARCHY_UPDATE_HPP
#define FILMATLAS_CLUSTER_HIERARCHY_UPDATE_HPP

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "filmatlas/cluster/nested.hpp"
#include "filmatlas/core/config.hpp"
#include "filmatlas/core/matrix.hpp"
#include "filmatlas/core/progress.hpp"
#include "filmatlas/hierarchy/hierarchy.hpp"
#include "filmatlas/neighbors/knn_graph.hpp"

/// @file hierarchy_update.hpp
/// @brief A strict tree that lives on: new items take places in it, named parts are made anew, given upper levels and
/// bounds on sizes are kept.

namespace filmatlas {

/// Where new items belong.
struct TreePlacement {
    std::vector<Index> leaf;        ///< (q,) node id at the finest level; -1 without a known neighbour
    std::vector<float> confidence;  ///< (q,) share of the known neighbours that lie in that node
};
/// Places items by their nearest known items: at every level the node, inside the one chosen a level up, that weighs
/// most among them; a neighbour weighs by how much nearer it is than the last one. An item at a distance of at most
/// 1e-6 from a known one shares its node.
/// @param ids       (q, k) items of the hierarchy, nearest first; negative = none.
/// @param distances (q, k), ascending.
/// @throws Error (Shape) when they differ; (Format) for ids out of range.
TreePlacement place_in_tree(const Hierarchy& hierarchy, MatrixView<const Index> ids,
                            MatrixView<const float> distances);

/// @brief Options of `update_hierarchy()`.
struct TreeUpdateOptions {
    Metric metric = Metric::Cosine;
    int k = 10;  ///< neighbours that say where a new item belongs; at least 1
    int num_threads = 0;
};
/// @throws Error (InvalidArgument) naming the first bad field.
void validate(const TreeUpdateOptions& options);

/// How new items change the nodes; one entry per node.
struct NodeDrift {
    std::vector<std::int64_t> added;
    /// Distance of the centres before and after: 1 - cosine under cosine and inner product, else the distance.
    std::vector<float> shift;
    std::vector<float> cohesion;        ///< of the items before, as in NodeFigures, to the centre before
    std::vector<float> added_cohesion;  ///< of the new items to the same centre; NaN without any
};

struct HierarchyUpdate {
    /// Over n + q items, the new ones last: the same nodes with the same ids, ranges grown.
    Hierarchy hierarchy;
    TreePlacement placement;
    NodeDrift drift;
};

/// Takes new items into a tree: every node keeps its id, its parent and its items. New items without a valid vector go
/// to the largest node of the coarsest level and, inside it, to the largest child at each level.
/// @param X     (n, d) items of the hierarchy. @param added (q, d) new ones.
/// @throws Error (Shape); (InvalidArgument); (Cancelled).
/// Cost: that of searching q items among n.
HierarchyUpdate update_hierarchy(const Hierarchy& hierarchy, MatrixView<const float> X,
                                 MatrixView<const float> added, const TreeUpdateOptions& options = {},
                                 const Progress& progress = {});

struct ReclusteredHierarchy {
    Hierarchy hierarchy;
    /// Per node, its id before; -1 for nodes that are new. A node inside a part made anew is an old one when more than
    /// half of the items of both are common (Jaccard > 1/2).
    std::vector<Index> previous;
    RunInfo run;
};

/// Makes the nodes below some nodes anew; everything else stays. Nodes keep their ids where the numbers of nodes per
/// level stay the same and they are recognised; `previous` tells in any case.
/// @param graph  over the items of X; 15 neighbours recommended.
/// @param nodes  whose inside is made anew; not finest, none inside another.
/// @param pinned nodes below these that stay as they are, with all that is in them; the nodes above them keep their
///               pinned items, other items are clustered among each other.
/// @param options of the inner trees; level names are the hierarchy's. Counts are as they were without `level_ranges`
///               (also with `n_clusters`, which is ignored); with it (one range per level of the hierarchy) they are
///               found.
/// @throws Error (Shape); (InvalidArgument) naming the first bad node; (Cancelled).
ReclusteredHierarchy recluster_nodes(const Hierarchy& hierarchy, MatrixView<const float> X,
                                     const KnnGraph& graph, std::span<const Index> nodes,
                                     std::span<const Index> pinned = {}, const NestedOptions& options = {},
                                     const Progress& progress = {});

struct NestedUnder {
    Hierarchy hierarchy;  ///< levels of the upper tree, with the same node ids, then those of the options
    RunInfo run;
};

/// `nested_clusters` inside every finest node of a given tree (an editorial one, say): the upper levels are kept.
/// @param options `n_clusters` are totals over the catalogue, shared among the upper nodes by their items, one each at
///                least; unset: found inside each.
/// @throws Error (Shape), (InvalidArgument), (Cancelled).
NestedUnder nested_under(const Hierarchy& upper, MatrixView<const float> X, const KnnGraph& graph,
                         const NestedOptions& options = {}, const Progress& progress = {});

/// Bounds on the items of a node, both included.
struct SizeBounds {
    std::int64_t min = 1;
    std::int64_t max = 0;  ///< 0 = none
    bool operator==(const SizeBounds&) const = default;
};

struct BoundedHierarchy {
    Hierarchy hierarchy;
    std::int64_t split = 0;             ///< nodes that were too large
    std::int64_t merged = 0;            ///< nodes that were too small
    std::vector<std::string> warnings;  ///< which bounds could not be kept, and why
};

/// Brings the nodes of every level within bounds, coarse to fine, each inside its parent. Too large nodes are split:
/// above the finest level into groups of their children (Ward's linkage, no group above the bound while another merge
/// is left), at the finest by k-means. Too small ones join the sibling with the nearest centre that has room, the
/// nearest of all when none has.
/// @param bounds one per level, coarse to fine.
/// @throws Error (Shape); (InvalidArgument) naming the first bad bound.
BoundedHierarchy bound_sizes(const Hierarchy& hierarchy, MatrixView<const float> X,
                             std::span<const SizeBounds> bounds, Metric metric = Metric::Cosine,
                             int num_threads = 0);

}  // namespace filmatlas

#ifdef FILMATLAS_HEADER_ONLY
#include "filmatlas/cluster/detail/hierarchy_update_impl.hpp"
#endif
#endif  // FILMATLAS_CLUSTER_HIERARCHY_UPDATE_HPP
