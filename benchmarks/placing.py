#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""New items on a finished map: how fast, how faithful, and whether strangers are told.

    python benchmarks/placing.py --data <folder> [--out benchmarks/results] [--cases transform,strangers,update]

transform  The map of nine tenths of the films; the last tenth is placed, again and again until 20,000 items are. Time with
           the search for neighbours; kept neighbours of the placed items beside those of the map's own; the map's items
           placed once more; 300 items one by one against all at once.
strangers  Five labelled sets: each class in turn is left out of the map, which is made from nine tenths of the others; the
           class and the last tenth are placed. Area under the ROC curve of `out_of_map`, and beside it what distances in the
           full space reach alone: that to the nearest neighbour, and the mean of the 15 nearest.
update     The map of nine tenths of the films takes the last tenth in (`update_map`). How far what was known moves, in
           shares of the map's longest side, and trustworthiness and kept neighbours beside a map of all films made anew.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import pathlib
import time

import numpy as np
from flat_results import add_out, keep
from runner import chosen_cases, load_npy, unit

import filmatlas as fa

CASES = ("transform", "strangers", "update")
EVERY = 10  # one item in so many is new


def films(folder):
    X = unit(load_npy(folder, "films_minilm").astype(np.float32))
    new = np.arange(len(X)) % EVERY == EVERY - 1
    return X, new


def side(coordinates):
    return float(np.ptp(coordinates, axis=0).max())


def digest(array):
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


def kept_share(places, near_ids, among):
    """How many of the true neighbours among the map's items are among the nearest on the map."""
    index = fa.KnnIndex(np.ascontiguousarray(among), metric="euclidean", method="exact")
    found, _ = index.query(np.ascontiguousarray(places), near_ids.shape[1])
    return float(np.mean([len(np.intersect1d(a, b)) for a, b in zip(found, near_ids)]) / near_ids.shape[1])


