#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Figure and tables of docs/layout.md from the results of layout.py.

    python benchmarks/plot_layout.py [--results benchmarks/results] [--docs docs]

Writes <docs>/layout.svg (kept neighbours against rank correlation, with the seconds beside each; needs matplotlib) and
replaces what stands between the markers "measured: begin" and "measured: end" in <docs>/layout.md.
"""

from runner import publish, svg_pyplot

from layout import ALL_CASES, CASES, report, seconds


def draw(results, path):
    plt = svg_pyplot()

    results = [result for result in results if result["case"] in CASES]
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


if __name__ == "__main__":
    publish(__doc__, "layout", ALL_CASES, report, draw, "Kept neighbours against rank correlation")
