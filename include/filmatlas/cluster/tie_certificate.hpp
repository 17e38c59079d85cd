// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_CLUSTER_TIE_CERTIFICATE_HPP
#define FILMATLAS_CLUSTER_TIE_CERTIFICATE_HPP

#include <vector>

#include "filmatlas/cluster/hdbscan.hpp"
#include "filmatlas/core/config.hpp"

/// @file tie_certificate.hpp
/// @brief Which labels do not depend on the order in which merges of equal height are made.

namespace filmatlas {

/// One entry per item: 1 where the item is in the same cluster (or noise) in whatever order, two at a time, connected
/// merges of equal height are made; 0 where this is not proven. So wherever two correct implementations that differ in
/// this order disagree, one of the items has a 0.
///
/// Tied merges of at most one large part whose small parts are no cluster together change nothing; nor do they move the
/// stability of clusters that end in the same split in any order. For the others every branch gets the bounds between
/// which its best stability lies (of the root, what begins below such a tie), and a selection counts as certain where
/// these (and the rounding of sums in float32) cannot turn it. Proven for Eom and Leaf; with epsilon, persistence, a
/// largest size or a single cluster allowed, all labels are certain where no tie can change the tree, else none.
/// Cost: O(n), as `cut_hdbscan`.
std::vector<char> tie_certificate(const SingleLinkageTree& linkage, const HdbscanCutOptions& options = {});

}  // namespace filmatlas

#ifdef FILMATLAS_HEADER_ONLY
#include "filmatlas/cluster/detail/tie_certificate_impl.hpp"
#endif
#endif  // FILMATLAS_CLUSTER_TIE_CERTIFICATE_HPP
