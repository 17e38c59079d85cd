# SPDX-License-Identifier: MIT
"""Words: counts, TF-IDF, the built-in encoder, and the terms that are typical of a class or node."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import _core
from ._errors import raise_invalid, raise_shape, raise_type
from ._hierarchy import Hierarchy, hierarchy_core
from ._progress import ProgressLike, progress_callback
from ._tables import Table
from ._validation import (
    as_float,
    as_index_array,
    as_int,
    as_matrix,
    as_names,
    as_optional_int,
    as_seed,
    as_text,
    as_text_column,
)
from ._values import CsrMatrix, Value, announce, figure

StopWords = Any  #: None, the name of a list ("english"), or a list of words
WORD_RULES = ("jump_stop_words", "words", "inner_characters", "stemmer")
OWN_RULES = ("token_pattern", "tokenizer")
_CORE_PATTERN = re.compile(r"(?:\(\?u\))?(?:\\b)?\\w(?:((?:\\w)*)\+|\{(\d+),\})(?:\\b)?")


@dataclass(frozen=True)
class WordSettings:
    """How texts become terms: what the core takes, and a tokeniser of the caller's own."""

    fields: tuple[str, list[str], int, int, int, bool, str, str, str]
    own: Callable[[str], Iterable[str]] | None = None

    def read(self, texts: Any, where: str) -> Any:
        """The texts as the core counts them: a column of texts, or a stream of tokens."""
        if isinstance(texts, Tokens):
            return texts._core
        column = as_text_column(texts, where)
        if self.own is None:
            return column
        rows = range(len(column))
        return _core.token_stream_of_lists([list(self.own(column[row].lower())) for row in rows])


def word_settings(
    stop_words: StopWords,
    ngram_range: tuple[int, int],
    where: str,
    min_length: int = 2,
    *,
    jump_stop_words: bool = True,
    words: str = "python",
    inner_characters: str = "",
    stemmer: str | None = None,
    token_pattern: str | None = None,
    tokenizer: Callable[[str], Iterable[str]] | None = None,
) -> WordSettings:
    """Checked settings, see :func:`count_terms`."""
    name, extra = "", []
    if isinstance(stop_words, str):
        name = stop_words
    elif stop_words is not None:
        extra = [word.lower() for word in as_names(stop_words, where, "stop_words")]
    try:
        low, high = ngram_range
    except (TypeError, ValueError):
        raise_type(where, f"ngram_range = {ngram_range!r}, expected a pair (smallest, largest)")
    own: Callable[[str], Iterable[str]] | None = None
    if tokenizer is not None:
        if token_pattern is not None:
            raise_invalid(where, "both a token_pattern and a tokenizer are given", "give one of them")
        if not callable(tokenizer):
            raise_type(where, f"tokenizer is a {type(tokenizer).__name__}, expected a function of a text")
        own = tokenizer
    elif token_pattern is not None:
        own, min_length = _pattern_tokenizer(token_pattern, where, min_length)
    if own is not None and (words != "python" or inner_characters):
        raise_invalid(
            where, "words and inner_characters are of the built-in tokeniser", "leave them out beside one of your own"
        )
    return WordSettings(
        (
            name,
            extra,
            as_int(low, where, "ngram_range"),
            as_int(high, where, "ngram_range"),
            min_length,
            bool(jump_stop_words),
            str(words),
            str(inner_characters),
            stemmer or "",
        ),
        own,
    )


def _pattern_tokenizer(
    pattern: str, where: str, min_length: int
) -> tuple[Callable[[str], Iterable[str]] | None, int]:
    """A function for a pattern; None and a least length where the pattern is one that the core knows."""
    known = _CORE_PATTERN.fullmatch(pattern)
    if known:
        least = int(known[2]) if known[2] else 1 + len(known[1]) // 2
        if least >= 1:
            return None, least
    try:
        compiled = re.compile(pattern)
    except (re.error, TypeError) as error:
        raise_invalid(where, f"token_pattern = {pattern!r}: {error}")
    if compiled.groups > 1:
        raise_invalid(where, f"token_pattern = {pattern!r} has {compiled.groups} groups", "use at most one")
    return compiled.findall, min_length


