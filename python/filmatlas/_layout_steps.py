# SPDX-License-Identifier: MIT
"""The steps of the layouts one by one, and what can be done with a finished map: place, update, align, sweep."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import _core
from ._errors import raise_invalid, raise_shape
from ._layout import Layout, as_levels, atlas_map, quality_report, umap
from ._neighbors import KnnGraph, KnnIndex, as_graph
from ._progress import ProgressLike, progress_callback
from ._validation import as_float, as_index_array, as_int, as_matrix, as_optional_float
from ._values import CsrMatrix, announce


def _checked(graph: Any, where: str) -> Any:
    if not isinstance(graph, KnnGraph):
        raise TypeError(f"{where}: graph is a {type(graph).__name__}, expected a KnnGraph")
    return graph._core


def smooth_knn(
    graph: KnnGraph,
    n_neighbors: int = 15,
    *,
    local_connectivity: float = 1.0,
    bandwidth: float = 1.0,
    disconnection_distance: float | None = None,
    num_threads: int = 0,
) -> tuple[Any, Any]:
    """Local scales of the items, by umap-learn's definitions: (sigmas, rhos), each (n,).

    Parameters
    ----------
    graph : KnnGraph
        Its first ``n_neighbors - 1`` columns are used.
    n_neighbors : int
        The item itself counted.
    local_connectivity : float
        Number of nearest neighbours assumed to be fully connected; fractions interpolate.
    bandwidth : float
        The memberships of a row add up to ``log2(n_neighbors)`` times this.
    disconnection_distance : float, optional
        Neighbours at this distance or farther are none; by default 2 for cosine distances.
    """
    where = "smooth_knn"
    return _core.smooth_knn(
        _checked(graph, where),
        as_int(n_neighbors, where, "n_neighbors"),
        as_float(local_connectivity, where, "local_connectivity"),
        as_float(bandwidth, where, "bandwidth"),
        as_optional_float(disconnection_distance, where, "disconnection_distance"),
        as_int(num_threads, where, "num_threads"),
    )


def fuzzy_graph(
    graph: KnnGraph,
    n_neighbors: int = 15,
    *,
    local_connectivity: float = 1.0,
    set_op_mix_ratio: float = 1.0,
    bandwidth: float = 1.0,
    disconnection_distance: float | None = None,
    num_threads: int = 0,
) -> CsrMatrix:
    """UMAP's symmetric membership weights, (n, n) in (0, 1]; within 1e-5 of umap-learn's for the same neighbours.

    Parameters
    ----------
    graph : KnnGraph
        Its first ``n_neighbors - 1`` columns are used.
    set_op_mix_ratio : float
        1 = fuzzy union of the two directed weights, 0 = their intersection.
    local_connectivity, bandwidth, disconnection_distance
        See :func:`smooth_knn`.
    """
    where = "fuzzy_graph"
    return CsrMatrix(
        _core.fuzzy_graph(
            _checked(graph, where),
            as_int(n_neighbors, where, "n_neighbors"),
            as_float(local_connectivity, where, "local_connectivity"),
            as_float(set_op_mix_ratio, where, "set_op_mix_ratio"),
            as_float(bandwidth, where, "bandwidth"),
            as_optional_float(disconnection_distance, where, "disconnection_distance"),
            as_int(num_threads, where, "num_threads"),
        )
    )


def local_radii(graph: KnnGraph, n_neighbors: int = 15, *, num_threads: int = 0) -> Any:
    """Logarithms of the local radii by densMAP's definition, (n,) float64; NaN for items without neighbours.

    Parameters
    ----------
    graph : KnnGraph
        Of the full space, or of a finished map's coordinates; its first ``n_neighbors - 1`` columns are used.
    n_neighbors : int
        The item itself counted.

    Notes
    -----
    The mean squared distance to the neighbours in :func:`fuzzy_graph`, weighted by their memberships.
    """
    where = "local_radii"
    return _core.log_local_radii(
        _checked(graph, where), as_int(n_neighbors, where, "n_neighbors"), as_int(num_threads, where, "num_threads")
    )


@dataclass(frozen=True, repr=False)
class DensityPreservation:
    """How far a map keeps dense places dense and sparse ones sparse.

    Attributes
    ----------
    original, map : (n,) float64
        Log local radii in the full space and on the map; NaN for items without neighbours.
    correlation : float
        Pearson correlation of the two: 1 at best; NaN where one of them is constant.
    """

    original: Any
    map: Any
    correlation: float

    def __repr__(self) -> str:
        return f"DensityPreservation(correlation={self.correlation:.3f}, {len(self.original):,} items)"


def density_preservation(
    X: Any,
    Y: Any,
    *,
    n_neighbors: int = 15,
    graph: KnnGraph | None = None,
    metric: str = "cosine",
    num_threads: int = 0,
) -> DensityPreservation:
    """Local radii of the full space against those of a map.

    Parameters
    ----------
    X : (n, d) array, or an Embedding
    Y : Layout, or (n, c) coordinates
    n_neighbors : int
        The item itself counted.
    graph : KnnGraph, optional
        Neighbours of X; made with `metric` when absent.
    """
    where = "density_preservation"
    vectors = as_matrix(X, where)
    places = as_matrix(Y.coordinates if isinstance(Y, Layout) else Y, where, "Y")
    if places.shape[0] != vectors.shape[0]:
        raise_shape(where, f"Y has {places.shape[0]} rows, X has {vectors.shape[0]}")
    k = max(as_int(n_neighbors, where, "n_neighbors", low=2) - 1, 1)
    threads = as_int(num_threads, where, "num_threads")
    near = as_graph(graph, vectors, where, k=k, metric=metric, num_threads=threads, callback=None)
    original = local_radii(near, n_neighbors, num_threads=threads)
    drawn = as_graph(None, places, where, k=k, metric="euclidean", num_threads=threads, callback=None)
    on_map = local_radii(drawn, n_neighbors, num_threads=threads)
    known = np.isfinite(original) & np.isfinite(on_map)
    varied = known.sum() > 1 and np.ptp(original[known]) > 0 and np.ptp(on_map[known]) > 0
    correlation = float(np.corrcoef(original[known], on_map[known])[0, 1]) if varied else float("nan")
    return DensityPreservation(original, on_map, correlation)


def umap_curve(spread: float = 1.0, min_dist: float = 0.1) -> tuple[float, float]:
    """(a, b) of the similarity 1 / (1 + a x^(2b)) on the map, as umap-learn's find_ab_params."""
    where = "umap_curve"
    return _core.umap_curve(as_float(spread, where, "spread"), as_float(min_dist, where, "min_dist"))


