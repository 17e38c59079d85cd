# SPDX-License-Identifier: MIT
"""A real BERTopic takes our HDBSCAN as its hdbscan_model, and its topics become a strict tree; skipped without it."""

from __future__ import annotations

import sys
import types
import warnings

import numpy as np
import pytest

import filmatlas as fa
from conftest import TOPICS, make_blobs

pytest.importorskip("bertopic", reason="bertopic is not installed")


@pytest.fixture(scope="module")
def topic_model():
    from bertopic import BERTopic
    from bertopic.dimensionality import BaseDimensionalityReduction

    X, labels = make_blobs(300, d=8, centers=6, seed=1)
    draw = np.random.default_rng(0)
    words = [text.split() for text in TOPICS.values()]
    texts = [" ".join(draw.choice(words[label], 20)) for label in labels]
    ours = fa.HDBSCAN(min_cluster_size=15, prediction_data=True)
    model = BERTopic(
        umap_model=BaseDimensionalityReduction(),
        hdbscan_model=ours,
        embedding_model=None,
        calculate_probabilities=False,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        topics, _ = model.fit_transform(texts, X)
    return model, ours, X, labels, np.asarray(topics), texts


def test_topics_are_our_clusters(topic_model):
    model, ours, X, labels, topics, _ = topic_model
    fit = fa.hdbscan(X, 15)
    assert fa.adjusted_rand_index(topics, fit.labels) == 1
    clustered = topics >= 0
    assert fa.adjusted_rand_index(topics[clustered], labels[clustered]) == 1
    # Words of each topic are those of its class.
    for topic in range(6):
        own = list(TOPICS.values())[int(np.median(labels[topics == topic]))].split()
        assert {word for word, _ in model.get_topic(topic)[:5]} <= set(own)


def test_new_documents_are_predicted(topic_model, monkeypatch):
    model, _, X, _, topics, texts = topic_model
    try:
        import hdbscan  # noqa: F401
    except ImportError:  # BERTopic 0.17.4 asks for its class even where the package is not installed
        stand_in = types.ModuleType("hdbscan")
        stand_in.HDBSCAN = type("HDBSCAN", (), {})  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "hdbscan", stand_in)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        again, _ = model.transform(texts, X)
    # BERTopic predicts with models that it does not know by their own predict().
    assert fa.adjusted_rand_index(np.asarray(again), topics) == 1


def test_its_topics_and_their_parents_become_a_strict_tree(topic_model):
    _, _, X, _, topics, _ = topic_model
    coarse = np.where(topics < 0, -1, topics // 2)
    tree = fa.hierarchy_from_labels([coarse, topics], X, noise="nearest", level_names=["theme", "topic"])
    assert tree.num_items == len(topics)
    np.testing.assert_array_equal(tree.placed, np.flatnonzero(topics < 0))
    given = tree.node_labels[tree.leaves()]
    np.testing.assert_array_equal(given[topics >= 0], topics[topics >= 0])
