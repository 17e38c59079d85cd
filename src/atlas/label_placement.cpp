// SPDX-License-Identifier: MIT
#include "filmatlas/atlas/label_placement.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <numeric>

#include "filmatlas/atlas/query.hpp"
#include "filmatlas/text/unicode.hpp"

namespace filmatlas {
namespace {

constexpr float kForever = 64;          // log2 of px per unit that no page reaches
constexpr double kNarrowPage = 300;     // px: the narrowest map that is planned for
constexpr double kParentLeaves = 560;   // px: a parent's name goes when its members spread this far from it
constexpr double kMacroPatience = 0.85; // zoom levels: all macro regions are named once the map is 540 px wide
constexpr double kItemGap = 7;          // px from a point to the start of its title
constexpr std::size_t kLineCharacters = 24;
constexpr float kPadding = 6;           // px kept free around a box

/// Splits at the separator or space nearest to the middle when the text is long.
std::vector<std::string> break_lines(const std::string& text) {
    if (text.size() <= kLineCharacters) return {text};
    std::size_t best = std::string::npos;
    std::size_t best_distance = text.size();
    for (std::size_t i = 1; i + 1 < text.size(); ++i) {
        if (text[i] != ' ') continue;
        // A line should not begin with the separator dot (two bytes in UTF-8).
        const bool before_dot = static_cast<unsigned char>(text[i + 1]) == 0xC2;
        const std::size_t distance = i > text.size() / 2 ? i - text.size() / 2 : text.size() / 2 - i;
        if (!before_dot && distance < best_distance) {
            best = i;
            best_distance = distance;
        }
    }
    if (best == std::string::npos) return {text};
    return {text.substr(0, best), text.substr(best + 1)};
}

struct Point {
    double x = 0, y = 0;
};

/// Positions of a node's members that are on the map.
std::vector<Point> member_points(const Atlas& atlas, Index node) {
    std::vector<Point> points;
    const Matrix<float>& xy = atlas.layout.coordinates;
    for (const Index item : atlas.hierarchy.items(node)) {
        if (std::isfinite(xy(item, 0)) && std::isfinite(xy(item, 1))) points.push_back({xy(item, 0), xy(item, 1)});
    }
    return points;
}

/// Members sorted by how crowded their surroundings are: the first is the density peak of the node, never the middle
/// of two separate parts. Density is the count of members within a tenth of the node's spread, on a grid.
std::vector<Point> by_density(std::vector<Point> points) {
    if (points.size() < 3) return points;
    Point mean;
    for (const Point& p : points) mean.x += p.x, mean.y += p.y;
    mean.x /= static_cast<double>(points.size()), mean.y /= static_cast<double>(points.size());
    double spread = 0;
    for (const Point& p : points) spread += (p.x - mean.x) * (p.x - mean.x) + (p.y - mean.y) * (p.y - mean.y);
    spread = std::sqrt(spread / static_cast<double>(points.size()));
    if (spread == 0) return points;
    const double cell = spread / 2;
    const auto key = [&](const Point& p, int dx, int dy) {
        return std::pair<std::int64_t, std::int64_t>(static_cast<std::int64_t>(std::floor(p.x / cell)) + dx,
                                                     static_cast<std::int64_t>(std::floor(p.y / cell)) + dy);
    };
    std::map<std::pair<std::int64_t, std::int64_t>, std::vector<std::size_t>> cells;
    for (std::size_t i = 0; i < points.size(); ++i) cells[key(points[i], 0, 0)].push_back(i);
    std::vector<double> density(points.size(), 0);
    for (std::size_t i = 0; i < points.size(); ++i) {
        for (int dx = -1; dx <= 1; ++dx) {
            for (int dy = -1; dy <= 1; ++dy) {
                const auto found = cells.find(key(points[i], dx, dy));
                if (found == cells.end()) continue;
                // A crowded cell is sampled: the order of the peak's neighbours matters more than their exact count.
                const std::size_t step = std::max<std::size_t>(1, found->second.size() / 64);
                for (std::size_t j = 0; j < found->second.size(); j += step) {
                    const Point& q = points[found->second[j]];
                    const double d2 = (q.x - points[i].x) * (q.x - points[i].x) + (q.y - points[i].y) * (q.y - points[i].y);
                    density[i] += static_cast<double>(step) * std::max(0.0, 1 - d2 / (cell * cell));
                }
            }
        }
    }
    std::vector<std::size_t> order(points.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return density[a] > density[b]; });
    std::vector<Point> sorted;
    sorted.reserve(points.size());
    for (const std::size_t i : order) sorted.push_back(points[i]);
    return sorted;
}

/// log2 of the scale from which two boxes no longer meet.
double free_from(const PlacedLabel& a, double ax, double ay, const PlacedLabel& b) {
    const double width = (static_cast<double>(a.width) + b.width) / 2 + kPadding;
    const double height = (static_cast<double>(a.height) + b.height) / 2 + kPadding;
    const double dx = std::abs(ax - b.x);
    const double dy = std::abs(ay - b.y);
    const double by_x = dx > 0 ? width / dx : std::numeric_limits<double>::infinity();
    const double by_y = dy > 0 ? height / dy : std::numeric_limits<double>::infinity();
    const double scale = std::min(by_x, by_y);
    return std::isfinite(scale) ? std::log2(scale) : static_cast<double>(kForever);
}

/// Zoom at which a label at (x, y) may appear, given those placed so far: after the last conflict with any of them.
double appears_at(const PlacedLabel& label, double x, double y, double start, const std::vector<PlacedLabel>& placed,
                  const std::vector<Index>& order) {
    double zoom = start;
    for (const Index other : order) {
        const PlacedLabel& b = placed[static_cast<std::size_t>(other)];
        if (b.zoom_min >= b.zoom_max) continue;
        const double conflict_end = std::min<double>(free_from(label, x, y, b), b.zoom_max);
        if (conflict_end > b.zoom_min && conflict_end > zoom && b.zoom_min < kForever) zoom = conflict_end;
    }
    return zoom;
}

}  // namespace

