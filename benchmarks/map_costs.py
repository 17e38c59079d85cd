#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What regions, knobs, memory and quality cost on a map.

    python benchmarks/map_costs.py --data <folder> [--out benchmarks/results] [--cases hierarchy,grid,memory,quality]

hierarchy  Films with their nested tree: the plain map, the pull along the tree at three settings, and the mode in which
           every node owns a territory. Quality beside the plain map; per level the share of items inside their own
           territory and of nodes in one piece; faults that the checker of drawings finds.
grid       UMAP of the films over 4 x 4 knobs in one call, quality under each, against one fit. With --figure <file> the
           small multiples are drawn.
memory     arXiv titles (117,592 x 384): each step in a process of its own; the most it holds beyond vectors and neighbours.
quality    The report on the published map of the arXiv titles, every rank counted, beside the exact search for 15 neighbours,
           in turn: of the vectors as they are, kept in 8 bits, and of the same moved a little, so that no row is. 5,000
           films: trustworthiness beside scikit-learn's, which is given the order of our float32 distances, and beside the
           one of its own float64 distances, in which near ties have another order; means of the items' figures.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import statistics
import sys
import tempfile
import time

import numpy as np
from flat_results import add_out, keep
from runner import Child, chosen_cases, load_npy, measured, unit

import filmatlas as fa

CASES = ("hierarchy", "grid", "memory", "quality")
PULLS = (1.0, 2.0, 4.0)
KNOBS = {"n_neighbors": (5, 15, 30, 60), "min_dist": (0.0, 0.1, 0.3, 0.8)}


def films(options):
    return unit(load_npy(options.data, "films_minilm"))


def shares(values):
    return " ".join(f"{value:.3f}" for value in values)


def hierarchy(options):
    X = films(options)
    graph = fa.knn_graph(X, 15)
    tree = fa.nested_clusters(X, graph)
    common = {"graph": graph, "measure": False, "num_threads": options.threads}
    maps = {"plain": fa.atlas_map(X, **common)}
    for pull in PULLS:
        maps[f"pull {pull:g}"] = fa.atlas_map(X, levels=tree, hierarchy_pull=pull, **common)
    start = time.process_time()
    maps["territories"] = fa.atlas_map(X, levels=tree, mode="territories", **common)
    seconds = time.process_time() - start
    compared = fa.compare_maps(X, maps, tree, graph=graph, num_threads=options.threads)
    rows, found = [], {}
    for row in compared.rows():
        name = row["map"]
        found[name] = fa.check_territories(maps[name], tree, compared.territories[name])
        rows.append({
            "map": name,
            "kept of 15": f"{row['kept_neighbors']:.3f}",
            "lost": f"{row['kept_neighbors_loss']:+.3f}",
            "trust": f"{row['trustworthiness']:.3f}",
            "trust lost": f"{row['trustworthiness_loss']:+.3f}",
            "rank correlation": f"{row['rank_correlation']:.3f}",
            "inside own, per level": shares(row["inside"]),
            "in one piece, per level": shares(row["one_piece"]),
            "drawing": "faultless" if found[name].ok else "faulty",
        })  # fmt: skip
    mode = compared.rows()[-1]
    outside = sum(len(tree.labels(level)) * (1 - inside) for level, inside in enumerate(mode["inside"]))
    loss, pieces = mode["kept_neighbors_loss"], min(mode["one_piece"])
    bars = [
        ("territories: faults of the drawing", len(found["territories"].errors), "0", found["territories"].ok),
        ("territories: items outside their own, all levels", f"{outside:.0f}", "0", round(outside) == 0),
        ("territories: nodes in one piece, worst level", f"{pieces:.3f}", "0.95", pieces >= 0.95),
        ("territories: kept neighbours lost", f"{loss:+.3f}", "0.03", loss <= 0.03),
    ]
    nodes = ", ".join(f"{tree.labels(level).max() + 1:,}" for level in range(len(mode["inside"])))
    note = f"Films, {len(X):,}; a tree of {nodes} nodes; territories in {seconds:.1f} CPU seconds."
    return rows, bars, note


