// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_CLUSTER_HIERARCHY_SOURCES_HPP
#define FILMATLAS_CLUSTER_HIERARCHY_SOURCES_HPP

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "filmatlas/cluster/linkage.hpp"
#include "filmatlas/core/config.hpp"
#include "filmatlas/core/matrix.hpp"
#include "filmatlas/hierarchy/hierarchy.hpp"

/// @file hierarchy_sources.hpp
/// @brief The strict tree from what other tools give: labels per level with noise and broken nesting, or merges.
///
/// Layers of density tools leave items out, and their clusters can lie under several parents or none. What becomes
/// of those is said by two rules, never guessed; by default both are refused.

namespace filmatlas {

/// What becomes of a fine label whose items lie under several coarse labels.
enum class NestingRepair {
    Reject,    ///< an error that names the first such item
    Majority,  ///< the fine label goes as a whole to the parent of most of its items: the finest level decides
    Split,     ///< it becomes one node under each parent: the coarsest level decides
};
/// "reject", "majority", "split".
std::string_view to_string(NestingRepair repair) noexcept;
/// @throws Error (InvalidArgument) naming the accepted words.
NestingRepair nesting_repair_from_string(std::string_view name);

/// What becomes of an item without a label (a negative one) at some level.
enum class NoiseRule {
    Reject,   ///< an error that names the first such item
    Nearest,  ///< the node with the nearest centroid under its parent takes it
    Rest,     ///< such items make a node of their own under their parent
};
/// "reject", "nearest", "rest".
std::string_view to_string(NoiseRule rule) noexcept;
/// @throws Error (InvalidArgument) naming the accepted words.
NoiseRule noise_rule_from_string(std::string_view name);

/// @brief Options of `adopt_labels()`.
struct AdoptOptions {
    NestingRepair repair = NestingRepair::Reject;
    NoiseRule noise = NoiseRule::Reject;
    /// Distance to the centroids; rows are scaled to unit length under cosine and inner product.
    Metric metric = Metric::Cosine;
    /// Workers; 0 = choose for me. Never changes the result.
    int num_threads = 0;
};
/// @throws Error (InvalidArgument) naming the first bad field.
void validate(const AdoptOptions& options);

struct AdoptedHierarchy {
    Hierarchy hierarchy;
    std::vector<Index> moved;             ///< items whose given label was overruled at some level, ascending
    std::vector<Index> placed;            ///< items that lacked a label at some level, ascending
    std::vector<std::int64_t> moved_at;   ///< per level, items whose given label was overruled there
    std::vector<std::int64_t> placed_at;  ///< per level, items that lacked a label there
    std::vector<Index> node_label;        ///< per node its given label; -1 for nodes of items that had none
};

/// Makes labels of any tool a strict tree.
///
/// 1. A fine label that has items under a coarse one belongs to it; several are handled by `repair` (majority: of
/// equal counts the coarse label with more items, then the smaller one). Items that lack the coarse label follow
/// their fine label. 2. A fine label without any parent goes to the coarse label with the nearest centroid
/// (`Rest`: all such labels of a level share one node made for them). 3. Items that lack labels from some level
/// downwards go, level by level, to the child with the nearest centroid, the smaller label on a tie; centroids are
/// those of the items that step 2 left. A node without children gets one. Items without a valid vector go to the
/// largest child.
/// @param labels `labels[level][item]`, coarse to fine; negative = none.
/// @param X      (n, d); needed for `Nearest` only, else it may be empty.
/// @throws Error (Shape) on unequal lengths, or without vectors where they are needed; (Format) naming the first
///         item that a rule rejects.
/// Cost: O(levels n log n), and O(placed * children * d).
AdoptedHierarchy adopt_labels(const std::vector<std::vector<Index>>& labels,
                              std::vector<std::string> level_names, const AdoptOptions& options = {},
                              MatrixView<const float> X = {});

/// Cuts a merge tree of any tool at several counts of nodes: strict by construction.
/// @param n_clusters one count per level, coarse to fine, not descending.
/// @throws Error (Format) when the merges are not a tree; (InvalidArgument) for the counts.
Hierarchy hierarchy_from_linkage(const LinkageTree& tree, std::span<const int> n_clusters,
                                 std::vector<std::string> level_names);

}  // namespace filmatlas

#ifdef FILMATLAS_HEADER_ONLY
#include "filmatlas/cluster/detail/hierarchy_sources_impl.hpp"
#endif
#endif  // FILMATLAS_CLUSTER_HIERARCHY_SOURCES_HPP
