// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_VALIDATE_TERRITORY_PURITY_HPP
#define FILMATLAS_VALIDATE_TERRITORY_PURITY_HPP

#include <vector>

#include "filmatlas/hierarchy/hierarchy.hpp"
#include "filmatlas/layout/territories.hpp"

/// @file territory_purity.hpp
/// @brief Whose items stand on a node's land.

namespace filmatlas {

/// @brief How pure territories are. The other way round, `Territories::inside` says where a node's items stand.
struct TerritoryPurity {
    std::vector<float> nodes;    ///< (nodes,) share of the items standing in the node's territory that are its own; NaN
                                 ///< where nobody stands
    std::vector<double> levels;  ///< (levels,) the same for all items that stand on land; NaN where nobody does
};

/// Counts who stands where, by `Territories::item_node`.
/// @param hierarchy  the one that the territories were drawn for.
/// @throws Error (Shape) when the sizes differ.
/// Cost: O(n levels).
TerritoryPurity territory_purity(const Territories& territories, const Hierarchy& hierarchy);

}  // namespace filmatlas

#ifdef FILMATLAS_HEADER_ONLY
#include "filmatlas/validate/detail/territory_purity_impl.hpp"
#endif
#endif  // FILMATLAS_VALIDATE_TERRITORY_PURITY_HPP