def token_fields(
    stop_words: StopWords, ngram_range: tuple[int, int], where: str, **rules: Any
) -> tuple[str, list[str], int, int, int, bool, str, str, str]:
    """Settings of algorithms that have to know the whole of them: no tokeniser of the caller's own."""
    return word_settings(stop_words, ngram_range, where, **word_rules(rules, where, own=False)).fields


class Tokens(Value):
    """Texts tokenised once, for any number of counts and measurements. Made by :func:`tokens`."""

    __slots__ = ("rules",)
    rules: dict[str, Any]

    def __init__(self) -> None:
        raise TypeError("Tokens are made by filmatlas.tokens(texts)")

    def __len__(self) -> int:
        return int(self._core.num_documents)

    @property
    def num_tokens(self) -> int:
        """Tokens of all texts."""
        return int(self._core.num_tokens)

    def __repr__(self) -> str:
        return f"Tokens({figure(len(self))} texts, {figure(self.num_tokens)} tokens)"


def tokens(
    texts: Iterable[str],
    *,
    stop_words: StopWords = None,
    min_length: int = 2,
    num_threads: int = 0,
    **rules: Any,
) -> Tokens:
    """Tokenises texts (lower-cased words, in order) once, for :func:`count_terms`, :func:`coherence` and their kin.

    `rules`: `words`, `inner_characters`, `stemmer`, `token_pattern`, `tokenizer`, see :func:`count_terms`.
    """
    where = "tokens"
    length = as_int(min_length, where, "min_length")
    settings = word_settings(stop_words, (1, 1), where, length, **word_rules(rules, where))
    threads = as_int(num_threads, where, "num_threads")
    source = settings.read(texts, where)
    if isinstance(source, _core.TextColumn):
        core = _core.token_stream(source, settings.fields, threads)
    else:
        core = source.with_options(settings.fields, threads)
    made = Tokens._wrap(core)
    made.rules = {name: value for name, value in rules.items() if name != "jump_stop_words"}
    return made


def document_limits(min_df: Any, max_df: Any, n: int, where: str) -> tuple[int, float]:
    """min_df as a count and max_df as a share, each given as either (an integer or a share in [0, 1])."""
    if isinstance(min_df, (float, np.floating)):
        least = max(1, int(np.ceil(round(as_float(min_df, where, "min_df") * n, 9))))
    else:
        least = as_int(min_df, where, "min_df", low=1)
    if isinstance(max_df, (float, np.floating)):
        return least, as_float(max_df, where, "max_df")
    most = as_int(max_df, where, "max_df", low=1)
    return least, min(1.0, (most + 0.5) / max(1, n))


def tokenize(
    text: str,
    *,
    stop_words: StopWords = None,
    ngram_range: tuple[int, int] = (1, 1),
    min_length: int = 2,
    **rules: Any,
) -> list[str]:
    """Terms of a text, as scikit-learn's CountVectorizer finds them.

    Parameters
    ----------
    stop_words : str or list of str, optional
        Name or code of a list (see :func:`stop_list_names`), or words.
    rules
        `words`, `inner_characters`, `stemmer`, `jump_stop_words`, `token_pattern`, `tokenizer`, see
        :func:`count_terms`.
    """
    where = "tokenize"
    if not isinstance(text, str):
        raise_type(where, f"text is a {type(text).__name__}, expected a text")
    length = as_int(min_length, where, "min_length")
    settings = word_settings(stop_words, ngram_range, where, length, **word_rules(rules, where))
    if settings.own is None:
        terms: list[str] = _core.tokenize(as_text(text), settings.fields)
    else:
        stream = settings.read([text], where).with_options(settings.fields, 1)
        terms = _core.terms_of_stream(stream, settings.fields)
    return terms


