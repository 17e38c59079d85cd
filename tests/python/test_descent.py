# SPDX-License-Identifier: MIT
"""knn_graph(method="descent"), its measured recall, exact_rows."""

import hashlib
import pickle
import threading

import numpy as np
import pytest

import filmatlas as fa


def rows(n=4000, d=64, seed=0):
    random = np.random.default_rng(seed)
    centres = random.standard_normal((25, d))
    inner = random.standard_normal((8, d)) * 0.3
    x = centres[random.integers(25, size=n)] + random.standard_normal((n, 8)) @ inner
    return x.astype(np.float32)


def digest(graph):
    return hashlib.sha256(graph.indices.tobytes() + graph.distances.tobytes()).hexdigest()


def test_descent_finds_nearly_all_and_says_how_many():
    x = rows()
    graph = fa.knn_graph(x, k=10, method="descent")
    exact = fa.knn_graph(x, k=10, method="exact")
    truth = fa.recall(graph, exact)
    low, high = graph.recall_interval
    assert graph.method == "descent" and graph.reason.startswith("asked for")
    assert truth > 0.98 and low <= truth <= high and 0 < high - low < 0.05
    assert f"recall={graph.recall:.3f} [{low:.3f}, {high:.3f}]" in repr(graph)
    again = pickle.loads(pickle.dumps(graph))
    assert again.recall_interval == (low, high) and digest(again) == digest(graph)


def test_descent_is_the_same_for_any_threads_and_follows_the_seed():
    x = rows()
    keep = dict(k=8, method="descent", n_trees=3, leaf_size=64, recall_sample=200)
    graphs = [fa.knn_graph(x, num_threads=t, **keep) for t in (1, 2, 3)]
    assert len({digest(g) for g in graphs}) == 1 and len({g.recall_interval for g in graphs}) == 1
    few = dict(keep, n_trees=1, max_iterations=0)
    with pytest.warns(fa.FilmAtlasWarning, match="true neighbours were found"):
        one, two = (fa.knn_graph(x, random_state=seed, **few) for seed in (1, 2))
    assert digest(one) != digest(two)


def test_less_work_finds_less_and_warns():
    x = rows()
    with pytest.warns(fa.FilmAtlasWarning, match="true neighbours were found"):
        poor = fa.knn_graph(x, k=8, method="descent", n_trees=1, leaf_size=8, list_size=8, max_iterations=0)
    assert poor.recall < 0.9


@pytest.mark.parametrize(
    "bad",
    [dict(n_trees=0), dict(leaf_size=1), dict(list_size=3), dict(max_candidates=0), dict(delta=1.5),
     dict(recall_sample=0), dict(max_iterations=-1)],
)
def test_bad_options_are_named(bad):
    with pytest.raises(fa.InvalidArgumentError, match=next(iter(bad))):
        fa.knn_graph(rows(50), k=5, method="descent", **bad)


def test_inner_product_is_refused_and_small_inputs_are_exact():
    with pytest.raises(fa.InvalidArgumentError, match="inner_product"):
        fa.knn_graph(rows(50), k=5, method="descent", metric="inner_product")
    small = fa.knn_graph(rows(50), k=5, method="descent")
    assert small.method == "exact" and "exact search takes no longer" in small.reason
    assert "descent" in fa.knn_graph(rows(), k=5).reason


def test_memory_limit_is_refused_with_the_figure():
    with pytest.raises(fa.MemoryLimitError, match="bytes"):
        fa.knn_graph(rows(), k=5, method="descent", memory_limit=1000)


def test_cancelling_leaves_nothing_running():
    class Stop(Exception):
        pass

    calls = []

    def stop(*_):
        calls.append(1)
        raise Stop

    before = threading.active_count()
    with pytest.raises(Stop):
        fa.knn_graph(rows(20000, 128), k=15, method="descent", progress=stop, num_threads=2)
    assert calls and threading.active_count() == before


def test_exact_rows_are_the_rows_of_the_exact_graph():
    x = rows(900)
    x[7, 3] = np.nan
    for metric in ("cosine", "euclidean", "sqeuclidean", "inner_product", "manhattan"):
        with pytest.warns(fa.FilmAtlasWarning, match="1 of 900 rows"):
            graph = fa.knn_graph(x, k=6, metric=metric, method="exact")
        chosen = [899, 0, 7, 450, 0]
        ids, distances = fa.exact_rows(x, chosen, k=6, metric=metric, num_threads=2)
        assert np.array_equal(ids, graph.indices[chosen])
        assert np.array_equal(distances, graph.distances[chosen])
    with pytest.raises(fa.InvalidArgumentError, match=r"rows\[1\]"):
        fa.exact_rows(x, [0, 900])
