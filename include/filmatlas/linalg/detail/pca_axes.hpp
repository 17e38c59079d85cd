// SPDX-License-Identifier: MIT
// Before the guard: in header-only use this brings bodies that need what stands below.
#include "filmatlas/linalg/pca.hpp"

#ifndef FILMATLAS_LINALG_DETAIL_PCA_AXES_HPP
#define FILMATLAS_LINALG_DETAIL_PCA_AXES_HPP

// The leading axes of dense rows about a centre: what PCA and the SVD of dense matrices share.

#include <algorithm>
#include <cmath>
#include <map>
#include <mutex>
#include <numeric>
#include <type_traits>
#include <utility>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "filmatlas/linalg/detail/leading_eigen_impl.hpp"
#include "filmatlas/linalg/detail/product_over_rows.hpp"
#include "filmatlas/linalg/detail/tall_block_impl.hpp"

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

/// Products of a panel of rows with panels [first, last) of `right`.
inline void pca_strip(const Kernels& kernel, const float* left, const PackedRows<float>& right, std::int64_t first,
                      std::int64_t last, float* out, std::int64_t stride) {
    if (first == last) return;
    kernel.block_product(left, right.panel(first), static_cast<std::size_t>(right.cols()), static_cast<std::size_t>(last - first),
                         out, static_cast<std::size_t>(stride));
}
inline void pca_strip(const Kernels& kernel, const double* left, const PackedRows<double>& right, std::int64_t first,
                      std::int64_t last, double* out, std::int64_t stride) {
    if (first == last) return;
    kernel.block_product_f64(left, right.panel(first), static_cast<std::size_t>(right.cols()),
                             static_cast<std::size_t>(last - first), out, static_cast<std::size_t>(stride), false);
}

/// A panel of rows, row r at x + r * stride, centred: out[column * panel + r]; zeros where there is no row.
template <class T>
void pca_pack(const float* x, std::int64_t stride, std::int64_t rows, const float* mean, std::int64_t cols, T* out) {
    constexpr std::int64_t panel = PackedRows<T>::panel_rows;
    if constexpr (std::is_same_v<T, float>) {
        if (rows == panel) {
            dense_kernels().shifted_rows(x, static_cast<std::size_t>(stride), static_cast<std::size_t>(cols), mean, out);
            return;
        }
    }
    if (rows < panel) std::fill_n(out, panel * cols, T{0});
    for (std::int64_t j = 0; j < cols; ++j) {
        for (std::int64_t r = 0; r < rows; ++r)
            out[j * panel + r] = static_cast<T>(x[r * stride + j]) - static_cast<T>(mean[j]);
    }
}

/// (x - mean) * basis^T for `basis` (c, d) into `out` (n, c); T is float or double.
template <class T>
void pca_project_into(MatrixView<const float> x, const std::vector<float>& mean, MatrixView<const T> basis, Matrix<T>& out,
                      int num_threads) {
    if (out.empty()) return;
    const Kernels& kernel = kernels();
    const PackedRows<T> right(basis, 1);
    constexpr std::int64_t panel = PackedRows<T>::panel_rows;
    const std::int64_t whole = basis.rows / panel;  // panels whose columns all belong to `out`
    parallel_for(x.rows, 16 * panel, num_threads, [&](std::int64_t begin, std::int64_t end) {
        std::vector<T> left(static_cast<std::size_t>(panel * x.cols));
        std::vector<T> strip(static_cast<std::size_t>(panel * panel * right.panels()));
        for (std::int64_t i = begin; i < end; i += panel) {
            const std::int64_t rows = std::min(panel, end - i);
            pca_pack(x.row_data(i), x.stride, rows, mean.data(), x.cols, left.data());
            const std::int64_t direct = rows == panel ? whole : 0;
            pca_strip(kernel, left.data(), right, 0, direct, out.row_data(i), out.cols());
            const std::int64_t first = direct * panel;
            const std::int64_t stride = right.panels() * panel - first;
            pca_strip(kernel, left.data(), right, direct, right.panels(), strip.data(), stride);
            for (std::int64_t r = 0; r < rows; ++r)
                std::copy_n(strip.data() + r * stride, basis.rows - first, out.row_data(i + r) + first);
        }
    });
}

