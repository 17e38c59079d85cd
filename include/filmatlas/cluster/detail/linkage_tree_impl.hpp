// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_CLUSTER_DETAIL_LINKAGE_TREE_IMPL_HPP
#define FILMATLAS_CLUSTER_DETAIL_LINKAGE_TREE_IMPL_HPP

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "filmatlas/cluster/detail/density_sort.hpp"
#include "filmatlas/cluster/detail/linkage_tree_core.hpp"
#include "filmatlas/cluster/linkage_tree.hpp"
#include "filmatlas/core/error.hpp"
#include "filmatlas/linalg/union_find.hpp"

namespace filmatlas {

FILMATLAS_INLINE std::string_view to_string(TieRule ties) noexcept {
    return ties == TieRule::Canonical ? "canonical" : "hdbscan";
}

FILMATLAS_INLINE TieRule tie_rule_from_string(std::string_view name) {
    if (name == "canonical") return TieRule::Canonical;
    if (name == "hdbscan") return TieRule::Hdbscan;
    throw_invalid("hdbscan", "ties", "is '" + std::string(name) + "'", "use canonical or hdbscan");
}

FILMATLAS_INLINE SingleLinkageTree single_linkage_tree(const SpanningTree& edges, TieRule ties,
                                                       std::span<const double> weights) {
    constexpr const char* stage = "single_linkage_tree";
    const std::int64_t n = edges.num_items;
    if (2 * n > std::numeric_limits<Index>::max())
        throw_shape(stage, "more items than 32-bit node ids can name");
    detail::check_item_weights(stage, weights, n);
    const std::size_t count = edges.a.size();
    SingleLinkageTree tree;
    tree.num_items = n;
    tree.ties = ties;
    tree.rank = edges.rank;
    if (!weights.empty()) {
        tree.weight.assign(weights.begin(), weights.end());
        tree.core = edges.core;
        tree.merge_weight.reserve(count);
    }
    tree.left.reserve(count);
    tree.right.reserve(count);
    tree.height.reserve(count);
    tree.size.reserve(count);
    tree.first_rank.reserve(count);
    UnionFind sets(n);
    std::vector<Index> node(static_cast<std::size_t>(n));  // of each set, at its root
    std::iota(node.begin(), node.end(), Index{0});
    const bool sorted = std::is_sorted(edges.weight.begin(), edges.weight.end());
    const std::vector<Index> order = sorted ? std::vector<Index>{} : detail::density_order(edges.weight);
    for (std::size_t e = 0; e < count; ++e) {
        const std::size_t at = sorted ? e : static_cast<std::size_t>(order[e]);
        const Index a = sets.find(edges.a[at]);
        const Index b = sets.find(edges.b[at]);
        if (a == b) {
            throw Error(ErrorCode::Format, ErrorContext{stage, {}, static_cast<std::int64_t>(at), {}, -1},
                        "the edges hold a cycle");
        }
        Index left = node[static_cast<std::size_t>(a)];
        Index right = node[static_cast<std::size_t>(b)];
        if (detail::linkage_tree_before(tree, right, left)) std::swap(left, right);
        const Index first = std::min(tree.first_rank_of(left), tree.first_rank_of(right));
        const double weight = tree.weight_of(left) + tree.weight_of(right);
        sets.unite(a, b);
        const Index root = sets.find(a);
        node[static_cast<std::size_t>(root)] =
            static_cast<Index>(n + static_cast<std::int64_t>(tree.left.size()));
        tree.left.push_back(left);
        tree.right.push_back(right);
        tree.height.push_back(edges.weight[at]);
        tree.size.push_back(sets.set_size(root));
        tree.first_rank.push_back(first);
        if (!weights.empty()) tree.merge_weight.push_back(weight);
    }
    tree.begin.assign(count, 0);
    std::vector<char> left_out(static_cast<std::size_t>(n), 0);
    for (const Index row : edges.invalid_rows) left_out[static_cast<std::size_t>(row)] = 1;
    for (Index i = 0; i < static_cast<Index>(n); ++i) {
        if (sets.find(i) == i && left_out[static_cast<std::size_t>(i)] == 0) {
            tree.roots.push_back(node[static_cast<std::size_t>(i)]);
        }
    }
    std::sort(tree.roots.begin(), tree.roots.end(),
              [&](Index a, Index b) { return detail::linkage_tree_before(tree, a, b); });
    detail::linkage_tree_place(tree);
    return tree;
}

FILMATLAS_INLINE LinkageTree to_linkage(const SingleLinkageTree& tree) {
    if (tree.num_items < 1) throw_shape("to_linkage", "there are no items");
    const std::int64_t n = tree.num_items;
    LinkageTree out;
    out.num_items = n;
    out.merges = Matrix<double>(n - 1, 4);
    std::vector<double> items(static_cast<std::size_t>(n), 1.0);
    std::int64_t row = 0;
    double height = 0;
    const auto merge = [&](Index a, Index b) {
        out.merges(row, 0) = std::min(a, b);
        out.merges(row, 1) = std::max(a, b);
        out.merges(row, 2) = height;
        items.push_back(items[static_cast<std::size_t>(a)] + items[static_cast<std::size_t>(b)]);
        out.merges(row, 3) = items.back();
        ++row;
        return static_cast<Index>(n + row - 1);
    };
    for (std::size_t m = 0; m < tree.left.size(); ++m) {
        if (std::isfinite(tree.height[m])) height = tree.height[m];
        merge(tree.left[m], tree.right[m]);
    }
    std::vector<char> placed(static_cast<std::size_t>(n), 0);
    for (const Index item : tree.order) placed[static_cast<std::size_t>(item)] = 1;
    std::vector<Index> loose = tree.roots;
    for (Index i = 0; i < static_cast<Index>(n); ++i) {
        if (placed[static_cast<std::size_t>(i)] == 0) loose.push_back(i);
    }
    for (std::size_t i = 1; i < loose.size(); ++i) loose[0] = merge(loose[0], loose[i]);
    return out;
}

FILMATLAS_INLINE SingleLinkageTree single_linkage_tree(const LinkageTree& linkage, TieRule ties) {
    validate(linkage);
    SpanningTree edges;
    edges.num_items = linkage.num_items;
    edges.method = "given";
    // Any item stands for its cluster.
    std::vector<Index> item(static_cast<std::size_t>(linkage.num_items));
    std::iota(item.begin(), item.end(), Index{0});
    for (std::int64_t m = 0; m < linkage.merges.rows(); ++m) {
        edges.a.push_back(item[static_cast<std::size_t>(linkage.merges(m, 0))]);
        edges.b.push_back(item[static_cast<std::size_t>(linkage.merges(m, 1))]);
        edges.weight.push_back(linkage.merges(m, 2));
        item.push_back(edges.a.back());
    }
    return single_linkage_tree(edges, ties);
}

FILMATLAS_INLINE std::vector<Index> labels_at_distance(const SingleLinkageTree& tree, double distance,
                                                       double min_cluster_size) {
    std::vector<Index> labels(static_cast<std::size_t>(tree.num_items), -1);
    // Merges ascend: the parts of the first merges above `distance`, and whole trees below it.
    const auto low = static_cast<std::size_t>(
        std::upper_bound(tree.height.begin(), tree.height.end(), distance) - tree.height.begin());
    std::vector<char> has_parent(low, 0);
    for (std::size_t m = 0; m < low; ++m) {
        for (const Index part : {tree.left[m], tree.right[m]}) {
            if (!tree.is_item(part)) has_parent[tree.merge_of(part)] = 1;
        }
    }
    std::vector<Index> parts;
    for (std::size_t m = 0; m < low; ++m) {
        const auto node = static_cast<Index>(tree.num_items + static_cast<std::int64_t>(m));
        if (has_parent[m] == 0 && tree.weight_of(node) >= min_cluster_size) parts.push_back(node);
    }
    if (!tree.weight.empty() || min_cluster_size <= 1) {  // an item alone can be large enough
        std::vector<char> merged(static_cast<std::size_t>(tree.num_items), 0);
        for (std::size_t m = 0; m < low; ++m) {
            for (const Index part : {tree.left[m], tree.right[m]}) {
                if (tree.is_item(part)) merged[static_cast<std::size_t>(part)] = 1;
            }
        }
        for (const Index item : tree.order) {
            const bool dense = tree.core.empty() || tree.core[static_cast<std::size_t>(item)] <= distance;
            if (merged[static_cast<std::size_t>(item)] == 0 && dense &&
                tree.weight_of(item) >= min_cluster_size) {
                parts.push_back(item);
            }
        }
    }
    std::sort(parts.begin(), parts.end(),
              [&](Index a, Index b) { return detail::linkage_tree_before(tree, a, b); });
    for (std::size_t label = 0; label < parts.size(); ++label) {
        const Index node = parts[label];
        if (tree.is_item(node)) {
            labels[static_cast<std::size_t>(node)] = static_cast<Index>(label);
            continue;
        }
        const auto begin = static_cast<std::size_t>(tree.begin[tree.merge_of(node)]);
        const auto end = begin + static_cast<std::size_t>(tree.size[tree.merge_of(node)]);
        for (std::size_t p = begin; p < end; ++p) {
            labels[static_cast<std::size_t>(tree.order[p])] = static_cast<Index>(label);
        }
    }
    return labels;
}

}  // namespace filmatlas
#endif  // FILMATLAS_CLUSTER_DETAIL_LINKAGE_TREE_IMPL_HPP
