# SPDX-License-Identifier: MIT
"""Two atlases side by side, and labels written back into one."""

from __future__ import annotations

import numpy as np
import pytest

import filmatlas as fa


@pytest.fixture(scope="module")
def other(films):
    """The same catalogue without its first item, in another order, clustered more finely."""
    rows = [*films[1:][::-1], {**films[0], "id": "new-1"}]
    return fa.Atlas.build(
        rows, title="Other", private_columns=["notes"], n_clusters=[3, 6, 14], encoder_components=24
    )


def test_an_atlas_equals_itself(atlas):
    same = fa.compare_atlases(atlas, atlas)
    assert same.common == len(atlas) and not same.added and not same.removed and not same.moved
    assert same.neighbors == 1 and all(level["adjusted_rand"] == pytest.approx(1) for level in same.levels)
    assert [match.match for match in same.matches] == list(range(atlas.hierarchy.num_nodes))
    assert all(match.overlap == 1 and match.label == match.match_label for match in same.matches)


def test_what_stayed_and_what_moved(atlas, other, films):
    found = fa.compare_atlases(atlas, other, k=5)
    assert found.common == len(films) - 1
    assert found.added == ["new-1"] and found.removed == [films[0]["id"]]
    assert [level["nodes"] for level in found.levels] == [(3, 3), (6, 6), (12, 14)]
    place = {item: row for row, item in enumerate(other.ids)}
    shared = [row for row, item in enumerate(atlas.ids) if item in place]
    a = atlas.hierarchy.labels(1)[shared]
    b = other.hierarchy.labels(1)[[place[atlas.ids[row]] for row in shared]]
    assert found.levels[1]["adjusted_rand"] == pytest.approx(fa.adjusted_rand_index(a, b))
    for match in found.matches:
        if match.level != 1:
            continue
        mine = {atlas.ids[i] for i in atlas.hierarchy.items(match.node)} & set(place)
        there = {other.ids[i] for i in other.hierarchy.items(match.match)} & set(atlas.ids)
        assert match.shared == len(mine & there)
        assert match.overlap == pytest.approx(len(mine & there) / len(mine | there))
        assert match.size == len(atlas.hierarchy.items(match.node))
    kept = [
        len({atlas.ids[j] for j in atlas.graph.indices[row, :5] if atlas.ids[j] in place}
            & {other.ids[j] for j in other.graph.indices[place[atlas.ids[row]], :5]})
        for row in shared
    ]  # fmt: skip
    among = [sum(atlas.ids[j] in place for j in atlas.graph.indices[row, :5]) for row in shared]
    assert found.neighbors == pytest.approx(sum(kept) / sum(among))
    assert len(found.moved) == round((1 - found.levels[-1]["matched"]) * found.common)
    assert found.to_pandas().shape == (21, 9) and "1 added" in str(found)
    with pytest.raises(TypeError, match="expected an Atlas"):
        fa.compare_atlases(atlas, "other")


def test_atlases_without_common_items(atlas, films):
    strangers = fa.Atlas.build(
        [{**film, "id": f"x{film['id']}"} for film in films], n_clusters=[3, 6, 12], encoder_components=24
    )
    found = fa.compare_atlases(atlas, strangers)
    assert (
        found.common == 0 and np.isnan(found.neighbors) and found.matches[0].match == -1 and not found.moved
    )


def test_accepted_labels_are_written_back(atlas, tmp_path):
    def writer(evidence):
        return " ".join(word["term"] for word in evidence["keywords"][:3])

    run = fa.write_labels(atlas, writer, retries=1)
    named = atlas.with_labels(run)
    assert [label.text for label in named.labels] == run.labels
    changed = [i for i, label in enumerate(atlas.labels) if label.text != run.labels[i]]
    assert changed and all(
        named.labels[i].origin == run.origins[i] and named.labels[i].keywords == atlas.labels[i].keywords
        for i in changed
    )
    assert named is not atlas and atlas.labels != named.labels  # a new value
    path = tmp_path / "named.fatlas"
    named.save(path)
    assert [label.text for label in fa.Atlas.load(path).labels] == run.labels
    assert fa.validate(named).ok and named.path(0)[0] in run.labels


def test_labels_that_break_the_atlas_are_refused(atlas):
    texts = [label.text for label in atlas.labels]
    own = [*texts[:-1], "A name of my own"]
    mine = atlas.with_labels(own)
    assert mine.labels[-1].text == own[-1] and mine.labels[-1].origin == "writer"
    assert mine.labels[0] == atlas.labels[0]
    with pytest.raises(fa.ShapeError, match="labels for"):
        atlas.with_labels(texts[:-1])
    for bad in ("", "<b>bold</b>"):
        with pytest.raises(ValueError):
            atlas.with_labels([*texts[:-1], bad])
    child = atlas.hierarchy.children(0)[0]
    with pytest.raises(ValueError):
        atlas.with_labels([texts[0] if i == child else text for i, text in enumerate(texts)])
