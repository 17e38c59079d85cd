// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LAYOUT_DETAIL_START_SCALE_HPP
#define FILMATLAS_LAYOUT_DETAIL_START_SCALE_HPP

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

#include "filmatlas/core/matrix.hpp"
#include "filmatlas/core/random.hpp"

/// @file start_scale.hpp
/// @brief The range and the jitter that all starts share.

namespace filmatlas::detail {

/// Largest absolute value of a start.
inline constexpr float kStartRange = 10.0F;
inline constexpr double kStartJitter = 1e-4;

inline bool start_row_finite(std::span<const float> row) {
    return std::all_of(row.begin(), row.end(), [](float v) { return std::isfinite(v); });
}

/// Centres by the mean and scales to the range; rows not in `members` stay 0.
inline void start_scale(Matrix<float>& y, const std::vector<Index>& members, std::uint64_t seed) {
    if (members.empty()) return;
    double largest = 0;
    std::vector<double> mean(static_cast<std::size_t>(y.cols()), 0);
    for (const Index i : members) {
        for (std::int64_t d = 0; d < y.cols(); ++d)
            mean[static_cast<std::size_t>(d)] += static_cast<double>(y(i, d));
    }
    for (double& value : mean) value /= static_cast<double>(members.size());
    for (const Index i : members) {
        for (std::int64_t d = 0; d < y.cols(); ++d) {
            largest =
                std::max(largest, std::abs(static_cast<double>(y(i, d)) - mean[static_cast<std::size_t>(d)]));
        }
    }
    const double scale = largest > 0 ? static_cast<double>(kStartRange) / largest : 0.0;
    for (const Index i : members) {
        RandomStream stream(seed, "layout.jitter", static_cast<std::uint64_t>(i));
        for (std::int64_t d = 0; d < y.cols(); ++d) {
            const double centred = (static_cast<double>(y(i, d)) - mean[static_cast<std::size_t>(d)]) * scale;
            y(i, d) = static_cast<float>(centred + kStartJitter * stream.normal());
        }
    }
}

}  // namespace filmatlas::detail
#endif  // FILMATLAS_LAYOUT_DETAIL_START_SCALE_HPP
