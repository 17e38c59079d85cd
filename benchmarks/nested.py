#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""One strict tree: `nested_clusters` with its defaults beside its rivals, at the true numbers of classes.

    python benchmarks/nested.py --data <folder> [--out benchmarks/results] [--sets newsgroups,hs_codes] [--fresh]
    python benchmarks/nested.py --data <folder> --timings [--sets films,arxiv]

Sets: newsgroups, hs_codes, banking77, arxiv (all rows; rivals too where they can), arxiv_sample (20,000 rows drawn with
seed 0), debian (packages by section, from `apt-cache dumpavail`: descriptions and tags, built-in encoder; never tuned on),
films (no classes: timings alone).
Writes <out>/nested_<set>.json and <out>/nested.md. Figures that are in the JSON already are kept unless --fresh, so a
rival that takes minutes is not run again; --methods names the contenders to run.

Every contender is cut to the true number of classes of each level: adjusted mutual information of the items that have a
label. "tree" = one tree cut at all levels; k-means, Leiden and EVoC make every level on their own, EVoC's noise goes to
the nearest centroid and its best layer is taken for each level, which flatters it. Leiden's resolution is sought for
every count, in a few tries and a limited time ("made" in the JSON: the parts of a contender that missed a count). Ward of
more than 30,000 rows is found by `fa.linkage`, average linkage of so many is left out ("left_out": why). UMAP's
runs differ by .03 and more at a level, so the mean over three seeds counts ("spread" in the JSON: the largest difference;
without "runs": one, earlier).
Purity: expected dendrogram purity by the finest level; cost: Dasgupta's over the 15-neighbour graph, 1 = no edge stays
inside a node (both from the levels alone). --timings measures nothing but our own time after the neighbour graph and the
peak of memory beyond vectors and graph (medians of 3), for an idle machine.
Rivals are optional: pip install scikit-learn fastcluster umap-learn leidenalg igraph evoc.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy as np

import filmatlas as fa
from runner import about_filmatlas, about_line, machine, measured

SETS = ("newsgroups", "hs_codes", "banking77", "arxiv_sample", "arxiv", "debian", "films")
ROWS_FOR_QUADRATIC = 30_000  # rivals that hold all distances
UMAP_SEEDS = (0, 1, 2)
LEIDEN_TRIES = 6  # resolutions per count
LEIDEN_SECONDS = 400  # of the processor; then the nearest counts found so far are taken, and said


def unit(X):
    X = np.ascontiguousarray(X, dtype=np.float32)
    return X / np.maximum(np.linalg.norm(X, axis=1, keepdims=True), 1e-30)


def codes(values):
    seen: dict = {}
    return np.array([-1 if v is None else seen.setdefault(v, len(seen)) for v in values], dtype=np.int32)


def read(folder, name):
    with gzip.open(f"{folder}/{name}.npy.gz") as stream:
        return np.lib.format.read_array(stream, allow_pickle=False)


def rows_of(folder, name):
    with gzip.open(f"{folder}/{name}.jsonl.gz", "rt", encoding="utf-8") as stream:
        return [json.loads(line) for line in stream]


