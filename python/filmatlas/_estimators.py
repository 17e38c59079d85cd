# SPDX-License-Identifier: MIT
"""Estimators with scikit-learn's conventions and the names people know, usable without scikit-learn.

Where scikit-learn is installed they inherit from its BaseEstimator, so that pipelines, clone() and grid searches work.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from . import _core
from ._cluster import assign_to_centroids, cut_linkage, kmeans, linkage
from ._errors import FilmAtlasWarning, raise_invalid, raise_shape
from ._estimator_base import (
    BaseEstimator,
    ClusterMixin,
    Estimator,
    NotFittedError,
    Transformer,
    TransformerMixin,
    metric_name,
    need_samples,
    seed_of,
    threads_of,
)
from ._hierarchy import LEVELS, nested_clusters
from ._layout import pca, tsne, umap
from ._neighbors import KnnIndex, knn_graph
from ._text import count_terms, inverse_document_frequency, tfidf
from ._validation import as_float, as_int, as_names, as_vector64
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
        return _sparse(CsrMatrix(parts))


class KMeans(ClusterMixin, Transformer):
    """k-means with greedy k-means++ seeds, as sklearn.cluster.KMeans; the same bytes for any number of threads."""

    def __init__(
        self,
        n_clusters: int = 8,
        *,
        n_init: int | str = "auto",
        max_iter: int = 300,
        tol: float = 1e-4,
        random_state: Any = None,
        n_jobs: int | None = None,
    ) -> None:
        self.n_clusters = n_clusters
        self.n_init = n_init
        self.max_iter = max_iter
        self.tol = tol
        self.random_state = random_state
        self.n_jobs = n_jobs

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> KMeans:
        """Finds the clusters: `cluster_centers_`, `labels_`, `inertia_`, `n_iter_`."""
        data = self._array(X, reset=True)
        weights, weighty = self._weights(sample_weight, data.shape[0])
        fitted = data if weighty is None else data[weighty]
        k = as_int(self.n_clusters, "KMeans", "n_clusters", low=1)
        if k > fitted.shape[0]:
            raise_invalid("KMeans", f"n_samples={fitted.shape[0]} should be >= n_clusters={k}")
        result = kmeans(
            fitted,
            k,
            weights=weights,
            max_iterations=self.max_iter,
            tolerance=self.tol,
            n_init=1 if self.n_init == "auto" else self.n_init,  # type: ignore[arg-type]
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

    @staticmethod
    def _weights(sample_weight: Any, n: int) -> tuple[Any, Any]:
        """Weights of the items that count, and which those are; (None, None) when all count alike."""
        if sample_weight is None:
            return None, None
        if isinstance(sample_weight, (int, float, np.number)):
            sample_weight = np.full(n, sample_weight)
        weights = as_vector64(sample_weight, "KMeans", "sample_weight")
        if weights.shape[0] != n:
            raise_shape("KMeans", f"sample_weight has {weights.shape[0]} entries for {n} samples")
        if not np.isfinite(weights).all() or (weights < 0).any():
            raise_invalid("KMeans", "sample_weight holds negative or missing weights")
        weighty = weights > 0
        if not weighty.any():
            raise_invalid("KMeans", "Sample weights must contain at least one non-zero number")
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


class AgglomerativeClustering(ClusterMixin, Estimator):
    """Agglomerative clustering, as sklearn.cluster.AgglomerativeClustering (without connectivity constraints).

    Parameters
    ----------
    n_clusters : int or None
        None needs `distance_threshold`.
    linkage : "ward", "complete", "average", "single", "weighted", "centroid" or "median"
    """

    def __init__(
        self,
        n_clusters: int | None = 2,
        *,
        metric: str = "euclidean",
        linkage: str = "ward",
        distance_threshold: float | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.n_clusters = n_clusters
        self.metric = metric
        self.linkage = linkage
        self.distance_threshold = distance_threshold
        self.n_jobs = n_jobs

    def fit(self, X: Any, y: Any = None) -> AgglomerativeClustering:
        """Finds the tree and cuts it: `labels_`, `n_clusters_`, `children_`, `distances_`."""
        where = "AgglomerativeClustering"
        data = self._array(X, reset=True)
        if (self.n_clusters is None) == (self.distance_threshold is None):
            raise_invalid(
                where, "Exactly one of n_clusters and distance_threshold has to be set, and the other to None"
            )
        need_samples(data, 2, where)
        tree = linkage(
            data, method=self.linkage, metric=metric_name(self.metric), num_threads=threads_of(self.n_jobs)
        )
        if self.distance_threshold is not None:
            labels = cut_linkage(
                tree,
                height=float(
                    np.nextafter(as_float(self.distance_threshold, where, "distance_threshold"), -np.inf)
                ),
            )
        else:
            labels = cut_linkage(tree, as_int(self.n_clusters, where, "n_clusters", low=1))
        self.labels_ = np.array(labels)
        self.children_ = tree[:, :2].astype(np.int64)
        self.distances_ = np.array(tree[:, 2])
        self.n_clusters_ = int(self.labels_.max()) + 1
        self.n_leaves_ = data.shape[0]
        self.n_connected_components_ = 1
        return self


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

    `transform` places new items between their neighbours' positions; an item of the fit lands on itself.
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
        return _core.place_on_map(self.embedding_, ids, distances).copy()


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


def _sparse(matrix: CsrMatrix) -> Any:
    """scipy.sparse where SciPy is installed, else a CsrMatrix."""
    try:
        return matrix.to_scipy()
    except ImportError:
        return matrix


class CountVectorizer(TransformerMixin, BaseEstimator):
    """Counts of terms, as sklearn.feature_extraction.text.CountVectorizer with its default token pattern.

    Many times faster, in parallel. Gives scipy.sparse matrices where SciPy is installed.
    """

    def __init__(
        self,
        *,
        stop_words: Any = None,
        ngram_range: tuple[int, int] = (1, 1),
        max_df: int | float = 1.0,
        min_df: int | float = 1,
        max_features: int | None = None,
        vocabulary: Any = None,
        binary: bool = False,
        n_jobs: int | None = None,
    ) -> None:
        self.stop_words = stop_words
        self.ngram_range = ngram_range
        self.max_df = max_df
        self.min_df = min_df
        self.max_features = max_features
        self.vocabulary = vocabulary
        self.binary = binary
        self.n_jobs = n_jobs

    def fit(self, raw_documents: Any, y: Any = None) -> Any:
        """Finds the vocabulary."""
        self._fit_counts(raw_documents)
        return self

    def fit_transform(self, raw_documents: Any, y: Any = None) -> Any:
        """Finds the vocabulary and counts."""
        return _sparse(self._binary(self._fit_counts(raw_documents)))

    def transform(self, raw_documents: Any) -> Any:
        """(n, terms) counts."""
        return _sparse(self._binary(self._counts(raw_documents)))

    def get_feature_names_out(self, input_features: Any = None) -> Any:
        """Terms in column order."""
        self._check_vocabulary()
        return np.array(self._terms, dtype=object)

    def _check_vocabulary(self) -> None:
        if not hasattr(self, "vocabulary_"):
            raise NotFittedError("Vocabulary not fitted or provided")

    def _fit_counts(self, raw_documents: Any) -> CsrMatrix:
        given = self.vocabulary
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FilmAtlasWarning)  # no term left: an error here, see below
            counts, self._terms = count_terms(
                raw_documents,
                stop_words=self.stop_words,
                ngram_range=self.ngram_range,
                min_df=self.min_df,
                max_df=self.max_df,
                max_features=self.max_features,
                vocabulary=None if given is None else list(given),
                num_threads=threads_of(self.n_jobs),
            )
        if not self._terms:
            raise_invalid(
                type(self).__name__, "empty vocabulary", "perhaps the documents only contain stop words"
            )
        self.vocabulary_ = {term: column for column, term in enumerate(self._terms)}
        return counts

    def _counts(self, raw_documents: Any) -> CsrMatrix:
        self._check_vocabulary()
        counts, _ = count_terms(
            raw_documents,
            stop_words=self.stop_words,
            ngram_range=self.ngram_range,
            vocabulary=self._terms,
            num_threads=threads_of(self.n_jobs),
        )
        return counts

    def _binary(self, counts: CsrMatrix) -> CsrMatrix:
        if not self.binary:
            return counts
        return CsrMatrix((counts.shape, counts.indptr, counts.indices, np.minimum(counts.data, 1)))


class TfidfVectorizer(CountVectorizer):
    """TF-IDF weights, as sklearn.feature_extraction.text.TfidfVectorizer with its default token pattern."""

    def __init__(
        self,
        *,
        stop_words: Any = None,
        ngram_range: tuple[int, int] = (1, 1),
        max_df: int | float = 1.0,
        min_df: int | float = 1,
        max_features: int | None = None,
        vocabulary: Any = None,
        binary: bool = False,
        norm: str | None = "l2",
        use_idf: bool = True,
        smooth_idf: bool = True,
        sublinear_tf: bool = False,
        n_jobs: int | None = None,
    ) -> None:
        super().__init__(
            stop_words=stop_words,
            ngram_range=ngram_range,
            max_df=max_df,
            min_df=min_df,
            max_features=max_features,
            vocabulary=vocabulary,
            binary=binary,
            n_jobs=n_jobs,
        )
        self.norm = norm
        self.use_idf = use_idf
        self.smooth_idf = smooth_idf
        self.sublinear_tf = sublinear_tf

    def _fit_weights(self, raw_documents: Any) -> CsrMatrix:
        if self.norm not in ("l2", None):
            raise_invalid(type(self).__name__, f"norm = {self.norm!r}", "use 'l2' or None")
        counts = self._binary(self._fit_counts(raw_documents))
        self.idf_ = np.array(
            inverse_document_frequency(counts, smooth_idf=self.smooth_idf, use_idf=self.use_idf)
        )
        return counts

    def _weights(self, counts: CsrMatrix) -> Any:
        return _sparse(
            tfidf(
                counts,
                self.idf_,
                sublinear_tf=self.sublinear_tf,
                l2_normalize=self.norm == "l2",
                num_threads=threads_of(self.n_jobs),
            )
        )

    def fit(self, raw_documents: Any, y: Any = None) -> Any:
        """Finds vocabulary and document frequencies."""
        self._fit_weights(raw_documents)
        return self

    def fit_transform(self, raw_documents: Any, y: Any = None) -> Any:
        """Fits and weighs."""
        return self._weights(self._fit_weights(raw_documents))

    def transform(self, raw_documents: Any) -> Any:
        """(n, terms) float32 weights."""
        return self._weights(self._binary(self._counts(raw_documents)))


class ClassTfidf(TransformerMixin, BaseEstimator):
    """c-TF-IDF of class counts, as BERTopic's ClassTfidfTransformer: fit on (classes, terms) counts.

    For texts and groups, or every node of a hierarchy, see :func:`filmatlas.class_tfidf`.
    """

    def __init__(
        self,
        bm25_weighting: bool = False,
        reduce_frequent_words: bool = False,
        seed_words: Any = None,
        seed_multiplier: float = 2.0,
    ) -> None:
        self.bm25_weighting = bm25_weighting
        self.reduce_frequent_words = reduce_frequent_words
        self.seed_words = seed_words
        self.seed_multiplier = seed_multiplier

    def fit(self, X: Any, y: Any = None, *, feature_names: Any = None) -> ClassTfidf:
        """Finds `idf_`; `feature_names` are the terms, needed for `seed_words` only."""
        where = "ClassTfidf"
        counts = _class_counts(X)
        seeds = as_names(self.seed_words or (), where, "seed_words")
        if seeds and feature_names is None:
            raise_invalid(where, "seed_words need the terms", "pass fit(X, feature_names=...)")
        terms = (
            [""] * counts.shape[1]
            if feature_names is None
            else as_names(feature_names, where, "feature_names")
        )
        if len(terms) != counts.shape[1]:
            raise_shape(where, f"there are {len(terms)} feature_names for {counts.shape[1]} columns")
        multiplier = as_float(self.seed_multiplier, where, "seed_multiplier")
        self.idf_ = np.array(
            _core.class_idf(*counts._parts(), terms, bool(self.bm25_weighting), seeds, multiplier)
        )
        self.n_features_in_ = counts.shape[1]
        return self

    def transform(self, X: Any) -> Any:
        """(classes, terms) weights."""
        if not hasattr(self, "idf_"):
            raise NotFittedError("This ClassTfidf instance is not fitted yet")
        counts = _class_counts(X)
        if counts.shape[1] != self.n_features_in_:
            raise_shape("ClassTfidf", f"X has {counts.shape[1]} columns, expected {self.n_features_in_}")
        return _sparse(
            CsrMatrix(_core.class_weights(*counts._parts(), self.idf_, bool(self.reduce_frequent_words)))
        )


def _class_counts(X: Any) -> CsrMatrix:
    """(classes, terms) int64 counts from SciPy, a CsrMatrix or a dense array."""
    if isinstance(X, CsrMatrix):
        shape, indptr, indices, data = X._parts()
    elif hasattr(X, "tocsr"):
        matrix = X.tocsr().copy()
        matrix.sum_duplicates()
        shape, indptr, indices, data = matrix.shape, matrix.indptr, matrix.indices, matrix.data
    else:
        dense = np.asarray(X)
        if dense.ndim != 2:
            raise_shape("ClassTfidf", f"X has shape {dense.shape}, expected (classes, terms)")
        rows, columns = np.nonzero(dense)
        indptr = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=dense.shape[0]))])
        shape, indices, data = dense.shape, columns, dense[rows, columns]
    if data.size and (data.dtype.kind not in "iuf" or np.any(data < 0) or np.any(data != np.trunc(data))):
        raise_invalid("ClassTfidf", "counts have to be integers >= 0")
    parts = (shape, np.asarray(indptr, np.int64), np.asarray(indices, np.int32), np.asarray(data, np.int64))
    return CsrMatrix(parts)
