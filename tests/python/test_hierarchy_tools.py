# SPDX-License-Identifier: MIT
"""Strict trees from other tools, the dial of coverage, figures of nodes, updates, bounds, plots."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

import filmatlas as fa
from conftest import make_blobs

NAMES = ["macro", "micro"]


@pytest.fixture(scope="module")
def tree():
    X, labels = make_blobs(360, centers=12, seed=5)
    graph = fa.knn_graph(X, 15)
    return X, labels, graph, fa.nested_clusters(X, graph, n_clusters=[3, 6, 12])


def test_labels_of_other_tools_are_refused_or_repaired_by_rule():
    labels = [[0, 0, 0, 1, 1, -1], [4, 4, 4, 4, 6, -1]]
    with pytest.raises(fa.FormatError, match="item 5 has no node at level 'macro'"):
        fa.hierarchy_from_labels(labels, level_names=NAMES)
    with pytest.raises(fa.FormatError, match="item 3: label 4 of level 'micro' lies under label 1"):
        fa.hierarchy_from_labels(labels, level_names=NAMES, noise="rest")
    with pytest.raises(fa.ShapeError, match="some of which have no label"):
        fa.hierarchy_from_labels(labels, repair="split", noise="nearest")
    X = np.array([[0.0], [1], [2], [3], [9], [8]])
    whole = fa.Hierarchy.from_labels(
        labels, X, repair="majority", noise="nearest", metric="euclidean", level_names=NAMES
    )
    assert whole.labels(0).tolist() == [0, 0, 0, 0, 1, 1] and whole.levels == NAMES
    assert whole.moved.tolist() == [3] and whole.placed.tolist() == [5]
    assert whole.moved_at == [1, 0] and whole.placed_at == [1, 1]
    assert whole.node_labels.tolist() == [0, 1, 4, 6]
    split = fa.hierarchy_from_labels(labels, repair="split", noise="rest")
    assert split.num_nodes == 7 and len(split.moved) == 0
    assert isinstance(split, fa.Hierarchy) and split == fa.Hierarchy([split.labels(0), split.labels(1)])
    assert fa.hierarchy_from_labels(np.array([2, 2, 0])).num_levels == 1
    with pytest.raises(fa.InvalidArgumentError, match="use reject, majority or split"):
        fa.hierarchy_from_labels(labels, repair="guess")
    with pytest.raises(TypeError):
        fa.AdoptedHierarchy()


def test_layers_of_a_density_tool_become_a_strict_tree(tree):
    """Layers leave items out and have orphans; with both rules every item has one path and cores keep their cluster."""
    X = tree[0]
    layers = [layer.labels for layer in fa.hdbscan(X, 5).layers()][::-1]
    assert len(layers) > 1 and any((layer < 0).any() for layer in layers)
    adopted = fa.hierarchy_from_labels(layers, X, repair="majority", noise="nearest")
    assert fa.nesting_report([adopted.labels(level) for level in range(len(layers))])["strict"]
    core = layers[-1] >= 0
    assert fa.adjusted_rand_index(adopted.labels(-1)[core], layers[-1][core]) == 1


def test_a_merge_tree_is_cut_into_levels(tree):
    X, labels, _, _ = tree
    Z = fa.linkage(X)
    found = fa.Hierarchy.from_linkage(Z, [3, 12], level_names=NAMES)
    for level, count in enumerate((3, 12)):
        assert fa.adjusted_rand_index(found.labels(level), fa.cut_linkage(Z, count)) == 1
    assert fa.adjusted_rand_index(found.labels(1), labels) == 1
    with pytest.raises(fa.InvalidArgumentError, match="falls from 12 to 3"):
        fa.hierarchy_from_linkage(Z, [12, 3])
    with pytest.raises(fa.FormatError):
        fa.hierarchy_from_linkage(Z[::-1], [3, 12])


def test_coverage_is_a_monotone_dial(tree):
    X, labels, graph, nested = tree
    placing = fa.item_placing(nested, graph)
    assert placing.key.shape == placing.is_core.shape == (len(X), 3) and placing.is_core.dtype == bool
    before = np.full((3, len(X)), -1)
    for coverage in (0.0, 0.3, 0.6, 0.8, 1.0):
        now = np.stack([placing.labels(coverage, level) for level in nested.levels])
        kept = before >= 0
        assert (now[kept] == before[kept]).all()
        assert ((now[1:] < 0) | (now[:-1] >= 0)).all()
        assert (now[2] >= 0).mean() <= coverage + 1e-6
        assert placing.coverage(coverage) == pytest.approx((now >= 0).mean(axis=1))
        before = now
    np.testing.assert_array_equal(before[2], nested.labels(-1))
    with pytest.raises(fa.InvalidArgumentError, match="coverage"):
        placing.labels(1.2)
    with pytest.raises(TypeError, match="one of graph and keys"):
        fa.item_placing(nested)
    given = fa.item_placing(nested, keys=nested.strength)
    np.testing.assert_array_equal(given.is_core, nested.strength > 0)
    assert "core per level" in repr(placing)
    for one in (placing, given):
        again = pickle.loads(pickle.dumps(one))
        for name in ("key", "is_core", "place_at"):
            np.testing.assert_array_equal(getattr(again, name), getattr(one, name))
        np.testing.assert_array_equal(again.labels(0.6, 1), one.labels(0.6, 1))


def test_sure_items_are_placed_better(tree):
    """On clusters that overlap, labels at a coverage agree with the truth the more the less they cover."""
    X, labels = make_blobs(900, centers=8, seed=2, spread=1.1)
    graph = fa.knn_graph(X, 15)
    nested = fa.nested_clusters(X, graph, levels=["only"], n_clusters=[8])
    placing = fa.item_placing(nested, graph)
    scores = []
    for coverage in (0.4, 0.7, 1.0):
        found = placing.labels(coverage)
        scores.append(fa.adjusted_rand_index(found[found >= 0], labels[found >= 0]))
    assert scores[0] > scores[1] > scores[2]


def test_figures_of_nodes(tree):
    X, _, graph, nested = tree
    table = fa.node_figures(nested, X)
    assert list(table) == [
        "node",
        "level",
        "parent",
        "size",
        "cohesion",
        "separation",
        "nearest",
        "persistence",
    ]
    np.testing.assert_array_equal(table["size"], nested.node_array[:, 1] - nested.node_array[:, 0])
    unit = X / np.linalg.norm(X, axis=1, keepdims=True)
    node = nested.num_nodes - 1
    items = nested.items(node)
    centre = unit[items].mean(axis=0)
    centre /= np.linalg.norm(centre)
    assert table["cohesion"][node] == pytest.approx((unit[items] @ centre).mean(), abs=1e-6)
    assert ((table["persistence"] >= 0) & (table["persistence"] <= 1)).all()
    again = fa.node_figures(nested, X, graph, replicates=3, num_threads=2)
    assert again["stability"][-12:].min() > 0.9 and (again["stability_low"] <= again["stability"]).all()
    np.testing.assert_array_equal(
        again["stability"], fa.node_figures(nested, X, graph, replicates=3, num_threads=1)["stability"]
    )
    strength, runner_up = fa.item_strength(nested, X)
    np.testing.assert_allclose(strength, nested.strength, atol=1e-5)
    np.testing.assert_array_equal(runner_up, nested.runner_up)
    with pytest.raises(fa.ShapeError):
        fa.node_figures(nested, X[:-1])


def test_updates_keep_ids(tree):
    X, labels, _, nested = tree
    fresh, truth = make_blobs(384, centers=12, seed=5)
    update = fa.update_hierarchy(nested, X, fresh[360:] + 0.01)
    np.testing.assert_array_equal(update.previous, np.arange(nested.num_nodes))
    assert update.hierarchy.num_items == 384 and update.drift["added"].sum() == 3 * 24
    np.testing.assert_array_equal(update.hierarchy.leaves()[:360], nested.leaves())
    np.testing.assert_array_equal(update.hierarchy.leaves()[360:], update.leaf)
    same = fa.update_hierarchy(nested, X, X[:5])
    np.testing.assert_array_equal(same.leaf, nested.leaves()[:5])
    assert "24 new items, 0 new nodes" in repr(update)
    # One region made anew, one of its nodes pinned.
    pin = nested.children(nested.children(0)[0])[0]
    anew = fa.update_hierarchy(nested, X, fresh[360:], recluster=[0], pinned=[pin])
    for node, was in enumerate(anew.previous.tolist()):
        if was >= 0 and 0 not in nested.path(was):
            known = anew.hierarchy.items(node)
            assert set(known[known < 360].tolist()) == set(nested.items(was).tolist())
    held = int(np.flatnonzero(anew.previous == pin)[0])
    assert set(nested.items(pin).tolist()) <= set(anew.hierarchy.items(held).tolist())
    with pytest.raises(fa.InvalidArgumentError, match="finest node"):
        fa.update_hierarchy(nested, X, recluster=[nested.num_nodes - 1])
    with pytest.raises(fa.InvalidArgumentError, match="nothing is made anew"):
        fa.update_hierarchy(nested, X, pinned=[1])


def test_an_editorial_upper_level_is_kept(tree):
    X, labels, graph, _ = tree
    editorial = fa.Hierarchy([(labels >= 5).astype(np.int32)], ["section"])
    found = fa.nested_under(editorial, X, graph, n_clusters=[4, 12])
    np.testing.assert_array_equal(found.labels("section"), editorial.labels())
    assert found.levels == ["section", "neighborhood", "microcluster"] and len(found.sizes(-1)) == 12
    assert fa.adjusted_rand_index(found.labels(-1), labels) > 0.95
    with pytest.raises(fa.InvalidArgumentError, match="'section'"):
        fa.nested_under(editorial, X, graph, levels=["section"])


def test_sizes_are_brought_within_bounds(tree):
    X, _, _, nested = tree
    bounded = fa.bound_sizes(nested, X, {"microcluster": (8, 20)})
    assert bounded.sizes(-1).max() <= 20 and bounded.sizes(-1).min() >= 8
    np.testing.assert_array_equal(bounded.labels(0), nested.labels(0))
    assert fa.bound_sizes(nested, X, [(1, None)] * 3) == nested
    with pytest.warns(fa.FilmAtlasWarning, match="stay outside 400 .. any"):
        fa.bound_sizes(nested, X, {"macro": (400, None)})
    with pytest.raises(fa.InvalidArgumentError, match="no level 'fine'"):
        fa.bound_sizes(nested, X, {"fine": (1, 2)})


def test_streams_of_batches():
    X, labels = make_blobs(600, centers=5, seed=9)
    model = fa.MiniBatchKMeans(5, random_state=0)
    for begin in range(0, 600, 100):
        assert model.partial_fit(X[begin : begin + 100]) is model
        assert len(model.labels_) == 100
    assert model.n_steps_ == 6 and model.counts_.sum() == 600
    assert fa.adjusted_rand_index(model.predict(X), labels) == 1
    np.testing.assert_allclose(
        model.cluster_centers_[model.predict(X[:1])[0]], X[labels == labels[0]].mean(axis=0), atol=1e-4
    )
    after = fa.MiniBatchKMeans(5, random_state=0).fit(X[:300])
    after.partial_fit(X[300:], sample_weight=np.full(300, 2.0))
    assert after.counts_.sum() == 900
    with pytest.raises(ValueError, match="features"):
        model.partial_fit(X[:, :3])
    assert not hasattr(model.fit(X), "counts_")


def test_plots(tree):
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("agg")
    from matplotlib import pyplot as plt

    X, _, _, nested = tree
    Z = fa.linkage(X)
    fit = fa.hdbscan(X, 5)
    for axes in (
        fa.plot_dendrogram(Z, n_clusters=[3, 12]),
        fa.plot_dendrogram(fa.linkage(X[:2])),
        fa.plot_condensed_tree(fit),
        fa.plot_condensed_tree(fit.condensed_tree),
        fa.plot_persistence_trace(fit),
        fa.plot_level_sizes(nested),
    ):
        axes.figure.canvas.draw()
        assert axes.lines or axes.collections
    given = plt.figure().add_subplot()
    assert fa.plot_dendrogram(Z, given, max_leaves=20) is given
    assert len(given.collections[0].get_segments()) == 20
    heights = [line.get_ydata()[0] for line in fa.plot_dendrogram(Z, n_clusters=[3]).lines]
    assert Z[-3, 2] < heights[0] < Z[-2, 2]
    plt.close("all")
    for plot in (fa.plot_condensed_tree, fa.plot_persistence_trace, fa.plot_level_sizes):
        with pytest.raises(fa.DataTypeError):
            plot(Z)
