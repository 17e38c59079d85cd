// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_CLUSTER_CONDENSED_TREE_HPP
#define FILMATLAS_CLUSTER_CONDENSED_TREE_HPP

#include <cstdint>
#include <vector>

#include "filmatlas/cluster/linkage_tree.hpp"
#include "filmatlas/core/config.hpp"
#include "filmatlas/core/matrix.hpp"

/// @file condensed_tree.hpp
/// @brief The tree of clusters: merges where at least two parts are large; other items fall out of a cluster.
///
/// lambda = 1 / distance. Items that meet at distance 0 (equal rows) get the largest finite lambda of the
/// tree, so that none is infinite and every stability is a number.

namespace filmatlas {

/// Clusters 0 .. c-1, parents before children, cluster 0 the root that holds all items.
struct CondensedTree {
    std::vector<Index> point_cluster;       ///< (n,) cluster that the item falls out of; -1 for invalid rows
    std::vector<double> point_lambda;       ///< (n,) lambda at which it does
    std::vector<double> point_weight;       ///< (n,) empty when every item weighs 1
    std::vector<Index> cluster_parent;      ///< (c,) -1 for the root
    std::vector<double> cluster_birth;      ///< (c,) lambda at which it splits off; 0 for the root
    std::vector<double> cluster_size;       ///< (c,) weight at birth
    std::vector<double> cluster_stability;  ///< (c,) sum over what leaves it of (lambda - birth) * weight
    double min_cluster_size = 0;            ///< that it was made for; 0 = unknown
    std::vector<double> cluster_death;      ///< (c,) largest lambda at which anything leaves it directly

    std::int64_t num_items() const noexcept { return static_cast<std::int64_t>(point_cluster.size()); }
    std::int64_t num_clusters() const noexcept { return static_cast<std::int64_t>(cluster_parent.size()); }
    double weight_of(Index item) const noexcept {
        return point_weight.empty() ? 1.0 : point_weight[static_cast<std::size_t>(item)];
    }
    bool operator==(const CondensedTree&) const = default;
};
/// @throws Error (Format) naming the first entry that cannot be.
void validate(const CondensedTree& tree);

/// Condenses a single-linkage tree: a part is a cluster when it weighs at least `min_cluster_size`. Sibling
/// clusters are numbered heaviest first, then by lowest rank.
/// @throws Error (InvalidArgument) unless min_cluster_size >= 2 (any value > 0 with weights).
/// Cost: O(n); no recursion.
CondensedTree condense(const SingleLinkageTree& tree, double min_cluster_size);

/// Removes splits of which fewer than two parts persist: a part persists when the largest lambda inside it
/// exceeds its birth by at least `persistence`. The items of removed parts fall out at the split, unless no
/// part has a split of its own left: then all keep their lambda and the parent becomes a leaf.
CondensedTree simplify(const CondensedTree& tree, double persistence);

/// Rows (parent, child, lambda, child_size) as the reference implementation lists them: clusters are ids
/// n + c, rows in the order of the parents, clusters before items.
struct CondensedRows {
    std::vector<std::int64_t> parent;
    std::vector<std::int64_t> child;
    std::vector<double> lambda;
    std::vector<double> child_size;
};
CondensedRows to_rows(const CondensedTree& tree);
/// From such rows (of any tool); n is the smallest parent. Infinite lambdas become the largest finite one.
/// @throws Error (Format) when they are not one tree.
CondensedTree condensed_tree_from_rows(const CondensedRows& rows);

/// GLOSH (Campello et al. 2015): 1 - lambda / the largest lambda below the item's cluster; in [0, 1], 0 for
/// invalid rows. Shape (n,).
std::vector<double> outlier_scores(const CondensedTree& tree);

}  // namespace filmatlas

#ifdef FILMATLAS_HEADER_ONLY
#include "filmatlas/cluster/detail/condensed_tree_impl.hpp"
#endif
#endif  // FILMATLAS_CLUSTER_CONDENSED_TREE_HPP
