#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Nearest neighbours: filmatlas beside its rivals, on the same data in one run.

    python benchmarks/neighbors.py --data <folder> [--out benchmarks/results] [--cases films,letters] [--repeat 5]

Writes <out>/neighbors_<case>.json, and neighbors.md with the tables and the acceptance bars of all cases measured so far;
plot_neighbors.py draws the figure and refreshes docs/neighbors.md from the same files.

Every contender of a case has a process of its own, started for it, with the same number of threads. It loads the
data, then waits; the runs of all contenders are interleaved, so that a machine that slows down slows all of them. A run
of less than two seconds is made twice, and the second one counts: caches and clocks are warm for all alike. The first
run, with the import, is reported as "fresh" and left out of the median, but for those whose runs take more than --slow
seconds: they make fewer, and all count where nothing was compiled at run time.

wall and CPU seconds are medians; memory is the peak of the process beyond what it held with the data loaded; recall is
the share of the true neighbours found. The rivals are optional: pip install faiss-cpu hnswlib usearch pynndescent
scikit-learn scipy. What is missing is named in the output.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import statistics
import sys
import tempfile
import time

from runner import (
    PASSIVE,
    Child,
    about_filmatlas,
    about_line,
    chosen_cases,
    load_npy,
    machine,
    measured,
    saved_results,
    unit,
    version_of,
)

HERE = pathlib.Path(__file__).resolve().parent
K = 15
HNSW = {"M": 16, "ef_construction": 200, "ef": 100}


# --- data -------------------------------------------------------------------------------------------------------------
def new_items(X, count=10_000, seed=1):
    """Queries that are near the data but not in it: rows drawn at random, a tenth of their length of noise."""
    import numpy as np

    rng = np.random.default_rng(seed)
    Q = X[rng.choice(len(X), count, replace=False)]
    noise = rng.standard_normal(Q.shape, dtype=np.float32)
    return unit(Q + 0.1 * unit(noise))


def grown(X, rows=1_000_000, seed=1):
    """A larger set with real neighbourhoods: unit(t x_i + (1 - t) x_j + noise), j one of the 15 nearest of i.

    t is uniform in [0, 1]; the noise is gaussian, a twentieth of the row's length.
    """
    import numpy as np

    import filmatlas as fa

    near = fa.knn_graph(X, K, metric="cosine", method="exact").indices
    rng = np.random.default_rng(seed)
    out = np.empty((rows, X.shape[1]), dtype=np.float32)
    for start in range(0, rows, 50_000):
        count = min(50_000, rows - start)
        i = rng.integers(len(X), size=count)
        j = near[i, rng.integers(K, size=count)]
        t = rng.random((count, 1), dtype=np.float32)
        noise = unit(rng.standard_normal((count, X.shape[1]), dtype=np.float32))
        out[start : start + count] = unit(t * X[i] + (1 - t) * X[j] + 0.05 * noise)
    return out


def load_case(case, folder):
    """(data, queries or None) as float32, unit rows where the case is cosine."""
    import numpy as np

    if case == "films":
        return unit(load_npy(folder, "films_minilm")), None
    if case == "letters":
        return load_npy(folder, "letters_X").astype(np.float32), None
    if case == "arxiv_map":
        return load_npy(folder, "arxiv_ml_map_xy").astype(np.float32), None
    X = unit(load_npy(folder, "arxiv_ml_minilm_int8"))
    if case == "queries":
        return X, new_items(X)
    return X, None


# --- contenders: prepare(X, Q, metric, threads) -> a function that does the whole job and returns the ids ---------------
def without_self(ids):
    import numpy as np

    n, width = ids.shape
    own = ids == np.arange(n)[:, None]
    drop = np.where(own.any(axis=1), own.argmax(axis=1), width - 1)
    keep = np.ones(ids.shape, dtype=bool)
    keep[np.arange(n), drop] = False
    return ids[keep].reshape(n, width - 1)


