// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_CLUSTER_CHOOSE_K_HPP
#define FILMATLAS_CLUSTER_CHOOSE_K_HPP

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "filmatlas/cluster/kmeans.hpp"
#include "filmatlas/cluster/scores.hpp"
#include "filmatlas/core/config.hpp"
#include "filmatlas/core/matrix.hpp"
#include "filmatlas/core/progress.hpp"

/// @file choose_k.hpp
/// @brief k-means over a range of counts, with the four usual criteria for choosing one.

namespace filmatlas {

/// @brief Options of `choose_k()`.
struct ChooseKOptions {
    KMeansOptions kmeans;
    /// Distance of the silhouette. Squared Euclidean is what k-means minimises and exact in one pass; Euclidean
    /// is what scikit-learn's score uses by default, and takes all pairs (see
    /// `SilhouetteOptions::exact_limit`).
    SilhouetteOptions silhouette = {.metric = Metric::SqEuclidean};
};

/// One entry per count, in the order given.
struct ChooseKResult {
    std::vector<int> k;
    std::vector<double> inertia;            ///< falls with k: look for the elbow
    std::vector<double> silhouette;         ///< mean; higher is better
    std::vector<double> davies_bouldin;     ///< lower is better
    std::vector<double> calinski_harabasz;  ///< higher is better
    std::vector<std::vector<Index>> labels;
    std::vector<bool> converged;
    /// Distance of each point of the inertia's curve below the chord between its ends, both axes scaled to [0,
    /// 1].
    std::vector<double> bend;
    int elbow = 0;                  ///< the k of greatest bend; the first k where there is none
    int best_silhouette = 0;        ///< k of the highest, the smaller on a tie
    int best_davies_bouldin = 0;    ///< k of the lowest
    int best_calinski_harabasz = 0;
};

/// Clusters the rows once for each count and scores the partitions.
/// @param counts in [1, n], at least one; silhouette, Davies-Bouldin and Calinski-Harabasz of one cluster, or
/// of as many
///               as there are rows, are NaN and never the best.
/// @throws as `kmeans`.
/// Cost: that of `kmeans` for each count and O(n k d) for the scores.
ChooseKResult choose_k(MatrixView<const float> X, std::span<const int> counts, const ChooseKOptions& options = {},
                       const Progress& progress = {});

}  // namespace filmatlas

#ifdef FILMATLAS_HEADER_ONLY
#include "filmatlas/cluster/detail/choose_k_impl.hpp"
#endif
#endif  // FILMATLAS_CLUSTER_CHOOSE_K_HPP
