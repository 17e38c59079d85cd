# SPDX-License-Identifier: MIT
"""Estimators of maps, with scikit-learn's conventions and the options that users of other packages know."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from . import _core
from ._errors import raise_invalid
from ._estimator_base import Transformer, metric_name, need_samples, seed_of, threads_of
from ._fitted_index import FittedIndex
from ._layout import Layout, pacmap, pca, tsne, umap
from ._layout_steps import density_preservation
from ._validation import as_int

#: Options of a constructor that its function takes under other names, and those that fit itself answers.
_OTHER_NAMES = {"n_jobs", "random_state", "metric"}


class _Map(Transformer):
    """What the maps share: fitting keeps the items, and new items are placed among them.

    `transform` places new items where most of their neighbours lie; an item of the fit lands on itself. Its first call
    makes an index of the fitted items, which is kept.
    """

    metric: str
    random_state: Any
    n_jobs: int | None

    @property
    def _placed_among(self) -> int:
        """Neighbours among which new items are placed."""
        return 15

    def _lay_out(self, data: Any, y: Any, shared: dict[str, Any]) -> Layout:
        raise NotImplementedError

    def _options(self, *left_out: str) -> dict[str, Any]:
        """Parameters of the constructor that the function takes as they are."""
        params = self.get_params(deep=False)
        return {name: value for name, value in params.items() if name not in _OTHER_NAMES.union(left_out)}

    def fit(self, X: Any, y: Any = None) -> Any:
        """Lays the items out: `embedding_`, and what the map says of itself in `layout_`."""
        data = self._array(X, reset=True)
        need_samples(data, 2, type(self).__name__)
        shared = {
            "metric": metric_name(self.metric),
            "random_state": seed_of(self.random_state),
            "num_threads": threads_of(self.n_jobs),
            "measure": False,
        }
        self.layout_ = self._lay_out(data, y, shared)
        self._raw_data = data
        self._index = FittedIndex(data, metric_name(self.metric))
        self.embedding_ = np.array(self.layout_.coordinates)
        self._n_features_out = self.embedding_.shape[1]
        return self

    def fit_transform(self, X: Any, y: Any = None) -> Any:
        """Fits and returns the map."""
        return self.fit(X, y).embedding_

    def transform(self, X: Any) -> Any:
        """(m, n_components) positions of new items."""
        self._check_fitted("embedding_")
        threads = threads_of(self.n_jobs)
        data = self._array(X, reset=False)
        ids, distances = self._index.query(data, min(self._placed_among, self._raw_data.shape[0]), threads)
        return _core.place_on_map(self.embedding_, ids, distances, threads).copy()


def _classes(y: Any, count: int) -> Any:
    """Known classes as integers; negative numbers, NaN and None stand for unknown ones."""
    values = np.asarray(y).ravel()
    if values.shape[0] != count:
        raise_invalid(
            "UMAP", f"y has {values.shape[0]} values for {count} samples", "give one class per sample"
        )
    known = np.array([value is not None and value == value for value in values.tolist()], dtype=bool)
    if values.dtype.kind in "iuf":
        known &= values >= 0
    codes = np.full(count, -1, dtype=np.int32)
    if known.any():
        codes[known] = np.unique(
            values[known].astype(str) if values.dtype == object else values[known], return_inverse=True
        )[1]
    return codes


class UMAP(_Map):
    """UMAP, as umap.UMAP: deterministic for an integer `random_state`, on any number of threads.

    Parameters
    ----------
    n_neighbors, n_components, metric, n_epochs, learning_rate, init, min_dist, spread, set_op_mix_ratio, \
