# SPDX-License-Identifier: MIT
"""Topics of texts: their words, items, mixtures, changes over time, and edits that make a new value."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from . import _core
from ._errors import raise_invalid, raise_shape, raise_type
from ._hierarchy import Hierarchy, hierarchy_core
from ._progress import ProgressLike, progress_callback
from ._tables import Table
from ._text import (
    ClassTerms,
    StopWords,
    Tokens,
    class_tfidf,
    count_terms,
    maximal_marginal_relevance,
    tokens,
    word_rules,
)
from ._validation import as_float, as_index_array, as_int, as_matrix, as_matrix64, as_names
from ._values import CsrMatrix, figure

RULES = ("balanced", "c_tf_idf", "log_odds", "lift", "npmi", "bm25", "soft_c_tf_idf")


@dataclass(frozen=True)
class Topics:
    """Groups of texts and their terms, as one value that never changes. Made by :func:`topics`.

    Attributes
    ----------
    terms : ClassTerms
        Counts and weights per topic; -1 (outliers) is a topic like all others.
    counts : CsrMatrix
        (n, terms) counts of the texts.
    groups : (n,) int32
        Topic of each text.
    idf : (terms,) float64
        As fitted; edits keep it, so that the topics that are not edited don't move.
    """

    terms: ClassTerms
    counts: CsrMatrix
    groups: Any
    idf: Any
    vocabulary: list[str]
    settings: Mapping[str, Any]

    @property
    def ids(self) -> list[int]:
        """Topics, ascending; -1 first when there are outliers."""
        return [int(i) for i in self.terms.classes]

    @property
    def sizes(self) -> dict[int, int]:
        """Texts per topic."""
        return dict(zip(self.ids, (int(size) for size in self.terms.class_sizes)))

    def __len__(self) -> int:
        """Number of topics, outliers aside."""
        return sum(topic >= 0 for topic in self.ids)

    def __iter__(self) -> Iterator[int]:
        return iter(topic for topic in self.ids if topic >= 0)

    def row(self, topic: int) -> int:
        """Row of a topic in `terms`."""
        number = as_int(topic, "Topics", "topic")
        if number not in self.ids:
            raise_invalid("Topics", f"there is no topic {number}", f"topics: {self.ids[:20]}")
        return self.ids.index(number)

    def keywords(self, topic: int, top_n: int = 10, *, rule: str = "balanced") -> list[tuple[str, float]]:
        """Best terms of a topic with their scores, by a rule of :func:`rank_keywords`."""
        return self.rank(top_n, rule=rule)[self.row(topic)]

    def rank(
        self, top_n: int = 10, *, rule: str = "balanced", num_threads: int = 0
    ) -> list[list[tuple[str, float]]]:
        """Best terms of every topic, in the order of `ids`; see :func:`rank_keywords`."""
        return rank_keywords(self.terms, counts=self.counts, rule=rule, top_n=top_n, num_threads=num_threads)

    def words(self, top_n: int = 10, *, rule: str = "balanced") -> list[list[str]]:
        """Best terms of every topic but the outliers, in the order of `ids`."""
        ranked = self.rank(top_n, rule=rule)
        return [[term for term, _ in row] for topic, row in zip(self.ids, ranked) if topic >= 0]

    def table(self, top_n: int = 5) -> Table:
        """One row per topic: topic, size, words."""
        ranked = self.rank(top_n)
        words = [", ".join(term for term, _ in row) for row in ranked]
        return Table({"topic": self.ids, "size": list(self.sizes.values()), "words": words})

    def to_pandas(self, top_n: int = 5) -> Any:
        """One row per topic: topic, size, words."""
        return self.table(top_n).to_pandas()

    def count(self, texts: Iterable[str], *, num_threads: int = 0) -> CsrMatrix:
        """(m, terms) counts of other texts, by the path that the fitted texts took."""
        if "stop_words" not in self.settings:
            raise_invalid("Topics.count", "the topics were made of counts", "make them of texts")
        counts, _ = count_terms(
            texts,
            stop_words=self.settings["stop_words"],
            ngram_range=self.settings["ngram_range"],
            vocabulary=self.vocabulary,
            num_threads=num_threads,
            **self.settings["rules"],
        )
        return counts

    def _with_groups(self, groups: Any) -> Topics:
        """The same texts in other groups, with the idf as fitted."""
        terms = class_tfidf(self.counts, groups, vocabulary=self.vocabulary)
        core = _core.with_idf(terms._core, self.idf, self.settings["reduce_frequent_words"])
        return replace(self, terms=ClassTerms._of(core, terms.classes), groups=_frozen(groups))

    def __repr__(self) -> str:
        return f"Topics({len(self)} topics of {figure(len(self.groups))} texts, {figure(len(self.vocabulary))} terms)"


def _frozen(values: Any) -> Any:
    array = np.array(values, dtype=np.int32)
    array.setflags(write=False)
    return array


def topics(
    texts: Any,
    groups: Any,
    *,
    vocabulary: Sequence[str] | None = None,
    stop_words: StopWords = "english",
    ngram_range: tuple[int, int] = (1, 1),
    min_df: int | float = 1,
    max_df: int | float = 1.0,
    bm25_weighting: bool = False,
    reduce_frequent_words: bool = False,
    seed_words: Sequence[str] = (),
    seed_multiplier: float = 2.0,
    num_threads: int = 0,
    **rules: Any,
) -> Topics:
    """Topics of texts that some clustering has grouped.

    Parameters
    ----------
    texts : list of str, Tokens, or a CsrMatrix of counts (then `vocabulary` names its columns)
    groups : (n,) integers
        Topic of each text; -1 = outlier.
    min_df, max_df : int (texts) or float (share of the texts)
    bm25_weighting, reduce_frequent_words, seed_words, seed_multiplier
        See :func:`class_tfidf`.
    rules
        `words`, `inner_characters`, `stemmer`, `jump_stop_words`, `token_pattern`, `tokenizer`, see
        :func:`count_terms`; new texts take the same path.
    """
    where = "topics"
    labels = _frozen(as_index_array(groups, where, "groups"))
    settings: dict[str, Any] = {"reduce_frequent_words": bool(reduce_frequent_words)}
    if isinstance(texts, CsrMatrix):
        if vocabulary is None:
            raise_invalid(where, "counts without a vocabulary", "pass vocabulary=..., one term per column")
        counts, words = texts, list(vocabulary)
    else:
        split = texts.rules if isinstance(texts, Tokens) else {}  # new texts take the path of the Tokens
        settings.update(
            stop_words=stop_words, ngram_range=tuple(ngram_range), rules={**split, **word_rules(rules, where)}
        )
        counts, words = count_terms(
            texts,
            stop_words=stop_words,
            ngram_range=ngram_range,
            min_df=min_df,
            max_df=max_df,
            vocabulary=vocabulary,
            num_threads=num_threads,
            **rules,
        )
    weighting: dict[str, Any] = {
        "bm25_weighting": bm25_weighting,
        "seed_words": seed_words,
        "seed_multiplier": seed_multiplier,
    }
    terms = class_tfidf(
        counts,
        labels,
        vocabulary=words,
        reduce_frequent_words=reduce_frequent_words,
        num_threads=num_threads,
        **weighting,
    )
    idf = _core.class_idf(
        *terms.counts._parts(),
        words,
        bool(bm25_weighting),
        as_names(seed_words, where, "seed_words"),
        as_float(seed_multiplier, where, "seed_multiplier"),
    )
    return Topics(terms, counts, labels, idf, words, settings)


# --- words -------------------------------------------------------------------------------------------------


def rank_keywords(
    terms: ClassTerms,
    hierarchy: Hierarchy | None = None,
    *,
    counts: CsrMatrix | None = None,
    rule: str = "balanced",
    top_n: int = 10,
    min_items: int = 2,
    prior: float = 1000.0,
    fold_forms: bool = False,
    num_threads: int = 0,
) -> list[list[tuple[str, float]]]:
    """Best terms per class, or per node of a hierarchy, by one of several rules.

    Parameters
    ----------
    terms : ClassTerms
        ``class_tfidf(texts, groups)``, or of `hierarchy`: then each level is ranked on its own.
    counts : CsrMatrix, optional
        (items, terms) counts that the terms were made of: lets "balanced" prefer words that occur together.
    rule : str
        "balanced" (the default: typical of the class, shared by its items, found together, and told apart from class
        to class), "c_tf_idf", "log_odds" (z with an informative prior), "lift", "npmi", "bm25" (classes as documents)
        or "soft_c_tf_idf".
    min_items : int
        Items of the class that have to hold a term, in classes of at least four.
    prior : float
        "log_odds" only: how many counts the prior is worth.
    fold_forms : bool
        "balanced" only: pass over forms of a chosen word ("robot", "robots").
    """
    where = "rank_keywords"
    if not isinstance(terms, ClassTerms):
        raise_type(where, f"terms is a {type(terms).__name__}, expected ClassTerms", "pass class_tfidf(...)")
    ranked: list[list[tuple[str, float]]] = _core.rank_keywords(
        terms._core,
        None if hierarchy is None else hierarchy._core,
        None if counts is None else counts._parts(),
        rule,
        as_int(top_n, where, "top_n"),
        as_int(min_items, where, "min_items"),
        as_float(prior, where, "prior"),
        bool(fold_forms),
        as_int(num_threads, where, "num_threads"),
    )
    return ranked


def soft_class_weights(counts: CsrMatrix, memberships: Any) -> CsrMatrix:
    """(topics, terms) soft c-TF-IDF: items belong to topics to a degree.

    Parameters
    ----------
    counts : (n, terms) CsrMatrix of counts
    memberships : (n, topics) numbers
    """
    degrees = as_matrix64(memberships, "soft_class_weights", "memberships")
    return CsrMatrix(_core.soft_class_weights(*counts._parts(), degrees))


def embedding_keywords(
    topics: Topics,
    vectors: Any,
    encode: Callable[[list[str]], Any],
    *,
    top_n: int = 10,
    candidates: int = 100,
    representatives: int = 5,
    diversity: float = 0.0,
) -> dict[int, list[tuple[str, float]]]:
    """Keywords by meaning: each topic's best terms, ranked by the cosine of their vector and the topic's.

    The topic's vector is the mean of the vectors of its representative texts (see :func:`topic_representatives`).

    Parameters
    ----------
    vectors : (n, d) array
        Vectors of the texts.
    encode : callable, list of terms -> (m, d) array
        In the space of `vectors`.
    candidates : int
        Terms looked at per topic, the best by c-TF-IDF.
    diversity : float
        How much unlike each other the terms have to be, 0 to 1, by :func:`maximal_marginal_relevance`.
    """
    where = "embedding_keywords"
    apart = as_float(diversity, where, "diversity")
    rows = as_matrix(vectors, where, "vectors").astype(np.float64)
    if rows.shape[0] != len(topics.groups):
        raise_shape(where, f"there are {rows.shape[0]} vectors for {len(topics.groups)} texts")
    pool = rank_keywords(topics.terms, rule="c_tf_idf", top_n=candidates, min_items=1)
    best = topic_representatives(topics, representatives)
    found: dict[int, list[tuple[str, float]]] = {}
    for topic, ranked in zip(topics.ids, pool):
        words = [term for term, _ in ranked]
        if not words:
            found[topic] = []
            continue
        centre = rows[best[topic]].mean(axis=0)
        near = np.asarray(encode(words), dtype=np.float64).reshape(len(words), -1)
        length = np.linalg.norm(near, axis=1) * np.linalg.norm(centre)
        cosine = np.divide(near @ centre, length, out=np.zeros(len(words)), where=length > 0)
        order = sorted(range(len(words)), key=lambda i: (-cosine[i], words[i]))
        if apart > 0:
            kept = maximal_marginal_relevance(centre, near[order], top_n, diversity=apart)
            order = [order[place] for place in kept]
        order = order[:top_n]
        found[topic] = [(words[i], float(cosine[i])) for i in order]
    return found


# --- items -------------------------------------------------------------------------------------------------


def topic_representatives(topics: Topics, count: int = 5, *, num_threads: int = 0) -> dict[int, list[int]]:
    """Per topic, the texts with the largest cosine to it in c-TF-IDF, nearest first. Every text is looked at."""
    where = "topic_representatives"
    best = _core.term_representatives(
        *topics.counts._parts(),
        topics.groups,
        topics.terms._core,
        topics.idf,
        as_int(count, where, "count"),
        topics.settings["reduce_frequent_words"],
        as_int(num_threads, where, "num_threads"),
    )
    return dict(zip(topics.ids, best))


def diverse_representatives(
    hierarchy: Hierarchy, vectors: Any, count: int = 5, *, diversity: float = 0.5, num_threads: int = 0
) -> list[list[int]]:
    """Per node, members that are central and unlike each other (maximal marginal relevance)."""
    where = "diverse_representatives"
    members: list[list[int]] = _core.diverse_representatives(
        hierarchy_core(hierarchy, where),
        as_matrix(vectors, where, "vectors"),
        as_int(count, where, "count"),
        as_float(diversity, where, "diversity"),
        as_int(num_threads, where, "num_threads"),
    )
    return members


def border_items(
    hierarchy: Hierarchy, vectors: Any, count: int = 5, *, num_threads: int = 0
) -> list[list[int]]:
    """Per node, the members that belong to it least clearly: nearest to a sibling's centre, worst first."""
    where = "border_items"
    members: list[list[int]] = _core.border_items(
        hierarchy_core(hierarchy, where),
        as_matrix(vectors, where, "vectors"),
        as_int(count, where, "count"),
        as_int(num_threads, where, "num_threads"),
    )
    return members


