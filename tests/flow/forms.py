"""Forms: people are asked, take a form upon themselves, and the first answer that fits wins."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Literal, TypeAlias

from .model import Answer, Instance, Row

Json = Any
Changed: TypeAlias = Literal["done", "refused", "unknown"]
Answered: TypeAlias = Literal[
    "accepted", "repeated", "conflict", "answered", "claimed", "ended", "invalid", "unknown"
]


def open_forms(instance: Instance) -> list[Row]:
    """Return what waits for an answer of somebody."""
    rows = instance.rows()
    asks = (row for row in rows if row.step.kind == "approve" and row.people)
    return [row for row in asks if row.state == "WAITING"]


def change_form(
    instance: Instance, verb: str, path: str, by: str, to: Sequence[str] = ()
) -> Changed:
    """Claim a form, release it, or ask others in place of those who were asked."""
    row = _find(instance, path)
    if row is None:
        return "unknown"
    if row not in open_forms(instance):
        return "refused"
    if verb == "claim" and row.claimed_by not in (None, by):
        return "refused"
    if verb == "release" and row.claimed_by != by:
        return "refused"
    row.claimed_by = by if verb == "claim" else None
    row.people = list(to) if verb == "reassign" else row.people
    return "done"


def answer_forms(instance: Instance, answers: Sequence[Answer]) -> list[Answered]:
    """Answer forms, in one call: all are judged on what was before it, and the first wins."""
    opened = open_forms(instance)
    rows = [_find(instance, answer.path) for answer in answers]
    before = dict(instance.answered)
    winners: dict[Row, Answer] = {}
    told: list[Answered] = []
    for row, answer in zip(rows, answers, strict=True):
        if row is None:
            told.append("unknown")
            continue
        is_open = row in opened
        fault = is_open and not _is_valid(row, answer)
        fits = is_open and not fault and row.claimed_by in (None, answer.by)
        first = before.get(row) or (winners.get(row) if fits else None)
        if first is not None and answer.key is not None and answer.key == first.key:
            told.append("repeated" if answer == first else "conflict")
        elif first is not None:
            told.append("answered")
        elif not is_open:
            told.append("ended")
        elif fault:
            told.append("invalid")
        elif fits:
            told.append("accepted")
            winners[row] = answer
        else:
            told.append("claimed")
    for row, answer in winners.items():
        instance.answered[row] = answer
        instance.end(row, "SUCCEEDED", _output(instance, answer))
    return told


def remind(instance: Instance) -> None:
    """Put reminders off that are due, to the next time that lies ahead."""
    for row in open_forms(instance):
        if row.remind_at is not None and row.remind_at <= instance.now:
            assert row.step.remind is not None
            late = instance.now - row.remind_at
            row.remind_at += row.step.remind * (1 + late // row.step.remind)


def _find(instance: Instance, path: str) -> Row | None:
    rows = (row for row in instance.rows() if row.path == path and row.step.kind == "approve")
    return next(rows, None)


def _is_valid(row: Row, answer: Answer) -> bool:
    """Tell whether an answer is one of the decisions, and an object with all that is required."""
    has_all = isinstance(answer.answer, dict) and set(row.step.requires) <= set(answer.answer)  # pyright: ignore
    return has_all and answer.decision in row.step.decisions


def _output(instance: Instance, answer: Answer) -> Json:
    at = (instance.began + timedelta(seconds=instance.now)).isoformat(timespec="milliseconds")
    return {
        "decision": answer.decision,
        "by": answer.by,
        "at": at.replace("+00:00", "Z"),
        "answer": answer.answer,
    }
