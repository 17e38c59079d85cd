// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_CLUSTER_DETAIL_GROUP_OVERLAPS_HPP
#define FILMATLAS_CLUSTER_DETAIL_GROUP_OVERLAPS_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "filmatlas/core/config.hpp"

/// @file group_overlaps.hpp
/// @brief How many items the groups of two partitions share.

namespace filmatlas::detail {

struct GroupOverlap {
    Index a;  ///< group of the one partition
    Index b;  ///< of the other
    std::int64_t common;
};

/// The pairs of groups that share items, by (a, b); both partitions label the same items.
inline std::vector<GroupOverlap> group_overlaps(const std::vector<Index>& a, const std::vector<Index>& b) {
    std::vector<std::pair<Index, Index>> pairs;
    pairs.reserve(a.size());
    for (std::size_t i = 0; i < a.size(); ++i) pairs.emplace_back(a[i], b[i]);
    std::sort(pairs.begin(), pairs.end());
    std::vector<GroupOverlap> out;
    for (const auto& [x, y] : pairs) {
        if (out.empty() || out.back().a != x || out.back().b != y) out.push_back({x, y, 0});
        ++out.back().common;
    }
    return out;
}

/// Items per group.
inline std::vector<std::int64_t> group_sizes(const std::vector<Index>& label, std::int64_t groups) {
    std::vector<std::int64_t> size(static_cast<std::size_t>(groups), 0);
    for (const Index group : label) ++size[static_cast<std::size_t>(group)];
    return size;
}

}  // namespace filmatlas::detail
#endif  // FILMATLAS_CLUSTER_DETAIL_GROUP_OVERLAPS_HPP
