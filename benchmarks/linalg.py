#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""PCA, truncated SVD and Laplacian eigenvectors: filmatlas beside scikit-learn, on the same data in one run.

    python benchmarks/linalg.py --data <folder> [--out benchmarks/results] [--cases pca,svd,laplacian] [--repeat 5]

Writes <out>/linalg_<case>.json, linalg.md with the tables and the acceptance bars of all cases measured so far, and the
part of docs/linalg.md between its "measured" marks.

pca        film embeddings (15,834 x 384, float32), 100 components:
           fa.pca(X, 100) beside sklearn.decomposition.PCA(100).fit_transform(X), whose "auto" solver takes the
           eigenvectors of the covariance for this shape; on the same float32 matrix, where its subspace is off by more
           than the bar on angles allows, and on a float64 copy, where it is not.
svd        TF-IDF of the films' texts (float32), 256 components: fa.truncated_svd(T, 256) beside
           sklearn.decomposition.TruncatedSVD(256).fit_transform(T) with its defaults (randomized, n_iter=5), on the same
           float32 matrix, and on the float64 matrix that TfidfVectorizer makes unless told otherwise.
laplacian  four eigenvectors of the normalised Laplacian: path, star, ring, two cliques joined weakly, 500 components, and
           the graph of the films' 15 nearest neighbours. No rival: residual and time.

Every contender has a process of its own with the same number of threads, started for it; the runs of all contenders are
interleaved, and right before each counted run the same process makes one that does not count, so that caches and clocks are
warm for all alike. Wall and CPU seconds are medians; memory is the peak of the process beyond what it held before the run.