def debian():
    """At most 15,000 packages, one per text: the one-line description and the tags; sections without the area."""
    text = subprocess.run(["apt-cache", "dumpavail"], capture_output=True, check=True).stdout.decode("utf-8", "replace")
    found = {}
    for paragraph in text.split("\n\n"):
        fields, last = {}, ""
        for line in paragraph.splitlines():
            if line.startswith(" "):
                fields[last] = fields.get(last, "") + " " + line.strip(" .")
            elif ": " in line:
                last, value = line.split(": ", 1)
                fields[last] = value
        if all(key in fields for key in ("Package", "Description", "Tag", "Section")):
            text_of = f"{fields['Description']}. {fields['Tag'].replace('::', ' ')}"
            found.setdefault(text_of, (fields["Package"], fields["Section"].split("/")[-1]))
    picked = sorted((name, section, text) for text, (name, section) in found.items())
    step = max(1, len(picked) // 15_000)
    picked = picked[::step][:15_000]
    encoder = fa.LsaEncoder.fit([entry[2] for entry in picked], 128, min_df=3, max_df=0.3)
    return np.array(encoder.vectors), [codes([entry[1] for entry in picked])], ["section"]


def load(folder, name):
    """Vectors, one list of classes per level coarse to fine (-1 = unknown), names of the levels."""
    if name == "newsgroups":
        entries = rows_of(folder, "newsgroups20")
        levels = ["l1", "l2", "l3"]
        return unit(read(folder, "newsgroups20_minilm")), [codes([e[k] for e in entries]) for k in levels], levels
    if name == "hs_codes":
        # The fourth level of the codes themselves is one item per class: the five-digit groups stand for it.
        entries = rows_of(folder, "hs_codes")
        classes = [codes([e[k] for e in entries]) for k in ("section", "chapter", "heading")]
        classes.append(codes([e["id"][:5] for e in entries]))
        return unit(read(folder, "hs_codes_minilm")), classes, ["section", "chapter", "heading", "5 digits"]
    if name == "banking77":
        return unit(read(folder, "banking77_minilm")), [codes([e["label"] for e in rows_of(folder, name)])], ["intent"]
    if name in ("arxiv", "arxiv_sample"):
        entries = rows_of(folder, "arxiv_ml_titles")
        vectors = unit(read(folder, "arxiv_ml_minilm_int8"))
        classes = [codes([e["layers"][j] for e in entries]) for j in (4, 3, 2, 1, 0)]
        if name == "arxiv_sample":
            rows = np.sort(np.random.default_rng(0).choice(len(vectors), 20_000, replace=False))
            vectors = vectors[rows]
            classes = [codes([v if v >= 0 else None for v in level[rows].tolist()]) for level in classes]
        return vectors, classes, [f"layer {j}" for j in (4, 3, 2, 1, 0)]
    if name == "films":
        return unit(read(folder, "films_minilm")), [], []
    return debian()


def agreement(truth, labels):
    return [
        round(float(fa.adjusted_mutual_information(t[t >= 0], np.asarray(l)[t >= 0].astype(np.int32))), 4)
        for t, l in zip(truth, labels)
    ]


# --- contenders -------------------------------------------------------------------------------------------------------
def ours(X, graph, counts, **options):
    return fa.nested_clusters(
        X, graph, levels=[f"level {i}" for i in range(len(counts))], n_clusters=counts, **options
    )


def shared_neighbours(graph):
    import scipy.sparse as sparse

    n, k = graph.indices.shape
    member = sparse.csr_matrix(
        (np.ones(n * (k + 1), np.float32), (np.repeat(np.arange(n), k + 1),
         np.hstack([np.arange(n)[:, None], graph.indices]).ravel())), (n, n))
    joint = ((member + member.T) > 0).multiply(member @ member.T).tocsr()
    joint.setdiag(0)
    joint.eliminate_zeros()
    joint.data /= 2 * (k + 1) - joint.data
    return joint


def kmeans(X, graph, counts, truth):
    from sklearn.cluster import KMeans

    return [KMeans(k, n_init=1, random_state=0).fit_predict(X) for k in counts]


def cuts(tree, counts):
    from scipy.cluster.hierarchy import fcluster

    return [fcluster(tree, k, "maxclust") - 1 for k in counts]


def ward(X, graph, counts, truth):
    """SciPy's tree; beyond fastcluster's reach by `fa.linkage`, whose heights equal SciPy's to 1e-12 (clusters.md)."""
    if len(X) > ROWS_FOR_QUADRATIC:
        return cuts(fa.linkage(X, method="ward"), counts)
    import fastcluster

    return cuts(fastcluster.linkage(X, "ward"), counts)


def average(X, graph, counts, truth):
    import fastcluster

    if len(X) > ROWS_FOR_QUADRATIC:
        raise MemoryError(f"needs all distances, {len(X) * (len(X) - 1) // 2 * 8 / 1e9:.0f} GB")
    return cuts(fastcluster.linkage(X, "average"), counts)


def ward_on_neighbours(X, graph, counts, truth):
    import scipy.sparse as sparse
    from sklearn.cluster import AgglomerativeClustering
    from sklearn.cluster._agglomerative import _hc_cut

    n, k = graph.indices.shape
    joined = sparse.csr_matrix((np.ones(n * k), (np.repeat(np.arange(n), k), graph.indices.ravel())), (n, n))
    model = AgglomerativeClustering(n_clusters=2, connectivity=joined + joined.T, compute_full_tree=True).fit(X)
    return [_hc_cut(count, model.children_, model.n_leaves_) for count in counts]


def umap_ward(X, graph, counts, truth, seed=0):
    import fastcluster
    import umap

    flat = umap.UMAP(n_components=15, metric="cosine", min_dist=0, random_state=seed).fit_transform(X)
    # In few dimensions the tree is found from the rows faster than from all distances, in memory of the rows.
    return cuts(fastcluster.linkage_vector(flat.astype(float), "ward"), counts)


def next_resolution(tried, count):
    """Log of the resolution to try: between those that gave fewer and more parts, as if counts were powers of it."""
    few = [run for run in tried if run[1] < count]
    many = [run for run in tried if run[1] > count]
    if few and many:
        (low, fewer), (high, more) = few[-1], many[0]
        share = np.log(count / fewer) / np.log(more / fewer)
        return low + (high - low) * min(max(share, 0.1), 0.9)
    if not tried:
        return 0.0
    at, made = few[-1] if few else many[0]
    return at + 1.3 * np.log(count / made)


def leiden(X, graph, counts, truth):
    import igraph
    import leidenalg
    import scipy.sparse as sparse

    joint = sparse.triu(shared_neighbours(graph)).tocoo()
    network = igraph.Graph(n=len(X), edges=list(zip(joint.row.tolist(), joint.col.tolist())),
                           edge_attrs={"weight": joint.data.tolist()})
    runs = []  # (log of the resolution, parts), rising: every count starts from what the others have tried
    begin = time.process_time()
    out = []
    for count in counts:
        for _ in range(LEIDEN_TRIES):
            if any(len(part) == count for _, part in runs) or time.process_time() - begin > LEIDEN_SECONDS:
                break
            resolution = next_resolution([(at, len(part)) for at, part in runs], count)
            part = leidenalg.find_partition(network, leidenalg.RBConfigurationVertexPartition, weights="weight",
                                            resolution_parameter=float(np.exp(resolution)), n_iterations=2, seed=0)
            runs = sorted([*runs, (resolution, part)], key=lambda run: run[0])
        nearest = min(runs, key=lambda run: abs(len(run[1]) - count))[1]
        if len(nearest) != count:
            print(f"Leiden: {len(nearest)} communities for {count}", flush=True)
        out.append(np.array(nearest.membership))
    return out


def evoc_filled(X, graph, counts, truth):
    import evoc

    model = evoc.EVoC(random_state=0)
    model.fit(X)
    filled = []
    for layer in model.cluster_layers_:
        labels = np.array(layer)
        ids = np.unique(labels[labels >= 0])
        centres = unit(np.stack([X[labels == i].mean(0) for i in ids]))
        noise = labels < 0
        labels[noise] = ids[np.argmax(X[noise] @ centres.T, 1)]
        filled.append(labels)
    return [max(filled, key=lambda l: agreement([t], [l])[0]) for t in truth]


def prototype(X, graph, counts, truth):
    """Smoothed four times, k-means at the finest level, size-weighted Ward of the unit centroids upwards."""
    smooth = fa.smooth_embedding(X, graph, steps=4)
    fine = fa.kmeans(smooth, counts[-1]).labels
    weight = np.bincount(fine).astype(float)
    centre = unit(np.stack([X[fine == i].mean(0) for i in range(len(weight))])).astype(float)
    cost = ((centre**2).sum(1)[:, None] + (centre**2).sum(1)[None] - 2 * centre @ centre.T).clip(0)
    cost *= 2 * weight[:, None] * weight[None] / (weight[:, None] + weight[None])
    alive, size, merges, ids = list(range(len(weight))), weight.copy(), [], list(range(len(weight)))
    np.fill_diagonal(cost, np.inf)
    while len(alive) > 1:
        x, y = np.unravel_index(np.argmin(cost), cost.shape)
        height = cost[x, y]
        merges.append([ids[x], ids[y], np.sqrt(height), 0])
        row = ((size + size[x]) * cost[x] + (size + size[y]) * cost[y] - size * height) / (size + size[x] + size[y])
        dead = np.isinf(cost[x]) | np.isinf(cost[y])
        row[dead] = np.inf
        cost[x], cost[:, x], cost[y], cost[:, y] = row, row, np.inf, np.inf
        size[x] += size[y]
        ids[x] = len(weight) + len(merges) - 1
        alive.remove(y)
    tree = np.array(merges)
    counted = np.ones(2 * len(weight) - 1)
    for i, merge in enumerate(tree):
        tree[i, 3] = counted[len(weight) + i] = counted[int(merge[0])] + counted[int(merge[1])]
        tree[i, 2] = max(tree[i, 2], tree[i - 1, 2] if i else 0)
    return [labels[fine] for labels in cuts(tree, counts[:-1])] + [fine]


CONTENDERS = {
    "k-means": kmeans, "Ward": ward, "average": average, "Ward on kNN": ward_on_neighbours,
    "UMAP 15-d + Ward": umap_ward, "Leiden": leiden, "EVoC + fill": evoc_filled, "prototype": prototype,
}
TREES = {"Ward", "average", "Ward on kNN", "UMAP 15-d + Ward", "prototype"}


def tree_figures(labels, graph, truth):
    tree = fa.Hierarchy([np.asarray(l, dtype=np.int32) for l in labels])
    return {"purity": round(fa.dendrogram_purity(tree, truth[-1]), 4), "cost": round(fa.dasgupta_cost(tree, graph), 4)}


def fingerprint(tree, order=None):
    """Of the partitions alone, in the order of the rows as they first came."""
    digest = hashlib.sha256()
    for level in range(tree.num_levels):
        labels = np.asarray(tree.labels(level))
        if order is not None:
            labels = labels[np.argsort(order)]
        first = np.unique(labels, return_index=True, return_inverse=True)
        digest.update(np.argsort(np.argsort(first[1]))[first[2]].astype("<i4").tobytes())
    return digest.hexdigest()[:16]


def on_baseline(X, counts):
    """Fingerprint of the same tree, made in a process of its own without wider instructions."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "rows.npy"
        np.save(path, X)
        command = [sys.executable, str(pathlib.Path(__file__).resolve()), "--child", str(path), *map(str, counts)]
        found = subprocess.run(command, capture_output=True, check=True, text=True,
                               env={**os.environ, "FILMATLAS_SIMD": "baseline"})
    return found.stdout.split()[-1]


def child(path, counts):
    X = np.load(path)
    print(fingerprint(ours(X, fa.knn_graph(X, 15), [int(count) for count in counts])))


def measure_rivals(name, X, graph, counts, truth, kept, path, methods):
    """Contenders that `kept` lacks, written one by one."""
    rivals = kept.setdefault("rivals", {})
    for method, run in CONTENDERS.items():
        if (methods and method not in methods) or method in rivals:
            continue
        begin, spent = time.perf_counter(), time.process_time()
        try:
            found = run(X, graph, counts, truth)
            runs = [agreement(truth, found)]
            if method == "UMAP 15-d + Ward":
                runs += [agreement(truth, run(X, graph, counts, truth, seed)) for seed in UMAP_SEEDS[1:]]
        except ImportError as reason:
            print(f"{name}: {method} left out: {reason}", flush=True)
            continue
        except MemoryError as reason:
            kept.setdefault("left_out", {})[method] = str(reason)
            path.write_text(json.dumps(kept, indent=1) + "\n")
            continue
        entry = {"ami": np.mean(runs, axis=0).round(4).tolist(),
                 "wall_s": round((time.perf_counter() - begin) / len(runs), 1),
                 "cpu_s": round((time.process_time() - spent) / len(runs), 1)}
        if len(runs) > 1:
            entry.update({"spread": np.ptp(runs, axis=0).round(4).tolist(), "runs": len(runs)})
        made = [len(np.unique(labels)) for labels in found]
        if made != counts:
            entry["made"] = made
        if method in TREES:
            entry.update(tree_figures(found, graph, truth))
        rivals[method] = entry
        path.write_text(json.dumps(kept, indent=1) + "\n")


def measure(name, folder, out, fresh, methods):
    path = out / f"nested_{name}.json"
    kept = json.loads(path.read_text()) if path.exists() and not fresh else {}
    X, truth, levels = load(folder, name)
    counts = [len(np.unique(t[t >= 0])) for t in truth]
    graph = fa.knn_graph(X, 15)
    tree, run = measured(lambda: ours(X, graph, counts))
    labels = [tree.labels(i) for i in range(len(counts))]
    order = np.random.default_rng(1).permutation(len(X))
    shuffled = ours(X[order], fa.knn_graph(X[order], 15), counts, num_threads=1)
    report = fa.nesting_report(labels)
    kept.update({
        "rows": len(X), "columns": X.shape[1], "levels": levels, "classes": counts,
        "labelled": [round(float((t >= 0).mean()), 3) for t in truth],
        "filmatlas": {"ami": agreement(truth, labels), "wall_s": round(run["wall"], 2), "cpu_s": round(run["cpu"], 2),
                      **tree_figures(labels, graph, truth), "violations": int(sum(report["violations"])),
                      "coverage": min(report["coverage"]), "trials": tree.trials,
                      "same_after_shuffle_on_one_thread": fingerprint(tree) == fingerprint(shuffled, order),
                      # The neighbours of many rows take minutes without wide instructions.
                      "same_on_baseline": None if len(X) > ROWS_FOR_QUADRATIC
                      else fingerprint(tree) == on_baseline(X, counts)},
        "machine": machine(), "about": about_filmatlas(),
    })
    path.write_text(json.dumps(kept, indent=1) + "\n")
    measure_rivals(name, X, graph, counts, truth, kept, path, methods)


def timings(name, folder, out):
    path = out / f"nested_{name}.json"
    kept = json.loads(path.read_text()) if path.exists() else {}
    X, truth, levels = load(folder, name)
    graph = fa.knn_graph(X, 15)
    counts = [len(np.unique(t[t >= 0])) for t in truth]

    def median(function):
        runs = [measured(function)[1] for _ in range(4)][1:]
        return {**{key: round(float(np.median([run[key] for run in runs])), 2) for key in ("wall", "cpu")},
                "peak_mb": max((run["peak_mb"] or 0) for run in runs)}

    kept.update({"rows": len(X), "columns": X.shape[1], "machine": machine(), "about": about_filmatlas(),
                 "three_levels": median(lambda: fa.nested_clusters(X, graph))})
    if counts and "filmatlas" in kept:
        run = median(lambda: ours(X, graph, counts))
        kept["filmatlas"].update({"wall_s": run["wall"], "cpu_s": run["cpu"]})
    path.write_text(json.dumps(kept, indent=1) + "\n")


def speed_lines(results):
    lines = ["## Speed: the default three levels, counts found", "",
             "After the neighbour graph; medians of 3 on an idle machine; memory: the peak beyond vectors and graph.", "",
             "| | rows | seconds | CPU seconds | MB |", "|---|---|---|---|---|"]
    for name, kept in results.items():
        if "three_levels" in kept:
            run = kept["three_levels"]
            lines.append(f"| {name} | {kept['rows']:,} | {run['wall']:.2f} | {run['cpu']:.2f} | {run['peak_mb']:.0f} |")
    return lines + [""]


def table(out):
    lines = ["# One strict tree beside its rivals", "",
             "Adjusted mutual information at the true number of classes; `benchmarks/nested.py` says how. Bold: best of the "
             "row's level. All of filmatlas' levels come from one tree of the default `nested_clusters`. Seconds are wall "
             "time, not always on an idle machine; in brackets: processor time.", ""]
    paths = {name: out / f"nested_{name}.json" for name in SETS}
    results = {name: json.loads(path.read_text()) for name, path in paths.items() if path.exists()}
    lines += speed_lines(results)
    for name, kept in results.items():
        if "filmatlas" not in kept:
            continue
        mine, rivals = kept["filmatlas"], kept.get("rivals", {})
        lines += [f"## {name}: {kept['rows']:,} x {kept['columns']}", "",
                  "| | " + " | ".join(f"{l} ({c:,})" for l, c in zip(kept["levels"], kept["classes"]))
                  + " | purity | cost | seconds |", "|---" * (len(kept["levels"]) + 4) + "|"]
        best = [max([mine["ami"][i]] + [r["ami"][i] for r in rivals.values()]) for i in range(len(kept["levels"]))]
        for label, entry in [("**filmatlas**", mine), *rivals.items()]:
            cells = [f"**{v:.3f}**" if v == b else f"{v:.3f}" for v, b in zip(entry["ami"], best)]
            cells += [f"{entry[k]:.3f}" if k in entry else "" for k in ("purity", "cost")]
            busy = entry is not mine and "cpu_s" in entry
            cells.append(f"({entry['cpu_s']:.1f})" if busy else f"{entry['wall_s']:.1f}")
            lines.append(f"| {label} | " + " | ".join(cells) + " |")
        if "Ward" in rivals and kept["rows"] > ROWS_FOR_QUADRATIC:
            lines += ["", "Ward by `fa.linkage`, whose tree is SciPy's (clusters.md): SciPy would need all distances."]
        if "left_out" in kept:
            lines += ["", "Left out: " + "; ".join(f"{m} ({reason})" for m, reason in kept["left_out"].items()) + "."]
        lines += ["", f"Violations {mine['violations']}, coverage {mine['coverage']:.0%}, same tree from shuffled rows on one "
                  f"thread: {'yes' if mine['same_after_shuffle_on_one_thread'] else 'NO'}, on the baseline instruction "
                  f"set: { {True: 'yes', False: 'NO', None: 'not tried'}[mine['same_on_baseline']]}.", "",
                  about_line({"machine": kept["machine"], "filmatlas": kept["about"]}), ""]
    (out / "nested.md").write_text("\n".join(lines))


def main():
    if sys.argv[1:2] == ["--child"]:
        return child(sys.argv[2], sys.argv[3:])
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parent / "results")
    parser.add_argument("--sets", default=",".join(SETS))
    parser.add_argument("--methods", help="contenders to run, by name, comma separated; all when absent")
    parser.add_argument("--fresh", action="store_true")
    parser.add_argument("--timings", action="store_true")
    arguments = parser.parse_args()
    for name in arguments.sets.split(","):
        if arguments.timings or name == "films":
            timings(name, arguments.data, arguments.out)
        else:
            measure(name, arguments.data, arguments.out, arguments.fresh,
                    arguments.methods.split(",") if arguments.methods is not None else None)
        table(arguments.out)


if __name__ == "__main__":
    main()
