# SPDX-License-Identifier: MIT
"""The gate for arrays: what is taken, without a copy where possible, and what is refused, with which words."""

from __future__ import annotations

import pickle
from decimal import Decimal

import numpy as np
import pytest

import filmatlas as fa
from filmatlas._validation import as_index_array, as_int, as_matrix, as_seed, as_texts

GOOD = np.arange(12, dtype=np.float32).reshape(4, 3)


@pytest.mark.parametrize(
    "make",
    [
        lambda X: X,
        lambda X: X.tolist(),
        lambda X: tuple(map(tuple, X)),
        lambda X: [list(map(int, row)) for row in X],
        lambda X: X.astype(np.float16),
        lambda X: X.astype(np.float64),
        lambda X: X.astype(np.longdouble),
        lambda X: X.astype(np.int8),
        lambda X: X.astype(np.uint64),
        lambda X: X.astype(">f4"),
        lambda X: X.astype(">i2"),
        lambda X: np.asfortranarray(X),
        lambda X: np.repeat(np.repeat(X, 2, 0), 3, 1)[::2, ::3],
        lambda X: X[::-1][::-1],
        lambda X: np.ma.array(X),
        lambda X: X.astype(object),
        lambda X: [[Decimal(int(v)) for v in row] for row in X],
    ],
)
def test_every_kind_of_numbers_is_taken(make):
    out = as_matrix(make(GOOD), "test")
    assert out.dtype == np.float32 and out.flags.c_contiguous and out.dtype.isnative
    np.testing.assert_array_equal(out, GOOD)


def test_float32_is_not_copied_and_never_changed(tmp_path):
    assert np.shares_memory(as_matrix(GOOD, "test"), GOOD)
    np.save(tmp_path / "x.npy", GOOD)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    assert np.shares_memory(as_matrix(mapped, "test"), mapped)
    X = np.random.default_rng(0).normal(size=(30, 4)).astype(np.float32)
    before = X.copy()
    fa.knn_graph(X, 3), fa.kmeans(X, 3), fa.Embedding(X)
    np.testing.assert_array_equal(X, before)
    X.flags.writeable = False
    fa.knn_graph(X, 3)


@pytest.mark.parametrize(
    ("bad", "error", "words"),
    [
        (GOOD.astype(np.complex64), TypeError, "Complex data not supported"),
        (np.array([["a", "b"]]), TypeError, "not numeric"),
        (np.array([["a", 1]], dtype=object), TypeError, "not numbers"),
        (np.array([[None, 1.0]], dtype=object), None, ""),
        (np.array([[{}, 1.0]], dtype=object), TypeError, "not numbers"),
        (np.array([["2020-01-01"]], dtype="datetime64[D]"), TypeError, "not numeric"),
        (np.zeros(3, dtype=[("a", "f4")]), TypeError, "not numeric"),
        ("vectors.npy", TypeError, "read_npy"),
        (b"abc", TypeError, "text"),
        (GOOD[0], ValueError, "Expected 2D array, got 1D array"),
        (GOOD[None], ValueError, "Expected 2D array, got 3D array"),
        (3.0, ValueError, "Expected 2D array, got 0D"),
        ([[1, 2, 3], [1, 2]], ValueError, "row 1 of X has 2 values, row 0 has 3"),
        (np.ma.array(GOOD, mask=GOOD == 5), TypeError, "masked"),
    ],
)
def test_what_is_no_matrix_is_refused(bad, error, words):
    if error is None:  # None counts as missing
        assert np.isnan(as_matrix(bad, "test")[0, 0])
        return
    with pytest.raises(error, match=words) as info:
        fa.knn_graph(bad, 1)
    assert isinstance(info.value, fa.FilmAtlasError) and info.value.stage == "knn_graph"


def test_overflow_is_refused_with_its_place():
    X = np.ones((4000, 300))
    X[3777, 42] = -1e39
    with pytest.raises(
        fa.InvalidArgumentError, match=r"X\[3777, 42\] = -1e\+39 does not fit float32"
    ) as info:
        as_matrix(X, "test")
    assert (info.value.row, info.value.column) == (3777, "42")
    X[3777, 42] = -np.inf
    assert as_matrix(X, "test")[3777, 42] == -np.inf


def test_sparse_is_refused():
    sparse = pytest.importorskip("scipy.sparse")
    with pytest.raises(TypeError, match="sparse"):
        fa.knn_graph(sparse.csr_matrix(GOOD), 1)


def test_pandas_frames():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(GOOD, columns=["a", "b", "c"])
    np.testing.assert_array_equal(as_matrix(frame, "test"), GOOD)
    frame["d"] = pandas.array([1, None, 3, 4], dtype="Int64")
    out = as_matrix(frame, "test")
    assert np.isnan(out[1, 3]) and out[2, 3] == 3
    frame["name"] = list("wxyz")
    with pytest.raises(TypeError, match="'name'"):
        as_matrix(frame, "test")


