# SPDX-License-Identifier: MIT
"""Topics as values: words, items, mixtures, edits, time."""

from __future__ import annotations

import gzip
import json
import math
import os
import pathlib

import numpy as np
import pytest

import filmatlas as fa
from conftest import ROOT, TOPICS

SHARED = pathlib.Path(os.environ.get("FILMATLAS_SHARED_DATA", ROOT.parent / "shared" / "data"))


@pytest.fixture(scope="module")
def model(films):
    names = list(TOPICS)
    groups = np.array([names.index(film["id"].split("-")[0]) for film in films])
    groups[::30] = -1
    return (
        fa.topics([film["overview"] for film in films], groups),
        groups,
        [film["overview"] for film in films],
    )


def test_a_value_of_topics(model):
    topics, groups, texts = model
    assert topics.ids == [-1, 0, 1, 2, 3, 4, 5] and len(topics) == 6 and list(topics) == [0, 1, 2, 3, 4, 5]
    assert sum(topics.sizes.values()) == len(texts)
    for topic, words in enumerate(TOPICS.values()):
        assert {word for word, _ in topics.keywords(topic, 5)} <= set(words.split())
    assert topics.to_pandas().shape == (7, 3) and len(topics.words(4)) == 6
    with pytest.raises(ValueError):
        topics.groups[0] = 3
    with pytest.raises(Exception, match="cannot assign"):
        topics.groups = groups
    with pytest.raises(ValueError, match="there is no topic 9"):
        topics.keywords(9)


@pytest.mark.parametrize(
    "rule", ["balanced", "c_tf_idf", "log_odds", "lift", "npmi", "bm25", "soft_c_tf_idf"]
)
def test_rankers_share_an_interface(model, rule):
    topics, _, _ = model
    ranked = fa.rank_keywords(topics.terms, rule=rule, top_n=4)
    for row, words in zip(ranked[1:], TOPICS.values()):
        assert len({word for word, _ in row} & set(words.split())) >= 3
        assert [score for _, score in row] == sorted((score for _, score in row), reverse=True)
    with pytest.raises(ValueError, match="one of"):
        fa.rank_keywords(topics.terms, rule="best")


def test_hard_memberships_are_the_soft_rule(model):
    topics, groups, _ = model
    weights = fa.soft_class_weights(topics.counts, np.eye(7)[groups + 1])
    ranked = fa.rank_keywords(topics.terms, rule="soft_c_tf_idf", top_n=1, min_items=1)
    for row in range(7):
        best = weights.data[weights.indptr[row] : weights.indptr[row + 1]].max()
        assert best == pytest.approx(ranked[row][0][1])


def test_queries_mixtures_and_representatives(model):
    topics, groups, texts = model
    assert fa.find_topics(topics, "samurai sword duel")[0][0] == 0
    mix = fa.topic_distribution(topics, texts)
    dense = mix.toarray()
    assert mix.shape == (len(texts), 7) and np.allclose(dense.sum(axis=1), 1) and not dense[:, 0].any()
    inside = groups >= 0
    assert (dense.argmax(axis=1)[inside] - 1 == groups[inside]).mean() > 0.95
    best = fa.topic_representatives(topics, 3)
    cosine = fa.topic_similarity(topics, texts)
    for topic, items in best.items():
        row = topics.row(topic)
        members = np.flatnonzero(groups == topic)
        assert sorted(cosine[members, row])[-3:] == pytest.approx(sorted(cosine[items, row]))


def test_edits_make_new_values(model):
    topics, groups, _ = model
    before = topics.terms.matrix.toarray().copy()
    merged = fa.merge_topics(topics, [[1, 3], [4, 5]])
    assert merged.ids == [-1, 0, 1, 2, 4]
    assert merged.sizes[1] == topics.sizes[1] + topics.sizes[3]
    counts, old = merged.terms.counts.toarray(), topics.terms.counts.toarray()
    assert (counts[merged.row(1)] == old[topics.row(1)] + old[topics.row(3)]).all()
    assert (merged.terms.matrix.toarray()[merged.row(2)] == before[topics.row(2)]).all()
    deleted = fa.delete_topics(topics, [0, 2])
    assert deleted.ids == [-1, 1, 3, 4, 5] and sum(deleted.sizes.values()) == len(groups)
    halves = np.arange(topics.sizes[2]) % 2
    split = fa.split_topic(topics, 2, halves)
    assert split.ids == [-1, 0, 1, 2, 3, 4, 5, 6]
    assert split.sizes[2] + split.sizes[6] == topics.sizes[2]
    assert (fa.merge_topics(split, [[2, 6]]).groups == topics.groups).all()
    assert (topics.terms.matrix.toarray() == before).all()
    assert (topics.groups == groups).all()
    for bad in (lambda: fa.merge_topics(topics, [[1, 2], [2, 3]]), lambda: fa.delete_topics(topics, [77])):
        with pytest.raises(ValueError):
            bad()
    with pytest.raises(ValueError, match="labels for the"):
        fa.split_topic(topics, 2, [0])


