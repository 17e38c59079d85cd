# SPDX-License-Identifier: MIT
"""Strict trees from other tools, what can be said of their nodes, and how they live on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import _core
from ._cluster import as_labels
from ._errors import raise_invalid, raise_shape, raise_type
from ._hierarchy import LEVELS, Hierarchy, NestedClusters, as_level_ranges, hierarchy_core
from ._linkage import tree_of
from ._neighbors import KnnGraph, as_graph
from ._progress import ProgressLike, progress_callback
from ._tables import Table
from ._validation import (
    as_counts_per_level,
    as_float,
    as_index_array,
    as_int,
    as_matrix,
    as_names,
    as_optional_float,
    as_optional_int,
    as_seed,
)
from ._values import RunInfo, Value, announce, figure


class AdoptedHierarchy(Hierarchy):
    """A :class:`Hierarchy` made of another tool's labels, with what had to be repaired."""

    __slots__ = ("_result",)
    _result: dict[str, Any]

    def __init__(self) -> None:
        raise TypeError("AdoptedHierarchy is made by filmatlas.hierarchy_from_labels()")

    @property
    def moved(self) -> Any:
        """Items whose given label was overruled at some level."""
        return self._result["moved"]

    @property
    def placed(self) -> Any:
        """Items that had no label at some level."""
        return self._result["placed"]

    @property
    def moved_at(self) -> list[int]:
        """Per level, how many items' given labels were overruled there."""
        return list(self._result["moved_at"])

    @property
    def placed_at(self) -> list[int]:
        """Per level, how many items had no label there."""
        return list(self._result["placed_at"])

    @property
    def node_labels(self) -> Any:
        """Per node the label that it was given by; -1 for nodes of items that had none."""
        return self._result["node_label"]


def hierarchy_from_labels(
    labels: Any,
    X: Any = None,
    *,
    level_names: Sequence[str] | None = None,
    repair: str = "reject",
    noise: str = "reject",
    metric: str = "cosine",
    num_threads: int = 0,
) -> AdoptedHierarchy:
    """The strict tree of another tool's labels, repaired by rules that are named, or refused.

    Parameters
    ----------
    labels : list of (n,) integers, coarse to fine
        One column per level: topics of BERTopic and their parents, layers of EVoC from the last to the first. -1 =
        noise.
    X : (n, d) array or an Embedding, optional
        Needed for ``noise="nearest"``.
    level_names : list of str, optional
    repair : "reject", "majority" or "split"
        What becomes of a fine label whose items lie under several coarse ones: an error that names the first such
        item; it goes as a whole to the parent of most of its items (the fine levels decide); or it becomes one node
        under each (the coarse levels decide).
    noise : "reject", "nearest" or "rest"
        What becomes of items without a label. They follow their fine label where they have one; else an error; they
        go to the child with the nearest centroid, level by level; or they make a node of their own under their
        parent.
    metric : str
        Distance to the centroids.

    Returns
    -------
    AdoptedHierarchy
        A Hierarchy with `moved`, `placed` and `node_labels`.

    Raises
    ------
    FormatError
        Naming the first item that a rule rejects.
    """
    where = "hierarchy_from_labels"
    if isinstance(labels, np.ndarray) and labels.ndim == 1:
        labels = [labels]
    levels = [as_labels(level, where, f"labels[{i}]") for i, level in enumerate(labels)]
    result = _core.adopt_labels(
        levels,
        _level_names(level_names, len(levels), where),
        None if X is None else as_matrix(X, where),
        repair,
        noise,
        metric,
        as_int(num_threads, where, "num_threads"),
    )
    adopted = AdoptedHierarchy._wrap(result.pop("hierarchy"))
    adopted._result = result
    return adopted


def hierarchy_from_linkage(
    Z: Any, n_clusters: Sequence[int], *, level_names: Sequence[str] | None = None
) -> Hierarchy:
    """The strict tree of a merge tree (SciPy's format, of any tool), cut at one count per level.

    Parameters
    ----------
    Z : (n - 1, 4) array
    n_clusters : list of int
        Nodes per level, coarse to fine.
    level_names : list of str, optional
    """
    where = "hierarchy_from_linkage"
    counts = as_counts_per_level(n_clusters, where) or []
    return Hierarchy._wrap(
        _core.hierarchy_from_linkage(
            *tree_of(Z, where), counts, _level_names(level_names, len(counts), where)
        )
    )


