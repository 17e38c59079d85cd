// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_CLUSTER_HDBSCAN_HPP
#define FILMATLAS_CLUSTER_HDBSCAN_HPP

#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <vector>

#include "filmatlas/cluster/cluster_selection.hpp"
#include "filmatlas/cluster/condensed_tree.hpp"
#include "filmatlas/cluster/linkage_tree.hpp"
#include "filmatlas/cluster/spanning_tree.hpp"
#include "filmatlas/core/config.hpp"
#include "filmatlas/core/matrix.hpp"
#include "filmatlas/core/progress.hpp"
#include "filmatlas/core/run_info.hpp"

/// @file hdbscan.hpp
/// @brief HDBSCAN* (Campello, Moulavi & Sander 2013): core distances, spanning tree, linkage tree, condensed
/// tree, selection. Fitted once, cut as often as one likes.

namespace filmatlas {

/// @brief Options of one cut: everything after the linkage tree. Names as in the hdbscan package.
struct HdbscanCutOptions {
    /// Weight that makes a part a cluster; at least 2 (with weights: > 0).
    double min_cluster_size = 5;
    SelectionMethod method = SelectionMethod::Eom;
    /// Clusters that split off below this distance are joined to the first ancestor above it; >= 0.
    double epsilon = 0;
    /// Eom keeps no cluster that splits off above this distance; > 0.
    double epsilon_max = std::numeric_limits<double>::infinity();
    /// Splits whose parts do not last this long (in lambda) are removed; >= 0.
    double persistence = 0;
    /// Eom keeps no larger cluster; 0 = no limit.
    double max_cluster_size = 0;
    /// Whether all items may be one cluster.
    bool allow_single_cluster = false;
};

/// @brief Options of `hdbscan()`.
struct HdbscanOptions {
    HdbscanCutOptions cut;
    /// Neighbours that make an item dense. Unset: min_cluster_size.
    std::optional<int> min_samples = std::nullopt;
    MinSamplesConvention convention = MinSamplesConvention::ExcludeSelf;
    Metric metric = Metric::Euclidean;
    double alpha = 1.0;
    SpanningTreeMethod method = SpanningTreeMethod::Auto;
    TieRule ties = TieRule::Canonical;
    std::optional<std::int64_t> memory_limit = std::nullopt;
    int num_threads = 0;
};
/// @throws Error (InvalidArgument) naming the first bad field.
void validate(const HdbscanOptions& options);
/// The part that makes the spanning tree.
SpanningTreeOptions spanning_tree_options(const HdbscanOptions& options);

/// Clusters at one setting.
struct HdbscanCut {
    CondensedTree tree;
    ClusterSelection selection;          ///< labels, probabilities, persistence
    std::vector<double> outlier_scores;  ///< (n,) GLOSH
};

struct HdbscanResult {
    HdbscanCut cut;
    SingleLinkageTree linkage;
    SpanningTree spanning_tree;  ///< with the core distances
    RunInfo run;
    HdbscanOptions options;  ///< as resolved
};

/// Cuts a linkage tree. Equal to a fresh fit with the same options, because a fit calls this.
/// Cost: O(n).
HdbscanCut cut_hdbscan(const SingleLinkageTree& linkage, const HdbscanCutOptions& options = {});
/// The same from a condensed tree, of any origin; `options.min_cluster_size` was spent on making it.
HdbscanCut cut_hdbscan(CondensedTree tree, const HdbscanCutOptions& options = {},
                       TieRule ties = TieRule::Canonical);

/// Clusters the rows of X.
/// @param X       (n, d), n >= 0; rows with NaN or infinite values (zero rows under cosine) are noise and
///                change nothing for the others.
/// @param weights (n,) > 0: how many items a row stands for; empty = 1 each.
/// @throws Error (Shape), (InvalidArgument), (Memory), (Cancelled).
/// Cost: that of `spanning_tree`, plus O(n).
HdbscanResult hdbscan(MatrixView<const double> X, const HdbscanOptions& options = {},
                      std::span<const double> weights = {}, const Progress& progress = {});
HdbscanResult hdbscan(MatrixView<const float> X, const HdbscanOptions& options = {},
                      std::span<const double> weights = {}, const Progress& progress = {});
/// The same from a spanning tree, of any origin.
HdbscanResult hdbscan(SpanningTree tree, const HdbscanOptions& options = {},
                      std::span<const double> weights = {});

/// The cut that gives exactly `n_clusters` clusters, or as near as a cut comes: leaves of the condensed tree
/// joined by the distance of their splits, greatest first.
struct FlatCut {
    HdbscanCut cut;
    HdbscanCutOptions options;  ///< that give it
    bool found = false;         ///< whether the number was met
};
/// Searches epsilon for the given method first, then leaf; ties between clusters that split at one distance
/// can make a number impossible.
FlatCut cut_to_clusters(const SingleLinkageTree& linkage, std::int64_t n_clusters,
                        const HdbscanCutOptions& options = {});

}  // namespace filmatlas

#ifdef FILMATLAS_HEADER_ONLY
#include "filmatlas/cluster/detail/hdbscan_impl.hpp"
#endif
#endif  // FILMATLAS_CLUSTER_HDBSCAN_HPP