template <class T>
Matrix<T> pca_project(MatrixView<const float> x, const std::vector<float>& mean, MatrixView<const T> basis,
                      int num_threads) {
    Matrix<T> out(x.rows, basis.rows);
    pca_project_into(x, mean, basis, out, num_threads);
    return out;
}

inline Matrix<double> pca_transposed(const Matrix<double>& x) {
    Matrix<double> out(x.cols(), x.rows());
    for (std::int64_t i = 0; i < x.rows(); ++i) {
        for (std::int64_t j = 0; j < x.cols(); ++j) out(j, i) = x(i, j);
    }
    return out;
}

/// Rows [begin, begin + depth) times `scale` less `shift`, as `scatter_of_panels` wants them; their sums onto `sums`. `shift`
/// and `sums` are padded to a multiple of 16.
inline void pca_pack_columns(MatrixView<const float> x, float scale, const float* shift, std::int64_t begin,
                             std::int64_t depth, float* out, double* sums) {
    constexpr auto panel = static_cast<std::int64_t>(panel_rows_f32);
    constexpr std::int64_t group = 16;  // rows that stay in the first-level cache
    const DenseKernels& dense = dense_kernels();
    for (std::int64_t first = 0; first < depth; first += group) {
        const std::int64_t rows = std::min(depth - first, group);
        for (std::int64_t j = 0; j < x.cols; j += panel) {
            float* to = out + (j * depth / panel + first) * panel;
            const float* from = x.row_data(begin + first) + j;
            std::int64_t stride = x.stride;
            float padded[group * panel] = {};
            if (j + panel > x.cols) {
                for (std::int64_t i = 0; i < rows; ++i) std::copy_n(from + i * stride, x.cols - j, padded + i * panel);
                from = padded;
                stride = panel;
            }
            dense.shifted_columns(from, static_cast<std::size_t>(stride), static_cast<std::size_t>(rows), scale, shift + j, to,
                                  sums + j);
        }
    }
}

inline std::size_t pca_padded(std::int64_t cols) {
    return (static_cast<std::size_t>(cols) + panel_rows_f32 - 1) / panel_rows_f32 * panel_rows_f32;
}

/// The centre in the scatter's scale, padded.
inline std::vector<float> pca_shift(const PcaCentre& centre) {
    std::vector<float> shift = centre.mean;
    for (float& value : shift) value *= centre.scale;
    shift.resize(pca_padded(static_cast<std::int64_t>(shift.size())), 0.0F);
    return shift;
}

/// The rows' centre, and the sums of products of their deviations times `scale`.
struct PcaMoments {
    PcaCentre centre;
    Matrix<double> scatter;
};

inline Matrix<double> pca_scatter(MatrixView<const float> x, const PcaCentre& centre, int num_threads) {
    const std::vector<float> shift = pca_shift(centre);
    return scatter_of_panels(x.rows, x.cols, num_threads, [&](std::int64_t begin, std::int64_t depth, float* out) {
        std::vector<double> unused(shift.size(), 0.0);
        pca_pack_columns(x, centre.scale, shift.data(), begin, depth, out, unused.data());
    });
}

