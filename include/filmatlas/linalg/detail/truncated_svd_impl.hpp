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
#include "filmatlas/linalg/detail/krylov_impl.hpp"
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
template <class T>
TruncatedSvdResult svd_result(const TallTriplets<T>& svd, const SvdOptions& options) {
    TruncatedSvdResult result;
    const std::int64_t c = options.n_components;
    const std::int64_t found = std::min<std::int64_t>(c, static_cast<std::int64_t>(svd.singular_values.size()));
    result.singular_values.assign(static_cast<std::size_t>(c), 0.0);
    std::copy_n(svd.singular_values.begin(), found, result.singular_values.begin());
    const std::vector<double> signs = tall_signs(svd.v);
    const auto keep = [&](const Matrix<T>& from) {
        Matrix<float> to(from.rows(), c);
        parallel_for(from.rows(), 512, options.num_threads, [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t i = begin; i < end; ++i) {
                const T* row = from.row_data(i);
                float* out = to.row_data(i);
                for (std::int64_t j = 0; j < found; ++j)
                    out[j] = static_cast<float>(row[j] * static_cast<T>(signs[static_cast<std::size_t>(j)]));
            }
        });
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

/// Of the triplets of A, or with `swapped` of A^T.
template <class T>
TruncatedSvdResult svd_finish(TallTriplets<T> svd, bool swapped, const SvdOptions& options) {
    if (swapped) std::swap(svd.u, svd.v);
    return svd_result(svd, options);
}

/// The leading triplets of a sparse matrix: a Krylov basis of A A^T or A^T A, whichever is smaller, in float32, then the
/// triplets of A on it in float64.
inline TruncatedSvdResult svd_sparse(const CsrMatrix<float>& matrix, const SvdOptions& options, const Progress& progress) {
    const int threads = options.num_threads;
    // Squares of values far from 1 would leave the range of float32.
    float largest = 0;
    for (const float value : matrix.values) largest = std::max(largest, std::abs(value));
    CsrMatrix<float> scaled;
    int exponent = 0;
    if (largest > 0 && (largest < 1e-6F || largest > 1e6F)) {
        std::frexp(largest, &exponent);
        scaled = matrix;
        for (float& value : scaled.values) value = std::ldexp(value, -exponent);
    }
    const CsrMatrix<float>& a = exponent != 0 ? scaled : matrix;
    const CsrMatrix<float> transposed = transpose(a, threads);
    const bool wide = a.rows <= a.cols;
    const CsrMatrix<float>& back = wide ? a : transposed;  // (small, large)
    const CsrMatrix<float>& out = wide ? transposed : a;
    const auto product = [threads]<class T>(const CsrMatrix<float>& by, const Matrix<T>& x) {
        Matrix<T> y(by.rows, x.cols());
        multiply_into<float, T>(by, x.view(), y.view(), threads);
        return y;
    };
    const std::int64_t small = back.rows;
    const std::int64_t width =
        std::min<std::int64_t>(small, std::int64_t{options.n_components} + options.n_oversamples);
    const KrylovPlan plan = krylov_plan(small, width, options.n_iterations);
    TruncatedSvdResult result;
    if (plan.whole) {
        Matrix<double> basis(small, small);
        for (std::int64_t i = 0; i < small; ++i) basis(i, i) = 1;
        result = svd_finish(tall_ritz(basis, product(out, basis), threads), wide, options);
    } else {
        const Matrix<float> basis = krylov_leading(
            small, width, plan, options.seed, threads,
            [&](const Matrix<float>& x) { return product(back, product(out, x)); },
            [&](std::int64_t step) { progress("truncated_svd", step, plan.steps + 1); });
        const Matrix<double> image = product(out, tall_converted<double>(basis));
        result = svd_finish(tall_ritz_float(basis, image, options.n_components, threads), wide, options);
    }
    progress("truncated_svd", plan.steps + 1, plan.steps + 1);
    for (double& value : result.singular_values) value = std::ldexp(value, exponent);
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
    TruncatedSvdResult result = detail::svd_sparse(a, options, progress);
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
    detail::PcaAxes axes;
    if (a.cols <= detail::pca_full_dims) {
        const detail::PcaMoments moments{origin, detail::pca_scatter(a, origin, options.num_threads)};
        axes = detail::pca_covariance(moments, options.n_components, options.num_threads, [] {});
    } else {
        axes = detail::pca_randomized(a, origin, axes_options);
    }
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
