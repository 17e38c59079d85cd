// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_NEIGHBORS_DETAIL_GRAPH_STATS_IMPL_HPP
#define FILMATLAS_NEIGHBORS_DETAIL_GRAPH_STATS_IMPL_HPP

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <string>
#include <utility>

#include "filmatlas/core/error.hpp"
#include "filmatlas/neighbors/graph_stats.hpp"

namespace filmatlas {

FILMATLAS_INLINE Hubness hubness(const KnnGraph& graph, int max_hubs) {
    if (max_hubs < 0) throw_invalid("hubness", "max_hubs", "is " + std::to_string(max_hubs), "use at least 0");
    validate(graph);
    Hubness out;
    out.occurrences.assign(static_cast<std::size_t>(graph.size()), 0);
    std::vector<Index> items;  // those with neighbours
    for (std::int64_t i = 0; i < graph.size(); ++i) {
        if (graph.k() > 0 && graph.indices(i, 0) >= 0) items.push_back(static_cast<Index>(i));
        for (const Index id : graph.indices.row(i)) {
            if (id >= 0) ++out.occurrences[static_cast<std::size_t>(id)];
        }
    }
    if (items.empty()) return out;
    const auto count_of = [&out](Index item) { return out.occurrences[static_cast<std::size_t>(item)]; };
    const auto n = static_cast<double>(items.size());
    double sum = 0;
    for (const Index item : items) {
        sum += static_cast<double>(count_of(item));
        if (count_of(item) == 0) out.anti_hubs.push_back(item);
    }
    out.anti_hub_share = static_cast<double>(out.anti_hubs.size()) / n;
    const double mean = sum / n;
    double squares = 0;
    double cubes = 0;
    for (const Index item : items) {
        const double away = static_cast<double>(count_of(item)) - mean;
        squares += away * away;
        cubes += away * away * away;
    }
    const double deviation = std::sqrt(squares / n);
    if (deviation > 0) out.skewness = cubes / n / (deviation * deviation * deviation);
    std::sort(items.begin(), items.end(), [&](Index a, Index b) {
        return count_of(a) != count_of(b) ? count_of(a) > count_of(b) : a < b;
    });
    // Mean difference of all pairs over twice the mean: from the sorted counts.
    double weighted = 0;
    for (std::size_t rank = 0; rank < items.size(); ++rank) {
        weighted += (n - 1 - 2 * static_cast<double>(rank)) * static_cast<double>(count_of(items[rank]));
    }
    if (sum > 0) out.gini = weighted / (n * sum);
    items.resize(std::min(items.size(), static_cast<std::size_t>(max_hubs)));
    out.hubs = std::move(items);
    return out;
}

FILMATLAS_INLINE CsrMatrix<float> mutual_graph(const KnnGraph& graph) {
    validate(graph);
    const std::int64_t n = graph.size();
    // Lists by ascending id, padding left out.
    std::vector<std::int64_t> begin(static_cast<std::size_t>(n) + 1, 0);
    std::vector<std::pair<Index, float>> lists;
    for (std::int64_t i = 0; i < n; ++i) {
        for (std::int64_t slot = 0; slot < graph.k() && graph.indices(i, slot) >= 0; ++slot) {
            lists.emplace_back(graph.indices(i, slot), graph.distances(i, slot));
        }
        std::sort(lists.begin() + begin[static_cast<std::size_t>(i)], lists.end());
        begin[static_cast<std::size_t>(i) + 1] = static_cast<std::int64_t>(lists.size());
    }
    const auto lists_item = [&](Index row, Index item) {
        const auto first = lists.begin() + begin[static_cast<std::size_t>(row)];
        const auto last = lists.begin() + begin[static_cast<std::size_t>(row) + 1];
        const auto at = std::lower_bound(first, last, item, [](const auto& entry, Index id) { return entry.first < id; });
        return at != last && at->first == item;
    };
    CsrMatrix<float> out;
    out.rows = n;
    out.cols = n;
    out.indptr.assign(1, 0);
    for (std::int64_t i = 0; i < n; ++i) {
        for (auto at = begin[static_cast<std::size_t>(i)]; at < begin[static_cast<std::size_t>(i) + 1]; ++at) {
            const auto& [item, distance] = lists[static_cast<std::size_t>(at)];
            if (!lists_item(item, static_cast<Index>(i))) continue;
            out.indices.push_back(item);
            out.values.push_back(distance);
        }
        out.indptr.push_back(static_cast<std::int64_t>(out.indices.size()));
    }
    return out;
}

}  // namespace filmatlas
#endif  // FILMATLAS_NEIGHBORS_DETAIL_GRAPH_STATS_IMPL_HPP
