# SPDX-License-Identifier: MIT
"""Records: the catalogue, from whatever it is kept in.

Every source goes through the one reader of the core, so that kinds are inferred, texts cleaned and ids
checked the same way for a file, a list of dictionaries and a table.
"""

from __future__ import annotations

import datetime
import decimal
import json
import math
import os
import pathlib
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from . import _core
from ._errors import FileError, raise_invalid, raise_shape, raise_type
from ._progress import ProgressLike, progress_callback
from ._tables import Table, missing_extra
from ._validation import as_int, as_names, as_text
from ._values import figure

_WHERE = "Records"


class CleaningNote(NamedTuple):
    """A row that was repaired or rejected."""

    row: int
    column: str
    reason: str


@dataclass(frozen=True)
class CleaningReport:
    """What ingest did; kept + rejected = seen."""

    seen: int
    kept: int
    repaired: tuple[CleaningNote, ...]
    rejected: tuple[CleaningNote, ...]

    @property
    def retention(self) -> float:
        """Share of the rows seen that were kept."""
        return self.kept / self.seen if self.seen else 1.0

    @classmethod
    def _of(cls, core: Any) -> CleaningReport:
        return cls(
            core.seen,
            core.kept,
            tuple(CleaningNote(*note) for note in core.repaired),
            tuple(CleaningNote(*note) for note in core.rejected),
        )


class Records:
    """The catalogue: items with stable unique ids and named, typed columns.

    Made by :func:`read_records`, or by passing what you have to any function that takes records: a path, a list of
    dictionaries, a dictionary of columns, a pandas, polars or Arrow table.
    """

    __slots__ = ("_cleaning", "_core")
    _core: Any
    _cleaning: Any

    def __init__(self, data: Any, **options: Any) -> None:
        other = as_records(data, **options)
        self._core, self._cleaning = other._core, other._cleaning

    @classmethod
    def _wrap(cls, core: Any, cleaning: Any) -> Records:
        records = object.__new__(cls)
        records._core, records._cleaning = core, cleaning
        return records

    def __len__(self) -> int:
        return len(self._core)

    @property
    def ids(self) -> list[str]:
        """Ids, one per item."""
        ids: list[str] = self._core.ids
        return ids

    @property
    def columns(self) -> list[str]:
        """Names of the columns."""
        return [name for name, _, _ in self._core.columns]

    @property
    def kinds(self) -> dict[str, str]:
        """Kind per column: "text", "tags", "scored_tags", "number" or "link"."""
        return {name: kind for name, kind, _ in self._core.columns}

    @property
    def private_columns(self) -> list[str]:
        """Columns that never leave in an export."""
        return [name for name, _, is_public in self._core.columns if not is_public]

    @property
    def cleaning(self) -> CleaningReport:
        """What was repaired and rejected on the way in."""
        return CleaningReport._of(self._cleaning)

    def __getitem__(self, column: str) -> Any:
        """Values of a column: an array for numbers (NaN = missing), else a list (None or empty = missing)."""
        values = self._core.values(column)
        if self.kinds[column] == "scored_tags":
            return [dict(row) for row in values]
        return values

    def __contains__(self, column: object) -> bool:
        return column in self.columns

    def with_private(self, columns: Iterable[str]) -> Records:
        """The same records with more columns marked private."""
        return Records._wrap(
            self._core.with_private(as_names(columns, _WHERE, "private_columns")), self._cleaning
        )

    def table(self, *, private: bool = True) -> Table:
        """Ids and columns as a flat table."""
        hidden = () if private else self.private_columns
        return Table({"id": self.ids, **{name: self[name] for name in self.columns if name not in hidden}})

    def to_pandas(self) -> Any:
        """A pandas.DataFrame of all columns."""
        return self.table().to_pandas()

    def __repr__(self) -> str:
        kinds = ", ".join(f"{name}: {kind}" for name, kind in self.kinds.items())
        return f"Records({figure(len(self))} items; {kinds})"

    def __reduce__(self) -> tuple[Any, ...]:
        columns = [
            (name, kind, public, _pickled(self._core.values(name)))
            for name, kind, public in self._core.columns
        ]
        return _rebuild, (self.ids, columns)


