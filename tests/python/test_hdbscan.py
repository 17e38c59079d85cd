# SPDX-License-Identifier: MIT
"""HDBSCAN: pinned cases, invariants, and parity with hdbscan and scikit-learn where they are installed."""

from __future__ import annotations

import itertools
import pickle
import signal

import numpy as np
import pytest

import filmatlas as fa


def blobs(sizes, centers, spread, seed):
    rng = np.random.default_rng(seed)
    parts = [rng.normal(size=(n, len(c))) * s + c for n, c, s in zip(sizes, centers, spread)]
    return np.vstack(parts)


@pytest.fixture(scope="module")
def three():
    X = blobs([60, 70, 80], [(0, 0), (5, 0), (0, 5)], [0.4, 0.5, 0.6], 1)
    return np.vstack([X, np.random.default_rng(2).uniform(-4, 9, size=(40, 2))])


@pytest.fixture(scope="module")
def ranges():
    """Data of several kinds, for parity."""
    rng = np.random.default_rng(0)
    return {
        "blobs2": blobs([200] * 5, rng.uniform(-5, 5, size=(5, 2)), [0.3, 0.4, 0.5, 0.6, 0.7], 3),
        "blobs5": blobs([150] * 6, rng.uniform(-4, 4, size=(6, 5)), [0.5] * 6, 4),
        "uniform": rng.uniform(size=(400, 2)),
        "wide": blobs([60] * 6, rng.normal(size=(6, 40)) * 2, [1.0] * 6, 5).astype(np.float32),
    }


def same_partition(a, b):
    a, b = np.asarray(a), np.asarray(b)
    pairs = set(zip(a.tolist(), b.tolist()))
    return ((a < 0) == (b < 0)).all() and len(pairs) == len(set(a.tolist())) == len(set(b.tolist()))


def test_three_blobs(three):
    found = fa.hdbscan(three, 15)
    assert found.n_clusters == 3 and 0.8 < found.coverage < 1
    truth = np.repeat([0, 1, 2], [60, 70, 80])
    kept = found.labels[:210] >= 0
    assert fa.adjusted_rand_index(truth[kept], found.labels[:210][kept]) == 1
    assert found.probabilities.min() >= 0 and found.probabilities.max() == 1
    assert (found.probabilities[found.labels < 0] == 0).all()
    assert ((found.outlier_scores >= 0) & (found.outlier_scores <= 1)).all()
    assert ((found.persistence > 0) & (found.persistence <= 1)).all()
    assert "3 clusters" in repr(found)


def test_reference_cases_from_the_hdbscan_suite():
    rng = np.random.RandomState(0)
    data = rng.rand(150, 2)
    found = fa.hdbscan(data, 5, allow_single_cluster=True)
    assert found.n_clusters == 1 and (found.labels < 0).sum() == 46
    near = fa.hdbscan(data, 5, cluster_selection_epsilon=0.2, allow_single_cluster=True)
    assert near.n_clusters == 1 and (near.labels < 0).sum() == 2
    kept = fa.hdbscan(data, 5, cluster_selection_persistence=0.5)
    assert len(set(kept.labels.tolist())) == 7
    sklearn_way = fa.hdbscan(
        data, 5, min_samples_convention="include_self", cluster_selection_epsilon=0.18, allow_single_cluster=True
    )
    assert (sklearn_way.labels < 0).sum() == 2


def test_conventions_differ_by_one(three):
    a = fa.hdbscan(three, 10, min_samples=7)
    b = fa.hdbscan(three, 10, min_samples=8, min_samples_convention="include_self")
    np.testing.assert_array_equal(a.labels, b.labels)
    np.testing.assert_array_equal(a.core_distances, b.core_distances)


