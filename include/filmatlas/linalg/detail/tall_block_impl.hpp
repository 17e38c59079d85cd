// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LINALG_DETAIL_TALL_BLOCK_IMPL_HPP
#define FILMATLAS_LINALG_DETAIL_TALL_BLOCK_IMPL_HPP

// Tall blocks of column vectors (n, c), c small: what subspace iterations are made of. Large products run on
// the kernels in a fixed order; the small dense problems are Eigen's, in float64 and on one thread.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>
#include <utility>
#include <vector>

#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <Eigen/Eigenvalues>

#include "filmatlas/core/parallel.hpp"
#include "filmatlas/core/random.hpp"
#include "filmatlas/linalg/block_product.hpp"
#include "filmatlas/linalg/detail/product_over_rows.hpp"

namespace filmatlas::detail {

using TallEigen = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

inline TallEigen tall_to_eigen(const Matrix<double>& m) {
    return Eigen::Map<const TallEigen>(m.data(), m.rows(), m.cols());
}

/// x (n, p) times a small (p, q).
inline Matrix<double> tall_times(const Matrix<double>& x, const TallEigen& small, int num_threads) {
    Matrix<double> transposed(small.cols(), small.rows());
    Eigen::Map<TallEigen>(transposed.data(), small.cols(), small.rows()) = small.transpose();
    return multiply_transposed(x.view(), std::as_const(transposed).view(), num_threads);
}

inline Matrix<double> tall_gram(const Matrix<double>& x, int num_threads) {
    return inner_products(x.view(), x.view(), num_threads);
}

/// Independent draws per row: no order of evaluation shows.
inline Matrix<double> tall_random(std::int64_t rows, std::int64_t cols, std::uint64_t seed,
                                  std::string_view stage, int num_threads) {
    Matrix<double> x(rows, cols);
    parallel_for(rows, 1024, num_threads, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i) {
            RandomStream stream(seed, stage, static_cast<std::uint64_t>(i));
            for (double& value : x.row(i)) value = stream.uniform() - 0.5;
        }
    });
    return x;
}

/// Orthonormal basis of the columns' span, one pass. Cholesky of the Gram matrix where that is safe; else its
/// eigenvectors, without the directions that vanish (Stathopoulos & Wu, 2002): the block may come back
/// narrower.
inline Matrix<double> tall_orthonormal_pass(const Matrix<double>& x, int num_threads, bool& safe) {
    const TallEigen gram = tall_to_eigen(tall_gram(x, num_threads));
    const Eigen::Index c = gram.rows();
    Eigen::VectorXd scale(c);
    for (Eigen::Index j = 0; j < c; ++j) scale[j] = gram(j, j) > 0 ? 1.0 / std::sqrt(gram(j, j)) : 0.0;
    const TallEigen scaled = scale.asDiagonal() * gram * scale.asDiagonal();
    const Eigen::LLT<TallEigen> cholesky(scaled);
    if (cholesky.info() == Eigen::Success) {
        const TallEigen lower = cholesky.matrixL();
        if (lower.diagonal().minCoeff() > 1e-4) {
            safe = lower.diagonal().minCoeff() > 1e-2;
            TallEigen inverse = TallEigen::Identity(c, c);
            lower.triangularView<Eigen::Lower>().solveInPlace(inverse);
            const TallEigen factor = scale.asDiagonal() * inverse.transpose();
            return tall_times(x, factor, num_threads);
        }
    }
    safe = false;
    const Eigen::SelfAdjointEigenSolver<TallEigen> eigen(scaled);
    const double largest = std::max(eigen.eigenvalues()[c - 1], 0.0);
    Eigen::Index first = 0;
    while (first < c && !(eigen.eigenvalues()[first] > largest * 1e-13)) ++first;
    const Eigen::Index kept = c - first;
    TallEigen factor = scale.asDiagonal() * eigen.eigenvectors().rightCols(kept);
    for (Eigen::Index j = 0; j < kept; ++j) factor.col(j) /= std::sqrt(eigen.eigenvalues()[first + j]);
    return tall_times(x, factor, num_threads);
}

/// `accurate`: orthonormal to rounding, not only enough to keep an iteration going.
inline Matrix<double> tall_orthonormal(Matrix<double> x, bool accurate, int num_threads) {
    for (int pass = 0; pass < 4; ++pass) {
        if (x.cols() == 0) break;
        bool safe = false;
        x = tall_orthonormal_pass(x, num_threads, safe);
        if (safe && (!accurate || pass > 0)) break;
    }
    return x;
}

/// +1 or -1 per column, so that the entry of largest magnitude (the first of equals) becomes positive.
template <class T>
std::vector<double> tall_signs(const Matrix<T>& x) {
    std::vector<double> signs(static_cast<std::size_t>(x.cols()), 1.0);
    std::vector<double> largest(static_cast<std::size_t>(x.cols()), 0.0);
    for (std::int64_t i = 0; i < x.rows(); ++i) {
        for (std::size_t j = 0; j < signs.size(); ++j) {
            const double value = static_cast<double>(x(i, static_cast<std::int64_t>(j)));
            if (std::abs(value) > largest[j]) {
                largest[j] = std::abs(value);
                signs[j] = value < 0 ? -1.0 : 1.0;
            }
        }
    }
    return signs;
}

