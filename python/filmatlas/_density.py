# SPDX-License-Identifier: MIT
"""HDBSCAN: density clusters with honest noise, fitted once and cut as often as one likes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from . import _core
from ._cluster import as_labels
from ._errors import raise_invalid, raise_shape, raise_type
from ._neighbors import KnnGraph
from ._progress import ProgressLike, progress_callback
from ._tables import Table
from ._validation import as_float, as_int, as_matrix, as_matrix64, as_optional_int, as_vector64
from ._values import CsrMatrix, RunInfo, Value, announce, figure

_NONE = np.empty(0)


def _weights(weights: Any, n: int, where: str) -> Any:
    if weights is None:
        return _NONE
    given = as_vector64(weights, where, "sample_weight")
    if given.shape[0] != n:
        raise_shape(where, f"sample_weight has {given.shape[0]} entries for {n} items")
    return given


def _tree_options(
    where: str,
    metric: str,
    min_samples: Any,
    min_samples_convention: str,
    alpha: Any,
    method: str,
    memory_limit: int | None,
    num_threads: int,
) -> dict[str, Any]:
    return {
        "metric": metric,
        "min_samples": as_int(min_samples, where, "min_samples"),
        "min_samples_convention": min_samples_convention,
        "alpha": as_float(alpha, where, "alpha"),
        "method": method,
        "memory_limit": as_optional_int(memory_limit, where, "memory_limit", low=0, high=2**62),
        "num_threads": as_int(num_threads, where, "num_threads"),
    }


def _cut_options(
    where: str,
    min_cluster_size: Any = 5,
    cluster_selection_method: str = "eom",
    cluster_selection_epsilon: float = 0.0,
    cluster_selection_epsilon_max: float = math.inf,
    cluster_selection_persistence: float = 0.0,
    max_cluster_size: float | None = 0,
    allow_single_cluster: bool = False,
) -> dict[str, Any]:
    def number(value: Any, name: str) -> float:
        if isinstance(value, (bool, np.bool_)):
            raise_type(where, f"{name} = {value} is a truth value, expected a number", column=name)
        return as_float(value, where, name)

    return {
        "min_cluster_size": number(min_cluster_size, "min_cluster_size"),
        "cluster_selection_method": cluster_selection_method,
        "cluster_selection_epsilon": number(cluster_selection_epsilon, "cluster_selection_epsilon"),
        "cluster_selection_epsilon_max": number(
            cluster_selection_epsilon_max, "cluster_selection_epsilon_max"
        ),
        "cluster_selection_persistence": number(
            cluster_selection_persistence, "cluster_selection_persistence"
        ),
        "max_cluster_size": 0.0 if max_cluster_size is None else number(max_cluster_size, "max_cluster_size"),
        "allow_single_cluster": bool(allow_single_cluster),
    }


class SpanningTree(Value):
    """A minimum spanning tree of mutual reachability, edges in ascending order of weight.

    Made by :func:`spanning_tree`, or from another tool's edges.

    Parameters
    ----------
    a, b : (m,) integers
        The ends of every edge.
    weight : (m,) numbers >= 0
    num_items : int, optional
        m + 1 by default; more make a forest.
    core_distances : (n,) numbers, optional
    """

    __slots__ = ()

    def __init__(
        self, a: Any, b: Any, weight: Any, *, num_items: int | None = None, core_distances: Any = None
    ) -> None:
        where = "SpanningTree"
        ends = [np.ascontiguousarray(as_vector64(x, where, name), np.int32) for x, name in ((a, "a"), (b, "b"))]
        weights = as_vector64(weight, where, "weight")
        count = weights.shape[0] + 1 if num_items is None else as_int(num_items, where, "num_items", low=0)
        core = _NONE if core_distances is None else as_vector64(core_distances, where, "core_distances")
        none = np.empty(0, np.int32)
        self._core = _core.SpanningTree(
            count, ends[0], ends[1], weights, core, none, none, "given", True, 1.0, 0.0
        )

    @classmethod
    def from_array(cls, edges: Any) -> SpanningTree:
        """From (m, 3) rows of a, b, weight, as other tools give them."""
        rows = as_matrix64(edges, "SpanningTree", "edges")
        if rows.shape[1] != 3:
            raise_shape("SpanningTree", f"edges has shape {rows.shape}, expected (m, 3)")
        return cls(rows[:, 0], rows[:, 1], rows[:, 2])

    @property
    def a(self) -> Any:
        """(m,) one end of each edge."""
        return self._core.a

    @property
    def b(self) -> Any:
        """(m,) the other end."""
        return self._core.b

    @property
    def weight(self) -> Any:
        """(m,) float64 mutual reachability."""
        return self._core.weight

    @property
    def core_distances(self) -> Any:
        """(n,) float64; +inf for rows without a valid vector."""
        return self._core.core

    @property
    def method(self) -> str:
        """How it was made."""
        return str(self._core.method)

    @property
    def exact(self) -> bool:
        """Whether the tree is known to be minimal."""
        return bool(self._core.exact)

    @property
    def certified(self) -> float:
        """Share of the edges proven to be in a minimum spanning tree."""
        return float(self._core.certified)

    @property
    def excess_bound(self) -> float:
        """The weight is at most (1 + excess_bound) times the minimum."""
        return float(self._core.excess_bound)

    @property
    def invalid_rows(self) -> Any:
        """Rows without a valid vector."""
        return self._core.invalid_rows

    def total_weight(self) -> float:
        """Sum of the edges' weights."""
        return float(math.fsum(self.weight))

    def to_numpy(self) -> Any:
        """(m, 3) float64 rows of a, b, weight."""
        return np.column_stack([self.a, self.b, self.weight]).astype(np.float64)

    def to_pandas(self) -> Any:
        """Columns from, to, distance."""
        return Table({"from": self.a, "to": self.b, "distance": self.weight}).to_pandas()

    def to_networkx(self) -> Any:
        """A networkx.Graph with the attribute `weight`."""
        graph = _networkx().Graph()
        graph.add_nodes_from(range(len(self)))
        graph.add_weighted_edges_from(zip(self.a.tolist(), self.b.tolist(), self.weight.tolist()))
        return graph

    def __len__(self) -> int:
        return int(self._core.num_items)

    def __repr__(self) -> str:
        proof = "exact" if self.exact else f"certified={self.certified:.4f}, excess<={self.excess_bound:.3g}"
        return f"SpanningTree({figure(len(self))} items, method={self.method!r}, {proof})"

    def _parts(self) -> tuple[Any, ...]:
        c = self._core
        arrays = (np.array(x) for x in (c.a, c.b, c.weight, c.core, c.rank, c.invalid_rows))
        return (c.num_items, *arrays, c.method, c.exact, c.certified, c.excess_bound)

    def __reduce__(self) -> tuple[Any, ...]:
        return _tree_from, (self._parts(),)


