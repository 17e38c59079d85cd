// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_CLUSTER_LINKAGE_HPP
#define FILMATLAS_CLUSTER_LINKAGE_HPP

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "filmatlas/core/config.hpp"
#include "filmatlas/core/matrix.hpp"
#include "filmatlas/core/progress.hpp"
#include "filmatlas/neighbors/knn_graph.hpp"

/// @file linkage.hpp
/// @brief Agglomerative clustering: the seven linkages as trees in SciPy's format, and cuts of them.
///
/// Heights are those of scipy.cluster.hierarchy.linkage, in float64. Up to 2,048 items the algorithms are
/// SciPy's (Muellner 2011: nearest-neighbour chain for complete, average, weighted and ward; Prim's spanning
/// tree for single; the generic algorithm for centroid and median), one merge at a time, so that equal
/// distances are resolved as there. Larger sets merge all pairs of mutual nearest neighbours in rounds, with
/// products of blocks and several threads: the same tree where distances differ, else one of the equally good
/// ones. The same bytes for any `num_threads` and FILMATLAS_SIMD.

namespace filmatlas {

/// How the distance between two clusters follows from those between items.
enum class LinkageMethod {
    Single,    ///< smallest
    Complete,  ///< largest
    Average,   ///< mean (UPGMA)
    Weighted,  ///< mean of the two parts' (WPGMA)
    Ward,      ///< growth of the sum of squares; Euclidean only
    Centroid,  ///< between centroids (UPGMC); Euclidean only, heights may fall
    Median,    ///< between midpoints (WPGMC); Euclidean only, heights may fall
};
/// "single", "complete", "average", "weighted", "ward", "centroid", "median".
std::string_view to_string(LinkageMethod method) noexcept;
/// @throws Error (InvalidArgument) naming the accepted words.
LinkageMethod linkage_method_from_string(std::string_view name);

/// A merge tree in SciPy's format.
struct LinkageTree {
    /// (n - 1, 4): left, right, height, items. Ids below n are items; n + i is the cluster that row i made;
    /// left < right. Rows ascend in height (except where centroid and median invert).
    Matrix<double> merges;
    std::int64_t num_items = 0;
    bool operator==(const LinkageTree&) const = default;
};
/// Checks shape, ids used once, left < right, item counts, finite heights; and heights >= 0.
/// @throws Error (Format) naming the first bad merge.
void validate(const LinkageTree& tree);

/// @brief Options of `linkage()`.
struct LinkageOptions {
    LinkageMethod method = LinkageMethod::Ward;
    /// Distance between items. Ward, centroid and median take Euclidean only. InnerProduct is refused.
    Metric metric = Metric::Euclidean;
    /// Bytes that may be used beside the input, see `linkage_memory`; unset: 4 GiB.
    std::optional<std::int64_t> memory_limit = std::nullopt;
    /// Workers; 0 = choose for me. Never changes the result.
    int num_threads = 0;
    /// Keep the distances of many items in float32 where all of them must be kept: half the memory, heights to
    /// about six digits.
    bool single_precision = false;
};
/// @throws Error (InvalidArgument) naming the first bad field.
void validate(const LinkageOptions& options);

/// Bytes `linkage` will take for n rows of d columns beside its input: of the order of n d for single and ward,
/// and for average under cosine and squared Euclidean distance; else, and for up to 2,048 items, those of n (n
/// - 1) / 2 distances too.
std::int64_t linkage_memory(std::int64_t n, std::int64_t d, const LinkageOptions& options = {}) noexcept;

/// Merges the rows of X, nearest clusters first.
/// @param X (n, d) finite, n >= 1.
/// @return n - 1 merges. Where distances tie the order of the rows may decide.
/// @throws Error (InvalidArgument) for options or values; (Memory) with the figure when the limit is too
///         small; (Cancelled).
/// Cost: O(n^2 d), with few memory passes; typically O(n^2) beside the distances where those are kept.
LinkageTree linkage(MatrixView<const float> X, const LinkageOptions& options = {},
                    const Progress& progress = {});
/// The same for float64 rows.
LinkageTree linkage(MatrixView<const double> X, const LinkageOptions& options = {},
                    const Progress& progress = {});
/// The same from distances: d(0,1), d(0,2), ..., d(1,2), ...; n (n - 1) / 2 of them. `options.metric` is
/// ignored.
LinkageTree linkage_from_distances(std::span<const double> condensed, const LinkageOptions& options = {},
                                   const Progress& progress = {});

/// Ward's linkage of points that stand for several items each (centroids of a finer clustering).
///
/// Height of a merge: sqrt(2 a b / (a + b)) times the distance of the two centroids, a and b their weights;
/// for unit weights equal to `linkage(Ward)`. The fourth column counts points, not weights.
/// @param sizes (n,) weights > 0.
/// Cost: as `linkage(Ward)`.
LinkageTree linkage_ward_weighted(MatrixView<const double> centroids, std::span<const double> sizes,
                                  const LinkageOptions& options = {}, const Progress& progress = {});

/// Labels of the partition into n_clusters that undoes the last merges; shape (n,), numbered by first
/// occurrence.
/// @throws Error (InvalidArgument) unless 1 <= n_clusters <= n.
std::vector<Index> cut_linkage(const LinkageTree& tree, int n_clusters);
/// One row of labels per entry of n_clusters; the partitions are nested.
std::vector<std::vector<Index>> cut_linkage(const LinkageTree& tree, std::span<const int> n_clusters);
/// Labels of the clusters whose every merge has height <= `height` (SciPy's fcluster, criterion 'distance').
std::vector<Index> cut_linkage_height(const LinkageTree& tree, double height);

}  // namespace filmatlas

#ifdef FILMATLAS_HEADER_ONLY
#include "filmatlas/cluster/detail/linkage_impl.hpp"
#endif
#endif  // FILMATLAS_CLUSTER_LINKAGE_HPP
