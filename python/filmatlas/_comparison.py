# SPDX-License-Identifier: MIT
"""Two atlases of one catalogue side by side: what stayed, what moved, and what is called otherwise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ._atlas import Atlas
from ._cluster import adjusted_mutual_information, adjusted_rand_index
from ._errors import raise_type
from ._tables import Table
from ._validation import as_int


class NodeMatch(NamedTuple):
    """A node of the first atlas and the one of the second, on the same level, that shares most items with it.

    `overlap` is shared / either, over the items that both atlases have; -1 and 0 where there is none.
    """

    level: int
    node: int
    label: str
    size: int
    match: int
    match_label: str
    match_size: int
    shared: int
    overlap: float


@dataclass(frozen=True)
class AtlasComparison:
    """How two atlases agree.

    Attributes
    ----------
    common : int
        Items in both, by id.
    added, removed : list of str
        Ids of the second atlas only, and of the first only.
    levels : list of dict
        Per level: adjusted Rand index and adjusted mutual information of the two partitions of the common items, nodes
        of each, and the share of items whose node is matched by the node they are in now.
    neighbors : float
        Mean share of an item's neighbours in the first atlas that are its neighbours in the second, common items only.
    matches : list of NodeMatch
        One per node of the first atlas.
    moved : list of tuple
        (id, label before, label now) of the common items that left their node's match, on the finest level.
    """

    common: int
    added: list[str]
    removed: list[str]
    levels: list[dict[str, Any]]
    neighbors: float
    matches: list[NodeMatch]
    moved: list[tuple[str, str, str]]

    def table(self) -> Table:
        """One row per node of the first atlas."""
        return Table({name: [getattr(match, name) for match in self.matches] for name in NodeMatch._fields})

    def to_pandas(self) -> Any:
        """One row per node of the first atlas, as a pandas.DataFrame."""
        return self.table().to_pandas()

    def __str__(self) -> str:
        levels = ", ".join(f"{level['level']} {level['adjusted_rand']:.2f}" for level in self.levels)
        return (
            f"{self.common} items in both, {len(self.added)} added, {len(self.removed)} removed; "
            f"adjusted Rand {levels}; "
            f"{self.neighbors:.0%} of the neighbours stay"
        )


def compare_atlases(before: Atlas, after: Atlas, *, k: int = 10) -> AtlasComparison:
    """Compares two atlases by the ids of their items: partitions, nodes, neighbours and names.

    Parameters
    ----------
    before, after : Atlas
        Levels are compared in their order, as many as both have.
    k : int
        Neighbours per item that are compared.
    """
    where = "compare_atlases"
    for name, atlas in (("before", before), ("after", after)):
        if not isinstance(atlas, Atlas):
            raise_type(where, f"{name} is a {type(atlas).__name__}, expected an Atlas")
    k = as_int(k, where, "k", low=1)
    place = {item: row for row, item in enumerate(after.ids)}
    ids = before.ids
    mine = np.array([row for row, item in enumerate(ids) if item in place], dtype=np.int64)
    other = np.array([place[ids[row]] for row in mine], dtype=np.int64)
    known = set(ids)
    levels: list[dict[str, Any]] = []
    matches: list[NodeMatch] = []
    moved: list[tuple[str, str, str]] = []
    first, second = before.labels, after.labels
    shared_levels = min(before.hierarchy.num_levels, after.hierarchy.num_levels)
    for level in range(shared_levels):
        a, b = before.hierarchy.labels(level)[mine], after.hierarchy.labels(level)[other]
        sizes = before.hierarchy.sizes(level), after.hierarchy.sizes(level)
        table = np.zeros((len(sizes[0]), len(sizes[1])), dtype=np.int64)
        np.add.at(table, (a, b), 1)
        rows, columns = table.sum(axis=1), table.sum(axis=0)
        overlap = table / np.maximum(rows[:, None] + columns[None, :] - table, 1)
        best = overlap.argmax(axis=1) if table.shape[1] else np.zeros(len(rows), dtype=np.int64)
        starts = int(before.hierarchy.level_begin[level]), int(after.hierarchy.level_begin[level])
        for node in range(len(rows)):
            there = int(best[node]) if rows[node] else -1
            matches.append(
                NodeMatch(
                    level,
                    starts[0] + node,
                    first[starts[0] + node].text,
                    int(sizes[0][node]),
                    starts[1] + there if there >= 0 else -1,
                    second[starts[1] + there].text if there >= 0 else "",
                    int(sizes[1][there]) if there >= 0 else 0,
                    int(table[node, there]) if there >= 0 else 0,
                    float(overlap[node, there]) if there >= 0 else 0.0,
                )
            )
        stays = best[a] == b if len(a) else np.zeros(0, dtype=bool)
        levels.append(
            {
                "level": before.hierarchy.levels[level],
                "adjusted_rand": adjusted_rand_index(a, b) if len(a) else float("nan"),
                "adjusted_mutual_information": adjusted_mutual_information(a, b) if len(a) else float("nan"),
                "nodes": (len(rows), len(columns)),
                "matched": float(stays.mean()) if len(a) else float("nan"),
            }
        )
        if level == shared_levels - 1:
            moved = [
                (ids[mine[i]], first[starts[0] + a[i]].text, second[starts[1] + b[i]].text)
                for i in np.flatnonzero(~stays)
            ]
    return AtlasComparison(
        len(mine),
        [item for item in after.ids if item not in known],
        [item for item in ids if item not in place],
        levels,
        _neighbors_kept(before, after, mine, other, k),
        matches,
        moved,
    )


def _neighbors_kept(before: Atlas, after: Atlas, mine: Any, other: Any, k: int) -> float:
    """Share of the common neighbours of the first atlas that the second has, too."""
    to_common = np.full(len(before), -1, dtype=np.int64)
    to_common[mine] = np.arange(len(mine))
    back = np.full(len(after), -1, dtype=np.int64)
    back[other] = np.arange(len(other))
    near, far = before.graph.indices[mine, :k], after.graph.indices[other, :k]
    near = np.where(near >= 0, to_common[near], -1)
    far = np.where(far >= 0, back[far], -1)
    counted = near >= 0
    kept = (near[:, :, None] == far[:, None, :]).any(axis=2) & counted
    return float(kept.sum() / counted.sum()) if counted.any() else float("nan")
