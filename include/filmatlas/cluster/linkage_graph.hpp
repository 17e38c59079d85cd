// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_CLUSTER_LINKAGE_GRAPH_HPP
#define FILMATLAS_CLUSTER_LINKAGE_GRAPH_HPP

#include <cstdint>
#include <optional>

#include "filmatlas/cluster/linkage.hpp"
#include "filmatlas/core/config.hpp"
#include "filmatlas/core/matrix.hpp"
#include "filmatlas/core/progress.hpp"
#include "filmatlas/linalg/csr.hpp"
#include "filmatlas/neighbors/knn_graph.hpp"

/// @file linkage_graph.hpp
/// @brief Agglomerative clustering along the edges of a graph: only clusters with an edge between them may
/// merge.
///
/// For 10^5 items and more, where all pairs are too many, and where clusters must hang together along
/// neighbours. Always the nearest pair with an edge is merged, equal ones in the order of their ids. What is
/// left when no edge is (one cluster per connected component) is merged by the same linkage without constraint.

namespace filmatlas {

/// @brief Options of `linkage_on_graph()`.
struct GraphLinkageOptions {
    /// Ward, or Average: the mean over all pairs of members, those without an edge too.
    LinkageMethod method = LinkageMethod::Ward;
    /// Ward: Euclidean. Average: Cosine or SqEuclidean, whose mean over all pairs follows from centroids.
    Metric metric = Metric::Euclidean;
    /// Bytes that may be used beside the input; unset: 4 GiB.
    std::optional<std::int64_t> memory_limit = std::nullopt;
    /// Workers; 0 = choose for me. Never changes the result.
    int num_threads = 0;
};
/// @throws Error (InvalidArgument) naming the first bad field.
void validate(const GraphLinkageOptions& options);

struct GraphLinkage {
    /// n - 1 merges in the order they were made. Heights are those of `linkage`, but may fall: a merge can give
    /// a cluster an edge to a nearer one.
    LinkageTree tree;
    std::int64_t components = 0;  ///< connected components of the graph; the last components - 1 merges join them
};

/// Merges the rows of X along the graph's edges, each taken both ways.
/// @param X      (n, d), finite; no zero rows under cosine.
/// @param graph  n items; distances are not read.
/// @throws Error (InvalidArgument) for options or values; (Shape) when the graph has another number of items;
/// (Memory)
///         with the figure; (Cancelled).
/// Cost: about e log e evaluations of O(d) for e edges; 8 n d bytes, and about 24 per evaluated pair.
GraphLinkage linkage_on_graph(MatrixView<const float> X, const KnnGraph& graph, const GraphLinkageOptions& options = {},
                              const Progress& progress = {});
/// The same along the entries of a square matrix; their values are not read.
GraphLinkage linkage_on_graph(MatrixView<const float> X, const CsrMatrix<float>& graph,
                              const GraphLinkageOptions& options = {}, const Progress& progress = {});
/// The same for float64 rows.
GraphLinkage linkage_on_graph(MatrixView<const double> X, const CsrMatrix<float>& graph,
                              const GraphLinkageOptions& options = {}, const Progress& progress = {});

}  // namespace filmatlas

#ifdef FILMATLAS_HEADER_ONLY
#include "filmatlas/cluster/detail/linkage_graph_impl.hpp"
#endif
#endif  // FILMATLAS_CLUSTER_LINKAGE_GRAPH_HPP
