# SPDX-License-Identifier: MIT
"""True neighbours in the full space."""

from __future__ import annotations

import os
from typing import Any, NamedTuple

import numpy as np

from . import _core
from ._errors import raise_shape
from ._progress import ProgressLike, progress_callback
from ._tables import Table
from ._validation import (
    as_float,
    as_index_array,
    as_int,
    as_matrix,
    as_optional_float,
    as_optional_int,
    as_rows,
    as_seed,
)
from ._values import CsrMatrix, RunInfo, Value, announce, figure


class KnnGraph(Value):
    """The k nearest neighbours of every item, nearest first, self excluded, ties by (distance, id).

    Made by :func:`knn_graph`, or from another tool's arrays. A row without a valid vector has ids -1 and distances
    +inf, and is nobody's neighbour.

    Parameters
    ----------
    indices : (n, k) integers
    distances : (n, k) numbers, ascending along each row
    metric : "cosine", "euclidean", "sqeuclidean", "inner_product" or "manhattan"
    includes_self : bool
        Whether every row lists its own item (as FAISS and scikit-learn do); it is taken out, and k falls by one.
    """

    __slots__ = ()

    def __init__(
        self,
        indices: Any,
        distances: Any,
        *,
        metric: str = "cosine",
        method: str = "given",
        includes_self: bool = False,
    ) -> None:
        ids = as_index_array(indices, "KnnGraph", "indices", ndim=2)
        lengths = as_matrix(distances, "KnnGraph", "distances")
        if ids.shape != lengths.shape:
            raise_shape("KnnGraph", f"indices has shape {ids.shape}, distances {lengths.shape}")
        if includes_self and ids.shape[1] > 0:
            ids, lengths = _without_self(ids, lengths)
        self._core = _core.KnnGraph(
            ids, lengths, metric, method, "brought by the caller", (1.0, 1.0, 1.0), _invalid_rows(ids)
        )

    @property
    def indices(self) -> Any:
        """(n, k) int32 ids."""
        return self._core.indices

    @property
    def distances(self) -> Any:
        """(n, k) float32 distances, ascending along each row."""
        return self._core.distances

    @property
    def metric(self) -> str:
        """Name of the distance."""
        return str(self._core.metric)

    @property
    def method(self) -> str:
        """How it was made: "exact", "kd_tree", "descent" or "given"."""
        return str(self._core.method)

    @property
    def reason(self) -> str:
        """Why this method."""
        return str(self._core.reason)

    @property
    def recall(self) -> float:
        """Share of the true neighbours that were found; 1 for exact methods."""
        return float(self._core.recall[0])

    @property
    def recall_interval(self) -> tuple[float, float]:
        """95 % interval of `recall`."""
        _, low, high = self._core.recall
        return low, high

    @property
    def invalid_rows(self) -> Any:
        """Rows without a valid vector, ascending."""
        return self._core.invalid_rows

    @property
    def invalid_reasons(self) -> list[str]:
        """Of each of `invalid_rows`: "nan", "infinite" or "zero"; empty where they are not known."""
        reasons: list[str] = self._core.invalid_reasons
        return reasons

    @property
    def run(self) -> RunInfo:
        """How the search went."""
        return RunInfo._of(self._core.run)

    @property
    def effort(self) -> dict[str, Any]:
        """What exact search took: `screen` ("bfloat16", "float32" or "") and `measured_pairs`, the pairs that the
        screen could not rule out. A diagnostic: it differs between processors, never the neighbours."""
        return dict(self._core.effort)

    @property
    def k(self) -> int:
        """Neighbours per item."""
        return int(self.indices.shape[1])

    def __len__(self) -> int:
        return int(self.indices.shape[0])

    def to_pandas(self) -> Any:
        """One row per item and neighbour: item, rank (1 = nearest), neighbor, distance."""
        valid = self.indices >= 0
        items, slots = np.nonzero(valid)
        columns = {
            "item": items.astype(np.int32),
            "rank": (slots + 1).astype(np.int32),
            "neighbor": self.indices[valid],
            "distance": self.distances[valid],
        }
        return Table(columns).to_pandas()

    def to_scipy(self) -> Any:
        """Distances as a scipy.sparse.csr_matrix of shape (n, n)."""
        from scipy.sparse import csr_matrix

        valid = self.indices >= 0
        items, _ = np.nonzero(valid)
        return csr_matrix((self.distances[valid], (items, self.indices[valid])), shape=(len(self), len(self)))

    def __repr__(self) -> str:
        low, high = self.recall_interval
        found = "exact" if self.method in ("exact", "kd_tree") else f"recall={self.recall:.3f}"
        if low < high:
            found += f" [{low:.3f}, {high:.3f}]"
        return f"KnnGraph(n={figure(len(self))}, k={self.k}, metric={self.metric!r}, method={self.method!r}, {found})"

    def __reduce__(self) -> tuple[Any, ...]:
        core = self._core
        invalid = (np.array(core.invalid_rows).tolist(), core.invalid_reasons)
        fields = (core.metric, core.method, core.reason, core.recall, *invalid)
        return _rebuild, (np.array(core.indices), np.array(core.distances), fields)