def grid(options):
    X = films(options)
    spent = {"one": [], "all": []}
    cells = None
    for _ in range(options.repeat):
        start = time.process_time()
        fa.sweep(X, num_threads=options.threads)  # a grid of one: one fit, with the same figures under it
        spent["one"].append(time.process_time() - start)
        start = time.process_time()
        cells = fa.sweep(X, num_threads=options.threads, **KNOBS)
        spent["all"].append(time.process_time() - start)
    if options.figure:
        cells.plot().savefig(options.figure, dpi=80)
    one, whole = (statistics.median(spent[name]) for name in ("one", "all"))
    rows = []
    for cell in cells:
        quality = cell.layout.quality
        rows.append({
            **cell.options, "kept of 15": f"{quality.kept_neighbors:.3f}", "rank correlation": f"{quality.rank_correlation:.3f}",
        })  # fmt: skip
    bars = [("CPU seconds of 16 maps / one fit", f"{whole / one:.1f}", "12", whole <= 12 * one)]
    note = (
        f"Films, {len(X):,}; one call from the vectors, quality included on both sides; {whole:.1f} and {one:.2f} CPU seconds, "
        f"median of {options.repeat}."
    )
    return rows, bars, note


# --- memory: a process per step -------------------------------------------------------------------------------------
STEPS = {  # name: (step(X, graph, threads), whether the bar holds for it)
    "knn_graph, 15": (lambda X, graph, t: fa.knn_graph(X, 15, num_threads=t), False),
    "fuzzy_graph": (lambda X, graph, t: fa.fuzzy_graph(graph, num_threads=t), True),
    "landmark start": (lambda X, graph, t: start_of(X, graph, t, "landmarks"), True),
    "spectral start, its graph included": (lambda X, graph, t: start_of(X, graph, t, "spectral"), True),
    "atlas_map": (lambda X, graph, t: fa.atlas_map(X, graph=graph, measure=False, num_threads=t), True),
    "umap": (lambda X, graph, t: fa.umap(X, graph=graph, measure=False, num_threads=t), True),
    "tsne, 15 neighbours": (
        lambda X, graph, t: fa.tsne(
            X, graph=graph, perplexity=5, init="pca", measure=False, n_iter=10, early_exaggeration_iter=10, num_threads=t
        ),
        True,
    ),
}


def start_of(X, graph, threads, init):
    return fa.umap(X, graph=graph, init=init, n_epochs=0, measure=False, num_threads=threads)


def child(step, vectors, graph, threads):
    X = np.load(vectors)
    saved = np.load(graph)
    near = fa.KnnGraph(saved["indices"], saved["distances"], metric="cosine")
    fa.umap(X[:200], n_epochs=1, measure=False)  # what the first call of all loads is no step's
    for _ in sys.stdin:
        _, figures = measured(lambda: STEPS[step][0](X, near, threads))
        print("\n" + json.dumps({**figures, "items": len(X)}), flush=True)


def memory(options):
    X = unit(load_npy(options.data, "arxiv_ml_minilm_int8"))
    graph = fa.knn_graph(X, 15, num_threads=options.threads)
    rows, bars = [], []
    with tempfile.TemporaryDirectory() as folder:
        vectors, neighbours = f"{folder}/X.npy", f"{folder}/graph.npz"
        np.save(vectors, X)
        np.savez(neighbours, indices=graph.indices, distances=graph.distances)
        for step, (_, held) in STEPS.items():
            process = Child(__file__, [step, vectors, neighbours], options.threads)
            answer = process.run()
            process.close()
            if isinstance(answer, str):
                raise SystemExit(f"{step}: {answer}")
            size = answer["peak_mb"] * 2**20 / answer["items"]
            told = f"{size:.0f}"
            rows.append({
                "step": step, "bytes per item": told, "wall s": f"{answer['wall']:.2f}", "CPU s": f"{answer['cpu']:.2f}",
            })  # fmt: skip
            if held:
                bars.append((f"{step}, bytes per item", told, "600", size <= 600))
    note = f"arXiv titles, {X.shape[0]:,} x {X.shape[1]}; tsne of 10 + 10 rounds, the others of their defaults."
    return rows, bars, note