def _pickled(values: Any) -> Any:
    return values.tolist() if isinstance(values, np.ndarray) else values


def _rebuild(ids: list[str], columns: list[Any]) -> Records:
    return Records._wrap(_core.records_from_columns(ids, columns), _core.CleaningReport())


def read_records(
    data: Any,
    *,
    id_column: str | None = None,
    private_columns: Sequence[str] = (),
    column_kinds: Mapping[str, str] | None = None,
    on_bad_row: str = "error",
    delimiter: str | None = None,
    list_separator: str = "|",
    max_text_bytes: int = 0,
    progress: ProgressLike = None,
) -> Records:
    """Reads a catalogue.

    Parameters
    ----------
    data
        A path (``.jsonl``, ``.ndjson``, ``.csv``, ``.tsv``, ``.parquet``), a list of dictionaries, a dictionary of
        columns, or a pandas, polars or Arrow table.
    id_column
        Column that holds the ids. Default: "id", else the first column named "\\*_id", else the row number.
    private_columns
        Columns to keep for your own use that never leave in an export.
    column_kinds
        Overrides of what is inferred: name -> "text", "tags", "scored_tags", "number" or "link".
    on_bad_row
        "error": the first malformed row raises, with its line. "skip": it is left out and listed.
    delimiter, list_separator
        Delimited text only: between cells (default by extension), and between the tags of one cell.
    max_text_bytes
        Longer texts are cut, and the cut is reported; 0 = never.

    Raises
    ------
    FormatError, FileError, InvalidArgumentError
    """
    kinds = dict(column_kinds or {})
    fields: dict[str, Any] = {
        "id_column": id_column or "",
        "private_columns": as_names(private_columns, "read_records", "private_columns"),
        "column_kinds": kinds,
        "on_bad_row": on_bad_row,
        "delimiter": delimiter or "",
        "list_separator": list_separator,
        "max_text_bytes": as_int(max_text_bytes, "read_records", "max_text_bytes", low=0, high=2**62),
    }
    with progress_callback(progress) as callback:
        if isinstance(data, (str, os.PathLike)):
            path = os.fspath(data)
            if not str(path).lower().endswith((".parquet", ".pq")):
                return Records._wrap(*_core.read_records(str(path), progress=callback, **fields))
            name, rows = str(path), _frame_rows(_read_parquet(str(path)))
        else:
            name, rows = "<records>", _rows(data)
        text = _json_lines(rows)
        return Records._wrap(*_core.parse_records(text, "jsonl", name, progress=callback, **fields))


def as_records(data: Any, **options: Any) -> Records:
    """`data` as records; records pass through (options then may only be absent)."""
    if isinstance(data, Records):
        private = options.pop("private_columns", ())
        if any(value not in (None, ()) for value in options.values()):
            raise_invalid(_WHERE, f"options {sorted(options)} apply to data that is yet to be read")
        return data.with_private(private) if private else data
    return read_records(data, **options)


def _rows(data: Any) -> Iterator[dict[str, Any]]:
    if hasattr(data, "collect") and hasattr(data, "collect_schema"):  # polars LazyFrame
        data = data.collect()
    if isinstance(data, Mapping):
        return _column_rows(data)
    if hasattr(data, "columns") or hasattr(data, "column_names") or hasattr(data, "__arrow_c_stream__"):
        return _frame_rows(data)
    if isinstance(data, (bytes, np.ndarray)) or not isinstance(data, Iterable):
        raise_type(
            _WHERE,
            f"cannot read records from a {type(data).__name__}",
            "pass a path, a list of dictionaries, a dictionary of columns, or a pandas, polars or Arrow table",
        )
    return _dict_rows(data)


def _dict_rows(data: Iterable[Any]) -> Iterator[dict[str, Any]]:
    for row, record in enumerate(data):
        if not isinstance(record, Mapping):
            raise_type(_WHERE, f"record {row} is a {type(record).__name__}, expected a dictionary", row=row)
        yield {str(name): value for name, value in record.items()}


