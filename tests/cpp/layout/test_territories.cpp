// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <utility>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "filmatlas/layout/territories.hpp"
#include "layout/territory_data.hpp"

using namespace filmatlas;
using namespace filmatlas::testing;

namespace {

/// Node of a level that a finest node lies in.
Index ancestor(const Hierarchy& tree, Index node, Index level) {
    while (node >= 0 && tree.nodes[static_cast<std::size_t>(node)].level > level) {
        node = tree.nodes[static_cast<std::size_t>(node)].parent;
    }
    return node;
}

/// Signed area of a ring, straight from the arcs.
double ring_area(const Territories& t, std::int64_t ring) {
    std::vector<std::pair<double, double>> points;
    for (std::int64_t s = t.ring_begin[static_cast<std::size_t>(ring)];
         s < t.ring_begin[static_cast<std::size_t>(ring) + 1]; ++s) {
        const Index step = t.ring_arcs[static_cast<std::size_t>(s)];
        const auto arc = static_cast<std::size_t>(step < 0 ? ~step : step);
        std::vector<std::pair<double, double>> chain;
        for (std::int64_t p = t.arc_begin[arc]; p < t.arc_begin[arc + 1]; ++p)
            chain.emplace_back(t.points(p, 0), t.points(p, 1));
        if (step < 0) std::reverse(chain.begin(), chain.end());
        if (!points.empty()) REQUIRE(points.back() == chain.front());
        points.insert(points.end(), chain.begin() + (points.empty() ? 0 : 1), chain.end());
    }
    REQUIRE(points.front() == points.back());
    double sum = 0;
    for (std::size_t k = 0; k + 1 < points.size(); ++k) {
        sum += points[k].first * points[k + 1].second - points[k + 1].first * points[k].second;
    }
    return sum / 2;
}

}  // namespace

TEST_CASE(
    "territories: two items far apart are two squares of land, each with "
    "its own border") {
    const Matrix<float> map(2, 2, {0, 0, 100, 0});
    const Hierarchy tree = hierarchy_from_labels({{0, 1}}, {"macro"});
    TerritoryOptions options;
    options.resolution = 64;
    options.coast = 0.02;  // an item's own cell alone reaches the density of one item
    options.reach = 0.02;
    const Territories t = territories(map, tree, options);
    CHECK(t.num_pieces() == 2);
    CHECK(t.num_arcs() == 2);
    CHECK(std::count(t.cells.values().begin(), t.cells.values().end(), 0) == 1);
    CHECK(std::count(t.cells.values().begin(), t.cells.values().end(), 1) == 1);
    CHECK(t.item_node == std::vector<Index>{0, 1});
    for (std::int64_t ring = 0; ring < 2; ++ring) CHECK(ring_area(t, ring) == doctest::Approx(t.cell * t.cell));
    CHECK(t.arc_sides(0, 1) == -1);  // walked from its lowest corner eastwards, the sea lies at the right
    CHECK(t.arc_begin[1] == 5);      // four corners, the first again
    CHECK(t.levels[0].nodes == 2);
    CHECK(t.levels[0].one_piece == 2);
    CHECK(t.levels[0].inside == 2);
}

TEST_CASE("territories: cells, arcs and rings tell one story") {
    for (const std::int64_t n : {40, 400, 1500}) {
        for (const std::uint64_t seed : {1U, 2U}) {
            for (const std::int64_t noise : {0, 7}) {
                const TerritoryCase test = territory_case(n, seed, noise, noise > 0 ? 0.9 : 0.5);
                const Territories t = territories(test.map, test.tree);
                const Index leaf = test.tree.level_begin[1];
                CAPTURE(n);
                CAPTURE(seed);
                // Every item is on land, and where its cell is.
                for (std::int64_t i = 0; i < n; ++i) {
                    const auto x = static_cast<std::int64_t>(
                        std::floor((static_cast<double>(test.map(i, 0)) - t.x0) / t.cell));
                    const auto y = static_cast<std::int64_t>(
                        std::floor((static_cast<double>(test.map(i, 1)) - t.y0) / t.cell));
                    CHECK(t.cells(y, x) >= leaf);
                    CHECK(t.item_node[static_cast<std::size_t>(i)] == t.cells(y, x));
                }
                // The rings of a node enclose as much as its cells.
                const double unit = t.cell * t.cell;
                for (Index node = 0; node < test.tree.num_nodes(); ++node) {
                    const Index level = test.tree.nodes[static_cast<std::size_t>(node)].level;
                    double cells = 0;
                    for (const Index owner : t.cells.values())
                        cells += ancestor(test.tree, owner, level) == node ? unit : 0;
                    double enclosed = 0;
                    for (std::int64_t p = t.node_begin[static_cast<std::size_t>(node)];
                         p < t.node_begin[static_cast<std::size_t>(node) + 1]; ++p) {
                        double piece = 0;
                        for (std::int64_t r = t.piece_begin[static_cast<std::size_t>(p)];
                             r < t.piece_begin[static_cast<std::size_t>(p) + 1]; ++r) {
                            const double area = ring_area(t, r);
                            CHECK((area > 0) == (r == t.piece_begin[static_cast<std::size_t>(p)]));
                            piece += area;
                        }
                        CHECK(piece == doctest::Approx(t.piece_area[static_cast<std::size_t>(p)]));
                        CHECK(t.piece_items[static_cast<std::size_t>(p)] > 0);
                        enclosed += piece;
                    }
                    CHECK(enclosed == doctest::Approx(cells));
                }
                // An arc bounds two different finest nodes, and its level is the coarsest at which they differ.
                for (std::int64_t arc = 0; arc < t.num_arcs(); ++arc) {
                    const Index a = t.arc_sides(arc, 0);
                    const Index b = t.arc_sides(arc, 1);
                    CHECK(a != b);
                    const Index level = t.arc_level[static_cast<std::size_t>(arc)];
                    CHECK(ancestor(test.tree, a, level) != ancestor(test.tree, b, level));
                    if (level > 0) CHECK(ancestor(test.tree, a, level - 1) == ancestor(test.tree, b, level - 1));
                }
                if (noise == 0) CHECK(t.levels[1].inside >= n * 9 / 10);
            }
        }
    }
}

