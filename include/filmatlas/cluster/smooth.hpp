// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_CLUSTER_SMOOTH_HPP
#define FILMATLAS_CLUSTER_SMOOTH_HPP

#include <cstdint>

#include "filmatlas/core/config.hpp"
#include "filmatlas/core/matrix.hpp"
#include "filmatlas/core/progress.hpp"
#include "filmatlas/linalg/csr.hpp"
#include "filmatlas/neighbors/knn_graph.hpp"

/// @file smooth.hpp
/// @brief Denoised vectors: every item moves towards the items that share its neighbours.
///
/// Sentence embeddings hold clusters in few of their many directions; averaging over shared nearest
/// neighbours keeps those and cancels the rest, which is what lets k-means, Ward and density methods find the
/// classes (it does for them what a UMAP projection does, deterministically and in the original coordinates).
/// It helps where clusters exist and may hurt where a taxonomy splits finer than the neighbour lists: `steps
/// = 0` turns it off. Source of the weights: Jarvis & Patrick (1973), shared nearest neighbours; Jaccard form
/// as in PhenoGraph (2015).

namespace filmatlas {

/// @brief Options of `smooth_embedding()`.
struct SmoothOptions {
    /// How often the vectors are averaged; 0 returns them scaled only. Range [0, 1000].
    int steps = 4;
    /// Share of an item's own vector that a step keeps; in [0, 1]. Smaller smooths more.
    double keep = 0.5;
    /// Workers; 0 = choose for me. Never changes the result.
    int num_threads = 0;
};
/// @throws Error (InvalidArgument) naming the first bad field.
void validate(const SmoothOptions& options);

/// Row-normalised shared-neighbour weights P; shape (n, n), at most 2 n k entries.
///
/// i and j are joined when one lists the other. Their weight is the Jaccard overlap |Li & Lj| / |Li | Lj| of
/// their neighbour lists, an item counting as a member of its own list. Rows sum to 1, or are empty (no valid
/// vector).
/// Cost: O(n k^2 log k).
/// @throws Error (Format) when an id of the graph is out of range; (Cancelled).
CsrMatrix<float> shared_neighbor_weights(const KnnGraph& graph, int num_threads = 0, const Progress& progress = {});

/// Repeats x <- unit(keep x + (1 - keep) unit(P x)), with P of `shared_neighbor_weights`.
///
/// When the graph's metric is Euclidean, squared Euclidean or Manhattan nothing is scaled to unit length:
/// x <- keep x + (1 - keep) P x.
/// @param X      (n, d) vectors the graph was made from; under cosine any length.
/// @param graph  n rows; 15 exact neighbours are what the default number of steps was measured with.
/// @return (n, d); rows in `graph.invalid_rows` are zero, rows without neighbours keep their (unit) vector.
/// @throws Error (Shape) when X and graph differ in rows; (Cancelled).
/// Cost: O(steps n k d) time, one more (n, d) of memory. Same bytes for any `num_threads`.
Matrix<float> smooth_embedding(MatrixView<const float> X, const KnnGraph& graph,
                               const SmoothOptions& options = {}, const Progress& progress = {});

}  // namespace filmatlas

#ifdef FILMATLAS_HEADER_ONLY
#include "filmatlas/cluster/detail/smooth_impl.hpp"
#endif
#endif  // FILMATLAS_CLUSTER_SMOOTH_HPP
