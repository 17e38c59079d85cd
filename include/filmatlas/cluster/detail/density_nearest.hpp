// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_CLUSTER_DETAIL_DENSITY_NEAREST_HPP
#define FILMATLAS_CLUSTER_DETAIL_DENSITY_NEAREST_HPP

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <tuple>
#include <utility>
#include <vector>

#include "filmatlas/core/detail/simd_versions.hpp"
#include "filmatlas/core/matrix.hpp"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace filmatlas::detail {

/// What the nearest are found with: loops over a few distances and the ids beside them.
template <SimdLevel level>
struct NearestLoops {
    static constexpr std::size_t lanes = 4;  ///< sums that run side by side; what the loops may read and write beyond

    /// Copies the distances below a limit, whose ids count up from `first`, in their order; returns how many. All is
    /// written, then overwritten by the next: no branch that would be guessed wrong.
    static std::size_t append(const double* reduced, std::size_t count, double limit, Index first, double* to_reduced,
                              Index* to_id) {
        std::size_t to = 0;
        for (std::size_t j = 0; j < count; ++j) {
            const double r = reduced[j];
            to_reduced[to] = r;
            to_id[to] = first + static_cast<Index>(j);
            to += r < limit ? std::size_t{1} : std::size_t{0};
        }
        return to;
    }

    /// How many are at most `bound`; what follows them has to be infinite.
    static std::size_t up_to(const double* reduced, std::size_t count, double bound) {
        std::array<double, lanes> found{};
        for (std::size_t j = 0; j < count; j += lanes) {
            for (std::size_t l = 0; l < lanes; ++l) found[l] += reduced[j + l] <= bound ? 1.0 : 0.0;
        }
        return static_cast<std::size_t>((found[0] + found[1]) + (found[2] + found[3]));
    }

    /// Moves those that are at most `bound` to the front; returns how many.
    static std::size_t keep(double* reduced, Index* id, std::size_t count, double bound) {
        std::size_t kept = 0;
        for (std::size_t j = 0; j < count; ++j) {
            const double r = reduced[j];
            reduced[kept] = r;
            id[kept] = id[j];
            kept += r <= bound ? std::size_t{1} : std::size_t{0};
        }
        return kept;
    }
};

#if defined(__x86_64__)
/// The same with AVX-512, which moves chosen lanes side by side.
template <>
struct NearestLoops<SimdLevel::Avx512> {
    static constexpr std::size_t lanes = 8;

    FILMATLAS_TARGET_AVX512 static std::size_t append(const double* reduced, std::size_t count, double limit,
                                                      Index first, double* to_reduced, Index* to_id) {
        const __m256i steps = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
        std::size_t to = 0;
        for (std::size_t j = 0; j < count; j += lanes) {
            const __mmask8 there = first_lanes(count - j);
            const __m512d r = _mm512_maskz_loadu_pd(there, reduced + j);
            const __mmask8 kept = _mm512_mask_cmp_pd_mask(there, r, _mm512_set1_pd(limit), _CMP_LT_OQ);
            const __m256i id = _mm256_add_epi32(_mm256_set1_epi32(first + static_cast<Index>(j)), steps);
            to += store(kept, r, id, to_reduced + to, to_id + to);
        }
        return to;
    }

    FILMATLAS_TARGET_AVX512 static std::size_t up_to(const double* reduced, std::size_t count, double bound) {
        std::size_t found = 0;
        for (std::size_t j = 0; j < count; j += lanes) {
            const __m512d r = _mm512_loadu_pd(reduced + j);
            found += static_cast<std::size_t>(
                __builtin_popcount(_mm512_cmp_pd_mask(r, _mm512_set1_pd(bound), _CMP_LE_OQ)));
        }
        return found;
    }

    FILMATLAS_TARGET_AVX512 static std::size_t keep(double* reduced, Index* id, std::size_t count, double bound) {
        std::size_t kept = 0;
        for (std::size_t j = 0; j < count; j += lanes) {
            const __m512d r = _mm512_loadu_pd(reduced + j);
            const __mmask8 near =
                _mm512_mask_cmp_pd_mask(first_lanes(count - j), r, _mm512_set1_pd(bound), _CMP_LE_OQ);
            const __m256i ids = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(id + j));
            kept += store(near, r, ids, reduced + kept, id + kept);
        }
        return kept;
    }