def topic_distribution(
    topics: Topics,
    texts: Any,
    *,
    window: int = 4,
    stride: int = 1,
    min_similarity: float = 0.1,
    normalize: bool = True,
    padding: bool = False,
    num_threads: int = 0,
    progress: ProgressLike = None,
) -> CsrMatrix:
    """(m, topics) how much of each text speaks of which topic.

    Windows of tokens slide over the text; their c-TF-IDF cosines with the topics, where they reach
    `min_similarity`, are summed and divided by their total. Columns are the rows of ``topics.terms``; that of the
    outliers stays empty.

    Parameters
    ----------
    texts : list of str, or Tokens
        Tokenised like any text, without a stop list: words outside the vocabulary keep their places.
    window, stride : int
        Tokens per window, and from one to the next.
    padding : bool
        Whether windows overhang both ends.
    """
    where = "topic_distribution"
    if isinstance(texts, Tokens):
        stream = texts
    else:
        rules = {k: v for k, v in topics.settings.get("rules", {}).items() if k != "jump_stop_words"}
        stream = tokens(texts, num_threads=num_threads, **rules)
    with progress_callback(progress) as callback:
        parts = _core.topic_mix(
            stream._core,
            topics.terms._core,
            topics.idf,
            as_int(window, where, "window"),
            as_int(stride, where, "stride"),
            as_float(min_similarity, where, "min_similarity"),
            bool(normalize),
            bool(padding),
            topics.settings["reduce_frequent_words"],
            as_int(num_threads, where, "num_threads"),
            callback,
        )
    return CsrMatrix(parts)


