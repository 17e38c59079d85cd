// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LINALG_PCA_HPP
#define FILMATLAS_LINALG_PCA_HPP

#include <cstdint>
#include <string>
#include <vector>

#include "filmatlas/core/config.hpp"
#include "filmatlas/core/matrix.hpp"
#include "filmatlas/core/run_info.hpp"

/// @file pca.hpp
/// @brief Principal components of dense rows.
///
/// Up to 2,048 columns the covariance matrix is accumulated (float32 products of 384 rows, summed in float64) and its leading
/// eigenvectors are computed in float64: n d^2 operations and O(d^3). The angle of an axis to the true one is of the order
/// of 2e-8 times the square of (largest singular value / its own), where the spectrum has a gap. Above, a randomised
/// subspace iteration (Halko, Martinsson & Tropp, 2011) of O(n d c) per round. The same bytes for every number of threads
/// and every instruction set.

namespace filmatlas {

/// Options of `pca()`.
struct PcaOptions {
    /// Components to keep; in [1, min(n, d)].
    int n_components = 50;
    /// Seed of the randomised way; the full one does not draw.
    std::uint64_t seed = 42;
    int num_threads = 0;
    /// Rounds of the randomised way; at least 1. More rounds separate close variances better.
    int n_iterations = 6;
};
/// @throws Error (InvalidArgument) naming the first bad field.
void validate(const PcaOptions& options);

/// Components by falling variance. Signs are fixed: each component's entry of largest magnitude is positive.
struct PcaResult {
    Matrix<float> components;                      ///< (c, d), orthonormal rows
    std::vector<float> mean;                       ///< (d,)
    std::vector<double> explained_variance;        ///< (c,), divisor n - 1
    std::vector<double> explained_variance_ratio;  ///< (c,), share of the total variance; 0 where that is 0
    Matrix<float> transformed;                     ///< (n, c): the rows in the components' coordinates
    std::string method;                            ///< "covariance" or "randomized"
    RunInfo run;
};

/// @param x (n, d), n >= 2, finite.
/// @throws Error (InvalidArgument) for bad options and for values that are not finite, naming the first row;
/// (Shape).
PcaResult pca(MatrixView<const float> x, const PcaOptions& options = {});

/// New rows in the components' coordinates: (x - mean) * components^T. Equals `transformed` for the fitted
/// rows.
/// @throws Error (Shape) for another number of columns.
Matrix<float> pca_transform(const PcaResult& model, MatrixView<const float> x, int num_threads = 0);

}  // namespace filmatlas

#ifdef FILMATLAS_HEADER_ONLY
#include "filmatlas/linalg/detail/pca_impl.hpp"
#endif
#endif  // FILMATLAS_LINALG_PCA_HPP
