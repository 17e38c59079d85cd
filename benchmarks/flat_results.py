# SPDX-License-Identifier: MIT
"""Keeps what runners measure as flat rows: <out>/<page>_<case>.json and the tables of <out>/<page>.md."""

from __future__ import annotations

import json
import pathlib

from runner import HERE, about_filmatlas, about_line, machine, saved_results, version_of

PAGES = {
    "words": (
        "Words, side by side",
        {
            "counts": "Counting words, against scikit-learn's CountVectorizer",
            "topic_table": "A whole topic table from raw texts, against BERTopic's stages",
            "representatives": "Representative texts, against BERTopic's",
            "keywords": "Keyword rules at equal assignments",
            "coherence": "Coherence, against gensim",
            "label_gates": "Planted bad labels, and keyword labels, through the gates",
            "composition": "Profiles of four sources",
            "dominance": "Which source decides",
            "balance": "Weights for equal shares",
            "leaks": "How far titles leak into each source",
        },
    ),
    "placing": (
        "New items on a finished map",
        {
            "transform": "Placing items that the map was not made from",
            "strangers": "Classes that are not on the map",
            "update": "A tenth of the items added to a map",
        },
    ),
    "map_costs": (
        "What regions, knobs, memory and quality cost on a map",
        {
            "hierarchy": "The tree on the map",
            "grid": "A grid of UMAP's knobs in one call",
            "memory": "Memory, step by step",
            "quality": "The quality report beside the exact search",
        },
    ),
}


def add_out(parser):
    """The option --out of a runner."""
    help_text = f"folder to keep the figures in, e.g. {HERE.name}/results; default: they are printed only"
    parser.add_argument("--out", type=pathlib.Path, help=help_text)


def keep(out, case, rows, note="", packages=(), bars=()):
    """Saves the rows of a case, flat dictionaries of one shape, and writes the page of all cases anew.

    `bars` are (what, value, bar, whether it is met).
    """
    if out is None:
        return
    page, (heading, titles) = next((name, page) for name, page in PAGES.items() if case in page[1])
    result = {
        "case": case,
        "title": titles[case],
        "note": note,
        "machine": machine(),
        "filmatlas": about_filmatlas(),
        "packages": {package: version_of(package) for package in packages},
        "results": rows,
        "bars": [{"what": what, "value": value, "bar": bar, "met": bool(met)} for what, value, bar, met in bars],
    }
    out.mkdir(parents=True, exist_ok=True)
    (out / f"{page}_{case}.json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    results = saved_results(out, page, titles)
    lines = [f"# {heading}", ""] + [line for saved in results for line in section(saved)]
    (out / f"{page}.md").write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")


def section(result):
    """The lines of one case."""
    versions = ", ".join(f"{name} {version}" for name, version in result["packages"].items() if version)
    lines = [f"## {result['title']}", ""]
    if result["note"]:
        lines += [result["note"], ""]
    lines += table(result["results"])
    for bar in result["bars"]:
        lines.append(f"- {bar['what']}: {bar['value']} (bar: {bar['bar']}), {'met' if bar['met'] else 'NOT MET'}")
    lines += [""] if result["bars"] else []
    return [*lines, f"{about_line(result)}{'; ' + versions if versions else ''}.", ""]


def table(rows):
    """Markdown lines of flat rows."""
    if not rows:
        return []
    names = list(rows[0])
    lines = ["| " + " | ".join(names) + " |", "|" + "---|" * len(names)]
    lines += ["| " + " | ".join(str(row[name]) for name in names) + " |" for row in rows]
    return [*lines, ""]
