# SPDX-License-Identifier: MIT
"""Several sources per item: shares, dominance, balance; names that leak; masks, repeats, retention."""

from __future__ import annotations

import math

import numpy as np
import pytest

import filmatlas as fa


def grouped(n, d, seed, noise, groups=10, missing=0.0):
    """Vectors of random groups: the smaller the noise, the more a source says."""
    draw = np.random.default_rng(seed)
    rows = draw.normal(size=(groups, d))[draw.integers(0, groups, n)] + noise * draw.normal(size=(n, d))
    rows[draw.random(n) < missing] = 0
    return rows.astype(np.float32)


@pytest.fixture(scope="module")
def five():
    return {
        "plot": grouped(600, 24, 1, 0.3),
        "tags": grouped(600, 16, 2, 1.0),
        "mood": grouped(600, 32, 3, 0.6, missing=0.2),
        "cast": grouped(600, 8, 4, 0.8),
        "reviews": grouped(600, 48, 5, 0.4),
    }


def test_shares_of_a_pair_sum_to_its_cosine(five):
    weights = {"plot": 3, "tags": 1, "mood": 1, "cast": 1, "reviews": 2}
    combined = fa.combine_embeddings(
        {k: v for k, v in five.items() if k != "mood"}, {"plot": 3, "reviews": 2}
    )
    for a, b in [(0, 1), (5, 9), (17, 400)]:
        pair = fa.pair_similarity(five, a, b, weights=weights)
        assert pair.exact and abs(sum(pair.shares.values()) - pair.cosine) <= 1e-12
        assert abs(sum(pair.weights.values()) - 1) < 1e-12
        known = [s for s in five if not math.isnan(pair.cosines[s])]
        assert abs(sum(pair.weights[s] * pair.cosines[s] for s in known) - pair.cosine) < 1e-12
        without = fa.pair_similarity(combined, a, b)
        assert abs(without.cosine - float(combined.vectors[a] @ combined.vectors[b])) < 1e-6
    missing = int(np.flatnonzero(~five["mood"].any(axis=1))[0])
    assert fa.pair_similarity(five, missing, 0).weights["mood"] == 0


def test_every_link_carries_its_shares(five):
    links = fa.source_links(five, 8, weights={"plot": 2})
    total = sum(links.shares.values())
    assert np.abs(total - links.cosines).max() <= 1e-6
    assert links.indices.shape == (600, 8) and list(links.shares) == list(five)
    pair = fa.pair_similarity(five, 3, int(links.indices[3, 0]), weights={"plot": 2})
    assert abs(pair.cosine - links.cosines[3, 0]) < 1e-6
    assert abs(pair.shares["tags"] - links.shares["tags"][3, 0]) < 1e-6
    graph = links.graph()
    assert graph.indices.shape == (600, 8) and "plot" in repr(links)
    whole = {name: vectors for name, vectors in five.items() if name != "mood"}  # nothing missing
    joined = fa.knn_graph(fa.combine_embeddings(whole), 5, metric="cosine")
    assert (fa.source_links(whole, 5).indices == joined.indices).mean() > 0.999


def test_other_fusions_are_marked_as_approximate(five):
    alike = {"a": five["plot"], "b": grouped(600, 24, 9, 0.5)}
    mean = fa.combine_embeddings(alike, fusion="average")
    pair = fa.pair_similarity(alike, 1, 2, fusion="average")
    assert not pair.exact and len(mean.parts) == 1 and "about" in str(pair)
    assert abs(pair.cosine - float(mean.vectors[1] @ mean.vectors[2])) < 1e-6
    assert abs(sum(pair.shares.values()) - pair.cosine) < 1e-12
    early = fa.pair_similarity(five, 1, 2, fusion="early", fused=five["plot"])
    assert not early.exact and abs(sum(early.shares.values()) - early.cosine) < 1e-12
    with pytest.raises(ValueError, match="fused"):
        fa.pair_similarity(five, 1, 2, fusion="early")
    with pytest.raises(ValueError, match="no average"):
        fa.combine_embeddings(five, fusion="average")


