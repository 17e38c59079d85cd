// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_ATLAS_TABLES_HPP
#define FILMATLAS_ATLAS_TABLES_HPP

#include <string>

#include "filmatlas/atlas/atlas.hpp"

/// @file tables.hpp
/// @brief The atlas as flat tables (CSV text, formula-safe): items, nodes, neighbours. Public columns only.

namespace filmatlas {

/// id, public columns, one column per level with the node's label, x, y, and the item's kept_neighbors, trust and
/// continuity on the map.
std::string items_csv(const Atlas& atlas);
/// node, level, parent, size, label, path, keywords.
std::string nodes_csv(const Atlas& atlas);
/// id, rank, neighbor_id, distance.
std::string neighbors_csv(const Atlas& atlas);

}  // namespace filmatlas
#endif  // FILMATLAS_ATLAS_TABLES_HPP
