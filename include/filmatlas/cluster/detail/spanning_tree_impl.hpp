// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_CLUSTER_DETAIL_SPANNING_TREE_IMPL_HPP
#define FILMATLAS_CLUSTER_DETAIL_SPANNING_TREE_IMPL_HPP

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "filmatlas/cluster/detail/density_blocked.hpp"
#include "filmatlas/cluster/detail/density_boruvka.hpp"
#include "filmatlas/cluster/detail/density_checks.hpp"
#include "filmatlas/cluster/detail/density_cores.hpp"
#include "filmatlas/cluster/detail/density_forest.hpp"
#include "filmatlas/cluster/detail/density_graph.hpp"
#include "filmatlas/cluster/detail/density_points.hpp"
#include "filmatlas/cluster/spanning_tree.hpp"
#include "filmatlas/core/error.hpp"

namespace filmatlas {
namespace detail {

inline constexpr const char* spanning_tree_stage = "spanning_tree";
inline constexpr std::int64_t density_tree_max_dim = 20;

/// Weight that makes an item dense, its own 1 included.
inline double density_needed(const SpanningTreeOptions& options) {
    return options.min_samples + (options.convention == MinSamplesConvention::ExcludeSelf ? 1.0 : 0.0);
}

inline SpanningTreeMethod density_method(const SpanningTreeOptions& options, std::int64_t d) {
    const bool few = d <= density_tree_max_dim;
    if (options.metric == Metric::InnerProduct) {
        throw_invalid(spanning_tree_stage, "metric", "is inner_product, which is no distance", "use cosine");
    }
    if (options.method == SpanningTreeMethod::Auto) {
        return few || options.metric == Metric::Manhattan ? SpanningTreeMethod::KdTree
                                                          : SpanningTreeMethod::Blocked;
    }
    if (options.method != SpanningTreeMethod::KdTree && options.metric == Metric::Manhattan) {
        throw_invalid(spanning_tree_stage, "method",
                      std::string(to_string(options.method)) + " does not know the metric manhattan",
                      "use kd_tree");
    }
    return options.method;
}

/// Weight, core distance and order of rows from those of the points that they are.
template <class T>
void density_finish(const DensityPoints<T>& points, const std::vector<double>& core, const DensityEdges& edges,
                    const ReducedDistance& reduced, int num_threads, SpanningTree& tree) {
    const auto n = static_cast<std::size_t>(tree.num_items);
    tree.core.assign(n, std::numeric_limits<double>::infinity());
    tree.rank.resize(n);
    parallel_for(points.size(), 8192, num_threads, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t p = begin; p < end; ++p) {
            const auto at = static_cast<std::size_t>(p);
            for (Index m = points.begin[at]; m < points.begin[at + 1]; ++m) {
                const auto row = static_cast<std::size_t>(points.members[static_cast<std::size_t>(m)]);
                tree.core[row] = reduced.distance(core[at]);
                tree.rank[row] = m;
            }
        }
    });
    auto next = static_cast<Index>(points.members.size());
    for (const Index row : points.invalid) tree.rank[static_cast<std::size_t>(row)] = next++;
    // Equal rows meet at their core distance.
    DensityEdges all;
    for (std::int64_t p = 0; p < points.size(); ++p) {
        const auto at = static_cast<std::size_t>(p);
        for (Index m = points.begin[at] + 1; m < points.begin[at + 1]; ++m) {
            all.add(points.first(p), points.members[static_cast<std::size_t>(m)], core[at]);
        }
    }
    const auto equal = static_cast<Index>(all.a.size());
    all.reduced.insert(all.reduced.end(), edges.reduced.begin(), edges.reduced.end());
    const std::vector<Index> order = density_order(all.reduced, num_threads);
    tree.a.resize(order.size());
    tree.b.resize(order.size());
    tree.weight.resize(order.size());
    parallel_for(static_cast<std::int64_t>(order.size()), 8192, num_threads, [&](std::int64_t begin, std::int64_t end) {
        for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i) {
            const Index e = order[i];
            const auto at = static_cast<std::size_t>(e < equal ? e : e - equal);
            tree.a[i] = e < equal ? all.a[at] : points.first(edges.a[at]);
            tree.b[i] = e < equal ? all.b[at] : points.first(edges.b[at]);
            tree.weight[i] = reduced.distance(all.reduced[static_cast<std::size_t>(e)]);
        }
    });
    tree.invalid_rows = points.invalid;
}