def find_topics(topics: Topics, query: str, top_n: int = 5) -> list[tuple[int, float]]:
    """Topics whose words are nearest to a query, with their cosines, nearest first; outliers are left out."""
    cosine = topic_similarity(topics, [query])[0]
    order = sorted(
        (row for row, topic in enumerate(topics.ids) if topic >= 0),
        key=lambda row: (-cosine[row], topics.ids[row]),
    )
    return [(topics.ids[row], float(cosine[row])) for row in order[:top_n]]


def topic_similarity(topics: Topics, texts: Iterable[str], *, num_threads: int = 0) -> Any:
    """(m, topics) c-TF-IDF cosines of texts with the rows of ``topics.terms``."""
    counts = topics.count(texts, num_threads=num_threads)
    return _core.class_similarity(
        *counts._parts(),
        topics.terms._core,
        topics.idf,
        topics.settings["reduce_frequent_words"],
        as_int(num_threads, "topic_similarity", "num_threads"),
    )


# --- edits: a new value, never a changed one -----------------------------------------------------------------


def merge_topics(topics: Topics, merges: Sequence[Sequence[int]]) -> Topics:
    """New topics in which each list of `merges` is one, called by its smallest id; all other ids stay.

    Counts are added and weighed with the idf as fitted.
    """
    where = "merge_topics"
    if merges and not isinstance(merges[0], Iterable):
        merges = [merges]
    target: dict[int, int] = {}
    for group in merges:
        members = sorted({topics.ids[topics.row(topic)] for topic in group})
        for topic in members:
            if topic in target:
                raise_invalid(where, f"topic {topic} is in two merges")
            target[topic] = members[0]
    return topics._with_groups(_renamed(topics.groups, target))