def test_polars_frames():
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame({"a": [1, 2], "b": [0.5, 1.5]})
    np.testing.assert_array_equal(as_matrix(frame, "test"), [[1, 0.5], [2, 1.5]])
    with pytest.raises(TypeError, match="'c'"):
        as_matrix(frame.with_columns(c=polars.Series(["x", "y"])), "test")


def test_array_protocol():
    class Tensor:
        def __array__(self, dtype=None, copy=None):
            return GOOD if dtype is None else GOOD.astype(dtype)

    np.testing.assert_array_equal(as_matrix(Tensor(), "test"), GOOD)


def test_integers():
    assert as_int(np.int64(3), "f", "k") == 3
    for bad in (3.0, "3", None, True, np.bool_(True), [3]):
        with pytest.raises(TypeError):
            as_int(bad, "f", "k")
    for bad in (0, -5, 2**40):
        with pytest.raises(ValueError):
            fa.knn_graph(GOOD, bad)
    with pytest.raises(ValueError, match="num_threads"):
        fa.knn_graph(GOOD, 1, num_threads=-1)


def test_seeds():
    assert as_seed(7, "f") == 7 and as_seed(2**64 - 1, "f") == 2**64 - 1
    assert as_seed(np.random.default_rng(1), "f") == as_seed(np.random.default_rng(1), "f")
    assert as_seed(None, "f") != as_seed(None, "f")
    with pytest.raises(ValueError):
        as_seed(-1, "f")
    with pytest.raises(TypeError):
        as_seed(0.5, "f")


def test_index_arrays():
    assert as_index_array([1, 2], "f", "labels").dtype == np.int32
    assert as_index_array(np.array([1.0, -1.0]), "f", "labels").tolist() == [1, -1]
    for bad, error in (
        ([0.5], TypeError),
        ([np.nan], TypeError),
        (["a"], TypeError),
        ([2**31], ValueError),
        ([[1]], ValueError),
    ):
        with pytest.raises(error):
            as_index_array(bad, "f", "labels")


def test_texts():
    assert as_texts(["a", None, float("nan"), "\ud800b"], "f") == ["a", "", "", "\ufffd\ufffd\ufffdb"]
    for bad in ("one text", b"bytes", [1], 3):
        with pytest.raises(TypeError):
            as_texts(bad, "f")


@pytest.mark.parametrize(
    "call",
    [
        lambda: fa.knn_graph(GOOD, 1, metric="nearness"),
        lambda: fa.knn_graph(GOOD, 1, method="guess"),
        lambda: fa.linkage(GOOD, method="nearest"),
        lambda: fa.kmeans(GOOD, 5),
        lambda: fa.kmeans(GOOD, 0),
        lambda: fa.kmeans(GOOD, 2, weights=[1, 1]),
        lambda: fa.kmeans([[np.nan, 1.0], [1.0, 2.0]], 1),
        lambda: fa.knn_graph(np.empty((0, 3)), 1),
        lambda: fa.knn_graph(np.empty((3, 0)), 1),
        lambda: fa.umap(GOOD, n_components=0),
        lambda: fa.umap(GOOD, min_dist=-1),
        lambda: fa.tsne(GOOD, perplexity=0.0),
        lambda: fa.pca(GOOD, 7),
        lambda: fa.nested_clusters(GOOD, n_clusters=[4, 2, 1]),
        lambda: fa.nested_clusters(GOOD, levels=()),
        lambda: fa.smooth_embedding(GOOD, fa.knn_graph(GOOD, 2), keep=2.0),
        lambda: fa.cut_linkage(fa.linkage(GOOD), 9),
        lambda: fa.Embedding(GOOD, on_invalid="ignore"),
        lambda: fa.adjusted_rand_index([1, 2], [1]),
    ],
)
def test_bad_values_name_themselves(call):
    with pytest.raises(ValueError) as info:
        call()
    error = info.value
    assert isinstance(error, fa.FilmAtlasError)
    assert len(str(error)) > 20 and error.what


def test_memory_limits_are_refused_with_the_figure():
    X = np.zeros((5000, 4), dtype=np.float32)
    with pytest.raises(MemoryError, match=r"\d") as info:
        fa.linkage(X, memory_limit=1000)
    assert info.value.code == "memory"


def test_errors_are_also_builtins_and_survive_pickling(tmp_path):
    with pytest.raises(OSError) as info:
        fa.read_npy(tmp_path / "missing.npy")
    error = info.value
    assert isinstance(error, fa.FileError) and error.filename == error.file == str(tmp_path / "missing.npy")
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.file, type(again)) == (str(error), error.file, fa.FileError)
    assert error.to_dict()["code"] == "io"
    assert issubclass(fa.ShapeError, ValueError) and issubclass(fa.DataTypeError, TypeError)
    assert issubclass(fa.MemoryLimitError, MemoryError) and issubclass(fa.Cancelled, fa.FilmAtlasError)
