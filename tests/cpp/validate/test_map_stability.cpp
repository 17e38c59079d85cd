// SPDX-License-Identifier: MIT
#include "filmatlas/validate/map_stability.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "filmatlas/core/error.hpp"
#include "filmatlas/validate/layout_quality.hpp"
#include "support/levels.hpp"

using namespace filmatlas;

namespace {

Matrix<float> turned(const Matrix<float>& map, double angle, double scale, bool mirrored) {
    Matrix<float> out = map;
    for (std::int64_t i = 0; i < map.rows(); ++i) {
        const double x = static_cast<double>(map(i, 0));
        const double y = static_cast<double>(map(i, 1)) * (mirrored ? -1 : 1);
        out(i, 0) = static_cast<float>(scale * (std::cos(angle) * x - std::sin(angle) * y) + 5);
        out(i, 1) = static_cast<float>(scale * (std::sin(angle) * x + std::cos(angle) * y) - 3);
    }
    return out;
}

}  // namespace

TEST_CASE("map_stability: turning, mirroring, scaling and shifting a map is no change") {
    const Matrix<float> map = ::testing::random_matrix(300, 2, 1);
    const std::vector<Matrix<float>> maps{map, turned(map, 1.1, 3, false), turned(map, -2, 0.2, true)};
    const MapStability found = map_stability(maps);
    CHECK(found.pairs == 3);
    CHECK(found.moved < 1e-5);
    CHECK(*std::max_element(found.moved_per_item.begin(), found.moved_per_item.end()) < 1e-4F);
    CHECK(found.kept_neighbors > 0.999);
}

TEST_CASE("map_stability: unrelated maps agree by chance, one moved item is found") {
    const std::vector<Matrix<float>> strangers{::testing::random_matrix(400, 2, 1), ::testing::random_matrix(400, 2, 2)};
    const MapStability chance = map_stability(strangers, {.k = 20});
    CHECK(chance.kept_neighbors == doctest::Approx(20.0 / 399).epsilon(0.2));
    CHECK(chance.moved > 1);
    std::vector<Matrix<float>> maps(3, strangers[0]);
    maps[2](7, 0) = 40;
    const MapStability found = map_stability(maps);
    for (std::size_t i = 0; i < 400; ++i) {
        if (i != 7) CHECK(found.moved_per_item[i] < found.moved_per_item[7] / 2);
    }
    CHECK(found.kept_per_item[7] < 0.5F);
}

TEST_CASE("map_stability: subsamples are compared by the items that both hold, as by hand") {
    std::vector<Matrix<float>> maps;
    for (std::uint64_t seed = 0; seed < 3; ++seed) {
        Matrix<float> map = ::testing::random_matrix(120, 3, seed + 4);
        const std::vector<Index> rows = stability_rows(120, 0.7, 9, seed);
        CHECK(rows.size() == 84);
        CHECK(std::is_sorted(rows.begin(), rows.end()));
        CHECK(std::set<Index>(rows.begin(), rows.end()).size() == 84);
        for (Index i = 0; i < 120; ++i) {
            if (!std::binary_search(rows.begin(), rows.end(), i)) map(i, 1) = std::numeric_limits<float>::quiet_NaN();
        }
        maps.push_back(map);
    }
    maps.push_back(Matrix<float>(120, 3));
    for (float& x : maps.back().values()) x = std::numeric_limits<float>::infinity();  // holds nobody
    const MapStability found = map_stability(maps, {.k = 5, .num_threads = 1});
    CHECK(found.pairs == 3);
    std::vector<double> kept(120, 0);
    std::vector<int> times(120, 0);
    for (std::size_t a = 0; a < 3; ++a) {
        for (std::size_t b = a + 1; b < 3; ++b) {
            std::vector<Index> rows;
            for (Index i = 0; i < 120; ++i) {
                if (std::isfinite(maps[a](i, 1)) && std::isfinite(maps[b](i, 1))) rows.push_back(i);
            }
            const auto nearest = [&](const Matrix<float>& map, Index i) {
                std::vector<std::pair<double, Index>> order;
                for (const Index j : rows) {
                    double sum = 0;
                    for (std::int64_t d = 0; d < 3; ++d) {
                        const double gap = static_cast<double>(map(i, d)) - static_cast<double>(map(j, d));
                        sum += gap * gap;
                    }
                    if (i != j) order.emplace_back(sum, j);
                }
                std::sort(order.begin(), order.end());
                std::set<Index> ids;
                for (std::size_t s = 0; s < 5; ++s) ids.insert(order[s].second);
                return ids;
            };
            for (const Index i : rows) {
                const std::set<Index> first = nearest(maps[a], i);
                const std::set<Index> second = nearest(maps[b], i);
                for (const Index j : first) kept[static_cast<std::size_t>(i)] += second.contains(j) ? 0.2 : 0.0;
                ++times[static_cast<std::size_t>(i)];
            }
        }
    }
    double sum = 0;
    int count = 0;
    for (std::size_t i = 0; i < 120; ++i) {
        CHECK(std::isnan(found.kept_per_item[i]) == (times[i] == 0));
        CHECK(std::isnan(found.moved_per_item[i]) == (times[i] == 0));
        if (times[i] == 0) continue;
        CHECK(found.kept_per_item[i] == doctest::Approx(kept[i] / times[i]));
        sum += kept[i];
        count += times[i];
    }
    CHECK(found.kept_neighbors == doctest::Approx(sum / count));
    for (const int threads : {2, 3, 8}) {
        const MapStability again = map_stability(maps, {.k = 5, .num_threads = threads});
        CHECK(::testing::same_bits(again.kept_per_item, found.kept_per_item));
        CHECK(::testing::same_bits(again.moved_per_item, found.moved_per_item));
    }
}

TEST_CASE("map_stability: few items, points in one place, bad input") {
    const Matrix<float> one(5, 2);  // all in one place
    const MapStability still = map_stability(std::vector<Matrix<float>>{one, one});
    CHECK(still.moved == 0);
    CHECK(still.kept_neighbors == 1);  // of the four that there are
    const Matrix<float> two(2, 2);
    const MapStability none = map_stability(std::vector<Matrix<float>>{two, two});
    CHECK(none.pairs == 0);
    CHECK(std::isnan(none.moved));
    CHECK(std::isnan(none.kept_per_item[0]));
    CHECK_THROWS_WITH_AS(map_stability(std::vector<Matrix<float>>{one}), doctest::Contains("there is 1"), Error);
    CHECK_THROWS_WITH_AS(map_stability(std::vector<Matrix<float>>{one, two}), doctest::Contains("map 1"), Error);
    CHECK_THROWS_WITH_AS(map_stability(std::vector<Matrix<float>>{one, one}, {.k = 0}), doctest::Contains("k"), Error);
    CHECK_THROWS_WITH_AS(stability_rows(10, 1.5, 0, 0), doctest::Contains("share"), Error);
    CHECK(stability_rows(10, 1, 0, 0).size() == 10);
    CHECK(stability_rows(10, 0.01, 0, 0).size() == 1);
    CHECK(stability_rows(50, 0.5, 0, 0) != stability_rows(50, 0.5, 0, 1));
    CHECK(stability_rows(50, 0.5, 0, 0) == stability_rows(50, 0.5, 0, 0));
}
