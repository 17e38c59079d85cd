// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LAYOUT_DETAIL_UMAP_SCHEDULE_HPP
#define FILMATLAS_LAYOUT_DETAIL_UMAP_SCHEDULE_HPP

#include <algorithm>
#include <cstdint>

#include "filmatlas/core/config.hpp"
#include "filmatlas/linalg/csr.hpp"

/// @file umap_schedule.hpp
/// @brief In which epochs an edge attracts: umap-learn's schedule.

namespace filmatlas::detail {

/// Which edges fire in a run at all: those whose period, the largest weight over their own, is within its epochs.
struct UmapFiring {
    float largest = 0;  ///< weight
    int total_epochs = 0;

    UmapFiring() = default;
    UmapFiring(const CsrMatrix<float>& weights, int epochs) : total_epochs(epochs) {
        for (const float w : weights.values) largest = std::max(largest, w);
    }

    bool operator()(std::int64_t i, Index j, float w) const noexcept {
        return w > 0 && j != i && static_cast<double>(largest) <= static_cast<double>(w) * total_epochs;
    }
    float period(float w) const noexcept { return largest / w; }
    float least() const noexcept { return largest / static_cast<float>(total_epochs); }
};

/// Firings in epochs 1 .. epoch of an edge that fires in the first epoch not before 1, 2, 3, ... periods, which are >= 1:
/// at most once in an epoch.
inline std::int32_t umap_firings(float period, int epoch) {
    const auto p = static_cast<double>(period);
    auto count = static_cast<std::int32_t>(static_cast<double>(epoch) / p);
    while (static_cast<double>(count + 1) * p <= static_cast<double>(epoch)) ++count;
    while (count > 0 && static_cast<double>(count) * p > static_cast<double>(epoch)) --count;
    return count;
}

/// Epoch of a firing, counted from 1.
inline std::int32_t umap_firing_epoch(float period, std::int32_t number) {
    const double at = static_cast<double>(number) * static_cast<double>(period);
    const auto whole = static_cast<std::int32_t>(std::min(at, 2e9));
    return static_cast<double>(whole) < at ? whole + 1 : whole;
}

}  // namespace filmatlas::detail
#endif  // FILMATLAS_LAYOUT_DETAIL_UMAP_SCHEDULE_HPP
