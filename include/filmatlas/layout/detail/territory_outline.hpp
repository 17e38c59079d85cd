// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LAYOUT_DETAIL_TERRITORY_OUTLINE_HPP
#define FILMATLAS_LAYOUT_DETAIL_TERRITORY_OUTLINE_HPP

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "filmatlas/layout/detail/territory_ground.hpp"

/// @file territory_outline.hpp
/// @brief Borders of cells as arcs that meet where three territories do, and rings made of them.

namespace filmatlas::detail {

/// Directions of cell edges: east, north, west, south.
inline constexpr std::array<std::array<int, 2>, 4> kEdgeStep = {{{1, 0}, {0, 1}, {-1, 0}, {0, -1}}};

/// A corner of the grid of cells and a direction in which an edge leaves it.
struct TerritoryEdge {
    int x = 0;
    int y = 0;
    int direction = 0;
    bool operator==(const TerritoryEdge&) const = default;
};

/// Walks along the borders of a partition of the cells.
class TerritoryWalk {
public:
    TerritoryWalk(const TerritoryGrid& grid, const std::vector<Index>& owner) : grid_(grid), owner_(owner) {}

    Index owner(int x, int y) const {
        if (x < 0 || y < 0 || x >= grid_.width || y >= grid_.height) return kSea;
        return owner_[grid_.at(x, y)];
    }
    /// Owner of the cell at the left and at the right of an edge.
    Index left(const TerritoryEdge& e) const { return beside(e, 0); }
    Index right(const TerritoryEdge& e) const { return beside(e, 1); }
    bool border(const TerritoryEdge& e) const { return left(e) != right(e); }
    /// Borders that meet in a corner: 0, 2, 3 or 4.
    int degree(int x, int y) const {
        int count = 0;
        for (int direction = 0; direction < 4; ++direction) count += border({x, y, direction}) ? 1 : 0;
        return count;
    }
    static TerritoryEdge end_corner(const TerritoryEdge& e, int direction) {
        const auto& step = kEdgeStep[static_cast<std::size_t>(e.direction)];
        return {e.x + step[0], e.y + step[1], direction & 3};
    }
    /// The edge that goes on along the territory at the left; cells that touch in a corner only do not hang
    /// together.
    TerritoryEdge along(const TerritoryEdge& e) const {
        const Index own = left(e);
        const TerritoryEdge straight = end_corner(e, e.direction);
        if (left(straight) != own) return end_corner(e, e.direction + 1);
        if (right(straight) != own) return straight;
        return end_corner(e, e.direction + 3);
    }
    /// Number of an edge, the same in both directions.
    std::size_t number(const TerritoryEdge& e) const {
        const auto w = static_cast<std::size_t>(grid_.width);
        const auto h = static_cast<std::size_t>(grid_.height);
        const auto x = static_cast<std::size_t>(e.direction == 2 ? e.x - 1 : e.x);
        const auto y = static_cast<std::size_t>(e.direction == 3 ? e.y - 1 : e.y);
        return e.direction % 2 == 0 ? y * w + x : (h + 1) * w + y * (w + 1) + x;
    }
    std::size_t num_edges() const {
        const auto w = static_cast<std::size_t>(grid_.width);
        const auto h = static_cast<std::size_t>(grid_.height);
        return (h + 1) * w + h * (w + 1);
    }

private:
    Index beside(const TerritoryEdge& e, int right) const {
        switch (e.direction) {
            case 0:
                return owner(e.x, e.y - right);
            case 1:
                return owner(e.x - 1 + right, e.y);
            case 2:
                return owner(e.x - 1, e.y - 1 + right);
            default:
                return owner(e.x - right, e.y - 1);
        }
    }

