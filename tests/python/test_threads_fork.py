# SPDX-License-Identifier: MIT
"""Python threads at once, and a fork after use: nothing hangs, nothing changes."""

from __future__ import annotations

import os
import sys
import threading
import time

import numpy as np
import pytest

import filmatlas as fa

X = np.random.default_rng(0).normal(size=(1500, 32)).astype(np.float32)


def test_two_threads_at_once_give_what_one_gives():
    expected = fa.knn_graph(X, 10, num_threads=1).distances.tobytes()
    results = [None] * 4

    def work(slot):
        results[slot] = fa.knn_graph(X, 10, num_threads=2).distances.tobytes()

    threads = [threading.Thread(target=work, args=(slot,)) for slot in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert results == [expected] * 4


def test_the_gil_is_free_while_the_core_works():
    beats = []
    stop = threading.Event()

    def beat():
        while not stop.is_set():
            beats.append(time.monotonic())
            time.sleep(0.005)

    big = np.random.default_rng(1).normal(size=(9000, 128)).astype(np.float32)
    thread = threading.Thread(target=beat)
    thread.start()
    started = time.monotonic()
    fa.knn_graph(big, 15, num_threads=1)
    ended = time.monotonic()
    stop.set()
    thread.join()
    during = [beat for beat in beats if started <= beat <= ended]
    if ended - started > 0.2:
        assert len(during) > 5


def test_an_index_is_shared_by_threads():
    index = fa.KnnIndex(X)
    expected = index.query(X, 5)[1].tobytes()
    results = [None] * 3

    def work(slot):
        results[slot] = index.query(X, 5, num_threads=1)[1].tobytes()

    threads = [threading.Thread(target=work, args=(slot,)) for slot in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert results == [expected] * 3


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_can_go_on():
    expected = fa.knn_graph(X, 10, num_threads=3).distances.tobytes()
    child = os.fork()
    if child == 0:  # pragma: no cover
        try:
            same = fa.knn_graph(X, 10, num_threads=3).distances.tobytes() == expected
            os._exit(0 if same else 1)
        except BaseException:
            os._exit(2)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            assert os.waitstatus_to_exitcode(status) == 0
            return
        time.sleep(0.02)
    os.kill(child, 9)
    os.waitpid(child, 0)
    pytest.fail("the child hangs")


def test_environment_limits_threads(monkeypatch):
    monkeypatch.setenv("FILMATLAS_NUM_THREADS", "3")
    assert fa.build_info()["num_threads"] == 3
    monkeypatch.delenv("FILMATLAS_NUM_THREADS")
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    assert fa.build_info()["num_threads"] == 2


@pytest.mark.skipif(sys.platform == "win32", reason="x86-64 only in the same process")
def test_instruction_sets_give_the_same_bytes(monkeypatch):
    results = set()
    for level in ("baseline", "avx2", "avx512", "avx512_bf16", "amx"):
        monkeypatch.setenv("FILMATLAS_SIMD", level)
        graph = fa.knn_graph(X, 10)
        results.add((graph.indices.tobytes(), graph.distances.tobytes(), fa.kmeans(X, 8).centroids.tobytes()))
    assert len(results) == 1
    monkeypatch.setenv("FILMATLAS_SIMD", "mmx")
    with pytest.raises(ValueError, match="FILMATLAS_SIMD"):
        fa.build_info()