def _tree_from(parts: tuple[Any, ...]) -> SpanningTree:
    return SpanningTree._wrap(_core.SpanningTree(*parts))


def _networkx() -> Any:
    from importlib import import_module

    try:
        return import_module("networkx")
    except ImportError:
        raise ImportError("to_networkx() needs networkx, which is not installed; pip install networkx") from None


class CondensedTree:
    """The tree of clusters as rows parent, child, lambda, child_size, as the hdbscan package lists them.

    Ids below n are items, n is the root cluster.
    """

    __slots__ = ("child", "child_size", "lambda_val", "num_items", "parent")

    def __init__(self, parent: Any, child: Any, lambda_val: Any, child_size: Any) -> None:
        where = "CondensedTree"
        self.parent = np.ascontiguousarray(parent, np.int64)
        self.child = np.ascontiguousarray(child, np.int64)
        self.lambda_val = as_vector64(lambda_val, where, "lambda_val")
        self.child_size = as_vector64(child_size, where, "child_size")
        self.num_items = int(self.parent.min()) if self.parent.size else 0

    def to_numpy(self) -> Any:
        """A structured array with the columns' names of the hdbscan package."""
        fields = [("parent", np.intp), ("child", np.intp), ("lambda_val", float), ("child_size", float)]
        out = np.empty(self.parent.shape[0], dtype=fields)
        for name, _ in fields:
            out[name] = getattr(self, name)
        return out

    def to_pandas(self) -> Any:
        """Columns parent, child, lambda_val, child_size."""
        names = ("parent", "child", "lambda_val", "child_size")
        return Table({name: getattr(self, name) for name in names}).to_pandas()

    def to_networkx(self) -> Any:
        """A networkx.DiGraph from parents to children: edge attribute `weight` (lambda), node attribute `size`."""
        graph = _networkx().DiGraph()
        columns = (self.parent, self.child, self.lambda_val, self.child_size)
        for parent, child, weight, size in zip(*(column.tolist() for column in columns)):
            graph.add_edge(parent, child, weight=weight)
            graph.nodes[child]["size"] = size
        return graph

    def select(self, *, ties: str = "canonical", **options: Any) -> HdbscanCut:
        """Labels of these rows at any options of :meth:`HdbscanResult.cut` but `min_cluster_size`."""
        fields = _cut_options("CondensedTree.select", **options)
        core = _core.cut_condensed_rows(
            self.parent, self.child, self.lambda_val, self.child_size, fields, ties
        )
        return HdbscanCut._of(core, fields)

    def __len__(self) -> int:
        return int(self.parent.shape[0])

    def __repr__(self) -> str:
        clusters = int((self.child >= self.num_items).sum())
        return f"CondensedTree({figure(self.num_items)} items, {clusters} clusters below the root)"