    const TerritoryGrid& grid_;
    const std::vector<Index>& owner_;
};

/// Cuts the borders between finest territories into arcs.
/// @return per edge, twice its arc, plus 1 where the arc runs west or south; -1 = no border.
inline std::vector<std::int64_t> territory_arcs(const TerritoryMap& map, const Hierarchy& tree, Territories& out) {
    const TerritoryGrid& grid = map.grid;
    const TerritoryWalk walk(grid, map.levels.back().owner);
    std::vector<std::int64_t> arc_of(walk.num_edges(), -1);
    std::vector<double> points;
    std::vector<Index> sides;
    const auto trace = [&](TerritoryEdge edge) {
        const auto arc = static_cast<std::int64_t>(out.arc_level.size());
        const Index left = walk.left(edge);
        const Index right = walk.right(edge);
        const auto put = [&](const TerritoryEdge& at) {
            points.push_back(grid.x0 + grid.cell * at.x);
            points.push_back(grid.y0 + grid.cell * at.y);
        };
        put(edge);
        while (true) {
            arc_of[walk.number(edge)] = arc * 2 + edge.direction / 2;
            const TerritoryEdge next = walk.along(edge);
            // Where two borders meet there is one way on; where more do, or at the end of a circle, the arc ends.
            if (walk.degree(next.x, next.y) != 2 || arc_of[walk.number(next)] >= 0) {
                put(next);
                break;
            }
            if (next.direction != edge.direction) put(next);
            edge = next;
        }
        out.arc_begin.push_back(static_cast<std::int64_t>(points.size() / 2));
        sides.push_back(left == kSea ? -1 : left);
        sides.push_back(right == kSea ? -1 : right);
        // The coarsest level at which the sides differ: climb while the parents do.
        Index level = 0;
        if (left != kSea && right != kSea) {
            Index a = left;
            Index b = right;
            const auto parent = [&](Index node) { return tree.nodes[static_cast<std::size_t>(node)].parent; };
            while (parent(a) != parent(b)) {
                a = parent(a);
                b = parent(b);
            }
            level = tree.nodes[static_cast<std::size_t>(a)].level;
        }
        out.arc_level.push_back(level);
    };
    for (int pass = 0; pass < 2; ++pass) {  // first from points where borders meet, then circles
        for (int y = 0; y <= grid.height; ++y) {
            for (int x = 0; x <= grid.width; ++x) {
                if (pass == 0) {
                    const int degree = walk.degree(x, y);
                    if (degree == 0 || degree == 2) continue;
                }
                for (int direction = 0; direction < (pass == 0 ? 4 : 1); ++direction) {
                    const TerritoryEdge edge{x, y, direction};
                    if (walk.border(edge) && arc_of[walk.number(edge)] < 0) trace(edge);
                }
            }
        }
    }
    out.points = Matrix<double>(out.arc_begin.back(), 2, std::move(points));
    out.arc_sides = Matrix<Index>(static_cast<std::int64_t>(out.arc_level.size()), 2, std::move(sides));
    return arc_of;
}

/// Rings of every piece of one level, in the pieces' order; outer rings first.
inline std::vector<std::vector<std::vector<Index>>> territory_rings(const TerritoryMap& map,
                                                                    const TerritoryGround& ground,
                                                                    const std::vector<std::int64_t>& arc_of) {
    const TerritoryGrid& grid = map.grid;
    const TerritoryWalk walk(grid, ground.owner);
    std::vector<std::vector<std::vector<Index>>> rings(ground.piece_node.size());
    std::vector<char> walked(grid.size(),
                             0);  // lower edges of cells, walked east with the cell at the left
    for (int y = 0; y < grid.height; ++y) {
        for (int x = 0; x < grid.width; ++x) {
            const TerritoryEdge start{x, y, 0};
            if (walked[grid.at(x, y)] || walk.left(start) == kSea || !walk.border(start)) continue;
            std::vector<Index> ring;
            TerritoryEdge edge = start;
            do {
                if (edge.direction == 0) walked[grid.at(edge.x, edge.y)] = 1;
                const std::int64_t signed_arc = arc_of[walk.number(edge)];
                const auto arc = static_cast<Index>(signed_arc / 2);
                // The same sense: the edge and the arc both run east or north, or both west or south.
                const Index step = signed_arc % 2 == edge.direction / 2 ? arc : ~arc;
                if (ring.empty() || ring.back() != step) ring.push_back(step);
                edge = walk.along(edge);
            } while (!(edge == start));
            if (ring.size() > 1 && ring.front() == ring.back()) ring.pop_back();
            // The lowest row of a piece is reached on its outer ring.
            rings[static_cast<std::size_t>(ground.piece[grid.at(x, y)])].push_back(std::move(ring));
        }
    }
    return rings;
}

}  // namespace filmatlas::detail
#endif  // FILMATLAS_LAYOUT_DETAIL_TERRITORY_OUTLINE_HPP
