#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Clusters: filmatlas beside its rivals, on the same data in one run.

    python benchmarks/clusters.py --data <folder> [--out benchmarks/results] [--cases ward,kmeans] [--repeat 3]

Writes <out>/clusters_<case>.json, and clusters.md with the tables and the acceptance bars of all cases
measured so far.

Every contender of a case has a process of its own, started for it, with the same number of threads. It loads
the data, then waits; the runs of all contenders are interleaved, so that a machine that slows down slows all
of them. One run is made first and left out of the medians; a contender whose first run takes more than --slow
seconds keeps that one instead.

wall and CPU seconds are medians; memory is the peak of the process beyond what it held with the data loaded.
The rivals are optional: pip install scipy fastcluster scikit-learn faiss-cpu hdbscan fast_hdbscan fast_plscan
quitefastmst. What is missing is named in the output.

Cases: parity (seven linkages against SciPy, and the largest difference of a height), ward, average,
constrained, kmeans, choose_k; and of density: map_tree, map_fit, letters_tree, letters_fit
(min_samples 15, min_cluster_size 15), million (points in two dimensions), films_tree (all 384 dimensions),
arxiv_tree, recut, membership, validity.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import platform
import statistics
import sys
import tempfile
import time

from runner import PASSIVE, Child, chosen_cases, load_npy, measured, unit

METHODS = ("single", "complete", "average", "weighted", "ward", "centroid", "median")
K = 75
NEAR = 15  # min_samples
SMALLEST = 15  # min_cluster_size
COUNTS = list(range(30, 130, 10))


# --- data ---------------------------------------------------------------------------------------------
def load_case(case, folder):
    """float32 rows."""
    import numpy as np

    if case in ("map_tree", "map_fit", "recut"):
        return np.ascontiguousarray(load_npy(folder, "arxiv_ml_map_xy"), dtype=np.float32)
    if case in ("letters_tree", "letters_fit", "validity"):
        return np.ascontiguousarray(load_npy(folder, "letters_X"), dtype=np.float32)
    if case in ("constrained", "arxiv_tree"):
        return unit(load_npy(folder, "arxiv_ml_minilm_int8"))
    if case == "million":
        random = np.random.default_rng(1)
        centers, spread = random.random((200, 2)), random.uniform(0.002, 0.03, 200)
        of = random.integers(200, size=1_000_000)
        return (centers[of] + spread[of, None] * random.standard_normal((len(of), 2))).astype(np.float32)
    X = np.ascontiguousarray(load_npy(folder, "films_minilm"), dtype=np.float32)
    return X[:3000].copy() if case == "parity" else X


def neighbor_graph(X):
    import filmatlas as fa

    return fa.knn_graph(X, 15, metric="euclidean")


# --- contenders: each gives run() -> what to report beside the time -----------------------------------
def filmatlas_parity(X, threads):
    import numpy as np
    from scipy.cluster.hierarchy import linkage
    from scipy.spatial.distance import pdist

    import filmatlas as fa

    wide = X.astype(np.float64)

    def run():
        note = {}
        for method in METHODS:
            begin = time.perf_counter()
            ours = fa.linkage(wide, method=method, num_threads=threads)
            middle = time.perf_counter()
            theirs = linkage(pdist(wide), method)
            note[method] = {
                "difference": float(np.abs(ours[:, 2] - theirs[:, 2]).max()),
                "same_rows": float((ours[:, [0, 1, 3]] == theirs[:, [0, 1, 3]]).all(axis=1).mean()),
                "filmatlas": middle - begin,
                "SciPy": time.perf_counter() - middle,
            }
        return note

    return run


def filmatlas_linkage(method, single_precision=False):
    def prepare(X, threads):
        import filmatlas as fa

        def run():
            Z = fa.linkage(X, method=method, single_precision=single_precision, num_threads=threads)
            return {"last": float(Z[-1, 2]), "sum": float(Z[:, 2].sum())}

        return run

    return prepare


def fastcluster_linkage(method):
    def prepare(X, threads):
        import fastcluster
        import numpy as np

        wide = X.astype(np.float64)

        def run():
            Z = fastcluster.linkage(wide, method)
            return {"last": float(Z[-1, 2]), "sum": float(Z[:, 2].sum())}

        return run

    return prepare


def filmatlas_constrained(X, threads):
    import filmatlas as fa

    graph = neighbor_graph(X)

    def run():
        tree, components = fa.linkage_on_graph(X, graph, num_threads=threads)
        return {"last": float(tree[-1, 2]), "components": components}

    return run


