// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_VALIDATE_MAP_STABILITY_HPP
#define FILMATLAS_VALIDATE_MAP_STABILITY_HPP

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "filmatlas/core/config.hpp"
#include "filmatlas/core/matrix.hpp"
#include "filmatlas/core/progress.hpp"

/// @file map_stability.hpp
/// @brief What of a map is the items' and what is chance: several maps of them, with other seeds or of subsamples.

namespace filmatlas {

/// Options of `map_stability()`.
struct MapStabilityOptions {
    int k = 15;           ///< neighbours compared; at least 1. Lowered for pairs of maps that share fewer items.
    int num_threads = 0;  ///< workers; 0 = choose for me. Never changes the result.
};
/// @throws Error (InvalidArgument) naming the first bad field.
void validate(const MapStabilityOptions& options);

/// @brief How far maps agree, over all pairs of them.
struct MapStability {
    std::int64_t pairs = 0;  ///< of maps, with at least three items in common
    /// Mean over pairs and items: share of the k nearest on one map that are among the k nearest on the other, of the
    /// items that are on both.
    double kept_neighbors = std::numeric_limits<double>::quiet_NaN();
    /// Mean over pairs and items: distance of an item's two places once both maps are centred, scaled to a radius of 1
    /// (root mean square) and turned or mirrored onto one another (orthogonal Procrustes); about 1.3 for unrelated maps.
    double moved = std::numeric_limits<double>::quiet_NaN();
    std::vector<float> kept_per_item;   ///< (n,) means over the pairs that hold the item; NaN where none does
    std::vector<float> moved_per_item;  ///< (n,)
};

/// Compares several maps of the same items, item by item: the same k neighbours over seeds (after DynamicViz, Sun et al.,
/// 2023), and how far items move.
///
/// @param maps  at least two, (n, c) each; a row that is not finite: the item is not on that map.
/// @throws Error (Shape) when they differ in size, (InvalidArgument) for fewer than two, (Cancelled).
/// Cost: per pair of maps two searches for k neighbours on a map.
MapStability map_stability(std::span<const Matrix<float>> maps, const MapStabilityOptions& options = {},
                           const Progress& progress = {});

/// A subsample without replacement for the `draw`-th map: max(1, round(share n)) of the rows 0 .. n - 1, ascending.
/// @param share  in (0, 1].
/// @throws Error (InvalidArgument).
std::vector<Index> stability_rows(std::int64_t n, double share, std::uint64_t seed, std::uint64_t draw);

}  // namespace filmatlas

#ifdef FILMATLAS_HEADER_ONLY
#include "filmatlas/validate/detail/map_stability_impl.hpp"
#endif
#endif  // FILMATLAS_VALIDATE_MAP_STABILITY_HPP
