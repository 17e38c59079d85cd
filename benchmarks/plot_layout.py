#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Figure and tables of docs/layout.md from the results of layout.py.

    python benchmarks/plot_layout.py [--results benchmarks/results] [--docs docs]

Writes <docs>/layout.svg (kept neighbours against rank correlation, with the seconds beside each; needs matplotlib) and
replaces what stands between the markers "measured: begin" and "measured: end" in <docs>/layout.md.
"""

import argparse
import json
import pathlib

from layout import CASES, report, seconds

HERE = pathlib.Path(__file__).resolve().parent
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"


def draw(results, path):
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "filmatlas"  # the same file from the same figures
    matplotlib.rcParams["svg.fonttype"] = "none"
    import matplotlib.pyplot as plt

    if not results:
        return False
    columns = min(2, len(results))
    rows = -(-len(results) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(6 * columns, 3.6 * rows), squeeze=False)
    for axis, result in zip(axes.flat, results):
        for row in result["results"]:
            ours = row["name"].startswith("filmatlas")
            axis.plot(row["spearman"], row["kept"], "o" if ours else "s", color="#b5371f" if ours else "#5b6470")
            axis.annotate(
                f"{row['name']}, {seconds(row['wall'])} s",
                (row["spearman"], row["kept"]),
                (5, 4),
                textcoords="offset points",
                fontsize=7,
            )
        axis.set_title(result["title"], fontsize=9)
        axis.margins(x=0.3, y=0.15)
        axis.set_xlabel("rank correlation of distances")
        axis.set_ylabel("kept of the 15 nearest")
        axis.grid(alpha=0.25)
    for axis in axes.flat[len(results) :]:
        axis.set_visible(False)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    return True


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=pathlib.Path, default=HERE / "results")
    parser.add_argument("--docs", type=pathlib.Path, default=HERE.parent / "docs")
    options = parser.parse_args()
    files = [options.results / f"layout_{case}.json" for case in CASES]
    results = [json.loads(path.read_text(encoding="utf-8")) for path in files if path.exists()]
    drawn = draw(results, options.docs / "layout.svg")
    lines = ["", "![Kept neighbours against rank correlation](layout.svg)", "", ""] if drawn else [""]
    tables = report(results).split("\n", 2)[2].replace("\n## ", "\n### ")  # without the title
    tables = "### " + tables[3:] if tables.startswith("## ") else tables
    page = options.docs / "layout.md"
    text = page.read_text(encoding="utf-8")
    head, rest = text.split(BEGIN)
    _, tail = rest.split(END)
    page.write_text(head + BEGIN + "\n" + "\n".join(lines) + tables.rstrip() + "\n" + END + tail, encoding="utf-8")


if __name__ == "__main__":
    main()
