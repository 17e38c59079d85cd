# SPDX-License-Identifier: MIT
"""Drop-in for BERTopic's c-TF-IDF, and a list of its defects that are not copied.

Needs bertopic (0.17.4, without dependencies it is enough) and scikit-learn; skipped elsewhere. The figures that hold
without it are pinned in tests/cpp/keywords/test_class_tfidf.cpp. The folder of the shared catalogues is
named by FILMATLAS_SHARED_DATA; without it, a corpus made here stands in.
"""

from __future__ import annotations

import gzip
import itertools
import json
import os
import pathlib

import numpy as np
import pytest

import filmatlas as fa
from conftest import ROOT, TOPICS

bertopic = pytest.importorskip("bertopic", reason="bertopic is not installed")
pytest.importorskip("sklearn", reason="scikit-learn is not installed")
scipy_sparse = pytest.importorskip("scipy.sparse", reason="scipy is not installed")

from bertopic.vectorizers import ClassTfidfTransformer  # noqa: E402
from sklearn.feature_extraction.text import CountVectorizer  # noqa: E402

SHARED = pathlib.Path(os.environ.get("FILMATLAS_SHARED_DATA", ROOT.parent / "shared" / "data"))
LIMIT = int(os.environ.get("FILMATLAS_PARITY_TEXTS", "1500"))  # texts per catalogue; 0 = all of them


def lines(name):
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"{name} is not there; name its folder in FILMATLAS_SHARED_DATA")
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in itertools.islice(file, None)]


