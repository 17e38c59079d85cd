// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_CLUSTER_DETAIL_SQUARED_DISTANCE_HPP
#define FILMATLAS_CLUSTER_DETAIL_SQUARED_DISTANCE_HPP

#include <cstdint>

namespace filmatlas::detail {

/// Squared distance from the differences themselves, in float64: exactly 0 for equal rows.
template <class A, class B>
double squared_distance(const A* a, const B* b, std::int64_t d) {
    double lane[4] = {0, 0, 0, 0};
    const auto square = [&](std::int64_t j) {
        const double difference = static_cast<double>(a[j]) - static_cast<double>(b[j]);
        return difference * difference;
    };
    std::int64_t j = 0;
    for (; j + 4 <= d; j += 4) {
        for (int l = 0; l < 4; ++l) lane[l] += square(j + l);
    }
    for (; j < d; ++j) lane[j & 3] += square(j);
    return (lane[0] + lane[2]) + (lane[1] + lane[3]);
}

}  // namespace filmatlas::detail
#endif  // FILMATLAS_CLUSTER_DETAIL_SQUARED_DISTANCE_HPP
