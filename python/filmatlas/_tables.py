# SPDX-License-Identifier: MIT
"""Flat tables for other tools: pandas, polars, Arrow and Parquet, none of them required."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np


def missing_extra(what: str, *extras: str) -> ImportError:
    """The error for a tool that is not installed."""
    choices = " or ".join(f'pip install "filmatlas[{extra}]"' for extra in extras)
    return ImportError(f"{what} needs {' or '.join(extras)}, which is not installed; {choices}")


class Table(Mapping[str, Any]):
    """Equally long named columns (lists or arrays); a mapping, and a source for the table tools."""

    def __init__(self, columns: Mapping[str, Any]) -> None:
        self._columns = dict(columns)

    def __getitem__(self, name: str) -> Any:
        return self._columns[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)

    @property
    def num_rows(self) -> int:
        """Rows of the table."""
        return len(next(iter(self._columns.values()))) if self._columns else 0

    def __repr__(self) -> str:
        return f"Table({self.num_rows} rows: {', '.join(self._columns)})"

    def rows(self) -> Iterator[dict[str, Any]]:
        """One dictionary per row, plain Python values."""
        lists = {name: _plain(values) for name, values in self._columns.items()}
        for i in range(self.num_rows):
            yield {name: values[i] for name, values in lists.items()}

    def to_pandas(self) -> Any:
        """A pandas.DataFrame."""
        try:
            import pandas
        except ImportError:
            raise missing_extra("to_pandas()", "pandas") from None
        return pandas.DataFrame({name: _frame_column(values) for name, values in self._columns.items()})

    def to_polars(self) -> Any:
        """A polars.DataFrame."""
        try:
            import polars
        except ImportError:
            raise missing_extra("to_polars()", "polars") from None
        return polars.DataFrame(
            {
                name: values if isinstance(values, np.ndarray) else list(values)
                for name, values in self._columns.items()
            },
            strict=False,
        )

    def to_arrow(self) -> Any:
        """A pyarrow.Table."""
        try:
            import pyarrow
        except ImportError:
            raise missing_extra("to_arrow()", "arrow") from None
        return pyarrow.table({name: pyarrow.array(values) for name, values in self._columns.items()})

    def to_parquet(self, path: str | os.PathLike[str]) -> None:
        """Writes a Parquet file with pyarrow or polars, whichever is there."""
        try:
            from pyarrow import parquet
        except ImportError:
            try:
                import polars  # noqa: F401
            except ImportError:
                raise missing_extra("to_parquet()", "arrow", "polars") from None
            self.to_polars().write_parquet(os.fspath(path))
            return
        parquet.write_table(self.to_arrow(), os.fspath(path))


def _plain(values: Any) -> list[Any]:
    return values.tolist() if isinstance(values, np.ndarray) else list(values)


def _frame_column(values: Any) -> Any:
    # A copy: pandas would otherwise hold a read-only view of the atlas's memory.
    return values.copy() if isinstance(values, np.ndarray) else list(values)
