# SPDX-License-Identifier: MIT
"""A small synthetic catalogue with known structure, and points with known clusters."""

from __future__ import annotations

import pathlib
import random
import signal
from typing import Any

import numpy as np
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]

if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:  # as a shell leaves it for what runs in the background
    signal.signal(signal.SIGINT, signal.default_int_handler)

TOPICS = {
    "samurai": "sword honour village ronin clan duel master castle bandit loyalty katana shogun",
    "space": "planet rocket crew orbit galaxy alien signal station gravity captain colony astronaut",
    "heist": "bank vault crew plan safe robbery getaway casino thief detective guard diamond",
    "ghost": "haunted mansion spirit curse seance whisper attic shadow candle graveyard medium nightmare",
    "boxing": "ring trainer fight champion glove round gym title knockout underdog coach punch",
    "romance": "wedding letter kiss summer paris dance stranger train promise heart waltz farewell",
}
COMMON = (
    "the a of and in with finds must after young old last night story people home city years life".split()
)


def make_films(per_topic: int = 30, seed: int = 7) -> list[dict[str, Any]]:
    draw = random.Random(seed)
    films = []
    for topic, words in TOPICS.items():
        vocabulary = words.split()
        for i in range(per_topic):
            text = [
                draw.choice(vocabulary) if draw.random() < 0.6 else draw.choice(COMMON) for _ in range(40)
            ]
            films.append(
                {
                    "id": f"{topic}-{i}",
                    "title": f"{topic.title()} Picture {i}",
                    "year": 1930 + draw.randrange(90),
                    "overview": " ".join(text).capitalize() + ".",
                    "genres": draw.sample([topic, "drama", "classic", "colour"], 2),
                    "moods": {topic: 0.9, draw.choice(["tense", "calm"]): round(draw.random(), 3)},
                    "page": f"https://example.org/{topic}/{i}",
                    "notes": f"secret-{topic}-{i}",
                }
            )
    return films


def make_blobs(
    n: int = 240, d: int = 16, centers: int = 6, seed: int = 3, spread: float = 0.25
) -> tuple[Any, Any]:
    draw = np.random.default_rng(seed)
    middle = draw.normal(size=(centers, d))
    labels = np.arange(n) % centers
    return (middle[labels] + spread * draw.normal(size=(n, d))).astype(np.float32), labels


@pytest.fixture(scope="session")
def films() -> list[dict[str, Any]]:
    return make_films()


@pytest.fixture(scope="session")
def blobs() -> tuple[Any, Any]:
    return make_blobs()


@pytest.fixture(scope="session")
def atlas(films: list[dict[str, Any]]) -> Any:
    import filmatlas as fa

    return fa.Atlas.build(
        films, title="Test atlas", private_columns=["notes"], n_clusters=[3, 6, 12], encoder_components=24
    )


@pytest.fixture(scope="session")
def jsonl(films: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    import json

    path = tmp_path_factory.mktemp("catalogue") / "films.jsonl"
    path.write_text("".join(json.dumps(film) + "\n" for film in films), encoding="utf-8")
    return path
