// SPDX-License-Identifier: MIT
#include "filmatlas/validate/territory_purity.hpp"

#include <doctest/doctest.h>

#include <cmath>

#include "filmatlas/core/error.hpp"
#include "layout/territory_data.hpp"

using namespace filmatlas;
using namespace filmatlas::testing;

TEST_CASE("territory_purity: as counted node by node") {
    for (const double spread : {0.3, 1.2}) {
        const TerritoryCase test = territory_case(600, 4, spread < 1 ? 0 : 3, spread);
        const Territories land = territories(test.map, test.tree);
        const TerritoryPurity found = territory_purity(land, test.tree);
        REQUIRE(found.nodes.size() == static_cast<std::size_t>(test.tree.num_nodes()));
        REQUIRE(found.levels.size() == static_cast<std::size_t>(test.tree.num_levels()));
        for (int level = 0; level < test.tree.num_levels(); ++level) {
            const std::vector<Index> labels = test.tree.labels(level);
            std::int64_t all = 0;
            std::int64_t at_home = 0;
            for (Index node = 0; node < test.tree.num_nodes(level); ++node) {
                const Index id = test.tree.level_begin[static_cast<std::size_t>(level)] + node;
                std::int64_t standing = 0;
                std::int64_t own = 0;
                for (std::size_t i = 0; i < labels.size(); ++i) {
                    if (land.item_node[i] < 0) continue;
                    if (test.tree.path(land.item_node[i])[static_cast<std::size_t>(level)] != id) continue;
                    ++standing;
                    own += labels[i] == node ? 1 : 0;
                }
                const float share = found.nodes[static_cast<std::size_t>(id)];
                CHECK(std::isnan(share) == (standing == 0));
                if (standing > 0) CHECK(share == doctest::Approx(static_cast<double>(own) / static_cast<double>(standing)));
                all += standing;
                at_home += own;
            }
            CHECK(found.levels[static_cast<std::size_t>(level)] ==
                  doctest::Approx(static_cast<double>(at_home) / static_cast<double>(all)));
            CHECK(at_home == land.levels[static_cast<std::size_t>(level)].inside);
        }
        if (spread < 1) CHECK(found.levels[0] > 0.95);
    }
}

TEST_CASE("territory_purity: items at sea stand nowhere, another tree is refused") {
    const TerritoryCase test = territory_case(60, 2, 3, 0.3);
    Territories land = territories(test.map, test.tree);
    CHECK_THROWS_WITH_AS(territory_purity(land, Hierarchy{}), doctest::Contains("60 items"), Error);
    std::fill(land.item_node.begin(), land.item_node.end(), -1);
    const TerritoryPurity none = territory_purity(land, test.tree);
    CHECK(std::isnan(none.levels[0]));
    CHECK(std::isnan(none.nodes[0]));
}