float label_font_size(int level) {
    constexpr std::array<float, 3> kSizes = {18, 14, 12};
    return level < 3 ? kSizes[static_cast<std::size_t>(std::max(level, 0))] : 11.0F;
}

float text_width_em(std::string_view text) {
    double width = 0;
    for (std::size_t i = 0; i < text.size();) {
        const CodePoint unit = decode_utf8(text, i);
        i += static_cast<std::size_t>(unit.length);
        const char32_t c = unit.value;
        if (c == ' ') width += 0.36;
        else if (c < 128 && std::string_view("ijl.,;:'|!`").find(static_cast<char>(c)) != std::string_view::npos) width += 0.36;
        else if (c < 128 && std::string_view("frt()[]{}-/\\\"*").find(static_cast<char>(c)) != std::string_view::npos) width += 0.48;
        else if (c == 'm' || c == 'w' || c == 'M' || c == 'W' || c == '@' || c == '%') width += 1.02;
        else if (c >= 'A' && c <= 'Z') width += 0.76;
        else if (c < 0x250) width += 0.66;
        else if (c >= 0x300 && c < 0x370) width += 0;  // combining marks
        else if (c >= 0x2E80) width += 1.08;           // CJK and other wide scripts
        else width += 0.74;
    }
    return static_cast<float>(width);
}

