#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Maps: filmatlas beside its rivals, on the same vectors in one run; time and quality.

    python benchmarks/layout.py --data <folder> [--out benchmarks/results] [--cases films,letters] [--repeat 5]

Writes <out>/layout_<case>.json, and layout.md with the tables and the bars of all cases measured so far. With --only
the saved figures of all other contenders stay, so that a long case can be measured piece by piece.

Every contender of a case has a process of its own, started for it, with the same number of threads; it loads the data,
then waits, and the runs of all are interleaved. A run is everything from the vectors to the map, neighbours included,
with a seed of its own (rivals whose seed costs them their threads run without one). The first run, with import and
compilation, is "fresh" and is left out of the median of what compiles.

Quality is measured here, by brute force and SciPy, not by filmatlas: kept = share of the 15 nearest in the full space
that are among the 15 nearest on the map; trust = trustworthiness at 15; both on --sample items against all; Spearman =
rank correlation of 100,000 pair distances; triplets = share of 5 random triplets per item ordered alike. Means over the
runs. The rivals are optional: pip install umap-learn openTSNE pacmap. What is missing is named in the output.

The cases <case>_seeds hold UMAP alone beside umap-learn over five seeds: trust, kept neighbours and triplets.
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

from neighbors import seconds

HERE = pathlib.Path(__file__).resolve().parent
K = 15
CASES = {
    "films": ("films_minilm", "cosine", "Film embeddings, 15,834 x 384, cosine"),
    "newsgroups": ("newsgroups20_minilm", "cosine", "Newsgroup posts, 18,846 x 384, cosine"),
    "mnist": ("mnist_test_X", "euclidean", "MNIST's test digits, 10,000 x 784, Euclidean"),
    "letters": ("letters_X", "euclidean", "Letters, 20,000 x 16, Euclidean"),
    "arxiv": ("arxiv_ml_minilm_int8", "cosine", "arXiv titles, 117,592 x 384, cosine"),
}
SEEDS = 5
SEEDED = {f"{case}_seeds": CASES[case] for case in ("films", "newsgroups", "mnist", "letters")}
ALL_CASES = {**CASES, **SEEDED}
UMAPS = ("filmatlas umap", "umap-learn")
UMAP_FIGURES = ("trust", "kept", "triplets")


def load_case(case, folder, limit=None):
    import numpy as np

    name, metric, _ = ALL_CASES[case]
    X = load_npy(folder, name)[:limit]
    X = X.reshape(len(X), -1)
    return unit(X) if metric == "cosine" else np.ascontiguousarray(X, dtype=np.float32)


# --- contenders: prepare(metric, threads) -> run(X, seed) -> map -----------------------------------------------------
def filmatlas(function, **options):
    def prepare(metric, threads):
        import filmatlas as fa

        make = getattr(fa, function)
        return lambda X, seed: make(
            X, metric=metric, random_state=seed, num_threads=threads, measure=False, **options
        ).coordinates

    return prepare


def umap_learn(metric, threads):
    import umap

    return lambda X, seed: umap.UMAP(metric=metric, n_jobs=threads).fit_transform(X)


def open_tsne(metric, threads):
    import numpy as np
    from openTSNE import TSNE

    return lambda X, seed: np.asarray(TSNE(metric=metric, n_jobs=threads, random_state=seed).fit(X))


def pacmap_class(name):
    def prepare(metric, threads):
        import pacmap

        distance = "angular" if metric == "cosine" else metric
        # A state makes it draw reproducibly, and leaves its threads alone.
        return lambda X, seed: getattr(pacmap, name)(distance=distance, random_state=seed).fit_transform(X)

    return prepare


def pca_map(metric, threads):
    import filmatlas as fa

    return lambda X, seed: fa.pca(X, 2, num_threads=threads).transformed


