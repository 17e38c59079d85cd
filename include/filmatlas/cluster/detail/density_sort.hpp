// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_CLUSTER_DETAIL_DENSITY_SORT_HPP
#define FILMATLAS_CLUSTER_DETAIL_DENSITY_SORT_HPP

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include "filmatlas/core/matrix.hpp"

namespace filmatlas::detail {

/// A word that orders as the number does; -0 counts as 0.
inline std::uint64_t density_sort_key(double value) noexcept {
    const auto bits = std::bit_cast<std::uint64_t>(value + 0.0);
    return (bits >> 63) != 0 ? ~bits : bits | (std::uint64_t{1} << 63);
}

/// Positions in ascending order of the numbers, equal ones in the given order. Radix sort: O(n).
inline std::vector<Index> density_order(std::span<const double> values) {
    const std::size_t n = values.size();
    std::vector<Index> order(n);
    std::iota(order.begin(), order.end(), Index{0});
    if (n < 512) {
        std::stable_sort(order.begin(), order.end(), [&](Index a, Index b) {
            return values[static_cast<std::size_t>(a)] < values[static_cast<std::size_t>(b)];
        });
        return order;
    }
    constexpr int bits = 11;
    constexpr int passes = 6;
    constexpr std::size_t buckets = std::size_t{1} << bits;
    struct Item {
        std::uint64_t key;
        Index id;
    };
    std::vector<Item> from(n);
    std::vector<Item> to(n);
    std::vector<std::array<std::size_t, buckets>> count(passes);
    for (auto& histogram : count) histogram.fill(0);
    for (std::size_t i = 0; i < n; ++i) {
        const std::uint64_t key = density_sort_key(values[i]);
        from[i] = {key, static_cast<Index>(i)};
        for (std::size_t p = 0; p < passes; ++p) ++count[p][(key >> (p * bits)) & (buckets - 1)];
    }
    for (std::size_t p = 0; p < passes; ++p) {
        auto& histogram = count[p];
        if (std::any_of(histogram.begin(), histogram.end(), [n](std::size_t c) { return c == n; })) continue;
        std::size_t sum = 0;
        for (std::size_t& c : histogram) sum += std::exchange(c, sum);
        for (const Item& item : from) to[histogram[(item.key >> (p * bits)) & (buckets - 1)]++] = item;
        from.swap(to);
    }
    for (std::size_t i = 0; i < n; ++i) order[i] = from[i].id;
    return order;
}

}  // namespace filmatlas::detail
#endif  // FILMATLAS_CLUSTER_DETAIL_DENSITY_SORT_HPP
