// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LINALG_DETAIL_KRYLOV_IMPL_HPP
#define FILMATLAS_LINALG_DETAIL_KRYLOV_IMPL_HPP

// Block Lanczos with full reorthogonalisation on a symmetric operator, in float32: a basis that holds its largest
// eigenvectors (Golub & Underwood, 1977; Musco & Musco, 2015). It keeps every block that a power iteration throws away,
// which costs dense products, cheap on the kernels, and saves most of the sparse ones.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "filmatlas/core/parallel.hpp"
#include "filmatlas/core/random.hpp"
#include "filmatlas/linalg/block_product.hpp"
#include "filmatlas/linalg/detail/leading_eigen_impl.hpp"
#include "filmatlas/linalg/detail/product_over_rows.hpp"

namespace filmatlas::detail {

/// Sizes of a block Krylov basis for the `width` largest eigenvectors of a matrix of order `n`.
struct KrylovPlan {
    std::int64_t block = 0;  ///< columns per step, a multiple of 16
    std::int64_t steps = 0;
    bool whole = false;  ///< the basis would hold most of the space: take all of it
};

/// `effort`: 0 gives a basis as wide as is wanted; each unit adds half of that, and a step at least.
inline KrylovPlan krylov_plan(std::int64_t n, std::int64_t width, std::int64_t effort) {
    KrylovPlan plan;
    plan.block = std::clamp<std::int64_t>(width / 8 / 16 * 16, 16, 64);
    plan.steps = std::max(effort + 1, (width * (effort + 2) / 2 + plan.block - 1) / plan.block);
    plan.whole = plan.block * plan.steps >= n - n / 4;
    return plan;
}

/// Orthonormal columns (n, m) that grow by blocks, held twice: as panels of 16 columns for products over the rows, and
/// as panels of 16 rows for products over the columns.
class KrylovBasis {
public:
    KrylovBasis(std::int64_t rows, std::int64_t most, std::int64_t block, int num_threads)
        : rows_(rows), groups_((rows + panel - 1) / panel), most_(most), block_(block), threads_(num_threads),
          by_columns_(static_cast<std::size_t>(rows * most)), by_rows_(static_cast<std::size_t>(groups_ * most * panel)) {}

    std::int64_t cols() const { return cols_; }

    void append(const Matrix<float>& x) {
        parallel_for(groups_, 64, threads_, [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t i = begin * panel; i < std::min(rows_, end * panel); ++i) {
                const float* row = x.row_data(i);
                float* across = by_rows_.data() + i / panel * most_ * panel + cols_ * panel + i % panel;
                for (std::int64_t p = 0; p < block_ / panel; ++p)
                    std::copy_n(row + p * panel, panel, by_columns_.data() + ((cols_ / panel + p) * rows_ + i) * panel);
                for (std::int64_t j = 0; j < block_; ++j) across[j * panel] = row[j];
            }
        });
        cols_ += block_;
    }

    /// Q^T X for the columns of Q from `first` on: (cols - first, block). float32 products of 256 rows, summed in
    /// float64 over fixed chunks.
    Matrix<double> overlap(const Matrix<float>& x, std::int64_t first) const {
        const Kernels& kernel = kernels();
        const DenseKernels& dense = dense_kernels();
        constexpr std::int64_t slice = 256;
        const std::int64_t chunks = std::clamp<std::int64_t>(rows_ / 1024, 1, 32);
        const std::int64_t chunk_rows = (rows_ + chunks - 1) / chunks;
        std::vector<Matrix<double>> sums(static_cast<std::size_t>(chunks));
        parallel_blocks(chunks, threads_, [&](std::int64_t chunk, int) {
            Matrix<double> sum(cols_ - first, block_);
            std::vector<float> packed(static_cast<std::size_t>(slice * block_));
            std::vector<float> strip(static_cast<std::size_t>(panel * block_));
            const std::int64_t last = std::min(rows_, (chunk + 1) * chunk_rows);
            for (std::int64_t begin = chunk * chunk_rows; begin < last; begin += slice) {
                const std::int64_t depth = std::min(slice, last - begin);
                for (std::int64_t p = 0; p < block_ / panel; ++p) {
                    for (std::int64_t i = 0; i < depth; ++i)
                        std::copy_n(x.row_data(begin + i) + p * panel, panel, packed.data() + (p * depth + i) * panel);
                }
                for (std::int64_t q = first / panel; q < cols_ / panel; ++q) {
                    kernel.block_product(by_columns_.data() + (q * rows_ + begin) * panel, packed.data(),
                                         static_cast<std::size_t>(depth), static_cast<std::size_t>(block_ / panel),
                                         strip.data(), static_cast<std::size_t>(block_));
                    dense.add_float(strip.data(), sum.row_data(q * panel - first), strip.size());
                }
            }
            sums[static_cast<std::size_t>(chunk)] = std::move(sum);
        });
        for (std::size_t chunk = 1; chunk < sums.size(); ++chunk) {
            for (std::size_t e = 0; e < sums[0].values().size(); ++e) sums[0].values()[e] += sums[chunk].values()[e];
        }
        return std::move(sums[0]);
    }