template <int Dim, bool Manhattan>
void density_tree_route(const DensityPoints<double>& points, const SpanningTreeOptions& options,
                        SpanningTree& tree, const Progress& progress) {
    const ReducedDistance reduced(options.metric, options.alpha);
    std::vector<double> core;
    DensityEdges edges;
    {  // what the search holds makes room for the tree
        DensityCores<Dim, Manhattan> cores(points.rows, points.weight, points.unit_weights, density_needed(options),
                                           reduced.factor, options.num_threads, progress);
        edges = DensityBoruvka<Dim, Manhattan>(cores, reduced.factor, options.num_threads, progress).run();
        core = cores.core_by_point();
    }
    density_finish(points, core, edges, reduced, options.num_threads, tree);
}

template <class T>
SpanningTree spanning_tree_of(MatrixView<const T> X, const SpanningTreeOptions& options,
                              std::span<const double> weights, const Progress& progress) {
    const auto start = std::chrono::steady_clock::now();
    validate(options);
    if (2 * X.rows > std::numeric_limits<Index>::max()) {
        throw_shape(spanning_tree_stage, std::to_string(X.rows) + " rows are more than 32-bit ids can name");
    }
    if (X.rows > 0 && X.cols < 1) throw_shape(spanning_tree_stage, "the rows have no columns");
    check_item_weights(spanning_tree_stage, weights, X.rows);
    const SpanningTreeMethod method = density_method(options, X.cols);
    const std::int64_t bytes = spanning_tree_bytes(X.rows, X.cols, options);
    if (options.memory_limit && bytes > *options.memory_limit) {
        throw Error(ErrorCode::Memory, ErrorContext{spanning_tree_stage, {}, -1, {}, -1},
                    "needs about " + std::to_string(bytes) + " bytes beside the rows, the limit is " +
                        std::to_string(*options.memory_limit),
                    "raise memory_limit");
    }
    SpanningTree tree;
    tree.num_items = X.rows;
    tree.method = std::string(to_string(method));
    const bool cosine = options.metric == Metric::Cosine;
    if (method == SpanningTreeMethod::KdTree) {
        const auto points = density_points<double>(X, cosine ? RowForm::Unit : RowForm::AsGiven, weights,
                                                   options.num_threads);
        if (points.size() > 0) {
            const auto route = [&]<int Dim>() {
                if (options.metric == Metric::Manhattan) {
                    density_tree_route<Dim, true>(points, options, tree, progress);
                } else {
                    density_tree_route<Dim, false>(points, options, tree, progress);
                }
            };
            switch (X.cols) {
                case 1: route.template operator()<1>(); break;
                case 2: route.template operator()<2>(); break;
                case 3: route.template operator()<3>(); break;
                default: route.template operator()<0>(); break;
            }
        } else {
            density_finish(points, {}, {}, ReducedDistance(options.metric, options.alpha), options.num_threads, tree);
        }
    } else {
        const auto points = density_points<float>(X, cosine ? RowForm::NonZero : RowForm::AsGiven, weights,
                                                  options.num_threads);
        const ReducedDistance reduced(options.metric, options.alpha);
        if (points.size() == 0) {
            density_finish(points, {}, {}, reduced, options.num_threads, tree);
            return tree;
        }
        DensityBlocked blocked(points, options, density_needed(options), progress);
        const DensityEdges edges = blocked.run(method == SpanningTreeMethod::Blocked);
        tree.exact = blocked.exact();
        tree.certified = blocked.certified();
        tree.excess_bound = blocked.excess_bound();
        density_finish(points, blocked.cores(), edges, reduced, options.num_threads, tree);
    }
    tree.run.iterations = 1;
    tree.run.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    return tree;
}