def word_rules(rules: dict[str, Any], where: str, own: bool = True) -> dict[str, Any]:
    """The settings beyond stop words and n-grams, with unknown names refused."""
    known = (*WORD_RULES, *OWN_RULES) if own else WORD_RULES
    for name in rules:
        if name not in known:
            raise_type(where, f"got an unexpected keyword argument {name!r}", f"word rules: {', '.join(known)}")
    return rules


def stem(word: str, stemmer: str = "english") -> str:
    """Stem of a word, which its forms share: "english", or another of :func:`stemmer_names`."""
    stemmed: str = _core.stem(as_text(word).lower(), stemmer)
    return stemmed


def stemmer_names() -> list[str]:
    """Stemmers that this build has: "english" always, all of Snowball's where it was built with libstemmer."""
    names: list[str] = _core.stemmer_names()
    return names


def has_dictionary_words() -> bool:
    """Whether this build has ``words="dictionary"``: it was built with ICU."""
    return bool(_core.has_dictionary_words())


def stop_list_names() -> list[str]:
    """Languages that have a stop list."""
    names: list[str] = _core.stop_list_names()
    return names


def stop_list(name: str = "english") -> list[str]:
    """Words of a stop list, ascending."""
    words: list[str] = _core.stop_list(name)
    return words


def count_terms(
    texts: Any,
    *,
    stop_words: StopWords = None,
    ngram_range: tuple[int, int] = (1, 1),
    min_df: int | float = 1,
    max_df: int | float = 1.0,
    max_features: int | None = None,
    vocabulary: Sequence[str] | None = None,
    jump_stop_words: bool = True,
    words: str = "python",
    inner_characters: str = "",
    stemmer: str | None = None,
    token_pattern: str | None = None,
    tokenizer: Callable[[str], Iterable[str]] | None = None,
    num_threads: int = 0,
    progress: ProgressLike = None,
) -> tuple[CsrMatrix, list[str]]:
    """(n, terms) counts and the vocabulary, ascending by code point.

    Parameters
    ----------
    texts : list of str, a column of pandas, polars or Arrow, or Tokens
        Strings and Arrow columns are read where they lie. None counts as empty. Tokens (see :func:`tokens`) are not
        split again: only stop words and stemmer apply to them.
    stop_words : str or list of str, optional
        Name or code of a list (see :func:`stop_list_names`), or words.
    min_df, max_df : int (documents) or float (share of the documents)
    max_features : keep the terms with the largest totals
    vocabulary : count these terms instead of finding them
    jump_stop_words : bool
        Whether n-grams reach over stop words, as scikit-learn's do.
    words : str
        "python": runs of word characters, as scikit-learn's default pattern. "unicode": marks belong to their
        letters (Hindi, decomposed accents), scripts without spaces (Chinese, Japanese, Thai) give pairs of characters.
        "dictionary": as "unicode", but such scripts give words, by ICU's dictionaries, see
        :func:`has_dictionary_words`.
    inner_characters : str
        Punctuation that may stand inside words: "-'" keeps "sci-fi" whole.
    stemmer : str, optional
        "english" or another of :func:`stemmer_names`: words are counted by their stem.
    token_pattern : str, optional
        What a token is, as in scikit-learn: a pattern of Python's `re`, applied to the lower-cased text. Patterns of
        the form ``\\w\\w+`` or ``\\b\\w{3,}\\b`` run in the core, others in Python.
    tokenizer : callable, text -> list of str, optional
        A tokeniser of your own, called with each lower-cased text.
    """
    where = "count_terms"
    settings = word_settings(
        stop_words,
        ngram_range,
        where,
        jump_stop_words=jump_stop_words,
        words=words,
        inner_characters=inner_characters,
        stemmer=stemmer,
        token_pattern=token_pattern,
        tokenizer=tokenizer,
    )
    if isinstance(texts, Tokens) and (settings.own is not None or words != "python" or inner_characters):
        raise_invalid(where, "Tokens are split already", "give word rules to tokens()")
    documents = settings.read(texts, where)
    threads = as_int(num_threads, where, "num_threads")
    with progress_callback(progress) as callback:
        if vocabulary is not None:
            terms = sorted(set(as_names(vocabulary, where, "vocabulary")))
            counts = _core.count_with_vocabulary(documents, terms, settings.fields, threads, callback)
            return CsrMatrix(counts), terms
        n = len(documents) if isinstance(documents, _core.TextColumn) else documents.num_documents
        least, share = document_limits(min_df, max_df, n, where)
        terms, counts, run = _core.count_terms(
            documents,
            settings.fields,
            least,
            share,
            as_optional_int(max_features, where, "max_features"),
            threads,
            callback,
        )
    announce(run)
    return CsrMatrix(counts), terms


