#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Figure and tables of docs/neighbors.md from the results of neighbors.py.

    python benchmarks/plot_neighbors.py [--results benchmarks/results] [--docs docs]

Writes <docs>/neighbors.svg (recall against time; needs matplotlib) and replaces what stands between the markers
"measured: begin" and "measured: end" in <docs>/neighbors.md.
"""

from runner import publish, svg_pyplot

from neighbors import CONTENDERS, report


def draw(results, path):
    plt = svg_pyplot()
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


if __name__ == "__main__":
    publish(__doc__, "neighbors", CONTENDERS, report, draw, "Recall against time")
