# SPDX-License-Identifier: MIT
"""k-means and agglomerative clustering as estimators, with scikit-learn's parameter names."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import _core
from ._cluster import assign_to_centroids, kmeans
from ._errors import raise_invalid, raise_shape
from ._estimator_base import (
    HAS_SKLEARN,
    ClusterMixin,
    Estimator,
    Transformer,
    metric_name,
    need_samples,
    seed_of,
    threads_of,
)
from ._linkage import cut_linkage, linkage, linkage_on_graph
from ._neighbors import KnnGraph, KnnIndex
from ._validation import as_float, as_int, as_matrix64, as_vector64


class KMeans(ClusterMixin, Transformer):
    """k-means, as sklearn.cluster.KMeans; the same bytes for any number of threads.

    Parameters
    ----------
    n_clusters : int
    init : "k-means++", "random", "parts", (n_clusters, d) array, or callable(X, n_clusters, random_state=...)
        "parts" starts without draws, see :func:`filmatlas.kmeans`.
    n_init : int or "auto"
        Starts; "auto" is 10 for "random" and 1 else.
    max_iter : int
    tol : float
        Of the centroids' movement, relative to the mean variance of a column.
    random_state : int, RandomState or None
    spherical : bool
        Centroids of unit length: cosine k-means, for unit rows.
    n_jobs : int, optional

    Attributes
    ----------
    cluster_centers_ : (n_clusters, d) float32
    labels_ : (n,) int32
    inertia_ : float
    n_iter_ : int
    """

    def __init__(
        self,
        n_clusters: int = 8,
        *,
        init: Any = "k-means++",
        n_init: int | str = "auto",
        max_iter: int = 300,
        tol: float = 1e-4,
        random_state: Any = None,
        spherical: bool = False,
        n_jobs: int | None = None,
    ) -> None:
        self.n_clusters = n_clusters
        self.init = init
        self.n_init = n_init
        self.max_iter = max_iter
        self.tol = tol
        self.random_state = random_state
        self.spherical = spherical
        self.n_jobs = n_jobs

    def _batch(self) -> int:
        return 0

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> KMeans:
        """Finds the clusters."""
        where = type(self).__name__
        data = self._array(X, reset=True)
        weights, weighty = self._weights(sample_weight, data.shape[0])
        fitted = data if weighty is None else data[weighty]
        k = as_int(self.n_clusters, where, "n_clusters", low=1)
        if k > fitted.shape[0]:
            raise_invalid(where, f"n_samples={fitted.shape[0]} should be >= n_clusters={k}")
        start = self.init(fitted, k, random_state=self.random_state) if callable(self.init) else self.init
        starts = self.n_init
        if starts == "auto":
            starts = 10 if isinstance(start, str) and start == "random" and self._batch() == 0 else 1
        result = kmeans(
            fitted,
            k,
            weights=weights,
            max_iterations=self.max_iter,
            tolerance=self.tol,
            n_init=starts,  # type: ignore[arg-type]
            start=start,
            spherical=self.spherical,
            batch_size=self._batch(),
            random_state=seed_of(self.random_state),
            num_threads=threads_of(self.n_jobs),
        )
        self.cluster_centers_ = np.array(result.centroids)
        self.labels_ = np.array(result.labels)
        if weighty is not None:
            self.labels_ = assign_to_centroids(
                data, result.centroids, num_threads=threads_of(self.n_jobs)
            ).copy()
        self.inertia_ = result.inertia
        self.n_iter_ = max(1, result.run.iterations)
        self._n_features_out = k
        return self

    def _weights(self, sample_weight: Any, n: int) -> tuple[Any, Any]:
        """Weights of the items that count, and which those are; (None, None) when all count alike."""
        where = type(self).__name__
        if sample_weight is None:
            return None, None
        if isinstance(sample_weight, (int, float, np.number)):
            sample_weight = np.full(n, sample_weight)
        weights = as_vector64(sample_weight, where, "sample_weight")
        if weights.shape[0] != n:
            raise_shape(where, f"sample_weight has {weights.shape[0]} entries for {n} samples")
        if not np.isfinite(weights).all() or (weights < 0).any():
            raise_invalid(where, "sample_weight holds negative or missing weights")
        weighty = weights > 0
        if not weighty.any():
            raise_invalid(where, "Sample weights must contain at least one non-zero number")
        return weights[weighty], None if weighty.all() else weighty

    def fit_predict(self, X: Any, y: Any = None, sample_weight: Any = None) -> Any:
        """Fits and returns the labels."""
        return self.fit(X, sample_weight=sample_weight).labels_

    def predict(self, X: Any) -> Any:
        """Nearest centre of every row."""
        self._check_fitted("cluster_centers_")
        data = self._array(X, reset=False)
        centers = np.ascontiguousarray(self.cluster_centers_, dtype=np.float32)
        return _core.assign_to_centroids(data, centers, threads_of(self.n_jobs)).copy()

    def transform(self, X: Any) -> Any:
        """(n, n_clusters) distances to the centres."""
        self._check_fitted("cluster_centers_")
        data = self._array(X, reset=False)
        k = self.cluster_centers_.shape[0]
        index = KnnIndex(self.cluster_centers_, metric="euclidean")
        ids, distances = index.query(data, k, num_threads=threads_of(self.n_jobs))
        out = np.empty((data.shape[0], k), dtype=np.float32)
        np.put_along_axis(out, ids.astype(np.int64), distances, axis=1)
        return out

    def score(self, X: Any, y: Any = None) -> float:
        """Minus the sum of squared distances to the nearest centre."""
        nearest = self.transform(X).astype(np.float64).min(axis=1)
        return -float(np.square(nearest).sum())


class MiniBatchKMeans(KMeans):
    """Mini-batch k-means, as sklearn.cluster.MiniBatchKMeans.

    Parameters
    ----------
    batch_size : int
        Rows drawn per step.

    The others are those of :class:`KMeans`; `max_iter` counts passes over the rows, `n_iter_` steps.

    Attributes
    ----------
    counts_ : (n_clusters,) weight that each centre stands for, after :meth:`partial_fit`
    n_steps_ : int
        Batches that :meth:`partial_fit` took.
    """

    counts_: Any
    n_steps_: int
    _means: Any

    def __init__(
        self,
        n_clusters: int = 8,
        *,
        init: Any = "k-means++",
        max_iter: int = 100,
        batch_size: int = 1024,
        n_init: int | str = "auto",
        tol: float = 0.0,
        random_state: Any = None,
        spherical: bool = False,
        n_jobs: int | None = None,
    ) -> None:
        super().__init__(
            n_clusters,
            init=init,
            n_init=n_init,
            max_iter=max_iter,
            tol=tol,
            random_state=random_state,
            spherical=spherical,
            n_jobs=n_jobs,
        )
        self.batch_size = batch_size

    def _batch(self) -> int:
        return as_int(self.batch_size, type(self).__name__, "batch_size", low=1)

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> MiniBatchKMeans:
        """Finds the clusters, forgetting what :meth:`partial_fit` has seen."""
        for name in ("counts_", "n_steps_", "_means"):
            self.__dict__.pop(name, None)
        super().fit(X, sample_weight=sample_weight)
        return self

    def partial_fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> MiniBatchKMeans:
        """Takes one batch of a stream. The first is clustered as by :meth:`fit`; later ones move the centres.

        A centre is the weighted mean of all items that were nearest to it when they came (Sculley 2010). Starts from
        the fitted centres after :meth:`fit`, each standing for its items. `labels_` are those of the batch.
        """
        where = type(self).__name__
        if not hasattr(self, "cluster_centers_"):
            self.fit(X, sample_weight=sample_weight)
            weights = self._weights(sample_weight, len(self.labels_))[0]
            self._start_stream(self._kept(sample_weight), weights)
            return self
        k = self.cluster_centers_.shape[0]
        if k != as_int(self.n_clusters, where, "n_clusters", low=1):
            raise_invalid(where, f"n_clusters is {self.n_clusters} now, the centres are {k}", "call fit anew")
        data = self._array(X, reset=False)
        weights, weighty = self._weights(sample_weight, data.shape[0])
        if not hasattr(self, "counts_"):
            self._start_stream(self.labels_, None)
        labels = self.predict(data)
        kept = slice(None) if weighty is None else weighty
        used = labels[kept]
        share = np.ones(len(used)) if weights is None else weights
        added = np.bincount(used, share, k)
        sums = np.zeros((k, data.shape[1]))
        np.add.at(sums, used, data[kept].astype(np.float64) * share[:, None])
        self.counts_ = self.counts_ + added
        hit = added > 0
        pull = sums[hit] - added[hit, None] * self._means[hit]
        self._means = self._means.copy()
        self._means[hit] += pull / self.counts_[hit, None]
        centers = self._means
        if self.spherical:
            norm = np.linalg.norm(centers, axis=1, keepdims=True)
            centers = centers / np.where(norm > 0, norm, 1.0)
        self.cluster_centers_ = centers.astype(np.float32)
        self.labels_ = self.predict(data)
        self.inertia_ = _inertia(data[kept], self.cluster_centers_[self.labels_[kept]], share)
        self.n_steps_ += 1
        return self

    def _kept(self, sample_weight: Any) -> Any:
        """Labels of the items of the last fit that weigh something."""
        weighty = self._weights(sample_weight, len(self.labels_))[1]
        return self.labels_ if weighty is None else self.labels_[weighty]

    def _start_stream(self, labels: Any, weights: Any) -> None:
        self.counts_ = np.bincount(labels, weights, self.cluster_centers_.shape[0]).astype(np.float64)
        self._means = self.cluster_centers_.astype(np.float64)
        self.n_steps_ = 1


def _inertia(rows: Any, centers: Any, weights: Any) -> float:
    gaps = rows.astype(np.float64) - centers
    return float(weights @ np.einsum("ij,ij->i", gaps, gaps))


class AgglomerativeClustering(ClusterMixin, Estimator):
    """Agglomerative clustering, as sklearn.cluster.AgglomerativeClustering.

    Parameters
    ----------
    n_clusters : int or None
        None needs `distance_threshold`.
    metric : "euclidean", "cosine", "sqeuclidean", "manhattan" (also "l1", "l2", "cityblock") or "precomputed"
    connectivity : sparse or full (n, n) matrix, KnnGraph, or callable(X), optional
        Edges along which clusters may merge, see :func:`filmatlas.linkage`; components are joined at the end.
    linkage : "ward", "complete", "average", "single", "weighted", "centroid" or "median"
    distance_threshold : float, optional
        Merges at or above it are undone.
    memory_limit : int, optional
        Bytes that may be used.
    n_jobs : int, optional

    Attributes
    ----------
    labels_ : (n,) int32
    children_ : (n - 1, 2) int64
    distances_ : (n - 1,) heights of the merges; always there
    linkage_ : (n - 1, 4) the tree in SciPy's format
    n_clusters_, n_leaves_, n_connected_components_ : int
    """

    def __init__(
        self,
        n_clusters: int | None = 2,
        *,
        metric: str = "euclidean",
        connectivity: Any = None,
        linkage: str = "ward",
        distance_threshold: float | None = None,
        memory_limit: int | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.n_clusters = n_clusters
        self.metric = metric
        self.connectivity = connectivity
        self.linkage = linkage
        self.distance_threshold = distance_threshold
        self.memory_limit = memory_limit
        self.n_jobs = n_jobs

    def _rows(self, X: Any) -> Any:
        """float32 or float64 as given."""
        if not HAS_SKLEARN:
            self._array(X, reset=True)
            return X if getattr(X, "dtype", None) == np.float32 else as_matrix64(X, type(self).__name__)
        try:
            from sklearn.utils.validation import validate_data
        except ImportError:  # before 1.6
            return self._validate_data(X, dtype=[np.float64, np.float32])
        return validate_data(self, X, dtype=[np.float64, np.float32])

    def fit(self, X: Any, y: Any = None) -> AgglomerativeClustering:
        """Finds the tree and cuts it."""
        where = "AgglomerativeClustering"
        data = self._rows(X)
        if (self.n_clusters is None) == (self.distance_threshold is None):
            raise_invalid(
                where, "Exactly one of n_clusters and distance_threshold has to be set, and the other to None"
            )
        need_samples(data, 2, where)
        options: dict[str, Any] = {
            "method": self.linkage,
            "metric": metric_name(self.metric),
            "memory_limit": self.memory_limit,
            "num_threads": threads_of(self.n_jobs),
        }
        self.n_connected_components_ = 1
        if self.connectivity is None:
            tree = linkage(data, **options)
        else:
            graph = self.connectivity
            if callable(graph) and not isinstance(graph, KnnGraph):
                graph = graph(data)
            tree, self.n_connected_components_ = linkage_on_graph(data, graph, **options)
        if self.n_clusters is None:
            threshold = as_float(self.distance_threshold, where, "distance_threshold")
            if self.connectivity is None:
                labels = cut_linkage(tree, height=float(np.nextafter(threshold, -np.inf)))
            else:  # heights may fall: as many merges are undone as reach the threshold
                labels = cut_linkage(tree, int(np.count_nonzero(tree[:, 2] >= threshold)) + 1)
        else:
            labels = cut_linkage(tree, as_int(self.n_clusters, where, "n_clusters", low=1))
        self.labels_ = np.array(labels)
        self.linkage_ = np.array(tree)
        self.children_ = tree[:, :2].astype(np.int64)
        self.distances_ = np.array(tree[:, 2])
        self.n_clusters_ = int(self.labels_.max()) + 1
        self.n_leaves_ = data.shape[0]
        return self

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.pairwise = self.metric == "precomputed"
        return tags

    def _more_tags(self) -> dict[str, Any]:
        return {"pairwise": self.metric == "precomputed"}
