"""How commands print what needs no table: lines for people, JSON for scripts."""

import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from .. import json_text
from ..calls import AnsweredToken, Decided, NamedDecision
from ..json_text import Json
from ..logs import escaped
from .bodies import instance_decisions, letter_decisions
from .terminal.encodings import json_for


def print_json(value: Json) -> None:
    """Print a value as indented JSON."""
    text = msgspec.json.format(json_text.encode(value), indent=2)
    print(json_for(text, sys.stdout.encoding))


def print_json_line(value: Json) -> None:
    """Print a value as JSON on one line, at once."""
    print(json_for(json_text.encode(value), sys.stdout.encoding), flush=True)


def clock_text(timestamp: str | None) -> str:
    """Return a timestamp of the database to the second, in UTC."""
    if timestamp is None:
        return ""
    return datetime.fromisoformat(timestamp).astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def span_text(start: str, end: str | None) -> str:
    """Return the length of time between two timestamps; an end that is None is now."""
    to = datetime.now(UTC) if end is None else datetime.fromisoformat(end)
    return seconds_text((to - datetime.fromisoformat(start)).total_seconds())


def seconds_text(span: float) -> str:
    """Return a length of time, given in seconds."""
    span = max(0.0, span)
    if span < 60:
        return f"{span:.2f} s" if span < 10 else f"{span:.1f} s"
    minutes, left = divmod(round(span), 60)
    if minutes < 60:
        return f"{minutes} min {left:02} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min"


def suspension(by: str) -> str:
    """Return what the matter is with an instance of which ``suspended_by`` says this."""
    return "an open dead letter" if by == "dead_letter" else f"suspended by {by}"


def error_text(error: dict[str, Any] | None) -> str:
    """Return an error in one line: its code and its message."""
    if not error:
        return ""
    code, message = one_line(error.get("code", "error")), one_line(error.get("message", ""))
    return f"{code}: {message}" if message else code


def one_line(text: object) -> str:
    """Return a text of strangers on one line, with nothing in it that a terminal would obey."""
    return escaped(" ".join(str(text).split()))


def labels_text(labels: Mapping[str, str]) -> str:
    """Return labels in one line, as ``--label`` takes them; nothing where there are none."""
    return one_line(" ".join(f"{name}={value}" for name, value in sorted(labels.items())))


def print_more(more: str, looked_at: int | None) -> None:
    """Print, beneath a list, by which option what follows is asked for; ``more``: it may be empty.

    ``looked_at``: among so many no more were found.
    """
    if looked_at is not None:
        print(f"(of {looked_at} looked at no more match; to look on: {more})")
    elif more:
        print(f"(more follow: {more})")


def print_decisions(decisions: Sequence[Decided], *, as_json: bool) -> int:
    """Print what became of each instance or dead letter; return 1 unless all were done."""
    if as_json:
        letters = not decisions or decisions[0].task is not None
        print_json(letter_decisions(decisions) if letters else instance_decisions(decisions))
    else:
        for one in decisions:
            name = str(one.instance_id) if one.task is None else f"{one.instance_id}/{one.task}"
            print(f"{name}  {one.outcome}" + (f": {one.detail}" if one.detail else ""))
    return 0 if all(one.outcome == "done" for one in decisions) else 1


def print_answered_token(answered: AnsweredToken, *, as_json: bool) -> int:
    """Print what became of an answer to a deferred task; return 1 where it came too late."""
    if as_json:
        print_json({"answer": answered.answer, "status": answered.state})
    elif answered.answer == "stale":
        print("stale: the attempt of this token is over; nothing was changed")
    else:
        print(f"{answered.answer}: the task is {answered.state}")
    return 1 if answered.answer == "stale" else 0


def print_named(decisions: Sequence[NamedDecision], *, as_json: bool) -> int:
    """Print what became of each workflow or queue; return 1 unless all were done."""
    if as_json:
        rows = [(one.name, one.outcome, one.detail) for one in decisions]
        print_json([dict(zip(("name", "outcome", "detail"), row, strict=True)) for row in rows])
    else:
        for one in decisions:
            print(f"{one.name}  {one.outcome}" + (f": {one.detail}" if one.detail else ""))
    return 0 if all(one.outcome == "done" for one in decisions) else 1
