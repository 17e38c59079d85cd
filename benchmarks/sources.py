# SPDX-License-Identifier: MIT
"""Which source decides who is whose neighbour in a catalogue of films, and how far titles leak into each.

    python benchmarks/sources.py films.jsonl.gz [--repeat 3]

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

import filmatlas as fa


def load(path):
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def compose(films, repeat):
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
    options = parser.parse_args()
    films = load(options.films)
    profiles = compose(films, options.repeat)
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
    for missing in ("pair", "item"):
        begin = time.perf_counter()
        report = fa.source_dominance(vectors, missing=missing)
        print(f"dominance, weights made up per {missing} ({time.perf_counter() - begin:.1f} s): {report}")
        for row in report.sources:
            print("  ", {k: (round(v, 3) if isinstance(v, float) else v) for k, v in row.items()})
    begin = time.perf_counter()
    balanced = fa.auto_balance(vectors, missing="item")
    print(
        f"balanced ({time.perf_counter() - begin:.1f} s, {balanced.run.iterations} rounds): {balanced.weights}"
    )
    report = fa.source_dominance(vectors, weights=balanced.weights, missing="item", max_items=10**9)
    print("   shares on all links:", report.shares)
    for name, texts in whole.source_texts.items():
        present = np.flatnonzero([bool(text) for text in texts])
        begin = time.perf_counter()
        leak = fa.leak_report([titles[i] for i in present], texts=[texts[i] for i in present])
        print(
            f"leak of titles into {name}, {len(present)} films ({time.perf_counter() - begin:.1f} s): {leak}"
        )
        print("   masked:", leak.masked)
        print("   tokens:", ", ".join(f"{t.token} {t.links} (x{t.lift:.0f})" for t in leak.tokens[:10]))
    print(f"profiles: {profiles}")


if __name__ == "__main__":
    main()