def test_dominance_says_who_decides(five):
    report = fa.source_dominance(five, weights={"plot": 8})
    assert abs(sum(report.shares.values()) - 1) < 1e-9
    assert max(report.shares, key=report.shares.get) == "plot" and report.dominance == report.shares["plot"]
    rows = {row["name"]: row for row in report.sources}
    assert rows["plot"]["overlap_without"] < rows["tags"]["overlap_without"]
    assert abs(sum(row["shapley"] for row in report.sources) - (1 - report.chance_overlap)) < 1e-9
    assert rows["mood"]["items"] < 600 and report.links == 6000
    assert list(report.table()) == list(report.sources[0]) and "plot" in repr(report)


@pytest.mark.parametrize(
    "targets", [None, [0.1, 0.3, 0.1, 0.2, 0.3], {"plot": 1, "tags": 1, "mood": 0, "cast": 2, "reviews": 1}]
)
def test_auto_balance_reaches_its_targets(five, targets):
    found = fa.auto_balance(five, targets)
    report = fa.source_dominance(five, weights=found.weights, max_items=10**6)
    wanted = [1] * 5 if targets is None else list(targets.values() if isinstance(targets, dict) else targets)
    assert found.run.converged and abs(sum(found.weights.values()) - 1) < 1e-9
    for row, target in zip(report.sources, wanted):
        assert abs(row["share"] - target / sum(wanted)) <= 0.02
    with pytest.raises(ValueError, match="targets name"):
        fa.auto_balance(five, {"plot": 1})


# --- names -------------------------------------------------------------------------------------------------

WORDS = {
    "space": "orbit rocket planet astronaut gravity comet lander probe crater airlock nebula capsule",
    "kitchen": "recipe oven butter pastry chef spice dough flour skillet simmer roast garnish",
    "court": "judge jury verdict lawyer witness trial appeal bail statute hearing counsel docket",
    "sea": "harbor sail anchor reef tide mast captain lagoon storm lighthouse deck cargo",
}
NAMES = "dragon castle winter mirror falcon orchard velvet cobalt ember lantern thistle marble".split()


def catalogue(leaking, n=1200, seed=0):
    """Titles share a rare word with items of other topics; when leaking, texts go on about the title."""
    draw = np.random.default_rng(seed)
    topics = draw.integers(0, len(WORDS), n)
    shared = draw.integers(0, len(NAMES), n)
    titles, texts = [], []
    for topic, name in zip(topics, shared):
        title = f"The {NAMES[name].title()} of {draw.choice(list('abcdefghijk'))}{draw.integers(0, 99)}"
        words = list(draw.choice(list(WORDS.values())[topic].split(), 14))
        if leaking:
            words += [NAMES[name], NAMES[name].title() + "s", f"{NAMES[name]}'s"] * 5 + [title]
        titles.append(title)
        texts.append(" ".join(words))
    return titles, texts, topics


def clusters(texts, k):
    vectors = fa.LsaEncoder.fit(texts, 16, min_df=1, max_df=1.0).vectors
    return fa.kmeans(vectors, k, random_state=0).labels


def test_a_planted_title_leak_is_found_and_masking_restores_the_truth():
    titles, texts, topics = catalogue(leaking=True)
    report = fa.leak_report(titles, texts=texts)
    assert report.overlap.z > 10 and report.rare_links.z > 10 and report.auc > 0.9 and report.suspicious
    assert {token.token for token in report.tokens[:5]} <= set(NAMES)
    assert report.counterfactual < 0.5  # the neighbours were the names' work
    assert report.masked.overlap.z < 3 and not report.masked.suspicious
    assert fa.adjusted_rand_index(clusters(texts, 4), topics) < 0.5
    masked = fa.mask_names(texts, titles)
    assert not any(name in text.lower() for text, name in zip(masked, (t.split()[1].lower() for t in titles)))
    assert fa.adjusted_rand_index(clusters(masked, 4), topics) >= 0.95
    assert "z " in str(report) and report.to_pandas().shape[1] == 4