    /// X -= Q C for the columns of Q from `first` on.
    void subtract(Matrix<float>& x, const Matrix<double>& c, std::int64_t first) const {
        const std::vector<float> packed = columns_of(c);
        over_rows(c.rows(), block_, packed, first, [&](std::int64_t i, const float* product) {
            float* row = x.row_data(i);
            for (std::int64_t j = 0; j < block_; ++j) row[j] -= product[j];
        });
    }

    /// Q C.
    Matrix<float> combine(const Matrix<double>& c) const {
        Matrix<float> out(rows_, c.cols());
        over_rows(c.rows(), (c.cols() + panel - 1) / panel * panel, columns_of(c), 0,
                  [&](std::int64_t i, const float* product) { std::copy_n(product, c.cols(), out.row_data(i)); });
        return out;
    }

private:
    static constexpr auto panel = static_cast<std::int64_t>(panel_rows_f32);

    static std::vector<float> columns_of(const Matrix<double>& c) {
        std::vector<float> packed(static_cast<std::size_t>((c.cols() + panel - 1) / panel * c.rows() * panel), 0.0F);
        for (std::int64_t k = 0; k < c.rows(); ++k) {
            for (std::int64_t j = 0; j < c.cols(); ++j)
                packed[static_cast<std::size_t>((j / panel * c.rows() + k) * panel + j % panel)] = static_cast<float>(c(k, j));
        }
        return packed;
    }

    template <class Take>
    void over_rows(std::int64_t depth, std::int64_t width, const std::vector<float>& packed, std::int64_t first,
                   Take&& take) const {
        const Kernels& kernel = kernels();
        parallel_for(groups_, 16, threads_, [&](std::int64_t begin, std::int64_t end) {
            std::vector<float> strip(static_cast<std::size_t>(panel * width));
            for (std::int64_t g = begin; g < end; ++g) {
                kernel.block_product(by_rows_.data() + (g * most_ + first) * panel, packed.data(),
                                     static_cast<std::size_t>(depth), static_cast<std::size_t>(width / panel), strip.data(),
                                     static_cast<std::size_t>(width));
                for (std::int64_t i = g * panel; i < std::min(rows_, (g + 1) * panel); ++i)
                    take(i, strip.data() + i % panel * width);
            }
        });
    }

    std::int64_t rows_, groups_, most_, block_;
    int threads_;
    std::int64_t cols_ = 0;
    std::vector<float> by_columns_;  // [16 columns][row][column]
    std::vector<float> by_rows_;     // [16 rows][column][row]
};

/// Makes the columns orthonormal (Cholesky of their products). Columns that are dependent on those before, or shorter than
/// 3e-5 of what they were (`removed`: the squares that were taken out), are named instead, and nothing is done.
inline std::vector<std::int64_t> krylov_orthonormal(Matrix<float>& x, const std::vector<double>& removed, int num_threads) {
    const std::int64_t c = x.cols();
    const Matrix<double> products =
        scatter_of_rows(x.rows(), c, num_threads, [&](std::int64_t i, float* out) { std::copy_n(x.row_data(i), c, out); });
    std::vector<std::int64_t> bad;
    Matrix<double> lower(c, c);  // of the scaled products
    std::vector<double> scale(static_cast<std::size_t>(c), 0.0);
    for (std::int64_t j = 0; j < c; ++j) {
        const auto at = static_cast<std::size_t>(j);
        const double square = products(j, j);
        if (square > 1e-30 && std::isfinite(square) && square > 1e-9 * removed[at]) scale[at] = 1 / std::sqrt(square);
        double pivot = scale[at] > 0 ? 1 : 0;
        for (std::int64_t k = 0; k < j; ++k) {
            double value = products(j, k) * scale[at] * scale[static_cast<std::size_t>(k)];
            for (std::int64_t l = 0; l < k; ++l) value -= lower(j, l) * lower(k, l);
            lower(j, k) = lower(k, k) > 0 ? value / lower(k, k) : 0;
            pivot -= lower(j, k) * lower(j, k);
        }
        lower(j, j) = pivot > 1e-4 ? std::sqrt(pivot) : 0;
        if (!(pivot > 1e-4)) {
            bad.push_back(j);
            for (std::int64_t k = 0; k < j; ++k) lower(j, k) = 0;
        }
    }
    if (!bad.empty()) return bad;
    Matrix<float> rows(c, c);  // row j: the new column j in terms of the old ones
    for (std::int64_t j = 0; j < c; ++j) {
        std::vector<double> inverse(static_cast<std::size_t>(j) + 1, 0.0);  // row j of the inverse of `lower`
        inverse[static_cast<std::size_t>(j)] = 1 / lower(j, j);
        for (std::int64_t k = j; k-- > 0;) {
            double sum = 0;
            for (std::int64_t l = k + 1; l <= j; ++l) sum += inverse[static_cast<std::size_t>(l)] * lower(l, k);
            inverse[static_cast<std::size_t>(k)] = -sum / lower(k, k);
        }
        for (std::int64_t k = 0; k <= j; ++k)
            rows(j, k) = static_cast<float>(inverse[static_cast<std::size_t>(k)] * scale[static_cast<std::size_t>(k)]);
    }
    x = multiply_transposed(std::as_const(x).view(), std::as_const(rows).view(), num_threads);
    return bad;
}

