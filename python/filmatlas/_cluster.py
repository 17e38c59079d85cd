# SPDX-License-Identifier: MIT
"""k-means, and scores of partitions."""

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
    as_seed,
    as_vector64,
)
from ._values import CsrMatrix, RunInfo, announce


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


def _kmeans_fields(
    where: str,
    *,
    max_iterations: int,
    tolerance: float,
    spherical: bool,
    n_init: int,
    start: str,
    batch_size: int,
    random_state: Any,
    num_threads: int,
) -> dict[str, Any]:
    return {
        "max_iterations": as_int(max_iterations, where, "max_iterations"),
        "tolerance": as_float(tolerance, where, "tolerance"),
        "spherical": bool(spherical),
        "n_init": as_int(n_init, where, "n_init"),
        "start": start,
        "batch_size": as_int(batch_size, where, "batch_size", high=2**62),
        "seed": as_seed(random_state, where),
        "num_threads": as_int(num_threads, where, "num_threads"),
    }


def kmeans(
    X: Any,
    k: int,
    *,
    weights: Any = None,
    max_iterations: int = 100,
    tolerance: float = 1e-4,
    spherical: bool = False,
    n_init: int = 1,
    start: str | Any = "k-means++",
    batch_size: int = 0,
    random_state: Any = 42,
    num_threads: int = 0,
    progress: ProgressLike = None,
) -> KMeansResult:
    """k-means: greedy k-means++ seeds, Lloyd's rounds with exact bounds, or mini-batches.

    Parameters
    ----------
    X : (n, d) array, finite
    k : int in [1, n]
    weights : (n,) weights > 0, optional
    spherical : bool
        Centroids of unit length (cosine k-means, for unit rows).
    n_init : int
        Starts, of which the one with the smallest inertia is kept.
    start : "k-means++", "random", "parts", or a (k, d) array
        First centroids: drawn far from each other, drawn evenly, without draws (the widest part is cut across
        its longest direction until there are k), or given.
    batch_size : int
        Rows drawn per step of mini-batch k-means; 0 = whole rounds.

    Returns
    -------
    KMeansResult
        The same bytes for any number of threads and any processor. Bounds only save work: every label is the
        one that a full search would give.
    """
    where = "kmeans"
    vectors = as_matrix(X, where)
    given = np.empty(0) if weights is None else as_vector64(weights, where, "weights")
    initial = None if isinstance(start, str) else as_matrix(start, where, "start")
    fields = _kmeans_fields(
        where,
        max_iterations=max_iterations,
        tolerance=tolerance,
        spherical=spherical,
        n_init=n_init,
        start=start if isinstance(start, str) else "k-means++",
        batch_size=batch_size,
        random_state=random_state,
        num_threads=num_threads,
    )
    with progress_callback(progress) as callback:
        result = _core.kmeans(vectors, as_int(k, where, "k"), given, fields, initial, callback)
    announce(result["run"])
    return KMeansResult(
        result["centroids"], result["labels"], result["sizes"], result["inertia"], RunInfo._of(result["run"])
    )


@dataclass(frozen=True, repr=False)
class KChoice:
    """k-means over a range of counts: one entry per count in every array, ready to plot.

    Attributes
    ----------
    k : (m,) the counts
    inertia : (m,) falls with k
    silhouette, calinski_harabasz : (m,) higher is better; NaN where they are not defined
    davies_bouldin : (m,) lower is better
    bend : (m,) distance of the inertia's curve below its chord, both axes scaled to [0, 1]
    labels : (m, n) the partitions
    elbow : int
        The k of greatest bend.
    best : dict
        The k that each of the other three criteria prefers.
    """

    k: Any
    inertia: Any
    silhouette: Any
    davies_bouldin: Any
    calinski_harabasz: Any
    bend: Any
    labels: Any
    converged: Any
    elbow: int
    best: dict[str, int]

    def to_dict(self) -> dict[str, Any]:
        """One list per column: k, inertia, silhouette, davies_bouldin, calinski_harabasz, bend."""
        names = ("k", "inertia", "silhouette", "davies_bouldin", "calinski_harabasz", "bend")
        return {name: getattr(self, name).tolist() for name in names}

    def to_pandas(self) -> Any:
        """The table as a pandas.DataFrame, one row per count."""
        import pandas

        return pandas.DataFrame(self.to_dict())

    def plot(self, axes: Any) -> Any:
        """Draws the four criteria on four matplotlib axes, the preferred k marked; returns the axes."""
        marks = {"inertia": self.elbow, **self.best}
        for ax, (name, mark) in zip(axes, marks.items()):
            ax.plot(self.k, getattr(self, name), marker="o", markersize=3)
            if mark:
                ax.axvline(mark, linestyle=":", color="0.4")
            ax.set(title=name.replace("_", " "), xlabel="k")
        return axes

    def __repr__(self) -> str:
        lines = [f"KChoice(elbow={self.elbow}, best={self.best})"]
        lines.append(f"{'k':>6} {'inertia':>12} {'silhouette':>11} {'Davies-B.':>10} {'Calinski-H.':>12}")
        for row in zip(self.k, self.inertia, self.silhouette, self.davies_bouldin, self.calinski_harabasz):
            lines.append("{:>6} {:>12.6g} {:>11.4f} {:>10.4f} {:>12.2f}".format(*row))
        return "\n".join(lines)


