// SPDX-License-Identifier: MIT
// Before the guard: header-only, this includes the bodies, which need what follows.
#include "filmatlas/cluster/nested.hpp"

#ifndef FILMATLAS_CLUSTER_DETAIL_NESTED_VIEWS_HPP
#define FILMATLAS_CLUSTER_DETAIL_NESTED_VIEWS_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "filmatlas/cluster/detail/nested_fine.hpp"
#include "filmatlas/cluster/detail/nested_points.hpp"
#include "filmatlas/cluster/detail/smooth_core.hpp"

/// @file nested_views.hpp
/// @brief The finest nodes' means after several numbers of smoothing steps between the nodes: what the levels above see.
///
/// Large groups want far more smoothing than small ones. Between nodes a step costs next to nothing, and reaches as far as
/// many steps between items.

namespace filmatlas::detail {

inline constexpr int kNestedViewSteps[] = {1, 2, 4, 8, 16, 32};

/// The finest nodes' means, smoothed.
struct NestedView {
    int steps = 0;
    Matrix<double> means;  ///< as directions under cosine
};

/// Where the neighbours of a node's items are, taken both ways.
struct NestedFlow {
    CsrMatrix<float> shares;  ///< (m, m) of each node's edges; a row sums to 1
    double leaving = 0;       ///< share of all edges that lead to another node
};

inline NestedFlow nested_flow(const NestedPoints& points, const NestedParts& parts) {
    std::vector<NestedPair> pairs = nested_pairs(points.neighbors, points.weights, parts.label);
    const std::size_t directed = pairs.size();
    double all = 0;
    double inside = 0;
    for (std::size_t e = 0; e < directed; ++e) {
        const std::uint64_t key = pairs[e].key;
        const std::uint64_t turned = key << 32U | key >> 32U;
        all += pairs[e].weight;
        inside += turned == key ? pairs[e].weight : 0.0;
        pairs.push_back({turned, pairs[e].weight});
    }
    nested_join_pairs(pairs);
    const auto nodes = static_cast<std::size_t>(parts.count());
    std::vector<double> total(nodes, 0.0);
    for (const NestedPair& pair : pairs) total[pair.key >> 32U] += pair.weight;
    NestedFlow flow;
    flow.leaving = all > 0 ? 1 - inside / all : 0.0;
    flow.shares.rows = parts.count();
    flow.shares.cols = parts.count();
    flow.shares.indptr.assign(nodes + 1, 0);
    for (const NestedPair& pair : pairs) {
        const std::size_t from = pair.key >> 32U;
        ++flow.shares.indptr[from + 1];
        flow.shares.indices.push_back(static_cast<Index>(pair.key & 0xFFFFFFFFU));
        flow.shares.values.push_back(static_cast<float>(pair.weight / total[from]));
    }
    for (std::size_t i = 0; i < nodes; ++i) flow.shares.indptr[i + 1] += flow.shares.indptr[i];
    return flow;
}

/// The nodes as they are (`means`, ready for comparison), and after each number of steps.
inline std::vector<NestedView> nested_views(Matrix<double> means, const NestedFlow& flow, bool unit, int num_threads,
                                            const Progress& progress) {
    Matrix<float> rows(means.rows(), means.cols());
    std::ranges::transform(means.values(), rows.values().begin(), [](double value) { return static_cast<float>(value); });
    std::vector<NestedView> views;
    views.push_back({0, std::move(means)});
    SmoothOptions smoothing;
    smoothing.num_threads = num_threads;
    for (const int steps : kNestedViewSteps) {
        smoothing.steps = steps - views.back().steps;
        rows = smooth_steps(std::move(rows), flow.shares, smoothing, unit, progress);
        views.push_back({steps, Matrix<double>(rows.rows(), rows.cols())});
        std::ranges::copy(rows.values(), views.back().means.values().begin());
    }
    return views;
}

}  // namespace filmatlas::detail
#endif  // FILMATLAS_CLUSTER_DETAIL_NESTED_VIEWS_HPP