def _level_names(names: Sequence[str] | None, count: int, where: str) -> list[str]:
    if names is not None:
        return as_names(names, where, "level_names")
    return list(_core.default_level_names(count)) if count else []


class ItemPlacing(Value):
    """How surely items belong to their nodes: the dial between honest noise and full coverage.

    Made by :func:`item_placing`.
    """

    __slots__ = ("hierarchy",)
    hierarchy: Hierarchy

    def __init__(self) -> None:
        raise TypeError("ItemPlacing is made by filmatlas.item_placing()")

    @property
    def key(self) -> Any:
        """(n, levels) what items are ordered by, larger first."""
        return self._core.key

    @property
    def is_core(self) -> Any:
        """(n, levels) whether the item is in the core of its node: a key of at least 1/2 (given keys: above 0)."""
        return self._core.is_core

    @property
    def place_at(self) -> Any:
        """(n, levels) the smallest coverage at which the item is placed."""
        return self._core.place_at

    def labels(self, coverage: float, level: int | str = -1) -> Any:
        """(n,) node of every item at a level, counted from 0 within the level; -1 = not placed at this coverage.

        An item that is placed at one coverage has the same label at all larger ones, and one that is placed at a level
        is placed at all levels above it. At the finest level at most the share `coverage` of the items is placed, at
        coarser ones at least as many.
        """
        where = "ItemPlacing.labels"
        share = as_float(coverage, where, "coverage")
        return self._core.labels(self.hierarchy._core, self.hierarchy.level_index(level), share)

    def coverage(self, coverage: float) -> list[float]:
        """Share of the items that are placed, per level."""
        levels = range(self.hierarchy.num_levels)
        return [float(np.mean(self.labels(coverage, level) >= 0)) for level in levels]

    def __len__(self) -> int:
        return int(self._core.num_items)

    def __repr__(self) -> str:
        shares = ", ".join(f"{share:.3f}" for share in self.is_core.mean(axis=0)) if len(self) else ""
        return f"ItemPlacing({figure(len(self))} items, core per level: {shares})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _placing_from, (
            self.hierarchy,
            np.array(self.key),
            np.array(self.is_core).view(np.uint8),
            np.array(self.place_at),
        )


def _placing_from(hierarchy: Hierarchy, key: Any, is_core: Any, place_at: Any) -> ItemPlacing:
    placing = ItemPlacing._wrap(_core.ItemPlacing(key, is_core, place_at))
    placing.hierarchy = hierarchy
    return placing


def item_placing(
    hierarchy: Hierarchy, graph: KnnGraph | None = None, *, keys: Any = None, num_threads: int = 0
) -> ItemPlacing:
    """The order in which items are placed as coverage grows, per level of a strict tree.

    Parameters
    ----------
    hierarchy : Hierarchy
    graph : KnnGraph, optional
        Neighbours of the items: the key is the chance that a walk of one or two steps along them ends in the item's
        node.
    keys : (n,) or (n, levels) array, optional
        Keys of another origin instead, larger first; NaN last.

    Returns
    -------
    ItemPlacing
        `labels(coverage, level)`, `is_core`, `place_at`.
    """
    where = "item_placing"
    tree = hierarchy_core(hierarchy, where)
    if (graph is None) == (keys is None):
        raise TypeError("item_placing: pass one of graph and keys")
    if keys is not None:
        values = np.asarray(keys, dtype=np.float32)
        placing = ItemPlacing._wrap(
            _core.item_placing_by_keys(tree, np.ascontiguousarray(values.reshape(len(values), -1)))
        )
    else:
        if not isinstance(graph, KnnGraph):
            raise_type(where, f"graph is a {type(graph).__name__}, expected a KnnGraph")
        placing = ItemPlacing._wrap(
            _core.item_placing(tree, graph._core, as_int(num_threads, where, "num_threads"))
        )
    placing.hierarchy = hierarchy
    return placing


