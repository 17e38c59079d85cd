# SPDX-License-Identifier: MIT
"""Which source decides who is whose neighbour in a catalogue of films, and how far titles leak into each.

    python benchmarks/sources.py films.jsonl.gz [--repeat 3] [--out benchmarks/results]

Times the composition of profiles from four sources, then reports dominance, balanced weights and leaks of three:
overview with tagline, keywords with user tags, and the lead of the encyclopedia article, whose opening formula names
title, year and cast. Vectors are those of the built-in encoder.
"""

from __future__ import annotations

import argparse
import gzip
import json
import time

import numpy as np
from flat_results import add_out, keep

import filmatlas as fa


def load(path):
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def compose(films, repeat, out):
    records = fa.Records(films)
    sources = [
        {"name": "keywords", "max_tokens": 60, "prefix": "Themes: ", "suffix": "."},
        {"name": "user_tags", "max_items": 15, "prefix": "Viewers say: ", "suffix": "."},
        {"name": "story", "columns": ["overview", "tagline"], "max_tokens": 160},
        {"name": "wiki_extract", "max_tokens": 120},
    ]
    best = min(_timed(fa.compose_profiles, records, sources, max_tokens=256) for _ in range(repeat))
    profiles = fa.compose_profiles(records, sources, max_tokens=256)
    print(f"composition of {len(films)} profiles from four sources: {best:.3f} s")
    for row in profiles.report:
        print("  ", {k: (round(v, 3) if isinstance(v, float) else v) for k, v in row.items()})
    table = fa.retention_table(records, profiles, duplicates=0.9)
    for row in zip(*table.values()):
        print("  ", *row)
    rows = [{key: round(v, 4) if isinstance(v, float) else v for key, v in row.items()} for row in profiles.report]
    steps = zip(*(table[name] for name in ("reason", "lost", "left", "share")))
    retention = "; ".join(f"{reason}: {lost} lost, {left} left ({share:.2%})" for reason, lost, left, share in steps)
    note = f"{len(films)} films in {best:.3f} s, the best of {repeat} runs."
    note += f" Retention (reported, nothing is removed): {retention}."
    keep(out, "composition", rows, note, (), [("seconds", f"{best:.3f}", "1", best <= 1)])
    return profiles


def _timed(function, *arguments, **options):
    begin = time.perf_counter()
    function(*arguments, **options)
    return time.perf_counter() - begin


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("films")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--dimensions", type=int, default=128)
    add_out(parser)
    options = parser.parse_args()
    films = load(options.films)
    profiles = compose(films, options.repeat, options.out)
    whole = fa.compose_profiles(
        fa.Records(films),
        [
            {"name": "story", "columns": ["overview", "tagline"]},
            {"name": "tags", "columns": ["keywords", "user_tags"]},
            {"name": "lead", "columns": ["wiki_extract"]},
        ],
    )
    titles = [film["title"] for film in films]
    vectors = {}
    for name, texts in whole.source_texts.items():
        vectors[name] = fa.LsaEncoder.fit(texts, options.dimensions).vectors
    dominance, balance, bars = [], [], []
    for missing in ("pair", "item"):
        begin = time.perf_counter()
        report = fa.source_dominance(vectors, missing=missing)
        print(f"dominance, weights made up per {missing} ({time.perf_counter() - begin:.1f} s): {report}")
        for row in report.sources:
            print("  ", {k: (round(v, 3) if isinstance(v, float) else v) for k, v in row.items()})
            figures = {k: f"{v:.3f}" if isinstance(v, float) else v for k, v in row.items()}
            dominance.append({"missing": missing, **figures})
        begin = time.perf_counter()
        balanced = fa.auto_balance(vectors, missing=missing)
        seconds = time.perf_counter() - begin
        print(f"balanced ({seconds:.1f} s, {balanced.run.iterations} rounds): {balanced.weights}")
        report = fa.source_dominance(vectors, weights=balanced.weights, missing=missing, max_items=10**9)
        print("   shares on all links:", report.shares)
        worst = max(abs(share - 1 / len(vectors)) for share in report.shares.values())
        for name, share in report.shares.items():
            weight = balanced.weights[name]
            row = {"missing": missing, "source": name, "weight": f"{weight:.6f}", "share on all links": f"{share:.3f}"}
            balance.append({**row, "limited by": balanced.limited_by or ""})
        if not balanced.limited_by:
            bars.append((f"largest distance from equal shares, per {missing}", f"{worst:.3f}", "0.02", worst <= 0.02))
    keep(options.out, "dominance", dominance, "Three sources of the films, vectors of the built-in encoder.")
    note = "Weights found on a sample, shares on all links. Limited by: the source has no larger share with all weight."
    keep(options.out, "balance", balance, note, (), bars)
    leaks = []
    for name, texts in whole.source_texts.items():
        present = np.flatnonzero([bool(text) for text in texts])
        begin = time.perf_counter()
        leak = fa.leak_report([titles[i] for i in present], texts=[texts[i] for i in present])
        print(f"leak of titles into {name}, {len(present)} films ({time.perf_counter() - begin:.1f} s): {leak}")
        print("   masked:", leak.masked)
        print("   tokens:", ", ".join(f"{t.token} {t.links} (x{t.lift:.0f})" for t in leak.tokens[:10]))
        leaks.append({"source": name, "films": len(present), "report": str(leak), "masked": str(leak.masked)})
    keep(options.out, "leaks", leaks, "Titles against the neighbours of each source, 200 permutations.")
    print(f"profiles: {profiles}")


if __name__ == "__main__":
    main()