def inverse_document_frequency(counts: CsrMatrix, *, smooth_idf: bool = True, use_idf: bool = True) -> Any:
    """(terms,) inverse document frequencies, scikit-learn's definition."""
    return _core.inverse_document_frequency(
        *counts._parts(), use_idf=bool(use_idf), smooth_idf=bool(smooth_idf)
    )


def tfidf(
    counts: CsrMatrix,
    idf: Any,
    *,
    sublinear_tf: bool = False,
    l2_normalize: bool = True,
    num_threads: int = 0,
) -> CsrMatrix:
    """(n, terms) float32 TF-IDF weights."""
    weights = np.ascontiguousarray(idf, dtype=np.float64)
    threads = as_int(num_threads, "tfidf", "num_threads")
    return CsrMatrix(_core.tfidf(*counts._parts(), weights, bool(sublinear_tf), bool(l2_normalize), threads))


def bm25_statistics(counts: CsrMatrix) -> tuple[Any, float]:
    """What :func:`bm25` needs of a collection: (terms,) idf and the mean length of a document."""
    idf, mean_length = _core.bm25_statistics(*counts._parts())
    return idf, float(mean_length)


def bm25(
    counts: CsrMatrix,
    statistics: tuple[Any, float] | None = None,
    *,
    k1: float = 1.2,
    b: float = 0.75,
    num_threads: int = 0,
) -> CsrMatrix:
    """(n, terms) float32 BM25 weights: a query's score of a document is their sum over its terms.

    Parameters
    ----------
    counts : CsrMatrix
        Of :func:`count_terms`.
    statistics : pair, optional
        Of :func:`bm25_statistics`, of the collection that the documents are weighed against; default these documents.
    k1, b : float
        How slowly repeats saturate, and how far long documents are held back.
    """
    where = "bm25"
    idf, mean_length = bm25_statistics(counts) if statistics is None else statistics
    return CsrMatrix(
        _core.bm25(
            *counts._parts(),
            np.ascontiguousarray(idf, dtype=np.float64),
            as_float(mean_length, where, "mean_length"),
            as_float(k1, where, "k1"),
            as_float(b, where, "b"),
            as_int(num_threads, where, "num_threads"),
        )
    )


def hash_terms(
    texts: Iterable[str],
    num_features: int = 2**20,
    *,
    stop_words: StopWords = None,
    ngram_range: tuple[int, int] = (1, 1),
    alternate_sign: bool = True,
    num_threads: int = 0,
    progress: ProgressLike = None,
    **rules: Any,
) -> CsrMatrix:
    """(n, num_features) counts without a vocabulary: a term's column is its hash, as in scikit-learn.

    Parameters
    ----------
    alternate_sign : bool
        Whether half of the terms count -1, so that collisions cancel.
    rules
        `words`, `inner_characters`, `stemmer`, `jump_stop_words`, see :func:`count_terms`.
    """
    where = "hash_terms"
    with progress_callback(progress) as callback:
        parts = _core.hash_terms(
            as_text_column(texts, where),
            token_fields(stop_words, ngram_range, where, **rules),
            as_int(num_features, where, "num_features"),
            bool(alternate_sign),
            as_int(num_threads, where, "num_threads"),
            callback,
        )
    return CsrMatrix(parts)