def delete_topics(topics: Topics, deleted: Iterable[int]) -> Topics:
    """New topics without some: their texts become outliers (-1); all other ids stay."""
    gone = {topics.ids[topics.row(topic)]: -1 for topic in deleted}
    return topics._with_groups(_renamed(topics.groups, gone))


def split_topic(topics: Topics, topic: int, parts: Any) -> Topics:
    """New topics in which one is cut up.

    Parameters
    ----------
    parts : one label per text of `topic`, in the texts' order
        The first label in ascending order keeps the topic's id, the others get new ids.
    """
    where = "split_topic"
    number = topics.ids[topics.row(topic)]
    items = np.flatnonzero(topics.groups == number)
    labels = np.asarray(parts)
    if labels.shape != items.shape:
        raise_shape(where, f"there are {labels.size} labels for the {items.size} texts of topic {number}")
    groups = np.array(topics.groups)
    fresh = max(topics.ids) + 1
    for place, label in enumerate(np.unique(labels)):
        if place > 0:
            groups[items[labels == label]] = fresh
            fresh += 1
    return topics._with_groups(groups)


def reduce_topics(topics: Topics, n_topics: int, vectors: Any = None) -> Topics:
    """New topics, `n_topics` of them, by joining the most similar ones (average linkage of cosines).

    Parameters
    ----------
    n_topics : int
        At least 1; nothing happens when there are no more than that.
    vectors : (n, d) array, optional
        Vectors of the texts: topics are compared by their means. Default: by their c-TF-IDF rows.
    """
    from ._linkage import cut_linkage, linkage

    where = "reduce_topics"
    wanted = as_int(n_topics, where, "n_topics", low=1)
    real = list(topics)
    if wanted >= len(real):
        return topics
    if vectors is None:
        rows = topics.terms.matrix.toarray()[[topics.row(topic) for topic in real]]
    else:
        points = as_matrix(vectors, where, "vectors").astype(np.float64)
        if points.shape[0] != len(topics.groups):
            raise_shape(where, f"there are {points.shape[0]} vectors for {len(topics.groups)} texts")
        rows = np.stack([points[topics.groups == topic].mean(axis=0) for topic in real])
    tree = linkage(_cosine_distances(rows), method="average")
    labels = np.asarray(cut_linkage(tree, wanted))
    target = {}
    for label in np.unique(labels):
        members = [real[i] for i in np.flatnonzero(labels == label)]
        target.update(dict.fromkeys(members, min(members)))
    return topics._with_groups(_renamed(topics.groups, target))


