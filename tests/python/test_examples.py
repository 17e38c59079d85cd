"""What the documentation shows runs as shown: the README's quick starts and the notebook."""

import json
import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def block(language):
    return re.search(rf"```{language}\n(.*?)```", README, re.S).group(1)


def test_readme_python_quick_start_runs(tmp_path, monkeypatch, capsys):
    source = block("python")
    assert len(source.splitlines()) <= 20
    monkeypatch.chdir(tmp_path)
    exec(compile(source.replace("examples/data/", f"{ROOT}/examples/data/"), "README.md", "exec"), {})
    printed = capsys.readouterr().out
    assert "0 errors" in printed
    assert (tmp_path / "films.fatlas").stat().st_size > 100_000
    assert "</html>" in (tmp_path / "films.html").read_text(encoding="utf-8")


def test_readme_cpp_quick_start_is_the_example_that_is_compiled_and_run():
    example = (ROOT / "examples/cpp/quickstart.cpp").read_text(encoding="utf-8")
    assert block("cpp") == example
    assert len(example.splitlines()) <= 40


def test_readme_names_files_that_exist():
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        if not target.startswith("http"):
            assert (ROOT / target).exists(), target
    for script in re.findall(r"^bash (\S+)", README, re.M):
        assert (ROOT / script).exists(), script


def test_notebook_runs():
    nbclient = pytest.importorskip("nbclient")
    nbformat = pytest.importorskip("nbformat")
    pytest.importorskip("matplotlib")
    notebook = nbformat.read(ROOT / "examples/notebooks/walkthrough.ipynb", as_version=4)
    assert all(not cell.get("outputs") for cell in notebook.cells if cell.cell_type == "code"), (
        "commit it without outputs"
    )
    client = nbclient.NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(ROOT)}})
    client.execute()
    images = [
        output
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if "image/png" in output.get("data", {})
    ]
    assert len(images) >= 3


def test_notebook_source_is_clean_json():
    notebook = json.loads((ROOT / "examples/notebooks/walkthrough.ipynb").read_text(encoding="utf-8"))
    assert notebook["nbformat"] == 4
