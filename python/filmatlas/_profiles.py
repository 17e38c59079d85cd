# SPDX-License-Identifier: MIT
"""Profiles: what an item is about, composed from weighted sources, with an account of what was kept and cut."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np

from . import _core
from ._errors import raise_invalid, raise_type
from ._names import language_hints, near_duplicates
from ._records import Records, as_records
from ._tables import Table
from ._validation import as_float, as_int, as_names
from ._values import Value, figure


@dataclass(frozen=True)
class Source:
    """One source of a profile: one or more columns rendered as text.

    Parameters
    ----------
    name
        Name of the source, and of its column when `columns` is empty.
    columns
        Columns, in this order.
    weight
        Relative weight, >= 0; also of the vectors of this source.
    max_tokens
        Budget of word tokens; 0 = no limit.
    min_score
        Scored tags below it are left out.
    min_lift
        Scored tags are left out below `min_lift` times the tag's mean over the catalogue.
    max_items
        Tags kept per item (scored: the highest; plain: the first); 0 = all.
    prefix, suffix
        Put before and behind a non-empty text in the composed profile.
    missing
        Stands in the composed profile of an item that lacks the source ("No reviews yet."); default: nothing does.
        It is no text of the source: the item's vector of it stays missing.
    required
        Whether items that lack it are listed in :attr:`Profiles.incomplete` and in :func:`retention_table`.
    """

    name: str
    columns: Sequence[str] = ()
    weight: float = 1.0
    max_tokens: int = 0
    min_score: float = 0.0
    min_lift: float = 0.0
    max_items: int = 0
    prefix: str = ""
    suffix: str = ""
    missing: str = ""
    required: bool = False

    def _fields(self) -> dict[str, Any]:
        where = "Source"
        return {
            "name": self.name,
            "columns": as_names(self.columns, where, "columns"),
            "weight": as_float(self.weight, where, "weight"),
            "max_tokens": as_int(self.max_tokens, where, "max_tokens", low=0, high=2**62),
            "min_score": as_float(self.min_score, where, "min_score"),
            "min_lift": as_float(self.min_lift, where, "min_lift"),
            "max_items": as_int(self.max_items, where, "max_items", low=0, high=2**62),
            "prefix": self.prefix,
            "suffix": self.suffix,
            "missing": self.missing,
            "required": bool(self.required),
        }


SourcesLike = Any  #: list of Source, names or dictionaries; or {name: weight or dictionary}


def as_sources(sources: SourcesLike) -> list[Source]:
    """Sources from a list of Source, names or dictionaries, or from {name: weight}."""
    if sources is None:
        return []
    if isinstance(sources, (str, bytes)) or not isinstance(sources, Iterable):
        raise_type(
            "sources", f"{sources!r} is not a list of sources", "pass [Source(...), ...] or {name: weight}"
        )
    entries: list[Any] = []
    if isinstance(sources, Mapping):
        for name, value in sources.items():
            entries.append({"name": name, **(value if isinstance(value, Mapping) else {"weight": value})})
    else:
        entries = list(sources)
    return [_as_source(entry) for entry in entries]


def _as_source(entry: Any) -> Source:
    if isinstance(entry, Source):
        return entry
    if isinstance(entry, str):
        return Source(entry)
    if isinstance(entry, Mapping):
        known = {field.name for field in fields(Source)}
        unknown = sorted(set(entry) - known)
        if unknown:
            raise_invalid(
                "sources", f"{unknown[0]!r} is not a field of a source", f"fields: {', '.join(sorted(known))}"
            )
        if "name" not in entry:
            raise_invalid("sources", "a source without a name", 'say {"name": "plot", ...}')
        return Source(**entry)
    raise_type("sources", f"{entry!r} is not a source", "pass a Source, a name or a dictionary")


def source_fields(sources: SourcesLike) -> list[dict[str, Any]]:
    """What the core takes."""
    return [source._fields() for source in as_sources(sources)]


class Profiles(Value):
    """Composed texts, the text of every source, and what each contributed."""

    __slots__ = ()

    def __len__(self) -> int:
        return len(self._core)

    @property
    def texts(self) -> list[str]:
        """Composed text per item."""
        texts: list[str] = self._core.texts
        return texts

    @property
    def sources(self) -> list[str]:
        """Names of the sources."""
        names: list[str] = self._core.source_names
        return names

    @property
    def weights(self) -> dict[str, float]:
        """Weight per source; they sum to 1."""
        return dict(zip(self.sources, self._core.source_weights))

    @property
    def source_texts(self) -> dict[str, list[str]]:
        """Per source, its text of every item."""
        return {name: self._core.source_texts(i) for i, name in enumerate(self.sources)}

    @property
    def truncation(self) -> dict[str, Any]:
        """``{"kept": (n, sources), "cut": (n, sources)}`` word tokens."""
        return {"kept": self._core.kept_tokens, "cut": self._core.cut_tokens}

    @property
    def report(self) -> list[dict[str, Any]]:
        """Per source: weight, items, kept, cut and repeated tokens, share of all tokens, tags dropped."""
        report: list[dict[str, Any]] = self._core.report
        return report

    @property
    def dominance(self) -> float:
        """Largest share of the tokens that one source has: 1 / sources = balanced, 1 = one has it all."""
        return float(self._core.dominance)

    @property
    def incomplete(self) -> Any:
        """Items that lack a required source, ascending."""
        return self._core.incomplete

    def languages(self) -> list[tuple[str, float]]:
        """(ISO 639-1 code, confidence) per composed text; "" where it cannot be told."""
        return language_hints(self.texts)

    def spans(self, item: int) -> list[tuple[str, int, int]]:
        """Where each piece of the composed text came from: (source, begin, end) in bytes of its UTF-8."""
        item = as_int(item, "Profiles", "item", low=0, high=len(self) - 1)
        return [(self.sources[source], begin, end) for source, begin, end in self._core.spans(item)]

    def to_pandas(self) -> Any:
        """The report as a pandas.DataFrame, one row per source."""
        rows = self.report
        return Table({name: [row[name] for row in rows] for name in rows[0]} if rows else {}).to_pandas()

    def __repr__(self) -> str:
        shares = ", ".join(f"{row['name']} {row['token_share']:.0%}" for row in self.report)
        return f"Profiles({figure(len(self))} items; {shares})"


def default_sources(records: Any) -> list[Source]:
    """Sources for a catalogue of unknown shape: tags first, then the long text columns, equal weights."""
    return [Source(**fields) for fields in _core.default_sources(as_records(records)._core)]


def compose_profiles(
    records: Any,
    sources: SourcesLike = None,
    *,
    max_tokens: int = 0,
    include_titles: bool = False,
    title_column: str = "title",
    separator: str = " ",
    count: str | Callable[[str], Any] = "words",
    drop_repeated_sentences: bool = False,
    num_threads: int = 0,
) -> Profiles:
    """Composes one text per item from weighted sources, within budgets.

    Titles leak identity (an encoder knows "The Godfather"), so a source may name the title column only with
    ``include_titles=True``.

    Parameters
    ----------
    records : anything that read_records() takes
    sources : list of Source, names or dictionaries, or {name: weight}; default :func:`default_sources`
    max_tokens : budget of the composed text, cut in proportion to the weights; 0 = no limit
    count : "words", "word_pieces" or callable
        How budgets count: word tokens; an estimate of a BERT-like encoder's pieces, punctuation included; or a
        function from a word or punctuation mark to its tokens (or their number), such as a tokenizer's ``tokenize``,
        which is asked once per distinct unit.
    drop_repeated_sentences : leave out of the composed text what an earlier source of the item has said already
    """
    where = "compose_profiles"
    core = as_records(records)._core
    cost: Any = count
    if callable(count):
        tokenizer = count

        def cost(unit: str) -> int:
            made = tokenizer(unit)
            return as_int(made if isinstance(made, (int, np.integer)) else len(made), where, "count", low=0)

    chosen = as_sources(sources) or [Source(**entry) for entry in _core.default_sources(core)]
    return Profiles._wrap(
        _core.compose_profiles(
            core,
            source_fields(chosen),
            max_tokens=as_int(max_tokens, where, "max_tokens", low=0, high=2**62),
            include_titles=bool(include_titles),
            title_column=title_column,
            separator=separator,
            token_cost=cost,
            drop_repeated_sentences=bool(drop_repeated_sentences),
            num_threads=as_int(num_threads, where, "num_threads"),
        )
    )


def numeric_features(
    records: Any, features: Iterable[str | tuple[str, ...] | Mapping[str, str]]
) -> tuple[Any, list[dict[str, Any]]]:
    """Number columns as features: (n, f) float32, always finite, and what was found in each column.

    Parameters
    ----------
    records : anything that read_records() takes
    features : list of column names, (column, scaling[, missing]) or dictionaries
        scaling: "standard" (default), "minmax", "rank" or "log_standard"; missing: "mean" (default) or "zero".

    Returns
    -------
    features : (n, f) float32
    summaries : per feature column, present, missing, center, scale, fill, constant
    """
    chosen = []
    for feature in features:
        if isinstance(feature, str):
            feature = (feature,)
        elif isinstance(feature, Mapping):
            feature = (feature["column"], feature.get("scaling", "standard"), feature.get("missing", "mean"))
        column, scaling, missing = (
            (*feature, "standard", "mean")[:3] if len(feature) == 1 else (*feature, "mean")[:3]
        )
        chosen.append((str(column), str(scaling), str(missing)))
    values, summaries = _core.numeric_features(as_records(records)._core, chosen)
    return values, summaries


def binned_column(
    records: Any,
    column: str,
    name: str,
    *,
    rule: str = "width",
    width: float = 10.0,
    origin: float = 0.0,
    bins: int = 5,
    edges: Sequence[float] = (),
    names: Sequence[str] = (),
    pattern: str = "{low}s",
    missing: str = "",
    date_part: str = "year",
) -> Records:
    """The records with one more column: a number or date as a word, by a declared rule (1994 becomes "1990s").

    Parameters
    ----------
    column : str
        Numbers, or texts that begin with an ISO date.
    name : str
        Of the new column of tags.
    rule : str
        "width": bins of `width` from `origin`; "quantile": `bins` of about equally many items; "edges": between
        `edges`.
    names : list of str
        One word per bin, low to high ("quantile" and "edges"); else `pattern`, where {low}, {high} and {value} are
        replaced.
    missing : str
        Word of a missing value; empty = none.
    date_part : str
        "year" or "month".
    """
    where = "binned_column"
    given = as_records(records)
    core = _core.binned_column(
        given._core,
        str(column),
        rule,
        as_float(width, where, "width"),
        as_float(origin, where, "origin"),
        as_int(bins, where, "bins"),
        [as_float(edge, where, "edges") for edge in edges],
        as_names(names, where, "names"),
        pattern,
        missing,
        date_part,
        str(name),
    )
    return Records._wrap(core, given._cleaning)


def retention_table(
    records: Any, profiles: Profiles | None = None, *, duplicates: float | None = None
) -> Table:
    """Who stays and why not: one row per reason, with rows seen, lost and left, and the share that is left.

    Rows that ingest rejected are grouped by reason; items whose profile is empty or lacks a required source, and near
    duplicates of an earlier item, are named as such. Only the former are gone already: the table reports, it removes
    nothing.

    Parameters
    ----------
    profiles : Profiles, optional
        Of these records.
    duplicates : float, optional
        Overlap from which two profiles count as the same, see :func:`near_duplicates`.
    """
    given = as_records(records)
    cleaning = given.cleaning
    left = cleaning.seen or len(given)
    seen = left
    rows: list[tuple[str, int, int]] = [("seen", 0, left)]
    reasons: dict[str, int] = {}
    for note in cleaning.rejected:
        reason = note.reason.split("'")[0].strip().rstrip(":") or "rejected"
        reason = f"{note.column}: {reason}" if note.column else reason
        reasons[reason] = reasons.get(reason, 0) + 1
    for reason, lost in sorted(reasons.items(), key=lambda item: (-item[1], item[0])):
        left -= lost
        rows.append((reason, lost, left))
    if profiles is not None:
        texts = profiles.texts
        empty = sum(not text for text in texts)
        left -= empty
        rows.append(("no text in any source", empty, left))
        lacking = sum(bool(texts[item]) for item in profiles.incomplete)
        if lacking:
            left -= lacking
            rows.append(("lacks a required source", lacking, left))
        if duplicates is not None:
            _, groups = near_duplicates(texts, duplicates)
            gone = {int(item) for item in profiles.incomplete}
            repeats = sum(int(groups[i]) != i and i not in gone for i in range(len(texts)))
            left -= repeats
            rows.append(("near duplicate of an earlier item", repeats, left))
    return Table(
        {
            "reason": [row[0] for row in rows],
            "lost": [row[1] for row in rows],
            "left": [row[2] for row in rows],
            "share": [row[2] / seen if seen else 1.0 for row in rows],
        }
    )


def sources_as_dicts(sources: SourcesLike) -> list[dict[str, Any]]:
    """Sources as plain data."""
    return [asdict(source) for source in as_sources(sources)]