def test_fit_once_cut_many_equals_a_fresh_fit(three):
    fit = fa.hdbscan(three, 5, min_samples=6)
    grid = itertools.product((4, 9, 20), ("eom", "leaf"), (0.0, 0.4), (0.0, 0.2), (0, 70), (False, True))
    for size, method, epsilon, persistence, largest, single in grid:
        options = {
            "min_cluster_size": size,
            "cluster_selection_method": method,
            "cluster_selection_epsilon": epsilon,
            "cluster_selection_persistence": persistence,
            "max_cluster_size": largest,
            "allow_single_cluster": single,
        }
        cut, fresh = fit.cut(**options), fa.hdbscan(three, min_samples=6, **options)
        for name in ("labels", "probabilities", "outlier_scores", "persistence"):
            np.testing.assert_array_equal(getattr(cut, name), getattr(fresh, name))
        labels, probabilities, scores = fit.predict(three, cut=cut)
        np.testing.assert_array_equal(labels, cut.labels)
        np.testing.assert_array_equal(probabilities, cut.probabilities)
        np.testing.assert_array_equal(scores, cut.outlier_scores)


@pytest.mark.parametrize("metric", ["euclidean", "cosine", "manhattan"])
def test_row_order_and_threads_change_nothing(metric):
    rng = np.random.default_rng(7)
    X = rng.integers(0, 9, size=(300, 3)).astype(float) + 1  # full of ties and repeats
    base = fa.hdbscan(X, 6, metric=metric, num_threads=1)
    for seed, threads in zip(range(12), itertools.cycle((1, 2, 4, 8))):
        order = np.random.default_rng(seed).permutation(300)
        moved = fa.hdbscan(X[order], 6, metric=metric, num_threads=threads)
        np.testing.assert_array_equal(moved.labels, base.labels[order])
        np.testing.assert_array_equal(moved.probabilities, base.probabilities[order])


def test_wide_rows_do_not_mind_their_order(ranges):
    X = ranges["wide"]
    base = fa.hdbscan(X, 10, metric="cosine", num_threads=1)
    assert base.tree.method == "blocked" and base.tree.exact
    order = np.random.default_rng(0).permutation(len(X))
    np.testing.assert_array_equal(fa.hdbscan(X[order], 10, metric="cosine").labels, base.labels[order])


def test_duplicates_are_weights(three):
    times = 1 + np.arange(len(three)) % 3
    weighted = fa.hdbscan(three, 20, min_samples=5, sample_weight=times)
    repeated = fa.hdbscan(np.repeat(three, times, axis=0), 20, min_samples=5)
    np.testing.assert_array_equal(repeated.labels, np.repeat(weighted.labels, times))
    np.testing.assert_allclose(repeated.persistence, weighted.persistence, rtol=1e-12)


def test_invalid_rows_are_noise_and_change_nothing(three):
    bad = three.copy()
    bad[0], bad[5] = np.nan, [np.inf, 0]
    found, clean = fa.hdbscan(bad, 10), fa.hdbscan(np.delete(three, [0, 5], axis=0), 10)
    assert found.labels[0] == found.labels[5] == -1 and found.probabilities[0] == 0
    np.testing.assert_array_equal(np.delete(found.labels, [0, 5]), clean.labels)
    np.testing.assert_array_equal(np.delete(found.probabilities, [0, 5]), clean.probabilities)
    assert found.tree.invalid_rows.tolist() == [0, 5]


def test_never_breaks():
    assert len(fa.hdbscan(np.empty((0, 2)), 5).labels) == 0
    for X in (np.zeros((1, 3)), np.zeros((2, 1)), np.zeros((50, 3)), np.arange(7.0)[:, None]):
        found = fa.hdbscan(X, 100)
        assert (found.labels == -1).all()
        assert np.isfinite(found.condensed_tree.lambda_val).all()
        fa.hdbscan(X, 2, allow_single_cluster=True)
    one = fa.hdbscan(np.zeros((50, 3)), 5, allow_single_cluster=True)
    assert (one.labels == 0).all() and (one.probabilities == 1).all()
    assert fa.hdbscan(np.random.default_rng(0).normal(size=(60, 2)), 5, cluster_selection_epsilon=1000).n_clusters <= 1


