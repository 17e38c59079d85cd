# SPDX-License-Identifier: MIT
"""Estimators: scikit-learn's conventions with scikit-learn, and without it."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import textwrap

import numpy as np
import pytest

import filmatlas as fa

FAST = [
    lambda: fa.NearestNeighbors(n_neighbors=3),
    lambda: fa.KMeans(3, random_state=0),
    lambda: fa.KMeans(3, init="parts"),
    lambda: fa.MiniBatchKMeans(3, random_state=0),
    lambda: fa.AgglomerativeClustering(3),
    lambda: fa.AgglomerativeClustering(3, linkage="complete"),
    lambda: fa.NestedClustering(levels=("a", "b"), metric="euclidean"),
    lambda: fa.UMAP(n_neighbors=5, n_epochs=10, random_state=0),
    lambda: fa.TSNE(perplexity=5.0, max_iter=20, random_state=0),
    lambda: fa.PCA(2, random_state=0),
]


@pytest.mark.parametrize("make", FAST)
def test_conventions(make, blobs):
    X, _ = blobs
    estimator = make()
    assert estimator.fit(X) is estimator
    assert estimator.n_features_in_ == X.shape[1]
    params = estimator.get_params()
    assert type(estimator)(**params).get_params() == params
    estimator.set_params(**params)
    with pytest.raises(ValueError):
        estimator.set_params(nonsense=1)
    with pytest.raises(ValueError):
        make().fit(np.full((5, 2), np.nan))
    assert type(estimator).__name__ in repr(estimator)
    pickle.loads(pickle.dumps(estimator))


def test_nearest_neighbors(blobs):
    X, _ = blobs
    model = fa.NearestNeighbors(n_neighbors=4).fit(X)
    distances, ids = model.kneighbors(X[:5])
    np.testing.assert_array_equal(ids[:, 0], np.arange(5))
    without_self = model.kneighbors(return_distance=False)
    assert (without_self != np.arange(240)[:, None]).all()
    with pytest.raises(ValueError, match="n_neighbors"):
        model.kneighbors(X, 999)
    neighbors = pytest.importorskip("sklearn.neighbors")
    theirs = neighbors.NearestNeighbors(n_neighbors=4).fit(X)
    np.testing.assert_array_equal(ids, theirs.kneighbors(X[:5])[1])
    np.testing.assert_allclose(distances, theirs.kneighbors(X[:5])[0], atol=1e-3)
    for mode in ("connectivity", "distance"):
        ours, expected = (m.kneighbors_graph(X, mode=mode).toarray() for m in (model, theirs))
        np.testing.assert_allclose(ours, expected, atol=1e-3)


def test_kmeans_estimator(blobs):
    X, truth = blobs
    model = fa.KMeans(6, random_state=0).fit(X)
    np.testing.assert_array_equal(model.predict(X), model.labels_)
    far = model.transform(X)
    np.testing.assert_array_equal(far.argmin(axis=1), model.labels_)
    assert model.score(X) == pytest.approx(-model.inertia_, rel=1e-4)
    assert fa.adjusted_rand_index(truth, model.labels_) == pytest.approx(1)


def test_trees(blobs):
    X, truth = blobs
    model = fa.AgglomerativeClustering(6).fit(X)
    assert fa.adjusted_rand_index(truth, model.labels_) == pytest.approx(1) and model.n_clusters_ == 6
    nested = fa.NestedClustering([3, 6], levels=("a", "b")).fit(X)
    assert len(nested.cluster_layers_) == 2 and nested.hierarchy_.levels == ["a", "b"]
    for method in ("ward", "average", "kmeans", "density"):
        options = {"levels": ("a", "b"), "level_ranges": [(2, 3), (4, 8)], "method": method}
        assert np.array_equal(fa.NestedClustering(**options).fit(X).labels_, fa.nested_clusters(X, **options).labels(1))
    with pytest.raises(fa.InvalidArgumentError, match="method"):
        fa.NestedClustering(method="best").fit(X)
    cluster = pytest.importorskip("sklearn.cluster")
    for options in (
        {"n_clusters": 4},
        {"n_clusters": None, "distance_threshold": 9.0},
        {"n_clusters": 4, "linkage": "average"},
    ):
        ours = fa.AgglomerativeClustering(**options).fit(X)
        theirs = cluster.AgglomerativeClustering(**options).fit(X)
        assert fa.adjusted_rand_index(ours.labels_, theirs.labels_) == pytest.approx(1)
        assert ours.n_clusters_ == theirs.n_clusters_


def test_maps(blobs):
    X, _ = blobs
    model = fa.UMAP(n_epochs=50, random_state=3)
    flat = model.fit_transform(X)
    assert flat.shape == (240, 2)
    np.testing.assert_array_equal(fa.UMAP(n_epochs=50, random_state=3, n_jobs=2).fit_transform(X), flat)
    np.testing.assert_array_equal(model.transform(X[:5]), flat[:5])
    before = pickle.dumps(model)
    model.transform(X[:5])
    assert pickle.dumps(model) == before  # the index of new items is not part of it
    np.testing.assert_array_equal(pickle.loads(before).transform(X[5:9]), flat[5:9])
    assert model.get_feature_names_out().tolist() == ["umap0", "umap1"]
    assert fa.TSNE(max_iter=60, perplexity=10.0, random_state=0).fit_transform(X).shape == (240, 2)


def test_pca_estimator(blobs):
    X, _ = blobs
    model = fa.PCA(16).fit(X)
    np.testing.assert_allclose(model.inverse_transform(model.transform(X)), X, atol=1e-4)
    white = fa.PCA(3, whiten=True).fit_transform(X)
    np.testing.assert_allclose(white.var(axis=0, ddof=1), 1, rtol=1e-3)
    decomposition = pytest.importorskip("sklearn.decomposition")
    theirs = decomposition.PCA(16).fit(X.astype(np.float64))
    np.testing.assert_allclose(model.explained_variance_ratio_, theirs.explained_variance_ratio_, atol=1e-5)
    np.testing.assert_allclose(model.singular_values_, theirs.singular_values_, rtol=1e-3)


def test_vectorizers(films):
    texts = [film["overview"] for film in films]
    model = fa.TfidfVectorizer(stop_words="english", max_features=50)
    weights = model.fit_transform(texts)
    assert weights.shape == (len(texts), 50) and len(model.idf_) == 50
    np.testing.assert_array_equal(model.transform(texts).toarray(), weights.toarray())
    assert fa.CountVectorizer(binary=True).fit_transform(texts).toarray().max() == 1
    with pytest.raises(ValueError, match="empty vocabulary"):
        fa.CountVectorizer(stop_words="english").fit(["the and of"])
    with pytest.raises(ValueError):
        fa.CountVectorizer().transform(texts)


def test_pipelines_and_clones(blobs):
    pytest.importorskip("sklearn")
    from sklearn.base import clone
    from sklearn.pipeline import make_pipeline

    X, truth = blobs
    pipeline = make_pipeline(fa.PCA(4, random_state=0), fa.KMeans(6, random_state=0))
    assert fa.adjusted_rand_index(truth, clone(pipeline).fit_predict(X)) == pytest.approx(1)


# Checks that cannot hold, with the reason: scikit-learn wants one for each.
EXPECTED_FAILURES = {
    "TSNE": {
        name: "the check sets n_components = 1; maps have 2 or 3"
        for name in (
            "check_dict_unchanged",
            "check_dont_overwrite_parameters",
            "check_fit2d_1feature",
            "check_fit2d_predict1d",
            "check_methods_sample_order_invariance",
            "check_methods_subset_invariance",
        )
    },
}


@pytest.mark.parametrize("make", FAST)
def test_scikit_learns_own_checks(make):
    pytest.importorskip("sklearn", minversion="1.6")
    import warnings

    from sklearn.utils.estimator_checks import check_estimator

    estimator = make()
    if isinstance(estimator, fa.NestedClustering):
        estimator.set_params(levels=("one",))  # the checks set n_clusters to one integer
    expected = EXPECTED_FAILURES.get(type(estimator).__name__, {})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = check_estimator(estimator, on_fail=None, on_skip=None, expected_failed_checks=expected)
    failed = {
        entry["check_name"]: repr(entry["exception"]) for entry in results if entry["status"] == "failed"
    }
    assert len(results) > 30
    assert not failed, "\n".join(f"{name}: {error}" for name, error in failed.items())


def test_estimators_work_without_scikit_learn():
    script = """
        import sys
        sys.modules["sklearn"] = None
        sys.modules["scipy"] = None
        sys.modules["scipy.sparse"] = None
        import numpy as np
        import filmatlas as fa
        X = np.random.default_rng(0).normal(size=(60, 5))
        assert fa.KMeans(3, random_state=0).fit_predict(X).shape == (60,)
        assert fa.PCA(2).fit_transform(X).shape == (60, 2)
        assert fa.UMAP(n_epochs=5, n_neighbors=5).fit_transform(X).shape == (60, 2)
        assert fa.NearestNeighbors().fit(X).kneighbors(X)[1].shape == (60, 5)
        assert fa.CountVectorizer().fit_transform(["a film", "two films"]).shape[0] == 2
        assert repr(fa.KMeans(4)) == "KMeans(n_clusters=4)"
        assert fa.KMeans(4).set_params(n_clusters=5).get_params()["n_clusters"] == 5
        for bad in (np.full((4, 2), np.nan), np.zeros((0, 3))):
            try:
                fa.KMeans(1).fit(bad)
            except ValueError:
                continue
            raise AssertionError(bad)
        try:
            fa.PCA().transform(X)
        except ValueError as error:
            assert "not fitted" in str(error)
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(script)], check=True, env=os.environ)