def _weights(weights: Any, where: str) -> tuple[Any, Any, Any, Any]:
    if not isinstance(weights, CsrMatrix):
        raise TypeError(f"{where}: weights is a {type(weights).__name__}, expected a CsrMatrix, e.g. of fuzzy_graph")
    return weights._parts()


def pull_to_classes(weights: CsrMatrix, labels: Any, target_weight: float = 0.5) -> CsrMatrix:
    """Weights under known classes, as umap-learn's supervised graph at 0.5, with a true zero at 0.

    Parameters
    ----------
    weights : CsrMatrix
        Of :func:`fuzzy_graph`.
    labels : (n,) integers
        Negative = unknown.
    target_weight : float
        From 0 (nothing changes) to 1 (edges between classes vanish).
    """
    where = "pull_to_classes"
    return CsrMatrix(
        _core.pull_to_classes(
            *_weights(weights, where),
            as_index_array(labels, where, "labels"),
            as_float(target_weight, where, "target_weight"),
        )
    )


def pull_to_hierarchy(weights: CsrMatrix, levels: Any, strength: float) -> CsrMatrix:
    """Weights under a hierarchy: an edge is multiplied by exp(-strength u), u the share of levels its ends differ in.

    Parameters
    ----------
    weights : CsrMatrix
    levels : (n, L) integers, coarse to fine, or a Hierarchy
    strength : float
        0 changes nothing, 1 is a mild pull, 4 a strong one.
    """
    where = "pull_to_hierarchy"
    return CsrMatrix(
        _core.pull_to_hierarchy(
            *_weights(weights, where), as_levels(levels, where), as_float(strength, where, "strength")
        )
    )


