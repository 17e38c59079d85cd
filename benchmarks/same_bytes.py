#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""One hash per data set: the same bytes from every number of threads, instruction set and compiler.

    python benchmarks/same_bytes.py --data <folder> [--module build/gcc/python --module build/clang/python]
                                    [--sets films,letters,mnist,synthetic] [--levels avx2,amx] [--threads 1,2,3,8]

Runs `knn_graph` (exact, and kd_tree or descent where they apply), `pca`, `truncated_svd`, and on the first 3,000 rows
every map (`umap`, `tsne`, `pacmap` and `atlas_map`, in 2 and 3 dimensions, from every start) and `place_items`, in a child
process for each module, level and number of threads, and hashes what comes out. Builds nothing: each --module is a folder
that holds a built `filmatlas` (default: the one that this Python imports). Exits with 1 where hashes differ.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
import os
import pathlib
import subprocess
import sys
import time

LEVELS = ["baseline", "avx2", "avx512", "avx512_bf16", "amx"]
SETS = {
    "films": ("films_minilm", "cosine", ["exact", "descent"]),
    "letters": ("letters_X", "euclidean", ["exact", "kd_tree"]),
    "mnist": ("mnist_test_X", "euclidean", ["exact"]),
    "synthetic": (None, "cosine", ["exact", "descent"]),
}


def load(name, folder):
    """Float32 rows of a set; the synthetic one has clusters, repeats, and a zero row."""
    import numpy as np

    if name != "synthetic":
        from runner import load_npy

        return load_npy(folder, SETS[name][0]).astype(np.float32)
    rng = np.random.default_rng(0)
    X = rng.standard_normal((40, 1, 97)) + 0.5 * rng.standard_normal((40, 75, 97))
    X = X.reshape(-1, 97).astype(np.float32)
    X[100:200] = X[300:400]
    X[500] = 0
    return X


def digest(*arrays):
    import numpy as np

    out = hashlib.sha256()
    for array in arrays:
        out.update(np.ascontiguousarray(array).tobytes())
    return out.hexdigest()[:16]


def map_hashes(fa, X, metric):
    """One hash per map, by name: items placed on it included. Few rounds: bytes differ in the first or not at all."""
    X, new = X[:3000], X[3000:3200] if len(X) > 3200 else X[-50:] + X[:50]
    hashes = {}
    graph = fa.knn_graph(X, 15, metric=metric)
    common = {"graph": graph, "metric": metric, "measure": False, "random_state": 7}
    rounds = {"umap": {"n_epochs": 60}, "tsne": {"n_iter": 40, "early_exaggeration_iter": 20}, "atlas_map": {"n_iter": 40}}
    for method, components in itertools.product(["umap", "tsne", "atlas_map", "pacmap"], [2, 3]):
        for init in ["spectral", "pca", "landmarks"]:
            make = getattr(fa, method)
            layout = make(X, n_components=components, init=init, **rounds.get(method, {}), **common)
            hashes[f"{method}, {components}-d from {init}"] = digest(layout.coordinates)
            if init == "pca":
                placed = fa.place_items(new, layout, X, metric=metric)
                hashes[f"place_items on {method}, {components}-d"] = digest(placed.coordinates, placed.out_of_map)
    return hashes


def child(folder, sets):
    """Hashes of all sets with this process's level and threads, as JSON."""
    import warnings

    import filmatlas as fa

    warnings.simplefilter("ignore")
    hashes = {}
    for name in sets:
        X = load(name, folder)
        _, metric, methods = SETS[name]
        for method in methods:
            try:
                graph = fa.knn_graph(X, 15, metric=metric, method=method)
            except fa.InvalidArgumentError as error:
                if method in ("exact", "kd_tree"):
                    raise
                print(f"{method}: {error}", file=sys.stderr)
                continue
            hashes[f"{name}, {method}"] = digest(graph.indices, graph.distances)
        axes = fa.pca(X, min(20, X.shape[1]))
        hashes[f"{name}, pca"] = digest(axes.components, axes.transformed, axes.explained_variance)
        if hasattr(fa, "truncated_svd"):
            svd = fa.truncated_svd(X, min(10, X.shape[1]))
            hashes[f"{name}, truncated_svd"] = digest(svd.u, svd.singular_values, svd.components)
        hashes |= {f"{name}, {what}": value for what, value in map_hashes(fa, X, metric).items()}
    print(json.dumps({"level": fa.build_info()["simd"], "compiler": fa.build_info()["compiler"], "hashes": hashes}))


def main():
    if len(sys.argv) > 1 and sys.argv[1] == "--child":
        return child(sys.argv[2], sys.argv[3].split(","))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="", help="folder with the .npy or .npy.gz files; needed but for 'synthetic'")
    parser.add_argument("--module", action="append", default=[], type=pathlib.Path)
    parser.add_argument("--sets", default="films,letters,mnist,synthetic")
    parser.add_argument("--levels", default=",".join(LEVELS))
    parser.add_argument("--threads", default="1,2,3,8")
    options = parser.parse_args()
    found: dict[str, dict[str, list[str]]] = {}
    seen = set()
    for module, level, threads in itertools.product(
        options.module or [None], options.levels.split(","), options.threads.split(",")
    ):
        path = [str(module.resolve())] if module else []
        path += [p for p in os.environ.get("PYTHONPATH", "").split(os.pathsep) if p]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path)}
        environment |= {"FILMATLAS_SIMD": level, "FILMATLAS_NUM_THREADS": threads}
        if (module, level) in seen:
            continue
        begin = time.perf_counter()
        done = subprocess.run(
            [sys.executable, str(pathlib.Path(__file__).resolve()), "--child", options.data, options.sets],
            capture_output=True,
            text=True,
            env=environment,
        )
        if done.returncode != 0:
            sys.exit(done.stderr)
        answer = json.loads(done.stdout)
        if answer["level"] != level:  # the machine lacks it
            seen.add((module, level))
            print(f"{level}: not on this machine", flush=True)
            continue
        who = f"{answer['compiler']}, {level}, {threads} threads"
        print(f"{who}: {time.perf_counter() - begin:.1f} s", flush=True)
        for what, value in answer["hashes"].items():
            found.setdefault(what, {}).setdefault(value, []).append(who)
    print()
    for what, hashes in found.items():
        if len(hashes) == 1:
            (value, runs), = hashes.items()
            print(f"{what}: {value} ({len(runs)} runs, all the same)")
        else:
            print(f"{what}: DIFFERS")
            for value, runs in hashes.items():
                print(f"    {value}: {'; '.join(runs)}")
    return int(any(len(hashes) > 1 for hashes in found.values()))


if __name__ == "__main__":
    sys.exit(main())
