# SPDX-License-Identifier: MIT
"""Progress reports: a callable, or True for a bar on stderr.

The callable gets ``(stage, done, total)`` on the thread that called the library, about ten times a second;
``total`` is 0 when the amount of work is unknown. Returning False cancels (:class:`filmatlas.Cancelled`); an exception
comes out of the library call as itself.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

ProgressCallback = Callable[[str, int, int], bool | None]
ProgressLike = bool | ProgressCallback | None


class ProgressBar:
    """One line on a terminal, rewritten in place; silent elsewhere unless `force`."""

    def __init__(self, stream: TextIO | None = None, *, force: bool = False, width: int = 28) -> None:
        self.stream = sys.stderr if stream is None else stream
        self.enabled = force or bool(getattr(self.stream, "isatty", lambda: False)())
        self.width = width
        self._stage = ""
        self._started = 0.0
        self._drawn = False

    def __call__(self, stage: str, done: int, total: int) -> None:
        if not self.enabled:
            return
        now = time.monotonic()
        if stage != self._stage:
            self._stage, self._started = stage, now
        share = min(1.0, done / total) if total > 0 else 0.0
        full = round(share * self.width)
        figure = f"{share:4.0%}" if total > 0 else f"{done:,}"
        bar = "#" * full + "-" * (self.width - full)
        self.stream.write(f"\r{stage[:24]:<24} [{bar}] {figure} {now - self._started:5.1f} s\x1b[K")
        self.stream.flush()
        self._drawn = True

    def close(self) -> None:
        """Clears the line."""
        if self._drawn:
            self.stream.write("\r\x1b[K")
            self.stream.flush()
            self._drawn = False


@contextmanager
def progress_callback(progress: ProgressLike) -> Iterator[ProgressCallback | None]:
    """The callable to hand to the core; a bar is closed at the end, whatever happens."""
    if progress is None or progress is False:
        yield None
    elif progress is True:
        bar = ProgressBar(force=True)
        try:
            yield bar
        finally:
            bar.close()
    elif callable(progress):
        yield progress
    else:
        raise TypeError(f"progress = {progress!r}, expected None, True or a callable (stage, done, total)")
