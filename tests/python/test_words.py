# SPDX-License-Identifier: MIT
"""The text engine: scikit-learn's counts on any text, other word rules, hostile input, estimators."""

from __future__ import annotations

import gzip
import itertools
import json
import os
import pathlib
import sys
import time
import tracemalloc

import numpy as np
import pytest

import filmatlas as fa
from conftest import ROOT

SHARED = pathlib.Path(os.environ.get("FILMATLAS_SHARED_DATA", ROOT.parent / "shared" / "data"))
sklearn_text = pytest.importorskip("sklearn.feature_extraction.text", reason="scikit-learn is not installed")


def random_texts(n, seed=0):
    """Texts of letters, marks, digits, punctuation and blanks from all over Unicode, surrogates excepted."""
    draw = np.random.default_rng(seed)
    pools = [
        "abcXYZ019_ -'.,!?\t\n\r",
        "éèüßÄÖÅøŁİıſẞΣσςΆПривет",
        "\u0301\u0307\u0308\u200d\u200c\u00ad\u2019\u2028\u3000\xa0\ufeff",
        "東京都日本語カタカナひらがな한국어ไทยที่हिन्दी",
        "مرحبا١٢٣שלום",
        "²³½Ⅷⓐ𝒳𝟙🎬🏳️‍🌈",
    ]
    out = []
    for _ in range(n):
        size = int(draw.integers(0, 40))
        kinds = draw.integers(0, len(pools) + 1, size)
        anywhere = draw.integers(0, 0x110000, size)
        picks = draw.integers(0, 1 << 30, size)
        text = ""
        for kind, code, pick in zip(kinds, anywhere, picks):
            if kind == len(pools):
                text += chr(code) if not 0xD800 <= code <= 0xDFFF else " "
            else:
                text += pools[kind][pick % len(pools[kind])]
        out.append(text)
    return out


def same_counts(texts, **options):
    theirs = sklearn_text.CountVectorizer(**options)
    matrix = theirs.fit_transform(texts)
    matrix.sort_indices()
    counts, words = fa.count_terms(texts, **options)
    assert words == list(theirs.get_feature_names_out())
    assert np.array_equal(counts.indptr, matrix.indptr)
    assert np.array_equal(counts.indices, matrix.indices) and np.array_equal(counts.data, matrix.data)


@pytest.mark.parametrize("options", [{}, {"ngram_range": (1, 2)}, {"ngram_range": (2, 3), "min_df": 2}])
def test_ten_thousand_random_strings_count_as_in_scikit_learn(options):
    same_counts(random_texts(10_000), **options)


FILES = {
    "films.jsonl.gz": ("title", "tagline", "overview", "wiki_extract"),
    "wikipedia_films.jsonl.gz": ("title", "extract"),
    "newsgroups20.jsonl.gz": ("subject", "text"),
    "hs_codes.jsonl.gz": ("text", "heading_name", "chapter_name"),
    "banking77.jsonl.gz": ("text", "label"),
    "arxiv_ml_titles.jsonl.gz": ("title",),
    "minilm_films.jsonl.gz": ("title", "overview"),
    "film_keywords.jsonl.gz": ("title",),
}