/// The smallest distance at which the neighbours, ascending, and `own` together weigh `needed`; the farthest
/// when they never do, 0 when `own` is enough.
template <class Neighbors, class WeightOf>
double core_among(const Neighbors& ascending, double own, double needed, WeightOf&& weight_of, double none) {
    if (needed - own <= 0) return 0;
    double held = own;
    double farthest = none;
    for (const auto& [distance, id] : ascending) {
        held += weight_of(id);
        farthest = distance;
        if (held >= needed) return distance;
    }
    return farthest;
}

/// Edges in ascending order of weight, reduced weights being real ones here.
inline void density_take_edges(const DensityEdges& edges, SpanningTree& tree) {
    for (const Index e : density_order(edges.reduced)) {
        const auto at = static_cast<std::size_t>(e);
        tree.a.push_back(edges.a[at]);
        tree.b.push_back(edges.b[at]);
        tree.weight.push_back(edges.reduced[at]);
    }
}

}  // namespace detail

FILMATLAS_INLINE std::string_view to_string(MinSamplesConvention convention) noexcept {
    return convention == MinSamplesConvention::ExcludeSelf ? "exclude_self" : "include_self";
}

FILMATLAS_INLINE MinSamplesConvention min_samples_convention_from_string(std::string_view name) {
    if (name == "exclude_self") return MinSamplesConvention::ExcludeSelf;
    if (name == "include_self") return MinSamplesConvention::IncludeSelf;
    throw_invalid("hdbscan", "min_samples_convention", "is '" + std::string(name) + "'",
                  "use exclude_self or include_self");
}

FILMATLAS_INLINE std::string_view to_string(SpanningTreeMethod method) noexcept {
    switch (method) {
        case SpanningTreeMethod::Auto: return "auto";
        case SpanningTreeMethod::KdTree: return "kd_tree";
        case SpanningTreeMethod::Blocked: return "blocked";
        case SpanningTreeMethod::Approximate: return "approximate";
    }
    return "unknown";
}

FILMATLAS_INLINE SpanningTreeMethod spanning_tree_method_from_string(std::string_view name) {
    for (const SpanningTreeMethod method : {SpanningTreeMethod::Auto, SpanningTreeMethod::KdTree,
                                            SpanningTreeMethod::Blocked, SpanningTreeMethod::Approximate}) {
        if (to_string(method) == name) return method;
    }
    throw_invalid(detail::spanning_tree_stage, "method", "is '" + std::string(name) + "'",
                  "use one of auto, kd_tree, blocked, approximate");
}

FILMATLAS_INLINE void validate(const SpanningTreeOptions& options) {
    if (options.min_samples < 1) {
        throw_invalid("hdbscan", "min_samples", "is " + std::to_string(options.min_samples),
                      "use at least 1");
    }
    if (!(options.alpha > 0) || !std::isfinite(options.alpha)) {
        throw_invalid("hdbscan", "alpha", "is " + to_text(options.alpha), "use a positive number");
    }
    if (options.num_threads < 0) {
        throw_invalid("hdbscan", "num_threads", "is " + std::to_string(options.num_threads),
                      "use 0 (choose for me) or a positive number");
    }
    if (options.memory_limit && *options.memory_limit < 0) {
        throw_invalid("hdbscan", "memory_limit", "is " + std::to_string(*options.memory_limit) + " bytes",
                      "use 0 or more, or leave it unset");
    }
}

FILMATLAS_INLINE void validate(const SpanningTree& tree) {
    const auto fail = [](std::size_t edge, std::string what_happened) {
        throw Error(ErrorCode::Format,
                    ErrorContext{detail::spanning_tree_stage, {}, static_cast<std::int64_t>(edge), {}, -1},
                    std::move(what_happened));
    };
    if (tree.b.size() != tree.a.size() || tree.weight.size() != tree.a.size())
        fail(0, "the arrays' lengths differ");
    const auto n = static_cast<std::size_t>(tree.num_items);
    if ((!tree.core.empty() && tree.core.size() != n) || (!tree.rank.empty() && tree.rank.size() != n)) {
        fail(0, "core or rank do not have one entry per item");
    }
    UnionFind sets(tree.num_items);
    for (std::size_t e = 0; e < tree.a.size(); ++e) {
        for (const Index end : {tree.a[e], tree.b[e]}) {
            if (end < 0 || end >= tree.num_items) fail(e, "id " + std::to_string(end) + " is out of range");
        }
        if (!(tree.weight[e] >= 0))
            fail(e, "weight " + to_text(tree.weight[e]) + " is negative or not a number");
        if (!sets.unite(tree.a[e], tree.b[e])) fail(e, "the edge closes a cycle");
    }
}

