// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LAYOUT_DETAIL_LOCAL_RADII_IMPL_HPP
#define FILMATLAS_LAYOUT_DETAIL_LOCAL_RADII_IMPL_HPP

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "filmatlas/layout/detail/math.hpp"
#include "filmatlas/layout/local_radii.hpp"

namespace filmatlas {
namespace detail {

/// Distance of `to` in the list of `from`; 0 where it is not in it.
inline double local_radius_distance(const KnnGraph& graph, std::int64_t from, Index to) {
    const auto ids = graph.indices.row(from);
    const auto at = std::find(ids.begin(), ids.end(), to);
    return at == ids.end() ? 0.0 : static_cast<double>(graph.distances(from, at - ids.begin()));
}

}  // namespace detail

FILMATLAS_INLINE std::vector<double> log_local_radii(const CsrMatrix<float>& weights, const KnnGraph& graph,
                                                     float least_weight) {
    const std::int64_t n = graph.size();
    if (weights.rows != n || weights.cols != n) {
        throw_shape("log_local_radii", "the weights are (" + std::to_string(weights.rows) + ", " +
                                           std::to_string(weights.cols) + ") for a graph of " + std::to_string(n) +
                                           " items");
    }
    std::vector<double> radii(static_cast<std::size_t>(n), std::numeric_limits<double>::quiet_NaN());
    for (std::int64_t i = 0; i < n; ++i) {
        const auto ids = weights.row_indices(i);
        const auto values = weights.row_values(i);
        double sum = 0;
        double mass = 0;
        for (std::size_t e = 0; e < ids.size(); ++e) {
            if (!(values[e] > 0) || values[e] < least_weight || ids[e] == i) continue;
            const double distance = std::max(detail::local_radius_distance(graph, i, ids[e]),
                                             detail::local_radius_distance(graph, ids[e], static_cast<Index>(i)));
            sum += static_cast<double>(values[e]) * distance * distance;
            mass += static_cast<double>(values[e]);
        }
        if (mass > 0) {
            radii[static_cast<std::size_t>(i)] = detail::layout_log(kLocalRadiusFloor + sum / mass);
        }
    }
    return radii;
}

}  // namespace filmatlas
#endif  // FILMATLAS_LAYOUT_DETAIL_LOCAL_RADII_IMPL_HPP
