// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LAYOUT_PACMAP_HPP
#define FILMATLAS_LAYOUT_PACMAP_HPP

#include <array>
#include <cstdint>
#include <optional>

#include "filmatlas/core/config.hpp"
#include "filmatlas/core/matrix.hpp"
#include "filmatlas/core/progress.hpp"
#include "filmatlas/layout/layout.hpp"
#include "filmatlas/layout/start.hpp"
#include "filmatlas/neighbors/knn_graph.hpp"

/// @file pacmap.hpp
/// @brief PaCMAP: near pairs, mid-near pairs and further pairs; same bytes for any number of threads and instruction set.
///
/// Source: Wang, Huang, Rudin & Shaposhnik, "Understanding how dimension reduction tools work" (2021), with its losses,
/// weights, phases and Adam. Deviations: the near pairs are chosen among the graph's columns (the original looks at 50
/// more than it takes); vectors are not reduced to 100 principal components first; every draw is keyed by item.

namespace filmatlas {

/// @brief Options of `pacmap()`.
struct PacmapOptions {
    /// Near pairs per item; >= 1. Unset: 10 up to 10,000 items, then 10 + 15 (log10 n - 4), rounded.
    std::optional<int> n_neighbors = std::nullopt;
    double mid_near_ratio = 0.5;  ///< mid-near pairs per near pair; >= 0
    double further_ratio = 2;     ///< further pairs per near pair; >= 0
    int n_components = 2;         ///< 2 or 3
    /// Rounds of the three phases: gathering, refining, local; each >= 0.
    std::array<int, 3> n_iter = {100, 100, 250};
    double learning_rate = 1;  ///< of Adam; > 0
    /// Pca and Spectral are scaled to a hundredth first; Given is taken as it is.
    LayoutInit init = LayoutInit::Pca;
    std::uint64_t seed = 42;  ///< of the pairs and of the start
    int num_threads = 0;      ///< workers; 0 = choose for me. Never changes the result.
    Matrix<float> given = {};  ///< (n, n_components) finite; read when init is Given
};
/// @throws Error (InvalidArgument) naming the first bad field.
void validate(const PacmapOptions& options);

/// Near pairs that `pacmap()` makes per item when `n_neighbors` is unset.
int default_pacmap_neighbors(std::int64_t n) noexcept;

/// Lays the items out.
/// @param X      (n, d) the vectors that the graph was made of; read for the start and the mid-near pairs.
/// @param graph  n rows; of its columns the near pairs are chosen, 50 more than `n_neighbors` are as many as help.
/// @return coordinates (n, n_components), centred; rows of invalid items are NaN; axes' signs fixed as in `umap()`.
/// @throws Error (InvalidArgument), (Shape), (Cancelled).
/// Cost: about 0.1 us per item, round and thread; O(n) pairs of memory.
Layout pacmap(MatrixView<const float> X, const KnnGraph& graph, const PacmapOptions& options = {},
              const Progress& progress = {});

}  // namespace filmatlas

#ifdef FILMATLAS_HEADER_ONLY
#include "filmatlas/layout/detail/pacmap_impl.hpp"
#endif
#endif  // FILMATLAS_LAYOUT_PACMAP_HPP
