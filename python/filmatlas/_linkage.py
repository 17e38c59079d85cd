# SPDX-License-Identifier: MIT
"""Agglomerative clustering: trees in SciPy's format, along a graph too, their cuts and what else they say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from . import _core
from ._errors import raise_invalid, raise_shape
from ._neighbors import KnnGraph
from ._progress import ProgressLike, progress_callback
from ._validation import as_float, as_int, as_matrix, as_matrix64, as_optional_int, as_vector64
from ._values import CsrMatrix


def _rows(X: Any, where: str) -> Any:
    """(n, d) float32 where given as such, else float64."""
    return as_matrix(X, where) if getattr(X, "dtype", None) == np.float32 else as_matrix64(X, where)


def _limit(memory_limit: int | None, where: str) -> int | None:
    return as_optional_int(memory_limit, where, "memory_limit", low=0, high=2**62)


def _condensed(distances: Any, where: str, name: str = "X") -> Any:
    """Upper triangle of (n, n) distances, or what is condensed already."""
    if getattr(distances, "ndim", None) == 1:
        return as_vector64(distances, where, name)
    square = as_matrix64(distances, where, name)
    n = square.shape[0]
    if square.shape != (n, n):
        raise_shape(
            where, f"{name} has shape {square.shape}", "pass (n, n) distances, or their upper triangle"
        )
    if not np.array_equal(square, square.T):
        row = int(np.flatnonzero((square != square.T).any(axis=1))[0])
        raise_invalid(where, f"{name} is not symmetric", "pass (X + X.T) / 2 if that is rounding", row=row)
    if np.diagonal(square).any():
        row = int(np.flatnonzero(np.diagonal(square))[0])
        raise_invalid(
            where, f"{name} has a diagonal that is not 0", "an item is at distance 0 of itself", row=row
        )
    return np.ascontiguousarray(square[np.triu_indices(n, 1)])


def linkage(
    X: Any,
    *,
    method: str = "ward",
    metric: str = "euclidean",
    connectivity: Any = None,
    memory_limit: int | None = None,
    single_precision: bool = False,
    num_threads: int = 0,
    progress: ProgressLike = None,
) -> Any:
    """Agglomerative clustering as a tree in SciPy's format: (n - 1, 4) left, right, height, items.

    Parameters
    ----------
    X : (n, d) array, or with metric="precomputed" (n, n) distances
        One dimension is read as the n (n - 1) / 2 distances of scipy.spatial.distance.pdist.
    method : "single", "complete", "average", "weighted", "ward", "centroid" or "median"
    metric : "euclidean", "cosine", "sqeuclidean", "manhattan" or "precomputed"
        Distance between rows; the last three methods take "euclidean" only.
    connectivity : KnnGraph or sparse (n, n) matrix, optional
        Only clusters with an edge between them may merge, until no edge is left; then the connected
        components are joined without constraint. "ward", or "average" under "cosine" or "sqeuclidean". Rows
        come in the order of the merges, and heights may fall. For 100,000 items and more.
    memory_limit : int, optional
        Bytes that may be used beside X; default 4 GiB. MemoryLimitError says how much is needed.
    single_precision : bool
        Keep the distances of many items in float32 where all of them must be kept: half the memory, heights
        to about six digits.

    Returns
    -------
    (n - 1, 4) float64 array
        Up to 2,048 items ties are resolved as in SciPy; beyond, one of the equally good trees is found. The
        same bytes for any number of threads and any processor.

    Notes
    -----
    "ward" and "single", and "average" under "cosine" and "sqeuclidean", take memory of the order of n d; the
    others keep n (n - 1) / 2 distances. :func:`linkage_memory` says how much.
    """
    where = "linkage"
    threads = as_int(num_threads, where, "num_threads")
    limit = _limit(memory_limit, where)
    if connectivity is not None:
        return linkage_on_graph(
            X,
            connectivity,
            method=method,
            metric=metric,
            memory_limit=memory_limit,
            num_threads=num_threads,
            progress=progress,
        )[0]
    with progress_callback(progress) as callback:
        if metric == "precomputed" or getattr(X, "ndim", None) == 1:
            distances = _condensed(X, where)
            return _core.linkage_from_distances(
                distances, method, limit, bool(single_precision), threads, callback
            )
        return _core.linkage(
            _rows(X, where), method, metric, limit, bool(single_precision), threads, callback
        )


def linkage_memory(
    n: int, d: int, *, method: str = "ward", metric: str = "euclidean", single_precision: bool = False
) -> int:
    """Bytes that :func:`linkage` uses beside n rows of d columns."""
    where = "linkage_memory"
    return _core.linkage_memory(
        as_int(n, where, "n", low=0, high=2**62),
        as_int(d, where, "d", low=0, high=2**62),
        method,
        metric,
        bool(single_precision),
    )


def linkage_on_graph(
    X: Any,
    graph: Any,
    *,
    method: str = "ward",
    metric: str = "euclidean",
    memory_limit: int | None = None,
    num_threads: int = 0,
    progress: ProgressLike = None,
) -> tuple[Any, int]:
    """(tree, number of connected components): :func:`linkage` with `connectivity`.

    Parameters
    ----------
    X : (n, d) array
    graph : KnnGraph or sparse (n, n) matrix
        Its entries are edges, taken both ways; their values are not read.
    method : "ward", or "average": the mean over all pairs of members, with or without an edge
    metric : "euclidean" for "ward"; "cosine" or "sqeuclidean" for "average"

    Returns
    -------
    tree : (n - 1, 4) float64
        The last `components` - 1 rows join the components.
    components : int
    """
    where = "linkage_on_graph"
    threads = as_int(num_threads, where, "num_threads")
    limit = _limit(memory_limit, where)
    with progress_callback(progress) as callback:
        if isinstance(graph, KnnGraph):
            rows = as_matrix(X, where)
            return _core.linkage_on_knn(rows, graph._core, method, metric, limit, threads, callback)
        if isinstance(graph, CsrMatrix):
            shape, indptr, indices, _ = graph._parts()
        else:
            matrix = graph.tocsr() if hasattr(graph, "tocsr") else None
            if matrix is None:
                dense = as_matrix64(graph, where, "graph")
                present = dense != 0
                shape = dense.shape
                indptr = np.concatenate([[0], np.cumsum(present.sum(axis=1))])
                indices = np.nonzero(present)[1]
            else:
                shape, indptr, indices = matrix.shape, matrix.indptr, matrix.indices
        return _core.linkage_on_graph(
            _rows(X, where),
            (int(shape[0]), int(shape[1])),
            np.ascontiguousarray(indptr, np.int64),
            np.ascontiguousarray(indices, np.int32),
            method,
            metric,
            limit,
            threads,
            callback,
        )


def tree_of(Z: Any, where: str) -> tuple[Any, int]:
    """(the merges as float64, how many items they are of)."""
    tree = as_matrix64(Z, where, "Z")
    return tree, tree.shape[0] + 1


def cut_linkage(
    Z: Any,
    n_clusters: int | Sequence[int] | None = None,
    *,
    height: float | None = None,
    inconsistency: float | None = None,
    depth: int = 2,
) -> Any:
    """Labels from a linkage tree, numbered by first occurrence. Exactly one of the ways to cut.

    Parameters
    ----------
    Z : (n - 1, 4) tree in SciPy's format
    n_clusters : int or list of int
        One count gives (n,) labels; a list gives (len, n) partitions, nested in each other.
    height : float
        Clusters whose every merge is at most this high.
    inconsistency : float
        Clusters whose every merge has an inconsistency coefficient of at most this, over `depth` levels.
    """
    where = "cut_linkage"
    tree, items = tree_of(Z, where)
    if sum(way is not None for way in (n_clusters, height, inconsistency)) != 1:
        raise TypeError("cut_linkage: pass one of n_clusters, height and inconsistency")
    if height is not None:
        return _core.cut_linkage_height(tree, items, as_float(height, where, "height"))
    if inconsistency is not None:
        threshold = as_float(inconsistency, where, "inconsistency")
        return _core.cut_linkage_inconsistency(tree, items, threshold, as_int(depth, where, "depth"))
    if isinstance(n_clusters, (Sequence, np.ndarray)):
        counts = [as_int(count, where, "n_clusters") for count in n_clusters]
        cuts = _core.cut_linkage(tree, items, counts)
        return np.stack(cuts) if cuts else np.empty((0, items), dtype=np.int32)
    return _core.cut_linkage(tree, items, [as_int(n_clusters, where, "n_clusters")])[0]


def inconsistency(Z: Any, depth: int = 2) -> Any:
    """(n - 1, 4): mean and deviation of the heights over `depth` levels, their number, the coefficient; as SciPy."""
    where = "inconsistency"
    return _core.inconsistency(*tree_of(Z, where), as_int(depth, where, "depth"))


def cophenetic_distances(Z: Any, *, memory_limit: int | None = None) -> Any:
    """Height at which each pair of items meets, as n (n - 1) / 2 distances."""
    where = "cophenetic_distances"
    return _core.cophenetic_distances(*tree_of(Z, where), _limit(memory_limit, where))


def cophenetic_correlation(Z: Any, distances: Any) -> float:
    """Correlation of the cophenetic distances with those the tree was made from: (n, n), or n (n - 1) / 2."""
    where = "cophenetic_correlation"
    return float(_core.cophenetic_correlation(*tree_of(Z, where), _condensed(distances, where, "distances")))


def leaf_order(Z: Any, distances: Any = None, *, num_threads: int = 0, progress: ProgressLike = None) -> Any:
    """(n,) items from left to right, each cluster's side by side.

    Parameters
    ----------
    Z : (n - 1, 4) tree in SciPy's format
    distances : (n, n), or n (n - 1) / 2, optional
        With them, of all orders that the tree allows, one with the least sum of distances between neighbours;
        up to 4,096 items.
    """
    where = "leaf_order"
    tree, items = tree_of(Z, where)
    if distances is None:
        return _core.leaf_order(tree, items)
    with progress_callback(progress) as callback:
        return _core.optimal_leaf_order(
            tree,
            items,
            _condensed(distances, where, "distances"),
            as_int(num_threads, where, "num_threads"),
            callback,
        )