def thinned(rows):
    """Rows from all over a catalogue, as many as the limit allows."""
    return rows if LIMIT == 0 else rows[:: max(1, len(rows) // LIMIT)][:LIMIT]


def made():
    draw = np.random.default_rng(0)
    names = list(TOPICS)
    groups = draw.integers(-1, len(names), 400)
    words = [TOPICS[names[g]].split() for g in groups]
    texts = [" ".join(draw.choice(w + ["Sci-Fi", "café", "the", "of", "x1"], 25)) for w in words]
    return texts, groups


def corpus(name):
    if name == "made":
        return made()
    if name == "newsgroups":
        rows = thinned(lines("newsgroups20.jsonl.gz"))
        return [row["text"] for row in rows], np.unique([row["l3"] for row in rows], return_inverse=True)[1]
    if name == "films":
        rows = thinned(lines("films.jsonl.gz"))
        genre = [row["genres"][0] if row["genres"] else "" for row in rows]
        return [row["overview"] or "" for row in rows], np.unique(genre, return_inverse=True)[1] - 1
    rows = thinned([row for row in lines("arxiv_ml_titles.jsonl.gz") if row["layers"][2]])
    return [row["title"] for row in rows], np.unique([row["layers"][2] for row in rows], return_inverse=True)[
        1
    ]


def joined(texts, groups):
    """One document per class, as BERTopic makes them."""
    return [" ".join(texts[i] for i in np.flatnonzero(groups == g)) for g in np.unique(groups)]


@pytest.mark.parametrize("ngrams", [(1, 1), (1, 2), (1, 3)])
@pytest.mark.parametrize("name", ["made", "newsgroups", "films", "arxiv"])
def test_class_tfidf_is_a_drop_in(name, ngrams):
    texts, groups = corpus(name)
    classes = joined(texts, groups)
    vectorizer = CountVectorizer(ngram_range=ngrams, stop_words="english")
    theirs = scipy_sparse.csr_matrix(vectorizer.fit_transform(classes))
    counts, vocabulary = fa.count_terms(classes, ngram_range=ngrams, stop_words="english")
    assert vocabulary == list(vectorizer.get_feature_names_out())
    seeds = [vocabulary[i] for i in (1, len(vocabulary) // 2, len(vocabulary) - 1)]
    for bm25, sqrt, seeded in itertools.product((False, True), repeat=3):
        model = ClassTfidfTransformer(
            bm25_weighting=bm25,
            reduce_frequent_words=sqrt,
            seed_words=seeds if seeded else None,
            seed_multiplier=2,
        )
        multiplier = np.array([2.0 if word in set(seeds) else 1.0 for word in vocabulary]) if seeded else None
        expected = scipy_sparse.csr_matrix(model.fit(theirs, multiplier=multiplier).transform(theirs))
        terms = fa.class_tfidf(
            counts,
            np.arange(len(classes)),
            vocabulary=vocabulary,
            bm25_weighting=bm25,
            reduce_frequent_words=sqrt,
            seed_words=seeds if seeded else (),
        )
        ours = terms.matrix.to_scipy()
        difference = abs(ours - expected)
        assert difference.nnz == 0 or difference.max() <= 1e-12
        for row in range(len(classes)):
            _same_top(terms.keywords(row, 10), expected[row], vocabulary)


def _same_top(ours, row, vocabulary):
    """The ten best agree outside exact ties: every score level fully inside the cut holds the same words."""
    scores = dict(zip((vocabulary[i] for i in row.indices), row.data))
    positive = sorted((score for score in scores.values() if score > 0), reverse=True)[: len(ours)]
    assert np.allclose([score for _, score in ours], positive, rtol=1e-12, atol=0)
    if not ours:
        return
    cut = positive[-1] * (1 + 1e-12)
    assert {word for word, score in ours if score > cut} == {w for w, s in scores.items() if s > cut}


@pytest.mark.parametrize("name", ["made", "newsgroups", "films", "arxiv"])
def test_ward_linkage_of_class_rows(name):
    hierarchy = pytest.importorskip("scipy.cluster.hierarchy")
    texts, groups = corpus(name)
    topics = fa.topics(texts, groups)
    rows = topics.terms.matrix.toarray()[topics.ids[0] < 0 :]
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    distance = (1 - unit @ unit.T)[np.triu_indices(len(unit), 1)]
    expected = hierarchy.linkage(distance, "ward", optimal_ordering=True)
    ours = fa.linkage(distance, method="ward")
    assert np.abs(ours[:, 2] - expected[:, 2]).max() <= 1e-10
    assert np.array_equal(np.sort(ours[:, :2], axis=1), np.sort(expected[:, :2], axis=1))


# --- the defects: what passes here fails there ---------------------------------------------------------------


class FixedClusters:
    """Stands in for HDBSCAN: the labels are known."""

    def __init__(self, labels):
        self.labels_ = np.asarray(labels)

    def fit(self, X, y=None):
        return self

    def predict(self, X):
        return self.labels_[: len(X)]


def their_model(texts, groups, vectors=None, **options):
    from bertopic import BERTopic
    from bertopic.dimensionality import BaseDimensionalityReduction

    if vectors is None:
        vectors = np.eye(max(groups) + 2)[np.asarray(groups)] + 0.01
    model = BERTopic(
        embedding_model=options.pop("embedding_model", None),
        umap_model=BaseDimensionalityReduction(),
        hdbscan_model=FixedClusters(groups),
        calculate_probabilities=False,
        **options,
    )
    model.fit(texts, embeddings=np.asarray(vectors, dtype=np.float64))
    return model


def drifting():
    """One topic whose words change with the year, another that stays."""
    texts = ["gold rush mine"] * 12 + ["silicon chip lab"] * 12 + ["whale sea ship"] * 12
    groups = [0] * 24 + [1] * 12
    years = [1900] * 12 + [1901] * 12 + [1900, 1901] * 6
    return texts, groups, years


def test_evolution_tuning_works():
    texts, groups, years = drifting()
    topics = fa.topics(texts, groups, stop_words=None)
    off = fa.topics_over_time(topics, years, evolution=False, global_tuning=False, top_n=10)
    on = fa.topics_over_time(topics, years, evolution=True, global_tuning=False, top_n=10)
    words = {(m.bin, m.topic): {w for w, _ in m.words} for m in on.moments}
    before = {(m.bin, m.topic): {w for w, _ in m.words} for m in off.moments}
    assert "gold" in words[1901, 0] and "gold" not in before[1901, 0]

    model = their_model(texts, groups)
    first = model.topics_.index(model.topics_[0])
    frames = [
        model.topics_over_time(texts, years, evolution_tuning=tuning, global_tuning=False)
        for tuning in (True, False)
    ]
    picked = [
        frame[(frame.Timestamp == 1901) & (frame.Topic == model.topics_[first])].Words.iloc[0]
        for frame in frames
    ]
    assert all("gold" not in words for words in picked), "BERTopic's evolution tuning has been repaired"


def test_untuned_series_equal_theirs():
    texts, groups, years = drifting()
    topics = fa.topics(texts, groups, stop_words=None)
    model = their_model(texts, groups)
    frame = model.topics_over_time(texts, years, evolution_tuning=False, global_tuning=False)
    ours = fa.topics_over_time(topics, years, evolution=False, global_tuning=False)
    renamed = {model.topics_[i]: groups[i] for i in range(len(groups))}
    theirs = {
        (row.Timestamp, renamed[row.Topic]): set(row.Words.split(", ")) - {""} for row in frame.itertuples()
    }
    assert theirs == {(m.bin, m.topic): {w for w, _ in m.words} for m in ours.moments}
    assert frame.Frequency.sum() == sum(m.size for m in ours.moments) == len(texts)


def test_nothing_given_is_changed():
    texts, groups, years = drifting()
    topics = fa.topics(texts, groups)
    before = [np.array(part) for part in (*topics.terms.matrix._parts()[1:], topics.idf, topics.groups)]
    fa.topics_over_time(topics, years)
    fa.topics_per_class(topics, ["a", "b"] * 18)
    fa.delete_topics(topics, [1])
    fa.merge_topics(topics, [[0, 1]])
    after = (*topics.terms.matrix._parts()[1:], topics.idf, topics.groups)
    assert all(np.array_equal(a, b) for a, b in zip(before, after))
    model = their_model(texts, groups)
    kept = model.c_tf_idf_.copy()
    model.topics_over_time(texts, years)
    assert abs(kept - model.c_tf_idf_).max() > 1e-6, "BERTopic no longer changes its model"


ODD = ["sci-fi café amélie don't"] * 12 + ["whale sea ship \r\n NBSP\u00a0harbour"] * 12


def test_fitted_and_new_texts_take_the_same_path():
    groups = [0] * 12 + [1] * 12
    topics = fa.topics(ODD, groups, stop_words=None)
    assert (topics.count(ODD).toarray() == topics.counts.toarray()).all()
    shares = fa.topic_distribution(topics, ODD).toarray()
    assert (shares[np.arange(24), groups] > 0.9).all()
    model = their_model(ODD, groups, language="english")
    theirs, _ = model.approximate_distribution(["sci-fi café amélie"])
    assert theirs.sum() == 0, "BERTopic now vectorises new texts as it does fitted ones"
    assert fa.topic_distribution(topics, ["sci-fi café amélie"]).toarray().sum() == pytest.approx(1)


def test_deleting_topics_with_outliers_keeps_the_right_rows():
    texts = ["noise hum"] * 5 + ["gold mine"] * 14 + ["chip lab"] * 13 + ["whale sea"] * 12
    groups = np.array([-1] * 5 + [0] * 14 + [1] * 13 + [2] * 12)
    topics = fa.topics(texts, groups)
    left = fa.delete_topics(topics, [1])
    assert left.ids == [-1, 0, 2] and np.array_equal(left.idf, topics.idf)
    old, new = topics.terms.matrix.toarray(), left.terms.matrix.toarray()
    assert np.array_equal(new[1:], old[[1, 3]])
    assert left.terms.counts.toarray().sum() == topics.terms.counts.toarray().sum()
    assert fa.find_topics(left, "whale")[0][0] == 2 and left.count(["gold"]).nnz == 1
    model = their_model(texts, groups)
    model.delete_topics([1])
    rows = model.c_tf_idf_.shape[0]
    sizes = model.ctfidf_model._idf_diag.shape
    words = dict(model.get_topic(0) or []), dict(model.get_topic(1) or [])
    broken = (
        sizes[0] != len(model.vectorizer_model.get_feature_names_out()) or rows != 3 or "gold" not in words[0]
    )
    assert broken, "BERTopic's delete_topics has been repaired"


def test_representatives_are_the_best_of_all_members():
    draw = np.random.default_rng(3)
    vocabulary = [f"word{i}" for i in range(300)]
    groups = np.repeat([0, 1], [900, 700])
    texts = [" ".join(draw.choice(vocabulary[g * 100 : g * 100 + 200], 12)) for g in groups]
    topics = fa.topics(texts, groups, stop_words=None)
    model = their_model(texts, groups)
    cosine = fa.topic_similarity(topics, texts)
    best = fa.topic_representatives(topics, 3)
    position = {}
    for i, text in enumerate(texts):
        position.setdefault(text, i)
    strictly = 0
    for topic, ours in best.items():
        row = topics.row(topic)
        theirs = [
            position[text]
            for text in model.representative_docs_[model.topics_[int(np.argmax(groups == topic))]]
        ]
        assert cosine[ours, row].min() >= cosine[theirs, row].min() - 1e-12
        strictly += cosine[ours, row].min() > cosine[theirs, row].min() + 1e-12
    assert strictly >= 1


ANIMALS, VEHICLES = "cow horse sheep cat dog".split(), "ship train bus plane car".split()


def test_keywords_by_meaning_look_at_their_own_texts():
    draw = np.random.default_rng(2)
    texts = [" ".join(draw.choice(ANIMALS, 4)) for _ in range(60)]
    texts += [" ".join([*draw.choice(VEHICLES, 3), draw.choice(ANIMALS)]) for _ in range(60)]
    groups = [0] * 60 + [1] * 60

    def encode(words):
        return np.array(
            [[sum(w in ANIMALS for w in t.split()), sum(w in VEHICLES for w in t.split())] for t in words],
            dtype=float,
        )

    topics = fa.topics(texts, groups)
    found = fa.embedding_keywords(topics, encode(texts), encode, top_n=5)
    assert {word for word, _ in found[1]} == set(VEHICLES)
    assert {word for word, _ in found[0]} == set(ANIMALS)
    from bertopic.backend import BaseEmbedder
    from bertopic.representation import KeyBERTInspired

    class Embedder(BaseEmbedder):
        def embed(self, documents, verbose=False):
            return encode(documents)

    theirs = their_model(
        texts, groups, encode(texts), embedding_model=Embedder(), representation_model=KeyBERTInspired()
    )
    topic = theirs.topics_[-1]
    assert {word for word, _ in theirs.get_topic(topic)[:5]} != set(VEHICLES), (
        "bare KeyBERTInspired has been repaired"
    )


def test_counts_of_earlier_batches_are_kept():
    from bertopic.vectorizers import OnlineCountVectorizer

    batches = [["gold gold mine gold", "whale sea"], ["chip lab gold", "ship"]]
    ours, theirs = fa.CountVectorizer(), OnlineCountVectorizer(decay=0.01)
    for batch in batches:
        ours.partial_fit(batch)
        theirs.partial_fit(batch)
        counts = theirs.update_bow(batch)
        ClassTfidfTransformer().fit(counts).transform(counts)
    whole, words = fa.count_terms([*batches[0], *batches[1]])
    assert list(ours.vocabulary_) == words and ours.term_counts_.tolist() == whole.toarray().sum(axis=0).tolist()
    assert np.allclose(theirs.X_.sum(axis=1), 1), "BERTopic keeps the counts of earlier batches now"


def test_vectors_of_the_caller_stay_as_they_are():
    from bertopic.backend import BaseEmbedder

    texts, groups = ["cow horse sheep"] * 12 + ["ship train plane"] * 12, [0] * 12 + [1] * 12

    class Embedder(BaseEmbedder):
        def embed(self, documents, verbose=False):
            return np.array([[w in str(text) for w in ("cow", "ship", "horse", "plane")] for text in documents], float)

    vectors = Embedder().embed(texts)
    given = vectors.copy()
    topics = fa.topics(texts, groups, seed_words=["cow", "ship"])
    fa.embedding_keywords(topics, vectors, Embedder().embed)
    fa.reduce_topics(topics, 1, vectors)
    assert np.array_equal(vectors, given)
    their_model(texts, groups, vectors, embedding_model=Embedder(), seed_topic_list=[["cow", "horse"], ["ship"]])
    assert not np.array_equal(vectors, given), "BERTopic no longer overwrites the caller's vectors"


def test_infinite_and_negative_weights():
    counts = scipy_sparse.csr_matrix(np.array([[2, 0], [1, 0]]))
    with np.errstate(all="ignore"):
        theirs = ClassTfidfTransformer().fit(counts)
    assert np.isinf(theirs._idf_diag.diagonal()).any()
    ours, _ = fa.count_terms(["aa aa", "aa"], vocabulary=["aa", "bb"])
    terms = fa.class_tfidf(ours, [0, 1], vocabulary=["aa", "bb"])
    assert np.isfinite(terms.matrix.data).all()
    many = fa.class_tfidf(["the sea " * 30] * 100, np.arange(100), stop_words=None, bm25_weighting=True)
    assert all(word for row in range(3) for word, _ in many.keywords(row))  # no paddings, nothing below 0