def sklearn_constrained(X, threads):
    import warnings

    import numpy as np
    from scipy.sparse import csr_matrix
    from sklearn.cluster import ward_tree

    ids = neighbor_graph(X).indices
    n, k = ids.shape
    graph = csr_matrix((np.ones(n * k), ids.ravel(), np.arange(0, n * k + 1, k)), shape=(n, n))
    wide = X.astype(np.float64)

    def run():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = ward_tree(wide, connectivity=graph, return_distance=True)
        return {"last": float(found[-1][-1]), "components": int(found[1])}

    return run


def filmatlas_kmeans(X, threads):
    import filmatlas as fa

    seeds = iter(range(10_000))

    def run():
        found = fa.kmeans(X, K, random_state=next(seeds), num_threads=threads, max_iterations=300)
        return {"inertia": found.inertia, "iterations": found.run.iterations}

    return run


def sklearn_kmeans(X, threads):
    from sklearn.cluster import KMeans

    seeds = iter(range(10_000))

    def run():
        found = KMeans(K, n_init=1, random_state=next(seeds)).fit(X)
        return {"inertia": float(found.inertia_), "iterations": found.n_iter_}

    return run


def faiss_kmeans(X, threads):
    import faiss

    faiss.omp_set_num_threads(threads)
    seeds = iter(range(10_000))

    def run():
        model = faiss.Kmeans(X.shape[1], K, niter=25, seed=next(seeds), max_points_per_centroid=10**9)
        model.train(X)
        distances = model.index.search(X, 1)[0]
        return {"inertia": float(distances.astype("float64").sum()), "iterations": 25}

    return run


def filmatlas_choose_k(X, threads):
    import filmatlas as fa

    def run():
        found = fa.choose_k(X, COUNTS, num_threads=threads)
        return {"elbow": found.elbow, **found.best}

    return run


def sklearn_choose_k(X, threads):
    from sklearn.cluster import KMeans
    from sklearn.metrics import calinski_harabasz_score, davies_bouldin_score, silhouette_score

    def run():
        scores = []
        for k in COUNTS:
            labels = KMeans(k, n_init=1, random_state=0).fit(X).labels_
            silhouette = silhouette_score(X, labels)
            scores.append((silhouette, -davies_bouldin_score(X, labels), calinski_harabasz_score(X, labels)))
        best = [COUNTS[max(range(len(COUNTS)), key=lambda i: scores[i][c])] for c in range(3)]
        return dict(zip(("silhouette", "davies_bouldin", "calinski_harabasz"), best))

    return run


# --- density ------------------------------------------------------------------------------------------
def described(labels):
    """What is said of a fit."""
    import numpy as np

    labels = np.asarray(labels)
    return {"clusters": int(labels.max()) + 1, "noise": round(float((labels < 0).mean()), 4)}


def filmatlas_tree(X, threads):
    import filmatlas as fa

    def run():
        tree = fa.spanning_tree(X, min_samples=NEAR, num_threads=threads)
        return {"weight": tree.total_weight(), "edges": len(tree.weight)}

    return run


def quitefastmst_tree(X, threads):
    import quitefastmst

    quitefastmst.omp_set_num_threads(threads)

    def run():
        weights = quitefastmst.mst_euclid(X, NEAR)[0]
        return {"weight": float(weights.astype("float64").sum()), "edges": len(weights)}

    return run


def filmatlas_neighbors(X, threads):
    import filmatlas as fa

    def run():
        fa.knn_graph(X, NEAR, metric="euclidean", method="exact", num_threads=threads)
        return {}

    return run


def filmatlas_fit(X, threads):
    import filmatlas as fa

    return lambda: described(fa.hdbscan(X, SMALLEST, min_samples=NEAR, num_threads=threads).labels)


def fast_hdbscan_fit(X, threads):
    from fast_hdbscan import HDBSCAN

    return lambda: described(HDBSCAN(min_cluster_size=SMALLEST, min_samples=NEAR).fit(X).labels_)


def hdbscan_fit(X, threads):
    """As the package comes: core distances by four processes."""
    from hdbscan import HDBSCAN

    wide = X.astype("float64")
    return lambda: described(HDBSCAN(min_cluster_size=SMALLEST, min_samples=NEAR).fit(wide).labels_)


def hdbscan_jobs_fit(X, threads):
    from hdbscan import HDBSCAN

    wide = X.astype("float64")
    return lambda: described(
        HDBSCAN(min_cluster_size=SMALLEST, min_samples=NEAR, core_dist_n_jobs=threads).fit(wide).labels_
    )


