// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_CLUSTER_SCORES_HPP
#define FILMATLAS_CLUSTER_SCORES_HPP

#include <cstdint>
#include <span>
#include <vector>

#include "filmatlas/core/config.hpp"
#include "filmatlas/core/matrix.hpp"
#include "filmatlas/hierarchy/hierarchy.hpp"
#include "filmatlas/linalg/csr.hpp"
#include "filmatlas/neighbors/knn_graph.hpp"

/// @file scores.hpp
/// @brief How good a partition or hierarchy is: agreement with another, silhouette, balance, nesting.
///
/// Labels are any integers; negative ones mean 'not clustered'. All sums are float64 in a fixed order.

namespace filmatlas {

/// Items per pair of labels: rows are the distinct labels of `a` ascending, columns those of `b`.
struct Contingency {
    std::vector<Index> row_labels;
    std::vector<Index> col_labels;
    CsrMatrix<std::int64_t> counts;
    std::vector<std::int64_t> row_sums;
    std::vector<std::int64_t> col_sums;
    std::int64_t total = 0;
};
/// @throws Error (Shape) when the lengths differ.
Contingency contingency(std::span<const Index> a, std::span<const Index> b);

/// Adjusted Rand index (Hubert & Arabie 1985); 1 for equal partitions, 0 expected by chance. Every negative
/// label counts as a label like any other, as in scikit-learn. 1 when both are trivial.
double adjusted_rand_index(std::span<const Index> a, std::span<const Index> b);
/// Mutual information in nats.
double mutual_information(std::span<const Index> a, std::span<const Index> b);
/// Mutual information over the arithmetic mean of the entropies; in [0, 1].
double normalized_mutual_information(std::span<const Index> a, std::span<const Index> b);
/// The same, adjusted for chance exactly under the permutation model (Vinh, Epps & Bailey 2010), arithmetic
/// mean.
/// Cost: O(rows * cols * mean class size).
double adjusted_mutual_information(std::span<const Index> a, std::span<const Index> b);

/// Homogeneity, completeness and their weighted harmonic mean (Rosenberg & Hirschberg 2007), as in
/// scikit-learn.
struct VMeasure {
    double homogeneity = 1;   ///< 1 when every cluster holds one class only
    double completeness = 1;  ///< 1 when every class lies in one cluster
    double v = 1;
};
/// @param beta > 0: above 1 completeness counts more.
VMeasure v_measure(std::span<const Index> classes, std::span<const Index> clusters, double beta = 1.0);

/// Geometric mean of the pairs' precision and recall (Fowlkes & Mallows 1983); in [0, 1], 0 when no pair is
/// together in both.
double fowlkes_mallows(std::span<const Index> a, std::span<const Index> b);

/// Which label of `b` stands for which of `a`.
struct LabelMatching {
    std::vector<Index> a;             ///< matched labels, ascending
    std::vector<Index> b;             ///< their partners
    std::vector<std::int64_t> items;  ///< items that have both
    double accuracy = 1;              ///< share of all items that have a matched pair of labels; 1 without items
};
/// The one-to-one matching of labels with the most items in common (Kuhn 1955, Jonker & Volgenant 1987); of the
/// larger side some labels stay without partner. Every negative label counts as a label like any other.
/// @throws Error (Shape) when the lengths differ; (Memory) beyond 2^28 pairs of labels.
/// Cost: O(s^2 t) at worst for s <= t labels; 4 s t bytes.
LabelMatching match_labels(std::span<const Index> a, std::span<const Index> b);

/// Mean over the clusters of the worst ratio of two clusters' spreads to their distance (Davies & Bouldin
/// 1979), Euclidean, as in scikit-learn; >= 0, lower is better. Items with a negative label are left out. +inf
/// when two centroids are equal and their items are not.
/// @throws Error (Shape) unless there is one label per row; (InvalidArgument) with fewer than two clusters.
/// Cost: O(n d + k^2 d).
double davies_bouldin(MatrixView<const float> X, std::span<const Index> labels, int num_threads = 0);
/// Between- over within-cluster variance, each per degree of freedom (Calinski & Harabasz 1974), as in
/// scikit-learn; higher is better, 1 when nothing varies within. Items with a negative label are left out.
/// @throws Error as above, and (InvalidArgument) with as many clusters as items.
double calinski_harabasz(MatrixView<const float> X, std::span<const Index> labels, int num_threads = 0);

/// @brief Options of `silhouette()`.
struct SilhouetteOptions {
    /// Cosine, Euclidean or SqEuclidean.
    Metric metric = Metric::Cosine;
    /// Euclidean with more items than this: distance to the centroid stands for the mean distance (simplified
    /// silhouette). Cosine and squared Euclidean are exact for any n, because their mean over a cluster
    /// follows from its sum.
    std::int64_t exact_limit = 20000;
    int num_threads = 0;
};
struct SilhouetteResult {
    double mean = 0;  ///< over the clustered items
    std::vector<float>
        per_item;               ///< (n,) in [-1, 1]; 0 for items alone in their cluster; NaN where label < 0
    std::vector<Index> labels;  ///< the distinct labels >= 0, ascending
    std::vector<double> per_label;  ///< mean per entry of `labels`
    bool exact = true;
};
/// Rousseeuw's silhouette (1987). Items with a negative label, or under cosine a zero row, are left out.
/// @param labels (n,); at least two distinct among the valid ones, else all values are 0.
/// Cost: O(n k d), or O(n^2 d) for exact Euclidean.
SilhouetteResult silhouette(MatrixView<const float> X, std::span<const Index> labels,
                            const SilhouetteOptions& options = {});

/// Sizes of the parts of a partition.
struct SizeBalance {
    std::int64_t clusters = 0;
    std::int64_t smallest = 0;
    std::int64_t largest = 0;
    double median = 0;
    double largest_share = 0;  ///< of the clustered items
    double max_over_median = 0;
    double gini = 0;      ///< 0 = all equal, towards 1 = one holds everything
    double coverage = 0;  ///< share of items with a label >= 0
};
SizeBalance size_balance(std::span<const Index> labels);

/// What a list of partitions, coarse to fine, breaks of strict nesting.
struct NestingReport {
    /// Per adjacent pair of levels: items whose fine cluster has most of its items under another parent.
    std::vector<std::int64_t> violations;
    /// Per adjacent pair: items labelled in the fine level but not in the coarse one.
    std::vector<std::int64_t> orphans;
    std::vector<double> coverage;  ///< per level
    /// No violation and no orphan.
    bool strict() const noexcept;
};
/// @param labels `labels[level][item]`, negative = not clustered.
/// @throws Error (Shape) on unequal lengths.
NestingReport nesting_report(const std::vector<std::vector<Index>>& labels);

/// Balance and silhouette of one level of a hierarchy.
struct LevelScore {
    SizeBalance balance;
    double silhouette = 0;
    std::vector<double> node_silhouette;  ///< per node of the level
};
/// One entry per level, coarse to fine.
std::vector<LevelScore> level_scores(MatrixView<const float> X, const Hierarchy& hierarchy,
                                     const SilhouetteOptions& options = {});

/// Expected purity, for two items of one class, of the smallest node that holds both (Heller & Ghahramani
/// 2005); in (0, 1]. Items of different coarsest nodes meet in the whole catalogue.
/// @param classes (n,); negative = unknown, left out.
/// @return 1 when no class has two items.
/// @throws Error (Shape) unless there is one class per item.
/// Cost: O(levels n log n).
double dendrogram_purity(const Hierarchy& hierarchy, std::span<const Index> classes);

/// Dasgupta's cost (STOC 2016) over the edges of a kNN graph, each listed edge weighing 1: the mean number of
/// items in the smallest node that holds both ends, over the number of items; in (0, 1], lower is better, 1 =
/// no edge stays inside a node. 0 without edges.
/// @throws Error (Shape) when the graph and the hierarchy differ in items.
double dasgupta_cost(const Hierarchy& hierarchy, const KnnGraph& graph);

/// Per level, coarse to fine, the share of the graph's edges whose ends share a node.
/// @throws Error (Shape) as above.
std::vector<double> neighbor_containment(const Hierarchy& hierarchy, const KnnGraph& graph);

}  // namespace filmatlas

#ifdef FILMATLAS_HEADER_ONLY
#include "filmatlas/cluster/detail/scores_impl.hpp"
#endif
#endif  // FILMATLAS_CLUSTER_SCORES_HPP