@dataclass(frozen=True, repr=False)
class PlacedItems:
    """New items on a finished map.

    Attributes
    ----------
    coordinates : (m, c) float32
        NaN for items without a valid vector.
    out_of_map : (m,) float32
        How little an item looks like those on the map; about 0 to 1 for ordinary ones, larger for others. It
        does not depend on the unit of distances.
    outside : (m,) bool
        Whether that is more than `share` of the map's own items score.
    neighbors : (m, k) int32
    distances : (m, k) float32
    """

    coordinates: Any
    out_of_map: Any
    outside: Any
    neighbors: Any
    distances: Any

    def __len__(self) -> int:
        return int(self.coordinates.shape[0])

    def __repr__(self) -> str:
        return f"PlacedItems({len(self):,} items, {int(np.sum(self.outside)):,} outside the map)"


class MapPlacer:
    """Places new items on a finished map, as they come. Nothing on the map moves.

    An item goes where most of its neighbours lie together (a Cauchy location estimate), and lands exactly on an item
    with the same vector. One by one and together give the same bytes. What the map itself takes (an index, a graph,
    what its own items score) is made once, so that a single item costs one search.

    Parameters
    ----------
    layout : Layout or (n, c) coordinates
    X : (n, d) vectors of the items on the map
    graph : KnnGraph, optional
        Of X; made with `metric` when absent.
    index : KnnIndex, optional
        Of X; an exact one is made when absent.
    k : int
        Neighbours that are asked.
    metric : str
    share : float
        Share of the map's own items whose score counts as inside.
    num_threads : int
    progress : bool or callable
        Of the graph, where it is made here.

    Attributes
    ----------
    limit : float
        `out_of_map` above which an item counts as outside.
    """

    def __init__(
        self,
        layout: Any,
        X: Any,
        *,
        graph: KnnGraph | None = None,
        index: KnnIndex | None = None,
        k: int = 15,
        metric: str = "cosine",
        share: float = 0.99,
        num_threads: int = 0,
        progress: ProgressLike = None,
    ) -> None:
        where = "place_items"
        vectors = as_matrix(X, where)
        self._coordinates = as_matrix(layout, where, "layout")
        if self._coordinates.shape[0] != vectors.shape[0]:
            raise_shape(where, f"the map has {self._coordinates.shape[0]} items, X has {vectors.shape[0]}")
        self._threads = as_int(num_threads, where, "num_threads")
        width = as_int(k, where, "k", low=1)
        inside = as_float(share, where, "share")
        if not 0 < inside <= 1:
            raise_invalid(where, f"share = {inside}", "use a value in (0, 1]")
        with progress_callback(progress) as callback:
            near = as_graph(graph, vectors, where, k=width, metric=metric, num_threads=self._threads, callback=callback)
        self._graph = near._core
        self._index = index if index is not None else KnnIndex(vectors, metric=metric, num_threads=self._threads)
        self._k = min(width, vectors.shape[0])
        own = self._score(near.indices, np.maximum(near.distances, 0))
        own = own[np.isfinite(own)]
        self.limit = float(np.quantile(own, inside)) if len(own) else float("inf")

    def _score(self, ids: Any, distances: Any) -> Any:
        return _core.out_of_map(self._graph, ids, distances, self._threads)

    def place(self, Q: Any) -> PlacedItems:
        """Where the (m, d) vectors of `Q` belong."""
        ids, distances = self._index.query(as_matrix(Q, "place_items", "Q"), self._k, num_threads=self._threads)
        score = self._score(ids, distances)
        return PlacedItems(
            coordinates=_core.place_on_map(self._coordinates, ids, distances, self._threads),
            out_of_map=score,
            outside=~(score <= self.limit),
            neighbors=ids,
            distances=distances,
        )

    def __repr__(self) -> str:
        return f"MapPlacer({self._coordinates.shape[0]:,} items, k={self._k})"


def place_items(Q: Any, layout: Any, X: Any, **options: Any) -> PlacedItems:
    """Where new items belong on a map, and whether they belong on it at all: ``MapPlacer(layout, X, **options).place(Q)``.

    Keep the :class:`MapPlacer` where items come one by one.

    Parameters
    ----------
    Q : (m, d) vectors of the new items
    layout : Layout or (n, c) coordinates
    X : (n, d) vectors of the items on the map
    **options
        Of :class:`MapPlacer`.
    """
    return MapPlacer(layout, X, **options).place(Q)