class Filmatlas:
    packages = ("filmatlas",)
    compiles = False

    def __init__(self, method="exact", simd=None, **options):
        self.method, self.options = method, options
        self.environment = {"FILMATLAS_SIMD": simd} if simd else {}

    def prepare(self, X, Q, metric, threads):
        import filmatlas as fa

        if Q is None:

            def run():
                graph = fa.knn_graph(X, K, metric=metric, method=self.method, num_threads=threads, **self.options)
                note = {"method": graph.method}
                if graph.recall < 1:
                    note["own_recall"] = [graph.recall, *graph.recall_interval]
                return graph.indices, {}, note

            return run

        given = {} if self.method == "exact" else {"method": self.method}

        def answer():
            begin = time.perf_counter()
            index = fa.KnnIndex(X, metric=metric, num_threads=threads, **given, **self.options)
            built = time.perf_counter()
            ids, _ = index.query(Q, K, num_threads=threads)
            return ids, {"build": built - begin, "query": time.perf_counter() - built}, {}

        return answer


class Faiss:
    packages = ("faiss-cpu",)
    compiles = False
    environment: dict[str, str] = {}

    def __init__(self, kind):
        self.kind = kind

    def prepare(self, X, Q, metric, threads):
        import faiss

        faiss.omp_set_num_threads(threads)
        inner = faiss.METRIC_INNER_PRODUCT if metric == "cosine" else faiss.METRIC_L2
        d = X.shape[1]

        def run():
            begin = time.perf_counter()
            if self.kind == "flat":
                index = faiss.IndexFlatIP(d) if metric == "cosine" else faiss.IndexFlatL2(d)
            else:
                index = faiss.IndexHNSWFlat(d, HNSW["M"], inner)
                index.hnsw.efConstruction = HNSW["ef_construction"]
                index.hnsw.efSearch = HNSW["ef"]
            index.add(X)
            built = time.perf_counter()
            ids = index.search(X, K + 1)[1] if Q is None else index.search(Q, K)[1]
            parts = {"build": built - begin, "query": time.perf_counter() - built}
            return (without_self(ids) if Q is None else ids), parts, {}

        return run


class Hnswlib:
    packages = ("hnswlib",)
    compiles = False
    environment: dict[str, str] = {}

    def prepare(self, X, Q, metric, threads):
        import hnswlib

        def run():
            begin = time.perf_counter()
            index = hnswlib.Index(space="cosine" if metric == "cosine" else "l2", dim=X.shape[1])
            index.init_index(max_elements=len(X), M=HNSW["M"], ef_construction=HNSW["ef_construction"])
            index.add_items(X, num_threads=threads)
            index.set_ef(HNSW["ef"])
            built = time.perf_counter()
            ids, _ = index.knn_query(X if Q is None else Q, k=K + (Q is None), num_threads=threads)
            ids = ids.astype("int64")
            parts = {"build": built - begin, "query": time.perf_counter() - built}
            return (without_self(ids) if Q is None else ids), parts, {}

        return run


class Usearch:
    packages = ("usearch",)
    compiles = False
    environment: dict[str, str] = {}

    def __init__(self, dtype):
        self.dtype = dtype

    def prepare(self, X, Q, metric, threads):
        import numpy as np
        from usearch.index import Index

        def run():
            begin = time.perf_counter()
            index = Index(
                ndim=X.shape[1],
                metric="cos" if metric == "cosine" else "l2sq",
                dtype=self.dtype,
                connectivity=HNSW["M"],
                expansion_add=HNSW["ef_construction"],
                expansion_search=HNSW["ef"],
            )
            index.add(np.arange(len(X)), X, threads=threads)
            built = time.perf_counter()
            found = index.search(X if Q is None else Q, K + (Q is None), threads=threads)
            ids = np.asarray(found.keys).astype("int64")
            parts = {"build": built - begin, "query": time.perf_counter() - built}
            return (without_self(ids) if Q is None else ids), parts, {}

        return run


class Pynndescent:
    packages = ("pynndescent", "numba")
    compiles = True
    environment: dict[str, str] = {}

    def prepare(self, X, Q, metric, threads):
        import pynndescent

        def run():
            index = pynndescent.NNDescent(X, n_neighbors=K + 1, metric=metric, n_jobs=threads, random_state=1)
            return without_self(index.neighbor_graph[0]), {}, {}

        return run


class Sklearn:
    packages = ("scikit-learn",)
    compiles = False
    environment: dict[str, str] = {}

    def prepare(self, X, Q, metric, threads):
        from sklearn.neighbors import NearestNeighbors

        def run():
            model = NearestNeighbors(n_neighbors=K, metric=metric, algorithm="brute", n_jobs=threads).fit(X)
            return model.kneighbors(None, return_distance=False), {}, {}

        return run


