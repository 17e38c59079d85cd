// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LINALG_DETAIL_TRUNCATED_SVD_IMPL_HPP
#define FILMATLAS_LINALG_DETAIL_TRUNCATED_SVD_IMPL_HPP

#include <algorithm>
#include <chrono>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "filmatlas/linalg/detail/pca_axes.hpp"
#include "filmatlas/linalg/detail/tall_block_impl.hpp"
#include "filmatlas/linalg/sparse.hpp"
#include "filmatlas/linalg/truncated_svd.hpp"

namespace filmatlas {
namespace detail {

inline void svd_check(std::int64_t rows, std::int64_t cols, const SvdOptions& options) {
    validate(options);
    const std::int64_t most = std::min(rows, cols);
    if (most < 1) throw_shape("truncated_svd", "the matrix is empty");
    if (options.n_components > most) {
        throw_invalid("truncated_svd", "n_components",
                      "is " + std::to_string(options.n_components) + " for a matrix of " + std::to_string(rows) +
                          " x " + std::to_string(cols),
                      "use at most " + std::to_string(most));
    }
}

/// The `found` first triplets with their signs fixed, zeros beyond.
inline TruncatedSvdResult svd_result(const TallSvd& svd, const SvdOptions& options) {
    TruncatedSvdResult result;
    const std::int64_t c = options.n_components;
    const std::int64_t found = std::min<std::int64_t>(c, static_cast<std::int64_t>(svd.singular_values.size()));
    result.singular_values.assign(static_cast<std::size_t>(c), 0.0);
    std::copy_n(svd.singular_values.begin(), found, result.singular_values.begin());
    const std::vector<double> signs = tall_signs(svd.v);
    const auto keep = [&](const Matrix<double>& from) {
        Matrix<float> to(from.rows(), c);
        for (std::int64_t i = 0; i < from.rows(); ++i) {
            for (std::int64_t j = 0; j < found; ++j) {
                to(i, j) = static_cast<float>(from(i, j) * signs[static_cast<std::size_t>(j)]);
            }
        }
        return to;
    };
    result.u = keep(svd.u);
    result.v = keep(svd.v);
    if (found < c) {
        result.run.warnings.push_back("truncated_svd: the matrix has numerical rank " + std::to_string(found) +
                                      "; components beyond it are zero");
    }
    result.run.iterations = options.n_iterations;
    return result;
}

}  // namespace detail

FILMATLAS_INLINE void validate(const SvdOptions& options) {
    const auto check = [](const char* field, int value, int least) {
        if (value < least) {
            throw_invalid("truncated_svd", field, "is " + std::to_string(value),
                          "use at least " + std::to_string(least));
        }
    };
    check("n_components", options.n_components, 1);
    check("n_iterations", options.n_iterations, 0);
    check("n_oversamples", options.n_oversamples, 0);
    check("num_threads", options.num_threads, 0);
}

FILMATLAS_INLINE TruncatedSvdResult truncated_svd(const CsrMatrix<float>& a, const SvdOptions& options,
                                                  const Progress& progress) {
    const auto start = std::chrono::steady_clock::now();
    detail::svd_check(a.rows, a.cols, options);
    const int threads = options.num_threads;
    const CsrMatrix<float> transposed = transpose(a, threads);
    const auto product = [threads]<class T>(const CsrMatrix<float>& matrix, const Matrix<T>& x) {
        Matrix<T> y(matrix.rows, x.cols());
        multiply_into<float, T>(matrix, x.view(), y.view(), threads);
        return y;
    };
    const std::int64_t width = std::min<std::int64_t>(
        std::min(a.rows, a.cols), std::int64_t{options.n_components} + options.n_oversamples);
    const detail::TallSvd svd = detail::tall_svd<true>(
        a.cols, width, options.n_iterations, options.seed, "truncated_svd", threads,
        [&]<class T>(const Matrix<T>& x) { return product(a, x); },
        [&]<class T>(const Matrix<T>& x) { return product(transposed, x); },
        [&](int round) { progress("truncated_svd", round, options.n_iterations + 1); });
    TruncatedSvdResult result = detail::svd_result(svd, options);
    result.run.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    return result;
}

FILMATLAS_INLINE TruncatedSvdResult truncated_svd(MatrixView<const float> a, const SvdOptions& options) {
    const auto start = std::chrono::steady_clock::now();
    detail::svd_check(a.rows, a.cols, options);
    // The principal axes about the origin. Up to 2,048 columns they come from A^T A, above from the iteration.
    detail::PcaCentre origin = detail::pca_centre(a, options.num_threads, "truncated_svd");
    std::fill(origin.mean.begin(), origin.mean.end(), 0.0F);
    const PcaOptions axes_options{.n_components = options.n_components,
                                  .seed = options.seed,
                                  .num_threads = options.num_threads,
                                  .n_iterations = std::max(options.n_iterations, 1)};
    detail::PcaAxes axes = a.cols <= detail::pca_full_dims
                               ? detail::pca_covariance(a, origin, options.n_components, options.num_threads)
                               : detail::pca_randomized(a, origin, axes_options);
    detail::TallSvd svd;
    // The products are rounded to float32: squares below its rounding are noise.
    const double floor = axes.squared.front() * 1e-12;
    while (svd.singular_values.size() < axes.squared.size() && axes.squared[svd.singular_values.size()] > floor) {
        svd.singular_values.push_back(std::sqrt(axes.squared[svd.singular_values.size()]));
    }
    const auto found = static_cast<std::int64_t>(svd.singular_values.size());
    svd.v = Matrix<double>(a.cols, found);
    Matrix<double> basis(found, a.cols);  // one row per direction, divided by its singular value
    for (std::int64_t i = 0; i < a.cols; ++i) {
        for (std::int64_t j = 0; j < found; ++j) {
            svd.v(i, j) = axes.directions(i, j);
            basis(j, i) = axes.directions(i, j) / svd.singular_values[static_cast<std::size_t>(j)];
        }
    }
    svd.u = detail::pca_project<double>(a, origin.mean, std::as_const(basis).view(), options.num_threads);
    TruncatedSvdResult result = detail::svd_result(svd, options);
    result.run.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    return result;
}

}  // namespace filmatlas
#endif  // FILMATLAS_LINALG_DETAIL_TRUNCATED_SVD_IMPL_HPP
