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
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    shown = [r for r in results if r["case"] in ("films", "arxiv")]
    if not shown:
        return False
    figure, axes = plt.subplots(1, len(shown), figsize=(7 * len(shown), 4), sharey=True, squeeze=False)
    for axis, result in zip(axes[0], shown):
        # Points lie too close for names beside them: numbers in the order of time, names in a list.
        for number, row in enumerate(sorted(result["results"], key=lambda r: r["wall"]), start=1):
            ours = row["name"].startswith("filmatlas")
            color = "#b5371f" if ours else "#5b6470"
            label = f"{number}  {row['name']}"
            axis.plot(row["wall"], row["recall"], "o" if ours else "s", color=color, label=label)
            above = number % 2 == 1
            axis.annotate(str(number), (row["wall"], row["recall"]), (0, 5 if above else -12), fontsize=8, color=color,
                          textcoords="offset points", ha="center")
        axis.set_xscale("log")
        axis.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.xaxis.set_minor_formatter(NullFormatter())
        axis.set_xlabel("seconds for all neighbours (logarithmic)")
        axis.set_title(result["title"].split(", cosine")[0], fontsize=10)
        axis.grid(alpha=0.25)
        axis.legend(loc="center left", bbox_to_anchor=(1, 0.5), fontsize=8, frameon=False)
    axes[0][0].set_ylabel("recall of the 15 nearest")
    axes[0][0].set_ylim(0.88, 1.01)
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
