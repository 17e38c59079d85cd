# SPDX-License-Identifier: MIT
"""Territories: the pieces of a map that the nodes of a hierarchy own, and what a map with territories costs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from . import _core
from ._errors import raise_invalid, raise_type
from ._hierarchy import Hierarchy
from ._layout import Layout, LayoutQuality, quality_report
from ._neighbors import KnnGraph, as_graph
from ._progress import ProgressLike
from ._report import Report
from ._tables import Table
from ._validation import as_float, as_int, as_matrix, as_optional_int
from ._values import Value


class TerritoryLevel(NamedTuple):
    """How well one level's nodes and territories agree.

    `nodes` with items on the map, how many of them own `one_piece` and how many are `landless`; `items` on the map, how
    many of them stand `inside` their node's territory and `in_main`, its main piece.
    """

    nodes: int
    one_piece: int
    landless: int
    items: int
    inside: int
    in_main: int

    @property
    def inside_share(self) -> float:
        """Share of the items that stand in their own node's territory."""
        return self.inside / self.items if self.items else float("nan")

    @property
    def one_piece_share(self) -> float:
        """Share of the nodes whose territory is one piece."""
        return self.one_piece / self.nodes if self.nodes else float("nan")


class TerritoryPiece(NamedTuple):
    """One piece of a node's territory: closed rings, the outer one counterclockwise first, then holes."""

    node: int
    items: int
    area: float
    rings: list[Any]


class Territories(Value):
    """Nested territories of a hierarchy's nodes: children tile their parents, neighbours share their borders.

    Made by :func:`territories`. The geometry is a topology: `points` of arcs (offsets `arc_begin`), rings of arcs
    (`ring_arcs`, offsets `ring_begin`; ``~a`` is arc a walked backwards), pieces of rings (offsets `piece_begin`),
    nodes of pieces (offsets `node_begin`).
    """

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        if name in _ARRAYS:
            return getattr(self._core, name)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __dir__(self) -> list[str]:
        return sorted([*super().__dir__(), *_ARRAYS])

    @property
    def levels(self) -> list[TerritoryLevel]:
        """Per level, coarse to fine: pieces and items."""
        return [TerritoryLevel(**fields) for fields in self._core.levels]

    @property
    def extent(self) -> tuple[float, float, float, float]:
        """(left, right, bottom, top) of the cells, as matplotlib's imshow wants it with origin="lower"."""
        height, width = self.cells.shape
        core = self._core
        return core.x0, core.x0 + width * core.cell, core.y0, core.y0 + height * core.cell

    def arc(self, arc: int) -> Any:
        """(p, 2) points of an arc; ``~a`` backwards."""
        forward = arc if arc >= 0 else ~arc
        begin = self._core.arc_begin
        points = self._core.points[begin[forward] : begin[forward + 1]]
        return points if arc >= 0 else points[::-1]

    def pieces(self, node: int) -> list[TerritoryPiece]:
        """Pieces of a node, its main piece first."""
        core = self._core
        first, last = core.node_begin[node : node + 2]
        out = []
        for piece in range(first, last):
            rings = []
            for ring in range(core.piece_begin[piece], core.piece_begin[piece + 1]):
                steps = core.ring_arcs[core.ring_begin[ring] : core.ring_begin[ring + 1]]
                chains = [self.arc(int(step)) for step in steps]
                rings.append(np.concatenate([chains[0], *(chain[1:] for chain in chains[1:])]))
            out.append(
                TerritoryPiece(node, int(core.piece_items[piece]), float(core.piece_area[piece]), rings)
            )
        return out

    def borders(self, level: int) -> list[Any]:
        """Arcs that bound territories of a level and no coarser one; at level 0 the coasts too."""
        return [self.arc(int(arc)) for arc in np.flatnonzero(self._core.arc_level == level)]

    def smooth(self, rounds: int = 8) -> Territories:
        """The same topology with rounder arcs; no point moves half a cell, so that no arcs cross."""
        return Territories._wrap(
            _core.smooth_territories(self._core, as_int(rounds, "smooth_territories", "rounds"))
        )

    def to_pandas(self) -> Any:
        """One row per level."""
        rows = self.levels
        names = (*TerritoryLevel._fields, "inside_share", "one_piece_share")
        return Table({name: [getattr(row, name) for row in rows] for name in names}).to_pandas()

    def __repr__(self) -> str:
        lines = [
            f"  level {number}: {level.nodes:,} nodes, {level.one_piece_share:.1%} in one piece; "
            f"{level.inside_share:.1%} of {level.items:,} items inside their own"
            for number, level in enumerate(self.levels)
        ]
        return "\n".join(
            [f"Territories({len(self.piece_node):,} pieces, {len(self.arc_level):,} arcs)", *lines]
        )


