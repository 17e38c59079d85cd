// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_CLUSTER_DETAIL_DENSITY_FOREST_HPP
#define FILMATLAS_CLUSTER_DETAIL_DENSITY_FOREST_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>
#include <utility>
#include <vector>

#include "filmatlas/cluster/detail/density_boruvka.hpp"
#include "filmatlas/cluster/detail/density_sort.hpp"
#include "filmatlas/core/progress.hpp"
#include "filmatlas/linalg/union_find.hpp"

namespace filmatlas::detail {

/// Edges between two looks at the progress.
inline constexpr std::size_t density_look = 4096;

/// Minimum spanning forest of some edges (Kruskal); among equal weights the earlier edge goes first. The
/// result ascends in weight.
inline DensityEdges density_forest(std::int64_t n, const DensityEdges& edges, int num_threads = 1,
                                   const Progress& progress = {}) {
    DensityEdges forest;
    UnionFind sets(n);
    const std::vector<Index> order = density_order(edges.reduced, num_threads, progress);
    for (std::size_t i = 0; i < order.size() && sets.num_sets() > 1; ++i) {
        if (i % density_look == 0) progress("spanning_tree", n - sets.num_sets(), n - 1);
        const auto at = static_cast<std::size_t>(order[i]);
        if (sets.unite(edges.a[at], edges.b[at])) forest.add(edges.a[at], edges.b[at], edges.reduced[at]);
    }
    return forest;
}

/// Leaves of a tree's single-linkage tree from left to right, the larger part of every merge first, and the
/// height at which neighbours meet: two leaves meet at the greatest height between them.
struct LeafOrder {
    std::vector<Index> leaf;  ///< (n,)
    std::vector<double> gap;  ///< (n - 1,)
};

/// `tree` spans all n points and ascends in weight.
inline LeafOrder density_leaf_order(std::int64_t n, const DensityEdges& tree) {
    const auto at = [](Index i) { return static_cast<std::size_t>(i); };
    // Every set is a chain of its leaves; a merge hangs the smaller chain behind the larger one.
    std::vector<Index> head(static_cast<std::size_t>(n));
    std::iota(head.begin(), head.end(), Index{0});
    std::vector<Index> tail = head;
    std::vector<Index> next(static_cast<std::size_t>(n), -1);
    std::vector<double> gap_after(static_cast<std::size_t>(n), 0.0);
    UnionFind sets(n);
    for (std::size_t e = 0; e < tree.a.size(); ++e) {
        Index first = sets.find(tree.a[e]);
        Index second = sets.find(tree.b[e]);
        if (sets.set_size(first) < sets.set_size(second)) std::swap(first, second);
        const Index start = head[at(first)];
        const Index end = tail[at(second)];
        next[at(tail[at(first)])] = head[at(second)];
        gap_after[at(tail[at(first)])] = tree.reduced[e];
        sets.unite(first, second);
        const Index root = sets.find(first);
        head[at(root)] = start;
        tail[at(root)] = end;
    }
    LeafOrder out;
    for (Index i = n > 0 ? head[at(sets.find(0))] : Index{-1}; i >= 0; i = next[at(i)]) {
        out.leaf.push_back(i);
        if (next[at(i)] >= 0) out.gap.push_back(gap_after[at(i)]);
    }
    return out;
}

struct DensityCertificate {
    std::int64_t proven = 0;  ///< edges that some minimum spanning tree holds
    double lower = 0;         ///< no spanning tree weighs less
};

/// What is known about a minimum spanning forest of listed edges when no other edge of item i weighs less
/// than `unlisted[i]` (nor less than that of its other end).
///
/// An edge is proven when it is the cheapest way out of one of the two components that it joined: cheaper
/// listed ways would have been taken before, and `unlisted` bounds the others. The lower bound is the weight
/// of the tree when every edge that is not listed weighs the larger of its ends' bounds, for which the edges
/// to the item with the least bound stand. `to_weight` maps reduced to real weights.
template <class ToWeight>
DensityCertificate density_certificate(std::int64_t n, const DensityEdges& forest,
                                       const std::vector<double>& unlisted, ToWeight&& to_weight,
                                       int num_threads, const Progress& progress) {
    DensityCertificate out;
    UnionFind sets(n);
    std::vector<double> bound = unlisted;
    const auto edges = static_cast<std::int64_t>(forest.a.size());
    for (std::size_t e = 0; e < forest.a.size(); ++e) {
        if (e % density_look == 0) progress("spanning_tree: proof", static_cast<std::int64_t>(e), edges);
        const auto a = static_cast<std::size_t>(sets.find(forest.a[e]));
        const auto b = static_cast<std::size_t>(sets.find(forest.b[e]));
        if (std::max(bound[a], bound[b]) >= forest.reduced[e]) ++out.proven;
        const double least = std::min(bound[a], bound[b]);
        sets.unite(forest.a[e], forest.b[e]);
        bound[static_cast<std::size_t>(sets.find(forest.a[e]))] = least;
    }
    if (n < 1) return out;
    DensityEdges relaxed = forest;
    const auto hub =
        static_cast<Index>(std::min_element(unlisted.begin(), unlisted.end()) - unlisted.begin());
    for (Index i = 0; i < static_cast<Index>(n); ++i) {
        const double bound_of_i = unlisted[static_cast<std::size_t>(i)];
        if (i != hub && bound_of_i < std::numeric_limits<double>::infinity()) relaxed.add(hub, i, bound_of_i);
    }
    const DensityEdges lightest = density_forest(n, relaxed, num_threads, progress);
    for (const double reduced : lightest.reduced) out.lower += to_weight(reduced);
    return out;
}

}  // namespace filmatlas::detail
#endif  // FILMATLAS_CLUSTER_DETAIL_DENSITY_FOREST_HPP
