"""The sample catalogue in examples/data keeps its promises: schema, ranges, spread, vocabulary, texts, spot checks.

Standard library only, so that it also runs where the package itself has not been built.
"""
import collections
import json
import pathlib
import re
import unicodedata

import pytest

DATA = pathlib.Path(__file__).resolve().parents[2] / "examples" / "data"

KEYS = ["id", "title", "original_title", "year", "countries", "languages", "directors", "genres", "themes", "moods",
        "settings", "tags", "synopsis", "audience", "popularity", "wikipedia"]
LIST_SIZES = {"countries": (1, 5), "languages": (1, 4), "directors": (1, 4), "genres": (1, 4), "themes": (2, 5),
              "moods": (2, 4), "settings": (1, 3)}
TEXT_KEYS = ("id", "title", "original_title", "synopsis", "audience", "wikipedia")
FIRST_YEAR, LAST_YEAR = 1920, 2025
NO_LANGUAGE = "No dialogue"  # stands in `languages` of a sound film in which nobody speaks

# Short or very common words of a title may occur in the texts; every other word of it may not.
COMMON_WORDS = frozenset(
    "the a an of and in on to for from with at by is it its my our your his her their not no who what all be as or "
    "de la le les des du el los las il lo das der die un une i ii iii iv vs me you we us they he she this that there"
    .split())


def without_duplicate_keys(pairs):
    keys = [key for key, _ in pairs]
    assert len(set(keys)) == len(keys), f"a JSON object repeats a key: {keys}"
    return dict(pairs)


def read_json(name):
    return json.loads((DATA / name).read_text(encoding="utf-8"), object_pairs_hook=without_duplicate_keys)


@pytest.fixture(scope="module")
def films():
    lines = (DATA / "films.jsonl").read_text(encoding="utf-8").split("\n")
    assert lines.pop() == "", "films.jsonl must end with a newline"
    return [json.loads(line, object_pairs_hook=without_duplicate_keys) for line in lines]


@pytest.fixture(scope="module")
def vocabulary():
    return read_json("vocabulary.json")