def plscan_fit(X, threads):
    from fast_plscan import PLSCAN

    return lambda: described(PLSCAN(min_samples=NEAR).fit(X).labels_)


def sklearn_fit(X, threads):
    from sklearn.cluster import HDBSCAN

    # It counts the item itself.
    model = HDBSCAN(min_cluster_size=SMALLEST, min_samples=NEAR + 1, n_jobs=threads, copy=True)
    return lambda: described(model.fit(X).labels_)


def filmatlas_recut(X, threads):
    """The slowest of some cuts, each the fastest of three; and whether each equals a fresh fit."""
    import filmatlas as fa

    fit = fa.hdbscan(X, SMALLEST, min_samples=NEAR, num_threads=threads)
    cuts = [
        {"min_cluster_size": size, "cluster_selection_method": method, "cluster_selection_epsilon": epsilon}
        for size in (5, 15, 50, 500)
        for method in ("eom", "leaf")
        for epsilon in (0.0, 0.1)
    ]

    def run():
        slowest, same = 0.0, True
        for options in cuts:
            times = []
            for _ in range(3):
                begin = time.perf_counter()
                cut = fit.cut(**options)
                times.append(time.perf_counter() - begin)
            slowest = max(slowest, min(times))
            fresh = fa.hdbscan(X, min_samples=NEAR, num_threads=threads, **options)
            same = same and cut.labels.tobytes() == fresh.labels.tobytes()
            same = same and cut.probabilities.tobytes() == fresh.probabilities.tobytes()
        return {"cuts": len(cuts), "slowest_ms": 1000 * slowest, "same_as_fresh_fits": same}

    return run


def filmatlas_membership(X, threads):
    import filmatlas as fa

    space = fa.pca(fa.smooth_embedding(X, fa.knn_graph(X, 15), steps=16), 24).transformed
    fit = fa.hdbscan(space, SMALLEST, min_samples=5, num_threads=threads)

    def run():
        members = fit.membership_vectors()
        return {"items": members.shape[0], "clusters": members.shape[1]}

    return run


def filmatlas_validity(X, threads):
    import filmatlas as fa

    labels = fa.hdbscan(X, SMALLEST, min_samples=5, num_threads=threads).labels

    return lambda: {"dbcv": fa.density_validity(X, labels, num_threads=threads)["score"]}


