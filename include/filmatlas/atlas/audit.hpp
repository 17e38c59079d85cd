// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_ATLAS_AUDIT_HPP
#define FILMATLAS_ATLAS_AUDIT_HPP

#include <string>
#include <string_view>

#include "filmatlas/atlas/atlas.hpp"
#include "filmatlas/validate/report.hpp"

/// @file audit.hpp
/// @brief One validator for the whole atlas, and one for an exported page.

namespace filmatlas {

/// Records, vectors, neighbour lists, tree, names, map and its quality; errors are broken promises, warnings
/// are things to know (dominant source, low trust, duplicates).
Report validate_atlas(const Atlas& atlas);

/// Reads the payload of an exported page back and holds it against the atlas: counts, one leaf per item, unique path
/// labels, neighbour lists equal to the atlas's, and not one value or name of a private column.
Report validate_site(const Atlas& atlas, std::string_view html);

}  // namespace filmatlas
#endif  // FILMATLAS_ATLAS_AUDIT_HPP
