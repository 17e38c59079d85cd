// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LAYOUT_DETAIL_FUZZY_GRAPH_IMPL_HPP
#define FILMATLAS_LAYOUT_DETAIL_FUZZY_GRAPH_IMPL_HPP

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

#include "filmatlas/core/error.hpp"
#include "filmatlas/core/parallel.hpp"
#include "filmatlas/layout/detail/graph_rows.hpp"
#include "filmatlas/layout/detail/math.hpp"
#include "filmatlas/layout/fuzzy_graph.hpp"

namespace filmatlas {
FILMATLAS_INLINE void validate(const FuzzyGraphOptions& options) {
    if (options.n_neighbors < 2) {
        throw_invalid("fuzzy_graph", "n_neighbors", "is " + std::to_string(options.n_neighbors),
                      "use at least 2 (the item itself counts)");
    }
    if (!(options.local_connectivity >= 0) || !std::isfinite(options.local_connectivity)) {
        throw_invalid("fuzzy_graph", "local_connectivity", "is " + to_text(options.local_connectivity),
                      "use 0 or more");
    }
    if (!(options.set_op_mix_ratio >= 0 && options.set_op_mix_ratio <= 1)) {
        throw_invalid("fuzzy_graph", "set_op_mix_ratio", "is " + to_text(options.set_op_mix_ratio),
                      "use a value in [0, 1]");
    }
    if (!(options.bandwidth > 0) || !std::isfinite(options.bandwidth)) {
        throw_invalid("fuzzy_graph", "bandwidth", "is " + to_text(options.bandwidth), "use a positive number");
    }
    if (options.disconnection_distance && !(*options.disconnection_distance > 0)) {
        throw_invalid("fuzzy_graph", "disconnection_distance", "is " + to_text(*options.disconnection_distance),
                      "use a positive number, infinity for none");
    }
    if (options.num_threads < 0) {
        throw_invalid("fuzzy_graph", "num_threads", "is " + std::to_string(options.num_threads),
                      "use 0 or more");
    }
}

FILMATLAS_INLINE SmoothKnn smooth_knn(const KnnGraph& graph, const FuzzyGraphOptions& options) {
    validate(options);
    detail::check_layout_graph(graph, "smooth_knn");
    const std::int64_t n = graph.size();
    const std::int64_t columns = std::min<std::int64_t>(graph.k(), options.n_neighbors - 1);
    SmoothKnn result;
    result.n_neighbors = static_cast<int>(columns) + 1;
    result.rho.assign(static_cast<std::size_t>(n), 0);
    result.sigma.assign(static_cast<std::size_t>(n), 0);
    if (n == 0 || columns == 0) return result;
    const double too_far = options.disconnection_distance.value_or(detail::disconnection_distance(graph.metric));

    // Mean over all rows, self distances of 0 counted as umap-learn does: the floor of rows whose rho is 0.
    std::vector<double> row_sum(static_cast<std::size_t>(n), 0);
    std::vector<std::int64_t> row_count(static_cast<std::size_t>(n), 0);
    parallel_for(n, 1024, options.num_threads, [&](std::int64_t begin, std::int64_t end) {
        std::vector<double> d;
        for (std::int64_t i = begin; i < end; ++i) {
            row_count[static_cast<std::size_t>(i)] = detail::fuzzy_row(graph, i, columns, d, too_far) + 1;
            for (const double x : d) row_sum[static_cast<std::size_t>(i)] += x;
        }
    });
    double total = 0;
    std::int64_t count = 0;
    for (std::size_t i = 0; i < row_sum.size(); ++i) {
        total += row_sum[i];
        count += row_count[i];
    }
    const double mean_all = total / static_cast<double>(count);

    parallel_for(n, 256, options.num_threads, [&](std::int64_t begin, std::int64_t end) {
        std::vector<double> d;
        std::vector<double> positive;
        for (std::int64_t i = begin; i < end; ++i) {
            const std::int64_t m = detail::fuzzy_row(graph, i, columns, d, too_far);
            if (m == 0) continue;
            positive.clear();
            for (const double x : d) {
                if (x > 0) positive.push_back(x);
            }
            double rho = 0;
            const double lc = options.local_connectivity;
            if (static_cast<double>(positive.size()) >= lc) {
                const auto index = static_cast<std::size_t>(lc);
                const double fraction = lc - static_cast<double>(index);
                if (index > 0) {
                    rho = positive[index - 1];
                    if (fraction > 1e-5 && index < positive.size()) {
                        rho += fraction * (positive[index] - positive[index - 1]);
                    }
                } else if (!positive.empty()) {
                    rho = fraction * positive[0];
                }
            } else if (!positive.empty()) {
                rho = positive.back();
            }
            // A row that the graph cut short is held to its own number of neighbours.
            const double target =
                detail::layout_log(static_cast<double>(m + 1)) * 1.4426950408889634074 * options.bandwidth;
            double low = 0;
            double high = std::numeric_limits<double>::infinity();
            double mid = 1;
            for (int round = 0; round < 64; ++round) {
                double sum = 0;
                for (const double x : d) {
                    const double gap = x - rho;
                    sum += gap > 0 ? detail::layout_exp(-(gap / mid)) : 1.0;
                }
                if (std::abs(sum - target) < 1e-5) break;
                if (sum > target) {
                    high = mid;
                    mid = (low + high) / 2;
                } else {
                    low = mid;
                    mid = std::isinf(high) ? mid * 2 : (low + high) / 2;
                }
            }
            const double floor_of =
                rho > 0 ? row_sum[static_cast<std::size_t>(i)] / static_cast<double>(m + 1) : mean_all;
            result.rho[static_cast<std::size_t>(i)] = rho;
            result.sigma[static_cast<std::size_t>(i)] = std::max(mid, 1e-3 * floor_of);
        }
    });
    return result;
}

FILMATLAS_INLINE CsrMatrix<float> fuzzy_graph(const KnnGraph& graph, const FuzzyGraphOptions& options) {
    const SmoothKnn scale = smooth_knn(graph, options);
    const std::int64_t n = graph.size();
    const std::int64_t columns = scale.n_neighbors - 1;
    const double too_far = options.disconnection_distance.value_or(detail::disconnection_distance(graph.metric));
    std::vector<float> weights(static_cast<std::size_t>(n * columns), 0);
    parallel_for(n, 1024, options.num_threads, [&](std::int64_t begin, std::int64_t end) {
        std::vector<double> d;
        for (std::int64_t i = begin; i < end; ++i) {
            const std::int64_t m = detail::fuzzy_row(graph, i, columns, d, too_far);
            const double rho = scale.rho[static_cast<std::size_t>(i)];
            const double sigma = scale.sigma[static_cast<std::size_t>(i)];
            for (std::int64_t s = 0; s < m; ++s) {
                const double gap = d[static_cast<std::size_t>(s)] - rho;
                weights[static_cast<std::size_t>(i * columns + s)] =
                    gap <= 0 || sigma == 0 ? 1.0F : static_cast<float>(detail::layout_exp(-(gap / sigma)));
            }
        }
    });
    const double mix = options.set_op_mix_ratio;
    return detail::symmetric_from_directed(graph.indices, columns, weights, options.num_threads,
                                           [mix](double a, double b) {
                                               const double both = a * b;
                                               return mix * (a + b - both) + (1 - mix) * both;
                                           });
}

}  // namespace filmatlas
#endif  // FILMATLAS_LAYOUT_DETAIL_FUZZY_GRAPH_IMPL_HPP
