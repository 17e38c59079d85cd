// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_KEYWORDS_DETAIL_REPRESENTATIVES_IMPL_HPP
#define FILMATLAS_KEYWORDS_DETAIL_REPRESENTATIVES_IMPL_HPP

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "filmatlas/core/parallel.hpp"
#include "filmatlas/keywords/diversity.hpp"
#include "filmatlas/keywords/representatives.hpp"

namespace filmatlas {

namespace detail {

inline void check_member_vectors(const char* stage, const Hierarchy& hierarchy,
                                 MatrixView<const float> vectors, int count) {
    if (vectors.rows != hierarchy.num_items()) {
        throw_shape(stage, "there are " + std::to_string(vectors.rows) + " vectors, the hierarchy has " +
                               std::to_string(hierarchy.num_items()) + " items");
    }
    if (count < 0) throw_invalid(stage, "count", "is " + std::to_string(count), "use 0 or more");
}

/// Sum of products in eight lanes of fixed order, which the compiler can keep in vector registers.
template <class A, class B>
double lane_dot(const A* a, const B* b, std::int64_t n) {
    constexpr std::int64_t kLanes = 8;
    double lanes[kLanes] = {};
    std::int64_t j = 0;
    for (; j + kLanes <= n; j += kLanes) {
        for (std::int64_t l = 0; l < kLanes; ++l)
            lanes[l] += static_cast<double>(a[j + l]) * static_cast<double>(b[j + l]);
    }
    for (std::int64_t l = 0; j < n; ++j, ++l) lanes[l] += static_cast<double>(a[j]) * static_cast<double>(b[j]);
    return ((lanes[0] + lanes[4]) + (lanes[2] + lanes[6])) + ((lanes[1] + lanes[5]) + (lanes[3] + lanes[7]));
}

/// 1 / length of each row; 0 = unusable.
inline std::vector<double> member_scales(MatrixView<const float> vectors, int num_threads) {
    std::vector<double> scale(static_cast<std::size_t>(vectors.rows), 0.0);
    parallel_for(vectors.rows, 1024, num_threads, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i) {
            const float* const row = vectors.row_data(i);
            const double squares = lane_dot(row, row, vectors.cols);
            if (squares > 0 && std::isfinite(squares))
                scale[static_cast<std::size_t>(i)] = 1.0 / std::sqrt(squares);
        }
    });
    return scale;
}

/// Sum of the members' unit vectors.
inline std::vector<double> member_sum(MatrixView<const float> vectors, const std::vector<double>& scale,
                                      std::span<const Index> members) {
    std::vector<double> sum(static_cast<std::size_t>(vectors.cols), 0.0);
    for (const Index item : members) {
        const double s = scale[static_cast<std::size_t>(item)];
        if (!(s > 0)) continue;
        const float* const row = vectors.row_data(item);
        for (std::size_t j = 0; j < sum.size(); ++j) sum[j] += s * static_cast<double>(row[j]);
    }
    return sum;
}

inline double member_dot(MatrixView<const float> vectors, const std::vector<double>& scale, Index item,
                         const std::vector<double>& centroid) {
    return lane_dot(centroid.data(), vectors.row_data(item), vectors.cols) * scale[static_cast<std::size_t>(item)];
}

/// The `count` smallest, by (value, id).
inline std::vector<Index> first_members(std::vector<std::pair<double, Index>>& order, std::size_t count) {
    count = std::min(order.size(), count);
    std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(count), order.end());
    std::vector<Index> items;
    for (std::size_t i = 0; i < count; ++i) items.push_back(order[i].second);
    return items;
}

}  // namespace detail

FILMATLAS_INLINE std::vector<std::vector<Index>> representatives(const Hierarchy& hierarchy,
                                                                 MatrixView<const float> vectors, int count,
                                                                 int num_threads) {
    detail::check_member_vectors("representatives", hierarchy, vectors, count);
    const std::vector<double> scale = detail::member_scales(vectors, num_threads);
    std::vector<std::vector<Index>> result(hierarchy.nodes.size());
    parallel_blocks(hierarchy.num_nodes(), num_threads, [&](std::int64_t node, int) {
        const auto members = hierarchy.items(static_cast<Index>(node));
        const std::vector<double> centroid = detail::member_sum(vectors, scale, members);
        // The centroid's length is the same for all members, so the order needs no division by it.
        std::vector<std::pair<double, Index>> order;
        order.reserve(members.size());
        for (const Index item : members) {
            order.emplace_back(scale[static_cast<std::size_t>(item)] > 0
                                   ? -detail::member_dot(vectors, scale, item, centroid)
                                   : std::numeric_limits<double>::infinity(),
                               item);
        }
        result[static_cast<std::size_t>(node)] =
            detail::first_members(order, static_cast<std::size_t>(count));
    });
    return result;
}