def test_a_deep_tree_does_not_recurse():
    gaps = np.cumsum(1 + np.arange(50_000) * 1e-6)
    found = fa.hdbscan(gaps[:, None], 5, min_samples=1, ties="hdbscan")
    assert len(found.labels) == 50_000 and len(found.linkage) == 49_999


def test_other_inputs_agree(three):
    from_rows = fa.hdbscan(three, 12, min_samples=5)
    distances = np.sqrt(((three[:, None] - three[None]) ** 2).sum(-1))
    from_distances = fa.hdbscan(distances, 12, min_samples=5, metric="precomputed")
    assert same_partition(from_rows.labels, from_distances.labels)
    np.testing.assert_allclose(from_rows.core_distances, from_distances.core_distances, rtol=1e-12)
    graph = fa.knn_graph(three, len(three) - 1, metric="euclidean")
    assert same_partition(fa.hdbscan(graph, 12, min_samples=5).labels, from_rows.labels)
    tree = fa.SpanningTree.from_array(from_rows.tree.to_numpy())
    assert same_partition(fa.hdbscan(tree, 12).labels, from_rows.labels)
    rows = from_rows.condensed_tree
    again = fa.CondensedTree(rows.parent, rows.child, rows.lambda_val, rows.child_size).select()
    np.testing.assert_array_equal(again.labels, from_rows.labels)
    np.testing.assert_allclose(again.probabilities, from_rows.probabilities, rtol=1e-12)
    np.testing.assert_allclose(again.outlier_scores, from_rows.outlier_scores, atol=1e-12)
    with pytest.warns(fa.FilmAtlasWarning, match="approximate"):
        forest = fa.hdbscan(fa.knn_graph(three, 5, metric="euclidean"), 12, min_samples=5)
    assert len(forest.labels) == len(three) and 0 < forest.tree.certified <= 1


def test_flat_layers_dbscan_and_trace(three):
    fit = fa.hdbscan(three, 8)
    for k in (1, 2, 3):
        assert fit.flat(k).n_clusters == k
    assert fit.flat(10_000).n_clusters <= 20
    for layer in fit.layers():
        again = fit.cut(
            min_cluster_size=layer.options["min_cluster_size"],
            cluster_selection_method="leaf",
        )
        np.testing.assert_array_equal(layer.labels, again.labels)
    trace = fit.persistence_trace()
    for low, high, clusters in zip(trace["low"], trace["high"], trace["n_clusters"]):
        if high < 2 or high > 60:
            continue
        assert fit.cut(min_cluster_size=high, cluster_selection_method="leaf").n_clusters == clusters
        assert fit.cut(min_cluster_size=max(2, low + 1), cluster_selection_method="leaf").n_clusters == clusters
    at = fit.dbscan_clustering(0.4, 5)
    core = fit.core_distances
    assert (core[at >= 0] <= 0.4).all()
    assert fit.dbscan_clustering(1e9, 5).max() == 0


def test_membership_centers_and_validity(three):
    fit = fa.hdbscan(three, 15)
    soft = fit.membership_vectors()
    assert soft.shape == (len(three), fit.n_clusters)
    assert (soft >= 0).all() and (soft.sum(axis=1) <= 1 + 1e-9).all()
    sure = fit.probabilities > 0.8
    np.testing.assert_array_equal(soft[sure].argmax(axis=1), fit.labels[sure])
    np.testing.assert_allclose(fit.membership_vectors(three), soft, atol=1e-12)
    centroids, medoids = fit.centers()
    np.testing.assert_array_equal(fit.labels[medoids], np.arange(3))
    assert np.linalg.norm(centroids - three[medoids], axis=1).max() < 0.5
    for label, ids in enumerate(fit.exemplars):
        assert (fit.labels[ids] == label).all()
    labels, probabilities, _ = fit.predict(np.vstack([centroids, [[100.0, 100.0]], [[np.nan, 0]]]))
    assert labels.tolist() == [0, 1, 2, -1, -1] and probabilities[-1] == 0
    good, bad = fit.dbcv(), fa.density_validity(three, np.arange(len(three)) % 3)["score"]
    assert -1 <= bad < good <= 1
    assert -1 <= fit.relative_validity() <= 1


