# SPDX-License-Identifier: MIT
"""The whole topic table of a catalogue from raw texts, stage by stage, and BERTopic's own stages beside it.

    python benchmarks/topic_table.py films.jsonl.gz films_vectors.npy.gz [--rival] [--out benchmarks/results]

Keywords at every node of three levels, the members that stand for each node, names for the hierarchy, twenty bins
of time with evolution, and the mixture of topics of every item.
"""

from __future__ import annotations

import argparse
import gzip
import json
import time

import numpy as np
from flat_results import add_out, keep

import filmatlas as fa


def open_any(path):
    return gzip.open(path, "rb") if path.endswith(".gz") else open(path, "rb")


class Clock:
    def __init__(self):
        self.wall, self.cpu, self.total, self.laps = time.perf_counter(), time.process_time(), [0.0, 0.0], {}

    def lap(self, what):
        wall, cpu = time.perf_counter(), time.process_time()
        print(f"  {what:34s} {wall - self.wall:8.3f} s  {cpu - self.cpu:8.3f} s of CPU", flush=True)
        self.laps[what] = (wall - self.wall, cpu - self.cpu)
        self.total[0] += wall - self.wall
        self.total[1] += cpu - self.cpu
        self.wall, self.cpu = time.perf_counter(), time.process_time()


def ours(texts, hierarchy, vectors, years):
    clock = Clock()
    stream = fa.tokens(texts)
    clock.lap("texts split once")
    counts, vocabulary = fa.count_terms(stream, stop_words="english", min_df=2)
    clock.lap("words of all texts")
    terms = fa.class_tfidf(counts, hierarchy, vocabulary=vocabulary)
    keywords = fa.node_keywords(terms, hierarchy)
    clock.lap("keywords at every node")
    fa.keyword_labels(hierarchy, keywords)
    clock.lap("names of the hierarchy")
    fa.representatives(hierarchy, vectors, 5)
    clock.lap("representatives, all members seen")
    topics = fa.topics(counts, hierarchy.labels(-1), vocabulary=vocabulary)
    fa.topics_over_time(topics, years, bins=20)
    clock.lap("20 bins of time with evolution")
    fa.topic_distribution(topics, stream)
    clock.lap("mixture of topics of every item")
    print(f"  {'total':34s} {clock.total[0]:8.3f} s  {clock.total[1]:8.3f} s of CPU")
    return clock


class FixedClusters:
    def __init__(self, labels):
        self.labels_ = labels

    def fit(self, X, y=None):
        return self

    def predict(self, X):
        return self.labels_


def theirs(texts, groups, vectors, years, mixed):
    from bertopic import BERTopic
    from bertopic.dimensionality import BaseDimensionalityReduction
    from sklearn.feature_extraction.text import CountVectorizer

    clock = Clock()
    model = BERTopic(
        embedding_model=None,
        umap_model=BaseDimensionalityReduction(),
        hdbscan_model=FixedClusters(groups),
        vectorizer_model=CountVectorizer(stop_words="english"),
    )
    model.fit(texts, embeddings=vectors)
    clock.lap("fit: keywords, representatives")
    model.hierarchical_topics(texts)
    clock.lap("names of the hierarchy")
    model.topics_over_time(texts, years, nr_bins=20)
    clock.lap("20 bins of time")
    model.approximate_distribution(texts[:mixed])
    before = clock.total[1]
    clock.lap(f"mixture of topics of {mixed} items")
    rest = (clock.total[1] - before) * (len(texts) / mixed - 1)
    wall, cpu = clock.total[0] + rest, clock.total[1] + rest
    print(f"  {'total, mixtures of all items scaled':34s} {wall:8.3f} s  {cpu:8.3f} s of CPU")
    clock.total = [wall, cpu]
    return clock


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("catalogue")
    parser.add_argument("vectors")
    parser.add_argument("--clusters", type=int, nargs="+", default=[12, 50, 188])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rival", action="store_true")
    parser.add_argument("--mixed", type=int, default=2000)
    add_out(parser)
    options = parser.parse_args()
    with open_any(options.catalogue) as file:
        films = [json.loads(line) for line in file]
    with open_any(options.vectors) as file:
        vectors = np.load(file).astype(np.float32)
    texts = [" ".join([f["overview"] or "", f["tagline"] or "", " ".join(f["keywords"])]) for f in films]
    years = np.array([f["year"] or 2000 for f in films], dtype=float)
    hierarchy = fa.nested_clusters(vectors, n_clusters=options.clusters)
    print(f"{len(texts)} items, {hierarchy.num_nodes} nodes on {hierarchy.num_levels} levels")
    print("filmatlas, warming up")
    ours(texts, hierarchy, vectors, years)
    clocks = []
    for _ in range(options.rounds):
        print("filmatlas")
        clocks.append(ours(texts, hierarchy, vectors, years))
    if not options.rival:
        return
    print("BERTopic")
    rival = theirs(texts, np.asarray(hierarchy.labels(-1)), vectors, years.astype(int).tolist(), options.mixed)
    slowest = max(clock.total[0] for clock in clocks)
    times = rival.total[0] / slowest
    print(f"filmatlas at most {slowest:.3f} s in {len(clocks)} rounds, BERTopic {rival.total[0]:.1f} s: {times:.0f}x")
    middle = sorted(clocks, key=lambda clock: clock.total[0])[len(clocks) // 2]
    rows = [
        {"side": side, "stage": what, "wall s": f"{wall:.3f}", "CPU s": f"{cpu:.3f}"}
        for side, clock in (("filmatlas", middle), ("BERTopic", rival))
        for what, (wall, cpu) in [*clock.laps.items(), ("total", tuple(clock.total))]
    ]
    note = (
        f"{len(texts)} films, {hierarchy.num_nodes} nodes on {hierarchy.num_levels} levels; filmatlas: the median of "
        f"{len(clocks)} rounds after one to warm up. BERTopic's mixtures are of {options.mixed} items, scaled to all."
    )
    bars = [
        ("seconds, the slowest round", f"{slowest:.3f}", "1.0", slowest <= 1.0),
        ("BERTopic's total over the slowest round", f"{times:.0f}x", "40x", times >= 40),
    ]
    keep(options.out, "topic_table", rows, note, ("bertopic", "scikit-learn", "numpy"), bars)


if __name__ == "__main__":
    main()