@pytest.mark.parametrize("name", list(FILES))
def test_all_texts_of_the_shared_catalogues_count_as_in_scikit_learn(name):
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"{name} is not there; name its folder in FILMATLAS_SHARED_DATA")
    with gzip.open(path, "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    texts = [" ".join(row[field] or "" for field in FILES[name]) for row in rows]
    same_counts(texts)
    same_counts(texts[::5], stop_words="english", ngram_range=(1, 2), min_df=2)


def test_parts_make_the_whole_for_any_number_of_threads():
    texts = random_texts(3000, 1)
    whole, words = fa.count_terms(texts, num_threads=1)
    for threads in (2, 8):
        counts, other = fa.count_terms(texts, num_threads=threads)
        assert other == words and counts.data.tobytes() == whole.data.tobytes()
        assert counts.indices.tobytes() == whole.indices.tobytes()
    pieces = [fa.count_terms(texts[i : i + 700], vocabulary=words)[0].toarray() for i in range(0, 3000, 700)]
    assert np.array_equal(np.vstack(pieces), whole.toarray())
    for options in ({}, {"min_df": 3, "max_df": 0.5}, {"max_features": 50}):
        once = fa.CountVectorizer(**options).fit(texts)
        grown = fa.CountVectorizer(**options)
        for i in range(0, 3000, 700):
            grown.partial_fit(texts[i : i + 700])
        assert grown.vocabulary_ == once.vocabulary_
        assert (grown.transform(texts[:50]) != once.transform(texts[:50])).nnz == 0
    once, grown = fa.TfidfVectorizer(min_df=2).fit(texts), fa.TfidfVectorizer(min_df=2)
    for i in range(0, 3000, 1000):
        grown.partial_fit(texts[i : i + 1000])
    assert np.allclose(grown.idf_, once.idf_, rtol=1e-15)


@pytest.mark.parametrize("norm, sign", list(itertools.product(["l1", "l2", None], [True, False])))
def test_hashing_is_scikit_learns(norm, sign):
    texts = [text for text in random_texts(400, 2)] + ["owl owl night", ""]
    options = {"n_features": 2**10, "norm": norm, "alternate_sign": sign, "ngram_range": (1, 2)}
    ours = fa.HashingVectorizer(**options).transform(texts)
    theirs = sklearn_text.HashingVectorizer(**options).transform(texts)
    assert abs(ours - theirs).max() <= 1e-6


def test_bm25_ranks_documents():
    texts = ["owl owl moon", "owl", "sun sun sun moon", "the bank of the river"]
    counts, words = fa.count_terms(texts)
    weights = fa.bm25(counts).toarray()
    assert weights.shape == (4, len(words)) and (weights >= 0).all()
    assert weights[:, words.index("owl")].argmax() == 0 and weights[:, words.index("moon")][1] == 0
    statistics = fa.bm25_statistics(counts)
    again = fa.bm25(fa.count_terms(["owl"], vocabulary=words)[0], statistics).toarray()
    assert np.allclose(again[0, words.index("owl")], weights[1, words.index("owl")])
    with pytest.raises(ValueError, match="k1"):
        fa.bm25(counts, k1=-1)


# --- languages ---------------------------------------------------------------------------------------------

SAMPLES = {
    "chinese": [
        "我爱看科幻电影，科幻电影很有意思。",
        "这部科幻电影讲述太空旅行。",
        "我们在太空旅行中发现外星人。",
    ],
    "japanese": [
        "東京で映画を見るのが好きです。アニメーション映画も見る。",
        "このアニメーション映画は東京の物語です。",
        "宇宙の物語を見る。",
    ],
    "thai": ["ภาพยนตร์เรื่องนี้เกี่ยวกับการเดินทางในอวกาศ", "การเดินทางในอวกาศเป็นเรื่องสนุก", "ภาพยนตร์ไทยสนุกมาก"],
    "arabic": ["هذا الفيلم عن السَّفر إلى الفضاء", "السَّفر إلى الفضاء مغامرة", "الفيلم مغامرة في الفضاء"],
    "turkish": [
        "İstanbul'da geçen bir aşk filmi",
        "Bu film İstanbul ve aşk üzerine",
        "Aşk ve ölüm İSTANBUL'da",
    ],
    "german": [
        "Eine große Liebe in München während des Krieges",
        "Große Gefühle in MÜNCHEN und die Straße",
        "Die Straße nach München",
    ],
}


@pytest.mark.parametrize("language", list(SAMPLES))
def test_keywords_of_other_scripts_are_words_with_their_accents(language):
    texts = SAMPLES[language] + ["robots dream of electric sheep"] * 3
    topics = fa.topics(texts, [0, 0, 0, 1, 1, 1], stop_words=language, words="unicode")
    found = [word for word, _ in topics.keywords(0, 8, rule="c_tf_idf")]
    expected = {
        "chinese": {"科幻", "电影", "太空"},
        "japanese": {"アニメーション", "映画", "物語"},
        "thai": set(),
        "arabic": {"الفضاء", "السَّفر"},
        "turkish": {"istanbul", "aşk"},
        "german": {"münchen", "große", "straße"},
    }[language]
    assert expected <= set(found), found
    if language in ("chinese", "thai"):
        assert all(len([c for c in word if not _mark(c)]) <= 2 for word in found), found
    # the pattern that others have takes sentences for words, or breaks words apart
    plain = fa.topics(texts, [0, 0, 0, 1, 1, 1], stop_words=None)
    if language in ("chinese", "japanese"):
        assert max(len(word) for word, _ in plain.keywords(0, 8, rule="c_tf_idf")) > 7
    assert fa.topic_distribution(topics, texts).toarray()[0].argmax() == 0
    stops = set(fa.stop_list(language))
    assert len(stops) >= 30 and not stops & set(found)


def _mark(character):
    import unicodedata

    return unicodedata.category(character).startswith("M")


def test_stop_lists_stems_and_joined_words():
    assert len(fa.stop_list_names()) >= 20 and "german" in fa.stop_list_names()
    assert fa.stop_list("de") == fa.stop_list("german")
    assert [fa.stem(word) for word in ("Robots", "dreaming", "skies")] == ["robot", "dream", "sky"]
    words = fa.tokenize(
        "Sci-fi isn’t for the robots' dreams", inner_characters="-'", stemmer="english", stop_words="en"
    )
    assert words == ["sci-fi", "isn't", "robot", "dream"]
    assert fa.count_terms(["lord of the rings"], ngram_range=(2, 2), stop_words="en")[1] == ["lord rings"]
    jumped = fa.count_terms(
        ["lord of the rings", "dark night"], ngram_range=(2, 2), stop_words="en", jump_stop_words=False
    )
    assert jumped[1] == ["dark night"]
    with pytest.raises(TypeError, match="word rules"):
        fa.tokenize("a", wrods="unicode")
    with pytest.raises(ValueError, match="unicode"):
        fa.tokenize("a", words="icu")


# --- hostile input -----------------------------------------------------------------------------------------


def test_lone_surrogates_and_nul_and_none():
    texts = ["owl \ud800 night", "owl\x00night", None, "", float("nan"), "\ufffd\ufffe"]
    counts, words = fa.count_terms(texts)
    assert words == ["night", "owl"] and counts.toarray()[:3].tolist() == [[1, 1], [1, 1], [0, 0]]
    for rule in ("python", "unicode"):
        assert fa.tokenize("a\udfffbc d\x00ef", words=rule) == ["bc", "ef"]
    assert fa.near_duplicates(texts)[0] == [fa.NearDuplicate(0, 1, 1.0)]
    assert fa.language_hints(texts)[2] == ("", 0.0)
    fa.mask_names(texts, ["owl"] * 6)


def test_invalid_utf8_from_files_is_replaced_and_reported(tmp_path):
    path = tmp_path / "broken.jsonl"
    path.write_bytes(b'{"id": "a", "plot": "caf\xe9 owl"}\n{"id": "b", "plot": "fine"}\n')
    records = fa.read_records(str(path))
    assert records["plot"][0] == "caf\ufffd owl" and "UTF-8" in records.cleaning.repaired[0].reason


def test_a_single_line_of_ten_megabytes():
    text = "owl night moon " * 700_000
    begin = time.process_time()
    counts, words = fa.count_terms([text], num_threads=1)
    assert words == ["moon", "night", "owl"] and counts.data.tolist() == [700_000] * 3
    assert fa.count_terms(["x" * 10_000_000])[1] == ["x" * 10_000_000]
    assert len(fa.tokenize("京" * 1_000_000, words="unicode")) == 999_999
    assert time.process_time() - begin < 20


def test_a_million_texts_of_one_word():
    texts = [f"w{i % 1000}" for i in range(1_000_000)]
    counts, words = fa.count_terms(texts)
    assert counts.shape == (1_000_000, 1000) and counts.nnz == 1_000_000 and len(words) == 1000
    pairs, groups = fa.near_duplicates(texts)
    assert len(pairs) == 999_000 and groups[123_456] == 456


def test_texts_without_words():
    with pytest.warns(fa.FilmAtlasWarning, match="no term is left"):
        counts, words = fa.count_terms(["", "   ", "!!!"])
    assert counts.shape == (3, 0) and words == []
    with pytest.raises(ValueError, match="empty vocabulary"):
        fa.CountVectorizer().fit(["", "!!"])
    with pytest.raises(TypeError, match="expected a text"):
        fa.count_terms(["a", 3])
    with pytest.raises(TypeError, match="one text"):
        fa.count_terms("owl")


COLUMN = ["owl night", None, "moon owl", "", "d\u00e9j\u00e0 vu \u6771\u4eac owl", "a much longer text about owls"]


def column_makers():
    pandas = pytest.importorskip("pandas")
    polars = pytest.importorskip("polars")
    arrow = pytest.importorskip("pyarrow")
    return {
        "pandas objects": lambda texts: pandas.Series(texts, dtype=object),
        "pandas str": lambda texts: pandas.Series(texts, dtype="str"),
        "pandas arrow": lambda texts: pandas.Series(texts, dtype=pandas.ArrowDtype(arrow.large_string())),
        "pandas nullable": lambda texts: pandas.Series(texts, dtype="string"),
        "polars": lambda texts: polars.Series(texts, dtype=polars.String),
        "polars chunks": lambda texts: polars.concat(
            [polars.Series(part, dtype=polars.String) for part in (texts[:2], texts[2:])], rechunk=False
        ),
        "arrow string": lambda texts: arrow.array(texts, arrow.string()),
        "arrow large_string": lambda texts: arrow.array(texts, arrow.large_string()),
        "arrow string_view": lambda texts: arrow.array(texts, arrow.string_view()),
        "arrow chunks": lambda texts: arrow.chunked_array([texts[:3], [], texts[3:]], arrow.string()),
        "arrow slice": lambda texts: arrow.array(["before", *texts, "after"]).slice(1, len(texts)),
        "arrow dictionary": lambda texts: arrow.array(texts, arrow.string()).dictionary_encode(),
        "numpy": lambda texts: np.array(texts, dtype=object),
        "tuple": tuple,
    }


@pytest.mark.parametrize(
    "kind",
    [
        "pandas objects",
        "pandas str",
        "pandas arrow",
        "pandas nullable",
        "polars",
        "polars chunks",
        "arrow string",
        "arrow large_string",
        "arrow string_view",
        "arrow chunks",
        "arrow slice",
        "arrow dictionary",
        "numpy",
        "tuple",
    ],
)
def test_columns_of_other_tools(kind):
    for texts in (COLUMN, COLUMN * 50, []):
        column = column_makers()[kind](texts)
        counts, words = fa.count_terms(column)
        expected, vocabulary = fa.count_terms([text or "" for text in texts])
        assert words == vocabulary and np.array_equal(counts.toarray(), expected.toarray())
        again, _ = fa.count_terms(column, vocabulary=vocabulary)
        assert np.array_equal(again.toarray(), expected.toarray())
        assert len(fa.tokens(column)) == len(texts)
    assert fa.HashingVectorizer(n_features=64).transform(column_makers()[kind](COLUMN)).shape == (6, 64)


def test_arrow_columns_are_read_in_place():
    arrow = pytest.importorskip("pyarrow")
    column = arrow.array(["owl moon star river"] * 200_000)
    size = column.nbytes
    fa.count_terms(column.slice(0, 10))
    tracemalloc.start()
    fa.count_terms(column, num_threads=1)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < size / 20  # no Python object per text
    strings = ["owl moon star river"] * 1000
    held = sys.getrefcount(strings[0])
    fa.count_terms(strings)
    after = sys.getrefcount(strings[0])
    assert after == held


def test_columns_that_hold_no_texts_are_refused():
    arrow = pytest.importorskip("pyarrow")
    pandas = pytest.importorskip("pandas")
    with pytest.raises(TypeError, match="expected a text"):
        fa.count_terms(arrow.array([1, 2]))
    with pytest.raises(TypeError, match="is a table"):
        fa.count_terms(pandas.DataFrame({"a": ["x"]}))
    with pytest.raises(TypeError, match=r"texts\[1\]"):
        fa.count_terms(["a", b"b"])


# --- tokenisers of one's own -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "pattern",
    [
        r"(?u)\b\w\w+\b",
        r"(?u)\b\w+\b",
        r"\w{3,}",
        r"\b\w[-'\w]+\b",
        r"[a-z]+",
        r"(?u)\b([a-z]\w*)\b",
        r"\S+",
    ],
)
@pytest.mark.parametrize("ngrams", [(1, 1), (1, 2)])
def test_token_patterns_are_scikit_learns(pattern, ngrams):
    texts = [*random_texts(300, 5), "Sci-fi isn't end- the of and 1984", "", "\u0130stanbul STRASSE"]
    options = {"token_pattern": pattern, "ngram_range": ngrams, "stop_words": ["the", "of", "and"]}
    theirs = sklearn_text.CountVectorizer(**options)
    expected = theirs.fit_transform(texts)
    ours = fa.CountVectorizer(**options)
    counts = ours.fit_transform(texts)
    assert list(ours.get_feature_names_out()) == list(theirs.get_feature_names_out())
    assert (counts != expected).nnz == 0
    assert (ours.transform(texts) != expected).nnz == 0
    weights = fa.TfidfVectorizer(**options).fit_transform(texts)
    assert abs(weights - sklearn_text.TfidfVectorizer(**options).fit_transform(texts)).max() < 1e-6


