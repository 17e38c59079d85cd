# SPDX-License-Identifier: MIT
"""Functions on values: right answers, the types that were promised, read-only results, same bytes for any threads."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

import filmatlas as fa


def brute_force(X, k, metric="cosine"):
    X = np.asarray(X, dtype=np.float64)
    if metric == "cosine":
        unit = X / np.linalg.norm(X, axis=1, keepdims=True)
        D = 1 - unit @ unit.T
    else:
        D = np.sqrt(np.maximum(((X[:, None] - X[None]) ** 2).sum(-1), 0))
    np.fill_diagonal(D, np.inf)
    ids = np.argsort(D, axis=1, kind="stable")[:, :k]
    return ids, np.take_along_axis(D, ids, 1)


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_knn_graph_equals_brute_force(blobs, metric):
    X, _ = blobs
    graph = fa.knn_graph(X, 7, metric=metric)
    ids, distances = brute_force(X, 7, metric)
    np.testing.assert_array_equal(graph.indices, ids)
    np.testing.assert_allclose(graph.distances, distances, rtol=1e-4, atol=1e-6)
    assert graph.indices.dtype == np.int32 and graph.distances.dtype == np.float32
    assert (graph.k, len(graph), graph.metric, graph.recall) == (7, 240, metric, 1.0)
    assert "n=240, k=7" in repr(graph)


def test_results_are_read_only_and_outlive_their_owner(blobs):
    graph = fa.knn_graph(blobs[0], 3)
    indices = graph.indices
    with pytest.raises(ValueError, match="read-only"):
        indices[0, 0] = 1
    before = indices.copy()
    del graph
    np.testing.assert_array_equal(indices, before)
    labels = fa.kmeans(blobs[0], 4).labels
    assert not labels.flags.writeable


def test_results_do_not_depend_on_the_number_of_threads(blobs):
    X, _ = blobs
    for make in (
        lambda t: fa.knn_graph(X, 9, num_threads=t).distances,
        lambda t: fa.kmeans(X, 6, num_threads=t).centroids,
        lambda t: fa.nested_clusters(X, n_clusters=[3, 6], levels=("a", "b"), num_threads=t).paths(),
        lambda t: fa.umap(X, n_epochs=30, num_threads=t, measure=False).coordinates,
        lambda t: fa.tsne(X, n_iter=20, perplexity=5, num_threads=t, measure=False).coordinates,
        lambda t: fa.atlas_map(X, num_threads=t, measure=False).coordinates,
    ):
        assert make(1).tobytes() == make(3).tobytes()


def test_graph_from_other_tools(blobs):
    X, _ = blobs
    graph = fa.knn_graph(X, 5)
    n = len(graph)
    with_self = np.concatenate([np.arange(n)[:, None], graph.indices], axis=1)
    lengths = np.concatenate([np.zeros((n, 1), np.float32), graph.distances], axis=1)
    given = fa.KnnGraph(with_self.astype(np.int64), lengths.astype(np.float64), includes_self=True)
    np.testing.assert_array_equal(given.indices, graph.indices)
    assert given.method == "given"
    assert fa.recall(given, graph) == 1.0
    with pytest.raises(ValueError):
        fa.KnnGraph([[1, n], [0, 1]], [[0.1, 0.2], [0.1, 0.2]])
    with pytest.raises(ValueError):
        fa.KnnGraph([[1], [0]], [[0.1, 0.2], [0.1, 0.2]])


def test_knn_index_finds_the_fitted_items(blobs):
    X, _ = blobs
    index = fa.KnnIndex(X)
    ids, distances = index.query(X[:10], k=1)
    np.testing.assert_array_equal(ids[:, 0], np.arange(10))
    np.testing.assert_array_equal(distances, 0)
    alone = index.query(X[4:5], k=3)
    together = index.query(X[:10], k=3)
    assert alone[1].tobytes() == together[1][4:5].tobytes()


def test_too_large_k_is_lowered_with_a_warning(blobs):
    with pytest.warns(fa.FilmAtlasWarning):
        graph = fa.knn_graph(blobs[0][:5], 15)
    assert graph.indices.shape[0] == 5
    assert ((graph.indices >= 0).sum(axis=1) == 4).all()


def test_combined_cosine_is_the_weighted_sum(blobs):
    A, B = blobs[0], np.random.default_rng(1).normal(size=(240, 5)).astype(np.float32)
    both = fa.combine_embeddings({"plot": A, "tags": B}, {"plot": 3, "tags": 1})
    unit = lambda M: M / np.linalg.norm(M, axis=1, keepdims=True)  # noqa: E731
    expected = 0.75 * (unit(A)[3] @ unit(A)[9]) + 0.25 * (unit(B)[3] @ unit(B)[9])
    assert both.vectors[3] @ both.vectors[9] == pytest.approx(expected, abs=1e-5)
    shares = both.similarity_shares(3, 9)
    assert shares["plot"] == pytest.approx(0.75 * (unit(A)[3] @ unit(A)[9]), abs=1e-5)
    assert [part.name for part in both.parts] == ["plot", "tags"]
    with pytest.raises(ValueError, match="genre"):
        fa.combine_embeddings({"plot": A}, {"genre": 1})


def test_embedding_lists_bad_rows(blobs):
    X = blobs[0].copy()
    X[3, 1] = np.nan
    X[5] = 0
    with pytest.raises(ValueError, match="3"):
        fa.Embedding(X)
    embedding = fa.Embedding(X, on_invalid="quarantine")
    assert embedding.bad_rows == [(3, "nan"), (5, "zero")]
    assert np.asarray(embedding).shape == X.shape
    np.testing.assert_allclose(np.linalg.norm(embedding.vectors[0]), 1, rtol=1e-6)


def test_kmeans_finds_blobs(blobs):
    X, truth = blobs
    result = fa.kmeans(X, 6, random_state=0)
    assert fa.adjusted_rand_index(truth, result.labels) == pytest.approx(1.0)
    assert fa.adjusted_mutual_information(truth, result.labels) == pytest.approx(1.0)
    inertia = ((X - result.centroids[result.labels]) ** 2).sum()
    assert result.inertia == pytest.approx(inertia, rel=1e-4)
    np.testing.assert_array_equal(result.labels, fa.assign_to_centroids(X, result.centroids))
    assert result.run.converged and result.sizes.sum() == 240


def test_linkage_is_scipys_format(blobs):
    X, truth = blobs
    Z = fa.linkage(X)
    assert Z.shape == (239, 4) and Z.dtype == np.float64
    assert (np.diff(Z[:, 2]) >= 0).all() and Z[-1, 3] == 240
    assert fa.adjusted_rand_index(truth, fa.cut_linkage(Z, 6)) == pytest.approx(1.0)
    cuts = fa.cut_linkage(Z, [3, 6])
    assert cuts.shape == (2, 240)
    assert fa.nesting_report(cuts)["strict"]
    assert len(np.unique(fa.cut_linkage(Z, height=np.inf))) == 1
    hierarchy = pytest.importorskip("scipy.cluster.hierarchy")
    for method in ("single", "complete", "average", "ward", "centroid"):
        np.testing.assert_allclose(
            fa.linkage(X, method=method)[:, 2],
            hierarchy.linkage(X.astype(np.float64), method)[:, 2],
            rtol=1e-9,
        )


def test_nested_clusters_are_a_strict_tree(blobs):
    X, truth = blobs
    tree = fa.nested_clusters(X, levels=("coarse", "fine"), n_clusters=[2, 6])
    assert isinstance(tree, fa.Hierarchy) and tree.levels == ["coarse", "fine"]
    assert fa.adjusted_rand_index(truth, tree.labels("fine")) > 0.95
    assert fa.nesting_report([tree.labels(0), tree.labels(1)])["strict"]
    assert tree.sizes("fine").sum() == 240 and len(tree.sizes("coarse")) == 2
    assert tree.paths().shape == (240, 2) and tree.strength.shape == (240, 2)
    for node in tree.nodes("fine"):
        assert node.id in tree.children(node.parent)
        assert (
            sorted(tree.items(node.id))
            == np.flatnonzero(tree.labels("fine") == node.id - tree.level_begin[1]).tolist()
        )
        assert tree.path(node.id) == [node.parent, node.id]
    np.testing.assert_array_equal(tree.parents("fine"), [node.parent for node in tree.nodes("fine")])
    assert fa.validate(tree).ok


def test_hierarchy_from_labels():
    tree = fa.Hierarchy([[0, 0, 1, 1], [5, 6, 7, 7]])
    assert tree.levels == ["macro", "microcluster"] and tree.num_nodes == 5
    assert tree == pickle.loads(pickle.dumps(tree))
    with pytest.raises(fa.FormatError):
        fa.Hierarchy([[0, 0, 1, 1], [5, 5, 5, 7]])
    with pytest.raises(ValueError, match="no level"):
        tree.labels("nowhere")


def test_smooth_embedding_keeps_shape(blobs):
    X, _ = blobs
    smooth = fa.smooth_embedding(X, fa.knn_graph(X), steps=2)
    assert smooth.shape == X.shape
    np.testing.assert_allclose(np.linalg.norm(smooth, axis=1), 1, rtol=1e-5)


def test_words(films):
    texts = [film["overview"] for film in films]
    counts, vocabulary = fa.count_terms(texts, stop_words="english", min_df=2)
    assert counts.shape == (len(texts), len(vocabulary)) and vocabulary == sorted(vocabulary)
    dense = counts.toarray()
    word = vocabulary.index("katana")
    assert dense[:, word].sum() == sum(text.lower().split().count("katana") for text in texts) + sum(
        text.lower().count("katana.") for text in texts
    )
    again, _ = fa.count_terms(texts, vocabulary=vocabulary, stop_words="english")
    np.testing.assert_array_equal(again.toarray(), dense)
    weights = fa.tfidf(counts, fa.inverse_document_frequency(counts))
    np.testing.assert_allclose(np.linalg.norm(weights.toarray(), axis=1), 1, rtol=1e-5)
    assert fa.tokenize("The Seven Samurai's duel", stop_words="english") == ["seven", "samurai", "duel"]
    assert "the" in fa.stop_list()


def test_count_terms_equals_scikit_learn(films):
    text = pytest.importorskip("sklearn.feature_extraction.text")
    texts = [film["overview"] for film in films] + ["Amélie ÇA déjà-vu", "", "İstanbul ΣΟΦΟΣ 10x"]
    for options in ({}, {"ngram_range": (1, 2), "min_df": 2}, {"max_df": 0.5, "stop_words": "english"}):
        ours = fa.CountVectorizer(**options).fit(texts)
        theirs = text.CountVectorizer(**options).fit(texts)
        assert ours.get_feature_names_out().tolist() == theirs.get_feature_names_out().tolist()
        assert (ours.transform(texts) != theirs.transform(texts)).nnz == 0
    ours, theirs = fa.TfidfVectorizer(min_df=2), text.TfidfVectorizer(min_df=2)
    np.testing.assert_allclose(
        ours.fit_transform(texts).toarray(), theirs.fit_transform(texts).toarray(), rtol=1e-5, atol=1e-7
    )


def test_class_tfidf_finds_the_words_of_a_topic(films):
    texts, topics = [f["overview"] for f in films], [f["id"].split("-")[0] for f in films]
    terms = fa.class_tfidf(texts, topics)
    assert terms.classes == sorted(set(topics))
    assert {term for term, _ in terms.keywords("samurai", 8)} <= set(
        "sword honour village ronin clan duel master castle bandit loyalty katana shogun".split()
    )
    assert terms.matrix.shape == terms.counts.shape
    tree = fa.Hierarchy([np.unique(topics, return_inverse=True)[1].ravel()], ["topic"])
    nodes = fa.class_tfidf(texts, tree)
    keywords = fa.node_keywords(nodes, tree, top_n=5)
    labels = fa.keyword_labels(tree, keywords)
    assert len(labels) == len(set(labels)) == 6
    with pytest.raises(ValueError, match="no class"):
        terms.keywords("western")


def test_class_tfidf_transformer_is_the_function(films):
    texts, topics = [f["overview"] for f in films], [f["id"].split("-")[0] for f in films]
    terms = fa.class_tfidf(texts, topics, reduce_frequent_words=True)
    weights = fa.ClassTfidf(reduce_frequent_words=True).fit(terms.counts.toarray()).transform(terms.counts)
    np.testing.assert_array_equal(weights.toarray(), terms.matrix.toarray())


def test_encoder_encodes_the_fitted_texts_to_the_same_bytes(films):
    texts = [film["overview"] for film in films]
    encoder = fa.LsaEncoder.fit(texts, 16)
    assert encoder.vectors.shape == (len(texts), 16)
    assert encoder.encode(texts[:5]).tobytes() == encoder.vectors[:5].tobytes()


def test_representatives_and_tags(films, blobs):
    tree = fa.Hierarchy([np.repeat(np.arange(6), 30)], ["topic"])
    members = fa.representatives(tree, blobs[0][:180], 3)
    assert len(members) == 6 and all(len(rows) == 3 for rows in members)
    lifts = fa.tag_lift([film["genres"] for film in films], tree, top_n=1)
    named = {tree.items(node.id)[0] // 30: lifts[node.id][0]["tag"] for node in tree.nodes()}
    assert list(named.values()) == [films[30 * topic]["id"].split("-")[0] for topic in named]


@pytest.mark.parametrize("make", [fa.umap, fa.tsne, fa.atlas_map])
def test_maps_keep_the_blobs_together(blobs, make):
    X, truth = blobs
    layout = make(X)
    assert layout.coordinates.shape == (240, 2) and np.isfinite(layout.coordinates).all()
    assert layout.quality.trustworthiness > 0.9 and layout.quality.kept_per_item.shape == (240,)
    near = fa.knn_graph(layout, 5, metric="euclidean").indices
    assert (truth[near] == truth[:, None]).mean() > 0.95
    assert fa.validate(layout).ok


def test_map_starts(blobs):
    X, _ = blobs
    start = np.random.default_rng(0).normal(size=(240, 2))
    assert fa.umap(X, init=start, n_epochs=0, measure=False).init == "given"
    assert fa.umap(X, init="pca", n_epochs=5, measure=False).init == "pca"
    with pytest.raises(ValueError):
        fa.umap(X, init="nowhere")
    with pytest.raises(ValueError):
        fa.umap(X, init=start[:10])


def test_quality_report(blobs):
    X, _ = blobs
    flat = fa.pca(X, 2).transformed
    report = fa.quality_report(X, flat, k=(5, 15), metric="euclidean")
    assert [entry.k for entry in report] == [5, 15]
    for entry in report:
        assert np.mean(entry.trust_per_item) == pytest.approx(entry.trustworthiness, abs=1e-12)
        assert np.mean(entry.continuity_per_item) == pytest.approx(entry.continuity, abs=1e-12)
    quick = fa.quality_report(X, flat, k=5, metric="euclidean", exact_trust=False)[0]
    assert quick.trust_per_item is None and quick.kept_neighbors == report.at(5).kept_neighbors
    same = fa.quality_report(flat, flat, k=10, metric="euclidean")
    assert same[0].kept_neighbors == 1 and same[0].trustworthiness == 1
    manifold = pytest.importorskip("sklearn.manifold")
    expected = manifold.trustworthiness(X.astype(np.float64), flat.astype(np.float64), n_neighbors=15)
    assert report.at(15).trustworthiness == pytest.approx(expected, abs=1e-6)


def test_pca_equals_the_svd(blobs):
    X = blobs[0].astype(np.float64)
    result = fa.pca(X, 4)
    centred = X - X.mean(axis=0)
    values = np.linalg.svd(centred, compute_uv=False)
    np.testing.assert_allclose(result.explained_variance, values[:4] ** 2 / 239, rtol=1e-4)
    np.testing.assert_allclose(np.abs(result.components @ result.components.T), np.eye(4), atol=1e-5)
    np.testing.assert_allclose(result.transformed, centred @ result.components.T, atol=1e-4)


def test_silhouette_equals_scikit_learn(blobs):
    metrics = pytest.importorskip("sklearn.metrics")
    X, truth = blobs
    ours = fa.silhouette(X, truth, metric="cosine")
    assert ours.mean == pytest.approx(metrics.silhouette_score(X, truth, metric="cosine"), abs=1e-5)


def test_values_survive_pickling(blobs):
    X, _ = blobs
    graph = fa.knn_graph(X, 4)
    again = pickle.loads(pickle.dumps(graph))
    assert again.distances.tobytes() == graph.distances.tobytes() and again.method == graph.method
    both = fa.combine_embeddings({"a": X, "b": X[:, :3]})
    assert [tuple(p) for p in pickle.loads(pickle.dumps(both)).parts] == [tuple(p) for p in both.parts]
    layout = fa.umap(X, n_epochs=5)
    assert pickle.loads(pickle.dumps(layout)).coordinates.tobytes() == layout.coordinates.tobytes()


def test_profiles(films):
    profiles = fa.compose_profiles(films, {"overview": 0.6, "genres": 0.4})
    assert len(profiles) == len(films) and profiles.sources == ["overview", "genres"]
    assert profiles.weights == pytest.approx({"overview": 0.6, "genres": 0.4})
    source, begin, end = profiles.spans(0)[0]
    assert profiles.texts[0].encode()[begin:end].decode() == profiles.source_texts[source][0]
    assert sum(row["token_share"] for row in profiles.report) == pytest.approx(1)
    assert 0.5 <= profiles.dominance <= 1
    short = fa.compose_profiles(films, [fa.Source("overview", max_tokens=5)])
    assert short.truncation["kept"].max() == 5 and short.truncation["cut"].min() > 0
    with pytest.raises(ValueError, match="title"):
        fa.compose_profiles(films, ["title"])
    with pytest.raises(ValueError):
        fa.compose_profiles(films, ["nowhere"])
    with pytest.raises(ValueError, match="field"):
        fa.compose_profiles(films, [{"name": "overview", "wait": 3}])
    assert "overview" in [source.name for source in fa.default_sources(films)]


def test_numeric_features(films):
    values, summaries = fa.numeric_features(films, ["year", ("year", "rank")])
    assert values.shape == (len(films), 2)
    assert (
        values[:, 0].mean() == pytest.approx(0, abs=1e-5) and 0 < values[:, 1].min() < values[:, 1].max() < 1
    )
    assert summaries[0]["present"] == len(films)


def test_npy_round_trip(tmp_path, blobs):
    X, _ = blobs
    fa.write_npy(tmp_path / "x.npy", X)
    np.testing.assert_array_equal(np.load(tmp_path / "x.npy"), X)
    np.save(tmp_path / "y.npy", np.asfortranarray(X.astype(">f8")))
    np.testing.assert_array_equal(fa.read_npy(tmp_path / "y.npy"), X)
    np.savez_compressed(tmp_path / "z.npz", a=X, b=X[:3])
    assert fa.npz_members(tmp_path / "z.npz") == ["a", "b"]
    np.testing.assert_array_equal(fa.read_npy(tmp_path / "z.npz", member="b"), X[:3])
    (tmp_path / "bad.npy").write_bytes(b"\x93NUMPY")
    with pytest.raises(fa.FormatError):
        fa.read_npy(tmp_path / "bad.npy")
    np.save(tmp_path / "o.npy", np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(TypeError):
        fa.read_npy(tmp_path / "o.npy")


def test_info(capsys):
    info = fa.build_info()
    assert info["version"] == fa.__version__ and info["num_threads"] >= 1
    fa.show_versions()
    assert "numpy" in capsys.readouterr().out


def test_every_public_name_resolves():
    for name in fa.__all__:
        assert getattr(fa, name).__doc__, name
    with pytest.raises(AttributeError, match="nonsense"):
        getattr(fa, "nonsense")  # noqa: B009
