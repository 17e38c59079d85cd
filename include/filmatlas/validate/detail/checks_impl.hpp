// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_VALIDATE_DETAIL_CHECKS_IMPL_HPP
#define FILMATLAS_VALIDATE_DETAIL_CHECKS_IMPL_HPP

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "filmatlas/validate/checks.hpp"
#include "filmatlas/validate/detail/check_findings.hpp"

namespace filmatlas {
namespace detail {

/// Offsets and node fields that the other checks of a hierarchy may rely on.
inline bool hierarchy_shape_holds(const Hierarchy& h, std::string& why) {
    const std::size_t levels = h.level_names.size();
    if (h.level_begin.size() != levels + 1) {
        why =
            std::to_string(h.level_begin.size()) + " level offsets for " + std::to_string(levels) + " levels";
        return false;
    }
    if (h.level_begin.front() != 0 || h.level_begin.back() != static_cast<std::int64_t>(h.nodes.size())) {
        why = "the level offsets do not span the " + std::to_string(h.nodes.size()) + " nodes";
        return false;
    }
    for (std::size_t l = 0; l < levels; ++l) {
        if (h.level_begin[l + 1] < h.level_begin[l]) {
            why = "the offsets of level " + std::to_string(l) + " descend";
            return false;
        }
        for (Index id = h.level_begin[l]; id < h.level_begin[l + 1]; ++id) {
            const HierarchyNode& node = h.nodes[static_cast<std::size_t>(id)];
            if (node.level != static_cast<Index>(l)) {
                why = "node " + std::to_string(id) + " says level " + std::to_string(node.level) +
                      " and stands in level " + std::to_string(l);
                return false;
            }
            if (node.begin < 0 || node.end < node.begin || node.end > h.num_items()) {
                why = "node " + std::to_string(id) + " has the range " + std::to_string(node.begin) + " to " +
                      std::to_string(node.end) + " of " + std::to_string(h.num_items()) + " items";
                return false;
            }
        }
    }
    return true;
}

}  // namespace detail

FILMATLAS_INLINE Report check_hierarchy(const Hierarchy& hierarchy, const CheckOptions& options) {
    Report report;
    std::string why;
    const bool shape = detail::hierarchy_shape_holds(hierarchy, why);
    const std::int64_t n = hierarchy.num_items();
    detail::check_figure(
        report, "hierarchy.structure", Severity::Error, shape, static_cast<double>(hierarchy.num_nodes()), 0,
        shape ? std::to_string(hierarchy.num_levels()) + " levels, " + std::to_string(hierarchy.num_nodes()) +
                    " nodes, " + std::to_string(n) + " items"
              : "the tree is malformed: " + why);
    if (!shape) return report;

    detail::CheckCount order;
    std::vector<char> seen(static_cast<std::size_t>(n), 0);
    for (const Index item : hierarchy.order) {
        if (item < 0 || item >= n || seen[static_cast<std::size_t>(item)]++) order.add(item);
    }
    order.report(report, "hierarchy.contiguity", Severity::Error, "the order of the items is a permutation",
                 "places of the order hold no item or one that is there already");
    if (order.count() > 0) return report;

    detail::CheckCount paths;
    detail::CheckCount parents;
    detail::CheckCount nesting;
    detail::CheckCount empty;
    std::int64_t largest = 0;
    for (int level = 0; level < hierarchy.num_levels(); ++level) {
        std::vector<std::int32_t> covered(static_cast<std::size_t>(n) + 1, 0);
        const Index first = hierarchy.level_begin[static_cast<std::size_t>(level)];
        const Index last = hierarchy.level_begin[static_cast<std::size_t>(level) + 1];
        for (Index id = first; id < last; ++id) {
            const HierarchyNode& node = hierarchy.nodes[static_cast<std::size_t>(id)];
            ++covered[static_cast<std::size_t>(node.begin)];
            --covered[static_cast<std::size_t>(node.end)];
            if (node.size() == 0) empty.add(id);
            if (level == 0) {
                largest = std::max(largest, node.size());
                if (node.parent != -1) parents.add(id);
                continue;
            }
            const bool above = node.parent >= hierarchy.level_begin[static_cast<std::size_t>(level) - 1] &&
                               node.parent < first;
            if (!above) {
                parents.add(id);
                continue;
            }
            const HierarchyNode& parent = hierarchy.nodes[static_cast<std::size_t>(node.parent)];
            if (node.begin < parent.begin || node.end > parent.end) nesting.add(id);
        }
        std::int32_t depth = 0;
        for (std::int64_t place = 0; place < n; ++place) {
            depth += covered[static_cast<std::size_t>(place)];
            if (depth != 1) paths.add(hierarchy.order[static_cast<std::size_t>(place)]);
        }
    }
    paths.report(report, "hierarchy.path", Severity::Error,
                 "every item has exactly one node at each of the " + std::to_string(hierarchy.num_levels()) +
                     " levels",
                 "times an item has no node, or several, at a level");
    parents.report(report, "hierarchy.parents", Severity::Error, "every node has its parent one level up",
                   "nodes have no parent one level up");
    nesting.report(report, "hierarchy.nesting", Severity::Error, "every node lies inside its parent",
                   "nodes reach outside their parent");
    empty.report(report, "hierarchy.empty_nodes", Severity::Error, "no node is empty", "nodes are empty");
    if (n > 0 && hierarchy.num_levels() > 0) {
        const double share = static_cast<double>(largest) / static_cast<double>(n);
        detail::check_figure(
            report, "hierarchy.largest_share", Severity::Warning, share <= options.max_share, share,
            options.max_share,
            "the largest node of the coarsest level holds " + detail::check_percent(share) + " of the items");
    }
    return report;
}

FILMATLAS_INLINE Report check_labels(const Hierarchy& hierarchy, const Labels& labels) {
    Report report;
    const bool fits = static_cast<std::int64_t>(labels.size()) == hierarchy.num_nodes();
    detail::check_figure(
        report, "labels.count", Severity::Error, fits, static_cast<double>(labels.size()),
        static_cast<double>(hierarchy.num_nodes()),
        std::to_string(labels.size()) + " labels for " + std::to_string(hierarchy.num_nodes()) + " nodes");
    if (!fits) return report;
    detail::CheckCount empty;
    detail::CheckCount siblings;
    detail::CheckCount paths;
    std::map<std::pair<Index, std::string>, Index> among_siblings;
    std::map<std::vector<std::string>, Index> by_path;
    for (Index id = 0; id < static_cast<Index>(labels.size()); ++id) {
        const std::string& text = labels[static_cast<std::size_t>(id)].text;
        if (text.find_first_not_of(" \t\r\n") == std::string::npos) empty.add(id);
        const Index parent = hierarchy.nodes[static_cast<std::size_t>(id)].parent;
        if (!among_siblings.emplace(std::pair(parent, text), id).second) siblings.add(id);
        // Upwards by parents that come earlier, so that a malformed tree cannot make this run in circles.
        std::vector<std::string> path;
        for (Index at = id; at >= 0;) {
            path.push_back(labels[static_cast<std::size_t>(at)].text);
            const Index up = hierarchy.nodes[static_cast<std::size_t>(at)].parent;
            at = up < at ? up : -1;
        }
        if (!by_path.emplace(std::move(path), id).second) paths.add(id);
    }
    empty.report(report, "labels.empty", Severity::Error, "every node has a label", "labels are empty");
    paths.report(report, "labels.unique_paths", Severity::Error, "every path of labels is unique",
                 "nodes repeat the path of labels of another node");
    siblings.report(report, "labels.repeated_siblings", Severity::Warning, "siblings have different labels",
                    "nodes repeat the label of a sibling");
    return report;
}

FILMATLAS_INLINE Report check_graph(const KnnGraph& graph, std::int64_t n, const CheckOptions& options) {
    Report report;
    const bool shapes =
        graph.size() == n && graph.distances.rows() == n && graph.distances.cols() == graph.k();
    detail::check_figure(report, "graph.size", Severity::Error, shapes, static_cast<double>(graph.size()),
                         static_cast<double>(n),
                         std::to_string(graph.size()) + " rows of " + std::to_string(graph.k()) +
                             " neighbours for " + std::to_string(n) + " items" +
                             (shapes || graph.size() != n ? "" : "; the distances have another shape"));
    if (!shapes) return report;
    std::vector<char> invalid(static_cast<std::size_t>(n), 0);
    detail::CheckCount ids;
    for (const Index row : graph.invalid_rows) {
        if (row < 0 || row >= n) {
            ids.add(row);
        } else {
            invalid[static_cast<std::size_t>(row)] = 1;
        }
    }
    detail::CheckCount self;
    detail::CheckCount duplicates;
    detail::CheckCount order;
    detail::CheckCount finite;
    detail::CheckCount padding;
    std::int64_t isolated = 0;
    std::int64_t valid = 0;
    std::vector<Index> sorted;
    for (std::int64_t i = 0; i < n; ++i) {
        const auto row = graph.indices.row(i);
        const auto distances = graph.distances.row(i);
        bool bad_id = false, is_self = false, bad_order = false, not_finite = false, bad_padding = false;
        std::int64_t count = 0;
        sorted.clear();
        for (std::size_t s = 0; s < row.size(); ++s) {
            if (row[s] == -1) {
                bad_padding = bad_padding || distances[s] != std::numeric_limits<float>::infinity();
                continue;
            }
            bad_padding = bad_padding || static_cast<std::int64_t>(s) != count;
            ++count;
            if (row[s] < -1 || row[s] >= n) {
                bad_id = true;
                continue;
            }
            bad_id = bad_id || invalid[static_cast<std::size_t>(row[s])];
            is_self = is_self || row[s] == i;
            not_finite = not_finite || !std::isfinite(distances[s]);
            if (s > 0 && row[s - 1] >= 0 &&
                (distances[s] < distances[s - 1] ||
                 (distances[s] == distances[s - 1] && row[s] < row[s - 1]))) {
                bad_order = true;
            }
            sorted.push_back(row[s]);
        }
        std::sort(sorted.begin(), sorted.end());
        if (std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end()) duplicates.add(i);
        if (invalid[static_cast<std::size_t>(i)]) {
            bad_padding = bad_padding || count > 0;
        } else {
            ++valid;
            isolated += count == 0 ? 1 : 0;
        }
        if (bad_id) ids.add(i);
        if (is_self) self.add(i);
        if (bad_order) order.add(i);
        if (not_finite) finite.add(i);
        if (bad_padding) padding.add(i);
    }
    ids.report(report, "graph.ids", Severity::Error, "every neighbour is a valid item of the catalogue",
               "rows name items that do not exist or have no valid vector");
    self.report(report, "graph.self", Severity::Error, "no item is its own neighbour",
                "items are their own neighbour");
    duplicates.report(report, "graph.duplicates", Severity::Error, "no neighbour occurs twice in a row",
                      "rows hold a neighbour twice");
    order.report(report, "graph.order", Severity::Error, "neighbours ascend by (distance, id)",
                 "rows are not in order of (distance, id)");
    finite.report(report, "graph.finite", Severity::Error, "all distances are finite",
                  "rows hold distances that are not finite");
    padding.report(report, "graph.padding", Severity::Error,
                   "missing neighbours are -1 at +inf, at the end of a row",
                   "rows break the rule for missing neighbours");
    if (!graph.exact()) {
        detail::check_figure(report, "graph.recall", Severity::Warning, graph.recall >= options.min_recall,
                             graph.recall, options.min_recall,
                             detail::check_percent(graph.recall) +
                                 " of the true neighbours are found (method " + graph.method + ")");
    }
    if (valid > 1) {
        const double share = static_cast<double>(isolated) / static_cast<double>(valid);
        detail::check_figure(report, "graph.isolated", Severity::Warning, share <= options.max_isolated_share,
                             share, options.max_isolated_share,
                             std::to_string(isolated) + " of " + std::to_string(valid) +
                                 " items with a valid vector have no neighbour");
    }
    return report;
}

FILMATLAS_INLINE Report check_layout(const Layout& layout, std::int64_t n, const CheckOptions& options) {
    Report report;
    const std::int64_t c = layout.coordinates.cols();
    const bool fits = layout.coordinates.rows() == n && (c == 2 || c == 3);
    detail::check_figure(report, "layout.size", Severity::Error, fits,
                         static_cast<double>(layout.coordinates.rows()), static_cast<double>(n),
                         std::to_string(layout.coordinates.rows()) + " positions of " + std::to_string(c) +
                             " coordinates for " + std::to_string(n) + " items");
    if (!fits) return report;
    detail::CheckCount finite;
    detail::CheckCount missing;
    std::vector<std::vector<float>> rows;
    for (std::int64_t i = 0; i < n; ++i) {
        const auto row = layout.coordinates.row(i);
        const auto nans = std::count_if(row.begin(), row.end(), [](float v) { return std::isnan(v); });
        const bool infinite = std::any_of(row.begin(), row.end(), [](float v) { return std::isinf(v); });
        if (infinite || (nans > 0 && nans < c)) {
            finite.add(i);
        } else if (nans == c) {
            missing.add(i);
        } else {
            rows.emplace_back(row.begin(), row.end());
        }
    }
    finite.report(report, "layout.finite", Severity::Error,
                  "all coordinates are finite, or NaN for a whole row",
                  "rows hold an infinite coordinate or NaN in a part of the row");
    {
        const double share = n > 0 ? static_cast<double>(missing.count()) / static_cast<double>(n) : 0;
        detail::check_figure(
            report, "layout.missing", Severity::Warning, share <= options.max_bad_rows_share, share,
            options.max_bad_rows_share,
            std::to_string(missing.count()) + " of " + std::to_string(n) + " items have no position");
    }
    if (rows.size() > 1) {
        std::sort(rows.begin(), rows.end());
        std::size_t run = 1;
        std::size_t longest = 1;
        for (std::size_t i = 1; i < rows.size(); ++i) {
            run = rows[i] == rows[i - 1] ? run + 1 : 1;
            longest = std::max(longest, run);
        }
        const double share = static_cast<double>(longest) / static_cast<double>(rows.size());
        const bool spread = rows.size() < 4 || share <= 0.5;
        detail::check_figure(report, "layout.collapsed", Severity::Warning, spread, share, 0.5,
                             "the fullest single position holds " + std::to_string(longest) + " of " +
                                 std::to_string(rows.size()) + " items");
    }
    const LayoutQuality& quality = layout.quality;
    if (quality.k > 0) {
        detail::check_figure(report, "layout.quality", Severity::Warning,
                             quality.kept_neighbors >= options.min_kept_neighbors, quality.kept_neighbors,
                             options.min_kept_neighbors,
                             "the map keeps " + detail::check_percent(quality.kept_neighbors) + " of the " +
                                 std::to_string(quality.k) + " nearest neighbours");
    }
    detail::CheckCount shares;
    bool sized = true;
    const auto figures = [&](const auto& values) {
        sized = sized && (values.empty() || values.size() == static_cast<std::size_t>(n));
        for (std::size_t i = 0; sized && i < values.size(); ++i) {
            // NaN is no figure at all; sums may miss the ends by their rounding.
            if (values[i] < -1e-9 || values[i] > 1 + 1e-9) shares.add(static_cast<std::int64_t>(i));
        }
    };
    figures(quality.kept_per_item);
    figures(quality.trust_per_item);
    figures(quality.continuity_per_item);
    if (!sized) {
        detail::check_figure(report, "layout.per_item", Severity::Error, false, 0, 0,
                             "the quality per item has another number of items than the map");
        return report;
    }
    shares.report(report, "layout.per_item", Severity::Error, "figures per item lie between 0 and 1",
                  "figures per item lie outside 0 to 1");
    return report;
}

FILMATLAS_INLINE Report check_embedding(const Embedding& embedding, std::int64_t n,
                                        const CheckOptions& options) {
    Report report;
    const std::int64_t d = embedding.vectors.cols();
    const bool fits = embedding.vectors.rows() == n && d > 0;
    detail::check_figure(report, "embedding.size", Severity::Error, fits,
                         static_cast<double>(embedding.vectors.rows()), static_cast<double>(n),
                         std::to_string(embedding.vectors.rows()) + " vectors of " + std::to_string(d) +
                             " dimensions for " + std::to_string(n) + " items");
    if (!fits) return report;

    std::vector<char> listed(static_cast<std::size_t>(n), 0);
    detail::CheckCount list;
    for (std::size_t i = 0; i < embedding.bad_rows.size(); ++i) {
        const Index row = embedding.bad_rows[i].row;
        const bool ascends = i == 0 || row > embedding.bad_rows[i - 1].row;
        if (row < 0 || row >= n || !ascends) {
            list.add(row);
        } else {
            listed[static_cast<std::size_t>(row)] = 1;
        }
    }
    detail::CheckCount finite;
    detail::CheckCount norms;
    for (std::int64_t i = 0; i < n; ++i) {
        double norm2 = 0;
        for (const float v : embedding.vectors.row(i))
            norm2 += static_cast<double>(v) * static_cast<double>(v);
        if (!std::isfinite(norm2)) {
            finite.add(i);
        } else if (listed[static_cast<std::size_t>(i)]) {
            if (norm2 != 0) list.add(i);
        } else if (embedding.normalized && norm2 == 0) {
            list.add(i);
        } else if (embedding.normalized && embedding.parts.size() <= 1 &&
                   std::abs(std::sqrt(norm2) - 1) > 1e-4) {
            norms.add(i);
        } else if (embedding.normalized && std::sqrt(norm2) > 1 + 1e-4) {
            norms.add(i);
        }
    }
    finite.report(report, "embedding.finite", Severity::Error, "all values are finite",
                  "rows hold NaN or infinity");
    norms.report(report, "embedding.norms", Severity::Error,
                 embedding.normalized ? "all vectors have unit norm" : "vectors keep their norms",
                 "vectors that should have unit norm have not");
    list.report(report, "embedding.bad_row_list", Severity::Error,
                "the list of rows without a vector is complete and ascending",
                "rows are wrongly listed, or missing from the list, of rows without a vector");
    const double share = n > 0 ? static_cast<double>(embedding.bad_rows.size()) / static_cast<double>(n) : 0;
    detail::check_figure(report, "embedding.bad_rows", Severity::Warning, share <= options.max_bad_rows_share,
                         share, options.max_bad_rows_share,
                         std::to_string(embedding.bad_rows.size()) + " of " + std::to_string(n) +
                             " items have no usable vector");

    std::string why;
    std::int64_t at = 0;
    double weight = 0;
    for (const EmbeddingPart& part : embedding.parts) {
        if (part.begin != at || part.end <= part.begin)
            why = "part '" + part.name + "' does not follow the one before it";
        if (!(part.weight >= 0)) why = "part '" + part.name + "' has the weight " + to_text(part.weight);
        at = part.end;
        weight += part.weight;
    }
    if (why.empty() && embedding.parts.empty()) why = "there is no part";
    if (why.empty() && at != d)
        why = "the parts end at column " + std::to_string(at) + " of " + std::to_string(d);
    if (why.empty() && std::abs(weight - 1) > 1e-6) why = "the weights add up to " + to_text(weight);
    detail::check_figure(report, "embedding.parts", Severity::Error, why.empty(),
                         static_cast<double>(embedding.parts.size()), 1,
                         why.empty() ? std::to_string(embedding.parts.size()) +
                                           " parts span the columns, their weights add up to 1"
                                     : why);
    return report;
}

}  // namespace filmatlas
#endif  // FILMATLAS_VALIDATE_DETAIL_CHECKS_IMPL_HPP
