// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_CLUSTER_DETAIL_HDBSCAN_IMPL_HPP
#define FILMATLAS_CLUSTER_DETAIL_HDBSCAN_IMPL_HPP

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "filmatlas/cluster/hdbscan.hpp"
#include "filmatlas/core/error.hpp"

namespace filmatlas {
namespace detail {

inline SelectionOptions selection_of(const HdbscanCutOptions& options, TieRule ties) {
    SelectionOptions out;
    out.method = options.method;
    out.epsilon = options.epsilon;
    out.epsilon_max = options.epsilon_max;
    out.max_cluster_size = options.max_cluster_size;
    out.allow_single_cluster = options.allow_single_cluster;
    out.float32_sums = ties == TieRule::Hdbscan;
    return out;
}

/// The tree without the splits that do not last.
inline CondensedTree lasting_tree(CondensedTree tree, const HdbscanCutOptions& options) {
    return options.persistence > 0 ? simplify(tree, options.persistence) : tree;
}

inline void check_hdbscan_cut(const HdbscanCutOptions& options) {
    if (!(options.min_cluster_size > 0) || !std::isfinite(options.min_cluster_size)) {
        throw_invalid("hdbscan", "min_cluster_size", "is " + to_text(options.min_cluster_size),
                      "use at least 2");
    }
    if (!(options.persistence >= 0)) {
        throw_invalid("hdbscan", "cluster_selection_persistence", "is " + to_text(options.persistence),
                      "use 0 or more");
    }
    validate(selection_of(options, TieRule::Canonical));
}

inline HdbscanResult hdbscan_from(SpanningTree tree, const HdbscanOptions& options,
                                  std::span<const double> weights,
                                  std::chrono::steady_clock::time_point start) {
    HdbscanResult result;
    result.options = options;
    result.options.min_samples = spanning_tree_options(options).min_samples;
    result.linkage = single_linkage_tree(tree, options.ties, weights);
    result.cut = cut_hdbscan(result.linkage, options.cut);
    result.spanning_tree = std::move(tree);
    result.run.iterations = 1;
    if (!result.spanning_tree.exact) {
        result.run.warnings.push_back(
            "hdbscan: the spanning tree is approximate; " + to_text(100 * result.spanning_tree.certified) +
            " % of its edges are proven, its weight is at most " +
            to_text(100 * result.spanning_tree.excess_bound) + " % above the minimum");
    }
    result.run.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    return result;
}

template <class T>
HdbscanResult hdbscan_rows(MatrixView<const T> X, const HdbscanOptions& options,
                           std::span<const double> weights, const Progress& progress) {
    const auto start = std::chrono::steady_clock::now();
    validate(options);
    return hdbscan_from(spanning_tree(X, spanning_tree_options(options), weights, progress), options, weights,
                        start);
}

}  // namespace detail

FILMATLAS_INLINE SpanningTreeOptions spanning_tree_options(const HdbscanOptions& options) {
    SpanningTreeOptions out;
    out.metric = options.metric;
    out.min_samples = options.min_samples
                          ? *options.min_samples
                          : std::max(1, static_cast<int>(std::min(options.cut.min_cluster_size, 1e9)));
    out.convention = options.convention;
    out.alpha = options.alpha;
    out.method = options.method;
    out.memory_limit = options.memory_limit;
    out.num_threads = options.num_threads;
    return out;
}

FILMATLAS_INLINE void validate(const HdbscanOptions& options) {
    detail::check_hdbscan_cut(options.cut);
    validate(spanning_tree_options(options));
}

FILMATLAS_INLINE HdbscanCut cut_hdbscan(const SingleLinkageTree& linkage, const HdbscanCutOptions& options) {
    detail::check_hdbscan_cut(options);
    return cut_hdbscan(condense(linkage, options.min_cluster_size), options, linkage.ties);
}
FILMATLAS_INLINE HdbscanCut cut_hdbscan(CondensedTree tree, const HdbscanCutOptions& options, TieRule ties) {
    detail::check_hdbscan_cut(options);
    HdbscanCut cut;
    cut.tree = detail::lasting_tree(std::move(tree), options);
    cut.selection = select_clusters(cut.tree, detail::selection_of(options, ties));
    cut.outlier_scores = outlier_scores(cut.tree);
    return cut;
}

FILMATLAS_INLINE HdbscanResult hdbscan(MatrixView<const double> X, const HdbscanOptions& options,
                                       std::span<const double> weights, const Progress& progress) {
    return detail::hdbscan_rows(X, options, weights, progress);
}
FILMATLAS_INLINE HdbscanResult hdbscan(MatrixView<const float> X, const HdbscanOptions& options,
                                       std::span<const double> weights, const Progress& progress) {
    return detail::hdbscan_rows(X, options, weights, progress);
}
FILMATLAS_INLINE HdbscanResult hdbscan(SpanningTree tree, const HdbscanOptions& options,
                                       std::span<const double> weights) {
    const auto start = std::chrono::steady_clock::now();
    validate(options);
    validate(tree);
    return detail::hdbscan_from(std::move(tree), options, weights, start);
}

FILMATLAS_INLINE FlatCut cut_to_clusters(const SingleLinkageTree& linkage, std::int64_t n_clusters,
                                         const HdbscanCutOptions& options) {
    detail::check_hdbscan_cut(options);
    if (n_clusters < 1) {
        throw_invalid("hdbscan", "n_clusters", "is " + std::to_string(n_clusters), "use at least 1");
    }
    FlatCut best;
    std::int64_t nearest = -1;
    const CondensedTree tree = detail::lasting_tree(condense(linkage, options.min_cluster_size), options);
    // Only at the distances where a cluster splits off does a cut change.
    std::vector<double> distances = {0.0};
    for (std::size_t c = 1; c < tree.cluster_birth.size(); ++c) {
        if (tree.cluster_birth[c] > 0) {
            distances.push_back(
                std::nextafter(1 / tree.cluster_birth[c], std::numeric_limits<double>::infinity()));
        }
    }
    std::sort(distances.begin(), distances.end());
    distances.erase(std::unique(distances.begin(), distances.end()), distances.end());
    const auto consider = [&](SelectionMethod method, double epsilon, bool single) {
        HdbscanCutOptions tried = options;
        tried.method = method;
        tried.epsilon = epsilon;
        tried.allow_single_cluster = single;
        ClusterSelection selection = select_clusters(tree, detail::selection_of(tried, linkage.ties));
        const auto found = static_cast<std::int64_t>(selection.clusters.size());
        const std::int64_t off = std::abs(found - n_clusters);
        if (nearest < 0 || off < nearest) {
            nearest = off;
            best.options = tried;
            best.cut.selection = std::move(selection);
        }
        return found;
    };
    // The larger epsilon, the fewer clusters.
    const auto search = [&](SelectionMethod method) {
        std::size_t low = 0;
        std::size_t high = distances.size() - 1;
        while (low < high && nearest != 0) {
            const std::size_t middle = (low + high) / 2;
            if (consider(method, distances[middle], options.allow_single_cluster) > n_clusters) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        if (nearest != 0) consider(method, distances[low], options.allow_single_cluster);
    };
    consider(options.method, options.epsilon, options.allow_single_cluster);
    if (nearest != 0) search(options.method);
    if (nearest != 0 && options.method != SelectionMethod::Leaf) search(SelectionMethod::Leaf);
    if (nearest != 0 && n_clusters == 1) consider(options.method, distances.back(), true);
    best.found = nearest == 0;
    best.cut.outlier_scores = outlier_scores(tree);
    best.cut.tree = tree;
    return best;
}

}  // namespace filmatlas
#endif  // FILMATLAS_CLUSTER_DETAIL_HDBSCAN_IMPL_HPP
