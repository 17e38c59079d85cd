// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_CLUSTER_NESTED_HPP
#define FILMATLAS_CLUSTER_NESTED_HPP

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "filmatlas/core/config.hpp"
#include "filmatlas/core/matrix.hpp"
#include "filmatlas/core/progress.hpp"
#include "filmatlas/core/run_info.hpp"
#include "filmatlas/hierarchy/hierarchy.hpp"
#include "filmatlas/neighbors/knn_graph.hpp"

/// @file nested.hpp
/// @brief The strict nested hierarchy: every item in one node of every level, each node inside one parent.
///
/// 1. The vectors are smoothed over shared neighbours (smooth.hpp) by several numbers of steps and seen from their
/// mean. 2. Ward's linkage and Lloyd's rounds make the finest nodes; too large ones are split, too small ones join
/// their nearest. 3. From the coarsest level down, the finest nodes are grouped by Ward's linkage, by forms of it that
/// hinder large nodes less, and by average linkage, after every number of smoothing steps between the nodes that suits the
/// level. The level is what these groupings agree on: linkage of the share of them that part two nodes, inside the nodes of
/// the level above, no merge making a node larger than its level allows. Groups of nodes, never of items:
/// nesting cannot fail. Items with identical vectors always share all their nodes. Row order does not matter: all
/// decisions are made in an order of the rows by content (given the same neighbour sets).

namespace filmatlas {

/// Bounds of a number of nodes, both included.
struct LevelRange {
    int min = 1;
    int max = 1;
    bool operator==(const LevelRange&) const = default;
};

/// How nodes are made.
enum class NestedMethod {
    Auto,     ///< as described above, every choice made from the data
    Ward,     ///< Ward's linkage at every level; no moves, no choices but the steps
    Average,  ///< average linkage likewise
    KMeans,   ///< k-means for the finest nodes, Ward's linkage and moves above
    /// As Ward, but from density cores (leaves of HDBSCAN in the smoothed space), every other item with the core that
    /// it reaches by the lowest pass
    Density,
};
/// "auto", "ward", "average", "kmeans", "density".
std::string_view to_string(NestedMethod method) noexcept;
/// @throws Error (InvalidArgument) naming the accepted words.
NestedMethod nested_method_from_string(std::string_view name);

/// Something tried. Of the finest nodes those that best foretell the neighbours held out of the smoothing are taken; the
/// levels above are the consensus of all their trials.
struct NestedTrial {
    int level = 0;
    /// Of smoothing: between items for the finest nodes, between these for the levels above; of the consensus the most that
    /// took part.
    int steps = 0;
    /// "ward", "ward^0.75", "ward^0.5" (the power of the size term), "average", "kmeans", "density"; "consensus".
    std::string method;
    /// Mutual information of an item's node and its held-out neighbours' nodes over the mean of the entropies;
    /// in [0, 1], -1 where nothing could be held out (fewer than 3 neighbours per item).
    double foresight = 0;
    bool chosen = false;
    bool operator==(const NestedTrial&) const = default;
};

/// @brief Options of `nested_clusters()`.
struct NestedOptions {
    /// Coarse to fine; at least one, no two equal.
    std::vector<std::string> level_names = {"macro", "neighborhood", "microcluster"};
    /// Nodes per level, coarse to fine, not descending; one per level, at most 16,384. Unset: found, see
    /// `level_ranges`. The size bounds below then apply only when they are given too. Fewer nodes are made,
    /// with a warning, when there are too few distinct items.
    std::optional<std::vector<int>> n_clusters = std::nullopt;
    /// Items a finest node should have at least (1 <= min_size); smaller ones are merged. Unset: 4 (1 below
    /// 16 items).
    std::optional<int> min_size = std::nullopt;
    /// Items a finest node should have at most; larger ones are split. Unset: 60, or 4 times the mean where
    /// that is more.
    std::optional<int> max_size = std::nullopt;
    /// Share of the items that the largest coarsest node may hold; in (0, 1]. Merges that exceed it are made
    /// only when no other remains. Raised to 1.5 / count where the count needs it. Unset: 0.30, or 3 / count
    /// where a given count makes that more. Between the levels: 4 / count.
    std::optional<double> max_share = std::nullopt;
    /// Averaging steps over shared neighbours, for every level; 0 = none, at most 1000 (see SmoothOptions). Unset:
    /// of 0, 1, 4, 16, 32, as far as the finest nodes hold ten items a step, those whose nodes foretell the neighbours best
    /// that the smoothing did not see (the result's options hold them); the levels above are then the consensus of 0 to 32
    /// steps between the finest nodes.
    std::optional<int> smoothing_steps = std::nullopt;
    std::uint64_t seed = 42;
    /// Workers; 0 = choose for me. Never changes the result.
    int num_threads = 0;
    /// Ranges in which the counts are found, coarse to fine, one per level; ignored when `n_clusters` is set.
    /// Unset: 6-14 at the top (fewer for small catalogues), the finest about n / 25 (2 sqrt(n) below 2,500
    /// items; at most 2,000), the levels between 0.7 to 1.4 times the geometric interpolation. The count with
    /// the largest relative gap between the heights of the next merge and the last is taken.
    std::optional<std::vector<LevelRange>> level_ranges = std::nullopt;
    NestedMethod method = NestedMethod::Auto;
};
/// @throws Error (InvalidArgument) naming the first bad field.
void validate(const NestedOptions& options);

struct NestedResult {
    Hierarchy hierarchy;
    /// (n * levels), item-major: cosine of the item to the centroid of its node minus the cosine to the best
    /// other node under the same parent (all nodes at level 0); in [-2, 2], negative where the tree overrules
    /// the nearest centroid. 0 without a sibling and for `reassigned` items. Centroids: means of the
    /// full-space vectors. Under a Euclidean graph: (distance to the best other - distance to the own) / the
    /// larger of the two, in [-1, 1].
    std::vector<float> strength;
    /// (n * levels), item-major: node id of that best other node; -1 without a sibling and for `reassigned`
    /// items.
    std::vector<Index> runner_up;
    /// Items without a valid vector, ascending. They are placed in the largest node of the coarsest level
    /// and, inside it, in the largest child at each level (the first by content on a tie).
    std::vector<Index> reassigned;
    /// Warnings: counts that could not be reached, items without a vector, a node of the coarsest level that holds more
    /// than three times their median.
    RunInfo run;
    /// Options as resolved: counts as made, sizes as used, ranges as searched.
    NestedOptions options;
    /// Per level, the relative gap in merge height at the count that was chosen (0 for the finest and for
    /// given counts).
    std::vector<double> level_gap;
    /// What was tried and chosen, in the order of the work: the finest level first.
    std::vector<NestedTrial> trials;
};

/// Builds the hierarchy.
/// @param X     (n, d) vectors that the graph was made from, n >= 1; scaled to unit length here under cosine
///              and inner product.
/// @param graph n rows; 15 exact neighbours recommended.
/// @throws Error (Shape) when X and graph differ; (InvalidArgument) for options; (Cancelled).
/// Cost: at most O(rounds n m d) for k-means plus O(m^2 d), m the number of finest nodes; O(n d + m^2)
/// memory.
NestedResult nested_clusters(MatrixView<const float> X, const KnnGraph& graph,
                             const NestedOptions& options = {}, const Progress& progress = {});

}  // namespace filmatlas

#ifdef FILMATLAS_HEADER_ONLY
#include "filmatlas/cluster/detail/nested_impl.hpp"
#endif
#endif  // FILMATLAS_CLUSTER_NESTED_HPP
