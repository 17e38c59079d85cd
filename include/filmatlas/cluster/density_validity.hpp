// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_CLUSTER_DENSITY_VALIDITY_HPP
#define FILMATLAS_CLUSTER_DENSITY_VALIDITY_HPP

#include <span>
#include <vector>

#include "filmatlas/cluster/spanning_tree.hpp"
#include "filmatlas/core/config.hpp"
#include "filmatlas/core/matrix.hpp"
#include "filmatlas/core/progress.hpp"

/// @file density_validity.hpp
/// @brief Density-based cluster validity (Moulavi et al. 2014): exact, and a quick one for comparing
/// settings.

namespace filmatlas {

struct DensityValidity {
    double score = 0;                 ///< in [-1, 1]: mean of `per_cluster`, weighted by size over all items
    std::vector<double> per_cluster;  ///< (k,) per label ascending; NaN for labels without items
    std::vector<double> sparseness;   ///< (k,) largest edge between inner nodes of the cluster's tree
    std::vector<double> separation;   ///< (k,) least mutual reachability to another cluster's inner nodes
};

/// DBCV of a partition of the rows of X; negative labels are noise.
///
/// As hdbscan.validity.validity_index: all-points core distances (the mean of (1 / distance)^d within a
/// cluster, to the power -1 / d), the spanning tree of mutual reachability inside each cluster, its inner
/// nodes. Rows that are equal count with distance 0 as there, and of equally cheap edges the one to the
/// lowest row is taken. Cost: O(sum of n_c^2 d) and the products of inner nodes; O(n) memory.
/// @throws Error (Shape) when the lengths differ; (InvalidArgument) for metrics other than Euclidean and
/// Manhattan, or values that are not finite.
DensityValidity density_validity(MatrixView<const double> X, std::span<const Index> labels,
                                 Metric metric = Metric::Euclidean, int num_threads = 0,
                                 const Progress& progress = {});

/// The same idea read off the fit's own spanning tree: for comparing settings of one data set only.
double relative_validity(const SpanningTree& tree, std::span<const Index> labels);

}  // namespace filmatlas

#ifdef FILMATLAS_HEADER_ONLY
#include "filmatlas/cluster/detail/density_validity_impl.hpp"
#endif
#endif  // FILMATLAS_CLUSTER_DENSITY_VALIDITY_HPP
