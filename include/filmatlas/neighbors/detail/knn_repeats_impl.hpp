// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_NEIGHBORS_DETAIL_KNN_REPEATS_IMPL_HPP
#define FILMATLAS_NEIGHBORS_DETAIL_KNN_REPEATS_IMPL_HPP

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include "filmatlas/core/parallel.hpp"
#include "filmatlas/core/random.hpp"
#include "filmatlas/neighbors/detail/knn_space_impl.hpp"

// Rows that are equal in the eyes of the metric: under cosine after scaling, which is what its distance reads, else as
// they are, but for the sign of zero. So they are at distance 0 from each other and at the same distance, bit by bit,
// from every other row: one search serves them all, and n copies of a row cost n searches' worth of nothing.

namespace filmatlas::detail {

/// Groups of equal rows, ordered by their lowest position; members ascend.
struct KnnRepeats {
    std::vector<Index> members;             ///< positions, group after group
    std::vector<std::int64_t> begin = {0};  ///< groups + 1 offsets

    std::int64_t size() const { return static_cast<std::int64_t>(begin.size()) - 1; }
    /// Whether no row is equal to another: group g is position g.
    bool none() const { return begin.size() == members.size() + 1; }
    std::span<const Index> group(std::int64_t g) const {
        const auto at = static_cast<std::size_t>(begin[static_cast<std::size_t>(g)]);
        return {members.data() + at, static_cast<std::size_t>(begin[static_cast<std::size_t>(g) + 1]) - at};
    }
    Index first(std::int64_t g) const {
        return members[static_cast<std::size_t>(begin[static_cast<std::size_t>(g)])];
    }
};

/// The row as distances see it, -0 as 0.
inline void knn_seen_row(const KnnSpace& space, std::int64_t position, std::vector<float>& out) {
    const float* row = space.row(position, out.data());
    const float factor = space.metric == Metric::Cosine ? space.factor_of(position) : 1.0F;
    for (std::size_t k = 0; k < static_cast<std::size_t>(space.dim()); ++k) out[k] = row[k] * factor + 0.0F;
}

/// Puts equal rows together: by a hash, in whose buckets rows of the same hash are compared.
class KnnRepeatFinder {
public:
    KnnRepeatFinder(const KnnSpace& space, int num_threads)
        : space_(space), num_threads_(num_threads), n_(static_cast<std::size_t>(space.size())) {}

    KnnRepeats find(const Progress& progress, const char* stage) {
        take_hashes(progress, stage);
        fill_buckets();
        leader_.resize(n_);
        std::vector<char> repeated(begin_.size() - 1, 0);  // per bucket
        parallel_for(static_cast<std::int64_t>(repeated.size()), 1024, num_threads_,
                     [&](std::int64_t first, std::int64_t last) {
                         Scratch scratch(space_.dim());
                         for (auto b = static_cast<std::size_t>(first); b < static_cast<std::size_t>(last); ++b)
                             repeated[b] = name_leaders(b, scratch) ? 1 : 0;
                     });
        return collect(std::find(repeated.begin(), repeated.end(), 1) != repeated.end());
    }

private:
    struct Hashed {
        std::uint64_t hash;
        Index position;
    };
    struct Scratch {
        explicit Scratch(std::int64_t d) : row(static_cast<std::size_t>(d)), other(row) {}
        std::vector<float> row;
        std::vector<float> other;
        std::vector<Hashed> leaders;
    };

    void take_hashes(const Progress& progress, const char* stage) {
        hashed_.resize(n_);
        const auto take = [&](std::int64_t begin, std::int64_t end) {
            const auto d = static_cast<std::size_t>(space_.dim());
            std::vector<float> row(d + d % 2);
            for (std::int64_t i = begin; i < end; ++i) {
                knn_seen_row(space_, i, row);
                std::uint64_t hash = 0;
                for (std::size_t k = 0; k < row.size(); k += 2) {
                    std::uint64_t two = 0;
                    std::memcpy(&two, row.data() + k, sizeof two);
                    hash = std::rotl(hash ^ two, 23) * 0x9E3779B97F4A7C15ULL;
                }
                hashed_[static_cast<std::size_t>(i)] = {mix64(hash), static_cast<Index>(i)};
            }
        };
        parallel_for(space_.size(), knn_grain(space_.dim()), num_threads_, take, progress, stage);
    }

    /// Sorts by the hash's highest bits, about 8 rows to a bucket; in each, positions ascend.
    void fill_buckets() {
        const int bits = std::max(static_cast<int>(std::bit_width(n_ / 8)), 1);
        begin_.assign((std::size_t{1} << bits) + 1, 0);
        const auto bucket = [bits](const Hashed& row) { return static_cast<std::size_t>(row.hash >> (64 - bits)); };
        for (const Hashed& row : hashed_) ++begin_[bucket(row) + 1];
        std::partial_sum(begin_.begin(), begin_.end(), begin_.begin());
        std::vector<std::uint32_t> next(begin_.begin(), begin_.end() - 1);
        sorted_.resize(n_);
        for (const Hashed& row : hashed_) sorted_[next[bucket(row)]++] = row;
        hashed_ = {};
    }