def _rebuild(indices: Any, distances: Any, fields: tuple[Any, ...]) -> KnnGraph:
    return KnnGraph._wrap(_core.KnnGraph(indices, distances, *fields))


def _invalid_rows(ids: Any) -> list[int]:
    if ids.shape[1] == 0 or ids.shape[0] < 2:
        return []
    rows: list[int] = np.flatnonzero((ids < 0).all(axis=1)).tolist()
    return rows


def _without_self(ids: Any, distances: Any) -> tuple[Any, Any]:
    n, k = ids.shape
    is_self = ids == np.arange(n, dtype=np.int32)[:, None]
    # Duplicates can push an item out of its own list: then the farthest neighbour goes.
    slot = np.where(is_self.any(axis=1), is_self.argmax(axis=1), k - 1)
    keep = np.ones((n, k), dtype=bool)
    keep[np.arange(n), slot] = False
    return ids[keep].reshape(n, k - 1), distances[keep].reshape(n, k - 1)


def as_graph(
    graph: Any, X: Any, where: str, *, k: int, metric: str, num_threads: int, callback: Any
) -> KnnGraph:
    """The given graph, or a new one of X."""
    if isinstance(graph, KnnGraph):
        if len(graph) != X.shape[0]:
            raise_shape(where, f"the graph has {len(graph)} rows, X has {X.shape[0]}")
        return graph
    if graph is not None:
        raise TypeError(f"{where}: graph is a {type(graph).__name__}, expected a KnnGraph or None")
    # Small inputs have fewer others than k; that is no news where the graph is only a means.
    k = max(1, min(k, X.shape[0] - 1))
    rows = as_rows(X, where)
    return KnnGraph._wrap(_core.knn_graph(rows, k, metric, "auto", None, 42, num_threads, callback))


def knn_graph(
    X: Any,
    k: int = 15,
    *,
    metric: str = "cosine",
    method: str = "auto",
    weights: Any = None,
    dtype: Any = None,
    memory_limit: int | None = None,
    random_state: Any = 42,
    n_trees: int | None = None,
    leaf_size: int | None = None,
    list_size: int | None = None,
    max_candidates: int | None = None,
    max_iterations: int | None = None,
    delta: float | None = None,
    recall_sample: int | None = None,
    num_threads: int = 0,
    progress: ProgressLike = None,
) -> KnnGraph:
    """The k nearest neighbours of every row of X: exactly, or nearly all with the recall measured.

    Parameters
    ----------
    X : (n, d) array, an Embedding, or a dictionary or list of arrays
        Integers and float16, float32 and float64 numbers are read where they lie, also from memory maps, in Fortran
        order and from strided views: the result is that of the float32 copy, which is not made. Rows with NaN or
        infinite values (under cosine also zero rows) keep their place without neighbours; see `invalid_rows` and
        `invalid_reasons`. Several arrays count side by side: under cosine the similarity of two items is the weighted
        sum of the arrays' (see :func:`combine_embeddings`), under euclidean the squared distance.
    k : int
        Neighbours per item, the item itself not counted; lowered to n - 1 with a warning.
    metric : "cosine", "euclidean", "sqeuclidean", "inner_product" or "manhattan"
    method : "auto", "exact", "kd_tree" (few dimensions, Euclidean) or "descent" (approximate)
        "auto" is exact up to about 200,000 rows of 512 dimensions; beyond, it takes "descent". The graph's `reason`
        says what was taken, why, and what the other would have cost.
    weights : dictionary or list of numbers, optional
        Of several arrays, normalised to sum 1; by default equal.
    dtype : "bfloat16", optional
        For uint16 arrays that hold bfloat16 numbers.
    memory_limit : int, optional
        Refuse with MemoryLimitError when more bytes than this would be needed.
    random_state : int, numpy Generator or RandomState
        Seed of "descent"; the exact methods draw nothing.
    n_trees, leaf_size, list_size, max_candidates, max_iterations, delta : optional
        Work of "descent": trees of the forest and most rows of their leaves; neighbours kept per row while searching
        (at least `k`); most rows of each kind compared in a round; most rounds; and the share of renewed neighbours
        below which it stops. More trees and longer lists find more.
    recall_sample : int, optional
        Rows whose exact neighbours "descent" finds to measure its recall (default 1,000), at `recall` and, as a 95 %
        interval, `recall_interval`.

    Returns
    -------
    KnnGraph
        The same bytes for any number of threads and any processor.
    """
    where = "knn_graph"

    def whole(value: int | None, name: str) -> int | None:
        return as_optional_int(value, where, name)

    vectors = as_rows(X, where, dtype=dtype, weights=weights, metric=metric)
    with progress_callback(progress) as callback:
        core = _core.knn_graph(
            vectors,
            as_int(k, where, "k"),
            metric,
            method,
            as_optional_int(memory_limit, where, "memory_limit", low=0, high=2**62),
            as_seed(random_state, where),
            as_int(num_threads, where, "num_threads"),
            callback,
            (
                whole(n_trees, "n_trees"),
                whole(leaf_size, "leaf_size"),
                whole(list_size, "list_size"),
                whole(max_candidates, "max_candidates"),
                whole(max_iterations, "max_iterations"),
                as_optional_float(delta, where, "delta"),
                whole(recall_sample, "recall_sample"),
            ),
        )
    announce(core.run)
    return KnnGraph._wrap(core)


