"""Pages that C++ exported, in a real browser: the sample catalogue, and 15,834 films where that data is at hand.

The browser's own checks (no request, no console error, search, panel, labels, history) are web/test/page.test.mjs; here
the page's neighbour lists are also held against a brute-force search in float64 that shares no code with the library.
"""
import base64
import gzip
import json
import os
import pathlib
import re
import shutil
import subprocess

import numpy as np
import pytest

import filmatlas as fa

ROOT = pathlib.Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "examples" / "data"
SHARED = pathlib.Path(os.environ.get("FILMATLAS_SHARED_DATA", ROOT.parent / "shared" / "data"))
SOURCES = ("synopsis", "themes", "tags", "mood")


def payload(page):
    text = page.read_text(encoding="utf-8")
    block = lambda name: re.search(f'id="filmatlas-{name}">(.*?)</script>', text, re.S).group(1)
    manifest = json.loads(block("manifest"))
    raw = base64.b64decode(block("binary"))
    columns = {}
    for entry in manifest["binary"]:
        dtype = {"f32": "<f4", "i32": "<i4"}[entry["dtype"]]
        columns[entry["name"]] = np.frombuffer(raw, dtype, entry["count"], entry["offset"])
    return manifest, columns


def unit(vectors):
    vectors = vectors.astype(np.float64)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def check_neighbors(page, vectors, rows):
    """The page's lists against all cosines in float64; ids may differ only between practically equal distances."""
    manifest, columns = payload(page)
    k = manifest["neighbors"]["k"]
    listed = columns["neighbors"].reshape(-1, k)
    assert len(listed) == len(vectors)
    for row in rows:
        distances = 1 - vectors @ vectors[row]
        distances[row] = np.inf
        truth = np.sort(distances)[:k]
        assert row not in listed[row]
        assert len(set(listed[row].tolist())) == k
        np.testing.assert_allclose(distances[listed[row]], truth, rtol=1e-6, atol=1e-7)


def run_browser(page):
    if not (ROOT / "web" / "node_modules").is_dir():
        pytest.skip("web/node_modules is absent: run npm ci in web/")
    result = subprocess.run(["node", "--test", "test/page.test.mjs"], cwd=ROOT / "web", capture_output=True, text=True,
                            env={**os.environ, "FILMATLAS_PAGE": str(page)}, timeout=900)
    assert result.returncode == 0, result.stdout[-6000:] + result.stderr[-2000:]


@pytest.fixture(scope="module")
def sample_page(tmp_path_factory):
    page = tmp_path_factory.mktemp("sample") / "films.html"
    atlas = fa.Atlas.build(str(SAMPLE / "films.jsonl"),
                           embeddings={name: str(SAMPLE / f"films_{name}.npy") for name in SOURCES}, title="Film atlas")
    assert atlas.report().ok
    atlas.export(str(page))
    return page


def test_sample_neighbours_are_the_true_ones(sample_page):
    vectors = np.hstack([unit(np.load(SAMPLE / f"films_{name}.npy")) / 2 for name in SOURCES])
    check_neighbors(sample_page, vectors, range(len(vectors)))


def test_sample_page_in_the_browser(sample_page):
    run_browser(sample_page)


@pytest.fixture(scope="module")
def films_page(tmp_path_factory):
    records, vectors = SHARED / "films.jsonl.gz", SHARED / "films_minilm.npy.gz"
    if not (records.exists() and vectors.exists()):
        pytest.skip("the research data is absent: films.jsonl.gz, films_minilm.npy.gz")
    folder = tmp_path_factory.mktemp("films")
    for source in (records, vectors):
        with gzip.open(source) as packed, open(folder / source.stem, "wb") as plain:
            shutil.copyfileobj(packed, plain)
    page = folder / "films.html"
    atlas = fa.Atlas.build(str(folder / "films.jsonl"), embeddings=str(folder / "films_minilm.npy"))
    assert atlas.report().ok
    atlas.export(str(page))
    return page


def test_films_neighbours_are_the_true_ones(films_page):
    vectors = unit(np.load(films_page.parent / "films_minilm.npy"))
    check_neighbors(films_page, vectors, np.random.default_rng(0).choice(len(vectors), 100, replace=False))


def test_films_page_in_the_browser(films_page):
    run_browser(films_page)
