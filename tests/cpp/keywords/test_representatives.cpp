// SPDX-License-Identifier: MIT
#include "filmatlas/keywords/representatives.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "filmatlas/core/random.hpp"
#include "keywords/sample.hpp"

using namespace filmatlas;

TEST_CASE("representatives: exhaustive, against the definition") {
    const Sample sample = planted_sample(300);
    Matrix<float> vectors(300, 12);
    RandomStream draw(5, "representatives");
    for (float& v : vectors.values()) v = static_cast<float>(draw.normal());
    const auto result = representatives(sample.hierarchy, vectors.view(), 4);
    for (Index node = 0; node < sample.hierarchy.num_nodes(); ++node) {
        const auto members = sample.hierarchy.items(node);
        std::vector<double> centroid(12, 0.0);
        const auto norm = [&](Index i) {
            double s = 0;
            for (std::int64_t j = 0; j < 12; ++j) s += double{vectors(i, j)} * double{vectors(i, j)};
            return std::sqrt(s);
        };
        for (const Index i : members) {
            for (std::size_t j = 0; j < 12; ++j)
                centroid[j] += double{vectors(i, static_cast<std::int64_t>(j))} / norm(i);
        }
        const auto cosine = [&](Index i) {
            double s = 0;
            for (std::size_t j = 0; j < 12; ++j)
                s += centroid[j] * double{vectors(i, static_cast<std::int64_t>(j))};
            return s / norm(i);
        };
        const auto& chosen = result[static_cast<std::size_t>(node)];
        REQUIRE(chosen.size() == std::min<std::size_t>(4, members.size()));
        for (std::size_t r = 1; r < chosen.size(); ++r) CHECK(cosine(chosen[r - 1]) >= cosine(chosen[r]));
        for (const Index i : members) {
            if (std::find(chosen.begin(), chosen.end(), i) == chosen.end()) {
                CHECK(cosine(i) <= cosine(chosen.back()) + 1e-12);
            }
        }
    }
    CHECK(representatives(sample.hierarchy, vectors.view(), 4, 1) ==
          representatives(sample.hierarchy, vectors.view(), 4, 3));
}

TEST_CASE("representatives: length doesn't matter, ties go by id, unusable vectors come last") {
    const Hierarchy hierarchy = hierarchy_from_labels({{0, 0, 0, 0, 0, 0}}, {"macro"});
    const float nan = std::numeric_limits<float>::quiet_NaN();
    const Matrix<float> vectors(6, 2, {0, 0, nan, 1, 5, 0, 1, 0, 0, 1, 2, 0});
    CHECK(representatives(hierarchy, vectors.view(), 6)[0] == std::vector<Index>{2, 3, 5, 4, 0, 1});
    CHECK(representatives(hierarchy, vectors.view(), 2)[0] == std::vector<Index>{2, 3});
    CHECK(representatives(hierarchy, vectors.view(), 0)[0].empty());
    CHECK(representatives(hierarchy, vectors.view(), 100)[0].size() == 6);
}

TEST_CASE("representatives: bad input is named") {
    const Hierarchy hierarchy = hierarchy_from_labels({{0, 0}}, {"macro"});
    const Matrix<float> vectors(3, 2);
    CHECK_THROWS_WITH_AS(representatives(hierarchy, vectors.view(), 1),
                         doctest::Contains("there are 3 vectors"), Error);
    const Matrix<float> fitting(2, 2);
    CHECK_THROWS_WITH_AS(representatives(hierarchy, fitting.view(), -1), doctest::Contains("count"), Error);
}

TEST_CASE("diverse_representatives: first the most central, then unlike ones; diversity 0 is representatives()") {
    // Two tight pairs and a middle: the second choice leaves the first one's pair.
    const Matrix<float> vectors(5, 2, {1.0F, 0.1F, 1.0F, 0.12F, 0.8F, 0.6F, 0.1F, 1.0F, 0.12F, 1.0F});
    const Hierarchy hierarchy = hierarchy_from_labels({{0, 0, 0, 0, 0}}, {"macro"});
    const auto central = representatives(hierarchy, vectors.view(), 3);
    const auto diverse = diverse_representatives(hierarchy, vectors.view(), 3, 0.7);
    CHECK(diverse[0][0] == central[0][0]);
    CHECK(diverse[0].size() == 3);
    const auto side = [](Index i) { return i < 2 ? 0 : i > 2 ? 1 : 2; };
    CHECK(side(diverse[0][1]) != side(diverse[0][2]));
    CHECK(diverse_representatives(hierarchy, vectors.view(), 3, 0.0) == central);
    CHECK(diverse_representatives(hierarchy, vectors.view(), 0)[0].empty());
    CHECK(diverse_representatives(hierarchy, vectors.view(), 9)[0].size() == 5);
    CHECK_THROWS_WITH_AS(diverse_representatives(hierarchy, vectors.view(), 3, 2.0), doctest::Contains("diversity"), Error);
}

TEST_CASE("border_items: the members nearest to another node's centre") {
    const Matrix<float> vectors(6, 2, {1.0F, 0.0F, 1.0F, 0.1F, 0.7F, 0.7F, 0.0F, 1.0F, 0.1F, 1.0F, 0.0F, 0.0F});
    const Hierarchy hierarchy = hierarchy_from_labels({{0, 0, 0, 1, 1, 1}}, {"macro"});
    const auto border = border_items(hierarchy, vectors.view(), 2);
    CHECK(border[0] == std::vector<Index>{2, 1});
    CHECK(border[1] == std::vector<Index>{4, 3});  // the zero vector is left out
    const Hierarchy alone = hierarchy_from_labels({{0, 0, 0, 0, 0, 0}}, {"macro"});
    CHECK(border_items(alone, vectors.view(), 1)[0].size() == 1);
    CHECK(border_items(hierarchy, vectors.view(), 2, 1) == border_items(hierarchy, vectors.view(), 2, 3));
    CHECK_THROWS_WITH_AS(border_items(hierarchy, vectors.view(), -1), doctest::Contains("count: is -1"), Error);
}
