# SPDX-License-Identifier: MIT
"""Importing filmatlas costs next to nothing, and pulls in nothing heavy."""

from __future__ import annotations

import os
import subprocess
import sys


def seconds(statement: str) -> float:
    script = f"import time; t = time.perf_counter(); {statement}; print(time.perf_counter() - t)"
    runs = [
        float(
            subprocess.run(
                [sys.executable, "-c", script], capture_output=True, text=True, check=True, env=os.environ
            ).stdout
        )
        for _ in range(5)
    ]
    return min(runs)


def test_import_costs_less_than_50_ms_more_than_numpy():
    assert seconds("import numpy, filmatlas") - seconds("import numpy") < 0.05


def test_import_loads_no_heavy_module():
    script = "import sys, filmatlas; filmatlas.knn_graph; print(' '.join(sys.modules))"
    loaded = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, env=os.environ
    ).stdout.split()
    assert not {"pandas", "sklearn", "scipy", "polars", "pyarrow", "tqdm", "matplotlib", "argparse"} & set(
        loaded
    )