_ARRAYS = (
    "cells points arc_begin arc_sides arc_level ring_arcs ring_begin piece_begin piece_node piece_items piece_area "
    "node_begin item_node inside"
).split()


def _tree(hierarchy: Any, where: str) -> Any:
    if not isinstance(hierarchy, Hierarchy):
        raise_type(where, f"hierarchy is a {type(hierarchy).__name__}, expected a Hierarchy")
    return hierarchy._core


def territories(
    layout: Any,
    hierarchy: Hierarchy,
    *,
    resolution: int | None = None,
    reach: float = 2.0,
    coast: float = 4.0,
) -> Territories:
    """The pieces of a finished map that each node of a hierarchy owns.

    The map is cut into cells; level by level a cell goes to the child with the largest density of items there, inside
    its parent's territory. The same bytes on every machine.

    Parameters
    ----------
    layout : Layout or (n, 2) coordinates
    hierarchy : Hierarchy of the same items
    resolution : int, optional
        Cells along the longest side; default three per item's side (the square root of an item's share of the map).
    reach : float
        Radius of the finest level's kernel in items' sides; each coarser level's is half of this longer. Larger makes
        rounder territories in fewer pieces, which hold fewer of their own items.
    coast : float
        Radius of the kernel that makes land; larger closes gaps between groups.

    Returns
    -------
    Territories
    """
    where = "territories"
    return Territories._wrap(
        _core.territories(
            as_matrix(layout, where, "layout"),
            _tree(hierarchy, where),
            as_optional_int(resolution, where, "resolution"),
            as_float(reach, where, "reach"),
            as_float(coast, where, "coast"),
        )
    )


def check_territories(
    layout: Any,
    hierarchy: Hierarchy,
    territories: Territories,
    *,
    max_strays: float = 1.0,
    min_one_piece: float = 0.0,
) -> Report:
    """An audit of drawn territories from their arcs alone: rings, shared borders, tiling, nesting, who stands where.

    Parameters
    ----------
    layout : Layout or (n, 2) coordinates
    hierarchy : Hierarchy
    territories : Territories
    max_strays : float
        Share of the items that may stand outside their own territory at some level before that is a warning.
    min_one_piece : float
        Share of the nodes that have to be one piece.
    """
    where = "check_territories"
    if not isinstance(territories, Territories):
        raise_type(where, f"territories is a {type(territories).__name__}, expected Territories")
    return Report._wrap(
        _core.check_territories(
            as_matrix(layout, where, "layout"),
            _tree(hierarchy, where),
            territories._core,
            as_float(max_strays, where, "max_strays"),
            as_float(min_one_piece, where, "min_one_piece"),
        )
    )


class TerritoryPurity(NamedTuple):
    """How pure territories are; `Territories.inside` says the other way round where a node's items stand.

    Attributes
    ----------
    nodes : (nodes,) float32
        Share of the items standing in a node's territory that are its own; NaN where nobody stands.
    levels : (levels,) float64
        The same for all items that stand on land.
    """

    nodes: Any
    levels: Any


