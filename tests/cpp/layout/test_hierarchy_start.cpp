// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "filmatlas/layout/hierarchy_start.hpp"
#include "layout/layout_data.hpp"
#include "layout/territory_data.hpp"

using namespace filmatlas;
using namespace filmatlas::testing;

namespace {

/// Share of items that are nearer to their own group's mean than to any other's.
double nearest_own_mean(const Matrix<float>& y, const Matrix<Index>& levels, std::int64_t level, Index groups) {
    Matrix<double> mean(groups, y.cols());
    std::vector<double> count(static_cast<std::size_t>(groups), 0);
    for (std::int64_t i = 0; i < y.rows(); ++i) {
        count[static_cast<std::size_t>(levels(i, level))] += 1;
        for (std::int64_t d = 0; d < y.cols(); ++d) mean(levels(i, level), d) += static_cast<double>(y(i, d));
    }
    double own = 0;
    for (std::int64_t i = 0; i < y.rows(); ++i) {
        double best = std::numeric_limits<double>::infinity();
        Index nearest = -1;
        for (Index g = 0; g < groups; ++g) {
            double sum = 0;
            for (std::int64_t d = 0; d < y.cols(); ++d) {
                const double gap = static_cast<double>(y(i, d)) - mean(g, d) / count[static_cast<std::size_t>(g)];
                sum += gap * gap;
            }
            if (sum < best) {
                best = sum;
                nearest = g;
            }
        }
        own += nearest == levels(i, level) ? 1 : 0;
    }
    return own / static_cast<double>(y.rows());
}

}  // namespace

TEST_CASE(
    "hierarchy_start: groups that lay on one another stand apart, finer "
    "ones inside their parents") {
    for (const std::int64_t dims : {2, 3}) {
        const TerritoryCase test = territory_case(900, 1);
        Matrix<float> mixed(900, dims);
        for (std::int64_t i = 0; i < 900; ++i) {
            RandomStream stream(5, "mixed", static_cast<std::uint64_t>(i));
            for (std::int64_t d = 0; d < dims; ++d) mixed(i, d) = static_cast<float>(stream.normal());
        }
        CHECK(nearest_own_mean(mixed, test.levels, 1, 9) < 0.3);
        const Matrix<float> y = hierarchy_start(mixed, test.levels).coordinates;
        CHECK(nearest_own_mean(y, test.levels, 0, 3) > 0.9);
        CHECK(nearest_own_mean(y, test.levels, 1, 9) > 0.9);
        float most = 0;
        for (const float v : y.values()) most = std::max(most, std::abs(v));
        CHECK(most == doctest::Approx(10).epsilon(0.001));
        CHECK(hierarchy_start(mixed, test.levels).coordinates == y);
    }
}

TEST_CASE(
    "hierarchy_start: items left out, equal labels under two parents, no "
    "items, wrong rows") {
    Matrix<float> places(6, 2, {0, 0, 1, 0, 0, 1, 5, 5, 6, 5, 5, 6});
    // Label 7 occurs under both parents: two groups.
    const Matrix<Index> levels(6, 2, {0, 7, 0, 7, 0, 7, 1, 7, 1, 7, 1, 7});
    const Matrix<float> y = hierarchy_start(places, levels).coordinates;
    CHECK(nearest_same_group(y, 6) == 0);
    CHECK(all_finite(y));
    const double inside = std::hypot(y(0, 0) - y(1, 0), y(0, 1) - y(1, 1));
    const double across = std::hypot(y(0, 0) - y(3, 0), y(0, 1) - y(3, 1));
    CHECK(inside < across);
    places(2, 0) = std::numeric_limits<float>::quiet_NaN();
    const Matrix<float> without = hierarchy_start(places, levels).coordinates;
    CHECK(without(2, 0) == 0);
    CHECK(all_finite(without));
    CHECK(hierarchy_start(Matrix<float>(0, 2), Matrix<Index>(0, 3)).coordinates.rows() == 0);
    CHECK(hierarchy_start(Matrix<float>(3, 2), Matrix<Index>(3, 0)).coordinates.rows() == 3);
    CHECK_THROWS_WITH_AS(hierarchy_start(places, Matrix<Index>(5, 2)), doctest::Contains("levels"), Error);
}
