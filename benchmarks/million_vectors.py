#!/usr/bin/env python3
"""Makes a large set of vectors with real neighbourhoods out of a smaller one, as a memory-mapped .npy file.

    python benchmarks/million_vectors.py out.npy --shared FOLDER [--rows 1000000] [--dtype float16] [--time 2]

Row i is drawn as follows, from NumPy's PCG64 seeded by (seed, i // 8192):

1. a base row b of the source, each equally likely, and two of its 15 true neighbours (exact, cosine);
2. convex weights for the three: the gaps between two sorted uniform numbers in [0, 1];
3. Gaussian noise of standard deviation `--noise` / sqrt(d) per coordinate, so of norm about `--noise`;
4. their sum, scaled to unit norm.

So the rows fill the gaps between real neighbours: they lie where the source is dense, and as far from each other as
noise allows. The source is `arxiv_ml_minilm_int8.npy.gz` (117,592 titles, 384 dimensions) in the folder given by
--shared or FILMATLAS_SHARED_DATA, or any .npy or .npy.gz named by --source. The same arguments give the same bytes.

With --time N the neighbours of the written rows are then found with N threads, in this process, and wall seconds, CPU
seconds, peak memory, recall and a hash of ids and distances are printed as JSON. With --tree K the spanning tree of
mutual reachability (min_samples K) is made of K + 16 such neighbours instead, and its certificate is printed.
"""
import argparse
import gzip
import hashlib
import json
import os
import pathlib
import resource
import sys
import time

import numpy as np

BLOCK = 8192


def load_source(path):
    """Rows of unit norm, float32."""
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rb") as file:
        rows = np.load(file).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def generate(source, neighbors, out, noise, seed):
    """Fills `out` block by block; only one block is ever in memory."""
    d = source.shape[1]
    for start in range(0, len(out), BLOCK):
        random = np.random.Generator(np.random.PCG64([seed, start // BLOCK]))
        count = min(BLOCK, len(out) - start)
        base = random.integers(len(source), size=count)
        first = random.integers(neighbors.shape[1], size=count)
        second = (first + 1 + random.integers(neighbors.shape[1] - 1, size=count)) % neighbors.shape[1]
        cuts = np.sort(random.random((count, 2)), axis=1).astype(np.float32)
        weights = np.diff(cuts, axis=1, prepend=np.float32(0), append=np.float32(1))
        parts = (base, neighbors[base, first], neighbors[base, second])
        rows = sum(weights[:, [i]] * source[ids] for i, ids in enumerate(parts))
        rows += random.standard_normal((count, d), dtype=np.float32) * np.float32(noise / np.sqrt(d))
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        out[start : start + count] = rows


def peak_mb():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def time_descent(path, threads):
    import filmatlas as fa

    rows = np.load(path, mmap_mode="r")
    begin, cpu = time.perf_counter(), time.process_time()
    graph = fa.knn_graph(rows, k=15, method="descent", num_threads=threads)
    digest = hashlib.sha256(graph.indices.tobytes() + graph.distances.tobytes()).hexdigest()
    low, high = graph.recall_interval
    return {
        "rows": len(graph),
        "threads": threads,
        "wall_s": round(time.perf_counter() - begin, 2),
        "cpu_s": round(time.process_time() - cpu, 2),
        "data_mb": round(rows.nbytes / 2**20, 1),
        "peak_mb": round(peak_mb(), 1),
        "recall": round(graph.recall, 5),
        "recall_low": round(low, 5),
        "recall_high": round(high, 5),
        "rounds": graph.run.iterations,
        "sha256": digest,
    }


def time_tree(path, min_samples, threads):
    import filmatlas as fa

    rows = np.load(path, mmap_mode="r")
    begin, cpu = time.perf_counter(), time.process_time()
    graph = fa.knn_graph(rows, k=min_samples + 16, metric="euclidean", method="descent", num_threads=threads)
    middle = time.perf_counter()
    tree = fa.spanning_tree(graph, min_samples=min_samples, num_threads=threads)
    return {
        "rows": len(graph),
        "threads": threads,
        "neighbors_s": round(middle - begin, 2),
        "tree_s": round(time.perf_counter() - middle, 2),
        "cpu_s": round(time.process_time() - cpu, 2),
        "peak_mb": round(peak_mb(), 1),
        "recall": round(graph.recall, 5),
        "edges": len(tree.weight),
        "certified": round(tree.certified, 5),
        "excess_bound": tree.excess_bound,
        "weight": tree.total_weight(),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--shared", type=pathlib.Path, default=os.environ.get("FILMATLAS_SHARED_DATA"))
    parser.add_argument("--source", type=pathlib.Path)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--dtype", choices=("float32", "float16"), default="float32")
    parser.add_argument("--noise", type=float, default=0.3)
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--time", type=int, default=0, metavar="THREADS")
    parser.add_argument("--tree", type=int, default=0, metavar="K")
    parser.add_argument("--keep", action="store_true", help="do not write, only time what is there")
    options = parser.parse_args()
    if not options.keep:
        import filmatlas as fa

        path = options.source
        if path is None:
            if options.shared is None:
                sys.exit("give --shared or --source")
            path = options.shared / "arxiv_ml_minilm_int8.npy.gz"
        source = load_source(path)
        neighbors = fa.knn_graph(source, k=15, method="exact").indices
        out = np.lib.format.open_memmap(
            options.out, mode="w+", dtype=options.dtype, shape=(options.rows, source.shape[1])
        )
        generate(source, neighbors, out, options.noise, options.seed)
        out.flush()
    if options.tree:
        print(json.dumps(time_tree(options.out, options.tree, options.time), indent=1))
    elif options.time:
        print(json.dumps(time_descent(options.out, options.time), indent=1))


if __name__ == "__main__":
    main()
