// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_CLUSTER_DETAIL_CLUSTER_SELECTION_IMPL_HPP
#define FILMATLAS_CLUSTER_DETAIL_CLUSTER_SELECTION_IMPL_HPP

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <vector>

#include "filmatlas/cluster/cluster_selection.hpp"
#include "filmatlas/cluster/detail/condensed_tree_core.hpp"
#include "filmatlas/core/error.hpp"

namespace filmatlas {
namespace detail {

/// Excess of mass from the leaves up: a cluster is kept unless its parts together are more stable.
/// `stability` becomes the best that each branch can have.
inline std::vector<char> select_eom(const CondensedTree& tree, const ClusterChildren& children,
                                    const SelectionOptions& options, std::vector<double>& stability) {
    const auto count = static_cast<std::size_t>(tree.num_clusters());
    std::vector<char> keep(count, 0);
    const std::size_t lowest = options.allow_single_cluster ? 0 : 1;
    double least_lambda = std::numeric_limits<double>::infinity();
    for (std::size_t i = 0; i < tree.point_lambda.size(); ++i) {
        if (tree.point_cluster[i] >= 0) least_lambda = std::min(least_lambda, tree.point_lambda[i]);
    }
    for (std::size_t c = 1; c < count; ++c) least_lambda = std::min(least_lambda, tree.cluster_birth[c]);
    for (std::size_t c = count; c-- > lowest;) {
        double parts = 0;
        double part_sizes = 0;
        for (const Index part : children.of(c)) {
            parts += stability[static_cast<std::size_t>(part)];
            if (options.float32_sums) parts = static_cast<double>(static_cast<float>(parts));
            part_sizes += tree.cluster_size[static_cast<std::size_t>(part)];
        }
        // The root counts what reaches its parts, and splits off at the largest distance that there is.
        const double size = c == 0 ? part_sizes : tree.cluster_size[c];
        const double distance = 1 / (c == 0 ? least_lambda : tree.cluster_birth[c]);
        const bool too_large = options.max_cluster_size > 0 && size > options.max_cluster_size;
        if (parts > stability[c] || too_large || distance > options.epsilon_max) {
            stability[c] = parts;
        } else {
            keep[c] = 1;
        }
    }
    return keep;
}

/// Joins clusters that split off below epsilon to the first ancestor above it (Malzer & Baum 2020).
inline std::vector<char> select_epsilon(const CondensedTree& tree, const std::vector<char>& chosen,
                                        const SelectionOptions& options) {
    const auto count = static_cast<std::size_t>(tree.num_clusters());
    const auto distance = [&](std::size_t c) { return 1 / tree.cluster_birth[c]; };
    // The ancestor that a cluster is joined to; those of many clusters share their paths.
    std::vector<Index> target(count, -1);
    std::vector<char> out(count, 0);
    std::vector<std::size_t> path;
    for (std::size_t c = 1; c < count; ++c) {
        if (chosen[c] == 0) continue;
        if (!(distance(c) < options.epsilon)) {
            out[c] = 1;
            continue;
        }
        path.clear();
        std::size_t at = c;
        Index found = -1;
        while (found < 0) {
            if (target[at] >= 0) {
                found = target[at];
                break;
            }
            path.push_back(at);
            const auto parent = static_cast<std::size_t>(tree.cluster_parent[at]);
            if (parent == 0) {
                found = options.allow_single_cluster ? Index{0} : static_cast<Index>(at);
            } else if (distance(parent) > options.epsilon) {
                found = static_cast<Index>(parent);
            } else {
                at = parent;
            }
        }
        for (const std::size_t step : path) target[step] = found;
        out[static_cast<std::size_t>(found)] = 1;
    }
    return out;
}

}  // namespace detail

FILMATLAS_INLINE std::string_view to_string(SelectionMethod method) noexcept {
    return method == SelectionMethod::Eom ? "eom" : "leaf";
}

FILMATLAS_INLINE SelectionMethod selection_method_from_string(std::string_view name) {
    if (name == "eom") return SelectionMethod::Eom;
    if (name == "leaf") return SelectionMethod::Leaf;
    throw_invalid("hdbscan", "cluster_selection_method", "is '" + std::string(name) + "'", "use eom or leaf");
}

FILMATLAS_INLINE void validate(const SelectionOptions& options) {
    const auto refuse = [](const char* field, double value, const char* remedy) {
        throw_invalid("hdbscan", field, "is " + to_text(value), remedy);
    };
    if (!(options.epsilon >= 0)) refuse("cluster_selection_epsilon", options.epsilon, "use 0 or more");
    if (!(options.epsilon_max > 0))
        refuse("cluster_selection_epsilon_max", options.epsilon_max, "use more than 0");
    if (!(options.max_cluster_size >= 0)) {
        refuse("max_cluster_size", options.max_cluster_size, "use 0 (no limit) or more");
    }
}

FILMATLAS_INLINE ClusterSelection select_clusters(const CondensedTree& tree,
                                                  const SelectionOptions& options) {
    validate(options);
    const auto count = static_cast<std::size_t>(tree.num_clusters());
    const detail::ClusterChildren children = detail::cluster_children(tree.cluster_parent);
    std::vector<char> chosen;
    std::vector<double> stability = tree.cluster_stability;
    if (options.method == SelectionMethod::Eom) {
        chosen = detail::select_eom(tree, children, options, stability);
    } else {
        chosen.assign(count, 0);
        for (std::size_t c = 1; c < count; ++c) chosen[c] = children.of(c).empty() ? 1 : 0;
    }
    // Nothing below a chosen cluster is one.
    std::vector<char> covered(count, 0);
    const auto keep_highest = [&] {
        std::fill(covered.begin(), covered.end(), char{0});
        for (std::size_t c = 1; c < count; ++c) {
            const auto parent = static_cast<std::size_t>(tree.cluster_parent[c]);
            covered[c] = covered[parent] != 0 || chosen[parent] != 0;
            if (covered[c] != 0) chosen[c] = 0;
        }
    };
    keep_highest();
    if (options.epsilon > 0 && chosen[0] == 0) {
        chosen = detail::select_epsilon(tree, chosen, options);
        keep_highest();
    }
    if (tree.cluster_size[0] < tree.min_cluster_size) chosen[0] = 0;

    ClusterSelection out;
    out.label_of_cluster.assign(count, -1);
    for (std::size_t c = 0; c < count; ++c) {
        if (chosen[c] != 0) {
            out.label_of_cluster[c] = static_cast<Index>(out.clusters.size());
            out.clusters.push_back(static_cast<Index>(c));
        } else if (c > 0) {
            out.label_of_cluster[c] = out.label_of_cluster[static_cast<std::size_t>(tree.cluster_parent[c])];
        }
    }
    if (chosen[0] != 0) out.root_lambda = options.epsilon > 0 ? 1 / options.epsilon : tree.cluster_death[0];

    const std::size_t n = tree.point_cluster.size();
    out.labels.assign(n, -1);
    out.probabilities.assign(n, 0.0);
    std::vector<double> sizes(out.clusters.size(), 0.0);
    for (std::size_t i = 0; i < n; ++i) {
        if (tree.point_cluster[i] < 0) continue;
        const Index label = out.label_of_cluster[static_cast<std::size_t>(tree.point_cluster[i])];
        const double lambda = tree.point_lambda[i];
        if (label < 0 || lambda < out.root_lambda) continue;
        out.labels[i] = label;
        sizes[static_cast<std::size_t>(label)] += tree.weight_of(static_cast<Index>(i));
        const double death =
            tree.cluster_death[static_cast<std::size_t>(out.clusters[static_cast<std::size_t>(label)])];
        out.probabilities[i] = death > 0 ? std::min(lambda, death) / death : 1.0;
    }
    const double largest = *std::max_element(tree.cluster_death.begin(), tree.cluster_death.end());
    for (std::size_t label = 0; label < out.clusters.size(); ++label) {
        const double mass = sizes[label] * largest;
        out.persistence.push_back(mass > 0 ? stability[static_cast<std::size_t>(out.clusters[label])] / mass
                                           : 1.0);
    }
    return out;
}

}  // namespace filmatlas
#endif  // FILMATLAS_CLUSTER_DETAIL_CLUSTER_SELECTION_IMPL_HPP
