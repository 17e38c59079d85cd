# SPDX-License-Identifier: MIT
"""The strict tree: every item in exactly one node of every level, each node inside one parent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from . import _core
from ._errors import raise_invalid, raise_type
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
    as_optional_int,
    as_seed,
)
from ._values import RunInfo, Value, announce, figure

if TYPE_CHECKING:
    from ._hierarchy_tools import AdoptedHierarchy

LEVELS = ("macro", "neighborhood", "microcluster")


class Node(NamedTuple):
    """A node of a hierarchy: its items are ``order[begin:end]``."""

    id: int
    level: int
    parent: int
    begin: int
    end: int

    @property
    def size(self) -> int:
        """Number of items."""
        return self.end - self.begin


class Hierarchy(Value):
    """A strict tree over n items, by construction: a node is a contiguous range inside its parent's.

    Parameters
    ----------
    labels : list of (n,) integers >= 0, coarse to fine
        One label per item and level; a fine label may occur under one coarse label only.
    level_names : list of str, optional
    """

    __slots__ = ()

    def __init__(self, labels: Sequence[Any], level_names: Sequence[str] | None = None) -> None:
        if isinstance(labels, np.ndarray) and labels.ndim == 1:
            labels = [labels]
        levels = [as_index_array(level, "Hierarchy", f"labels[{i}]") for i, level in enumerate(labels)]
        names = (
            _core.default_level_names(len(levels))
            if level_names is None
            else as_names(level_names, "Hierarchy", "level_names")
        )
        self._core = _core.hierarchy_from_labels(levels, names)

    @staticmethod
    def from_labels(labels: Any, X: Any = None, **options: Any) -> AdoptedHierarchy:
        """From another tool's labels with noise or broken nesting, see :func:`hierarchy_from_labels`."""
        from ._hierarchy_tools import hierarchy_from_labels

        return hierarchy_from_labels(labels, X, **options)

    @staticmethod
    def from_linkage(Z: Any, n_clusters: Sequence[int], **options: Any) -> Hierarchy:
        """From a merge tree cut at one count per level, see :func:`hierarchy_from_linkage`."""
        from ._hierarchy_tools import hierarchy_from_linkage

        return hierarchy_from_linkage(Z, n_clusters, **options)

    @property
    def levels(self) -> list[str]:
        """Names of the levels, coarse to fine."""
        names: list[str] = self._core.level_names
        return names

    @property
    def num_items(self) -> int:
        """Number of items."""
        return int(self._core.num_items)

    @property
    def num_levels(self) -> int:
        """Number of levels."""
        return len(self.levels)

    @property
    def num_nodes(self) -> int:
        """Number of nodes on all levels."""
        return int(self._core.nodes.shape[0])

    @property
    def order(self) -> Any:
        """(n,) items in tree order."""
        return self._core.order

    @property
    def node_array(self) -> Any:
        """(nodes, 4) int32: begin, end, level, parent."""
        return self._core.nodes

    @property
    def level_begin(self) -> Any:
        """(levels + 1,) first node id of each level."""
        return self._core.level_begin

    def level_index(self, level: int | str) -> int:
        """Number of a level from its name; negative numbers count from the finest."""
        if isinstance(level, str):
            if level not in self.levels:
                raise_invalid(
                    "Hierarchy", f"there is no level {level!r}", f"levels: {', '.join(self.levels)}"
                )
            return self.levels.index(level)
        last = self.num_levels
        number = as_int(level, "Hierarchy", "level", low=-last, high=last - 1)
        return number % last

    def _node(self, node: int) -> int:
        return as_int(node, "Hierarchy", "node", low=0, high=self.num_nodes - 1)

    def labels(self, level: int | str = -1) -> Any:
        """(n,) node of every item at `level`, counted from 0 within the level."""
        return self._core.labels(self.level_index(level))

    def leaves(self) -> Any:
        """(n,) node id of every item's finest node."""
        return self._core.leaves()

    def sizes(self, level: int | str = -1) -> Any:
        """Items per node of a level."""
        nodes = self._level(level)
        return nodes[:, 1] - nodes[:, 0]

    def parents(self, level: int | str = -1) -> Any:
        """Per node of a level, its parent counted from 0 within the level above; -1 at the coarsest."""
        number = self.level_index(level)
        parents = self._level(level)[:, 3]
        return parents - self.level_begin[number - 1] if number > 0 else parents.copy()

    def _level(self, level: int | str) -> Any:
        number = self.level_index(level)
        return self.node_array[self.level_begin[number] : self.level_begin[number + 1]]

    def nodes(self, level: int | str | None = None) -> list[Node]:
        """Nodes of one level, or of all in id order."""
        wanted = None if level is None else self.level_index(level)
        return [
            Node(i, depth, parent, begin, end)
            for i, (begin, end, depth, parent) in enumerate(self.node_array.tolist())
            if wanted is None or depth == wanted
        ]

    def node(self, node: int) -> Node:
        """One node by its id."""
        begin, end, level, parent = self.node_array[self._node(node)].tolist()
        return Node(int(node), level, parent, begin, end)

    def items(self, node: int) -> Any:
        """Items of a node, in tree order."""
        begin, end = self.node_array[self._node(node), :2]
        return self.order[begin:end]

    def children(self, node: int) -> list[int]:
        """Node ids of the children, ascending."""
        children: list[int] = self._core.children(self._node(node))
        return children

    def path(self, node: int) -> list[int]:
        """Node ids from the coarsest level down to `node`."""
        path: list[int] = self._core.path(self._node(node))
        return path

    def paths(self) -> Any:
        """(n, levels) node ids, coarse to fine, of every item."""
        columns = [self.labels(level) + self.level_begin[level] for level in range(self.num_levels)]
        return np.stack(columns, axis=1).astype(np.int32)

    def to_pandas(self) -> Any:
        """One row per node: node, level, parent, size."""
        array = self.node_array
        columns = {
            "node": np.arange(self.num_nodes, dtype=np.int32),
            "level": [self.levels[level] for level in array[:, 2]],
            "parent": array[:, 3],
            "size": array[:, 1] - array[:, 0],
        }
        return Table(columns).to_pandas()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Hierarchy) and bool(self._core == other._core)

    __hash__ = None  # type: ignore[assignment]

    def __len__(self) -> int:
        return self.num_items

    def __repr__(self) -> str:
        counts = np.diff(self.level_begin)
        levels = ", ".join(f"{count} {name}" for count, name in zip(counts, self.levels))
        return f"{type(self).__name__}({figure(self.num_items)} items: {levels})"

    def __reduce__(self) -> tuple[Any, ...]:
        core = self._core
        return _rebuild, (
            core.level_names,
            np.array(core.order),
            np.array(core.nodes),
            np.array(core.level_begin),
        )


