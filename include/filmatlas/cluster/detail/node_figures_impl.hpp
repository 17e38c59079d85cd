// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_CLUSTER_DETAIL_NODE_FIGURES_IMPL_HPP
#define FILMATLAS_CLUSTER_DETAIL_NODE_FIGURES_IMPL_HPP

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "filmatlas/cluster/detail/group_overlaps.hpp"
#include "filmatlas/cluster/detail/subset_graph.hpp"
#include "filmatlas/cluster/detail/sibling_strength.hpp"
#include "filmatlas/cluster/detail/tree_vectors.hpp"
#include "filmatlas/cluster/linkage.hpp"
#include "filmatlas/cluster/node_figures.hpp"
#include "filmatlas/core/error.hpp"
#include "filmatlas/core/parallel.hpp"
#include "filmatlas/core/random.hpp"

namespace filmatlas {
namespace detail {

/// Ward's height at which the two halves of a finest node meet.
inline double figures_halves(const TreeVectors& vectors, std::span<const Index> items) {
    const std::vector<Index> valid = tree_valid(vectors, items);
    if (valid.size() < 2) return 0;
    const KMeansResult halves = tree_parts(vectors, valid, 2, 1);
    const auto a = static_cast<double>(halves.sizes[0]);
    const auto b = static_cast<double>(halves.sizes[1]);
    if (!(a > 0 && b > 0)) return 0;
    double distance2 = 0;
    for (std::int64_t j = 0; j < vectors.cols(); ++j) {
        const double gap =
            static_cast<double>(halves.centroids(0, j)) - static_cast<double>(halves.centroids(1, j));
        distance2 += gap * gap;
    }
    return std::sqrt(2.0 * a * b / (a + b) * distance2);
}

/// Heights of Ward's tree over the means of some nodes: where each is joined first, and the highest.
struct FigureHeights {
    std::vector<double> joined;
    double root = 0;
};
inline FigureHeights figures_ward(const TreeSums& sums, const std::vector<Index>& nodes, int num_threads) {
    FigureHeights out;
    out.joined.assign(nodes.size(), 0.0);
    std::vector<Index> used;  // positions among the nodes
    for (std::size_t c = 0; c < nodes.size(); ++c) {
        if (sums.count[static_cast<std::size_t>(nodes[c])] > 0) used.push_back(static_cast<Index>(c));
    }
    if (used.size() < 2) return out;
    Matrix<double> means(static_cast<std::int64_t>(used.size()), sums.sum.cols());
    std::vector<double> weight;
    for (std::size_t u = 0; u < used.size(); ++u) {
        const Index node = nodes[static_cast<std::size_t>(used[u])];
        weight.push_back(static_cast<double>(sums.count[static_cast<std::size_t>(node)]));
        for (std::int64_t j = 0; j < means.cols(); ++j)
            means(static_cast<std::int64_t>(u), j) = sums.sum(node, j) / weight.back();
    }
    LinkageOptions options;
    options.num_threads = num_threads;
    const LinkageTree tree = linkage_ward_weighted(means.view(), weight, options);
    for (std::int64_t m = 0; m < tree.merges.rows(); ++m) {
        for (std::int64_t side = 0; side < 2; ++side) {
            const auto id = static_cast<std::size_t>(tree.merges(m, side));
            if (id < used.size()) out.joined[static_cast<std::size_t>(used[id])] = tree.merges(m, 2);
        }
    }
    out.root = tree.merges(tree.merges.rows() - 1, 2);
    return out;
}

/// Shares of 1 that a node lasts between falling apart and being joined.
inline std::vector<float> figures_persistence(const Hierarchy& tree, const TreeVectors& vectors,
                                              const TreeSums& sums, int num_threads,
                                              const Progress& progress) {
    const auto count = static_cast<std::size_t>(tree.num_nodes());
    const double never = std::numeric_limits<double>::infinity();
    std::vector<double> apart(count, 0.0);
    std::vector<double> joined(count, never);
    const Index finest = tree.level_begin[static_cast<std::size_t>(tree.num_levels()) - 1];
    parallel_for(
        tree.num_nodes() - finest, 1, num_threads,
        [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t at = begin; at < end; ++at) {
                const auto node = static_cast<Index>(finest + at);
                apart[static_cast<std::size_t>(node)] = figures_halves(vectors, tree.items(node));
            }
        },
        progress, "node_figures");
    for (auto node = static_cast<Index>(finest - 1); node >= 0;
         --node) {  // children come after their parents
        const std::vector<Index> children = tree.children(node);
        const auto at = static_cast<std::size_t>(node);
        if (children.size() == 1) {
            apart[at] = apart[static_cast<std::size_t>(children[0])];
            continue;
        }
        const FigureHeights heights = figures_ward(sums, children, num_threads);
        apart[at] = heights.root;
        for (std::size_t c = 0; c < children.size(); ++c)
            joined[static_cast<std::size_t>(children[c])] = heights.joined[c];
    }
    if (tree.num_nodes(0) > 1) {
        std::vector<Index> top(static_cast<std::size_t>(tree.num_nodes(0)));
        std::iota(top.begin(), top.end(), Index{0});
        const FigureHeights heights = figures_ward(sums, top, num_threads);
        for (std::size_t c = 0; c < top.size(); ++c) joined[c] = heights.joined[c];
    }
    std::vector<float> out(count);
    for (std::size_t node = 0; node < count; ++node) {
        const Index parent = tree.nodes[node].parent;
        if (parent >= 0 && tree.nodes[static_cast<std::size_t>(parent)].size() == tree.nodes[node].size()) {
            joined[node] = joined[static_cast<std::size_t>(parent)];
        }
        out[node] =
            joined[node] > 0 ? static_cast<float>(std::max(0.0, 1.0 - apart[node] / joined[node])) : 0.0F;
    }
    return out;
}

inline float figures_quantile(std::vector<float> values, double q) {
    if (values.empty()) return std::numeric_limits<float>::quiet_NaN();
    std::sort(values.begin(), values.end());
    const double at = q * static_cast<double>(values.size() - 1);
    const auto low = static_cast<std::size_t>(at);
    const std::size_t high = std::min(low + 1, values.size() - 1);
    const double share = at - static_cast<double>(low);
    return static_cast<float>((1 - share) * static_cast<double>(values[low]) +
                              share * static_cast<double>(values[high]));
}

/// `take` of n items without replacement, ascending.
inline std::vector<Index> figures_sample(std::int64_t n, std::int64_t take, std::uint64_t seed,
                                         std::uint64_t replicate) {
    std::vector<Index> items(static_cast<std::size_t>(n));
    std::iota(items.begin(), items.end(), Index{0});
    RandomStream random(seed, "node_stability", replicate);
    for (std::int64_t i = 0; i < take; ++i) {
        const auto other = static_cast<std::size_t>(i) + random.below(static_cast<std::uint64_t>(n - i));
        std::swap(items[static_cast<std::size_t>(i)], items[other]);
    }
    items.resize(static_cast<std::size_t>(take));
    std::sort(items.begin(), items.end());
    return items;
}

/// Adds, for every node that has items here, the Jaccard index of the group there that is most alike.
inline void figures_add_matches(const std::vector<Index>& here, std::int64_t nodes, const std::vector<Index>& there,
                                std::int64_t groups, std::vector<float>* scores) {
    const std::vector<std::int64_t> size_here = group_sizes(here, nodes);
    const std::vector<std::int64_t> size_there = group_sizes(there, groups);
    std::vector<double> best(size_here.size(), 0.0);
    for (const GroupOverlap& both : group_overlaps(here, there)) {
        const auto node = static_cast<std::size_t>(both.a);
        const std::int64_t all = size_here[node] + size_there[static_cast<std::size_t>(both.b)] - both.common;
        best[node] = std::max(best[node], static_cast<double>(both.common) / static_cast<double>(all));
    }
    for (std::size_t node = 0; node < best.size(); ++node) {
        if (size_here[node] > 0) scores[node].push_back(static_cast<float>(best[node]));
    }
}

}  // namespace detail