FILMATLAS_INLINE std::int64_t spanning_tree_bytes(std::int64_t n, std::int64_t d,
                                                  const SpanningTreeOptions& options) {
    const bool few = detail::density_method(options, d) == SpanningTreeMethod::KdTree;
    const std::int64_t slots = options.min_samples + detail::density_extra_slots;
    if (few) return n * (8 * 5 * d + 300 + (d > 3 ? 4 * d + 28 * slots : 0));
    return n * (4 * 4 * d + 48 * slots + 300);
}

FILMATLAS_INLINE SpanningTree spanning_tree(MatrixView<const double> X, const SpanningTreeOptions& options,
                                            std::span<const double> weights, const Progress& progress) {
    return detail::spanning_tree_of(X, options, weights, progress);
}
FILMATLAS_INLINE SpanningTree spanning_tree(MatrixView<const float> X, const SpanningTreeOptions& options,
                                            std::span<const double> weights, const Progress& progress) {
    return detail::spanning_tree_of(X, options, weights, progress);
}

FILMATLAS_INLINE SpanningTree spanning_tree_from_distances(MatrixView<const double> distances,
                                                           const SpanningTreeOptions& options,
                                                           std::span<const double> weights,
                                                           const Progress& progress) {
    constexpr double infinity = std::numeric_limits<double>::infinity();
    validate(options);
    const std::int64_t n = distances.rows;
    if (distances.cols != n) {
        throw_shape(detail::spanning_tree_stage, "the distances are " + std::to_string(n) + " x " +
                                                     std::to_string(distances.cols) + ", not square");
    }
    detail::check_item_weights(detail::spanning_tree_stage, weights, n);
    SpanningTree tree;
    tree.num_items = n;
    tree.method = "distances";
    tree.core.assign(static_cast<std::size_t>(n), 0.0);
    const double needed = detail::density_needed(options);
    const auto weight_of = [&](Index i) {
        return weights.empty() ? 1.0 : weights[static_cast<std::size_t>(i)];
    };
    parallel_for(
        n, 64, options.num_threads,
        [&](std::int64_t begin, std::int64_t end) {
            std::vector<std::pair<double, Index>> near;
            for (std::int64_t i = begin; i < end; ++i) {
                near.clear();
                for (std::int64_t j = 0; j < n; ++j) {
                    const double x = distances(i, j);
                    if (!(x >= 0) || x != distances(j, i)) {
                        ErrorContext where{detail::spanning_tree_stage, {}, i, {}, -1};
                        throw Error(ErrorCode::InvalidArgument, std::move(where),
                                    "distance (" + std::to_string(i) + ", " + std::to_string(j) + ") is " +
                                        to_text(x) + ", its mirror " + to_text(distances(j, i)),
                                    "distances have to be symmetric, 0 or more");
                    }
                    if (j != i && x < infinity) near.emplace_back(x, static_cast<Index>(j));
                }
                // At most `needed` neighbours matter unless weights are below 1.
                const auto most = weights.empty() ? static_cast<std::size_t>(needed) : near.size();
                const auto middle = near.begin() + static_cast<std::ptrdiff_t>(std::min(near.size(), most));
                std::partial_sort(near.begin(), middle, near.end());
                near.erase(middle, near.end());
                tree.core[static_cast<std::size_t>(i)] =
                    detail::core_among(near, weight_of(static_cast<Index>(i)), needed, weight_of, 0.0);
            }
        },
        progress, "core_distances");
    // Prim: the cheapest way from the tree to each item outside.
    std::vector<double> cheapest(static_cast<std::size_t>(n), infinity);
    std::vector<Index> from(static_cast<std::size_t>(n), -1);
    std::vector<Index> outside;
    for (Index i = 1; i < static_cast<Index>(n); ++i) outside.push_back(i);
    detail::DensityEdges edges;
    Index latest = 0;
    while (!outside.empty()) {
        std::size_t best = 0;
        for (std::size_t o = 0; o < outside.size(); ++o) {
            const auto j = static_cast<std::size_t>(outside[o]);
            const double reach =
                std::max(distances(latest, outside[o]) / options.alpha,
                         std::max(tree.core[static_cast<std::size_t>(latest)], tree.core[j]));
            if (reach < cheapest[j]) {
                cheapest[j] = reach;
                from[j] = latest;
            }
            if (cheapest[j] < cheapest[static_cast<std::size_t>(outside[best])]) best = o;
        }
        const Index next = outside[best];
        const auto at = static_cast<std::size_t>(next);
        if (from[at] >= 0) edges.add(from[at], next, cheapest[at]);  // else another tree of the forest starts
        outside.erase(outside.begin() + static_cast<std::ptrdiff_t>(best));
        latest = next;
        if (progress) progress("spanning_tree", n - static_cast<std::int64_t>(outside.size()), n);
    }
    detail::density_take_edges(edges, tree);
    return tree;
}

