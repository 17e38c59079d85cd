// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LAYOUT_LAYOUT_HPP
#define FILMATLAS_LAYOUT_LAYOUT_HPP

#include <cstdint>
#include <string>
#include <vector>

#include "filmatlas/core/matrix.hpp"
#include "filmatlas/core/run_info.hpp"

/// @file layout.hpp
/// @brief Coordinates of the items on a map: a projection, never the source of truth.

namespace filmatlas {

/// How far a map may be trusted; measured against the full-space neighbours.
struct LayoutQuality {
    int k = 0;  ///< neighbourhood size of the figures below; 0 = not measured
    double kept_neighbors =
        0;  ///< mean share of the k true neighbours that are among the k nearest on the map
    double trustworthiness = 0;        ///< Venna & Kaski (2001); 1 = no false neighbours
    double continuity = 0;             ///< 1 = no torn neighbours
    double rank_correlation = 0;       ///< Spearman correlation of sampled pair distances
    std::vector<float> kept_per_item;  ///< (n,), NaN for items without neighbours
    std::int64_t rows_measured = 0;    ///< items whose ranks were counted for trustworthiness and continuity
    double trustworthiness_error =
        0;  ///< standard error from drawing `rows_measured` items; 0 when all were counted
    double continuity_error = 0;
    std::int64_t pairs_measured = 0;  ///< pairs behind `rank_correlation`
    /// Share of drawn triplets of items of which the map, too, places the same one nearer to the first; 0.5 by chance.
    double random_triplets = 0;
    double random_triplets_error = 0;    ///< standard error from drawing
    std::int64_t triplets_measured = 0;  ///< behind `random_triplets`
    /// Share of items whose k nearest on the map, and in the full space, vote for their class; NaN without classes.
    double label_accuracy = 0;
    double label_accuracy_full = 0;
    /// (n,) each item's own trustworthiness and continuity, whose means are the map's; NaN for items not counted. Empty
    /// when ranks were not counted at all.
    std::vector<double> trust_per_item;
    std::vector<double> continuity_per_item;
};

struct Layout {
    Matrix<float> coordinates;  ///< (n, 2 or 3), finite; a row is NaN only where the item has no valid vector
    std::string method;         ///< "umap", "tsne", "pacmap", "pca", "atlas", "update" or "given"
    std::string init;           ///< start that was used: "spectral", "pca", "given"
    LayoutQuality quality;
    RunInfo run;
};

}  // namespace filmatlas
#endif  // FILMATLAS_LAYOUT_LAYOUT_HPP
