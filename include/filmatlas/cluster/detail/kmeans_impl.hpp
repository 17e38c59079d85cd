// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_CLUSTER_DETAIL_KMEANS_IMPL_HPP
#define FILMATLAS_CLUSTER_DETAIL_KMEANS_IMPL_HPP

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>
#include <string>
#include <utility>

#include "filmatlas/cluster/detail/kmeans_data.hpp"
#include "filmatlas/cluster/detail/kmeans_lloyd.hpp"
#include "filmatlas/cluster/detail/kmeans_seeds.hpp"
#include "filmatlas/cluster/detail/panels.hpp"
#include "filmatlas/cluster/kmeans.hpp"
#include "filmatlas/core/error.hpp"
#include "filmatlas/core/parallel.hpp"

namespace filmatlas {
namespace detail {

/// One start: seeds, rounds, repairs.
inline KMeansResult kmeans_once(const KMeansData& data, int k, const KMeansOptions& options,
                                std::uint64_t start, const Progress& progress) {
    const std::int64_t d = data.X.cols;
    Matrix<float> seeds(k, d);
    {
        const std::vector<std::int64_t> rows = kmeans_seeds(data, k, options.seed, start, progress);
        for (int c = 0; c < k; ++c)
            std::copy_n(data.row(rows[static_cast<std::size_t>(c)]), d, seeds.row_data(c));
    }
    {
        const std::vector<std::int64_t> order = kmeans_group_order(seeds);
        Matrix<float> grouped(k, d);
        for (int c = 0; c < k; ++c)
            std::copy_n(seeds.row_data(order[static_cast<std::size_t>(c)]), d, grouped.row_data(c));
        seeds = std::move(grouped);
    }
    KMeansLloyd lloyd(data, std::move(seeds), options.spherical);
    KMeansResult result;
    result.run.converged = false;
    const double tolerance = options.tolerance * data.mean_variance;
    for (int round = 0; round < options.max_iterations && !result.run.converged; ++round) {
        const std::int64_t moved = lloyd.assign(progress);
        ++result.run.iterations;
        const int restarted = lloyd.repair();
        if (moved == 0 && restarted == 0) {
            result.run.converged = true;
            break;
        }
        const double movement = lloyd.update();
        result.run.converged = restarted == 0 && options.tolerance > 0 && movement <= tolerance;
        progress("kmeans", round + 1, options.max_iterations);
    }
    // Labels belong to the centroids as they are returned; each repair lowers the inertia, so this ends.
    for (int round = 0; round < 16; ++round) {
        lloyd.assign(progress);
        if (lloyd.repair() == 0) break;
    }
    result.inertia = lloyd.inertia();
    result.labels = std::move(lloyd.labels());
    result.centroids = std::move(lloyd.centroids());
    return result;
}

/// Moves clusters without items behind the others and counts the items.
inline void kmeans_finish(KMeansResult& result) {
    const std::int64_t k = result.centroids.rows();
    std::vector<std::int64_t> sizes(static_cast<std::size_t>(k), 0);
    for (const Index label : result.labels) ++sizes[static_cast<std::size_t>(label)];
    std::vector<Index> order(static_cast<std::size_t>(k));
    std::iota(order.begin(), order.end(), Index{0});
    std::stable_partition(order.begin(), order.end(),
                          [&](Index c) { return sizes[static_cast<std::size_t>(c)] > 0; });
    std::vector<Index> place(order.size());
    Matrix<float> centroids(k, result.centroids.cols());
    for (std::size_t c = 0; c < order.size(); ++c) {
        place[static_cast<std::size_t>(order[c])] = static_cast<Index>(c);
        std::copy_n(result.centroids.row_data(order[c]), centroids.cols(),
                    centroids.row_data(static_cast<std::int64_t>(c)));
        result.sizes.push_back(sizes[static_cast<std::size_t>(order[c])]);
    }
    for (Index& label : result.labels) label = place[static_cast<std::size_t>(label)];
    result.centroids = std::move(centroids);
    const auto empty = std::count(result.sizes.begin(), result.sizes.end(), std::int64_t{0});
    if (empty > 0) {
        result.run.warnings.push_back("only " + std::to_string(k - empty) + " distinct rows for " +
                                      std::to_string(k) + " clusters: the last " + std::to_string(empty) +
                                      " are empty");
    }
}

}  // namespace detail

FILMATLAS_INLINE void validate(const KMeansOptions& options) {
    if (options.max_iterations < 1) {
        throw_invalid("kmeans", "max_iterations", "is " + std::to_string(options.max_iterations),
                      "use 1 or more");
    }
    if (!(options.tolerance >= 0) || !std::isfinite(options.tolerance)) {
        throw_invalid("kmeans", "tolerance", "is " + to_text(options.tolerance), "use a number >= 0");
    }
    if (options.n_init < 1) {
        throw_invalid("kmeans", "n_init", "is " + std::to_string(options.n_init), "use 1 or more");
    }
    if (options.num_threads < 0) {
        throw_invalid("kmeans", "num_threads", "is " + std::to_string(options.num_threads),
                      "use 0 (choose for me) or a positive number");
    }
}

FILMATLAS_INLINE KMeansResult kmeans(MatrixView<const float> X, int k, const KMeansOptions& options,
                                     std::span<const double> weights, const Progress& progress) {
    const auto started = std::chrono::steady_clock::now();
    validate(options);
    if (X.rows < 1) throw_shape("kmeans", "no rows", "pass at least one item");
    if (k < 1 || k > X.rows) {
        throw_invalid("kmeans", "k", "is " + std::to_string(k) + " for " + std::to_string(X.rows) + " rows",
                      "use 1 .. the number of rows");
    }
    if (!weights.empty() && static_cast<std::int64_t>(weights.size()) != X.rows) {
        throw_shape("kmeans",
                    std::to_string(weights.size()) + " weights for " + std::to_string(X.rows) + " rows",
                    "pass one weight per row, or none");
    }
    for (std::size_t i = 0; i < weights.size(); ++i) {
        if (!(weights[i] > 0) || !std::isfinite(weights[i])) {
            throw_invalid("kmeans", "weights", "entry " + std::to_string(i) + " is " + to_text(weights[i]),
                          "weights must be finite and > 0");
        }
    }
    detail::KMeansData data;
    data.X = X;
    data.weights = weights;
    data.num_threads = options.num_threads;
    parallel_for(X.rows, detail::kKMeansGrain, options.num_threads,
                 [&](std::int64_t begin, std::int64_t end) {
                     for (std::int64_t i = begin; i < end; ++i) {
                         for (const float value : X.row(i)) {
                             if (std::isfinite(value)) continue;
                             throw_invalid(
                                 "kmeans", "X",
                                 "row " + std::to_string(i) + " holds " + to_text(static_cast<double>(value)),
                                 "remove or repair rows without a valid vector first");
                         }
                     }
                 });
    const std::vector<double> mean = detail::kmeans_column_means(X, weights, options.num_threads);
    double mean_square = 0;
    for (const double value : mean) mean_square += value * value;
    const double total_weight =
        detail::kmeans_sum(X.rows, options.num_threads, [&](std::int64_t i) { return data.weight(i); });
    const double square = detail::kmeans_sum(X.rows, options.num_threads, [&](std::int64_t i) {
        double sum = 0;
        for (std::int64_t j = 0; j < X.cols; ++j) {
            const double difference = static_cast<double>(X(i, j)) - mean[static_cast<std::size_t>(j)];
            sum += difference * difference;
        }
        return data.weight(i) * sum;
    });
    const double variance = square / total_weight;
    data.mean_variance = X.cols > 0 ? variance / static_cast<double>(X.cols) : 0.0;

    // Far from the origin the products would cancel: then the rows are moved to their mean, at the price of a
    // copy.
    const bool moved = !options.spherical && mean_square > 4.0 * variance;
    Matrix<float> centered;
    if (moved) {
        centered = Matrix<float>(X.rows, X.cols);
        parallel_for(X.rows, detail::kKMeansGrain, options.num_threads,
                     [&](std::int64_t begin, std::int64_t end) {
                         for (std::int64_t i = begin; i < end; ++i) {
                             for (std::int64_t j = 0; j < X.cols; ++j) {
                                 centered(i, j) = static_cast<float>(static_cast<double>(X(i, j)) -
                                                                     mean[static_cast<std::size_t>(j)]);
                             }
                         }
                     });
        data.X = centered.view();
    }
    data.squares.resize(static_cast<std::size_t>(X.rows));
    parallel_for(X.rows, detail::kKMeansGrain, options.num_threads,
                 [&](std::int64_t begin, std::int64_t end) {
                     for (std::int64_t i = begin; i < end; ++i) {
                         double sum = 0;
                         for (const float value : data.X.row(i))
                             sum += static_cast<double>(value) * static_cast<double>(value);
                         data.squares[static_cast<std::size_t>(i)] = static_cast<float>(sum);
                     }
                 });

    std::optional<KMeansResult> best;
    for (int start = 0; start < options.n_init; ++start) {
        KMeansResult result =
            detail::kmeans_once(data, k, options, static_cast<std::uint64_t>(start), progress);
        if (!best || result.inertia < best->inertia) best = std::move(result);
    }
    if (moved) {
        for (std::int64_t c = 0; c < k; ++c) {
            for (std::int64_t j = 0; j < X.cols; ++j) {
                best->centroids(c, j) = static_cast<float>(static_cast<double>(best->centroids(c, j)) +
                                                           mean[static_cast<std::size_t>(j)]);
            }
        }
    }
    detail::kmeans_finish(*best);
    // One plain search, so that the labels are what `assign_to_centroids` gives to the last bit: bounds and
    // moved rows may resolve a tie of the last digit the other way. Kept as they were if that empties a
    // cluster.
    std::vector<Index> labels = assign_to_centroids(X, best->centroids.view(), options.num_threads);
    std::vector<std::int64_t> sizes(best->sizes.size(), 0);
    for (const Index label : labels) ++sizes[static_cast<std::size_t>(label)];
    if (std::count(sizes.begin(), sizes.end(), 0) == std::count(best->sizes.begin(), best->sizes.end(), 0)) {
        best->labels = std::move(labels);
        best->sizes = std::move(sizes);
    }
    best->inertia = detail::kmeans_sum(X.rows, options.num_threads, [&](std::int64_t i) {
        const float* centroid = best->centroids.row_data(best->labels[static_cast<std::size_t>(i)]);
        return data.weight(i) * detail::kmeans_squared_distance(X.row_data(i), centroid, X.cols);
    });
    if (!best->run.converged) {
        best->run.warnings.push_back("stopped after " + std::to_string(options.max_iterations) +
                                     " rounds before the centroids came to rest");
    }
    best->run.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
    return std::move(*best);
}

FILMATLAS_INLINE std::vector<Index> assign_to_centroids(MatrixView<const float> X,
                                                        MatrixView<const float> centroids, int num_threads) {
    if (centroids.rows < 1)
        throw_invalid("assign_to_centroids", "centroids", "are none", "pass at least one centroid");
    if (X.cols != centroids.cols) {
        throw_shape(
            "assign_to_centroids",
            "rows have " + std::to_string(X.cols) + " columns, centroids " + std::to_string(centroids.cols),
            "both must come from the same space");
    }
    const detail::CentroidPanels panels(centroids);
    std::vector<Index> labels(static_cast<std::size_t>(X.rows), 0);
    parallel_for(X.rows, 64, num_threads, [&](std::int64_t begin, std::int64_t end) {
        std::vector<float> best(static_cast<std::size_t>(end - begin),
                                std::numeric_limits<float>::infinity());
        std::vector<float> squares(best.size());
        for (std::int64_t i = begin; i < end; ++i) {
            double sum = 0;
            for (const float value : X.row(i)) sum += static_cast<double>(value) * static_cast<double>(value);
            squares[static_cast<std::size_t>(i - begin)] = static_cast<float>(sum);
        }
        for (std::int64_t p = 0; p < panels.num_panels(); ++p) {
            for (std::int64_t i = begin; i < end; i += detail::kPanelRows) {
                const float* x[detail::kPanelRows];
                for (int r = 0; r < detail::kPanelRows; ++r) x[r] = X.row_data(std::min(i + r, end - 1));
                float dots[detail::kPanelRows][detail::kPanelWidth];
                panels.products(x, p, dots);
                for (int r = 0; r < detail::kPanelRows && i + r < end; ++r) {
                    const auto at = static_cast<std::size_t>(i + r - begin);
                    for (int c = 0; c < panels.width(p); ++c) {
                        const std::int64_t id = p * detail::kPanelWidth + c;
                        const float value = detail::kmeans_distance_from_product(
                            squares[at], panels.square(id), dots[r][c], x[r], centroids.row_data(id), X.cols);
                        if (value < best[at]) {
                            best[at] = value;
                            labels[static_cast<std::size_t>(i + r)] = static_cast<Index>(id);
                        }
                    }
                }
            }
        }
    });
    return labels;
}

}  // namespace filmatlas
#endif  // FILMATLAS_CLUSTER_DETAIL_KMEANS_IMPL_HPP