FILMATLAS_INLINE NodeFigures node_figures(const Hierarchy& hierarchy, MatrixView<const float> X,
                                          Metric metric, int num_threads, const Progress& progress) {
    detail::tree_need_rows(hierarchy, X, "node_figures");
    NodeFigures out;
    if (hierarchy.num_nodes() == 0) return out;
    const detail::TreeVectors vectors(X, metric, num_threads);
    const detail::TreeSums sums = detail::tree_sums(hierarchy, vectors, num_threads);
    const Matrix<double> centres = detail::tree_centres(vectors, sums);
    const auto count = static_cast<std::size_t>(hierarchy.num_nodes());
    for (const HierarchyNode& node : hierarchy.nodes) out.size.push_back(node.size());
    out.cohesion.assign(count, std::numeric_limits<float>::quiet_NaN());
    out.separation.assign(count, std::numeric_limits<float>::quiet_NaN());
    out.nearest.assign(count, -1);
    parallel_for(
        hierarchy.num_nodes(), 4, num_threads,
        [&](std::int64_t begin, std::int64_t end) {
            std::vector<double> row(static_cast<std::size_t>(X.cols));
            for (std::int64_t node = begin; node < end; ++node) {
                const auto at = static_cast<std::size_t>(node);
                if (sums.count[at] == 0) continue;
                double sum = 0;
                for (const Index item : hierarchy.items(static_cast<Index>(node))) {
                    if (!vectors.valid(item)) continue;
                    vectors.copy_row(item, row.data());
                    sum += vectors.closeness(row.data(), centres.row_data(node));
                }
                out.cohesion[at] = static_cast<float>(sum / static_cast<double>(sums.count[at]));
                const HierarchyNode& own = hierarchy.nodes[at];
                double nearest = std::numeric_limits<double>::infinity();
                const auto look = [&](bool siblings) {
                    const auto level = static_cast<std::size_t>(own.level);
                    for (Index other = hierarchy.level_begin[level]; other < hierarchy.level_begin[level + 1];
                         ++other) {
                        const auto to = static_cast<std::size_t>(other);
                        if (other == node || sums.count[to] == 0) continue;
                        if (siblings && hierarchy.nodes[to].parent != own.parent) continue;
                        const double distance =
                            vectors.distance(centres.row_data(node), centres.row_data(other));
                        if (distance >= nearest) continue;
                        nearest = distance;
                        out.nearest[at] = other;
                    }
                };
                look(true);
                if (out.nearest[at] < 0) look(false);
                if (out.nearest[at] >= 0) out.separation[at] = static_cast<float>(nearest);
            }
        },
        progress, "node_figures");
    out.persistence = detail::figures_persistence(hierarchy, vectors, sums, num_threads, progress);
    return out;
}

