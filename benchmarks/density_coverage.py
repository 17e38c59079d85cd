#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""HDBSCAN on smoothed vectors beside its rivals: agreement with the classes at equal coverage.

    python benchmarks/density_coverage.py --data <folder> [--out benchmarks/results] [--rivals umap,evoc]

20 Newsgroups, 20 classes. The recipe: 16 smoothing steps over shared neighbours, 24 principal components, HDBSCAN with
5 samples and clusters of at least the square root of the number of items, a rule that sees no class; two other sizes
are shown beside it, for HDBSCAN on UMAP's coordinates too. Every contender's items are brought to a coverage: the
surest ones where it covers more, else its noise is added, nearest to a cluster's mean first. Adjusted mutual
information on the covered items. Rivals are optional (pip install umap-learn scikit-learn evoc); what was measured
before is kept.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import math
import pathlib

import numpy as np
from runner import about_filmatlas, load_npy, machine, unit

import filmatlas as fa

COVERAGES = (0.55, 0.65, 0.75)


def at_coverage(space, labels, sureness, truth, share):
    """Agreement when just this share of the items has a label."""
    labels = np.array(labels)
    wanted = round(share * len(labels))
    covered = np.flatnonzero(labels >= 0)
    if len(covered) >= wanted:
        kept = covered[np.argsort(-np.asarray(sureness)[covered], kind="stable")[:wanted]]
    else:
        ids = np.unique(labels[covered])
        means = np.stack([space[labels == i].mean(0) for i in ids])
        noise = np.flatnonzero(labels < 0)
        distance = (means**2).sum(1)[None] - 2 * space[noise] @ means.T + (space[noise] ** 2).sum(1)[:, None]
        added = np.argsort(distance.min(1), kind="stable")[: wanted - len(covered)]
        labels[noise[added]] = ids[distance[added].argmin(1)]
        kept = np.concatenate([covered, noise[added]])
    return round(float(fa.adjusted_mutual_information(truth[kept], labels[kept].astype(np.int32))), 4)


def entry(space, labels, sureness, truth):
    labels = np.asarray(labels)
    return {
        "clusters": len(np.unique(labels[labels >= 0])),
        "coverage": round(float((labels >= 0).mean()), 3),
        "ami": [at_coverage(space, labels, sureness, truth, share) for share in COVERAGES],
    }


def recipe(X, min_cluster_size):
    """The coordinates, and HDBSCAN's labels and probabilities."""
    space = fa.pca(fa.smooth_embedding(X, fa.knn_graph(X, 15), steps=16), 24).transformed
    found = fa.hdbscan(space, min_cluster_size=min_cluster_size, min_samples=5)
    return space, np.asarray(found.labels), np.asarray(found.probabilities)


def rule(n):
    """The least size of a cluster."""
    return round(math.sqrt(n))


def contenders(X, rivals):
    """Name, coordinates, labels, sureness."""
    sizes = (50, 100, rule(len(X)))
    for size in sizes:
        yield f"filmatlas, min_cluster_size {size}", *recipe(X, size)
    if "umap" in rivals:
        import umap
        from sklearn.cluster import HDBSCAN

        flat = umap.UMAP(n_components=5, metric="cosine", min_dist=0, random_state=0).fit_transform(X)
        for size in sizes:
            model = HDBSCAN(min_cluster_size=size, min_samples=5, copy=True).fit(flat)
            yield f"UMAP 5-d + HDBSCAN, min_cluster_size {size}", flat, model.labels_, model.probabilities_
    if "evoc" in rivals:
        import evoc

        for noise in (0.5, 0.0):
            model = evoc.EVoC(random_state=0, noise_level=noise)
            model.fit(X)
            for i, labels in enumerate(model.cluster_layers_):
                yield f"EVoC, noise_level {noise}, layer {i}", X, labels, model.membership_strength_layers_[i]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parent / "results")
    parser.add_argument("--rivals", default="")
    options = parser.parse_args()
    with gzip.open(f"{options.data}/newsgroups20.jsonl.gz", "rt", encoding="utf-8") as lines:
        classes = [json.loads(line)["l3"] for line in lines]
    truth = np.unique(classes, return_inverse=True)[1].astype(np.int32)
    X = unit(load_npy(options.data, "newsgroups20_minilm"))
    path = options.out / "density_coverage.json"
    kept = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"contenders": {}}
    for name, space, labels, sureness in contenders(X, options.rivals.split(",")):
        kept["contenders"][name] = entry(np.asarray(space), labels, sureness, truth)
        print(name, kept["contenders"][name], flush=True)
    hashes = {hashlib.sha256(recipe(X, rule(len(X)))[1].tobytes()).hexdigest() for _ in range(2)}
    kept.update(coverages=COVERAGES, rule=rule(len(X)), same_bytes=len(hashes) == 1)
    kept.update(machine=machine(), filmatlas=about_filmatlas())
    path.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
