// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_NEIGHBORS_KNN_INDEX_FILE_HPP
#define FILMATLAS_NEIGHBORS_KNN_INDEX_FILE_HPP

#include <string>
#include <string_view>

#include "filmatlas/core/config.hpp"
#include "filmatlas/core/progress.hpp"
#include "filmatlas/neighbors/knn_index.hpp"

/// @file knn_index_file.hpp
/// @brief Indexes as bytes and files: the vectors, their neighbours and how much searches find, in our container.
///
/// Links between nodes are not kept: they are chosen anew from the neighbours, so that no byte of a file is followed
/// as a pointer. Compiled only.

namespace filmatlas {

/// The index's state in a container; the same for the same index.
std::string pack_knn_index(const KnnIndex& index);
/// @param path Named in errors only.
/// @throws Error (Format) that says what is damaged and where: sizes, checksums, then every id and figure.
KnnIndex unpack_knn_index(std::string_view bytes, const std::string& path = {}, int num_threads = 0,
                          const Progress& progress = {});

/// pack + atomic write.
void save_knn_index(const KnnIndex& index, const std::string& path);
/// read + unpack.
KnnIndex load_knn_index(const std::string& path, int num_threads = 0, const Progress& progress = {});

}  // namespace filmatlas
#endif  // FILMATLAS_NEIGHBORS_KNN_INDEX_FILE_HPP
