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

#include "filmatlas/core/matrix.hpp"

namespace filmatlas::detail {

/// The `most` nearest of the points that are shown to it, in no order.
///
/// Points are noted without a branch while they are below a limit. The limit is lowered by counting who is below a
/// guess: counts grow evenly enough for interpolation to meet within a few guesses.
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
        double* to_reduced = reduced_.data();
        Index* to_id = id_.data();
        std::size_t to = count_;
        const double limit = limit_;
        for (std::size_t j = 0; j < count; ++j) {
            const double r = reduced[j];
            to_reduced[to] = r;
            to_id[to] = static_cast<Index>(first) + static_cast<Index>(j);
            to += r < limit ? std::size_t{1} : std::size_t{0};
        }
        below_ += to - count_;
        count_ = to;
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
                keep_below_limit();
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
    static constexpr std::size_t lanes = 4;  ///< sums that run side by side

    double largest() const {
        std::array<double, lanes> most{};
        const std::size_t whole = count_ / lanes * lanes;
        for (std::size_t j = 0; j < whole; j += lanes) {
            for (std::size_t l = 0; l < lanes; ++l) most[l] = std::max(most[l], reduced_[j + l]);
        }
        for (std::size_t j = whole; j < count_; ++j) most[0] = std::max(most[0], reduced_[j]);
        return *std::max_element(most.begin(), most.end());
    }

    /// How many are at most `bound`; what follows them has to be infinite.
    std::size_t up_to(double bound) const {
        std::array<double, lanes> found{};
        const double* reduced = reduced_.data();
        for (std::size_t j = 0; j < count_; j += lanes) {
            for (std::size_t l = 0; l < lanes; ++l) found[l] += reduced[j + l] <= bound ? 1.0 : 0.0;
        }
        return static_cast<std::size_t>((found[0] + found[1]) + (found[2] + found[3]));
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
            const std::size_t found = up_to(guess);
            if (found >= wanted) {
                limit_ = guess;
                below_ = found;
            } else {
                low = guess;
                below_low = found;
            }
        }
    }

    void keep_below_limit() {
        double* reduced = reduced_.data();
        Index* id = id_.data();
        const double limit = limit_;
        std::size_t kept = 0;
        for (std::size_t j = 0; j < count_; ++j) {
            const double r = reduced[j];
            reduced[kept] = r;
            id[kept] = id[j];
            kept += r <= limit ? std::size_t{1} : std::size_t{0};
        }
        count_ = kept;
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