FILMATLAS_INLINE std::vector<std::vector<Index>> diverse_representatives(const Hierarchy& hierarchy,
                                                                         MatrixView<const float> vectors,
                                                                         int count, double diversity,
                                                                         int num_threads) {
    detail::check_member_vectors("diverse_representatives", hierarchy, vectors, count);
    if (!(diversity >= 0 && diversity <= 1)) {
        throw_invalid("diverse_representatives", "diversity", "is " + to_text(diversity), "use 0 .. 1");
    }
    const int pool = count > 100'000'000 ? count : 20 * count;
    std::vector<std::vector<Index>> result = representatives(hierarchy, vectors, pool, num_threads);
    if (diversity == 0 || count == 0) {
        for (auto& items : result) items.resize(std::min(items.size(), static_cast<std::size_t>(count)));
        return result;
    }
    const std::vector<double> scale = detail::member_scales(vectors, num_threads);
    parallel_blocks(hierarchy.num_nodes(), num_threads, [&](std::int64_t node, int) {
        std::vector<Index>& items = result[static_cast<std::size_t>(node)];
        const std::vector<double> centroid =
            detail::member_sum(vectors, scale, hierarchy.items(static_cast<Index>(node)));
        const std::vector<float> query(centroid.begin(), centroid.end());
        Matrix<float> candidates(static_cast<std::int64_t>(items.size()), vectors.cols);
        for (std::size_t i = 0; i < items.size(); ++i) {
            if (!(scale[static_cast<std::size_t>(items[i])] > 0)) continue;
            const auto row = vectors.row(items[i]);
            std::copy(row.begin(), row.end(),
                      candidates.data() + static_cast<std::int64_t>(i) * vectors.cols);
        }
        std::vector<Index> chosen;
        for (const Index i : maximal_marginal_relevance(query, candidates.view(), count, diversity)) {
            chosen.push_back(items[static_cast<std::size_t>(i)]);
        }
        items = std::move(chosen);
    });
    return result;
}

FILMATLAS_INLINE std::vector<std::vector<Index>> border_items(const Hierarchy& hierarchy,
                                                              MatrixView<const float> vectors, int count,
                                                              int num_threads) {
    detail::check_member_vectors("border_items", hierarchy, vectors, count);
    const std::vector<double> scale = detail::member_scales(vectors, num_threads);
    std::vector<std::vector<double>> centroids(hierarchy.nodes.size());
    parallel_blocks(hierarchy.num_nodes(), num_threads, [&](std::int64_t node, int) {
        auto& centroid = centroids[static_cast<std::size_t>(node)];
        centroid = detail::member_sum(vectors, scale, hierarchy.items(static_cast<Index>(node)));
        double squares = 0;
        for (const double x : centroid) squares += x * x;
        for (double& x : centroid) x = squares > 0 ? x / std::sqrt(squares) : 0.0;
    });
    std::vector<std::vector<Index>> result(hierarchy.nodes.size());
    parallel_blocks(hierarchy.num_nodes(), num_threads, [&](std::int64_t row, int) {
        const auto node = static_cast<Index>(row);
        const HierarchyNode& self = hierarchy.nodes[static_cast<std::size_t>(node)];
        const auto level = static_cast<std::size_t>(self.level);
        std::vector<Index> others;
        for (const bool siblings_only : {true, false}) {
            if (!others.empty()) break;
            for (Index other = hierarchy.level_begin[level]; other < hierarchy.level_begin[level + 1];
                 ++other) {
                const bool sibling = hierarchy.nodes[static_cast<std::size_t>(other)].parent == self.parent;
                if (other != node && (sibling || !siblings_only)) others.push_back(other);
            }
        }
        std::vector<std::pair<double, Index>> order;
        for (const Index item : hierarchy.items(node)) {
            if (!(scale[static_cast<std::size_t>(item)] > 0)) continue;
            double nearest = others.empty() ? 0.0 : -1.0;
            for (const Index other : others) {
                nearest = std::max(nearest, detail::member_dot(vectors, scale, item,
                                                               centroids[static_cast<std::size_t>(other)]));
            }
            order.emplace_back(
                detail::member_dot(vectors, scale, item, centroids[static_cast<std::size_t>(node)]) - nearest,
                item);
        }
        result[static_cast<std::size_t>(node)] =
            detail::first_members(order, static_cast<std::size_t>(count));
    });
    return result;
}

}  // namespace filmatlas
#endif  // FILMATLAS_KEYWORDS_DETAIL_REPRESENTATIVES_IMPL_HPP