def choose_k(
    X: Any,
    counts: Sequence[int],
    *,
    silhouette_metric: str = "sqeuclidean",
    max_iterations: int = 100,
    tolerance: float = 1e-4,
    spherical: bool = False,
    n_init: int = 1,
    start: str = "k-means++",
    batch_size: int = 0,
    random_state: Any = 42,
    num_threads: int = 0,
    progress: ProgressLike = None,
) -> KChoice:
    """k-means for every count, scored by inertia (elbow), silhouette, Davies-Bouldin and Calinski-Harabasz.

    Parameters
    ----------
    X : (n, d) array, finite
    counts : list of int in [1, n]
    silhouette_metric : "sqeuclidean", "cosine" or "euclidean"
        The first is what k-means minimises; it and "cosine" are exact in one pass over the rows. "euclidean",
        which scikit-learn uses by default, takes all pairs.

    The other parameters are those of :func:`kmeans`.
    """
    where = "choose_k"
    fields = _kmeans_fields(
        where,
        max_iterations=max_iterations,
        tolerance=tolerance,
        spherical=spherical,
        n_init=n_init,
        start=start,
        batch_size=batch_size,
        random_state=random_state,
        num_threads=num_threads,
    )
    ks = [as_int(count, where, "counts") for count in counts]
    with progress_callback(progress) as callback:
        out = _core.choose_k(as_matrix(X, where), ks, fields, silhouette_metric, callback)
    return KChoice(
        k=np.array(out["k"], dtype=np.int64),
        inertia=out["inertia"],
        silhouette=out["silhouette"],
        davies_bouldin=out["davies_bouldin"],
        calinski_harabasz=out["calinski_harabasz"],
        bend=out["bend"],
        labels=np.stack(out["labels"]),
        converged=np.array(out["converged"], dtype=bool),
        elbow=out["elbow"],
        best={name: out[f"best_{name}"] for name in ("silhouette", "davies_bouldin", "calinski_harabasz")},
    )


def assign_to_centroids(X: Any, centroids: Any, *, num_threads: int = 0) -> Any:
    """(n,) nearest centroid of every row, the smaller id on a tie."""
    where = "assign_to_centroids"
    return _core.assign_to_centroids(
        as_matrix(X, where),
        as_matrix(centroids, where, "centroids"),
        as_int(num_threads, where, "num_threads"),
    )


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


def v_measure(classes: Any, clusters: Any, *, beta: float = 1.0) -> dict[str, float]:
    """Homogeneity, completeness and their harmonic mean "v", weighted by beta; as scikit-learn."""
    first, second = _label_pair(classes, clusters, "v_measure")
    scores: dict[str, float] = _core.v_measure(first, second, as_float(beta, "v_measure", "beta"))
    return scores


def fowlkes_mallows(a: Any, b: Any) -> float:
    """Geometric mean of the pairs' precision and recall, in [0, 1]."""
    return float(_core.fowlkes_mallows(*_label_pair(a, b, "fowlkes_mallows")))


def contingency(a: Any, b: Any) -> tuple[Any, Any, CsrMatrix]:
    """(labels of a, labels of b, items per pair of labels as a sparse matrix)."""
    rows, columns, parts = _core.contingency(*_label_pair(a, b, "contingency"))
    return rows, columns, CsrMatrix(parts)


@dataclass(frozen=True, repr=False)
class LabelMatching:
    """Labels `a` and their partners `b`, the `items` that have both, and the share of all items: `accuracy`."""

    a: Any
    b: Any
    items: Any
    accuracy: float

    def __repr__(self) -> str:
        return f"LabelMatching({len(self.a)} pairs, accuracy={self.accuracy:.4f})"


def match_labels(a: Any, b: Any) -> LabelMatching:
    """The one-to-one matching of the labels of two partitions that have the most items in common (Hungarian method)."""
    return LabelMatching(**_core.match_labels(*_label_pair(a, b, "match_labels")))


def _rows_and_labels(X: Any, labels: Any, where: str) -> tuple[Any, Any]:
    return as_matrix(X, where), as_labels(labels, where, "labels")


def _exact_limit(exact_limit: Any, where: str) -> int:
    return as_int(exact_limit, where, "exact_limit", low=0, high=2**62)


def davies_bouldin(X: Any, labels: Any, *, num_threads: int = 0) -> float:
    """Mean over the clusters of the worst ratio of two spreads to their distance; lower is better; as scikit-learn."""
    where = "davies_bouldin"
    threads = as_int(num_threads, where, "num_threads")
    return float(_core.davies_bouldin(*_rows_and_labels(X, labels, where), threads))


def calinski_harabasz(X: Any, labels: Any, *, num_threads: int = 0) -> float:
    """Between- over within-cluster variance; higher is better; as scikit-learn."""
    where = "calinski_harabasz"
    threads = as_int(num_threads, where, "num_threads")
    return float(_core.calinski_harabasz(*_rows_and_labels(X, labels, where), threads))


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
        *_rows_and_labels(X, labels, where),
        metric,
        _exact_limit(exact_limit, where),
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
        _exact_limit(exact_limit, where),
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
    return float(
        _core.dendrogram_purity(hierarchy_core(hierarchy, where), as_labels(classes, where, "classes"))
    )


def dasgupta_cost(hierarchy: Hierarchy, graph: KnnGraph) -> float:
    """Dasgupta's cost over the edges of a kNN graph, in (0, 1]; lower is better.

    The mean number of items in the smallest node that holds both ends of an edge, over the number of items.
    """
    return float(_core.dasgupta_cost(*_tree_and_graph(hierarchy, graph, "dasgupta_cost")))


def neighbor_containment(hierarchy: Hierarchy, graph: KnnGraph) -> list[float]:
    """Per level, coarse to fine, the share of the graph's edges whose ends share a node."""
    shares: list[float] = _core.neighbor_containment(
        *_tree_and_graph(hierarchy, graph, "neighbor_containment")
    )
    return shares
