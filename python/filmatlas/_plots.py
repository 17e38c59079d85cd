# SPDX-License-Identifier: MIT
"""Plots of trees and of their cuts, on axes of matplotlib that are given or made (the extra ``plot``)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from . import _core
from ._density import CondensedTree, HdbscanCut, HdbscanResult
from ._errors import raise_type
from ._hierarchy import Hierarchy
from ._linkage import tree_of
from ._tables import missing_extra
from ._validation import as_int


def _axes(ax: Any) -> Any:
    if ax is not None:
        return ax
    try:
        import matplotlib.pyplot as plt
    except ImportError:
        raise missing_extra("plotting without axes", "plot") from None
    return plt.subplots()[1]


def _lines(ax: Any, segments: Any, **style: Any) -> None:
    """Many lines at once: (m, 2, 2) ends, or a list of paths."""
    from matplotlib.collections import LineCollection

    ax.add_collection(LineCollection(segments, **style))
    ax.autoscale_view()


def plot_dendrogram(
    Z: Any, ax: Any = None, *, n_clusters: Sequence[int] = (), max_leaves: int = 300, color: Any = "0.3"
) -> Any:
    """Draws a linkage tree, with a dashed line where it is cut into each of some numbers of clusters.

    Parameters
    ----------
    Z : (n - 1, 4) tree in SciPy's format
    ax : matplotlib axes, optional
    n_clusters : list of int
        Cuts to mark.
    max_leaves : int
        Of larger trees the last merges are drawn: what lies below is one leaf, as wide as it has items.

    Returns
    -------
    The axes.
    """
    where = "plot_dendrogram"
    tree, n = tree_of(Z, where)
    counts = [as_int(count, where, "n_clusters", low=1, high=n) for count in n_clusters]
    order = _core.leaf_order(tree, n)
    ax = _axes(ax)
    # Positions are places in the leaf order, so that a merge's legs stand in the middle of what they hold.
    low, high = np.empty(2 * n - 1), np.empty(2 * n - 1)
    low[order] = np.arange(n)
    high[:n] = low[:n]
    height = np.zeros(2 * n - 1)
    first = max(0, n - 1 - as_int(max_leaves, where, "max_leaves", low=2))
    paths = []
    for merge, (left, right, at, _) in enumerate(tree.tolist()):
        a, b, made = int(left), int(right), n + merge
        low[made], high[made] = min(low[a], low[b]), max(high[a], high[b])
        height[made] = at
        if merge < first:
            continue
        foot = [height[c] if c >= n + first else 0.0 for c in (a, b)]
        x = [(low[c] + high[c]) / 2 for c in (a, b)]
        paths.append([(x[0], foot[0]), (x[0], at), (x[1], at), (x[1], foot[1])])
    if paths:
        _lines(ax, paths, colors=color, linewidths=0.8)
    for count in counts:
        if 1 < count <= n - 1:
            cut = (tree[n - count, 2] + tree[n - count - 1, 2]) / 2
            ax.axhline(cut, linestyle="--", linewidth=0.8, color="C3")
            ax.annotate(str(count), (1, cut), xycoords=("axes fraction", "data"), fontsize=8, color="C3")
    ax.set(xlabel="items", ylabel="height", ylim=(0, None))
    ax.set_xticks([])
    return ax


def plot_condensed_tree(fit: HdbscanCut | CondensedTree, ax: Any = None, *, color: Any = "C0") -> Any:
    """Draws the clusters of a condensed tree as bars over lambda, as wide as they have items; selected ones filled."""
    if isinstance(fit, HdbscanCut):
        tree, selected = fit.condensed_tree, set(fit.selected.tolist())
    elif isinstance(fit, CondensedTree):
        tree, selected = fit, set()
    else:
        raise_type(
            "plot_condensed_tree", f"fit is a {type(fit).__name__}, expected a fit or a condensed tree"
        )
    ax = _axes(ax)
    n = tree.num_items
    clusters = np.concatenate([[n], np.sort(tree.child[tree.child >= n])]) if len(tree) else np.empty(0, int)
    children: dict[int, list[int]] = {}
    birth: dict[int, float] = {n: 0.0}
    size: dict[int, float] = {n: 0.0}
    leaving: dict[int, list[tuple[float, float]]] = {int(c): [] for c in clusters}
    rows = zip(tree.parent.tolist(), tree.child.tolist(), tree.lambda_val.tolist(), tree.child_size.tolist())
    for parent, child, at, weight in rows:
        leaving[parent].append((at, weight))
        if parent == n:
            size[n] += weight
        if child >= n:
            children.setdefault(parent, []).append(child)
            birth[child], size[child] = at, weight
    # A leaf is as wide as its own size; parents lie over the middle of their children.
    middle: dict[int, float] = {}
    width = 0.0
    stack = [n] if len(clusters) else []
    while stack:
        cluster = stack[-1]
        below = [c for c in children.get(cluster, []) if c not in middle]
        if below:
            stack.extend(reversed(below))
            continue
        stack.pop()
        inside = children.get(cluster, [])
        if inside:
            middle[cluster] = sum(middle[c] for c in inside) / len(inside)
        else:
            middle[cluster] = width + size[cluster] / 2
            width += size[cluster] * 1.2
    for cluster in clusters.tolist():
        left = size[cluster]
        steps: list[tuple[float, float]] = [(birth[cluster], left)]
        for at, weight in sorted(leaving[cluster]):
            steps.append((at, left))
            left = max(0.0, left - weight)
            steps.append((at, left))
        y = np.array([step[0] for step in steps])
        half = np.array([step[1] for step in steps]) / 2
        filled = cluster in selected
        ax.fill_betweenx(
            y,
            middle[cluster] - half,
            middle[cluster] + half,
            color=color,
            alpha=0.9 if filled else 0.25,
            linewidth=0,
        )
    links = [[(middle[a], birth[b]), (middle[b], birth[b])] for a, below in children.items() for b in below]
    if links:
        _lines(ax, links, colors="0.4", linewidths=0.6)
    ax.set(xlabel="items", ylabel="lambda")
    ax.set_xticks([])
    if not ax.yaxis_inverted():
        ax.invert_yaxis()
    return ax


def plot_persistence_trace(fit: HdbscanResult, ax: Any = None, *, color: Any = "C0") -> Any:
    """Draws the number of leaf clusters over min_cluster_size; wide steps are stable granularities."""
    if not isinstance(fit, HdbscanResult):
        raise_type("plot_persistence_trace", f"fit is a {type(fit).__name__}, expected an HdbscanResult")
    ax = _axes(ax)
    trace = fit.persistence_trace()
    high, count = np.asarray(trace["high"]), np.asarray(trace["n_clusters"])
    if len(high):
        ax.step(np.concatenate([[1.0], high]), np.concatenate([count[:1], count]), where="pre", color=color)
    ax.set(xscale="log", yscale="log", xlabel="min_cluster_size", ylabel="leaf clusters")
    return ax


def plot_level_sizes(hierarchy: Hierarchy, ax: Any = None) -> Any:
    """Draws the sizes of the nodes of every level, largest first."""
    if not isinstance(hierarchy, Hierarchy):
        raise_type("plot_level_sizes", f"hierarchy is a {type(hierarchy).__name__}, expected a Hierarchy")
    ax = _axes(ax)
    for level, name in enumerate(hierarchy.levels):
        sizes = np.sort(hierarchy.sizes(level))[::-1]
        ax.step(np.arange(1, len(sizes) + 1), sizes, where="mid", marker=".", label=f"{name} ({len(sizes)})")
    ax.set(xscale="log", yscale="log", xlabel="node, by size", ylabel="items")
    ax.legend()
    return ax
