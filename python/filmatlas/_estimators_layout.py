# SPDX-License-Identifier: MIT
"""Estimators of maps beyond UMAP and t-SNE, with scikit-learn's conventions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from . import _core
from ._estimator_base import Transformer, metric_name, need_samples, seed_of, threads_of
from ._layout import pacmap
from ._neighbors import KnnIndex


class PaCMAP(Transformer):
    """PaCMAP, as pacmap.PaCMAP; deterministic for an integer `random_state`, on any number of threads.

    `transform` places new items where most of their neighbours lie; an item of the fit lands on itself.
    """

    def __init__(
        self,
        n_components: int = 2,
        n_neighbors: int | None = None,
        *,
        mid_near_ratio: float = 0.5,
        further_ratio: float = 2.0,
        metric: str = "euclidean",
        n_iter: Sequence[int] = (100, 100, 250),
        learning_rate: float = 1.0,
        init: Any = "pca",
        random_state: Any = None,
        n_jobs: int | None = None,
    ) -> None:
        self.n_components = n_components
        self.n_neighbors = n_neighbors
        self.mid_near_ratio = mid_near_ratio
        self.further_ratio = further_ratio
        self.metric = metric
        self.n_iter = n_iter
        self.learning_rate = learning_rate
        self.init = init
        self.random_state = random_state
        self.n_jobs = n_jobs

    def fit(self, X: Any, y: Any = None) -> PaCMAP:
        """Lays the items out: `embedding_`."""
        data = self._array(X, reset=True)
        need_samples(data, 2, "PaCMAP")
        layout = pacmap(
            data,
            n_neighbors=self.n_neighbors,
            mid_near_ratio=self.mid_near_ratio,
            further_ratio=self.further_ratio,
            n_components=self.n_components,
            metric=metric_name(self.metric),
            n_iter=self.n_iter,
            learning_rate=self.learning_rate,
            init=self.init,
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
        ids, distances = index.query(data, min(15, self._raw_data.shape[0]), num_threads=threads)
        return _core.place_on_map(self.embedding_, ids, distances, threads).copy()
