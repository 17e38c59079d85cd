# SPDX-License-Identifier: MIT
"""What all result classes share: a handle on a value of the compiled core, and how its run went."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from ._errors import FilmAtlasWarning

Self = TypeVar("Self", bound="Value")


class Value:
    """A read-only result. Its arrays are views of memory that they keep alive; copy them to change them."""

    __slots__ = ("_core",)
    _core: Any

    @classmethod
    def _wrap(cls: type[Self], core: Any) -> Self:
        value = object.__new__(cls)
        value._core = core
        return value


@dataclass(frozen=True)
class RunInfo:
    """How a run went; not converging is a status, never an exception."""

    iterations: int
    converged: bool
    seconds: float
    warnings: tuple[str, ...]

    @classmethod
    def _of(cls, fields: dict[str, Any]) -> RunInfo:
        return cls(fields["iterations"], fields["converged"], fields["seconds"], tuple(fields["warnings"]))


def announce(fields: dict[str, Any], stacklevel: int = 3) -> None:
    """Shows the warnings of a run as Python warnings, at the caller's line."""
    for message in fields["warnings"]:
        warnings.warn(message, FilmAtlasWarning, stacklevel=stacklevel + 1)


class CsrMatrix:
    """Compressed sparse rows: ``shape``, ``indptr`` (int64), ``indices`` (int32), ``data``.

    ``to_scipy()`` gives a scipy.sparse.csr_matrix over the same memory; ``toarray()`` a dense array.
    """

    __slots__ = ("data", "indices", "indptr", "shape")

    def __init__(self, parts: tuple[Any, Any, Any, Any]) -> None:
        shape, self.indptr, self.indices, self.data = parts
        self.shape: tuple[int, int] = (int(shape[0]), int(shape[1]))

    @property
    def nnz(self) -> int:
        """Stored entries."""
        return int(self.data.shape[0])

    @property
    def dtype(self) -> Any:
        """dtype of the entries."""
        return self.data.dtype

    def toarray(self) -> Any:
        """Dense copy."""
        out = np.zeros(self.shape, dtype=self.data.dtype)
        rows = np.repeat(np.arange(self.shape[0]), np.diff(self.indptr))
        out[rows, self.indices] = self.data
        return out

    def to_scipy(self) -> Any:
        """The matrix for SciPy; raises ImportError when SciPy is not installed."""
        from scipy.sparse import csr_matrix

        # The constructor brings indices and indptr to one dtype, as SciPy's own code demands.
        matrix = csr_matrix((self.data, self.indices, self.indptr), shape=self.shape, copy=True)
        matrix.has_sorted_indices = True
        return matrix

    def _parts(self) -> tuple[Any, Any, Any, Any]:
        return self.shape, self.indptr, self.indices, self.data

    def __repr__(self) -> str:
        return f"CsrMatrix(shape={self.shape}, nnz={self.nnz:,}, dtype={self.data.dtype})"


def figure(number: int) -> str:
    """An integer with thin separators, as in 15 834."""
    return f"{number:,}".replace(",", " ")