def fold(text):
    """Lower case without diacritics: "Amélie" and "amelie" are the same word."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in decomposed if not unicodedata.combining(c))


def words_of(text):
    return re.findall(r"[^\W_]+", fold(text))


def stem(word):
    return word[:-1] if len(word) > 3 and word.endswith("s") else word


def texts_of(film):
    return film["synopsis"] + " " + film["audience"]


def none_of(problems):
    """Fail with every problem found, not just the first."""
    problems = list(problems)
    shown = "\n  ".join(problems[:40])
    assert not problems, f"{len(problems)} problem(s):\n  {shown}"


def repeated(values):
    return [value for value, count in collections.Counter(values).items() if count > 1]


# ---------------------------------------------------------------- schema

def test_every_record_has_the_keys_in_order(films):
    none_of(f"line {n}: keys are {list(film)}, expected {KEYS}"
            for n, film in enumerate(films, 1) if list(film) != KEYS)


def test_types_and_sizes(films):
    problems = []
    for film in films:
        for key in TEXT_KEYS:
            value = film[key]
            if not (isinstance(value, str) and value and value == value.strip() and "\n" not in value):
                problems.append(f"{film['id']}: {key} must be one non-empty line of text, is {value!r}")
        for key, (low, high) in LIST_SIZES.items():
            value = film[key]
            if not (isinstance(value, list) and all(isinstance(x, str) and x and x == x.strip() for x in value)):
                problems.append(f"{film['id']}: {key} must be a list of non-empty strings, is {value!r}")
            elif not low <= len(value) <= high or len(set(value)) != len(value):
                problems.append(f"{film['id']}: {key} wants {low} to {high} different entries, is {value!r}")
        for key in ("year", "popularity"):
            if type(film[key]) is not int:
                problems.append(f"{film['id']}: {key} must be an integer, is {film[key]!r}")
        if not isinstance(film["tags"], dict):
            problems.append(f"{film['id']}: tags must be an object of tag: score")
    none_of(problems)


def test_themes_and_settings_are_short_phrases(films):
    none_of(f"{film['id']}: {key} entry {phrase!r} is longer than 60 characters or a theme not in lower case"
            for film in films for key in ("themes", "settings") for phrase in film[key]
            if len(phrase) > 60 or (key == "themes" and phrase != phrase.lower()))


def test_text_is_normalised(films):
    none_of(f"line {n} ({film['id']}) is not in Unicode NFC"
            for n, film in enumerate(films, 1)
            for line in [json.dumps(film, ensure_ascii=False)] if line != unicodedata.normalize("NFC", line))


# ---------------------------------------------------------------- identity

def test_ids_are_slugs_ending_in_the_year(films):
    none_of(f"{film['id']}: want lower-case ASCII words joined by '-' and ending in -{film['year']}"
            for film in films
            if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", film["id"]) or not film["id"].endswith(f"-{film['year']}"))


def test_no_film_twice(films):
    none_of([f"id {value} occurs twice" for value in repeated(film["id"] for film in films)]
            + [f"title and year {value} occur twice"
               for value in repeated((fold(film["title"]), film["year"]) for film in films)]
            + [f"original title and year {value} occur twice"
               for value in repeated((fold(film["original_title"]), film["year"]) for film in films)]
            + [f"article {value} is linked twice" for value in repeated(film["wikipedia"] for film in films)])


def test_order_is_year_then_id(films):
    order = [(film["year"], film["id"]) for film in films]
    wrong = [b for a, b in zip(order, order[1:]) if a > b]
    assert not wrong, f"lines must be sorted by year, then id; out of place: {wrong[:10]}"


def test_wikipedia_links(films):
    form = re.compile(r"https://en\.wikipedia\.org/wiki/(?:[^\s%?#\[\]{}<>|\"]|%3F)+")
    none_of(f"{film['id']}: {film['wikipedia']} is not an article address (underscores, no escapes but %3F)"
            for film in films if not form.fullmatch(film["wikipedia"]))


def test_year_in_a_wikipedia_link_is_the_year_of_the_film(films):
    none_of(f"{film['id']}: {film['wikipedia']} names the year {found[1]}"
            for film in films for found in [re.search(r"_\((\d{4})_", film["wikipedia"])]
            if found and int(found[1]) != film["year"])


# ---------------------------------------------------------------- spread

def test_size_and_spread_over_the_years(films):
    assert len(films) >= 600, f"only {len(films)} films"
    none_of(f"{film['id']}: year {film['year']} is not in {FIRST_YEAR}..{LAST_YEAR}"
            for film in films if not FIRST_YEAR <= film["year"] <= LAST_YEAR)
    years = [film["year"] for film in films]
    assert min(years) == FIRST_YEAR and max(years) >= 2020, f"the years run from {min(years)} to {max(years)}"
    decades = collections.Counter(year // 10 * 10 for year in years)
    none_of(f"the {decade}s have {decades[decade]} films, want at least 20"
            for decade in range(FIRST_YEAR, LAST_YEAR + 1, 10) if decades[decade] < 20)


def test_spread_over_countries_and_languages(films):
    countries = {country for film in films for country in film["countries"]}
    languages = {language for film in films for language in film["languages"]} - {NO_LANGUAGE}
    assert len(countries) >= 40, f"only {len(countries)} countries: {sorted(countries)}"
    assert len(languages) >= 20, f"only {len(languages)} languages: {sorted(languages)}"


def test_no_language_is_never_mixed_with_a_language(films):
    none_of(f"{film['id']}: {film['languages']}"
            for film in films if NO_LANGUAGE in film["languages"] and len(film["languages"]) > 1)


def test_no_primary_genre_dominates(films):
    primary = collections.Counter(film["genres"][0] for film in films)
    none_of(f"{genre} comes first in {count} of {len(films)} films, want at most 20 %"
            for genre, count in primary.items() if count > 0.2 * len(films))


def test_popularity(films):
    none_of(f"{film['id']}: popularity {film['popularity']} is not in 1..4"
            for film in films if film["popularity"] not in (1, 2, 3, 4))
    assert {film["popularity"] for film in films} == {1, 2, 3, 4}, "one of the popularity levels is never used"


# ---------------------------------------------------------------- vocabulary

def test_vocabulary_file(vocabulary):
    assert list(vocabulary) == ["genres", "moods", "tags"]
    for name, entries in vocabulary.items():
        assert entries == sorted(set(entries)), f"{name} must be sorted and without repeats"
    assert 150 <= len(vocabulary["tags"]) <= 300, f"{len(vocabulary['tags'])} tags, want 150 to 300"


@pytest.mark.parametrize("key", ["genres", "moods", "tags"])
def test_only_words_of_the_vocabulary(films, vocabulary, key):
    known = set(vocabulary[key])
    none_of(f"{film['id']}: {value!r} is not among the {key} of vocabulary.json"
            for film in films for value in film[key] if value not in known)


@pytest.mark.parametrize("key", ["genres", "moods", "tags"])
def test_every_word_of_the_vocabulary_is_used(films, vocabulary, key):
    unused = set(vocabulary[key]) - {value for film in films for value in film[key]}
    assert not unused, f"{key} that no film uses: {sorted(unused)}"


def test_tags_and_scores(films):
    problems = []
    for film in films:
        scores = list(film["tags"].values())
        wrong = [(tag, score) for tag, score in film["tags"].items()
                 if isinstance(score, bool) or not isinstance(score, (int, float)) or not 0 < score <= 1]
        if wrong:
            problems.append(f"{film['id']}: a score must be a number in (0, 1]: {wrong}")
            continue
        if not 6 <= len(scores) <= 14:
            problems.append(f"{film['id']}: {len(scores)} tags, want 6 to 14")
        if scores != sorted(scores, reverse=True):
            problems.append(f"{film['id']}: tags must stand in falling order of score, are {scores}")
    none_of(problems)


# ---------------------------------------------------------------- texts

@pytest.mark.parametrize("key, low, high", [("synopsis", 45, 80), ("audience", 10, 35)])
def test_length_of_the_texts(films, key, low, high):
    none_of(f"{film['id']}: {key} has {count} words, want {low} to {high}"
            for film in films for count in [len(film[key].split())] if not low <= count <= high)


def test_no_two_films_share_a_text(films):
    for key in ("synopsis", "audience"):
        assert not repeated(film[key] for film in films), f"{key} repeated: {repeated(film[key] for film in films)}"


def test_texts_do_not_give_the_title_away(films):
    problems = []
    for film in films:
        present = {stem(word) for word in words_of(texts_of(film))}
        for word in sorted(set(words_of(film["title"]) + words_of(film["original_title"]))):
            telling = len(word) >= 3 and word not in COMMON_WORDS and not word.isdigit()
            if telling and stem(word) in present:
                problems.append(f"{film['id']}: synopsis or audience contains the title word {word!r}")
    none_of(problems)


def test_texts_do_not_name_the_directors(films):
    problems = []
    for film in films:
        words = words_of(texts_of(film))
        joined = f" {' '.join(words)} "
        for director in film["directors"]:
            name = words_of(director)
            if (len(name[-1]) > 3 and name[-1] in words) or f" {' '.join(name)} " in joined:
                problems.append(f"{film['id']}: synopsis or audience names {director}")
    none_of(problems)


# ---------------------------------------------------------------- spot checks

def test_spot_checks(films):
    checks = read_json("spot_checks.json")
    assert list(checks) == ["about", "nearer", "close", "far"]
    sizes = {"nearer": 3, "close": 2, "far": 2}
    total = sum(len(checks[kind]) for kind in sizes)
    assert total == 40, f"{total} spot checks, want exactly 40"
    known = {film["id"] for film in films}
    problems, seen = [], set()
    for kind, size in sizes.items():
        for check in checks[kind]:
            if len(check) != size:
                problems.append(f"{kind} {check}: want {size} ids")
            problems += [f"{kind} {check}: no film has the id {id!r}" for id in check if id not in known]
            if len(set(check)) != len(check):
                problems.append(f"{kind} {check}: a film is compared with itself")
            key = (kind, *(check if kind == "nearer" else sorted(check)))
            if key in seen:
                problems.append(f"{kind} {check}: listed twice")
            seen.add(key)
    none_of(problems)
