# SPDX-License-Identifier: MIT
"""One checked vector per item; several sources per item as weighted parts of it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from . import _core
from ._errors import raise_invalid, raise_type
from ._validation import as_float, as_int, as_matrix
from ._values import Value, figure


class EmbeddingPart(NamedTuple):
    """Columns [begin, end) of the vectors belong to one source."""

    name: str
    begin: int
    end: int
    weight: float


class BadRow(NamedTuple):
    """A row without a usable vector: "nan", "infinite" or "zero"."""

    row: int
    reason: str


class Embedding(Value):
    """(n, d) float32 vectors, unit rows when normalised; bad rows are zero and listed, never dropped.

    With several parts the cosine of two items is exactly the weighted sum of the parts' cosines.
    """

    __slots__ = ()

    def __init__(
        self,
        vectors: Any,
        *,
        normalize: bool = True,
        on_invalid: str = "error",
        name: str = "embedding",
        num_threads: int = 0,
    ) -> None:
        self._core = _core.make_embedding(
            as_matrix(vectors, "Embedding", "vectors"), bool(normalize), on_invalid, name,
            as_int(num_threads, "Embedding", "num_threads"),
        )  # fmt: skip

    @property
    def vectors(self) -> Any:
        """(n, d) float32, read-only."""
        return self._core.vectors

    @property
    def normalized(self) -> bool:
        """Whether rows have unit norm."""
        return bool(self._core.normalized)

    @property
    def parts(self) -> list[EmbeddingPart]:
        """Sources, as column ranges with weights that sum to 1."""
        return [EmbeddingPart(*part) for part in self._core.parts]

    @property
    def bad_rows(self) -> list[BadRow]:
        """Rows without a usable vector, ascending."""
        return [BadRow(*bad) for bad in self._core.bad_rows]

    def similarity_shares(self, a: int, b: int) -> dict[str, float]:
        """Share of each part in the dot product of items a and b."""
        last = len(self) - 1
        shares = self._core.similarity_shares(
            as_int(a, "similarity_shares", "a", low=0, high=last),
            as_int(b, "similarity_shares", "b", low=0, high=last),
        )
        return {part.name: share for part, share in zip(self.parts, shares)}

    def __len__(self) -> int:
        return int(self.vectors.shape[0])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        if copy:
            return np.array(self.vectors, dtype=dtype)
        return np.asarray(self.vectors, dtype=dtype)

    def __repr__(self) -> str:
        n, d = self.vectors.shape
        parts = self.parts
        detail = "; " + ", ".join(f"{p.name} {p.weight:.2f}" for p in parts) if len(parts) > 1 else ""
        bad = f"; {len(self.bad_rows)} bad rows" if self.bad_rows else ""
        return f"Embedding({figure(n)} x {d}{detail}{bad})"

    def __reduce__(self) -> tuple[Any, ...]:
        if len(self.parts) == 1:
            name = self.parts[0].name
            return _rebuild, (np.array(self.vectors), self.normalized, name)
        return _rebuild_parts, (np.array(self.vectors), [tuple(part) for part in self.parts])


def _rebuild(vectors: Any, normalized: bool, name: str) -> Embedding:
    return Embedding(vectors, normalize=normalized, on_invalid="quarantine", name=name)


def _rebuild_parts(vectors: Any, parts: list[tuple[str, int, int, float]]) -> Embedding:
    sources = {name: vectors[:, begin:end] for name, begin, end, _ in parts}
    return combine_embeddings(sources, {part[0]: part[3] for part in parts}, on_invalid="quarantine")


def combine_embeddings(
    sources: Mapping[str, Any],
    weights: Mapping[str, float] | None = None,
    *,
    renormalize_missing: bool = True,
    on_invalid: str = "error",
    fusion: str = "concatenate",
    num_threads: int = 0,
) -> Embedding:
    """Joins several vectors per item: the cosine of two items becomes the weighted sum of the sources' cosines.

    Parameters
    ----------
    sources
        Name -> (n, d_s) vectors of any norm; a zero or NaN row means that the item lacks this source.
    weights
        Name -> weight >= 0; normalised to sum 1. Default: equal.
    renormalize_missing
        Whether the present parts of an item that lacks a source are scaled up to unit norm.
    on_invalid
        For items that lack every source: "error" or "quarantine".
    fusion
        "concatenate", or "average": the weighted mean of the sources' unit vectors, which all have one length; its
        cosines have no exact shares, see :func:`pair_similarity`.
    """
    where = "combine_embeddings"
    if not isinstance(sources, Mapping) or not sources:
        raise_type(where, f"sources is a {type(sources).__name__}, expected a dictionary name -> vectors")
    unknown = sorted(set(weights or ()) - set(sources))
    if unknown:
        raise_invalid(
            where, f"weights name {unknown[0]!r}, which is no source", f"sources: {', '.join(sources)}"
        )
    given = [
        (
            str(name),
            as_matrix(vectors, where, str(name)),
            as_float((weights or {}).get(name, 1.0), where, "weight"),
        )
        for name, vectors in sources.items()
    ]
    return Embedding._wrap(
        _core.combine_embeddings(
            given, bool(renormalize_missing), on_invalid, fusion, as_int(num_threads, where, "num_threads")
        )
    )


def read_npy(path: str | os.PathLike[str], *, member: str = "", allow_trailing: bool = False) -> Any:
    """Reads a numeric array from ``.npy`` or ``.npz`` as (n, d) float32, without pickles.

    Floats and integers of any size, either byte order, C and Fortran order. `member` names the array of a ``.npz``.
    Damaged and oversized headers are refused with the byte offset, before anything is allocated.
    """
    return _core.read_npy(os.fspath(path), member, bool(allow_trailing))


def npz_members(path: str | os.PathLike[str]) -> list[str]:
    """Names of the arrays in a ``.npz`` file."""
    members: list[str] = _core.npz_members(os.fspath(path))
    return members


def write_npy(path: str | os.PathLike[str], values: Any, *, half: bool = False) -> None:
    """Writes a float32 (or, with `half`, float16) ``.npy``, atomically."""
    _core.write_npy(os.fspath(path), as_matrix(values, "write_npy", "values"), bool(half))


def as_vectors(value: Any, where: str, name: str) -> Any:
    """Vectors from an array or from a path to ``.npy`` / ``.npz`` (``file.npz#member``)."""
    if isinstance(value, (str, os.PathLike)):
        path, _, member = (
            str(os.fspath(value)).partition("#") if ".npz#" in str(value) else (os.fspath(value), "", "")
        )
        return read_npy(path, member=member)
    return as_matrix(value, where, name)
