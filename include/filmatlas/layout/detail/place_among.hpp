// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LAYOUT_DETAIL_PLACE_AMONG_HPP
#define FILMATLAS_LAYOUT_DETAIL_PLACE_AMONG_HPP

#include <algorithm>
#include <cstddef>
#include <limits>
#include <span>
#include <vector>

#include "filmatlas/layout/detail/math.hpp"

/// @file place_among.hpp
/// @brief The Cauchy location estimate of some places: where most of them are together.

namespace filmatlas::detail {

inline constexpr int kPlaceRounds = 30;

/// Where most of some places lie together. `places` is (count, c); the answer goes to `y`.
inline void place_among(std::span<const double> places, std::size_t c, double spacing, std::span<double> y) {
    const std::size_t count = places.size() / c;
    const auto squared = [&](const double* a, const double* b) {
        double sum = 0;
        for (std::size_t d = 0; d < c; ++d) sum += (a[d] - b[d]) * (a[d] - b[d]);
        return sum;
    };
    // The loss has a valley for every group of neighbours: start at the neighbour that lies lowest, the first of
    // equals.
    const double scale2 = spacing * spacing;
    std::size_t best = 0;
    double least = std::numeric_limits<double>::infinity();
    for (std::size_t i = 0; i < count && scale2 > 0; ++i) {
        double loss = 0;
        for (std::size_t j = 0; j < count; ++j) {
            loss += layout_log(1 + squared(&places[i * c], &places[j * c]) / scale2);
        }
        if (loss < least) {
            least = loss;
            best = i;
        }
    }
    std::copy_n(places.begin() + static_cast<std::ptrdiff_t>(best * c), c, y.begin());
    if (!(scale2 > 0)) return;
    std::vector<double> sum(c);
    for (int round = 0; round < kPlaceRounds; ++round) {
        std::fill(sum.begin(), sum.end(), 0.0);
        double total = 0;
        for (std::size_t j = 0; j < count; ++j) {
            const double w = 1 / (1 + squared(y.data(), &places[j * c]) / scale2);
            total += w;
            for (std::size_t d = 0; d < c; ++d) sum[d] += w * places[j * c + d];
        }
        double moved2 = 0;
        for (std::size_t d = 0; d < c; ++d) {
            const double next = sum[d] / total;
            moved2 += (next - y[d]) * (next - y[d]);
            y[d] = next;
        }
        if (moved2 < 1e-8 * scale2) break;
    }
}

}  // namespace filmatlas::detail
#endif  // FILMATLAS_LAYOUT_DETAIL_PLACE_AMONG_HPP