/// Both in one pass over many rows: deviations are taken from the mean of a sample, and what that is off is taken out at the
/// end. False where the sample stands so badly for the rows that this would cost accuracy, or values are not finite.
inline bool pca_moments_fast(MatrixView<const float> x, int num_threads, PcaMoments& out) {
    constexpr std::int64_t samples = 256;
    const std::int64_t d = x.cols;
    const double n = static_cast<double>(x.rows);
    std::vector<float> sample;
    sample.reserve(static_cast<std::size_t>(samples * d));
    for (std::int64_t i = 0; i < samples; ++i) {
        const float* row = x.row_data(i * x.rows / samples);
        sample.insert(sample.end(), row, row + d);
    }
    const MatrixView<const float> drawn(sample.data(), samples, d);
    if (!std::all_of(sample.begin(), sample.end(), [](float v) { return std::isfinite(v); })) return false;
    out.centre = pca_centre(drawn, 1);
    const float scale = out.centre.scale;
    const std::vector<float> shift = pca_shift(out.centre);
    // One row of sums per call of `pack`, whose cuts are fixed; added in the rows' order.
    std::map<std::int64_t, std::vector<double>> sums;
    std::mutex mutex;
    out.scatter = scatter_of_panels(x.rows, d, num_threads, [&](std::int64_t begin, std::int64_t depth, float* packed) {
        std::vector<double> sum(shift.size(), 0.0);
        pca_pack_columns(x, scale, shift.data(), begin, depth, packed, sum.data());
        const std::lock_guard lock(mutex);
        sums.emplace(begin, std::move(sum));
    });
    std::vector<double> off(static_cast<std::size_t>(d), 0.0);
    for (const auto& [begin, sum] : sums) {
        for (std::size_t j = 0; j < off.size(); ++j) off[j] += sum[j];
    }
    double trace = 0;
    double taken = 0;
    for (std::int64_t j = 0; j < d; ++j) {
        double& mean = off[static_cast<std::size_t>(j)];
        mean /= n;
        trace += out.scatter(j, j);
        taken += n * mean * mean;
    }
    if (!(trace < 1e30 && trace > 1e-20 && taken < 0.1 * trace)) return false;
    for (std::int64_t i = 0; i < d; ++i) {
        const double left = n * off[static_cast<std::size_t>(i)];
        for (std::int64_t j = 0; j < d; ++j) out.scatter(i, j) -= left * off[static_cast<std::size_t>(j)];
        float& mean = out.centre.mean[static_cast<std::size_t>(i)];
        mean = static_cast<float>((static_cast<double>(shift[static_cast<std::size_t>(i)]) + off[static_cast<std::size_t>(i)]) /
                                  static_cast<double>(scale));
    }
    return true;
}

inline PcaMoments pca_moments(MatrixView<const float> x, int num_threads) {
    PcaMoments out;
    if (x.rows >= 4096 && pca_moments_fast(x, num_threads, out)) return out;
    out.centre = pca_centre(x, num_threads);
    out.scatter = pca_scatter(x, out.centre, num_threads);
    return out;
}

/// Leading directions as columns (d, c), their squared singular values, and the squares of all deviations.
struct PcaAxes {
    Matrix<double> directions;
    std::vector<double> squared;
    double total = 0;
};

/// `meanwhile` runs beside the serial part of the work.
template <class Meanwhile>
PcaAxes pca_covariance(const PcaMoments& moments, std::int64_t c, int num_threads, Meanwhile&& meanwhile) {
    const Matrix<double>& scatter = moments.scatter;
    const std::int64_t d = scatter.rows();
    LeadingEigen eigen;
    if (leading_needs_all(d, c)) {
        meanwhile();
        eigen = leading_eigen_full(scatter, c);
    } else {
        LeadingTridiagonal reduced;
        parallel_blocks(2, num_threads, [&](std::int64_t task, int) {
            if (task == 0) reduced = leading_tridiagonal(scatter);
            if (task == 1) meanwhile();
        });
        eigen = leading_eigen(scatter, reduced, c, num_threads);
    }
    const double unscale =
        1 / (static_cast<double>(moments.centre.scale) * static_cast<double>(moments.centre.scale));
    PcaAxes axes{std::move(eigen.vectors), {}};
    for (std::int64_t j = 0; j < d; ++j) axes.total += scatter(j, j) * unscale;
    for (std::int64_t j = 0; j < c; ++j)
        axes.squared.push_back(std::max(0.0, eigen.values[static_cast<std::size_t>(j)]) * unscale);
    return axes;
}

inline PcaAxes pca_randomized(MatrixView<const float> x, const PcaCentre& centre, const PcaOptions& options) {
    const std::int64_t d = x.cols;
    const std::int64_t c = options.n_components;
    const std::int64_t width = std::min<std::int64_t>({c + 10, x.rows, d});
    const TallSvd svd = tall_svd(
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
        });
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