private:
    static __mmask8 first_lanes(std::size_t count) {
        return static_cast<__mmask8>(count < lanes ? (1U << count) - 1 : 0xFFU);
    }
    FILMATLAS_TARGET_AVX512 static std::size_t store(__mmask8 kept, __m512d r, __m256i id, double* to_reduced,
                                                     Index* to_id) {
        // Chosen in a register, then stored whole: a store of chosen lanes alone takes many times as long.
        _mm512_storeu_pd(to_reduced, _mm512_maskz_compress_pd(kept, r));
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(to_id), _mm256_maskz_compress_epi32(kept, id));
        return static_cast<std::size_t>(__builtin_popcount(kept));
    }
};
#endif

/// The `most` nearest of the points that are shown to it, in no order.
///
/// Points are noted without a branch while they are below a limit. The limit is lowered by counting who is below a
/// guess: counts grow evenly enough for interpolation to meet within a few guesses.
template <SimdLevel level>
class NearestFew {
public:
    static constexpr double infinity = std::numeric_limits<double>::infinity();

    /// Points will be shown up to `block` at a time.
    NearestFew(std::size_t most, std::size_t block)
        : most_(most),
          spare_(4 + most / 8),
          room_(most + most / 2 + 6 * block),
          reduced_(room_ + block + lanes),
          id_(reduced_.size()) {}

    void clear() {
        count_ = 0;
        below_ = 0;
        limit_ = infinity;
    }
    /// What is as far is not needed.
    double limit() const { return limit_; }
    std::size_t size() const { return count_; }
    Index id(std::size_t i) const { return id_[i]; }

    /// Shows the points `first`, `first` + 1, .. with these distances.
    void add(const double* reduced, std::size_t count, std::int64_t first) {
        const std::size_t added = Loops::append(reduced, count, limit_, static_cast<Index>(first),
                                                reduced_.data() + count_, id_.data() + count_);
        below_ += added;
        count_ += added;
        if (below_ > most_ + spare_) lower_limit(most_, most_ + spare_, 3);
        if (count_ > room_) settle();
    }

    /// Keeps the nearest; returns the distance of the farthest of them, 0 when there is none.
    double settle() { return settle(most_); }
    /// Keeps fewer, too few for more points to be shown.
    double settle(std::size_t most) {
        if (count_ > most) {
            lower_limit(most, most, 8);
            if (below_ == most) {
                count_ = Loops::keep(reduced_.data(), id_.data(), count_, limit_);
            } else {
                select(most);  // several are as far as the last
            }
        }
        below_ = count_;
        const double farthest = largest();
        if (count_ == most) limit_ = farthest;
        return farthest;
    }

private:
    using Loops = NearestLoops<level>;
    static constexpr std::size_t lanes = Loops::lanes;

    double largest() const {
        std::array<double, lanes> most{};
        const std::size_t whole = count_ / lanes * lanes;
        for (std::size_t j = 0; j < whole; j += lanes) {
            for (std::size_t l = 0; l < lanes; ++l) most[l] = std::max(most[l], reduced_[j + l]);
        }
        for (std::size_t j = whole; j < count_; ++j) most[0] = std::max(most[0], reduced_[j]);
        return *std::max_element(most.begin(), most.end());
    }

    /// Guesses limits that no fewer than `wanted` points keep, until no more than `enough` do.
    void lower_limit(std::size_t wanted, std::size_t enough, int guesses) {
        std::fill_n(reduced_.data() + count_, lanes, infinity);
        if (limit_ == infinity) limit_ = largest();
        double low = 0;
        std::size_t below_low = 0;
        for (; guesses > 0 && below_ > enough; --guesses) {
            const double share =
                (static_cast<double>(wanted - below_low) + 0.25) / static_cast<double>(below_ - below_low);
            const double guess = low + (limit_ - low) * share;
            const std::size_t found = Loops::up_to(reduced_.data(), count_, guess);
            if (found >= wanted) {
                limit_ = guess;
                below_ = found;
            } else {
                low = guess;
                below_low = found;
            }
        }
    }

    /// Of equal distances the lower ids.
    void select(std::size_t most) {
        std::vector<std::pair<double, Index>> all;
        for (std::size_t j = 0; j < count_; ++j) all.emplace_back(reduced_[j], id_[j]);
        std::nth_element(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(most), all.end());
        for (std::size_t j = 0; j < most; ++j) std::tie(reduced_[j], id_[j]) = all[j];
        count_ = most;
    }

    std::size_t most_;
    std::size_t spare_;  ///< how many too many are not worth another guess
    std::size_t room_;
    std::size_t count_ = 0;
    std::size_t below_ = 0;  ///< how many are at most `limit_`
    double limit_ = infinity;
    std::vector<double> reduced_;
    std::vector<Index> id_;
};

}  // namespace filmatlas::detail
#endif  // FILMATLAS_CLUSTER_DETAIL_DENSITY_NEAREST_HPP
