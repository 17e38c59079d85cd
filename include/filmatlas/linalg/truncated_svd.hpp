// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LINALG_TRUNCATED_SVD_HPP
#define FILMATLAS_LINALG_TRUNCATED_SVD_HPP

#include <cstdint>
#include <vector>

#include "filmatlas/core/config.hpp"
#include "filmatlas/core/matrix.hpp"
#include "filmatlas/core/progress.hpp"
#include "filmatlas/core/run_info.hpp"
#include "filmatlas/linalg/csr.hpp"

/// @file truncated_svd.hpp
/// @brief The largest singular triplets of a matrix: latent semantic analysis of term counts.
///
/// Sparse: block Lanczos with full reorthogonalisation on the smaller of A A^T and A^T A, in float32 (Musco & Musco, 2015),
/// then the triplets of A on that basis, with float64 products. A basis of w = (c + oversamples) (n_iterations + 2) / 2
/// vectors costs two sparse products of nnz and about 2 w^2 operations per row for it, and 8 w bytes per row of memory;
/// where it would hold most of the space, the decomposition is exact. Dense: from A^T A (see pca.hpp), without a draw, up
/// to 2,048 columns. The same bytes for every number of threads and every instruction set.

namespace filmatlas {

/// Options of `truncated_svd()`.
struct SvdOptions {
    /// Triplets to keep; in [1, min(rows, cols)].
    int n_components = 100;
    /// Effort, see above (dense matrices beyond 2,048 columns: rounds); at least 0; not used where the dense way needs none.
    /// More separates close singular values better.
    int n_iterations = 4;
    /// Extra directions that are iterated and dropped at the end; at least 0.
    int n_oversamples = 10;
    std::uint64_t seed = 42;
    int num_threads = 0;
};
/// @throws Error (InvalidArgument) naming the first bad field.
void validate(const SvdOptions& options);

/// A ~ U diag(s) V^T, singular values falling. Signs are fixed: each column of V has its entry of largest
/// magnitude positive. Beyond the numerical rank the values and columns are zero, with a warning.
struct TruncatedSvdResult {
    Matrix<float> u;                      ///< (rows, c), orthonormal columns
    std::vector<double> singular_values;  ///< (c,)
    Matrix<float> v;                      ///< (cols, c), orthonormal columns
    RunInfo run;
};

/// @throws Error (InvalidArgument) for bad options, (Shape) for an empty matrix, (Cancelled).
TruncatedSvdResult truncated_svd(const CsrMatrix<float>& a, const SvdOptions& options = {},
                                 const Progress& progress = {});

/// The same of a dense matrix (n, m), which is not centred. Singular values below a millionth of the largest count as
/// zero.
/// @throws Error (InvalidArgument) for bad options and for values that are not finite, naming the first row; (Shape).
TruncatedSvdResult truncated_svd(MatrixView<const float> a, const SvdOptions& options = {});

}  // namespace filmatlas

#ifdef FILMATLAS_HEADER_ONLY
#include "filmatlas/linalg/detail/truncated_svd_impl.hpp"
#endif
#endif  // FILMATLAS_LINALG_TRUNCATED_SVD_HPP
