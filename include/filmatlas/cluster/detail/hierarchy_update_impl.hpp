// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_CLUSTER_DETAIL_HIERARCHY_UPDATE_IMPL_HPP
#define FILMATLAS_CLUSTER_DETAIL_HIERARCHY_UPDATE_IMPL_HPP

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "filmatlas/cluster/detail/bounded_level.hpp"
#include "filmatlas/cluster/detail/nested_levels.hpp"
#include "filmatlas/cluster/detail/recluster_part.hpp"
#include "filmatlas/cluster/detail/subset_graph.hpp"
#include "filmatlas/cluster/detail/tree_build.hpp"
#include "filmatlas/cluster/detail/tree_vectors.hpp"
#include "filmatlas/cluster/hierarchy_update.hpp"
#include "filmatlas/core/error.hpp"
#include "filmatlas/core/parallel.hpp"
#include "filmatlas/neighbors/knn_index.hpp"

namespace filmatlas {
namespace detail {

inline constexpr float kUpdateSame = 1e-6F;  ///< an item this near to a known one shares its node

/// Node ids of every item, level by level.
inline std::vector<std::vector<Index>> update_paths(const Hierarchy& tree) {
    std::vector<std::vector<Index>> out;
    for (int level = 0; level < tree.num_levels(); ++level) {
        out.push_back(tree.labels(level));
        for (Index& node : out.back()) node += tree.level_begin[static_cast<std::size_t>(level)];
    }
    return out;
}

/// The largest node of the coarsest level, and inside it the largest child at each level.
inline Index update_largest_leaf(const Hierarchy& tree) {
    const auto larger = [&](Index a, Index b) {
        return tree.nodes[static_cast<std::size_t>(a)].size() <
               tree.nodes[static_cast<std::size_t>(b)].size();
    };
    std::vector<Index> nodes(static_cast<std::size_t>(tree.num_nodes(0)));
    std::iota(nodes.begin(), nodes.end(), Index{0});
    Index at = -1;
    while (!nodes.empty()) {
        at = *std::max_element(nodes.begin(), nodes.end(), larger);
        nodes = tree.children(at);
    }
    return at;
}

inline void update_check_node(const Hierarchy& tree, Index node, std::string_view where,
                              std::string_view field) {
    if (node >= 0 && node < tree.num_nodes()) return;
    throw_invalid(where, field, "holds the node " + std::to_string(node),
                  "use ids 0 .. " + std::to_string(tree.num_nodes() - 1));
}

}  // namespace detail

FILMATLAS_INLINE TreePlacement place_in_tree(const Hierarchy& hierarchy, MatrixView<const Index> ids,
                                             MatrixView<const float> distances) {
    if (ids.rows != distances.rows || ids.cols != distances.cols) {
        throw_shape("place_in_tree", "ids and distances differ in shape",
                    "pass both as one search gives them");
    }
    const std::vector<std::vector<Index>> paths = detail::update_paths(hierarchy);
    TreePlacement out;
    std::vector<std::pair<Index, double>> votes;
    for (std::int64_t i = 0; i < ids.rows; ++i) {
        std::vector<std::pair<Index, float>> near;
        for (std::int64_t s = 0; s < ids.cols; ++s) {
            const Index item = ids(i, s);
            if (item < 0) continue;
            if (item >= hierarchy.num_items()) {
                throw Error(ErrorCode::Format, {"place_in_tree", {}, i, {}, -1},
                            "neighbour " + std::to_string(item) + " is no item of the hierarchy");
            }
            near.emplace_back(item, distances(i, s));
        }
        Index node = -1;
        if (!near.empty() && near.front().second <= detail::kUpdateSame) {
            node = paths.back()[static_cast<std::size_t>(near.front().first)];
        } else if (!near.empty()) {
            const double last = near.back().second;
            for (std::size_t level = 0; level < paths.size(); ++level) {
                votes.clear();
                for (const auto& [item, distance] : near) {
                    const auto at = static_cast<std::size_t>(item);
                    if (level > 0 && paths[level - 1][at] != node) continue;
                    votes.emplace_back(paths[level][at], last - distance + 1e-3 * (1 + last));
                }
                std::stable_sort(votes.begin(), votes.end(),
                                 [](const auto& a, const auto& b) { return a.first < b.first; });
                Index best = -1;
                double most = 0;
                for (std::size_t v = 0; v < votes.size();) {
                    const Index candidate = votes[v].first;
                    double sum = 0;
                    for (; v < votes.size() && votes[v].first == candidate; ++v) sum += votes[v].second;
                    if (best < 0 || sum > most) {
                        best = candidate;
                        most = sum;
                    }
                }
                node = best;
            }
        }
        std::int64_t inside = 0;
        for (const auto& [item, distance] : near)
            inside += paths.back()[static_cast<std::size_t>(item)] == node ? 1 : 0;
        out.leaf.push_back(node);
        out.confidence.push_back(near.empty() ? 0.0F
                                              : static_cast<float>(inside) / static_cast<float>(near.size()));
    }
    return out;
}

FILMATLAS_INLINE void validate(const TreeUpdateOptions& options) {
    if (options.k < 1)
        throw_invalid("update_hierarchy", "k", "is " + std::to_string(options.k), "use 1 or more");
    if (options.num_threads < 0) {
        throw_invalid("update_hierarchy", "num_threads", "is " + std::to_string(options.num_threads),
                      "use 0 (choose for me) or a positive number");
    }
}

FILMATLAS_INLINE HierarchyUpdate update_hierarchy(const Hierarchy& hierarchy, MatrixView<const float> X,
                                                  MatrixView<const float> added, const TreeUpdateOptions& options,
                                                  const Progress& progress) {
    validate(options);
    detail::tree_need_rows(hierarchy, X, "update_hierarchy");
    if (hierarchy.num_items() == 0)
        throw_shape("update_hierarchy", "the hierarchy has no items", "make one first");
    if (added.rows > 0 && added.cols != X.cols) {
        throw_shape("update_hierarchy",
                    "new vectors have " + std::to_string(added.cols) + " columns, the known ones " +
                        std::to_string(X.cols),
                    "encode new items as the known ones were");
    }
    HierarchyUpdate out;
    detail::TreePlan plan = detail::tree_plan(hierarchy);
    const auto n = static_cast<Index>(X.rows);
    if (added.rows > 0) {
        const KnnIndex index(X, options.metric, options.num_threads);
        const KnnIndex::Result found = index.query(added, options.k, options.num_threads, progress);
        out.placement = place_in_tree(hierarchy, found.indices.view(), found.distances.view());
    }
    const Index largest = detail::update_largest_leaf(hierarchy);
    std::vector<std::vector<Index>> members(static_cast<std::size_t>(hierarchy.num_nodes()));
    for (std::size_t q = 0; q < out.placement.leaf.size(); ++q) {
        Index& leaf = out.placement.leaf[q];
        if (leaf < 0) leaf = largest;
        for (const Index node : hierarchy.path(leaf)) {
            const auto level =
                static_cast<std::size_t>(hierarchy.nodes[static_cast<std::size_t>(node)].level);
            plan.label[level].push_back(node - hierarchy.level_begin[level]);
            members[static_cast<std::size_t>(node)].push_back(n + static_cast<Index>(q));
        }
    }
    out.hierarchy = detail::tree_build(plan, hierarchy.level_names).first;

    const detail::TreeVectors known(X, options.metric, options.num_threads);
    const detail::TreeVectors fresh(added, options.metric, options.num_threads);
    const detail::TreeSums sums = detail::tree_sums(hierarchy, known, options.num_threads);
    const auto nodes = static_cast<std::size_t>(hierarchy.num_nodes());
    const float none = std::numeric_limits<float>::quiet_NaN();
    out.drift = {std::vector<std::int64_t>(nodes, 0), std::vector<float>(nodes, 0.0F),
                 std::vector<float>(nodes, none), std::vector<float>(nodes, none)};
    parallel_for(hierarchy.num_nodes(), 4, options.num_threads, [&](std::int64_t begin, std::int64_t end) {
        std::vector<double> row(static_cast<std::size_t>(X.cols));
        std::vector<double> before(row.size());
        std::vector<double> after(row.size());
        const auto mean_closeness = [&](const detail::TreeVectors& vectors, std::span<const Index> items) {
            double sum = 0;
            std::int64_t count = 0;
            for (const Index item : items) {
                if (!vectors.valid(item)) continue;
                vectors.copy_row(item, row.data());
                sum += vectors.closeness(row.data(), before.data());
                ++count;
            }
            return count > 0 ? static_cast<float>(sum / static_cast<double>(count)) : none;
        };
        for (std::int64_t node = begin; node < end; ++node) {
            const auto at = static_cast<std::size_t>(node);
            std::vector<Index> rows = members[at];
            for (Index& item : rows) item -= n;
            out.drift.added[at] = static_cast<std::int64_t>(rows.size());
            std::copy_n(sums.sum.row_data(node), X.cols, before.begin());
            after = before;
            known.finish(before.data(), sums.count[at]);
            out.drift.cohesion[at] = mean_closeness(known, hierarchy.items(static_cast<Index>(node)));
            if (rows.empty()) continue;
            out.drift.added_cohesion[at] = mean_closeness(fresh, rows);
            const std::int64_t more = fresh.add(rows, after.data());
            if (more == 0 || sums.count[at] == 0) continue;
            known.finish(after.data(), sums.count[at] + more);
            out.drift.shift[at] = static_cast<float>(known.distance(before.data(), after.data()));
        }
    });
    return out;
}

FILMATLAS_INLINE ReclusteredHierarchy recluster_nodes(const Hierarchy& hierarchy, MatrixView<const float> X,
                                                      const KnnGraph& graph, std::span<const Index> nodes,
                                                      std::span<const Index> pinned,
                                                      const NestedOptions& options,
                                                      const Progress& progress) {
    const auto started = std::chrono::steady_clock::now();
    const std::string_view where = "recluster_nodes";
    detail::tree_need_rows(hierarchy, X, where);
    detail::tree_need_graph(graph, X, where);
    if (options.level_ranges && options.level_ranges->size() != hierarchy.level_names.size()) {
        throw_invalid(where, "level_ranges",
                      "holds " + std::to_string(options.level_ranges->size()) + " ranges",
                      "give one per level of the hierarchy");
    }
    for (std::size_t a = 0; a < nodes.size(); ++a) {
        detail::update_check_node(hierarchy, nodes[a], where, "nodes");
        if (hierarchy.nodes[static_cast<std::size_t>(nodes[a])].level + 1 >= hierarchy.num_levels()) {
            throw_invalid(where, "nodes", "holds the finest node " + std::to_string(nodes[a]),
                          "name its parent: there is nothing below it to make anew");
        }
        for (std::size_t b = 0; b < nodes.size(); ++b) {
            if (a == b || (nodes[a] != nodes[b] && !detail::update_inside(hierarchy, nodes[a], nodes[b])))
                continue;
            throw_invalid(where, "nodes",
                          "holds " + std::to_string(nodes[a]) + ", which lies in " + std::to_string(nodes[b]),
                          "name the upper one alone");
        }
    }
    for (const Index pin : pinned) {
        detail::update_check_node(hierarchy, pin, where, "pinned");
        if (std::none_of(nodes.begin(), nodes.end(),
                         [&](Index node) { return detail::update_inside(hierarchy, pin, node); })) {
            throw_invalid(where, "pinned",
                          "holds " + std::to_string(pin) + ", which lies in none of the named nodes",
                          "all that is outside stays anyway");
        }
    }
    ReclusteredHierarchy out;
    detail::TreePlan plan = detail::tree_plan(hierarchy);
    const std::vector<std::vector<Index>> paths = detail::update_paths(hierarchy);
    for (const Index node : nodes) {
        detail::update_recluster(hierarchy, node, pinned, paths, X, graph, options, progress, plan, out.run);
    }
    std::tie(out.hierarchy, out.previous) = detail::tree_build(plan, hierarchy.level_names);
    out.run.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
    return out;
}

FILMATLAS_INLINE NestedUnder nested_under(const Hierarchy& upper, MatrixView<const float> X,
                                          const KnnGraph& graph, const NestedOptions& options,
                                          const Progress& progress) {
    const auto started = std::chrono::steady_clock::now();
    const std::string_view where = "nested_under";
    detail::tree_need_rows(upper, X, where);
    detail::tree_need_graph(graph, X, where);
    validate(options);
    std::vector<std::string> names = upper.level_names;
    names.insert(names.end(), options.level_names.begin(), options.level_names.end());
    for (std::size_t l = 0; l < options.level_names.size(); ++l) {
        if (std::find(upper.level_names.begin(), upper.level_names.end(), options.level_names[l]) !=
            upper.level_names.end()) {
            throw_invalid(where, "level_names",
                          "'" + options.level_names[l] + "' is a level of the upper tree",
                          "name the new levels otherwise");
        }
    }
    const auto levels = options.level_names.size();
    const auto above = static_cast<std::size_t>(upper.num_levels());
    const Index first = upper.level_begin[above - 1];
    const auto parents = static_cast<std::size_t>(upper.num_nodes(static_cast<int>(above) - 1));
    std::vector<std::int64_t> size;
    for (std::size_t p = 0; p < parents; ++p)
        size.push_back(upper.nodes[static_cast<std::size_t>(first) + p].size());
    std::vector<std::vector<int>> counts;
    std::vector<int> least(parents, 1);
    for (std::size_t l = 0; options.n_clusters && l < levels; ++l) {
        counts.push_back(detail::update_shares((*options.n_clusters)[l], size, least));
        least = counts.back();
    }
    NestedUnder out;
    detail::TreePlan plan = detail::tree_plan(upper);
    plan.label.resize(above + levels, std::vector<Index>(static_cast<std::size_t>(X.rows), 0));
    plan.previous.resize(above + levels);
    for (std::size_t p = 0; p < parents; ++p) {
        const auto node = static_cast<Index>(first + static_cast<Index>(p));
        std::vector<Index> items(upper.items(node).begin(), upper.items(node).end());
        std::sort(items.begin(), items.end());
        NestedOptions inner = options;
        if (options.n_clusters) {
            for (std::size_t l = 0; l < levels; ++l) (*inner.n_clusters)[l] = counts[l][p];
        }
        const Matrix<float> rows = detail::subset_rows(X, items);
        const NestedResult found =
            nested_clusters(rows.view(), detail::subset_graph(graph, items), inner, progress);
        out.run.iterations += found.run.iterations;
        out.run.converged = out.run.converged && found.run.converged;
        for (const std::string& warning : found.run.warnings) {
            out.run.warnings.push_back("under node " + std::to_string(node) + ": " + warning);
        }
        for (std::size_t l = 0; l < levels; ++l) {
            const std::vector<Index> label = found.hierarchy.labels(static_cast<int>(l));
            std::vector<Index>& previous = plan.previous[above + l];
            const auto from = static_cast<Index>(previous.size());
            previous.resize(
                previous.size() + static_cast<std::size_t>(found.hierarchy.num_nodes(static_cast<int>(l))),
                -1);
            for (std::size_t r = 0; r < items.size(); ++r)
                plan.label[above + l][static_cast<std::size_t>(items[r])] = from + label[r];
        }
    }
    out.hierarchy = detail::tree_build(plan, std::move(names)).first;
    out.run.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
    return out;
}

FILMATLAS_INLINE BoundedHierarchy bound_sizes(const Hierarchy& hierarchy, MatrixView<const float> X,
                                              std::span<const SizeBounds> bounds, Metric metric,
                                              int num_threads) {
    const std::string_view where = "bound_sizes";
    detail::tree_need_rows(hierarchy, X, where);
    const auto levels = static_cast<std::size_t>(hierarchy.num_levels());
    if (bounds.size() != levels) {
        throw_invalid(
            where, "bounds",
            "holds " + std::to_string(bounds.size()) + " entries for " + std::to_string(levels) + " levels",
            "give one per level, coarse to fine");
    }
    for (std::size_t l = 0; l < levels; ++l) {
        if (bounds[l].min < 1 || bounds[l].max < 0 || (bounds[l].max > 0 && bounds[l].max < bounds[l].min)) {
            throw_invalid(where, "bounds",
                          "entry " + std::to_string(l) + " is " + std::to_string(bounds[l].min) + " .. " +
                              std::to_string(bounds[l].max),
                          "use 1 <= min <= max, or max = 0 for none");
        }
    }
    const detail::TreeVectors vectors(X, metric, num_threads);
    BoundedHierarchy out;
    detail::TreePlan plan = detail::tree_plan(hierarchy);
    std::vector<Index> parent(static_cast<std::size_t>(X.rows), 0);
    for (std::size_t l = 0; l < levels; ++l) {
        detail::BoundedLevel level(vectors, bounds[l]);
        // Nodes of this level under the parents as they are now; a split parent splits what is in it.
        std::vector<std::pair<std::pair<Index, Index>, Index>> keys;
        for (std::size_t i = 0; i < parent.size(); ++i) {
            keys.push_back({{parent[i], plan.label[l][i]}, static_cast<Index>(i)});
        }
        std::sort(keys.begin(), keys.end());
        for (std::size_t at = 0; at < keys.size();) {
            detail::BoundedLevel::Part part;
            const auto key = keys[at].first;
            part.parent = key.first;
            part.previous = plan.previous[l][static_cast<std::size_t>(key.second)];
            for (; at < keys.size() && keys[at].first == key; ++at) part.items.push_back(keys[at].second);
            level.parts.push_back(std::move(part));
        }
        for (std::size_t p = 0, given = level.parts.size(); p < given; ++p) {
            if (!level.too_large(level.parts[p])) continue;
            std::vector<std::vector<Index>> pieces;
            if (l + 1 == levels) {
                pieces = detail::bounded_pieces(vectors, level.parts[p].items, bounds[l].max, num_threads);
            } else {
                std::vector<std::pair<Index, Index>> child;  // label one level down, item
                for (const Index item : level.parts[p].items)
                    child.emplace_back(plan.label[l + 1][static_cast<std::size_t>(item)], item);
                std::sort(child.begin(), child.end());
                std::vector<std::vector<Index>> children;
                for (std::size_t c = 0; c < child.size(); ++c) {
                    if (c == 0 || child[c].first != child[c - 1].first) children.emplace_back();
                    children.back().push_back(child[c].second);
                }
                if (children.size() > 1) {
                    Matrix<double> centres(static_cast<std::int64_t>(children.size()), X.cols);
                    std::vector<double> weight;
                    for (std::size_t c = 0; c < children.size(); ++c) {
                        double* centre = centres.row_data(static_cast<std::int64_t>(c));
                        vectors.finish(centre, vectors.add(children[c], centre));
                        weight.push_back(static_cast<double>(children[c].size()));
                    }
                    const std::vector<Index> group = detail::bounded_groups(
                        centres, weight, static_cast<double>(bounds[l].max), vectors.unit(), num_threads);
                    pieces.resize(static_cast<std::size_t>(*std::max_element(group.begin(), group.end())) +
                                  1);
                    for (std::size_t c = 0; c < children.size(); ++c) {
                        auto& piece = pieces[static_cast<std::size_t>(group[c])];
                        piece.insert(piece.end(), children[c].begin(), children[c].end());
                    }
                    std::erase_if(pieces, [](const auto& piece) { return piece.empty(); });
                }
            }
            if (pieces.size() < 2) continue;
            ++out.split;
            std::sort(pieces.begin(), pieces.end(), [](const auto& a, const auto& b) {
                if (a.size() != b.size()) return a.size() > b.size();
                return *std::min_element(a.begin(), a.end()) < *std::min_element(b.begin(), b.end());
            });
            const Index under = level.parts[p].parent;
            for (std::size_t c = 0; c < pieces.size(); ++c) {
                std::sort(pieces[c].begin(), pieces[c].end());
                if (c == 0) {
                    level.parts[p].items = std::move(pieces[c]);  // the largest piece keeps the id
                } else {
                    level.parts.push_back({under, -1, std::move(pieces[c])});
                }
            }
        }
        out.merged += level.join();
        plan.previous[l].clear();
        std::int64_t outside = 0;
        for (std::size_t p = 0; p < level.parts.size(); ++p) {
            outside += level.too_large(level.parts[p]) || level.too_small(level.parts[p]) ? 1 : 0;
            plan.previous[l].push_back(level.parts[p].previous);
            for (const Index item : level.parts[p].items) {
                plan.label[l][static_cast<std::size_t>(item)] = static_cast<Index>(p);
                parent[static_cast<std::size_t>(item)] = static_cast<Index>(p);
            }
        }
        if (outside > 0) {
            out.warnings.push_back("level '" + hierarchy.level_names[l] + "': " + std::to_string(outside) +
                                   " nodes stay outside " + std::to_string(bounds[l].min) + " .. " +
                                   (bounds[l].max > 0 ? std::to_string(bounds[l].max) : std::string("any")) +
                                   ": what is in them cannot be divided or joined so");
        }
    }
    out.hierarchy = detail::tree_build(plan, hierarchy.level_names).first;
    return out;
}

}  // namespace filmatlas
#endif  // FILMATLAS_CLUSTER_DETAIL_HIERARCHY_UPDATE_IMPL_HPP
