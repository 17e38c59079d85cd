# SPDX-License-Identifier: MIT
"""Coherence against gensim: the same figures, and how long each takes.

    python benchmarks/coherence.py newsgroups20.jsonl.gz [--texts 18846] [--out benchmarks/results]

Topics are the ten best c-TF-IDF words of the given classes; both sides get the same lists of tokens and use one
thread (gensim: processes=1).
"""

from __future__ import annotations

import argparse
import gzip
import json
import time

import numpy as np
from gensim.corpora import Dictionary
from gensim.models.coherencemodel import CoherenceModel
from flat_results import add_out, keep

import filmatlas as fa


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("catalogue")
    parser.add_argument("--texts", type=int, default=18846)
    add_out(parser)
    options = parser.parse_args()
    with gzip.open(options.catalogue, "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    rows = rows[:: max(1, len(rows) // options.texts)]
    groups = np.unique([row["l3"] for row in rows], return_inverse=True)[1]
    topics = fa.topics([row["text"] for row in rows], groups).words(10, rule="c_tf_idf")
    texts = [fa.tokenize(row["text"]) for row in rows]
    dictionary = Dictionary(texts)
    tokens = sum(len(text) for text in texts)
    print(f"{len(texts)} texts, {tokens} tokens, {len(topics)} topics")
    kept, bars = [], []
    for measure in ("c_npmi", "c_v", "u_mass"):
        start = time.process_time()
        theirs = CoherenceModel(
            topics=topics, texts=texts, dictionary=dictionary, coherence=measure, processes=1
        ).get_coherence_per_topic()
        slow = time.process_time() - start
        fast = []
        for _ in range(3):
            start = time.process_time()
            ours = fa.coherence(topics, texts, measure=measure, num_threads=1)
            fast.append(time.process_time() - start)
        difference = np.abs(ours.per_topic - theirs).max()
        print(
            f"{measure:8s} gensim {slow:8.2f} s, filmatlas {min(fast):7.3f} s: {slow / min(fast):6.0f}x, "
            f"largest difference {difference:.1e}",
            flush=True,
        )
        row = {"measure": measure, "gensim CPU s": f"{slow:.2f}", "filmatlas CPU s": f"{min(fast):.3f}"}
        kept.append({**row, "times": f"{slow / min(fast):.0f}x", "largest difference": f"{difference:.1e}"})
        bars.append((f"{measure}, times gensim", f"{slow / min(fast):.0f}x", "20x", slow / min(fast) >= 20))
        bars.append((f"{measure}, difference", f"{difference:.1e}", "1e-9", difference <= 1e-9))
    note = f"{len(texts)} texts, {tokens} tokens, {len(topics)} topics; one thread each."
    keep(options.out, "coherence", kept, note, ("gensim", "numpy"), bars)


if __name__ == "__main__":
    main()
