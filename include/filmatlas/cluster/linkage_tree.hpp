// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_CLUSTER_LINKAGE_TREE_HPP
#define FILMATLAS_CLUSTER_LINKAGE_TREE_HPP

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "filmatlas/cluster/linkage.hpp"
#include "filmatlas/cluster/spanning_tree.hpp"
#include "filmatlas/core/config.hpp"
#include "filmatlas/core/matrix.hpp"

/// @file linkage_tree.hpp
/// @brief The single-linkage tree of a spanning tree, its equal heights seen as one merge of many parts.
///
/// A minimum spanning tree of mutual reachability is not unique (core distances make equal weights the rule),
/// and the order in which equal weights are merged changes the clusters that HDBSCAN finds. The height at
/// which two items meet is unique, so a tree whose merges of one height are one node of many parts does not
/// depend on that order.

namespace filmatlas {

/// What merges of equal height mean.
enum class TieRule {
    Canonical,  ///< connected merges of one height are one merge of many parts
    Hdbscan,    ///< one pair at a time in the order of the edges, as the reference implementation
};
/// "canonical", "hdbscan".
std::string_view to_string(TieRule ties) noexcept;
/// @throws Error (InvalidArgument) naming the accepted words.
TieRule tie_rule_from_string(std::string_view name);

/// Single-linkage forest over items. Ids below n are items; n + i is merge i; merges ascend in height.
struct SingleLinkageTree {
    std::int64_t num_items = 0;
    std::vector<Index> left;     ///< (m,) the heavier part of each merge (lower `first_rank` when equal)
    std::vector<Index> right;    ///< (m,)
    std::vector<double> height;  ///< (m,) ascending
    /// (m,) where the merge's items start in `order`; they are contiguous, those of `left` first.
    std::vector<Index> begin;
    std::vector<Index> size;           ///< (m,) items of each merge
    std::vector<Index> first_rank;     ///< (m,) lowest rank among the merge's items
    std::vector<Index> rank;           ///< (n,) content order of the items; empty: their ids
    std::vector<Index> order;          ///< items, so that every merge holds a contiguous range
    std::vector<Index> roots;          ///< ids of the trees' roots: heaviest first, then by lowest rank
    std::vector<double> weight;        ///< (n,) weights of the items; empty when every item weighs 1
    std::vector<double> merge_weight;  ///< (m,) weights of the merges; empty like `weight`
    std::vector<double> core;          ///< (n,) core distances; only kept with weights
    TieRule ties = TieRule::Canonical;

    std::int64_t num_merges() const noexcept { return static_cast<std::int64_t>(left.size()); }
    double weight_of(Index node) const noexcept {
        if (is_item(node)) return weight.empty() ? 1.0 : weight[static_cast<std::size_t>(node)];
        return weight.empty() ? static_cast<double>(size[merge_of(node)]) : merge_weight[merge_of(node)];
    }
    bool is_item(Index node) const noexcept { return node < num_items; }
    std::size_t merge_of(Index node) const noexcept { return static_cast<std::size_t>(node - num_items); }
    /// Lowest rank among a node's items.
    Index first_rank_of(Index node) const noexcept {
        if (!is_item(node)) return first_rank[merge_of(node)];
        return rank.empty() ? node : rank[static_cast<std::size_t>(node)];
    }
};

/// Merges the edges of a tree or forest in ascending order of weight (equal ones in the given order). Items
/// in `tree.invalid_rows` take no part.
/// @param weights (n,) > 0; empty = 1 each.
/// Cost: O(n) beside sorting, no recursion.
SingleLinkageTree single_linkage_tree(const SpanningTree& tree, TieRule ties = TieRule::Canonical,
                                      std::span<const double> weights = {});

/// In SciPy's format. A forest's trees are joined at the greatest finite height, invalid items too.
/// @throws Error (Shape) when there are no items.
LinkageTree to_linkage(const SingleLinkageTree& tree);

/// From a single-linkage tree in SciPy's format.
SingleLinkageTree single_linkage_tree(const LinkageTree& linkage, TieRule ties = TieRule::Canonical);

/// Labels of the components that merges below or at `distance` make and that weigh at least
/// `min_cluster_size`; other items are noise (-1). With `tree` of mutual reachability: DBSCAN* at that eps,
/// where an item alone below its core distance is noise.
/// @return (n,) numbered heaviest first, then by lowest rank.
std::vector<Index> labels_at_distance(const SingleLinkageTree& tree, double distance,
                                      double min_cluster_size);

}  // namespace filmatlas

#ifdef FILMATLAS_HEADER_ONLY
#include "filmatlas/cluster/detail/linkage_tree_impl.hpp"
#endif
#endif  // FILMATLAS_CLUSTER_LINKAGE_TREE_HPP
