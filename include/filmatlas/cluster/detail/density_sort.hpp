// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_CLUSTER_DETAIL_DENSITY_SORT_HPP
#define FILMATLAS_CLUSTER_DETAIL_DENSITY_SORT_HPP

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include "filmatlas/core/matrix.hpp"
#include "filmatlas/core/parallel.hpp"
#include "filmatlas/core/progress.hpp"

namespace filmatlas::detail {

/// A word that orders as the number does; -0 counts as 0.
inline std::uint64_t density_sort_key(double value) noexcept {
    const auto bits = std::bit_cast<std::uint64_t>(value + 0.0);
    return (bits >> 63) != 0 ? ~bits : bits | (std::uint64_t{1} << 63);
}

/// A number to sort by, and whose it is.
struct DensityKey {
    std::uint64_t key;
    Index id;
    bool operator<(const DensityKey& other) const noexcept {
        return key != other.key ? key < other.key : id < other.id;
    }
};

/// Sorts keys whose ids ascend. Radix sort: O(n).
inline void density_radix_sort(std::span<DensityKey> items) {
    constexpr int bits = 11;
    constexpr int passes = 6;
    constexpr std::size_t buckets = std::size_t{1} << bits;
    if (items.size() < 512) {
        std::sort(items.begin(), items.end());
        return;
    }
    std::vector<std::array<std::size_t, buckets>> count(passes);
    for (auto& histogram : count) histogram.fill(0);
    for (const DensityKey& item : items) {
        for (std::size_t p = 0; p < passes; ++p) ++count[p][(item.key >> (p * bits)) & (buckets - 1)];
    }
    std::vector<DensityKey> other(items.size());
    std::span<DensityKey> from = items;
    std::span<DensityKey> to = other;
    for (std::size_t p = 0; p < passes; ++p) {
        auto& histogram = count[p];
        const auto holds_all = [&](std::size_t c) { return c == items.size(); };
        if (std::any_of(histogram.begin(), histogram.end(), holds_all)) continue;
        std::size_t sum = 0;
        for (std::size_t& c : histogram) sum += std::exchange(c, sum);
        for (const DensityKey& item : from) to[histogram[(item.key >> (p * bits)) & (buckets - 1)]++] = item;
        std::swap(from, to);
    }
    if (from.data() != items.data()) std::copy(from.begin(), from.end(), items.begin());
}

/// Positions in ascending order of the numbers, equal ones in the given order. O(n): the range of the keys is cut into
/// buckets, and these are sorted each on its own.
inline std::vector<Index> density_order(std::span<const double> values, int num_threads = 1,
                                        const Progress& progress = {}) {
    constexpr const char* stage = "spanning_tree: sort";
    const std::size_t n = values.size();
    std::vector<Index> order(n);
    if (std::is_sorted(values.begin(), values.end())) {
        std::iota(order.begin(), order.end(), Index{0});
        return order;
    }
    constexpr std::size_t block = 32768;
    const std::size_t blocks = (n + block - 1) / block;
    const auto for_blocks = [&](auto&& body) {
        parallel_blocks(
            static_cast<std::int64_t>(blocks), num_threads,
            [&](std::int64_t b, int) {
                const std::size_t begin = static_cast<std::size_t>(b) * block;
                body(static_cast<std::size_t>(b), begin, std::min(n, begin + block));
            },
            progress, stage);
    };
    double low = values[0];
    double high = values[0];
    for (const double value : values) {
        low = std::min(low, value);
        high = std::max(high, value);
    }
    const auto width = [](std::uint64_t x) { return static_cast<int>(std::bit_width(x)); };
    const int bits = std::clamp(width(n) - 3, 1, 14);
    // Words cut the range by orders of magnitude; where it holds 0, the small ones would have nearly all buckets.
    const double scale = (std::ldexp(1.0, bits) - 1) / (high - low);
    const bool even = low < 0 && high > 0 && scale > 0 && std::isfinite(scale);
    const std::uint64_t least = density_sort_key(low);
    const std::uint64_t range = density_sort_key(high) - least;
    const int shift = std::max(0, width(range) - bits);
    const auto bucket_of = [&](double value) {
        return even ? static_cast<std::size_t>((value - low) * scale)
                    : static_cast<std::size_t>((density_sort_key(value) - least) >> shift);
    };
    const std::size_t buckets = bucket_of(high) + 1;
    std::vector<std::uint32_t> next(blocks * buckets, 0);
    for_blocks([&](std::size_t b, std::size_t begin, std::size_t end) {
        std::uint32_t* count = next.data() + b * buckets;
        for (std::size_t i = begin; i < end; ++i) ++count[bucket_of(values[i])];
    });
    std::vector<std::uint32_t> first(buckets + 1, static_cast<std::uint32_t>(n));
    std::uint32_t sum = 0;
    for (std::size_t k = 0; k < buckets; ++k) {
        first[k] = sum;
        for (std::size_t b = 0; b < blocks; ++b) sum += std::exchange(next[b * buckets + k], sum);
    }
    std::vector<DensityKey> items(n);
    for_blocks([&](std::size_t b, std::size_t begin, std::size_t end) {
        std::uint32_t* to = next.data() + b * buckets;
        for (std::size_t i = begin; i < end; ++i)
            items[to[bucket_of(values[i])]++] = {density_sort_key(values[i]), static_cast<Index>(i)};
    });
    parallel_for(
        static_cast<std::int64_t>(buckets), 256, num_threads,
        [&](std::int64_t begin, std::int64_t end) {
            for (auto k = static_cast<std::size_t>(begin); k < static_cast<std::size_t>(end); ++k) {
                density_radix_sort(std::span(items).subspan(first[k], first[k + 1] - first[k]));
                for (std::size_t i = first[k]; i < first[k + 1]; ++i) order[i] = items[i].id;
            }
        },
        progress, stage);
    return order;
}

}  // namespace filmatlas::detail
#endif  // FILMATLAS_CLUSTER_DETAIL_DENSITY_SORT_HPP
