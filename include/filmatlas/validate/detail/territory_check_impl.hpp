// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_VALIDATE_DETAIL_TERRITORY_CHECK_IMPL_HPP
#define FILMATLAS_VALIDATE_DETAIL_TERRITORY_CHECK_IMPL_HPP

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "filmatlas/validate/detail/check_findings.hpp"
#include "filmatlas/validate/territory_check.hpp"

namespace filmatlas {
namespace detail {

inline constexpr int kOutlineStrips = 1024;

struct OutlinePoint {
    double x;
    double y;
};

/// Ascending offsets from 0 to `total`.
inline bool outline_offsets(const std::vector<std::int64_t>& begin, std::size_t parts, std::size_t total) {
    return begin.size() == parts + 1 && begin.front() == 0 && begin.back() == static_cast<std::int64_t>(total) &&
           std::is_sorted(begin.begin(), begin.end());
}

inline std::string outline_problem(const Territories& t, const Hierarchy& tree) {
    const auto nodes = static_cast<std::size_t>(tree.num_nodes());
    const std::size_t arcs = t.arc_level.size();
    const std::size_t rings = t.ring_begin.size() - 1;
    const std::size_t pieces = t.piece_node.size();
    if (t.ring_begin.empty() || t.points.cols() != 2 || t.arc_sides.cols() != 2) return "arrays of wrong shapes";
    if (!outline_offsets(t.arc_begin, arcs, static_cast<std::size_t>(t.points.rows())))
        return "arc_begin is no list of offsets";
    if (!outline_offsets(t.ring_begin, rings, t.ring_arcs.size())) return "ring_begin is no list of offsets";
    if (!outline_offsets(t.piece_begin, pieces, rings)) return "piece_begin is no list of offsets";
    if (!outline_offsets(t.node_begin, nodes, pieces)) return "node_begin is no list of offsets";
    if (t.arc_sides.rows() != static_cast<std::int64_t>(arcs)) return "arc_sides has another number of arcs";
    if (t.piece_items.size() != pieces || t.piece_area.size() != pieces) return "figures of pieces are missing";
    if (t.item_node.size() != tree.order.size() || t.inside.size() != nodes)
        return "figures of items or nodes are missing";
    if (t.levels.size() != static_cast<std::size_t>(tree.num_levels())) return "levels are missing";
    const Index leaf = tree.num_levels() > 0 ? tree.level_begin[tree.level_begin.size() - 2] : 0;
    const auto side = [&](Index node) { return node == -1 || (node >= leaf && node < static_cast<Index>(nodes)); };
    for (const Index node : t.arc_sides.values()) {
        if (!side(node)) return "a side of an arc is " + std::to_string(node) + ", no finest node";
    }
    for (const Index node : t.item_node) {
        if (!side(node)) return "an item stands on " + std::to_string(node) + ", no finest node";
    }
    for (const Index level : t.arc_level) {
        if (level < 0 || level >= tree.num_levels()) return "an arc is of level " + std::to_string(level);
    }
    for (std::size_t a = 0; a < arcs; ++a) {
        if (t.arc_begin[a + 1] - t.arc_begin[a] < 2) return "an arc has fewer than two points";
    }
    for (const Index step : t.ring_arcs) {
        const Index arc = step < 0 ? ~step : step;
        if (arc >= static_cast<Index>(arcs)) return "a ring uses arc " + std::to_string(arc);
    }
    for (std::size_t r = 0; r < rings; ++r) {
        if (t.ring_begin[r + 1] == t.ring_begin[r]) return "a ring has no arcs";
    }
    for (std::size_t node = 0; node < nodes; ++node) {
        for (std::int64_t p = t.node_begin[node]; p < t.node_begin[node + 1]; ++p) {
            if (t.piece_node[static_cast<std::size_t>(p)] != static_cast<Index>(node))
                return "a piece is of another node";
            if (t.piece_begin[static_cast<std::size_t>(p) + 1] == t.piece_begin[static_cast<std::size_t>(p)])
                return "a piece has no ring";
        }
    }
    for (const double value : t.points.values()) {
        if (!std::isfinite(value)) return "a point is not finite";
    }
    return {};
}

/// Points of a ring, the first not repeated; empty where arcs do not meet.
inline std::vector<OutlinePoint> outline_ring(const Territories& t, std::int64_t ring) {
    std::vector<OutlinePoint> out;
    const auto same = [](const OutlinePoint& a, const OutlinePoint& b) { return a.x == b.x && a.y == b.y; };
    for (std::int64_t s = t.ring_begin[static_cast<std::size_t>(ring)];
         s < t.ring_begin[static_cast<std::size_t>(ring) + 1]; ++s) {
        const Index step = t.ring_arcs[static_cast<std::size_t>(s)];
        const auto arc = static_cast<std::size_t>(step < 0 ? ~step : step);
        const std::int64_t count = t.arc_begin[arc + 1] - t.arc_begin[arc];
        for (std::int64_t k = 0; k < count; ++k) {
            const std::int64_t row = t.arc_begin[arc] + (step < 0 ? count - 1 - k : k);
            const OutlinePoint point{t.points(row, 0), t.points(row, 1)};
            if (k == 0 && !out.empty()) {
                if (!same(out.back(), point)) return {};
                continue;
            }
            out.push_back(point);
        }
    }
    if (out.size() < 4 || !same(out.front(), out.back())) return {};
    out.pop_back();
    return out;
}

/// Twice the area, positive counterclockwise, relative to a point of the ring so that nothing cancels far from 0.
inline double outline_area(std::span<const OutlinePoint> ring) {
    double sum = 0;
    for (std::size_t k = 1; k + 1 < ring.size(); ++k) {
        sum += (ring[k].x - ring[0].x) * (ring[k + 1].y - ring[0].y) -
               (ring[k + 1].x - ring[0].x) * (ring[k].y - ring[0].y);
    }
    return sum / 2;
}

inline bool outline_contains(std::span<const OutlinePoint> ring, const OutlinePoint& at) {
    bool inside = false;
    for (std::size_t k = 0; k < ring.size(); ++k) {
        const OutlinePoint& a = ring[k];
        const OutlinePoint& b = ring[(k + 1) % ring.size()];
        if ((a.y <= at.y) == (b.y <= at.y)) continue;
        if (at.x >= a.x + (b.x - a.x) * (at.y - a.y) / (b.y - a.y)) inside = !inside;
    }
    return inside;
}

/// Rising and falling sides of all polygons of one level, by strips of height.
class OutlineLevel {
public:
    OutlineLevel(double low, double high)
        : low_(low), step_(high > low ? (high - low) / kOutlineStrips : 1), strips_(kOutlineStrips) {}

