// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LAYOUT_DETAIL_TERRITORY_MOVES_HPP
#define FILMATLAS_LAYOUT_DETAIL_TERRITORY_MOVES_HPP

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "filmatlas/core/parallel.hpp"
#include "filmatlas/core/random.hpp"
#include "filmatlas/layout/detail/place_among.hpp"
#include "filmatlas/layout/detail/territory_ground.hpp"
#include "filmatlas/neighbors/knn_graph.hpp"

/// @file territory_moves.hpp
/// @brief Brings the items that stand outside their own territories home.

namespace filmatlas::detail {

inline constexpr std::size_t kHomeMost = 512;      ///< of a group's items that are looked at
inline constexpr std::size_t kHomeNeighbors = 15;  ///< of them that an item is placed among
inline constexpr double kHomeJitter = 0.05;        ///< of an item's side

/// A map whose items are to stand in the main pieces of their own nodes.
struct TerritoryHome {
    MatrixView<const float> X;
    Metric metric = Metric::Cosine;
    const Hierarchy* tree = nullptr;
    std::vector<Index> leaves;              ///< per item
    std::vector<std::vector<Index>> paths;  ///< per level and item, its node
    std::uint64_t seed = 42;
    int num_threads = 0;

    int levels() const { return tree->num_levels(); }
    Index node(int level, std::int64_t item) const {
        return paths[static_cast<std::size_t>(level)][static_cast<std::size_t>(item)];
    }
};

inline double home_distance(const TerritoryHome& home, Index a, Index b) {
    const auto x = home.X.row(a);
    const auto y = home.X.row(b);
    double dot = 0;
    double xx = 0;
    double yy = 0;
    for (std::size_t d = 0; d < x.size(); ++d) {
        const auto u = static_cast<double>(x[d]);
        const auto v = static_cast<double>(y[d]);
        dot += u * v;
        xx += u * u;
        yy += v * v;
    }
    if (home.metric == Metric::InnerProduct) return -dot;
    if (home.metric == Metric::Cosine) return xx > 0 && yy > 0 ? 1 - dot / std::sqrt(xx * yy) : 1.0;
    return xx + yy - 2 * dot;
}

/// Main piece of an item's node at a level; -1 where that has no land.
inline Index home_piece(const TerritoryHome& home, const TerritoryMap& map, int level, std::int64_t item) {
    const Index first = home.tree->level_begin[static_cast<std::size_t>(level)];
    return map.levels[static_cast<std::size_t>(level)]
        .main[static_cast<std::size_t>(home.node(level, item) - first)];
}

/// Whether a cell is part of the item's main pieces down to a level.
inline bool home_cell(const TerritoryHome& home, const TerritoryMap& map, std::size_t cell, std::int64_t item,
                      int depth) {
    for (int level = 0; level < depth; ++level) {
        const Index piece = home_piece(home, map, level, item);
        if (piece < 0 || map.levels[static_cast<std::size_t>(level)].piece[cell] != piece) return false;
    }
    return true;
}

/// Per item the coarsest level at which it stands outside its node's main piece; the number of levels where it is
/// home.
inline std::vector<int> home_levels(const TerritoryHome& home, const TerritoryMap& map) {
    std::vector<int> away(map.item_cell.size(), home.levels());
    for (std::size_t i = 0; i < away.size(); ++i) {
        if (map.item_cell[i] < 0) continue;
        for (int level = home.levels() - 1; level >= 0; --level) {
            const auto cell = static_cast<std::size_t>(map.item_cell[i]);
            const Index piece = home_piece(home, map, level, static_cast<std::int64_t>(i));
            if (piece < 0 || map.levels[static_cast<std::size_t>(level)].piece[cell] != piece) away[i] = level;
        }
    }
    return away;
}

/// Where an item's nearest relatives that are at home lie together: those of its finest node, else of the next
/// coarser.
inline bool home_place(const TerritoryHome& home, const TerritoryMap& map, const std::vector<int>& away,
                       const Matrix<float>& y, Index item, std::array<double, 2>& at) {
    std::vector<std::pair<double, Index>> near;
    for (int level = home.levels() - 1; level >= 0; --level) {
        const auto members = home.tree->items(home.node(level, item));
        const std::size_t stride = std::max<std::size_t>(1, members.size() / kHomeMost);
        near.clear();
        for (std::size_t m = 0; m < members.size(); m += stride) {
            const Index other = members[m];
            if (other == item || map.item_cell[static_cast<std::size_t>(other)] < 0) continue;
            if (away[static_cast<std::size_t>(other)] > level)
                near.emplace_back(home_distance(home, item, other), other);
        }
        if (near.size() >= std::min<std::size_t>(3, std::max<std::size_t>(1, members.size() / 2))) break;
    }
    if (near.empty()) return false;
    const std::size_t count = std::min(near.size(), kHomeNeighbors);
    std::partial_sort(near.begin(), near.begin() + static_cast<std::ptrdiff_t>(count), near.end());
    std::vector<double> places;
    for (std::size_t s = 0; s < count; ++s) {
        for (std::int64_t d = 0; d < 2; ++d) places.push_back(static_cast<double>(y(near[s].second, d)));
    }
    place_among(places, 2, kTerritorySpacing * map.grid.side, at);
    return true;
}

/// Where most of a node's items lie together.
inline std::array<double, 2> home_middle(const TerritoryHome& home, const TerritoryMap& map,
                                         const Matrix<float>& y, Index node) {
    std::vector<double> places;
    const auto members = home.tree->items(node);
    const std::size_t stride = std::max<std::size_t>(1, members.size() / kHomeMost);
    for (std::size_t m = 0; m < members.size(); m += stride) {
        if (map.item_cell[static_cast<std::size_t>(members[m])] < 0) continue;
        for (std::int64_t d = 0; d < 2; ++d) places.push_back(static_cast<double>(y(members[m], d)));
    }
    std::array<double, 2> at = {0, 0};
    if (!places.empty()) place_among(places, 2, kTerritorySpacing * map.grid.side, at);
    return at;
}

/// Places at which the finest nodes without land can gather: as near to their items' middle as few others stand.
/// Rows of nodes with land are not read.
inline Matrix<double> home_clearings(const TerritoryHome& home, const TerritoryMap& map,
                                     const TerritoryOptions& options, const Matrix<float>& y) {
    const TerritoryGrid& grid = map.grid;
    const Index first = home.tree->level_begin[static_cast<std::size_t>(home.levels() - 1)];
    const TerritoryGround& ground = map.levels.back();
    Matrix<double> clearings(static_cast<std::int64_t>(ground.main.size()), 2);
    std::vector<std::int64_t> crowd;
    for (std::size_t leaf = 0; leaf < ground.main.size(); ++leaf) {
        const Index node = first + static_cast<Index>(leaf);
        const auto members = home.tree->items(node);
        if (ground.main[leaf] >= 0 || members.empty()) continue;
        if (crowd.empty()) {
            const TerritoryKernel kernel(std::max(1.5, options.reach * grid.side / grid.cell));
            crowd.assign(grid.size(), 0);
            for (const std::int64_t cell : map.item_cell) {
                if (cell < 0) continue;
                kernel.spread(grid, static_cast<std::size_t>(cell),
                              [&](std::size_t k, std::int64_t w) { crowd[k] += w; });
            }
        }
        int depth = home.levels() - 1;
        while (depth > 0 && home_piece(home, map, depth - 1, members[0]) < 0) --depth;
        const std::array<double, 2> middle = home_middle(home, map, y, node);
        // Room enough where the node's items would outweigh all others twice; else the emptiest cell.
        const auto most = static_cast<std::int64_t>(kTerritoryWeight * static_cast<double>(members.size()) / 2);
        std::pair<std::int64_t, double> best = {std::numeric_limits<std::int64_t>::max(), 0};
        std::array<double, 2> place = middle;
        for (std::size_t k = 0; k < grid.size(); ++k) {
            if (ground.owner[k] == kSea || !home_cell(home, map, k, members[0], depth)) continue;
            const std::array<double, 2> at = grid.center(k);
            const double gap =
                (at[0] - middle[0]) * (at[0] - middle[0]) + (at[1] - middle[1]) * (at[1] - middle[1]);
            const std::pair<std::int64_t, double> rank = {std::max(crowd[k], most), gap};
            if (rank < best) {
                best = rank;
                place = at;
            }
        }
        for (const std::size_t d : {std::size_t{0}, std::size_t{1}}) {
            clearings(static_cast<std::int64_t>(leaf), static_cast<std::int64_t>(d)) = place[d];
        }
    }
    return clearings;
}

/// Moves every item that is not at home among its relatives; with `strict`, onto a cell of its own main pieces.
/// @return items that were not at home.
inline std::int64_t territory_bring_home(const TerritoryHome& home, const TerritoryMap& map,
                                         const TerritoryOptions& options, Matrix<float>& y, int pass,
                                         bool strict) {
    const std::vector<int> away = home_levels(home, map);
    std::vector<Index> strays;
    for (std::size_t i = 0; i < away.size(); ++i) {
        if (away[i] < home.levels()) strays.push_back(static_cast<Index>(i));
    }
    if (strays.empty()) return 0;
    // Cells of every piece, where items have to be put on one.
    std::vector<std::vector<std::int64_t>> begin;
    std::vector<std::vector<std::size_t>> cells;
    for (const TerritoryGround& ground : map.levels) {
        if (!strict) break;
        std::vector<std::int64_t> offsets(ground.piece_node.size() + 1, 0);
        for (std::size_t p = 0; p < ground.piece_node.size(); ++p)
            offsets[p + 1] = offsets[p] + ground.piece_cells[p];
        std::vector<std::size_t> list(static_cast<std::size_t>(offsets.back()));
        std::vector<std::int64_t> next(offsets.begin(), offsets.end() - 1);
        for (std::size_t k = 0; k < ground.piece.size(); ++k) {
            if (ground.piece[k] >= 0)
                list[static_cast<std::size_t>(next[static_cast<std::size_t>(ground.piece[k])]++)] = k;
        }
        begin.push_back(std::move(offsets));
        cells.push_back(std::move(list));
    }
    const TerritoryGrid& grid = map.grid;
    const Matrix<double> clearings = strict ? home_clearings(home, map, options, y) : Matrix<double>();
    const Index first_leaf = home.tree->level_begin[static_cast<std::size_t>(home.levels() - 1)];
    Matrix<float> moved = y;
    parallel_for(
        static_cast<std::int64_t>(strays.size()), 16, home.num_threads, [&](std::int64_t from, std::int64_t to) {
            for (std::int64_t s = from; s < to; ++s) {
                const Index item = strays[static_cast<std::size_t>(s)];
                std::array<double, 2> at = {static_cast<double>(y(item, 0)), static_cast<double>(y(item, 1))};
                // A node without land gathers, so that it is the densest somewhere.
                const bool landless = home_piece(home, map, home.levels() - 1, item) < 0;
                if (strict && landless) {
                    const std::int64_t leaf = home.node(home.levels() - 1, item) - first_leaf;
                    at = {clearings(leaf, 0), clearings(leaf, 1)};
                } else if (!home_place(home, map, away, y, item, at)) {
                    continue;
                }
                // Passes differ in their draws, so that two items that drive each other out do not go on for ever.
                RandomStream stream(home.seed + static_cast<std::uint64_t>(pass), "territory.home",
                                    static_cast<std::uint64_t>(item));
                for (double& value : at) value += kHomeJitter * grid.side * stream.normal();
                int depth = home.levels();
                while (depth > 0 && home_piece(home, map, depth - 1, item) < 0) --depth;
                if (strict && depth > 0 && !home_cell(home, map, grid.locate(at[0], at[1]), item, depth)) {
                    const auto level = static_cast<std::size_t>(depth - 1);
                    const auto piece = static_cast<std::size_t>(home_piece(home, map, depth - 1, item));
                    double least = std::numeric_limits<double>::infinity();
                    std::array<double, 2> best = at;
                    for (std::int64_t c = begin[level][piece]; c < begin[level][piece + 1]; ++c) {
                        const std::size_t cell = cells[level][static_cast<std::size_t>(c)];
                        const std::array<double, 2> middle = grid.center(cell);
                        const double gap =
                            (middle[0] - at[0]) * (middle[0] - at[0]) + (middle[1] - at[1]) * (middle[1] - at[1]);
                        if (gap >= least || !home_cell(home, map, cell, item, depth)) continue;
                        least = gap;
                        best = middle;
                    }
                    at = best;
                }
                for (std::int64_t d = 0; d < 2; ++d)
                    moved(item, d) = static_cast<float>(at[static_cast<std::size_t>(d)]);
            }
        });
    std::ranges::copy(moved.values(), y.values().begin());  // in place: the caller may be watching the array
    return static_cast<std::int64_t>(strays.size());
}

}  // namespace filmatlas::detail
#endif  // FILMATLAS_LAYOUT_DETAIL_TERRITORY_MOVES_HPP