def territory_purity(territories: Territories, hierarchy: Hierarchy) -> TerritoryPurity:
    """Whose items stand on each node's land, and on each level's."""
    where = "territory_purity"
    if not isinstance(territories, Territories):
        raise_type(where, f"territories is a {type(territories).__name__}, expected Territories")
    return TerritoryPurity(*_core.territory_purity(territories._core, _tree(hierarchy, where)))


class MapComparison:
    """Quality of several maps of the same items beside the first one's, and how well each shows the hierarchy.

    Attributes
    ----------
    quality : dict of LayoutQuality
    territories : dict of Territories
        Empty without a hierarchy.
    """

    def __init__(self, quality: dict[str, LayoutQuality], territories: dict[str, Territories]) -> None:
        self.quality = quality
        self.territories = territories

    def rows(self) -> list[dict[str, Any]]:
        """One row per map: figures, and what is lost of the first map's."""
        first = next(iter(self.quality.values()))
        out = []
        for name, quality in self.quality.items():
            row: dict[str, Any] = {"map": name}
            for field in ("kept_neighbors", "trustworthiness", "continuity", "rank_correlation", "random_triplets"):
                row[field] = getattr(quality, field)
                row[f"{field}_loss"] = getattr(first, field) - getattr(quality, field)
            if name in self.territories:
                levels = self.territories[name].levels
                row["inside"] = [level.inside_share for level in levels]
                row["one_piece"] = [level.one_piece_share for level in levels]
            out.append(row)
        return out

    def to_pandas(self) -> Any:
        """The rows as a table."""
        rows = self.rows()
        return Table({name: [row.get(name) for row in rows] for name in rows[0]}).to_pandas()

    def __repr__(self) -> str:
        lines = [
            f"{'map':<16} {'kept':>6} {'lost':>7} {'trust':>6} {'lost':>7} {'contin.':>7} {'rank':>6}  "
            "inside own / one piece per level"
        ]
        for row in self.rows():
            levels = " ".join(
                f"{inside:.3f}/{piece:.3f}"
                for inside, piece in zip(row.get("inside", ()), row.get("one_piece", ()))
            )
            lines.append(
                f"{row['map']:<16} {row['kept_neighbors']:>6.3f} {row['kept_neighbors_loss']:>+7.3f} "
                f"{row['trustworthiness']:>6.3f} {row['trustworthiness_loss']:>+7.3f} {row['continuity']:>7.3f} "
                f"{row['rank_correlation']:>6.3f}  {levels}"
            )
        return "\n".join(line.rstrip() for line in lines)


def compare_maps(
    X: Any,
    maps: Mapping[str, Any],
    hierarchy: Hierarchy | None = None,
    *,
    k: int = 15,
    graph: KnnGraph | None = None,
    metric: str = "cosine",
    num_threads: int = 0,
    progress: ProgressLike = None,
) -> MapComparison:
    """What a map with a hierarchy in it costs, beside a plain one.

    ``print(compare_maps(X, {"plain": a, "pulled": b}, tree))``

    Parameters
    ----------
    X : (n, d) vectors
    maps : dict of Layout or (n, 2 or 3) coordinates
        The first one is what the others are held against.
    hierarchy : Hierarchy, optional
        Whose territories are measured on every map in the plane.
    k : int
        Neighbourhood size.
    graph : KnnGraph, optional
        Of X; made with `metric` when absent.
    """
    where = "compare_maps"
    if not maps:
        raise_invalid(where, "maps is empty", "give at least one map")
    vectors = as_matrix(X, where)
    size = as_int(k, where, "k", low=1)
    near = as_graph(graph, vectors, where, k=size, metric=metric, num_threads=num_threads, callback=None)
    quality = {}
    drawn = {}
    for name, layout in maps.items():
        quality[str(name)] = quality_report(
            vectors, layout, k=size, graph=near, num_threads=num_threads, progress=progress
        )[0]
        shape = np.shape(layout.coordinates if isinstance(layout, Layout) else layout)
        if hierarchy is not None and shape[1] == 2:
            drawn[str(name)] = territories(layout, hierarchy)
    return MapComparison(quality, drawn)
