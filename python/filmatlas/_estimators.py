# SPDX-License-Identifier: MIT
"""Estimators with scikit-learn's conventions and the names people know, usable without scikit-learn.

Where scikit-learn is installed they inherit from its BaseEstimator, so that pipelines, clone() and grid searches work.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ._errors import raise_invalid
from ._estimator_base import ClusterMixin, Estimator, metric_name, scipy_csr, seed_of, threads_of
from ._fitted_index import FittedIndex
from ._hierarchy import LEVELS, nested_clusters
from ._neighbors import knn_graph
from ._validation import as_int
from ._values import CsrMatrix


class NearestNeighbors(Estimator):
    """Exact nearest neighbours, as sklearn.neighbors.NearestNeighbors.

    Parameters
    ----------
    n_neighbors : int
    metric : "euclidean", "cosine", "sqeuclidean", "manhattan" or "inner_product"
    n_jobs : int, optional
    """

    def __init__(self, *, n_neighbors: int = 5, metric: str = "euclidean", n_jobs: int | None = None) -> None:
        self.n_neighbors = n_neighbors
        self.metric = metric
        self.n_jobs = n_jobs

    def fit(self, X: Any, y: Any = None) -> NearestNeighbors:
        """Keeps the items to search among."""
        self._fit_X = self._array(X, reset=True)
        self.n_samples_fit_ = self._fit_X.shape[0]
        self.effective_metric_ = metric_name(self.metric)
        self._index = FittedIndex(self._fit_X, self.effective_metric_)
        return self

    def kneighbors(self, X: Any = None, n_neighbors: int | None = None, return_distance: bool = True) -> Any:
        """(distances, ids), each (m, n_neighbors); without X, of the fitted items, themselves excluded."""
        self._check_fitted("_fit_X")
        where = "NearestNeighbors"
        k = as_int(self.n_neighbors if n_neighbors is None else n_neighbors, where, "n_neighbors", low=1)
        available = self.n_samples_fit_ - (X is None)
        if k > available:
            raise_invalid(
                where,
                f"Expected n_neighbors <= n_samples_fit, but n_neighbors = {k}, n_samples_fit = {self.n_samples_fit_}",
            )
        threads = threads_of(self.n_jobs)
        if X is None:
            graph = knn_graph(self._fit_X, k, metric=self.effective_metric_, num_threads=threads)
            ids, distances = graph.indices, graph.distances
        else:
            ids, distances = self._index.query(self._array(X, reset=False), k, threads)
        ids = ids.astype(np.int64)
        return (distances.copy(), ids) if return_distance else ids

    def kneighbors_graph(
        self, X: Any = None, n_neighbors: int | None = None, mode: str = "connectivity"
    ) -> Any:
        """Sparse (m, n) matrix with 1 ("connectivity") or the distance ("distance") per neighbour."""
        distances, ids = self.kneighbors(X, n_neighbors)
        values = np.ones(ids.shape) if mode == "connectivity" else distances.astype(np.float64)
        indptr = np.arange(0, ids.size + 1, ids.shape[1], dtype=np.int64)
        order = np.argsort(ids, axis=1)
        parts = (
            (ids.shape[0], self.n_samples_fit_),
            indptr,
            np.take_along_axis(ids, order, 1).ravel().astype(np.int32),
            np.take_along_axis(values, order, 1).ravel(),
        )
        return scipy_csr(CsrMatrix(parts))


class NestedClustering(ClusterMixin, Estimator):
    """A strict tree of named levels, see :func:`filmatlas.nested_clusters`.

    `n_clusters` is one count per level, coarse to fine (or one integer where there is one level); None = found, inside
    `level_ranges` where these are given.

    Attributes
    ----------
    hierarchy_ : NestedClusters
    labels_ : (n,) labels of the finest level
    cluster_layers_ : list of (n,) labels, fine to coarse
    strength_ : (n, levels)
    """

    def __init__(
        self,
        n_clusters: Any = None,
        *,
        levels: Any = LEVELS,
        metric: str = "cosine",
        min_size: int | None = None,
        max_size: int | None = None,
        max_share: float | None = None,
        smoothing_steps: int | None = None,
        level_ranges: Any = None,
        method: str = "auto",
        random_state: Any = 42,
        n_jobs: int | None = None,
    ) -> None:
        self.n_clusters = n_clusters
        self.levels = levels
        self.metric = metric
        self.min_size = min_size
        self.max_size = max_size
        self.max_share = max_share
        self.smoothing_steps = smoothing_steps
        self.level_ranges = level_ranges
        self.method = method
        self.random_state = random_state
        self.n_jobs = n_jobs

    def fit(self, X: Any, y: Any = None) -> NestedClustering:
        """Finds the tree."""
        data = self._array(X, reset=True)
        found = nested_clusters(
            data,
            levels=self.levels,
            n_clusters=[self.n_clusters] if isinstance(self.n_clusters, int) else self.n_clusters,
            min_size=self.min_size,
            max_size=self.max_size,
            max_share=self.max_share,
            smoothing_steps=self.smoothing_steps,
            level_ranges=self.level_ranges,
            method=self.method,
            metric=metric_name(self.metric),
            random_state=seed_of(self.random_state),
            num_threads=threads_of(self.n_jobs),
        )
        self.hierarchy_ = found
        self.cluster_layers_ = [np.array(found.labels(level)) for level in reversed(range(found.num_levels))]
        self.labels_ = self.cluster_layers_[0]
        self.strength_ = np.array(found.strength)
        return self