def test_a_tokenizer_of_ones_own():
    def halves(text):
        return [text[: len(text) // 2], text[len(text) // 2 :]]

    texts = ["New York", "ROME", "new yoga"]
    counts, words = fa.count_terms(texts, tokenizer=halves)
    assert words == ["me", "new ", "ro", "yoga", "york"] and counts.toarray().sum() == 6
    theirs = sklearn_text.CountVectorizer(tokenizer=halves, token_pattern=None).fit(texts)
    assert words == list(theirs.get_feature_names_out())
    ours = fa.CountVectorizer(tokenizer=halves).fit(texts)
    assert ours.transform(["new york"]).toarray().tolist() == [[0, 1, 0, 0, 1]]
    model = fa.topics(["a-b c-d", "a-b", "x-y", "x-y z"], [0, 0, 1, 1], tokenizer=str.split, stop_words=None)
    assert model.vocabulary == ["a-b", "c-d", "x-y", "z"]
    assert fa.find_topics(model, "X-Y")[0][0] == 1
    assert fa.topic_distribution(model, ["a-b c-d"]).toarray()[0, 0] == 1
    assert fa.tokenize("A-B c", tokenizer=str.split, ngram_range=(1, 2)) == ["a-b", "c", "a-b c"]


def test_own_tokenisers_that_cannot_be():
    with pytest.raises(ValueError, match="both a token_pattern and a tokenizer"):
        fa.count_terms(["a"], token_pattern="a", tokenizer=str.split)
    with pytest.raises(ValueError, match="built-in tokeniser"):
        fa.count_terms(["a"], tokenizer=str.split, words="unicode")
    with pytest.raises(ValueError, match="2 groups"):
        fa.count_terms(["a"], token_pattern="(a)(b)")
    with pytest.raises(ValueError, match="token_pattern"):
        fa.count_terms(["a"], token_pattern="(")
    with pytest.raises(TypeError, match="expected a function"):
        fa.count_terms(["a"], tokenizer="split")
    with pytest.raises(TypeError, match="no text"):
        fa.count_terms(["a"], tokenizer=lambda text: [1])
    with pytest.raises(ValueError, match="blank"):
        fa.count_terms(["a"], tokenizer=lambda text: ["a b"], ngram_range=(1, 2))
    with pytest.raises(TypeError, match="unexpected keyword argument 'tokenizer'"):
        fa.LsaEncoder.fit(["a b"], tokenizer=str.split)
    with pytest.raises(ZeroDivisionError):
        fa.count_terms(["a"], tokenizer=lambda text: 1 / 0)


def test_texts_are_split_once():
    texts = [*random_texts(300, 6), "the owl and the moon", "robots of the robot"]
    for rules in ({}, {"words": "unicode"}, {"inner_characters": "-'"}, {"token_pattern": r"[a-z]+"}):
        stream = fa.tokens(texts, **rules)
        for options in (
            {"stop_words": "english"},
            {"stop_words": "english", "ngram_range": (1, 2), "jump_stop_words": False},
            {"stemmer": "english", "min_df": 2},
        ):
            expected, vocabulary = fa.count_terms(texts, **rules, **options)
            counts, words = fa.count_terms(stream, **options)
            assert words == vocabulary and np.array_equal(counts.data, expected.data)
            assert np.array_equal(counts.indices, expected.indices)
    model = fa.topics(fa.tokens(["sci-fi a", "sci-fi b", "owl c"], inner_characters="-"), [0, 0, 1])
    assert fa.find_topics(model, "Sci-Fi")[0] == (0, pytest.approx(1))  # new texts take the same path
    with pytest.raises(ValueError, match="split already"):
        fa.count_terms(stream, words="unicode")


def test_words_of_a_dictionary_and_stemmers_of_other_languages():
    assert "english" in fa.stemmer_names()
    if fa.has_dictionary_words():
        assert fa.tokenize("\u6211\u7231\u5317\u4eac\u5929\u5b89\u95e8", words="dictionary")[2:] == [
            "\u5317\u4eac",
            "\u5929\u5b89\u95e8",
        ]
        for language in ("chinese", "japanese", "thai"):
            words = fa.count_terms(SAMPLES[language], words="dictionary")[1]
            assert words and max(map(len, words)) <= 12
    else:
        with pytest.raises(ValueError, match="built without ICU"):
            fa.tokenize("a", words="dictionary")
    if "german" in fa.stemmer_names():
        assert fa.stem("Stra\u00dfen", "german") == fa.stem("Stra\u00dfe", "german")
        ours = fa.CountVectorizer(stemmer="german").fit(SAMPLES["german"])
        assert ours.transform(["stra\u00dfen"]).sum() == 1
    with pytest.raises(ValueError, match="klingon"):
        fa.stem("a", "klingon")


# --- estimators --------------------------------------------------------------------------------------------


def test_keyword_ranker_names_and_places():
    texts = ["owl moon night owl", "night owl moon", "bank money gold", "gold bank coin"] * 5
    classes = ["sky", "sky", "city", "city"] * 5
    ranker = fa.KeywordRanker(top_n=3).fit(texts, classes)
    assert list(ranker.classes_) == ["city", "sky"] and list(ranker.get_feature_names_out()) == [
        "city",
        "sky",
    ]
    assert {word for word, _ in ranker.keywords_[1]} == {"owl", "moon", "night"}
    assert ranker.predict(["gold coins of the bank", "an owl"]).tolist() == ["city", "sky"]
    assert ranker.transform(texts[:3]).shape == (3, 2)
    from sklearn.base import clone

    assert clone(ranker).top_n == 3
    with pytest.raises(ValueError, match="rule"):
        fa.KeywordRanker("best").fit(texts, classes)
    with pytest.raises(fa.ShapeError):
        fa.KeywordRanker().fit(texts, classes[:-1])
    with pytest.raises(ValueError, match="not fitted"):
        fa.KeywordRanker().predict(texts)


def test_vectorizers_take_word_rules_at_fit_and_at_transform():
    texts = ["Robots dreaming of 北京大学", "robot dreams: sci-fi"]
    vectorizer = fa.TfidfVectorizer(words="unicode", inner_characters="-", stemmer="english", stop_words="en")
    weights = vectorizer.fit_transform(texts)
    assert list(vectorizer.get_feature_names_out()) == ["dream", "robot", "sci-fi", "京大", "北京", "大学"]
    assert abs(vectorizer.transform(texts) - weights).max() == 0
    encoder = fa.LsaEncoder.fit(texts * 3, 2, words="unicode", stemmer="english", min_df=1, max_df=1.0)
    assert np.array_equal(encoder.encode(texts * 3), encoder.vectors)