def test_tie_certificate_names_what_the_order_of_ties_can_change():
    random = np.random.default_rng(3)
    X = (random.integers(7, size=(240, 2)) + 11 * random.integers(3, size=(240, 1))).astype(np.float64)
    fit = fa.hdbscan(X, 6, min_samples=3, ties="hdbscan")
    sure = fit.tie_certificate()
    assert sure.dtype == bool and 0 < sure.sum() < len(X)
    differing = 0
    for _ in range(20):
        order = random.permutation(len(X))
        other = np.empty(len(X), np.int32)
        other[order] = fa.hdbscan(X[order], 6, min_samples=3, ties="hdbscan").labels
        differing += fa.adjusted_rand_index(fit.labels, other) < 1
        assert ((fit.labels < 0) == (other < 0))[sure].all()
        assert fa.adjusted_rand_index(fit.labels[sure], other[sure]) == 1
    plain = random.standard_normal((300, 2))
    assert fa.hdbscan(plain, 290).tie_certificate().all()
    leaf = fit.cut(cluster_selection_method="leaf")
    assert len(fit.tie_certificate(cut=leaf)) == len(X)


def test_values_travel(three):
    fit = fa.hdbscan(three, 15, sample_weight=np.full(len(three), 2.0))
    again = pickle.loads(pickle.dumps(fit))
    np.testing.assert_array_equal(again.labels, fit.labels)
    np.testing.assert_array_equal(again.cut(min_cluster_size=40).labels, fit.cut(min_cluster_size=40).labels)
    np.testing.assert_array_equal(again.predict(three)[0], fit.labels)
    assert fit.condensed_tree.to_numpy().dtype.names == ("parent", "child", "lambda_val", "child_size")
    assert fit.linkage.shape == (len(three) - 1, 4)
    pytest.importorskip("pandas")
    assert list(fit.to_pandas())[:2] == ["item", "label"]
    assert len(fit.tree.to_pandas()) == len(three) - 1 and len(fit.condensed_tree.to_pandas()) > 0
    networkx = pytest.importorskip("networkx")
    assert networkx.is_tree(fit.tree.to_networkx())
    assert networkx.is_arborescence(fit.condensed_tree.to_networkx())


def test_what_it_refuses(three):
    for options, text in (
        ({"min_cluster_size": 1}, "min_cluster_size"),
        ({"min_samples": 0}, "min_samples"),
        ({"alpha": -1.0}, "alpha"),
        ({"cluster_selection_method": "best"}, "eom"),
        ({"ties": "none"}, "canonical"),
        ({"metric": "hamming"}, "metric"),
        ({"cluster_selection_epsilon": -1.0}, "epsilon"),
        ({"min_samples_convention": "sklearn"}, "include_self"),
    ):
        with pytest.raises(fa.FilmAtlasError, match=text):
            fa.hdbscan(three, **options)
    with pytest.raises(fa.MemoryLimitError, match="limit"):
        fa.hdbscan(three, memory_limit=1000)
    assert fa.hdbscan_memory(1000, 2) > 1000


