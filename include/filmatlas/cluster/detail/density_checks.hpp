// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_CLUSTER_DETAIL_DENSITY_CHECKS_HPP
#define FILMATLAS_CLUSTER_DETAIL_DENSITY_CHECKS_HPP

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "filmatlas/core/error.hpp"

namespace filmatlas::detail {

/// Weights of n items: none at all, or n positive numbers.
inline void check_item_weights(const char* stage, std::span<const double> weights, std::int64_t n) {
    if (weights.empty()) return;
    if (static_cast<std::int64_t>(weights.size()) != n) {
        throw_shape(stage, std::to_string(weights.size()) + " weights for " + std::to_string(n) + " items");
    }
    for (std::size_t i = 0; i < weights.size(); ++i) {
        if (!(weights[i] > 0) || !std::isfinite(weights[i])) {
            throw_invalid(stage, "weights", "weight " + std::to_string(i) + " is " + to_text(weights[i]),
                          "use positive numbers");
        }
    }
}

}  // namespace filmatlas::detail
#endif  // FILMATLAS_CLUSTER_DETAIL_DENSITY_CHECKS_HPP
