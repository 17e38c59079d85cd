# SPDX-License-Identifier: MIT
"""Progress, cancelling, and Ctrl-C while the core is at work."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time

import numpy as np
import pytest

import filmatlas as fa

BIG = np.random.default_rng(0).normal(size=(6000, 96)).astype(np.float32)


def test_progress_is_told_on_the_calling_thread():
    ticks, threads = [], set()

    def tell(stage, done, total):
        ticks.append((stage, done, total))
        threads.add(threading.get_ident())

    fa.knn_graph(BIG, 10, num_threads=2, progress=tell)
    assert ticks and threads == {threading.get_ident()}
    assert all(
        isinstance(stage, str) and stage and 0 <= done and (total == 0 or done <= total)
        for stage, done, total in ticks
    )


@pytest.mark.parametrize("answer", [None, True, 1, "go on"])
def test_only_false_cancels(answer):
    fa.knn_graph(BIG, 5, progress=lambda *tick: answer)


def test_false_cancels():
    with pytest.raises(fa.Cancelled) as info:
        fa.knn_graph(BIG, 5, progress=lambda *tick: False)
    assert info.value.code == "cancelled" and isinstance(info.value, fa.FilmAtlasError)


def test_exceptions_of_the_callback_come_out_as_themselves():
    class Mine(Exception):
        pass

    def fail(*tick):
        raise Mine("stop here")

    with pytest.raises(Mine, match="stop here"):
        fa.knn_graph(BIG, 5, num_threads=3, progress=fail)
    with pytest.raises(Mine):
        fa.Atlas.build([{"id": str(i), "title": str(i)} for i in range(len(BIG))], BIG, progress=fail)
    fa.knn_graph(BIG[:50], 5)  # and the library goes on


def test_a_bar_is_closed_and_bad_progress_refused(capsys):
    fa.knn_graph(BIG, 5, progress=True)
    assert capsys.readouterr().err.endswith("\r\x1b[K")
    with pytest.raises(TypeError):
        fa.knn_graph(BIG, 5, progress="yes")


# What to do, and the shape of the vectors; these are drawn before the clock starts.
LONG = {
    "knn_graph": ("fa.knn_graph(V, 15)", (60000, 512)),
    "umap": ("fa.umap(V, graph=graph, n_epochs=100000, measure=False)", (3000, 16)),
    "tsne": ("fa.tsne(V, graph=graph, n_iter=100000, measure=False)", (3000, 16)),
    "kmeans": ("fa.kmeans(V, 2000, max_iterations=99999, tolerance=0.0)", (60000, 64)),
    "linkage": ("fa.linkage(V, method='average')", (14000, 64)),
}


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
@pytest.mark.parametrize("name", LONG)
def test_ctrl_c_stops_long_work(name):
    """KeyboardInterrupt within 0.3 s on an idle machine; the bound is generous for busy ones."""
    work, shape = LONG[name]
    script = f"""
        import time
        import numpy as np
        import filmatlas as fa
        V = np.random.default_rng(0).standard_normal({shape}, dtype=np.float32)
        graph = fa.knn_graph(V, 15) if len(V) == 3000 else None
        print("ready", flush=True)
        try:
            {work}
        except KeyboardInterrupt:
            print("stopped", time.time(), flush=True)
        else:
            print("finished", flush=True)
    """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)], stdout=subprocess.PIPE, text=True, env=os.environ
    ) as process:
        assert process.stdout.readline().strip() == "ready"
        time.sleep(0.7)
        sent = time.time()
        process.send_signal(signal.SIGINT)
        answer = process.stdout.readline().split()
        process.wait(timeout=30)
    assert answer[0] == "stopped"
    assert float(answer[1]) - sent < 1.0