local_connectivity, disconnection_distance, repulsion_strength, negative_sample_rate, densmap, dens_lambda, dens_frac, dens_var_shift
        See :func:`filmatlas.umap`.
    output_dens : bool
        Whether to measure local radii: `rad_orig_` and `rad_emb_`. `fit_transform` returns the map alone all the same.
    target_weight : float
        How strongly the classes given to ``fit(X, y)`` draw their items together: from 0, not at all (a true zero,
        where umap-learn still weakens), to 1, edges between classes vanish. Negative numbers, NaN and None in y are
        unknown classes.
    random_state : int, Generator, RandomState or None
    n_jobs : int, optional

    Attributes
    ----------
    embedding_ : (n, n_components) float32
    layout_ : Layout
    rad_orig_, rad_emb_ : (n,) float64
        Log local radii in the full space and on the map, see :func:`filmatlas.local_radii`; with `output_dens` only.
    """

    def __init__(
        self,
        n_neighbors: int = 15,
        n_components: int = 2,
        *,
        metric: str = "euclidean",
        n_epochs: int | None = None,
        learning_rate: float | None = None,
        init: Any = "spectral",
        min_dist: float = 0.1,
        spread: float = 1.0,
        set_op_mix_ratio: float = 1.0,
        local_connectivity: float = 1.0,
        disconnection_distance: float | None = None,
        repulsion_strength: float = 1.0,
        negative_sample_rate: int = 5,
        target_weight: float = 0.5,
        densmap: bool = False,
        dens_lambda: float = 2.0,
        dens_frac: float = 0.3,
        dens_var_shift: float = 0.1,
        output_dens: bool = False,
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
        self.disconnection_distance = disconnection_distance
        self.repulsion_strength = repulsion_strength
        self.negative_sample_rate = negative_sample_rate
        self.target_weight = target_weight
        self.densmap = densmap
        self.dens_lambda = dens_lambda
        self.dens_frac = dens_frac
        self.dens_var_shift = dens_var_shift
        self.output_dens = output_dens
        self.random_state = random_state
        self.n_jobs = n_jobs

    @property
    def _placed_among(self) -> int:
        return max(int(self.n_neighbors) - 1, 1)

    def _lay_out(self, data: Any, y: Any, shared: dict[str, Any]) -> Layout:
        classes = None if y is None else _classes(y, data.shape[0])
        return umap(data, y=classes, **self._options("output_dens"), **shared)

    def fit(self, X: Any, y: Any = None) -> Any:
        """Lays the items out: `embedding_`, what the map says of itself in `layout_`, and radii with `output_dens`."""
        super().fit(X, y)
        if self.output_dens:
            radii = density_preservation(
                self._raw_data,
                self.embedding_,
                n_neighbors=self.n_neighbors,
                metric=metric_name(self.metric),
                num_threads=threads_of(self.n_jobs),
            )
            self.rad_orig_, self.rad_emb_ = radii.original, radii.map
        return self


class TSNE(_Map):
    """t-SNE, as sklearn.manifold.TSNE; deterministic for an integer `random_state`, on any number of threads.

    Unlike scikit-learn's it can `transform`: new items are placed among their neighbours.

    Parameters
    ----------
    perplexity, n_components, early_exaggeration, metric, init, random_state
        See :func:`filmatlas.tsne`.
    learning_rate : float or "auto"
    max_iter : int
        Rounds in all; the first 250 at most are those of early exaggeration.
    exaggeration : float
        Of the rounds after that: the dial between detail (1) and compact clusters.
    method : "barnes_hut", "fft", "exact" or "auto"
        How repulsion is summed; "auto" takes what is cheaper in every round.
    angle : float
        Opening angle of the tree.
    n_jobs : int, optional

    Attributes
    ----------
    embedding_ : (n, n_components) float32
    n_iter_ : int
    layout_ : Layout
    """

    _METHODS = {"auto": "auto", "barnes_hut": "tree", "exact": "tree", "fft": "grid"}

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
        exaggeration: float = 1.0,
        method: str = "auto",
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
        self.exaggeration = exaggeration
        self.method = method
        self.angle = angle
        self.random_state = random_state
        self.n_jobs = n_jobs

    def _lay_out(self, data: Any, y: Any, shared: dict[str, Any]) -> Layout:
        rounds = as_int(self.max_iter, "TSNE", "max_iter", low=0)
        early = min(250, rounds)
        if self.method not in self._METHODS:
            raise_invalid("TSNE", f"method = {self.method!r}", f"use one of {', '.join(self._METHODS)}")
        layout = tsne(
            data,
            n_iter=rounds - early,
            early_exaggeration_iter=early,
            learning_rate=None if self.learning_rate == "auto" else self.learning_rate,  # type: ignore[arg-type]
            theta=0.0 if self.method == "exact" else self.angle,
            repulsion=self._METHODS[self.method],
            **self._options("max_iter", "learning_rate", "angle", "method"),
            **shared,
        )
        self.n_iter_ = rounds
        return layout


class PaCMAP(_Map):
    """PaCMAP, as pacmap.PaCMAP; deterministic for an integer `random_state`, on any number of threads.

    Parameters
    ----------
    n_components, n_neighbors, metric, n_iter, learning_rate, init, random_state
        See :func:`filmatlas.pacmap`.
    MN_ratio, FP_ratio : float
        Mid-near and further pairs per near pair.
    n_jobs : int, optional

    Attributes
    ----------
    embedding_ : (n, n_components) float32
    layout_ : Layout
    """

    def __init__(
        self,
        n_components: int = 2,
        n_neighbors: int | None = None,
        MN_ratio: float = 0.5,
        FP_ratio: float = 2.0,
        *,
        metric: str = "euclidean",
        n_iter: Sequence[int] = (100, 100, 250),
        learning_rate: float = 1.0,
        init: Any = "pca",
        random_state: Any = None,
        n_jobs: int | None = None,
    ) -> None:
        self.n_components = n_components
        self.n_neighbors = n_neighbors
        self.MN_ratio = MN_ratio
        self.FP_ratio = FP_ratio
        self.metric = metric
        self.n_iter = n_iter
        self.learning_rate = learning_rate
        self.init = init
        self.random_state = random_state
        self.n_jobs = n_jobs

    def _lay_out(self, data: Any, y: Any, shared: dict[str, Any]) -> Layout:
        return pacmap(
            data,
            mid_near_ratio=self.MN_ratio,
            further_ratio=self.FP_ratio,
            **self._options("MN_ratio", "FP_ratio"),
            **shared,
        )


class PCA(Transformer):
    """Principal components, as sklearn.decomposition.PCA.

    Parameters
    ----------
    n_components : int, float in (0, 1) or None
        How many; as many as are needed for this share of the variance; all.
    whiten : bool
        Whether coordinates are scaled to variance 1.
    random_state : int, Generator, RandomState or None
        Read above 2,048 columns only, where the components are found by a randomised iteration.
    n_jobs : int, optional

    Attributes
    ----------
    components_, mean_, explained_variance_, explained_variance_ratio_, singular_values_, n_components_, n_samples_
        As scikit-learn's.
    """

    def __init__(
        self,
        n_components: int | float | None = None,
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
        data = self._array(X, reset=True)
        most = min(data.shape)
        share = (
            self.n_components if isinstance(self.n_components, float) and 0 < self.n_components < 1 else None
        )
        wanted = most
        if share is None and self.n_components is not None:
            wanted = as_int(self.n_components, "PCA", "n_components")
        if not 1 <= wanted <= most:
            raise_invalid(
                "PCA", f"n_components={wanted} must be between 1 and min(n_samples, n_features)={most}"
            )
        need_samples(data, 2, "PCA")
        seed = 0 if self.random_state is None else seed_of(self.random_state)
        result = pca(data, wanted, random_state=seed, num_threads=threads_of(self.n_jobs))
        kept = wanted
        if share is not None:
            kept = min(wanted, int(np.searchsorted(np.cumsum(result.explained_variance_ratio), share)) + 1)
        self.components_ = np.array(result.components[:kept])
        self.mean_ = np.array(result.mean)
        self.explained_variance_ = np.array(result.explained_variance[:kept])
        self.explained_variance_ratio_ = np.array(result.explained_variance_ratio[:kept])
        self.singular_values_ = np.sqrt(self.explained_variance_ * (data.shape[0] - 1))
        self.n_components_ = self._n_features_out = kept
        self.n_samples_ = data.shape[0]
        return self

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