Accuracy is measured in the same run, against float64 references (computed then too, unless --reference keeps them): NumPy's eigh of the float64 scatter matrix for PCA,
ARPACK to rounding for the SVD. For the leading c components the angle is the largest principal angle between the two
subspaces; it is asked for where the c-th singular value is at least --gap times the next one. The subspace itself changes
there by a rounding of the data only; without a gap it is not determined.
"""

from __future__ import annotations

import argparse
import gzip
import json
import pathlib
import statistics
import sys
import tempfile
import time

from runner import (
    Child,
    about_filmatlas,
    about_line,
    chosen_cases,
    machine,
    measured,
    refresh_page,
    saved_results,
    version_of,
)

HERE = pathlib.Path(__file__).resolve().parent
COMPONENTS = {"pca": 100, "svd": 256}
ANGLE = 1e-5
RESIDUAL = 1e-3
TITLES = {
    "pca": "PCA: film embeddings, 15,834 x 384 float32, 100 components",
    "svd": "Truncated SVD: TF-IDF of the films' texts, 256 components",
    "laplacian": "Normalised Laplacian, four smallest non-trivial eigenvectors",
}


# --- data -------------------------------------------------------------------------------------------------------------
def film_vectors(folder):
    import numpy as np

    path = pathlib.Path(folder) / "films_minilm.npy"
    if path.exists():
        return np.load(path).astype(np.float32)
    with gzip.open(f"{path}.gz") as stream:
        return np.lib.format.read_array(stream, allow_pickle=False).astype(np.float32)


def film_tfidf(folder):
    """Overview, tagline, keywords and encyclopedia lead of each film; words of letters, in 3 films to 30 % of them."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    texts = []
    with gzip.open(pathlib.Path(folder) / "films.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            film = json.loads(line)
            parts = [film["overview"], film["tagline"], " ".join(film["keywords"]), film["wiki_extract"]]
            texts.append(" ".join(part or "" for part in parts))
    words = r"(?u)\b[^\W\d_]{2,}\b"
    model = TfidfVectorizer(stop_words="english", min_df=3, max_df=0.3, sublinear_tf=True, token_pattern=words)
    matrix = model.fit_transform(texts)
    matrix.sort_indices()
    return matrix


def graph_of(n, i, j, w):
    import numpy as np
    import scipy.sparse as sparse

    W = sparse.coo_matrix((np.asarray(w, dtype=np.float32), (i, j)), shape=(n, n)).tocsr()
    return W.maximum(W.T)


def graphs(folder):
    """(name, symmetric weights) of the Laplacian's cases."""
    import numpy as np

    import filmatlas as fa

    def line(n):
        return np.arange(n - 1), np.arange(1, n), np.ones(n - 1)

    def ring(n):
        return np.arange(n), (np.arange(n) + 1) % n, np.ones(n)

    yield "path, 2,000", graph_of(2000, *line(2000))
    yield "star, 1,000", graph_of(1000, np.zeros(999, int), np.arange(1, 1000), np.ones(999))
    yield "ring, 2,000", graph_of(2000, *ring(2000))
    a, b = np.tril_indices(60, -1)
    i, j = np.concatenate([a, a + 60, [0]]), np.concatenate([b, b + 60, [60]])
    yield "two cliques of 60, joined by 1e-4", graph_of(120, i, j, np.append(np.ones(2 * len(a)), 1e-4))
    g, v = np.repeat(np.arange(500), 6), np.tile(np.arange(6), 500)
    yield "500 rings of 6", graph_of(3000, 6 * g + v, 6 * g + (v + 1) % 6, 1 + g / 500)
    X = film_vectors(folder)
    near = fa.knn_graph(X, 15, metric="cosine").indices
    i = np.repeat(np.arange(len(X)), near.shape[1])
    yield "films, 15 neighbours each", graph_of(len(X), i, near.ravel(), np.ones(near.size))


# --- contenders: prepare(data, threads) -> a function that does the whole job and returns (axes as rows, values) --------
class Filmatlas:
    packages = ("filmatlas",)
    double = False

    def __init__(self, case):
        self.case = case

    def prepare(self, data, threads):
        import filmatlas as fa

        def pca():
            result = fa.pca(data, COMPONENTS["pca"], num_threads=threads)
            return result.components, result.explained_variance

        def svd():
            result = fa.truncated_svd(data, COMPONENTS["svd"], num_threads=threads)
            return result.components, result.singular_values

        return {"pca": pca, "svd": svd}[self.case]


class Sklearn:
    packages = ("scikit-learn", "numpy", "scipy")

    def __init__(self, case, double=False):
        self.case, self.double = case, double

    def prepare(self, data, threads):
        from sklearn.decomposition import PCA, TruncatedSVD

        def pca():
            model = PCA(COMPONENTS["pca"])
            model.fit_transform(data)
            return model.components_, model.explained_variance_

        def svd():
            model = TruncatedSVD(COMPONENTS["svd"], random_state=0)
            model.fit_transform(data)
            return model.components_, model.singular_values_

        return {"pca": pca, "svd": svd}[self.case]


CONTENDERS = {
    "pca": {
        "filmatlas": Filmatlas("pca"),
        "scikit-learn": Sklearn("pca"),
        "scikit-learn, float64": Sklearn("pca", double=True),
    },
    "svd": {
        "filmatlas": Filmatlas("svd"),
        "scikit-learn": Sklearn("svd"),
        "scikit-learn, float64": Sklearn("svd", double=True),
    },
}


def child(case, name, data, threads):
    """Answers each line on standard input with one run, as JSON."""
    import numpy as np
    import scipy.sparse as sparse

    contender = CONTENDERS[case][name]
    X = np.load(data) if case == "pca" else sparse.load_npz(data)
    X = X.astype(np.float64 if contender.double else np.float32)
    run = contender.prepare(X, threads)
    for line in sys.stdin:
        run()  # warms what the other contenders have cooled
        (axes, values), figures = measured(run)
        if line.strip():
            np.savez(line.strip(), axes=axes, values=values)
        print(json.dumps(figures), flush=True)


# --- a case -------------------------------------------------------------------------------------------------------------
def reference(case, X, count):
    """Leading right singular vectors (as columns) and singular values in float64, one more value than asked."""
    import numpy as np
    import scipy.sparse.linalg as linalg

    if case == "pca":
        centred = X.astype(np.float64) - X.mean(axis=0, dtype=np.float64)
        values, vectors = np.linalg.eigh(centred.T @ centred)
        return vectors[:, ::-1][:, :count], np.sqrt(values[::-1][: count + 1])
    _, values, vectors = linalg.svds(X.astype(np.float32).astype(np.float64), k=count + 1, tol=0, random_state=0)
    order = np.argsort(-values)
    return vectors[order[:count]].T, values[order]


def angles(axes, truth, at):
    """Largest principal angle between the spans of the first c rows of `axes` and columns of `truth`, for each c."""
    import numpy as np

    out = {}
    for c in at:
        own = np.linalg.qr(np.asarray(axes[:c], dtype=np.float64).T)[0]
        rest = own - truth[:, :c] @ (truth[:, :c].T @ own)
        out[int(c)] = float(np.arcsin(min(1.0, np.linalg.norm(rest, 2))))
    return out


def run_rivals(case, options, folder):
    import numpy as np
    import scipy.sparse as sparse

    print(TITLES[case], flush=True)
    data = folder / ("data.npy" if case == "pca" else "data.npz")
    if case == "pca":
        X = film_vectors(options.data)
        np.save(data, X)
    else:
        X = film_tfidf(options.data)
        sparse.save_npz(data, X)
    children, runs = {}, {}
    for name in CONTENDERS[case]:
        children[name] = Child(__file__, [case, name, data], options.threads)
        runs[name] = []
    for repetition in range(options.repeat):
        for name, process in children.items():
            time.sleep(0.2)  # the threads of the contender before still spin for a while
            answer = process.run(folder / f"{name}.npz" if repetition == 0 else "")
            if isinstance(answer, str):
                raise SystemExit(f"{name} ended early: {answer}")
            runs[name].append(answer)
    for process in children.values():
        process.close()
    cached = options.reference / f"{case}.npz" if options.reference else None
    kept = bool(cached and cached.exists())
    if kept:
        truth, values = (np.load(cached)[key] for key in ("truth", "values"))
    else:
        truth, values = reference(case, X, COMPONENTS[case])
        if cached:
            cached.parent.mkdir(parents=True, exist_ok=True)
            np.savez(cached, truth=truth, values=values)
    ratios = values[:-1] / values[1:]
    gaps = (np.flatnonzero(ratios >= options.gap) + 1).tolist()
    shown = sorted({*gaps, *(c for c in (1, 10, 20, 50, 100, 200) if c <= COMPONENTS[case])})
    rows = []
    for name, all_runs in runs.items():
        found = np.load(folder / f"{name}.npz")
        own = np.asarray(found["values"], dtype=np.float64)
        own = np.sqrt(np.maximum(own, 0) * (X.shape[0] - 1)) if case == "pca" else own
        middle = {key: statistics.median(r[key] for r in all_runs) for key in ("wall", "cpu")}
        peaks = [r["peak_mb"] for r in all_runs if r["peak_mb"] is not None]
        at = angles(found["axes"], truth, shown)
        rows.append(
            {
                "name": name,
                **middle,
                "walls": [round(r["wall"], 4) for r in all_runs],
                "peak_mb": max(peaks) if peaks else None,
                "angles": at,
                "gap_angle": max(at[c] for c in gaps),
                "value_error": float(np.abs(own / values[: len(own)] - 1).max()),
                "packages": {p: version_of(p) for p in CONTENDERS[case][name].packages},
            }
        )
    return {
        "case": case,
        "title": TITLES[case],
        "shape": list(X.shape),
        "entries": None if case == "pca" else int(X.nnz),
        "gap": options.gap,
        "reference": "kept from an earlier run" if kept else "computed in this run",
        "gaps": gaps,
        "ratios": {str(c): float(ratios[c - 1]) for c in shown},
        "results": rows,
    }


def run_laplacian(options):
    import numpy as np
    import scipy.sparse as sparse

    import filmatlas as fa

    print(TITLES["laplacian"], flush=True)
    rows = []
    for name, W in graphs(options.data):
        fa.laplacian_eigenvectors(W, 4, num_threads=options.threads)
        all_runs = []
        for _ in range(options.repeat):
            result, figures = measured(lambda: fa.laplacian_eigenvectors(W, 4, num_threads=options.threads))
            all_runs.append(figures)
        walls = [r["wall"] for r in all_runs]
        peaks = [r["peak_mb"] for r in all_runs if r["peak_mb"] is not None]
        degree = np.asarray(W.sum(axis=1, dtype=np.float64)).ravel()
        root = sparse.diags_array(np.divide(1, np.sqrt(degree), out=np.zeros_like(degree), where=degree > 0))
        V = result.vectors.astype(np.float64)
        image = V * (degree > 0)[:, None] - root @ (W.astype(np.float64) @ (root @ V))
        residual = np.linalg.norm(image - V * result.eigenvalues, axis=0)
        rows.append(
            {
                "name": name,
                "vertices": W.shape[0],
                "edges": W.nnz // 2,
                "wall": statistics.median(walls),
                "cpu": statistics.median(r["cpu"] for r in all_runs),
                "walls": [round(w, 4) for w in walls],
                "peak_mb": max(peaks) if peaks else None,
                "residual": float(residual.max()),
                "eigenvalues": result.eigenvalues.tolist(),
                "products": int(result.run.iterations),
                "packages": {"filmatlas": version_of("filmatlas")},
            }
        )
    return {"case": "laplacian", "title": TITLES["laplacian"], "results": rows}


# --- what surrounds the figures -------------------------------------------------------------------------------------------
def bars(result):
    """The bars of the case: what they ask, the measured value, the limit, and whether it is met."""
    out = []

    def bar(what, value, limit):
        out.append({"bar": what, "value": float(f"{value:.3g}"), "limit": limit, "met": bool(value <= limit)})

    rows = {row["name"]: row for row in result["results"]}
    if result["case"] == "laplacian":
        for row in result["results"]:
            bar(f"residual, {row['name']}", row["residual"], RESIDUAL)
        bar("seconds, films", result["results"][-1]["wall"], 1.0)
        return out
    ours = rows["filmatlas"]
    for name, row in rows.items():
        if name != "filmatlas":
            bar(f"wall time, filmatlas / {name}", ours["wall"] / row["wall"], 0.5)
    bar(f"angle to the float64 subspace, worst of {len(result['gaps'])} gaps", ours["gap_angle"], ANGLE)
    return out


def seconds(value):
    return f"{value:.4f}" if value < 0.1 else f"{value:.3f}" if value < 1 else f"{value:.2f}"


def table(result):
    rows = result["results"]
    memory = lambda row: "" if row["peak_mb"] is None else f"{row['peak_mb']:.0f}"  # noqa: E731
    if result["case"] == "laplacian":
        lines = ["| graph | vertices | edges | residual | wall s | CPU s | products | MB beyond the data |", "|---|---|---|---|---|---|---|---|"]
        for r in rows:
            lines.append(
                f"| {r['name']} | {r['vertices']:,} | {r['edges']:,} | {r['residual']:.1e} | {seconds(r['wall'])} | "
                f"{seconds(r['cpu'])} | {r['products']} | {memory(r)} |"
            )
        return lines
    shown = [c for c in rows[0]["angles"] if int(c) in (1, 2, 5, 10, 20, 50, 100, 200)]
    head = " | ".join(f"c = {c}" for c in shown)
    lines = [f"| | wall s | CPU s | MB beyond the data | worst value | at the gaps | {head} |", "|---" * (6 + len(shown)) + "|"]
    for r in rows:
        cells = " | ".join(f"{r['angles'][c]:.1e}" for c in shown)
        lines.append(
            f"| {r['name']} | {seconds(r['wall'])} | {seconds(r['cpu'])} | {memory(r)} | {r['value_error']:.1e} | {r['gap_angle']:.1e} | "
            f"{cells} |"
        )
    ratios = " | ".join(f"{result['ratios'][str(c)]:.3f}" for c in shown)
    lines.append(f"| s(c) / s(c + 1) | | | | | | {ratios} |")
    return lines


def section(result, level="##"):
    lines = [f"{level} {result['title']}", "", *table(result), "", "| bar | measured | limit | |", "|---|---|---|---|"]
    for b in result["bars"]:
        lines.append(f"| {b['bar']} | {b['value']:g} | at most {b['limit']:g} | {'met' if b['met'] else '**missed**'} |")
    packages = {p: v for row in result["results"] for p, v in row["packages"].items() if p != "filmatlas"}
    versions = "".join(f"; {p} {v}" for p, v in sorted(packages.items()))
    what = (
        ""
        if result["case"] == "laplacian"
        else "Worst value: largest relative error of a singular value. Columns c: largest principal angle of the first c "
        f"components to the float64 ones; at the gaps: the largest of those c where s(c) / s(c + 1) is at least {result['gap']}. "
        f"Reference {result['reference']}. "
    )
    lines += [
        "",
        f"{what}{result['threads']} threads, medians of {len(result['results'][0]['walls'])}. "
        f"{about_line(result)}{versions}.",
        "",
    ]
    return lines


def main():
    if len(sys.argv) > 1 and sys.argv[1] == "--child":
        return child(*sys.argv[2:5], int(sys.argv[5]))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path, required=True, help="folder with films_minilm and films.jsonl.gz")
    parser.add_argument("--out", type=pathlib.Path, default=HERE / "results")
    parser.add_argument("--cases", default="pca,svd,laplacian", help=f"of {', '.join(TITLES)}")
    parser.add_argument("--repeat", type=int, default=5, help="counted runs of each contender")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--gap", type=float, default=1.01, help="ratio of neighbouring singular values that counts as a gap")
    parser.add_argument("--reference", type=pathlib.Path, help="folder that keeps the float64 references between runs")
    options = parser.parse_args()
    cases = chosen_cases(parser, options, TITLES)
    options.out.mkdir(parents=True, exist_ok=True)
    for case in cases:
        with tempfile.TemporaryDirectory() as folder:
            result = run_laplacian(options) if case == "laplacian" else run_rivals(case, options, pathlib.Path(folder))
        result |= {"threads": options.threads, "machine": machine(), "filmatlas": about_filmatlas()}
        result["bars"] = bars(result)
        (options.out / f"linalg_{case}.json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
        print("\n".join(table(result)))
        print(*[f"  {b['bar']}: {b['value']:g} {'met' if b['met'] else 'MISSED'}" for b in result["bars"]], sep="\n")
    results = saved_results(options.out, "linalg", TITLES)
    lines = ["# Linear algebra, side by side", ""] + [line for result in results for line in section(result)]
    (options.out / "linalg.md").write_text("\n".join(lines), encoding="utf-8")
    if options.out == HERE / "results":  # a trial's figures are not for the page
        body = "\n".join(line for result in results for line in section(result, "###"))
        refresh_page(HERE.parent / "docs" / "linalg.md", "\n" + body)


if __name__ == "__main__":
    main()
