# SPDX-License-Identifier: MIT
"""Coherence against gensim: the same figures, and how long each takes.

    python benchmarks/coherence.py newsgroups20.jsonl.gz [--texts 18846]

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

import filmatlas as fa


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("catalogue")
    parser.add_argument("--texts", type=int, default=18846)
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


if __name__ == "__main__":
    main()