def _rebuild(names: list[str], order: Any, nodes: Any, level_begin: Any) -> Hierarchy:
    return Hierarchy._wrap(_core.Hierarchy(names, order, nodes, level_begin))


class NestedClusters(Hierarchy):
    """A :class:`Hierarchy` that was found by :func:`nested_clusters`, with how clearly each item belongs."""

    __slots__ = ("_result",)
    _result: dict[str, Any]

    def __init__(self) -> None:
        raise TypeError("NestedClusters is made by filmatlas.nested_clusters()")

    @property
    def strength(self) -> Any:
        """(n, levels): similarity to the own node's centre minus the best sibling's.

        Negative where the tree overrules the nearest centre.
        """
        return self._result["strength"]

    @property
    def runner_up(self) -> Any:
        """(n, levels) node id of that best sibling; -1 = none."""
        return self._result["runner_up"]

    @property
    def reassigned(self) -> Any:
        """Items without a valid vector, which were placed by rule."""
        return self._result["reassigned"]

    @property
    def options(self) -> dict[str, Any]:
        """Options as resolved: counts as made, sizes as used."""
        return dict(self._result["options"])

    @property
    def level_gap(self) -> list[float]:
        """Per level, the relative gap in merge height at the count that was chosen."""
        return list(self._result["level_gap"])

    @property
    def trials(self) -> list[dict[str, Any]]:
        """What was tried and chosen, the finest level first: level, steps, method, foresight, chosen.

        `foresight` says how well the nodes foretell the neighbours that were held out of the smoothing: it
        chooses the finest nodes. Every level above is the consensus of its trials.
        """
        return [dict(trial) for trial in self._result["trials"]]

    @property
    def run(self) -> RunInfo:
        """How the run went."""
        return RunInfo._of(self._result["run"])