def item_strength(
    hierarchy: Hierarchy, X: Any, *, metric: str = "cosine", num_threads: int = 0
) -> tuple[Any, Any]:
    """((n, levels) strength, (n, levels) runner-up) as :class:`NestedClusters` has them, for any hierarchy."""
    where = "item_strength"
    strength, runner_up = _core.item_strength(
        hierarchy_core(hierarchy, where),
        as_matrix(X, where),
        metric,
        as_int(num_threads, where, "num_threads"),
    )
    return strength, runner_up


def node_figures(
    hierarchy: Hierarchy,
    X: Any,
    graph: KnnGraph | None = None,
    *,
    metric: str = "cosine",
    replicates: int = 0,
    share: float = 0.9,
    random_state: Any = 42,
    num_threads: int = 0,
    progress: ProgressLike = None,
) -> Table:
    """What can be said of every node: a table of one row per node.

    Columns: `node`, `level`, `parent`, `size`; `cohesion`, the mean cosine of the items to the centre (under other
    metrics minus their mean distance); `separation`, the distance of the centre to the `nearest` sibling's;
    `persistence` in [0, 1], 1 minus the height at which the node falls apart over the height at which it is joined,
    in Ward's trees. The members nearest to the centre are :func:`representatives`, those at the border
    :func:`border_items`.

    Parameters
    ----------
    hierarchy : Hierarchy
    X : (n, d) array, or an Embedding
    graph : KnnGraph, optional
        For `replicates`; made of X when absent.
    replicates : int
        With more than 0, columns `stability` and `stability_low`: median and 10th percentile, over so many samples of
        the items, of the node's largest Jaccard overlap with a node of a tree made of the sample (Hennig 2007). As
        many runs of :func:`nested_clusters`; with the method, steps and seed of a NestedClusters.
    share : float
        Of the items in a sample.
    """
    where = "node_figures"
    tree = hierarchy_core(hierarchy, where)
    vectors = as_matrix(X, where)
    threads = as_int(num_threads, where, "num_threads")
    samples = as_int(replicates, where, "replicates", low=0)
    with progress_callback(progress) as callback:
        found = _core.node_figures(tree, vectors, metric, threads, callback)
        if samples > 0:
            known = hierarchy.options if isinstance(hierarchy, NestedClusters) else {}
            options = _nested_fields(
                where,
                hierarchy.levels,
                max_share=known.get("max_share"),
                smoothing_steps=known.get("smoothing_steps"),
                method=known.get("method", "auto"),
                random_state=known.get("seed", 42),
                num_threads=threads,
            )
            neighbours = as_graph(
                graph, vectors, where, k=15, metric=metric, num_threads=threads, callback=callback
            )
            found["stability"], found["stability_low"] = _core.node_stability(
                tree,
                vectors,
                neighbours._core,
                options,
                samples,
                as_float(share, where, "share"),
                as_seed(random_state, where),
                callback,
            )
    array = hierarchy.node_array
    return Table(
        {
            "node": np.arange(hierarchy.num_nodes, dtype=np.int32),
            "level": [hierarchy.levels[level] for level in array[:, 2]],
            "parent": array[:, 3],
            **found,
        }
    )


def _nested_fields(
    where: str,
    levels: Sequence[str],
    *,
    n_clusters: Any = None,
    min_size: Any = None,
    max_size: Any = None,
    max_share: Any = None,
    smoothing_steps: Any = None,
    level_ranges: Any = None,
    method: str = "auto",
    random_state: Any = 42,
    num_threads: int = 0,
) -> dict[str, Any]:
    return {
        "level_names": as_names(levels, where, "levels"),
        "n_clusters": as_counts_per_level(n_clusters, where),
        "min_size": as_optional_int(min_size, where, "min_size"),
        "max_size": as_optional_int(max_size, where, "max_size"),
        "max_share": as_optional_float(max_share, where, "max_share"),
        "smoothing_steps": as_optional_int(smoothing_steps, where, "smoothing_steps"),
        "level_ranges": as_level_ranges(level_ranges, where),
        "method": method,
        "seed": as_seed(random_state, where),
        "num_threads": as_int(num_threads, where, "num_threads"),
    }