LabelPlacement place_labels(const Atlas& atlas) {
    const Hierarchy& tree = atlas.hierarchy;
    const Matrix<float>& xy = atlas.layout.coordinates;
    LabelPlacement result;
    result.nodes.resize(static_cast<std::size_t>(tree.num_nodes()));
    result.item_zoom.assign(static_cast<std::size_t>(atlas.size()), std::numeric_limits<float>::infinity());

    double low_x = std::numeric_limits<double>::infinity(), high_x = -low_x, low_y = low_x, high_y = -low_x;
    for (std::int64_t i = 0; i < xy.rows(); ++i) {
        if (!std::isfinite(xy(i, 0)) || !std::isfinite(xy(i, 1))) continue;
        low_x = std::min<double>(low_x, xy(i, 0)), high_x = std::max<double>(high_x, xy(i, 0));
        low_y = std::min<double>(low_y, xy(i, 1)), high_y = std::max<double>(high_y, xy(i, 1));
    }
    const double extent = std::max({high_x - low_x, high_y - low_y, 1e-6});
    result.zoom_lowest = static_cast<float>(std::log2(kNarrowPage / extent));
    result.zoom_highest = result.zoom_lowest + 12;
    if (!(low_x <= high_x)) return result;  // nothing is on the map

    // Coarse to fine, larger nodes first: what is placed is never moved by what comes later.
    std::vector<Index> order;
    for (int level = 0; level < tree.num_levels(); ++level) {
        std::vector<Index> nodes(static_cast<std::size_t>(tree.num_nodes(level)));
        std::iota(nodes.begin(), nodes.end(), tree.level_begin[static_cast<std::size_t>(level)]);
        std::stable_sort(nodes.begin(), nodes.end(), [&](Index a, Index b) {
            return tree.nodes[static_cast<std::size_t>(a)].size() > tree.nodes[static_cast<std::size_t>(b)].size();
        });
        for (const Index node : nodes) {
            PlacedLabel& label = result.nodes[static_cast<std::size_t>(node)];
            const HierarchyNode& entry = tree.nodes[static_cast<std::size_t>(node)];
            const PlacedLabel* parent =
                entry.parent >= 0 ? &result.nodes[static_cast<std::size_t>(entry.parent)] : nullptr;
            label.zoom_min = kForever, label.zoom_max = kForever;
            const std::vector<Point> points = by_density(member_points(atlas, node));
            if (points.empty()) continue;

            label.lines = break_lines(atlas.labels[static_cast<std::size_t>(node)].text);
            const float size = label_font_size(level);
            float em = 0;
            for (const std::string& line : label.lines) em = std::max(em, text_width_em(line));
            label.width = std::ceil(em * size * (level < 2 ? 1.06F : 1.0F)) + 8;
            label.height = std::ceil(static_cast<float>(label.lines.size()) * size * 1.2F) + 2;

            // The anchor is the densest member; members further down the list are tried while the name would have to wait.
            const double start = parent == nullptr ? result.zoom_lowest
                                                   : std::max<double>(parent->zoom_min, result.zoom_lowest);
            // Only the denser half can be an anchor: a name must stand where its members are, not on an outlier. A macro
            // region may wait until the map is a little larger if that keeps its name at home.
            const double patience = level == 0 ? kMacroPatience : 0;
            const std::size_t home = std::max<std::size_t>(1, points.size() / 2);
            const std::size_t tries = std::min<std::size_t>(home, level == 0 ? 400 : 12);
            const std::size_t step = std::max<std::size_t>(1, home / tries);
            double best = std::numeric_limits<double>::infinity();
            for (std::size_t i = 0; i < home; i += step) {
                const double zoom = appears_at(label, points[i].x, points[i].y, start, result.nodes, order);
                if (zoom < best - 0.25 || !std::isfinite(best)) {
                    best = zoom;
                    label.x = static_cast<float>(points[i].x), label.y = static_cast<float>(points[i].y);
                }
                if (best <= start + patience) break;
            }
            // The stored position is float32: ask again with it, so that the interval is right for what is drawn.
            best = appears_at(label, label.x, label.y, start, result.nodes, order);

            double radius = 0;
            {
                std::vector<double> distances;
                distances.reserve(points.size());
                for (const Point& p : points) distances.push_back(std::hypot(p.x - label.x, p.y - label.y));
                std::sort(distances.begin(), distances.end());
                radius = distances[distances.size() * 8 / 10 < distances.size() ? distances.size() * 8 / 10
                                                                                : distances.size() - 1];
            }
            double end = level + 1 == tree.num_levels() || radius <= 0 ? static_cast<double>(kForever)
                                                                       : std::log2(kParentLeaves / radius);
            end = std::max(end, best + 1);
            if (parent != nullptr) end = std::max<double>(end, parent->zoom_max);
            label.zoom_min = std::nextafter(static_cast<float>(best), kForever + 1);
            if (best <= start && parent == nullptr) label.zoom_min = result.zoom_lowest - kForever;  // from the start
            label.zoom_max = static_cast<float>(std::min<double>(end, kForever));
            if (label.zoom_min >= label.zoom_max) label.zoom_min = label.zoom_max = kForever;
            order.push_back(node);
        }
    }

    // Items: those that many others count among their neighbours first; a title once shown stays while zooming in.
    const auto n = static_cast<std::size_t>(atlas.size());
    std::vector<std::int64_t> named(n, 0);
    for (const Index id : atlas.graph.indices.values()) {
        if (id >= 0) ++named[static_cast<std::size_t>(id)];
    }
    std::vector<Index> priority;
    for (std::size_t i = 0; i < n; ++i) {
        const auto row = static_cast<std::int64_t>(i);
        if (std::isfinite(xy(row, 0)) && std::isfinite(xy(row, 1))) priority.push_back(static_cast<Index>(i));
    }
    std::stable_sort(priority.begin(), priority.end(), [&](Index a, Index b) {
        return named[static_cast<std::size_t>(a)] > named[static_cast<std::size_t>(b)];
    });
    std::vector<float> width(n);
    for (const Index item : priority) {
        const std::string& title = item_title(atlas, item);
        width[static_cast<std::size_t>(item)] = std::min(text_width_em(title) * 11 + 8, 240.0F);
    }
    const double height = 11 * 1.2 + 6;
    const double widest = 240 + kItemGap;
    for (double zoom = result.zoom_lowest + 2.5; zoom <= result.zoom_highest; zoom += 0.5) {
        const double scale = std::exp2(zoom);
        const double cell_x = widest / scale, cell_y = height / scale;
        std::map<std::pair<std::int64_t, std::int64_t>, std::vector<Index>> shown;
        const auto cell_of = [&](Index item) {
            return std::pair<std::int64_t, std::int64_t>(static_cast<std::int64_t>(std::floor(xy(item, 0) / cell_x)),
                                                         static_cast<std::int64_t>(std::floor(xy(item, 1) / cell_y)));
        };
        const auto meets = [&](Index a, Index b) {
            const double dx = (static_cast<double>(xy(b, 0)) - xy(a, 0)) * scale;
            const double dy = std::abs(static_cast<double>(xy(b, 1)) - xy(a, 1)) * scale;
            const double reach = kItemGap + (dx >= 0 ? width[static_cast<std::size_t>(a)] : width[static_cast<std::size_t>(b)]);
            return dy < height && std::abs(dx) < reach;
        };
        for (const Index item : priority) {
            if (std::isfinite(result.item_zoom[static_cast<std::size_t>(item)])) shown[cell_of(item)].push_back(item);
        }
        for (const Index item : priority) {
            float& from = result.item_zoom[static_cast<std::size_t>(item)];
            if (std::isfinite(from)) continue;
            const auto home = cell_of(item);
            bool free = true;
            for (std::int64_t dx = -1; dx <= 1 && free; ++dx) {
                for (std::int64_t dy = -1; dy <= 1 && free; ++dy) {
                    const auto found = shown.find({home.first + dx, home.second + dy});
                    if (found == shown.end()) continue;
                    for (const Index other : found->second) {
                        if (meets(item, other)) {
                            free = false;
                            break;
                        }
                    }
                }
            }
            if (!free) continue;
            from = static_cast<float>(zoom);
            shown[home].push_back(item);
        }
    }
    return result;
}

}  // namespace filmatlas
