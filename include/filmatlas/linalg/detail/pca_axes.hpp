// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LINALG_DETAIL_PCA_AXES_HPP
#define FILMATLAS_LINALG_DETAIL_PCA_AXES_HPP

// The leading axes of dense rows about a centre: what PCA and the SVD of dense matrices share.

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "filmatlas/linalg/detail/leading_eigen_impl.hpp"
#include "filmatlas/linalg/detail/product_over_rows.hpp"
#include "filmatlas/linalg/detail/tall_block_impl.hpp"
#include "filmatlas/linalg/pca.hpp"

namespace filmatlas::detail {


inline constexpr std::int64_t pca_full_dims = 2048;

/// Column means, rounded to float32 as the result stores them, so that fitting and transforming centre by the same
/// values; and a power of two that brings every value below 1, so that float32 products cannot overflow.
struct PcaCentre {
    std::vector<float> mean;
    float scale = 1;
};

inline PcaCentre pca_centre(MatrixView<const float> x, int num_threads, const char* stage = "pca") {
    const std::int64_t n = x.rows;
    const std::int64_t d = x.cols;
    const std::int64_t chunks = std::clamp<std::int64_t>(n / 256, 1, 64);
    const std::int64_t chunk_rows = (n + chunks - 1) / chunks;
    std::vector<double> sums(static_cast<std::size_t>(chunks * d), 0.0);
    std::vector<float> peaks(static_cast<std::size_t>(chunks * d), 0.0F);
    parallel_blocks(chunks, num_threads, [&](std::int64_t chunk, int) {
        double* sum = sums.data() + chunk * d;
        float* peak = peaks.data() + chunk * d;
        for (std::int64_t i = chunk * chunk_rows; i < std::min(n, (chunk + 1) * chunk_rows); ++i) {
            const float* row = x.row_data(i);
            for (std::int64_t j = 0; j < d; ++j) {
                sum[j] += static_cast<double>(row[j]);
                const float size = std::abs(row[j]);
                peak[j] = peak[j] > size ? peak[j] : size;
            }
        }
    });
    PcaCentre centre;
    centre.mean.reserve(static_cast<std::size_t>(d));
    double check = 0;
    float largest = 0;
    for (std::int64_t j = 0; j < d; ++j) {
        double total = 0;
        for (std::int64_t chunk = 0; chunk < chunks; ++chunk) {
            total += sums[static_cast<std::size_t>(chunk * d + j)];
            largest = std::max(largest, peaks[static_cast<std::size_t>(chunk * d + j)]);
        }
        check += std::abs(total);  // NaN and infinity in any value end up here
        centre.mean.push_back(static_cast<float>(total / static_cast<double>(n)));
    }
    if (!std::isfinite(check)) {
        const auto bad = [&](std::int64_t i) {
            return !std::all_of(x.row_data(i), x.row_data(i) + d, [](float v) { return std::isfinite(v); });
        };
        ErrorContext where;
        where.stage = stage;
        where.row = 0;
        while (where.row + 1 < n && !bad(where.row)) ++where.row;
        throw Error(ErrorCode::InvalidArgument, std::move(where), "a value is not finite",
                    "mend or drop the row first");
    }
    int exponent = 0;
    std::frexp(largest, &exponent);
    centre.scale = std::ldexp(1.0F, std::clamp(-exponent - 1, -126, 126));
    return centre;
}

inline double pca_squared_deviation(MatrixView<const float> x, const std::vector<float>& mean, int num_threads) {
    std::vector<double> squares(static_cast<std::size_t>(x.rows), 0.0);
    parallel_for(x.rows, 64, num_threads, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i) {
            for (std::int64_t j = 0; j < x.cols; ++j) {
                const double deviation =
                    static_cast<double>(x(i, j)) - static_cast<double>(mean[static_cast<std::size_t>(j)]);
                squares[static_cast<std::size_t>(i)] += deviation * deviation;
            }
        }
    });
    return std::accumulate(squares.begin(), squares.end(), 0.0);
}

inline void pca_strip(const Kernels& kernel, const float* left, const PackedRows<float>& right, float* strip) {
    const auto panels = static_cast<std::size_t>(right.panels());
    kernel.block_product(left, right.panel(0), static_cast<std::size_t>(right.cols()), panels, strip,
                         panels * PackedRows<float>::panel_rows);
}
inline void pca_strip(const Kernels& kernel, const double* left, const PackedRows<double>& right, double* strip) {
    const auto panels = static_cast<std::size_t>(right.panels());
    kernel.block_product_f64(left, right.panel(0), static_cast<std::size_t>(right.cols()), panels, strip,
                             panels * PackedRows<double>::panel_rows, false);
}