struct TallSvd {
    Matrix<double> u;                     ///< (n, r)
    std::vector<double> singular_values;  ///< (r,), falling
    Matrix<double> v;                     ///< (m, r)
};

template <class To, class From>
Matrix<To> tall_converted(const Matrix<From>& x) {
    return Matrix<To>(x.rows(), x.cols(), std::vector<To>(x.values().begin(), x.values().end()));
}

/// Orthonormalises a float32 block well enough to keep an iteration going; false (the block is left alone) where its
/// columns are too close to dependent for float32.
inline bool tall_orthonormal_float(Matrix<float>& x, int num_threads) {
    const std::int64_t c = x.cols();
    const Matrix<double> products = scatter_of_rows(
        x.rows(), c, num_threads, [&](std::int64_t i, float* out) { std::copy_n(x.row_data(i), c, out); });
    const TallEigen gram = tall_to_eigen(products);
    if (!(gram.diagonal().minCoeff() > 0) || !gram.allFinite()) return false;
    const Eigen::VectorXd scale = gram.diagonal().cwiseSqrt().cwiseInverse();
    const Eigen::LLT<TallEigen> cholesky(scale.asDiagonal() * gram * scale.asDiagonal());
    if (cholesky.info() != Eigen::Success) return false;
    const TallEigen lower = cholesky.matrixL();
    if (!(lower.diagonal().minCoeff() > 1e-2)) return false;
    TallEigen inverse = TallEigen::Identity(c, c);
    lower.triangularView<Eigen::Lower>().solveInPlace(inverse);
    Matrix<double> factor(c, c);  // one row per new column
    Eigen::Map<TallEigen>(factor.data(), c, c) = inverse * scale.asDiagonal();
    const Matrix<float> rows = tall_converted<float>(factor);
    x = multiply_transposed(std::as_const(x).view(), rows.view(), num_threads);
    return true;
}

/// Randomised subspace iteration for an operator (n, m): `apply` maps (m, c) to (n, c), `apply_transposed`
/// back. r may be below `width` when the rank is. `round` is told after each. With `Single` the operators take
/// float32 blocks too, and all rounds but the last run in float32 while that is accurate enough: they only
/// prepare what the last round and the decomposition settle in float64.
template <bool Single, class Apply, class ApplyTransposed>
TallSvd tall_svd(std::int64_t m, std::int64_t width, int iterations, std::uint64_t seed, std::string_view stage,
                 int num_threads, Apply&& apply, ApplyTransposed&& apply_transposed,
                 const std::function<void(int)>& round) {
    Matrix<double> q = tall_random(m, width, seed, stage, num_threads);
    int iteration = 0;
    if constexpr (Single) {
        Matrix<float> single = tall_converted<float>(q);
        while (iteration < iterations) {
            Matrix<float> next = apply_transposed(apply(single));
            if (!tall_orthonormal_float(next, num_threads)) break;
            single = std::move(next);
            round(++iteration);
        }
        q = tall_converted<double>(single);
    }
    if (iteration == 0) q = tall_orthonormal(std::move(q), true, num_threads);
    for (; iteration <= iterations; ++iteration) {
        q = tall_orthonormal(apply_transposed(apply(q)), iteration == iterations, num_threads);
        round(iteration + 1);
    }
    const Matrix<double> y = apply(q);
    TallSvd out;
    const Eigen::Index r = q.cols();
    if (r == 0) {
        out.u = Matrix<double>(y.rows(), 0);
        out.v = Matrix<double>(m, 0);
        return out;
    }
    const Eigen::SelfAdjointEigenSolver<TallEigen> eigen(tall_to_eigen(tall_gram(y, num_threads)));
    // Squared values below the rounding of the largest are noise.
    const double floor = std::max(eigen.eigenvalues()[r - 1], 0.0) * 1e-14;
    Eigen::Index kept = 0;
    while (kept < r && eigen.eigenvalues()[r - 1 - kept] > floor) ++kept;
    TallEigen rotation(r, kept);
    TallEigen scaled(r, kept);
    for (Eigen::Index j = 0; j < kept; ++j) {
        const double value = std::sqrt(eigen.eigenvalues()[r - 1 - j]);
        out.singular_values.push_back(value);
        rotation.col(j) = eigen.eigenvectors().col(r - 1 - j);
        scaled.col(j) = rotation.col(j) / value;
    }
    out.u = tall_times(y, scaled, num_threads);
    out.v = tall_times(q, rotation, num_threads);
    return out;
}

}  // namespace filmatlas::detail
#endif  // FILMATLAS_LINALG_DETAIL_TALL_BLOCK_IMPL_HPP
