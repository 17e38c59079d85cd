# SPDX-License-Identifier: MIT
"""How many planted bad labels the gates catch on a real catalogue, and how many keyword labels they refuse.

    python benchmarks/label_gates.py films.jsonl.gz films_vectors.npy.gz

The catalogue needs title, overview, keywords, genres and year; the vectors one row per line.
"""

from __future__ import annotations

import argparse
import gzip
import json
import time

import numpy as np
from flat_results import add_out, keep

import filmatlas as fa

POETRY = (
    "velvet ember hollow wandering silver twilight whisper orchard tide marble saffron dusk lantern".split()
)


def open_any(path):
    return gzip.open(path, "rb") if path.endswith(".gz") else open(path, "rb")


def plant(pack, kinds, count, seed):
    draw = np.random.default_rng(seed)
    hierarchy = pack.hierarchy
    nodes = hierarchy.nodes()
    evidence = [pack.evidence(node.id) for node in nodes]
    siblings = {
        node.id: [n for n in nodes if n.parent == node.parent and n.level == node.level and n != node]
        for node in nodes
    }
    words = [[term["term"] for term in pack_["keywords"][:2]] for pack_ in evidence]
    vocabulary = sorted(
        {term["term"] for pack_ in evidence for term in pack_["keywords"] if " " not in term["term"]}
    )
    for i in range(count):
        kind = kinds[i % len(kinds)]
        while True:
            node = nodes[draw.integers(len(nodes))]
            labels = list(pack.fallback)
            if kind == "sibling" and siblings[node.id]:
                other = siblings[node.id][draw.integers(len(siblings[node.id]))]
                labels[other.id] = ""  # so that uniqueness alone cannot catch it
                label = " ".join(words[other.id])
            elif kind == "parent" and node.parent >= 0:
                label = pack.fallback[node.parent]
            elif kind == "title" and evidence[node.id]["titles_not_to_be_used"]:
                titles = evidence[node.id]["titles_not_to_be_used"]
                label = titles[draw.integers(len(titles))]
            elif kind == "poetic":
                label = " ".join(draw.choice(POETRY, 2, replace=False))
            elif kind == "depleted":
                avoided = [
                    word
                    for word in draw.choice(vocabulary, 60, replace=False)
                    if any(f["lift"] < 0.67 and f["z"] < -2 for f in pack.support(node.id, str(word)))
                ]
                if not avoided:
                    continue
                label = f"{words[node.id][0]} {avoided[0]}"
            elif kind == "duplicate":
                level = hierarchy.nodes(node.level)
                other = level[draw.integers(len(level))]
                if other == node:
                    continue
                label = pack.fallback[other.id]
            else:
                continue
            break
        yield kind, node.id, label, labels


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("catalogue")
    parser.add_argument("vectors")
    parser.add_argument("--planted", type=int, default=1000)
    parser.add_argument("--clusters", type=int, nargs="+", default=[12, 50, 250])
    add_out(parser)
    options = parser.parse_args()
    with open_any(options.catalogue) as file:
        films = [json.loads(line) for line in file]
    with open_any(options.vectors) as file:
        vectors = np.load(file).astype(np.float32)
    hierarchy = fa.nested_clusters(vectors, n_clusters=options.clusters)
    start = time.process_time()
    pack = fa.label_pack(
        hierarchy,
        [" ".join([f["overview"] or "", f["tagline"] or "", " . ".join(f["keywords"])]) for f in films],
        tags=[f["genres"] for f in films],
        titles=[f["title"] for f in films],
        times=[f["year"] if f["year"] else np.nan for f in films],
        vectors=vectors,
    )
    print(f"{len(films)} items, {len(pack)} nodes, pack made in {time.process_time() - start:.2f} s of CPU")
    refused, core, by_gate = 0, 0, {}
    for node, label in enumerate(pack.fallback):
        verdict = pack.check(node, label)
        refused += not verdict
        core += bool({"L1", "L2", "L3", "L4", "L5", "L6"} & set(verdict.failed))
        for code in verdict.failed:
            by_gate[code] = by_gate.get(code, 0) + 1
    print(
        f"keyword labels refused: {refused} of {len(pack)} ({refused / len(pack):.1%}), by L1-L6: {core}; {by_gate}"
    )
    for level in range(hierarchy.num_levels):
        ids = [node.id for node in hierarchy.nodes(level)]
        print(f"  {hierarchy.levels[level]}: {', '.join(pack.fallback[i] for i in ids[:6])}")
    kinds = ["sibling", "parent", "title", "poetic", "depleted", "duplicate"]
    caught, planted, escaped = dict.fromkeys(kinds, 0), dict.fromkeys(kinds, 0), []
    start = time.process_time()
    for kind, node, label, labels in plant(pack, kinds, options.planted, 7):
        planted[kind] += 1
        if pack.check(node, label, labels=labels):
            escaped.append((kind, pack.fallback[node], label))
        else:
            caught[kind] += 1
    total = sum(caught.values())
    seconds = time.process_time() - start
    print(f"caught {total} of {options.planted} ({total / options.planted:.1%}), {seconds:.1f} s of CPU")
    for kind in kinds:
        print(f"  {kind:10s} {caught[kind]:4d} of {planted[kind]:4d}")
    for kind, own, label in escaped[:15]:
        print(f"  escaped: {kind}: {label!r} for {own!r}")
    rows = [{"kind": kind, "planted": planted[kind], "caught": caught[kind]} for kind in kinds]
    note = f"{len(films)} films, {len(pack)} nodes; every verdict names its gates, values, bars and evidence."
    bars = [
        ("planted bad labels caught", f"{total / options.planted:.1%}", "95 %", total >= 0.95 * options.planted),
        ("keyword labels refused", f"{refused / len(pack):.1%}", "5 %", refused <= 0.05 * len(pack)),
        ("keyword labels refused by L1 to L6", core, "0", core == 0),
    ]
    keep(options.out, "label_gates", rows, note, (), bars)


if __name__ == "__main__":
    main()