    /// The lowest equal position of every position in a bucket; whether any is another one.
    bool name_leaders(std::size_t bucket, Scratch& scratch) {
        scratch.leaders.clear();
        bool repeated = false;
        for (std::size_t i = begin_[bucket]; i < begin_[bucket + 1]; ++i) {
            const Hashed& own = sorted_[i];
            bool known = false;  // whether scratch.row holds it
            const auto same = std::find_if(scratch.leaders.begin(), scratch.leaders.end(), [&](const Hashed& leader) {
                if (leader.hash != own.hash) return false;
                if (!std::exchange(known, true)) knn_seen_row(space_, own.position, scratch.row);
                knn_seen_row(space_, leader.position, scratch.other);
                return scratch.row == scratch.other;
            });
            leader_[static_cast<std::size_t>(own.position)] =
                same == scratch.leaders.end() ? own.position : same->position;
            if (same == scratch.leaders.end()) {
                scratch.leaders.push_back(own);
            } else {
                repeated = true;
            }
        }
        return repeated;
    }

    KnnRepeats collect(bool repeated) const {
        KnnRepeats repeats;
        repeats.members.resize(n_);
        if (!repeated) {
            repeats.begin.resize(n_ + 1);
            std::iota(repeats.begin.begin(), repeats.begin.end(), std::int64_t{0});
            std::iota(repeats.members.begin(), repeats.members.end(), Index{0});
            return repeats;
        }
        std::vector<std::int64_t> group(n_);  // a leader comes before its group's others
        for (std::size_t i = 0; i < n_; ++i) {
            const auto leader = static_cast<std::size_t>(leader_[i]);
            if (leader == i) {
                group[i] = repeats.size();
                repeats.begin.push_back(0);
            }
            ++repeats.begin[static_cast<std::size_t>(group[leader]) + 1];
        }
        std::partial_sum(repeats.begin.begin(), repeats.begin.end(), repeats.begin.begin());
        std::vector<std::int64_t> next(repeats.begin.begin(), repeats.begin.end() - 1);
        for (std::size_t i = 0; i < n_; ++i) {
            std::int64_t& at = next[static_cast<std::size_t>(group[static_cast<std::size_t>(leader_[i])])];
            repeats.members[static_cast<std::size_t>(at++)] = static_cast<Index>(i);
        }
        return repeats;
    }

    const KnnSpace& space_;
    int num_threads_;
    std::size_t n_;
    std::vector<Hashed> hashed_;
    std::vector<Hashed> sorted_;        ///< bucket after bucket
    std::vector<std::uint32_t> begin_;  ///< of each bucket
    std::vector<Index> leader_;
};

inline KnnRepeats knn_find_repeats(const KnnSpace& space, int num_threads, const Progress& progress = {},
                                   const char* stage = "knn_graph") {
    return KnnRepeatFinder(space, num_threads).find(progress, stage);
}

/// The neighbours of a group's members, put together from those of the group, each with all of its own members.
class KnnGroupLists {
public:
    KnnGroupLists(const KnnSpace& space, std::int64_t slots, Matrix<Index>& indices, Matrix<float>& distances)
        : space_(space), slots_(static_cast<std::size_t>(slots)), indices_(indices), distances_(distances) {}

    /// Begins with a group. Its members are each other's neighbours at distance 0; one more than `slots` of them can
    /// matter, for every one leaves itself out.
    void start(std::span<const Index> members) {
        own_ = members;
        merged_.clear();
        if (members.size() > 1) append(members, 0.0F, slots_ + 1);
    }
    /// A group's members at this distance.
    void add(std::span<const Index> members, float distance) { append(members, distance, slots_); }

    /// Writes the first `slots` of every member, as many as there are.
    void write() {
        const std::size_t kept = std::min(merged_.size(), slots_ + (own_.size() > 1 ? 1 : 0));
        sort(kept);
        for (const Index member : own_) {
            const Index row = space_.valid[static_cast<std::size_t>(member)];
            Index* ids = indices_.row_data(row);
            float* lengths = distances_.row_data(row);
            std::size_t slot = 0;
            for (std::size_t m = 0; m < kept && slot < slots_; ++m) {
                const Index other = knn_key_id(merged_[m]);
                if (other == member) continue;
                ids[slot] = space_.valid[static_cast<std::size_t>(other)];
                lengths[slot] = knn_key_distance(merged_[m]);
                ++slot;
            }
        }
    }

private:
    /// Brings the `kept` smallest to the front, in order.
    void sort(std::size_t kept) {
        constexpr std::size_t few = 32;
        const std::size_t count = merged_.size();
        if (count > few) {
            const auto last_kept = merged_.begin() + static_cast<std::ptrdiff_t>(kept);
            if (kept < count) std::nth_element(merged_.begin(), last_kept, merged_.end());
            std::sort(merged_.begin(), last_kept);
            return;
        }
        std::uint64_t keys[few];
        std::copy_n(merged_.begin(), count, keys);
        kernel_.sort_few(keys, count, merged_.data());
    }
    void append(std::span<const Index> members, float distance, std::size_t most) {
        for (const Index member : members.first(std::min(members.size(), most)))
            merged_.push_back(knn_key(distance, member));
    }

    const KnnSpace& space_;
    std::size_t slots_;
    Matrix<Index>& indices_;
    Matrix<float>& distances_;
    const Kernels& kernel_ = kernels();
    std::span<const Index> own_;
    std::vector<std::uint64_t> merged_;
};

}  // namespace filmatlas::detail
#endif  // FILMATLAS_NEIGHBORS_DETAIL_KNN_REPEATS_IMPL_HPP