def test_a_clean_control_is_left_alone():
    for seed in range(4):
        titles, texts, topics = catalogue(leaking=False, seed=seed)
        report = fa.leak_report(titles, texts=texts)
        assert report.overlap.z < 3 and report.rare_links.z < 3 and not report.suspicious
        assert report.counterfactual >= 0.9  # masking changes nothing
    assert fa.adjusted_rand_index(clusters(texts, 4), topics) >= 0.95


def test_casts_are_whole_names_and_graphs_can_be_brought():
    draw = np.random.default_rng(3)
    vectors = grouped(300, 8, 3, 0.3, groups=30)
    graph = fa.knn_graph(vectors, 8, metric="cosine")
    stars = [f"Star Person{i}" for i in draw.integers(0, 40, 300)]
    clean = fa.leak_report([[star, f"Extra {i}"] for i, star in enumerate(stars)], graph)
    assert clean.overlap.z < 3 and clean.counterfactual is None and clean.masked is None
    leak = fa.leak_report([[f"Lead {g}"] for g in clusters_of(vectors)], graph, k=5)
    assert leak.overlap.z > 10 and leak.k == 5 and leak.tokens[0].token.startswith("Lead ")
    with pytest.raises(ValueError, match="neither neighbors nor texts"):
        fa.leak_report(stars)
    with pytest.raises(fa.ShapeError):
        fa.leak_report(stars[:5], graph)


def clusters_of(vectors):
    return fa.kmeans(vectors, 30, random_state=0).labels


def test_masking_by_rule():
    assert fa.mask_names(["The Godfather is a film. Godfathers!"], ["The Godfather"]) == ["is a film. !"]
    kept = fa.mask_names(["A star is born to Star Wars"], [["Star Wars", None, ""]], single_words=False)
    assert kept == ["A star is born to"]
    names = fa.name_words(["Then Frodo leaves. The ring stays with Frodo."])
    assert names == ["frodo"]
    assert fa.mask_names(["Frodo runs"], [None], everywhere=names, replacement="X") == ["X runs"]
    with pytest.raises(TypeError, match="one title"):
        fa.mask_names(["a"], "a")
    with pytest.raises(fa.ShapeError):
        fa.mask_names(["a", "b"], ["a"])


def test_near_duplicates_are_reported_not_removed():
    texts = ["the quick brown fox jumps over a lazy dog today", "something else altogether here now"]
    texts += [texts[0] + " again", "", None, texts[1].upper()]
    pairs, groups = fa.near_duplicates(texts, 0.8)
    assert [(p.a, p.b) for p in pairs] == [(0, 2), (1, 5)] and pairs[1].overlap == 1
    assert groups.tolist() == [0, 1, 0, 3, 4, 1]
    with pytest.raises(ValueError, match="threshold"):
        fa.near_duplicates(texts, 0)


# --- profiles ----------------------------------------------------------------------------------------------

ITEMS = [
    {
        "id": "a",
        "plot": "A dog is lost. It is found.",
        "review": "A dog is lost! So good.",
        "year": 1994,
        "tags": ["dog", "road"],
    },
    {
        "id": "b",
        "plot": "Tom &amp; Jerry run.",
        "review": "Ça va bien, et les gens sont dans la rue.",
        "year": 2001,
        "tags": [],
    },
    {"id": "c", "plot": None, "review": None, "year": None, "tags": []},
    {"id": "d", "plot": "A dog is lost. It is found.", "review": None, "year": 1999, "tags": []},
]


def test_numbers_become_words_by_rule():
    records = fa.binned_column(ITEMS, "year", "decade")
    assert records["decade"] == [["1990s"], ["2000s"], [], ["1990s"]]
    eras = fa.binned_column(
        records, "year", "era", rule="edges", edges=[2000], names=["old", "new"], missing="undated"
    )
    assert [era[0] for era in eras["era"]] == ["old", "new", "undated", "old"]
    profiles = fa.compose_profiles(eras, [{"name": "era", "prefix": "Era: ", "suffix": "."}, "plot"])
    assert profiles.texts[0].startswith("Era: old. A dog")
    with pytest.raises(ValueError, match="is a column already"):
        fa.binned_column(records, "year", "decade")