class Scipy:
    packages = ("scipy",)
    compiles = False
    environment: dict[str, str] = {}

    def prepare(self, X, Q, metric, threads):
        from scipy.spatial import cKDTree

        def run():
            begin = time.perf_counter()
            tree = cKDTree(X)
            built = time.perf_counter()
            ids = tree.query(X, K + 1, workers=threads)[1]
            return without_self(ids), {"build": built - begin, "query": time.perf_counter() - built}, {}

        return run


FLOAT32 = "avx512"  # the highest level without bfloat16 products
CONTENDERS = {
    "films": {
        "filmatlas exact": Filmatlas(),
        "filmatlas exact, float32 kernels": Filmatlas(simd=FLOAT32),
        "filmatlas descent": Filmatlas("descent"),
        "faiss flat": Faiss("flat"),
        "scikit-learn brute": Sklearn(),
        "hnswlib": Hnswlib(),
        "faiss HNSW": Faiss("hnsw"),
        "usearch": Usearch("f32"),
        "usearch bf16": Usearch("bf16"),
        "pynndescent": Pynndescent(),
    },
    "arxiv": {
        "filmatlas exact": Filmatlas(),
        "filmatlas exact, float32 kernels": Filmatlas(simd=FLOAT32),
        "filmatlas descent": Filmatlas("descent"),
        "faiss flat": Faiss("flat"),
        "hnswlib": Hnswlib(),
        "usearch bf16": Usearch("bf16"),
        "pynndescent": Pynndescent(),
    },
    "letters": {
        "filmatlas auto": Filmatlas("auto"),
        "filmatlas exact": Filmatlas(),
        "filmatlas kd_tree": Filmatlas("kd_tree"),
        "SciPy cKDTree": Scipy(),
        "faiss flat": Faiss("flat"),
        "pynndescent": Pynndescent(),
    },
    "arxiv_map": {"filmatlas kd_tree": Filmatlas("kd_tree"), "SciPy cKDTree": Scipy()},
    "queries": {
        "filmatlas exact": Filmatlas(),
        "filmatlas hnsw": Filmatlas("hnsw"),
        "faiss flat": Faiss("flat"),
        "hnswlib": Hnswlib(),
        "faiss HNSW": Faiss("hnsw"),
        "usearch bf16": Usearch("bf16"),
    },
    "million": {"filmatlas descent": Filmatlas("descent"), "pynndescent": Pynndescent()},
}
TITLES = {
    "films": "Film embeddings, 15,834 x 384, cosine, all neighbours",
    "arxiv": "arXiv titles, 117,592 x 384, cosine, all neighbours",
    "letters": "Letters, 20,000 x 16, Euclidean, all neighbours",
    "arxiv_map": "A map, 117,592 x 2, Euclidean, all neighbours",
    "queries": "10,000 new items against 117,592 x 384, cosine",
    "million": "1,000,000 x 384 grown from the arXiv titles, cosine, all neighbours",
}
METRIC = {"letters": "euclidean", "arxiv_map": "euclidean"}


# --- the child process --------------------------------------------------------------------------------------------------
def child(case, name, data, queries, threads):
    """Answers each line on standard input with one run, as JSON."""
    import numpy as np

    contender = CONTENDERS[case][name]
    X = np.load(data)
    Q = np.load(queries) if queries else None
    begin = time.perf_counter()
    run = contender.prepare(X, Q, METRIC.get(case, "cosine"), threads)
    imported = time.perf_counter() - begin
    quick = False
    for line in sys.stdin:
        target = line.strip()
        if quick:
            run()  # warms what the other contenders have cooled
        (ids, parts, note), figures = measured(run)
        quick = figures["wall"] < 2
        if target:
            np.save(target, np.asarray(ids, dtype=np.int32))
        print(json.dumps({**figures, "import": imported, "parts": parts, "note": note}), flush=True)