FILMATLAS_INLINE SpanningTree spanning_tree_from_graph(const CsrMatrix<double>& graph,
                                                       const SpanningTreeOptions& options,
                                                       std::span<const double> weights,
                                                       const Progress& progress) {
    constexpr double infinity = std::numeric_limits<double>::infinity();
    validate(options);
    const std::int64_t n = graph.rows;
    if (graph.cols != n) throw_shape(detail::spanning_tree_stage, "the graph is not square");
    detail::check_item_weights(detail::spanning_tree_stage, weights, n);
    const detail::DensityGraph pairs(graph, detail::spanning_tree_stage, options.num_threads, progress);
    SpanningTree tree;
    tree.num_items = n;
    tree.method = "graph";
    tree.core.assign(static_cast<std::size_t>(n), 0.0);
    const double needed = detail::density_needed(options);
    const auto weight_of = [&](Index i) {
        return weights.empty() ? 1.0 : weights[static_cast<std::size_t>(i)];
    };
    parallel_for(
        n, 256, options.num_threads,
        [&](std::int64_t begin, std::int64_t end) {
            std::vector<detail::DensityNeighbor> near;
            for (std::int64_t i = begin; i < end; ++i) {
                near.assign(pairs.of(i).begin(), pairs.of(i).end());
                std::sort(near.begin(), near.end());
                const double own = weight_of(static_cast<Index>(i));
                double held = own;
                for (const auto& [distance, j] : near) held += weight_of(j);
                tree.core[static_cast<std::size_t>(i)] =
                    held < needed ? infinity : detail::core_among(near, own, needed, weight_of, infinity);
            }
        },
        progress, "core_distances");
    detail::DensityEdges edges;
    for (Index i = 0; i < static_cast<Index>(n); ++i) {
        progress("spanning_tree: edges", i, n);
        for (const auto& [distance, j] : pairs.of(i)) {
            if (j < i) continue;
            const double reach =
                std::max(distance / options.alpha, std::max(tree.core[static_cast<std::size_t>(i)],
                                                            tree.core[static_cast<std::size_t>(j)]));
            if (reach < infinity) edges.add(i, j, reach);
        }
    }
    detail::density_take_edges(detail::density_forest(n, edges, options.num_threads, progress), tree);
    return tree;
}

FILMATLAS_INLINE std::vector<double> core_distances(const KnnGraph& graph, int min_samples,
                                                    MinSamplesConvention convention) {
    SpanningTreeOptions options;
    options.min_samples = min_samples;
    options.convention = convention;
    validate(options);
    const auto wanted = static_cast<std::int64_t>(detail::density_needed(options)) - 1;
    std::vector<double> core(static_cast<std::size_t>(graph.size()), 0.0);
    for (std::int64_t i = 0; i < graph.size(); ++i) {
        for (std::int64_t s = 0; s < std::min(wanted, graph.k()) && graph.indices(i, s) >= 0; ++s) {
            core[static_cast<std::size_t>(i)] = static_cast<double>(graph.distances(i, s));
        }
    }
    for (const Index row : graph.invalid_rows) {
        core[static_cast<std::size_t>(row)] = std::numeric_limits<double>::infinity();
    }
    return core;
}

