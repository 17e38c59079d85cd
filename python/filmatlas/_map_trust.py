# SPDX-License-Identifier: MIT
"""How far a map may be trusted beyond its neighbours: classes, and what other seeds and subsamples make of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import _core
from ._cluster import as_labels
from ._errors import raise_shape
from ._neighbors import KnnGraph
from ._progress import ProgressLike, progress_callback
from ._validation import as_float, as_index_array, as_int, as_matrix, as_seed


@dataclass(frozen=True, repr=False)
class LabelAgreement:
    """What neighbours say of the items' classes.

    Attributes
    ----------
    items : int
        With a class and a neighbour that has one; the means are over them.
    accuracy : float
        Share for whose own class the neighbours vote.
    agreement : float
        Mean share of the neighbours that are of the own class.
    vote : (n,) int32
        Class of most neighbours, the smallest of several; -1 without one. Texts are numbered in ascending order.
    agreement_per_item : (n,) float32
        NaN for items not counted.
    """

    items: int
    accuracy: float
    agreement: float
    vote: Any
    agreement_per_item: Any

    def __repr__(self) -> str:
        return f"LabelAgreement({self.items:,} items, accuracy={self.accuracy:.3f}, agreement={self.agreement:.3f})"


def label_agreement(neighbors: Any, labels: Any, *, k: int | None = None) -> LabelAgreement:
    """Label kNN accuracy, of a map or of the full space: leave-one-out votes of each item's nearest.

    The votes are those of scikit-learn's KNeighborsClassifier with equal weights. With a level of a hierarchy for
    classes it says how pure the map is there.

    Parameters
    ----------
    neighbors : KnnGraph or (n, m) ids
        Nearest first, without the item itself; of a map: ``knn_graph(layout, 15, metric="euclidean")``.
    labels : (n,) integers or texts
        Negative integers are unknown: such items are not counted and have no vote.
    k : int, optional
        Neighbours that vote; all by default.
    """
    where = "label_agreement"
    given = neighbors.indices if isinstance(neighbors, KnnGraph) else neighbors
    ids = as_index_array(given, where, "neighbors", ndim=2)
    classes = np.maximum(as_labels(labels, where, "labels"), -1)
    return LabelAgreement(**_core.label_agreement(ids, classes, 0 if k is None else as_int(k, where, "k", low=1)))


@dataclass(frozen=True, repr=False)
class MapStability:
    """How far maps of the same items agree, over all pairs of them.

    Attributes
    ----------
    pairs : int
        Of maps, with at least three items in common.
    kept_neighbors : float
        Mean share of the k nearest on one map that are among the k nearest on the other, of the items on both.
    moved : float
        Mean distance of an item's two places once both maps are centred, scaled to a radius of 1 and turned onto one
        another (orthogonal Procrustes); about 1.3 for unrelated maps.
    kept_per_item, moved_per_item : (n,) float32
        Means over the pairs that hold the item; NaN where none does.
    """

    pairs: int
    kept_neighbors: float
    moved: float
    kept_per_item: Any
    moved_per_item: Any

    def __repr__(self) -> str:
        return f"MapStability({self.pairs} pairs, kept_neighbors={self.kept_neighbors:.3f}, moved={self.moved:.3f})"


def map_stability(
    maps: Sequence[Any], *, k: int = 15, num_threads: int = 0, progress: ProgressLike = None
) -> MapStability:
    """What of a map is the items' and what is chance, item by item.

    Parameters
    ----------
    maps : at least two Layouts or (n, c) arrays
        Of the same items in the same order, as :func:`resampled_maps` makes them; rows of NaN are not on that map.
    k : int
        Neighbours compared.
    """
    where = "map_stability"
    places = [as_matrix(layout, where, f"maps[{number}]") for number, layout in enumerate(maps)]
    with progress_callback(progress) as callback:
        found = _core.map_stability(
            places, as_int(k, where, "k", low=1), as_int(num_threads, where, "num_threads"), callback
        )
    return MapStability(**found)


def resampled_maps(
    lay_out: Callable[..., Any], X: Any, *, maps: int = 5, share: float = 1.0, random_state: Any = 42
) -> list[Any]:
    """Maps of the same items with other seeds, of all or of subsamples.

    ``map_stability(resampled_maps(fa.umap, X))`` is the stability over seeds, with ``share=0.8`` that over subsamples.

    Parameters
    ----------
    lay_out : callable
        ``lay_out(X, random_state=seed)`` gives a Layout or coordinates: :func:`umap`, :func:`atlas_map` and the others, or
        a :func:`functools.partial` of one.
    X : (n, d) vectors
    maps : int
    share : float
        Of the items, drawn for each map without replacement.

    Returns
    -------
    list of (n, c) float32
        Items that were not drawn are NaN.
    """
    where = "resampled_maps"
    vectors = as_matrix(X, where)
    seed = as_seed(random_state, where)
    part = as_float(share, where, "share")
    out = []
    for draw in range(as_int(maps, where, "maps", low=1)):
        rows = _core.stability_rows(len(vectors), part, seed, draw)
        found = as_matrix(lay_out(vectors[rows], random_state=(seed + draw) % 2**32), where, "the map")
        if found.shape[0] != len(rows):
            raise_shape(where, f"lay_out placed {found.shape[0]} items of {len(rows)}")
        places = np.full((len(vectors), found.shape[1]), np.nan, dtype=np.float32)
        places[rows] = found
        out.append(places)
    return out