# --- a case -------------------------------------------------------------------------------------------------------------
def true_ids(X, Q, rows, metric):
    """Neighbours of some rows by float64 brute force, ties by the lower id, and all their distances' k-th."""
    import numpy as np

    points = X[rows] if Q is None else Q[rows]
    best = None
    for start in range(0, len(X), 65536):
        block = X[start : start + 65536].astype(np.float64)
        p = points.astype(np.float64)
        if metric == "cosine":
            scale = np.linalg.norm(p, axis=1)[:, None] * np.linalg.norm(block, axis=1)
            distances = 1 - p @ block.T / scale
        else:
            distances = np.sqrt(
                np.maximum((p**2).sum(1)[:, None] + (block**2).sum(1) - 2 * p @ block.T, 0)
            )
        ids = np.broadcast_to(np.arange(start, start + len(block)), distances.shape)
        if Q is None:
            distances[ids == np.asarray(rows)[:, None]] = np.inf
        if best is not None:
            distances, ids = np.hstack([best[0], distances]), np.hstack([best[1], ids])
        order = np.lexsort((ids, distances), axis=1)[:, :K]
        best = np.take_along_axis(distances, order, 1), np.take_along_axis(ids, order, 1)
    return best[1], best[0]


def recall_of(ids, truth):
    """Share of the true neighbours found."""
    hits = sum(len(set(found) & set(true)) for found, true in zip(ids.tolist(), truth.tolist()))
    return hits / truth.size


def exact_check(X, Q, ids, metric, count=500):
    """Rows of a sample whose ids differ from float64 brute force by more than ties within 1e-6 of the distance."""
    import numpy as np

    rng = np.random.default_rng(0)
    rows = np.sort(rng.choice(len(ids), min(count, len(ids)), replace=False))
    truth, distances = true_ids(X, Q, rows, metric)
    points = X if Q is None else Q
    wrong = 0
    for row, true, far in zip(rows, truth, distances):
        other = np.setdiff1d(ids[row], true)
        if not len(other):
            continue
        p, q = points[row].astype(np.float64), X[other].astype(np.float64)
        if metric == "cosine":
            d = 1 - q @ p / (np.linalg.norm(q, axis=1) * np.linalg.norm(p))
        else:
            d = np.linalg.norm(q - p, axis=1)
        wrong += bool((d > far[-1] * (1 + 1e-6)).any())
    return {"rows": len(rows), "wrong_rows": wrong}


def run_case(case, options, folder):
    import numpy as np

    metric = METRIC.get(case, "cosine")
    print(f"{TITLES[case]}", flush=True)
    X, Q = load_case("arxiv" if case == "million" else case, options.data)
    if case == "million":
        X = grown(X, options.rows)
    files = [str(folder / "data.npy"), ""]
    np.save(files[0], X)
    if Q is not None:
        files[1] = str(folder / "queries.npy")
        np.save(files[1], Q)
    wanted = {name: c for name, c in CONTENDERS[case].items() if not options.only or any(o in name for o in options.only)}
    rows, missing, runs, children, ids = [], {}, {}, {}, {}
    solo = case == "million"
    for name, contender in wanted.items():
        absent = [p for p in contender.packages if p != "filmatlas" and not version_of(p)]
        if absent:
            missing[name] = f"{', '.join(absent)} is not installed"
            continue
        children[name] = Child(__file__, [case, name, *files], options.threads, {**PASSIVE, **contender.environment})
        target = folder / "ids.npy"
        first = children[name].run(target)
        if isinstance(first, str):
            missing[name] = first
            print(f"  {name}: {first}", flush=True)
            children.pop(name).close()
            continue
        ids[name] = np.load(target)
        runs[name] = [first]
        print(f"  {name}: first run {first['wall']:.2f} s", flush=True)
        if solo:
            children.pop(name).close()

    def has_fresh_run(name):
        return wanted[name].compiles or runs[name][0]["wall"] <= options.slow

    for _ in range(options.repeat):
        for name, process in children.items():
            fresh = has_fresh_run(name)
            most = options.repeat if fresh else min(options.repeat, options.slow_repeat)
            if len(runs[name]) - fresh < most:
                answer = process.run()
                if not isinstance(answer, str):
                    runs[name].append(answer)
    for process in children.values():
        process.close()

    truth_name = next((n for n in ("filmatlas exact", "filmatlas kd_tree", "SciPy cKDTree", "faiss flat") if n in ids), None)
    sampled = solo or truth_name is None
    if sampled:  # the exact neighbours of a sample only
        sample = np.sort(np.random.default_rng(2).choice(len(X), 1000, replace=False))
        truth = true_ids(X, Q, sample, metric)[0]
    else:
        sample, truth = slice(None), ids[truth_name]
    check = None if sampled else exact_check(X, Q, ids[truth_name], metric)
    for name, all_runs in runs.items():
        first = all_runs[0]
        counted = all_runs[1:] if has_fresh_run(name) and len(all_runs) > 1 else all_runs
        middle = {key: statistics.median(r[key] for r in counted) for key in ("wall", "cpu")}
        peaks = [r["peak_mb"] for r in all_runs if r["peak_mb"] is not None]
        rows.append(
            {
                "name": name,
                "recall": recall_of(ids[name][sample], truth),
                "wall": middle["wall"],
                "cpu": middle["cpu"],
                "walls": [round(r["wall"], 4) for r in counted],
                "fresh": first["import"] + first["wall"],
                "peak_mb": max(peaks) if peaks else None,
                "parts": {part: statistics.median(r["parts"][part] for r in counted) for part in first["parts"]},
                "note": first["note"],
                "packages": {p: version_of(p) for p in wanted[name].packages},
            }
        )
    result = {
        "case": case,
        "title": TITLES[case],
        "shape": list(X.shape),
        "queries": None if Q is None else len(Q),
        "k": K,
        "metric": metric,
        "threads": options.threads,
        "hnsw": HNSW,
        "machine": machine(),
        "filmatlas": about_filmatlas(),
        "exact_check": check,
        "results": rows,
        "missing": missing,
    }
    result["bars"] = bars(result)
    return result


