# SPDX-License-Identifier: MIT
"""Maps as matplotlib figures, with labels that never overlap."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ._errors import raise_invalid, raise_shape
from ._hierarchy import Hierarchy
from ._territories import Territories
from ._validation import as_float, as_int, as_matrix

#: Colours of the coarsest nodes, told apart by hue and lightness; more nodes begin again.
PALETTE = (
    "#4e79a7", "#f28e2b", "#59a14f", "#e15759", "#76b7b2", "#b6992d", "#af7aa1", "#d37295", "#9c755f", "#499894",
    "#86bcb6", "#d4a6c8", "#79706e", "#8cd17d", "#a0cbe8", "#ffbe7d",
)  # fmt: skip


def _items_of(hierarchy: Any, level: int) -> list[Any]:
    labels = np.asarray(hierarchy.labels(level))
    order = np.argsort(labels, kind="stable")
    return np.split(order, np.cumsum(np.bincount(labels))[:-1])


def plot_map(
    layout: Any,
    hierarchy: Hierarchy | None = None,
    *,
    level: int = 0,
    texts: Sequence[str] | None = None,
    values: Any = None,
    territories: Territories | None = None,
    axes: Any = None,
    size: float = 8.0,
    point: float | None = None,
    font: float = 9.0,
) -> Any:
    """Draws a map in the plane; needs matplotlib.

    Parameters
    ----------
    layout : Layout or (n, 2) coordinates
    hierarchy : Hierarchy, optional
        Its coarsest nodes colour the items.
    level : int
        Whose nodes the texts name.
    texts : list of str, optional
        One per node of that level. Larger nodes come first; a text that finds no room near its node's middle without
        touching another is left out.
    values : (n,) numbers, optional
        Colour the items instead, e.g. ``layout.quality.kept_per_item``.
    territories : Territories, optional
        Land tinted by the coarsest nodes, borders thinner with every level.
    axes : matplotlib axes, optional
    size : float
        Inches, where a figure is made.
    point : float, optional
        Area of an item in square points; by the number of items when absent.
    font : float
        Of the texts, in points.

    Returns
    -------
    matplotlib axes
    """
    where = "plot_map"
    Y = as_matrix(layout, where, "layout")
    if Y.shape[1] != 2:
        raise_shape(where, f"the map has {Y.shape[1]} columns", "maps in the plane can be drawn")
    if texts is not None and hierarchy is None:
        raise_invalid(where, "texts without a hierarchy", "pass the Hierarchy whose nodes they name")
    import matplotlib.pyplot as plt

    if axes is None:
        _, axes = plt.subplots(figsize=(as_float(size, where, "size"),) * 2)
    if territories is not None:
        _draw_territories(axes, territories, hierarchy)
    colors: Any = "#4e5a66"
    if values is not None:
        colors = np.asarray(values)
        if colors.shape != (Y.shape[0],):
            raise_shape(where, f"values has shape {colors.shape} for {Y.shape[0]} items")
    elif hierarchy is not None:
        colors = np.asarray(PALETTE, dtype=object)[np.asarray(hierarchy.labels(0)) % len(PALETTE)]
    area = min(12.0, 16000 / max(len(Y), 1)) if point is None else as_float(point, where, "point")
    axes.scatter(Y[:, 0], Y[:, 1], s=area, c=colors, linewidths=0, rasterized=True, zorder=2)
    axes.set_aspect("equal")
    axes.set_axis_off()
    if texts is not None and hierarchy is not None:
        number = as_int(level, where, "level", low=0, high=hierarchy.num_levels - 1)
        groups = _items_of(hierarchy, number)
        if len(texts) != len(groups):
            raise_shape(where, f"there are {len(texts)} texts for {len(groups)} nodes of level {number}")
        _write(
            axes,
            [np.nanmedian(Y[items], axis=0) for items in groups],
            [len(items) for items in groups],
            texts,
            font,
        )
    return axes


def _draw_territories(axes: Any, territories: Territories, hierarchy: Hierarchy | None) -> None:
    from matplotlib.collections import LineCollection
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    drawn = territories.smooth()
    top = drawn.levels[0].nodes if hierarchy is None else len(_items_of(hierarchy, 0))
    for node in range(top):
        for piece in drawn.pieces(node):
            points = np.concatenate(piece.rings)
            codes = np.full(len(points), Path.LINETO, dtype=np.uint8)
            starts = np.cumsum([0, *(len(ring) for ring in piece.rings[:-1])])
            codes[starts] = Path.MOVETO
            axes.add_patch(
                PathPatch(
                    Path(points, codes),
                    facecolor=PALETTE[node % len(PALETTE)],
                    alpha=0.13,
                    linewidth=0,
                    zorder=0,
                )
            )
    for level in range(len(drawn.levels)):
        width = 1.1 / (1 + 1.5 * level)
        axes.add_collection(
            LineCollection(
                drawn.borders(level), linewidths=width, colors="#39424d", alpha=0.7 / (1 + level), zorder=1
            )
        )
    axes.autoscale_view()


#: Places tried for a text, in its own heights from its node's middle: nearer ones first.
_SHIFTS = sorted(
    ((dx, dy) for dx in np.arange(-4, 4.1, 1.0) for dy in np.arange(-4, 4.1, 0.5)),
    key=lambda shift: (shift[0] ** 2 + shift[1] ** 2, shift),
)


def _write(
    axes: Any, middles: Sequence[Any], sizes: Sequence[int], texts: Sequence[str], font: float
) -> None:
    """Texts by falling size of their nodes, each at the nearest place that touches none before it."""
    import matplotlib.patheffects as effects

    figure = axes.get_figure()
    figure.canvas.draw()
    renderer = figure.canvas.get_renderer()
    window = axes.get_window_extent(renderer)
    to_pixels, to_data = axes.transData, axes.transData.inverted()
    boxes: Any = np.empty((0, 4))
    for node in np.lexsort((np.arange(len(sizes)), -np.asarray(sizes))):
        if not texts[node] or not np.isfinite(middles[node]).all():
            continue
        drawn = axes.text(
            *middles[node], texts[node], fontsize=font, ha="center", va="center", zorder=3, clip_on=False,
            path_effects=[effects.withStroke(linewidth=2.5, foreground="white")],
        )  # fmt: skip
        box = drawn.get_window_extent(renderer)
        x, y = to_pixels.transform(middles[node])
        half = np.array([box.width, box.height]) / 2 + 2
        for dx, dy in _SHIFTS:
            at = np.array([x + dx * box.height, y + dy * box.height])
            low, high = at - half, at + half
            inside = (low >= (window.x0, window.y0)).all() and (high <= (window.x1, window.y1)).all()
            free = ((high <= boxes[:, :2]) | (low >= boxes[:, 2:])).any(axis=1).all()
            if inside and free:
                drawn.set_position(to_data.transform(at))
                boxes = np.vstack([boxes, [*low, *high]])
                break
        else:
            drawn.remove()
