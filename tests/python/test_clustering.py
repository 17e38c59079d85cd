# SPDX-License-Identifier: MIT
"""Linkage trees, k-means and choose_k, flat scores: against SciPy and scikit-learn where they are installed."""

from __future__ import annotations

import numpy as np
import pytest

import filmatlas as fa

METHODS = ("single", "complete", "average", "weighted", "ward", "centroid", "median")


@pytest.fixture(scope="module")
def points():
    return np.random.default_rng(3).normal(size=(150, 6))


@pytest.mark.parametrize("method", METHODS)
def test_linkage_equals_scipy(points, method):
    hierarchy = pytest.importorskip("scipy.cluster.hierarchy")
    distance = pytest.importorskip("scipy.spatial.distance")
    y = distance.pdist(points)
    expected = hierarchy.linkage(points, method)
    square = distance.squareform(y)
    for tree in (
        fa.linkage(points, method=method),
        fa.linkage(y, method=method),
        fa.linkage(square, method=method, metric="precomputed"),
    ):
        np.testing.assert_array_equal(tree[:, [0, 1, 3]], expected[:, [0, 1, 3]])
        np.testing.assert_allclose(tree[:, 2], expected[:, 2], rtol=0, atol=1e-12)


@pytest.mark.parametrize("method", METHODS)
def test_linkage_of_many_items_equals_scipy(method):
    """Beyond 2,048 items the merging goes in rounds."""
    hierarchy = pytest.importorskip("scipy.cluster.hierarchy")
    X = np.random.default_rng(5).normal(size=(2200, 7))
    tree = fa.linkage(X, method=method)
    expected = hierarchy.linkage(X, method)
    np.testing.assert_array_equal(tree[:, [0, 1, 3]], expected[:, [0, 1, 3]])
    np.testing.assert_allclose(tree[:, 2], expected[:, 2], rtol=0, atol=1e-12)


def test_linkage_refuses_what_is_no_distance(points):
    square = np.abs(points[:, :1] - points[:, 0])
    bad = square.copy()
    bad[3, 5] += 1
    with pytest.raises(fa.InvalidArgumentError, match="not symmetric.*row 3"):
        fa.linkage(bad, metric="precomputed")
    bad = square + np.eye(len(square))
    with pytest.raises(fa.InvalidArgumentError, match="diagonal"):
        fa.linkage(bad, metric="precomputed")
    with pytest.raises(fa.ShapeError):
        fa.linkage(points, metric="precomputed")
    holed = points.copy()
    holed[7, 2] = np.nan
    with pytest.raises(ValueError, match="row 7"):
        fa.linkage(holed)
    with pytest.raises(fa.MemoryLimitError, match="needs .* bytes, the limit is 1000"):
        fa.linkage(points, memory_limit=1000)
    assert fa.linkage_memory(100_000, 384) < 2e9 < fa.linkage_memory(100_000, 384, method="complete")
    with pytest.raises(fa.Cancelled):
        fa.linkage(points, progress=lambda stage, done, total: False)


