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

inline Matrix<float> kmeans_first_centroids(const KMeansData& data, int k, const KMeansOptions& options,
                                            std::uint64_t start, const Progress& progress) {
    const std::int64_t d = data.X.cols;
    Matrix<float> out(k, d);
    if (!options.initial.empty()) {
        for (int c = 0; c < k; ++c) {
            for (std::int64_t j = 0; j < d; ++j) {
                const double moved = data.mean.empty() ? 0.0 : data.mean[static_cast<std::size_t>(j)];
                out(c, j) = static_cast<float>(static_cast<double>(options.initial(c, j)) - moved);
            }
        }
    } else if (options.start == KMeansStart::Parts) {
        out = KMeansParts(data, k).centroids(progress);
    } else {
        const std::vector<std::int64_t> rows = options.start == KMeansStart::Random
                                                   ? kmeans_random_rows(data.X.rows, k, options.seed, start)
                                                   : kmeans_seeds(data, k, options.seed, start, progress);
        for (int c = 0; c < k; ++c) std::copy_n(data.row(rows[static_cast<std::size_t>(c)]), d, out.row_data(c));
    }
    const std::vector<std::int64_t> order = kmeans_group_order(out);
    Matrix<float> grouped(k, d);
    for (int c = 0; c < k; ++c) std::copy_n(out.row_data(order[static_cast<std::size_t>(c)]), d, grouped.row_data(c));
    return grouped;
}

/// Steps of mini-batch k-means (Sculley 2010): every centroid is the mean of all rows that it was ever given.
inline void kmeans_batches(const KMeansData& data, const KMeansOptions& options, std::uint64_t start,
                           Matrix<float>& centroids, RunInfo& run, const Progress& progress) {
    const std::int64_t n = data.X.rows;
    const std::int64_t d = data.X.cols;
    const std::int64_t k = centroids.rows();
    const std::int64_t size = options.batch_size;
    const std::int64_t steps = options.max_iterations * ((n + size - 1) / size);
    const double tolerance = options.tolerance * data.mean_variance;
    const double forget = std::min(1.0, 2.0 * static_cast<double>(size) / static_cast<double>(n + 1));
    RandomStream random(options.seed, "kmeans.batches", start);
    Matrix<double> means(k, d);
    for (std::int64_t c = 0; c < k; ++c) {
        for (std::int64_t j = 0; j < d; ++j) means(c, j) = static_cast<double>(centroids(c, j));
    }
    std::vector<double> given(static_cast<std::size_t>(k), 0.0);
    Matrix<float> batch(size, d);
    std::vector<std::int64_t> rows(static_cast<std::size_t>(size));
    double average = -1;  // of the mean distance, forgetting slowly
    double least = std::numeric_limits<double>::infinity();
    int without_gain = 0;
    for (std::int64_t step = 0; step < steps && !run.converged; ++step) {
        for (std::int64_t s = 0; s < size; ++s) {
            rows[static_cast<std::size_t>(s)] = static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(n)));
            std::copy_n(data.row(rows[static_cast<std::size_t>(s)]), d, batch.row_data(s));
        }
        const std::vector<Index> labels = assign_to_centroids(batch.view(), centroids.view(), data.num_threads);
        double inertia = 0;
        double weight = 0;
        Matrix<double> sums(k, d);
        std::vector<double> came(static_cast<std::size_t>(k), 0.0);
        for (std::int64_t s = 0; s < size; ++s) {
            const auto c = static_cast<std::int64_t>(labels[static_cast<std::size_t>(s)]);
            const double mine = data.weight(rows[static_cast<std::size_t>(s)]);
            inertia += mine * squared_distance(batch.row_data(s), centroids.row_data(c), d);
            weight += mine;
            came[static_cast<std::size_t>(c)] += mine;
            double* sum = sums.row_data(c);
            const float* x = batch.row_data(s);
            for (std::int64_t j = 0; j < d; ++j) sum[j] += mine * static_cast<double>(x[j]);
        }
        double movement = 0;
        for (std::int64_t c = 0; c < k; ++c) {
            const auto at = static_cast<std::size_t>(c);
            if (!(came[at] > 0)) continue;
            given[at] += came[at];
            double norm2 = 0;
            for (std::int64_t j = 0; j < d; ++j) {
                means(c, j) += (sums(c, j) - came[at] * means(c, j)) / given[at];
                norm2 += means(c, j) * means(c, j);
            }
            const double factor = options.spherical && norm2 > 0 ? 1.0 / std::sqrt(norm2) : 1.0;
            for (std::int64_t j = 0; j < d; ++j) {
                const auto next = static_cast<float>(means(c, j) * factor);
                const double difference = static_cast<double>(next) - static_cast<double>(centroids(c, j));
                movement += difference * difference;
                centroids(c, j) = next;
            }
        }
        ++run.iterations;
        const double mean = inertia / weight;
        average = average < 0 ? mean : average * (1.0 - forget) + mean * forget;
        without_gain = average < least ? 0 : without_gain + 1;
        least = std::min(least, average);
        run.converged = without_gain >= 10 || (options.tolerance > 0 && movement <= tolerance);
        progress("kmeans batches", step + 1, steps);
    }
}

