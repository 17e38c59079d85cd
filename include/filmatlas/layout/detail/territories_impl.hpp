// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LAYOUT_DETAIL_TERRITORIES_IMPL_HPP
#define FILMATLAS_LAYOUT_DETAIL_TERRITORIES_IMPL_HPP

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "filmatlas/layout/detail/territory_ground.hpp"
#include "filmatlas/layout/detail/territory_outline.hpp"
#include "filmatlas/layout/territories.hpp"

namespace filmatlas {
namespace detail {

inline constexpr double kArcMostMove = 0.49;  ///< of a cell; below a half no two arcs can meet

/// Pieces of one level, by node and rank, with their rings.
inline void territory_add_level(const TerritoryMap& map, const TerritoryGround& ground, Index first, Index last,
                                const std::vector<std::int64_t>& arc_of, Territories& out) {
    const auto rings = territory_rings(map, ground, arc_of);
    std::vector<std::size_t> order(ground.piece_node.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        const auto rank = [&](std::size_t p) {
            return std::tuple(ground.piece_node[p], -ground.piece_items[p], -ground.piece_cells[p], p);
        };
        return rank(a) < rank(b);
    });
    std::size_t next = 0;
    for (Index node = first; node < last; ++node) {
        for (; next < order.size() && ground.piece_node[order[next]] == node; ++next) {
            const std::size_t p = order[next];
            for (const std::vector<Index>& ring : rings[p]) {
                out.ring_arcs.insert(out.ring_arcs.end(), ring.begin(), ring.end());
                out.ring_begin.push_back(static_cast<std::int64_t>(out.ring_arcs.size()));
            }
            out.piece_begin.push_back(static_cast<std::int64_t>(out.ring_begin.size()) - 1);
            out.piece_node.push_back(node);
            out.piece_items.push_back(ground.piece_items[p]);
            out.piece_area.push_back(static_cast<double>(ground.piece_cells[p]) * map.grid.cell * map.grid.cell);
        }
        out.node_begin.push_back(out.num_pieces());
    }
}

/// Shares and counts of one level.
inline void territory_measure(const TerritoryMap& map, const TerritoryGround& ground, const Hierarchy& tree,
                              int level, Territories& out) {
    TerritoryLevel sums;
    const Index first = tree.level_begin[static_cast<std::size_t>(level)];
    for (Index node = first; node < tree.level_begin[static_cast<std::size_t>(level) + 1]; ++node) {
        std::int64_t items = 0;
        std::int64_t inside = 0;
        const Index main = ground.main[static_cast<std::size_t>(node - first)];
        for (const Index item : tree.items(node)) {
            const std::int64_t cell = map.item_cell[static_cast<std::size_t>(item)];
            if (cell < 0) continue;
            ++items;
            if (ground.owner[static_cast<std::size_t>(cell)] != node) continue;
            ++inside;
            sums.in_main += ground.piece[static_cast<std::size_t>(cell)] == main ? 1 : 0;
        }
        out.inside.push_back(items > 0
                                 ? static_cast<float>(static_cast<double>(inside) / static_cast<double>(items))
                                 : std::numeric_limits<float>::quiet_NaN());
        sums.items += items;
        sums.inside += inside;
        if (items == 0) continue;
        const auto at = static_cast<std::size_t>(node);
        const std::int64_t pieces = out.node_begin[at + 1] - out.node_begin[at];
        ++sums.nodes;
        sums.one_piece += pieces == 1 ? 1 : 0;
        sums.landless += pieces == 0 ? 1 : 0;
    }
    out.levels.push_back(sums);
}

inline void check_territory_inputs(const Matrix<float>& coordinates, std::int64_t items, std::string_view stage) {
    if (coordinates.rows() != items) {
        throw_shape(stage, "the map has " + std::to_string(coordinates.rows()) + " items, the hierarchy " +
                               std::to_string(items));
    }
    if (items > 0 && coordinates.cols() != 2) {
        throw_shape(stage, "the map has " + std::to_string(coordinates.cols()) + " columns",
                    "territories are drawn on maps in the plane");
    }
}

}  // namespace detail

FILMATLAS_INLINE void validate(const TerritoryOptions& options) {
    if (options.resolution && (*options.resolution < 16 || *options.resolution > 4096)) {
        throw_invalid("territories", "resolution", "is " + std::to_string(*options.resolution), "use 16 to 4096");
    }
    const auto check = [](double value, std::string_view field) {
        if (value > 0 && value <= 64) return;
        throw_invalid("territories", field, "is " + to_text(value), "use more than 0, at most 64 items' sides");
    };
    check(options.reach, "reach");
    check(options.coast, "coast");
}