@pytest.mark.parametrize("source", ["rows", "distances", "sparse", "neighbours"])
def test_trees_of_every_source_can_be_watched_and_stopped(source):
    X = np.random.default_rng(0).normal(size=(100_000, 2) if source == "rows" else (2000, 2)).astype(np.float32)
    graph = fa.knn_graph(X[:2000], 10, metric="euclidean")
    given = {
        "rows": X,
        "distances": np.linalg.norm(X[:2000, None] - X[:2000], axis=2).astype(np.float64),
        "sparse": fa.CsrMatrix(
            ((2000, 2000), np.arange(0, 20_001, 10), graph.indices.ravel(), graph.distances.ravel())
        ),
        "neighbours": graph,
    }[source]
    metric = "precomputed" if source == "distances" else "euclidean"
    ticks = []
    tree = fa.spanning_tree(given, metric=metric, progress=lambda *tick: ticks.append(tick))
    assert ticks and all(0 <= done <= total for _, done, total in ticks)
    assert tree.weight.tobytes() == fa.spanning_tree(given, metric=metric).weight.tobytes()
    with pytest.raises(fa.Cancelled):
        fa.spanning_tree(given, metric=metric, progress=lambda *_: False)
    with pytest.raises(fa.Cancelled):
        fa.hdbscan(given, 5, metric=metric, progress=lambda *_: False)
    with pytest.raises(KeyboardInterrupt):
        fa.spanning_tree(given, metric=metric, progress=lambda *_: signal.raise_signal(signal.SIGINT))


def test_estimator(three):
    model = fa.HDBSCAN(min_cluster_size=15, prediction_data=True)
    assert model.fit(three) is model
    np.testing.assert_array_equal(model.labels_, fa.hdbscan(three, 15).labels)
    np.testing.assert_array_equal(model.predict(three), model.labels_)
    np.testing.assert_array_equal(fa.HDBSCAN(15).fit_predict(three), model.labels_)
    assert model.centroids_.shape == model.medoids_.shape == (3, 2)
    assert len(model.exemplars_) == 3 and model.exemplars_[0].shape[1] == 2
    assert len(model.minimum_spanning_tree_) == len(three) and model.relative_validity_ > 0
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict(three), model.labels_)
    without = fa.HDBSCAN(15).fit(three, sample_weight=(np.arange(len(three)) >= 20).astype(float))
    np.testing.assert_array_equal(without.labels_[20:], fa.hdbscan(three[20:], 15).labels)
    assert (without.labels_[:20] == -1).all()
    params = model.get_params()
    assert type(model)(**params).get_params() == params
    assert "min_cluster_size=15" in repr(model)


def test_check_estimator():
    pytest.importorskip("sklearn", minversion="1.6")
    import warnings

    from sklearn.base import clone
    from sklearn.utils.estimator_checks import check_estimator

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = check_estimator(fa.HDBSCAN(), on_fail=None, on_skip=None)
    failed = {entry["check_name"]: repr(entry["exception"]) for entry in results if entry["status"] == "failed"}
    assert len(results) > 30 and not failed, failed
    assert clone(fa.HDBSCAN(7, cluster_selection_method="leaf")).min_cluster_size == 7


# --- parity


def fitted(theirs, X, **options):
    return theirs.HDBSCAN(approx_min_span_tree=False, gen_min_span_tree=True, **options).fit(np.float64(X))


