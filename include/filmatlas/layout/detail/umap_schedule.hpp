// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LAYOUT_DETAIL_UMAP_SCHEDULE_HPP
#define FILMATLAS_LAYOUT_DETAIL_UMAP_SCHEDULE_HPP

#include <algorithm>
#include <cstdint>

#include "filmatlas/core/config.hpp"
#include "filmatlas/linalg/csr.hpp"

/// @file umap_schedule.hpp
/// @brief Which edges attract at all, and how often: umap-learn's schedule. In which epochs: umap_due.hpp.

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

}  // namespace filmatlas::detail
#endif  // FILMATLAS_LAYOUT_DETAIL_UMAP_SCHEDULE_HPP
