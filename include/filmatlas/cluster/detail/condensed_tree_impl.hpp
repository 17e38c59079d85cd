// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_CLUSTER_DETAIL_CONDENSED_TREE_IMPL_HPP
#define FILMATLAS_CLUSTER_DETAIL_CONDENSED_TREE_IMPL_HPP

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "filmatlas/cluster/condensed_tree.hpp"
#include "filmatlas/cluster/detail/condensed_tree_core.hpp"
#include "filmatlas/core/error.hpp"

namespace filmatlas {

FILMATLAS_INLINE void validate(const CondensedTree& tree) {
    const std::int64_t n = tree.num_items();
    const std::int64_t c = tree.num_clusters();
    const auto sized = [](const auto& values, std::int64_t size) {
        return static_cast<std::int64_t>(values.size()) == size;
    };
    if (c < 1) detail::throw_condensed(-1, "there is no root");
    if (!sized(tree.point_lambda, n) || !(tree.point_weight.empty() || sized(tree.point_weight, n)) ||
        !sized(tree.cluster_birth, c) || !sized(tree.cluster_size, c) || !sized(tree.cluster_stability, c) ||
        !sized(tree.cluster_death, c)) {
        detail::throw_condensed(-1, "the arrays' lengths differ");
    }
    for (std::int64_t k = 0; k < c; ++k) {
        const Index parent = tree.cluster_parent[static_cast<std::size_t>(k)];
        if (parent >= k || (k == 0) != (parent < 0)) {
            detail::throw_condensed(k, "cluster " + std::to_string(k) + " does not come after its parent");
        }
    }
    for (std::int64_t i = 0; i < n; ++i) {
        const Index cluster = tree.point_cluster[static_cast<std::size_t>(i)];
        if (cluster < -1 || cluster >= c || !std::isfinite(tree.point_lambda[static_cast<std::size_t>(i)])) {
            detail::throw_condensed(i, "item " + std::to_string(i) + " has no valid cluster or lambda");
        }
    }
}

FILMATLAS_INLINE CondensedTree condense(const SingleLinkageTree& tree, double min_cluster_size) {
    const bool weighted = !tree.weight.empty();
    if (!(min_cluster_size >= (weighted ? 0.0 : 2.0)) || !(min_cluster_size > 0)) {
        throw_invalid("hdbscan", "min_cluster_size", "is " + to_text(min_cluster_size),
                      weighted ? "use a positive number" : "use at least 2");
    }
    return detail::TreeCondenser(tree, min_cluster_size).run();
}

FILMATLAS_INLINE CondensedTree simplify(const CondensedTree& tree, double persistence) {
    if (!(persistence >= 0)) {
        throw_invalid("hdbscan", "cluster_selection_persistence", "is " + to_text(persistence),
                      "use 0 or more");
    }
    const auto count = static_cast<std::size_t>(tree.num_clusters());
    if (persistence == 0 || count == 1) return tree;
    const detail::ClusterChildren children = detail::cluster_children(tree.cluster_parent);
    enum class Fate : char { Keep, Merge, Drop };  // Merge: becomes its parent; Drop: falls out at its birth
    std::vector<Fate> fate(count, Fate::Keep);
    std::vector<char> leaf(count, 0);
    const std::vector<double> peak = detail::condensed_peaks(tree);
    for (std::size_t c = count; c-- > 0;) {
        const auto parts = children.of(c);
        leaf[c] = parts.empty() ? 1 : 0;
        if (parts.empty()) continue;
        const auto above = [&](Index part) {
            return peak[static_cast<std::size_t>(part)] - tree.cluster_birth[static_cast<std::size_t>(part)];
        };
        const auto persists = [&](Index part) { return above(part) >= persistence; };
        const bool splits = std::count_if(parts.begin(), parts.end(), persists) >= 2;
        Index best = parts.front();
        for (const Index part : parts) {
            if (above(part) > above(best)) best = part;
        }
        const bool dissolves = !splits && leaf[static_cast<std::size_t>(best)] != 0;
        for (const Index part : parts) {
            Fate& f = fate[static_cast<std::size_t>(part)];
            if (splits) {
                f = persists(part) ? Fate::Keep : Fate::Drop;
            } else {
                f = dissolves || part == best ? Fate::Merge : Fate::Drop;
            }
        }
        if (dissolves) leaf[c] = 1;
    }
    CondensedTree out = tree;
    out.cluster_parent.clear();
    out.cluster_birth.clear();
    out.cluster_size.clear();
    // Where the items and children of each old cluster go, and the lambda that dropped ones get (-1: their
    // own).
    std::vector<Index> target(count, 0);
    std::vector<double> cap(count, -1.0);
    for (std::size_t c = 0; c < count; ++c) {
        const auto parent = c == 0 ? std::size_t{0} : static_cast<std::size_t>(tree.cluster_parent[c]);
        if (c > 0) cap[c] = cap[parent];
        if (c > 0 && fate[c] != Fate::Keep) {
            target[c] = target[parent];
            if (fate[c] == Fate::Drop && cap[c] < 0) cap[c] = tree.cluster_birth[c];
            continue;
        }
        const Index above = c == 0 ? Index{-1} : target[parent];
        target[c] = static_cast<Index>(out.cluster_parent.size());
        out.cluster_parent.push_back(above);
        out.cluster_birth.push_back(tree.cluster_birth[c]);
        out.cluster_size.push_back(tree.cluster_size[c]);
    }
    for (std::size_t i = 0; i < tree.point_cluster.size(); ++i) {
        if (tree.point_cluster[i] < 0) continue;
        const auto from = static_cast<std::size_t>(tree.point_cluster[i]);
        out.point_cluster[i] = target[from];
        if (cap[from] >= 0) out.point_lambda[i] = cap[from];
    }
    detail::condensed_measure(out);
    return out;
}

FILMATLAS_INLINE CondensedRows to_rows(const CondensedTree& tree) {
    const std::int64_t n = tree.num_items();
    const auto count = static_cast<std::size_t>(tree.num_clusters());
    const detail::ClusterChildren children = detail::cluster_children(tree.cluster_parent);
    std::vector<std::size_t> next(count + 1, 0);
    for (const Index cluster : tree.point_cluster) {
        if (cluster >= 0) ++next[static_cast<std::size_t>(cluster) + 1];
    }
    for (std::size_t c = 0; c < count; ++c) next[c + 1] += next[c] + children.of(c).size();
    CondensedRows rows;
    rows.parent.resize(next[count]);
    rows.child.resize(next[count]);
    rows.lambda.resize(next[count]);
    rows.child_size.resize(next[count]);
    const auto put = [&](std::size_t cluster, std::int64_t child, double lambda, double size) {
        const std::size_t row = next[cluster]++;
        rows.parent[row] = n + static_cast<std::int64_t>(cluster);
        rows.child[row] = child;
        rows.lambda[row] = lambda;
        rows.child_size[row] = size;
    };
    for (std::size_t c = 1; c < count; ++c) {
        put(static_cast<std::size_t>(tree.cluster_parent[c]), n + static_cast<std::int64_t>(c),
            tree.cluster_birth[c], tree.cluster_size[c]);
    }
    for (std::size_t i = 0; i < tree.point_cluster.size(); ++i) {
        if (tree.point_cluster[i] < 0) continue;
        put(static_cast<std::size_t>(tree.point_cluster[i]), static_cast<std::int64_t>(i),
            tree.point_lambda[i], tree.weight_of(static_cast<Index>(i)));
    }
    return rows;
}

FILMATLAS_INLINE CondensedTree condensed_tree_from_rows(const CondensedRows& rows) {
    const std::size_t count = rows.parent.size();
    if (rows.child.size() != count || rows.lambda.size() != count || rows.child_size.size() != count) {
        detail::throw_condensed(-1, "the columns' lengths differ");
    }
    CondensedTree tree;
    if (count == 0) detail::throw_condensed(-1, "there are no rows");
    const std::int64_t n = *std::min_element(rows.parent.begin(), rows.parent.end());
    const std::int64_t last = std::max(*std::max_element(rows.parent.begin(), rows.parent.end()),
                                       *std::max_element(rows.child.begin(), rows.child.end()));
    const std::int64_t clusters = last - n + 1;
    if (n < 1 || clusters > static_cast<std::int64_t>(count) + 1 || n > static_cast<std::int64_t>(count)) {
        detail::throw_condensed(-1, "the ids do not fit the number of rows");
    }
    tree.point_cluster.assign(static_cast<std::size_t>(n), -1);
    tree.point_lambda.assign(static_cast<std::size_t>(n), 0.0);
    tree.cluster_parent.assign(static_cast<std::size_t>(clusters), -1);
    tree.cluster_birth.assign(static_cast<std::size_t>(clusters), 0.0);
    tree.cluster_size.assign(static_cast<std::size_t>(clusters), 0.0);
    double largest = 0;
    for (const double lambda : rows.lambda) {
        if (std::isfinite(lambda)) largest = std::max(largest, lambda);
    }
    if (largest == 0) largest = 1;
    for (std::size_t r = 0; r < count; ++r) {
        const std::int64_t child = rows.child[r];
        const auto entry = static_cast<std::int64_t>(r);
        if (child < 0 || child == n || rows.parent[r] >= last + 1 || std::isnan(rows.lambda[r]) ||
            rows.lambda[r] < 0) {
            detail::throw_condensed(entry, "row " + std::to_string(r) + " cannot be");
        }
        const auto parent = static_cast<Index>(rows.parent[r] - n);
        const double lambda = std::min(rows.lambda[r], largest);
        if (child < n) {
            if (tree.point_cluster[static_cast<std::size_t>(child)] >= 0) {
                detail::throw_condensed(entry, "item " + std::to_string(child) + " occurs twice");
            }
            tree.point_cluster[static_cast<std::size_t>(child)] = parent;
            tree.point_lambda[static_cast<std::size_t>(child)] = lambda;
        } else {
            const auto at = static_cast<std::size_t>(child - n);
            if (tree.cluster_parent[at] >= 0) {
                detail::throw_condensed(entry, "cluster " + std::to_string(child) + " occurs twice");
            }
            tree.cluster_parent[at] = parent;
            tree.cluster_birth[at] = lambda;
            tree.cluster_size[at] = rows.child_size[r];
        }
    }
    for (std::size_t r = 0; r < count; ++r) {
        if (rows.parent[r] == n) tree.cluster_size[0] += rows.child_size[r];
    }
    tree.cluster_stability.assign(static_cast<std::size_t>(clusters), 0.0);
    tree.cluster_death = tree.cluster_stability;
    validate(tree);
    // In the order of the rows, as the reference implementation adds.
    for (std::size_t r = 0; r < count; ++r) {
        const auto at = static_cast<std::size_t>(rows.parent[r] - n);
        const double lambda = std::min(rows.lambda[r], largest);
        tree.cluster_stability[at] += (lambda - tree.cluster_birth[at]) * rows.child_size[r];
        tree.cluster_death[at] = std::max(tree.cluster_death[at], lambda);
    }
    return tree;
}

FILMATLAS_INLINE std::vector<double> outlier_scores(const CondensedTree& tree) {
    const std::vector<double> peak = detail::condensed_peaks(tree);
    std::vector<double> scores(tree.point_cluster.size(), 0.0);
    for (std::size_t i = 0; i < scores.size(); ++i) {
        if (tree.point_cluster[i] < 0) continue;
        const double most = peak[static_cast<std::size_t>(tree.point_cluster[i])];
        if (most > 0) scores[i] = (most - tree.point_lambda[i]) / most;
    }
    return scores;
}

}  // namespace filmatlas
#endif  // FILMATLAS_CLUSTER_DETAIL_CONDENSED_TREE_IMPL_HPP