CONTENDERS = {  # name: (prepare, package, compiles)
    "filmatlas atlas_map": (filmatlas("atlas_map"), "filmatlas", False),
    "filmatlas umap": (filmatlas("umap"), "filmatlas", False),
    "filmatlas tsne": (filmatlas("tsne"), "filmatlas", False),
    "filmatlas pca": (pca_map, "filmatlas", False),
    "umap-learn": (umap_learn, "umap-learn", True),
    "openTSNE": (open_tsne, "openTSNE", False),
    "filmatlas pacmap": (filmatlas("pacmap"), "filmatlas", False),
    "PaCMAP": (pacmap_class("PaCMAP"), "pacmap", True),
    "LocalMAP": (pacmap_class("LocalMAP"), "pacmap", True),
}


def child(case, name, data, threads):
    """Answers each line on standard input, "seed target", with one run, as JSON."""
    import numpy as np

    prepare, _, _ = CONTENDERS[name]
    X = np.load(data)
    begin = time.perf_counter()
    run = prepare(ALL_CASES[case][1], threads)
    imported = time.perf_counter() - begin
    for line in sys.stdin:
        seed, target = line.split()
        coordinates, figures = measured(lambda: run(X, int(seed)))
        np.save(target, np.asarray(coordinates, dtype=np.float32))
        print("\n" + json.dumps({**figures, "import": imported}), flush=True)


# --- quality ---------------------------------------------------------------------------------------------------------
def full_distances(X, points, metric):
    """(rows of `points`, n) in float32, by products; squared where Euclidean."""
    import numpy as np

    products = points @ X.T
    if metric == "cosine":
        return 1 - products
    return np.maximum((points**2).sum(1)[:, None] + (X**2).sum(1) - 2 * products, 0)


class Truth:
    """What the maps of a case are held against; the same sample, pairs and triplets for every map."""

    def __init__(self, X, metric, sample, seed=0):
        import numpy as np

        n = len(X)
        rng = np.random.default_rng(seed)
        self.rows = np.sort(rng.choice(n, min(sample, n), replace=False))
        self.sorted, self.near = [], []
        self.X, self.metric = X, metric
        for start in range(0, len(self.rows), 500):
            rows = self.rows[start : start + 500]
            d = full_distances(X, X[rows], metric)
            d[np.arange(len(rows)), rows] = np.inf
            near = np.argpartition(d, K, axis=1)[:, :K]
            self.near.append(near)
        self.near = np.concatenate(self.near)
        self.pairs = rng.integers(n, size=(2, 100_000))
        self.pair_distances = self.between(*self.pairs)
        triplets = np.stack([np.repeat(np.arange(n), 5), rng.integers(n, size=5 * n), rng.integers(n, size=5 * n)])
        self.triplets = triplets[:, (triplets[0] != triplets[1]) & (triplets[0] != triplets[2]) & (triplets[1] != triplets[2])]
        self.nearer = self.between(self.triplets[0], self.triplets[1]) < self.between(self.triplets[0], self.triplets[2])

    def between(self, a, b):
        import numpy as np

        out = np.empty(len(a))
        for start in range(0, len(a), 50_000):
            p, q = self.X[a[start : start + 50_000]], self.X[b[start : start + 50_000]]
            d = 1 - (p * q).sum(1) if self.metric == "cosine" else ((p - q) ** 2).sum(1)
            out[start : start + 50_000] = d
        return out

    def quality(self, Y):
        import numpy as np
        from scipy.spatial import cKDTree
        from scipy.stats import spearmanr

        n = len(self.X)
        Y = np.asarray(Y, dtype=np.float64)
        found = cKDTree(Y).query(Y[self.rows], K + 1, workers=-1)[1]
        other = found != self.rows[:, None]
        other[other.all(axis=1), -1] = False
        found = found[other].reshape(len(self.rows), K)
        kept = np.array([len(set(a) & set(b)) for a, b in zip(found.tolist(), self.near.tolist())]) / K
        excess = 0.0
        for start in range(0, len(self.rows), 500):
            rows = self.rows[start : start + 500]
            d = full_distances(self.X, self.X[rows], self.metric)
            d[np.arange(len(rows)), rows] = np.inf
            near = found[start : start + 500]
            own = np.take_along_axis(d, near, 1)
            d.sort(axis=1)
            for row in range(len(rows)):
                ranks = np.searchsorted(d[row], own[row]) + 1
                excess += np.maximum(ranks - K, 0).sum()
        trust = 1 - excess * 2 / (len(self.rows) * K * (2 * n - 3 * K - 1))
        apart = np.linalg.norm(Y[self.pairs[0]] - Y[self.pairs[1]], axis=1)
        i, j, k = self.triplets
        nearer = np.linalg.norm(Y[i] - Y[j], axis=1) < np.linalg.norm(Y[i] - Y[k], axis=1)
        return {
            "kept": float(kept.mean()),
            "trust": float(trust),
            "spearman": float(spearmanr(self.pair_distances, apart)[0]),
            "triplets": float((nearer == self.nearer).mean()),
        }