class HdbscanCut(Value):
    """Clusters at one setting: labels, probabilities, persistence, outlier scores and the condensed tree."""

    __slots__ = ("options",)
    options: dict[str, Any]

    @classmethod
    def _of(cls, core: Any, options: dict[str, Any]) -> HdbscanCut:
        cut = cls._wrap(core)
        cut.options = dict(options)
        return cut

    @property
    def labels(self) -> Any:
        """(n,) int32; -1 = noise."""
        return self._core.labels

    @property
    def probabilities(self) -> Any:
        """(n,) float64 in [0, 1]: how deep in its cluster an item is; 0 for noise."""
        return self._core.probabilities

    @property
    def outlier_scores(self) -> Any:
        """(n,) float64 GLOSH scores in [0, 1]; the larger, the more outlying."""
        return self._core.outlier_scores

    @property
    def persistence(self) -> Any:
        """(k,) float64 in [0, 1]: how stable every cluster is."""
        return self._core.persistence

    @property
    def n_clusters(self) -> int:
        """Clusters found."""
        return int(self._core.clusters.shape[0])

    @property
    def coverage(self) -> float:
        """Share of the items that are in a cluster."""
        return float((self.labels >= 0).mean()) if len(self) else 0.0

    @property
    def condensed_tree(self) -> CondensedTree:
        """The tree that the clusters were selected from."""
        return CondensedTree(*self._core.rows)

    @property
    def selected(self) -> Any:
        """(k,) id of every label's cluster in the condensed tree."""
        return self._core.clusters.astype(np.int64) + len(self)

    @property
    def exemplars(self) -> list[Any]:
        """Items at the density peaks of every cluster."""
        return [np.array(ids, dtype=np.int32) for ids in self._core.exemplars]

    def __len__(self) -> int:
        return int(self._core.num_items)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({figure(len(self))} items, {self.n_clusters} clusters, coverage={self.coverage:.3f})"