def _column_rows(data: Mapping[Any, Any]) -> Iterator[dict[str, Any]]:
    columns = {}
    for name, values in data.items():
        if isinstance(values, (str, bytes)) or not (
            hasattr(values, "__len__") or hasattr(values, "__iter__")
        ):
            raise_type(
                _WHERE,
                f"column {name!r} is a {type(values).__name__}, expected a list or array",
                column=str(name),
            )
        columns[str(name)] = _listed(values)
    sizes = {name: len(values) for name, values in columns.items()}
    if len(set(sizes.values())) > 1:
        raise_shape(_WHERE, f"columns differ in length: {sizes}", "every column needs one value per item")
    names = list(columns)
    for row in zip(*columns.values()):
        yield dict(zip(names, row))


def _listed(values: Any) -> list[Any]:
    for method in ("to_pylist", "to_list", "tolist"):  # Arrow, polars and pandas, NumPy
        if hasattr(values, method):
            out = getattr(values, method)()
            return out if isinstance(out, list) else [out]
    return list(values)


def _frame_rows(frame: Any) -> Iterator[dict[str, Any]]:
    if hasattr(frame, "read_all"):  # Arrow stream
        frame = frame.read_all()
    if hasattr(frame, "to_pydict"):  # Arrow table or batch
        return _column_rows(frame.to_pydict())
    if hasattr(frame, "columns") and hasattr(frame, "__getitem__"):  # pandas, polars
        columns = {str(name): frame[name] for name in frame.columns}
        index = getattr(frame, "index", None)
        name = getattr(index, "name", None)
        if name is not None and str(name) not in columns:
            columns = {str(name): index, **columns}
        return _column_rows(columns)
    try:
        import pyarrow
    except ImportError:
        try:
            import polars
        except ImportError:
            raise missing_extra(f"reading a {type(frame).__name__}", "arrow", "polars") from None
        return _frame_rows(polars.DataFrame(frame))
    return _frame_rows(pyarrow.table(frame))


def _read_parquet(path: str) -> Any:
    try:
        with open(path, "rb"):
            pass
    except OSError as error:
        raise FileError(
            f"read_records: {error.strerror} [file {path}]", stage="read_records", file=path
        ) from error
    try:
        from pyarrow import parquet
    except ImportError:
        try:
            import polars
        except ImportError:
            raise missing_extra("reading Parquet", "arrow", "polars") from None
        return polars.read_parquet(path)
    return parquet.read_table(path)


def _json_lines(rows: Iterable[Mapping[str, Any]]) -> bytes:
    lines = []
    encode = json.JSONEncoder(
        ensure_ascii=False, allow_nan=False, check_circular=False, separators=(",", ":")
    ).encode
    for row, record in enumerate(rows):
        lines.append(encode({as_text(name): _cell(value, row, name) for name, value in record.items()}))
    return "\n".join(lines).encode("utf-8")


def _cell(value: Any, row: int, column: str) -> Any:
    """A value as JSON has it; missing values of every library become None."""
    if value is None or value is True or value is False:
        return value
    if isinstance(value, str):
        return as_text(value)
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if -(2**63) <= value < 2**63 else str(value)
    if isinstance(value, (float, decimal.Decimal)):
        number = float(value)
        if math.isnan(number):
            return None
        if math.isinf(number):
            raise_invalid(_WHERE, "an infinite number", "replace it by None", row=row, column=column)
        return number
    if type(value).__name__ in ("NAType", "NaTType"):  # pandas.NA, pandas.NaT
        return None
    if isinstance(value, str):  # numpy.str_
        return as_text(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, (uuid.UUID, pathlib.PurePath)):
        return str(value)
    if isinstance(value, Mapping):
        cells = {as_text(key): _cell(item, row, column) for key, item in value.items()}
        return {key: item for key, item in cells.items() if item is not None}
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, (set, frozenset)):
        value = sorted(value)
    if isinstance(value, (list, tuple)):
        return [_cell(item, row, column) for item in value]
    if hasattr(value, "to_list"):  # a nested polars series
        return [_cell(item, row, column) for item in value.to_list()]
    raise_type(
        _WHERE,
        f"a value of type {type(value).__name__} has no meaning in a record",
        "use texts, numbers, lists of texts or {tag: score}",
        row=row,
        column=column,
    )