CONTENDERS = {
    "parity": {"filmatlas": filmatlas_parity},
    "ward": {"filmatlas": filmatlas_linkage("ward"), "fastcluster": fastcluster_linkage("ward")},
    "average": {
        "filmatlas": filmatlas_linkage("average"),
        "filmatlas, single precision": filmatlas_linkage("average", True),
        "fastcluster": fastcluster_linkage("average"),
    },
    "constrained": {"filmatlas": filmatlas_constrained, "scikit-learn": sklearn_constrained},
    "kmeans": {"filmatlas": filmatlas_kmeans, "scikit-learn": sklearn_kmeans, "faiss": faiss_kmeans},
    "choose_k": {"filmatlas": filmatlas_choose_k, "scikit-learn": sklearn_choose_k},
    "map_tree": {"filmatlas": filmatlas_tree, "quitefastmst": quitefastmst_tree},
    "map_fit": {
        "filmatlas": filmatlas_fit,
        "fast_hdbscan": fast_hdbscan_fit,
        "hdbscan": hdbscan_fit,
        "hdbscan, a job per thread": hdbscan_jobs_fit,
        "fast_plscan": plscan_fit,
    },
    "letters_tree": {"filmatlas": filmatlas_tree, "quitefastmst": quitefastmst_tree},
    "letters_fit": {"filmatlas": filmatlas_fit, "fast_hdbscan": fast_hdbscan_fit},
    "million": {"filmatlas": filmatlas_fit},
    "films_tree": {
        "filmatlas": filmatlas_tree,
        "filmatlas, labels": filmatlas_fit,
        "quitefastmst": quitefastmst_tree,
        "scikit-learn, labels": sklearn_fit,
    },
    "arxiv_tree": {"filmatlas": filmatlas_tree, "filmatlas, neighbours": filmatlas_neighbors},
    "recut": {"filmatlas": filmatlas_recut},
    "membership": {"filmatlas": filmatlas_membership},
    "validity": {"filmatlas": filmatlas_validity},
}
TITLES = {
    "parity": "Seven linkages of 3,000 film embeddings, against SciPy",
    "ward": "Ward's linkage, 15,834 x 384",
    "average": "Average linkage, Euclidean, 15,834 x 384",
    "constrained": "Ward's linkage along the 15 nearest neighbours, 117,592 x 384",
    "kmeans": "k-means, k = 75, one start, 15,834 x 384",
    "choose_k": "k-means for ten counts with four criteria, 15,834 x 384",
    "map_tree": "Spanning tree of mutual reachability, a map of 117,592 x 2",
    "map_fit": "HDBSCAN to labels, a map of 117,592 x 2",
    "letters_tree": "Spanning tree of mutual reachability, letters, 20,000 x 16",
    "letters_fit": "HDBSCAN to labels, letters, 20,000 x 16",
    "million": "HDBSCAN to labels, 1,000,000 x 2",
    "films_tree": "Spanning tree of mutual reachability and labels, 15,834 x 384",
    "arxiv_tree": "Spanning tree of mutual reachability, 117,592 x 384, beside its exact neighbours",
    "recut": "Sixteen cuts of one fit, a map of 117,592 x 2",
    "membership": "Soft membership, 15,834 films in the smoothed space",
    "validity": "DBCV, letters, 20,000 x 16",
}
# Of density: (what, of whose wall seconds, most).
RATIOS = {
    "map_tree": [("time over quitefastmst's", "filmatlas", "quitefastmst", 1.3)],
    "map_fit": [
        ("time over fast_hdbscan's", "filmatlas", "fast_hdbscan", 0.2),
        ("time over hdbscan's", "filmatlas", "hdbscan", 0.06),
        ("time over hdbscan's with a job per thread", "filmatlas", "hdbscan, a job per thread", 0.06),
        ("time over fast_plscan's", "filmatlas", "fast_plscan", 0.8),
    ],
    "letters_tree": [("time over quitefastmst's", "filmatlas", "quitefastmst", 1.3)],
    "letters_fit": [("time over fast_hdbscan's", "filmatlas", "fast_hdbscan", 0.3)],
    "films_tree": [
        ("tree: time over quitefastmst's", "filmatlas", "quitefastmst", 0.05),
        ("labels: time over scikit-learn's", "filmatlas, labels", "scikit-learn, labels", 0.02),
    ],
    "arxiv_tree": [("time over the exact neighbours'", "filmatlas", "filmatlas, neighbours", 3.0)],
}
SECONDS = {"choose_k": 5.0, "million": 2.5, "membership": 2.0, "validity": 2.0}


# --- the child process --------------------------------------------------------------------------------
def child(case, name, data, threads):
    """Answers each line on standard input with one run, as JSON."""
    import numpy as np

    run = CONTENDERS[case][name](np.load(data), threads)
    for _ in sys.stdin:
        note, figures = measured(run)
        print(json.dumps({**figures, "note": note}), flush=True)


# --- measuring ----------------------------------------------------------------------------------------
def measure(case, folder, repeat, slow, threads):
    import numpy as np

    results = {}
    with tempfile.TemporaryDirectory() as scratch:
        data = str(pathlib.Path(scratch) / "X.npy")
        np.save(data, load_case(case, folder))
        runs = {}
        children = {}
        for name in CONTENDERS[case]:
            children[name] = Child(__file__, [case, name, data], threads, PASSIVE)
            first = children[name].run()
            if isinstance(first, str):
                results[name] = {"missing": first}
                continue
            runs[name] = [first]
            if first["wall"] > slow:
                runs[name].append(first)
        for _ in range(repeat):
            for name, made in runs.items():
                if made[0]["wall"] <= slow:
                    made.append(children[name].run())
        for each in children.values():
            each.close()
    for name, made in runs.items():
        kept = made[1:]
        results[name] = {
            "wall": statistics.median(run["wall"] for run in kept),
            "cpu": statistics.median(run["cpu"] for run in kept),
            "peak_mb": max((run["peak_mb"] or 0) for run in kept),
            "runs": len(kept),
            "notes": [run["note"] for run in kept],
        }
    return results


def median_note(result, key):
    return statistics.median(note[key] for note in result["notes"])