# --- what surrounds the figures -------------------------------------------------------------------------------------------
def bars(result):
    """The bars of the case: what they ask, the measured value, the limit, and whether it is met."""
    rows = {row["name"]: row for row in result["results"]}
    out = []

    def bar(what, value, limit, least=False, cpu=None):
        if value is not None:
            met = value >= limit if least else value <= limit
            out.append({"bar": what, "value": round(value, 4), "limit": limit, "least": least, "met": met, "cpu": cpu})

    def ratio(a, b, limit, part=None):
        if a in rows and b in rows:
            get = (lambda r: r["parts"].get(part)) if part else (lambda r: r["wall"])
            if get(rows[a]) is not None and get(rows[b]):
                cpu = None if part else round(rows[a]["cpu"] / rows[b]["cpu"], 4)
                bar(f"{a} / {b}{', ' + part if part else ''}", get(rows[a]) / get(rows[b]), limit, cpu=cpu)

    case = result["case"]
    f32, best = "filmatlas exact, float32 kernels", "filmatlas exact"
    descent = rows.get("filmatlas descent")
    screened = "BF16" in result["machine"]["instructions"]
    if case in ("films", "arxiv"):
        ratio(f32, "faiss flat", 0.45)
    if case == "films":
        ratio(f32, "hnswlib", 0.18)
        ratio(f32, "pynndescent", 1.3)
        if screened:
            ratio(best, "faiss flat", 0.45)
            ratio(best, "pynndescent", 1.0)
    if case == "arxiv":
        if screened:
            ratio(best, "faiss flat", 0.28)
        if descent:
            bar("filmatlas descent, recall", descent["recall"], 0.97, least=True)
            ratio("filmatlas descent", "pynndescent", 1.2)  # the bar at recall 0.97; 2.0 at 0.99
            if descent["recall"] >= 0.99:
                ratio("filmatlas descent", "pynndescent", 2.0)
    if case == "arxiv_map":
        ratio("filmatlas kd_tree", "SciPy cKDTree", 0.5)
        kd, other = rows.get("filmatlas kd_tree"), rows.get("SciPy cKDTree")
        if kd and other:
            bar("filmatlas kd_tree / SciPy cKDTree, query alone", kd["wall"] / other["parts"]["query"], 0.5)
    if case == "letters":
        if "filmatlas auto" in rows:
            bar("auto takes the exact path (1 = yes)", float(rows["filmatlas auto"]["note"]["method"] == "exact"), 1.0, True)
    if case == "queries":
        exact, other = rows.get(best), rows.get("faiss flat")
        if exact and other:
            bar("filmatlas exact / faiss flat, query", exact["parts"]["query"] / other["parts"]["query"], 0.6)
        hnsw = rows.get("filmatlas hnsw")
        if hnsw:
            bar("filmatlas hnsw, queries a second", result["queries"] / hnsw["parts"]["query"], 10_000, least=True)
            bar("filmatlas hnsw, recall", hnsw["recall"], 0.97, least=True)
            ratio("filmatlas hnsw", "hnswlib", 1.0, part="build")
    if case == "million" and descent:
        bar("filmatlas descent, recall", descent["recall"], 0.95, least=True)
        bar("filmatlas descent, seconds", descent["wall"], 480)
        if descent["peak_mb"] is not None:
            bar("filmatlas descent, MB beyond the data", descent["peak_mb"], 1500)
    if result["exact_check"]:
        bar("rows that differ from float64 brute force beyond ties", float(result["exact_check"]["wrong_rows"]), 0)
    return out


