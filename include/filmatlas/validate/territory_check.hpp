// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_VALIDATE_TERRITORY_CHECK_HPP
#define FILMATLAS_VALIDATE_TERRITORY_CHECK_HPP

#include "filmatlas/core/config.hpp"
#include "filmatlas/core/matrix.hpp"
#include "filmatlas/hierarchy/hierarchy.hpp"
#include "filmatlas/layout/territories.hpp"
#include "filmatlas/validate/report.hpp"

/// @file territory_check.hpp
/// @brief An audit of drawn territories from their arcs alone: no cell is read, nothing of how they were made is
/// used.

namespace filmatlas {

/// Checks territories against the map and the tree that they claim to show.
///
/// - `territories.structure`: offsets and ids of the flat arrays are in range (else nothing more is looked at).
/// - `territories.rings`: every ring is closed, the arcs' ends meet; outer rings run counterclockwise, holes
///   clockwise and inside their outer ring.
/// - `territories.arcs`: at every level an arc whose sides belong to different nodes is used once by each of the
///   two, in opposite directions, and an arc inside a node by nobody: neighbours share their borders, nothing
///   overlaps.
/// - `territories.tiling`: the children's areas (from their corners) add up to the parent's.
/// - `territories.nesting`: an item that lies in a node (by counting crossings) lies in its parent, and in one
///   node of a level at most.
/// - `territories.items`: `item_node`, `inside` and the levels' counts are what the polygons say.
/// - `territories.strays`: share of items outside their own node at any level, a warning above `max_strays`.
/// - `territories.one_piece`: share of nodes in one piece, a warning below `min_one_piece`.
///
/// Smoothed territories keep to all but `.items`, which is then a warning: items near borders change sides.
/// @throws Error (Shape) where map and tree differ in size.
/// Cost: items times the borders at their height, per level.
Report check_territories(const Matrix<float>& coordinates, const Hierarchy& hierarchy,
                         const Territories& territories, double max_strays = 1.0, double min_one_piece = 0.0);

/// Offsets, ids and sizes of the flat arrays, so that nothing that reads them leaves their bounds.
/// @throws Error (Format) naming the first violation.
void validate(const Territories& territories, const Hierarchy& hierarchy);

}  // namespace filmatlas

#ifdef FILMATLAS_HEADER_ONLY
#include "filmatlas/validate/detail/territory_check_impl.hpp"
#endif
#endif  // FILMATLAS_VALIDATE_TERRITORY_CHECK_HPP
