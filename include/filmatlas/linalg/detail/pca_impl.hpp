// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LINALG_DETAIL_PCA_IMPL_HPP
#define FILMATLAS_LINALG_DETAIL_PCA_IMPL_HPP

#include <algorithm>
#include <chrono>
#include <cmath>
#include <string>
#include <utility>

#include "filmatlas/core/error.hpp"
#include "filmatlas/linalg/detail/product_over_rows.hpp"
#include "filmatlas/linalg/detail/tall_block_impl.hpp"
#include "filmatlas/linalg/pca.hpp"

namespace filmatlas {
namespace detail {

inline constexpr std::int64_t pca_full_dims = 2048;

/// Column means and the mean squared deviation in total; float64, fixed chunks of rows.
struct PcaMoments {
    std::vector<double> mean;
    double squared_deviation = 0;  ///< summed over rows and columns
};

inline PcaMoments pca_moments(MatrixView<const float> x, int num_threads) {
    const std::int64_t n = x.rows;
    const std::int64_t d = x.cols;
    const std::int64_t chunks = std::clamp<std::int64_t>(n / 256, 1, 64);
    const std::int64_t chunk_rows = (n + chunks - 1) / chunks;
    std::vector<double> sums(static_cast<std::size_t>(chunks * d), 0.0);
    const auto each_row = [&](auto&& visit) {
        parallel_blocks(chunks, num_threads, [&](std::int64_t chunk, int) {
            for (std::int64_t i = chunk * chunk_rows; i < std::min(n, (chunk + 1) * chunk_rows); ++i)
                visit(chunk, i);
        });
    };
    each_row([&](std::int64_t chunk, std::int64_t i) {
        double* sum = sums.data() + chunk * d;
        const float* row = x.row_data(i);
        double check = 0;
        for (std::int64_t j = 0; j < d; ++j) {
            sum[j] += static_cast<double>(row[j]);
            check += std::abs(static_cast<double>(row[j]));
        }
        if (!std::isfinite(check)) {
            ErrorContext where;
            where.stage = "pca";
            where.row = i;
            throw Error(ErrorCode::InvalidArgument, std::move(where), "a value is not finite",
                        "mend or drop the row first");
        }
    });
    PcaMoments moments;
    moments.mean.assign(static_cast<std::size_t>(d), 0.0);
    for (std::int64_t chunk = 0; chunk < chunks; ++chunk) {
        const double* sum = sums.data() + chunk * d;
        for (std::int64_t j = 0; j < d; ++j) moments.mean[static_cast<std::size_t>(j)] += sum[j];
    }
    // Rounded to float32, as the result stores it, so that fitting and transforming centre by the same
    // values.
    for (double& mean : moments.mean)
        mean = static_cast<double>(static_cast<float>(mean / static_cast<double>(n)));
    std::vector<double> squares(static_cast<std::size_t>(chunks), 0.0);
    each_row([&](std::int64_t chunk, std::int64_t i) {
        const float* row = x.row_data(i);
        double total = 0;
        for (std::int64_t j = 0; j < d; ++j) {
            const double deviation = static_cast<double>(row[j]) - moments.mean[static_cast<std::size_t>(j)];
            total += deviation * deviation;
        }
        squares[static_cast<std::size_t>(chunk)] += total;
    });
    for (const double square : squares) moments.squared_deviation += square;
    return moments;
}

/// (x - mean) * basis^T for `basis` (c, d); `Out` is float or double.
template <class Out>
Matrix<Out> pca_project(MatrixView<const float> x, const std::vector<double>& mean,
                        MatrixView<const double> basis, int num_threads) {
    Matrix<Out> out(x.rows, basis.rows);
    if (out.empty()) return out;
    const Kernels& kernel = kernels();
    const PackedRows<double> right(basis, num_threads);
    constexpr std::int64_t panel = PackedRows<double>::panel_rows;
    parallel_for(x.rows, 16 * panel, num_threads, [&](std::int64_t begin, std::int64_t end) {
        const PackedRows<double> left(end - begin, x.cols, 1, [&](std::int64_t i, double* row) {
            const float* in = x.row_data(begin + i);
            for (std::int64_t j = 0; j < x.cols; ++j) {
                row[j] = static_cast<double>(in[j]) - mean[static_cast<std::size_t>(j)];
            }
        });
        const std::int64_t stride = right.panels() * panel;
        std::vector<double> strip(static_cast<std::size_t>(panel * stride));
        for (std::int64_t p = 0; p < left.panels(); ++p) {
            kernel.block_product_f64(left.panel(p), right.panel(0), static_cast<std::size_t>(x.cols),
                                     static_cast<std::size_t>(right.panels()), strip.data(),
                                     static_cast<std::size_t>(stride), false);
            for (std::int64_t r = 0; r < std::min(panel, left.rows() - p * panel); ++r) {
                Out* row = out.row_data(begin + p * panel + r);
                const double* products = strip.data() + r * stride;
                for (std::int64_t j = 0; j < basis.rows; ++j) row[j] = static_cast<Out>(products[j]);
            }
        }
    });
    return out;
}

inline Matrix<double> pca_transposed(const Matrix<double>& x) {
    Matrix<double> out(x.cols(), x.rows());
    for (std::int64_t i = 0; i < x.rows(); ++i) {
        for (std::int64_t j = 0; j < x.cols(); ++j) out(j, i) = x(i, j);
    }
    return out;
}

/// Leading directions as columns (d, c) and their squared singular values.
struct PcaAxes {
    Matrix<double> directions;
    std::vector<double> squared;
};

inline PcaAxes pca_covariance(MatrixView<const float> x, const std::vector<double>& mean, std::int64_t c,
                              int num_threads) {
    const std::int64_t d = x.cols;
    const auto value = [&](std::int64_t i, std::int64_t j) {
        return static_cast<double>(x(i, j)) - mean[static_cast<std::size_t>(j)];
    };
    const Matrix<double> scatter = product_over_rows(x.rows, d, d, true, num_threads, value, value);
    const Eigen::SelfAdjointEigenSolver<TallEigen> eigen(tall_to_eigen(scatter));
    PcaAxes axes{Matrix<double>(d, c), {}};
    for (std::int64_t j = 0; j < c; ++j) {
        axes.squared.push_back(std::max(0.0, eigen.eigenvalues()[d - 1 - j]));
        for (std::int64_t i = 0; i < d; ++i) axes.directions(i, j) = eigen.eigenvectors()(i, d - 1 - j);
    }
    return axes;
}

inline PcaAxes pca_randomized(MatrixView<const float> x, const std::vector<double>& mean,
                              const PcaOptions& options) {
    const std::int64_t d = x.cols;
    const std::int64_t c = options.n_components;
    const std::int64_t width = std::min<std::int64_t>({c + 10, x.rows, d});
    const TallSvd svd = tall_svd(
        d, width, options.n_iterations, options.seed, "pca", options.num_threads,
        [&](const Matrix<double>& q) {
            const Matrix<double> basis = pca_transposed(q);
            return pca_project<double>(x, mean, basis.view(), options.num_threads);
        },
        [&](const Matrix<double>& y) {
            return product_over_rows(
                x.rows, d, y.cols(), false, options.num_threads,
                [&](std::int64_t i, std::int64_t j) {
                    return static_cast<double>(x(i, j)) - mean[static_cast<std::size_t>(j)];
                },
                [&](std::int64_t i, std::int64_t j) { return y(i, j); });
        },
        [](int) {});
    PcaAxes axes{Matrix<double>(d, c), std::vector<double>(static_cast<std::size_t>(c), 0.0)};
    const std::int64_t found = std::min<std::int64_t>(c, svd.v.cols());
    for (std::int64_t j = 0; j < found; ++j) {
        const double value = svd.singular_values[static_cast<std::size_t>(j)];
        axes.squared[static_cast<std::size_t>(j)] = value * value;
        for (std::int64_t i = 0; i < d; ++i) axes.directions(i, j) = svd.v(i, j);
    }
    return axes;
}

}  // namespace detail

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
    const detail::PcaMoments moments = detail::pca_moments(x, options.num_threads);
    PcaResult result;
    const bool full = x.cols <= detail::pca_full_dims;
    result.method = full ? "covariance" : "randomized";
    const detail::PcaAxes axes = full ? detail::pca_covariance(x, moments.mean, c, options.num_threads)
                                      : detail::pca_randomized(x, moments.mean, options);
    result.mean.assign(moments.mean.begin(), moments.mean.end());
    const std::vector<double> signs = detail::tall_signs(axes.directions);
    result.components = Matrix<float>(c, x.cols);
    for (std::int64_t j = 0; j < c; ++j) {
        for (std::int64_t i = 0; i < x.cols; ++i) {
            const double value = axes.directions(i, j) * signs[static_cast<std::size_t>(j)];
            result.components(j, i) = static_cast<float>(value);
        }
        const double squared = axes.squared[static_cast<std::size_t>(j)];
        result.explained_variance.push_back(squared / static_cast<double>(x.rows - 1));
        const double total = moments.squared_deviation;
        result.explained_variance_ratio.push_back(total > 0 ? squared / total : 0.0);
    }
    result.transformed = pca_transform(result, x, options.num_threads);
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
    const std::vector<double> mean(model.mean.begin(), model.mean.end());
    const Matrix<double> basis(
        model.components.rows(), model.components.cols(),
        std::vector<double>(model.components.values().begin(), model.components.values().end()));
    return detail::pca_project<float>(x, mean, basis.view(), num_threads);
}

}  // namespace filmatlas
#endif  // FILMATLAS_LINALG_DETAIL_PCA_IMPL_HPP
