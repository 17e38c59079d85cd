# SPDX-License-Identifier: MIT
"""The whole: build, save and load, ask, audit, export."""

from __future__ import annotations

import json
import pickle
import re

import numpy as np
import pytest

import filmatlas as fa
from conftest import TOPICS, make_blobs, make_films


def topic(item):
    return item.split("-")[0]


def test_build_from_texts_alone(atlas, films):
    assert len(atlas) == len(films) and atlas.title == "Test atlas"
    assert atlas.provenance["encoder"] == "lsa" and atlas.encoder.dimensions <= 24
    assert atlas.hierarchy.levels == ["macro", "neighborhood", "microcluster"]
    assert [len(atlas.hierarchy.nodes(level)) for level in range(3)] == [3, 6, 12]
    assert atlas.roles["title"] == "title" and atlas.roles["time"] == "year" and atlas.roles["link"] == "page"
    truth = [topic(item) for item in atlas.ids]
    assert fa.adjusted_rand_index(truth, atlas.hierarchy.labels("neighborhood")) > 0.8
    assert atlas.strength.shape == (len(films), 3)
    assert len(atlas.labels) == len(atlas.keywords) == len(atlas.representatives) == atlas.hierarchy.num_nodes
    assert "180 items" in repr(atlas)


def test_report_is_clean(atlas):
    report = atlas.report()
    assert report.ok, str(report)
    assert fa.validate(atlas).to_json() == report.to_json()
    assert report.to_dict()["ok"] is True and report.findings
    assert "<script" not in report.to_html()
    assert all(
        fa.validate(value).ok for value in (atlas.hierarchy, atlas.graph, atlas.layout, atlas.embedding)
    )


def test_labels_have_unique_paths(atlas):
    paths = {tuple(atlas.path(item)) for item in atlas.ids}
    leaves = len(atlas.hierarchy.nodes(-1))
    assert len(paths) == leaves
    assert all(label.text and label.origin == "keywords" for label in atlas.labels)


def test_save_and_load_give_the_same_bytes(atlas, tmp_path):
    path = tmp_path / "films.fatlas"
    atlas.save(path)
    again = fa.Atlas.load(path)
    assert again.to_bytes() == path.read_bytes() == atlas.to_bytes()
    assert again.ids == atlas.ids and again.hierarchy == atlas.hierarchy
    assert again.embedding.vectors.tobytes() == atlas.embedding.vectors.tobytes()
    assert again.provenance == atlas.provenance
    assert pickle.loads(pickle.dumps(atlas)).to_bytes() == atlas.to_bytes()


