# SPDX-License-Identifier: MIT
"""Maps: parity with umap-learn step by step, placing, updating, pulling, sweeping."""

import numpy as np
import pytest

import filmatlas as fa

rng = np.random.default_rng(7)
CENTRES = rng.normal(size=(6, 12)) * 6
LABELS = np.arange(600) % 6
X = (CENTRES[LABELS] + rng.normal(size=(600, 12))).astype(np.float32)
GRAPH = fa.knn_graph(X, 15, metric="euclidean")


def kept(Y, truth, base=None, k=15):
    """Share of `truth` among the k nearest of each row of Y in `base` (Y itself, without the row, when absent)."""
    own = base is None
    base = Y if own else base
    d = ((Y[:, None].astype(np.float64) - base[None]) ** 2).sum(-1)
    if own:
        np.fill_diagonal(d, np.inf)
    near = np.argsort(d, axis=1, kind="stable")[:, :k]
    return np.mean([len(set(a) & set(b)) for a, b in zip(near.tolist(), truth[:, :k].tolist())]) / k


# --- parity ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("spread,min_dist,a,b", [(1, 0.1, 1.57694346, 0.89506088), (1, 0.001, 1.92907340, 0.79150453)])
def test_curve_is_umap_learns(spread, min_dist, a, b):
    assert fa.umap_curve(spread, min_dist) == pytest.approx((a, b), rel=1e-6)


def test_smooth_knn_rows_add_up():
    for connectivity in (1.0, 1.75):
        sigma, rho = fa.smooth_knn(GRAPH, 10, local_connectivity=connectivity)
        gaps = np.maximum(GRAPH.distances[:, :9] - rho[:, None], 0)
        np.testing.assert_allclose(1 + np.exp(-gaps / sigma[:, None]).sum(1), 1 + np.log2(10), atol=1e-3)


@pytest.mark.parametrize("mix,connectivity", [(1.0, 1.0), (0.5, 1.0), (0.0, 1.0), (1.0, 1.5)])
def test_fuzzy_graph_is_umap_learns(mix, connectivity):
    umap_ = pytest.importorskip("umap.umap_")
    ids = np.hstack([np.arange(600)[:, None], GRAPH.indices[:, :14]])
    distances = np.hstack([np.zeros((600, 1), np.float32), GRAPH.distances[:, :14]])
    theirs = umap_.fuzzy_simplicial_set(
        X,
        15,
        np.random.RandomState(0),
        "euclidean",
        knn_indices=ids,
        knn_dists=distances,
        set_op_mix_ratio=mix,
        local_connectivity=connectivity,
    )[0]
    ours = fa.fuzzy_graph(GRAPH, 15, set_op_mix_ratio=mix, local_connectivity=connectivity)
    np.testing.assert_allclose(ours.toarray(), theirs.toarray(), atol=1e-5)
    labels = np.where(LABELS == 5, -1, LABELS)
    pulled = umap_.discrete_metric_simplicial_set_intersection(theirs.copy(), labels, far_dist=5.0)
    np.testing.assert_allclose(fa.pull_to_classes(ours, labels).toarray(), pulled.toarray(), atol=1e-5)


def test_bandwidth_is_umap_learns():
    umap_ = pytest.importorskip("umap.umap_")
    distances = np.hstack([np.zeros((600, 1), np.float32), GRAPH.distances[:, :14]])
    sigma, rho = umap_.smooth_knn_dist(distances, 15.0, bandwidth=1.4)
    ours = fa.smooth_knn(GRAPH, 15, bandwidth=1.4)
    np.testing.assert_allclose(ours[0], sigma, rtol=1e-3)
    np.testing.assert_allclose(ours[1], rho, rtol=1e-5)


def test_neighbours_that_are_too_far_are_none():
    far = float(np.quantile(GRAPH.distances, 0.3))
    weights = fa.fuzzy_graph(GRAPH, 15, disconnection_distance=far).toarray()
    linked = np.zeros((600, 600), dtype=bool)
    near = GRAPH.distances[:, :14] < far
    linked[np.repeat(np.arange(600), near.sum(1)), GRAPH.indices[:, :14][near]] = True
    np.testing.assert_array_equal(weights > 0, linked | linked.T)
    options = {"metric": "euclidean", "n_epochs": 20, "measure": False}
    cut = fa.umap(X, **options, disconnection_distance=far).coordinates
    assert np.isfinite(cut).all() and not np.array_equal(cut, fa.umap(X, **options).coordinates)
    model = fa.UMAP(n_epochs=20, disconnection_distance=far, random_state=0)
    np.testing.assert_array_equal(model.fit_transform(X), cut)
    with pytest.raises(fa.InvalidArgumentError, match="disconnection_distance"):
        fa.umap(X, **options, disconnection_distance=-1)


