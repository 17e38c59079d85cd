// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LAYOUT_UPDATE_HPP
#define FILMATLAS_LAYOUT_UPDATE_HPP

#include <cstdint>

#include "filmatlas/core/config.hpp"
#include "filmatlas/core/matrix.hpp"
#include "filmatlas/core/progress.hpp"
#include "filmatlas/layout/layout.hpp"
#include "filmatlas/neighbors/knn_graph.hpp"

/// @file update.hpp
/// @brief A map that takes in new items while those that readers know stay where they are.
///
/// New items are placed among their neighbours (place.hpp); then t-SNE runs for some rounds in which every known item is
/// on a leash: it gives way to the new ones, but never farther than `max_drift`. The scale at which t-SNE has to work is
/// found from the map itself: there the attraction and the repulsion of the whole are in balance under scaling. Maps of
/// any method and any origin can be updated, and a series of slices is a chain of updates.

namespace filmatlas {

/// @brief Options of `update_map()`.
struct UpdateOptions {
    /// How far a known item may end from its place, as a share of the map's longest side; >= 0, 0 = pinned.
    double max_drift = 0.01;
    int n_iter = 100;         ///< rounds after placing; >= 0
    double exaggeration = 1;  ///< that the map was made with, see TsneOptions; > 0
    double perplexity = 30;   ///< see TsneOptions
    int num_threads = 0;      ///< workers; 0 = choose for me. Never changes the result.
};
/// @throws Error (InvalidArgument) naming the first bad field.
void validate(const UpdateOptions& options);

/// A map and how far what was known has moved, as shares of the map's longest side before the update.
struct MapUpdate {
    Layout layout;
    std::int64_t num_known = 0;
    double median_drift = 0;
    double largest_drift = 0;
};

/// Adds the items without a position to a map, in its own coordinates.
///
/// @param X      (n, d) all vectors, known and new.
/// @param graph  of X.
/// @param known  (n, 2 or 3) positions; rows with NaN are new items.
/// @return n rows; those of invalid items are NaN.
/// @throws Error (InvalidArgument) where nothing is known, (Shape), (Cancelled).
MapUpdate update_map(MatrixView<const float> X, const KnnGraph& graph, const Matrix<float>& known,
                     const UpdateOptions& options = {}, const Progress& progress = {});

}  // namespace filmatlas

#ifdef FILMATLAS_HEADER_ONLY
#include "filmatlas/layout/detail/update_impl.hpp"
#endif
#endif  // FILMATLAS_LAYOUT_UPDATE_HPP
