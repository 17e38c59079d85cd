// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_VALIDATE_LAYOUT_QUALITY_HPP
#define FILMATLAS_VALIDATE_LAYOUT_QUALITY_HPP

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "filmatlas/core/config.hpp"
#include "filmatlas/core/matrix.hpp"
#include "filmatlas/core/progress.hpp"
#include "filmatlas/layout/layout.hpp"
#include "filmatlas/neighbors/knn_graph.hpp"

/// @file layout_quality.hpp
/// @brief How far a map may be trusted: kept neighbours, false neighbours, torn neighbours, distances.

namespace filmatlas {

/// @brief Options of `layout_quality()`.
struct QualityOptions {
    /// Neighbours compared; at least 1, at most what the graph has, below n / 2. Lowered where there are
    /// fewer, with a note in `k`.
    int k = 15;
    /// Pairs drawn for the rank correlation of distances; 0 leaves it out (NaN). All pairs when there are
    /// fewer.
    std::int64_t pair_samples = 200000;
    /// Triplets drawn for `random_triplets`; 0 leaves it out (NaN). The default's standard error is 0.0015.
    std::int64_t triplet_samples = 100000;
    /// (n,) class of each item, -1 = unknown, for `label_accuracy`; empty leaves it out (NaN).
    std::span<const Index> labels = {};
    /// Ranks counted for every item: true = always, false = never (trustworthiness and continuity NaN).
    /// Unset: every item up to 30,000, above that for 5,000 drawn items, with a standard error.
    std::optional<bool> exact_trust = std::nullopt;
    int num_threads = 0;      ///< workers; 0 = choose for me. Never changes the result.
    std::uint64_t seed = 42;  ///< of drawn pairs and items
};
/// @throws Error (InvalidArgument) naming the first bad field.
void validate(const QualityOptions& options);

/// Compares map and full space.
///
/// Trustworthiness (Venna & Kaski, 2001) is scikit-learn's: 1 - 2 / (n k (2 n - 3 k - 1)) * sum of (rank - k)
/// over the items among the k nearest on the map that are not among the k nearest in the full space; ranks by
/// the graph's metric, from 1, ties by (distance, id). Continuity exchanges the two spaces. Items without a
/// vector or without a position are left out of everything. Random triplets are those of PaCMAP's authors (Wang et al.,
/// 2021), label accuracy that of a vote of the k nearest (`label_agreement()`).
/// @param X            (n, d) the vectors.
/// @param graph        of X; its first k columns are the true neighbours.
/// @param coordinates  (n, 2 or 3) of the map (any number of columns works, more slowly).
/// @return `quality.k` is the k used; 0 (and NaN figures) with fewer than 3 usable items.
/// @throws Error (InvalidArgument), (Shape), (Cancelled).
/// Cost: up to 30,000 items, or where exact ranks are asked for, that of `count_closer()`; else 5,000 n d products;
/// O(n k + blocks) memory.
LayoutQuality layout_quality(MatrixView<const float> X, const KnnGraph& graph,
                             const Matrix<float>& coordinates, const QualityOptions& options = {},
                             const Progress& progress = {});

/// The same for several neighbourhood sizes, whose ranks are counted in one pass.
///
/// @param sizes  values for `QualityOptions::k`, which is not read.
/// @return one entry per size, as `layout_quality` gives it.
std::vector<LayoutQuality> layout_qualities(MatrixView<const float> X, const KnnGraph& graph,
                                            const Matrix<float>& coordinates, const std::vector<int>& sizes,
                                            const QualityOptions& options = {}, const Progress& progress = {});

/// The k nearest on the map, exactly; ties by (distance, id); self excluded; rows without a finite position
/// are -1.
/// @return (n, min(k, n - 1)) ids.
Matrix<Index> map_neighbors(const Matrix<float>& coordinates, int k, int num_threads = 0);

/// Spearman's rank correlation with mean ranks for ties; NaN when one side is constant or sizes are below 2.
/// @throws Error (Shape) on unequal lengths.
double spearman(const std::vector<double>& a, const std::vector<double>& b);

}  // namespace filmatlas

#ifdef FILMATLAS_HEADER_ONLY
#include "filmatlas/validate/detail/layout_quality_impl.hpp"
#endif
#endif  // FILMATLAS_VALIDATE_LAYOUT_QUALITY_HPP
