// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_CLUSTER_CLUSTER_SELECTION_HPP
#define FILMATLAS_CLUSTER_CLUSTER_SELECTION_HPP

#include <cstdint>
#include <limits>
#include <string_view>
#include <vector>

#include "filmatlas/cluster/condensed_tree.hpp"
#include "filmatlas/core/config.hpp"
#include "filmatlas/core/matrix.hpp"

/// @file cluster_selection.hpp
/// @brief Which clusters of a condensed tree are kept, and the labels that follow.

namespace filmatlas {

enum class SelectionMethod {
    Eom,   ///< the most stable of each branch (excess of mass)
    Leaf,  ///< the leaves
};
/// "eom", "leaf".
std::string_view to_string(SelectionMethod method) noexcept;
/// @throws Error (InvalidArgument) naming the accepted words.
SelectionMethod selection_method_from_string(std::string_view name);

/// @brief Options of `select_clusters()`; names and meaning as in the hdbscan package.
struct SelectionOptions {
    SelectionMethod method = SelectionMethod::Eom;
    /// Clusters that split off below this distance are joined to the first ancestor above it; >= 0.
    double epsilon = 0;
    /// Eom keeps no cluster that splits off above this distance; > 0.
    double epsilon_max = std::numeric_limits<double>::infinity();
    /// Eom keeps no larger cluster; 0 = no limit.
    double max_cluster_size = 0;
    /// Whether the root may be the one cluster.
    bool allow_single_cluster = false;
    /// Compare sums of stabilities in float32, as the reference implementation does.
    bool float32_sums = false;
};
/// @throws Error (InvalidArgument) naming the first bad field.
void validate(const SelectionOptions& options);

struct ClusterSelection {
    std::vector<Index> clusters;        ///< (k,) ids in the condensed tree, ascending; label l is clusters[l]
    std::vector<Index> labels;          ///< (n,) -1 = noise
    std::vector<double> probabilities;  ///< (n,) in [0, 1]: lambda over the cluster's largest; 0 for noise
    std::vector<double>
        persistence;  ///< (k,) stability of the branch over (size * largest lambda), in [0, 1]
    /// (c,) label of an item that falls out of each cluster, -1 = noise; for the root see `root_lambda`.
    std::vector<Index> label_of_cluster;
    /// Items of the root are labelled only from this lambda on (when the root is selected).
    double root_lambda = 0;
};

/// Selects clusters. Every item belongs to its nearest selected ancestor.
/// Cost: O(n + c).
ClusterSelection select_clusters(const CondensedTree& tree, const SelectionOptions& options = {});

}  // namespace filmatlas

#ifdef FILMATLAS_HEADER_ONLY
#include "filmatlas/cluster/detail/cluster_selection_impl.hpp"
#endif
#endif  // FILMATLAS_CLUSTER_CLUSTER_SELECTION_HPP