FILMATLAS_INLINE void validate(const StabilityOptions& options) {
    if (options.replicates < 1) {
        throw_invalid("node_stability", "replicates", "is " + std::to_string(options.replicates),
                      "use 1 or more");
    }
    if (!(options.share > 0 && options.share < 1)) {
        throw_invalid("node_stability", "share", "is " + to_text(options.share), "use a share in (0, 1)");
    }
}

FILMATLAS_INLINE NodeStability node_stability(const Hierarchy& hierarchy, MatrixView<const float> X,
                                              const KnnGraph& graph, const NestedOptions& options,
                                              const StabilityOptions& stability, const Progress& progress) {
    validate(stability);
    detail::tree_need_rows(hierarchy, X, "node_stability");
    detail::tree_need_graph(graph, X, "node_stability");
    NestedOptions same = options;
    same.level_names = hierarchy.level_names;
    same.level_ranges.reset();
    if (!same.n_clusters) {
        same.n_clusters.emplace();
        for (int level = 0; level < hierarchy.num_levels(); ++level) {
            same.n_clusters->push_back(static_cast<int>(hierarchy.num_nodes(level)));
        }
    }
    validate(same);
    const std::int64_t n = hierarchy.num_items();
    const auto take = std::clamp<std::int64_t>(std::llround(stability.share * static_cast<double>(n)), 1, n);
    std::vector<std::vector<float>> scores(static_cast<std::size_t>(hierarchy.num_nodes()));
    std::vector<std::vector<Index>> node_of;
    for (int level = 0; level < hierarchy.num_levels(); ++level) node_of.push_back(hierarchy.labels(level));
    for (int r = 0; r < stability.replicates; ++r) {
        const std::vector<Index> items =
            detail::figures_sample(n, take, stability.seed, static_cast<std::uint64_t>(r));
        const Matrix<float> rows = detail::subset_rows(X, items);
        const NestedResult found =
            nested_clusters(rows.view(), detail::subset_graph(graph, items), same, progress);
        for (int level = 0; level < hierarchy.num_levels(); ++level) {
            std::vector<Index> here;
            here.reserve(items.size());
            for (const Index item : items) {
                here.push_back(node_of[static_cast<std::size_t>(level)][static_cast<std::size_t>(item)]);
            }
            const Index first = hierarchy.level_begin[static_cast<std::size_t>(level)];
            detail::figures_add_matches(here, hierarchy.num_nodes(level), found.hierarchy.labels(level),
                                        found.hierarchy.num_nodes(level), scores.data() + first);
        }
        progress("node_stability", r + 1, stability.replicates);
    }
    NodeStability out;
    for (const auto& values : scores) {
        out.median.push_back(detail::figures_quantile(values, 0.5));
        out.low.push_back(detail::figures_quantile(values, 0.1));
    }
    return out;
}

