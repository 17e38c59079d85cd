"""Forty judgements of film lovers, written before the first run: do they hold in the full space, and on the map?"""
import json
import pathlib

import numpy as np
import pytest

import filmatlas as fa

DATA = pathlib.Path(__file__).resolve().parents[2] / "examples" / "data"
SOURCES = ("synopsis", "themes", "tags", "mood")


@pytest.fixture(scope="module")
def atlas():
    return fa.Atlas.build(
        str(DATA / "films.jsonl"),
        embeddings={name: str(DATA / f"films_{name}.npy") for name in SOURCES},
        sources=[
            "synopsis",
            {"name": "themes", "columns": ["genres", "themes", "settings"]},
            "tags",
            {"name": "mood", "columns": ["moods", "audience"]},
        ],
    )


def held(checks, ids, distances):
    """Which checks hold under a full matrix of distances."""
    row = {item: position for position, item in enumerate(ids)}
    ranks = np.argsort(np.argsort(distances, axis=1, kind="stable"), axis=1)  # 0 = the item itself
    others = len(ids) - 1
    out = []
    for anchor, near, far in checks["nearer"]:
        out.append(distances[row[anchor], row[near]] < distances[row[anchor], row[far]])
    for a, b in checks["close"]:
        out.append(min(ranks[row[a], row[b]], ranks[row[b], row[a]]) <= 0.05 * others)
    for a, b in checks["far"]:
        out.append(min(ranks[row[a], row[b]], ranks[row[b], row[a]]) > 0.5 * others)
    return out


def test_spot_checks_hold_in_the_full_space(atlas, record_property, capsys):
    checks = json.loads((DATA / "spot_checks.json").read_text(encoding="utf-8"))
    vectors = np.asarray(atlas.embedding.vectors, dtype=np.float64)
    full = held(checks, atlas.ids, 1 - vectors @ vectors.T)
    xy = np.asarray(atlas.layout.coordinates, dtype=np.float64)
    on_map = held(checks, atlas.ids, np.hypot(*(xy[:, None, :] - xy[None, :, :]).transpose(2, 0, 1)))
    assert len(full) == 40
    record_property("full_space", int(sum(full)))
    record_property("map", int(sum(on_map)))
    with capsys.disabled():
        print(f"\nspot checks: {sum(full)} of 40 hold in the full space, {sum(on_map)} on the map")
    assert sum(full) >= 36


def test_the_tree_of_the_sample_is_strict_and_balanced(atlas):
    tree = atlas.hierarchy
    for level in tree.levels:
        labels = tree.labels(level)
        assert len(labels) == len(atlas) and labels.min() == 0
        assert (np.bincount(labels) > 0).all()
    assert tree.sizes("macro").max() <= 0.30 * len(atlas)
    sizes = tree.sizes("microcluster")
    assert sizes.min() >= 4 and sizes.max() <= 60
    assert atlas.report().ok
