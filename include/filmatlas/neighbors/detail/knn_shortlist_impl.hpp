// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_NEIGHBORS_DETAIL_KNN_SHORTLIST_IMPL_HPP
#define FILMATLAS_NEIGHBORS_DETAIL_KNN_SHORTLIST_IMPL_HPP

#include <algorithm>
#include <bit>
#include <cfloat>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "filmatlas/core/detail/prefetch.hpp"
#include "filmatlas/neighbors/detail/knn_screen_impl.hpp"
#include "filmatlas/neighbors/detail/knn_space_impl.hpp"

namespace filmatlas::detail {

/// Per position the candidates for its `slots` nearest, most of them known by the screen's key only. A list that
/// fills up is cut by the limit that its own bounds give; what no bound can part is measured. So nearly all
/// distances are measured at the end, when little more than the true neighbours is left, row by row.
class KnnShortlists {
public:
    /// `own_spread`: the spread of each position's row; those of the candidates come from `screen`.
    KnnShortlists(const KnnScreen& screen, std::span<const float> own_spread, std::int64_t positions,
                  std::int64_t slots)
        : screen_(screen),
          own_spread_(own_spread),
          slots_(static_cast<std::size_t>(slots)),
          capacity_(slots_ + std::clamp<std::size_t>(2 * slots_, 32, 64)),
          entries_(std::make_unique_for_overwrite<std::uint64_t[]>(static_cast<std::size_t>(positions) * capacity_)),
          lists_(static_cast<std::size_t>(positions)) {}

    /// No pair with a greater key can be among the nearest; FLT_MAX until `slots` are known.
    float limit(std::int64_t position) const { return lists_[static_cast<std::size_t>(position)].limit; }

    /// Lowers the limit to what the candidates so far allow.
    void tighten(std::int64_t position) {
        if (lists_[static_cast<std::size_t>(position)].count > slots_) cut(position);
    }

    /// Brings a position's candidates near ahead of use.
    void prefetch(std::int64_t position) const {
        prefetch_values(entries_.get() + static_cast<std::size_t>(position) * capacity_,
                        static_cast<std::int64_t>(lists_[static_cast<std::size_t>(position)].count) + 8);
    }

    /// The first candidates of a position, at once: `count` (key, candidate) that are overwritten. What is not finite counts
    /// for none. `room` is for the bounds.
    template <class Measure>
    void begin(std::int64_t position, std::uint64_t* entries, std::size_t count, std::vector<std::int32_t>& room,
               Measure&& measure) {
        List& list = lists_[static_cast<std::size_t>(position)];
        const Kernels& kernel = screen_.kernel();
        if (count >= slots_ && slots_ > 0) {
            room.resize((count + 15) / 16 * 16);
            kernel.key_bounds(entries, count, screen_.spread().data(), room.data());
            lower(position, of_ordered(kernel.at_least_kth(room.data(), count, slots_)));
        }
        const std::size_t kept = kernel.keep_at_most(entries, count, knn_key(list.limit, -1));
        for (std::size_t e = 0; e < kept; ++e) offer(position, knn_key_distance(entries[e]), knn_key_id(entries[e]), measure);
    }

    /// Takes a pair that the screen let through. `measure(position, candidate)` gives the distance;
    /// `measure.prefetch(candidate)` is told some steps before.
    template <class Measure>
    void offer(std::int64_t position, float key, Index candidate, Measure&& measure) {
        List& list = lists_[static_cast<std::size_t>(position)];
        // (No branch by the key: whether a pair serves this one of its two rows is anybody's guess.)
        entries_of(position)[list.count] = knn_key(key, candidate);
        list.count += key > list.limit ? 0U : 1U;
        if (list.count < capacity_) return;
        cut(position);
        // Bounds that part too little: equal rows, or rows nearer to each other than the screen can tell.
        if (list.count > slots_ + (capacity_ - slots_) / 2) settle(position, measure);
    }

    /// Measures what is left of a position's candidates; returns how many distances it took all in all.
    template <class Measure>
    std::int64_t finish(std::int64_t position, Measure&& measure) {
        cut(position);
        settle(position, measure);
        List& list = lists_[static_cast<std::size_t>(position)];
        std::sort(entries_of(position), entries_of(position) + list.count);
        return list.measurements;
    }

    /// (distance, position) of a finished position, in order.
    std::span<const std::uint64_t> neighbors(std::int64_t position) const {
        return {entries_.get() + static_cast<std::size_t>(position) * capacity_,
                lists_[static_cast<std::size_t>(position)].count};
    }

