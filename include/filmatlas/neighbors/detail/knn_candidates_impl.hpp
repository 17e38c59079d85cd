// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_NEIGHBORS_DETAIL_KNN_CANDIDATES_IMPL_HPP
#define FILMATLAS_NEIGHBORS_DETAIL_KNN_CANDIDATES_IMPL_HPP

#include <algorithm>
#include <atomic>
#include <cfloat>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <thread>
#include <utility>
#include <vector>

#include "filmatlas/core/parallel.hpp"
#include "filmatlas/neighbors/detail/knn_space_impl.hpp"

namespace filmatlas::detail {

/// The `slots` best candidates of each item, nearest first, without repeats, filled from any number of threads.
///
/// What is kept after all offers is the best of all that were offered, by (key, id): it does not depend on the
/// order of the offers. An entry is `old` when it was there at the last call of `freeze`.
class KnnCandidates {
public:
    KnnCandidates(std::int64_t items, std::int64_t slots)
        : items_(items),
          slots_(static_cast<std::size_t>(slots)),
          entries_(static_cast<std::size_t>(items) * slots_, empty),
          limits_(std::make_unique<std::atomic<float>[]>(static_cast<std::size_t>(items))),
          locks_(std::make_unique<std::atomic<bool>[]>(num_locks)) {
        for (std::int64_t i = 0; i < items; ++i)
            limits_[static_cast<std::size_t>(i)].store(FLT_MAX, std::memory_order_relaxed);
        for (std::size_t i = 0; i < num_locks; ++i) locks_[i].store(false, std::memory_order_relaxed);
    }

    std::int64_t size() const { return items_; }
    std::size_t slots() const { return slots_; }

    /// Nothing farther than this can enter the list of `item`.
    float limit(std::uint32_t item) const { return limits_[item].load(std::memory_order_relaxed); }

    /// A pair as it is offered: sorts by (distance, id).
    static std::uint64_t offer_key(float distance, std::uint32_t candidate) {
        return (knn_key(distance, 0) & 0xFFFFFFFF00000000ULL) | candidate << 1;
    }

    /// Candidates for one item, none of them the item itself.
    void offer(std::uint32_t item, std::span<const std::uint64_t> keys) {
        std::uint64_t* list = entries_.data() + item * slots_;
        const Lock lock(locks_[item % num_locks]);
        bool changed = false;
        for (const std::uint64_t key : keys) {
            if (key >= list[slots_ - 1]) continue;
            // The first entry that is not below the key; the flag does not count.
            std::size_t at = 0;
            for (std::size_t rest = slots_; rest > 1;) {
                const std::size_t half = rest / 2;
                at += (list[at + half - 1] | 1) < (key | 1) ? half : 0;
                rest -= half;
            }
            if ((list[at] | 1) == (key | 1)) continue;
            std::copy_backward(list + at, list + slots_ - 1, list + slots_);
            list[at] = key;
            changed = true;
        }
        if (changed && list[slots_ - 1] != empty)
            limits_[item].store(knn_key_distance(list[slots_ - 1]), std::memory_order_relaxed);
    }

    /// Copies each list to `frozen` (id << 1 | old; `no_candidate` where empty), marks all entries old, and
    /// returns how many were new.
    std::int64_t freeze(std::vector<std::uint32_t>& frozen, int num_threads) {
        constexpr std::int64_t grain = 4096;
        frozen.resize(entries_.size());
        std::vector<std::int64_t> fresh(static_cast<std::size_t>((items_ + grain - 1) / grain), 0);
        parallel_for(items_, grain, num_threads, [&](std::int64_t begin, std::int64_t end) {
            std::int64_t count = 0;
            for (auto e = static_cast<std::size_t>(begin) * slots_; e < static_cast<std::size_t>(end) * slots_;
                 ++e) {
                if (entries_[e] == empty) {
                    frozen[e] = no_candidate;
                    continue;
                }
                count += (entries_[e] & 1) == 0;
                frozen[e] = static_cast<std::uint32_t>(entries_[e]);
                entries_[e] |= 1;
            }
            fresh[static_cast<std::size_t>(begin / grain)] = count;
        });
        std::int64_t total = 0;
        for (const std::int64_t count : fresh) total += count;
        return total;
    }

    /// Ids of an item's candidates, nearest first.
    template <class Visit>
    void visit(std::int64_t item, Visit&& visit_one) const {
        const std::uint64_t* list = entries_.data() + static_cast<std::size_t>(item) * slots_;
        for (std::size_t s = 0; s < slots_ && list[s] != empty; ++s)
            visit_one(static_cast<std::uint32_t>(list[s]) >> 1);
    }

    static constexpr std::uint32_t no_candidate = ~std::uint32_t{0};

private:
    static constexpr std::uint64_t empty = knn_no_key;
    static constexpr std::size_t num_locks = 4096;

    class Lock {
    public:
        explicit Lock(std::atomic<bool>& flag) : flag_(flag) {
            for (int tries = 0; flag_.exchange(true, std::memory_order_acquire);) {
                if (++tries % 64 == 0) std::this_thread::yield();
            }
        }
        ~Lock() { flag_.store(false, std::memory_order_release); }
        Lock(const Lock&) = delete;
        Lock& operator=(const Lock&) = delete;

    private:
        std::atomic<bool>& flag_;
    };

    std::int64_t items_;
    std::size_t slots_;
    std::vector<std::uint64_t> entries_;
    std::unique_ptr<std::atomic<float>[]> limits_;
    std::unique_ptr<std::atomic<bool>[]> locks_;
};

/// Offers of one set of items, sorted by the item that they are for, so that each list is visited once.
class KnnOffers {
public:
    /// For the item at `place` of the set.
    void add(std::size_t place, std::uint64_t key) {
        places_.push_back(static_cast<std::uint32_t>(place));
        keys_.push_back(key);
    }

    void hand_over(std::span<const std::uint32_t> items, KnnCandidates& candidates) {
        begin_.assign(items.size() + 1, 0);
        for (const std::uint32_t place : places_) ++begin_[place];
        std::uint32_t sum = 0;
        for (std::uint32_t& begin : begin_) sum += std::exchange(begin, sum);
        sorted_.resize(keys_.size());
        for (std::size_t i = 0; i < keys_.size(); ++i) sorted_[begin_[places_[i]]++] = keys_[i];
        std::uint32_t from = 0;
        for (std::size_t place = 0; place < items.size(); ++place) {
            const std::uint32_t to = begin_[place];
            if (to > from) candidates.offer(items[place], {sorted_.data() + from, to - from});
            from = to;
        }
        places_.clear();
        keys_.clear();
    }

private:
    std::vector<std::uint32_t> places_, begin_;
    std::vector<std::uint64_t> keys_, sorted_;
};

}  // namespace filmatlas::detail
#endif  // FILMATLAS_NEIGHBORS_DETAIL_KNN_CANDIDATES_IMPL_HPP
