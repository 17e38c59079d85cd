# SPDX-License-Identifier: MIT
"""How far maps may be trusted: classes, triplets, seeds and subsamples, whose land items stand on."""

import functools

import numpy as np
import pytest

import filmatlas as fa


@pytest.fixture(scope="module")
def words(blobs):
    _, truth = blobs
    return np.array(["drama", "noir", "comedy", "war", "musical", "western"])[truth]


def test_label_agreement_is_scikit_learns_vote(blobs, words):
    X, truth = blobs
    noisy = X + np.random.default_rng(1).normal(scale=6, size=X.shape)
    graph = fa.knn_graph(noisy.astype(np.float32), 7, metric="euclidean")
    found = fa.label_agreement(graph, words)
    assert found.items == 240 and 0.2 < found.accuracy < 1
    same = truth[graph.indices] == truth[:, None]
    np.testing.assert_allclose(found.agreement_per_item, same.mean(axis=1), rtol=1e-6)
    assert found.agreement == pytest.approx(same.mean())
    neighbors = pytest.importorskip("sklearn.neighbors")
    model = neighbors.KNeighborsClassifier(7, metric="precomputed")
    far = np.full((240, 240), 2.0)
    np.put_along_axis(far, graph.indices.astype(int), np.arange(7) / 7, axis=1)
    theirs = model.fit(np.zeros((240, 240)), words).predict(far)
    assert found.accuracy == np.mean(theirs == words)
    np.testing.assert_array_equal(np.unique(words)[found.vote], theirs)


def test_label_agreement_of_unknown_classes_and_fewer_neighbours(blobs):
    X, truth = blobs
    ids = fa.knn_graph(X, 5, metric="euclidean").indices
    some = np.where(np.arange(240) % 3 == 0, -1, truth)
    found = fa.label_agreement(ids, some, k=2)
    assert found.items <= 160 and np.isnan(found.agreement_per_item[0])
    assert repr(found).startswith("LabelAgreement(")
    with pytest.raises(fa.InvalidArgumentError, match="k"):
        fa.label_agreement(ids, truth, k=6)
    with pytest.raises(fa.ShapeError, match="labels"):
        fa.label_agreement(ids, truth[:7])


def test_report_has_triplets_and_classes(blobs, words):
    X, _ = blobs
    flat = fa.pca(X, 2).transformed
    report = fa.quality_report(X, flat, k=(5, 15), metric="euclidean", labels=words)
    near = fa.knn_graph(flat, 15, metric="euclidean")
    for entry in report:
        assert entry.label_accuracy == fa.label_agreement(near, words, k=entry.k).accuracy
        assert entry.label_accuracy_full == 1
        assert 0.5 < entry.random_triplets < 1
    assert report[0].to_dict()["label_accuracy"] == report[0].label_accuracy
    plain = fa.quality_report(X, flat, k=5, metric="euclidean", triplet_samples=0)[0]
    assert plain.to_dict()["random_triplets"] is None and plain.to_dict()["label_accuracy"] is None
    assert fa.quality_report(flat, flat, k=5, metric="euclidean")[0].random_triplets == 1


def test_stability_over_seeds(blobs):
    X, _ = blobs
    lay_out = functools.partial(fa.umap, metric="euclidean", n_epochs=60, measure=False)
    maps = fa.resampled_maps(lay_out, X, maps=3)
    assert len(maps) == 3 and not np.array_equal(maps[0], maps[1])
    np.testing.assert_array_equal(maps[1], lay_out(X, random_state=43).coordinates)
    found = fa.map_stability(maps, k=10)
    assert found.pairs == 3 and found.kept_per_item.shape == found.moved_per_item.shape == (240,)
    assert found.kept_neighbors == pytest.approx(found.kept_per_item.mean(), rel=1e-6)
    assert found.moved == pytest.approx(found.moved_per_item.mean(), rel=1e-6)
    assert 0.1 < found.kept_neighbors < 1 and 0 < found.moved < 1.4
    assert repr(found).startswith("MapStability(3 pairs")
    same = fa.map_stability([fa.pca_map(X), fa.pca_map(X)])
    assert same.kept_neighbors == 1 and same.moved == pytest.approx(0, abs=1e-6)


def test_stability_over_subsamples(blobs):
    X, _ = blobs
    maps = fa.resampled_maps(lambda part, random_state: fa.pca_map(part), X, maps=4, share=0.75, random_state=5)
    there = np.isfinite(np.stack(maps)).all(axis=2)
    np.testing.assert_array_equal(there.sum(axis=1), 180)
    assert not np.array_equal(there[0], there[1])
    found = fa.map_stability(maps)
    together = there.sum(axis=0) >= 2
    np.testing.assert_array_equal(np.isfinite(found.kept_per_item), together)
    assert found.kept_neighbors > 0.5  # the plane of most variance hardly depends on the part
    procrustes = pytest.importorskip("scipy.spatial").procrustes
    both = there[0] & there[1]
    pair = fa.map_stability(maps[:2])
    first, second, _ = procrustes(maps[0][both].astype(np.float64), maps[1][both].astype(np.float64))
    ours = np.square(pair.moved_per_item[both].astype(np.float64)).mean()
    # Theirs lets the second map shrink, ours keeps both at a radius of 1.
    assert 0 <= ours / 2 - np.square(first - second).sum() / 2 < 0.01


def test_bad_maps_are_named(blobs):
    X, _ = blobs
    with pytest.raises(fa.InvalidArgumentError, match="two or more"):
        fa.map_stability([X[:, :2]])
    with pytest.raises(fa.ShapeError, match="map 1"):
        fa.map_stability([X[:, :2], X[:100, :2]])
    with pytest.raises(fa.ShapeError, match="placed 7 items of 240"):
        fa.resampled_maps(lambda part, random_state: part[:7, :2], X)
    with pytest.raises(fa.InvalidArgumentError, match="share"):
        fa.resampled_maps(fa.umap, X, share=0)


def test_territory_purity(blobs):
    X, truth = blobs
    layout = fa.pca_map(X)
    tree = fa.Hierarchy.from_labels([truth // 2, truth])
    land = fa.territories(layout, tree)
    purity = fa.territory_purity(land, tree)
    assert purity.nodes.shape == land.inside.shape and purity.levels.shape == (2,)
    for number, level in enumerate(land.levels):
        standing = (land.item_node >= 0).sum()
        assert purity.levels[number] == pytest.approx(level.inside / standing)
    with pytest.raises(TypeError):
        fa.territory_purity(layout, tree)
