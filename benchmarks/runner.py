# SPDX-License-Identifier: MIT
"""What the benchmark runners share: data, memory of a process, and what is said of machine and versions."""

from __future__ import annotations

import gzip
import importlib.metadata
import os
import pathlib
import platform
import subprocess

HERE = pathlib.Path(__file__).resolve().parent


def load_npy(folder, name):
    """An array from <name>.npy or <name>.npy.gz."""
    import numpy as np

    path = pathlib.Path(folder) / f"{name}.npy"
    if path.exists():
        return np.load(path)
    with gzip.open(f"{path}.gz") as stream:
        return np.lib.format.read_array(stream, allow_pickle=False)


def unit(X):
    """Rows of length 1, as float32."""
    import numpy as np

    X = np.ascontiguousarray(X, dtype=np.float32)
    return X / np.maximum(np.linalg.norm(X, axis=1, keepdims=True), 1e-30)


def machine():
    """The processor and the system, as far as the system says."""
    model, flags, memory = platform.processor() or platform.machine(), set(), None
    try:
        for line in open("/proc/cpuinfo", encoding="utf-8"):
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
            if line.startswith("flags"):
                flags = set(line.split(":", 1)[1].split())
                break
        memory = round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
    except (OSError, ValueError):
        pass
    words = {
        "avx2": "AVX2", "fma": "FMA", "avx512f": "AVX-512", "avx512_vnni": "VNNI", "avx512_bf16": "BF16", "amx_bf16": "AMX",
    }  # fmt: skip
    return {
        "processor": model,
        "instructions": [word for flag, word in words.items() if flag in flags],
        "cores": os.cpu_count(),
        "memory_gib": memory,
        "system": platform.system(),
        "python": platform.python_version(),
    }


def about_filmatlas():
    """Version, compiler, instruction set and commit."""
    import filmatlas as fa

    info = dict(fa.build_info())
    commit = subprocess.run(["git", "-C", str(HERE), "rev-parse", "--short", "HEAD"], capture_output=True, text=True)
    kept = {key: info[key] for key in ("version", "compiler", "simd") if key in info}
    return {**kept, "commit": commit.stdout.strip() or None}


def version_of(package):
    """Of an installed package; None where there is none."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def forget_peak():
    """Lets the peak of this process's memory start anew (Linux)."""
    try:
        with open("/proc/self/clear_refs", "w", encoding="utf-8") as file:
            file.write("5")
    except OSError:
        pass


def memory_mb(key):
    """Resident memory of this process (VmRSS) or its peak (VmHWM), in MB; None where the system does not say."""
    try:
        for line in open("/proc/self/status", encoding="utf-8"):
            if line.startswith(key):
                return int(line.split()[1]) / 1024
    except OSError:
        pass
    return None