FILMATLAS_INLINE SpanningTree spanning_tree_from_knn(const KnnGraph& graph,
                                                     const SpanningTreeOptions& options,
                                                     std::span<const double> weights, const Progress& progress) {
    constexpr double infinity = std::numeric_limits<double>::infinity();
    validate(options);
    validate(graph);
    const std::int64_t n = graph.size();
    detail::check_item_weights(detail::spanning_tree_stage, weights, n);
    if (graph.metric == Metric::InnerProduct) {
        throw_invalid(detail::spanning_tree_stage, "graph", "holds inner products, which are no distances",
                      "make it with cosine");
    }
    const double needed = detail::density_needed(options);
    const auto valid = n - static_cast<std::int64_t>(graph.invalid_rows.size());
    if (static_cast<double>(graph.k()) < std::min(needed, static_cast<double>(valid)) - 1) {
        throw_invalid(detail::spanning_tree_stage, "graph",
                      "lists " + std::to_string(graph.k()) +
                          " neighbours, min_samples = " + std::to_string(options.min_samples) + " needs more",
                      "make the graph with a larger k, or lower min_samples");
    }
    SpanningTree tree;
    tree.num_items = n;
    tree.method = "graph";
    tree.invalid_rows = graph.invalid_rows;
    std::vector<double> unlisted(static_cast<std::size_t>(n), infinity);
    const auto weight_of = [&](Index i) {
        return weights.empty() ? 1.0 : weights[static_cast<std::size_t>(i)];
    };
    tree.core.assign(static_cast<std::size_t>(n), 0.0);
    parallel_for(
        n, 256, options.num_threads,
        [&](std::int64_t begin, std::int64_t end) {
            std::vector<std::pair<double, Index>> list;
            for (auto i = static_cast<Index>(begin); i < static_cast<Index>(end); ++i) {
                list.clear();
                for (std::int64_t s = 0; s < graph.k() && graph.indices(i, s) >= 0; ++s) {
                    list.emplace_back(static_cast<double>(graph.distances(i, s)), graph.indices(i, s));
                }
                const auto at = static_cast<std::size_t>(i);
                tree.core[at] = detail::core_among(list, weight_of(i), needed, weight_of, 0.0);
                if (static_cast<std::int64_t>(list.size()) == graph.k() && graph.k() < valid - 1) {
                    unlisted[at] = std::max(tree.core[at], (list.empty() ? 0.0 : list.back().first) / options.alpha);
                }
            }
        },
        progress, "core_distances");
    for (const Index row : graph.invalid_rows) tree.core[static_cast<std::size_t>(row)] = infinity;
    detail::DensityEdges edges;
    for (Index i = 0; i < static_cast<Index>(n); ++i) {
        progress("spanning_tree: edges", i, n);
        for (std::int64_t s = 0; s < graph.k() && graph.indices(i, s) >= 0; ++s) {
            const Index j = graph.indices(i, s);
            edges.add(i, j,
                      std::max(static_cast<double>(graph.distances(i, s)) / options.alpha,
                               std::max(tree.core[static_cast<std::size_t>(i)],
                                        tree.core[static_cast<std::size_t>(j)])));
        }
    }
    const detail::DensityEdges forest = detail::density_forest(n, edges, options.num_threads, progress);
    const auto proof = detail::density_certificate(
        n, forest, unlisted, [](double w) { return w; }, options.num_threads, progress);
    detail::density_take_edges(forest, tree);
    const std::int64_t spanning = std::max<std::int64_t>(valid - 1, 0);
    const bool whole = tree.num_edges() == spanning;
    tree.certified = spanning == 0 ? 1.0 : static_cast<double>(proof.proven) / static_cast<double>(spanning);
    tree.exact = graph.exact() && whole && proof.proven == spanning;
    tree.excess_bound = tree.exact                     ? 0.0
                        : !whole || !(proof.lower > 0) ? infinity
                                                       : std::max(0.0, tree.total_weight() / proof.lower - 1);
    return tree;
}

}  // namespace filmatlas
#endif  // FILMATLAS_CLUSTER_DETAIL_SPANNING_TREE_IMPL_HPP
