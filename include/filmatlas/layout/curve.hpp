// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LAYOUT_CURVE_HPP
#define FILMATLAS_LAYOUT_CURVE_HPP

#include "filmatlas/core/config.hpp"

/// @file curve.hpp
/// @brief The low-dimensional similarity 1 / (1 + a x^(2b)) of UMAP.

namespace filmatlas {

struct UmapCurve {
    double a = 0;
    double b = 0;
};

/// Least-squares fit of 1 / (1 + a x^(2b)) to min(1, exp(-(x - min_dist) / spread)) on 300 points of [0, 3
/// spread].
///
/// The minimum that umap-learn's `find_ab_params` looks for, to about 1e-12; scipy's optimiser stops some
/// 1e-7 before it, so that the two agree to 1e-6: `fit_umap_curve(1, 0.1)` = {1.57694361, 0.89506072}.
/// @param spread    > 0.
/// @param min_dist  in [0, spread].
/// @throws Error (InvalidArgument).
UmapCurve fit_umap_curve(double spread = 1, double min_dist = 0.1);

}  // namespace filmatlas

#ifdef FILMATLAS_HEADER_ONLY
#include "filmatlas/layout/detail/curve_impl.hpp"
#endif
#endif  // FILMATLAS_LAYOUT_CURVE_HPP
