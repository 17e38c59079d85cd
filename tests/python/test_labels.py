# SPDX-License-Identifier: MIT
"""Labels with evidence: packs, gates, writers that misbehave, and files that go out and come back."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest

import filmatlas as fa
from conftest import TOPICS


@pytest.fixture(scope="module")
def pack(films):
    topics = list(TOPICS)
    fine = np.array([topics.index(film["id"].split("-")[0]) for film in films])
    hierarchy = fa.Hierarchy([fine // 2, fine], ["macro", "microcluster"])
    vectors = np.eye(6, dtype=np.float32)[fine] + np.random.default_rng(0).normal(0, 0.1, (len(films), 6))
    return fa.label_pack(
        hierarchy,
        [film["overview"] for film in films],
        tags=[film["genres"] for film in films],
        titles=[film["title"] for film in films],
        times=[film["year"] for film in films],
        vectors=vectors,
    )


def own_words(evidence):
    """An honest writer: the two best keywords that belong to no sibling."""
    taken = {word for sibling in evidence["siblings"] for word in sibling["keywords"]}
    words = [
        term["term"] for term in evidence["keywords"] if " " not in term["term"] and term["term"] not in taken
    ]
    return " ".join(words[:2])


def test_keyword_labels_pass_the_gates(pack):
    for node, label in enumerate(pack.fallback):
        verdict = pack.check(node, label)
        assert not {"L1", "L2", "L3", "L4", "L5", "L6"} & set(verdict.failed), str(verdict)
        assert len(verdict.gates) == 10


def test_evidence_is_hashed_and_repeats(pack):
    node = len(pack) - 1
    evidence = pack.evidence(node)
    assert evidence == pack.evidence(node)
    hash_ = evidence.pop("hash")
    text = json.dumps(evidence, separators=(",", ":"), ensure_ascii=False)
    assert hash_ == hashlib.sha256(text.encode()).hexdigest()
    assert evidence["path"] == [pack.fallback[pack.hierarchy.path(node)[0]]]
    other = list(pack.fallback)
    other[0] = other[1] = other[2] = "something else"
    assert pack.evidence(node, other)["hash"] != hash_
    assert all("Picture" not in item["text"] for item in evidence["exemplars"])
    assert len(evidence["exemplars"]) == 8 and len(evidence["borders"]) == 3
    assert len(evidence["titles_not_to_be_used"]) == 11


def test_a_good_writer_names_every_node(pack):
    run = fa.write_labels(pack, own_words)
    assert run.origins.count("writer") >= len(pack) - 1
    assert len(run.labels) == len(set(run.labels)) == len(pack)
    assert all(run.verdicts)
    assert run.to_pandas().shape == (len(pack), 5)


def test_a_writer_that_fails_twice_then_passes(pack):
    calls = {}

    def stubborn(evidence):
        node = evidence["node"]
        calls[node] = calls.get(node, 0) + 1
        if calls[node] <= 2:
            assert len(evidence.get("rejected", [])) == calls[node] - 1
            return "Lovely Movies About Nothing"
        assert evidence["rejected"][0]["label"] == "Lovely Movies About Nothing"
        assert "L2" in evidence["rejected"][0]["reasons"]
        return own_words(evidence)

    run = fa.write_labels(pack, stubborn, retries=2)
    assert run.origins.count("writer") >= len(pack) - 1
    assert all(count == 3 for count in calls.values())
    assert [attempt.attempt for attempt in run.history if attempt.node == 4] == [1, 2, 3]
    assert fa.write_labels(pack, lambda e: "Nothing At All", retries=1).origins == ["keywords"] * len(pack)


@pytest.mark.parametrize(
    ("writer", "reason"),
    [
        (lambda evidence: 1 / 0, "ZeroDivisionError"),
        (lambda evidence: "x" * 10_000_000, "10000000 characters"),
        (lambda evidence: {"label": "é" * 10_000_000}, "10000000 characters"),
        (lambda evidence: None, "NoneType"),
        (lambda evidence: {"label": 3}, "int"),
        (lambda evidence: {"label": "a b", "because": ["no"]}, "reasons cannot be read"),
        (lambda evidence: {"label": "a b", "because": {"a": ["x"]}}, "reasons cannot be read"),
        (lambda evidence: {"label": "a b", "because": {"a": [2**40]}}, "reasons cannot be read"),
        (lambda evidence: "lone \ud800 surrogate", "L10"),
        (lambda evidence: "nul \0 byte", "L10"),
        (lambda evidence: "", "L1"),
        (lambda evidence: "<script>alert(1)</script>", "L10"),
    ],
)
def test_a_writer_that_always_fails_is_replaced_by_keywords(pack, writer, reason):
    run = fa.write_labels(pack, writer, retries=1)
    assert run.labels == pack.fallback
    assert run.origins == ["keywords"] * len(pack)
    assert len(run.history) == 2 * len(pack)
    assert all(reason in attempt.refused and len(attempt.label) < 300 for attempt in run.history)
    assert all(run.verdicts)


def test_only_exceptions_of_the_writer_are_caught(pack):
    def interrupted(evidence):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fa.write_labels(pack, interrupted)
    with pytest.raises(TypeError, match="expected a callable"):
        fa.write_labels(pack, "samurai")
    with pytest.raises(TypeError, match="a LabelPack or an Atlas"):
        fa.write_labels([], own_words)


def test_a_writer_cannot_change_the_evidence(pack):
    def vandal(evidence):
        label = own_words(evidence)
        evidence.clear()
        return label

    assert fa.write_labels(pack, vandal).labels == fa.write_labels(pack, own_words).labels


def test_a_label_stolen_by_the_writer_does_not_collide(pack):
    stolen = pack.fallback[-1]
    run = fa.write_labels(pack, lambda evidence: stolen, nodes=[len(pack) - 2, len(pack) - 1])
    assert len(set(run.labels)) == len(pack)


def test_jobs_out_labels_in(pack, tmp_path):
    jobs = tmp_path / "label_jobs.jsonl"
    pack.write_jobs(jobs)
    lines = [json.loads(line) for line in jobs.read_text("utf-8").splitlines()]
    assert [line["node"] for line in lines] == list(range(len(pack)))
    last = lines[-1]
    answers = tmp_path / "labels.jsonl"
    good = own_words(last["evidence"])
    rows = [
        {"node": last["node"], "hash": "0" * 64, "label": good},
        {"node": last["node"], "hash": last["hash"], "label": "wandering lights"},
        {"node": last["node"], "hash": last["hash"], "label": good},
        {"node": last["node"], "hash": last["hash"], "label": "too late"},
    ]
    answers.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    run = pack.read_labels(answers)
    assert run.labels[-1] == good and run.origins[-1] == "writer"
    assert [attempt.refused[:10] for attempt in run.history] == [
        "the answer",
        run.history[1].refused[:10],
        "",
    ]
    assert run.origins[:-1] == ["keywords"] * (len(pack) - 1)
    out = tmp_path / "verdicts.jsonl"
    run.save(out)
    saved = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    assert saved[-1]["label"] == good and len(saved[-1]["history"]) == 3 and len(saved[-1]["gates"]) == 10
    answers.write_text('{"node": 0}', encoding="utf-8")
    with pytest.raises(fa.FormatError, match="line 1, column label"):
        pack.read_labels(answers)


def test_reasons_and_figures_of_a_word(pack):
    node = len(pack) - 1
    found = pack.support(node, pack.evidence(node)["keywords"][0]["term"].split()[0])
    assert found[0]["lift"] > 1.5 and found[0]["p_in"] > 0.05
    verdict = pack.check(node, own_words(pack.evidence(node)) + " redemption")
    assert verdict.failed and "L2" in verdict.failed and not verdict
    assert "redempt" in str(verdict)


def test_an_encoder_allows_one_figurative_word(films):
    topics = list(TOPICS)
    fine = np.array([topics.index(film["id"].split("-")[0]) for film in films])
    hierarchy = fa.Hierarchy([fine])
    vectors = np.eye(6, dtype=np.float32)[fine]

    def encode(texts):
        return np.array([[1.0 if topic in text else 0.1 for topic in topics] for text in texts])

    pack = fa.label_pack(hierarchy, [film["overview"] for film in films], vectors=vectors, encode=encode)
    node = int(hierarchy.labels()[0])
    words = own_words(pack.evidence(node))
    assert "L2" not in pack.check(node, f"{words} {topics[int(fine[0])]}").failed
    with pytest.raises(ValueError, match="encode without vectors"):
        fa.label_pack(hierarchy, [film["overview"] for film in films], encode=encode)


def test_an_atlas_is_a_pack(atlas):
    run = fa.write_labels(atlas, own_words, retries=0)
    assert len(run.labels) == atlas.hierarchy.num_nodes
    evidence = fa.atlas_label_pack(atlas).evidence(0)
    assert evidence["links"]["inside"] > 0.5 and evidence["times"]["first"] >= 1930
    assert evidence["tags"] and evidence["exemplars"]
    assert not any(tag["term"].startswith("secret") for tag in evidence["tags"])


def test_planted_bad_labels_are_caught(pack):
    draw = np.random.default_rng(5)
    hierarchy, caught, planted = pack.hierarchy, 0, 0
    nodes = hierarchy.nodes("microcluster")
    for _ in range(20):
        node = nodes[draw.integers(len(nodes))]
        sibling = next(n for n in nodes if n.parent == node.parent and n.id != node.id)
        blank = list(pack.fallback)
        blank[sibling.id] = ""
        words = own_words(pack.evidence(sibling.id))
        own = own_words(pack.evidence(node.id)).split()[0]
        for label in (
            words,
            pack.fallback[node.parent],
            pack.evidence(node.id)["titles_not_to_be_used"][0],
            "velvet thunder",
            f"{own} {words.split()[0]}",
            pack.fallback[nodes[0].id if nodes[0].id != node.id else nodes[1].id],
        ):
            planted += 1
            caught += not pack.check(node.id, label, labels=blank)
    assert caught >= 0.95 * planted
