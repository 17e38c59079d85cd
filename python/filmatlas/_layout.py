# SPDX-License-Identifier: MIT
"""Maps: projections for reading, each with a measure of how far it may be trusted."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import _core
from ._cluster import as_labels
from ._errors import raise_invalid
from ._neighbors import KnnGraph, as_graph
from ._progress import ProgressLike, progress_callback
from ._tables import Table
from ._validation import (
    as_float,
    as_index_array,
    as_int,
    as_matrix,
    as_optional_float,
    as_optional_int,
    as_seed,
    as_vector64,
)
from ._values import RunInfo, Value, announce, figure


@dataclass(frozen=True, repr=False)
class LayoutQuality:
    """How far a map may be trusted, against the full-space neighbours.

    Attributes
    ----------
    k : int
        Neighbourhood size of the figures.
    kept_neighbors : float
        Mean share of the k true neighbours that are among the k nearest on the map.
    trustworthiness, continuity : float
        1 = no false neighbours; 1 = no torn neighbours (Venna & Kaski, 2001).
    rank_correlation : float
        Spearman correlation of sampled pair distances.
    random_triplets : float
        Share of drawn triplets of which the map, too, places the same item nearer to the first (Wang et al., 2021).
    label_accuracy, label_accuracy_full : float
        Share of items whose k nearest on the map, and in the full space, vote for their class; NaN without classes.
    kept_per_item : (n,) float32
        NaN for items without neighbours.
    trust_per_item, continuity_per_item : (n,) float64, or None when ranks were not counted
        Each item's own share of the two figures, whose means they are; NaN for items that were not counted.
    """

    k: int
    kept_neighbors: float
    trustworthiness: float
    continuity: float
    rank_correlation: float
    kept_per_item: Any
    trust_per_item: Any = None
    continuity_per_item: Any = None
    random_triplets: float = math.nan
    label_accuracy: float = math.nan
    label_accuracy_full: float = math.nan

    def __repr__(self) -> str:
        return (
            f"LayoutQuality(k={self.k}, kept_neighbors={self.kept_neighbors:.3f}, "
            f"trustworthiness={self.trustworthiness:.3f}, continuity={self.continuity:.3f}, "
            f"rank_correlation={self.rank_correlation:.3f}, random_triplets={self.random_triplets:.3f})"
        )

    def to_dict(self) -> dict[str, float | int | None]:
        """The figures without the per-item values; NaN as None."""
        names = (
            "k",
            "kept_neighbors",
            "trustworthiness",
            "continuity",
            "rank_correlation",
            "random_triplets",
            "label_accuracy",
            "label_accuracy_full",
        )
        values = {name: getattr(self, name) for name in names}
        return {name: None if isinstance(v, float) and math.isnan(v) else v for name, v in values.items()}


class Layout(Value):
    """Coordinates of the items on a map: a projection, never the source of truth.

    Made by :func:`umap`, :func:`tsne`, :func:`atlas_map`, or from another tool's (n, 2 or 3) array.
    """

    __slots__ = ("_quality",)
    _quality: LayoutQuality | None

    def __init__(self, coordinates: Any, *, method: str = "given", init: str = "given") -> None:
        self._core = _core.Layout(as_matrix(coordinates, "Layout", "coordinates"), method, init)
        self._quality = None

    @classmethod
    def _of(cls, core: Any, quality: LayoutQuality | None = None) -> Layout:
        layout = cls._wrap(core)
        layout._quality = quality
        return layout

    @property
    def coordinates(self) -> Any:
        """(n, 2 or 3) float32; a row is NaN where the item has no valid vector."""
        return self._core.coordinates

    @property
    def method(self) -> str:
        """ "umap", "tsne", "atlas" or "given"."""
        return str(self._core.method)

    @property
    def init(self) -> str:
        """Start that was used: "spectral", "pca", "landmarks" or "given"."""
        return str(self._core.init)

    @property
    def quality(self) -> LayoutQuality | None:
        """How far the map may be trusted; None when it was not measured."""
        if self._quality is None:
            fields = self._core.quality
            return LayoutQuality(**fields) if fields["k"] > 0 else None
        return self._quality

    @property
    def run(self) -> RunInfo:
        """How the run went."""
        return RunInfo._of(self._core.run)

    def __len__(self) -> int:
        return int(self.coordinates.shape[0])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        if copy:
            return np.array(self.coordinates, dtype=dtype)
        return np.asarray(self.coordinates, dtype=dtype)

    def to_pandas(self) -> Any:
        """Columns x, y (and z), and kept_neighbors where it was measured."""
        columns: dict[str, Any] = dict(zip("xyz", self.coordinates.T))
        if self.coordinates.shape[1] > 3:
            columns = {f"x{i}": column for i, column in enumerate(self.coordinates.T)}
        if self.quality is not None:
            columns["kept_neighbors"] = self.quality.kept_per_item
        return Table(columns).to_pandas()

    def __repr__(self) -> str:
        n, c = self.coordinates.shape
        measured = f", kept_neighbors={self.quality.kept_neighbors:.3f}" if self.quality else ""
        return f"Layout({figure(n)} x {c}, method={self.method!r}, init={self.init!r}{measured})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (np.array(self.coordinates), self.method, self.init, self.quality)


def _rebuild(coordinates: Any, method: str, init: str, quality: LayoutQuality | None) -> Layout:
    return Layout._of(_core.Layout(coordinates, method, init), quality)


def _qualities(
    vectors: Any, graph: KnnGraph, coordinates: Any, sizes: list[int], fields: dict[str, Any]
) -> list[LayoutQuality]:
    found = _core.layout_qualities(vectors, graph._core, coordinates, sizes, **fields)
    return [LayoutQuality(**quality) for quality in found]


def _quality_fields(threads: int, callback: Any) -> dict[str, Any]:
    return {
        "pair_samples": 200_000,
        "triplet_samples": 100_000,
        "labels": None,
        "exact_trust": None,
        "seed": 42,
        "num_threads": threads,
        "progress": callback,
    }


# Fields of the options in the core, and what brings an argument of the same name into their form.
_COMMON = {"n_components": as_int, "num_threads": as_int}
_UMAP = {
    **_COMMON,
    "n_neighbors": as_int,
    "min_dist": as_float,
    "spread": as_float,
    "n_epochs": as_optional_int,
    "learning_rate": as_optional_float,
    "negative_sample_rate": as_int,
    "repulsion_strength": as_float,
    "local_connectivity": as_float,
    "set_op_mix_ratio": as_float,
    "disconnection_distance": as_optional_float,
    "target_weight": as_float,
    "hierarchy_pull": as_float,
    "dens_lambda": as_float,
    "dens_frac": as_float,
    "dens_var_shift": as_float,
}
_TSNE = {
    **_COMMON,
    "perplexity": as_float,
    "n_iter": as_int,
    "early_exaggeration_iter": as_optional_int,
    "early_exaggeration": as_float,
    "exaggeration": as_float,
    "learning_rate": as_optional_float,
    "theta": as_float,
}
_MAP = {
    **_COMMON,
    "umap_epochs": as_int,
    "gather_iter": as_optional_int,
    "n_iter": as_optional_int,
    "perplexity": as_float,
    "hierarchy_pull": as_optional_float,
}

_PACMAP = {
    **_COMMON,
    "n_neighbors": as_optional_int,
    "mid_near_ratio": as_float,
    "further_ratio": as_float,
    "learning_rate": as_float,
}

#: Words of the dial between attraction and repulsion, and the exaggeration that they stand for.
ATTRACTION = {"faithful": 1.0, "balanced": 1.5, "clustered": 2.0}


def _fill(options: Any, fields: dict[str, Any], given: dict[str, Any], where: str) -> Any:
    """Options of the core from the arguments of a function, its start and seed included."""
    for name, convert in fields.items():
        setattr(options, name, convert(given[name], where, name))
    options.seed = as_seed(given["random_state"], where)
    init = given["init"]
    if isinstance(init, str):
        if init != "hierarchy" or not hasattr(options, "nested_start"):
            options.init = init
    else:
        options.given = as_matrix(init, where, "init")
    return options


def _lay_out(where: str, options: Any, given: dict[str, Any], *, k: int) -> Layout:
    """Neighbours, map, quality: what all methods share. `given` are the arguments of the function named `where`."""
    vectors = as_matrix(given["X"], where)
    threads = options.num_threads
    with progress_callback(given["progress"]) as callback:
        near = as_graph(
            given["graph"], vectors, where, k=k, metric=given["metric"], num_threads=threads, callback=callback
        )
        core = getattr(_core, where)(vectors, near._core, options, callback)
        announce(core.run, stacklevel=4)
        return measured(core, vectors, near, threads, callback) if given["measure"] else Layout._of(core)


def measured(core: Any, vectors: Any, graph: KnnGraph, threads: int, callback: Any) -> Layout:
    """A map of the core with its quality, where there are items enough to measure one."""
    if len(graph) < 4:
        return Layout._of(core)
    fields = _quality_fields(threads, callback)
    quality = _qualities(vectors, graph, core.coordinates, [min(15, graph.k)], fields)[0]
    return Layout._of(core, quality if quality.k > 0 else None)


def as_levels(levels: Any, where: str) -> Any:
    """(n, L) groups of the items, coarse to fine: an integer array, or a Hierarchy."""
    if hasattr(levels, "num_levels") and callable(getattr(levels, "labels", None)):
        levels = np.stack([levels.labels(level) for level in range(levels.num_levels)], axis=1)
    return as_index_array(levels, where, "levels", ndim=2)


def hierarchy_start(Y: Any, levels: Any, *, random_state: Any = 42) -> Any:
    """A start in which the groups of a hierarchy stand apart, the coarsest first, each finer one inside its parent.

    Parameters
    ----------
    Y : (n, 2 or 3) coordinates, or a Layout
        Of another start or a map; rows with NaN are left out.
    levels : (n, L) integers, coarse to fine, or a Hierarchy

    Returns
    -------
    (n, 2 or 3) float32
        For the `init` of any layout: centred, the largest absolute value is 10; zeros for items left out.
    """
    where = "hierarchy_start"
    return _core.hierarchy_start(as_matrix(Y, where, "Y"), as_levels(levels, where), as_seed(random_state, where))


def umap(
    X: Any,
    *,
    graph: KnnGraph | None = None,
    n_neighbors: int = 15,
    min_dist: float = 0.1,
    spread: float = 1.0,
    n_components: int = 2,
    metric: str = "cosine",
    n_epochs: int | None = None,
    learning_rate: float | None = None,
    negative_sample_rate: int = 5,
    repulsion_strength: float = 1.0,
    local_connectivity: float = 1.0,
    set_op_mix_ratio: float = 1.0,
    disconnection_distance: float | None = None,
    init: Any = "spectral",
    y: Any = None,
    target_weight: float = 0.5,
    levels: Any = None,
    hierarchy_pull: float = 0.0,
    mobility: Any = None,
    densmap: bool = False,
    dens_lambda: float = 2.0,
    dens_frac: float = 0.3,
    dens_var_shift: float = 0.1,
    random_state: Any = 0,
    measure: bool = True,
    num_threads: int = 0,
    progress: ProgressLike = None,
) -> Layout:
    """UMAP, parallel and deterministic at once: the same bytes for any number of threads and any processor.

    Parameters
    ----------
    X : (n, d) array, or an Embedding
    graph : KnnGraph, optional
        Neighbours of X; made with `metric` when absent.
    n_neighbors : int
        Neighbours per item, itself counted (as in umap-learn). Larger shows more of the whole and less detail.
    min_dist : float
        Least distance of points on the map. Smaller packs clusters more tightly.
    n_epochs : int, optional
        Rounds; 500 up to 5,000 items, 300 up to 50,000, else 150.
    learning_rate : float, optional
        First step size; 0.07 up to 50,000 items, else 0.5, since they have farther to go. umap-learn's is 1, which
        loses more of the start's order and keeps fewer neighbours of films and posts.
    disconnection_distance : float, optional
        Neighbours at this distance or farther are none; by default 2 for cosine distances, else none is too far.
    init : "spectral", "pca", "landmarks", "hierarchy" or (n, n_components) coordinates
        "hierarchy" lets the groups of `levels` stand apart from the start, see :func:`hierarchy_start`.
    y : (n,) integers, optional
        Known classes, which draw their items together; negative = unknown.
    target_weight : float
        How strongly, from 0 (not at all) to 1 (edges between classes vanish).
    levels : (n, L) integers or Hierarchy, optional
        Groups of every item, coarse to fine, which draw their items together.
    hierarchy_pull : float
        How strongly; 0 = not at all, 1 is mild, 4 strong. The price shows in ``.quality``.
    mobility : (n,) numbers in [0, 1], optional
        Share of every step that an item takes; 0 pins it to its `init`.
    densmap : bool
        Dense places stay dense on the map and sparse ones sparse (densMAP: Narayan, Berger & Cho, 2021), for 200
        rounds more when `n_epochs` is unset. :func:`density_preservation` says how far it went.
    dens_lambda : float
        Weight of the densities; 0 = plain UMAP.
    dens_frac : float
        Share of the rounds, the last ones, in which densities count.
    dens_var_shift : float
        Added to the variance of the map's log radii, against divisions by nearly nothing.
    measure : bool
        Whether to measure the quality of the map (one pass over all pairs).

    Returns
    -------
    Layout
        ``.coordinates``, and ``.quality`` when measured.

    Notes
    -----
    Parametric and inverse transforms are not offered. New items: :func:`place_items`.
    """
    given = locals()
    options, k = umap_options(given, "umap")
    return _lay_out("umap", options, given, k=k)


def umap_options(given: dict[str, Any], where: str) -> tuple[Any, int]:
    """Options of the core from the arguments of :func:`umap`, and the neighbours that its graph has."""
    init, levels = given["init"], given["levels"]
    if isinstance(init, str) and init == "hierarchy":
        if levels is None:
            raise_invalid(where, "init = 'hierarchy' without levels", "pass the Hierarchy whose groups stand apart")
        flat = pca(
            given["X"],
            given["n_components"],
            random_state=given["random_state"],
            num_threads=given["num_threads"],
        ).transformed
        given = {**given, "init": hierarchy_start(flat, levels, random_state=given["random_state"])}
    options = _fill(_core.UmapOptions(), _UMAP, given, where)
    if given["y"] is not None:
        options.labels = as_index_array(given["y"], where, "y")
    if levels is not None:
        options.levels = as_levels(levels, where)
    if given["mobility"] is not None:
        options.mobility = as_vector64(given["mobility"], where, "mobility").astype(np.float32)
    options.densmap = bool(given["densmap"])
    return options, max(options.n_neighbors - 1, 1)


def tsne(
    X: Any,
    *,
    graph: KnnGraph | None = None,
    perplexity: float = 30.0,
    n_components: int = 2,
    metric: str = "cosine",
    n_iter: int = 500,
    early_exaggeration_iter: int | None = None,
    early_exaggeration: float = 12.0,
    exaggeration: float = 1.0,
    learning_rate: float | None = None,
    theta: float = 0.5,
    repulsion: str = "auto",
    init: Any = "pca",
    random_state: Any = 0,
    measure: bool = True,
    num_threads: int = 0,
    progress: ProgressLike = None,
) -> Layout:
    """t-SNE, parallel and deterministic.

    Parameters
    ----------
    X : (n, d) array, or an Embedding
    graph : KnnGraph, optional
        3 * perplexity neighbours are used where there are as many; made with `metric` when absent.
    exaggeration : float
        The dial between detail (1) and compact clusters (4 is near UMAP).
    theta : float
        Opening angle of the tree; 0 = exact.
    repulsion : "auto", "tree" or "grid"
        How repulsion is summed: by Barnes and Hut's tree, by convolution on a grid (in the plane), or in every round by
        what is cheaper.
    init : "pca", "spectral", "landmarks" or (n, n_components) coordinates
    """
    given = locals()
    options, k = tsne_options(given, "tsne")
    return _lay_out("tsne", options, given, k=k)


def tsne_options(given: dict[str, Any], where: str) -> tuple[Any, int]:
    """As :func:`umap_options`."""
    options = _fill(_core.TsneOptions(), _TSNE, given, where)
    options.repulsion = str(given["repulsion"])
    near = options.perplexity
    return options, math.ceil(3 * near) if math.isfinite(near) and 1 <= near <= 1e6 else 90


def atlas_map(
    X: Any,
    *,
    graph: KnnGraph | None = None,
    n_components: int = 2,
    metric: str = "cosine",
    init: Any = "landmarks",
    umap_epochs: int = 0,
    gather_iter: int | None = None,
    n_iter: int | None = None,
    attraction: str | float = "faithful",
    perplexity: float = 30.0,
    levels: Any = None,
    hierarchy_pull: float | None = None,
    mode: str = "plain",
    random_state: Any = 42,
    measure: bool = True,
    num_threads: int = 0,
    progress: ProgressLike = None,
) -> Layout:
    """The atlas's own map: t-SNE that begins where distances have their order, near its final size.

    Near items are truly near, and regions keep their order. Centred, longest half-side 10, fixed orientation.

    Parameters
    ----------
    X : (n, d) array, or an Embedding
    graph : KnnGraph, optional
        Neighbours of X; made with `metric` when absent.
    init : "landmarks", "pca", "spectral", "hierarchy" or (n, n_components) coordinates
        "hierarchy" lets the groups of `levels` stand apart from the start, see :func:`hierarchy_start`.
    umap_epochs : int
        Rounds of UMAP before t-SNE.
    gather_iter : int, optional
        Rounds with half as much attraction again, which gather groups; default 60, and 0 with a given start.
    n_iter : int, optional
        Rounds after that; default 250, for more than 50,000 items 600.
    attraction : "faithful", "balanced", "clustered" or a number
        The dial between attraction and repulsion: 1, 1.5 and 2. "faithful" keeps most of the true neighbours,
        "clustered" shows islands and keeps a fraction of them; from 3 on maps fall together into a heap.
    levels : (n, L) integers or Hierarchy, optional
        Groups of every item, coarse to fine, which draw their items together.
    hierarchy_pull : float, optional
        How strongly; 0 = not at all, 1 is mild, 4 strong. The price shows in ``.quality``. Default 0, in the mode
        "territories" 2.
    mode : "plain" or "territories"
        With "territories" every node of `levels` (a Hierarchy, or labels that nest) comes to own one piece of the map
        that holds all its items: groups start apart, and between rounds the items outside theirs are set among their
        relatives. :func:`territories` draws them, :func:`compare_maps` says what it costs.
    """
    given = locals()
    options, k = map_options(given, "atlas_map")
    return _lay_out("atlas_map", options, given, k=k)


def map_options(given: dict[str, Any], where: str) -> tuple[Any, int]:
    """As :func:`umap_options`."""
    options = _fill(_core.MapOptions(), _MAP, given, where)
    attraction, levels, mode, init = (given[name] for name in ("attraction", "levels", "mode", "init"))
    if isinstance(attraction, str):
        if attraction not in ATTRACTION:
            raise_invalid(where, f"attraction = {attraction!r}", f"use one of {', '.join(ATTRACTION)}, or a number")
        options.exaggeration = ATTRACTION[attraction]
    else:
        options.exaggeration = as_float(attraction, where, "attraction")
    if levels is not None:
        options.levels = as_levels(levels, where)
    if mode not in ("plain", "territories"):
        raise_invalid(where, f"mode = {mode!r}", "use plain or territories")
    options.territories = mode == "territories"
    if options.territories and levels is None:
        raise_invalid(where, "mode = 'territories' without levels", "pass the Hierarchy that the territories belong to")
    if isinstance(init, str) and init == "hierarchy":
        if levels is None:
            raise_invalid(where, "init = 'hierarchy' without levels", "pass the Hierarchy whose groups stand apart")
        options.nested_start = True
    return options, 15


def pacmap(
    X: Any,
    *,
    graph: KnnGraph | None = None,
    n_neighbors: int | None = None,
    mid_near_ratio: float = 0.5,
    further_ratio: float = 2.0,
    n_components: int = 2,
    metric: str = "cosine",
    n_iter: Sequence[int] = (100, 100, 250),
    learning_rate: float = 1.0,
    init: Any = "pca",
    random_state: Any = 0,
    measure: bool = True,
    num_threads: int = 0,
    progress: ProgressLike = None,
) -> Layout:
    """PaCMAP: near, mid-near and further pairs; parallel and deterministic.

    Parameters
    ----------
    X : (n, d) array, or an Embedding
    graph : KnnGraph, optional
        The near pairs are chosen among its columns; made with `metric` and 50 more than `n_neighbors` when absent.
    n_neighbors : int, optional
        Near pairs per item; default 10, and more beyond 10,000 items.
    mid_near_ratio, further_ratio : float
        Mid-near and further pairs per near pair.
    n_iter : three integers
        Rounds of the three phases.
    init : "landmarks", "pca", "spectral" or (n, n_components) coordinates

    Notes
    -----
    As Wang et al. (2021), but vectors are not reduced to 100 principal components first.
    """
    given = locals()
    where = "pacmap"
    options = _fill(_core.PacmapOptions(), _PACMAP, given, where)
    rounds = [as_int(value, where, "n_iter") for value in n_iter]
    if len(rounds) != 3:
        raise_invalid(where, f"n_iter has {len(rounds)} values", "give the rounds of the three phases")
    options.n_iter = rounds
    pairs = options.n_neighbors
    if pairs is None:
        pairs = _core.default_pacmap_neighbors(len(X))
    return _lay_out(where, options, given, k=max(pairs, 1) + 50)


@dataclass(frozen=True, repr=False)
class PcaResult:
    """Principal components: components (c, d), mean (d,), variances (c,), their ratios, and transformed (n, c).

    `method` is "covariance" or "randomized".
    """

    components: Any
    mean: Any
    explained_variance: Any
    explained_variance_ratio: Any
    transformed: Any
    method: str
    run: RunInfo

    def __repr__(self) -> str:
        kept = float(np.sum(self.explained_variance_ratio))
        return f"PcaResult({self.components.shape[0]} components, {kept:.1%} of the variance)"


def pca(X: Any, n_components: int = 2, *, random_state: Any = 0, num_threads: int = 0) -> PcaResult:
    """Leading principal components; the sign of each is fixed by its largest entry."""
    where = "pca"
    fields = _core.pca(
        as_matrix(X, where),
        as_int(n_components, where, "n_components"),
        as_seed(random_state, where),
        as_int(num_threads, where, "num_threads"),
    )
    announce(fields["run"])
    return PcaResult(**{**fields, "run": RunInfo._of(fields["run"])})


def pca_map(
    X: Any,
    *,
    graph: KnnGraph | None = None,
    n_components: int = 2,
    metric: str = "cosine",
    random_state: Any = 0,
    measure: bool = True,
    num_threads: int = 0,
    progress: ProgressLike = None,
) -> Layout:
    """The leading principal components as a map, measured as the others are."""
    vectors = as_matrix(X, "pca_map")
    result = pca(vectors, n_components, random_state=random_state, num_threads=num_threads)
    layout = Layout(result.transformed, method="pca", init="pca")
    if not measure or len(layout) < 4:
        return layout
    quality = quality_report(
        vectors, layout, k=15, graph=graph, metric=metric, num_threads=num_threads, progress=progress
    )[0]
    return Layout._of(layout._core, quality if quality.k > 0 else None)


class QualityReport(Sequence[LayoutQuality]):
    """One :class:`LayoutQuality` per neighbourhood size."""

    def __init__(self, entries: Iterable[LayoutQuality]) -> None:
        self._entries = tuple(entries)

    def __getitem__(self, index: Any) -> Any:
        return self._entries[index]

    def __len__(self) -> int:
        return len(self._entries)

    def at(self, k: int) -> LayoutQuality:
        """The entry of one neighbourhood size."""
        for entry in self._entries:
            if entry.k == k:
                return entry
        raise KeyError(k)

    def to_dict(self) -> list[dict[str, float | int | None]]:
        """The global figures as plain data."""
        return [entry.to_dict() for entry in self._entries]

    def to_pandas(self) -> Any:
        """One row per neighbourhood size."""
        rows = self.to_dict()
        return Table({name: [row[name] for row in rows] for name in rows[0]} if rows else {}).to_pandas()

    def __repr__(self) -> str:
        return "\n".join(repr(entry) for entry in self._entries)


def quality_report(
    X: Any,
    Y: Any,
    *,
    k: int | Sequence[int] = (10, 15, 50),
    graph: KnnGraph | None = None,
    metric: str = "cosine",
    labels: Any = None,
    pair_samples: int = 200_000,
    triplet_samples: int = 100_000,
    exact_trust: bool | None = None,
    random_state: Any = 42,
    num_threads: int = 0,
    progress: ProgressLike = None,
) -> QualityReport:
    """How well a map keeps the neighbours of the full space, globally and per item.

    Parameters
    ----------
    X : (n, d) vectors
    Y : (n, 2 or 3) coordinates, or a Layout
    k : int or list of int
        Neighbourhood sizes; larger ones than the data allow are lowered.
    labels : (n,) classes, optional
        For the accuracy of a vote of the neighbours; negative integers are unknown. :func:`label_agreement` says more.
    pair_samples, triplet_samples : int
        Drawn for `rank_correlation` and `random_triplets`; 0 leaves them out.
    exact_trust : bool, optional
        Count ranks for every item; default up to 30,000 items, above that on a sample. All sizes share one count.
    """
    where = "quality_report"
    vectors = as_matrix(X, where)
    coordinates = as_matrix(Y, where, "Y")
    threads = as_int(num_threads, where, "num_threads")
    sizes = [as_int(size, where, "k") for size in (k if isinstance(k, (Sequence, np.ndarray)) else [k])]
    with progress_callback(progress) as callback:
        near = as_graph(
            graph,
            vectors,
            where,
            k=max(sizes, default=15),
            metric=metric,
            num_threads=threads,
            callback=callback,
        )
        fields = {
            "pair_samples": as_int(pair_samples, where, "pair_samples", low=0, high=2**62),
            "triplet_samples": as_int(triplet_samples, where, "triplet_samples", low=0, high=2**62),
            "labels": None if labels is None else np.maximum(as_labels(labels, where, "labels"), -1),
            "exact_trust": None if exact_trust is None else bool(exact_trust),
            "seed": as_seed(random_state, where),
            "num_threads": threads,
            "progress": callback,
        }
        sizes = [size if size < 1 else min(size, near.k) for size in sizes]
        return QualityReport(_qualities(vectors, near, coordinates, sizes, fields))
