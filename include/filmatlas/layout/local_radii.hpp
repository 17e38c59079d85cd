// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LAYOUT_LOCAL_RADII_HPP
#define FILMATLAS_LAYOUT_LOCAL_RADII_HPP

#include <vector>

#include "filmatlas/core/config.hpp"
#include "filmatlas/linalg/csr.hpp"
#include "filmatlas/neighbors/knn_graph.hpp"

/// @file local_radii.hpp
/// @brief How dense the items lie around each: the local radius of densMAP.

namespace filmatlas {

/// Added to a mean squared distance before its logarithm is taken.
inline constexpr double kLocalRadiusFloor = 1e-8;

/// Logarithms of the local radii: log(1e-8 + the mean squared distance to an item's neighbours in the fuzzy graph,
/// weighted by their memberships).
///
/// Source: Narayan, Berger & Cho (2021). An edge's distance is the larger of the two that the neighbour lists hold
/// (umap-learn's). For a finished map, pass the map's own neighbours and their fuzzy graph; distances are squared there
/// too, where umap-learn's `rad_emb` takes them as they are: the order of the items is nearly the same.
/// @param weights       `fuzzy_graph()` of `graph`, symmetric.
/// @param least_weight  lighter edges do not count.
/// @return (n,); NaN for items without edges.
/// @throws Error (Shape). Cost: O(nnz k), single-threaded.
std::vector<double> log_local_radii(const CsrMatrix<float>& weights, const KnnGraph& graph, float least_weight = 0);

}  // namespace filmatlas

#ifdef FILMATLAS_HEADER_ONLY
#include "filmatlas/layout/detail/local_radii_impl.hpp"
#endif
#endif  // FILMATLAS_LAYOUT_LOCAL_RADII_HPP