class KnnIndex(Value):
    """The nearest of given vectors for new items: exactly, or through a navigable graph of measured recall.

    Parameters
    ----------
    X : as in :func:`knn_graph`
        Copied, as float32.
    metric : as in :func:`knn_graph`; "hnsw" takes "cosine", "euclidean" and "sqeuclidean"
    method : "auto", "exact" or "hnsw"
        "auto" is exact up to 200,000 rows of 512 dimensions. "hnsw" finds the neighbours of all rows first, and
        answers queries many times faster then; its distances are the exact ones.
    target_recall : float
        "hnsw" takes the shortest searches that find this share of the true `target_k` neighbours, measured on rows
        that are hidden from their own search; the whole 95 % interval lies above it. See `recall`.
    ef : int, optional
        Candidates that a search keeps, instead of choosing them by `target_recall`.
    links : int
        Links per row of the graph's upper layers, twice as many on the lowest.
    weights, dtype, memory_limit : as in :func:`knn_graph`
    """

    __slots__ = ()

    def __init__(
        self,
        X: Any,
        *,
        metric: str = "cosine",
        method: str = "auto",
        target_recall: float = 0.97,
        target_k: int = 15,
        ef: int | None = None,
        links: int = 16,
        weights: Any = None,
        dtype: Any = None,
        memory_limit: int | None = None,
        random_state: Any = 42,
        num_threads: int = 0,
        progress: ProgressLike = None,
    ) -> None:
        where = "KnnIndex"
        with progress_callback(progress) as callback:
            self._core = _core.KnnIndex(
                as_rows(X, where, dtype=dtype, weights=weights, metric=metric),
                metric,
                method,
                as_int(links, where, "links"),
                as_float(target_recall, where, "target_recall"),
                as_int(target_k, where, "target_k"),
                as_optional_int(ef, where, "ef"),
                as_optional_int(memory_limit, where, "memory_limit", low=0, high=2**62),
                as_seed(random_state, where),
                as_int(num_threads, where, "num_threads"),
                callback,
            )

    def query(
        self,
        Q: Any,
        k: int = 15,
        *,
        ef: int | None = None,
        weights: Any = None,
        dtype: Any = None,
        num_threads: int = 0,
        progress: ProgressLike = None,
    ) -> tuple[Any, Any]:
        """(ids, distances), each (m, k), nearest first; -1 and +inf pad rows with fewer than k.

        `ef` is how many candidates searches of "hnsw" keep; by default what the target recall needs, and more for a
        `k` above `target_k`.
        """
        where = "KnnIndex.query"
        queries = as_rows(Q, where, "Q", dtype=dtype, weights=weights, metric=self.metric)
        with progress_callback(progress) as callback:
            ids, distances = self._core.query(
                queries,
                as_int(k, where, "k"),
                0 if ef is None else as_int(ef, where, "ef", low=1),
                as_int(num_threads, where, "num_threads"),
                callback,
            )
        return ids, distances

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the vectors and their neighbours, atomically, with checksums."""
        self._core.save(os.fspath(path))

    @classmethod
    def load(
        cls, path: str | os.PathLike[str], *, num_threads: int = 0, progress: ProgressLike = None
    ) -> KnnIndex:
        """Reads what :meth:`save` wrote; damaged files are refused. Links are chosen anew, as they were."""
        threads = as_int(num_threads, "KnnIndex.load", "num_threads")
        with progress_callback(progress) as callback:
            return cls._wrap(_core.KnnIndex.load(os.fspath(path), threads, callback))

    @property
    def metric(self) -> str:
        """Name of the distance."""
        return str(self._core.metric)

    @property
    def method(self) -> str:
        """How queries are answered: "exact" or "hnsw"."""
        return str(self._core.method)

    @property
    def reason(self) -> str:
        """Why this method."""
        return str(self._core.reason)

    @property
    def recall(self) -> float:
        """Share of the true `target_k` neighbours that queries find; 1 for "exact"."""
        return float(self._core.quality["recall"])

    @property
    def recall_interval(self) -> tuple[float, float]:
        """95 % interval of `recall`."""
        quality = self._core.quality
        return float(quality["low"]), float(quality["high"])

    @property
    def ef(self) -> int | None:
        """Candidates that a search keeps; None for "exact"."""
        return int(self._core.quality["ef"]) if self.method == "hnsw" else None

    @property
    def shape(self) -> tuple[int, int]:
        """(n, d) of the vectors."""
        n, d = self._core.shape
        return int(n), int(d)

    def __len__(self) -> int:
        return self.shape[0]

    def __repr__(self) -> str:
        n, d = self.shape
        found = ""
        if self.method == "hnsw":
            low, high = self.recall_interval
            found = f", recall={self.recall:.3f} [{low:.3f}, {high:.3f}]"
        return f"KnnIndex({figure(n)} x {d}, metric={self.metric!r}, method={self.method!r}{found})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild_index, (self._core.to_bytes(),)


def _rebuild_index(data: bytes) -> KnnIndex:
    return KnnIndex._wrap(_core.KnnIndex.from_bytes(data))


def exact_rows(
    X: Any,
    rows: Any,
    k: int = 15,
    *,
    metric: str = "cosine",
    num_threads: int = 0,
    progress: ProgressLike = None,
) -> tuple[Any, Any]:
    """The exact neighbours of some rows: what an approximate graph can be held to.

    Parameters
    ----------
    X : (n, d) array, or an Embedding
    rows : (m,) integers
        Which rows, in any order.
    k : int
        Neighbours per row, the row itself not counted.
    metric : as in :func:`knn_graph`

    Returns
    -------
    (indices, distances), each (m, k)
        The rows of the exact :func:`knn_graph`, to the bit; -1 and +inf where there are fewer than k.
    """
    where = "exact_rows"
    vectors = as_rows(X, where)
    chosen = as_index_array(rows, where, "rows")
    with progress_callback(progress) as callback:
        ids, distances = _core.exact_rows(
            vectors, chosen, as_int(k, where, "k"), metric, as_int(num_threads, where, "num_threads"), callback
        )
    return ids, distances


def count_closer(
    X: Any,
    others: Any,
    *,
    metric: str = "cosine",
    num_threads: int = 0,
    progress: ProgressLike = None,
) -> Any:
    """How many items are closer than given ones: exact ranks in the full space.

    For every item i and each j = others[i, s], the number of items that come before j in the order of (distance to i,
    id), i itself not counted: 0 says that j is i's nearest neighbour. With the neighbours on a map, these are the ranks
    that trustworthiness is made of; all are found in one pass over the pairs, without sorting or keeping distances.

    Parameters
    ----------
    X : (n, d) array, an Embedding, or several of them as in :func:`knn_graph`
    others : (n, m) integers
        Ids of other items for each item, in any order; -1 for none.
    metric : as in :func:`knn_graph`

    Returns
    -------
    (n, m) int32 array
        The counts; -1 where there is no other, or where one of the two has no valid vector. The same for any number of
        threads and any processor. The count of the exact :func:`knn_graph`'s neighbour in slot s is s.
    """
    where = "count_closer"
    vectors = as_rows(X, where, metric=metric)
    given = as_index_array(others, where, "others", ndim=2)
    with progress_callback(progress) as callback:
        return _core.count_closer(vectors, given, metric, as_int(num_threads, where, "num_threads"), callback)


def recall(graph: KnnGraph, truth: KnnGraph) -> float:
    """Share of the true neighbours that `graph` holds."""
    return float(_core.recall(graph._core, truth._core))


class Hubness(NamedTuple):
    """How unevenly neighbours are shared out; from :func:`hubness`."""

    occurrences: Any
    skewness: float
    gini: float
    anti_hub_share: float
    anti_hubs: Any
    hubs: Any


def hubness(graph: KnnGraph, *, max_hubs: int = 10) -> Hubness:
    """How often items occur in others' lists: in high dimensions a few in very many, and many in none.

    Returns
    -------
    Hubness
        `occurrences` (n,) lists that each item is in; their `skewness` and `gini` coefficient over the items that
        have neighbours; `anti_hub_share` and `anti_hubs`, the items in nobody's list; `hubs`, the `max_hubs` most
        listed, most first.
    """
    fields = _core.hubness(graph._core, as_int(max_hubs, "hubness", "max_hubs"))
    return Hubness(**fields)


def mutual_graph(graph: KnnGraph) -> CsrMatrix:
    """The edges that both ends list, with their distances: (n, n), symmetric."""
    return CsrMatrix(_core.mutual_graph(graph._core))
