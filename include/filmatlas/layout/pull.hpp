// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LAYOUT_PULL_HPP
#define FILMATLAS_LAYOUT_PULL_HPP

#include <span>

#include "filmatlas/core/config.hpp"
#include "filmatlas/core/matrix.hpp"
#include "filmatlas/linalg/csr.hpp"

/// @file pull.hpp
/// @brief Classes, or the levels of a hierarchy, that draw a map's items together: a dial with a true zero.
///
/// Edges between items of different groups are weakened before the layout; afterwards every row is scaled to a largest
/// weight of 1 and the two directions are united again, so that no item hangs loose (umap-learn's supervised
/// intersection; McInnes, Healy & Melville, 2018, section 6).

namespace filmatlas {

/// Weights under known classes, as umap-learn's `target_weight`.
///
/// Edges between items of different classes are multiplied by exp(-5 w / (1 - w)), those of an item without a class by
/// exp(-2 w) (at most to exp(-1)). At w = 0.5 these are umap-learn's factors; at w = 0 nothing changes, where umap-learn
/// still weakens by exp(-2.5); at w = 1 edges between classes vanish.
/// @param weights        (n, n) symmetric, in [0, 1].
/// @param labels         (n,) class ids; negative = unknown.
/// @param target_weight  in [0, 1].
/// @throws Error (Shape), (InvalidArgument).
CsrMatrix<float> pull_to_classes(const CsrMatrix<float>& weights, std::span<const Index> labels,
                                 double target_weight = 0.5);

/// Weights under a hierarchy: an edge whose items share the coarsest `s` of the L levels is multiplied by
/// exp(-strength (1 - s / L)).
/// @param levels    (n, L) group of every item at every level, coarse to fine; negative = unknown, shared with nobody.
/// @param strength  >= 0; 0 changes nothing, 1 is a mild pull, 4 a strong one.
/// @throws Error (Shape), (InvalidArgument).
CsrMatrix<float> pull_to_hierarchy(const CsrMatrix<float>& weights, const Matrix<Index>& levels, double strength);

}  // namespace filmatlas

#ifdef FILMATLAS_HEADER_ONLY
#include "filmatlas/layout/detail/pull_impl.hpp"
#endif
#endif  // FILMATLAS_LAYOUT_PULL_HPP
