"""What commands print as JSON: the bodies of the API, with its names, shapes and times."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from ..calls import Decided
from ..json_text import Json

Row = Mapping[str, Any]

TIMES: Final = frozenset(
    {
        "started_at",
        "start_at",
        "deadline_at",
        "suspended_at",
        "ended_at",
        "erased_at",
        "due_at",
        "start_by",
        "end_by",
        "scheduled_at",
        "timeout_at",
        "resume_at",
    }
    | {
        "changed_at",
        "died_at",
        "opened_at",
        "claimed_at",
        "created_at",
        "oldest_open",
        "sent_at",
        "at",
    }
)
LOG_ENTRY: Final = ("seq", "task", "path", "attempt", "state", "worker_id", "error", "at")


def body(row: Row) -> dict[str, Json]:
    """Return a row, its times as the API writes them."""
    return {
        name: _time(value) if name in TIMES and value is not None else value
        for name, value in row.items()
    }


def page(rows: Sequence[Row], following: str | None) -> dict[str, Json]:
    """Return a page of a list; ``following`` is what asks for the next one."""
    return {"items": [body(row) for row in rows], "next": following}


def bounded_page(
    rows: Sequence[Row], following: str | None, looked_at: int | None
) -> dict[str, Json]:
    """Return a page of a list that looks at so many at most; ``looked_at``: it did."""
    return page(rows, following) | {"looked_at": looked_at}


def log_entry(row: Row) -> dict[str, Json]:
    """Return an entry of the log."""
    return body({name: row[name] for name in LOG_ENTRY})


def instance_decisions(decisions: Sequence[Decided]) -> list[Json]:
    """Return what became of instances: of each what the API answers to one."""
    return [
        {"id": str(one.instance_id), "outcome": one.outcome, "detail": one.detail}
        for one in decisions
    ]


def letter_decisions(decisions: Sequence[Decided]) -> dict[str, Json]:
    """Return what became of dead letters."""
    return {
        "decided": [
            {
                "instance": str(one.instance_id),
                "task": one.task,
                "outcome": one.outcome,
                "detail": one.detail,
            }
            for one in decisions
        ]
    }


def _time(text: str) -> str:
    return msgspec.to_builtins(datetime.fromisoformat(text))