class HdbscanResult(HdbscanCut):
    """A fit: its clusters, the trees behind them, and cuts of them at any other setting.

    Everything of :class:`HdbscanCut` is there for the setting of the fit.
    """

    __slots__ = ("_data", "_given_weights", "_linkage", "_run", "_tree_fields", "ties", "tree")
    tree: SpanningTree
    ties: str
    _data: Any
    _given_weights: Any
    _linkage: Any
    _run: dict[str, Any]
    _tree_fields: dict[str, Any]

    @property
    def run(self) -> RunInfo:
        """How the spanning tree's search went."""
        return RunInfo._of(self._run)

    @property
    def metric(self) -> str:
        """Name of the distance."""
        return str(self._tree_fields["metric"])

    @property
    def min_samples(self) -> int:
        """Neighbours that make an item dense."""
        return int(self._tree_fields["min_samples"])

    @property
    def core_distances(self) -> Any:
        """(n,) distance to the item's `min_samples`-th neighbour."""
        return self.tree.core_distances

    @property
    def linkage(self) -> Any:
        """(n - 1, 4) single-linkage tree in SciPy's format."""
        return self._linkage.linkage

    def cut(self, **options: Any) -> HdbscanCut:
        """Clusters at other options, as a fresh fit would give them, in milliseconds.

        Parameters
        ----------
        min_cluster_size, cluster_selection_method, cluster_selection_epsilon, cluster_selection_epsilon_max,
        cluster_selection_persistence, max_cluster_size, allow_single_cluster
            As in :func:`hdbscan`; those of the fit where not given.
        """
        fields = _cut_options("HdbscanResult.cut", **{**self.options, **options})
        return HdbscanCut._of(_core.cut_hdbscan(self._linkage, fields), fields)

    def flat(self, n_clusters: int, **options: Any) -> HdbscanCut:
        """Exactly `n_clusters` clusters where a cut has them, else as near as a cut comes.

        `cut.options` say which epsilon, method and allow_single_cluster give them.
        """
        fields = _cut_options("HdbscanResult.flat", **{**self.options, **options})
        core, found, _ = _core.cut_to_clusters(
            self._linkage, as_int(n_clusters, "HdbscanResult.flat", "n_clusters"), fields
        )
        return HdbscanCut._of(core, {**fields, **found})

    def tie_certificate(self, *, cut: HdbscanCut | None = None) -> Any:
        """(n,) bool: items whose label does not depend on the order in which merges of equal height are made.

        Implementations differ in this order, and so do the orders of the rows in one of them. Where two correct fits
        disagree about two items, one of these is False here. Proven for eom and leaf; with epsilon, persistence,
        max_cluster_size or allow_single_cluster all are True where no tie can change the tree, else all are False.
        """
        options = (self if cut is None else cut).options
        return np.frombuffer(_core.tie_certificate(self._linkage, options), dtype=bool)

    def dbscan_clustering(self, cut_distance: float, min_cluster_size: float = 5) -> Any:
        """(n,) labels of DBSCAN* at that eps: connected dense items, in groups of at least `min_cluster_size`."""
        where = "HdbscanResult.dbscan_clustering"
        return self._linkage.labels_at_distance(
            as_float(cut_distance, where, "cut_distance"),
            as_float(min_cluster_size, where, "min_cluster_size"),
        )

    def persistence_trace(self) -> Table:
        """Leaf clusters for every min_cluster_size: columns low, high, n_clusters, persistence (high / low).

        The number of clusters is the same for all sizes in (low, high]; wide ranges are its plateaus.
        """
        low, high, clusters = self._linkage.size_trace()
        ratio = high / np.maximum(low, 1.0)
        return Table({"low": low, "high": high, "n_clusters": clusters, "persistence": ratio})

    def layers(
        self, max_layers: int = 10, *, min_cluster_size: float | None = None, min_persistence: float = 1.02
    ) -> list[HdbscanCut]:
        """The most persistent plateaus of :meth:`persistence_trace` as cuts, fine to coarse."""
        where = "HdbscanResult.layers"
        size = self.options["min_cluster_size"] if min_cluster_size is None else min_cluster_size
        found = _core.density_layers(
            self._linkage,
            as_int(max_layers, where, "max_layers"),
            as_float(size, where, "min_cluster_size"),
            as_float(min_persistence, where, "min_persistence"),
        )
        leaf = {**_cut_options(where), "cluster_selection_method": "leaf"}
        return [HdbscanCut._of(core, {**leaf, "min_cluster_size": high}) for _, high, core in found]

    def _rows(self, where: str) -> Any:
        if self._data is None:
            raise_invalid(where, "the fit has no vectors, only distances", "fit vectors to use it")
        return np.ascontiguousarray(self._data, np.float64)

    def _places(self, Q: Any, where: str, cut: HdbscanCut) -> tuple[Any, Any, dict[str, Any]]:
        rows = self._rows(where)
        asked = as_matrix64(Q, where, "Q")
        if asked.shape[1] != rows.shape[1]:
            raise_shape(where, f"Q has {asked.shape[1]} columns, the fit {rows.shape[1]}")
        found = _core.density_places(
            rows, self.tree._core, cut._core, asked, self._tree_fields, self._given_weights
        )
        return rows, asked, found

    def predict(self, Q: Any, *, cut: HdbscanCut | None = None) -> tuple[Any, Any, Any]:
        """(labels, probabilities, outlier scores) of new items in the clusters of the fit, or of one of its cuts.

        Every option of the cut is honoured; an item equal to a fitted one gets its label and probability.
        """
        cut = self if cut is None else cut
        _, _, places = self._places(Q, "HdbscanResult.predict", cut)
        labels, probabilities, scores = _core.predict_places(places, cut._core)
        return labels, probabilities, scores

    def membership_vectors(self, Q: Any = None, *, cut: HdbscanCut | None = None) -> Any:
        """(n, k) how much every item (new ones: Q) belongs to every cluster; rows sum to at most 1."""
        where = "HdbscanResult.membership_vectors"
        cut = self if cut is None else cut
        if Q is None:
            rows = asked = self._rows(where)
            places = _core.places_of_fit(cut._core)
        else:
            rows, asked, places = self._places(Q, where, cut)
        return _core.membership_vectors(
            rows, asked, places, cut._core, self.metric, self._tree_fields["num_threads"]
        )

    def centers(self, *, cut: HdbscanCut | None = None) -> tuple[Any, Any]:
        """((k, d) centroids, (k,) ids of the medoids), members weighted with their probability."""
        cut = self if cut is None else cut
        rows = self._rows("HdbscanResult.centers")
        centroids, medoids = _core.cluster_centers(
            rows, cut._core, self.metric, self._tree_fields["num_threads"]
        )
        return centroids, medoids

    def relative_validity(self, *, cut: HdbscanCut | None = None) -> float:
        """Quick validity from the spanning tree, for comparing settings on one data set."""
        return float(
            _core.relative_validity(self.tree._core, np.array((self if cut is None else cut).labels))
        )

    def dbcv(self, *, cut: HdbscanCut | None = None) -> float:
        """Exact density-based cluster validity, see :func:`density_validity`."""
        if self.metric not in ("euclidean", "manhattan"):
            raise_invalid("HdbscanResult.dbcv", f"metric = {self.metric!r}", "fit with euclidean")
        rows = self._rows("HdbscanResult.dbcv")
        return float(density_validity(rows, (self if cut is None else cut).labels, metric=self.metric)["score"])

    def to_pandas(self) -> Any:
        """One row per item: item, label, probability, outlier_score, core_distance."""
        columns = {
            "item": np.arange(len(self), dtype=np.int32),
            "label": self.labels,
            "probability": self.probabilities,
            "outlier_score": self.outlier_scores,
            "core_distance": self.core_distances,
        }
        return Table({k: v for k, v in columns.items() if len(v) == len(self)}).to_pandas()

    def __repr__(self) -> str:
        sure = "" if self.tree.exact else f", certified={self.tree.certified:.4f}"
        return (
            f"HdbscanResult({figure(len(self))} items, {self.n_clusters} clusters, coverage={self.coverage:.3f}, "
            f"metric={self.metric!r}{sure})"
        )

    def __reduce__(self) -> tuple[Any, ...]:
        data = None if self._data is None else np.array(self._data)
        return _rebuild, (self.tree, self._tree_fields, self.options, self.ties, self._given_weights, data)


