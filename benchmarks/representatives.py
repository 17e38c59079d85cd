# SPDX-License-Identifier: MIT
"""Representative texts against BERTopic's: smallest cosine to the topic in c-TF-IDF, topic by topic.

    python benchmarks/representatives.py films.jsonl.gz films_vectors.npy.gz [--clusters 150] [--out benchmarks/results]

Topics are k-means clusters of the vectors; both sides get the same. Cosines are measured once, with the same
weights for both.
"""

from __future__ import annotations

import argparse
import gzip
import json
import time

import numpy as np
from bertopic import BERTopic
from bertopic.dimensionality import BaseDimensionalityReduction
from topic_table import FixedClusters
from flat_results import add_out, keep

import filmatlas as fa


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("catalogue")
    parser.add_argument("vectors")
    parser.add_argument("--text", default="overview")
    parser.add_argument("--clusters", type=int, default=150)
    parser.add_argument("--count", type=int, default=3)
    add_out(parser)
    options = parser.parse_args()
    with gzip.open(options.catalogue, "rt", encoding="utf-8") as file:
        texts = [json.loads(line)[options.text] or "" for line in file]
    with gzip.open(options.vectors, "rb") as file:
        vectors = np.load(file).astype(np.float32)
    groups = np.asarray(fa.kmeans(vectors, options.clusters, random_state=1).labels)
    model = BERTopic(
        embedding_model=None,
        umap_model=BaseDimensionalityReduction(),
        hdbscan_model=FixedClusters(groups),
        nr_topics=None,
    )
    start = time.process_time()
    model.fit(texts, embeddings=vectors)
    print(f"BERTopic fit {time.process_time() - start:.1f} s of CPU")
    topics = fa.topics(texts, groups, stop_words=None)
    start = time.process_time()
    best = fa.topic_representatives(topics, options.count)
    print(f"filmatlas representatives {time.process_time() - start:.3f} s of CPU, {len(topics)} topics")
    cosine = fa.topic_similarity(topics, texts)
    first = {text: i for i, text in reversed(list(enumerate(texts)))}
    theirs = {}
    for topic in topics:
        number = model.topics_[int(np.argmax(groups == topic))]
        theirs[topic] = [first[text] for text in model.representative_docs_[number]]
    ours = np.array([cosine[best[topic], topics.row(topic)].min() for topic in topics])
    others = np.array([cosine[theirs[topic], topics.row(topic)].min() for topic in topics])
    at_least = np.mean(ours >= others - 1e-12)
    above = np.mean(ours > others + 1e-12)
    row = {"topics": len(topics), "representatives": options.count, "at least theirs": f"{at_least:.1%}"}
    row |= {"above theirs": f"{above:.1%}", "mean smallest cosine": f"{ours.mean():.4f}, theirs {others.mean():.4f}"}
    bars = [("topics with a smallest cosine of at least theirs", f"{at_least:.1%}", "100 %", at_least == 1)]
    note = f"{len(texts)} texts; cosines of c-TF-IDF rows, measured alike for both."
    keep(options.out, "representatives", [row], note, ("bertopic", "scikit-learn"), bars)
    print(
        f"smallest cosine at least theirs in {at_least:.1%} of topics, above in {above:.1%}"
    )


if __name__ == "__main__":
    main()