FILMATLAS_INLINE ItemStrength item_strength(const Hierarchy& hierarchy, MatrixView<const float> X,
                                            Metric metric, int num_threads) {
    detail::tree_need_rows(hierarchy, X, "item_strength");
    const std::int64_t n = hierarchy.num_items();
    const std::int64_t levels = hierarchy.num_levels();
    const detail::TreeVectors vectors(X, metric, num_threads);
    ItemStrength out;
    out.strength.assign(static_cast<std::size_t>(n * levels), 0.0F);
    out.runner_up.assign(static_cast<std::size_t>(n * levels), -1);
    if (n == 0) return out;
    const detail::TreeSums sums = detail::tree_sums(hierarchy, vectors, num_threads);
    const Matrix<double> centres = detail::tree_centres(vectors, sums);
    const std::vector<Index> leaves = hierarchy.leaves();
    parallel_for(n, 256, num_threads, [&](std::int64_t begin, std::int64_t end) {
        std::vector<double> row(static_cast<std::size_t>(X.cols));
        for (std::int64_t i = begin; i < end; ++i) {
            if (!vectors.valid(static_cast<Index>(i))) continue;
            vectors.copy_row(static_cast<Index>(i), row.data());
            for (Index own = leaves[static_cast<std::size_t>(i)]; own >= 0;
                 own = hierarchy.nodes[static_cast<std::size_t>(own)].parent) {
                const detail::SiblingStrength found = detail::sibling_strength(
                    hierarchy, own, vectors.unit(),
                    [&](Index other) { return sums.count[static_cast<std::size_t>(other)] > 0; },
                    [&](Index other) { return vectors.closeness(row.data(), centres.row_data(other)); });
                const int level = hierarchy.nodes[static_cast<std::size_t>(own)].level;
                const auto slot = static_cast<std::size_t>(i * levels + level);
                out.strength[slot] = static_cast<float>(found.value);
                out.runner_up[slot] = found.runner_up;
            }
        }
    });
    return out;
}

}  // namespace filmatlas
#endif  // FILMATLAS_CLUSTER_DETAIL_NODE_FIGURES_IMPL_HPP
