// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_CLUSTER_DETAIL_NESTED_IMPL_HPP
#define FILMATLAS_CLUSTER_DETAIL_NESTED_IMPL_HPP

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <string>
#include <tuple>
#include <utility>

#include "filmatlas/cluster/detail/linkage_core.hpp"
#include "filmatlas/cluster/detail/nested_consensus.hpp"
#include "filmatlas/cluster/detail/nested_density.hpp"
#include "filmatlas/cluster/detail/nested_fine.hpp"
#include "filmatlas/cluster/detail/nested_levels.hpp"
#include "filmatlas/cluster/detail/nested_points.hpp"
#include "filmatlas/cluster/detail/sibling_strength.hpp"
#include "filmatlas/cluster/detail/smooth_core.hpp"
#include "filmatlas/cluster/detail/kmeans_data.hpp"
#include "filmatlas/cluster/kmeans.hpp"
#include "filmatlas/cluster/nested.hpp"
#include "filmatlas/core/error.hpp"
#include "filmatlas/core/parallel.hpp"

namespace filmatlas {
namespace detail {

inline constexpr int kNestedAutoFinest = 2000;  ///< finest nodes unless more are asked for
inline constexpr int kNestedFullSteps = 4;  ///< of smoothing in all coordinates; further ones in few
inline constexpr int kNestedKMeansRounds = 50;
inline constexpr int kNestedPolish = 10;  ///< Lloyd's rounds after Ward's linkage
inline constexpr double kNestedTopShare = 0.30;  ///< of the items, for one of the coarsest level
inline constexpr double kNestedTopSlack = 3.0;   ///< and so many means where the count was given
inline constexpr double kNestedLevelSlack = 4.0;  ///< a node between the levels holds at most so many means

inline KMeansOptions nested_kmeans_options(const NestedOptions& options) {
    KMeansOptions settings;
    settings.max_iterations = kNestedKMeansRounds;
    settings.tolerance = 1e-4;
    settings.seed = options.seed;
    settings.num_threads = options.num_threads;
    return settings;
}

/// The finest nodes for one amount of smoothing, before they are polished.
struct NestedFine {
    Matrix<float> coordinates;
    NestedParts parts;
};

inline NestedFine nested_fine(const NestedPoints& points, const Matrix<float>& smoothed, int steps, int count,
                              bool unit, const NestedOptions& options, const Progress& progress, RunInfo& run) {
    NestedFine fine;
    const int k = static_cast<int>(std::min<std::int64_t>(count, smoothed.rows()));
    fine.coordinates = nested_coordinates(smoothed, steps, options.seed, options.num_threads);
    if (options.method == NestedMethod::KMeans) {
        const KMeansResult found =
            kmeans(smoothed.view(), k, nested_kmeans_options(options), points.weights, progress);
        run.iterations += found.run.iterations;
        fine.parts = nested_parts(found.labels, points.weights);
        return fine;
    }
    fine.parts = options.method == NestedMethod::Density
                     ? nested_density_parts(fine.coordinates, points.weights, k, options.num_threads, progress)
                     : nested_micro(fine.coordinates, points.weights, k, options, progress);
    const int micro = fine.parts.count();
    if (micro <= k) return fine;
    Matrix<double> means = nested_centroids(fine.coordinates, points.weights, fine.parts, false);
    if (options.method == NestedMethod::Auto) nested_directions(means, unit);
    const LinkageMethod method =
        options.method == NestedMethod::Average ? LinkageMethod::Average : LinkageMethod::Ward;
    const std::vector<Index> group =
        nested_link(means, fine.parts.weight, method, k, options.num_threads, progress);
    for (Index& label : fine.parts.label) label = group[static_cast<std::size_t>(label)];
    fine.parts = nested_parts(fine.parts.label, points.weights);
    return fine;
}

/// Rows smoothed by `from` steps, smoothed further; many steps run in few coordinates.
inline Matrix<float> nested_smoothed(Matrix<float> rows, const CsrMatrix<float>& weights, int from, int to, bool unit,
                                     const NestedOptions& options, const Progress& progress) {
    SmoothOptions smoothing;
    smoothing.num_threads = options.num_threads;
    smoothing.steps = to - from;
    if (to > kNestedFullSteps) rows = nested_condensed(std::move(rows), options.seed, options.num_threads);
    return smooth_steps(std::move(rows), weights, smoothing, unit, progress);
}

/// Makes the finest nodes: the steps that foretell the neighbours best, Lloyd's rounds, then the size bounds.
inline NestedBase nested_finest(const NestedPoints& points, int count, double mean_size,
                                double min_size, double max_size, bool bounded, bool unit,
                                const Progress& progress, NestedResult& result) {
    const NestedOptions& options = result.options;
    const bool given = options.smoothing_steps.has_value();
    std::vector<int> trials = nested_step_trials(mean_size);
    if (given) {
        trials = {*options.smoothing_steps};
    } else if (points.held_out.ids.empty()) {
        trials = {trials.back()};
    }
    const CsrMatrix<float> weights = smooth_weights(points.neighbors, options.num_threads, progress);
    Matrix<float> smoothed = points.rows;
    Matrix<float> chosen_rows;
    NestedBase base;
    std::vector<Matrix<float>> coordinates(trials.size());  // of the first trial and the best
    std::size_t chosen = 0;
    const std::size_t first = result.trials.size();
    for (std::size_t t = 0; t < trials.size(); ++t) {
        smoothed = nested_smoothed(std::move(smoothed), weights, t == 0 ? 0 : trials[t - 1], trials[t], unit, options,
                                   progress);
        NestedFine fine =
            nested_fine(points, smoothed, trials[t], count, unit, options, progress, result.run);
        NestedTrial trial;
        trial.level = static_cast<int>(options.level_names.size()) - 1;
        trial.steps = trials[t];
        trial.method = to_string(options.method == NestedMethod::Auto ? NestedMethod::Ward : options.method);
        trial.foresight = nested_foresight(nested_pairs(points.held_out, points.weights, fine.parts.label),
                                           fine.parts.count());
        result.trials.push_back(trial);
        if (t > 0 && !(trial.foresight > result.trials[first + chosen].foresight)) continue;
        if (chosen > 0) coordinates[chosen] = Matrix<float>();
        chosen = t;
        coordinates[t] = std::move(fine.coordinates);
        base.parts = std::move(fine.parts);
        chosen_rows = smoothed;
    }
    result.trials[first + chosen].chosen = true;
    result.options.smoothing_steps = trials[chosen];
    if (options.method == NestedMethod::Auto) {
        Matrix<float> rows = coordinates[chosen];
        for (std::int64_t i = 0; unit && i < rows.rows(); ++i) smooth_unit(rows.row_data(i), rows.cols());
        Matrix<float> means = nested_means(rows, points.weights, base.parts);
        const NestedLloyd lloyd(rows, points.weights, options.num_threads);
        base.parts = nested_parts(lloyd.run(std::move(means), kNestedPolish, progress), points.weights);
    }
    if (bounded) {
        nested_split(chosen_rows, points.rows, points.weights, max_size, nested_kmeans_options(options),
                     base.parts);
        nested_merge_small(chosen_rows, points.weights, min_size, max_size, unit, base.parts);
    }
    if (options.method != NestedMethod::Auto || options.level_names.size() < 2) return base;
    Matrix<double> means = nested_centroids(coordinates.front(), points.weights, base.parts, false);
    nested_directions(means, unit);
    if (given) {
        base.views.push_back({trials.front(), std::move(means)});
    } else {
        const NestedFlow flow = nested_flow(points, base.parts);
        base.leaving = flow.leaving;
        base.views = nested_views(std::move(means), flow, unit, options.num_threads, progress);
    }
    base.pairs = nested_pairs(points.held_out, points.weights, base.parts.label);
    return base;
}

/// The nodes of one level, as groups of the finest ones inside the nodes of the level above.
/// @param parents per finest node; empty for the coarsest level
/// @return group of every finest node, and the gap at the count chosen
inline std::pair<NestedParts, double> nested_level(const NestedPoints& points, const NestedBase& base,
                                                   const std::vector<Index>& parents, int level, LevelRange range,
                                                   double cap, bool unit, const std::vector<double>& mean,
                                                   const Progress& progress, NestedResult& result) {
    const NestedOptions& options = result.options;
    const NestedParts& parts = base.parts;
    const bool search = range.min < range.max;
    const int target = std::max(1, search ? range.min - 1 : range.min);
    const bool average = options.method == NestedMethod::Average;
    const bool agree = options.method == NestedMethod::Auto;
    if (agree && !search) return {nested_agreed_groups(base, parents, level, range.min, cap, unit, progress, result), 0.0};
    Matrix<double> centroids = nested_centroids(points.rows, points.weights, parts, unit && !average);
    if (average) {
        for (std::int64_t c = 0; c < centroids.rows(); ++c) {
            for (std::int64_t j = 0; j < centroids.cols(); ++j) centroids(c, j) -= mean[static_cast<std::size_t>(j)];
        }
        nested_directions(centroids, unit);
    }
    NestedMerger merger(nested_square(centroids, options.num_threads), parts.weight,
                        average ? NestedLink::Average : NestedLink::Ward, parents);
    const std::vector<NestedMerge> merges = merger.merge_to(target, cap);
    int count = range.min;
    double gap = 0;
    if (search) std::tie(count, gap) = nested_choose_count(merges, parts.count(), range);
    if (agree) return {nested_agreed_groups(base, parents, level, count, cap, unit, progress, result), gap};
    NestedParts groups = nested_parts(
        nested_apply(parts.count(), merges, static_cast<std::size_t>(parts.count() - count)), parts.weight);
    NestedGroups moves(centroids, parts.weight, cap, unit, groups.label, groups.count(), parents);
    if (options.method == NestedMethod::KMeans) {
        moves.refine();
    } else {
        moves.keep_cap();
    }
    return {nested_parts(groups.label, parts.weight), gap};
}

/// Strength and runner-up of every item at every level.
inline void nested_strength(const NestedPoints& points, bool unit, int num_threads, const Progress& progress,
                            NestedResult& result) {
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
        const auto measure = [&](std::int64_t begin, std::int64_t end) {
            std::vector<double> row(static_cast<std::size_t>(d));
            for (std::int64_t i = begin; i < end; ++i) {
                const Index point = points.point_of[static_cast<std::size_t>(i)];
                if (point < 0) continue;
                std::copy_n(points.rows.row_data(point), d, row.begin());
                const Index own = item_node[static_cast<std::size_t>(i)];
                const SiblingStrength found = sibling_strength(
                    tree, first_node + own, unit,
                    [&](Index other) { return parts.weight[static_cast<std::size_t>(other - first_node)] > 0; },
                    [&](Index other) {
                        const double* centroid = centroids.row_data(other - first_node);
                        return unit ? linkage_sum(row.data(), centroid, d, [](double x, double y) { return x * y; })
                                    : -linkage_distance(row.data(), centroid, d, Metric::Euclidean);
                    });
                const auto slot = static_cast<std::size_t>(i * levels + level);
                result.strength[slot] = static_cast<float>(found.value);
                result.runner_up[slot] = found.runner_up;
            }
        };
        parallel_for(n, 256, num_threads, measure, progress, kNestedStage);
    }
}

/// Says so where one node of the coarsest level is much larger than is usual there.
inline void nested_warn_of_size(const Hierarchy& tree, NestedResult& result) {
    if (tree.num_levels() < 2 || tree.num_nodes(0) < 3) return;
    std::vector<std::int64_t> sizes(static_cast<std::size_t>(tree.num_nodes(0)), 0);
    for (const Index node : tree.labels(0)) ++sizes[static_cast<std::size_t>(node)];
    std::sort(sizes.begin(), sizes.end());
    const double median = 0.5 * static_cast<double>(sizes[(sizes.size() - 1) / 2] + sizes[sizes.size() / 2]);
    const auto largest = static_cast<double>(sizes.back());
    if (largest <= kNestedTopSlack * median) return;
    std::string why;
    for (const NestedTrial& trial : result.trials) {
        if (trial.level == 0 && trial.chosen) why = ": most linkages keep them together";
    }
    result.run.warnings.push_back("the largest node of level '" + result.options.level_names[0] + "' holds " +
                                  std::to_string(sizes.back()) + " items, " +
                                  to_text(std::round(10.0 * largest / median) / 10.0) + " times the median" + why +
                                  "; max_share bounds it");
}

}  // namespace detail

