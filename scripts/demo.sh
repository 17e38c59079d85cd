#!/usr/bin/env bash
# From a fresh machine to an atlas of the sample catalogue: out/films.fatlas, out/films.html and a printed report.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
bash scripts/setup.sh run

echo "== building and installing filmatlas into .venv (a few minutes)"
.venv/bin/python -m pip install --quiet .

mkdir -p out
data=examples/data
.venv/bin/filmatlas build "$data/films.jsonl" \
  --embeddings "synopsis=$data/films_synopsis.npy:0.25" --embeddings "themes=$data/films_themes.npy:0.25" \
  --embeddings "tags=$data/films_tags.npy:0.25" --embeddings "mood=$data/films_mood.npy:0.25" \
  --source synopsis --source themes=genres+themes+settings --source tags --source mood=moods+audience \
  --title "Film atlas" --attribution "Sample catalogue of filmatlas, CC0 1.0" --out out/films.fatlas --html out/films.html
.venv/bin/filmatlas report out/films.fatlas
echo
echo "Open out/films.html in a browser."