FILMATLAS_INLINE Territories territories(const Matrix<float>& coordinates, const Hierarchy& hierarchy,
                                         const TerritoryOptions& options) {
    validate(options);
    detail::check_territory_inputs(coordinates, hierarchy.num_items(), "territories");
    Territories out;
    out.item_node.assign(static_cast<std::size_t>(coordinates.rows()), -1);
    if (hierarchy.num_levels() == 0) return out;
    const detail::TerritoryMap map = detail::territory_map(coordinates, hierarchy, hierarchy.leaves(), options);
    out.width = map.grid.width;
    out.height = map.grid.height;
    out.x0 = map.grid.x0;
    out.y0 = map.grid.y0;
    out.cell = map.grid.cell;
    out.cells = Matrix<Index>(out.height, out.width);
    std::vector<std::int64_t> arc_of;
    if (map.grid.size() > 0) {
        arc_of = detail::territory_arcs(map, hierarchy, out);
        const std::vector<Index>& finest = map.levels.back().owner;
        for (std::size_t k = 0; k < finest.size(); ++k) {
            out.cells.values()[k] = finest[k] == detail::kSea ? -1 : finest[k];
        }
    } else {
        out.points = Matrix<double>(0, 2);
        out.arc_sides = Matrix<Index>(0, 2);
    }
    for (int level = 0; level < hierarchy.num_levels(); ++level) {
        const auto& ground = map.levels[static_cast<std::size_t>(level)];
        const Index first = hierarchy.level_begin[static_cast<std::size_t>(level)];
        const Index last = hierarchy.level_begin[static_cast<std::size_t>(level) + 1];
        detail::territory_add_level(map, ground, first, last, arc_of, out);
        detail::territory_measure(map, ground, hierarchy, level, out);
    }
    for (std::size_t i = 0; i < out.item_node.size(); ++i) {
        if (map.item_cell[i] >= 0)
            out.item_node[i] = out.cells.values()[static_cast<std::size_t>(map.item_cell[i])];
    }
    return out;
}

FILMATLAS_INLINE Territories smooth_territories(const Territories& territories, int rounds) {
    if (rounds < 0) throw_invalid("smooth_territories", "rounds", "is " + std::to_string(rounds), "use 0 or more");
    Territories out = territories;
    if (rounds == 0) return out;
    std::vector<double> points;
    out.arc_begin.assign(1, 0);
    const double most = detail::kArcMostMove * territories.cell;
    for (std::size_t arc = 0; arc + 1 < territories.arc_begin.size(); ++arc) {
        // All corners of cells on the way.
        std::vector<double> home;
        for (std::int64_t p = territories.arc_begin[arc]; p < territories.arc_begin[arc + 1]; ++p) {
            const double x = territories.points(p, 0);
            const double y = territories.points(p, 1);
            if (!home.empty()) {
                const double fromx = home[home.size() - 2];
                const double fromy = home.back();
                const double length = std::max(std::abs(x - fromx), std::abs(y - fromy));
                const auto steps = static_cast<int>(std::lround(length / territories.cell));
                for (int s = 1; s < steps; ++s) {
                    home.push_back(fromx + (x - fromx) * s / steps);
                    home.push_back(fromy + (y - fromy) * s / steps);
                }
            }
            home.push_back(x);
            home.push_back(y);
        }
        const std::size_t count = home.size() / 2;
        // Ends stay: other arcs may share them.
        std::vector<double> now = home;
        std::vector<double> next = home;
        for (int round = 0; round < rounds && count > 2; ++round) {
            for (std::size_t k = 2; k + 2 < now.size(); ++k) {
                const double wanted = (now[k - 2] + 2 * now[k] + now[k + 2]) / 4;
                next[k] = std::clamp(wanted, home[k] - most, home[k] + most);
            }
            now = next;
        }
        points.insert(points.end(), now.begin(), now.end());
        out.arc_begin.push_back(static_cast<std::int64_t>(points.size() / 2));
    }
    out.points = Matrix<double>(out.arc_begin.back(), 2, std::move(points));
    return out;
}

}  // namespace filmatlas
#endif  // FILMATLAS_LAYOUT_DETAIL_TERRITORIES_IMPL_HPP