def _cosine_distances(rows: Any) -> Any:
    """Condensed 1 - cosine; zero rows are at distance 1 from all."""
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    unit = np.divide(rows, length, out=np.zeros_like(rows), where=length > 0)
    distance = 1.0 - np.clip(unit @ unit.T, -1.0, 1.0)
    return np.ascontiguousarray(distance[np.triu_indices(len(rows), 1)])


def _renamed(groups: Any, target: Mapping[int, int]) -> Any:
    renamed = np.array(groups)
    for topic, to in target.items():
        renamed[groups == topic] = to
    return renamed


# --- time and classes --------------------------------------------------------------------------------------


class TopicMoment(NamedTuple):
    """A topic in a bin: its texts there, their share of the bin's texts, and its words there."""

    bin: Any
    topic: int
    size: int
    share: float
    words: list[tuple[str, float]]


@dataclass(frozen=True)
class TopicSeries:
    """Topics by bins of time, or by class.

    Attributes
    ----------
    bins : list
        What each bin stands for, ascending.
    totals : list of int
        Texts per bin.
    moments : list of TopicMoment
        One per bin and topic that meet, by bin, then topic.
    """

    bins: list[Any]
    totals: list[int]
    moments: list[TopicMoment]

    def table(self) -> Table:
        """One row per bin and topic: bin, topic, size, share, words."""
        return Table(
            {
                "bin": [moment.bin for moment in self.moments],
                "topic": [moment.topic for moment in self.moments],
                "size": [moment.size for moment in self.moments],
                "share": [moment.share for moment in self.moments],
                "words": [", ".join(word for word, _ in moment.words) for moment in self.moments],
            }
        )

    def to_pandas(self) -> Any:
        """One row per bin and topic: bin, topic, size, share, words."""
        return self.table().to_pandas()

    def __len__(self) -> int:
        return len(self.moments)


