# SPDX-License-Identifier: MIT
"""Layouts that stop between rounds: to be watched, drawn as an animation, cancelled and gone on with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from inspect import signature
from typing import Any, ClassVar

from . import _core
from ._errors import raise_type
from ._layout import Layout, atlas_map, map_options, measured, tsne, tsne_options, umap, umap_options
from ._neighbors import as_graph
from ._progress import ProgressLike, progress_callback
from ._validation import as_int, as_matrix
from ._values import announce


class LayoutRun:
    """What :class:`UmapRun`, :class:`TsneRun` and :class:`MapRun` have in common.

    However the rounds are divided, the map is that of one call of the function, byte for byte.
    """

    #: The function, what makes the core's options of its arguments, and the core's run.
    _parts: ClassVar[tuple[Callable[..., Layout], Callable[[dict[str, Any], str], tuple[Any, int]], Callable[..., Any]]]

    def __init__(self, X: Any, **options: Any) -> None:
        where, (function, options_of, start) = type(self).__name__, self._parts
        known = {name: entry.default for name, entry in signature(function).parameters.items()}
        unknown = sorted(set(options) - (set(known) - {"X", "measure", "progress"}))
        if unknown:
            raise_type(
                where,
                f"there is no option {unknown[0]!r}",
                f"take those of {function.__name__}, without measure and progress",
            )
        given = {**known, **options, "X": X}
        filled, k = options_of(given, where)
        self._threads = filled.num_threads
        self._vectors = as_matrix(X, where)
        self._graph = as_graph(
            given["graph"],
            self._vectors,
            where,
            k=k,
            metric=given["metric"],
            num_threads=self._threads,
            callback=None,
        )
        self._core = start(self._vectors, self._graph._core, filled)

    @property
    def epoch(self) -> int:
        """Rounds done."""
        return int(self._core.epoch)

    @property
    def total_epochs(self) -> int:
        """Rounds of the whole run."""
        return int(self._core.total_epochs)

    @property
    def coordinates(self) -> Any:
        """(n, n_components) float32, read-only: the state itself, which later rounds move. Copy what is to stay.

        As the rounds left them: neither centred nor turned, items without a valid vector somewhere.
        """
        return self._core.coordinates

    def run(self, epochs: int | None = None, *, progress: ProgressLike = None) -> LayoutRun:
        """The next rounds, at most those that are left; all of them by default. Returns the object itself.

        An interruption (``KeyboardInterrupt``, a `progress` that returns False) ends the round in work first: `epoch`
        says which, and another call goes on from there.
        """
        left = self.total_epochs - self.epoch
        count = left if epochs is None else as_int(epochs, f"{type(self).__name__}.run", "epochs", low=0)
        with progress_callback(progress) as callback:
            self._core.run(count, callback)
        return self

    def snapshots(self, every: int = 10) -> Iterator[int]:
        """Runs to the end and stops after every `every` rounds, and at the end; yields the rounds done.

        Nothing is copied: `coordinates` shows the map of the moment.
        """
        step = as_int(every, f"{type(self).__name__}.snapshots", "every", low=1)
        return self._stops(step)

    def _stops(self, step: int) -> Iterator[int]:
        while self.epoch < self.total_epochs:
            self.run(step)
            yield self.epoch

    def layout(self, *, measure: bool = False) -> Layout:
        """The map of the rounds done, as the function gives it; with its quality if asked for."""
        core = self._core.layout()
        announce(core.run, stacklevel=3)
        return measured(core, self._vectors, self._graph, self._threads, None) if measure else Layout._of(core)

    def __repr__(self) -> str:
        n, c = self.coordinates.shape
        return f"{type(self).__name__}({n:,} items, {c} dimensions: round {self.epoch} of {self.total_epochs})"


class UmapRun(LayoutRun):
    """:func:`umap` that stops between rounds: to be watched, drawn as an animation, cancelled and gone on with.

    Parameters
    ----------
    X : (n, d) array, or an Embedding
    **options
        As :func:`umap` takes them, but for `measure` and `progress`.

    Examples
    --------
    >>> run = UmapRun(vectors, n_epochs=200)  # doctest: +SKIP
    >>> for epoch in run.snapshots(every=10):
    ...     frame.set_offsets(run.coordinates)
    ...     figure.savefig(f"frame-{epoch:03}.png")
    >>> layout = run.layout()
    """

    _parts = (umap, umap_options, _core.UmapRun)


class TsneRun(LayoutRun):
    """:func:`tsne` that stops between rounds, those of the early exaggeration included.

    Parameters
    ----------
    X : (n, d) array, or an Embedding
    **options
        As :func:`tsne` takes them, but for `measure` and `progress`.
    """

    _parts = (tsne, tsne_options, _core.TsneRun)


class MapRun(LayoutRun):
    """:func:`atlas_map` that stops between rounds, those of its UMAP included where there are any.

    With ``mode="territories"``, `layout` brings the last strays home each time.

    Parameters
    ----------
    X : (n, d) array, or an Embedding
    **options
        As :func:`atlas_map` takes them, but for `measure` and `progress`.
    """

    _parts = (atlas_map, map_options, _core.MapRun)
