# SPDX-License-Identifier: MIT
"""The architecture, held by tests: layering, public headers, versions, what may be included where."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from conftest import ROOT

INCLUDE = ROOT / "include" / "filmatlas"
SRC = ROOT / "src"


def dependencies():
    text = re.sub(r"#.*", "", (ROOT / "CMakeLists.txt").read_text(encoding="utf-8"))
    found = {}
    for body in re.findall(r"filmatlas_stage\(([^)]*)\)", text):
        name, *rest = body.split()
        found[name] = set(rest[1:]) if rest[:1] == ["DEPS"] else set(rest)
    return found


DEPS = dependencies()
STAGES = list(DEPS)


def sources(*folders):
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.suffix in {".hpp", ".cpp", ".inc", ".h"}:
                yield path


def includes(path):
    for line in path.read_text(encoding="utf-8").splitlines():
        match = re.match(r'\s*#\s*include\s+[<"]([^">]+)[">]', line)
        if match:
            yield match.group(1)


def stage_of(path):
    root = INCLUDE if INCLUDE in path.parents else SRC
    parts = path.relative_to(root).parts
    return parts[0] if len(parts) > 1 else None


def public_headers():
    return [path for path in sources(INCLUDE) if "detail" not in path.parts and path.suffix == ".hpp"]


def test_stages_have_folders_and_no_cycle():
    assert set(STAGES) == {path.name for path in INCLUDE.iterdir() if path.is_dir()}
    for position, stage in enumerate(STAGES):
        assert DEPS[stage] <= set(STAGES[:position]), f"{stage} depends on a stage that is declared after it"
    order, state = [], {}

    def visit(stage):
        assert state.get(stage) != "open", f"cycle through {stage}"
        if stage not in state:
            state[stage] = "open"
            for below in DEPS[stage]:
                visit(below)
            state[stage] = "done"
            order.append(stage)

    for stage in STAGES:
        visit(stage)


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_includes_only_what_is_below_it(stage):
    allowed = DEPS[stage] | {stage}
    wrong = []
    for path in sources(INCLUDE / stage, SRC / stage):
        for name in includes(path):
            match = re.match(r"(?:filmatlas/)?(\w+)/", name)
            if match and match.group(1) in DEPS and match.group(1) not in allowed:
                wrong.append(f"{path.relative_to(ROOT)} includes {name}")
    assert not wrong


def test_includes_of_our_own_exist():
    for path in sources(INCLUDE, SRC):
        for name in includes(path):
            if name.startswith("filmatlas/"):
                assert (ROOT / "include" / name).exists(), f"{path.relative_to(ROOT)} includes {name}"


def test_public_headers_are_free_of_third_parties():
    for path in public_headers():
        for name in includes(path):
            known = name.startswith("filmatlas/") or re.fullmatch(r"[a-z_]+", name)
            assert known, f"{path.relative_to(ROOT)} includes {name}"
            if name.startswith("filmatlas/") and "/detail/" in name:
                text = path.read_text(encoding="utf-8")
                before = text[: text.index(name)]
                assert (
                    before.rstrip().splitlines()[-1].startswith("#include")
                    or "FILMATLAS_HEADER_ONLY" in before
                )


def test_no_foreign_index_is_used():
    for path in sources(INCLUDE, SRC):
        assert not any(re.match(r"(hnswlib|faiss|usearch)/", name) for name in includes(path)), path


def test_python_is_included_in_python_only():
    for path in sources(INCLUDE, SRC, ROOT / "tests" / "cpp"):
        for name in includes(path):
            assert not re.match(r"(pybind11|Python\.h|numpy/|nanobind)", name), path


def test_files_have_licence_guards_and_width():
    for path in sources(INCLUDE, SRC, ROOT / "python" / "bindings"):
        if path.suffix == ".inc" or path.name == "site_bundle.cpp":
            continue
        text = path.read_text(encoding="utf-8")
        assert text.startswith("// SPDX-License-Identifier: MIT"), path
        if path.suffix == ".hpp" and "detail" not in path.parts and INCLUDE in path.parents:
            guard = "FILMATLAS_" + "_".join(path.relative_to(INCLUDE).with_suffix("").parts).upper() + "_HPP"
            assert f"#ifndef {guard}" in text and f"#define {guard}" in text, path
    for path in (ROOT / "python" / "filmatlas").glob("*.py*"):
        assert path.read_text(encoding="utf-8").startswith("# SPDX-License-Identifier: MIT"), path


def test_public_headers_are_named_by_a_test():
    tests = "\n".join(path.read_text(encoding="utf-8") for path in sources(ROOT / "tests" / "cpp"))
    missing = [
        str(path.relative_to(INCLUDE))
        for path in public_headers()
        if path.parent != INCLUDE and f"filmatlas/{path.relative_to(INCLUDE).as_posix()}" not in tests
    ]
    assert not missing


def test_one_version():
    import filmatlas
    from filmatlas import _core

    text = (INCLUDE / "core" / "version.hpp").read_text(encoding="utf-8")
    version = re.search(r'#define FILMATLAS_VERSION "([0-9.]+)"', text).group(1)
    assert filmatlas.__version__ == _core.__version__ == _core.build_info()["version"] == version
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert 'dynamic = ["version"]' in project and not re.search(r'^version = "\d', project, re.M)


def reachable(path, seen=None):
    """Names of all headers that a file sees, our own followed (headers' header-only bodies left out)."""
    seen = set() if seen is None else seen
    for name in includes(path):
        if name in seen or ("/detail/" in name and name.endswith("_impl.hpp")):
            continue
        seen.add(name)
        if name.startswith("filmatlas/"):
            reachable(ROOT / "include" / name, seen)
    return seen


def test_kernels_of_an_instruction_set_share_nothing():
    """An inline function compiled twice links to one copy, maybe the one this processor cannot run."""
    files = sorted((SRC / "linalg").glob("kernels_*.cpp"))
    assert len(files) >= 3
    for path in files:
        system = {name for name in reachable(path) if not name.startswith("filmatlas/")}
        assert system <= {"cstddef", "cstdint", "immintrin.h"}, path.name


def test_nothing_writes_to_the_terminal_or_exits():
    forbidden = re.compile(
        r"\b(?:std::cout|std::cerr|printf\s*\(|puts\s*\(|std::exit|std::abort|std::terminate)\b"
    )
    for path in sources(INCLUDE, SRC):
        text = re.sub(r"//.*", "", path.read_text(encoding="utf-8"))
        assert not forbidden.search(text), path


def test_random_numbers_and_threads_are_our_own():
    forbidden = re.compile(
        r"std::(?:uniform_\w+_distribution|normal_distribution|shuffle|mt19937|default_random_engine|random_device)"
        r"|\bstd::rand\b|#pragma omp|-ffast-math"
    )
    for path in sources(INCLUDE, SRC):
        assert not forbidden.search(path.read_text(encoding="utf-8")), path


def test_the_package_imports_no_tool_it_does_not_require():
    standard = sys.stdlib_module_names
    allowed = {"numpy", "filmatlas"}
    optional = {"pandas", "polars", "pyarrow", "sklearn", "scipy", "sentence_transformers", "matplotlib"}
    for path in (ROOT / "python" / "filmatlas").glob("*.py"):
        for line in path.read_text(encoding="utf-8").splitlines():
            match = re.match(r"(\s*)(?:from|import) ([a-zA-Z_]\w*)", line)
            if not match:
                continue
            indent, name = match.groups()
            top_level_ok = name in standard or name in allowed
            assert top_level_ok or (name in optional and indent), f"{path.name}: {line.strip()}"


def test_readme_exists_once_a_release_names_it():
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    readme = re.search(r'^readme = "(.+)"', project, re.M).group(1)
    assert (ROOT / readme).exists()


def test_the_interpreter_runs_the_package_as_a_module():
    result = subprocess.run([sys.executable, "-m", "filmatlas", "--version"], capture_output=True, text=True)
    assert result.returncode == 0 and result.stdout.startswith("filmatlas ")


def header_only_order(root, include):
    """Files that are entered again, when compiled header-only from `root`, before their own lines were read."""
    read, whole, open_files, early = set(), set(), [], []

    def visit(name):
        open_files.append([name, False])
        guarded = False
        for line in (include / name).read_text(encoding="utf-8").splitlines():
            if line.startswith("#ifndef FILMATLAS_") and not guarded:
                if name in read:
                    break
                guarded = True
                read.add(name)
            elif line == "#ifdef FILMATLAS_HEADER_ONLY":
                open_files[-1][1] = True
            elif match := re.match(r'#include "(filmatlas/[^"]+)"', line):
                target = match.group(1)
                if target in read and target not in whole:
                    early.extend(f for f, at_end in open_files if f == target and not at_end)
                elif target not in read:
                    visit(target)
        whole.add(name)
        open_files.pop()

    visit(root)
    return early


def test_every_header_can_come_first_in_header_only_use():
    include = ROOT / "include"
    for path in sorted(include.glob("filmatlas/*/*.hpp")):
        root = path.relative_to(include).as_posix()
        assert not header_only_order(root, include), root
