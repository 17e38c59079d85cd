# SPDX-License-Identifier: MIT
"""The hand-owned stub says what the compiled module has, and the lazy names say what the modules have."""

from __future__ import annotations

import ast
import inspect
import re
import subprocess
import sys

import pytest

import filmatlas as fa
from conftest import ROOT
from filmatlas import _core

STUB = ast.parse((ROOT / "python/filmatlas/_core.pyi").read_text(encoding="utf-8"))


def public(names):
    return {name for name in names if not name.startswith("_")}


def stub_functions(nodes):
    return {node.name: node for node in nodes if isinstance(node, ast.FunctionDef)}


def arguments(node):
    return [a.arg for a in (*node.args.args, *node.args.kwonlyargs) if a.arg != "self"]


def documented(function):
    """Names of the arguments in a pybind11 docstring; overloads may differ in their types only."""
    lines = (function.__doc__ or "").strip().splitlines()
    overloads = [line.split(". ", 1)[1] for line in lines if re.match(r"\d+\. ", line)]
    found = {tuple(argument_names(line)) for line in overloads or lines[:1]}
    assert len(found) == 1, lines
    return list(found.pop())


def argument_names(line):
    inside = line[line.index("(") + 1 : line.rindex(") ->")]
    depth, parts, part = 0, [], ""
    for char in inside:
        depth += (char in "[(") - (char in "])")
        if char == "," and depth == 0:
            parts.append(part)
            part = ""
        else:
            part += char
    names = [re.split(r"[:=]", p.strip())[0].strip() for p in (*parts, part) if p.strip()]
    return [name for name in names if name != "self"]


def test_the_stub_names_what_the_module_has():
    in_stub = {node.name for node in STUB.body if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
    assert public(in_stub) == public(vars(_core))


def test_members_of_the_classes_agree():
    for node in STUB.body:
        if isinstance(node, ast.ClassDef):
            cls = getattr(_core, node.name)
            assert public(stub_functions(node.body)) == public(vars(cls)), node.name


@pytest.mark.parametrize("name", sorted(public(stub_functions(STUB.body))))
def test_arguments_agree(name):
    names = documented(getattr(_core, name))
    stub = arguments(stub_functions(STUB.body)[name])
    if names and names[-1] == "**kwargs":
        assert stub[: len(names) - 1] == names[:-1]
    else:
        assert stub == names


def test_lazy_names_are_those_of_the_type_checker():
    tree = ast.parse((ROOT / "python/filmatlas/__init__.py").read_text(encoding="utf-8"))
    checked = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level == 1:
            for alias in node.names:
                checked[alias.name] = node.module
    assert checked == fa._HOME
    assert sorted(fa.__all__) == sorted(fa._HOME)  # a literal list, for type checkers


def test_public_callables_are_documented_and_annotated():
    for name in fa.__all__:
        value = getattr(fa, name)
        assert inspect.getdoc(value), name
        if inspect.isfunction(value):
            signature = inspect.signature(value)
            assert signature.return_annotation is not inspect.Signature.empty, name
            assert all(p.annotation is not inspect.Parameter.empty for p in signature.parameters.values()), (
                name
            )


def test_mypy_is_content():
    pytest.importorskip("mypy")
    result = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file", "pyproject.toml", "python/filmatlas"],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert result.returncode == 0, result.stdout
