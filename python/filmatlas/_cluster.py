# SPDX-License-Identifier: MIT
"""k-means, linkage, and scores of partitions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import _core
from ._errors import raise_shape, raise_type
from ._hierarchy import Hierarchy, hierarchy_core
from ._neighbors import KnnGraph
from ._progress import ProgressLike, progress_callback
from ._validation import (
    as_float,
    as_index_array,
    as_int,
    as_matrix,
    as_matrix64,
    as_optional_int,
    as_seed,
    as_vector64,
)
from ._values import RunInfo, announce


@dataclass(frozen=True, repr=False)
class KMeansResult:
    """Centroids (k, d), labels (n,), sizes (k,), inertia, and how the run went."""

    centroids: Any
    labels: Any
    sizes: Any
    inertia: float
    run: RunInfo

    def __repr__(self) -> str:
        return (
            f"KMeansResult(k={len(self.sizes)}, inertia={self.inertia:.6g}, "
            f"iterations={self.run.iterations}, converged={self.run.converged})"
        )


def kmeans(
    X: Any,
    k: int,
    *,
    weights: Any = None,
    max_iterations: int = 100,
    tolerance: float = 1e-4,
    spherical: bool = False,
    n_init: int = 1,
    random_state: Any = 42,
    num_threads: int = 0,
    progress: ProgressLike = None,
) -> KMeansResult:
    """k-means: greedy k-means++ seeds, Lloyd's rounds with exact bounds.

    Parameters
    ----------
    X : (n, d) array, finite
    k : int in [1, n]
    weights : (n,) weights > 0, optional
    spherical : bool
        Centroids of unit length (cosine k-means, for unit rows).

    Returns
    -------
    KMeansResult
        The same bytes for any number of threads and any processor.
    """
    where = "kmeans"
    vectors = as_matrix(X, where)
    given = np.empty(0) if weights is None else as_vector64(weights, where, "weights")
    with progress_callback(progress) as callback:
        result = _core.kmeans(
            vectors,
            as_int(k, where, "k"),
            given,
            as_int(max_iterations, where, "max_iterations"),
            as_float(tolerance, where, "tolerance"),
            bool(spherical),
            as_int(n_init, where, "n_init"),
            as_seed(random_state, where),
            as_int(num_threads, where, "num_threads"),
            callback,
        )
    announce(result["run"])
    return KMeansResult(
        result["centroids"], result["labels"], result["sizes"], result["inertia"], RunInfo._of(result["run"])
    )


def assign_to_centroids(X: Any, centroids: Any, *, num_threads: int = 0) -> Any:
    """(n,) nearest centroid of every row, the smaller id on a tie."""
    where = "assign_to_centroids"
    return _core.assign_to_centroids(
        as_matrix(X, where),
        as_matrix(centroids, where, "centroids"),
        as_int(num_threads, where, "num_threads"),
    )


def linkage(
    X: Any,
    *,
    method: str = "ward",
    metric: str = "euclidean",
    memory_limit: int | None = None,
    num_threads: int = 0,
    progress: ProgressLike = None,
) -> Any:
    """Agglomerative clustering as a tree in SciPy's format: (n - 1, 4) left, right, height, items.

    Parameters
    ----------
    X : (n, d) array, or the n (n - 1) / 2 distances of scipy.spatial.distance.pdist
    method : "single", "complete", "average", "weighted", "ward", "centroid" or "median"
    metric : distance between rows; the last three methods take "euclidean" only
    memory_limit : int, optional
        Bytes the distances may take; default 4 GiB. MemoryLimitError says how much is needed.
    """
    where = "linkage"
    condensed = getattr(X, "ndim", None) == 1
    values = as_vector64(X, where, "X") if condensed else as_matrix64(X, where)
    with progress_callback(progress) as callback:
        return _core.linkage(
            values,
            condensed,
            method,
            metric,
            as_optional_int(memory_limit, where, "memory_limit", low=0, high=2**62),
            as_int(num_threads, where, "num_threads"),
            callback,
        )


def cut_linkage(Z: Any, n_clusters: int | Sequence[int] | None = None, *, height: float | None = None) -> Any:
    """Labels from a linkage tree, numbered by first occurrence.

    Parameters
    ----------
    Z : (n - 1, 4) tree in SciPy's format
    n_clusters : int or list of int
        One count gives (n,) labels; a list gives (len, n) nested partitions.
    height : float
        Instead: clusters whose every merge is at most this high.
    """
    where = "cut_linkage"
    tree = as_matrix64(Z, where, "Z")
    items = tree.shape[0] + 1
    if (n_clusters is None) == (height is None):
        raise TypeError("cut_linkage: pass either n_clusters or height")
    if height is not None:
        return _core.cut_linkage_height(tree, items, as_float(height, where, "height"))
    if isinstance(n_clusters, (Sequence, np.ndarray)):
        counts = [as_int(count, where, "n_clusters") for count in n_clusters]
        cuts = _core.cut_linkage(tree, items, counts)
        return np.stack(cuts) if cuts else np.empty((0, items), dtype=np.int32)
    return _core.cut_linkage(tree, items, [as_int(n_clusters, where, "n_clusters")])[0]


def _label_pair(a: Any, b: Any, where: str) -> tuple[Any, Any]:
    first, second = as_labels(a, where, "a"), as_labels(b, where, "b")
    if first.shape != second.shape:
        raise_shape(where, f"a has {first.shape[0]} labels, b has {second.shape[0]}")
    return first, second


def as_labels(values: Any, where: str, name: str) -> Any:
    """(n,) int32 labels; texts and other values are numbered in ascending order."""
    array = np.asarray(values)
    if array.ndim == 1 and array.dtype.kind in "OUSV":
        try:
            array = np.unique(array.astype(str), return_inverse=True)[1].reshape(-1)
        except (TypeError, ValueError):
            raise_type(where, f"{name} holds values that are neither integers nor texts")
    return as_index_array(array, where, name)


def adjusted_rand_index(a: Any, b: Any) -> float:
    """Adjusted Rand index of two partitions; 1 for equal ones, 0 expected by chance."""
    return float(_core.adjusted_rand_index(*_label_pair(a, b, "adjusted_rand_index")))


def adjusted_mutual_information(a: Any, b: Any) -> float:
    """Mutual information adjusted for chance, arithmetic mean of the entropies."""
    return float(_core.adjusted_mutual_information(*_label_pair(a, b, "adjusted_mutual_information")))


def normalized_mutual_information(a: Any, b: Any) -> float:
    """Mutual information over the arithmetic mean of the entropies."""
    return float(_core.normalized_mutual_information(*_label_pair(a, b, "normalized_mutual_information")))


def mutual_information(a: Any, b: Any) -> float:
    """Mutual information in nats."""
    return float(_core.mutual_information(*_label_pair(a, b, "mutual_information")))


@dataclass(frozen=True, repr=False)
class Silhouette:
    """Silhouette: mean, per item (NaN where the label is negative), per label; whether distances were exact."""

    mean: float
    per_item: Any
    per_label: Any
    exact: bool

    def __repr__(self) -> str:
        return f"Silhouette(mean={self.mean:.4f}, exact={self.exact})"


def silhouette(
    X: Any, labels: Any, *, metric: str = "cosine", exact_limit: int = 20_000, num_threads: int = 0
) -> Silhouette:
    """Silhouette of a partition; exact for any n under cosine and squared Euclidean."""
    where = "silhouette"
    result = _core.silhouette(
        as_matrix(X, where),
        as_labels(labels, where, "labels"),
        metric,
        as_int(exact_limit, where, "exact_limit", low=0, high=2**62),
        as_int(num_threads, where, "num_threads"),
    )
    return Silhouette(**result)


def size_balance(labels: Any) -> dict[str, Any]:
    """Sizes of the parts of a partition: smallest, largest, median, largest_share, gini, coverage."""
    balance: dict[str, Any] = _core.size_balance(as_labels(labels, "size_balance", "labels"))
    return balance


def nesting_report(labels: Sequence[Any]) -> dict[str, Any]:
    """What a list of partitions, coarse to fine, breaks of strict nesting: violations, orphans, coverage, strict."""
    levels = [as_labels(level, "nesting_report", f"labels[{i}]") for i, level in enumerate(labels)]
    report: dict[str, Any] = _core.nesting_report(levels)
    return report


def level_scores(
    X: Any, hierarchy: Hierarchy, *, metric: str = "cosine", exact_limit: int = 20_000, num_threads: int = 0
) -> list[dict[str, Any]]:
    """Balance and silhouette of every level of a hierarchy, coarse to fine."""
    where = "level_scores"
    scores: list[dict[str, Any]] = _core.level_scores(
        as_matrix(X, where),
        hierarchy_core(hierarchy, where),
        metric,
        as_int(exact_limit, where, "exact_limit", low=0, high=2**62),
        as_int(num_threads, where, "num_threads"),
    )
    return scores


def _tree_and_graph(hierarchy: Any, graph: Any, where: str) -> tuple[Any, Any]:
    if not isinstance(graph, KnnGraph):
        raise_type(where, f"graph is a {type(graph).__name__}, expected a KnnGraph")
    return hierarchy_core(hierarchy, where), graph._core


def dendrogram_purity(hierarchy: Hierarchy, classes: Any) -> float:
    """Expected purity, for two items of one class, of the smallest node that holds both.

    Parameters
    ----------
    hierarchy : Hierarchy
    classes : (n,) known classes; negative = unknown, left out
    """
    where = "dendrogram_purity"
    return float(_core.dendrogram_purity(hierarchy_core(hierarchy, where), as_labels(classes, where, "classes")))


def dasgupta_cost(hierarchy: Hierarchy, graph: KnnGraph) -> float:
    """Dasgupta's cost over the edges of a kNN graph, in (0, 1]; lower is better.

    The mean number of items in the smallest node that holds both ends of an edge, over the number of items.
    """
    return float(_core.dasgupta_cost(*_tree_and_graph(hierarchy, graph, "dasgupta_cost")))


def neighbor_containment(hierarchy: Hierarchy, graph: KnnGraph) -> list[float]:
    """Per level, coarse to fine, the share of the graph's edges whose ends share a node."""
    shares: list[float] = _core.neighbor_containment(*_tree_and_graph(hierarchy, graph, "neighbor_containment"))
    return shares
