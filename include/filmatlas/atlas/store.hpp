// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_ATLAS_STORE_HPP
#define FILMATLAS_ATLAS_STORE_HPP

#include <string>
#include <string_view>

#include "filmatlas/atlas/atlas.hpp"

/// @file store.hpp
/// @brief One checksummed file: save, load.

namespace filmatlas {

/// Bytes of the `.fatlas` file: the same for the same atlas.
std::string pack_atlas(const Atlas& atlas);
/// @param path Named in errors only.
/// @throws Error (Format) for damage, another format or a newer version; structure is checked after the checksums.
Atlas unpack_atlas(std::string_view bytes, const std::string& path = {});

/// Atomic: after any failure the old file is still there. @throws Error (Io).
void save_atlas(const Atlas& atlas, const std::string& path);
Atlas load_atlas(const std::string& path);

}  // namespace filmatlas
#endif  // FILMATLAS_ATLAS_STORE_HPP