def test_damaged_files_are_refused(atlas, tmp_path):
    good = atlas.to_bytes()
    damaged = bytearray(good)
    damaged[len(good) // 2] ^= 1
    for bad in (b"", good[:100], good[:-1], bytes(damaged), good + b"x", b"no atlas at all" * 20):
        path = tmp_path / "bad.fatlas"
        path.write_bytes(bad)
        with pytest.raises(fa.FormatError) as info:
            fa.Atlas.load(path)
        assert info.value.file == str(path)
    with pytest.raises(OSError):
        fa.Atlas.load(tmp_path / "missing.fatlas")
    with pytest.raises(OSError):
        atlas.save(tmp_path / "missing" / "films.fatlas")


def test_threads_do_not_change_a_byte(films):
    options = {"n_clusters": [3, 6, 12], "encoder_components": 16}
    one, three = (fa.Atlas.build(films, num_threads=threads, **options).to_bytes() for threads in (1, 3))
    assert one == three
    assert fa.Atlas.build(films, seed=1, **options).to_bytes() != one


def test_vectors_that_are_brought_along(films, tmp_path):
    X, _ = make_blobs(len(films))
    Y = np.random.default_rng(0).normal(size=(len(films), 4))
    np.save(tmp_path / "tags.npy", Y)
    atlas = fa.Atlas.build(
        films, {"plot": X, "tags": tmp_path / "tags.npy"}, weights={"plot": 0.7, "tags": 0.3}
    )
    assert [(part.name, round(part.weight, 6)) for part in atlas.embedding.parts] == [
        ("plot", 0.7),
        ("tags", 0.3),
    ]
    assert atlas.encoder is None and atlas.provenance["encoder"] == "given"
    why = atlas.explain(0, 6)
    assert why.exact_shares and sum(why.shares.values()) == pytest.approx(why.similarity, abs=1e-5)
    combined = fa.combine_embeddings({"plot": X, "tags": Y}, {"plot": 0.7, "tags": 0.3})
    again = fa.Atlas.build(films, combined)
    np.testing.assert_allclose(again.embedding.vectors, atlas.embedding.vectors, atol=1e-6)
    for bad, words in ((X[:-1], "rows"), ({}, "empty"), ({"plot": X[:5]}, "rows")):
        with pytest.raises(ValueError, match=words):
            fa.Atlas.build(films, bad)
    with pytest.raises(ValueError, match="genre"):
        fa.Atlas.build(films, {"plot": X}, weights={"genre": 1})
    with pytest.raises(ValueError, match="embeddings or|both"):
        fa.Atlas.build(films, X, encoder=lambda texts: X)


def test_rows_without_vectors_are_refused_or_carried_through(films):
    X, _ = make_blobs(len(films))
    X = X.copy()
    X[4] = np.nan
    with pytest.raises(ValueError, match="4"):
        fa.Atlas.build(films, X)
    atlas = fa.Atlas.build(films, X, on_invalid="quarantine")
    assert atlas.embedding.bad_rows == [(4, "nan")] and atlas.neighbors(4) == []
    assert np.isnan(atlas.layout.coordinates[4]).all() and len(atlas.path(4)) == 3
    assert atlas.report().ok


def test_encoders(films):
    words = sorted({word for text in TOPICS.values() for word in text.split()})
    calls = []

    def encode(texts):
        calls.append(len(texts))
        return [[text.lower().count(word) for word in words] for text in texts]

    sources = {"overview": 0.7, "genres": 0.3}
    atlas = fa.Atlas.build(films, encoder=encode, sources=["overview"])
    assert calls == [len(films)]
    placed = atlas.place([films[3]["overview"]])
    assert calls[-1] == 1 and placed[0].neighbors[0].id == films[3]["id"]

    class Model:
        def encode(self, texts):
            return encode(texts)

    split = fa.Atlas.build(
        [{**f, "genres": [f["genres"][0], "duel"]} for f in films],
        encoder=Model(),
        sources=sources,
        encode_sources=True,
    )
    assert [part.name for part in split.embedding.parts] == ["overview", "genres"]
    with pytest.raises(ValueError, match="2 vectors"):
        fa.Atlas.build(films, encoder=lambda texts: [[1, 2], [3, 4]])
    with pytest.raises(TypeError):
        fa.Atlas.build(films, encoder=3)


def test_neighbors_are_the_graphs(atlas):
    near = atlas.neighbors("samurai-3", k=5)
    assert [hit.row for hit in near] == atlas.graph.indices[atlas.row("samurai-3"), :5].tolist()
    assert [hit.id for hit in near] == [atlas.ids[hit.row] for hit in near]
    assert near[0].similarity == pytest.approx(1 - near[0].distance, abs=1e-6)
    assert sum(topic(hit.id) == "samurai" for hit in near) >= 4
    assert atlas.neighbors(3) == atlas.neighbors(atlas.ids[3])
    for bad in ("nobody", -1, len(atlas)):
        with pytest.raises(ValueError):
            atlas.neighbors(bad)
    with pytest.raises(TypeError):
        atlas.neighbors(1.5)


def test_search(atlas):
    hits = atlas.search("samurai picture 3")
    assert hits[0].id == "samurai-3" and hits[0].score == 4
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert len(atlas.search("picture", limit=3)) == 3
    assert atlas.search("SÁMURAI Picture 3")[0].id == "samurai-3"


def test_place_lands_items_on_themselves(atlas, films):
    placed = atlas.place(atlas.embedding.vectors[:7], k=5)
    for row, placement in enumerate(placed):
        assert placement.neighbors[0].row == row and placement.path == atlas.path(row)
        np.testing.assert_array_equal(placement.position, atlas.layout.coordinates[row])
    assert atlas.place(atlas.embedding.vectors[2:3], k=5) == placed[2:3]
    by_text = atlas.place(["a ronin with a katana defends the village, sword duel of honour"])[0]
    assert sum(topic(hit.id) == "samurai" for hit in by_text.neighbors) >= 8 and 0 <= by_text.confidence <= 1
    for bad in (np.ones((1, 3)), np.full((1, atlas.encoder.dimensions), np.nan)):
        with pytest.raises(ValueError):
            atlas.place(bad)
    with pytest.raises(TypeError):
        atlas.place("one text")


def test_explain(atlas):
    a, b = "boxing-1", atlas.neighbors("boxing-1")[0].id
    why = atlas.explain(a, b)
    assert why.neighbor_rank == 1 and why.similarity == pytest.approx(
        atlas.neighbors(a)[0].similarity, abs=1e-5
    )
    assert why.shared_terms and why.common_path == atlas.path(a)[: len(why.common_path)]
    assert sum(why.shares.values()) == pytest.approx(why.similarity, abs=1e-5)
    assert why.a in str(why)


def test_export(atlas, films, tmp_path):
    page = tmp_path / "atlas.html"
    atlas.export(page, attributions=["Synthetic data"])
    html = page.read_text(encoding="utf-8")
    assert html == atlas.to_html(attributions=["Synthetic data"])
    assert atlas.check_html(html).ok, str(atlas.check_html(html))
    assert "secret-" not in html and films[0]["title"] in html and "Synthetic data" in html
    atlas.export(tmp_path / "site")
    names = sorted(path.name for path in (tmp_path / "site").iterdir())
    assert names == ["index.html", "items.csv", "neighbors.csv", "nodes.csv", "report.json"]
    assert json.loads((tmp_path / "site" / "report.json").read_text(encoding="utf-8"))["ok"] is True
    assert '"count":180' in html
    assert not atlas.check_html(html.replace('"count":180', '"count":179')).ok
    few = atlas.to_html(columns=["title"])
    assert "overview" not in re.findall(r'"name":"(\w+)"', few)
    for bad in (["notes"], ["nowhere"], []):
        with pytest.raises(ValueError):
            atlas.to_html(columns=bad)


def test_every_place_says_how_far_it_may_be_trusted(atlas):
    quality = atlas.layout.quality
    report = fa.quality_report(
        atlas.embedding.vectors, atlas.layout.coordinates, k=quality.k, graph=atlas.graph, metric="cosine"
    ).at(quality.k)
    np.testing.assert_array_equal(quality.trust_per_item, report.trust_per_item)
    np.testing.assert_array_equal(quality.continuity_per_item, report.continuity_per_item)
    assert np.mean(quality.trust_per_item) == pytest.approx(quality.trustworthiness, abs=1e-12)
    again = fa.Atlas.from_bytes(atlas.to_bytes())
    np.testing.assert_array_equal(again.layout.quality.trust_per_item, quality.trust_per_item)
    table = again.table("items")
    np.testing.assert_array_equal(table["trust"], quality.trust_per_item)
    np.testing.assert_array_equal(table["continuity"], quality.continuity_per_item)
    header, first = again.to_csv().splitlines()[:2]
    assert header.endswith("x,y,kept_neighbors,trust,continuity")
    assert float(first.split(",")[-2]) == pytest.approx(quality.trust_per_item[0])


def test_territories_travel_with_the_map_and_name_their_price(films):
    options = {"n_clusters": [3, 6, 12], "encoder_components": 24}
    plain = fa.Atlas.build(films, **options)
    drawn = fa.Atlas.build(films, map_mode="territories", **options)
    assert plain.plain_quality is None and plain.territories is not None
    assert drawn.hierarchy == plain.hierarchy
    again = fa.Atlas.from_bytes(drawn.to_bytes())
    land = again.territories
    redrawn = fa.territories(drawn.layout, drawn.hierarchy)
    np.testing.assert_array_equal(land.points, redrawn.points)
    np.testing.assert_array_equal(land.cells, redrawn.cells)
    assert all(level.one_piece_share == 1 and level.inside_share == 1 for level in land.levels)
    assert fa.check_territories(again.layout, again.hierarchy, land).ok
    assert again.plain_quality.to_dict() == plain.layout.quality.to_dict()
    price = [finding for finding in again.report().findings if finding.code == "territories.price"]
    assert len(price) == 1 and f"{again.layout.quality.trustworthiness:.3f}" in price[0].message
    page = again.to_html()
    assert again.check_html(page).ok and not plain.check_html(page).ok
    with pytest.raises(fa.InvalidArgumentError, match="use plain or territories"):
        fa.Atlas.build(films, map_mode="islands")
    assert fa.Atlas.build(films, exact_trust=False).layout.quality.trust_per_item is None


def test_tables(atlas, tmp_path):
    items = atlas.table("items")
    assert (
        items.num_rows == len(atlas)
        and "notes" not in items
        and "notes" in atlas.table("items", private=True)
    )
    assert {"id", "title", "macro", "neighborhood", "microcluster", "x", "y", "kept_neighbors"} <= set(items)
    assert list(items["macro"]) == [atlas.path(row)[0] for row in range(len(atlas))]
    assert atlas.table("nodes").num_rows == atlas.hierarchy.num_nodes
    assert atlas.table("neighbors").num_rows == (atlas.graph.indices >= 0).sum()
    assert atlas.to_csv("items").splitlines()[0].startswith("id,")
    assert "notes" not in atlas.to_csv("items").splitlines()[0]
    with pytest.raises(ValueError):
        atlas.table("films")


def test_tables_for_pandas(atlas):
    pandas = pytest.importorskip("pandas")
    frame = atlas.to_pandas()
    assert isinstance(frame, pandas.DataFrame) and frame.shape[0] == len(atlas)
    frame.loc[0, "x"] = 5.0  # a copy, not the atlas's memory
    assert atlas.to_pandas("nodes")["size"].max() <= len(atlas)
    assert atlas.hierarchy.to_pandas().shape[0] == atlas.hierarchy.num_nodes
    assert atlas.graph.to_pandas()["rank"].max() == atlas.graph.k
    assert atlas.layout.to_pandas().columns[:2].tolist() == ["x", "y"]
    assert atlas.report().to_pandas()["severity"].isin(["info", "warning", "error"]).all()


def test_tables_for_arrow_and_parquet(atlas, tmp_path):
    pytest.importorskip("pyarrow")
    from pyarrow import parquet

    for name in ("items", "nodes", "neighbors"):
        atlas.to_parquet(tmp_path / f"{name}.parquet", name)
        assert parquet.read_table(tmp_path / f"{name}.parquet").num_rows == atlas.table(name).num_rows
    assert atlas.to_arrow("items").column("id").to_pylist() == atlas.ids


def test_tables_for_polars(atlas):
    pytest.importorskip("polars")
    assert atlas.to_polars("neighbors").height == atlas.table("neighbors").num_rows
    assert atlas.to_polars("items").height == len(atlas)


def test_tiny_catalogues():
    for n in (1, 2, 3, 5):
        rows = [
            {"id": str(i), "title": f"Film {i}", "overview": f"a film about robots and gardens number{i}"}
            for i in range(n)
        ]
        atlas = fa.Atlas.build(rows, np.eye(5, dtype=np.float32)[:n] + 0.1)
        assert len(atlas) == n and len(atlas.path(0)) == 3
        assert fa.Atlas.from_bytes(atlas.to_bytes()).to_bytes() == atlas.to_bytes()


def test_options_are_checked(films):
    for options, words in (
        ({"roles": {"heading": "title"}}, "heading"),
        ({"roles": {"title": "nowhere"}}, "nowhere"),
        ({"n_clusters": [3, 2, 1]}, "n_clusters"),
        ({"n_clusters": [3]}, "n_clusters"),
        ({"n_neighbors": 0}, "n_neighbors"),
        ({"metric": "nearness"}, "nearness"),
        ({"stop_words": "klingon"}, "klingon"),
        ({"on_invalid": "ignore"}, "ignore"),
        ({"sources": ["title"]}, "title"),
        ({"private_columns": ["nowhere"]}, "nowhere"),
        ({"seed": -1}, "seed"),
    ):
        with pytest.raises(ValueError, match=words):
            fa.Atlas.build(films, **options)
    for options in ({"n_clusters": 8}, {"levels": "macro"}, {"sources": "overview"}, {"progress": 3}):
        with pytest.raises(TypeError):
            fa.Atlas.build(films, **options)


def test_row_order_does_not_decide_the_tree(films):
    X, _ = make_blobs(len(films))
    order = np.random.default_rng(5).permutation(len(films))
    a = fa.Atlas.build(films, X, n_clusters=[3, 6, 12])
    b = fa.Atlas.build([films[i] for i in order], X[order], n_clusters=[3, 6, 12])
    assert fa.adjusted_rand_index(a.hierarchy.labels(-1)[order], b.hierarchy.labels(-1)) == pytest.approx(1)


def test_make_films_is_deterministic():
    assert make_films() == make_films()