def time_bins(times: Any, bins: int | str | Sequence[float] | None = None) -> tuple[Any, list[Any]]:
    """(n,) bin of every time, -1 where it is unknown, and what the bins stand for.

    Parameters
    ----------
    times : (n,) numbers or dates (numpy datetime64, datetime, ISO text)
        Dates count in years with fractions.
    bins : int, "year", "decade", "quantile:K", ascending edges, or None
        An integer cuts the range into equal parts; "quantile:K" into K parts of about equally many texts; edges
        are the left ends of the bins, the last of which is the right end of all. None: one bin per distinct time.
        Bins without texts are left out.
    """
    where = "time_bins"
    values = _years(times, where)
    known = values[np.isfinite(values)]
    if known.size == 0:
        return np.full(values.shape, -1, dtype=np.int32), []
    if bins is None:
        left = values
    elif isinstance(bins, str):
        if bins in ("year", "decade"):
            width = 1.0 if bins == "year" else 10.0
            left = np.floor(values / width) * width
        elif bins.startswith("quantile:") and bins[9:].isdigit() and int(bins[9:]) > 0:
            left = _left_ends(values, np.unique(np.quantile(known, np.linspace(0, 1, int(bins[9:]) + 1))))
        else:
            raise_invalid(where, f"bins = {bins!r}", 'use "year", "decade" or for instance "quantile:10"')
    elif isinstance(bins, (int, np.integer)):
        left = _left_ends(
            values, np.linspace(known.min(), known.max(), as_int(bins, where, "bins", low=1) + 1)
        )
    else:
        edges = np.asarray(bins, dtype=np.float64)
        if edges.ndim != 1 or edges.size < 2 or not np.all(np.diff(edges) > 0):
            raise_invalid(where, "the edges are not ascending", "give at least two ascending numbers")
        left = np.where((values >= edges[0]) & (values <= edges[-1]), _left_ends(values, edges), np.nan)
    present = np.unique(left[np.isfinite(left)])
    index = np.searchsorted(present, left)
    index[~np.isfinite(left)] = -1
    names = [int(name) if name == int(name) else float(name) for name in present]
    return index.astype(np.int32), names


def _left_ends(values: Any, edges: Any) -> Any:
    if edges.size < 2:
        return np.where(np.isfinite(values), edges[0], np.nan)
    place = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, edges.size - 2)
    return np.where(np.isfinite(values), edges[place], np.nan)


def _years(times: Any, where: str) -> Any:
    array = np.asarray(times)
    if array.ndim != 1:
        raise_shape(where, f"times has shape {array.shape}, expected one dimension")
    if array.dtype.kind in "OUS":
        try:
            array = array.astype("datetime64[s]") if array.dtype.kind != "O" or _holds_dates(array) else array
        except ValueError:
            raise_type(where, "times holds texts that are no ISO dates", "pass numbers or dates")
    if array.dtype.kind == "M":
        years = array.astype("datetime64[Y]")
        start = years.astype("datetime64[s]")
        length = (years + 1).astype("datetime64[s]") - start
        with np.errstate(invalid="ignore"):
            values = years.astype(np.int64) + 1970 + (array.astype("datetime64[s]") - start) / length
        return np.where(np.isnat(array), np.nan, values)
    try:
        return array.astype(np.float64)
    except (TypeError, ValueError):
        raise_type(where, f"times has dtype {array.dtype}", "pass numbers or dates")