def seconds(value):
    return f"{value:.3f}" if value < 1 else f"{value:.2f}" if value < 20 else f"{value:.1f}"


def table(result):
    """A case as Markdown: who, recall, seconds, the ratio to the first, memory."""
    base = result["results"][0]["wall"] if result["results"] else 1
    lines = ["| | recall | wall s | CPU s | to the first | fresh s | MB beyond the data | runs |", "|---|---|---|---|---|---|---|---|"]
    for row in result["results"]:
        parts = row["parts"]
        split = f" (build {seconds(parts['build'])}, query {seconds(parts['query'])})" if parts else ""
        memory = "" if row["peak_mb"] is None else f"{row['peak_mb']:.0f}"
        lines.append(
            f"| {row['name']} | {row['recall']:.4f} | {seconds(row['wall'])}{split} | {seconds(row['cpu'])} | "
            f"{row['wall'] / base:.2f}x | {seconds(row['fresh'])} | {memory} | {len(row['walls'])} |"
        )
    for name, why in result["missing"].items():
        lines.append(f"| {name} | not run: {why} | | | | | | |")
    return lines


def report(results):
    lines = ["# Neighbours, side by side", ""]
    for result in results:
        lines += [f"## {result['title']}", "", *table(result), ""]
        if result["bars"]:
            lines += ["| bar (wall time where it is a ratio) | measured | of CPU time | limit | |", "|---|---|---|---|---|"]
            for b in result["bars"]:
                sign = "at least" if b["least"] else "at most"
                cpu = "" if b.get("cpu") is None else f"{b['cpu']:g}"
                met = "met" if b["met"] else "**missed**"
                lines.append(f"| {b['bar']} | {b['value']:g} | {cpu} | {sign} {b['limit']:g} | {met} |")
            lines.append("")
        packages = {p: v for row in result["results"] for p, v in row["packages"].items() if p != "filmatlas"}
        versions = ", ".join(f"{p} {v}" for p, v in sorted(packages.items()))
        lines += [
            f"k = {result['k']}, {result['threads']} threads, medians. {about_line(result)}; {versions}. "
            f"HNSW: M = {HNSW['M']}, ef_construction = {HNSW['ef_construction']}, ef = {HNSW['ef']}.",
            "",
        ]
    return "\n".join(lines)


def main():
    if len(sys.argv) > 1 and sys.argv[1] == "--child":
        return child(*sys.argv[2:6], int(sys.argv[6]))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path, required=True, help="folder with the .npy or .npy.gz files")
    parser.add_argument("--out", type=pathlib.Path, default=HERE / "results")
    parser.add_argument("--cases", default="films,letters,arxiv_map,queries,arxiv", help=f"of {', '.join(CONTENDERS)}")
    parser.add_argument("--only", action="append", help="only contenders whose name contains this; may be repeated")
    parser.add_argument("--repeat", type=int, default=5, help="counted runs of each contender")
    parser.add_argument("--slow", type=float, default=10.0, help="seconds from which a contender runs less often")
    parser.add_argument("--slow-repeat", type=int, default=2, help="counted runs of a slow one")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows of the case 'million'")
    options = parser.parse_args()
    cases = chosen_cases(parser, options, CONTENDERS)
    options.out.mkdir(parents=True, exist_ok=True)
    for case in cases:
        with tempfile.TemporaryDirectory() as folder:
            result = run_case(case, options, pathlib.Path(folder))
        text = json.dumps(result, indent=2) + "\n"
        (options.out / f"neighbors_{case}.json").write_text(text, encoding="utf-8")
        print("\n".join(table(result)), *[f"  {b['bar']}: {b['value']} (CPU {b['cpu']}) {'met' if b['met'] else 'MISSED'}" for b in result["bars"]], sep="\n")
    results = saved_results(options.out, "neighbors", CONTENDERS)
    (options.out / "neighbors.md").write_text(report(results), encoding="utf-8")


if __name__ == "__main__":
    main()
