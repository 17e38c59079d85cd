# SPDX-License-Identifier: MIT
"""HDBSCAN as an estimator: the names of the hdbscan package and of scikit-learn."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ._density import HdbscanResult, hdbscan
from ._errors import raise_invalid, raise_shape
from ._estimator_base import HAS_SKLEARN, ClusterMixin, Estimator, NotFittedError, metric_name, threads_of
from ._validation import as_matrix64, as_vector64


class HDBSCAN(ClusterMixin, Estimator):
    """HDBSCAN*, see :func:`filmatlas.hdbscan`; drop-in for hdbscan.HDBSCAN and BERTopic's `hdbscan_model`.

    Parameters
    ----------
    As :func:`filmatlas.hdbscan`; `prediction_data` and `gen_min_span_tree` are taken for compatibility: both are always
    there.

    Attributes
    ----------
    labels_, probabilities_, outlier_scores_ : (n,) arrays
    cluster_persistence_ : (k,)
    exemplars_ : list of (m, d) arrays
    result_ : HdbscanResult
        The fit with all its methods: `cut`, `flat`, `layers`, `membership_vectors`, ...
    """

    def __init__(
        self,
        min_cluster_size: Any = 5,
        min_samples: int | None = None,
        *,
        cluster_selection_epsilon: float = 0.0,
        cluster_selection_epsilon_max: float = math.inf,
        cluster_selection_persistence: float = 0.0,
        max_cluster_size: Any = 0,
        metric: str = "euclidean",
        alpha: float = 1.0,
        cluster_selection_method: str = "eom",
        allow_single_cluster: bool = False,
        min_samples_convention: str = "exclude_self",
        ties: str = "canonical",
        method: str = "auto",
        prediction_data: bool = False,
        gen_min_span_tree: bool = False,
        memory_limit: int | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.min_cluster_size = min_cluster_size
        self.min_samples = min_samples
        self.cluster_selection_epsilon = cluster_selection_epsilon
        self.cluster_selection_epsilon_max = cluster_selection_epsilon_max
        self.cluster_selection_persistence = cluster_selection_persistence
        self.max_cluster_size = max_cluster_size
        self.metric = metric
        self.alpha = alpha
        self.cluster_selection_method = cluster_selection_method
        self.allow_single_cluster = allow_single_cluster
        self.min_samples_convention = min_samples_convention
        self.ties = ties
        self.method = method
        self.prediction_data = prediction_data
        self.gen_min_span_tree = gen_min_span_tree
        self.memory_limit = memory_limit
        self.n_jobs = n_jobs

    def _rows(self, X: Any, *, reset: bool) -> Any:
        """Vectors as given in float32 or float64, NaN allowed."""
        where = type(self).__name__
        if HAS_SKLEARN:
            options: dict[str, Any] = {"dtype": [np.float32, np.float64], "reset": reset}
            if self.metric == "precomputed":
                options["accept_sparse"] = "csr"
            try:
                from sklearn.utils.validation import validate_data
            except ImportError:  # before 1.6
                return self._validate_data(X, force_all_finite=False, **options)
            return validate_data(self, X, ensure_all_finite=False, **options)
        matrix = X if hasattr(X, "tocsr") else as_matrix64(X, where)
        self._check_features(matrix.shape, where, reset)
        return matrix

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> HDBSCAN:
        """Finds the clusters."""
        data = self._rows(X, reset=True)
        data, sample_weight = self._weighted(data, sample_weight)
        self.result_: HdbscanResult = hdbscan(
            data,
            self.min_cluster_size,
            min_samples=self.min_samples,
            min_samples_convention=self.min_samples_convention,
            metric=metric_name(self.metric),
            alpha=self.alpha,
            cluster_selection_method=self.cluster_selection_method,
            cluster_selection_epsilon=self.cluster_selection_epsilon,
            cluster_selection_epsilon_max=self.cluster_selection_epsilon_max,
            cluster_selection_persistence=self.cluster_selection_persistence,
            max_cluster_size=self.max_cluster_size,
            allow_single_cluster=self.allow_single_cluster,
            sample_weight=sample_weight,
            ties=self.ties,
            method=self.method,
            memory_limit=self.memory_limit,
            num_threads=threads_of(self.n_jobs),
        )
        self.labels_ = np.array(self.result_.labels, dtype=np.int64)
        self.probabilities_ = np.array(self.result_.probabilities)
        self.outlier_scores_ = np.array(self.result_.outlier_scores)
        self.cluster_persistence_ = np.array(self.result_.persistence)
        return self

    def _weighted(self, data: Any, sample_weight: Any) -> tuple[Any, Any]:
        """Rows of weight zero are left out, as rows that are not valid."""
        if sample_weight is None:
            return data, None
        where = type(self).__name__
        if isinstance(sample_weight, (int, float, np.number)):
            sample_weight = np.full(data.shape[0], sample_weight)
        weights = as_vector64(sample_weight, where, "sample_weight")
        if weights.shape[0] != data.shape[0]:
            raise_shape(where, f"sample_weight has {weights.shape[0]} entries for {data.shape[0]} samples")
        zero = weights == 0
        if not zero.any():
            return data, weights
        if zero.all():
            raise_invalid(where, "Sample weights must contain at least one non-zero number")
        if self.metric == "precomputed":
            raise_invalid(where, "a sample weight is zero", "leave such items out of the distances")
        data = np.array(data)
        data[zero] = np.nan
        return data, np.where(zero, 1.0, weights)

    def fit_predict(self, X: Any, y: Any = None, sample_weight: Any = None) -> Any:
        """Fits and returns the labels."""
        return self.fit(X, sample_weight=sample_weight).labels_

    def predict(self, X: Any) -> Any:
        """Labels of new items; of fitted ones their own."""
        return self.approximate_predict(X)[0]

    def approximate_predict(self, X: Any) -> tuple[Any, Any]:
        """(labels, probabilities) of new items, as hdbscan.approximate_predict, with every option honoured."""
        self._check_fitted("result_")
        labels, probabilities, _ = self.result_.predict(self._rows(X, reset=False))
        return labels.astype(np.int64), probabilities.copy()

    def membership_vector(self, X: Any = None) -> Any:
        """(m, k) soft membership of new items, or of the fitted ones."""
        self._check_fitted("result_")
        return self.result_.membership_vectors(None if X is None else self._rows(X, reset=False)).copy()

    def dbscan_clustering(self, cut_distance: float, min_cluster_size: float = 5) -> Any:
        """(n,) labels of DBSCAN* at that distance."""
        self._check_fitted("result_")
        return self.result_.dbscan_clustering(cut_distance, min_cluster_size).astype(np.int64)

    def generate_prediction_data(self) -> None:
        """Nothing to do: what predictions need is always there."""
        self._check_fitted("result_")

    def _fitted(self) -> HdbscanResult:
        result = self.__dict__.get("result_")
        if result is None:
            raise NotFittedError(f"This {type(self).__name__} instance is not fitted yet.")
        return result  # type: ignore[no-any-return]

    @property
    def condensed_tree_(self) -> Any:
        """CondensedTree."""
        return self._fitted().condensed_tree

    @property
    def single_linkage_tree_(self) -> Any:
        """(n - 1, 4) in SciPy's format."""
        return self._fitted().linkage

    @property
    def minimum_spanning_tree_(self) -> Any:
        """SpanningTree."""
        return self._fitted().tree

    @property
    def relative_validity_(self) -> float:
        """Quick validity, for comparing settings on one data set."""
        return self._fitted().relative_validity()

    @property
    def exemplars_(self) -> list[Any]:
        """Rows at the density peaks of every cluster."""
        result = self._fitted()
        rows = result._rows("HDBSCAN.exemplars_")
        return [rows[ids] for ids in result.exemplars]

    @property
    def centroids_(self) -> Any:
        """(k, d) means of the clusters, members weighted with their probability."""
        return self._fitted().centers()[0].copy()

    @property
    def medoids_(self) -> Any:
        """(k, d) the members nearest to all others of their cluster."""
        result = self._fitted()
        return result._rows("HDBSCAN.medoids_")[result.centers()[1]]

    def weighted_cluster_centroid(self, cluster_id: int) -> Any:
        """(d,) centroid of a cluster."""
        self._check_label(cluster_id)
        return self.centroids_[cluster_id]

    def weighted_cluster_medoid(self, cluster_id: int) -> Any:
        """(d,) medoid of a cluster."""
        self._check_label(cluster_id)
        return self.medoids_[cluster_id]

    def _check_label(self, cluster_id: int) -> None:
        if not 0 <= cluster_id < self._fitted().n_clusters:
            raise_invalid(type(self).__name__, f"there is no cluster {cluster_id}")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = self.metric != "precomputed"
        tags.input_tags.pairwise = self.metric == "precomputed"
        tags.input_tags.sparse = self.metric == "precomputed"
        return tags

    def _more_tags(self) -> dict[str, Any]:
        return {"allow_nan": self.metric != "precomputed"}
