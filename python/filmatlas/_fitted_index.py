# SPDX-License-Identifier: MIT
"""What new items are looked up in after a fit."""

from __future__ import annotations

from typing import Any

from ._neighbors import KnnIndex


class FittedIndex:
    """The items of a fit, for exact searches.

    The index is made when the first new items come and then kept: one by one they would cost one index each. Copies and
    pickles hold the items alone.
    """

    def __init__(self, X: Any, metric: str) -> None:
        self._X = X
        self._metric = metric
        self._index: KnnIndex | None = None

    def query(self, Q: Any, k: int, num_threads: int) -> tuple[Any, Any]:
        """(ids, distances), each (m, k)."""
        if self._index is None:
            self._index = KnnIndex(self._X, metric=self._metric, method="exact", num_threads=num_threads)
        return self._index.query(Q, k, num_threads=num_threads)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_index": None}
