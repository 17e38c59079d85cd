// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_CLUSTER_KMEANS_HPP
#define FILMATLAS_CLUSTER_KMEANS_HPP

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "filmatlas/core/config.hpp"
#include "filmatlas/core/matrix.hpp"
#include "filmatlas/core/progress.hpp"
#include "filmatlas/core/run_info.hpp"

/// @file kmeans.hpp
/// @brief k-means: greedy k-means++ seeding, Lloyd's rounds with distance bounds, mini-batches, exact inertia.
///
/// Source: Arthur & Vassilvitskii (2007), each seed the best of about 2 + log k draws, from a stratified sample
/// of max(4096, 10 k) rows; bounds per centroid (Elkan 2003) or group of them (Ding et al. 2015); mini-batches as in Sculley
/// (2010). Bounds only save work: every round assigns as a full search (`assign_to_centroids`) would, to the
/// last bit. Same bytes for any `num_threads` and FILMATLAS_SIMD.

namespace filmatlas {

/// Where the first centroids come from.
enum class KMeansStart {
    PlusPlus,  ///< greedy k-means++: rows far from each other, drawn
    Random,    ///< rows drawn evenly
    Parts,     ///< no draws: the widest part is cut across its longest direction until there are k (Su & Dy 2007)
};
/// "k-means++", "random", "parts".
std::string_view to_string(KMeansStart start) noexcept;
/// @throws Error (InvalidArgument) naming the accepted words.
KMeansStart kmeans_start_from_string(std::string_view name);

/// @brief Options of `kmeans()`.
struct KMeansOptions {
    /// Rounds of Lloyd's algorithm at most; at least 1. Reaching it is a warning, `run.converged` = false.
    int max_iterations = 100;
    /// Stop when the centroids' summed squared movement falls to this share of the mean variance of a column;
    /// >= 0. 0 runs until no label changes.
    double tolerance = 1e-4;
    /// Seed of the draws of the first centroids.
    std::uint64_t seed = 42;
    /// Centroids are scaled to unit length (for unit rows: cosine k-means). Rows are taken as they are.
    bool spherical = false;
    /// Starts, of which the one with the smallest inertia wins (the earlier on a tie); at least 1.
    int n_init = 1;
    /// Workers; 0 = choose for me. Never changes the result.
    int num_threads = 0;
    KMeansStart start = KMeansStart::PlusPlus;
    /// (k, d) first centroids to use instead; empty = by `start`. Then, and with `Parts`, `n_init` counts as 1.
    MatrixView<const float> initial = {};
    /// Rows drawn per step of mini-batch k-means, for data too large for whole rounds; 0, or as many as there
    /// are = whole rounds. Steps go on for at most `max_iterations` passes over the rows, until the centroids
    /// rest or ten steps on end bring no smaller mean distance; then one whole round assigns every row.
    std::int64_t batch_size = 0;
};
/// @throws Error (InvalidArgument) naming the first bad field.
void validate(const KMeansOptions& options);

struct KMeansResult {
    Matrix<float> centroids;          ///< (k, d)
    std::vector<Index> labels;        ///< (n,) in [0, k): what `assign_to_centroids` gives
    std::vector<std::int64_t> sizes;  ///< (k,) items per cluster
    double inertia = 0;  ///< weighted sum of squared distances to the own centroid, accumulated in float64
    RunInfo run;  ///< `iterations` counts rounds, or steps of mini-batches
};

/// Partitions the rows of X into k clusters.
///
/// A cluster that loses all its items is re-started at the item farthest from its own centroid, so that every
/// cluster holds an item as long as X has k distinct rows; with fewer, the clusters left empty are last, and
/// a warning says so.
/// @param X        (n, d), finite.
/// @param k        in [1, n].
/// @param weights  (n,) weights > 0 of the items; empty = 1 each.
/// @throws Error (InvalidArgument) for k, options, weights or values out of range; (Shape); (Cancelled).
/// Cost: at most O(n k d) per round; O(64 n + k d) memory beside X, or a third of X (at most 512 n bytes)
/// where that is more, and a copy of X where its mean is far from the origin.
KMeansResult kmeans(MatrixView<const float> X, int k, const KMeansOptions& options = {},
                    std::span<const double> weights = {}, const Progress& progress = {});

/// Assigns rows to given centroids: per row the nearest by Euclidean distance, the smaller id on a tie.
/// @return (n,) in [0, centroids.rows).
/// @throws Error (Shape) when the columns differ, (InvalidArgument) when there is no centroid.
std::vector<Index> assign_to_centroids(MatrixView<const float> X, MatrixView<const float> centroids,
                                       int num_threads = 0);

}  // namespace filmatlas

#ifdef FILMATLAS_HEADER_ONLY
#include "filmatlas/cluster/detail/kmeans_impl.hpp"
#endif
#endif  // FILMATLAS_CLUSTER_KMEANS_HPP
