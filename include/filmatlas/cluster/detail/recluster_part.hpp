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

#include "filmatlas/cluster/detail/group_overlaps.hpp"
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
                                           std::int64_t groups) {
    std::vector<Index> was;
    was.reserve(items.size());
    for (const Index item : items) was.push_back(old_node[static_cast<std::size_t>(item)]);
    const std::vector<std::int64_t> size = group_sizes(label, groups);
    std::vector<Index> out(size.size(), -1);
    for (const GroupOverlap& both : group_overlaps(label, was)) {
        const auto group = static_cast<std::size_t>(both.a);
        const std::int64_t all = size[group] + tree.nodes[static_cast<std::size_t>(both.b)].size() - both.common;
        if (2 * both.common > all) out[group] = both.b;
    }
    return out;
}

/// A node whose inside is made anew, but for what is pinned there.
class ReclusterPart {
public:
    ReclusterPart(const Hierarchy& tree, Index node, std::span<const Index> pinned,
                  const std::vector<std::vector<Index>>& paths)
        : tree_(tree), node_(node), paths_(paths) {
        for (const Index pin : pinned) {
            if (update_inside(tree, pin, node)) pinned_.push_back(pin);
        }
        for (const Index item : tree.items(node)) {
            if (!held(paths.back()[static_cast<std::size_t>(item)])) items_.push_back(item);
        }
        std::sort(items_.begin(), items_.end());
    }

    /// Those that are not pinned, ascending.
    const std::vector<Index>& items() const { return items_; }

    /// For the levels below the node; as many nodes as there are now unless ranges were given.
    NestedOptions options(const NestedOptions& given) const {
        const auto first = static_cast<std::ptrdiff_t>(first_level());
        NestedOptions out = given;
        out.level_names.assign(tree_.level_names.begin() + first, tree_.level_names.end());
        out.n_clusters = std::nullopt;
        if (given.level_ranges) {
            out.level_ranges->assign(given.level_ranges->begin() + first, given.level_ranges->end());
        } else {
            out.n_clusters = counts();
        }
        return out;
    }

    /// Enters what was found: labels after those that the plan holds, and which nodes were there before.
    void enter(const Hierarchy& found, TreePlan& plan) const {
        for (std::size_t level = first_level(); level < plan.label.size(); ++level) {
            const auto inner = static_cast<int>(level - first_level());
            const std::vector<Index> label = found.labels(inner);
            std::vector<Index> was = update_recognise(tree_, paths_[level], items_, label, found.num_nodes(inner));
            for (Index& id : was) {
                if (id >= 0 && (touches_pinned(id) || !update_inside(tree_, id, node_))) id = -1;
            }
            const auto from = static_cast<Index>(plan.previous[level].size());
            plan.previous[level].insert(plan.previous[level].end(), was.begin(), was.end());
            for (std::size_t r = 0; r < items_.size(); ++r) {
                plan.label[level][static_cast<std::size_t>(items_[r])] = from + label[r];
            }
        }
    }

private:
    std::size_t first_level() const {
        return static_cast<std::size_t>(tree_.nodes[static_cast<std::size_t>(node_)].level) + 1;
    }
    /// Whether a pinned node is this one or above it.
    bool held(Index other) const {
        return std::any_of(pinned_.begin(), pinned_.end(),
                           [&](Index pin) { return other == pin || update_inside(tree_, other, pin); });
    }
    bool touches_pinned(Index other) const {
        return held(other) || std::any_of(pinned_.begin(), pinned_.end(),
                                          [&](Index pin) { return update_inside(tree_, pin, other); });
    }
    std::vector<int> counts() const {
        std::vector<int> out;
        for (std::size_t level = first_level(); level < static_cast<std::size_t>(tree_.num_levels()); ++level) {
            int inside = 0;
            for (Index other = tree_.level_begin[level]; other < tree_.level_begin[level + 1]; ++other) {
                if (update_inside(tree_, other, node_) && !touches_pinned(other)) ++inside;
            }
            out.push_back(std::max(out.empty() ? 1 : out.back(), inside));
        }
        return out;
    }

    const Hierarchy& tree_;
    Index node_;
    const std::vector<std::vector<Index>>& paths_;  ///< per level, the node of every item
    std::vector<Index> pinned_;                     ///< inside the node
    std::vector<Index> items_;
};

/// One named node for recluster_nodes: new labels for its items that are not pinned.
inline void update_recluster(const Hierarchy& tree, Index node, std::span<const Index> pinned,
                             const std::vector<std::vector<Index>>& paths, MatrixView<const float> X,
                             const KnnGraph& graph, const NestedOptions& given, const Progress& progress,
                             TreePlan& plan, RunInfo& run) {
    const ReclusterPart part(tree, node, pinned, paths);
    if (part.items().empty()) return;
    const Matrix<float> rows = subset_rows(X, part.items());
    const NestedResult found =
        nested_clusters(rows.view(), subset_graph(graph, part.items()), part.options(given), progress);
    run.iterations += found.run.iterations;
    run.converged = run.converged && found.run.converged;
    for (const std::string& warning : found.run.warnings) {
        run.warnings.push_back("inside node " + std::to_string(node) + ": " + warning);
    }
    part.enter(found.hierarchy, plan);
}

}  // namespace filmatlas::detail
#endif  // FILMATLAS_CLUSTER_DETAIL_RECLUSTER_PART_HPP
