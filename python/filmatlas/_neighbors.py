# SPDX-License-Identifier: MIT
"""True neighbours in the full space."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import _core
from ._errors import raise_shape
from ._progress import ProgressLike, progress_callback
from ._tables import Table
from ._validation import as_index_array, as_int, as_matrix, as_optional_int, as_seed
from ._values import RunInfo, Value, announce, figure


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
        """How it was made: "exact", "kd_tree" or "given"."""
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
    def run(self) -> RunInfo:
        """How the search went."""
        return RunInfo._of(self._core.run)

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
        found = "exact" if self.method in ("exact", "kd_tree") else f"recall={self.recall:.3f}"
        return f"KnnGraph(n={figure(len(self))}, k={self.k}, metric={self.metric!r}, method={self.method!r}, {found})"

    def __reduce__(self) -> tuple[Any, ...]:
        core = self._core
        fields = (core.metric, core.method, core.reason, core.recall, np.array(core.invalid_rows).tolist())
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
    return KnnGraph._wrap(_core.knn_graph(X, k, metric, "auto", None, 42, num_threads, callback))


def knn_graph(
    X: Any,
    k: int = 15,
    *,
    metric: str = "cosine",
    method: str = "auto",
    memory_limit: int | None = None,
    num_threads: int = 0,
    progress: ProgressLike = None,
) -> KnnGraph:
    """The k nearest neighbours of every row of X, exactly.

    Parameters
    ----------
    X : (n, d) array, or an Embedding
        Rows with NaN or infinite values (under cosine also zero rows) keep their place without neighbours.
    k : int
        Neighbours per item, the item itself not counted; lowered to n - 1 with a warning.
    metric : "cosine", "euclidean", "sqeuclidean", "inner_product" or "manhattan"
    method : "auto", "exact" or "kd_tree" (few dimensions, Euclidean)
    memory_limit : int, optional
        Refuse with MemoryLimitError when more bytes than this would be needed.

    Returns
    -------
    KnnGraph
        The same bytes for any number of threads and any processor.
    """
    where = "knn_graph"
    vectors = as_matrix(X, where)
    with progress_callback(progress) as callback:
        core = _core.knn_graph(
            vectors,
            as_int(k, where, "k"),
            metric,
            method,
            as_optional_int(memory_limit, where, "memory_limit", low=0, high=2**62),
            as_seed(42, where),
            as_int(num_threads, where, "num_threads"),
            callback,
        )
    announce(core.run)
    return KnnGraph._wrap(core)


class KnnIndex(Value):
    """Exact neighbours of new items among given vectors.

    Parameters
    ----------
    X : (n, d) array, or an Embedding
        Copied.
    metric : as in :func:`knn_graph`
    """

    __slots__ = ()

    def __init__(self, X: Any, *, metric: str = "cosine", num_threads: int = 0) -> None:
        threads = as_int(num_threads, "KnnIndex", "num_threads")
        self._core = _core.KnnIndex(as_matrix(X, "KnnIndex"), metric, threads)

    def query(
        self, Q: Any, k: int = 15, *, num_threads: int = 0, progress: ProgressLike = None
    ) -> tuple[Any, Any]:
        """(ids, distances), each (m, k), nearest first; -1 and +inf pad rows with fewer than k."""
        where = "KnnIndex.query"
        queries = as_matrix(Q, where, "Q")
        with progress_callback(progress) as callback:
            ids, distances = self._core.query(
                queries, as_int(k, where, "k"), as_int(num_threads, where, "num_threads"), callback
            )
        return ids, distances

    @property
    def metric(self) -> str:
        """Name of the distance."""
        return str(self._core.metric)

    def __len__(self) -> int:
        return int(self._core.shape[0])

    def __repr__(self) -> str:
        n, d = self._core.shape
        return f"KnnIndex({figure(n)} x {d}, metric={self.metric!r})"


def recall(graph: KnnGraph, truth: KnnGraph) -> float:
    """Share of the true neighbours that `graph` holds."""
    return float(_core.recall(graph._core, truth._core))
