// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LINALG_DETAIL_PCA_IMPL_HPP
#define FILMATLAS_LINALG_DETAIL_PCA_IMPL_HPP

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "filmatlas/linalg/detail/pca_axes.hpp"
#include "filmatlas/linalg/pca.hpp"

namespace filmatlas {

FILMATLAS_INLINE void validate(const PcaOptions& options) {
    const auto check = [](const char* field, int value, int least) {
        if (value < least) {
            throw_invalid("pca", field, "is " + std::to_string(value),
                          "use at least " + std::to_string(least));
        }
    };
    check("n_components", options.n_components, 1);
    check("num_threads", options.num_threads, 0);
    check("n_iterations", options.n_iterations, 1);
}

FILMATLAS_INLINE PcaResult pca(MatrixView<const float> x, const PcaOptions& options) {
    const auto start = std::chrono::steady_clock::now();
    validate(options);
    if (x.cols < 1) throw_shape("pca", "the rows have no columns");
    if (x.rows < 2) throw_invalid("pca", "x", "has " + std::to_string(x.rows) + " rows", "give at least two");
    if (options.n_components > std::min(x.rows, x.cols)) {
        throw_invalid("pca", "n_components",
                      "is " + std::to_string(options.n_components) + " for " + std::to_string(x.rows) +
                          " rows of " + std::to_string(x.cols) + " columns",
                      "use at most " + std::to_string(std::min(x.rows, x.cols)));
    }
    const std::int64_t c = options.n_components;
    const bool full = x.cols <= detail::pca_full_dims;
    PcaResult result;
    result.method = full ? "covariance" : "randomized";
    detail::PcaAxes axes;
    const auto make_room = [&] { result.transformed = Matrix<float>(x.rows, c); };
    if (full) {
        detail::PcaMoments moments = detail::pca_moments(x, options.num_threads);
        axes = detail::pca_covariance(moments, c, options.num_threads, make_room);
        result.mean = std::move(moments.centre.mean);
    } else {
        detail::PcaCentre centre = detail::pca_centre(x, options.num_threads);
        axes = detail::pca_randomized(x, centre, options);
        result.mean = std::move(centre.mean);
        make_room();
    }
    const std::vector<double> signs = detail::tall_signs(axes.directions);
    result.components = Matrix<float>(c, x.cols);
    for (std::int64_t j = 0; j < c; ++j) {
        for (std::int64_t i = 0; i < x.cols; ++i) {
            const double value = axes.directions(i, j) * signs[static_cast<std::size_t>(j)];
            result.components(j, i) = static_cast<float>(value);
        }
        const double squared = axes.squared[static_cast<std::size_t>(j)];
        result.explained_variance.push_back(squared / static_cast<double>(x.rows - 1));
        result.explained_variance_ratio.push_back(axes.total > 0 ? squared / axes.total : 0.0);
    }
    detail::pca_project_into<float>(x, result.mean, std::as_const(result.components).view(), result.transformed,
                                    options.num_threads);
    result.run.iterations = full ? 1 : options.n_iterations;
    result.run.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    return result;
}

FILMATLAS_INLINE Matrix<float> pca_transform(const PcaResult& model, MatrixView<const float> x,
                                             int num_threads) {
    if (x.cols != model.components.cols()) {
        throw_shape("pca_transform", "the rows have " + std::to_string(x.cols) + " columns, the model has " +
                                         std::to_string(model.components.cols()));
    }
    return detail::pca_project<float>(x, model.mean, model.components.view(), num_threads);
}

}  // namespace filmatlas
#endif  // FILMATLAS_LINALG_DETAIL_PCA_IMPL_HPP
