// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_CLUSTER_DENSITY_LAYERS_HPP
#define FILMATLAS_CLUSTER_DENSITY_LAYERS_HPP

#include <cstdint>
#include <vector>

#include "filmatlas/cluster/hdbscan.hpp"
#include "filmatlas/core/config.hpp"

/// @file density_layers.hpp
/// @brief All granularities of a linkage tree at once: how many leaf clusters there are for every
/// min_cluster_size, and the plateaus of that number.
///
/// A merge splits into clusters at size s when at least two of its parts weigh s. So each part but the
/// heaviest of each merge adds one leaf for every s up to its weight, and the whole trace follows from those
/// weights.

namespace filmatlas {

/// A range of min_cluster_size over which the leaf clusters are as many; (low, high].
struct SizePlateau {
    double low = 0;
    double high = 0;
    std::int64_t num_clusters = 0;
    /// high / low: how far the size can be changed without a change of the clusters' number.
    double persistence() const noexcept { return low > 0 ? high / low : high; }
};

/// The whole trace, sizes ascending, clusters descending to 1 (the root alone, not listed).
/// Cost: O(n log n) at most.
std::vector<SizePlateau> size_trace(const SingleLinkageTree& linkage);

/// @brief Options of `density_layers()`.
struct LayerOptions {
    int max_layers = 10;            ///< at least 1
    double min_cluster_size = 5;    ///< plateaus below are not considered
    double min_persistence = 1.02;  ///< least high / low of a plateau
};

struct DensityLayer {
    SizePlateau plateau;
    HdbscanCut cut;  ///< leaves at the upper end of the plateau
};
/// The most persistent plateaus with at least two clusters, fine to coarse; every layer's clusters lie inside
/// those of the next coarser one or outside all of them (cuts of one tree).
std::vector<DensityLayer> density_layers(const SingleLinkageTree& linkage, const LayerOptions& options = {});

}  // namespace filmatlas

#ifdef FILMATLAS_HEADER_ONLY
#include "filmatlas/cluster/detail/density_layers_impl.hpp"
#endif
#endif  // FILMATLAS_CLUSTER_DENSITY_LAYERS_HPP