# --- a case ----------------------------------------------------------------------------------------------------------
def run_case(case, options, folder):
    import numpy as np

    _, metric, title = ALL_CASES[case]
    print(title, flush=True)
    X = load_case(case, options.data, options.limit)
    data = str(folder / "data.npy")
    np.save(data, X)
    truth = Truth(X, metric, options.sample)
    about = {"shape": list(X.shape), "threads": options.threads, "sample": len(truth.rows), "machine": machine()}
    saved = saved_pieces(case, options, about)
    runs, missing, children = {}, {}, {}

    def one(name, seed):
        target = folder / "map.npy"
        answer = children[name].run(f"{seed} {target}")
        if isinstance(answer, str):
            missing[name] = answer
            children.pop(name).close()
            print(f"  {name}: {answer}", flush=True)
            return False
        answer["quality"] = truth.quality(np.load(target))
        if options.keep:
            np.save(options.keep / f"{case}_{name.replace(' ', '_')}.npy", np.load(target))
        runs.setdefault(name, []).append(answer)
        return True

    for name, (_, package, _) in CONTENDERS.items():
        if not asked_for(name, case, options):
            continue
        if package != "filmatlas" and not version_of(package):
            missing[name] = f"{package} is not installed"
            continue
        children[name] = Child(__file__, [case, name, data], options.threads, PASSIVE)
        if one(name, 0):
            print(f"  {name}: first run {runs[name][0]['wall']:.2f} s {runs[name][0]['quality']}", flush=True)
    repeat, slow_repeat = (SEEDS - 1,) * 2 if case in SEEDED else (options.repeat, options.slow_repeat)
    for repetition in range(1, repeat + 1):
        for name in list(children):
            first = runs[name][0]
            slow = first["wall"] > options.slow and not CONTENDERS[name][2]
            slow = slow or (len(runs[name]) > 1 and runs[name][1]["wall"] > options.slow)
            if repetition <= (slow_repeat if slow else repeat):
                one(name, repetition)
    for process in children.values():
        process.close()
    rows = []
    for name, all_runs in runs.items():
        counted = all_runs[1:] if CONTENDERS[name][2] and len(all_runs) > 1 else all_runs
        peaks = [r["peak_mb"] for r in all_runs if r["peak_mb"] is not None]
        figures = {key: [r["quality"][key] for r in all_runs] for key in all_runs[0]["quality"]}
        rows.append(
            {
                "name": name,
                **{key: statistics.mean(values) for key, values in figures.items()},
                "spread": {key: statistics.pstdev(values) for key, values in figures.items()},
                "wall": statistics.median(r["wall"] for r in counted),
                "cpu": statistics.median(r["cpu"] for r in counted),
                "walls": [round(r["wall"], 3) for r in counted],
                "fresh": all_runs[0]["import"] + all_runs[0]["wall"],
                "peak_mb": max(peaks) if peaks else None,
                "version": version_of(CONTENDERS[name][1]),
            }
        )
    result = {
        "case": case,
        "title": title,
        "metric": metric,
        **about,
        "filmatlas": about_filmatlas(),
        "results": rows,
        "missing": missing,
        "calls": 1,
    }
    if saved:
        add_saved(result, saved, options)
    result["bars"] = bars(result)
    return result


