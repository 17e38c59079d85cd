# SPDX-License-Identifier: MIT
"""Territories: geometry against shapely-free checks, the mode of the map that keeps them whole, figures, pictures."""

import pickle

import numpy as np
import pytest

import filmatlas as fa

rng = np.random.default_rng(11)
N = 900
LEAF = np.arange(N) % 9
CENTRES = rng.normal(size=(9, 16))
X = (CENTRES[LEAF] * 1.2 + rng.normal(size=(N, 16))).astype(np.float32)
TREE = fa.Hierarchy([LEAF // 3, LEAF])
GRAPH = fa.knn_graph(X, 15)


@pytest.fixture(scope="module")
def maps():
    plain = fa.atlas_map(X, graph=GRAPH, n_iter=100)
    drawn = fa.atlas_map(X, graph=GRAPH, n_iter=100, levels=TREE, mode="territories")
    return plain, drawn


def test_cells_say_who_owns_what(maps):
    for layout in maps:
        land = fa.territories(layout, TREE)
        core = land._core
        column, row = (
            np.floor((layout.coordinates.astype(np.float64) - [core.x0, core.y0]) / core.cell).astype(int).T
        )
        np.testing.assert_array_equal(land.cells[row, column], land.item_node)
        assert (land.item_node >= 0).all()
        # Children tile their parents: areas of pieces against counts of cells.
        nodes = TREE.nodes()
        areas = np.array([sum(piece.area for piece in land.pieces(node.id)) for node in nodes])
        finest = TREE.num_levels - 1
        counted = np.bincount(land.cells[land.cells >= 0], minlength=len(nodes)) * core.cell**2
        for node in nodes:
            if node.level == finest:
                assert areas[node.id] == pytest.approx(counted[node.id])
            else:
                assert areas[node.id] == pytest.approx(
                    sum(areas[child.id] for child in nodes if child.parent == node.id)
                )


def test_rings_enclose_their_items(maps):
    path = pytest.importorskip("matplotlib.path")
    layout = maps[0]
    land = fa.territories(layout, TREE)
    for node in TREE.nodes():
        inside = np.zeros(N, dtype=bool)
        for piece in land.pieces(node.id):
            odd = [path.Path(ring).contains_points(layout.coordinates) for ring in piece.rings]
            inside ^= np.logical_xor.reduce(odd)
            assert piece.items > 0
        own = np.asarray(TREE.labels(node.level)) == node.id - min(
            n.id for n in TREE.nodes() if n.level == node.level
        )
        assert inside[own].mean() == pytest.approx(land.inside[node.id], abs=1e-6)


def test_the_checker_agrees_and_finds_faults(maps):
    for layout in maps:
        land = fa.territories(layout, TREE)
        report = fa.check_territories(layout, TREE, land)
        assert report.ok and not report.warnings, report.to_text()
        assert fa.check_territories(layout, TREE, land.smooth()).ok
    elsewhere = np.array(maps[0].coordinates)[::-1].copy()
    report = fa.check_territories(elsewhere, TREE, fa.territories(maps[0], TREE))
    assert [finding.code for finding in report.warnings] == ["territories.items"]


def test_the_mode_keeps_territories_whole_and_says_the_price(maps):
    plain, drawn = maps
    compared = fa.compare_maps(X, {"plain": plain, "territories": drawn}, TREE, graph=GRAPH)
    for level in compared.territories["territories"].levels:
        assert level.one_piece == level.nodes
        assert level.in_main == level.items == N
    assert compared.territories["plain"].levels[1].in_main < N
    first, second = compared.rows()
    assert first["kept_neighbors_loss"] == 0
    assert second["kept_neighbors_loss"] == pytest.approx(
        compared.quality["plain"].kept_neighbors - compared.quality["territories"].kept_neighbors
    )
    assert second["kept_neighbors_loss"] < 0.08
    assert "territories" in repr(compared) and "one piece" in repr(compared.territories["plain"])


@pytest.mark.parametrize("level", ["baseline", "avx2", "avx512"])
def test_same_bytes_everywhere(maps, level, monkeypatch):
    monkeypatch.setenv("FILMATLAS_SIMD", level)
    again = fa.atlas_map(
        X, graph=GRAPH, n_iter=100, levels=TREE, mode="territories", measure=False, num_threads=3
    )
    np.testing.assert_array_equal(again.coordinates, maps[1].coordinates)
    one, two = fa.territories(maps[1], TREE), fa.territories(again, TREE)
    for name in ("points", "ring_arcs", "cells"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))


def test_hierarchy_start_parts_groups():
    for make in (fa.atlas_map, fa.umap):
        rounds = {"n_iter": 0, "gather_iter": 0} if make is fa.atlas_map else {"n_epochs": 0}
        options = {"graph": GRAPH, "measure": False, **rounds}
        Y = np.asarray(make(X, init="hierarchy", levels=TREE, **options).coordinates)
        middles = np.array([Y[LEAF == leaf].mean(axis=0) for leaf in range(9)])
        nearest = ((Y[:, None] - middles[None]) ** 2).sum(-1).argmin(axis=1)
        assert (nearest == LEAF).mean() > 0.9
        with pytest.raises(fa.InvalidArgumentError, match="levels"):
            make(X, init="hierarchy", **options)


def test_bad_arguments(maps):
    with pytest.raises(TypeError, match="Hierarchy"):
        fa.territories(maps[0], LEAF)
    with pytest.raises(fa.ShapeError, match="items"):
        fa.territories(maps[0].coordinates[:5].copy(), TREE)
    with pytest.raises(fa.InvalidArgumentError, match="mode"):
        fa.atlas_map(X, mode="islands")
    with pytest.raises(fa.InvalidArgumentError, match="levels"):
        fa.atlas_map(X, mode="territories")
    with pytest.raises(fa.InvalidArgumentError, match="empty"):
        fa.compare_maps(X, {})
    with pytest.raises(AttributeError, match="nonsense"):
        fa.territories(maps[0], TREE).nonsense  # noqa: B018


def test_plot_map_keeps_texts_apart(maps):
    pytest.importorskip("matplotlib").use("Agg")
    import matplotlib.pyplot as plt

    land = fa.territories(maps[1], TREE)
    texts = [f"a name of some length {i}" for i in range(9)]
    axes = fa.plot_map(maps[1], TREE, level=1, texts=texts, territories=land, size=5)
    figure = axes.get_figure()
    figure.canvas.draw()
    boxes = [text.get_window_extent() for text in axes.texts]
    assert len(boxes) >= 5
    for i, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[:i])
    plt.close(figure)
    with pytest.raises(fa.ShapeError, match="texts"):
        fa.plot_map(maps[1], TREE, level=0, texts=texts)
    plt.close("all")


