# SPDX-License-Identifier: MIT
"""Linear algebra under the stages: truncated SVD and eigenvectors of graph Laplacians."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from . import _core
from ._errors import raise_invalid, raise_shape, raise_type
from ._progress import ProgressLike, progress_callback
from ._validation import as_float, as_int, as_matrix, as_optional_int, as_seed
from ._values import CsrMatrix, RunInfo, announce


@dataclass(frozen=True, repr=False)
class SvdResult:
    """The largest singular triplets, X ~ u @ diag(singular_values) @ components.

    Attributes
    ----------
    u : (n, c) float32, orthonormal columns
    singular_values : (c,) float64, falling; 0 beyond the numerical rank
    components : (c, m) float32, orthonormal rows; in each the entry of largest magnitude is positive
    run : RunInfo
    """

    u: Any
    singular_values: Any
    components: Any
    run: RunInfo

    @property
    def transformed(self) -> Any:
        """(n, c) float32: the rows in the components' coordinates, u * singular_values."""
        return (self.u * self.singular_values).astype(np.float32)

    def __repr__(self) -> str:
        n, c = self.u.shape
        return f"SvdResult({n} x {self.components.shape[1]}, {c} components)"


@dataclass(frozen=True, repr=False)
class LaplacianEigenvectors:
    """Eigenvectors of a graph's normalised Laplacian for its smallest non-trivial eigenvalues.

    Attributes
    ----------
    vectors : (n, c) float32, orthonormal columns by rising eigenvalue; zero where the graph has no more
    eigenvalues : (c,) float64 in [0, 2]
    residuals : (c,) float64, \\|L v - lambda v\\|
    components : (n,) int32, the connected component of each vertex
    run : RunInfo
        ``converged`` says whether all residuals are within the tolerance.
    """

    vectors: Any
    eigenvalues: Any
    residuals: Any
    components: Any
    run: RunInfo

    def __repr__(self) -> str:
        n, c = self.vectors.shape
        return f"LaplacianEigenvectors({n} x {c}, largest residual {float(np.max(self.residuals, initial=0)):.1e})"


def _as_csr(X: Any, where: str, name: str) -> tuple[tuple[int, int], Any, Any, Any]:
    """(shape, indptr, indices, values) of a SciPy sparse matrix or a CsrMatrix; columns sorted, repeats summed."""
    if isinstance(X, CsrMatrix):
        shape, indptr, indices, values = X._parts()
    else:
        if X.ndim != 2:
            raise_shape(where, f"{name} has shape {X.shape}, expected two dimensions")
        csr = X.tocsr()
        if csr is X:
            csr = csr.copy()
        csr.sum_duplicates()
        shape, indptr, indices, values = csr.shape, csr.indptr, csr.indices, csr.data
    if values.dtype.kind not in "fiub":
        raise_type(where, f"{name} has dtype {values.dtype}, expected real numbers")
    if max(shape) > 2**31 - 1:
        raise_shape(where, f"{name} has shape {shape}; at most 2,147,483,647 rows and columns are supported")
    with np.errstate(over="ignore"):
        narrow = np.ascontiguousarray(values, dtype=np.float32)
    if np.any(np.isinf(narrow) & np.isfinite(values)):
        raise_invalid(where, f"{name} holds values that do not fit float32", "rescale the data")
    return (
        (int(shape[0]), int(shape[1])),
        np.ascontiguousarray(indptr, dtype=np.int64),
        np.ascontiguousarray(indices, dtype=np.int32),
        narrow,
    )


def truncated_svd(
    X: Any,
    n_components: int = 100,
    *,
    n_iter: int = 4,
    n_oversamples: int = 10,
    random_state: Any = 0,
    num_threads: int = 0,
    progress: ProgressLike = None,
) -> SvdResult:
    """The largest singular values and vectors of a dense or sparse matrix, which is not centred.

    Deterministic: the same bytes for any number of threads and any processor.

    Parameters
    ----------
    X : (n, m) array, SciPy sparse matrix or CsrMatrix
    n_components : int
        At most min(n, m).
    n_iter : int
        Effort: the Krylov basis holds (n_iter + 2) / 2 times the wanted number of vectors; more separates close singular
        values better. Dense matrices of up to 2,048 columns need none.
    n_oversamples : int
        Extra directions that are found and dropped at the end.

    Returns
    -------
    SvdResult
    """
    where = "truncated_svd"
    options = (
        as_int(n_components, where, "n_components"),
        as_int(n_iter, where, "n_iter"),
        as_int(n_oversamples, where, "n_oversamples"),
        as_seed(random_state, where),
        as_int(num_threads, where, "num_threads"),
    )
    if hasattr(X, "tocsr") or isinstance(X, CsrMatrix):
        with progress_callback(progress) as callback:
            fields = _core.truncated_svd_sparse(*_as_csr(X, where, "X"), *options, callback)
    else:
        fields = _core.truncated_svd(as_matrix(X, where), *options)
    announce(fields["run"])
    return SvdResult(fields["u"], fields["singular_values"], fields["v"].T, RunInfo._of(fields["run"]))


def laplacian_eigenvectors(
    W: Any,
    n_components: int = 2,
    *,
    max_work: int | None = None,
    tolerance: float = 1e-3,
    random_state: Any = 0,
    num_threads: int = 0,
    progress: ProgressLike = None,
) -> LaplacianEigenvectors:
    """Eigenvectors of the normalised Laplacian I - D^-1/2 W D^-1/2 for its smallest non-trivial eigenvalues.

    Work is bounded: a nearly disconnected graph or a long line costs accuracy, never a hang, and the residuals say how
    much. Every connected component's trivial vector (eigenvalue 0) is left out.

    Parameters
    ----------
    W : (n, n) SciPy sparse matrix or CsrMatrix
        Symmetric non-negative weights; the diagonal is ignored.
    n_components : int
        Eigenvectors wanted.
    max_work : int, optional
        Most products of the matrix with the block of vectors; default 500.
    tolerance : float
        A vector is done when its residual is at most this share of the largest wanted eigenvalue.

    Returns
    -------
    LaplacianEigenvectors
    """
    where = "laplacian_eigenvectors"
    if not hasattr(W, "tocsr") and not isinstance(W, CsrMatrix):
        raise_type(where, f"W is a {type(W).__name__}, expected a sparse matrix", "pass e.g. scipy.sparse.csr_matrix(W)")
    with progress_callback(progress) as callback:
        fields = _core.laplacian_eigenvectors(
            *_as_csr(W, where, "W"),
            as_int(n_components, where, "n_components"),
            as_optional_int(max_work, where, "max_work"),
            as_float(tolerance, where, "tolerance"),
            as_seed(random_state, where),
            as_int(num_threads, where, "num_threads"),
            callback,
        )
    announce(fields["run"])
    return LaplacianEigenvectors(**{**fields, "run": RunInfo._of(fields["run"])})
