// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_CLUSTER_DETAIL_SMOOTH_IMPL_HPP
#define FILMATLAS_CLUSTER_DETAIL_SMOOTH_IMPL_HPP

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "filmatlas/cluster/detail/smooth_core.hpp"
#include "filmatlas/cluster/smooth.hpp"
#include "filmatlas/core/error.hpp"
#include "filmatlas/core/parallel.hpp"

namespace filmatlas {

FILMATLAS_INLINE void validate(const SmoothOptions& options) {
    if (options.steps < 0 || options.steps > 1000) {
        throw_invalid("smooth_embedding", "steps", "is " + std::to_string(options.steps), "use 0 .. 1000");
    }
    if (!(options.keep >= 0 && options.keep <= 1)) {
        throw_invalid("smooth_embedding", "keep", "is " + to_text(options.keep), "use a share in [0, 1]");
    }
    if (options.num_threads < 0) {
        throw_invalid("smooth_embedding", "num_threads", "is " + std::to_string(options.num_threads),
                      "use 0 (choose for me) or a positive number");
    }
}

FILMATLAS_INLINE CsrMatrix<float> shared_neighbor_weights(const KnnGraph& graph, int num_threads,
                                                         const Progress& progress) {
    return detail::smooth_weights(detail::smooth_neighbor_lists(graph), num_threads, progress);
}

FILMATLAS_INLINE Matrix<float> smooth_embedding(MatrixView<const float> X, const KnnGraph& graph,
                                                const SmoothOptions& options, const Progress& progress) {
    validate(options);
    if (X.rows != graph.size()) {
        throw_shape(
            "smooth_embedding",
            std::to_string(X.rows) + " vectors but a graph of " + std::to_string(graph.size()) + " items",
            "pass the vectors that the graph was made from");
    }
    const bool unit = detail::smooth_uses_unit_rows(graph.metric);
    Matrix<float> rows(X.rows, X.cols);
    parallel_for(X.rows, detail::kSmoothGrain, options.num_threads,
                 [&](std::int64_t begin, std::int64_t end) {
                     for (std::int64_t i = begin; i < end; ++i) {
                         std::copy_n(X.row_data(i), X.cols, rows.row_data(i));
                         const bool finite = std::all_of(X.row_data(i), X.row_data(i) + X.cols,
                                                         [](float value) { return std::isfinite(value); });
                         if (!finite) std::fill_n(rows.row_data(i), X.cols, 0.0F);
                         if (unit) detail::smooth_unit(rows.row_data(i), X.cols);
                     }
                 });
    for (const Index i : graph.invalid_rows) {
        if (i >= 0 && i < X.rows) std::fill_n(rows.row_data(i), X.cols, 0.0F);
    }
    return detail::smooth_steps(std::move(rows), shared_neighbor_weights(graph, options.num_threads, progress),
                                options, unit, progress);
}

}  // namespace filmatlas
#endif  // FILMATLAS_CLUSTER_DETAIL_SMOOTH_IMPL_HPP
