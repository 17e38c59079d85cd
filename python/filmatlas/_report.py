# SPDX-License-Identifier: MIT
"""Reports: every promise checked, with figure, threshold and the items concerned."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from . import _core
from ._embedding import Embedding
from ._errors import raise_type
from ._hierarchy import Hierarchy
from ._layout import Layout
from ._neighbors import KnnGraph
from ._tables import Table
from ._values import Value


@dataclass(frozen=True)
class Finding:
    """One finding: a stable code, "info", "warning" or "error", and what was measured."""

    code: str
    severity: str
    message: str
    value: float | None
    threshold: float | None
    items: list[int]


class Report(Value):
    """Findings of a validation. ``print(report)`` shows them, errors first."""

    __slots__ = ()

    @property
    def ok(self) -> bool:
        """No finding is an error."""
        return bool(self._core.ok)

    @property
    def findings(self) -> list[Finding]:
        """All findings, in order."""
        return [Finding(**fields) for fields in self._core.findings]

    @property
    def errors(self) -> list[Finding]:
        """Broken promises."""
        return [finding for finding in self.findings if finding.severity == "error"]

    @property
    def warnings(self) -> list[Finding]:
        """Things to know."""
        return [finding for finding in self.findings if finding.severity == "warning"]

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        data: dict[str, Any] = json.loads(self._core.to_json())
        return data

    def to_json(self) -> str:
        """JSON text."""
        return str(self._core.to_json())

    def to_html(self, title: str = "filmatlas report") -> str:
        """A self-contained HTML page without scripts."""
        return str(self._core.to_html(title))

    def to_pandas(self) -> Any:
        """One row per finding."""
        findings = self.findings
        names = ("code", "severity", "message", "value", "threshold")
        return Table({name: [getattr(finding, name) for finding in findings] for name in names}).to_pandas()

    def __str__(self) -> str:
        return str(self._core.to_text())

    def __len__(self) -> int:
        return len(self._core.findings)

    def __bool__(self) -> bool:
        return True

    def __repr__(self) -> str:
        return f"Report(ok={self.ok}, errors={len(self.errors)}, warnings={len(self.warnings)}, findings={len(self)})"


def validate(value: Any) -> Report:
    """Checks every promise of an Atlas, Hierarchy, KnnGraph, Layout or Embedding, without trusting who made it."""
    from ._atlas import Atlas

    if isinstance(value, Atlas):
        return Report._wrap(_core.validate_atlas(value._core))
    if isinstance(value, Hierarchy):
        return Report._wrap(_core.check_hierarchy(value._core))
    if isinstance(value, KnnGraph):
        return Report._wrap(_core.check_graph(value._core))
    if isinstance(value, Layout):
        return Report._wrap(_core.check_layout(value._core))
    if isinstance(value, Embedding):
        return Report._wrap(_core.check_embedding(value._core))
    raise_type(
        "validate",
        f"cannot validate a {type(value).__name__}",
        "pass an Atlas, Hierarchy, KnnGraph, Layout or Embedding",
    )
