// SPDX-License-Identifier: MIT
// Before the guard: header-only, this includes the bodies, which need what follows.
#include "filmatlas/cluster/hierarchy_update.hpp"

#ifndef FILMATLAS_CLUSTER_DETAIL_RECLUSTER_PART_HPP
#define FILMATLAS_CLUSTER_DETAIL_RECLUSTER_PART_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "filmatlas/cluster/detail/subset_graph.hpp"
#include "filmatlas/cluster/detail/tree_build.hpp"
#include "filmatlas/cluster/nested.hpp"

/// @file recluster_part.hpp
/// @brief One part of a tree made anew while the rest stays: the work of `recluster_nodes` and `nested_under`.

namespace filmatlas::detail {

inline bool update_inside(const Hierarchy& tree, Index node, Index above) {
    const HierarchyNode& a = tree.nodes[static_cast<std::size_t>(node)];
    const HierarchyNode& b = tree.nodes[static_cast<std::size_t>(above)];
    return a.level > b.level && a.begin >= b.begin && a.end <= b.end;
}

/// Counts that share `total` in proportion to `weight` (largest remainders), at least `least` each.
inline std::vector<int> update_shares(int total, const std::vector<std::int64_t>& weight,
                                      const std::vector<int>& least) {
    const double sum = static_cast<double>(std::accumulate(weight.begin(), weight.end(), std::int64_t{0}));
    std::vector<int> out;
    std::vector<std::pair<double, std::size_t>> remainder;
    int given = 0;
    for (std::size_t i = 0; i < weight.size(); ++i) {
        const double exact = total * static_cast<double>(weight[i]) / sum;
        out.push_back(std::max(least[i], static_cast<int>(exact)));
        given += out.back();
        remainder.emplace_back(static_cast<double>(out.back()) - exact, i);
    }
    std::sort(remainder.begin(), remainder.end());
    for (const auto& [over, i] : remainder) {
        if (given >= total || over >= 0) break;
        ++out[i];
        ++given;
    }
    return out;
}

/// Which old node each group of a part made anew is: Jaccard above 1/2, which no two can have with one node.
inline std::vector<Index> update_recognise(const Hierarchy& tree, const std::vector<Index>& old_node,
                                           std::span<const Index> items, const std::vector<Index>& label,
                                           std::size_t groups) {
    std::vector<std::pair<Index, Index>> pairs;
    std::vector<std::int64_t> size(groups, 0);
    for (std::size_t r = 0; r < items.size(); ++r) {
        pairs.emplace_back(label[r], old_node[static_cast<std::size_t>(items[r])]);
        ++size[static_cast<std::size_t>(label[r])];
    }
    std::sort(pairs.begin(), pairs.end());
    std::vector<Index> out(groups, -1);
    for (std::size_t p = 0; p < pairs.size();) {
        const auto pair = pairs[p];
        std::int64_t common = 0;
        for (; p < pairs.size() && pairs[p] == pair; ++p) ++common;
        const auto group = static_cast<std::size_t>(pair.first);
        const std::int64_t all =
            size[group] + tree.nodes[static_cast<std::size_t>(pair.second)].size() - common;
        if (2 * common > all) out[group] = pair.second;
    }
    return out;
}

/// One named node for recluster_nodes: new labels for its items that are not pinned.
inline void update_recluster(const Hierarchy& tree, Index node, std::span<const Index> pinned,
                             const std::vector<std::vector<Index>>& paths, MatrixView<const float> X,
                             const KnnGraph& graph, const NestedOptions& given, const Progress& progress,
                             TreePlan& plan, RunInfo& run) {
    const HierarchyNode& entry = tree.nodes[static_cast<std::size_t>(node)];
    const auto first_level = static_cast<std::size_t>(entry.level) + 1;
    const auto levels = static_cast<std::size_t>(tree.num_levels());
    std::vector<Index> fixed;
    for (const Index pin : pinned) {
        if (update_inside(tree, pin, node)) fixed.push_back(pin);
    }
    const auto is_fixed = [&](Index other) {
        return std::any_of(fixed.begin(), fixed.end(), [&](Index pin) {
            return other == pin || update_inside(tree, other, pin) || update_inside(tree, pin, other);
        });
    };
    std::vector<Index> items;
    for (const Index item : tree.items(node)) {
        const Index leaf = paths.back()[static_cast<std::size_t>(item)];
        const bool held = std::any_of(fixed.begin(), fixed.end(), [&](Index pin) {
            return leaf == pin || update_inside(tree, leaf, pin);
        });
        if (!held) items.push_back(item);
    }
    if (items.empty()) return;
    std::sort(items.begin(), items.end());

    NestedOptions options = given;
    options.level_names.assign(tree.level_names.begin() + static_cast<std::ptrdiff_t>(first_level),
                               tree.level_names.end());
    std::optional<std::vector<int>> counts;
    if (given.level_ranges) {
        options.level_ranges->assign(given.level_ranges->begin() + static_cast<std::ptrdiff_t>(first_level),
                                     given.level_ranges->end());
    } else {
        std::vector<int> before;
        for (std::size_t level = first_level; level < levels; ++level) {
            const int least = before.empty() ? 1 : before.back();
            int inside = 0;
            for (Index other = tree.level_begin[level]; other < tree.level_begin[level + 1]; ++other) {
                if (update_inside(tree, other, node) && !is_fixed(other)) ++inside;
            }
            before.push_back(std::max(least, inside));
        }
        counts = std::move(before);
    }
    options.n_clusters = std::move(counts);
    const Matrix<float> rows = subset_rows(X, items);
    const NestedResult found = nested_clusters(rows.view(), subset_graph(graph, items), options, progress);
    run.iterations += found.run.iterations;
    run.converged = run.converged && found.run.converged;
    for (const std::string& warning : found.run.warnings) {
        run.warnings.push_back("inside node " + std::to_string(node) + ": " + warning);
    }
    for (std::size_t level = first_level; level < levels; ++level) {
        const auto inner = static_cast<int>(level - first_level);
        const std::vector<Index> label = found.hierarchy.labels(inner);
        const auto groups = static_cast<std::size_t>(found.hierarchy.num_nodes(inner));
        std::vector<Index> was = update_recognise(tree, paths[level], items, label, groups);
        const auto from = static_cast<Index>(plan.previous[level].size());
        for (Index& id : was) {
            if (id >= 0 && (is_fixed(id) || !update_inside(tree, id, node))) id = -1;
        }
        plan.previous[level].insert(plan.previous[level].end(), was.begin(), was.end());
        for (std::size_t r = 0; r < items.size(); ++r) {
            plan.label[level][static_cast<std::size_t>(items[r])] = from + label[r];
        }
    }
}

}  // namespace filmatlas::detail
#endif  // FILMATLAS_CLUSTER_DETAIL_RECLUSTER_PART_HPP
