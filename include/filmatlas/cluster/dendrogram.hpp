// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_CLUSTER_DENDROGRAM_HPP
#define FILMATLAS_CLUSTER_DENDROGRAM_HPP

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "filmatlas/cluster/linkage.hpp"
#include "filmatlas/core/config.hpp"
#include "filmatlas/core/matrix.hpp"
#include "filmatlas/core/progress.hpp"

/// @file dendrogram.hpp
/// @brief What a merge tree says beside its cuts: inconsistent merges, cophenetic distances, orders of the
/// leaves.
///
/// All as in scipy.cluster.hierarchy, without recursion.

namespace filmatlas {

/// Per merge the mean and the sample standard deviation of the heights of the merges at most `depth` - 1 steps
/// below it (itself included), their number, and by how many deviations its own height exceeds the mean (0
/// without deviation).
/// @param depth at least 1.
/// @return (n - 1, 4).
/// Cost: O(n 2^depth), at most O(n) per merge.
Matrix<double> inconsistency(const LinkageTree& tree, int depth = 2);

/// Labels of the clusters in which every merge has an inconsistency coefficient of at most `threshold` (SciPy's
/// fcluster, criterion 'inconsistent'); numbered by first occurrence.
std::vector<Index> cut_linkage_inconsistency(const LinkageTree& tree, double threshold, int depth = 2);

/// Height at which each pair of items meets: d(0,1), d(0,2), ..., d(1,2), ...; n (n - 1) / 2 of them. Where
/// heights fall, the height of the merge that joins the two.
/// @param memory_limit bytes the result may take; unset: 4 GiB.
/// @throws Error (Memory) with the figure.
std::vector<double> cophenetic_distances(const LinkageTree& tree,
                                         std::optional<std::int64_t> memory_limit = std::nullopt);

/// Pearson's correlation of the cophenetic distances with the distances that the tree was made from; 0 where
/// either does not vary.
/// @param distances n (n - 1) / 2, as above.
/// @throws Error (Shape) when their number is another.
/// Cost: O(n^2) time, O(n) memory.
double cophenetic_correlation(const LinkageTree& tree, std::span<const double> distances);

/// Items from left to right, each cluster's side by side, the left part first.
std::vector<Index> leaf_order(const LinkageTree& tree);

/// Most items that `optimal_leaf_order` takes.
inline constexpr std::int64_t optimal_leaf_order_limit = 4096;

/// Of all orders in which each cluster's items are side by side, one with the least sum of distances between
/// neighbours (Bar-Joseph, Gifford & Jaakkola 2001).
/// @param distances n (n - 1) / 2, as above.
/// @throws Error (InvalidArgument) beyond `optimal_leaf_order_limit` items; (Shape).
/// Cost: O(n^3) time at worst, 16 n^2 bytes.
std::vector<Index> optimal_leaf_order(const LinkageTree& tree, std::span<const double> distances, int num_threads = 0,
                                      const Progress& progress = {});

}  // namespace filmatlas

#ifdef FILMATLAS_HEADER_ONLY
#include "filmatlas/cluster/detail/dendrogram_impl.hpp"
#endif
#endif  // FILMATLAS_CLUSTER_DENDROGRAM_HPP
