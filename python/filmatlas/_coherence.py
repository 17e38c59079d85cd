# SPDX-License-Identifier: MIT
"""How good lists of words are: coherence against reference texts, diversity, word intrusion, coverage."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from . import _core
from ._errors import raise_shape, raise_type
from ._tables import Table
from ._text import Tokens, tokens
from ._validation import as_float, as_index_array, as_int, as_names, as_optional_int, as_seed

Topics = Sequence[Sequence[Any]]


@dataclass(frozen=True)
class CoherenceResult:
    """Coherence of topics.

    Attributes
    ----------
    mean : float
        Over the topics that have a value.
    per_topic : (topics,) array
        NaN where fewer than two words are known.
    unknown : list of list of str
        Words of each topic that the reference never uses: they count for nothing, but not in silence.
    windows : int
        Windows counted (documents for "u_mass").
    """

    mean: float
    per_topic: Any
    unknown: list[list[str]]
    windows: int

    def __float__(self) -> float:
        return self.mean


@dataclass(frozen=True)
class TopicQuality:
    """The measures of one set of topics; see :func:`topic_quality`."""

    npmi: float
    c_v: float
    diversity: float
    uniqueness: float
    inverted_rbo: float
    word_intrusion: float
    coverage: float
    unknown_words: int

    def table(self) -> Table:
        """Two columns: measure, value."""
        return Table({"measure": list(vars(self)), "value": [float(value) for value in vars(self).values()]})

    def to_pandas(self) -> Any:
        """Two columns: measure, value."""
        return self.table().to_pandas()


def _words(topics: Any, where: str) -> list[list[str]]:
    """Lists of words; (word, score) pairs are taken as well. Paddings ("") are left out."""
    if isinstance(topics, (str, bytes)) or not isinstance(topics, Iterable):
        raise_type(where, f"topics is a {type(topics).__name__}, expected a list of lists of words")
    rows = []
    for topic in topics:
        if isinstance(topic, (str, bytes)) or not isinstance(topic, Iterable):
            raise_type(where, f"a topic is {topic!r}, expected a list of words")
        words = [word[0] if isinstance(word, (tuple, list)) else word for word in topic]
        rows.append([word for word in as_names(words, where, "topics") if word])
    return rows


def _stream(texts: Any, topics: list[list[str]], where: str) -> Any:
    if isinstance(texts, Tokens):
        return texts._core
    if isinstance(texts, (str, bytes)):
        raise_type(where, "texts is one text, expected a list of texts", "pass [texts]")
    documents = texts.tolist() if hasattr(texts, "tolist") else list(texts)
    if documents and all(isinstance(text, (list, tuple)) for text in documents[:1]):
        for row, text in enumerate(documents):
            if isinstance(text, (str, bytes)):
                raise_type(where, f"texts[{row}] is a text among lists of tokens", row=row)
        return _core.token_stream_of_interest(documents, topics)
    return tokens(documents)._core


def coherence(
    topics: Topics,
    texts: Any,
    *,
    measure: str = "c_npmi",
    window: int | None = None,
    rule: str = "gensim",
    top_n: int = 10,
    num_threads: int = 0,
) -> CoherenceResult:
    """Coherence of topics' words against reference texts.

    Parameters
    ----------
    topics : lists of words, best first; (word, score) pairs are taken as well
        A term of several words is looked for as a run of tokens.
    texts : Tokens, or a list of str, or a list of lists of tokens
        Texts are lower-cased and split as :func:`tokenize` does, without stop list; lists of tokens are taken as
        they are.
    measure : "c_npmi", "c_v", "c_uci" or "u_mass"
    window : int, optional
        Tokens per sliding window; default 10, and 110 for "c_v".
    rule : "gensim" or "exact"
        Whether windows are moved as gensim does, which forgets a repeated word when its first occurrence leaves, or
        hold just what occurs in them. Published figures rest on the former.
    top_n : int
        Words used per topic.

    Returns
    -------
    CoherenceResult
        gensim's figures, to rounding; words that the texts never use are listed.
    """
    where = "coherence"
    words = _words(topics, where)
    per_topic, mean, unknown, windows = _core.coherence(
        _stream(texts, words, where),
        words,
        measure,
        as_optional_int(window, where, "window"),
        rule,
        as_int(top_n, where, "top_n"),
        as_int(num_threads, where, "num_threads"),
    )
    return CoherenceResult(mean, per_topic, unknown, windows)


def topic_diversity(topics: Topics, top_n: int = 10) -> float:
    """Share of distinct words among the first `top_n` words of all topics."""
    return float(
        _core.topic_diversity(_words(topics, "topic_diversity"), as_int(top_n, "topic_diversity", "top_n"))
    )


def topic_uniqueness(topics: Topics, top_n: int = 10) -> float:
    """Mean over words of 1 / (topics that list the word)."""
    return float(
        _core.topic_uniqueness(_words(topics, "topic_uniqueness"), as_int(top_n, "topic_uniqueness", "top_n"))
    )


def inverted_rank_biased_overlap(topics: Topics, top_n: int = 10, p: float = 0.9) -> float:
    """1 - mean rank-biased overlap of pairs of topics (extrapolated); 1 = no word in common."""
    where = "inverted_rank_biased_overlap"
    return float(
        _core.inverted_rank_biased_overlap(
            _words(topics, where), as_int(top_n, where, "top_n"), as_float(p, where, "p")
        )
    )


def word_intrusion(
    topics: Topics,
    texts: Any,
    *,
    top_n: int = 10,
    draws: int = 10,
    window: int = 10,
    random_state: Any = 42,
    num_threads: int = 0,
) -> tuple[float, Any]:
    """(mean, per topic) share of planted intruders that the texts give away.

    Into each topic one of the best words of another is planted, `draws` times; it is found when its mean NPMI with
    the others is the lowest. Chance is about 1 / (top_n + 1).
    """
    where = "word_intrusion"
    words = _words(topics, where)
    per_topic, mean = _core.word_intrusion(
        _stream(texts, words, where),
        words,
        as_int(top_n, where, "top_n"),
        as_int(draws, where, "draws"),
        as_int(window, where, "window"),
        as_seed(random_state, where),
        as_int(num_threads, where, "num_threads"),
    )
    return float(mean), per_topic


def topic_coverage(topics: Topics, texts: Any, groups: Any, *, top_n: int = 10) -> Any:
    """(topics,) share of each topic's texts that hold at least one of its words.

    Parameters
    ----------
    groups : (n,) integers
        Place in `topics` of each text's topic; -1 = none.
    """
    where = "topic_coverage"
    words = _words(topics, where)
    return _core.topic_coverage(
        _stream(texts, words, where),
        as_index_array(groups, where, "groups"),
        words,
        as_int(top_n, where, "top_n"),
    )


def topic_quality(topics: Topics, texts: Any, groups: Any = None, *, top_n: int = 10) -> TopicQuality:
    """All measures in one go: NPMI, c_v, diversity, uniqueness, inverted RBO, word intrusion and coverage.

    `texts` are tokenised once. `groups` (place of each text's topic, -1 = none) is wanted for the coverage, which is
    NaN without it.
    """
    where = "topic_quality"
    words = _words(topics, where)
    stream = Tokens._wrap(_stream(texts, words, where))
    npmi = coherence(words, stream, top_n=top_n)
    share = math.nan
    if groups is not None:
        labels = as_index_array(groups, where, "groups")
        if labels.shape[0] != len(stream):
            raise_shape(where, f"there are {labels.shape[0]} groups for {len(stream)} texts")
        shares = topic_coverage(words, stream, labels, top_n=top_n)
        sizes = [int((labels == topic).sum()) for topic in range(len(words))]
        total = sum(sizes)
        if total:
            share = sum(s * size for s, size in zip(shares, sizes) if size) / total
    return TopicQuality(
        npmi.mean,
        coherence(words, stream, measure="c_v", top_n=top_n).mean,
        topic_diversity(words, top_n),
        topic_uniqueness(words, top_n),
        inverted_rank_biased_overlap(words, top_n),
        word_intrusion(words, stream, top_n=top_n)[0],
        float(share),
        sum(len(unknown) for unknown in npmi.unknown),
    )
