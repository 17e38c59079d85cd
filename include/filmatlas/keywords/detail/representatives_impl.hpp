// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_KEYWORDS_DETAIL_REPRESENTATIVES_IMPL_HPP
#define FILMATLAS_KEYWORDS_DETAIL_REPRESENTATIVES_IMPL_HPP

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "filmatlas/core/parallel.hpp"
#include "filmatlas/keywords/representatives.hpp"

namespace filmatlas {

FILMATLAS_INLINE std::vector<std::vector<Index>> representatives(const Hierarchy& hierarchy,
                                                                 MatrixView<const float> vectors, int count,
                                                                 int num_threads) {
    if (vectors.rows != hierarchy.num_items()) {
        throw_shape("representatives", "there are " + std::to_string(vectors.rows) +
                                           " vectors, the hierarchy has " +
                                           std::to_string(hierarchy.num_items()) + " items");
    }
    if (count < 0) throw_invalid("representatives", "count", "is " + std::to_string(count), "use 0 or more");
    const std::int64_t d = vectors.cols;
    std::vector<double> scale(static_cast<std::size_t>(vectors.rows), 0.0);  // 1 / length; 0 = unusable
    parallel_for(vectors.rows, 1024, num_threads, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i) {
            double squares = 0;
            for (std::int64_t j = 0; j < d; ++j) {
                squares += static_cast<double>(vectors(i, j)) * static_cast<double>(vectors(i, j));
            }
            if (squares > 0 && std::isfinite(squares))
                scale[static_cast<std::size_t>(i)] = 1.0 / std::sqrt(squares);
        }
    });
    std::vector<std::vector<Index>> result(hierarchy.nodes.size());
    parallel_blocks(hierarchy.num_nodes(), num_threads, [&](std::int64_t node, int) {
        const auto members = hierarchy.items(static_cast<Index>(node));
        std::vector<double> centroid(static_cast<std::size_t>(d), 0.0);
        for (const Index item : members) {
            const double s = scale[static_cast<std::size_t>(item)];
            if (!(s > 0)) continue;
            for (std::int64_t j = 0; j < d; ++j) {
                centroid[static_cast<std::size_t>(j)] += s * static_cast<double>(vectors(item, j));
            }
        }
        // The centroid's length is the same for all members, so the order needs no division by it.
        std::vector<std::pair<double, Index>> order;
        order.reserve(members.size());
        for (const Index item : members) {
            const double s = scale[static_cast<std::size_t>(item)];
            double dot = -std::numeric_limits<double>::infinity();
            if (s > 0) {
                dot = 0;
                for (std::int64_t j = 0; j < d; ++j) {
                    dot += centroid[static_cast<std::size_t>(j)] * static_cast<double>(vectors(item, j));
                }
                dot *= s;
            }
            order.emplace_back(dot, item);
        }
        const std::size_t wanted = std::min(order.size(), static_cast<std::size_t>(count));
        std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(wanted), order.end(),
                          [](const auto& a, const auto& b) {
                              return a.first != b.first ? a.first > b.first : a.second < b.second;
                          });
        for (std::size_t i = 0; i < wanted; ++i) {
            result[static_cast<std::size_t>(node)].push_back(order[i].second);
        }
    });
    return result;
}

}  // namespace filmatlas
#endif  // FILMATLAS_KEYWORDS_DETAIL_REPRESENTATIVES_IMPL_HPP