@dataclass(frozen=True, repr=False)
class MapUpdate:
    """A map that has taken in new items; drifts are shares of its longest side."""

    layout: Layout
    num_known: int
    median_drift: float
    largest_drift: float

    def __repr__(self) -> str:
        new = len(self.layout) - self.num_known
        return f"MapUpdate({new:,} new of {len(self.layout):,}, median drift {self.median_drift:.2%})"


def update_map(
    X: Any,
    known: Any,
    *,
    graph: KnnGraph | None = None,
    metric: str = "cosine",
    max_drift: float = 0.01,
    n_iter: int = 100,
    attraction: float = 1.0,
    perplexity: float = 30.0,
    num_threads: int = 0,
    progress: ProgressLike = None,
) -> MapUpdate:
    """Adds items to a map on which nothing known moves farther than `max_drift` of its longest side.

    Parameters
    ----------
    X : (n, d) vectors, known and new items
    known : (n, 2 or 3) coordinates, or fewer rows
        Rows with NaN are new items, and so are the rows of X beyond the last one.
    graph : KnnGraph, optional
        Of X; made with `metric` when absent.
    max_drift : float
        0 pins what is known.
    n_iter : int
        Rounds after placing.
    """
    where = "update_map"
    vectors = as_matrix(X, where)
    places = as_matrix(known, where, "known")
    if places.shape[0] > vectors.shape[0]:
        raise_shape(where, f"known has {places.shape[0]} rows, X has {vectors.shape[0]}")
    whole = np.full((vectors.shape[0], places.shape[1]), np.nan, dtype=np.float32)
    whole[: places.shape[0]] = places
    threads = as_int(num_threads, where, "num_threads")
    with progress_callback(progress) as callback:
        near = as_graph(graph, vectors, where, k=15, metric=metric, num_threads=threads, callback=callback)
        core, count, median, largest = _core.update_map(
            vectors,
            near._core,
            whole,
            as_float(max_drift, where, "max_drift"),
            as_int(n_iter, where, "n_iter"),
            as_float(attraction, where, "attraction"),
            as_float(perplexity, where, "perplexity"),
            threads,
            callback,
        )
    announce(core.run)
    return MapUpdate(Layout._of(core), count, median, largest)


def aligned_maps(
    slices: Iterable[Any],
    ids: Iterable[Sequence[Any]],
    *,
    max_drift: float = 0.05,
    metric: str = "cosine",
    num_threads: int = 0,
    **options: Any,
) -> list[Layout]:
    """Maps of a series of slices (years, say) on which what recurs stays in place.

    The first slice is laid out by :func:`atlas_map`; every other one takes the places of the items that it shares with
    the one before, and is updated from there.

    Parameters
    ----------
    slices : vectors of each slice, (n_s, d)
    ids : names of each slice's items, n_s hashable values
    max_drift : float
        How far an item may move from one slice to the next, as a share of the map's longest side.
    **options
        For :func:`update_map`.
    """
    where = "aligned_maps"
    maps: list[Layout] = []
    before: dict[Any, Any] = {}
    for number, (X, names) in enumerate(zip(slices, ids, strict=True)):
        vectors = as_matrix(X, where, f"slices[{number}]")
        keys = list(names)
        if len(keys) != vectors.shape[0]:
            raise_shape(where, f"slice {number} has {vectors.shape[0]} items and {len(keys)} ids")
        known = np.full((len(keys), 2), np.nan, dtype=np.float32)
        for row, key in enumerate(keys):
            if key in before:
                known[row] = before[key]
        if np.isfinite(known).any():
            update = update_map(
                vectors, known, metric=metric, max_drift=max_drift, num_threads=num_threads, **options
            )
            layout = update.layout
        else:
            layout = atlas_map(vectors, metric=metric, measure=False, num_threads=num_threads)
        maps.append(layout)
        before = dict(zip(keys, np.asarray(layout.coordinates)))
    return maps


@dataclass(frozen=True)
class SweepCell:
    """One map of a sweep: its options, coordinates and quality at 15 neighbours."""

    options: dict[str, Any]
    layout: Layout


