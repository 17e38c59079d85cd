// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_NEIGHBORS_DETAIL_KNN_IMPL_HPP
#define FILMATLAS_NEIGHBORS_DETAIL_KNN_IMPL_HPP

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "filmatlas/neighbors/detail/knn_approximate_impl.hpp"
#include "filmatlas/neighbors/detail/knn_exact_impl.hpp"
#include "filmatlas/neighbors/detail/knn_measured_impl.hpp"
#include "filmatlas/neighbors/detail/knn_space_impl.hpp"
#include "filmatlas/neighbors/detail/knn_tree_impl.hpp"
#include "filmatlas/neighbors/knn.hpp"

namespace filmatlas {
namespace detail {

inline constexpr std::int64_t knn_tree_max_dim = 16;

inline bool knn_euclidean_family(Metric metric) {
    return metric == Metric::Euclidean || metric == Metric::SqEuclidean;
}

struct KnnChoice {
    KnnMethod method;
    std::string reason;
};

inline KnnChoice knn_choose(std::int64_t n, std::int64_t d, const KnnOptions& options) {
    if (options.method == KnnMethod::KdTree) {
        if (!knn_euclidean_family(options.metric)) {
            throw_invalid("knn_graph", "method",
                          "kd_tree does not know the metric " + std::string(to_string(options.metric)),
                          "use exact, or the euclidean metric");
        }
        if (d > knn_tree_max_dim) {
            throw_invalid("knn_graph", "method",
                          "kd_tree is for at most 16 dimensions, the vectors have " + std::to_string(d),
                          "use exact");
        }
        return {KnnMethod::KdTree, "asked for"};
    }
    if (options.method == KnnMethod::Exact) return {KnnMethod::Exact, "asked for"};
    if (options.method == KnnMethod::Auto && knn_euclidean_family(options.metric) && d <= 8 && n > 2000) {
        return {KnnMethod::KdTree,
                std::to_string(d) + " dimensions are few enough for a tree of boxes, which is exact"};
    }
    const std::string size = std::to_string(n) + " rows of " + std::to_string(d) + " dimensions";
    const std::string exact_cost = knn_cost_text(knn_exact_cost(n, d));
    const std::string descent_cost = knn_cost_text(knn_descent_cost(n, d, options));
    const bool worth = n > knn_descent_min_rows && options.k <= knn_descent_max_k && options.k <= n / 16;
    if (options.method == KnnMethod::Descent) {
        if (options.metric == Metric::InnerProduct) {
            throw_invalid("knn_graph", "method",
                          "descent does not know the metric inner_product: a row's neighbours need not be near "
                          "each other",
                          "use exact, or the cosine metric");
        }
        if (worth) {
            return {KnnMethod::Descent, "asked for: about " + descent_cost +
                                            " products of numbers; exact search would take " + exact_cost};
        }
        return {KnnMethod::Exact, "descent was asked for, but exact search takes no longer for k = " +
                                      std::to_string(options.k) + " of " + size};
    }
    const double budget = (options.metric == Metric::Manhattan ? 0.1 : 1.0) * knn_exact_cost(200000, 512);
    if (options.metric != Metric::InnerProduct && worth && knn_exact_cost(n, d) > budget) {
        return {KnnMethod::Descent, "exact search of " + size + " would take " + exact_cost +
                                        " products of numbers, descent takes about " + descent_cost};
    }
    std::string reason = "exact search is affordable: " + size + ", each pair once";
    if (knn_exact_cost(n, d) > budget) reason = "the only method for this metric and k: " + size;
    reason += ", " + exact_cost + " products of numbers";
    if (worth) reason += " (descent: about " + descent_cost + ", with a recall below 1)";
    return {KnnMethod::Exact, reason};
}

/// Lists without neighbours. Fresh memory is slow to touch, so both at once.
inline void knn_reserve_lists(KnnGraph& graph, std::int64_t n, std::int64_t k, int num_threads) {
    const auto size = static_cast<std::size_t>(n) * static_cast<std::size_t>(k);
    parallel_blocks(2, num_threads, [&](std::int64_t list, int) {
        if (list == 0) {
            graph.indices = Matrix<Index>(n, k, std::vector<Index>(size, -1));
        } else {
            graph.distances = Matrix<float>(n, k, std::vector<float>(size, std::numeric_limits<float>::infinity()));
        }
    });
}

inline void validate_descent(const DescentOptions& options, int k) {
    const auto check = [](const char* name, int value, int low, int high) {
        if (value >= low && value <= high) return;
        throw_invalid("knn_graph", std::string("descent.") + name, "is " + std::to_string(value),
                      "use " + std::to_string(low) + " to " + std::to_string(high));
    };
    check("n_trees", options.n_trees.value_or(1), 1, 1000);
    check("leaf_size", options.leaf_size.value_or(8), 8, 2048);
    if (options.list_size) check("list_size", *options.list_size, k, std::max(k, 1024));
    check("max_candidates", options.max_candidates.value_or(1), 1, 512);
    check("max_iterations", options.max_iterations, 0, 1000);
    if (!(options.delta >= 0 && options.delta < 1)) {
        throw_invalid("knn_graph", "descent.delta", "is " + std::to_string(options.delta),
                      "use at least 0 and less than 1");
    }
    check("recall_sample", options.recall_sample, 1, 1 << 30);
}

}  // namespace detail

FILMATLAS_INLINE std::string_view to_string(KnnMethod method) noexcept {
    switch (method) {
        case KnnMethod::Auto: return "auto";
        case KnnMethod::Exact: return "exact";
        case KnnMethod::KdTree: return "kd_tree";
        case KnnMethod::Descent: return "descent";
    }
    return "unknown";
}

FILMATLAS_INLINE KnnMethod knn_method_from_string(std::string_view name) {
    for (const KnnMethod method : {KnnMethod::Auto, KnnMethod::Exact, KnnMethod::KdTree, KnnMethod::Descent}) {
        if (to_string(method) == name) return method;
    }
    throw_invalid("knn_method_from_string", "method", "is '" + std::string(name) + "'",
                  "use one of auto, exact, kd_tree, descent");
}

FILMATLAS_INLINE void validate(const KnnOptions& options) {
    if (options.k < 1) throw_invalid("knn_graph", "k", "is " + std::to_string(options.k), "use at least 1");
    if (options.num_threads < 0) {
        throw_invalid("knn_graph", "num_threads", "is " + std::to_string(options.num_threads),
                      "use 0 (choose for me) or a positive number");
    }
    if (options.memory_limit && *options.memory_limit < 1) {
        throw_invalid("knn_graph", "memory_limit", "is " + std::to_string(*options.memory_limit) + " bytes",
                      "use a positive number, or leave it unset");
    }
    detail::validate_descent(options.descent, options.k);
}

FILMATLAS_INLINE std::int64_t knn_graph_bytes(std::int64_t n, std::int64_t d, const KnnOptions& options) {
    const std::int64_t per_row =
        32 + 8 * static_cast<std::int64_t>(options.k);  // row states and the result
    const KnnMethod method = detail::knn_choose(n, d, options).method;
    if (method == KnnMethod::Descent) return detail::knn_descent_bytes(n, d, options);
    const bool tree = method == KnnMethod::KdTree;
    if (tree || options.metric == Metric::Manhattan)
        return n * (per_row + (tree ? 64 : 0) + 8 * static_cast<std::int64_t>(options.k));
    return n * per_row + detail::KnnScreen::bytes(n, d) + detail::KnnShortlists::bytes(n, options.k);
}

FILMATLAS_INLINE KnnGraph knn_graph(const VectorRows& vectors, const KnnOptions& options,
                                    const Progress& progress) {
    const auto start = std::chrono::steady_clock::now();
    validate(options);
    if (vectors.rows() < 1) throw_invalid("knn_graph", "vectors", "has no rows", "give at least one vector");
    if (vectors.cols() < 1) throw_shape("knn_graph", "the vectors have no columns");
    detail::KnnChoice choice = detail::knn_choose(vectors.rows(), vectors.cols(), options);
    const std::int64_t bytes = knn_graph_bytes(vectors.rows(), vectors.cols(), options);
    if (options.memory_limit && bytes > *options.memory_limit) {
        throw Error(ErrorCode::Memory, ErrorContext{"knn_graph", {}, -1, {}, -1},
                    "needs about " + std::to_string(bytes) + " bytes beside the vectors, the limit is " +
                        std::to_string(*options.memory_limit),
                    "raise memory_limit or lower k");
    }

    const bool tree = choice.method == KnnMethod::KdTree;
    detail::KnnSpace space =
        detail::knn_make_space("knn_graph", vectors, options.metric, options.num_threads, progress);
    Matrix<float> converted;
    if (tree && !vectors.direct()) {  // a tree reads single coordinates; its few columns are cheap to convert
        converted = vectors.to_matrix(options.num_threads);
        space.rows = std::as_const(converted).view();
    }
    const std::int64_t n = vectors.rows();
    const std::int64_t slots = std::min<std::int64_t>(options.k, std::max<std::int64_t>(space.size() - 1, 0));
    KnnGraph graph;
    graph.metric = options.metric;
    graph.method = std::string(to_string(choice.method));
    graph.reason = std::move(choice.reason);
    graph.invalid_rows = space.invalid;
    graph.invalid_reasons = space.reasons;
    detail::knn_reserve_lists(graph, n, options.k, options.num_threads);
    if (slots < options.k) {
        graph.run.warnings.push_back("knn_graph: k = " + std::to_string(options.k) + " but a row has only " +
                                     std::to_string(slots) + " valid others; rows are padded with -1");
    }
    if (!space.invalid.empty()) {
        graph.run.warnings.push_back("knn_graph: " + std::to_string(space.invalid.size()) + " of " +
                                     std::to_string(n) +
                                     " rows have no valid vector and no neighbours (see invalid_rows)");
    }
    graph.run.iterations = 1;
    if (slots > 0 && choice.method == KnnMethod::Descent) {
        detail::knn_approximate(space, slots, options, graph, progress);
    } else if (slots > 0 && tree) {
        detail::knn_tree(space, slots, graph.indices, graph.distances, options.num_threads, progress);
    } else if (slots > 0 && space.screens()) {
        graph.effort =
            detail::knn_exact(space, slots, graph.indices, graph.distances, options.num_threads, progress);
    } else if (slots > 0) {
        detail::KnnHeaps heaps(space, space.size(), slots);
        detail::KnnMeasuredPairs(space, heaps).run(options.num_threads, progress);
        graph.effort.measured_pairs = space.size() * (space.size() - 1) / 2;
        parallel_for(space.size(), 1024, options.num_threads, [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t i = begin; i < end; ++i) {
                const Index row = space.valid[static_cast<std::size_t>(i)];
                heaps.write(i, graph.indices.row(row), graph.distances.row(row));
            }
        });
    }
    graph.run.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    return graph;
}

FILMATLAS_INLINE double recall(const KnnGraph& graph, const KnnGraph& truth) {
    if (graph.size() != truth.size()) {
        throw_shape("recall", "the graphs have " + std::to_string(graph.size()) + " and " +
                                  std::to_string(truth.size()) + " rows");
    }
    const std::int64_t k = std::min(graph.k(), truth.k());
    std::int64_t wanted = 0;
    std::int64_t found = 0;
    std::vector<Index> ids;
    for (std::int64_t i = 0; i < truth.size(); ++i) {
        ids.assign(graph.indices.row_data(i), graph.indices.row_data(i) + k);
        std::sort(ids.begin(), ids.end());
        for (std::int64_t slot = 0; slot < k; ++slot) {
            const Index id = truth.indices(i, slot);
            if (id < 0) break;
            ++wanted;
            found += std::binary_search(ids.begin(), ids.end(), id);
        }
    }
    return wanted == 0 ? 1.0 : static_cast<double>(found) / static_cast<double>(wanted);
}

}  // namespace filmatlas
#endif  // FILMATLAS_NEIGHBORS_DETAIL_KNN_IMPL_HPP