def _holds_dates(array: Any) -> bool:
    known = [value for value in array if value is not None]
    return bool(known) and all(
        isinstance(value, (str, np.datetime64)) or hasattr(value, "isoformat") for value in known
    )


def topics_over_time(
    topics: Topics,
    times: Any,
    *,
    bins: int | str | Sequence[float] | None = None,
    evolution: bool = True,
    global_tuning: bool = True,
    smoothing: float = 0.0,
    top_n: int = 5,
    num_threads: int = 0,
) -> TopicSeries:
    """What each topic says in each bin of time.

    Parameters
    ----------
    times, bins
        See :func:`time_bins`. Texts without a time are left out.
    evolution : bool
        Whether a bin's weights are averaged with those of the bin before, where the topic is in both.
    global_tuning : bool
        Whether they are then averaged with the topic's weights over all time.
    smoothing : float
        Weight of the counts of the bins before and after, 0 to 1.
    """
    place, names = time_bins(times, bins)
    return _series(
        topics, place, names, "topics_over_time", evolution, global_tuning, smoothing, top_n, num_threads
    )


def topics_per_class(
    topics: Topics, classes: Any, *, global_tuning: bool = True, top_n: int = 5, num_threads: int = 0
) -> TopicSeries:
    """What each topic says in each class of the texts (a country, a source, a genre).

    Parameters
    ----------
    classes : (n,) texts or numbers; None = none, the text is left out
    """
    values = list(classes)
    present = sorted(
        {value for value in values if value is not None}, key=lambda value: (str(type(value)), value)
    )
    index = {value: i for i, value in enumerate(present)}
    place = np.array([-1 if value is None else index[value] for value in values], dtype=np.int32)
    return _series(topics, place, present, "topics_per_class", False, global_tuning, 0.0, top_n, num_threads)


def _series(
    topics: Topics,
    place: Any,
    names: list[Any],
    where: str,
    evolution: bool,
    global_tuning: bool,
    smoothing: float,
    top_n: int,
    num_threads: int,
) -> TopicSeries:
    if place.shape[0] != len(topics.groups):
        raise_shape(where, f"there are {place.shape[0]} times or classes for {len(topics.groups)} texts")
    found = _core.topic_series(
        topics.terms._core,
        topics.idf,
        *topics.counts._parts(),
        topics.groups,
        place,
        bool(evolution),
        bool(global_tuning),
        as_float(smoothing, where, "smoothing"),
        topics.settings["reduce_frequent_words"],
        as_int(top_n, where, "top_n"),
        as_int(num_threads, where, "num_threads"),
    )
    totals = np.bincount(place[place >= 0], minlength=len(names)).tolist()
    moments = [
        TopicMoment(names[bin_], topics.ids[row], items, items / totals[bin_], words)
        for bin_, row, items, words in found
    ]
    return TopicSeries(names, totals, moments)


class Trend(NamedTuple):
    """How a share changes per unit of time: slope with a 95 % interval, and z of the test against no change."""

    name: Any
    slope: float
    low: float
    high: float
    z: float
    size: int


def topic_trends(
    topics: Topics, times: Any, *, bins: int | str | Sequence[float] | None = None
) -> list[Trend]:
    """Topics rising and falling: change per unit of time of their share of the texts, steepest rise first.

    The slope is the least-squares one of the share in each bin, weighted by the bin's texts; its interval counts each
    bin's sampling error; z is that of Cochran and Armitage's test for a trend.
    """
    place, names = time_bins(times, bins)
    used = place >= 0
    hits = np.zeros((len(topics.ids), len(names)))
    rows = np.searchsorted(np.asarray(topics.ids), topics.groups[used])
    np.add.at(hits, (rows, place[used]), 1)
    real = [row for row, topic in enumerate(topics.ids) if topic >= 0]
    return _trends([topics.ids[row] for row in real], hits[real], place, names)