def test_cuts_and_dendrogram_equal_scipy(points):
    hierarchy = pytest.importorskip("scipy.cluster.hierarchy")
    distance = pytest.importorskip("scipy.spatial.distance")
    y = distance.pdist(points)
    Z = fa.linkage(points, method="average")
    for t in (0.3, 0.8, 1.0):
        theirs = hierarchy.fcluster(Z, t, "inconsistent", depth=3)
        ours = fa.cut_linkage(Z, inconsistency=t, depth=3)
        assert fa.adjusted_rand_index(ours, theirs) == 1 and ours.max() + 1 == theirs.max()
    np.testing.assert_allclose(fa.inconsistency(Z, 4), hierarchy.inconsistent(Z, 4), atol=1e-12)
    np.testing.assert_array_equal(fa.cophenetic_distances(Z), hierarchy.cophenet(Z))
    assert fa.cophenetic_correlation(Z, y) == pytest.approx(hierarchy.cophenet(Z, y)[0], abs=1e-10)
    np.testing.assert_array_equal(fa.leaf_order(Z), hierarchy.leaves_list(Z))
    square = distance.squareform(y)

    def length(order):
        return square[order[:-1], order[1:]].sum()

    best = hierarchy.leaves_list(hierarchy.optimal_leaf_ordering(Z, y))
    assert length(fa.leaf_order(Z, square)) <= length(best) + 1e-9
    with pytest.raises(TypeError, match="one of"):
        fa.cut_linkage(Z, 3, height=1.0)
    with pytest.raises(TypeError, match="one of"):
        fa.cut_linkage(Z)
    with pytest.raises(ValueError, match="limit is 4096"):
        fa.leaf_order(fa.linkage(np.arange(5000.0)[:, None], method="single"), np.zeros(5000 * 4999 // 2))


def test_linkage_along_a_graph(points):
    graph = fa.knn_graph(points, 4, metric="euclidean")
    tree, components = fa.linkage_on_graph(points, graph)
    np.testing.assert_array_equal(fa.linkage(points, connectivity=graph), tree)
    blocks = np.concatenate([points, points + 1000])
    tree, components = fa.linkage_on_graph(blocks, fa.knn_graph(blocks, 4, metric="euclidean"))
    assert components == 2 and tree[-1, 3] == 300
    with pytest.raises(ValueError, match="cosine or sqeuclidean"):
        fa.linkage(points, method="average", connectivity=graph)
    cluster = pytest.importorskip("sklearn.cluster")
    neighbors = pytest.importorskip("sklearn.neighbors")
    sparse = neighbors.kneighbors_graph(points, 6)
    ours = fa.AgglomerativeClustering(5, connectivity=sparse).fit(points)
    theirs = cluster.AgglomerativeClustering(5, connectivity=sparse + sparse.T, compute_distances=True).fit(
        points
    )
    assert ours.n_connected_components_ == 1
    assert fa.adjusted_rand_index(ours.labels_, theirs.labels_) == 1
    np.testing.assert_allclose(ours.distances_, theirs.distances_, atol=1e-12)
    full = fa.AgglomerativeClustering(5, connectivity=sparse.toarray()).fit(points)
    np.testing.assert_array_equal(full.labels_, ours.labels_)
    lazy = fa.AgglomerativeClustering(5, connectivity=lambda X: fa.knn_graph(X, 6, metric="euclidean")).fit(
        points
    )
    np.testing.assert_array_equal(lazy.labels_, ours.labels_)
    threshold = float(np.median(ours.distances_)) + 1e-9
    cut = {"n_clusters": None, "distance_threshold": threshold, "connectivity": sparse}
    assert (
        fa.AgglomerativeClustering(**cut).fit(points).n_clusters_
        == cluster.AgglomerativeClustering(**cut).fit(points).n_clusters_
    )


def test_agglomerative_precomputed(points):
    cluster = pytest.importorskip("sklearn.cluster")
    square = np.sqrt(((points[:, None] - points) ** 2).sum(axis=-1))
    square = (square + square.T) / 2
    for options in ({"linkage": "average"}, {"linkage": "complete"}, {"linkage": "single"}):
        ours = fa.AgglomerativeClustering(6, metric="precomputed", **options).fit(square)
        theirs = cluster.AgglomerativeClustering(6, metric="precomputed", **options).fit(square)
        assert fa.adjusted_rand_index(ours.labels_, theirs.labels_) == 1


def test_kmeans_starts(blobs):
    X, truth = blobs
    full = fa.kmeans(X, 6, random_state=0)
    given = fa.kmeans(X, 6, start=full.centroids)
    assert given.inertia <= full.inertia and given.run.iterations <= 2
    parts = fa.kmeans(X, 6, start="parts", random_state=1)
    np.testing.assert_array_equal(parts.centroids, fa.kmeans(X, 6, start="parts", random_state=2).centroids)
    batches = fa.kmeans(X, 6, batch_size=60, random_state=0)
    assert fa.adjusted_rand_index(truth, batches.labels) > 0.9
    np.testing.assert_array_equal(batches.labels, fa.assign_to_centroids(X, batches.centroids))
    with pytest.raises(ValueError, match="k-means\\+\\+, random or parts"):
        fa.kmeans(X, 6, start="best")
    with pytest.raises(fa.ShapeError):
        fa.kmeans(X, 5, start=full.centroids)
    for model in (
        fa.KMeans(6, init="parts"),
        fa.KMeans(6, init="random", random_state=1),
        fa.KMeans(6, init=full.centroids),
        fa.KMeans(6, init=lambda X, k, random_state: X[:k]),
        fa.MiniBatchKMeans(6, batch_size=50, random_state=0),
    ):
        assert model.fit(X).inertia_ < 3 * full.inertia
        np.testing.assert_array_equal(model.predict(X), model.labels_)


def test_choose_k(blobs):
    X, _ = blobs
    found = fa.choose_k(X, range(2, 11), n_init=3)
    assert found.elbow == 6 and set(found.best.values()) == {6}
    assert found.labels.shape == (9, len(X)) and "Davies" in repr(found)
    assert list(found.to_dict()) == [
        "k",
        "inertia",
        "silhouette",
        "davies_bouldin",
        "calinski_harabasz",
        "bend",
    ]
    metrics = pytest.importorskip("sklearn.metrics")
    wide = X.astype(np.float64)
    for i, labels in enumerate(found.labels):
        expected = metrics.silhouette_score(wide, labels, metric="sqeuclidean")
        assert found.silhouette[i] == pytest.approx(expected, abs=1e-6)
        assert found.davies_bouldin[i] == pytest.approx(metrics.davies_bouldin_score(wide, labels), rel=1e-9)
        assert found.calinski_harabasz[i] == pytest.approx(
            metrics.calinski_harabasz_score(wide, labels), rel=1e-9
        )
    frame = pytest.importorskip("pandas") and found.to_pandas()
    assert len(frame) == 9 and frame["k"].tolist() == list(range(2, 11))
    with pytest.raises(ValueError, match="rows"):
        fa.choose_k(X, [2, 10_000])


def test_flat_scores_equal_scikit_learn():
    rng = np.random.default_rng(0)
    a, b = rng.integers(-1, 6, 300), rng.integers(0, 9, 300)
    b[:150] = a[:150] + 1
    same = fa.match_labels(a, a)
    assert same.accuracy == 1 and (same.a == same.b).all()
    named = fa.match_labels(["x", "y", "x"], ["p", "q", "p"])
    assert named.accuracy == 1
    metrics = pytest.importorskip("sklearn.metrics")
    optimize = pytest.importorskip("scipy.optimize")
    scores = fa.v_measure(a, b, beta=0.7)
    assert scores["homogeneity"] == pytest.approx(metrics.homogeneity_score(a, b), rel=1e-12)
    assert scores["completeness"] == pytest.approx(metrics.completeness_score(a, b), rel=1e-12)
    assert scores["v"] == pytest.approx(metrics.v_measure_score(a, b, beta=0.7), rel=1e-12)
    assert fa.fowlkes_mallows(a, b) == pytest.approx(metrics.fowlkes_mallows_score(a, b), rel=1e-12)
    rows, columns, table = fa.contingency(a, b)
    expected = metrics.cluster.contingency_matrix(a, b)
    np.testing.assert_array_equal(table.toarray(), expected)
    assert rows.tolist() == np.unique(a).tolist() and columns.tolist() == np.unique(b).tolist()
    best = expected[optimize.linear_sum_assignment(-expected)].sum()
    assert fa.match_labels(a, b).accuracy == pytest.approx(best / 300)