TEST_CASE(
    "territories: a node inside another leaves a hole that its own "
    "border fills") {
    // A ring of node 0 around node 1.
    Matrix<float> map(240, 2);
    std::vector<Index> labels(240, 0);
    for (std::int64_t i = 0; i < 240; ++i) {
        const double angle = 0.0261799 * static_cast<double>(i);
        const double radius = i % 3 == 0 ? 1.0 : 5.0 + 0.4 * static_cast<double>(i % 5);
        labels[static_cast<std::size_t>(i)] = i % 3 == 0 ? 1 : 0;
        map(i, 0) = static_cast<float>(radius * std::cos(angle));
        map(i, 1) = static_cast<float>(radius * std::sin(angle));
    }
    const Hierarchy tree = hierarchy_from_labels({labels}, {"macro"});
    TerritoryOptions options;
    options.coast = 12;  // land everywhere
    const Territories t = territories(map, tree, options);
    REQUIRE(t.num_pieces() == 2);
    CHECK(t.piece_begin[1] == 2);  // node 0: its outer ring and a hole
    CHECK(t.piece_begin[2] == 3);
    CHECK(ring_area(t, 1) == doctest::Approx(-ring_area(t, 2)));
    CHECK(t.ring_arcs[static_cast<std::size_t>(t.ring_begin[1])] ==
          ~t.ring_arcs[static_cast<std::size_t>(t.ring_begin[2])]);
}

TEST_CASE(
    "smooth_territories: ends stay, no point moves half a cell, "
    "staircases become lines") {
    const TerritoryCase test = territory_case(600, 3, 7, 0.9);
    const Territories t = territories(test.map, test.tree);
    CHECK(smooth_territories(t, 0) == t);
    const Territories round = smooth_territories(t, 8);
    REQUIRE(round.num_arcs() == t.num_arcs());
    double before = 0;
    double after = 0;
    const auto length = [](const Territories& of, std::size_t arc) {
        double sum = 0;
        for (std::int64_t p = of.arc_begin[arc]; p + 1 < of.arc_begin[arc + 1]; ++p) {
            sum += std::hypot(of.points(p + 1, 0) - of.points(p, 0), of.points(p + 1, 1) - of.points(p, 1));
        }
        return sum;
    };
    for (std::size_t arc = 0; arc + 1 < t.arc_begin.size(); ++arc) {
        for (const std::int64_t d : {0, 1}) {
            CHECK(round.points(round.arc_begin[arc], d) == t.points(t.arc_begin[arc], d));
            CHECK(round.points(round.arc_begin[arc + 1] - 1, d) == t.points(t.arc_begin[arc + 1] - 1, d));
        }
        before += length(t, arc);
        after += length(round, arc);
    }
    CHECK(after < 0.9 * before);
    for (std::int64_t p = 0; p < round.points.rows(); ++p) {
        // The nearest corner of a cell is the point's own, less than half a cell away along both axes.
        const double x = (round.points(p, 0) - t.x0) / t.cell;
        const double y = (round.points(p, 1) - t.y0) / t.cell;
        CHECK(std::abs(x - std::round(x)) < 0.4901);
        CHECK(std::abs(y - std::round(y)) < 0.4901);
    }
    CHECK_THROWS_WITH_AS(smooth_territories(t, -1), doctest::Contains("rounds"), Error);
}

TEST_CASE(
    "territories: nothing, one item, one place, items without a place, "
    "bad options") {
    const Hierarchy none = hierarchy_from_labels({{}}, {"macro"});
    CHECK(territories(Matrix<float>(0, 2), none).num_pieces() == 0);
    const Hierarchy one = hierarchy_from_labels({{0}}, {"macro"});
    const Territories single = territories(Matrix<float>(1, 2), one);
    CHECK(single.num_pieces() == 1);
    CHECK(single.item_node == std::vector<Index>{0});
    const Hierarchy same = hierarchy_from_labels({std::vector<Index>(50, 0)}, {"macro"});
    CHECK(territories(Matrix<float>(50, 2), same).levels[0].inside == 50);

    TerritoryCase test = territory_case(90, 1);
    for (const std::int64_t i : {0, 5, 89}) test.map(i, 1) = std::numeric_limits<float>::quiet_NaN();
    const Territories holes = territories(test.map, test.tree);
    CHECK(holes.item_node[5] == -1);
    CHECK(holes.levels[0].items == 87);

    CHECK_THROWS_AS(territories(Matrix<float>(89, 2), test.tree), Error);
    CHECK_THROWS_WITH_AS(territories(Matrix<float>(90, 3), test.tree), doctest::Contains("plane"), Error);
    TerritoryOptions options;
    options.resolution = 8;
    CHECK_THROWS_WITH_AS(territories(test.map, test.tree, options), doctest::Contains("resolution"), Error);
    options = {};
    options.reach = 0;
    CHECK_THROWS_WITH_AS(territories(test.map, test.tree, options), doctest::Contains("reach"), Error);
    options = {};
    options.coast = std::numeric_limits<double>::quiet_NaN();
    CHECK_THROWS_WITH_AS(territories(test.map, test.tree, options), doctest::Contains("coast"), Error);
}
