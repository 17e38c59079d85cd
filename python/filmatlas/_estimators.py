# SPDX-License-Identifier: MIT
"""Estimators with scikit-learn's conventions and the names people know, usable without scikit-learn.

Where scikit-learn is installed they inherit from its BaseEstimator, so that pipelines, clone() and grid searches work.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from . import _core
from ._errors import raise_invalid
from ._estimator_base import (
    ClusterMixin,
    Estimator,
    Transformer,
    metric_name,
    need_samples,
    scipy_csr,
    seed_of,
    threads_of,
)
from ._hierarchy import LEVELS, nested_clusters
from ._layout import pca, tsne, umap
from ._neighbors import KnnIndex, knn_graph
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
            index = KnnIndex(self._fit_X, metric=self.effective_metric_, method="exact", num_threads=threads)
            ids, distances = index.query(self._array(X, reset=False), k, num_threads=threads)
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

    `n_clusters` is one count per level, coarse to fine (or one integer where there is one level); None = found.

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
            metric=metric_name(self.metric),
            random_state=seed_of(self.random_state),
            num_threads=threads_of(self.n_jobs),
        )
        self.hierarchy_ = found
        self.cluster_layers_ = [np.array(found.labels(level)) for level in reversed(range(found.num_levels))]
        self.labels_ = self.cluster_layers_[0]
        self.strength_ = np.array(found.strength)
        return self


class UMAP(Transformer):
    """UMAP, as umap.UMAP: deterministic for an integer `random_state`, on any number of threads.

    `transform` places new items where most of their neighbours lie; an item of the fit lands on itself.
    """

    def __init__(
        self,
        n_neighbors: int = 15,
        n_components: int = 2,
        *,
        metric: str = "euclidean",
        n_epochs: int | None = None,
        learning_rate: float = 1.0,
        init: Any = "spectral",
        min_dist: float = 0.1,
        spread: float = 1.0,
        set_op_mix_ratio: float = 1.0,
        local_connectivity: float = 1.0,
        repulsion_strength: float = 1.0,
        negative_sample_rate: int = 5,
        random_state: Any = None,
        n_jobs: int | None = None,
    ) -> None:
        self.n_neighbors = n_neighbors
        self.n_components = n_components
        self.metric = metric
        self.n_epochs = n_epochs
        self.learning_rate = learning_rate
        self.init = init
        self.min_dist = min_dist
        self.spread = spread
        self.set_op_mix_ratio = set_op_mix_ratio
        self.local_connectivity = local_connectivity
        self.repulsion_strength = repulsion_strength
        self.negative_sample_rate = negative_sample_rate
        self.random_state = random_state
        self.n_jobs = n_jobs

    def fit(self, X: Any, y: Any = None) -> UMAP:
        """Lays the items out: `embedding_`."""
        data = self._array(X, reset=True)
        need_samples(data, 2, "UMAP")
        layout = umap(
            data,
            n_neighbors=self.n_neighbors,
            n_components=self.n_components,
            metric=metric_name(self.metric),
            n_epochs=self.n_epochs,
            learning_rate=self.learning_rate,
            init=self.init,
            min_dist=self.min_dist,
            spread=self.spread,
            set_op_mix_ratio=self.set_op_mix_ratio,
            local_connectivity=self.local_connectivity,
            repulsion_strength=self.repulsion_strength,
            negative_sample_rate=self.negative_sample_rate,
            random_state=seed_of(self.random_state),
            measure=False,
            num_threads=threads_of(self.n_jobs),
        )
        self._raw_data = data
        self.embedding_ = np.array(layout.coordinates)
        self._n_features_out = self.embedding_.shape[1]
        return self

    def fit_transform(self, X: Any, y: Any = None) -> Any:
        """Fits and returns the map."""
        return self.fit(X).embedding_

    def transform(self, X: Any) -> Any:
        """(m, n_components) positions of new items."""
        self._check_fitted("embedding_")
        threads = threads_of(self.n_jobs)
        data = self._array(X, reset=False)
        index = KnnIndex(self._raw_data, metric=metric_name(self.metric), method="exact", num_threads=threads)
        k = min(max(self.n_neighbors - 1, 1), self._raw_data.shape[0])
        ids, distances = index.query(data, k, num_threads=threads)
        return _core.place_on_map(self.embedding_, ids, distances, threads).copy()


class TSNE(Transformer):
    """t-SNE, as sklearn.manifold.TSNE; deterministic for an integer `random_state`, on any number of threads."""

    def __init__(
        self,
        n_components: int = 2,
        *,
        perplexity: float = 30.0,
        early_exaggeration: float = 12.0,
        learning_rate: float | str = "auto",
        max_iter: int = 1000,
        metric: str = "euclidean",
        init: Any = "pca",
        angle: float = 0.5,
        random_state: Any = None,
        n_jobs: int | None = None,
    ) -> None:
        self.n_components = n_components
        self.perplexity = perplexity
        self.early_exaggeration = early_exaggeration
        self.learning_rate = learning_rate
        self.max_iter = max_iter
        self.metric = metric
        self.init = init
        self.angle = angle
        self.random_state = random_state
        self.n_jobs = n_jobs

    def fit(self, X: Any, y: Any = None) -> TSNE:
        """Lays the items out: `embedding_`, `n_iter_`."""
        data = self._array(X, reset=True)
        need_samples(data, 2, "TSNE")
        rounds = as_int(self.max_iter, "TSNE", "max_iter", low=0)
        early = min(250, rounds)
        layout = tsne(
            data,
            perplexity=self.perplexity,
            n_components=self.n_components,
            metric=metric_name(self.metric),
            n_iter=rounds - early,
            early_exaggeration_iter=early,
            early_exaggeration=self.early_exaggeration,
            learning_rate=None if self.learning_rate == "auto" else self.learning_rate,  # type: ignore[arg-type]
            theta=self.angle,
            init=self.init,
            random_state=seed_of(self.random_state),
            measure=False,
            num_threads=threads_of(self.n_jobs),
        )
        self.embedding_ = np.array(layout.coordinates)
        self.n_iter_ = rounds
        self._n_features_out = self.embedding_.shape[1]
        return self

    def fit_transform(self, X: Any, y: Any = None) -> Any:
        """Fits and returns the map."""
        return self.fit(X).embedding_


class PCA(Transformer):
    """Principal components, as sklearn.decomposition.PCA."""

    def __init__(
        self,
        n_components: int | None = None,
        *,
        whiten: bool = False,
        random_state: Any = None,
        n_jobs: int | None = None,
    ) -> None:
        self.n_components = n_components
        self.whiten = whiten
        self.random_state = random_state
        self.n_jobs = n_jobs

    def fit(self, X: Any, y: Any = None) -> PCA:
        """Finds the components."""
        self._fit(X)
        return self

    def _fit(self, X: Any) -> Any:
        data = self._array(X, reset=True)
        most = min(data.shape)
        wanted = most if self.n_components is None else as_int(self.n_components, "PCA", "n_components")
        if not 1 <= wanted <= most:
            raise_invalid(
                "PCA", f"n_components={wanted} must be between 1 and min(n_samples, n_features)={most}"
            )
        need_samples(data, 2, "PCA")
        seed = 0 if self.random_state is None else seed_of(self.random_state)
        result = pca(data, wanted, random_state=seed, num_threads=threads_of(self.n_jobs))
        self.components_ = np.array(result.components)
        self.mean_ = np.array(result.mean)
        self.explained_variance_ = np.array(result.explained_variance)
        self.explained_variance_ratio_ = np.array(result.explained_variance_ratio)
        self.singular_values_ = np.sqrt(self.explained_variance_ * (data.shape[0] - 1))
        self.n_components_ = self._n_features_out = self.components_.shape[0]
        self.n_samples_ = data.shape[0]
        return data

    def _scale(self) -> Any:
        return np.sqrt(np.maximum(self.explained_variance_, np.finfo(np.float32).tiny))

    def transform(self, X: Any) -> Any:
        """(n, n_components) coordinates along the components."""
        self._check_fitted("components_")
        centred = self._array(X, reset=False).astype(np.float64) - self.mean_
        scores = centred @ self.components_.T.astype(np.float64)
        return (scores / self._scale() if self.whiten else scores).astype(np.float32)

    def inverse_transform(self, X: Any) -> Any:
        """Back to the original space."""
        self._check_fitted("components_")
        scores = np.asarray(X, dtype=np.float64)
        if self.whiten:
            scores = scores * self._scale()
        return (scores @ self.components_ + self.mean_).astype(np.float32)
