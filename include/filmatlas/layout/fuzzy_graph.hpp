// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LAYOUT_FUZZY_GRAPH_HPP
#define FILMATLAS_LAYOUT_FUZZY_GRAPH_HPP

#include <optional>
#include <vector>

#include "filmatlas/core/config.hpp"
#include "filmatlas/core/matrix.hpp"
#include "filmatlas/linalg/csr.hpp"
#include "filmatlas/neighbors/knn_graph.hpp"

/// @file fuzzy_graph.hpp
/// @brief From neighbour distances to symmetric membership weights, by umap-learn's definitions.
///
/// Source: McInnes, Healy & Melville (2018), section 3.1, with umap-learn's constants (tolerance 1e-5, 64
/// bisections, bandwidth floor 1e-3 of the mean distance). Computed in float64 in a fixed order; exp is our
/// own, so that results do not depend on a C library.

namespace filmatlas {

/// @brief Options of `smooth_knn()` and `fuzzy_graph()`.
struct FuzzyGraphOptions {
    /// Neighbours per item, *the item itself counted*, as in umap-learn; at least 2. A KnnGraph leaves the
    /// item out, so its first n_neighbors - 1 columns are used (fewer when it has fewer; then log2 is taken
    /// of what is there + 1).
    int n_neighbors = 15;
    /// Number of nearest (non-zero) neighbours assumed to be fully connected; >= 0, fractions interpolate.
    double local_connectivity = 1;
    /// 1 = fuzzy union of the two directed weights, 0 = their intersection; in [0, 1].
    double set_op_mix_ratio = 1;
    /// The memberships of a row add up to log2(n_neighbors) times this; > 0. Larger ones reach farther.
    double bandwidth = 1;
    /// Neighbours at this distance or farther are none; > 0. Unset: 2 for cosine distances, else none is too far.
    std::optional<double> disconnection_distance = std::nullopt;
    /// Workers; 0 = choose for me. Never changes the result.
    int num_threads = 0;
};
/// @throws Error (InvalidArgument) naming the first bad field.
void validate(const FuzzyGraphOptions& options);

/// Local scale of every item.
struct SmoothKnn {
    std::vector<double> rho;    ///< (n,) distance to the nearest other item that is not at distance 0
    /// (n,) bandwidth; the memberships of a row add up to log2(n_neighbors) times `FuzzyGraphOptions::bandwidth`
    std::vector<double> sigma;
    int n_neighbors = 0;        ///< as used (self counted)
};

/// Local scales. Rows without neighbours get 0, 0.
SmoothKnn smooth_knn(const KnnGraph& graph, const FuzzyGraphOptions& options = {});

/// Symmetric membership weights in (0, 1]; shape (n, n), columns ascending, no diagonal.
///
/// Cosine distances of 2 (opposite vectors) are no neighbours, as in umap-learn, unless a `disconnection_distance` is
/// given; a row that it cuts short is held to the neighbours that are left. Inner-product distances can
/// be negative: each row is shifted so that its nearest neighbour is at 0.
/// @throws Error (InvalidArgument), (Format) when the graph breaks its invariants.
CsrMatrix<float> fuzzy_graph(const KnnGraph& graph, const FuzzyGraphOptions& options = {});

}  // namespace filmatlas

#ifdef FILMATLAS_HEADER_ONLY
#include "filmatlas/layout/detail/fuzzy_graph_impl.hpp"
#endif
#endif  // FILMATLAS_LAYOUT_FUZZY_GRAPH_HPP