def _rebuild(
    tree: SpanningTree, tree_fields: dict[str, Any], options: dict[str, Any], ties: str, weights: Any, data: Any
) -> HdbscanResult:
    linkage = _core.single_linkage_tree(tree._core, ties, weights)
    result = HdbscanResult._wrap(_core.cut_hdbscan(linkage, options))
    result.options = options
    result.tree = tree
    result.ties = ties
    result._linkage = linkage
    result._tree_fields = tree_fields
    result._given_weights = weights
    result._data = data
    result._run = tree._core.run
    return result


def _rows_of(X: Any, where: str) -> Any:
    """float64 as given, anything else float32."""
    dtype = getattr(X, "dtype", None)
    wide = dtype is None or getattr(dtype, "kind", "O") != "f" or getattr(dtype, "itemsize", 4) > 4
    return as_matrix64(X, where) if wide and not hasattr(X, "vectors") else as_matrix(X, where)


def _sparse_parts(X: Any, where: str) -> tuple[tuple[int, int], Any, Any, Any]:
    if isinstance(X, CsrMatrix):
        shape, indptr, indices, data = X._parts()
    else:
        matrix = X.tocsr()
        shape, indptr, indices, data = matrix.shape, matrix.indptr, matrix.indices, matrix.data
    if shape[0] != shape[1]:
        raise_shape(where, f"the sparse distances have shape {shape}, expected (n, n)")
    return (
        (int(shape[0]), int(shape[1])),
        np.ascontiguousarray(indptr, np.int64),
        np.ascontiguousarray(indices, np.int32),
        np.ascontiguousarray(data, np.float64),
    )


