// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_CLUSTER_DENSITY_MEMBERSHIP_HPP
#define FILMATLAS_CLUSTER_DENSITY_MEMBERSHIP_HPP

#include <span>
#include <vector>

#include "filmatlas/cluster/hdbscan.hpp"
#include "filmatlas/core/config.hpp"
#include "filmatlas/core/matrix.hpp"

/// @file density_membership.hpp
/// @brief What stands for a cluster, where new items belong, and how much items belong to every cluster.

namespace filmatlas {

/// Items at the density peaks of each selected cluster: those that stay longest in each leaf below it. One
/// list per label, ascending within a leaf.
std::vector<std::vector<Index>> exemplars(const CondensedTree& tree, const ClusterSelection& selection);

/// Mean and central member of each selected cluster, members weighted with their probability (and weight).
struct ClusterCenters {
    Matrix<double> centroids;  ///< (k, d); of unit length under cosine
    std::vector<Index>
        medoids;  ///< (k,) the member with the least weighted sum of distances; lowest id on a tie
};
/// Cost: O(n d), and O(sum of squared sizes * d) for the medoids under other metrics than cosine and squared
/// Euclidean.
ClusterCenters cluster_centers(MatrixView<const double> X, const HdbscanCut& cut,
                               Metric metric = Metric::Euclidean, int num_threads = 0);

/// Where new items fall in a condensed tree.
struct DensityPlaces {
    std::vector<Index> neighbor;  ///< (q,) the fitted item with the least mutual reachability; -1: not valid
    std::vector<double> reach;    ///< (q,) that distance; 0 when the item equals a fitted one
    std::vector<Index> cluster;   ///< (q,) condensed cluster that the item falls out of; -1: not valid
    std::vector<double> lambda;   ///< (q,) lambda at which it does
};
/// Finds them: an item joins the fitted items at its least mutual reachability, and leaves its clusters where
/// that distance or its neighbour does. An item equal to a fitted one shares its place.
/// @param X       (n, d) what was fitted, with `options` (as resolved) and `weights`.
/// @param fitted  its spanning tree, with core distances.
/// @param Q       (q, d) new items.
/// @throws Error (Shape) when columns or the fit's size differ.
DensityPlaces density_places(MatrixView<const double> X, const SpanningTree& fitted,
                             const HdbscanOptions& options, const CondensedTree& tree,
                             MatrixView<const double> Q, std::span<const double> weights = {});

struct DensityPrediction {
    std::vector<Index> labels;           ///< (q,) -1 = noise
    std::vector<double> probabilities;   ///< (q,)
    std::vector<double> outlier_scores;  ///< (q,)
};
/// Labels of places under a selection: every option of the cut is honoured, and fitted items get their own
/// label.
DensityPrediction predict_places(const DensityPlaces& places, const CondensedTree& tree,
                                 const ClusterSelection& selection);

/// How much items belong to every selected cluster; (q, k) rows that sum to at most 1.
///
/// Nearness to the cluster's exemplars times persistence together with the cluster in the tree, normalised,
/// times the probability of being in any cluster: the formula of the hdbscan package for fitted items.
/// @param Q the items themselves, `places` where they are; fitted items: `places_of_fit`.
Matrix<double> membership_vectors(MatrixView<const double> X, MatrixView<const double> Q,
                                  const DensityPlaces& places, const HdbscanCut& cut,
                                  Metric metric = Metric::Euclidean, int num_threads = 0);
/// Places of the fitted items themselves.
DensityPlaces places_of_fit(const CondensedTree& tree);

}  // namespace filmatlas

#ifdef FILMATLAS_HEADER_ONLY
#include "filmatlas/cluster/detail/density_membership_impl.hpp"
#endif
#endif  // FILMATLAS_CLUSTER_DENSITY_MEMBERSHIP_HPP
