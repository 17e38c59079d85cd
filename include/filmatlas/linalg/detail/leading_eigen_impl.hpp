// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LINALG_DETAIL_LEADING_EIGEN_IMPL_HPP
#define FILMATLAS_LINALG_DETAIL_LEADING_EIGEN_IMPL_HPP

// The largest eigenpairs of a dense symmetric matrix. Where few are wanted, inverse iteration on the tridiagonal
// form (as LAPACK's stein does) saves what full QL rotations spend on the rest; the pairs are checked, and any
// doubt ends in the full decomposition.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

#include <Eigen/Core>
#include <Eigen/Eigenvalues>

#include "filmatlas/core/random.hpp"

namespace filmatlas::detail {

/// Eigenvalues falling, vectors as columns.
struct LeadingEigen {
    std::vector<double> values;
    Eigen::MatrixXd vectors;
};

inline LeadingEigen leading_eigen_full(const Eigen::MatrixXd& a, std::int64_t count) {
    const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> eigen(a);
    LeadingEigen out;
    for (std::int64_t j = 0; j < count; ++j) out.values.push_back(eigen.eigenvalues()[a.rows() - 1 - j]);
    out.vectors = eigen.eigenvectors().rightCols(count).rowwise().reverse();
    return out;
}

/// LU of a shifted tridiagonal matrix with row exchanges; `solve` overwrites the right-hand side.
class LeadingShifted {
public:
    LeadingShifted(const Eigen::VectorXd& diagonal, const Eigen::VectorXd& off, double shift, double least)
        : pivot_(diagonal.array() - shift), above_(off), second_(off.size()), factor_(off.size()),
          swapped_(static_cast<std::size_t>(off.size())) {
        const Eigen::Index n = diagonal.size();
        second_.setZero();
        for (Eigen::Index i = 0; i + 1 < n; ++i) {
            const bool swap = std::abs(off[i]) > std::abs(pivot_[i]);
            swapped_[static_cast<std::size_t>(i)] = swap;
            if (swap) {
                factor_[i] = pivot_[i] / off[i];
                pivot_[i] = off[i];
                const double above = above_[i];
                above_[i] = pivot_[i + 1];
                pivot_[i + 1] = above - factor_[i] * above_[i];
                if (i + 2 < n) {
                    second_[i] = off[i + 1];
                    above_[i + 1] = -factor_[i] * off[i + 1];
                }
            } else {
                if (std::abs(pivot_[i]) < least) pivot_[i] = least;
                factor_[i] = off[i] / pivot_[i];
                pivot_[i + 1] -= factor_[i] * above_[i];
            }
        }
        if (std::abs(pivot_[n - 1]) < least) pivot_[n - 1] = least;
    }

    void solve(Eigen::VectorXd& x) const {
        const Eigen::Index n = x.size();
        for (Eigen::Index i = 0; i + 1 < n; ++i) {
            if (swapped_[static_cast<std::size_t>(i)]) std::swap(x[i], x[i + 1]);
            x[i + 1] -= factor_[i] * x[i];
        }
        for (Eigen::Index i = n - 1; i >= 0; --i) {
            double value = x[i];
            if (i + 1 < n) value -= above_[i] * x[i + 1];
            if (i + 2 < n) value -= second_[i] * x[i + 2];
            x[i] = value / pivot_[i];
        }
    }

private:
    Eigen::VectorXd pivot_, above_, second_, factor_;
    std::vector<char> swapped_;
};

/// The `count` largest eigenpairs of a symmetric matrix; the same bits on every run.
inline LeadingEigen leading_eigen(const Eigen::MatrixXd& a, std::int64_t count) {
    const Eigen::Index n = a.rows();
    if (n < 32 || 3 * count > n) return leading_eigen_full(a, count);
    const Eigen::Tridiagonalization<Eigen::MatrixXd> reduced(a);
    const Eigen::VectorXd diagonal = reduced.diagonal();
    const Eigen::VectorXd off = reduced.subDiagonal();
    Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver;
    solver.computeFromTridiagonal(diagonal, off, Eigen::EigenvaluesOnly);
    const Eigen::VectorXd& all = solver.eigenvalues();
    const double norm = diagonal.cwiseAbs().maxCoeff() + 2 * off.cwiseAbs().maxCoeff();
    if (!(norm > 1e-290) || solver.info() != Eigen::Success) return leading_eigen_full(a, count);

    const double rounding = norm * 2.3e-16;
    LeadingEigen out;
    Eigen::MatrixXd z(n, count);
    double shift = 0;
    std::int64_t cluster = 0;  // first vector whose eigenvalue is close enough to mix with the present one
    for (std::int64_t j = 0; j < count; ++j) {
        const double value = all[n - 1 - j];
        // Equal eigenvalues get shifts of their own, or they would give one vector.
        shift = j == 0 ? value : std::min(value, shift - 10 * rounding);
        if (j > 0 && all[n - j] - value > 1e-3 * norm) cluster = j;
        const LeadingShifted shifted(diagonal, off, shift, rounding);
        Eigen::VectorXd x(n);
        RandomStream stream(42, "leading eigen", static_cast<std::uint64_t>(j));
        for (double& entry : x) entry = stream.uniform() - 0.5;
        double residual = norm;
        for (int round = 0; round < 6 && residual > 16 * std::sqrt(static_cast<double>(n)) * rounding; ++round) {
            x.normalize();
            shifted.solve(x);
            const double growth = x.norm();
            if (!std::isfinite(growth) || growth == 0) return leading_eigen_full(a, count);
            residual = 1 / growth;
            x /= growth;
            for (int pass = 0; pass < 2 && cluster < j; ++pass) {
                const auto near = z.middleCols(cluster, j - cluster);
                x -= near * (near.transpose() * x).eval();
            }
            // What is left after the near ones are taken out has to be a solution still.
            const double left = x.norm();
            residual = left > 0 ? residual / left : norm;
        }
        if (residual > 1e4 * rounding * std::sqrt(static_cast<double>(n))) return leading_eigen_full(a, count);
        z.col(j) = x.normalized();
        out.values.push_back(value);
    }
    const Eigen::MatrixXd gram = z.transpose() * z;
    if (!((gram - Eigen::MatrixXd::Identity(count, count)).cwiseAbs().maxCoeff() < 1e-11)) {
        return leading_eigen_full(a, count);
    }
    out.vectors = reduced.matrixQ() * z;
    return out;
}

}  // namespace filmatlas::detail
#endif  // FILMATLAS_LINALG_DETAIL_LEADING_EIGEN_IMPL_HPP
