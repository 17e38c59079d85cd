// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_NEIGHBORS_DETAIL_KNN_PLAIN_IMPL_HPP
#define FILMATLAS_NEIGHBORS_DETAIL_KNN_PLAIN_IMPL_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "filmatlas/core/detail/prefetch.hpp"
#include "filmatlas/core/random.hpp"
#include "filmatlas/linalg/kernels.hpp"
#include "filmatlas/neighbors/detail/knn_candidates_impl.hpp"
#include "filmatlas/neighbors/detail/knn_space_impl.hpp"

namespace filmatlas::detail {

/// Rows for the descent as they are, measured pair by pair with the distance that is reported: where 8 bits
/// are too few (few dimensions, rows much nearer to each other than to the centre), and for manhattan.
class KnnPlainRows {
public:
    struct Workspace {
        std::vector<const float*> rows;
        std::vector<float> limit, converted;
        KnnOffers offers;
    };
    using Direction = std::vector<float>;

    /// `positions` of the rows in `space`.
    KnnPlainRows(const KnnSpace& space, std::vector<Index> positions)
        : space_(space), positions_(std::move(positions)) {}

    std::int64_t size() const { return static_cast<std::int64_t>(positions_.size()); }
    bool too_coarse(const KnnCandidates&) const { return false; }

    void reorder(const std::vector<std::uint32_t>& order, int) {
        std::vector<Index> moved(positions_.size());
        for (std::size_t i = 0; i < moved.size(); ++i) moved[i] = positions_[order[i]];
        positions_ = std::move(moved);
    }

    Direction cut(std::span<const std::uint32_t> items, RandomStream& stream, Workspace& work) const {
        const auto d = static_cast<std::size_t>(space_.dim());
        const std::uint32_t first = items[stream.below(items.size())];
        std::uint32_t second = first;
        for (int tries = 0; tries < 8 && second == first; ++tries) second = items[stream.below(items.size())];
        work.converted.resize(2 * d);
        const float* a = row(first, work.converted.data());
        const float* b = row(second, work.converted.data() + d);
        Direction direction(d);
        const float factor_a = factor(first);
        const float factor_b = factor(second);
        for (std::size_t k = 0; k < d; ++k) direction[k] = a[k] * factor_a - b[k] * factor_b;
        return direction;
    }

    /// A place that overflows float32 sorts with the largest; any fixed order will do.
    void project(std::span<const std::uint32_t> items, const Direction& direction, Workspace& work,
                 std::uint64_t* keys) const {
        work.converted.resize(direction.size());
        for (std::size_t i = 0; i < items.size(); ++i) {
            const float* values = row(items[i], work.converted.data());
            const float place = kernel_.dot(values, direction.data(), direction.size()) * factor(items[i]);
            keys[i] = knn_key(place == place ? place : FLT_MAX, static_cast<Index>(items[i]));
        }
    }

    void prefetch(std::uint32_t item) const {
        if (space_.rows.direct()) prefetch_values(space_.direct_row(positions_[item]), space_.dim());
    }

    void join(std::span<const std::uint32_t> items, std::size_t left, Workspace& work,
              KnnCandidates& candidates) const {
        const auto d = static_cast<std::size_t>(space_.dim());
        work.rows.resize(items.size());
        work.limit.resize(items.size());
        if (!space_.rows.direct()) work.converted.resize(items.size() * d);
        for (std::size_t i = 0; i < items.size(); ++i) {
            work.rows[i] = row(items[i], space_.rows.direct() ? nullptr : work.converted.data() + i * d);
            work.limit[i] = candidates.limit(items[i]);
        }
        for (std::size_t i = 0; i < left; ++i) {
            for (std::size_t j = i + 1; j < items.size(); ++j) {
                const float distance = space_.distance(kernel_, work.rows[i], factor(items[i]), work.rows[j],
                                                       factor(items[j]));
                if (distance <= work.limit[i])
                    work.offers.add(i, KnnCandidates::offer_key(distance, items[j]));
                if (distance <= work.limit[j])
                    work.offers.add(j, KnnCandidates::offer_key(distance, items[i]));
            }
        }
        work.offers.hand_over(items, candidates);
    }

private:
    const float* row(std::uint32_t item, float* scratch) const { return space_.row(positions_[item], scratch); }
    float factor(std::uint32_t item) const { return space_.factor_of(positions_[item]); }

    const KnnSpace& space_;
    std::vector<Index> positions_;
    const Kernels& kernel_ = kernels();
};

}  // namespace filmatlas::detail
#endif  // FILMATLAS_NEIGHBORS_DETAIL_KNN_PLAIN_IMPL_HPP
