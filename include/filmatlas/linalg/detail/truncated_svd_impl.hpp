// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LINALG_DETAIL_TRUNCATED_SVD_IMPL_HPP
#define FILMATLAS_LINALG_DETAIL_TRUNCATED_SVD_IMPL_HPP

#include <algorithm>
#include <chrono>
#include <string>

#include "filmatlas/core/error.hpp"
#include "filmatlas/linalg/detail/tall_block_impl.hpp"
#include "filmatlas/linalg/sparse.hpp"
#include "filmatlas/linalg/truncated_svd.hpp"

namespace filmatlas {

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
    validate(options);
    const std::int64_t most = std::min(a.rows, a.cols);
    if (most < 1) throw_shape("truncated_svd", "the matrix is empty");
    if (options.n_components > most) {
        throw_invalid("truncated_svd", "n_components",
                      "is " + std::to_string(options.n_components) + " for a matrix of " +
                          std::to_string(a.rows) + " x " + std::to_string(a.cols),
                      "use at most " + std::to_string(most));
    }
    const int threads = options.num_threads;
    const CsrMatrix<float> transposed = transpose(a, threads);
    const auto product = [threads](const CsrMatrix<float>& matrix, const Matrix<double>& x) {
        Matrix<double> y(matrix.rows, x.cols());
        multiply_into<float, double>(matrix, x.view(), y.view(), threads);
        return y;
    };
    const std::int64_t width =
        std::min<std::int64_t>(most, std::int64_t{options.n_components} + options.n_oversamples);
    const detail::TallSvd svd = detail::tall_svd(
        a.cols, width, options.n_iterations, options.seed, "truncated_svd", threads,
        [&](const Matrix<double>& x) { return product(a, x); },
        [&](const Matrix<double>& x) { return product(transposed, x); },
        [&](int round) { progress("truncated_svd", round, options.n_iterations + 1); });

    TruncatedSvdResult result;
    const std::int64_t c = options.n_components;
    const std::int64_t found =
        std::min<std::int64_t>(c, static_cast<std::int64_t>(svd.singular_values.size()));
    result.singular_values.assign(static_cast<std::size_t>(c), 0.0);
    std::copy_n(svd.singular_values.begin(), found, result.singular_values.begin());
    const std::vector<double> signs = detail::tall_signs(svd.v);
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
        result.run.warnings.push_back("truncated_svd: the matrix has numerical rank " +
                                      std::to_string(found) + "; components beyond it are zero");
    }
    result.run.iterations = options.n_iterations;
    result.run.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    return result;
}

}  // namespace filmatlas
#endif  // FILMATLAS_LINALG_DETAIL_TRUNCATED_SVD_IMPL_HPP