    void add(Index node, std::span<const OutlinePoint> ring) {
        for (std::size_t k = 0; k < ring.size(); ++k) {
            const OutlinePoint& a = ring[k];
            const OutlinePoint& b = ring[(k + 1) % ring.size()];
            if (a.y == b.y) continue;
            for (std::size_t s = strip(std::min(a.y, b.y)); s <= strip(std::max(a.y, b.y)); ++s)
                strips_[s].push_back({node, a, b});
        }
    }
    /// Nodes whose border is crossed an odd number of times on the way from the item to the far left, ascending.
    std::vector<Index> nodes_at(const OutlinePoint& at) const {
        std::vector<Index> crossed;
        for (const Side& side : strips_[strip(at.y)]) {
            if ((side.a.y <= at.y) == (side.b.y <= at.y)) continue;
            const double x = side.a.x + (side.b.x - side.a.x) * (at.y - side.a.y) / (side.b.y - side.a.y);
            if (at.x >= x) crossed.push_back(side.node);
        }
        std::sort(crossed.begin(), crossed.end());
        std::vector<Index> inside;
        for (std::size_t k = 0; k < crossed.size();) {
            const std::size_t from = k;
            while (k < crossed.size() && crossed[k] == crossed[from]) ++k;
            if ((k - from) % 2 == 1) inside.push_back(crossed[from]);
        }
        return inside;
    }

private:
    struct Side {
        Index node;
        OutlinePoint a;
        OutlinePoint b;
    };
    std::size_t strip(double y) const {
        return static_cast<std::size_t>(
            std::clamp((y - low_) / step_, 0.0, static_cast<double>(kOutlineStrips - 1)));
    }
    double low_;
    double step_;
    std::vector<std::vector<Side>> strips_;
};

}  // namespace detail

FILMATLAS_INLINE void validate(const Territories& territories, const Hierarchy& hierarchy) {
    std::string problem = detail::outline_problem(territories, hierarchy);
    const auto& cells = territories.cells;
    if (problem.empty() && (cells.rows() != territories.height || cells.cols() != territories.width)) {
        problem = "the cells are not width times height";
    }
    const auto owned = [&](Index node) { return node >= -1 && node < hierarchy.num_nodes(); };
    if (problem.empty() && !std::all_of(cells.values().begin(), cells.values().end(), owned)) {
        problem = "a cell belongs to no node of the tree";
    }
    if (!problem.empty()) {
        throw Error(ErrorCode::Format, ErrorContext{"territories", {}, -1, {}, -1}, problem,
                    "draw them again with territories()");
    }
}

FILMATLAS_INLINE Report check_territories(const Matrix<float>& coordinates, const Hierarchy& hierarchy,
                                          const Territories& territories, double max_strays,
                                          double min_one_piece) {
    using detail::CheckCount;
    if (coordinates.rows() != hierarchy.num_items()) {
        throw_shape("check_territories", "the map has " + std::to_string(coordinates.rows()) +
                                             " items, the hierarchy " + std::to_string(hierarchy.num_items()));
    }
    Report report;
    const std::string problem = detail::outline_problem(territories, hierarchy);
    Finding structure;
    structure.code = "territories.structure";
    structure.severity = problem.empty() ? Severity::Info : Severity::Error;
    structure.message = problem.empty() ? "offsets and ids are in range" : problem;
    report.add(std::move(structure));
    if (!problem.empty()) return report;

    const auto nodes = static_cast<std::size_t>(hierarchy.num_nodes());
    const auto level_of = [&](std::size_t node) { return hierarchy.nodes[node].level; };
    // Polygons and their areas.
    CheckCount rings;
    CheckCount arcs;
    std::vector<double> area(nodes, 0);
    std::vector<std::int64_t> outer(nodes, 0);
    std::vector<std::vector<int>> uses(static_cast<std::size_t>(hierarchy.num_levels()),
                                       std::vector<int>(territories.arc_level.size() * 2, 0));
    double low = 0;
    double high = 0;
    for (std::int64_t p = 0; p < territories.points.rows(); ++p) {
        low = p == 0 ? territories.points(p, 1) : std::min(low, territories.points(p, 1));
        high = p == 0 ? territories.points(p, 1) : std::max(high, territories.points(p, 1));
    }
    std::vector<detail::OutlineLevel> levels(static_cast<std::size_t>(hierarchy.num_levels()),
                                             detail::OutlineLevel(low, high));
    // The node of a level that a finest node lies in.
    const auto climb = [&](Index node, Index level) {
        while (node >= 0 && hierarchy.nodes[static_cast<std::size_t>(node)].level > level) {
            node = hierarchy.nodes[static_cast<std::size_t>(node)].parent;
        }
        return node;
    };
    for (std::size_t piece = 0; piece < territories.piece_node.size(); ++piece) {
        const auto node = static_cast<std::size_t>(territories.piece_node[piece]);
        const Index level = level_of(node);
        std::vector<detail::OutlinePoint> first;
        for (std::int64_t ring = territories.piece_begin[piece]; ring < territories.piece_begin[piece + 1];
             ++ring) {
            const std::vector<detail::OutlinePoint> outline = detail::outline_ring(territories, ring);
            if (outline.empty()) {
                rings.add(static_cast<std::int64_t>(node));
                continue;
            }
            const double signed_area = detail::outline_area(outline);
            const bool hole = ring > territories.piece_begin[piece];
            const detail::OutlinePoint middle{(outline[0].x + outline[1].x) / 2,
                                              (outline[0].y + outline[1].y) / 2};
            if (hole ? signed_area >= 0 || !detail::outline_contains(first, middle) : signed_area <= 0) {
                rings.add(static_cast<std::int64_t>(node));
            }
            if (!hole) {
                first = outline;
                ++outer[node];
            }
            area[node] += signed_area;
            levels[static_cast<std::size_t>(level)].add(static_cast<Index>(node), outline);
            for (std::int64_t s = territories.ring_begin[static_cast<std::size_t>(ring)];
                 s < territories.ring_begin[static_cast<std::size_t>(ring) + 1]; ++s) {
                const Index step = territories.ring_arcs[static_cast<std::size_t>(s)];
                const auto arc = static_cast<std::size_t>(step < 0 ? ~step : step);
                const Index side = territories.arc_sides(static_cast<std::int64_t>(arc), step < 0 ? 1 : 0);
                if (climb(side, level) != static_cast<Index>(node)) arcs.add(static_cast<std::int64_t>(arc));
                ++uses[static_cast<std::size_t>(level)][arc * 2 + (step < 0 ? 1 : 0)];
            }
        }
    }
    for (Index level = 0; level < hierarchy.num_levels(); ++level) {
        for (std::size_t arc = 0; arc < territories.arc_level.size(); ++arc) {
            const Index a = climb(territories.arc_sides(static_cast<std::int64_t>(arc), 0), level);
            const Index b = climb(territories.arc_sides(static_cast<std::int64_t>(arc), 1), level);
            const auto& used = uses[static_cast<std::size_t>(level)];
            const bool good = used[arc * 2] == (a != b && a >= 0 ? 1 : 0) &&
                              used[arc * 2 + 1] == (a != b && b >= 0 ? 1 : 0) &&
                              (a != b) == (territories.arc_level[arc] <= level);
            if (!good) arcs.add(static_cast<std::int64_t>(arc));
        }
    }
    rings.report(report, "territories.rings", Severity::Error, "all rings are closed and lie as they should",
                 "rings are open, run the wrong way or lie outside their piece "
                 "(items are nodes)");
    arcs.report(report, "territories.arcs", Severity::Error, "neighbours share every border",
                "arcs are not used exactly by the two nodes beside them (items "
                "are arcs)");

    CheckCount tiling;
    double whole = 0;
    std::vector<double> children(nodes, 0);
    for (std::size_t node = 0; node < nodes; ++node) {
        const Index parent = hierarchy.nodes[node].parent;
        if (parent < 0) whole += area[node];
        if (parent >= 0) children[static_cast<std::size_t>(parent)] += area[node];
    }
    for (std::size_t node = 0; node < nodes; ++node) {
        if (level_of(node) + 1 == hierarchy.num_levels()) continue;
        if (std::abs(children[node] - area[node]) > 1e-9 * std::max(whole, 1e-300))
            tiling.add(static_cast<std::int64_t>(node));
    }
    tiling.report(report, "territories.tiling", Severity::Error, "children tile their parents",
                  "nodes whose children's areas do not add up to theirs (items are nodes)");

    // Items: by crossings, at every level.
    CheckCount nesting;
    CheckCount items;
    std::vector<char> stray(coordinates.rows() > 0 ? static_cast<std::size_t>(coordinates.rows()) : 0, 0);
    std::int64_t placed = 0;
    std::vector<Index> stands(stray.size(), -1);
    std::vector<std::int64_t> inside(nodes, 0);
    std::vector<std::int64_t> on_map(nodes, 0);
    for (Index level = 0; level < hierarchy.num_levels(); ++level) {
        const std::vector<Index> labels = hierarchy.labels(level);
        const Index first = hierarchy.level_begin[static_cast<std::size_t>(level)];
        placed = 0;
        for (std::int64_t i = 0; i < coordinates.rows(); ++i) {
            const auto at = static_cast<std::size_t>(i);
            if (!std::isfinite(coordinates(i, 0)) || !std::isfinite(coordinates(i, 1))) continue;
            ++placed;
            const detail::OutlinePoint point{static_cast<double>(coordinates(i, 0)),
                                             static_cast<double>(coordinates(i, 1))};
            const std::vector<Index> found = levels[static_cast<std::size_t>(level)].nodes_at(point);
            const Index node = found.empty() ? -1 : found.front();
            const Index above = node >= 0 ? hierarchy.nodes[static_cast<std::size_t>(node)].parent : -1;
            if (found.size() > 1 || (level > 0 && above != stands[at])) nesting.add(i);
            stands[at] = node;
            const Index own = first + labels[at];
            ++on_map[static_cast<std::size_t>(own)];
            inside[static_cast<std::size_t>(own)] += node == own ? 1 : 0;
            if (node != own) stray[at] = 1;
        }
    }
    for (std::size_t i = 0; i < stands.size(); ++i) {
        if (stands[i] != territories.item_node[i]) items.add(static_cast<std::int64_t>(i));
    }
    std::vector<std::int64_t> level_inside(static_cast<std::size_t>(hierarchy.num_levels()), 0);
    std::vector<std::int64_t> one_piece(level_inside.size(), 0);
    std::int64_t populated = 0;
    std::int64_t whole_nodes = 0;
    for (std::size_t node = 0; node < nodes; ++node) {
        const auto level = static_cast<std::size_t>(level_of(node));
        level_inside[level] += inside[node];
        if (on_map[node] == 0) continue;
        ++populated;
        one_piece[level] += outer[node] == 1 ? 1 : 0;
        whole_nodes += outer[node] == 1 ? 1 : 0;
        const auto share =
            static_cast<float>(static_cast<double>(inside[node]) / static_cast<double>(on_map[node]));
        if (share != territories.inside[node]) items.add(static_cast<std::int64_t>(node));
    }
    for (std::size_t level = 0; level < level_inside.size(); ++level) {
        const TerritoryLevel& said = territories.levels[level];
        if (said.inside != level_inside[level] || said.one_piece != one_piece[level] || said.items != placed) {
            items.add(static_cast<std::int64_t>(level));
        }
    }
    nesting.report(report, "territories.nesting", Severity::Error,
                   "every item lies in one node per level, inside its parent",
                   "items lie in several nodes, or in a node outside its parent");
    items.report(report, "territories.items", Severity::Warning, "items stand where the territories say",
                 "items, nodes or levels whose figures differ from what the polygons say");
    const auto strays = static_cast<double>(std::count(stray.begin(), stray.end(), char{1}));
    const double stray_share = placed > 0 ? strays / static_cast<double>(placed) : 0.0;
    detail::check_figure(report, "territories.strays", Severity::Warning, stray_share <= max_strays, stray_share,
                         max_strays,
                         detail::check_percent(stray_share) + " of the items stand outside their own territory");
    const double one = populated > 0 ? static_cast<double>(whole_nodes) / static_cast<double>(populated) : 1.0;
    detail::check_figure(report, "territories.one_piece", Severity::Warning, one >= min_one_piece, one,
                         min_one_piece, detail::check_percent(one) + " of the nodes are one piece");
    return report;
}

}  // namespace filmatlas
#endif  // FILMATLAS_VALIDATE_DETAIL_TERRITORY_CHECK_IMPL_HPP
