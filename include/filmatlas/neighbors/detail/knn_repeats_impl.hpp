// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_NEIGHBORS_DETAIL_KNN_REPEATS_IMPL_HPP
#define FILMATLAS_NEIGHBORS_DETAIL_KNN_REPEATS_IMPL_HPP

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

#include "filmatlas/core/parallel.hpp"
#include "filmatlas/core/random.hpp"
#include "filmatlas/neighbors/detail/knn_space_impl.hpp"

namespace filmatlas::detail {

/// Rows that are equal in the eyes of the metric (under cosine: after scaling), found by hash and checked.
/// Groups are ordered by their lowest position, members ascend.
struct KnnRepeats {
    std::vector<Index> members;             ///< positions, group after group
    std::vector<std::int64_t> begin = {0};  ///< groups + 1 offsets

    std::int64_t size() const { return static_cast<std::int64_t>(begin.size()) - 1; }
    std::span<const Index> group(std::size_t g) const {
        return {members.data() + begin[g], static_cast<std::size_t>(begin[g + 1] - begin[g])};
    }
    Index first(std::size_t g) const { return members[static_cast<std::size_t>(begin[g])]; }
};

/// The row as distances see it, -0 as 0.
inline void knn_seen_row(const KnnSpace& space, std::int64_t position, std::vector<float>& out) {
    const float* row = space.row(position, out.data());
    const float factor = space.metric == Metric::Cosine ? space.factor_of(position) : 1.0F;
    for (std::size_t k = 0; k < static_cast<std::size_t>(space.dim()); ++k) out[k] = row[k] * factor + 0.0F;
}

inline KnnRepeats knn_find_repeats(const KnnSpace& space, int num_threads, const Progress& progress) {
    const auto n = static_cast<std::size_t>(space.size());
    const auto d = static_cast<std::size_t>(space.dim());
    std::vector<std::pair<std::uint64_t, Index>> hashed(n);
    const auto take_hashes = [&](std::int64_t begin, std::int64_t end) {
        std::vector<float> row(d + d % 2);
        for (std::int64_t i = begin; i < end; ++i) {
            knn_seen_row(space, i, row);
            std::uint64_t hash = 0;
            for (std::size_t k = 0; k < row.size(); k += 2) {
                std::uint64_t two = 0;
                std::memcpy(&two, row.data() + k, sizeof two);
                hash = std::rotl(hash ^ two, 23) * 0x9E3779B97F4A7C15ULL;
            }
            hashed[static_cast<std::size_t>(i)] = {mix64(hash), static_cast<Index>(i)};
        }
    };
    parallel_for(space.size(), knn_grain(space.dim()), num_threads, take_hashes, progress, "knn_graph");
    std::sort(hashed.begin(), hashed.end());

    std::vector<Index> leader(n);  // lowest position of each position's group
    std::vector<Index> leaders;    // of the groups that share a hash: one, but for collisions
    std::vector<float> row(d);
    std::vector<float> other(d);
    for (std::size_t from = 0; from < n;) {
        leaders.clear();
        std::size_t to = from;
        for (; to < n && hashed[to].first == hashed[from].first; ++to) {
            const Index position = hashed[to].second;
            auto same = leaders.end();
            if (!leaders.empty()) {
                knn_seen_row(space, position, row);
                same = std::find_if(leaders.begin(), leaders.end(), [&](Index l) {
                    knn_seen_row(space, l, other);
                    return row == other;
                });
            }
            if (same == leaders.end()) same = leaders.insert(same, position);
            leader[static_cast<std::size_t>(position)] = *same;
        }
        from = to;
    }
    hashed = {};
    KnnRepeats repeats;
    std::vector<std::int64_t> group(n, -1);
    for (std::size_t i = 0; i < n; ++i) {
        std::int64_t& own = group[static_cast<std::size_t>(leader[i])];
        if (own < 0) {
            own = repeats.size();
            repeats.begin.push_back(0);
        }
        ++repeats.begin[static_cast<std::size_t>(own) + 1];
    }
    for (std::size_t g = 1; g < repeats.begin.size(); ++g) repeats.begin[g] += repeats.begin[g - 1];
    std::vector<std::int64_t> next(repeats.begin.begin(), repeats.begin.end() - 1);
    repeats.members.resize(n);
    for (std::size_t i = 0; i < n; ++i) {
        std::int64_t& at = next[static_cast<std::size_t>(group[static_cast<std::size_t>(leader[i])])];
        repeats.members[static_cast<std::size_t>(at++)] = static_cast<Index>(i);
    }
    return repeats;
}

}  // namespace filmatlas::detail
#endif  // FILMATLAS_NEIGHBORS_DETAIL_KNN_REPEATS_IMPL_HPP