# --- quality --------------------------------------------------------------------------------------------------------
def report_beside_search(X, Y, options):
    """Wall seconds of the search, of the report with its neighbours given, and the report."""
    spent = {"search": [], "report": []}
    report = None
    for _ in range(options.repeat):
        start = time.perf_counter()
        graph = fa.knn_graph(X, 15, method="exact", num_threads=options.threads)
        spent["search"].append(time.perf_counter() - start)
        start = time.perf_counter()
        report = fa.quality_report(X, Y, k=[15], graph=graph, exact_trust=True, num_threads=options.threads)
        spent["report"].append(time.perf_counter() - start)
    search, whole = (statistics.median(spent[name]) for name in ("search", "report"))
    return search, whole, report.at(15)


def quality(options):
    from sklearn.manifold import trustworthiness

    X = unit(load_npy(options.data, "arxiv_ml_minilm_int8"))
    Y = np.ascontiguousarray(load_npy(options.data, "arxiv_ml_map_xy"), dtype=np.float32)
    moved = unit(X + np.random.default_rng(0).normal(scale=1e-3, size=X.shape).astype(np.float32))
    rows, bars = [], []
    for name, vectors in (("as they are, of 8 bits", X), ("moved by 0.001", moved)):
        search, whole, found = report_beside_search(vectors, Y, options)
        rows.append({
            "vectors": name, "exact search, s": f"{search:.2f}", "report, s": f"{whole:.2f}", "ratio": f"{whole / search:.2f}",
            "trust": f"{found.trustworthiness:.4f}", "kept of 15": f"{found.kept_neighbors:.4f}",
        })  # fmt: skip
        bars.append((f"report / exact search, vectors {name}", f"{whole / search:.2f}", "1.4", whole <= 1.4 * search))
    Z = films(options)[:5000]
    layout = fa.atlas_map(Z, measure=False).coordinates
    few = fa.quality_report(Z, layout, k=[15], exact_trust=True, num_threads=options.threads).at(15)
    ids = fa.knn_graph(Z, len(Z) - 1, method="exact", num_threads=options.threads).indices
    order = np.zeros((len(Z), len(Z)))
    np.put_along_axis(order, ids, np.arange(1.0, len(Z)), axis=1)
    apart = abs(few.trustworthiness - trustworthiness(order, layout, n_neighbors=15, metric="precomputed"))
    bars.append(("trustworthiness, 5,000 films, from scikit-learn's by the same distances", f"{apart:.1e}", "1e-12", apart <= 1e-12))
    own = abs(few.trustworthiness - trustworthiness(Z.astype(np.float64), layout, n_neighbors=15, metric="cosine"))
    apart = max(
        abs(np.mean(items, dtype=np.float64) - of_map)
        for items, of_map in (
            (few.trust_per_item, few.trustworthiness),
            (few.continuity_per_item, few.continuity),
            (few.kept_per_item, few.kept_neighbors),
        )
    )
    bars.append(("means of the items' figures, from the map's", f"{apart:.1e}", "1e-7", apart <= 1e-7))
    note = (
        f"arXiv titles, {X.shape[0]:,} x {X.shape[1]}, and the map published with them; k = 15; medians of {options.repeat}. "
        f"Trustworthiness of the films by scikit-learn's own float64 distances: {own:.1e} from ours."
    )
    return rows, bars, note


def main():
    if len(sys.argv) > 1 and sys.argv[1] == "--child":
        return child(*sys.argv[2:5], int(sys.argv[5]))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path, required=True, help="folder with the .npy or .npy.gz files")
    parser.add_argument("--cases", default=",".join(CASES), help=f"of {', '.join(CASES)}")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--figure", type=pathlib.Path, help="where to draw the maps of the grid; needs matplotlib")
    add_out(parser)
    options = parser.parse_args()
    for case in chosen_cases(parser, options, CASES):
        rows, bars, note = {"hierarchy": hierarchy, "grid": grid, "memory": memory, "quality": quality}[case](options)
        keep(options.out, case, rows, note, (), bars)
        for row in rows:
            print(case, row)
        for what, value, bar, met in bars:
            print(f"  {what}: {value} (bar {bar}) {'met' if met else 'MISSED'}")
        print(note, flush=True)


if __name__ == "__main__":
    main()