def test_classes_pull_with_a_true_zero():
    random = rng.integers(3, size=600)
    options = {"graph": GRAPH, "init": "pca", "n_epochs": 60, "measure": False}
    plain = fa.umap(X, **options).coordinates
    zero = fa.umap(X, **options, y=random, target_weight=0.0).coordinates
    np.testing.assert_array_equal(plain, zero)
    pulled = fa.umap(X, **options, y=random, target_weight=0.9).coordinates

    def agree(Y):
        d = ((Y[:, None] - Y[None]) ** 2).sum(-1)
        np.fill_diagonal(d, np.inf)
        return np.mean(random[np.argsort(d, axis=1)[:, :5]] == random[:, None])

    assert agree(pulled) > agree(plain) + 0.3


@pytest.mark.parametrize("make", [fa.umap, fa.atlas_map])
def test_levels_pull_with_a_true_zero_and_a_price(make):
    levels = np.stack([rng.integers(2, size=600), rng.integers(6, size=600)], axis=1)
    options = {"graph": GRAPH, "init": "pca"}
    maps = [make(X, **options, levels=levels, hierarchy_pull=pull) for pull in (0.0, 2.0, 6.0)]
    np.testing.assert_array_equal(maps[0].coordinates, make(X, **options, measure=False).coordinates)
    prices = [layout.quality.kept_neighbors for layout in maps]
    assert prices[0] > prices[1] > prices[2]


def test_mobility_pins():
    start = fa.umap(X, graph=GRAPH, n_epochs=0, measure=False).coordinates
    mobility = np.ones(600)
    mobility[:100] = 0
    moved = fa.umap(X, graph=GRAPH, init=start, mobility=mobility, n_epochs=30, measure=False).coordinates
    np.testing.assert_array_equal(moved[:100], start[:100])
    assert np.abs(moved[100:] - start[100:]).max() > 0.1


# --- the dial --------------------------------------------------------------------------------------------------------
def test_attraction_words_are_numbers():
    for word, number in (("faithful", 1.0), ("balanced", 1.5), ("clustered", 2.0)):
        options = {"graph": GRAPH, "n_iter": 20, "measure": False}
        a, b = (fa.atlas_map(X, attraction=value, **options).coordinates for value in (word, number))
        np.testing.assert_array_equal(a, b)
    with pytest.raises(fa.InvalidArgumentError, match="faithful, balanced, clustered"):
        fa.atlas_map(X, attraction="strong")


def test_grid_and_tree_agree_on_the_map():
    maps = [fa.tsne(X, perplexity=10, n_iter=250, repulsion=r, measure=False).coordinates for r in ("tree", "grid")]
    truth = fa.knn_graph(X, 15).indices
    assert abs(kept(maps[0], truth) - kept(maps[1], truth)) < 0.03


# --- new items -------------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def fitted():
    return fa.atlas_map(X[:540], metric="euclidean", measure=False)


def place(Q, layout, **options):
    return fa.place_items(Q, layout, X[:540], metric="euclidean", **options)


def test_placed_items_lie_among_their_neighbours(fitted):
    before = np.array(fitted.coordinates)
    placed = place(X[540:], fitted)
    assert kept(placed.coordinates, placed.neighbors, fitted.coordinates) > 0.4
    np.testing.assert_array_equal(fitted.coordinates, before)
    assert placed.outside.mean() < 0.1


def test_placing_one_by_one_equals_together(fitted):
    index = fa.KnnIndex(X[:540], metric="euclidean")
    graph = fa.knn_graph(X[:540], 15, metric="euclidean")
    together = place(X[540:], fitted, index=index, graph=graph)
    for threads in (2, 3, 8):
        again = place(X[540:], fitted, index=index, graph=graph, num_threads=threads)
        np.testing.assert_array_equal(again.coordinates, together.coordinates)
    for i in range(60):
        one = place(X[540 + i : 541 + i], fitted, index=index, graph=graph)
        assert one.coordinates.tobytes() == together.coordinates[i : i + 1].tobytes()
        assert one.out_of_map[0] == together.out_of_map[i]


def test_a_placer_keeps_what_the_map_takes(fitted):
    placer = fa.MapPlacer(fitted, X[:540], metric="euclidean", share=0.9)
    together = place(X[540:], fitted, share=0.9)
    for i in range(60):
        one = placer.place(X[540 + i : 541 + i])
        for name in ("coordinates", "out_of_map", "outside", "neighbors", "distances"):
            np.testing.assert_array_equal(getattr(one, name)[0], getattr(together, name)[i])
    np.testing.assert_array_equal(together.outside, together.out_of_map > placer.limit)
    assert 0 < together.outside.sum() < 60
    assert repr(placer) == "MapPlacer(540 items, k=15)"
    with pytest.raises(fa.InvalidArgumentError, match="share = 2"):
        fa.MapPlacer(fitted, X[:540], share=2)
    with pytest.raises(fa.ShapeError, match="540 items, X has 600"):
        fa.MapPlacer(fitted, X)


