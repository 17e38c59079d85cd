# SPDX-License-Identifier: MIT
"""Which rule finds the best keywords: topic diversity and coherence of all rankers on the same assignments.

    python benchmarks/keywords.py [--data FOLDER] [--limit N] [--out benchmarks/results] [newsgroups] [arxiv] [films]

Topics are BERTopic's default pipeline of vectors, UMAP to five dimensions and HDBSCAN, with this library's UMAP and
scikit-learn's HDBSCAN; the reference corpus of the coherence is the texts themselves. BERTopic's own list
is its ClassTfidfTransformer where it is installed, else the same weights from here ("c_tf_idf" without a least
number of items; they agree to 1e-12, see tests/python/test_bertopic_parity.py).
"""

from __future__ import annotations

import argparse
import gzip
import json
import pathlib
import time

import numpy as np
from flat_results import add_out, keep

import filmatlas as fa

RULES = ("balanced", "c_tf_idf", "log_odds", "lift", "npmi", "bm25", "soft_c_tf_idf")


def read(folder, name):
    def lines(file):
        with gzip.open(folder / file, "rt", encoding="utf-8") as text:
            return [json.loads(line) for line in text]

    def array(file):
        with gzip.open(folder / file, "rb") as data:
            return np.load(data)

    if name == "newsgroups":
        return [row["text"] for row in lines("newsgroups20.jsonl.gz")], array("newsgroups20_minilm.npy.gz")
    if name == "films":
        return [row["overview"] or "" for row in lines("films.jsonl.gz")], array("films_minilm.npy.gz")
    return [row["title"] for row in lines("arxiv_ml_titles.jsonl.gz")], array("arxiv_ml_minilm_int8.npy.gz")


def assign(vectors, min_size, cache):
    if cache is not None and cache.exists():
        return np.load(cache)
    from sklearn.cluster import HDBSCAN

    vectors = vectors.astype(np.float32)
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    low = np.asarray(
        fa.umap(vectors, n_components=5, n_neighbors=15, min_dist=0.0, random_state=42).coordinates
    )
    groups = HDBSCAN(min_cluster_size=min_size, copy=True).fit_predict(low)
    if cache is not None:
        np.save(cache, groups)
    return groups


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpora", nargs="*", default=["newsgroups", "arxiv", "films"])
    parser.add_argument("--data", default="shared/data", type=pathlib.Path)
    parser.add_argument("--limit", type=int, default=0, help="texts per corpus, evenly drawn; 0 = all")
    parser.add_argument("--min-size", type=int, default=10, help="HDBSCAN's min_cluster_size (BERTopic: 10)")
    parser.add_argument("--cache", type=pathlib.Path, help="folder that keeps the assignments")
    add_out(parser)
    options = parser.parse_args()
    rows, bars = [], []
    for name in options.corpora:
        texts, vectors = read(options.data, name)
        step = max(1, len(texts) // options.limit) if options.limit else 1
        texts, vectors = texts[::step], vectors[::step]
        cache = options.cache / f"{name}_{len(texts)}_{options.min_size}.npy" if options.cache else None
        groups = assign(vectors, options.min_size, cache)
        topics = fa.topics(texts, groups)
        reference = fa.tokens(texts)
        print(f"\n{name}: {len(texts)} texts, {len(topics)} topics, {np.mean(groups < 0):.0%} outliers")
        print(
            f"{'rule':26s} {'NPMI':>7s} {'c_v':>7s} {'diversity':>9s} {'inv. RBO':>8s} {'intrusion':>9s} {'CPU s':>7s}"
        )
        for rule in ("BERTopic c-TF-IDF", *RULES):
            start = time.process_time()
            if rule.startswith("BERTopic"):
                ranked = fa.rank_keywords(topics.terms, rule="c_tf_idf", min_items=1)
            else:
                ranked = topics.rank(rule=rule)
            seconds = time.process_time() - start
            words = [[word for word, _ in row] for topic, row in zip(topics.ids, ranked) if topic >= 0]
            quality = fa.topic_quality(words, reference)
            if rule.startswith("BERTopic"):
                theirs = quality.npmi
            row = {"texts": f"{name}, {len(topics)} topics", "rule": rule, "NPMI": f"{quality.npmi:.4f}"}
            row |= {"c_v": f"{quality.c_v:.4f}", "diversity": f"{quality.diversity:.4f}"}
            row |= {"inverted RBO": f"{quality.inverted_rbo:.4f}", "intrusion": f"{quality.word_intrusion:.4f}"}
            rows.append({**row, "CPU s": f"{seconds:.3f}"})
            if rule == "balanced":
                bars.append((f"{name}, diversity", f"{quality.diversity:.4f}", "0.95", quality.diversity >= 0.95))
                better = quality.npmi >= theirs
                bars.append((f"{name}, NPMI", f"{quality.npmi:.4f}", f"{theirs:.4f}, BERTopic's", better))
            print(
                f"{rule:26s} {quality.npmi:7.4f} {quality.c_v:7.4f} {quality.diversity:9.4f} "
                f"{quality.inverted_rbo:8.4f} {quality.word_intrusion:9.4f} {seconds:7.3f}",
                flush=True,
            )
    note = "The ten best words; the texts themselves are the reference of the coherence."
    keep(options.out, "keywords", rows, note, ("bertopic", "scikit-learn", "numpy"), bars)


if __name__ == "__main__":
    main()
