# SPDX-License-Identifier: MIT
"""What is installed, where its headers are, and what to quote in a bug report."""

from __future__ import annotations

import importlib.util
import os
import platform
import sys
from typing import Any


def build_info() -> dict[str, Any]:
    """Version, compiler, instruction set in use, threads."""
    from . import _core

    info: dict[str, Any] = _core.build_info()
    return info


def show_versions() -> None:
    """Prints the versions of filmatlas, Python and the optional tools that are installed."""
    from importlib import metadata

    lines = {f"filmatlas {key}": value for key, value in build_info().items()}
    lines["python"] = sys.version.split()[0]
    lines["platform"] = platform.platform()
    names = (
        "numpy scipy scikit-learn pandas polars pyarrow tqdm matplotlib "
        "sentence-transformers pybind11 scikit-build-core"
    )
    for name in names.split():
        try:
            lines[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            lines[name] = "-"
    width = max(map(len, lines))
    print("\n".join(f"{key:<{width}}  {value}" for key, value in lines.items()))


def _package_path(*parts: str) -> str:
    # An editable install keeps the compiled files and headers apart from the Python sources.
    for folder in (os.path.dirname(os.path.abspath(__file__)), _core_folder()):
        path = os.path.join(folder, *parts)
        if os.path.isdir(path):
            return path
    raise FileNotFoundError(
        f"{os.path.join(*parts)} is not beside the package: this copy runs from a build tree; "
        "use the include/ folder of the source tree"
    )


def _core_folder() -> str:
    spec = importlib.util.find_spec("filmatlas._core")
    return os.path.dirname(os.path.abspath(spec.origin)) if spec is not None and spec.origin else ""


def get_include() -> str:
    """Folder of the C++ headers (``#include "filmatlas/..."``)."""
    return _package_path("include")


def get_cmake_dir() -> str:
    """Folder of filmatlasConfig.cmake; its target is ``filmatlas::header_only``."""
    return _package_path("share", "cmake", "filmatlas")
