# SPDX-License-Identifier: MIT
"""What the benchmark runners share: data, contenders in processes of their own, results, and what is said of a machine."""

from __future__ import annotations

import argparse
import gzip
import importlib.metadata
import json
import os
import pathlib
import platform
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
PASSIVE = {"OMP_WAIT_POLICY": "passive"}  # threads of one contender must not spin in the time of the next
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"


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


def measured(function):
    """What a function returns; and its wall and CPU seconds, and the peak of memory beyond what there was before."""
    forget_peak()
    before = memory_mb("VmRSS")
    wall, cpu = time.perf_counter(), time.process_time()
    returned = function()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    peak = memory_mb("VmHWM")
    return returned, {"wall": wall, "cpu": cpu, "peak_mb": None if peak is None else max(0.0, peak - before)}


class Child:
    """A contender's process: `script --child <arguments> <threads>`, which answers each line with one run, as JSON.

    What it prints beside its answers is passed over.
    """

    def __init__(self, script, arguments, threads, environment=None):
        limits = {f"{library}_NUM_THREADS": str(threads) for library in ("OMP", "OPENBLAS", "MKL", "NUMBA", "FILMATLAS")}
        self.errors = tempfile.TemporaryFile("w+", encoding="utf-8")
        self.process = subprocess.Popen(
            [sys.executable, str(pathlib.Path(script).resolve()), "--child", *map(str, arguments), str(threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
            env={**os.environ, **limits, **(environment or {})},
        )

    def run(self, request=""):
        """One run, or the reason why there is none."""
        try:
            self.process.stdin.write(f"{request}\n")
            self.process.stdin.flush()
            for line in self.process.stdout:
                if line.startswith("{"):
                    return json.loads(line)
        except BrokenPipeError:
            pass
        self.process.wait()
        self.errors.seek(0)
        lines = self.errors.read().strip().splitlines()
        return lines[-1].split(": ", 1)[-1] if lines else f"ended with status {self.process.returncode}"

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.errors.close()


def chosen_cases(parser, options, cases):
    """The cases named by --cases, which have to be among `cases`."""
    chosen = options.cases.split(",")
    unknown = [case for case in chosen if case not in cases]
    if unknown:
        parser.error(f"unknown case {unknown[0]!r}; there are {', '.join(cases)}")
    return chosen


def saved_results(folder, stage, cases):
    """What was written to <stage>_<case>.json, in the order of the cases."""
    paths = [folder / f"{stage}_{case}.json" for case in cases]
    return [json.loads(path.read_text(encoding="utf-8")) for path in paths if path.exists()]


def about_line(result):
    """Processor, system, and how filmatlas was built."""
    about, host = result["filmatlas"], result["machine"]
    memory = f", {host['memory_gib']} GiB" if host["memory_gib"] else ""
    return (
        f"{host['processor']} ({', '.join(host['instructions'])}), {host['cores']} cores{memory}, {host['system']}, "
        f"Python {host['python']}; filmatlas {about.get('version')} ({about.get('compiler')}, {about.get('simd')}, "
        f"commit {about['commit']})"
    )


def refresh_page(page, body):
    """Replaces what stands between the "measured" marks of a page."""
    head, rest = page.read_text(encoding="utf-8").split(BEGIN)
    _, tail = rest.split(END)
    page.write_text(f"{head}{BEGIN}\n{body}{END}{tail}", encoding="utf-8")


def svg_pyplot():
    """matplotlib.pyplot, writing the same SVG file from the same figures."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "filmatlas"
    matplotlib.rcParams["svg.fonttype"] = "none"
    import matplotlib.pyplot as plt

    return plt


def publish(description, stage, cases, report, draw, caption):
    """The main of a plot script: draws <docs>/<stage>.svg and refreshes <docs>/<stage>.md from the saved results."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=pathlib.Path, default=HERE / "results")
    parser.add_argument("--docs", type=pathlib.Path, default=HERE.parent / "docs")
    options = parser.parse_args()
    results = saved_results(options.results, stage, cases)
    figure = f"\n![{caption}]({stage}.svg)\n\n" if draw(results, options.docs / f"{stage}.svg") else ""
    tables = report(results).split("\n", 2)[2].replace("\n## ", "\n### ")  # without the title
    tables = "### " + tables[3:] if tables.startswith("## ") else tables
    refresh_page(options.docs / f"{stage}.md", figure + tables.rstrip() + "\n")
