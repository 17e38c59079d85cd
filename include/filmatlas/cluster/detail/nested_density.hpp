// SPDX-License-Identifier: MIT
// Before the guard: header-only, this includes the bodies, which need what follows.
#include "filmatlas/cluster/nested.hpp"

#ifndef FILMATLAS_CLUSTER_DETAIL_NESTED_DENSITY_HPP
#define FILMATLAS_CLUSTER_DETAIL_NESTED_DENSITY_HPP

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <utility>
#include <vector>

#include "filmatlas/cluster/density_layers.hpp"
#include "filmatlas/cluster/detail/nested_points.hpp"
#include "filmatlas/cluster/hdbscan.hpp"

/// @file nested_density.hpp
/// @brief Small parts that are density cores and what hangs on them, for the strict tree to start from.

namespace filmatlas::detail {

inline constexpr int kDensitySamples = 5;         ///< neighbours that make a point dense
inline constexpr std::int64_t kDensityAxes = 16;  ///< as many as the tree of boxes is good at
inline constexpr double kDensityLeast = 4;        ///< weight of a core at least

/// Labels for the points that have none: along the spanning tree's edges, cheapest first, a part without a label takes
/// that of the point it is joined to. So every point goes to the core that it reaches by the lowest pass.
inline void density_fill(const SpanningTree& tree, std::vector<Index>& label) {
    const std::size_t n = label.size();
    std::vector<Index> root(n);
    std::iota(root.begin(), root.end(), Index{0});
    const auto find = [&](Index i) {
        while (root[static_cast<std::size_t>(i)] != i) {
            Index& up = root[static_cast<std::size_t>(i)];
            up = root[static_cast<std::size_t>(up)];
            i = up;
        }
        return i;
    };
    std::vector<std::vector<Index>> members(n);  // of the parts without a label, at their roots
    for (std::size_t i = 0; i < n; ++i) {
        if (label[i] < 0) members[i].push_back(static_cast<Index>(i));
    }
    for (std::size_t e = 0; e < tree.weight.size(); ++e) {
        const Index a = find(tree.a[e]);
        const Index b = find(tree.b[e]);
        if (a == b) continue;
        auto& at_a = members[static_cast<std::size_t>(a)];
        auto& at_b = members[static_cast<std::size_t>(b)];
        const bool larger_a = at_a.size() > at_b.size();
        if (at_a.empty() != at_b.empty()) {
            const Index given = label[static_cast<std::size_t>(at_a.empty() ? tree.a[e] : tree.b[e])];
            auto& open = at_a.empty() ? at_b : at_a;
            for (const Index i : open) label[static_cast<std::size_t>(i)] = given;
            open = {};
        } else if (larger_a) {
            at_a.insert(at_a.end(), at_b.begin(), at_b.end());
            at_b = {};
        } else {
            at_b.insert(at_b.end(), at_a.begin(), at_a.end());
            at_a = {};
        }
        root[static_cast<std::size_t>(larger_a ? b : a)] = larger_a ? a : b;
    }
}

/// Leaves of HDBSCAN's condensed tree at the largest min_cluster_size that has at least `count` of them, filled up to
/// all points. @param rows coordinates, the axes that hold most first; @return one part where nothing is dense
inline NestedParts nested_density_parts(const Matrix<float>& rows, const std::vector<double>& weights,
                                        int count, int num_threads, const Progress& progress) {
    const std::int64_t d = std::min(rows.cols(), kDensityAxes);
    Matrix<float> axes(rows.rows(), d);
    for (std::int64_t i = 0; i < rows.rows(); ++i) std::copy_n(rows.row_data(i), d, axes.row_data(i));
    HdbscanOptions options;
    options.min_samples = kDensitySamples;
    options.cut.min_cluster_size = kDensityLeast;
    options.cut.method = SelectionMethod::Leaf;
    options.num_threads = num_threads;
    const HdbscanResult fit = hdbscan(axes.view(), options, weights, progress);
    double size = kDensityLeast;
    for (const SizePlateau& plateau : size_trace(fit.linkage)) {
        if (plateau.num_clusters >= count && plateau.high > size) size = plateau.high;
    }
    options.cut.min_cluster_size = size;
    std::vector<Index> label = cut_hdbscan(fit.linkage, options.cut).selection.labels;
    if (std::all_of(label.begin(), label.end(), [](Index l) { return l < 0; })) {
        std::fill(label.begin(), label.end(), Index{0});
    }
    density_fill(fit.spanning_tree, label);
    return nested_parts(label, weights);
}

}  // namespace filmatlas::detail
#endif  // FILMATLAS_CLUSTER_DETAIL_NESTED_DENSITY_HPP
