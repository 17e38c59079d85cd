// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_CLUSTER_SPANNING_TREE_HPP
#define FILMATLAS_CLUSTER_SPANNING_TREE_HPP

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "filmatlas/core/config.hpp"
#include "filmatlas/core/matrix.hpp"
#include "filmatlas/core/progress.hpp"
#include "filmatlas/core/run_info.hpp"
#include "filmatlas/linalg/csr.hpp"
#include "filmatlas/neighbors/knn_graph.hpp"

/// @file spanning_tree.hpp
/// @brief Core distances and the minimum spanning tree of mutual reachability: the first two steps of
/// HDBSCAN.
///
/// The mutual reachability of two items is max(core(i), core(j), d(i, j) / alpha), core(i) the distance at
/// which `min_samples` items are near (Campello, Moulavi & Sander 2013). Distances and weights are float64.
/// Equal rows are one point of larger weight while the tree is made. The result does not depend on threads;
/// among equally good trees the choice depends on the rows' content, not on their order.

namespace filmatlas {

/// Whom `min_samples` counts. `ExcludeSelf` with k is `IncludeSelf` with k + 1.
enum class MinSamplesConvention {
    ExcludeSelf,  ///< the k-th other item, as hdbscan and fast_hdbscan
    IncludeSelf,  ///< the item is its own first neighbour, as scikit-learn
};
/// "exclude_self", "include_self".
std::string_view to_string(MinSamplesConvention convention) noexcept;
/// @throws Error (InvalidArgument) naming the accepted words.
MinSamplesConvention min_samples_convention_from_string(std::string_view name);

/// How the tree is found.
enum class SpanningTreeMethod {
    Auto,         ///< KdTree up to 20 dimensions, else Blocked
    KdTree,       ///< exact: Boruvka's rounds over a tree of boxes, seeded with the neighbour lists (found by a
                  ///< product of blocks where boxes part the points too little)
    Blocked,      ///< exact: the neighbour graph's tree, proven or repaired by a screened product of blocks
    Approximate,  ///< the neighbour graph's tree with joined components, and a certificate
};
/// "auto", "kd_tree", "blocked", "approximate".
std::string_view to_string(SpanningTreeMethod method) noexcept;
/// @throws Error (InvalidArgument) naming the accepted words.
SpanningTreeMethod spanning_tree_method_from_string(std::string_view name);

/// @brief Options of `spanning_tree()`.
struct SpanningTreeOptions {
    /// Euclidean, SqEuclidean, Manhattan (few dimensions only) or Cosine.
    Metric metric = Metric::Euclidean;
    /// Neighbours that make an item dense; at least 1. More than there are others counts as all others.
    int min_samples = 5;
    MinSamplesConvention convention = MinSamplesConvention::ExcludeSelf;
    /// Distances are divided by it (robust single linkage); > 0. Core distances are not.
    double alpha = 1.0;
    SpanningTreeMethod method = SpanningTreeMethod::Auto;
    /// Bytes that may be used beside the input; unset = no limit.
    std::optional<std::int64_t> memory_limit = std::nullopt;
    /// Workers; 0 = choose for me. Never changes the result.
    int num_threads = 0;
};
/// @throws Error (InvalidArgument) naming the first bad field.
void validate(const SpanningTreeOptions& options);

/// A forest over items: one tree unless the distances leave items unconnected.
struct SpanningTree {
    std::int64_t num_items = 0;
    std::vector<Index> a;        ///< (m,) one end of each edge
    std::vector<Index> b;        ///< (m,) the other
    std::vector<double> weight;  ///< (m,) mutual reachability, ascending
    std::vector<double> core;    ///< (n,) core distances; +inf for invalid rows; may be empty
    std::vector<Index> rank;     ///< (n,) place of each row in the order by content; empty: the order of rows
    std::vector<Index> invalid_rows;  ///< rows without a valid vector, ascending; no edge touches them
    std::string method;  ///< "kd_tree", "blocked", "approximate", "distances", "graph" or "given"
    bool exact = true;   ///< whether the tree is known to be minimal
    /// Share of the edges that are proven to be in a minimum spanning tree; 1 when exact. It rests on the
    /// neighbour lists being complete.
    double certified = 1;
    /// The tree's total weight is at most (1 + excess_bound) times the minimum; 0 when exact.
    double excess_bound = 0;
    RunInfo run;