def _tree_of(X: Any, fields: dict[str, Any], weights: Any, where: str, progress: ProgressLike) -> tuple[Any, Any]:
    """(spanning tree, vectors or None) of whatever X is."""
    if isinstance(X, SpanningTree):
        return X, None
    with progress_callback(progress) as callback:
        if isinstance(X, KnnGraph):
            core = _core.spanning_tree_from_knn(X._core, fields, weights, callback)
            fields["metric"] = X.metric
            return SpanningTree._wrap(core), None
        if isinstance(X, CsrMatrix) or hasattr(X, "tocsr"):
            parts = _sparse_parts(X, where)
            return SpanningTree._wrap(_core.spanning_tree_from_graph(*parts, fields, weights, callback)), None
        if fields["metric"] == "precomputed":
            distances = as_matrix64(X, where)
            plain = {**fields, "metric": "euclidean"}
            return SpanningTree._wrap(
                _core.spanning_tree_from_distances(distances, plain, weights, callback)
            ), None
        rows = _rows_of(X, where)
        return SpanningTree._wrap(_core.spanning_tree(rows, fields, weights, callback)), rows


def _count(X: Any) -> int:
    return len(X) if isinstance(X, (SpanningTree, KnnGraph)) else int(np.shape(X)[0])


def spanning_tree(
    X: Any,
    *,
    min_samples: int = 5,
    min_samples_convention: str = "exclude_self",
    metric: str = "euclidean",
    alpha: float = 1.0,
    sample_weight: Any = None,
    method: str = "auto",
    memory_limit: int | None = None,
    num_threads: int = 0,
    progress: ProgressLike = None,
) -> SpanningTree:
    """Core distances and the minimum spanning tree of mutual reachability.

    Parameters
    ----------
    X : (n, d) vectors, a KnnGraph, sparse or (with metric="precomputed") full (n, n) distances
    method : "auto", "kd_tree", "blocked" or "approximate"
        Exact but for the last, which is the neighbour graph's tree with a certificate.

    Other parameters as in :func:`hdbscan`.
    """
    where = "spanning_tree"
    fields = _tree_options(
        where, metric, min_samples, min_samples_convention, alpha, method, memory_limit, num_threads
    )
    tree: SpanningTree = _tree_of(X, fields, _weights(sample_weight, _count(X), where), where, progress)[0]
    return tree


