# SPDX-License-Identifier: MIT
"""What texts give away: names that decide who is whose neighbour, masks for them, repeats, languages."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from . import _core
from ._errors import FilmAtlasWarning, raise_invalid, raise_shape, raise_type
from ._neighbors import KnnGraph, knn_graph
from ._progress import ProgressLike, progress_callback
from ._tables import Table
from ._text import LsaEncoder, StopWords, count_terms
from ._validation import as_float, as_int, as_names, as_seed, as_texts
from ._values import CsrMatrix

Names = Any  #: (n,) titles, or (n,) lists of names
Encode = Callable[[list[str]], Any]


def _name_lists(names: Names, where: str) -> list[list[str]]:
    """Names per item, from one text or several."""
    if isinstance(names, (str, bytes)) or not isinstance(names, Iterable):
        raise_type(where, f"names is a {type(names).__name__}, expected one title or list of names per item")
    out: list[list[str]] = []
    for entry in names:
        if entry is None or (isinstance(entry, float) and entry != entry):
            out.append([])
        elif isinstance(entry, str):
            out.append(as_texts([entry], where))
        else:
            out.append([name for name in as_texts(list(entry), where, "names") if name])
    return out


def mask_names(
    texts: Iterable[str],
    names: Names,
    *,
    single_words: bool = True,
    min_word_length: int = 3,
    stop_words: str = "english",
    everywhere: Sequence[str] = (),
    replacement: str = "",
    num_threads: int = 0,
) -> list[str]:
    """Takes the names of each item out of its text: its title, its people, its characters.

    Words are compared without case, accents, English endings and possessives.

    Parameters
    ----------
    texts : (n,) texts
    names : (n,) titles, or (n,) lists of names
    single_words : bool
        Also the single words of a name, wherever they stand in the item's text; False: the name as a whole only.
    min_word_length, stop_words
        Single words that are left alone: shorter ones, and those of this stop list.
    everywhere : list of str
        Names that are masked in every text, e.g. of :func:`name_words`.
    replacement : str
        What stands for a masked word.
    """
    where = "mask_names"
    masked, _ = _core.mask_names(
        as_texts(texts, where),
        _name_lists(names, where),
        bool(single_words),
        as_int(min_word_length, where, "min_word_length"),
        stop_words or "",
        as_names(everywhere, where, "everywhere"),
        str(replacement),
        as_int(num_threads, where, "num_threads"),
    )
    return masked


def name_words(texts: Iterable[str], *, min_share: float = 0.9, min_occurrences: int = 1) -> list[str]:
    """Words that are written like names: with a capital wherever they stand inside a sentence; lower case, ascending.

    For languages that capitalise names only (not German).
    """
    where = "name_words"
    words: list[str] = _core.name_words(
        as_texts(texts, where),
        as_float(min_share, where, "min_share"),
        as_int(min_occurrences, where, "min_occurrences", high=2**62),
    )
    return words


class LeakFigure(NamedTuple):
    """A figure, what it is when names are dealt out at random, and how many deviations lie between."""

    observed: float
    chance: float
    z: float


class LeakToken(NamedTuple):
    """A token of names that joins neighbours: the items that have it, their links, and how much above chance."""

    token: str
    items: int
    links: int
    lift: float


@dataclass(frozen=True)
class LeakReport:
    """Whether items are neighbours because they are called alike.

    Attributes
    ----------
    overlap : LeakFigure
        Share of the nearest items by name alone that are neighbours too.
    rare_links : LeakFigure
        Share of the links between items that share a rare token of their names.
    auc : float
        Of telling links from random pairs by the names alone; 0.5 = cannot.
    tokens : list of LeakToken
        Those that join most neighbours.
    counterfactual : float or None
        Share of the neighbours that stay when the names are masked in the texts; with `texts` only.
    masked : LeakReport or None
        The same figures for the masked texts.
    suspicious : bool
        overlap.z or rare_links.z above 10.
    """

    items: int
    k: int
    overlap: LeakFigure
    rare_links: LeakFigure
    auc: float
    tokens: list[LeakToken]
    suspicious: bool
    counterfactual: float | None = None
    masked: LeakReport | None = None

    def table(self) -> Table:
        """One row per token."""
        return Table({name: [getattr(token, name) for token in self.tokens] for name in LeakToken._fields})

    def to_pandas(self) -> Any:
        """One row per token, as a pandas.DataFrame."""
        return self.table().to_pandas()

    def __str__(self) -> str:
        kept = "" if self.counterfactual is None else f"; {self.counterfactual:.0%} stay without names"
        return (
            f"overlap {self.overlap.observed:.1%} (chance {self.overlap.chance:.1%}, z {self.overlap.z:.1f}), "
            f"links by a rare token {self.rare_links.observed:.1%} (chance {self.rare_links.chance:.1%}, "
            f"z {self.rare_links.z:.1f}), AUC {self.auc:.3f}{kept}"
        )


def _name_counts(
    names: Names, whole_names: bool, stop_words: StopWords, where: str
) -> tuple[CsrMatrix, list[str]]:
    """(n, tokens) counts: the words of titles, or one column per name."""
    lists = _name_lists(names, where)
    if not whole_names:
        counts, words = count_terms([" ".join(entry) for entry in lists], stop_words=stop_words)
        return counts, words
    vocabulary = sorted({name for entry in lists for name in entry})
    column = {name: i for i, name in enumerate(vocabulary)}
    rows = [sorted({column[name] for name in entry}) for entry in lists]
    indptr = np.concatenate([[0], np.cumsum([len(row) for row in rows])]).astype(np.int64)
    indices = np.array([i for row in rows for i in row], dtype=np.int32)
    shape = (len(rows), len(vocabulary))
    return CsrMatrix((shape, indptr, indices, np.ones(len(indices), dtype=np.int32))), vocabulary


def _shared(a: Any, b: Any, k: int) -> float:
    """Mean share of the k neighbours in `a` that are among those in `b`."""
    mine, other = a.indices[:, :k], b.indices[:, :k]
    common = (mine[:, :, None] == other[:, None, :]) & (mine[:, :, None] >= 0)
    return float(common.sum() / max(1, (mine >= 0).sum()))


def leak_report(
    names: Names,
    neighbors: KnnGraph | None = None,
    *,
    texts: Iterable[str] | None = None,
    encode: Encode | None = None,
    k: int = 10,
    whole_names: bool | None = None,
    stop_words: StopWords = "english",
    permutations: int = 200,
    max_pairs: int = 200000,
    top_tokens: int = 20,
    random_state: Any = 42,
    num_threads: int = 0,
    progress: ProgressLike = None,
) -> LeakReport:
    """Tests whether neighbours are neighbours because they are called alike.

    Parameters
    ----------
    names : (n,) titles, or (n,) lists of names (cast, franchise)
    neighbors : KnnGraph, optional
        The graph under test; default: of the vectors of `texts`.
    texts : (n,) texts, optional
        The profiles behind the graph: the counterfactual masks each item's names in them, encodes and links them
        again.
    encode : callable, list of texts -> (m, d) array
        Default: the built-in LSA encoder, fitted anew.
    whole_names : bool, optional
        Whether a name is one token (actors) or its words are (titles); default: lists are whole names.
    permutations : int
        Of the names over the items; they give chance and z.
    """
    where = "leak_report"
    names = list(names)
    if whole_names is None:
        whole_names = any(isinstance(entry, (list, tuple)) for entry in names)
    if neighbors is None and texts is None:
        raise_invalid(where, "neither neighbors nor texts", "pass the graph, the texts, or both")
    documents = None if texts is None else as_texts(texts, where)
    if documents is not None and len(documents) != len(names):
        raise_shape(where, f"there are {len(documents)} texts for {len(names)} names")

    def linked(values: list[str]) -> KnnGraph:
        if encode is not None:
            vectors = np.asarray(encode(values), dtype=np.float32)
        else:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", FilmAtlasWarning)  # the dimensions are nobody's choice
                vectors = LsaEncoder.fit(values, random_state=random_state, num_threads=num_threads).vectors
        return knn_graph(vectors, min(k, max(1, len(values) - 1)), metric="cosine", num_threads=num_threads)

    counts, tokens = _name_counts(names, whole_names, stop_words, where)

    def measured(graph: KnnGraph) -> LeakReport:
        with progress_callback(progress) as callback:
            fields = _core.identity_leak(
                *counts._parts(),
                tokens,
                graph._core,
                as_int(k, where, "k"),
                as_int(permutations, where, "permutations"),
                as_int(max_pairs, where, "max_pairs", high=2**62),
                as_int(top_tokens, where, "top_tokens"),
                as_seed(random_state, where),
                as_int(num_threads, where, "num_threads"),
                callback,
            )
        for name in ("overlap", "rare_links"):
            fields[name] = LeakFigure(**fields[name])
        fields["tokens"] = [LeakToken(*token) for token in fields["tokens"]]
        return LeakReport(**fields)

    if documents is None:
        assert neighbors is not None
        return measured(neighbors)
    before = linked(documents)
    without = linked(mask_names(documents, names, num_threads=num_threads))
    report = measured(before if neighbors is None else neighbors)
    return replace(report, counterfactual=_shared(before, without, report.k), masked=measured(without))


class NearDuplicate(NamedTuple):
    """Two texts that are nearly the same, and the share of their word runs that is in both."""

    a: int
    b: int
    overlap: float


def near_duplicates(
    texts: Iterable[str],
    threshold: float = 0.8,
    *,
    run_length: int = 3,
    num_threads: int = 0,
    progress: ProgressLike = None,
) -> tuple[list[NearDuplicate], Any]:
    """Pairs of texts that are nearly the same, and groups of them. Exact; nothing is removed.

    Parameters
    ----------
    threshold : float
        Least share of word runs in both (Jaccard), in (0, 1].
    run_length : int
        Words per run.

    Returns
    -------
    pairs : list of NearDuplicate
        Ascending. A text with exactly the runs of earlier ones is paired with the first of them only.
    groups : (n,) int32
        Smallest row of each text's group; its own where it has no double.
    """
    where = "near_duplicates"
    with progress_callback(progress) as callback:
        pairs, groups = _core.near_duplicates(
            as_texts(texts, where),
            as_float(threshold, where, "threshold"),
            as_int(run_length, where, "run_length"),
            as_int(num_threads, where, "num_threads"),
            callback,
        )
    return [NearDuplicate(*pair) for pair in pairs], groups


def language_hints(texts: Iterable[str]) -> list[tuple[str, float]]:
    """(language, confidence) per text: ISO 639-1 by script and function words; "" where it cannot be told."""
    hints: list[tuple[str, float]] = _core.language_hints(as_texts(texts, "language_hints"))
    return hints