@dataclass(frozen=True, repr=False)
class HierarchyUpdate:
    """A tree after an update.

    Attributes
    ----------
    hierarchy : Hierarchy
        Over the known items and, after them, the new ones.
    leaf : (q,) node id, in the tree before, of the finest node that takes each new item
    confidence : (q,) share of its known neighbours that lie there
    drift : Table
        Per node of the tree before: added, shift of the centre, cohesion of the known items and of the added ones.
    previous : (nodes,) id that each node had before; -1 = a new one
    run : RunInfo
    """

    hierarchy: Hierarchy
    leaf: Any
    confidence: Any
    drift: Table
    previous: Any
    run: RunInfo

    def __repr__(self) -> str:
        made = int((self.previous < 0).sum())
        return f"HierarchyUpdate({len(self.leaf)} new items, {made} new nodes, {self.hierarchy!r})"


def update_hierarchy(
    hierarchy: Hierarchy,
    X: Any,
    new: Any = None,
    *,
    recluster: Sequence[int] = (),
    pinned: Sequence[int] = (),
    graph: KnnGraph | None = None,
    k: int = 10,
    level_ranges: Sequence[tuple[int, int]] | None = None,
    min_size: int | None = None,
    max_size: int | None = None,
    smoothing_steps: int | None = None,
    method: str = "auto",
    metric: str = "cosine",
    random_state: Any = 42,
    num_threads: int = 0,
    progress: ProgressLike = None,
) -> HierarchyUpdate:
    """Takes new items into a tree, and makes only the parts anew that are named.

    New items go where their nearest known items are, every level inside the node chosen above it. Nodes keep their
    ids, parents and items; how far the new items pull each of them is in `drift`. Where that, or an editor, says so,
    name the nodes whose inside shall be made anew.

    Parameters
    ----------
    hierarchy : Hierarchy
    X : (n, d) array, or an Embedding
        The items of the hierarchy.
    new : (q, d) array, optional
    recluster : list of node ids
        Nodes whose inside is made anew, with as many nodes per level as it has; not finest, none inside another.
    pinned : list of node ids
        Nodes inside these that stay as they are.
    graph : KnnGraph, optional
        Over the known and the new items, for `recluster`; made when absent.
    k : int
        Neighbours that say where a new item belongs.
    level_ranges : list of (low, high), one per level, optional
        Numbers of nodes inside a part made anew, found within instead of kept.
    min_size, max_size, smoothing_steps, method, random_state
        Of the parts made anew, as in :func:`nested_clusters`.

    Returns
    -------
    HierarchyUpdate
    """
    where = "update_hierarchy"
    vectors = as_matrix(X, where)
    added = np.empty((0, vectors.shape[1]), np.float32) if new is None else as_matrix(new, where, "new")
    threads = as_int(num_threads, where, "num_threads")
    nodes = as_index_array(np.asarray(recluster, dtype=np.int64), where, "recluster").tolist()
    pins = as_index_array(np.asarray(pinned, dtype=np.int64), where, "pinned").tolist()
    if pins and not nodes:
        raise_invalid(where, "pinned names nodes, but nothing is made anew", "name the parts in recluster")
    with progress_callback(progress) as callback:
        found = _core.update_hierarchy(
            hierarchy_core(hierarchy, where), vectors, added, metric, as_int(k, where, "k"), threads, callback
        )
        tree = found["hierarchy"]
        previous = np.arange(hierarchy.num_nodes, dtype=np.int32)
        run: dict[str, Any] = {"iterations": 0, "converged": True, "seconds": 0.0, "warnings": []}
        if nodes:
            together = np.concatenate([vectors, added])
            neighbours = as_graph(
                graph, together, where, k=15, metric=metric, num_threads=threads, callback=callback
            )
            options = _nested_fields(
                where,
                hierarchy.levels,
                min_size=min_size,
                max_size=max_size,
                smoothing_steps=smoothing_steps,
                level_ranges=level_ranges,
                method=method,
                random_state=random_state,
                num_threads=threads,
            )
            tree, previous, run = _core.recluster_nodes(
                tree, together, neighbours._core, nodes, pins, options, callback
            )
    announce(run)
    names = ("added", "shift", "cohesion", "added_cohesion")
    return HierarchyUpdate(
        hierarchy=Hierarchy._wrap(tree),
        leaf=found["leaf"],
        confidence=found["confidence"],
        drift=Table({"node": np.arange(hierarchy.num_nodes), **{name: found[name] for name in names}}),
        previous=previous,
        run=RunInfo._of(run),
    )