def asked_for(name, case, options):
    """Whether a contender is to run in this call."""
    if case in SEEDED and name not in UMAPS:
        return False
    return not options.only or any(word in name for word in options.only)


def saved_pieces(case, options, about):
    """With --only: what earlier calls measured of the case, in the same circumstances."""
    path = options.out / f"layout_{case}.json"
    if not options.only or not path.exists():
        return None
    saved = json.loads(path.read_text(encoding="utf-8"))
    for key, value in about.items():
        if saved[key] != value:
            raise SystemExit(f"{path}: {key} is {saved[key]}, now {value}; measure the case anew, without --only")
    return saved


def add_saved(result, saved, options):
    """Adds the saved figures of the contenders that this call was not asked for."""
    others = {name for name in CONTENDERS if not asked_for(name, result["case"], options)}
    kept = [row for row in saved["results"] if row["name"] in others]
    result["results"] = sorted(kept + result["results"], key=lambda row: list(CONTENDERS).index(row["name"]))
    result["missing"] = {**{n: why for n, why in saved["missing"].items() if n in others}, **result["missing"]}
    result["calls"] = saved.get("calls", 1) + 1
    if all(name in others for name in CONTENDERS if name.startswith("filmatlas")):
        result["filmatlas"] = saved["filmatlas"]


def bars(result):
    """The bars of the case: what they ask, the measured value, the limit, and whether it is met."""
    rows = {row["name"]: row for row in result["results"]}
    out = []

    def bar(what, value, limit, least=False):
        met = value >= limit if least else value <= limit
        out.append({"bar": what, "value": round(value, 4), "limit": round(limit, 4), "least": least, "met": met})

    def least(a, key, b, margin):
        if a in rows and b in rows:
            bar(f"{a}, {key}; {b} {margin:+g}", rows[a][key], rows[b][key] + margin, True)

    def ratio(a, b, limit, key="wall"):
        if a in rows and b in rows:
            bar(f"{a} / {b}, {key}", rows[a][key] / rows[b][key], limit)

    case = result["case"]
    own, umap, tsne = "filmatlas atlas_map", "umap-learn", "openTSNE"
    if case != "letters" and case not in SEEDED:
        least(own, "kept", tsne, -0.005)
        least(own, "spearman", umap, 0.02)
        ratio(own, umap, 0.8)
    for key in UMAP_FIGURES:
        least("filmatlas umap", key, umap, -0.005)
    if case == "films":
        ratio("filmatlas umap", umap, 0.4)
        ratio("filmatlas umap", umap, 0.05, "fresh")
        ratio("filmatlas tsne", tsne, 0.25)
        least("filmatlas tsne", "kept", tsne, 0)
    if case == "arxiv":
        ratio("filmatlas umap", umap, 0.35)
    return out