def as_level_ranges(level_ranges: Any, where: str) -> list[tuple[int, int]] | None:
    """None, or one (low, high) per level."""
    if level_ranges is None:
        return None
    return [
        (as_int(low, where, "level_ranges"), as_int(high, where, "level_ranges"))
        for low, high in level_ranges
    ]


def nested_clusters(
    X: Any,
    graph: KnnGraph | None = None,
    *,
    levels: Sequence[str] = LEVELS,
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
) -> NestedClusters:
    """One strict tree with named levels; every item has one node at every level.

    Parameters
    ----------
    X : (n, d) array, or an Embedding
    graph : KnnGraph, optional
        Neighbours of X (15 exact ones recommended); made with `metric` when absent.
    levels : list of str
        Names, coarse to fine.
    n_clusters : list of int, optional
        Nodes per level, coarse to fine; found within `level_ranges` when absent.
    min_size, max_size : int, optional
        Items of the finest nodes: smaller ones are merged, larger ones split.
    max_share : float, optional
        Largest share of the items in one node of the coarsest level; 0.30 when absent, or three times the mean where
        a given count makes that more.
    smoothing_steps : int, optional
        Averaging over shared neighbours, for every level; 0 = none. When absent, the finest level's are chosen from
        the data, and the levels above agree on several numbers of steps between its nodes: see `NestedClusters.trials`.
    method : "auto", "ward", "average", "kmeans" or "density"
        "auto" makes every choice from the data; the others are the plain methods, in the smoothed space. "density"
        starts from the cores that HDBSCAN finds there.

    Returns
    -------
    NestedClusters
        A Hierarchy with `strength`, `runner_up` and `reassigned`.
    """
    where = "nested_clusters"
    if isinstance(X, KnnGraph):
        raise_type(
            where, "X is a KnnGraph, but the tree is made from vectors", "pass nested_clusters(X, graph)"
        )
    vectors = as_matrix(X, where)
    threads = as_int(num_threads, where, "num_threads")
    with progress_callback(progress) as callback:
        neighbours = as_graph(
            graph, vectors, where, k=15, metric=metric, num_threads=threads, callback=callback
        )
        result = _core.nested_clusters(
            vectors,
            neighbours._core,
            level_names=as_names(levels, where, "levels"),
            n_clusters=as_counts_per_level(n_clusters, where),
            min_size=as_optional_int(min_size, where, "min_size"),
            max_size=as_optional_int(max_size, where, "max_size"),
            max_share=None if max_share is None else as_float(max_share, where, "max_share"),
            smoothing_steps=as_optional_int(smoothing_steps, where, "smoothing_steps"),
            level_ranges=as_level_ranges(level_ranges, where),
            method=method,
            seed=as_seed(random_state, where),
            num_threads=threads,
            progress=callback,
        )
    announce(result["run"])
    found = NestedClusters._wrap(result.pop("hierarchy"))
    found._result = result
    return found


def smooth_embedding(
    X: Any,
    graph: KnnGraph,
    *,
    steps: int = 4,
    keep: float = 0.5,
    num_threads: int = 0,
    progress: ProgressLike = None,
) -> Any:
    """(n, d) denoised vectors: every item moves towards the items that share its neighbours.

    Averaging keeps the few directions that hold the clusters and cancels the rest, which lets k-means, Ward and density
    methods find them. `keep` is the share of its own vector that an item keeps per step.
    """
    where = "smooth_embedding"
    vectors = as_matrix(X, where)
    if not isinstance(graph, KnnGraph):
        raise_type(where, f"graph is a {type(graph).__name__}, expected a KnnGraph")
    with progress_callback(progress) as callback:
        return _core.smooth_embedding(
            vectors,
            graph._core,
            as_int(steps, where, "steps"),
            as_float(keep, where, "keep"),
            as_int(num_threads, where, "num_threads"),
            callback,
        )


def hierarchy_core(hierarchy: Any, where: str) -> Any:
    """What the compiled functions take of a hierarchy."""
    if not isinstance(hierarchy, Hierarchy):
        raise_type(where, f"hierarchy is a {type(hierarchy).__name__}, expected a Hierarchy")
    return hierarchy._core