def nested_under(
    upper: Hierarchy,
    X: Any,
    graph: KnnGraph | None = None,
    *,
    levels: Sequence[str] = LEVELS[1:],
    n_clusters: Sequence[int] | None = None,
    min_size: int | None = None,
    max_size: int | None = None,
    max_share: float | None = None,
    smoothing_steps: int | None = None,
    level_ranges: Sequence[tuple[int, int]] | None = None,
    method: str = "auto",
    metric: str = "cosine",
    random_state: Any = 42,
    num_threads: int = 0,
    progress: ProgressLike = None,
) -> Hierarchy:
    """:func:`nested_clusters` inside every finest node of a given tree: an editorial upper level is kept.

    Parameters
    ----------
    upper : Hierarchy
        Its levels, nodes and ids stay.
    levels : list of str
        Names of the levels that are added, coarse to fine.
    n_clusters : list of int, optional
        Nodes per added level over the whole catalogue, shared among the given nodes by their items; found inside each
        when absent.

    The other parameters are those of :func:`nested_clusters`, inside each node.
    """
    where = "nested_under"
    vectors = as_matrix(X, where)
    options = _nested_fields(
        where,
        levels,
        n_clusters=n_clusters,
        min_size=min_size,
        max_size=max_size,
        max_share=max_share,
        smoothing_steps=smoothing_steps,
        level_ranges=level_ranges,
        method=method,
        random_state=random_state,
        num_threads=num_threads,
    )
    with progress_callback(progress) as callback:
        neighbours = as_graph(
            graph, vectors, where, k=15, metric=metric, num_threads=options["num_threads"], callback=callback
        )
        tree, run = _core.nested_under(
            hierarchy_core(upper, where), vectors, neighbours._core, options, callback
        )
    announce(run)
    return Hierarchy._wrap(tree)


def bound_sizes(
    hierarchy: Hierarchy,
    X: Any,
    bounds: Mapping[str, tuple[int, int | None]] | Sequence[tuple[int, int | None]],
    *,
    metric: str = "cosine",
    num_threads: int = 0,
) -> Hierarchy:
    """The tree with the nodes of every level brought within bounds, each inside its parent.

    Too large nodes are split (into groups of their children, at the finest level by k-means), too small ones join the
    sibling with the nearest centre that has room. A warning says what could not be kept.

    Parameters
    ----------
    bounds : dictionary of (min, max) by level name, or a list with one pair per level
        Items of a node; max = None for no bound. Levels that the dictionary lacks have none.
    """
    where = "bound_sizes"
    tree = hierarchy_core(hierarchy, where)
    if isinstance(bounds, Mapping):
        for name in bounds:
            hierarchy.level_index(name)
        pairs = [bounds.get(name, (1, None)) for name in hierarchy.levels]
    else:
        pairs = list(bounds)
    limits = []
    for pair in pairs:
        if len(pair) != 2:
            raise_shape(where, f"a bound has {len(pair)} entries", "give (min, max)")
        low, high = pair
        limits.append(
            (as_int(low, where, "bounds"), 0 if high is None else as_int(high, where, "bounds", low=1))
        )
    bounded, _, _, warnings = _core.bound_sizes(
        tree, as_matrix(X, where), limits, metric, as_int(num_threads, where, "num_threads")
    )
    announce({"warnings": warnings})
    return Hierarchy._wrap(bounded)
