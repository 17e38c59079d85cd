# SPDX-License-Identifier: MIT
"""Estimators of texts with scikit-learn's conventions and the names people know, usable without scikit-learn."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from . import _core
from ._errors import FilmAtlasWarning, raise_invalid, raise_shape
from ._estimator_base import BaseEstimator, NotFittedError, TransformerMixin, scipy_csr, threads_of
from ._text import (
    OWN_RULES,
    WORD_RULES,
    count_terms,
    document_limits,
    hash_terms,
    inverse_document_frequency,
    tfidf,
)
from ._topics import RULES, Topics, rank_keywords, topic_similarity, topics
from ._validation import as_float, as_names, as_optional_int, as_text_column
from ._values import CsrMatrix


class _TextEstimator(TransformerMixin, BaseEstimator):
    """An estimator with word rules."""

    _rule_names: tuple[str, ...] = (*WORD_RULES, *OWN_RULES)

    def _rules(self) -> dict[str, Any]:
        """How texts become terms, alike in fit and transform."""
        rules = {name: getattr(self, name) for name in ("stop_words", "ngram_range", *self._rule_names)}
        return {**rules, "num_threads": threads_of(self.n_jobs)}


class CountVectorizer(_TextEstimator):
    """Counts of terms, as sklearn.feature_extraction.text.CountVectorizer with its default token pattern.

    Many times faster, in parallel. Gives scipy.sparse matrices where SciPy is installed. :meth:`partial_fit` takes
    the texts in parts: the vocabulary is then that of all of them.

    Parameters
    ----------
    As there, and `words`, `inner_characters`, `stemmer`, `jump_stop_words` of :func:`filmatlas.count_terms`;
    `stop_words` may name a list of many languages.

    Attributes
    ----------
    vocabulary_ : dict of str to int
    term_counts_ : (terms,) int64
        Occurrences in all texts so far; after :meth:`partial_fit` only.
    """

    def __init__(
        self,
        *,
        stop_words: Any = None,
        ngram_range: tuple[int, int] = (1, 1),
        max_df: int | float = 1.0,
        min_df: int | float = 1,
        max_features: int | None = None,
        vocabulary: Any = None,
        binary: bool = False,
        jump_stop_words: bool = True,
        words: str = "python",
        inner_characters: str = "",
        stemmer: str | None = None,
        token_pattern: str | None = None,
        tokenizer: Any = None,
        n_jobs: int | None = None,
    ) -> None:
        self.stop_words = stop_words
        self.ngram_range = ngram_range
        self.max_df = max_df
        self.min_df = min_df
        self.max_features = max_features
        self.vocabulary = vocabulary
        self.binary = binary
        self.jump_stop_words = jump_stop_words
        self.words = words
        self.inner_characters = inner_characters
        self.stemmer = stemmer
        self.token_pattern = token_pattern
        self.tokenizer = tokenizer
        self.n_jobs = n_jobs

    def fit(self, raw_documents: Any, y: Any = None) -> Any:
        """Finds the vocabulary."""
        self._fit_counts(raw_documents)
        return self

    def partial_fit(self, raw_documents: Any, y: Any = None) -> Any:
        """Adds texts: the vocabulary becomes that of all texts so far, by the limits on all of them.

        With a given `vocabulary` nothing is looked for. After :meth:`fit`, it begins anew.
        """
        self._grow(raw_documents)
        return self

    def fit_transform(self, raw_documents: Any, y: Any = None) -> Any:
        """Finds the vocabulary and counts."""
        return scipy_csr(self._binary(self._fit_counts(raw_documents)))

    def transform(self, raw_documents: Any) -> Any:
        """(n, terms) counts."""
        return scipy_csr(self._binary(self._counts(raw_documents)))

    def get_feature_names_out(self, input_features: Any = None) -> Any:
        """Terms in column order."""
        self._check_vocabulary()
        return np.array(self._terms, dtype=object)

    def _check_vocabulary(self) -> None:
        if not hasattr(self, "vocabulary_"):
            raise NotFittedError("Vocabulary not fitted or provided")

    def _grow(self, raw_documents: Any) -> None:
        where = type(self).__name__
        documents = as_text_column(raw_documents, where)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FilmAtlasWarning)
            given = None if self.vocabulary is None else list(self.vocabulary)
            counts, terms = count_terms(documents, vocabulary=given, **self._rules())
        seen = self.__dict__.setdefault("_seen", {})  # term -> [documents, total]
        self._n_seen = self.__dict__.get("_n_seen", 0) + len(documents)
        df = np.bincount(counts.indices, minlength=len(terms))
        totals = np.bincount(counts.indices, weights=counts.data, minlength=len(terms))
        for term, documents_with, total in zip(terms, df.tolist(), totals.tolist()):
            entry = seen.setdefault(term, [0, 0])
            entry[0] += documents_with
            entry[1] += int(total)
        least, share = document_limits(self.min_df, self.max_df, self._n_seen, where)
        if given is None:
            most = share * self._n_seen
            kept = [term for term, (documents_with, _) in seen.items() if least <= documents_with <= most]
            limit = as_optional_int(self.max_features, where, "max_features", low=1)
            if limit is not None and len(kept) > limit:
                kept = sorted(kept, key=lambda term: (-seen[term][1], term))[:limit]
            terms = sorted(kept)
        self._terms = terms
        self.vocabulary_ = {term: column for column, term in enumerate(terms)}
        self.term_counts_ = np.array([seen[term][1] for term in terms], dtype=np.int64)

    def _fit_counts(self, raw_documents: Any) -> CsrMatrix:
        given = self.vocabulary
        self.__dict__.pop("_seen", None)
        self.__dict__.pop("_n_seen", None)
        self.__dict__.pop("term_counts_", None)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FilmAtlasWarning)  # no term left: an error here, see below
            counts, self._terms = count_terms(
                raw_documents,
                min_df=self.min_df,
                max_df=self.max_df,
                max_features=self.max_features,
                vocabulary=None if given is None else list(given),
                **self._rules(),
            )
        if not self._terms:
            raise_invalid(
                type(self).__name__, "empty vocabulary", "perhaps the documents only contain stop words"
            )
        self.vocabulary_ = {term: column for column, term in enumerate(self._terms)}
        return counts

    def _counts(self, raw_documents: Any) -> CsrMatrix:
        self._check_vocabulary()
        counts, _ = count_terms(raw_documents, vocabulary=self._terms, **self._rules())
        return counts

    def _binary(self, counts: CsrMatrix) -> CsrMatrix:
        if not self.binary:
            return counts
        return CsrMatrix((counts.shape, counts.indptr, counts.indices, np.minimum(counts.data, 1)))


class TfidfVectorizer(CountVectorizer):
    """TF-IDF weights, as sklearn.feature_extraction.text.TfidfVectorizer with its default token pattern."""

    def __init__(
        self,
        *,
        stop_words: Any = None,
        ngram_range: tuple[int, int] = (1, 1),
        max_df: int | float = 1.0,
        min_df: int | float = 1,
        max_features: int | None = None,
        vocabulary: Any = None,
        binary: bool = False,
        norm: str | None = "l2",
        use_idf: bool = True,
        smooth_idf: bool = True,
        sublinear_tf: bool = False,
        jump_stop_words: bool = True,
        words: str = "python",
        inner_characters: str = "",
        stemmer: str | None = None,
        token_pattern: str | None = None,
        tokenizer: Any = None,
        n_jobs: int | None = None,
    ) -> None:
        super().__init__(
            stop_words=stop_words,
            ngram_range=ngram_range,
            max_df=max_df,
            min_df=min_df,
            max_features=max_features,
            vocabulary=vocabulary,
            binary=binary,
            jump_stop_words=jump_stop_words,
            words=words,
            inner_characters=inner_characters,
            stemmer=stemmer,
            token_pattern=token_pattern,
            tokenizer=tokenizer,
            n_jobs=n_jobs,
        )
        self.norm = norm
        self.use_idf = use_idf
        self.smooth_idf = smooth_idf
        self.sublinear_tf = sublinear_tf

    def _fit_weights(self, raw_documents: Any) -> CsrMatrix:
        if self.norm not in ("l2", None):
            raise_invalid(type(self).__name__, f"norm = {self.norm!r}", "use 'l2' or None")
        counts = self._binary(self._fit_counts(raw_documents))
        self.idf_ = np.array(
            inverse_document_frequency(counts, smooth_idf=self.smooth_idf, use_idf=self.use_idf)
        )
        return counts

    def _weights(self, counts: CsrMatrix) -> Any:
        return scipy_csr(
            tfidf(
                counts,
                self.idf_,
                sublinear_tf=self.sublinear_tf,
                l2_normalize=self.norm == "l2",
                num_threads=threads_of(self.n_jobs),
            )
        )

    def _grow(self, raw_documents: Any) -> None:
        super()._grow(raw_documents)
        df = np.array([self._seen[term][0] for term in self._terms], dtype=np.int64)
        self.idf_ = np.array(
            _core.idf_of_frequencies(df, self._n_seen, bool(self.use_idf), bool(self.smooth_idf))
        )

    def fit(self, raw_documents: Any, y: Any = None) -> Any:
        """Finds vocabulary and document frequencies."""
        self._fit_weights(raw_documents)
        return self

    def fit_transform(self, raw_documents: Any, y: Any = None) -> Any:
        """Fits and weighs."""
        return self._weights(self._fit_weights(raw_documents))

    def transform(self, raw_documents: Any) -> Any:
        """(n, terms) float32 weights."""
        return self._weights(self._binary(self._counts(raw_documents)))


class HashingVectorizer(_TextEstimator):
    """Counts without a vocabulary, as sklearn.feature_extraction.text.HashingVectorizer: needs no fit.

    Parameters
    ----------
    As there, and `words`, `inner_characters`, `stemmer`, `jump_stop_words` of :func:`filmatlas.count_terms`.
    """

    _rule_names = WORD_RULES

    def __init__(
        self,
        *,
        stop_words: Any = None,
        ngram_range: tuple[int, int] = (1, 1),
        n_features: int = 2**20,
        binary: bool = False,
        norm: str | None = "l2",
        alternate_sign: bool = True,
        jump_stop_words: bool = True,
        words: str = "python",
        inner_characters: str = "",
        stemmer: str | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.stop_words = stop_words
        self.ngram_range = ngram_range
        self.n_features = n_features
        self.binary = binary
        self.norm = norm
        self.alternate_sign = alternate_sign
        self.jump_stop_words = jump_stop_words
        self.words = words
        self.inner_characters = inner_characters
        self.stemmer = stemmer
        self.n_jobs = n_jobs

    def fit(self, raw_documents: Any, y: Any = None) -> HashingVectorizer:
        """Nothing to find."""
        return self

    def partial_fit(self, raw_documents: Any, y: Any = None) -> HashingVectorizer:
        """Nothing to find."""
        return self

    def transform(self, raw_documents: Any) -> Any:
        """(n, n_features) float32 weights."""
        if self.norm not in ("l1", "l2", None):
            raise_invalid(type(self).__name__, f"norm = {self.norm!r}", "use 'l1', 'l2' or None")
        counts = hash_terms(
            raw_documents,
            self.n_features,
            alternate_sign=self.alternate_sign,
            **self._rules(),
        )
        values = np.ones(counts.nnz) if self.binary else counts.data.astype(np.float64)
        if self.norm is not None and counts.nnz:
            size = np.abs(values) if self.norm == "l1" else values**2
            rows = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
            length = np.bincount(rows, weights=size, minlength=counts.shape[0])
            values = values / (length if self.norm == "l1" else np.sqrt(length))[rows]
        return scipy_csr(CsrMatrix((counts.shape, counts.indptr, counts.indices, values.astype(np.float32))))


class KeywordRanker(_TextEstimator):
    """Keywords of classes of texts: fit on texts and their classes; new texts are placed by their words.

    Parameters
    ----------
    rule : str
        See :func:`filmatlas.rank_keywords`; the default is one fixed rule for all corpora.
    top_n : int
        Keywords per class.
    min_items, prior, fold_forms
        See :func:`filmatlas.rank_keywords`.
    stop_words, ngram_range, min_df, max_df and the word rules
        See :func:`filmatlas.count_terms`.

    Attributes
    ----------
    classes_ : (classes,) array
    keywords_ : list of list of (term, score)
        Per class, best first.
    topics_ : Topics
        The value behind them; classes are numbered in the order of `classes_`.
    """

    def __init__(
        self,
        rule: str = "balanced",
        *,
        top_n: int = 10,
        min_items: int = 2,
        prior: float = 1000.0,
        fold_forms: bool = False,
        stop_words: Any = "english",
        ngram_range: tuple[int, int] = (1, 1),
        min_df: int | float = 1,
        max_df: int | float = 1.0,
        jump_stop_words: bool = True,
        words: str = "python",
        inner_characters: str = "",
        stemmer: str | None = None,
        token_pattern: str | None = None,
        tokenizer: Any = None,
        n_jobs: int | None = None,
    ) -> None:
        self.rule = rule
        self.top_n = top_n
        self.min_items = min_items
        self.prior = prior
        self.fold_forms = fold_forms
        self.stop_words = stop_words
        self.ngram_range = ngram_range
        self.min_df = min_df
        self.max_df = max_df
        self.jump_stop_words = jump_stop_words
        self.words = words
        self.inner_characters = inner_characters
        self.stemmer = stemmer
        self.token_pattern = token_pattern
        self.tokenizer = tokenizer
        self.n_jobs = n_jobs

    def fit(self, X: Any, y: Any) -> KeywordRanker:
        """Ranks the terms of texts `X` for the classes `y`, one per text."""
        where = type(self).__name__
        if self.rule not in RULES:
            raise_invalid(where, f"rule = {self.rule!r}", f"use one of {', '.join(RULES)}")
        documents = as_text_column(X, where)
        self.classes_, groups = np.unique(np.asarray(y), return_inverse=True)
        if len(groups) != len(documents):
            raise_shape(where, f"there are {len(groups)} classes for {len(documents)} texts")
        threads = threads_of(self.n_jobs)
        self.topics_: Topics = topics(
            documents,
            groups.reshape(-1),
            min_df=self.min_df,
            max_df=self.max_df,
            **self._rules(),
        )
        self.keywords_ = rank_keywords(
            self.topics_.terms,
            counts=self.topics_.counts,
            rule=self.rule,
            top_n=self.top_n,
            min_items=self.min_items,
            prior=self.prior,
            fold_forms=self.fold_forms,
            num_threads=threads,
        )
        return self

    def _fitted(self) -> Topics:
        if not hasattr(self, "topics_"):
            raise NotFittedError("This KeywordRanker instance is not fitted yet. Call 'fit' first.")
        return self.topics_

    def transform(self, X: Any) -> Any:
        """(m, classes) cosines of texts with the classes, by their words."""
        return np.asarray(topic_similarity(self._fitted(), X, num_threads=threads_of(self.n_jobs)))

    def predict(self, X: Any) -> Any:
        """(m,) nearest class of each text; the first one of a text without known words."""
        nearest = self.transform(X).argmax(axis=1)
        return self.classes_[nearest]

    def get_feature_names_out(self, input_features: Any = None) -> Any:
        """Classes, as the columns of :meth:`transform`."""
        self._fitted()
        return np.array([str(name) for name in self.classes_], dtype=object)


class ClassTfidf(TransformerMixin, BaseEstimator):
    """c-TF-IDF of class counts, as BERTopic's ClassTfidfTransformer: fit on (classes, terms) counts.

    For texts and groups, or every node of a hierarchy, see :func:`filmatlas.class_tfidf`.
    """

    def __init__(
        self,
        bm25_weighting: bool = False,
        reduce_frequent_words: bool = False,
        seed_words: Any = None,
        seed_multiplier: float = 2.0,
    ) -> None:
        self.bm25_weighting = bm25_weighting
        self.reduce_frequent_words = reduce_frequent_words
        self.seed_words = seed_words
        self.seed_multiplier = seed_multiplier

    def fit(self, X: Any, y: Any = None, *, feature_names: Any = None) -> ClassTfidf:
        """Finds `idf_`; `feature_names` are the terms, needed for `seed_words` only."""
        where = "ClassTfidf"
        counts = _class_counts(X)
        seeds = as_names(self.seed_words or (), where, "seed_words")
        if seeds and feature_names is None:
            raise_invalid(where, "seed_words need the terms", "pass fit(X, feature_names=...)")
        terms = (
            [""] * counts.shape[1]
            if feature_names is None
            else as_names(feature_names, where, "feature_names")
        )
        if len(terms) != counts.shape[1]:
            raise_shape(where, f"there are {len(terms)} feature_names for {counts.shape[1]} columns")
        multiplier = as_float(self.seed_multiplier, where, "seed_multiplier")
        self.idf_ = np.array(
            _core.class_idf(*counts._parts(), terms, bool(self.bm25_weighting), seeds, multiplier)
        )
        self.n_features_in_ = counts.shape[1]
        return self

    def transform(self, X: Any) -> Any:
        """(classes, terms) weights."""
        if not hasattr(self, "idf_"):
            raise NotFittedError("This ClassTfidf instance is not fitted yet")
        counts = _class_counts(X)
        if counts.shape[1] != self.n_features_in_:
            raise_shape("ClassTfidf", f"X has {counts.shape[1]} columns, expected {self.n_features_in_}")
        return scipy_csr(
            CsrMatrix(_core.class_weights(*counts._parts(), self.idf_, bool(self.reduce_frequent_words)))
        )


def _class_counts(X: Any) -> CsrMatrix:
    """(classes, terms) int64 counts from SciPy, a CsrMatrix or a dense array."""
    if isinstance(X, CsrMatrix):
        shape, indptr, indices, data = X._parts()
    elif hasattr(X, "tocsr"):
        matrix = X.tocsr().copy()
        matrix.sum_duplicates()
        shape, indptr, indices, data = matrix.shape, matrix.indptr, matrix.indices, matrix.data
    else:
        dense = np.asarray(X)
        if dense.ndim != 2:
            raise_shape("ClassTfidf", f"X has shape {dense.shape}, expected (classes, terms)")
        rows, columns = np.nonzero(dense)
        indptr = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=dense.shape[0]))])
        shape, indices, data = dense.shape, columns, dense[rows, columns]
    if data.size and (data.dtype.kind not in "iuf" or np.any(data < 0) or np.any(data != np.trunc(data))):
        raise_invalid("ClassTfidf", "counts have to be integers >= 0")
    parts = (shape, np.asarray(indptr, np.int64), np.asarray(indices, np.int32), np.asarray(data, np.int64))
    return CsrMatrix(parts)
