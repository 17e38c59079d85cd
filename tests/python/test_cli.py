# SPDX-License-Identifier: MIT
"""The command: what it writes, what it prints, how it fails."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest

import filmatlas as fa
from conftest import make_blobs


def run(*arguments, cwd=None, stdin=None):
    return subprocess.run(
        [sys.executable, "-m", "filmatlas", *map(str, arguments)],
        capture_output=True, text=True, encoding="utf-8", cwd=cwd, input=stdin, timeout=120,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
    )  # fmt: skip


@pytest.fixture(scope="module")
def built(jsonl, tmp_path_factory):
    folder = tmp_path_factory.mktemp("built")
    result = run(
        "build", jsonl, "--out", folder / "films.fatlas", "--html", folder / "films.html", "--title", "Films",
        "--private-column", "notes", "--clusters", "3,6,12", "--attribution", "Synthetic", "--json",
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    return folder, json.loads(result.stdout)


def test_build(built):
    folder, facts = built
    assert facts["ok"] is True and facts["items"] == 180 and facts["title"] == "Films"
    assert facts["levels"] == {"macro": 3, "neighborhood": 6, "microcluster": 12}
    assert facts["report"]["errors"] == 0 and facts["cleaning"]["seen"] == 180
    html = (folder / "films.html").read_text(encoding="utf-8")
    assert "Samurai Picture 3" in html and "secret-" not in html
    assert fa.Atlas.load(folder / "films.fatlas").check_html(html).ok


def test_build_prints_facts_and_no_bar_without_a_terminal(jsonl, tmp_path):
    result = run("build", jsonl, "--out", tmp_path / "a.fatlas")
    assert result.returncode == 0 and result.stderr == ""
    assert "180 items" in result.stdout and "films: " in result.stdout and "wrote" in result.stdout
    quiet = run("build", jsonl, "--out", tmp_path / "b.fatlas", "--quiet", "--threads", 1)
    assert quiet.stdout == quiet.stderr == ""
    assert (tmp_path / "a.fatlas").read_bytes() == (tmp_path / "b.fatlas").read_bytes()
    bar = run("build", jsonl, "--out", tmp_path / "c.fatlas", "--progress")
    assert "[" in bar.stderr and "%" in bar.stderr


def test_build_with_vectors(jsonl, tmp_path):
    X, _ = make_blobs(180)
    np.save(tmp_path / "a.npy", X)
    np.savez(tmp_path / "b.npz", tags=X[:, :4], other=X)
    result = run(
        "build", jsonl, "--out", "films.fatlas", "--json", "--embeddings", "plot=a.npy:0.6",
        "--embeddings", "tags=b.npz#tags:0.4", "--source", "plot=overview:0.6:30", "--source", "genres:0.4",
        "--levels", "region,place", "--clusters", "3,9", cwd=tmp_path,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    facts = json.loads(result.stdout)
    assert facts["vectors"] == pytest.approx({"plot": 0.6, "tags": 0.4}) and facts["levels"] == {
        "region": 3,
        "place": 9,
    }


def test_export_report_inspect_search_place(built):
    folder, _ = built
    atlas = folder / "films.fatlas"
    assert run("export", atlas, folder / "site").returncode == 0
    assert (folder / "site" / "index.html").exists()
    report = run("report", atlas, "--json", "--html", folder / "report.html", "--site", folder / "films.html")
    assert report.returncode == 0 and json.loads(report.stdout)["ok"] is True
    assert (folder / "report.html").read_text(encoding="utf-8").lstrip().lower().startswith("<!doctype html")
    facts = json.loads(run("inspect", atlas, "--json", "--depth", 3).stdout)
    assert facts["items"] == 180 and len(facts["nodes"]) == 21
    tree = run("inspect", atlas).stdout
    assert "180 items" in tree and sum(node["label"] in tree for node in facts["nodes"]) >= 9
    item = json.loads(run("inspect", atlas, "--item", "samurai-3", "--json").stdout)
    by_title = json.loads(run("inspect", atlas, "--item", "Samurai Picture 3", "--json").stdout)
    assert item == by_title and len(item["neighbors"]) == 10 and len(item["path"]) == 3
    assert run("inspect", atlas, "--item", "samurai-3").stdout.startswith("Samurai Picture 3")
    hits = json.loads(run("search", atlas, "ghost", "picture", "--limit", 4, "--json").stdout)["hits"]
    assert len(hits) == 4 and "Ghost" in hits[0]["title"]
    text = "a katana, a ronin and a village"
    placed = json.loads(run("place", atlas, text, "--json").stdout)["placements"]
    assert placed[0]["item"] == text and "samurai" in placed[0]["neighbors"][0]["id"]
    assert run("place", atlas, "--texts", "-", "--json", stdin=text + "\n").stdout.count('"item"') == 1
    assert "confidence" in run("place", atlas, text).stdout


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ((), 2, "usage"),
        (("build",), 2, "required"),
        (("build", "x.jsonl"), 2, "--out"),
        (("paint",), 2, "invalid choice"),
        (("build", "x.jsonl", "--out", "y", "--clusters", "8,4"), 2, "ascend"),
        (("build", "x.jsonl", "--out", "y", "--threads", "-1"), 2, "negative"),
        (("build", "x.jsonl", "--out", "y", "--embeddings", "a.npy", "--embeddings", "b.npy"), 2, "names"),
        (("build", "x.jsonl", "--out", "y", "--clusters", "2,4", "--levels", "a"), 2, "--levels"),
        (("place", "x.fatlas"), 2, "texts"),
        (("build", "missing.jsonl", "--out", "y.fatlas"), 4, "missing.jsonl"),
        (("report", "missing.fatlas"), 4, "missing.fatlas"),
        (("build", "bad.jsonl", "--out", "y.fatlas"), 3, "line 2"),
        (("build", "good.txt", "--out", "y.fatlas"), 3, "good.txt"),
        (("inspect", "good.txt"), 3, "good.txt"),
        (
            ("build", "good.jsonl", "--out", "no/where.fatlas", "--embeddings", "good.npy"),
            4,
            "no/where.fatlas",
        ),
        (("build", "good.jsonl", "--out", "y.fatlas", "--embeddings", "short.npy"), 3, "rows"),
        (("build", "good.jsonl", "--out", "y.fatlas", "--source", "nowhere"), 3, "nowhere"),
    ],
)
def test_failures_are_one_readable_message(arguments, code, words, tmp_path):
    (tmp_path / "bad.jsonl").write_text('{"id": "a"}\n{"id": \n', encoding="utf-8")
    (tmp_path / "good.txt").write_text("hello", encoding="utf-8")
    rows = [{"id": str(i), "title": f"t{i}", "overview": "robots in a garden"} for i in range(6)]
    (tmp_path / "good.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    np.save(tmp_path / "good.npy", np.eye(6))
    np.save(tmp_path / "short.npy", np.eye(5))
    result = run(*arguments, cwd=tmp_path)
    assert result.returncode == code, result.stderr
    assert words in result.stderr + result.stdout and "Traceback" not in result.stderr
    if code > 2:
        assert result.stderr.startswith("filmatlas: error: ") and result.stderr.count("\n") == 1
        as_json = run(*arguments, "--json", cwd=tmp_path)
        fields = json.loads(as_json.stdout)
        assert (
            fields["ok"] is False
            and fields["exit_code"] == code == as_json.returncode
            and fields["error"]["message"]
        )


def test_help_teaches():
    for arguments in ((), ("build",), ("inspect",), ("place",)):
        result = run(*arguments, "--help")
        assert result.returncode == 0 and "examples:" in result.stdout and "exit codes:" in result.stdout
    assert fa.__version__ in run("--version").stdout


def test_a_closed_pipe_is_no_error(built):
    folder, _ = built
    command = (
        f'"{sys.executable}" -m filmatlas inspect "{folder / "films.fatlas"}" --json --depth 3 | head -c 10'
    )
    result = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=60)
    assert "Traceback" not in result.stderr and "Exception ignored" not in result.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_control_characters_of_data_do_not_reach_the_terminal(built):
    folder, _ = built
    result = run("place", folder / "films.fatlas", "a \x1b[31mred\x07 katana")
    assert "\x1b" not in result.stdout and "\x07" not in result.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_interrupt_is_130(tmp_path):
    rows = (
        {"id": str(i), "title": f"t{i}", "overview": f"robots {i} in a garden {i % 97} of words{i % 1013}"}
        for i in range(30000)
    )
    (tmp_path / "big.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    np.save(tmp_path / "big.npy", np.random.default_rng(0).normal(size=(30000, 256)).astype(np.float32))
    process = subprocess.Popen(
        [sys.executable, "-m", "filmatlas", "build", "big.jsonl", "--embeddings", "big.npy",
         "--out", "big.fatlas", "--progress"],
        cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    seen = ""
    while "knn" not in seen and (char := process.stderr.read(1)):
        seen += char
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 130 and "interrupted" in errors and "Traceback" not in errors
    assert not (tmp_path / "big.fatlas").exists()