def test_reducing_joins_the_most_similar(model):
    topics, groups, texts = model
    twins = fa.split_topic(topics, 2, np.arange(topics.sizes[2]) % 2)
    back = fa.reduce_topics(twins, 6)
    assert (back.groups == topics.groups).all()
    assert fa.reduce_topics(topics, 6) is topics and fa.reduce_topics(topics, 99) is topics
    assert fa.reduce_topics(topics, 1).ids == [-1, 0]
    vectors = np.eye(7)[groups + 1]
    assert len(fa.reduce_topics(twins, 6, vectors)) == 6


def test_bins_of_time():
    times = [1994, 1995, 1999, 2003, None, 2011]
    values = np.array(times, dtype=float)
    assert fa.time_bins(values)[1] == [1994, 1995, 1999, 2003, 2011]
    place, names = fa.time_bins(values, "decade")
    assert names == [1990, 2000, 2010] and place.tolist() == [0, 0, 0, 1, -1, 2]
    place, names = fa.time_bins(values, "quantile:2")
    assert place.tolist() == [0, 0, 1, 1, -1, 1] and len(names) == 2
    place, _ = fa.time_bins(values, 2)
    assert place.tolist() == [0, 0, 0, 1, -1, 1]
    place, names = fa.time_bins(values, [1990, 2000, 2005])
    assert place.tolist() == [0, 0, 0, 1, -1, -1] and names == [1990, 2000]
    dates = np.array(["1999-07-02", "2000-01-01", "NaT"], dtype="datetime64[D]")
    assert fa.time_bins(dates, "year")[0].tolist() == [0, 1, -1] and fa.time_bins(dates, "year")[1] == [
        1999,
        2000,
    ]
    assert fa.time_bins(["1999-07-02", "2000-01-01"], "year")[1] == [1999, 2000]
    assert fa.time_bins([float("nan")])[1] == []
    for bad in ("month", "quantile:x", [3, 2], [1]):
        with pytest.raises(ValueError):
            fa.time_bins(values, bad)
    with pytest.raises(TypeError):
        fa.time_bins(["soon"], "year")


def test_over_time_and_per_class(model):
    topics, groups, texts = model
    years = 1950 + np.arange(len(texts)) % 40
    series = fa.topics_over_time(topics, years, bins="decade")
    assert series.bins == [1950, 1960, 1970, 1980]
    assert sum(moment.size for moment in series.moments) == len(texts) == sum(series.totals)
    assert {moment.topic for moment in series.moments} == set(topics.ids)
    for year in series.bins:
        assert sum(moment.share for moment in series.moments if moment.bin == year) == pytest.approx(1)
    assert series.to_pandas().shape == (len(series), 5)
    classes = [None if i % 5 == 0 else ("uk" if i % 2 else "us") for i in range(len(texts))]
    per_class = fa.topics_per_class(topics, classes)
    assert per_class.bins == ["uk", "us"]
    assert sum(moment.size for moment in per_class.moments) == sum(c is not None for c in classes)
    assert (
        fa.topics_over_time(topics, years, bins="decade", smoothing=0.5, evolution=False).bins == series.bins
    )
    with pytest.raises(ValueError, match="times or classes for"):
        fa.topics_over_time(topics, years[:5])