def hdbscan(
    X: Any,
    min_cluster_size: float = 5,
    *,
    min_samples: int | None = None,
    min_samples_convention: str = "exclude_self",
    metric: str = "euclidean",
    alpha: float = 1.0,
    cluster_selection_method: str = "eom",
    cluster_selection_epsilon: float = 0.0,
    cluster_selection_epsilon_max: float = math.inf,
    cluster_selection_persistence: float = 0.0,
    max_cluster_size: float | None = 0,
    allow_single_cluster: bool = False,
    sample_weight: Any = None,
    ties: str = "canonical",
    method: str = "auto",
    memory_limit: int | None = None,
    num_threads: int = 0,
    progress: ProgressLike = None,
) -> HdbscanResult:
    """HDBSCAN*: clusters of any shape and density, and noise that is called noise.

    Parameters
    ----------
    X : (n, d) vectors, a KnnGraph, a SpanningTree, sparse or (with metric="precomputed") full (n, n) distances
        Rows with NaN or infinite values are noise and change nothing for the others.
    min_cluster_size : number >= 2
    min_samples : int, optional
        Neighbours that make an item dense; `min_cluster_size` when not given.
    min_samples_convention : "exclude_self" (as hdbscan) or "include_self" (as scikit-learn)
        k of the former is k + 1 of the latter.
    metric : "euclidean", "cosine", "manhattan", "sqeuclidean" or "precomputed"
    alpha : float
        Distances are divided by it.
    cluster_selection_method : "eom" or "leaf"
    cluster_selection_epsilon : float
        Clusters that split off below this distance are joined.
    cluster_selection_epsilon_max : float
        "eom" keeps no cluster that splits off above it.
    cluster_selection_persistence : float
        Splits whose parts do not last this long are removed.
    max_cluster_size : number
        "eom" keeps no larger cluster; 0 = no limit.
    allow_single_cluster : bool
    sample_weight : (n,) numbers > 0, optional
        How many items a row stands for.
    ties : "canonical" or "hdbscan"
        Whether merges at one distance are one merge of many parts, so that the order of the rows cannot matter, or one
        pair after the other as the reference implementation has them.
    method : "auto", "kd_tree", "blocked" or "approximate"
        How the spanning tree is found; only "approximate" may differ from the minimum, and says by how much.

    Returns
    -------
    HdbscanResult
        The same bytes for any number of threads and any processor.
    """
    where = "hdbscan"
    cut = _cut_options(
        where,
        min_cluster_size,
        cluster_selection_method,
        cluster_selection_epsilon,
        cluster_selection_epsilon_max,
        cluster_selection_persistence,
        max_cluster_size,
        allow_single_cluster,
    )
    wanted = min_samples
    if wanted is None:
        size = cut["min_cluster_size"]
        wanted = max(1, int(min(size, 2**30))) if math.isfinite(size) else 1
    fields = _tree_options(
        where, metric, wanted, min_samples_convention, alpha, method, memory_limit, num_threads
    )
    weights = _weights(sample_weight, _count(X), where)
    tree, rows = _tree_of(X, fields, weights, where, progress)
    result = _rebuild(tree, fields, cut, ties, weights, rows)
    if not tree.exact:
        message = (
            f"hdbscan: the spanning tree is approximate; {100 * tree.certified:.2f} % of its edges are proven, its "
            f"weight is at most {100 * tree.excess_bound:.3g} % above the minimum"
        )
        announce({"warnings": [message]})
    return result


def hdbscan_memory(n: int, d: int, *, min_samples: int = 5, metric: str = "euclidean", method: str = "auto") -> int:
    """Bytes that :func:`hdbscan` will use for n rows of d columns beside them."""
    where = "hdbscan_memory"
    fields = _tree_options(where, metric, min_samples, "exclude_self", 1.0, method, None, 0)
    rows, columns = (as_int(v, where, name, low=0) for v, name in ((n, "n"), (d, "d")))
    return int(_core.spanning_tree_bytes(rows, columns, fields))


def density_validity(
    X: Any, labels: Any, *, metric: str = "euclidean", num_threads: int = 0, progress: ProgressLike = None
) -> dict[str, Any]:
    """DBCV (Moulavi et al. 2014), exact: score in [-1, 1], per_cluster, sparseness, separation.

    Negative labels are noise. As hdbscan.validity.validity_index, without its matrices.
    """
    where = "density_validity"
    with progress_callback(progress) as callback:
        found: dict[str, Any] = _core.density_validity(
            as_matrix64(X, where),
            as_labels(labels, where, "labels"),
            metric,
            as_int(num_threads, where, "num_threads"),
            callback,
        )
    return found
