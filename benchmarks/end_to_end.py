#!/usr/bin/env python3
"""Times `filmatlas build` and `filmatlas export` as whole processes, and compares the bytes they write.

    python benchmarks/end_to_end.py records.jsonl [vectors.npy] [--name films] [--runs 3] [--determinism]

Prints a table and writes benchmarks/results/end_to_end_<name>.{md,json}: wall and CPU seconds, peak memory (the
operating system's own figures for the finished process), seconds per stage as the progress reports show them, machine
and versions. With --determinism the build is repeated with 1 and 2 threads and each instruction set, and the hashes of
the .fatlas and .html files are compared.
"""
import argparse
import hashlib
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import tempfile
import time

from runner import machine

HERE = pathlib.Path(__file__).resolve().parent


def run(arguments, **environment):
    """Wall seconds, CPU seconds, peak MB of a finished command; its output goes to stderr on failure."""
    begin = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-m", "filmatlas", *map(str, arguments)], stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, env={**os.environ, **environment})
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - begin
    if os.waitstatus_to_exitcode(status) not in (0, 1):
        sys.exit(output.decode())
    return {"wall": wall, "cpu": usage.ru_utime + usage.ru_stime, "peak_mb": usage.ru_maxrss / 1024}


def stage_seconds(records, vectors):
    """Seconds per stage, from the times at which the progress reports change their stage."""
    code = """
import json, sys, time
import filmatlas as fa
marks = []
def progress(stage, done, total):
    now = time.perf_counter()
    if not marks or marks[-1][0] != stage:
        marks.append([stage, now, now])
    marks[-1][2] = now
begin = time.perf_counter()
atlas = fa.Atlas.build(sys.argv[1], embeddings=sys.argv[2] or None, progress=progress)
end = time.perf_counter()
seconds, last = {}, begin
for stage, first, final in marks:
    seconds[stage] = seconds.get(stage, 0) + final - last
    last = final
seconds["rest"] = end - last
begin = time.perf_counter(); page = atlas.to_html(); seconds["page"] = time.perf_counter() - begin
begin = time.perf_counter(); data = atlas.to_bytes(); seconds["pack"] = time.perf_counter() - begin
json.dump(seconds, sys.stdout)
"""
    done = subprocess.run([sys.executable, "-c", code, str(records), str(vectors or "")], capture_output=True, text=True)
    return json.loads(done.stdout) if done.returncode == 0 else {"error": done.stderr[-300:]}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("records", type=pathlib.Path)
    parser.add_argument("vectors", type=pathlib.Path, nargs="?")
    parser.add_argument("--name", default="catalogue")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--determinism", action="store_true")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()

    import filmatlas as fa

    result = {"name": options.name, "machine": f"{machine()['processor']}, {os.cpu_count()} processors", "build": fa.build_info(),
              "python": platform.python_version(), "threads": options.threads, "runs": {}}
    if not isinstance(result["build"], dict):
        result["build"] = dict(result["build"])
    with tempfile.TemporaryDirectory() as folder:
        atlas, page = pathlib.Path(folder) / "a.fatlas", pathlib.Path(folder) / "a.html"
        given = ["--embeddings", options.vectors] if options.vectors else []
        build = ["build", options.records, *given, "--out", atlas, "--threads", options.threads, "--quiet"]
        for name, arguments in (("build", build), ("export", ["export", atlas, page])):
            runs = [run(arguments) for _ in range(options.runs)]
            result["runs"][name] = {key: statistics.median(r[key] for r in runs) for key in runs[0]}
        result["sizes_mb"] = {p.suffix: round(p.stat().st_size / 1e6, 2) for p in (atlas, page)}
        result["stages"] = stage_seconds(options.records, options.vectors)
        if options.determinism:
            hashes = {}
            for threads in (1, 2):
                for simd in ("avx512", "avx2", "baseline"):
                    build[build.index("--threads") + 1] = threads
                    run(build, FILMATLAS_SIMD=simd)
                    run(["export", atlas, page], FILMATLAS_SIMD=simd)
                    hashes[f"{threads} threads, {simd}"] = {
                        p.suffix: hashlib.sha256(p.read_bytes()).hexdigest() for p in (atlas, page)}
            result["hashes"] = hashes
            result["identical"] = len({json.dumps(h) for h in hashes.values()}) == 1

    lines = [f"# End to end: {options.name}", "",
             f"{result['machine']}; filmatlas {result['build']['version']} ({result['build']['compiler']}, "
             f"{result['build']['simd']}); Python {result['python']}; {options.threads} threads; median of {options.runs} runs.",
             "", "| step | wall s | CPU s | peak MB |", "|---|---|---|---|"]
    for name, figures in result["runs"].items():
        lines.append(f"| {name} | {figures['wall']:.2f} | {figures['cpu']:.2f} | {figures['peak_mb']:.0f} |")
    total = sum(figures["wall"] for figures in result["runs"].values())
    lines += [f"| both | {total:.2f} | | {max(f['peak_mb'] for f in result['runs'].values()):.0f} |", "",
              "Sizes: " + ", ".join(f"{suffix} {size} MB" for suffix, size in result["sizes_mb"].items()) + ".", "",
              "| stage | s |", "|---|---|"]
    lines += [f"| {stage} | {seconds:.2f} |" for stage, seconds in result["stages"].items() if isinstance(seconds, float)]
    if "identical" in result:
        lines += ["", f"1 and 2 threads x AVX-512, AVX2, baseline: files {'byte-identical' if result['identical'] else 'DIFFER'}."]
    text = "\n".join(lines) + "\n"
    print(text)
    (HERE / "results").mkdir(exist_ok=True)
    (HERE / "results" / f"end_to_end_{options.name}.md").write_text(text, encoding="utf-8")
    (HERE / "results" / f"end_to_end_{options.name}.json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
