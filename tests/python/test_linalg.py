# SPDX-License-Identifier: MIT
"""PCA, truncated SVD and Laplacian eigenvectors against NumPy, SciPy and scikit-learn; the same bytes everywhere."""

import hashlib
import os
import pathlib
import subprocess
import sys

import filmatlas as fa
import numpy as np
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


def largest_angle(A, B):
    """Sine of the largest principal angle between the row spaces of A and B (orthonormal rows)."""
    A = np.linalg.qr(np.asarray(A, dtype=np.float64).T)[0]
    B = np.linalg.qr(np.asarray(B, dtype=np.float64).T)[0]
    return np.linalg.norm(A - B @ (B.T @ A), 2)


def with_gaps(n, m, seed=0):
    """Rows whose singular values fall by a factor of two up to the twelfth."""
    rng = np.random.default_rng(seed)
    u = np.linalg.qr(rng.standard_normal((n, 12)))[0]
    v = np.linalg.qr(rng.standard_normal((m, 12)))[0]
    return ((u * 2.0 ** -np.arange(12)) @ v.T * 100).astype(np.float32)


def sparse_with_gaps(seed=0):
    """Six groups of rows of falling size on columns of their own, and noise."""
    sparse = pytest.importorskip("scipy.sparse", reason="SciPy is not installed")
    rng = np.random.default_rng(seed)
    X = sparse.random(700, 400, density=0.01, random_state=seed, format="lil")
    row = 0
    for group, size in enumerate((200, 150, 110, 80, 60, 40)):
        X[row : row + size, group * 20 : group * 20 + 20] = rng.random((size, 20)) + 1
        row += size
    return X.tocsr().astype(np.float32)


def laplacian(W):
    sparse = pytest.importorskip("scipy.sparse", reason="SciPy is not installed")
    degree = np.asarray(W.sum(axis=1)).ravel()
    root = sparse.diags(np.divide(1, np.sqrt(degree), out=np.zeros_like(degree), where=degree > 0))
    return sparse.diags((degree > 0).astype(float)) - root @ W @ root


def graph_of(n, edges):
    sparse = pytest.importorskip("scipy.sparse", reason="SciPy is not installed")
    i, j, w = (np.array(column) for column in zip(*edges))
    W = sparse.coo_matrix((w.astype(float), (i, j)), shape=(n, n)).tocsr()
    return W.maximum(W.T)


GRAPHS = {
    "path": (2000, [(i, i + 1, 1) for i in range(1999)]),
    "star": (1000, [(0, i, 1) for i in range(1, 1000)]),
    "ring": (2000, [(i, (i + 1) % 2000, 1) for i in range(2000)]),
    "two cliques": (
        120,
        [(s + i, s + j, 1) for s in (0, 60) for i in range(60) for j in range(i)] + [(0, 60, 1e-4)],
    ),
    "500 components": (3000, [(6 * g + i, 6 * g + (i + 1) % 6, 1 + g / 500) for g in range(500) for i in range(6)]),
}


def test_pca_equals_the_full_decomposition():
    X = with_gaps(800, 60)
    result = fa.pca(X, 10)
    centred = X.astype(np.float64) - X.mean(axis=0, dtype=np.float64)
    _, s, v = np.linalg.svd(centred, full_matrices=False)
    for c in range(1, 11):  # float32 products: the error grows as the square of the largest value over the c-th
        assert largest_angle(result.components[:c], v[:c]) < max(1e-5, 3e-8 * (s[0] / s[c - 1]) ** 2)
    np.testing.assert_allclose(result.explained_variance[:8], s[:8] ** 2 / 799, rtol=1e-4)


@pytest.mark.parametrize("solver", ["covariance_eigh", "full"])
def test_pca_equals_scikit_learn(solver):
    decomposition = pytest.importorskip("sklearn.decomposition", reason="scikit-learn is not installed")
    rng = np.random.default_rng(3)
    X = (rng.standard_normal((3000, 120)) * 0.9 ** np.arange(120)).astype(np.float32)
    reference = decomposition.PCA(30, svd_solver=solver).fit(X.astype(np.float64))
    result = fa.pca(X, 30)
    values = reference.explained_variance_
    gaps = np.flatnonzero(values[:-1] / values[1:] > 1.05) + 1
    assert len(gaps) > 10
    for c in gaps:
        assert largest_angle(result.components[:c], reference.components_[:c]) <= 1e-5
    np.testing.assert_allclose(result.explained_variance_ratio, reference.explained_variance_ratio_, rtol=1e-5)


@pytest.mark.parametrize("shape", [(800, 60), (90, 2100), (60, 300)])
def test_truncated_svd_of_a_dense_matrix(shape):
    X = with_gaps(*shape)
    result = fa.truncated_svd(X, 6, n_iter=10)
    u, s, v = np.linalg.svd(X.astype(np.float64), full_matrices=False)
    for c in range(1, 7):
        assert largest_angle(result.components[:c], v[:c]) < 3e-5
        assert largest_angle(result.u[:, :c].T, u[:, :c].T) < 3e-5
    np.testing.assert_allclose(result.singular_values, s[:6], rtol=1e-5)
    np.testing.assert_allclose(result.transformed @ result.components, (u[:, :6] * s[:6]) @ v[:6], atol=1e-3)
    assert (result.components[np.arange(6), np.abs(result.components).argmax(axis=1)] > 0).all()