def bars(case, results):
    """(what, bar, measured, whether it holds) of a case's acceptance."""
    ours = results.get("filmatlas", {})
    rows = []
    if case == "parity":
        for method, note in ours["notes"][-1].items():
            rows.append((f"{method}: largest difference of a height", 1e-12, note["difference"]))
    for what, whose, over, most in RATIOS.get(case, []):
        if all("wall" in results.get(name, {}) for name in (whose, over)):
            rows.append((what, most, results[whose]["wall"] / results[over]["wall"]))
    if case == "arxiv_tree":
        rows.append(("memory, MB", 1000.0, ours["peak_mb"]))
    if case == "recut":
        rows.append(("milliseconds of the slowest cut", 10.0, median_note(ours, "slowest_ms")))
    if case in SECONDS:
        rows.append(("seconds", SECONDS[case], ours["wall"]))
    rival = results.get("scikit-learn" if case in ("constrained", "kmeans") else "fastcluster", {})
    if "wall" in rival and case in ("ward", "average", "constrained", "kmeans"):
        ratio = ours["wall"] / rival["wall"]
        if case in ("ward", "average"):
            rows.append(("time over fastcluster's", 0.12, ratio))
            rows.append(("memory over fastcluster's", 0.6, ours["peak_mb"] / rival["peak_mb"]))
        elif case == "constrained":
            rows.append(("time over scikit-learn's", 0.1, ratio))
        else:
            rows.append(("time over scikit-learn's", 0.3, ratio))
            inertia = median_note(ours, "inertia") / median_note(rival, "inertia")
            rows.append(("inertia over scikit-learn's", 1.0, inertia))
    return [(what, bar, value, value <= bar) for what, bar, value in rows]


def table(case, results):
    lines = [f"## {TITLES[case]}", ""]
    if case == "parity":
        lines.append("| linkage | largest difference of a height | same merges | filmatlas s | SciPy s |")
        lines.append("|---|---|---|---|---|")
        for method, note in results["filmatlas"]["notes"][-1].items():
            lines.append(
                f"| {method} | {note['difference']:.1e} | {note['same_rows']:.2%} | {note['filmatlas']:.2f} "
                f"| {note['SciPy']:.2f} |"
            )
    else:
        lines += ["| | wall s | CPU s | memory MB | runs | |", "|---|---|---|---|---|---|"]
        for name, result in results.items():
            if "missing" in result:
                lines.append(f"| {name} | | | | | {result['missing']} |")
                continue
            last = result["notes"][-1]
            if "inertia" in last:
                note = f"inertia {median_note(result, 'inertia'):.1f}"
            else:
                note = ", ".join(
                    f"{key} {value}" if isinstance(value, (str, bool)) else f"{key} {value:.10g}"
                    for key, value in last.items()
                )
            figures = (
                f"{result['wall']:.2f} | {result['cpu']:.2f} | {result['peak_mb']:.0f} | {result['runs']}"
            )
            lines.append(f"| {name} | {figures} | {note} |")
    found = bars(case, results)
    if found:
        lines += ["", "| bar | at most | measured | |", "|---|---|---|---|"]
        for what, bar, value, ok in found:
            lines.append(f"| {what} | {bar:g} | {value:.3g} | {'holds' if ok else 'MISSED'} |")
    return [*lines, ""]


def report(out):
    lines = ["# Clusters", "", "Made by `benchmarks/clusters.py`.", ""]
    for case in CONTENDERS:
        path = out / f"clusters_{case}.json"
        if path.exists():
            saved = json.loads(path.read_text(encoding="utf-8"))
            lines += table(case, saved["results"])
    (out / "clusters.md").write_text("\n".join(lines), encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--child", nargs=4, help=argparse.SUPPRESS)
    parser.add_argument(
        "--data",
        help="folder with films_minilm, arxiv_ml_minilm_int8, arxiv_ml_map_xy and letters_X (.npy or .npy.gz)",
    )
    parser.add_argument("--out", default=str(pathlib.Path(__file__).resolve().parent / "results"))
    parser.add_argument("--cases", default=",".join(CONTENDERS))
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--slow", type=float, default=20.0)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    options = parser.parse_args()
    if options.child:
        child(*options.child[:3], int(options.child[3]))
        return
    out = pathlib.Path(options.out)
    out.mkdir(parents=True, exist_ok=True)
    for case in chosen_cases(parser, options, CONTENDERS):
        results = measure(case, options.data, options.repeat, options.slow, options.threads)
        machine = {"processor": platform.processor() or platform.machine(), "threads": options.threads}
        saved = {"case": case, "machine": machine, "results": results}
        (out / f"clusters_{case}.json").write_text(json.dumps(saved, indent=1) + "\n", encoding="utf-8")
        print("\n".join(table(case, results)), flush=True)
    report(out)


if __name__ == "__main__":
    main()