/// (x - mean) * basis^T for `basis` (c, d); T is float or double.
template <class T>
Matrix<T> pca_project(MatrixView<const float> x, const std::vector<float>& mean, MatrixView<const T> basis,
                      int num_threads) {
    Matrix<T> out(x.rows, basis.rows);
    if (out.empty()) return out;
    const Kernels& kernel = kernels();
    const PackedRows<T> right(basis, num_threads);
    constexpr std::int64_t panel = PackedRows<T>::panel_rows;
    parallel_for(x.rows, 16 * panel, num_threads, [&](std::int64_t begin, std::int64_t end) {
        const PackedRows<T> left(end - begin, x.cols, 1, [&](std::int64_t i, T* row) {
            const float* in = x.row_data(begin + i);
            for (std::int64_t j = 0; j < x.cols; ++j) {
                row[j] = static_cast<T>(in[j]) - static_cast<T>(mean[static_cast<std::size_t>(j)]);
            }
        });
        const std::int64_t stride = right.panels() * panel;
        std::vector<T> strip(static_cast<std::size_t>(panel * stride));
        for (std::int64_t p = 0; p < left.panels(); ++p) {
            pca_strip(kernel, left.panel(p), right, strip.data());
            for (std::int64_t r = 0; r < std::min(panel, left.rows() - p * panel); ++r) {
                std::copy_n(strip.data() + r * stride, basis.rows, out.row_data(begin + p * panel + r));
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

/// Leading directions as columns (d, c), their squared singular values, and the squares of all deviations.
struct PcaAxes {
    Matrix<double> directions;
    std::vector<double> squared;
    double total = 0;
};

inline PcaAxes pca_covariance(MatrixView<const float> x, const PcaCentre& centre, std::int64_t c, int num_threads) {
    const std::int64_t d = x.cols;
    const Matrix<double> scatter = scatter_of_rows(x.rows, d, num_threads, [&](std::int64_t i, float* out) {
        const float* row = x.row_data(i);
        for (std::int64_t j = 0; j < d; ++j) {
            out[j] = row[j] * centre.scale - centre.mean[static_cast<std::size_t>(j)] * centre.scale;
        }
    });
    const LeadingEigen eigen = leading_eigen(Eigen::Map<const Eigen::MatrixXd>(scatter.data(), d, d), c);
    const double unscale = 1 / (static_cast<double>(centre.scale) * static_cast<double>(centre.scale));
    PcaAxes axes{Matrix<double>(d, c), {}};
    for (std::int64_t j = 0; j < d; ++j) axes.total += scatter(j, j) * unscale;
    for (std::int64_t j = 0; j < c; ++j) {
        axes.squared.push_back(std::max(0.0, eigen.values[static_cast<std::size_t>(j)]) * unscale);
        for (std::int64_t i = 0; i < d; ++i) axes.directions(i, j) = eigen.vectors(i, j);
    }
    return axes;
}

inline PcaAxes pca_randomized(MatrixView<const float> x, const PcaCentre& centre, const PcaOptions& options) {
    const std::int64_t d = x.cols;
    const std::int64_t c = options.n_components;
    const std::int64_t width = std::min<std::int64_t>({c + 10, x.rows, d});
    const TallSvd svd = tall_svd<false>(
        d, width, options.n_iterations, options.seed, "pca", options.num_threads,
        [&](const Matrix<double>& q) {
            const Matrix<double> basis = pca_transposed(q);
            return pca_project<double>(x, centre.mean, basis.view(), options.num_threads);
        },
        [&](const Matrix<double>& y) {
            return product_over_rows(
                x.rows, d, y.cols(), false, options.num_threads,
                [&](std::int64_t i, std::int64_t j) {
                    return static_cast<double>(x(i, j)) -
                           static_cast<double>(centre.mean[static_cast<std::size_t>(j)]);
                },
                [&](std::int64_t i, std::int64_t j) { return y(i, j); });
        },
        [](int) {});
    PcaAxes axes{Matrix<double>(d, c), std::vector<double>(static_cast<std::size_t>(c), 0.0),
                 pca_squared_deviation(x, centre.mean, options.num_threads)};
    const std::int64_t found = std::min<std::int64_t>(c, svd.v.cols());
    for (std::int64_t j = 0; j < found; ++j) {
        const double value = svd.singular_values[static_cast<std::size_t>(j)];
        axes.squared[static_cast<std::size_t>(j)] = value * value;
        for (std::int64_t i = 0; i < d; ++i) axes.directions(i, j) = svd.v(i, j);
    }
    return axes;
}

}  // namespace filmatlas::detail
#endif  // FILMATLAS_LINALG_DETAIL_PCA_AXES_HPP