    std::int64_t num_edges() const noexcept { return static_cast<std::int64_t>(a.size()); }
    double total_weight() const noexcept {
        double sum = 0;
        for (const double w : weight) sum += w;
        return sum;
    }
};
/// Checks ids, lengths, weights (>= 0, not NaN) and that there is no cycle; sorts nothing.
/// @throws Error (Format) naming the first bad edge.
void validate(const SpanningTree& tree);

/// Bytes that `spanning_tree` uses beside its input, its result included.
std::int64_t spanning_tree_bytes(std::int64_t n, std::int64_t d, const SpanningTreeOptions& options = {});

/// Core distances and spanning tree of the rows of X.
/// @param X       (n, d), n >= 0. Rows with NaN or infinite values (zero rows under cosine) are left out.
/// @param weights (n,) > 0: how many items a row stands for; empty = 1 each.
/// @throws Error (Shape), (InvalidArgument), (Memory) with the figure, (Cancelled).
/// Cost: about n log n for few dimensions; one exact neighbour search and, for the rows that it leaves
/// unproven, a part of another for many. Beyond 20 dimensions values are taken as float32.
SpanningTree spanning_tree(MatrixView<const double> X, const SpanningTreeOptions& options = {},
                           std::span<const double> weights = {}, const Progress& progress = {});
SpanningTree spanning_tree(MatrixView<const float> X, const SpanningTreeOptions& options = {},
                           std::span<const double> weights = {}, const Progress& progress = {});

/// The same from all distances: (n, n), symmetric, >= 0, diagonal 0; +inf = unconnected.
/// `options.metric` and `method` are ignored.
/// Cost: O(n^2) time, O(n) memory beside the distances.
SpanningTree spanning_tree_from_distances(MatrixView<const double> distances,
                                          const SpanningTreeOptions& options = {},
                                          std::span<const double> weights = {},
                                          const Progress& progress = {});

/// The same from some distances: entry (i, j) or (j, i) joins i and j (the smaller where both exist); an item
/// with fewer than `min_samples` neighbours has an infinite core distance and joins nobody, as the reference
/// implementation does.
/// @throws Error (Shape), (InvalidArgument) naming the first bad row, (Cancelled).
/// Cost: O(m log m) time for m entries, about 80 m bytes beside them.
SpanningTree spanning_tree_from_graph(const CsrMatrix<double>& graph, const SpanningTreeOptions& options = {},
                                      std::span<const double> weights = {}, const Progress& progress = {});

/// The same from neighbour lists; with at least `min_samples` entries they give every core distance. A forest
/// when the lists do not connect the items: `exact` is false unless the certificate proves every edge and one
/// tree spans all.
/// @throws Error (InvalidArgument) when the lists are shorter than `min_samples`, (Format), (Cancelled).
/// Cost: O(n k) time, about 50 n k bytes beside the lists.
SpanningTree spanning_tree_from_knn(const KnnGraph& graph, const SpanningTreeOptions& options = {},
                                    std::span<const double> weights = {}, const Progress& progress = {});

/// Core distances from neighbour lists; shape (n,). Items with fewer neighbours: the farthest listed.
std::vector<double> core_distances(const KnnGraph& graph, int min_samples,
                                   MinSamplesConvention convention = MinSamplesConvention::ExcludeSelf);

}  // namespace filmatlas

#ifdef FILMATLAS_HEADER_ONLY
#include "filmatlas/cluster/detail/spanning_tree_impl.hpp"
#endif
#endif  // FILMATLAS_CLUSTER_SPANNING_TREE_HPP