def transform(options):
    X, new = films(options.data)
    layout = fa.atlas_map(X[~new], num_threads=options.threads)
    before = digest(layout.coordinates)
    index, graph = fa.KnnIndex(X[~new], method="exact"), fa.knn_graph(X[~new], 15)
    many = np.concatenate([X[new]] * -(-20_000 // int(new.sum())))[:20_000]

    def place(Q):
        return fa.place_items(Q, layout, X[~new], index=index, graph=graph, num_threads=options.threads)

    place(many)
    walls = []
    for _ in range(options.repeat):
        start = time.perf_counter()
        place(many)
        walls.append(time.perf_counter() - start)
    rate = len(many) / float(np.median(walls))
    together = place(X[new])
    single = sum(
        place(X[new][i : i + 1]).coordinates.tobytes() != together.coordinates[i : i + 1].tobytes() for i in range(300)
    )
    again = place(X[~new]).coordinates
    moved = float(np.median(np.linalg.norm(again - layout.coordinates, axis=1))) / side(layout.coordinates)
    ids, _ = index.query(X[new], 15)
    placed = kept_share(together.coordinates, ids, layout.coordinates)
    own = float(layout.quality.kept_neighbors)
    row = {
        "items per second": f"{rate:,.0f}",
        "one by one, different of 300": single,
        "map's items moved, median": f"{moved:.2%}",
        "kept of 15, placed": f"{placed:.3f}",
        "kept of 15, the map's own": f"{own:.3f}",
        "called outside": f"{together.outside.mean():.1%}",
    }
    bars = [
        ("items per second", f"{rate:,.0f}", "20,000", rate >= 20_000),
        ("placed one by one as together", f"{300 - single} of 300", "all", single == 0),
        ("the map itself is unchanged", digest(layout.coordinates) == before, "True", digest(layout.coordinates) == before),
        ("items of the map placed again move, median", f"{moved:.2%}", "1 %", moved <= 0.01),
    ]
    note = f"Films, {int((~new).sum()):,} on the map, {int(new.sum()):,} new; batch of 20,000, median of {options.repeat}."
    keep(options.out, "transform", [row], note, (), bars)
    return [row], bars


def area(strange, usual):
    """Area under the ROC curve: how often a stranger stands above one of the usual, ties by half."""
    order = np.sort(usual)
    below = np.searchsorted(order, strange, "left")
    up_to = np.searchsorted(order, strange, "right")
    return float((below + up_to).mean() / (2 * len(usual)))


def labelled(folder):
    """(name, vectors, classes, metric) of the sets from which classes are left out."""

    def records(name):
        with gzip.open(folder / name, "rt", encoding="utf-8") as lines:
            return [json.loads(line) for line in lines]

    def vectors(name):
        return unit(load_npy(folder, name).astype(np.float32))

    digits = load_npy(folder, "mnist_test_X").reshape(10_000, -1).astype(np.float32)
    news = np.array([r["l1"] for r in records("newsgroups20.jsonl.gz")])
    codes = np.array([r["section"] for r in records("hs_codes.jsonl.gz")])
    intents = np.array([r["label"] for r in records("banking77.jsonl.gz")])
    return [
        ("MNIST", digits, load_npy(folder, "mnist_test_y"), "euclidean"),
        ("letters", load_npy(folder, "letters_X").astype(np.float32), load_npy(folder, "letters_y"), "euclidean"),
        ("HS codes, sections", vectors("hs_codes_minilm"), codes, "cosine"),
        ("banking77", vectors("banking77_minilm"), intents, "cosine"),
        ("20 Newsgroups, l1", vectors("newsgroups20_minilm"), news, "cosine"),
    ]


def strangers(options):
    rows, bars = [], []
    for name, X, labels, metric in labelled(options.data):
        areas = {"mean": [], "nearest alone": [], "mean of 15 alone": []}
        for label in np.unique(labels):
            strange = labels == label
            train = ~strange & (np.arange(len(X)) % EVERY != 0)
            known, new = np.ascontiguousarray(X[train]), np.ascontiguousarray(X[~train])
            layout = fa.atlas_map(known, metric=metric, measure=False, num_threads=options.threads)
            placed = fa.place_items(new, layout, known, metric=metric, num_threads=options.threads)
            scores = (placed.out_of_map, placed.distances[:, 0], placed.distances.mean(axis=1))
            for values, score in zip(areas.values(), scores):
                values.append(area(score[strange[~train]], score[~strange[~train]]))
            print(f"{name}: without {label} {areas['mean'][-1]:.3f}", flush=True)
        own = areas["mean"]
        row = {"set": name, "classes": len(own), "smallest": f"{min(own):.3f}", "median": f"{np.median(own):.3f}"}
        rows.append({**row, **{what: f"{np.mean(values):.3f}" for what, values in areas.items()}})
        bars.append((f"mean area, {name}", f"{np.mean(own):.3f}", "0.9", np.mean(own) >= 0.9))
    note = "Each class left out in turn; nine tenths of the others make the map. The last two columns are means as well."
    keep(options.out, "strangers", rows, note, (), bars)
    return rows, bars


def update(options):
    X, new = films(options.data)
    order = np.concatenate([np.flatnonzero(~new), np.flatnonzero(new)])
    X = X[order]
    known = int((~new).sum())
    first = fa.atlas_map(X[:known], num_threads=options.threads, measure=False)
    start = time.perf_counter()
    grown = fa.update_map(X, first, num_threads=options.threads)
    seconds = time.perf_counter() - start
    graph = fa.knn_graph(X, 15)
    fresh = fa.atlas_map(X, graph=graph, num_threads=options.threads, measure=False)
    figures = [
        fa.quality_report(X, m.coordinates, k=[15], graph=graph, num_threads=options.threads).at(15) for m in (grown.layout, fresh)
    ]
    rows = []
    for name, report in zip(("with the new tenth", "made anew"), figures):
        rows.append({"map": name, "trustworthiness": f"{report.trustworthiness:.4f}", "kept of 15": f"{report.kept_neighbors:.4f}"})
    loss = float(figures[1].trustworthiness - figures[0].trustworthiness)
    bars = [
        ("what was known moves, median", f"{grown.median_drift:.2%}", "1 %", grown.median_drift <= 0.01),
        ("trustworthiness lost against a map made anew", f"{loss:.4f}", "0.005", loss <= 0.005),
    ]
    note = f"Films, {known:,} known and {len(X) - known:,} new; {seconds:.1f} s with the neighbours; largest drift {grown.largest_drift:.2%}."
    keep(options.out, "update", rows, note, (), bars)
    return rows, bars


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path, required=True, help="folder with the .npy or .npy.gz files")
    parser.add_argument("--cases", default=",".join(CASES), help=f"of {', '.join(CASES)}")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    add_out(parser)
    options = parser.parse_args()
    for case in chosen_cases(parser, options, CASES):
        rows, bars = {"transform": transform, "strangers": strangers, "update": update}[case](options)
        for row in rows:
            print(case, row)
        for what, value, bar, met in bars:
            print(f"  {what}: {value} (bar {bar}) {'met' if met else 'MISSED'}")


if __name__ == "__main__":
    main()