class LsaEncoder(Value):
    """The built-in text encoder: TF-IDF and a truncated SVD. Lexical, offline, deterministic.

    Made by :meth:`fit`; ``encoder.encode(texts)`` gives (m, c) float32 unit vectors, ``encoder.vectors`` those of the
    texts it was fitted on.
    """

    __slots__ = ("empty_texts", "vectors")
    vectors: Any
    empty_texts: Any

    def __init__(self) -> None:
        raise TypeError("an LsaEncoder is made by LsaEncoder.fit(texts)")

    @classmethod
    def fit(
        cls,
        texts: Iterable[str],
        n_components: int = 256,
        *,
        stop_words: StopWords = "english",
        ngram_range: tuple[int, int] = (1, 1),
        min_df: int = 2,
        max_df: float = 0.5,
        sublinear_tf: bool = True,
        normalize: bool = True,
        n_iterations: int = 4,
        random_state: Any = 42,
        num_threads: int = 0,
        progress: ProgressLike = None,
        **rules: Any,
    ) -> LsaEncoder:
        """Fits the encoder; `n_components` is lowered to what the texts allow, with a warning.

        `rules`: `words`, `inner_characters`, `stemmer`, `jump_stop_words`, see :func:`count_terms`.
        """
        where = "LsaEncoder.fit"
        documents = as_text_column(texts, where)
        with progress_callback(progress) as callback:
            fit = _core.fit_lsa(
                documents,
                as_int(n_components, where, "n_components"),
                token_fields(stop_words, ngram_range, where, **rules),
                as_int(min_df, where, "min_df", low=1),
                as_float(max_df, where, "max_df"),
                bool(sublinear_tf),
                bool(normalize),
                as_int(n_iterations, where, "n_iterations"),
                as_seed(random_state, where),
                as_int(num_threads, where, "num_threads"),
                callback,
            )
        announce(fit["run"])
        encoder = cls._wrap(fit["encoder"])
        encoder.vectors, encoder.empty_texts = fit["vectors"], fit["empty_texts"]
        return encoder

    def encode(self, texts: Iterable[str], *, num_threads: int = 0, progress: ProgressLike = None) -> Any:
        """(m, c) float32 vectors; each depends on its own text only. A text without known terms is a zero row."""
        where = "LsaEncoder.encode"
        with progress_callback(progress) as callback:
            return self._core.encode(
                as_text_column(texts, where), as_int(num_threads, where, "num_threads"), callback
            )

    @property
    def dimensions(self) -> int:
        """Columns of the vectors."""
        return int(self._core.dimensions)

    @property
    def vocabulary(self) -> list[str]:
        """Terms, ascending."""
        terms: list[str] = self._core.vocabulary
        return terms

    @property
    def idf(self) -> Any:
        """(terms,) inverse document frequencies."""
        return self._core.idf

    @property
    def components(self) -> Any:
        """(terms, c) float32."""
        return self._core.components

    @property
    def singular_values(self) -> Any:
        """(c,) descending."""
        return self._core.singular_values

    def __repr__(self) -> str:
        return f"LsaEncoder({self.dimensions} dimensions, {figure(len(self.vocabulary))} terms)"