def test_rising_and_falling():
    draw = np.random.default_rng(0)
    years = draw.integers(1980, 2020, 3000)
    rising = draw.random(3000) < (years - 1980) / 60
    groups = np.where(rising, 1, draw.integers(2, 4, 3000))
    texts = ["rocket moon" if r else "sea boat harbour" for r in rising]
    topics = fa.topics(texts, groups)
    trends = fa.topic_trends(topics, years)
    assert trends[0].name == 1 and trends[0].low <= 1 / 60 <= trends[0].high and trends[0].z > 10
    assert trends[-1].slope < 0 and sum(trend.slope for trend in trends) == pytest.approx(0, abs=1e-12)
    terms = fa.term_trends(topics, years, bins="year")
    assert terms[0].name in ("rocket", "moon") and terms[-1].name in ("boat", "harbour", "sea")
    assert fa.term_trends(topics, years, topic=1) and fa.term_trends(topics, years, min_items=10**6) == []
    assert fa.topic_trends(topics, np.full(3000, 1999)) == []
    # Intervals hold the truth about as often as they say: shares without a trend.
    held = 0
    for seed in range(100):
        draw = np.random.default_rng(seed)
        flat = fa.topics(["a b"] * 400, draw.integers(0, 2, 400), stop_words=None, vocabulary=["aa"])
        trend = fa.topic_trends(flat, draw.integers(0, 10, 400))[0]
        held += trend.low <= 0 <= trend.high
    assert 88 <= held <= 100


def test_novelty_and_half_life():
    texts = [" ".join(f"w{year + i}" for i in range(8)) for year in range(10) for _ in range(5)]
    texts += ["same words always"] * 50
    years = list(np.repeat(np.arange(10), 5)) * 2
    topics = fa.topics(texts, [0] * 50 + [1] * 50, stop_words=None)
    novelty = fa.topic_novelty(topics, years)
    assert math.isnan(novelty[0][0][0]) and novelty[0][0][5] > 0.1
    assert novelty[1][0][5] == pytest.approx(0, abs=1e-9)
    assert 2 <= novelty[0][1] <= 6 and novelty[1][1] == math.inf


