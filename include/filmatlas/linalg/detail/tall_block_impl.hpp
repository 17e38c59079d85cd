// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LINALG_DETAIL_TALL_BLOCK_IMPL_HPP
#define FILMATLAS_LINALG_DETAIL_TALL_BLOCK_IMPL_HPP

// Tall blocks of column vectors (n, c), c small: what subspace iterations are made of. Large products run on
// the kernels in a fixed order; the small dense problems are Eigen's, in float64 and on one thread.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
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

/// x (n, p) times a small (p, p), in its own place.
inline void tall_turn(Matrix<double>& x, const TallEigen& small, int num_threads) {
    parallel_for(x.rows(), 1024, num_threads, [&](std::int64_t begin, std::int64_t end) {
        Matrix<double> rows(end - begin, x.cols());
        std::copy_n(x.row_data(begin), rows.values().size(), rows.data());
        const Matrix<double> turned = tall_times(rows, small, 1);
        std::copy_n(turned.data(), turned.values().size(), x.row_data(begin));
    });
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
inline Matrix<double> tall_orthonormal_pass(Matrix<double> x, int num_threads, bool& safe) {
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
            tall_turn(x, scale.asDiagonal() * inverse.transpose(), num_threads);
            return x;
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
        x = tall_orthonormal_pass(std::move(x), num_threads, safe);
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

template <class To, class From>
Matrix<To> tall_converted(const Matrix<From>& x) {
    return Matrix<To>(x.rows(), x.cols(), std::vector<To>(x.values().begin(), x.values().end()));
}

template <class T>
struct TallTriplets {
    Matrix<T> u;                          ///< (n, r)
    std::vector<double> singular_values;  ///< (r,), falling
    Matrix<T> v;                          ///< (m, r)
};
using TallSvd = TallTriplets<double>;

/// The eigenpairs of the products Y^T Y of an image whose values are above its rounding: `values` are the roots, falling.
struct TallRitz {
    TallEigen rotation;  ///< (r, kept)
    std::vector<double> values;
};

inline TallRitz tall_ritz_pairs(const TallEigen& products) {
    TallRitz out;
    const Eigen::Index r = products.rows();
    if (r == 0) return out;
    const Eigen::SelfAdjointEigenSolver<TallEigen> eigen(products);
    // Squared values below the rounding of the largest are noise.
    const double floor = std::max(eigen.eigenvalues()[r - 1], 0.0) * 1e-14;
    Eigen::Index kept = 0;
    while (kept < r && eigen.eigenvalues()[r - 1 - kept] > floor) ++kept;
    out.rotation = eigen.eigenvectors().rightCols(kept).rowwise().reverse();
    for (Eigen::Index j = 0; j < kept; ++j) out.values.push_back(std::sqrt(eigen.eigenvalues()[r - 1 - j]));
    return out;
}

inline TallEigen tall_divided(TallEigen columns, const std::vector<double>& by) {
    for (Eigen::Index j = 0; j < columns.cols(); ++j) columns.col(j) /= by[static_cast<std::size_t>(j)];
    return columns;
}

/// The singular triplets of an operator on an orthonormal basis `q` (m, r), from the basis' image `y` (n, r).
inline TallSvd tall_ritz(const Matrix<double>& q, const Matrix<double>& y, int num_threads) {
    const TallRitz ritz = tall_ritz_pairs(tall_to_eigen(tall_gram(y, num_threads)));
    if (ritz.values.empty()) return {Matrix<double>(y.rows(), 0), {}, Matrix<double>(q.rows(), 0)};
    return {tall_times(y, tall_divided(ritz.rotation, ritz.values), num_threads), ritz.values,
            tall_times(q, ritz.rotation, num_threads)};
}

/// The same on a basis that is orthonormal to float32 only, the first `most` triplets, with vectors to float32.
/// The small problem allows for what the basis lacks (Cholesky of its products), so that the values are good to float64.
inline TallTriplets<float> tall_ritz_float(const Matrix<float>& q, const Matrix<double>& y, std::int64_t most,
                                           int num_threads) {
    const std::int64_t r = q.cols();
    TallTriplets<float> out{Matrix<float>(y.rows(), 0), {}, Matrix<float>(q.rows(), 0)};
    if (r == 0) return out;
    const TallEigen own = tall_to_eigen(scatter_of_rows(
        q.rows(), r, num_threads, [&](std::int64_t i, float* row) { std::copy_n(q.row_data(i), r, row); }));
    const Eigen::LLT<TallEigen> cholesky(own);
    TallEigen inverse = TallEigen::Identity(r, r);
    cholesky.matrixL().solveInPlace(inverse);
    TallRitz ritz = tall_ritz_pairs(inverse * tall_to_eigen(tall_gram(y, num_threads)) * inverse.transpose());
    const auto kept = std::min<std::int64_t>(most, static_cast<std::int64_t>(ritz.values.size()));
    if (kept == 0) return out;
    ritz.values.resize(static_cast<std::size_t>(kept));
    const TallEigen mix = inverse.transpose() * ritz.rotation.leftCols(kept);
    const auto times = [num_threads](const Matrix<float>& x, const TallEigen& by) {
        Matrix<double> rows(by.cols(), by.rows());
        Eigen::Map<TallEigen>(rows.data(), by.cols(), by.rows()) = by.transpose();
        const Matrix<float> single = tall_converted<float>(rows);
        return multiply_transposed(x.view(), single.view(), num_threads);
    };
    out.u = times(tall_converted<float>(y), tall_divided(mix, ritz.values));
    out.v = times(q, mix);
    out.singular_values = std::move(ritz.values);
    return out;
}

/// Randomised subspace iteration for an operator (n, m): `apply` maps (m, c) to (n, c), `apply_transposed` back. r may be
/// below `width` when the rank is.
template <class Apply, class ApplyTransposed>
TallSvd tall_svd(std::int64_t m, std::int64_t width, int iterations, std::uint64_t seed, std::string_view stage,
                 int num_threads, Apply&& apply, ApplyTransposed&& apply_transposed) {
    Matrix<double> q = tall_orthonormal(tall_random(m, width, seed, stage, num_threads), true, num_threads);
    for (int iteration = 0; iteration <= iterations; ++iteration)
        q = tall_orthonormal(apply_transposed(apply(q)), iteration == iterations, num_threads);
    return tall_ritz(q, apply(q), num_threads);
}

}  // namespace filmatlas::detail
#endif  // FILMATLAS_LINALG_DETAIL_TALL_BLOCK_IMPL_HPP