class ClassTerms(Value):
    """Counts and c-TF-IDF weights of terms per class, or per node of a hierarchy."""

    __slots__ = ("classes",)
    classes: list[Any]

    def __init__(self) -> None:
        raise TypeError("ClassTerms are made by filmatlas.class_tfidf()")

    @classmethod
    def _of(cls, core: Any, classes: list[Any]) -> ClassTerms:
        terms = cls._wrap(core)
        terms.classes = classes
        return terms

    @property
    def vocabulary(self) -> list[str]:
        """Terms, ascending by code point."""
        words: list[str] = self._core.vocabulary
        return words

    @property
    def counts(self) -> CsrMatrix:
        """(classes, terms) integer counts; a parent's are the sum of its children's."""
        return CsrMatrix(self._core.counts)

    @property
    def matrix(self) -> CsrMatrix:
        """(classes, terms) weights."""
        return CsrMatrix(self._core.weights)

    @property
    def class_sizes(self) -> Any:
        """Items per class."""
        return self._core.class_sizes

    def keywords(self, node: Any, top_n: int = 10) -> list[tuple[str, float]]:
        """Best terms of a class (a value of `classes`; for a hierarchy, a node id) with their weights."""
        try:
            row = self.classes.index(node)
        except ValueError:
            raise_invalid(
                "ClassTerms.keywords", f"there is no class {node!r}", f"classes: {self.classes[:20]}"
            )
        keywords: list[tuple[str, float]] = self._core.keywords(
            row, as_int(top_n, "ClassTerms.keywords", "top_n", low=0)
        )
        return keywords

    def to_pandas(self, top_n: int = 10) -> Any:
        """One row per class and keyword: class, rank, term, weight."""
        rows = [
            (node, rank, term, weight)
            for node in self.classes
            for rank, (term, weight) in enumerate(self.keywords(node, top_n), start=1)
        ]
        names = ("class", "rank", "term", "weight")
        return Table({name: [row[i] for row in rows] for i, name in enumerate(names)}).to_pandas()

    def __len__(self) -> int:
        return len(self.classes)

    def __repr__(self) -> str:
        return f"ClassTerms({len(self)} classes, {figure(len(self.vocabulary))} terms)"


def class_tfidf(
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
    progress: ProgressLike = None,
) -> ClassTerms:
    """c-TF-IDF: which terms are typical of a class of items, or of every node of a hierarchy.

    Parameters
    ----------
    texts : list of str, or a CsrMatrix of counts (then `vocabulary` names its columns)
    groups : (n,) labels (-1 is a class like all others; texts are allowed), or a Hierarchy
    bm25_weighting, reduce_frequent_words, seed_words : as in BERTopic's ClassTfidfTransformer
    """
    where = "class_tfidf"
    if isinstance(texts, CsrMatrix):
        if vocabulary is None:
            raise_invalid(where, "counts without a vocabulary", "pass vocabulary=..., one term per column")
        counts, terms = texts, as_names(vocabulary, where, "vocabulary")
    else:
        counts, terms = count_terms(
            texts,
            stop_words=stop_words,
            ngram_range=ngram_range,
            min_df=min_df,
            max_df=max_df,
            vocabulary=vocabulary,
            num_threads=num_threads,
            progress=progress,
        )
    n = counts.shape[0]
    classes: list[Any]
    if isinstance(groups, Hierarchy):
        if groups.num_items != n:
            raise_shape(where, f"the hierarchy has {groups.num_items} items, there are {n} texts")
        chosen, classes = groups._core, list(range(groups.num_nodes))
    else:
        array = np.asarray(groups)
        if array.ndim == 1 and array.dtype.kind in "OUS":
            names, inverse = np.unique(array.astype(str), return_inverse=True)
            chosen, classes = inverse.reshape(-1).astype(np.int32), names.tolist()
        else:
            chosen = as_index_array(array, where, "groups")
            classes = np.unique(chosen).tolist()
        if chosen.shape[0] != n:
            raise_shape(where, f"there are {chosen.shape[0]} groups for {n} texts")
    core = _core.class_tfidf(
        *counts._parts(),
        terms,
        chosen,
        bool(bm25_weighting),
        bool(reduce_frequent_words),
        as_names(seed_words, where, "seed_words"),
        as_float(seed_multiplier, where, "seed_multiplier"),
        as_int(num_threads, where, "num_threads"),
    )
    return ClassTerms._of(core, classes)


