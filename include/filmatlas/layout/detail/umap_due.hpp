// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LAYOUT_DETAIL_UMAP_DUE_HPP
#define FILMATLAS_LAYOUT_DETAIL_UMAP_DUE_HPP

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "filmatlas/core/detail/simd_versions.hpp"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

/// @file umap_due.hpp
/// @brief Which of an item's edges fire in an epoch, and what that leads to, by the schedule of umap_schedule.hpp: an edge
/// fires in the first epoch, counted from 1, not before 1, 2, 3, ... of its periods. They are >= 1: at most once in one.

namespace filmatlas::detail {

/// Of up to `most` edges those that fire, in their order.
struct UmapDue {
    static constexpr std::size_t most = 32;
    std::array<std::uint32_t, most> edge;       ///< which
    std::array<std::int32_t, most> next_epoch;  ///< in which it fires again
    std::array<std::int32_t, most> draws;       ///< that repel now
};

/// Fills `due` from `count` edges; returns how many fire.
using UmapFindDue = std::size_t (*)(const std::int32_t* next_epoch, const float* period, std::size_t count, int epoch,
                                    int rate, UmapDue& due) noexcept;

/// What the firing of eight edges in `epoch` leads to; epoch 0 is before all firings. Draws are due one period / rate
/// after the other, the first one skipped; a firing makes up for those since the last. Whole numbers are kept in double,
/// where they are exact.
FILMATLAS_ALWAYS_INLINE void umap_fire_eight(const float* periods, int rate, int epoch, std::int32_t* next_epoch,
                                             std::int32_t* draws) noexcept {
    typedef double Eight __attribute__((vector_size(64)));
    typedef float Given __attribute__((vector_size(32)));
    typedef std::int32_t Whole __attribute__((vector_size(32)));
    const auto floor = [](Eight& x) { x = __builtin_convertvector(__builtin_convertvector(x, Whole), Eight); };
    const auto ceil = [&](Eight& x) {
        Eight whole = x;
        floor(whole);
        x = whole < x ? whole + 1.0 : whole;
    };
    const auto all_but_first = [&](Eight& due) {
        floor(due);
        due = due > 1.0 ? due - 1.0 : Eight{};
    };
    Given given;
    std::memcpy(&given, periods, sizeof given);
    const Eight period = __builtin_convertvector(given, Eight);
    const double now = epoch;
    // Which firing this is: rounding moves the quotient's whole part by one at most.
    Eight number = now / period;
    floor(number);
    number = (number + 1.0) * period <= now ? number + 1.0 : number;
    number = number * period > now ? number - 1.0 : number;
    Eight next = (number + 1.0) * period;
    next = next < 2e9 ? next : Eight{} + 2e9;
    ceil(next);
    Eight before = number > 1.0 ? (number - 1.0) * period : Eight{};
    ceil(before);
    Eight due = now * rate / period;
    all_but_first(due);
    Eight drawn = before * rate / period;
    all_but_first(drawn);
    const Whole fires_again = __builtin_convertvector(next, Whole);
    const Whole repelling = __builtin_convertvector(due - drawn, Whole);
    std::memcpy(next_epoch, &fires_again, sizeof fires_again);
    std::memcpy(draws, &repelling, sizeof repelling);
}

/// The epochs after `epoch` in which the edges fire next.
inline void umap_next_epochs(std::span<const float> period, int epoch, std::vector<std::int32_t>& next_epoch) {
    constexpr std::size_t lanes = 8;
    next_epoch.resize(period.size());
    std::array<float, lanes> periods;
    std::array<std::int32_t, lanes> next;
    std::array<std::int32_t, lanes> draws;
    for (std::size_t e = 0; e < period.size(); e += lanes) {
        const std::size_t some = std::min(lanes, period.size() - e);
        periods.fill(1.0F);
        std::copy_n(period.data() + e, some, periods.data());
        umap_fire_eight(periods.data(), 1, epoch, next.data(), draws.data());
        std::copy_n(next.data(), some, next_epoch.data() + e);
    }
}

/// Of the edges listed in `due`.
FILMATLAS_ALWAYS_INLINE void umap_fire_listed(const float* period, std::size_t found, int epoch, int rate,
                                              UmapDue& due) noexcept {
    constexpr std::size_t lanes = 8;
    std::array<float, UmapDue::most + lanes> periods;
    for (std::size_t f = 0; f < found; ++f) periods[f] = period[due.edge[f]];
    std::fill_n(periods.data() + found, lanes, 1.0F);
    for (std::size_t f = 0; f < found; f += lanes)
        umap_fire_eight(periods.data() + f, rate, epoch, due.next_epoch.data() + f, due.draws.data() + f);
}

/// Which edges fire is as good as random: they are listed without a branch.
FILMATLAS_ALWAYS_INLINE std::size_t umap_find_due(const std::int32_t* next_epoch, const float* period,
                                                  std::size_t count, int epoch, int rate, UmapDue& due) noexcept {
    std::size_t found = 0;
    for (std::size_t e = 0; e < count; ++e) {
        due.edge[found] = static_cast<std::uint32_t>(e);
        found += next_epoch[e] <= epoch ? 1U : 0U;
    }
    umap_fire_listed(period, found, epoch, rate, due);
    return found;
}
inline std::size_t umap_find_due_baseline(const std::int32_t* next_epoch, const float* period, std::size_t count,
                                          int epoch, int rate, UmapDue& due) noexcept {
    return umap_find_due(next_epoch, period, count, epoch, rate, due);
}
FILMATLAS_TARGET_AVX2 inline std::size_t umap_find_due_avx2(const std::int32_t* next_epoch, const float* period,
                                                            std::size_t count, int epoch, int rate,
                                                            UmapDue& due) noexcept {
    return umap_find_due(next_epoch, period, count, epoch, rate, due);
}
FILMATLAS_TARGET_AVX512 inline std::size_t umap_find_due_avx512(const std::int32_t* next_epoch, const float* period,
                                                                std::size_t count, int epoch, int rate,
                                                                UmapDue& due) noexcept {
#if defined(__x86_64__)
    constexpr std::size_t lanes = 16;
    std::size_t found = 0;
    __m512i edge = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    for (std::size_t e = 0; e < count; e += lanes) {
        const auto there = static_cast<__mmask16>(count - e < lanes ? (1U << (count - e)) - 1 : 0xFFFFU);
        const __m512i next = _mm512_maskz_loadu_epi32(there, next_epoch + e);
        const __mmask16 fires = _mm512_mask_cmple_epi32_mask(there, next, _mm512_set1_epi32(epoch));
        // No more are found than were looked at: the last store ends within the array.
        _mm512_storeu_si512(due.edge.data() + found, _mm512_maskz_compress_epi32(fires, edge));
        found += static_cast<std::size_t>(__builtin_popcount(fires));
        edge = _mm512_add_epi32(edge, _mm512_set1_epi32(lanes));
    }
    umap_fire_listed(period, found, epoch, rate, due);
    return found;
#else
    return umap_find_due(next_epoch, period, count, epoch, rate, due);
#endif
}

inline UmapFindDue umap_due_finder() {
    return simd_version(&umap_find_due_baseline, &umap_find_due_avx2, &umap_find_due_avx512);
}

}  // namespace filmatlas::detail
#endif  // FILMATLAS_LAYOUT_DETAIL_UMAP_DUE_HPP