@pytest.mark.parametrize("name", ["blobs2", "blobs5", "uniform", "wide"])
@pytest.mark.parametrize("min_samples", [1, 5, 15])
def test_parity_with_hdbscan(ranges, name, min_samples):
    theirs = pytest.importorskip("hdbscan", reason="hdbscan is not installed")
    X = ranges[name]
    for options in (
        {"min_cluster_size": 5},
        {"min_cluster_size": 20},
        {"min_cluster_size": 10, "cluster_selection_method": "leaf"},
        {"min_cluster_size": 8, "cluster_selection_epsilon": 0.5},
        {"min_cluster_size": 8, "max_cluster_size": 60},
        {"min_cluster_size": 12, "allow_single_cluster": True},
        {"min_cluster_size": 8, "cluster_selection_epsilon_max": 0.3},
        {"min_cluster_size": 8, "alpha": 1.3, "algorithm": "generic"},  # their trees of boxes ignore alpha
    ):
        reference = fitted(theirs, X, min_samples=min_samples, **options)
        rounding = 1e-8 if options.pop("algorithm", None) else 1e-9 if name == "wide" else 1e-12
        ours = fa.hdbscan(X, min_samples=min_samples, **options)
        weights = np.sort(reference.minimum_spanning_tree_.to_numpy()[:, 2])
        np.testing.assert_allclose(np.sort(ours.tree.weight), weights, rtol=rounding)
        # The same tree of clusters in: the same everything out.
        rows = reference.condensed_tree_.to_numpy()
        same = fa.CondensedTree(rows["parent"], rows["child"], rows["lambda_val"], rows["child_size"])
        selection = {k: v for k, v in options.items() if k not in ("min_cluster_size", "alpha")}
        again = same.select(ties="hdbscan", **selection)
        np.testing.assert_array_equal(again.labels, reference.labels_)
        np.testing.assert_allclose(again.probabilities, reference.probabilities_, atol=1e-10)
        np.testing.assert_allclose(again.outlier_scores, reference.outlier_scores_, atol=1e-10)
        np.testing.assert_allclose(again.persistence, reference.cluster_persistence_, atol=1e-10)
        # End to end, where no two merges have one height.
        if np.diff(weights).min() > 0:
            assert same_partition(ours.labels, reference.labels_)
            assert same_partition(fa.hdbscan(X, min_samples=min_samples, ties="hdbscan", **options).labels, ours.labels)


def test_their_spanning_tree_gives_their_clusters(ranges):
    theirs = pytest.importorskip("hdbscan", reason="hdbscan is not installed")
    X = ranges["blobs2"]
    reference = fitted(theirs, X, min_cluster_size=10, min_samples=5)
    tree = fa.SpanningTree.from_array(reference.minimum_spanning_tree_.to_numpy())
    assert fa.adjusted_rand_index(fa.hdbscan(tree, 10, ties="hdbscan").labels, reference.labels_) > 0.99


def test_parity_of_validity_and_membership(ranges):
    theirs = pytest.importorskip("hdbscan", reason="hdbscan is not installed")
    from hdbscan.prediction import all_points_membership_vectors
    from hdbscan.validity import validity_index

    X = ranges["blobs5"]
    reference = theirs.HDBSCAN(
        min_cluster_size=15, approx_min_span_tree=False, gen_min_span_tree=True, prediction_data=True
    ).fit(X)
    ours = fa.hdbscan(X, 15)
    if not same_partition(ours.labels, reference.labels_):
        pytest.skip("ties decide here")
    assert ours.dbcv() == pytest.approx(validity_index(X, reference.labels_.astype(int)), abs=1e-9)
    tree = fa.SpanningTree.from_array(reference.minimum_spanning_tree_.to_numpy())
    fit = fa.hdbscan(tree, 15)
    if same_partition(fit.labels, reference.labels_):
        assert fit.relative_validity() == pytest.approx(reference.relative_validity_, abs=1e-9)
    order = [int(np.median(ours.labels[reference.labels_ == k])) for k in range(reference.labels_.max() + 1)]
    np.testing.assert_allclose(
        ours.membership_vectors()[:, order], all_points_membership_vectors(reference), atol=1e-6
    )


@pytest.mark.parametrize("min_samples", [1, 5, 12])
def test_parity_with_scikit_learn(ranges, min_samples):
    cluster = pytest.importorskip("sklearn.cluster", reason="scikit-learn is not installed")
    if not hasattr(cluster, "HDBSCAN"):
        pytest.skip("scikit-learn has no HDBSCAN yet")
    X = ranges["blobs5"]
    theirs = cluster.HDBSCAN(min_cluster_size=10, min_samples=min_samples, copy=True).fit(X)
    ours = fa.hdbscan(X, 10, min_samples=min_samples, min_samples_convention="include_self")
    weights = np.sort(ours.tree.weight)
    if np.diff(weights).min() > 0:
        assert same_partition(ours.labels, theirs.labels_)
    else:
        assert fa.adjusted_rand_index(ours.labels, theirs.labels_) > 0.95
