"""What a run found, and how it is kept: a JSON file."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from .figures import Figures, medians


def _no_notes() -> list[str]:
    return []


def _nothing() -> Figures:
    return {}


@dataclass(slots=True)
class Result:
    """One row: what ``who`` did under ``load`` in a scenario.

    ``runs`` are the figures of each run, ``per_step`` what one step cost, ``counters`` those of the
    workers at the end.
    """

    scenario: str
    who: str
    load: str
    runs: Sequence[Mapping[str, float]]
    per_step: Figures = field(default_factory=_nothing)
    counters: Figures = field(default_factory=_nothing)
    notes: list[str] = field(default_factory=_no_notes)

    @property
    def figures(self) -> Figures:
        return medians(self.runs)


def document(about: Mapping[str, Any], results: Sequence[Result]) -> dict[str, Any]:
    """Return everything as one JSON document."""
    rows = [asdict(result) | {"medians": result.figures} for result in results]
    return {"about": dict(about), "results": rows}


def save(path: Path, about: Mapping[str, Any], results: Sequence[Result]) -> None:
    """Write the document to ``path``, whose folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document(about, results), indent=1) + "\n", encoding="utf-8")
