// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_TESTS_TERRITORY_DATA_HPP
#define FILMATLAS_TESTS_TERRITORY_DATA_HPP

#include <cmath>
#include <cstdint>
#include <vector>

#include "filmatlas/core/matrix.hpp"
#include "filmatlas/core/random.hpp"
#include "filmatlas/hierarchy/hierarchy.hpp"

namespace filmatlas::testing {

/// A map of n items in 3 x 3 clouds, and their tree: three columns of three clouds. Every `noise`-th item stands
/// in the cloud of another node (0 = none).
struct TerritoryCase {
    Matrix<float> map;
    Hierarchy tree;
    Matrix<Index> levels;
};

inline TerritoryCase territory_case(std::int64_t n, std::uint64_t seed, std::int64_t noise = 0,
                                    double spread = 0.5) {
    TerritoryCase out;
    out.map = Matrix<float>(n, 2);
    out.levels = Matrix<Index>(n, 2);
    std::vector<std::vector<Index>> labels(2);
    for (std::int64_t i = 0; i < n; ++i) {
        RandomStream stream(seed, "territory_case", static_cast<std::uint64_t>(i));
        const auto cloud = static_cast<Index>(i % 9);
        const Index stands = noise > 0 && i % noise == 0 ? (cloud + 4) % 9 : cloud;
        out.map(i, 0) = static_cast<float>(3.0 * (stands / 3) + spread * stream.normal());
        out.map(i, 1) = static_cast<float>(3.0 * (stands % 3) + spread * stream.normal());
        out.levels(i, 0) = cloud / 3;
        out.levels(i, 1) = cloud;
        labels[0].push_back(cloud / 3);
        labels[1].push_back(cloud);
    }
    out.tree = hierarchy_from_labels(labels, default_level_names(2));
    return out;
}

}  // namespace filmatlas::testing
#endif  // FILMATLAS_TESTS_TERRITORY_DATA_HPP
