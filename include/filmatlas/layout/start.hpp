// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LAYOUT_START_HPP
#define FILMATLAS_LAYOUT_START_HPP

#include <cstdint>
#include <string_view>

#include "filmatlas/core/config.hpp"
#include "filmatlas/core/matrix.hpp"
#include "filmatlas/core/progress.hpp"
#include "filmatlas/core/run_info.hpp"
#include "filmatlas/linalg/csr.hpp"
#include "filmatlas/neighbors/knn_graph.hpp"

/// @file start.hpp
/// @brief Where the items stand before an optimiser moves them: spectral, principal components, or given.

namespace filmatlas {

/// Start of a layout.
enum class LayoutInit {
    Spectral,   ///< eigenvectors of the neighbour graph's normalised Laplacian, component by component
    Pca,        ///< leading principal components of the vectors
    Landmarks,  ///< places whose distances have the order of the vectors', as far as the plane allows
    Given,      ///< coordinates brought by the caller
};

/// "spectral", "pca", "landmarks", "given".
std::string_view to_string(LayoutInit init) noexcept;
/// @throws Error (InvalidArgument) naming the accepted words.
LayoutInit layout_init_from_string(std::string_view name);

/// @brief Options of `spectral_start()` and `pca_start()`.
struct StartOptions {
    int n_components = 2;     ///< columns of the result; 1 to 16
    std::uint64_t seed = 42;  ///< of the eigensolver's first block and of the jitter
    int num_threads = 0;      ///< workers; 0 = choose for me. Never changes the result.
};

struct StartResult {
    Matrix<float>
        coordinates;  ///< (n, c): centred, the largest absolute value is 10; zero rows for invalid items
    std::int64_t num_components = 0;  ///< connected components of the graph (spectral only)
    RunInfo run;
};

/// Spectral coordinates of every connected component, the components laid beside each other.
///
/// A component of more than 2 (c + 1) items is laid out by its own eigenvectors, a smaller one by its
/// principal components. A component becomes a disc whose area is in proportion to its items; discs are
/// placed by the principal components of the components' mean vectors, largest first, each moved outwards
/// along its ray until it is free. No item is placed at random. Equal coordinates are told apart by a jitter
/// of 1e-4 (the range is 10) drawn per item.
/// @param X        (n, d) the vectors; rows with NaN or infinite values are ignored.
/// @param weights  (n, n) symmetric, non-negative.
/// @throws Error (Shape); (Cancelled).
StartResult spectral_start(MatrixView<const float> X, const CsrMatrix<float>& weights,
                           const StartOptions& options = {}, const Progress& progress = {});

/// Leading principal components of the valid rows, with the same scale and jitter.
StartResult pca_start(MatrixView<const float> X, const StartOptions& options = {});

/// Places whose distances have the order of those between the vectors, with the same scale and jitter.
///
/// Nonmetric scaling (Kruskal, 1964) by landmarks (after de Silva & Tenenbaum, 2004): 304 items drawn are laid out so
/// that the ranks of their distances become those of a normal cloud's, then every item against them alone, both by
/// majorisation (de Leeuw, 1977) from the principal components. Rank correlation of distances on film embeddings: .75,
/// where the principal components have .31 and the spectral start .14.
/// @param metric  of the distances. Cost: n * 304 * d operations; memory O(n c).
StartResult landmark_start(MatrixView<const float> X, Metric metric, const StartOptions& options = {},
                           const Progress& progress = {});

}  // namespace filmatlas

#ifdef FILMATLAS_HEADER_ONLY
#include "filmatlas/layout/detail/start_impl.hpp"
#endif
#endif  // FILMATLAS_LAYOUT_START_HPP