FILMATLAS_INLINE std::string_view to_string(NestedMethod method) noexcept {
    switch (method) {
        case NestedMethod::Auto: break;
        case NestedMethod::Ward: return "ward";
        case NestedMethod::Average: return "average";
        case NestedMethod::KMeans: return "kmeans";
        case NestedMethod::Density: return "density";
    }
    return "auto";
}

FILMATLAS_INLINE NestedMethod nested_method_from_string(std::string_view name) {
    for (const NestedMethod method : {NestedMethod::Auto, NestedMethod::Ward, NestedMethod::Average,
                                      NestedMethod::KMeans, NestedMethod::Density}) {
        if (name == to_string(method)) return method;
    }
    throw_invalid("nested_clusters", "method", "is '" + std::string(name) + "'",
                  "use auto, ward, average, kmeans or density");
}

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
    if (options.max_share && !(*options.max_share > 0 && *options.max_share <= 1)) {
        bad("max_share", "is " + to_text(*options.max_share), "use a share in (0, 1]");
    }
    if (options.smoothing_steps && (*options.smoothing_steps < 0 || *options.smoothing_steps > 1000)) {
        bad("smoothing_steps", "is " + std::to_string(*options.smoothing_steps), "use 0 .. 1000");
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
    detail::NestedBase base;
    if (!points.weights.empty()) {
        base = detail::nested_finest(points, finest, mean_size, min_size, max_size, bounded, unit, progress, result);
        labels[finest_level] = base.parts.label;
        finest_weight = base.parts.weight;
    }
    const int made = static_cast<int>(finest_weight.size());
    std::vector<LevelRange> ranges =
        options.level_ranges.value_or(detail::nested_default_ranges(levels, std::max(made, 1)));
    if (options.n_clusters) {
        for (std::size_t l = 0; l < ranges.size(); ++l)
            ranges[l] = {(*options.n_clusters)[l], (*options.n_clusters)[l]};
    }
    const std::vector<double> mean =
        made > 0 ? detail::kmeans_column_means(points.rows.view(), points.weights, options.num_threads)
                 : std::vector<double>();
    double max_share = options.max_share.value_or(detail::kNestedTopShare);
    if (!options.max_share && options.n_clusters) {
        max_share = std::clamp(detail::kNestedTopSlack / options.n_clusters->front(), max_share, 1.0);
    }
    result.options.max_share = max_share;
    std::vector<int> counts(static_cast<std::size_t>(levels), made);
    // From the top down: a coarse level is free of the merges that were made for finer ones.
    std::vector<Index> parents;
    for (int level = 0; level + 1 < levels && made > 0; ++level) {
        const auto l = static_cast<std::size_t>(level);
        LevelRange range = ranges[l];
        range.max = std::clamp(range.max, level > 0 ? counts[l - 1] : 1, made);
        range.min = std::clamp(range.min, level > 0 ? counts[l - 1] : 1, range.max);
        const double middle = 0.5 * (range.min + range.max);
        const double most =
            level == 0 ? max_share : std::min(max_share, detail::kNestedLevelSlack / middle);
        const double share = std::max(most, 1.5 / middle);
        const double cap = share * static_cast<double>(valid);
        detail::NestedParts groups;
        std::tie(groups, result.level_gap[l]) =
            detail::nested_level(points, base, parents, level, range, cap, unit, mean, progress,
                                 result);
        labels[l].reserve(base.parts.label.size());
        for (const Index node : base.parts.label)
            labels[l].push_back(groups.label[static_cast<std::size_t>(node)]);
        counts[l] = groups.count();
        parents = std::move(groups.label);
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
    detail::nested_strength(points, unit, options.num_threads, progress, result);

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
    detail::nested_warn_of_size(result.hierarchy, result);
    result.run.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
    return result;
}

}  // namespace filmatlas
#endif  // FILMATLAS_CLUSTER_DETAIL_NESTED_IMPL_HPP
