# SPDX-License-Identifier: MIT
"""Counting words against scikit-learn's CountVectorizer, in one run: times, memory, and that the counts are equal.

python benchmarks/text.py films.jsonl.gz newsgroups20.jsonl.gz [--out benchmarks/results]
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import subprocess
import sys
import time

import numpy as np
from flat_results import add_out, keep

import filmatlas as fa

FILM_FIELDS = ("title", "tagline", "overview", "wiki_extract")
SETTINGS = {
    "unigrams": {},
    "bigrams, English stop words, min_df 5": {"ngram_range": (1, 2), "stop_words": "english", "min_df": 5},
}


def load(path):
    with gzip.open(path, "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    if "text" in rows[0]:
        return [row["text"] for row in rows]
    return [" ".join([*(row[f] or "" for f in FILM_FIELDS), *row["keywords"]]) for row in rows]


def best(function, repeat):
    times = []
    for _ in range(repeat):
        begin = time.perf_counter()
        result = function()
        times.append(time.perf_counter() - begin)
    return min(times), result


def peak(path, setting, threads):
    """Growth of the resident set in a fresh process, in bytes."""
    code = (
        "import benchmarks_text as b, filmatlas as fa\n"
        f"texts = b.load({path!r}); fa.count_terms(texts[:10])\n"
        "open('/proc/self/clear_refs', 'w').write('5')\n"  # the peak starts anew
        "status = lambda: int(open('/proc/self/status').read().split('VmHWM:')[1].split()[0]) * 1024\n"
        "now = status()\n"
        f"counts, words = fa.count_terms(texts, num_threads={threads}, **b.SETTINGS[{setting!r}])\n"
        "top = status()\n"
        "out = counts.indptr.nbytes + counts.indices.nbytes + counts.data.nbytes + sum(len(w) + 57 for w in words)\n"
        "print(top - now, out)"
    )
    here = os.path.dirname(os.path.abspath(__file__))
    loader = f"import sys, importlib.util as u\nsys.path.insert(0, {here!r})\n"
    loader += f"s = u.spec_from_file_location('benchmarks_text', {here!r} + '/text.py')\n"
    loader += "m = u.module_from_spec(s); sys.modules['benchmarks_text'] = m; s.loader.exec_module(m)\n"
    result = subprocess.run([sys.executable, "-c", loader + code], capture_output=True, text=True, check=True)
    return [int(value) for value in result.stdout.split()]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="+")
    parser.add_argument("--repeat", type=int, default=5)
    add_out(parser)
    options = parser.parse_args()
    rows, bars = [], []
    from sklearn.feature_extraction.text import CountVectorizer

    for path in options.files:
        texts = load(path)
        size = sum(len(text.encode()) for text in texts)
        print(f"{os.path.basename(path)}: {len(texts)} texts, {size / 1e6:.1f} MB")
        for name, setting in SETTINGS.items():
            vectorizer = CountVectorizer(**setting)
            theirs, matrix = best(lambda: vectorizer.fit_transform(texts), 2)  # noqa: B023
            line = f"  {name}: scikit-learn {theirs:.3f} s"
            row = {"texts": os.path.basename(path).split(".")[0], "setting": name, "scikit-learn s": f"{theirs:.3f}"}
            for threads in (1, 2):
                ours, (counts, words) = best(
                    lambda: fa.count_terms(texts, num_threads=threads, **setting),  # noqa: B023
                    options.repeat,
                )
                row[f"{threads} thread{'s' if threads > 1 else ''}"] = f"{ours:.3f} s, {theirs / ours:.1f}x"
                bar = {1: 8, 2: 13}[threads]
                what = f"{row['texts']}, {name}, {threads} thread{'s' if threads > 1 else ''}"
                bars.append((what, f"{theirs / ours:.1f}x", f"{bar}x", theirs / ours >= bar))
                line += f", filmatlas on {threads} {ours:.3f} s ({theirs / ours:.1f}x)"
            print(line, flush=True)
            same = words == list(vectorizer.get_feature_names_out())
            matrix.sort_indices()
            same = (
                same
                and np.array_equal(matrix.indices, counts.indices)
                and np.array_equal(matrix.data, counts.data)
            )
            grown, output = peak(path, name, 2)
            print(
                f"    equal: {same}; peak {grown / 1e6:.1f} MB = {(grown - output) / size:.2f} x text + output"
            )
            row["counts equal"] = "yes" if same else "NO"
            row["memory beside the output"] = f"{(grown - output) / size:.1f}x the text"
            memory = row["memory beside the output"]
            bars.append((f"{row['texts']}, {name}, memory", memory, "3x", grown - output <= 3 * size))
            rows.append(row)
    note = f"The best of {options.repeat} runs (scikit-learn: of 2), in one process."
    keep(options.out, "counts", rows, note, ("scikit-learn", "numpy"), bars)


if __name__ == "__main__":
    main()