    /// Bytes beside the screen.
    static std::int64_t bytes(std::int64_t positions, std::int64_t slots) {
        return positions * (8 * (slots + std::clamp<std::int64_t>(2 * slots, 32, 64)) +
                            static_cast<std::int64_t>(sizeof(List)));
    }

private:
    /// The first `measured` entries are (distance, candidate), the others (key, candidate).
    struct List {
        float limit = FLT_MAX;
        std::uint32_t count = 0;
        std::uint32_t measured = 0;
        std::uint32_t measurements = 0;
    };

    std::uint64_t* entries_of(std::int64_t position) {
        return entries_.get() + static_cast<std::size_t>(position) * capacity_;
    }

    /// Floats as integers of the same order, and back.
    static std::int32_t ordered(float value) {
        const std::int32_t bits = std::bit_cast<std::int32_t>(value);
        return bits ^ (bits >> 31 & 0x7FFFFFFF);
    }
    static float of_ordered(std::int32_t value) { return std::bit_cast<float>(value ^ (value >> 31 & 0x7FFFFFFF)); }

    /// Lowers the limit to that of a bound without the position's own spread.
    void lower(std::int64_t position, float bound) {
        const double own = static_cast<double>(own_spread_[static_cast<std::size_t>(position)]);
        float& limit = lists_[static_cast<std::size_t>(position)].limit;
        limit = std::min(limit, screen_.limit_of_bound(static_cast<double>(bound) + own));
    }

    /// Lowers the limit to what the `slots` best bounds allow, and drops what is above it.
    void cut(std::int64_t position) {
        List& list = lists_[static_cast<std::size_t>(position)];
        std::uint64_t* entries = entries_of(position);
        if (list.count < slots_) return;
        const float own = own_spread_[static_cast<std::size_t>(position)];
        std::int32_t few[256];
        std::vector<std::int32_t> many;
        std::int32_t* bounds = few;
        if (list.count > std::size(few)) {
            many.resize((list.count + 15) / 16 * 16);
            bounds = many.data();
        }
        // Without the position's own spread, which all share.
        for (std::size_t e = 0; e < list.measured; ++e) {
            bounds[e] = ordered(screen_.limit_of(knn_key_distance(entries[e])) - own);
        }
        const Kernels& kernel = screen_.kernel();
        kernel.key_bounds(entries + list.measured, list.count - list.measured, screen_.spread().data(),
                          bounds + list.measured);
        lower(position, of_ordered(kernel.at_least_kth(bounds, list.count, slots_)));
        drop(list, entries, knn_key(list.limit, -1));
    }

    /// Measures the pending candidates and keeps the `slots` nearest.
    template <class Measure>
    void settle(std::int64_t position, Measure&& measure) {
        List& list = lists_[static_cast<std::size_t>(position)];
        std::uint64_t* entries = entries_of(position);
        if (list.measured == slots_) {
            // Nothing is nearer than the same row: among equal ones the lower ids win.
            const std::uint64_t worst = *std::max_element(entries, entries + list.measured);
            if (knn_key_distance(worst) == 0 && screen_.distances_from_zero()) {
                const std::uint64_t* last = std::remove_if(entries + list.measured, entries + list.count, [&](auto entry) {
                    return knn_key_id(entry) > knn_key_id(worst);
                });
                list.count = static_cast<std::uint32_t>(last - entries);
            }
        }
        constexpr std::size_t ahead = 2;
        for (std::size_t e = list.measured; e < std::min<std::size_t>(list.measured + ahead, list.count); ++e)
            measure.prefetch(knn_key_id(entries[e]));
        for (std::size_t e = list.measured; e < list.count; ++e) {
            if (e + ahead < list.count) measure.prefetch(knn_key_id(entries[e + ahead]));
            const Index candidate = knn_key_id(entries[e]);
            entries[e] = knn_key(measure(position, candidate), candidate);
        }
        list.measurements += list.count - list.measured;
        if (list.count > slots_) {
            std::nth_element(entries, entries + (slots_ - 1), entries + list.count);
            list.count = static_cast<std::uint32_t>(slots_);
        }
        list.measured = list.count;
        if (list.count == slots_ && slots_ > 0) {
            const std::uint64_t worst = *std::max_element(entries, entries + list.count);
            list.limit = std::min(list.limit, screen_.limit_of(knn_key_distance(worst)));
        }
    }

    /// Removes pending entries above `last`.
    void drop(List& list, std::uint64_t* entries, std::uint64_t last) const {
        const std::size_t kept = screen_.kernel().keep_at_most(entries + list.measured, list.count - list.measured, last);
        list.count = list.measured + static_cast<std::uint32_t>(kept);
    }

    const KnnScreen& screen_;
    std::span<const float> own_spread_;
    std::size_t slots_;
    std::size_t capacity_;
    std::unique_ptr<std::uint64_t[]> entries_;
    std::vector<List> lists_;
};

}  // namespace filmatlas::detail
#endif  // FILMATLAS_NEIGHBORS_DETAIL_KNN_SHORTLIST_IMPL_HPP