/// One start: seeds, rounds, repairs.
inline KMeansResult kmeans_once(const KMeansData& data, int k, const KMeansOptions& options,
                                std::uint64_t start, const Progress& progress) {
    Matrix<float> first = kmeans_first_centroids(data, k, options, start, progress);
    KMeansResult result;
    result.run.converged = false;
    const bool batches = options.batch_size > 0 && options.batch_size < data.X.rows;
    if (batches) kmeans_batches(data, options, start, first, result.run, progress);
    KMeansLloyd lloyd(data, std::move(first), options.spherical);
    const double tolerance = options.tolerance * data.mean_variance;
    for (int round = 0; round < options.max_iterations && !result.run.converged && !batches; ++round) {
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

FILMATLAS_INLINE std::string_view to_string(KMeansStart start) noexcept {
    switch (start) {
        case KMeansStart::PlusPlus: return "k-means++";
        case KMeansStart::Random: return "random";
        case KMeansStart::Parts: return "parts";
    }
    return "unknown";
}

FILMATLAS_INLINE KMeansStart kmeans_start_from_string(std::string_view name) {
    for (const KMeansStart start : {KMeansStart::PlusPlus, KMeansStart::Random, KMeansStart::Parts}) {
        if (name == to_string(start)) return start;
    }
    throw_invalid("kmeans", "start", "is '" + std::string(name) + "'", "use k-means++, random or parts");
}

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
    if (options.batch_size < 0) {
        throw_invalid("kmeans", "batch_size", "is " + std::to_string(options.batch_size),
                      "use 0 (whole rounds) or a positive number");
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
    if (options.initial.data != nullptr) {
        if (options.initial.rows != k || options.initial.cols != X.cols) {
            throw_shape("kmeans",
                        "the first centroids have shape (" + std::to_string(options.initial.rows) + ", " +
                            std::to_string(options.initial.cols) + "), not (" + std::to_string(k) + ", " +
                            std::to_string(X.cols) + ")",
                        "pass one row per cluster");
        }
        for (std::int64_t c = 0; c < k; ++c) {
            for (const float value : options.initial.row(c)) {
                if (std::isfinite(value)) continue;
                throw_invalid("kmeans", "initial",
                              "row " + std::to_string(c) + " holds " + to_text(static_cast<double>(value)),
                              "pass finite centroids");
            }
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
        data.mean = mean;
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
    const bool draws = options.initial.empty() && options.start != KMeansStart::Parts;
    for (int start = 0; start < (draws ? options.n_init : 1); ++start) {
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
        return data.weight(i) * detail::squared_distance(X.row_data(i), centroid, X.cols);
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
    constexpr std::int64_t kWidth = detail::kPanelWidth;
    constexpr std::int64_t kStrip = 24;  // panels of centroids per product
    parallel_for(X.rows, 4 * kWidth, num_threads, [&](std::int64_t begin, std::int64_t end) {
        std::vector<float> packed(static_cast<std::size_t>(X.cols * kWidth));
        std::vector<float> dots(static_cast<std::size_t>(kWidth * kWidth * std::min(kStrip, panels.num_panels())));
        for (std::int64_t i = begin; i < end; i += kWidth) {
            const int count = static_cast<int>(std::min(kWidth, end - i));
            const float* x[kWidth];
            float square[kWidth];
            float best[kWidth];
            for (int r = 0; r < count; ++r) {
                x[r] = X.row_data(i + r);
                double sum = 0;
                for (const float value : X.row(i + r)) sum += static_cast<double>(value) * static_cast<double>(value);
                square[r] = static_cast<float>(sum);
                best[r] = std::numeric_limits<float>::infinity();
            }
            detail::panel_pack(x, count, X.cols, packed.data());
            for (std::int64_t p = 0; p < panels.num_panels(); p += kStrip) {
                const std::int64_t width = std::min(kStrip, panels.num_panels() - p);
                panels.products(packed.data(), p, width, dots.data());
                for (int r = 0; r < count; ++r) {
                    const float* dot = dots.data() + r * width * kWidth;
                    for (std::int64_t c = 0; c < std::min(width * kWidth, centroids.rows - p * kWidth); ++c) {
                        const std::int64_t id = p * kWidth + c;
                        const float value = detail::kmeans_distance_from_product(
                            square[r], panels.square(id), dot[c], x[r], centroids.row_data(id), X.cols);
                        if (value < best[r]) {
                            best[r] = value;
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