def test_estimators_carry_what_users_know(maps):
    y = np.where(LEAF == 8, -1, LEAF)
    free = fa.UMAP(n_epochs=60, random_state=0).fit(X)
    zero = fa.UMAP(n_epochs=60, random_state=0, target_weight=0.0).fit(X, y)
    np.testing.assert_array_equal(free.embedding_, zero.embedding_)
    mixed = rng.permutation(LEAF)
    names = np.array([f"class {i}" for i in mixed])
    np.testing.assert_array_equal(
        fa.UMAP(n_epochs=60, random_state=0).fit(X, mixed).embedding_,
        fa.UMAP(n_epochs=60, random_state=0).fit(X, names).embedding_,
    )
    with pytest.raises(ValueError, match="y has"):
        fa.UMAP().fit(X, y[:5])
    options = {"perplexity": 10.0, "max_iter": 60, "random_state": 0}
    tree = fa.TSNE(method="barnes_hut", **options).fit(X)
    np.testing.assert_array_equal(tree.transform(X[:7]), tree.embedding_[:7])
    assert not np.array_equal(tree.embedding_, fa.TSNE(method="fft", **options).fit_transform(X))
    with pytest.raises(ValueError, match="method"):
        fa.TSNE(method="guess").fit(X)
    share = fa.PCA(0.6).fit(X)
    kept = share.explained_variance_ratio_
    assert kept.sum() >= 0.6 > kept[:-1].sum() and share.transform(X).shape == (N, share.n_components_)
    model = fa.PaCMAP(2, 10, 0.5, 2.0, n_iter=(5, 5, 5), random_state=0)
    assert pickle.loads(pickle.dumps(model.fit(X))).transform(X[:3]).shape == (3, 2)