def term_trends(
    topics: Topics,
    times: Any,
    *,
    bins: int | str | Sequence[float] | None = None,
    topic: int | None = None,
    min_items: int = 10,
) -> list[Trend]:
    """Terms rising and falling, in all texts or in those of one topic, steepest rise first; see :func:`topic_trends`.

    Parameters
    ----------
    min_items : int
        Texts that have to hold a term.
    """
    place, names = time_bins(times, bins)
    if topic is not None:
        place = np.where(topics.groups == topics.ids[topics.row(topic)], place, -1)
    counts = topics.counts
    item = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
    used = place[item] >= 0
    columns = counts.indices[used]
    items = np.bincount(columns, minlength=counts.shape[1])
    kept = np.flatnonzero(items >= as_int(min_items, "term_trends", "min_items", low=1))
    row = np.full(counts.shape[1], -1)
    row[kept] = np.arange(kept.size)
    chosen = row[columns] >= 0
    flat = row[columns[chosen]] * max(1, len(names)) + place[item[used][chosen]]
    hits = (
        np.bincount(flat, minlength=kept.size * len(names)).reshape(kept.size, len(names)).astype(np.float64)
    )
    return _trends([topics.vocabulary[t] for t in kept], hits, place, names)


def _trends(what: list[Any], hits: Any, place: Any, names: list[Any]) -> list[Trend]:
    n = np.bincount(place[place >= 0], minlength=len(names)).astype(np.float64)
    if np.count_nonzero(n) < 2 or not what:
        return []
    x = np.asarray(names, dtype=np.float64)
    centred = x - (n @ x) / n.sum()
    spread = n @ centred**2
    slope = (hits @ centred) / spread
    # Agresti and Coull's shift keeps bins without a hit from having no error at all.
    shifted = (hits + 2) / (n + 4)
    error = np.sqrt((shifted * (1 - shifted) * n * centred**2).sum(axis=1)) / spread
    pooled = hits.sum(axis=1) / n.sum()
    null = np.sqrt(pooled * (1 - pooled) / spread)
    z = np.divide(slope, null, out=np.zeros_like(slope), where=null > 0)
    found = [
        Trend(name, float(s), float(s - 1.959964 * e), float(s + 1.959964 * e), float(v), int(h))
        for name, s, e, v, h in zip(what, slope, error, z, hits.sum(axis=1))
    ]
    return sorted(found, key=lambda trend: (-trend.slope, str(trend.name)))


def topic_novelty(
    topics: Topics, times: Any, *, bins: int | str | Sequence[float] | None = None
) -> dict[int, tuple[list[float], float]]:
    """Per topic, how new its words are in each of its bins, and the half-life of its vocabulary.

    Novelty is 1 minus the cosine of the bin's c-TF-IDF weights and those of all earlier texts of the topic (the first
    bin: NaN). The half-life is the time at which the cosine of two bins has fallen to half of what neighbouring
    bins have, by the median cosine per distance; infinite when it never does.
    """
    place, names = time_bins(times, bins)
    if place.shape[0] != len(topics.groups):
        raise_shape("topic_novelty", f"there are {place.shape[0]} times for {len(topics.groups)} texts")
    counts = topics.counts
    out: dict[int, tuple[list[float], float]] = {}
    item = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
    for topic in topics:
        mine = (topics.groups == topic) & (place >= 0)
        held = mine[item]
        columns, inverse = np.unique(counts.indices[held], return_inverse=True)
        cells, rows = np.unique(place[mine], return_inverse=True)
        row_of = np.zeros(len(mine), dtype=np.int64)
        row_of[mine] = rows
        table = np.zeros((cells.size, columns.size))
        np.add.at(table, (row_of[item[held]], inverse), counts.data[held])
        weighted = table * topics.idf[columns]
        novelty = [float("nan")] * cells.size
        for row in range(1, cells.size):
            novelty[row] = 1.0 - _cosine(weighted[row], weighted[:row].sum(axis=0))
        pairs: dict[float, list[float]] = {}
        for a in range(cells.size):
            for b in range(a + 1, cells.size):
                gap = float(names[cells[b]] - names[cells[a]])
                pairs.setdefault(gap, []).append(_cosine(weighted[a], weighted[b]))
        gaps = sorted(pairs)
        level = [float(np.median(pairs[gap])) for gap in gaps]
        half = next((gap for gap, cosine in zip(gaps, level) if cosine <= level[0] / 2), float("inf"))
        out[topic] = (novelty, half)
    return out


def _cosine(a: Any, b: Any) -> float:
    length = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(a @ b) / length if length > 0 else 0.0
