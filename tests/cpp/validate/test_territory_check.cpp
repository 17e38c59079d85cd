// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "filmatlas/core/error.hpp"
#include "filmatlas/validate/territory_check.hpp"
#include "layout/territory_data.hpp"

using namespace filmatlas;
using namespace filmatlas::testing;

namespace {

Severity severity(const Report& report, const std::string& code) {
    for (const Finding& finding : report.findings) {
        if (finding.code == code) return finding.severity;
    }
    FAIL("no finding " << code);
    return Severity::Info;
}

}  // namespace

TEST_CASE(
    "check_territories: what territories() draws passes, on clean and on "
    "mixed maps") {
    for (const std::int64_t noise : {0, 5}) {
        for (const std::int64_t n : {9, 90, 900}) {
            const TerritoryCase test = territory_case(n, 4, noise, noise > 0 ? 1.2 : 0.5);
            const Report report = check_territories(test.map, test.tree, territories(test.map, test.tree));
            CAPTURE(to_text(report));
            CHECK(report.ok());
            CHECK(report.count(Severity::Warning) == 0);
        }
    }
}

TEST_CASE("check_territories: smoothed territories tile and share as before") {
    const TerritoryCase test = territory_case(900, 4, 5, 1.2);
    const Report report =
        check_territories(test.map, test.tree, smooth_territories(territories(test.map, test.tree)));
    CAPTURE(to_text(report));
    CHECK(report.ok());
}

TEST_CASE("check_territories: every broken promise is found") {
    const TerritoryCase test = territory_case(400, 2, 6, 0.9);
    const Territories good = territories(test.map, test.tree);
    const auto check = [&](const Territories& t) { return check_territories(test.map, test.tree, t); };
    Territories bad = good;
    bad.ring_begin.pop_back();
    CHECK(severity(check(bad), "territories.structure") == Severity::Error);
    bad = good;
    bad.ring_arcs[0] = static_cast<Index>(good.num_arcs());
    CHECK(severity(check(bad), "territories.structure") == Severity::Error);
    bad = good;  // an arc whose end has moved: rings are open
    bad.points(bad.arc_begin[1] - 1, 0) += bad.cell;
    CHECK(severity(check(bad), "territories.rings") == Severity::Error);
    bad = good;  // a ring that runs the wrong way
    std::reverse(bad.ring_arcs.begin(), bad.ring_arcs.begin() + bad.ring_begin[1]);
    for (std::int64_t s = 0; s < bad.ring_begin[1]; ++s)
        bad.ring_arcs[static_cast<std::size_t>(s)] = ~bad.ring_arcs[static_cast<std::size_t>(s)];
    CHECK(severity(check(bad), "territories.rings") == Severity::Error);
    CHECK(severity(check(bad), "territories.arcs") == Severity::Error);
    bad = good;  // an arc that names other neighbours
    std::swap(bad.arc_sides(0, 0), bad.arc_sides(0, 1));
    CHECK(severity(check(bad), "territories.arcs") == Severity::Error);
    bad = good;  // an item said to stand elsewhere
    bad.item_node[7] =
        bad.item_node[7] == test.tree.level_begin[1] ? bad.item_node[7] + 1 : test.tree.level_begin[1];
    CHECK(severity(check(bad), "territories.items") == Severity::Warning);
    bad = good;
    bad.levels[0].inside += 1;
    CHECK(severity(check(bad), "territories.items") == Severity::Warning);
    // A node's last piece given to nobody: the parent keeps more than its children have.
    bad = good;
    const auto last = static_cast<std::size_t>(bad.num_pieces() - 1);
    bad.ring_arcs.resize(
        static_cast<std::size_t>(bad.ring_begin[static_cast<std::size_t>(bad.piece_begin[last])]));
    bad.ring_begin.resize(static_cast<std::size_t>(bad.piece_begin[last]) + 1);
    bad.piece_begin.pop_back();
    bad.piece_node.pop_back();
    bad.piece_items.pop_back();
    bad.piece_area.pop_back();
    --bad.node_begin.back();
    const Report torn = check(bad);
    CHECK(severity(torn, "territories.tiling") == Severity::Error);
    CHECK(severity(torn, "territories.arcs") == Severity::Error);
    // Bars.
    const Report barred = check_territories(test.map, test.tree, good, 0.0, 1.0);
    CHECK(severity(barred, "territories.strays") == Severity::Warning);
    CHECK_THROWS_AS(check_territories(Matrix<float>(3, 2), test.tree, good), Error);
}
