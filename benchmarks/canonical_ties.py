#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""One partition per data set: HDBSCAN of the same rows in many orders, on several numbers of threads, hashed.

    python benchmarks/canonical_ties.py --data <folder> [--sets letters,fcps_atom] [--shuffles 200] [--first 0]
                                        [--threads 1,2,4,8] [--out benchmarks/results/ties.json] [--pairs]

Ten sets: letters (20,000 rows of small integers, 1,332 of them repeats) and nine of the folder `shapes`. Every run fits
the shuffled rows with `ties="canonical"` and hashes labels, probabilities and outlier scores, brought back into the
order of the file. With --out, hashes of earlier runs are kept in that file and have to be the same, so that the full
count can be run in parts (--first says which shuffle comes first). With --pairs, `ties="hdbscan"` is run beside it, to
show that the data have ties that matter. Exits with 1 where a set has more than one hash.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import pathlib
import sys
import time

import numpy as np
from runner import chosen_cases, load_npy

import filmatlas as fa

SETS = {
    "letters": 15,
    "fcps_atom": 10,
    "fcps_chainlink": 10,
    "fcps_engytime": 15,
    "fcps_hepta": 5,
    "fcps_target": 10,
    "fcps_wingnut": 10,
    "wut_isolation": 15,
    "wut_labirynth": 15,
    "wut_mk3": 10,
}


def load(folder, name):
    if name == "letters":
        return load_npy(folder, "letters_X").astype(np.float64)
    with gzip.open(pathlib.Path(folder) / "shapes" / f"{name}.data.gz", "rt") as stream:
        return np.loadtxt(stream)


def partition(X, order, size, threads, ties):
    """Hash of the fit of rows in an order, read in the order of the file."""
    fit = fa.hdbscan(X[order], size, min_samples=5, ties=ties, num_threads=threads)
    out = hashlib.sha256()
    for values in (fit.labels, fit.probabilities, fit.outlier_scores):
        back = np.empty_like(values)
        back[order] = values
        out.update(back.tobytes())
    return out.hexdigest()[:16], fit.n_clusters, round(fit.coverage, 4)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", required=True)
    parser.add_argument("--sets", dest="cases", default=",".join(SETS))
    parser.add_argument("--shuffles", type=int, default=200)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--threads", default="1,2,4,8")
    parser.add_argument("--out", type=pathlib.Path)
    parser.add_argument("--pairs", action="store_true")
    options = parser.parse_args()
    threads = [int(count) for count in options.threads.split(",")]
    found = {}
    if options.out and options.out.exists():
        found = json.loads(options.out.read_text(encoding="utf-8"))
    for name in chosen_cases(parser, options, SETS):
        X = load(options.data, name)
        entry = found.setdefault(
            name, {"rows": len(X), "repeats": len(X) - len(np.unique(X, axis=0)), "hashes": {}}
        )
        pairs = set()
        begin = time.perf_counter()
        for shuffle in range(options.first, options.first + options.shuffles):
            order = np.random.default_rng(shuffle).permutation(len(X)) if shuffle else np.arange(len(X))
            for count in threads:
                digest, clusters, coverage = partition(X, order, SETS[name], count, "canonical")
                entry.update(clusters=clusters, coverage=coverage)
                runs = entry["hashes"].setdefault(digest, {})
                runs[str(count)] = sorted({*runs.get(str(count), []), shuffle})
            if options.pairs:
                pairs.add(partition(X, order, SETS[name], threads[0], "hdbscan")[0])
        runs = sum(len(done) for by_threads in entry["hashes"].values() for done in by_threads.values())
        beside = f'; ties="hdbscan": {len(pairs)} partitions' if options.pairs else ""
        print(
            f"{name}: {len(entry['hashes'])} hash(es) of {runs} runs ({entry['rows']} rows, "
            f"{entry['repeats']} repeats, {entry['clusters']} clusters){beside}; {time.perf_counter() - begin:.1f} s",
            flush=True,
        )
        if options.out:
            options.out.write_text(json.dumps(found, sort_keys=True) + "\n", encoding="utf-8")
    return int(any(len(entry["hashes"]) > 1 for entry in found.values()))


if __name__ == "__main__":
    sys.exit(main())
