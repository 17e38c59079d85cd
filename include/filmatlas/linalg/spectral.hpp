// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LINALG_SPECTRAL_HPP
#define FILMATLAS_LINALG_SPECTRAL_HPP

#include <cstdint>
#include <optional>
#include <vector>

#include "filmatlas/core/config.hpp"
#include "filmatlas/core/matrix.hpp"
#include "filmatlas/core/progress.hpp"
#include "filmatlas/core/run_info.hpp"
#include "filmatlas/linalg/components.hpp"
#include "filmatlas/linalg/csr.hpp"

/// @file spectral.hpp
/// @brief Spectral coordinates of a weighted graph.
///
/// Eigenvectors of the normalised Laplacian L = I - D^-1/2 W D^-1/2 for its smallest non-trivial eigenvalues.
/// Every component's trivial vector (the root of its degrees) is known and deflated. The graph is coarsened
/// by matching heavy edges, solved where it is small, and carried up level by level; on each level a
/// Chebyshev filter on the well-conditioned end of the spectrum improves a block of vectors (after Zhou &
/// Saad, 2007). The work is capped and the best block so far is returned: a nearly disconnected graph or a
/// long line costs accuracy, never a hang or a random result. The same bytes for every number of threads and
/// every instruction set.

namespace filmatlas {

/// Options of `spectral_embedding()`.
struct SpectralOptions {
    /// Eigenvectors wanted, trivial ones not counted; at least 1.
    int n_components = 2;
    std::uint64_t seed = 42;
    /// Products of the matrix with the block that may be spent, counted in products on the full graph; at
    /// least 1. Unset: 500.
    std::optional<std::int64_t> max_work = std::nullopt;
    /// A vector is done when |L v - lambda v| is at most this share of the largest wanted eigenvalue; above
    /// 0.
    double tolerance = 1e-3;
    int num_threads = 0;
};
/// @throws Error (InvalidArgument) naming the first bad field.
void validate(const SpectralOptions& options);

struct SpectralResult {
    /// (n, c), orthonormal columns by rising eigenvalue; in each the entry of largest magnitude is positive.
    /// Where the graph has fewer than c non-trivial eigenvectors, the last columns are zero.
    Matrix<float> vectors;
    std::vector<double> eigenvalues;  ///< (c,), of L, in [0, 2]; 0 for a zero column
    std::vector<double> residuals;    ///< (c,), |L v - lambda v|
    Components components;
    RunInfo run;  ///< iterations: products spent, in full-graph units; converged: all residuals small enough
};

/// @param symmetric_weights (n, n), symmetric, finite, non-negative; the diagonal is ignored. Cost O(max_work
/// nnz c)
///        at most, O(nnz + n c) memory.
/// @throws Error (Shape) when not square or empty; (Format) for a negative or non-finite weight, naming its
/// row, and
///         for a matrix that is not symmetric; (InvalidArgument); (Cancelled).
SpectralResult spectral_embedding(const CsrMatrix<float>& symmetric_weights,
                                  const SpectralOptions& options = {}, const Progress& progress = {});

}  // namespace filmatlas

#ifdef FILMATLAS_HEADER_ONLY
#include "filmatlas/linalg/detail/spectral_impl.hpp"
#endif
#endif  // FILMATLAS_LINALG_SPECTRAL_HPP