class Sweep(Sequence[SweepCell]):
    """Maps over a grid of options, in row-major order."""

    def __init__(self, axes: dict[str, list[Any]], cells: Iterable[SweepCell]) -> None:
        self.axes = axes
        self._cells = tuple(cells)

    def __getitem__(self, index: Any) -> Any:
        return self._cells[index]

    def __len__(self) -> int:
        return len(self._cells)

    def __iter__(self) -> Iterator[SweepCell]:
        return iter(self._cells)

    def __repr__(self) -> str:
        shape = " x ".join(f"{len(values)} {name}" for name, values in self.axes.items())
        return f"Sweep({shape})"

    def plot(self, labels: Any = None, *, size: float = 2.2, point: float = 0.5) -> Any:
        """A matplotlib figure of small multiples with quality under each; needs matplotlib."""
        import matplotlib.pyplot as plt

        names = list(self.axes)
        columns = len(self.axes[names[-1]])
        rows = len(self) // columns
        figure, axes = plt.subplots(rows, columns, figsize=(size * columns, size * 1.15 * rows), squeeze=False)
        for cell, axis in zip(self, axes.flat):
            y = np.asarray(cell.layout.coordinates)
            colors = {"c": "#4e5a66"} if labels is None else {"c": labels, "cmap": "tab20"}
            axis.scatter(y[:, 0], y[:, 1], s=point, linewidths=0, rasterized=True, **colors)
            axis.set_aspect("equal")
            axis.set_xticks([])
            axis.set_yticks([])
            axis.set_title(", ".join(f"{name} {value}" for name, value in cell.options.items()), fontsize=7)
            quality = cell.layout.quality
            if quality is not None:
                axis.set_xlabel(
                    f"kept {quality.kept_neighbors:.3f}, rank {quality.rank_correlation:.2f}", fontsize=7
                )
        figure.tight_layout()
        return figure


def sweep(
    X: Any,
    *,
    n_neighbors: Sequence[int] = (15,),
    min_dist: Sequence[float] = (0.1,),
    graph: KnnGraph | None = None,
    metric: str = "cosine",
    measure: bool = True,
    num_threads: int = 0,
    **options: Any,
) -> Sweep:
    """UMAP over a grid of its two knobs, from one neighbour graph; ``.plot()`` draws the grid.

    Per width, the first map is laid out in full; each next one goes on from the one before, for a third of the epochs.

    Parameters
    ----------
    X : (n, d) vectors
    n_neighbors, min_dist : sequences
    measure : bool
        Whether to measure how many neighbours every map keeps and the rank correlation of its distances. (The ranks of
        trustworthiness and continuity take longer than the maps: ask :func:`quality_report` for those of one cell.)
    **options
        For :func:`umap`.
    """
    where = "sweep"
    vectors = as_matrix(X, where)
    threads = as_int(num_threads, where, "num_threads")
    widths = [as_int(value, where, "n_neighbors", low=2) for value in n_neighbors]
    dists = [as_float(value, where, "min_dist") for value in min_dist]
    if not widths or not dists:
        raise_invalid(where, "an axis is empty", "give at least one value of each")
    near = as_graph(
        graph, vectors, where, k=max(*widths, 16) - 1, metric=metric, num_threads=threads, callback=None
    )
    shared = {"graph": near, "metric": metric, "num_threads": threads, "measure": False, **options}
    cells = []
    for width in widths:
        before: Layout | None = None
        epochs = 0
        for dist in dists:
            changed: dict[str, Any] = {}
            if before is not None:
                # The map beside this one differs in its spacing alone: from there a third of the epochs will do.
                changed = {
                    "init": np.nan_to_num(before.coordinates),
                    "n_epochs": math.ceil(epochs / 3),
                }
            layout = umap(vectors, n_neighbors=width, min_dist=dist, **{**shared, **changed})
            if before is None:
                epochs = layout.run.iterations
            before = layout
            if measure:
                quality = quality_report(
                    vectors, layout, k=min(15, near.k), graph=near, num_threads=threads, exact_trust=False
                )[0]
                layout = Layout._of(layout._core, quality)
            cells.append(SweepCell({"n_neighbors": width, "min_dist": dist}, layout))
    return Sweep({"n_neighbors": widths, "min_dist": dists}, cells)
