// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_CLUSTER_NODE_FIGURES_HPP
#define FILMATLAS_CLUSTER_NODE_FIGURES_HPP

#include <cstdint>
#include <vector>

#include "filmatlas/cluster/nested.hpp"
#include "filmatlas/core/config.hpp"
#include "filmatlas/core/matrix.hpp"
#include "filmatlas/core/progress.hpp"
#include "filmatlas/hierarchy/hierarchy.hpp"
#include "filmatlas/neighbors/knn_graph.hpp"

/// @file node_figures.hpp
/// @brief What can be said of every node of a strict tree: how tight, how apart, how lasting, how reproducible.
///
/// Which members stand for a node and which lie at its border: keywords/representatives.hpp.

namespace filmatlas {

/// One entry per node. The centre of a node is the mean of its items' vectors (unit vectors, and of unit length,
/// under cosine and inner product); items without a valid vector count in `size` alone.
struct NodeFigures {
    std::vector<std::int64_t> size;
    /// Mean cosine of the items to the centre, in [-1, 1]; under other metrics minus their mean distance.
    std::vector<float> cohesion;
    /// Distance of the centre to the nearest other centre under the same parent (1 - cosine under cosine); without a
    /// sibling, of the same level; NaN for the only node of a level.
    std::vector<float> separation;
    std::vector<Index> nearest;  ///< that node; -1 = none
    /// In [0, 1]: 1 - (height at which the node falls apart) / (height at which it is joined to a sibling), 0 where
    /// that is negative. Heights are Ward's: sqrt(2 a b / (a + b)) times the distance of the two centres, in the tree
    /// of the children (finest nodes: of their two halves by k-means) and in the tree of the siblings. An only child
    /// shares the figure of its parent; the only node of the coarsest level has 1.
    std::vector<float> persistence;
};

/// @param X (n, d) vectors of the items.
/// @throws Error (Shape) unless X has a row per item; (Cancelled).
/// Cost: O(levels n d + sum of squared numbers of children * d).
NodeFigures node_figures(const Hierarchy& hierarchy, MatrixView<const float> X,
                         Metric metric = Metric::Cosine, int num_threads = 0, const Progress& progress = {});

/// @brief Options of `node_stability()`.
struct StabilityOptions {
    int replicates = 20;  ///< samples, at least 1
    double share = 0.9;   ///< of the items in each sample, in (0, 1)
    std::uint64_t seed = 42;
};
/// @throws Error (InvalidArgument) naming the first bad field.
void validate(const StabilityOptions& options);

/// One entry per node, in [0, 1]; NaN where no sample held an item of the node.
struct NodeStability {
    std::vector<float> median;
    std::vector<float> low;  ///< 10th percentile
};

/// Whether the nodes are found again without some of the items: for every sample (without replacement) a tree is made
/// with the same options, and a node scores the largest Jaccard overlap |A & B| / |A | B| that it, as far as it was
/// sampled, has with a node B of the same level (Hennig 2007).
/// @param options of the tree. Counts that are not set are those of the hierarchy, so that only what is in the nodes
///                is judged; level names are taken from the hierarchy.
/// @param graph   n rows; samples keep the neighbours that were sampled too.
/// @throws Error (Shape), (InvalidArgument), (Cancelled).
/// Cost: `replicates` times that of nested_clusters.
NodeStability node_stability(const Hierarchy& hierarchy, MatrixView<const float> X, const KnnGraph& graph,
                             const NestedOptions& options = {}, const StabilityOptions& stability = {},
                             const Progress& progress = {});

/// How clearly items belong, as NestedResult has it, for any hierarchy.
struct ItemStrength {
    std::vector<float> strength;   ///< (n * levels), item-major; see NestedResult
    std::vector<Index> runner_up;  ///< (n * levels)
};
/// @throws Error (Shape) unless X has a row per item.
/// Cost: O(levels n siblings d).
ItemStrength item_strength(const Hierarchy& hierarchy, MatrixView<const float> X,
                           Metric metric = Metric::Cosine, int num_threads = 0);

}  // namespace filmatlas

#ifdef FILMATLAS_HEADER_ONLY
#include "filmatlas/cluster/detail/node_figures_impl.hpp"
#endif
#endif  // FILMATLAS_CLUSTER_NODE_FIGURES_HPP
