// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_CLUSTER_DETAIL_HIERARCHY_SCORES_IMPL_HPP
#define FILMATLAS_CLUSTER_DETAIL_HIERARCHY_SCORES_IMPL_HPP

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "filmatlas/cluster/scores.hpp"
#include "filmatlas/core/error.hpp"

namespace filmatlas {
namespace detail {

inline void score_check_graph(const char* where, const Hierarchy& hierarchy, const KnnGraph& graph) {
    if (graph.size() == hierarchy.num_items()) return;
    throw_shape(where,
                "a graph of " + std::to_string(graph.size()) + " items for a hierarchy of " +
                    std::to_string(hierarchy.num_items()),
                "pass the graph of the same items");
}

}  // namespace detail

FILMATLAS_INLINE bool NestingReport::strict() const noexcept {
    const auto zero = [](std::int64_t count) { return count == 0; };
    return std::all_of(violations.begin(), violations.end(), zero) &&
           std::all_of(orphans.begin(), orphans.end(), zero);
}

FILMATLAS_INLINE NestingReport nesting_report(const std::vector<std::vector<Index>>& labels) {
    NestingReport out;
    for (std::size_t level = 0; level < labels.size(); ++level) {
        if (labels[level].size() != labels.front().size()) {
            throw_shape("nesting_report",
                        "level " + std::to_string(level) + " has " + std::to_string(labels[level].size()) +
                            " labels, level 0 has " + std::to_string(labels.front().size()),
                        "every level needs one label per item");
        }
        std::int64_t covered = 0;
        for (const Index label : labels[level]) covered += label >= 0 ? 1 : 0;
        out.coverage.push_back(labels[level].empty() ? 0.0
                                                     : static_cast<double>(covered) /
                                                           static_cast<double>(labels[level].size()));
        if (level == 0) continue;
        std::vector<Index> fine;
        std::vector<Index> coarse;
        std::int64_t orphans = 0;
        for (std::size_t i = 0; i < labels[level].size(); ++i) {
            if (labels[level][i] < 0) continue;
            if (labels[level - 1][i] < 0) {
                ++orphans;
                continue;
            }
            fine.push_back(labels[level][i]);
            coarse.push_back(labels[level - 1][i]);
        }
        const Contingency table = contingency(fine, coarse);
        std::int64_t violations = 0;
        for (std::int64_t row = 0; row < table.counts.rows; ++row) {
            const auto counts = table.counts.row_values(row);
            violations += table.row_sums[static_cast<std::size_t>(row)] -
                          *std::max_element(counts.begin(), counts.end());
        }
        out.violations.push_back(violations);
        out.orphans.push_back(orphans);
    }
    return out;
}

FILMATLAS_INLINE std::vector<LevelScore> level_scores(MatrixView<const float> X, const Hierarchy& hierarchy,
                                                      const SilhouetteOptions& options) {
    std::vector<LevelScore> out;
    for (int level = 0; level < hierarchy.num_levels(); ++level) {
        const std::vector<Index> labels = hierarchy.labels(level);
        const SilhouetteResult scores = silhouette(X, labels, options);
        out.push_back({size_balance(labels), scores.mean, scores.per_label});
    }
    return out;
}

FILMATLAS_INLINE double dendrogram_purity(const Hierarchy& hierarchy, std::span<const Index> classes) {
    if (static_cast<std::int64_t>(classes.size()) != hierarchy.num_items()) {
        throw_shape("dendrogram_purity",
                    std::to_string(classes.size()) + " classes for " +
                        std::to_string(hierarchy.num_items()) + " items",
                    "pass one class per item");
    }
    // A node of purity q for a class gives q to each pair of the class inside it, less what its children give
    // better themselves: every pair is counted at its smallest node alone.
    std::vector<std::pair<std::uint64_t, std::size_t>> keys;  // (node << 32 | class), item
    std::vector<double> parent_purity(classes.size(), 0.0);
    double sum = 0;
    double pairs = 0;
    for (int level = -1; level < hierarchy.num_levels(); ++level) {
        const std::vector<Index> node =
            level < 0 ? std::vector<Index>(classes.size(), 0) : hierarchy.labels(level);
        std::vector<double> known(static_cast<std::size_t>(level < 0 ? 1 : hierarchy.num_nodes(level)), 0.0);
        keys.clear();
        for (std::size_t i = 0; i < classes.size(); ++i) {
            if (classes[i] < 0) continue;
            keys.emplace_back(static_cast<std::uint64_t>(node[i]) << 32U | static_cast<std::uint64_t>(classes[i]),
                              i);
            known[static_cast<std::size_t>(node[i])] += 1;
        }
        std::sort(keys.begin(), keys.end());
        for (std::size_t first = 0; first < keys.size();) {
            std::size_t last = first;
            while (last < keys.size() && keys[last].first == keys[first].first) ++last;
            const auto count = static_cast<double>(last - first);
            const double purity = count / known[static_cast<std::size_t>(keys[first].first >> 32U)];
            const double inside = 0.5 * count * (count - 1);
            if (level < 0) pairs += inside;
            sum += inside * (purity - parent_purity[keys[first].second]);
            for (; first < last; ++first) parent_purity[keys[first].second] = purity;
        }
    }
    return pairs > 0 ? sum / pairs : 1.0;
}

FILMATLAS_INLINE double dasgupta_cost(const Hierarchy& hierarchy, const KnnGraph& graph) {
    detail::score_check_graph("dasgupta_cost", hierarchy, graph);
    if (hierarchy.num_items() == 0) return 0;
    const auto n = static_cast<double>(hierarchy.num_items());
    double cost = 0;
    double edges = 0;
    std::vector<double> smallest(static_cast<std::size_t>(graph.indices.rows() * graph.indices.cols()), n);
    for (int level = 0; level < hierarchy.num_levels(); ++level) {
        const std::vector<Index> node = hierarchy.labels(level);
        const Index first = hierarchy.level_begin[static_cast<std::size_t>(level)];
        std::size_t slot = 0;
        for (std::int64_t i = 0; i < graph.size(); ++i) {
            for (const Index j : graph.indices.row(i)) {
                const Index mine = node[static_cast<std::size_t>(i)];
                if (j >= 0 && j != i && mine == node[static_cast<std::size_t>(j)]) {
                    smallest[slot] =
                        static_cast<double>(hierarchy.nodes[static_cast<std::size_t>(first + mine)].size());
                }
                ++slot;
            }
        }
    }
    std::size_t slot = 0;
    for (std::int64_t i = 0; i < graph.size(); ++i) {
        for (const Index j : graph.indices.row(i)) {
            if (j >= 0 && j != i) {
                cost += smallest[slot];
                edges += 1;
            }
            ++slot;
        }
    }
    return edges > 0 ? cost / (edges * n) : 0.0;
}

FILMATLAS_INLINE std::vector<double> neighbor_containment(const Hierarchy& hierarchy, const KnnGraph& graph) {
    detail::score_check_graph("neighbor_containment", hierarchy, graph);
    std::vector<double> out;
    for (int level = 0; level < hierarchy.num_levels(); ++level) {
        const std::vector<Index> node = hierarchy.labels(level);
        double inside = 0;
        double edges = 0;
        for (std::int64_t i = 0; i < graph.size(); ++i) {
            for (const Index j : graph.indices.row(i)) {
                if (j < 0 || j == i) continue;
                edges += 1;
                if (node[static_cast<std::size_t>(i)] == node[static_cast<std::size_t>(j)]) inside += 1;
            }
        }
        out.push_back(edges > 0 ? inside / edges : 0.0);
    }
    return out;
}

}  // namespace filmatlas
#endif  // FILMATLAS_CLUSTER_DETAIL_HIERARCHY_SCORES_IMPL_HPP