def test_members_of_nodes(films):
    names = list(TOPICS)
    fine = np.array([names.index(film["id"].split("-")[0]) for film in films])
    hierarchy = fa.Hierarchy([fine // 3, fine])
    vectors = np.eye(6)[fine] + np.random.default_rng(0).normal(0, 0.2, (len(films), 6))
    central = fa.representatives(hierarchy, vectors, 5)
    assert fa.diverse_representatives(hierarchy, vectors, 5, diversity=0) == central
    diverse = fa.diverse_representatives(hierarchy, vectors, 5)
    assert [items[0] for items in diverse] == [items[0] for items in central]
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    for node in hierarchy.nodes("microcluster"):
        spread = [1 - (unit[items[node.id]] @ unit[items[node.id]].T).mean() for items in (central, diverse)]
        assert spread[1] >= spread[0]
        assert not set(fa.border_items(hierarchy, vectors, 3)[node.id]) & set(central[node.id][:2])


@pytest.mark.parametrize(
    ("file", "text", "vectors"),
    [
        ("newsgroups20.jsonl.gz", "text", "newsgroups20_minilm.npy.gz"),
        ("arxiv_ml_titles.jsonl.gz", "title", "arxiv_ml_minilm_int8.npy.gz"),
    ],
)
def test_the_default_rule_is_more_diverse_and_no_less_coherent(file, text, vectors):
    if not (SHARED / file).exists():
        pytest.skip(f"{file} is not there; name its folder in FILMATLAS_SHARED_DATA")
    with gzip.open(SHARED / file, "rt", encoding="utf-8") as lines:
        texts = [json.loads(line)[text] for line in lines]
    with gzip.open(SHARED / vectors, "rb") as data:
        points = np.load(data)
    step = max(1, len(texts) // 5000)
    texts, points = texts[::step], points[::step].astype(np.float32)
    groups = fa.kmeans(points, 60, random_state=1).labels
    topics = fa.topics(texts, groups)
    reference = fa.tokens(texts)
    ours = topics.words(10)
    theirs = [[w for w, _ in row] for row in fa.rank_keywords(topics.terms, rule="c_tf_idf", min_items=1)]
    assert fa.topic_diversity(ours) >= 0.95 > fa.topic_diversity(theirs)
    assert fa.coherence(ours, reference).mean >= fa.coherence(theirs, reference).mean


def test_what_tells_a_class_from_its_siblings():
    texts = ["owl night"] * 5 + ["owl moon"] * 5 + ["sun day"] * 5 + ["sun sea"] * 5
    tree = fa.Hierarchy([[0] * 10 + [1] * 10, [0] * 5 + [1] * 5 + [2] * 5 + [3] * 5])
    counts, words = fa.count_terms(texts)
    terms = fa.class_tfidf(counts, tree, vocabulary=words)
    finest = [node.id for node in tree.nodes(-1)]
    found = fa.contrast_keywords(terms, finest[0], hierarchy=tree)
    assert list(found) == [finest[1]] and [term for term, _ in found[finest[1]]] == ["night"]
    assert all(z > 0 for _, z in found[finest[1]])
    top = fa.contrast_keywords(terms, tree.nodes(0)[1].id, hierarchy=tree, top_n=1)
    assert list(top.values())[0][0][0] == "sun"
    groups = fa.class_tfidf(texts, ["bird"] * 10 + ["light"] * 10)
    assert fa.contrast_keywords(groups, "bird")["light"][0][0] == "owl"
    with pytest.raises(ValueError, match="no class"):
        fa.contrast_keywords(groups, "fish")


def test_keywords_per_source():
    tree = fa.Hierarchy([[0] * 6 + [1] * 6])
    sources = {
        "plot": ["a ship in space"] * 6 + ["a judge in court"] * 6,
        "mood": [["slow burn", "dark"]] * 6 + [["dark"], None, ["light hearted"], [], ["light hearted"], ["dark"]],
    }
    found = fa.source_keywords(sources, tree)
    assert {term for term, _ in found["plot"][0]} == {"ship", "space"}
    assert found["mood"][0][0][0] == "slow burn" and found["mood"][1][0][0] == "light hearted"


def test_max_sum_keeps_candidates_apart():
    candidates = np.array([[1, 0], [0.99, 0.1], [0.98, -0.2], [0.1, 1], [-1, 0]], dtype=np.float32)
    assert fa.max_sum_diverse([1, 0], candidates, 2, pool=4) == [2, 3]
    assert fa.max_sum_diverse([1, 0], candidates, 2, pool=2) == [0, 1]
    with pytest.raises(ValueError, match="too many subsets"):
        fa.max_sum_diverse(np.ones(3), np.random.default_rng(0).normal(size=(60, 3)), 20, pool=60)


def test_scored_tags_have_their_mean():
    tree = fa.Hierarchy([[0, 0, 0, 1, 1, 1]])
    tags = [{"dark": 0.9}, {"dark": 0.5}, {"dark": 0.1, "warm": 1.0}, {"warm": 0.2}, None, {"warm": 0.4}]
    lifts = fa.tag_lift(tags, tree)
    assert lifts[0][0]["tag"] == "dark" and lifts[0][0]["mean_score"] == pytest.approx(0.5)
    assert lifts[1][0]["tag"] == "warm" and lifts[1][0]["mean_score"] == pytest.approx(0.3)
    plain = fa.tag_lift([list(row or ()) for row in tags], tree)
    assert "mean_score" not in plain[0][0] and plain[0][0]["lift"] == lifts[0][0]["lift"]
    with pytest.raises(TypeError, match="some tags have scores"):
        fa.tag_lift([{"a": 1.0}, ["a"], [], [], [], []], tree)


def test_keywords_by_meaning_can_be_kept_apart():
    texts = ["cat kitten feline paw", "cat kitten feline dog"] * 4
    axes = {"cat": [1, 0.1, 0], "kitten": [1, 0.12, 0], "feline": [1, 0.08, 0], "paw": [0.6, 1, 0], "dog": [0.7, 0, 1]}
    vectors = np.array([np.mean([axes[word] for word in text.split()], axis=0) for text in texts])
    model = fa.topics(texts, [0] * 8)

    def encode(words):
        return np.array([axes[word] for word in words])

    near = [term for term, _ in fa.embedding_keywords(model, vectors, encode, top_n=3)[0]]
    apart = [term for term, _ in fa.embedding_keywords(model, vectors, encode, top_n=3, diversity=0.7)[0]]
    assert set(near) == {"cat", "kitten", "feline"} and len(set(apart) & set(near)) == 1 and apart[0] == near[0]