def test_truncated_svd_of_a_sparse_matrix():
    linalg = pytest.importorskip("scipy.sparse.linalg", reason="SciPy is not installed")
    X = sparse_with_gaps()
    u, s, v = linalg.svds(X.astype(np.float64), k=6, random_state=0)
    order = np.argsort(-s)
    result = fa.truncated_svd(X, 6, n_iter=12)
    assert largest_angle(result.components, v[order]) <= 1e-5
    assert largest_angle(result.u.T, u[:, order].T) <= 1e-5
    np.testing.assert_allclose(result.singular_values, s[order], rtol=1e-6)
    for other in (X.tocsc(), X.tocoo(), X.astype(np.float64)):
        np.testing.assert_array_equal(fa.truncated_svd(other, 6, n_iter=12).components, result.components)


def test_truncated_svd_takes_our_own_sparse_matrix():
    sparse = pytest.importorskip("scipy.sparse", reason="SciPy is not installed")
    texts = ["a storm at sea", "the sea and a ship", "a ship in a storm", "snow on the hills", "hills of snow"] * 3
    X = fa.TfidfVectorizer(min_df=1).fit_transform(texts)
    result = fa.truncated_svd(X, 2)
    assert sparse.issparse(X) or isinstance(X, fa.CsrMatrix)
    s = np.linalg.svd(X.toarray().astype(np.float64), compute_uv=False)
    np.testing.assert_allclose(result.singular_values, s[:2], rtol=1e-5)


@pytest.mark.filterwarnings("ignore:spectral_embedding. stopped after")  # long lines; the residual is what counts
@pytest.mark.parametrize("name", GRAPHS)
def test_laplacian_eigenvectors_have_small_residuals(name):
    n, edges = GRAPHS[name]
    W = graph_of(n, edges)
    result = fa.laplacian_eigenvectors(W, 4)
    L = laplacian(W)
    V = result.vectors.astype(np.float64)
    residuals = np.linalg.norm(L @ V - V * result.eigenvalues, axis=0)
    assert residuals.max() <= 1e-3
    np.testing.assert_allclose(V.T @ V, np.eye(4), atol=1e-4)
    assert (np.diff(result.eigenvalues) >= -1e-9).all()
    # Every component's trivial vector is left out.
    root = np.sqrt(np.asarray(W.sum(axis=1)).ravel())
    for component in np.unique(result.components):
        inside = result.components == component
        assert np.abs(root[inside] @ V[inside]).max() < 1e-3 * np.linalg.norm(root[inside])


def test_laplacian_eigenvalues_equal_scipy():
    linalg = pytest.importorskip("scipy.sparse.linalg", reason="SciPy is not installed")
    rng = np.random.default_rng(1)
    edges = [(i, (i + 1) % 900, 0.5) for i in range(900)]
    edges += [(int(a), int(b), 1.0) for a, b in rng.integers(900, size=(2500, 2)) if a != b]
    W = graph_of(900, edges)
    result = fa.laplacian_eigenvectors(W, 4, tolerance=1e-5)
    wanted = np.sort(linalg.eigsh(laplacian(W), k=5, which="SM", return_eigenvectors=False))[1:]
    np.testing.assert_allclose(result.eigenvalues, wanted, rtol=1e-5)
    assert result.run.converged


def test_bad_input_is_named():
    sparse = pytest.importorskip("scipy.sparse", reason="SciPy is not installed")
    eye = sparse.identity(4, format="csr", dtype=np.float32)
    with pytest.raises(fa.InvalidArgumentError, match="use at most 4"):
        fa.truncated_svd(eye, 5)
    with pytest.raises(fa.InvalidArgumentError, match="n_components"):
        fa.truncated_svd(np.eye(4), 0)
    bad = np.eye(4)
    bad[2, 1] = np.nan
    with pytest.raises(fa.InvalidArgumentError, match="not finite"):
        fa.truncated_svd(bad, 2)
    with pytest.raises(TypeError, match="real numbers"):
        fa.truncated_svd(eye.astype(complex), 2)
    with pytest.raises(fa.InvalidArgumentError, match="do not fit float32"):
        fa.truncated_svd(eye.astype(np.float64) * 1e200, 2)
    with pytest.raises(fa.FormatError, match="not finite"):
        fa.truncated_svd(eye * np.float32(np.inf), 2)
    with pytest.raises(TypeError, match="expected a sparse matrix"):
        fa.laplacian_eigenvectors(np.eye(3))
    with pytest.raises(fa.ShapeError):
        fa.laplacian_eigenvectors(eye[:3])
    lopsided = sparse.csr_matrix(np.array([[0, 1.0, 0], [0, 0, 0], [0, 0, 0]]))
    with pytest.raises(fa.FormatError, match="not symmetric"):
        fa.laplacian_eigenvectors(lopsided)


def test_input_is_not_changed():
    X = sparse_with_gaps().tocoo()
    doubled = X.tocsr()
    doubled.indices = doubled.indices[::-1].copy()  # unsorted
    before = hashlib.sha256(doubled.indices.tobytes()).hexdigest()
    doubled.has_sorted_indices = False
    fa.truncated_svd(doubled, 2)
    assert hashlib.sha256(doubled.indices.tobytes()).hexdigest() == before


def test_same_bytes_for_threads_and_instruction_sets():
    """Exact and tree neighbours, PCA and SVD of synthetic data, each in a process of its own."""
    script = ROOT / "benchmarks" / "same_bytes.py"
    command = [sys.executable, str(script), "--sets", "synthetic", "--threads", "1,3"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "all the same" in done.stdout