def node_keywords(
    terms: ClassTerms,
    hierarchy: Hierarchy,
    *,
    top_n: int = 10,
    contrast: float = 2.0,
    coverage: float = 0.5,
    min_items: int = 2,
    max_item_share: float = 0.5,
    fold_duplicates: bool = True,
    num_threads: int = 0,
) -> list[list[tuple[str, float]]]:
    """Keywords per node that read well: typical of it, shared by its items, and rarer next door.

    `terms` is ``class_tfidf(texts, hierarchy)`` of the same hierarchy.
    """
    where = "node_keywords"
    keywords: list[list[tuple[str, float]]] = _core.node_keywords(
        terms._core,
        hierarchy_core(hierarchy, where),
        as_int(top_n, where, "top_n"),
        as_float(contrast, where, "contrast"),
        as_float(coverage, where, "coverage"),
        as_int(min_items, where, "min_items"),
        as_float(max_item_share, where, "max_item_share"),
        bool(fold_duplicates),
        as_int(num_threads, where, "num_threads"),
    )
    return keywords


def keyword_labels(
    hierarchy: Hierarchy,
    keywords: Sequence[Sequence[tuple[str, float]]],
    *,
    words_per_level: Sequence[int] = (2, 2, 3),
    separator: str = " · ",
    max_characters: int = 48,
) -> list[str]:
    """One label per node, unique on its level and along its path, made of the node's best keywords."""
    where = "keyword_labels"
    labels: list[str] = _core.keyword_labels(
        hierarchy_core(hierarchy, where),
        [[(str(term), float(score)) for term, score in node] for node in keywords],
        [as_int(words, where, "words_per_level") for words in words_per_level],
        separator,
        as_int(max_characters, where, "max_characters"),
    )
    return labels


def representatives(
    hierarchy: Hierarchy, vectors: Any, count: int = 5, *, num_threads: int = 0
) -> list[list[int]]:
    """Per node, the members nearest to its centre, nearest first. Every member is looked at."""
    where = "representatives"
    members: list[list[int]] = _core.representatives(
        hierarchy_core(hierarchy, where),
        as_matrix(vectors, where, "vectors"),
        as_int(count, where, "count"),
        as_int(num_threads, where, "num_threads"),
    )
    return members


def tag_lift(
    tags: Iterable[Iterable[str] | Mapping[str, float] | None],
    hierarchy: Hierarchy,
    *,
    top_n: int = 10,
    min_support: int = 2,
    min_lift: float = 1.0,
) -> list[list[dict[str, Any]]]:
    """Per node, the tags that are commoner inside than outside: tag, support, p_in, p_out, lift, score.

    Parameters
    ----------
    tags : (n,) lists of tags, or dictionaries tag -> score
        Genres, keywords, or numbers as words (see :func:`binned_column`). With scores every tag has its `mean_score`
        over the node's items that hold it, too.
    """
    where = "tag_lift"
    given = [[] if row is None else row for row in tags]
    scored = any(isinstance(row, Mapping) for row in given)
    if scored and not all(isinstance(row, Mapping) or not list(row) for row in given):
        raise_type(where, "some tags have scores and some have none", "pass dictionaries for all, or for none")
    scores: list[list[float]] = []
    if scored:
        values = [list(row.values()) if isinstance(row, Mapping) else [] for row in given]
        scores = [[as_float(score, where, "tags") for score in row] for row in values]
    rows = [as_names(list(row), where, "tags") for row in given]
    lifts: list[list[dict[str, Any]]] = _core.tag_lift(
        rows,
        scores,
        hierarchy_core(hierarchy, where),
        as_int(top_n, where, "top_n"),
        as_int(min_support, where, "min_support"),
        as_float(min_lift, where, "min_lift"),
    )
    return lifts