def test_budgets_count_as_the_encoder_counts():
    asked = []

    def tokenize(unit):
        asked.append(unit)
        return list(unit) if unit == "found" else [unit]

    profiles = fa.compose_profiles(ITEMS, ["plot"], count=tokenize)
    assert profiles.truncation["kept"][0, 0] == 7 + 2 + 4  # words, full stops, letters of "found"
    assert len(asked) == len(set(asked))
    short = fa.compose_profiles(ITEMS, [{"name": "plot", "max_tokens": 7}], count=lambda unit: 1)
    assert short.texts[0] == "A dog is lost. It is" and short.truncation["cut"][0, 0] == 2
    pieces = fa.compose_profiles(ITEMS, ["plot"], count="word_pieces").truncation["kept"]
    assert pieces[0, 0] >= fa.compose_profiles(ITEMS, ["plot"]).truncation["kept"][0, 0] + 2
    with pytest.raises(ZeroDivisionError):
        fa.compose_profiles(ITEMS, ["plot"], count=lambda unit: 1 // 0)
    with pytest.raises(ValueError, match="word_pieces"):
        fa.compose_profiles(ITEMS, ["plot"], count="bytes")


def test_repeated_sentences_languages_and_retention():
    profiles = fa.compose_profiles(ITEMS, ["plot", "review"], drop_repeated_sentences=True)
    assert profiles.texts[0] == "A dog is lost. It is found. So good."
    assert profiles.report[1]["repeated_tokens"] == 4
    assert profiles.texts[1].startswith("Tom & Jerry")
    assert fa.compose_profiles(ITEMS, ["review"]).languages()[1][0] == "fr"
    rows = fa.read_records([*ITEMS, {"id": "a", "plot": "again"}], on_bad_row="skip")
    table = fa.retention_table(rows, fa.compose_profiles(rows, ["plot"]), duplicates=0.9)
    assert list(table["left"]) == [5, 4, 3, 2] and list(table["lost"]) == [0, 1, 1, 1]
    assert table["share"][-1] == 0.4 and "id" in table["reason"][1]


def test_targets_out_of_reach_are_reported():
    sources = {"plot": grouped(400, 16, 1, 0.3), "lead": grouped(400, 16, 2, 0.9, missing=0.7)}
    with pytest.warns(fa.FilmAtlasWarning, match="'lead' has a share of .*missing = item"):
        found = fa.auto_balance(sources, {"plot": 0.2, "lead": 0.8})
    assert found.limited_by == "lead" and not found.run.converged
    assert found.weights["lead"] > 0.9 and found.worst > 0.02 and found.run.iterations < 40
    reached = fa.auto_balance(sources, {"plot": 0.8, "lead": 0.2}, missing="item")
    assert reached.limited_by is None and reached.worst <= 0.01


def test_what_stands_for_a_missing_source():
    films = [
        {"id": "a", "title": "A", "plot": "a ship", "reviews": "good"},
        {"id": "b", "title": "B", "plot": "a court"},
        {"id": "c", "title": "C", "reviews": "bad"},
    ]
    sources = [
        {"name": "plot", "required": True},
        {"name": "reviews", "prefix": "Viewers: ", "missing": "No reviews yet."},
    ]
    profiles = fa.compose_profiles(films, sources)
    assert profiles.texts == ["a ship Viewers: good", "a court No reviews yet.", "Viewers: bad"]
    assert profiles.source_texts["reviews"][1] == "" and profiles.spans(1) == [("plot", 0, 7)]
    assert profiles.incomplete.tolist() == [2]
    table = fa.retention_table(films, profiles)
    assert table["reason"][-1] == "lacks a required source" and table["left"][-1] == 2