def test_items_of_the_map_land_on_themselves(fitted):
    placed = place(X[:540], fitted)
    np.testing.assert_array_equal(placed.coordinates, fitted.coordinates)


def test_a_class_that_is_not_on_the_map_is_flagged():
    inside = LABELS != 3
    train = inside & (np.arange(600) % 10 != 0)
    layout = fa.atlas_map(X[train], metric="euclidean", measure=False)
    tested = ~train
    placed = fa.place_items(X[tested], layout, X[train], metric="euclidean")
    strange = LABELS[tested] == 3
    better = (placed.out_of_map[strange][:, None] > placed.out_of_map[~strange]).mean()
    assert better >= 0.9  # the area under the ROC curve


def test_update_keeps_what_is_known(fitted):
    update = fa.update_map(X, fitted, metric="euclidean")
    assert update.num_known == 540
    assert update.median_drift <= update.largest_drift <= 0.0101
    whole = fa.atlas_map(X, metric="euclidean", measure=False)
    truth = fa.knn_graph(X, 15, metric="euclidean").indices
    assert kept(update.layout.coordinates, truth) > kept(whole.coordinates, truth) - 0.05
    pinned = fa.update_map(X, fitted, metric="euclidean", max_drift=0.0)
    np.testing.assert_array_equal(pinned.layout.coordinates[:540], fitted.coordinates)


def test_aligned_maps_keep_places_from_slice_to_slice():
    slices = [X[:400], X[100:500], X[200:600]]
    ids = [range(400), range(100, 500), range(200, 600)]
    maps = fa.aligned_maps(slices, ids, metric="euclidean", max_drift=0.05)
    for number in (1, 2):
        before, after = np.array(maps[number - 1].coordinates)[100:], np.array(maps[number].coordinates)[:300]
        side = np.ptp(before, axis=0).max()
        assert np.linalg.norm(before - after, axis=1).max() <= 0.06 * max(side, 20)
        assert np.isfinite(maps[number].coordinates).all()


# --- the other maps --------------------------------------------------------------------------------------------------
def test_pacmap_and_pca_answer_as_the_others_do():
    layout = fa.pacmap(X, metric="euclidean")
    assert layout.method == "pacmap" and layout.quality.trustworthiness > 0.9
    flat = fa.pca_map(X, metric="euclidean")
    assert flat.method == "pca" and 0 < flat.quality.kept_neighbors < layout.quality.kept_neighbors
    np.testing.assert_array_equal(flat.coordinates, fa.pca(X, 2).transformed)


def test_pacmap_estimator():
    model = fa.PaCMAP(random_state=0, n_iter=(50, 50, 100)).fit(X[:540])
    np.testing.assert_array_equal(model.transform(X[:540]), model.embedding_)
    truth, _ = fa.KnnIndex(X[:540], metric="euclidean").query(X[540:], 15)
    assert kept(model.transform(X[540:]), truth, model.embedding_) > 0.3
    assert model.get_feature_names_out().tolist() == ["pacmap0", "pacmap1"]


# --- sweeps ----------------------------------------------------------------------------------------------------------
def test_sweep_is_as_good_as_single_maps():
    grid = fa.sweep(X, n_neighbors=(5, 10), min_dist=(0.0, 0.5), metric="euclidean", n_epochs=30)
    assert [cell.options for cell in grid] == [
        {"n_neighbors": k, "min_dist": d} for k in (5, 10) for d in (0.0, 0.5)
    ]
    for cell in grid:
        assert cell.layout.quality.kept_neighbors > 0.1
    alone = fa.umap(X, graph=GRAPH, n_neighbors=10, min_dist=0.5, n_epochs=30, measure=False)
    truth = GRAPH.indices
    assert abs(kept(np.array(grid[3].layout.coordinates), truth) - kept(np.array(alone.coordinates), truth)) < 0.05
    with pytest.raises(fa.InvalidArgumentError, match="axis"):
        fa.sweep(X, n_neighbors=())


@pytest.mark.parametrize("level", ["baseline", "avx2", "avx512"])
@pytest.mark.parametrize("make", [fa.umap, fa.tsne, fa.atlas_map, fa.pacmap])
def test_same_bytes_everywhere(make, level, monkeypatch):
    few = {
        "umap": {"n_epochs": 20},
        "tsne": {"early_exaggeration_iter": 20, "n_iter": 20, "perplexity": 5},
        "atlas_map": {"n_iter": 20},
        "pacmap": {"n_iter": (10, 10, 10)},
    }
    options = {"graph": GRAPH, "measure": False, **few[make.__name__]}
    plain = make(X, **options, num_threads=1).coordinates
    monkeypatch.setenv("FILMATLAS_SIMD", level)
    for threads in (1, 2, 3, 8):
        assert make(X, **options, num_threads=threads).coordinates.tobytes() == plain.tobytes()
