// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_CLUSTER_DETAIL_DENSITY_LISTS_HPP
#define FILMATLAS_CLUSTER_DETAIL_DENSITY_LISTS_HPP

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "filmatlas/core/matrix.hpp"
#include "filmatlas/core/parallel.hpp"
#include "filmatlas/core/progress.hpp"
#include "filmatlas/neighbors/knn.hpp"

namespace filmatlas::detail {

/// Neighbours that are listed beyond those that core distances need: what they bound needs no search.
inline constexpr std::int64_t density_extra_slots = 16;

struct DensityNeighbor {
    double reduced;
    Index id;
    bool operator<(const DensityNeighbor& other) const {
        return reduced != other.reduced ? reduced < other.reduced : id < other.id;
    }
};

/// Nearest points found by the exact neighbour search and measured again in float64, and what follows from them.
struct DensityLists {
    std::int64_t slots = 0;
    std::vector<DensityNeighbor> near;  ///< (n, slots), ascending; id -1 = none
    std::vector<double> core;           ///< (n,) reduced core distances
    std::vector<double> bound;          ///< (n,) no point that is not listed is nearer than this, reduced

    const DensityNeighbor* of(std::int64_t i) const { return near.data() + i * slots; }
};

/// The core distance from neighbours in ascending order; false when they are not enough. `held`: the point's
/// own weight.
inline bool density_core_from(double held, double needed, const DensityNeighbor* begin, const DensityNeighbor* end,
                              const std::vector<double>& weight, double& core) {
    core = 0;
    for (; begin != end && held < needed; ++begin) {
        if (begin->id < 0) return false;
        held += weight[static_cast<std::size_t>(begin->id)];
        core = begin->reduced;
    }
    return held >= needed;
}

/// What a distance is at least whose float32 value, of an exact search in `d` dimensions, is `listed`; squared.
inline double density_floor(float listed, std::int64_t d, Metric metric) {
    const double relative = (static_cast<double>(d) / 16 + 16) * 0x1.0p-24;
    const auto distance = static_cast<double>(listed);
    if (metric == Metric::SqEuclidean) return std::max(0.0, distance * (1 - 2 * relative));
    double length = metric == Metric::Cosine ? std::sqrt(2 * distance) : distance;
    length = length * (1 - relative) - (metric == Metric::Cosine ? 0x1.0p-21 : 0.0);
    return length > 0 ? length * length : 0.0;
}

/// Lists of up to `options.k` of n - 1 points. `between(i, j)` is the reduced distance in float64,
/// `floor_of(i, listed)` the least that an unlisted point of i can have. `search(i, enough)` answers the core
/// distance of a point whose list is not known to hold it; it is at most `enough`.
template <class Between, class FloorOf, class Search>
DensityLists density_lists(const VectorRows& rows, const KnnOptions& options, const std::vector<double>& weight,
                           double needed, const Progress& progress, Between&& between, FloorOf&& floor_of,
                           Search&& search) {
    constexpr double infinity = std::numeric_limits<double>::infinity();
    const auto n = static_cast<std::int64_t>(weight.size());
    DensityLists lists;
    lists.slots = std::min<std::int64_t>(n - 1, options.k);
    lists.core.assign(weight.size(), 0.0);
    lists.bound.assign(weight.size(), infinity);
    if (lists.slots < 1) return lists;
    const KnnGraph graph = knn_graph(rows, options, progress);
    lists.near.resize(static_cast<std::size_t>(n * lists.slots));
    const bool complete = lists.slots == n - 1;
    parallel_for(n, 64, options.num_threads, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i) {
            DensityNeighbor* list = lists.near.data() + i * lists.slots;
            bool full = true;
            for (std::int64_t s = 0; s < lists.slots; ++s) {
                const Index j = graph.indices(i, s);
                full = full && j >= 0;
                list[s] = {j >= 0 ? between(i, j) : infinity, j};
            }
            std::sort(list, list + lists.slots);
            const auto at = static_cast<std::size_t>(i);
            lists.bound[at] = complete && full ? infinity
                              : full           ? floor_of(i, graph.distances(i, lists.slots - 1))
                                               : 0.0;
            double core = 0;
            const bool enough = density_core_from(weight[at], needed, list, list + lists.slots, weight, core);
            const bool settled = (complete && full) || (enough && core <= lists.bound[at]);
            lists.core[at] = settled ? core : search(i, enough ? core : infinity);
        }
    });
    return lists;
}

}  // namespace filmatlas::detail
#endif  // FILMATLAS_CLUSTER_DETAIL_DENSITY_LISTS_HPP