/// Approximate eigenvectors (n, width) of the largest eigenvalues, orthonormal to float32. `apply` maps
/// (n, block) to (n, block). `done` is told the number of steps after each. Fewer columns come back only where values are not
/// finite.
template <class Apply>
Matrix<float> krylov_leading(std::int64_t n, std::int64_t width, const KrylovPlan& plan, std::uint64_t seed,
                              int num_threads, Apply&& apply, const std::function<void(std::int64_t)>& done) {
    const std::int64_t b = plan.block;
    KrylovBasis basis(n, b * plan.steps, b, num_threads);
    std::int64_t draws = 0;
    const auto draw = [&](Matrix<float>& x, const std::vector<std::int64_t>& columns) {
        ++draws;
        for (const std::int64_t j : columns) {
            RandomStream stream(seed, "krylov", static_cast<std::uint64_t>(draws * b + j));
            for (std::int64_t i = 0; i < n; ++i) x(i, j) = static_cast<float>(stream.uniform() - 0.5);
        }
    };
    const auto clean = [&](Matrix<float>& x) {
        if (basis.cols() > 0) basis.subtract(x, basis.overlap(x, 0), 0);
    };
    /// Orthonormal, and orthogonal to the basis; columns that vanish are drawn anew. False where that does not work out.
    const auto settle = [&](Matrix<float>& x, std::vector<double> removed) {
        int clear = 0;  // orthonormalisations since the last draw: the first one amplifies what cleaning has left
        for (int attempt = 0; attempt < 8 && clear < 2; ++attempt) {
            const std::vector<std::int64_t> bad = krylov_orthonormal(x, removed, num_threads);
            std::fill(removed.begin(), removed.end(), 0.0);
            clear = bad.empty() ? clear + 1 : 0;
            if (!bad.empty()) draw(x, bad);
            if (clear < 2) clean(x);
        }
        return clear == 2;
    };
    std::vector<std::int64_t> all(static_cast<std::size_t>(b));
    for (std::int64_t j = 0; j < b; ++j) all[static_cast<std::size_t>(j)] = j;
    Matrix<float> x(n, b);
    draw(x, all);
    x = apply(x);
    Matrix<double> projected(b * plan.steps, b * plan.steps);
    bool good = settle(x, std::vector<double>(all.size(), 0.0));
    for (std::int64_t step = 0; step < plan.steps && good; ++step) {
        basis.append(x);
        x = apply(x);
        // In exact arithmetic only the last two blocks overlap with the image.
        const std::int64_t first = std::max<std::int64_t>(0, step - 1) * b;
        const Matrix<double> overlap = basis.overlap(x, first);
        std::vector<double> removed(all.size(), 0.0);
        for (std::int64_t i = 0; i < overlap.rows(); ++i) {
            for (std::int64_t j = 0; j < b; ++j) {
                projected(first + i, step * b + j) = overlap(i, j);
                removed[static_cast<std::size_t>(j)] += overlap(i, j) * overlap(i, j);
            }
        }
        done(step + 1);
        if (step + 1 == plan.steps) break;
        basis.subtract(x, overlap, first);
        good = settle(x, std::move(removed));
    }
    const std::int64_t m = basis.cols();
    if (m == 0) return Matrix<float>(n, 0);
    Matrix<double> symmetric(m, m);
    for (std::int64_t i = 0; i < m; ++i) {
        for (std::int64_t j = i; j < m; ++j) {
            const bool diagonal = i / b == j / b;
            symmetric(i, j) = symmetric(j, i) = diagonal ? 0.5 * (projected(i, j) + projected(j, i)) : projected(i, j);
        }
    }
    return basis.combine(leading_eigen(symmetric, std::min(width, m), num_threads).vectors);
}

}  // namespace filmatlas::detail
#endif  // FILMATLAS_LINALG_DETAIL_KRYLOV_IMPL_HPP
