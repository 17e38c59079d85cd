# SPDX-License-Identifier: MIT
"""The errors of the library: what happened, where, and how to fix it.

Every error is a :class:`FilmAtlasError` and also the builtin that Python code would expect, so that
``except ValueError`` and ``except OSError`` work as well.
"""

from __future__ import annotations

from typing import Any, NoReturn


class FilmAtlasWarning(UserWarning):
    """Something to know about a result: a value that was lowered, a method that did not converge."""


class FilmAtlasError(Exception):
    """Base of all errors of filmatlas.

    Attributes
    ----------
    code : str
        Stable word, e.g. ``"invalid_argument"``, ``"shape"``, ``"format"``, ``"io"``.
    stage : str
        Function or stage that failed, e.g. ``"knn_graph"``.
    file, row, column, byte_offset
        Where; ``None`` (or ``""`` for the words) when it does not apply. ``row`` counts lines from 1 in text
        files and rows from 0 in arrays.
    what : str
        What happened.
    remedy : str
        How to fix it; ``""`` when there is nothing that the caller could do.
    """

    code = "internal"

    def __init__(
        self,
        message: str = "",
        *,
        stage: str = "",
        file: str = "",
        row: int | None = None,
        column: str = "",
        byte_offset: int | None = None,
        what: str = "",
        remedy: str = "",
    ) -> None:
        super().__init__(message)
        self.stage = stage
        self.file = file
        self.row = row
        self.column = column
        self.byte_offset = byte_offset
        self.what = what or message
        self.remedy = remedy

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""

    def to_dict(self) -> dict[str, Any]:
        """Everything that is known about the error, for logs and ``--json``."""
        fields = ("code", "stage", "file", "row", "column", "byte_offset", "what", "remedy")
        known = {name: getattr(self, name) for name in fields}
        return {"message": str(self), **{k: v for k, v in known.items() if v not in ("", None)}}

    def __reduce__(self) -> tuple[Any, ...]:
        fields = {name: getattr(self, name) for name in _FIELDS}
        return _rebuild, (type(self), str(self), fields)


_FIELDS = ("stage", "file", "row", "column", "byte_offset", "what", "remedy")


def _rebuild(cls: type[FilmAtlasError], message: str, fields: dict[str, Any]) -> FilmAtlasError:
    return cls(message, **fields)


class InvalidArgumentError(FilmAtlasError, ValueError):
    """A value outside its range."""

    code = "invalid_argument"


class ShapeError(FilmAtlasError, ValueError):
    """Sizes that do not fit together."""

    code = "shape"


class DataTypeError(FilmAtlasError, TypeError):
    """A wrong dtype or kind of column."""

    code = "type"


class FileError(FilmAtlasError, OSError):
    """The operating system refused."""

    code = "io"


class FormatError(FilmAtlasError, ValueError):
    """The content of a file or value is malformed."""

    code = "format"


class MemoryLimitError(FilmAtlasError, MemoryError):
    """A stated limit would be exceeded."""

    code = "memory"


class Cancelled(FilmAtlasError, RuntimeError):
    """The progress callback asked to stop; inputs and objects are as they were."""

    code = "cancelled"


class InternalError(FilmAtlasError, RuntimeError):
    """A defect of the library itself: please report it."""

    code = "internal"


_CLASSES: dict[str, type[FilmAtlasError]] = {
    cls.code: cls
    for cls in (
        InvalidArgumentError,
        ShapeError,
        DataTypeError,
        FileError,
        FormatError,
        MemoryLimitError,
        Cancelled,
        InternalError,
    )
}


def from_core(
    code: str,
    message: str,
    stage: str,
    file: str,
    row: int | None,
    column: str,
    byte_offset: int | None,
    what: str,
    remedy: str,
) -> FilmAtlasError:
    """The exception of an error of the compiled core; called by it."""
    error = _CLASSES.get(code, InternalError)(
        message,
        stage=stage,
        file=file,
        row=row,
        column=column,
        byte_offset=byte_offset,
        what=what,
        remedy=remedy,
    )
    if isinstance(error, FileError) and file:
        error.filename = file
    return error


def _raise(
    cls: type[FilmAtlasError], stage: str, what: str, remedy: str, row: int | None, column: str
) -> NoReturn:
    place = [
        text
        for text in (f"row {row}" if row is not None else "", f"column {column}" if column else "")
        if text
    ]
    message = (
        f"{stage}: {what}" + (f" [{', '.join(place)}]" if place else "") + (f"; {remedy}" if remedy else "")
    )
    raise cls(message, stage=stage, row=row, column=column, what=what, remedy=remedy)


def raise_invalid(
    stage: str, what: str, remedy: str = "", *, row: int | None = None, column: str = ""
) -> NoReturn:
    """Raises InvalidArgumentError (a ValueError)."""
    _raise(InvalidArgumentError, stage, what, remedy, row, column)


def raise_shape(
    stage: str, what: str, remedy: str = "", *, row: int | None = None, column: str = ""
) -> NoReturn:
    """Raises ShapeError (a ValueError)."""
    _raise(ShapeError, stage, what, remedy, row, column)


def raise_type(
    stage: str, what: str, remedy: str = "", *, row: int | None = None, column: str = ""
) -> NoReturn:
    """Raises DataTypeError (a TypeError)."""
    _raise(DataTypeError, stage, what, remedy, row, column)
