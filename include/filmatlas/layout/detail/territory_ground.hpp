// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LAYOUT_DETAIL_TERRITORY_GROUND_HPP
#define FILMATLAS_LAYOUT_DETAIL_TERRITORY_GROUND_HPP

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include "filmatlas/hierarchy/hierarchy.hpp"
#include "filmatlas/layout/place.hpp"
#include "filmatlas/layout/territories.hpp"

/// @file territory_ground.hpp
/// @brief Cells of a map, who owns them at every level, and the pieces that they form.

namespace filmatlas::detail {

inline constexpr Index kSea = -2;
inline constexpr double kTerritoryCells = 3;  ///< cells per item's side
inline constexpr double kTerritoryWeight = 1024;
/// map_spacing() is this share of an item's side.
inline constexpr double kTerritorySpacing = 0.6;

/// Square cells over a map.
struct TerritoryGrid {
    int width = 0;
    int height = 0;
    double x0 = 0;
    double y0 = 0;
    double cell = 1;
    double side = 1;  ///< of an item's share of the map

    std::size_t size() const noexcept {
        return static_cast<std::size_t>(width) * static_cast<std::size_t>(height);
    }
    std::size_t at(int x, int y) const noexcept {
        return static_cast<std::size_t>(y) * static_cast<std::size_t>(width) + static_cast<std::size_t>(x);
    }
    /// Cell of a position within the grid.
    std::size_t locate(double x, double y) const noexcept {
        const int column = std::clamp(static_cast<int>(std::floor((x - x0) / cell)), 0, width - 1);
        const int row = std::clamp(static_cast<int>(std::floor((y - y0) / cell)), 0, height - 1);
        return at(column, row);
    }
    std::array<double, 2> center(std::size_t k) const noexcept {
        const auto w = static_cast<std::size_t>(width);
        return {x0 + cell * (static_cast<double>(k % w) + 0.5), y0 + cell * (static_cast<double>(k / w) + 0.5)};
    }
    /// Calls `visit(cell)` for the up to four cells that share an edge with one.
    template <class Visit>
    void around(std::size_t k, Visit&& visit) const {
        const auto w = static_cast<std::size_t>(width);
        const std::size_t x = k % w;
        if (x > 0) visit(k - 1);
        if (x + 1 < w) visit(k + 1);
        if (k >= w) visit(k - w);
        if (k + w < size()) visit(k + w);
    }
};

/// Radius of the kernel of a level, in items' sides.
inline double territory_reach(const TerritoryOptions& options, int level, int levels) {
    return options.reach * (1 + 0.5 * (levels - 1 - level));
}

inline TerritoryGrid territory_grid(const Matrix<float>& y, int levels, const TerritoryOptions& options) {
    TerritoryGrid grid;
    std::array<double, 2> low = {std::numeric_limits<double>::infinity(), std::numeric_limits<double>::infinity()};
    std::array<double, 2> high = {-low[0], -low[1]};
    for (std::int64_t i = 0; i < y.rows(); ++i) {
        if (!std::isfinite(y(i, 0)) || !std::isfinite(y(i, 1))) continue;
        for (std::size_t d = 0; d < 2; ++d) {
            low[d] = std::min(low[d], static_cast<double>(y(i, static_cast<std::int64_t>(d))));
            high[d] = std::max(high[d], static_cast<double>(y(i, static_cast<std::int64_t>(d))));
        }
    }
    if (!(low[0] <= high[0])) return grid;
    const double extent = std::max(high[0] - low[0], high[1] - low[1]);
    grid.side = map_spacing(y) / kTerritorySpacing;
    if (!(grid.side > 0)) grid.side = extent > 0 ? extent : 1.0;
    const double margin = grid.side * std::max(options.coast, territory_reach(options, 0, levels));
    const double whole = extent + 2 * margin;
    const double wanted = options.resolution
                              ? static_cast<double>(*options.resolution)
                              : std::clamp(std::ceil(kTerritoryCells * whole / grid.side), 64.0, 1024.0);
    grid.cell = whole / wanted;
    // One cell more on every side, which no kernel reaches: the sea goes all around.
    const auto cells = [&](double length) {
        return static_cast<int>(std::ceil((length + 2 * margin) / grid.cell)) + 4;
    };
    grid.width = cells(high[0] - low[0]);
    grid.height = cells(high[1] - low[1]);
    grid.x0 = (low[0] + high[0]) / 2 - grid.cell * grid.width / 2;
    grid.y0 = (low[1] + high[1]) / 2 - grid.cell * grid.height / 2;
    return grid;
}

/// Quartic kernel (1 - r^2)^2 in integers.
class TerritoryKernel {
public:
    explicit TerritoryKernel(double radius) : reach_(static_cast<int>(std::ceil(radius)) - 1) {
        for (int dy = -reach_; dy <= reach_; ++dy) {
            for (int dx = -reach_; dx <= reach_; ++dx) {
                const double t = 1 - static_cast<double>(dx * dx + dy * dy) / (radius * radius);
                const auto weight = t > 0 ? static_cast<std::int64_t>(kTerritoryWeight * t * t + 0.5) : 0;
                if (weight > 0) taps_.push_back({dx, dy, weight});
            }
        }
    }
    /// Calls `add(cell, weight)` for every cell that an item in a cell reaches.
    template <class Add>
    void spread(const TerritoryGrid& grid, std::size_t from, Add&& add) const {
        const auto w = static_cast<std::size_t>(grid.width);
        const int x = static_cast<int>(from % w);
        const int y = static_cast<int>(from / w);
        for (const Tap& tap : taps_) {
            const int column = x + tap.dx;
            const int row = y + tap.dy;
            if (column < 0 || row < 0 || column >= grid.width || row >= grid.height) continue;
            add(grid.at(column, row), tap.weight);
        }
    }

private:
    struct Tap {
        int dx;
        int dy;
        std::int64_t weight;
    };
    int reach_;
    std::vector<Tap> taps_;
};

/// One level's owners (node ids, kSea) and pieces.
struct TerritoryGround {
    std::vector<Index> owner;               ///< per cell
    std::vector<Index> piece;               ///< per cell, -1 at sea
    std::vector<Index> piece_node;          ///< per piece
    std::vector<std::int64_t> piece_cells;  ///< per piece
    std::vector<std::int64_t> piece_items;  ///< of the piece's own node, per piece
    std::vector<Index> main;                ///< per node of the level: its piece with most items; -1 = landless
};

/// A map's items on cells, and the ground of every level.
struct TerritoryMap {
    TerritoryGrid grid;
    std::vector<std::int64_t> item_cell;  ///< -1 = not on the map
    std::vector<TerritoryGround> levels;
};

/// Parts of equal owners that hang together along edges.
inline void territory_pieces(const TerritoryGrid& grid, TerritoryGround& ground) {
    ground.piece.assign(grid.size(), -1);
    ground.piece_node.clear();
    ground.piece_cells.clear();
    std::vector<std::size_t> queue;
    for (std::size_t k = 0; k < grid.size(); ++k) {
        if (ground.owner[k] == kSea || ground.piece[k] >= 0) continue;
        const auto id = static_cast<Index>(ground.piece_node.size());
        queue.assign(1, k);
        ground.piece[k] = id;
        for (std::size_t head = 0; head < queue.size(); ++head) {
            grid.around(queue[head], [&](std::size_t next) {
                if (ground.piece[next] >= 0 || ground.owner[next] != ground.owner[k]) return;
                ground.piece[next] = id;
                queue.push_back(next);
            });
        }
        ground.piece_node.push_back(ground.owner[k]);
        ground.piece_cells.push_back(static_cast<std::int64_t>(queue.size()));
    }
}

/// Counts the own items of every piece and names main pieces: most items, then most cells, then the lower id.
inline void territory_count(const TerritoryMap& map, const Hierarchy& tree, int level, TerritoryGround& ground) {
    const Index first = tree.level_begin[static_cast<std::size_t>(level)];
    const Index last = tree.level_begin[static_cast<std::size_t>(level) + 1];
    ground.piece_items.assign(ground.piece_node.size(), 0);
    for (Index node = first; node < last; ++node) {
        for (const Index item : tree.items(node)) {
            const std::int64_t cell = map.item_cell[static_cast<std::size_t>(item)];
            if (cell < 0 || ground.owner[static_cast<std::size_t>(cell)] != node) continue;
            ++ground.piece_items[static_cast<std::size_t>(ground.piece[static_cast<std::size_t>(cell)])];
        }
    }
    ground.main.assign(static_cast<std::size_t>(last - first), -1);
    for (std::size_t p = 0; p < ground.piece_node.size(); ++p) {
        Index& main = ground.main[static_cast<std::size_t>(ground.piece_node[p] - first)];
        const auto rank = [&](std::size_t q) { return std::pair(ground.piece_items[q], ground.piece_cells[q]); };
        if (main < 0 || rank(p) > rank(static_cast<std::size_t>(main))) main = static_cast<Index>(p);
    }
}

/// Gives pieces in which none of their node's items stands to a sibling, or at the coarsest level back to the sea.
/// @return whether any went.
inline bool territory_absorb(const TerritoryMap& map, const std::vector<Index>& leaves, const Hierarchy& tree,
                             int level, const std::vector<Index>& parent, TerritoryGround& ground) {
    const std::size_t pieces = ground.piece_node.size();
    bool any = false;
    for (const std::int64_t items : ground.piece_items) any = any || items == 0;
    if (!any) return false;
    // Cells and items of the empty pieces.
    std::vector<std::vector<std::size_t>> cells(pieces);
    for (std::size_t k = 0; k < ground.piece.size(); ++k) {
        const Index p = ground.piece[k];
        if (p >= 0 && ground.piece_items[static_cast<std::size_t>(p)] == 0)
            cells[static_cast<std::size_t>(p)].push_back(k);
    }
    std::vector<std::vector<Index>> standing(pieces);
    for (std::size_t i = 0; i < map.item_cell.size(); ++i) {
        if (map.item_cell[i] < 0) continue;
        const auto k = static_cast<std::size_t>(map.item_cell[i]);
        const Index p = ground.piece[k];
        if (p < 0 || ground.piece_items[static_cast<std::size_t>(p)] > 0) continue;
        Index node = leaves[i];
        while (tree.nodes[static_cast<std::size_t>(node)].level > level)
            node = tree.nodes[static_cast<std::size_t>(node)].parent;
        const Index above = tree.nodes[static_cast<std::size_t>(node)].parent;
        if (level > 0 && above != parent[k]) continue;
        standing[static_cast<std::size_t>(p)].push_back(node);
    }
    std::vector<Index> votes;
    bool changed = false;
    for (std::size_t p = 0; p < pieces; ++p) {
        if (cells[p].empty()) continue;
        votes = std::move(standing[p]);
        if (votes.empty()) {
            for (const std::size_t k : cells[p]) {
                map.grid.around(k, [&](std::size_t next) {
                    const Index other = ground.owner[next];
                    if (other != kSea && other != ground.piece_node[p] && parent[next] == parent[k])
                        votes.push_back(other);
                });
            }
        }
        std::sort(votes.begin(), votes.end());
        Index best = level == 0 ? kSea : ground.piece_node[p];
        std::size_t most = 0;
        for (std::size_t v = 0; v < votes.size();) {
            const std::size_t from = v;
            while (v < votes.size() && votes[v] == votes[from]) ++v;
            if (v - from > most) {
                most = v - from;
                best = votes[from];
            }
        }
        changed = changed || best != ground.piece_node[p];
        for (const std::size_t k : cells[p]) ground.owner[k] = best;
    }
    return changed;
}

/// Owners of one level: the densest child in every cell of its parent. `parent` is kSea outside the land.
inline TerritoryGround territory_ground(const TerritoryMap& map, const std::vector<Index>& leaves,
                                        const Hierarchy& tree, int level, const std::vector<Index>& parent,
                                        double radius) {
    const TerritoryKernel kernel(std::max(1.5, radius));
    TerritoryGround ground;
    ground.owner.assign(map.grid.size(), kSea);
    std::vector<std::int64_t> density(map.grid.size(), 0);
    std::vector<std::int64_t> best(map.grid.size(), 0);
    std::vector<std::size_t> touched;
    for (Index node = tree.level_begin[static_cast<std::size_t>(level)];
         node < tree.level_begin[static_cast<std::size_t>(level) + 1]; ++node) {
        const Index above = tree.nodes[static_cast<std::size_t>(node)].parent;
        for (const Index item : tree.items(node)) {
            const std::int64_t cell = map.item_cell[static_cast<std::size_t>(item)];
            if (cell < 0) continue;
            kernel.spread(map.grid, static_cast<std::size_t>(cell), [&](std::size_t k, std::int64_t weight) {
                if (parent[k] != above) return;
                if (density[k] == 0) touched.push_back(k);
                density[k] += weight;
            });
        }
        for (const std::size_t k : touched) {
            if (density[k] > best[k]) {
                best[k] = density[k];
                ground.owner[k] = node;
            }
            density[k] = 0;
        }
        touched.clear();
    }
    // Land that no child's kernel reaches goes to the nearest one, counted in cells.
    std::vector<std::size_t> queue;
    for (std::size_t k = 0; k < map.grid.size(); ++k) {
        if (ground.owner[k] != kSea) queue.push_back(k);
    }
    for (std::size_t head = 0; head < queue.size(); ++head) {
        map.grid.around(queue[head], [&](std::size_t next) {
            if (ground.owner[next] != kSea || parent[next] == kSea || parent[next] != parent[queue[head]]) return;
            ground.owner[next] = ground.owner[queue[head]];
            queue.push_back(next);
        });
    }
    // What goes to a piece that is given away itself needs another turn; each leaves at least one piece less.
    do {
        territory_pieces(map.grid, ground);
        territory_count(map, tree, level, ground);
    } while (territory_absorb(map, leaves, tree, level, parent, ground));
    return ground;
}

/// Grid, land and the ground of every level.
inline TerritoryMap territory_map(const Matrix<float>& y, const Hierarchy& tree, const std::vector<Index>& leaves,
                                  const TerritoryOptions& options) {
    TerritoryMap map;
    map.grid = territory_grid(y, tree.num_levels(), options);
    map.item_cell.assign(static_cast<std::size_t>(y.rows()), -1);
    if (map.grid.size() == 0) {
        map.levels.resize(static_cast<std::size_t>(tree.num_levels()));
        for (int level = 0; level < tree.num_levels(); ++level) {
            map.levels[static_cast<std::size_t>(level)].main.assign(
                static_cast<std::size_t>(tree.num_nodes(level)), -1);
        }
        return map;
    }
    const double per_side = map.grid.side / map.grid.cell;
    const TerritoryKernel coast(std::max(1.5, options.coast * per_side));
    std::vector<std::int64_t> density(map.grid.size(), 0);
    for (std::int64_t i = 0; i < y.rows(); ++i) {
        if (!std::isfinite(y(i, 0)) || !std::isfinite(y(i, 1))) continue;
        const std::size_t cell = map.grid.locate(static_cast<double>(y(i, 0)), static_cast<double>(y(i, 1)));
        map.item_cell[static_cast<std::size_t>(i)] = static_cast<std::int64_t>(cell);
        coast.spread(map.grid, cell, [&](std::size_t k, std::int64_t weight) { density[k] += weight; });
    }
    std::vector<Index> parent(map.grid.size(), kSea);
    for (std::size_t k = 0; k < parent.size(); ++k) {
        if (density[k] >= static_cast<std::int64_t>(kTerritoryWeight)) parent[k] = -1;
    }
    for (int level = 0; level < tree.num_levels(); ++level) {
        const double radius = territory_reach(options, level, tree.num_levels()) * per_side;
        map.levels.push_back(territory_ground(map, leaves, tree, level, parent, radius));
        parent = map.levels.back().owner;
    }
    return map;
}

}  // namespace filmatlas::detail
#endif  // FILMATLAS_LAYOUT_DETAIL_TERRITORY_GROUND_HPP
