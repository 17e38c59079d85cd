// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_CLUSTER_DETAIL_NESTED_IMPL_HPP
#define FILMATLAS_CLUSTER_DETAIL_NESTED_IMPL_HPP

#include <algorithm>
#include <chrono>
#include <cmath>
#include <string>
#include <tuple>
#include <utility>

#include "filmatlas/cluster/detail/linkage_core.hpp"
#include "filmatlas/cluster/detail/nested_levels.hpp"
#include "filmatlas/cluster/detail/nested_points.hpp"
#include "filmatlas/cluster/detail/smooth_core.hpp"
#include "filmatlas/cluster/kmeans.hpp"
#include "filmatlas/cluster/nested.hpp"
#include "filmatlas/core/error.hpp"
#include "filmatlas/core/parallel.hpp"

namespace filmatlas {
namespace detail {

inline constexpr int kNestedMaxFinest = 16384;  ///< nodes whose pairwise distances (1 GiB) are still held
inline constexpr int kNestedAutoFinest = 2000;  ///< finest nodes unless more are asked for
inline constexpr int kNestedKMeansRounds = 50;
inline constexpr double kNestedLevelSlack = 4.0;  ///< a node between the levels holds at most so many means

/// Makes the finest nodes: k-means in the smoothed space, then the size bounds.
inline NestedParts nested_finest(const NestedPoints& points, const Matrix<float>& smoothed, int count,
                                 double min_size, double max_size, bool bounded, const NestedOptions& options,
                                 bool unit, const Progress& progress, RunInfo& run) {
    KMeansOptions settings;
    settings.max_iterations = kNestedKMeansRounds;
    settings.tolerance = 1e-4;
    settings.seed = options.seed;
    settings.num_threads = options.num_threads;
    const int k = static_cast<int>(std::min<std::int64_t>(count, smoothed.rows()));
    const KMeansResult found = kmeans(smoothed.view(), k, settings, points.weights, progress);
    run.iterations += found.run.iterations;
    NestedParts parts = nested_parts(found.labels, points.weights);
    if (bounded) {
        nested_split(smoothed, points.rows, points.weights, max_size, settings, parts);
        nested_merge_small(smoothed, points.weights, min_size, max_size, unit, parts);
    }
    return parts;
}

/// Strength and runner-up of every item at every level.
inline void nested_strength(const NestedPoints& points, bool unit, int num_threads, NestedResult& result) {
    const Hierarchy& tree = result.hierarchy;
    const std::int64_t levels = tree.num_levels();
    const std::int64_t n = tree.num_items();
    const std::int64_t d = points.rows.cols();
    result.strength.assign(static_cast<std::size_t>(n * levels), 0.0F);
    result.runner_up.assign(static_cast<std::size_t>(n * levels), -1);
    if (points.weights.empty()) return;
    for (int level = 0; level < levels; ++level) {
        const Index first_node = tree.level_begin[static_cast<std::size_t>(level)];
        const std::vector<Index> item_node = tree.labels(level);
        NestedParts parts;
        parts.label.assign(points.weights.size(), 0);
        parts.weight.assign(static_cast<std::size_t>(tree.num_nodes(level)), 0.0);
        for (std::size_t i = 0; i < item_node.size(); ++i) {
            if (points.point_of[i] >= 0)
                parts.label[static_cast<std::size_t>(points.point_of[i])] = item_node[i];
        }
        for (std::size_t p = 0; p < points.weights.size(); ++p) {
            parts.weight[static_cast<std::size_t>(parts.label[p])] += points.weights[p];
        }
        const Matrix<double> centroids = nested_centroids(points.rows, points.weights, parts, unit);
        parallel_for(n, 256, num_threads, [&](std::int64_t begin, std::int64_t end) {
            std::vector<double> row(static_cast<std::size_t>(d));
            for (std::int64_t i = begin; i < end; ++i) {
                const Index point = points.point_of[static_cast<std::size_t>(i)];
                if (point < 0) continue;
                std::copy_n(points.rows.row_data(point), d, row.begin());
                const Index own = item_node[static_cast<std::size_t>(i)];
                const HierarchyNode& node = tree.nodes[static_cast<std::size_t>(first_node + own)];
                // Siblings are neighbours in the list of nodes: walk both ways from the own node.
                const auto closeness = [&](Index other) {
                    const double* centroid = centroids.row_data(other);
                    return unit ? linkage_sum(row.data(), centroid, d,
                                              [](double x, double y) { return x * y; })
                                : -linkage_distance(row.data(), centroid, d, Metric::Euclidean);
                };
                Index runner_up = -1;
                double second = 0;
                const auto visit = [&](Index other) {
                    const HierarchyNode& sibling = tree.nodes[static_cast<std::size_t>(first_node + other)];
                    if (sibling.parent != node.parent) return false;
                    if (!(parts.weight[static_cast<std::size_t>(other)] > 0)) return true;
                    const double value = closeness(other);
                    if (runner_up < 0 || value > second || (value == second && other < runner_up)) {
                        second = value;
                        runner_up = other;
                    }
                    return true;
                };
                for (Index other = own - 1; other >= 0 && visit(other); --other) {
                }
                for (Index other = own + 1; other < tree.num_nodes(level) && visit(other); ++other) {
                }
                if (runner_up < 0) continue;
                const double first = closeness(own);
                double value = first - second;
                if (!unit) {
                    const double larger = std::max(-first, -second);
                    value = larger > 0 ? value / larger : 0.0;
                }
                const auto slot = static_cast<std::size_t>(i * levels + level);
                result.strength[slot] = static_cast<float>(value);
                result.runner_up[slot] = first_node + runner_up;
            }
        });
    }
}

}  // namespace detail

FILMATLAS_INLINE void validate(const NestedOptions& options) {
    const auto bad = [](std::string_view field, std::string what, std::string remedy) {
        throw_invalid("nested_clusters", field, std::move(what), std::move(remedy));
    };
    const std::size_t levels = options.level_names.size();
    if (levels == 0) bad("level_names", "are none", "name at least one level, coarse to fine");
    for (std::size_t i = 0; i < levels; ++i) {
        if (options.level_names[i].empty())
            bad("level_names", "entry " + std::to_string(i) + " is empty", "name it");
        for (std::size_t j = 0; j < i; ++j) {
            if (options.level_names[i] == options.level_names[j]) {
                bad("level_names", "'" + options.level_names[i] + "' occurs twice",
                    "give every level its own name");
            }
        }
    }
    if (options.n_clusters) {
        const std::vector<int>& counts = *options.n_clusters;
        if (counts.size() != levels) {
            bad("n_clusters",
                "holds " + std::to_string(counts.size()) + " counts for " + std::to_string(levels) +
                    " levels",
                "give one count per level, coarse to fine");
        }
        for (std::size_t i = 0; i < levels; ++i) {
            if (counts[i] < 1 || counts[i] > detail::kNestedMaxFinest) {
                bad("n_clusters", "entry " + std::to_string(i) + " is " + std::to_string(counts[i]),
                    "use 1 .. " + std::to_string(detail::kNestedMaxFinest));
            }
            if (i > 0 && counts[i] < counts[i - 1]) {
                bad("n_clusters",
                    "falls from " + std::to_string(counts[i - 1]) + " to " + std::to_string(counts[i]),
                    "order the counts coarse to fine");
            }
        }
    }
    if (options.min_size && *options.min_size < 1) {
        bad("min_size", "is " + std::to_string(*options.min_size), "use 1 or more");
    }
    if (options.max_size && *options.max_size < options.min_size.value_or(1)) {
        bad("max_size", "is " + std::to_string(*options.max_size), "use at least min_size and 1");
    }
    if (!(options.max_share > 0 && options.max_share <= 1)) {
        bad("max_share", "is " + to_text(options.max_share), "use a share in (0, 1]");
    }
    if (options.smoothing_steps < 0 || options.smoothing_steps > 1000) {
        bad("smoothing_steps", "is " + std::to_string(options.smoothing_steps), "use 0 .. 1000");
    }
    if (options.num_threads < 0) {
        bad("num_threads", "is " + std::to_string(options.num_threads),
            "use 0 (choose for me) or a positive number");
    }
    if (options.level_ranges) {
        if (options.level_ranges->size() != levels) {
            bad("level_ranges",
                "holds " + std::to_string(options.level_ranges->size()) + " ranges for " +
                    std::to_string(levels) + " levels",
                "give one range per level, coarse to fine");
        }
        for (std::size_t i = 0; i < levels; ++i) {
            const LevelRange& range = (*options.level_ranges)[i];
            if (range.min < 1 || range.max < range.min || range.max > detail::kNestedMaxFinest) {
                bad("level_ranges",
                    "entry " + std::to_string(i) + " is " + std::to_string(range.min) + " .. " +
                        std::to_string(range.max),
                    "use 1 <= min <= max <= " + std::to_string(detail::kNestedMaxFinest));
            }
        }
    }
}

FILMATLAS_INLINE NestedResult nested_clusters(MatrixView<const float> X, const KnnGraph& graph,
                                              const NestedOptions& options, const Progress& progress) {
    const auto started = std::chrono::steady_clock::now();
    validate(options);
    if (X.rows < 1) throw_shape("nested_clusters", "no rows", "pass at least one item");
    if (X.rows != graph.size()) {
        throw_shape(
            "nested_clusters",
            std::to_string(X.rows) + " vectors but a graph of " + std::to_string(graph.size()) + " items",
            "pass the vectors that the graph was made from");
    }
    const bool unit = detail::smooth_uses_unit_rows(graph.metric);
    const int levels = static_cast<int>(options.level_names.size());
    const auto finest_level = static_cast<std::size_t>(levels) - 1;
    const detail::NestedPoints points = detail::nested_points(X, graph, unit, options.num_threads);
    const std::int64_t valid = X.rows - static_cast<std::int64_t>(points.invalid.size());

    NestedResult result;
    result.options = options;
    result.reassigned = points.invalid;
    result.level_gap.assign(static_cast<std::size_t>(levels), 0.0);

    // Resolve what was left open.
    int finest = 0;
    if (options.n_clusters) {
        finest = options.n_clusters->back();
    } else {
        const double per_node = std::clamp(0.5 * std::sqrt(static_cast<double>(valid)), 2.0, 25.0);
        finest = std::clamp(static_cast<int>(std::lround(static_cast<double>(valid) / per_node)), 1,
                            detail::kNestedAutoFinest);
        if (options.level_ranges)
            finest = std::clamp(finest, options.level_ranges->back().min, options.level_ranges->back().max);
    }
    const double mean_size = static_cast<double>(std::max<std::int64_t>(valid, 1)) / finest;
    const int min_size = options.min_size.value_or(valid < 16 ? 1 : 4);
    const int max_size =
        options.max_size.value_or(std::max({60, static_cast<int>(std::ceil(4.0 * mean_size)), min_size}));
    const bool bounded = !options.n_clusters || options.min_size || options.max_size;

    std::vector<std::vector<Index>> labels(static_cast<std::size_t>(levels));  // per point
    std::vector<double> finest_weight;
    if (!points.weights.empty()) {
        SmoothOptions smoothing;
        smoothing.steps = options.smoothing_steps;
        smoothing.num_threads = options.num_threads;
        const Matrix<float> smoothed =
            detail::smooth_steps(points.rows, detail::smooth_weights(points.neighbors, options.num_threads),
                                 smoothing, unit, progress);
        detail::NestedParts parts = detail::nested_finest(points, smoothed, finest, min_size, max_size,
                                                          bounded, options, unit, progress, result.run);
        labels[finest_level] = parts.label;
        finest_weight = parts.weight;
    }
    const int made = static_cast<int>(finest_weight.size());
    std::vector<LevelRange> ranges =
        options.level_ranges.value_or(detail::nested_default_ranges(levels, std::max(made, 1)));
    if (options.n_clusters) {
        for (std::size_t l = 0; l < ranges.size(); ++l)
            ranges[l] = {(*options.n_clusters)[l], (*options.n_clusters)[l]};
    }
    std::vector<int> counts(static_cast<std::size_t>(levels), made);
    for (int level = levels - 2; level >= 0 && made > 0; --level) {
        const auto l = static_cast<std::size_t>(level);
        const detail::NestedParts parts = detail::nested_parts(labels[l + 1], points.weights);
        const Matrix<double> centroids = detail::nested_centroids(points.rows, points.weights, parts, unit);
        LevelRange range = ranges[l];
        range.max = std::min(range.max, parts.count());
        range.min = std::min(range.min, range.max);
        const double middle = 0.5 * (range.min + range.max);
        const double most =
            level == 0 ? options.max_share : std::min(options.max_share, detail::kNestedLevelSlack / middle);
        const double share = std::max(most, 1.5 / middle);
        const double cap = share * static_cast<double>(valid);
        detail::NestedWard ward(centroids, parts.weight, options.num_threads);
        const bool search = range.min < range.max;
        const std::vector<detail::NestedMerge> merges =
            ward.merge_to(std::max(1, search ? range.min - 1 : range.min), cap);
        int count = range.min;
        if (search) {
            std::tie(count, result.level_gap[l]) = detail::nested_choose_count(merges, parts.count(), range);
        }
        std::vector<Index> group =
            detail::nested_apply(parts.count(), merges, static_cast<std::size_t>(parts.count() - count));
        detail::NestedParts groups = detail::nested_parts(group, parts.weight);
        detail::NestedGroups(centroids, parts.weight, cap, unit, groups.label, groups.count()).refine();
        labels[l].reserve(labels[l + 1].size());
        for (const Index node : parts.label)
            labels[l].push_back(groups.label[static_cast<std::size_t>(node)]);
        counts[l] = groups.count();
    }

    // Items without a vector follow the heaviest node downwards (by content on a tie).
    std::vector<Index> heaviest(static_cast<std::size_t>(levels), 0);
    for (int level = 0; level < levels && made > 0; ++level) {
        const auto l = static_cast<std::size_t>(level);
        std::vector<double> weight;
        for (std::size_t p = 0; p < points.weights.size(); ++p) {
            if (level > 0 && labels[l - 1][p] != heaviest[l - 1]) continue;
            const auto node = static_cast<std::size_t>(labels[l][p]);
            if (node >= weight.size()) weight.resize(node + 1, 0.0);
            weight[node] += points.weights[p];
        }
        heaviest[l] = static_cast<Index>(std::max_element(weight.begin(), weight.end()) - weight.begin());
    }
    std::vector<std::vector<Index>> item_labels(static_cast<std::size_t>(levels));
    for (std::size_t l = 0; l < item_labels.size(); ++l) {
        for (const Index point : points.point_of) {
            item_labels[l].push_back(point >= 0 ? labels[l][static_cast<std::size_t>(point)] : heaviest[l]);
        }
    }
    result.hierarchy = hierarchy_from_labels(item_labels, options.level_names);
    detail::nested_strength(points, unit, options.num_threads, result);

    if (made == 0) counts.assign(counts.size(), 1);
    for (std::size_t l = 0; options.n_clusters && l < counts.size(); ++l) {
        if (counts[l] >= (*options.n_clusters)[l]) continue;
        result.run.warnings.push_back(
            "level '" + options.level_names[l] + "' has " + std::to_string(counts[l]) + " nodes instead of " +
            std::to_string((*options.n_clusters)[l]) + ": the items or the size bounds allow no more");
    }
    result.options.n_clusters = counts;
    result.options.min_size = min_size;
    result.options.max_size = max_size;
    result.options.level_ranges = ranges;
    if (!result.reassigned.empty()) {
        result.run.warnings.push_back(std::to_string(result.reassigned.size()) +
                                      " items have no valid vector and were placed in the largest nodes");
    }
    result.run.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
    return result;
}

}  // namespace filmatlas
#endif  // FILMATLAS_CLUSTER_DETAIL_NESTED_IMPL_HPP
