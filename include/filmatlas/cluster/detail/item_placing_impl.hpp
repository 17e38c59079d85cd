// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_CLUSTER_DETAIL_ITEM_PLACING_IMPL_HPP
#define FILMATLAS_CLUSTER_DETAIL_ITEM_PLACING_IMPL_HPP

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>

#include "filmatlas/cluster/detail/smooth_core.hpp"
#include "filmatlas/cluster/item_placing.hpp"
#include "filmatlas/core/error.hpp"
#include "filmatlas/core/parallel.hpp"

namespace filmatlas {
namespace detail {

inline constexpr float kPlacingCore = 0.5F;  ///< an item's walk ends inside its node more often than not

/// Coverages from keys: at the finest level the share of items at least as sure, above the least along the path.
inline void placing_order(ItemPlacing& placing) {
    const auto levels = static_cast<std::size_t>(placing.levels);
    const auto n = static_cast<std::size_t>(placing.num_items());
    placing.place_at.assign(placing.key.size(), 1.0F);
    std::vector<Index> order(n);
    const float lowest = -std::numeric_limits<float>::infinity();
    for (std::size_t level = levels; level-- > 0;) {
        const auto key = [&](Index item) {
            const float value = placing.key[static_cast<std::size_t>(item) * levels + level];
            return std::isnan(value) ? lowest : value;
        };
        std::iota(order.begin(), order.end(), Index{0});
        std::sort(order.begin(), order.end(), [&](Index a, Index b) { return key(a) > key(b); });
        for (std::size_t first = 0; first < n;) {
            std::size_t last = first;
            while (last < n && key(order[last]) == key(order[first])) ++last;
            const auto share = static_cast<float>(static_cast<double>(last) / static_cast<double>(n));
            for (; first < last; ++first) {
                const std::size_t slot = static_cast<std::size_t>(order[first]) * levels + level;
                const float below = level + 1 < levels ? placing.place_at[slot + 1] : 1.0F;
                placing.place_at[slot] = std::min(share, below);
            }
        }
    }
}

}  // namespace detail

FILMATLAS_INLINE ItemPlacing item_placing(const Hierarchy& hierarchy, const KnnGraph& graph,
                                          int num_threads) {
    const std::int64_t n = hierarchy.num_items();
    if (graph.size() != n) {
        throw_shape(
            "item_placing",
            "a graph of " + std::to_string(graph.size()) + " items but a hierarchy of " + std::to_string(n),
            "pass the neighbours of the hierarchy's items");
    }
    detail::smooth_check_ids(graph);
    ItemPlacing out;
    out.levels = hierarchy.num_levels();
    const auto levels = static_cast<std::size_t>(out.levels);
    out.key.assign(static_cast<std::size_t>(n) * levels, 0.0F);
    out.is_core.assign(out.key.size(), 0);
    for (int level = 0; level < out.levels; ++level) {
        const std::vector<Index> node = hierarchy.labels(level);
        parallel_for(n, 1024, num_threads, [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t i = begin; i < end; ++i) {
                const Index own = node[static_cast<std::size_t>(i)];
                std::int64_t steps = 0;
                std::int64_t inside = 0;
                double two = 0;
                for (std::int64_t s = 0; s < graph.k(); ++s) {
                    const Index j = graph.indices(i, s);
                    if (j < 0) continue;
                    ++steps;
                    inside += node[static_cast<std::size_t>(j)] == own ? 1 : 0;
                    std::int64_t next = 0;
                    std::int64_t next_inside = 0;
                    for (std::int64_t t = 0; t < graph.k(); ++t) {
                        const Index h = graph.indices(j, t);
                        if (h < 0) continue;
                        ++next;
                        next_inside += node[static_cast<std::size_t>(h)] == own ? 1 : 0;
                    }
                    two += next > 0 ? static_cast<double>(next_inside) / static_cast<double>(next) : 0.0;
                }
                if (steps == 0) continue;
                const auto slot = static_cast<std::size_t>(i) * levels + static_cast<std::size_t>(level);
                out.key[slot] = static_cast<float>((static_cast<double>(inside) + two) /
                                                   (2.0 * static_cast<double>(steps)));
                out.is_core[slot] = out.key[slot] >= detail::kPlacingCore ? 1 : 0;
            }
        });
    }
    detail::placing_order(out);
    return out;
}

FILMATLAS_INLINE ItemPlacing item_placing(const Hierarchy& hierarchy, MatrixView<const float> keys) {
    const std::int64_t n = hierarchy.num_items();
    const std::int64_t levels = hierarchy.num_levels();
    if (keys.rows != n || (keys.cols != levels && keys.cols != 1)) {
        throw_shape("item_placing",
                    "keys of shape (" + std::to_string(keys.rows) + ", " + std::to_string(keys.cols) +
                        ") for a hierarchy of " + std::to_string(n) + " items and " + std::to_string(levels) +
                        " levels",
                    "pass one key per item, or one per item and level");
    }
    ItemPlacing out;
    out.levels = static_cast<int>(levels);
    for (std::int64_t i = 0; i < n; ++i) {
        for (std::int64_t level = 0; level < levels; ++level) {
            const float key = keys(i, keys.cols == 1 ? 0 : level);
            out.key.push_back(key);
            out.is_core.push_back(key > 0 ? 1 : 0);
        }
    }
    detail::placing_order(out);
    return out;
}

FILMATLAS_INLINE std::vector<Index> labels_at_coverage(const Hierarchy& hierarchy, const ItemPlacing& placing,
                                                       int level, double coverage) {
    if (placing.levels != hierarchy.num_levels() || placing.num_items() != hierarchy.num_items()) {
        throw_shape("labels_at_coverage", "the placing is that of another hierarchy",
                    "pass what item_placing made of this one");
    }
    if (!(coverage >= 0 && coverage <= 1)) {
        throw_invalid("labels_at_coverage", "coverage", "is " + to_text(coverage), "use a share in [0, 1]");
    }
    std::vector<Index> labels = hierarchy.labels(level);
    const auto most = static_cast<float>(coverage);  // shares are float too: 0.6 holds what is placed at 0.6
    for (std::size_t i = 0; i < labels.size(); ++i) {
        const std::size_t slot =
            i * static_cast<std::size_t>(placing.levels) + static_cast<std::size_t>(level);
        if (placing.place_at[slot] > most) labels[i] = -1;
    }
    return labels;
}

}  // namespace filmatlas
#endif  // FILMATLAS_CLUSTER_DETAIL_ITEM_PLACING_IMPL_HPP