def contrast_keywords(
    terms: ClassTerms,
    node: Any,
    others: Iterable[Any] | None = None,
    *,
    hierarchy: Hierarchy | None = None,
    top_n: int = 10,
) -> dict[Any, list[tuple[str, float]]]:
    """Terms that tell a class from each of some others, with z of the log-odds ratio of the items that hold them.

    Parameters
    ----------
    terms : ClassTerms
        ``class_tfidf(texts, groups)``, or of a hierarchy.
    node : a value of ``terms.classes``
    others : values of ``terms.classes``, optional
        Default: the siblings of the node in `hierarchy`, without one all other classes.
    """
    where = "contrast_keywords"
    if not isinstance(terms, ClassTerms):
        raise_type(where, f"terms is a {type(terms).__name__}, expected ClassTerms", "pass class_tfidf(...)")
    if others is None:
        if hierarchy is None:
            others = terms.classes
        else:
            parent = hierarchy.node(as_int(node, where, "node")).parent
            others = (
                hierarchy.children(parent)
                if parent is not None and parent >= 0
                else [other.id for other in hierarchy.nodes(0)]
            )
    place = {name: row for row, name in enumerate(terms.classes)}
    chosen = [node, *(other for other in others if other != node)]
    for name in chosen:
        if name not in place:
            raise_invalid(where, f"there is no class {name!r}", f"classes: {terms.classes[:20]}")
    count = as_int(top_n, where, "top_n")
    return {
        other: _core.contrast_keywords(terms._core, place[node], place[other], count) for other in chosen[1:]
    }


def source_keywords(
    source_texts: Mapping[str, Iterable[Any]],
    hierarchy: Hierarchy,
    *,
    top_n: int = 10,
    stop_words: StopWords = "english",
    ngram_range: tuple[int, int] = (1, 1),
    min_df: int | float = 2,
    num_threads: int = 0,
    **rules: Any,
) -> dict[str, list[list[tuple[str, float]]]]:
    """Keywords of every node from each source by itself: themes from tags, moods from reviews, settings from plots.

    Parameters
    ----------
    source_texts : dictionary name -> (n,) texts or lists of tags
        For instance :attr:`Profiles.source_texts`. Tags are kept whole, texts are split by the word `rules` of
        :func:`count_terms`.

    Returns
    -------
    dictionary name -> per node, (term, score) pairs, see :func:`node_keywords`
    """
    found = {}
    for name, values in source_texts.items():
        column = list(values)
        settings: dict[str, Any] = {"stop_words": stop_words, "ngram_range": ngram_range, **rules}
        if any(isinstance(value, (list, tuple, Mapping)) for value in column):
            stream = Tokens._wrap(_core.token_stream_of_lists([list(value or ()) for value in column]))
            stream.rules = {}
            column, settings = stream, {}  # type: ignore[assignment]
        counts, vocabulary = count_terms(column, min_df=min_df, num_threads=num_threads, **settings)
        terms = class_tfidf(counts, hierarchy, vocabulary=vocabulary, num_threads=num_threads)
        found[name] = node_keywords(terms, hierarchy, top_n=top_n, num_threads=num_threads)
    return found


def maximal_marginal_relevance(
    query: Any, candidates: Any, top_n: int = 10, *, diversity: float = 0.1
) -> list[int]:
    """Candidates (rows) near the query and unlike each other, in the order chosen."""
    where = "maximal_marginal_relevance"
    chosen: list[int] = _core.maximal_marginal_relevance(
        as_matrix(np.asarray(query)[None, :] if np.ndim(query) == 1 else query, where, "query")[0],
        as_matrix(candidates, where, "candidates"),
        as_int(top_n, where, "top_n"),
        as_float(diversity, where, "diversity"),
    )
    return chosen


def max_sum_diverse(query: Any, candidates: Any, top_n: int = 5, *, pool: int = 20) -> list[int]:
    """Of the `pool` candidates (rows) nearest to the query, the `top_n` least like each other, nearest first.

    Max-sum diversity as KeyBERT defines it; all subsets are looked at.
    """
    where = "max_sum_diverse"
    chosen: list[int] = _core.max_sum_diverse(
        as_matrix(np.asarray(query)[None, :] if np.ndim(query) == 1 else query, where, "query")[0],
        as_matrix(candidates, where, "candidates"),
        as_int(top_n, where, "top_n"),
        as_int(pool, where, "pool"),
    )
    return chosen