def table(result):
    """A case as Markdown."""
    lines = [
        "| | kept | trust | Spearman | triplets | wall s | CPU s | fresh s | MB beyond the data | runs |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in result["results"]:
        memory = "" if row["peak_mb"] is None else f"{row['peak_mb']:.0f}"
        lines.append(
            f"| {row['name']} | {row['kept']:.4f} | {row['trust']:.4f} | {row['spearman']:.3f} | {row['triplets']:.4f} | "
            f"{seconds(row['wall'])} | {seconds(row['cpu'])} | {seconds(row['fresh'])} | {memory} | {len(row['walls'])} |"
        )
    for name, why in result["missing"].items():
        lines.append(f"| {name} | not run: {why} | | | | | | | | |")
    return lines


def seeds_table(results):
    """Our UMAP beside umap-learn's, figure by figure, as Markdown."""
    lines = ["| | | filmatlas umap | umap-learn | bar |", "|---|---|---|---|---|"]
    better = cells = 0
    for result in results:
        rows = {row["name"]: row for row in result["results"]}
        if not all(name in rows for name in UMAPS):
            continue
        ours, theirs = (rows[name] for name in UMAPS)
        for key, b in zip(UMAP_FIGURES, result["bars"]):
            better += ours[key] > theirs[key]
            cells += 1
            told = [f"{row[key]:.4f} ± {row['spread'][key]:.4f}" for row in (ours, theirs)]
            met = "met" if b["met"] else "**missed**"
            lines.append(f"| {result['title']} | {key} | {told[0]} | {told[1]} | at least {b['limit']:g}, {met} |")
    met = "met" if 2 * better >= cells else "**missed**"
    return [*lines, "", f"Better in {better} of {cells}; the bar is half, {met}."]


def version_in(result):
    return next((row["version"] for row in result["results"] if row["name"] == "umap-learn"), "not run")


def report(results):
    lines = ["# Maps, side by side", ""]
    seeded = [result for result in results if result["case"] in SEEDED]
    for result in results:
        if result["case"] in SEEDED:
            continue
        lines += [f"## {result['title']}", "", *table(result), ""]
        if result["bars"]:
            lines += ["| bar | measured | limit | |", "|---|---|---|---|"]
            for b in result["bars"]:
                sign = "at least" if b["least"] else "at most"
                met = "met" if b["met"] else "**missed**"
                lines.append(f"| {b['bar']} | {b['value']:g} | {sign} {b['limit']:g} | {met} |")
            lines.append("")
        rivals = {row["name"]: row["version"] for row in result["results"] if not row["name"].startswith("filmatlas")}
        versions = ", ".join(f"{name} {version}" for name, version in rivals.items())
        pieces = f", in {result['calls']} calls" if result.get("calls", 1) > 1 else ""
        lines += [
            f"{result['threads']} threads, medians of wall and CPU seconds, means of the figures{pieces}; trust and kept of "
            f"{result['sample']:,} items. {about_line(result)}; {versions}.",
            "",
        ]
    if seeded:
        sample = seeded[0]["sample"]
        lines += [
            f"## UMAP over {SEEDS} seeds", "", *seeds_table(seeded), "",
            f"Means and deviations; trust and kept of {sample:,} items. {about_line(seeded[0])}; umap-learn "
            f"{version_in(seeded[0])}, unseeded, which leaves it its threads.", "",
        ]  # fmt: skip
    return "\n".join(lines)


def main():
    if len(sys.argv) > 1 and sys.argv[1] == "--child":
        return child(*sys.argv[2:5], int(sys.argv[5]))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path, required=True, help="folder with the .npy or .npy.gz files")
    parser.add_argument("--out", type=pathlib.Path, default=HERE / "results")
    parser.add_argument("--cases", default="films,newsgroups,mnist,letters,arxiv", help=f"of {', '.join(ALL_CASES)}")
    parser.add_argument("--only", action="append", help="only contenders whose name contains this; may be repeated")
    parser.add_argument("--limit", type=int, help="only the first items, to try a case out; give another --out")
    parser.add_argument("--repeat", type=int, default=5, help="runs of each contender after the first")
    parser.add_argument("--slow", type=float, default=10.0, help="seconds from which a contender runs less often")
    parser.add_argument("--slow-repeat", type=int, default=1, help="runs of a slow one after the first")
    parser.add_argument("--sample", type=int, default=4000, help="items whose neighbours are compared")
    parser.add_argument("--keep", type=pathlib.Path, help="folder for the last map of each contender")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    cases = chosen_cases(parser, options, ALL_CASES)
    options.out.mkdir(parents=True, exist_ok=True)
    for case in cases:
        with tempfile.TemporaryDirectory() as folder:
            result = run_case(case, options, pathlib.Path(folder))
        text = json.dumps(result, indent=2) + "\n"
        (options.out / f"layout_{case}.json").write_text(text, encoding="utf-8")
        marks = [f"  {b['bar']}: {b['value']} {'>=' if b['least'] else '<='} {b['limit']} {'met' if b['met'] else 'MISSED'}" for b in result["bars"]]
        print("\n".join([*table(result), *marks]))
    results = saved_results(options.out, "layout", ALL_CASES)
    (options.out / "layout.md").write_text(report(results), encoding="utf-8")


if __name__ == "__main__":
    main()
