// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_VALIDATE_DETAIL_TERRITORY_PURITY_IMPL_HPP
#define FILMATLAS_VALIDATE_DETAIL_TERRITORY_PURITY_IMPL_HPP

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>

#include "filmatlas/core/error.hpp"
#include "filmatlas/validate/territory_purity.hpp"

namespace filmatlas {

FILMATLAS_INLINE TerritoryPurity territory_purity(const Territories& territories, const Hierarchy& hierarchy) {
    const auto n = static_cast<std::size_t>(hierarchy.num_items());
    const auto nodes = static_cast<std::size_t>(hierarchy.num_nodes());
    if (territories.item_node.size() != n || territories.inside.size() != nodes) {
        throw_shape("territory_purity", "the territories are of " + std::to_string(territories.item_node.size()) +
                                            " items and " + std::to_string(territories.inside.size()) +
                                            " nodes, the hierarchy of " + std::to_string(n) + " and " +
                                            std::to_string(nodes));
    }
    const std::vector<Index> leaves = hierarchy.leaves();
    std::vector<std::int64_t> standing(nodes, 0);
    std::vector<std::int64_t> own(nodes, 0);
    for (std::size_t i = 0; i < n; ++i) {
        Index land = territories.item_node[i];
        // Both are finest nodes: the two paths upwards pass the levels together.
        for (Index node = leaves[i]; land >= 0; node = hierarchy.nodes[static_cast<std::size_t>(node)].parent) {
            ++standing[static_cast<std::size_t>(land)];
            own[static_cast<std::size_t>(land)] += land == node ? 1 : 0;
            land = hierarchy.nodes[static_cast<std::size_t>(land)].parent;
        }
    }
    TerritoryPurity out;
    const auto share = [](std::int64_t part, std::int64_t whole) {
        return whole > 0 ? static_cast<double>(part) / static_cast<double>(whole)
                         : std::numeric_limits<double>::quiet_NaN();
    };
    for (std::size_t node = 0; node < nodes; ++node)
        out.nodes.push_back(static_cast<float>(share(own[node], standing[node])));
    for (int level = 0; level < hierarchy.num_levels(); ++level) {
        std::int64_t all = 0;
        std::int64_t at_home = 0;
        for (Index node = hierarchy.level_begin[static_cast<std::size_t>(level)];
             node < hierarchy.level_begin[static_cast<std::size_t>(level) + 1]; ++node) {
            all += standing[static_cast<std::size_t>(node)];
            at_home += own[static_cast<std::size_t>(node)];
        }
        out.levels.push_back(share(at_home, all));
    }
    return out;
}

}  // namespace filmatlas
#endif  // FILMATLAS_VALIDATE_DETAIL_TERRITORY_PURITY_IMPL_HPP
