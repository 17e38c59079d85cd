#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Figure and tables of docs/neighbors.md from the results of neighbors.py.

    python benchmarks/plot_neighbors.py [--results benchmarks/results] [--docs docs]

Writes <docs>/neighbors.svg (recall against time; needs matplotlib) and replaces what stands between the markers
"measured: begin" and "measured: end" in <docs>/neighbors.md.
"""

import argparse
import json
import pathlib

from neighbors import CONTENDERS, report

HERE = pathlib.Path(__file__).resolve().parent
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"


def draw(results, path):
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "filmatlas"  # the same file from the same figures
    matplotlib.rcParams["svg.fonttype"] = "none"
    import matplotlib.pyplot as plt

    shown = [r for r in results if r["case"] in ("films", "arxiv")]
    if not shown:
        return False
    figure, axes = plt.subplots(1, len(shown), figsize=(5.2 * len(shown), 4), sharey=True, squeeze=False)
    for axis, result in zip(axes[0], shown):
        for row in result["results"]:
            ours = row["name"].startswith("filmatlas")
            axis.plot(row["wall"], row["recall"], "o" if ours else "s", color="#b5371f" if ours else "#5b6470")
        placed = []
        for row in sorted(result["results"], key=lambda r: (-r["recall"], r["wall"])):
            offset = -12  # labels of points that lie close together go below one another
            while any(abs(y - (row["recall"] * 900 + offset)) < 11 and abs(x / row["wall"]) < 6 and abs(x / row["wall"]) > 1 / 6 for x, y in placed):
                offset -= 11
            placed.append((row["wall"], row["recall"] * 900 + offset))
            axis.annotate(row["name"], (row["wall"], row["recall"]), (4, offset), textcoords="offset points", fontsize=7)
        axis.set_xscale("log")
        axis.set_xlabel("seconds for all neighbours (logarithmic)")
        axis.set_title(result["title"].split(", cosine")[0], fontsize=10)
        axis.grid(alpha=0.25)
    axes[0][0].set_ylabel("recall of the 15 nearest")
    axes[0][0].set_ylim(0.86, 1.006)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    return True


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=pathlib.Path, default=HERE / "results")
    parser.add_argument("--docs", type=pathlib.Path, default=HERE.parent / "docs")
    options = parser.parse_args()
    files = [options.results / f"neighbors_{case}.json" for case in CONTENDERS]
    results = [json.loads(path.read_text(encoding="utf-8")) for path in files if path.exists()]
    drawn = draw(results, options.docs / "neighbors.svg")
    lines = ["", "![Recall against time](neighbors.svg)", "", ""] if drawn else [""]
    tables = report(results).split("\n", 2)[2].replace("\n## ", "\n### ")  # without the title
    tables = "### " + tables[3:] if tables.startswith("## ") else tables
    page = options.docs / "neighbors.md"
    text = page.read_text(encoding="utf-8")
    head, rest = text.split(BEGIN)
    _, tail = rest.split(END)
    page.write_text(head + BEGIN + "\n" + "\n".join(lines) + tables.rstrip() + "\n" + END + tail, encoding="utf-8")


if __name__ == "__main__":
    main()
