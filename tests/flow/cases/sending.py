"""What senders send, chosen when their turn comes from what waits then."""

from collections.abc import Iterator
from typing import Any

from ..definition import Branch, Step
from ..family import Family, owner
from ..model import Answer, Row, Signal
from .actions import AnswerForms, ChangeForm, Send, SendEvent
from .drawn import AGAIN, EVENTS, KEYS, PEOPLE, SIGNALS

Json = Any

ONCE = ("k0", "k1")
"""Keys of signals: few, so that they are sent again, the same or another."""


def is_sent_signals(family: Family) -> bool:
    """Tell whether some step waits for a signal."""
    return any(step.signal for step in _all_steps(family))


def is_sent_events(family: Family) -> bool:
    """Tell whether some step waits for an event."""
    return any(step.event for step in _all_steps(family))


def _all_steps(family: Family) -> Iterator[Step]:
    for machine in family.machines.values():
        yield from _steps(machine.workflow.branch)


def _steps(branch: Branch) -> Iterator[Step]:
    for step in branch.steps:
        yield step
        for inner in (*step.branches, *step.catches):
            yield from _steps(inner)


def signals(family: Family, pick: int, how: int) -> Send:
    """Return one signal, or two: mostly such as are waited for, at times early, or once more."""
    all_rows = [row for row in family.waits() if row.step.signal]
    members = list(family.machines)
    who = owner(all_rows[pick % len(all_rows)].path) if all_rows else members[how % len(members)]
    rows = [row for row in all_rows if owner(row.path) == who]
    awaited = [row.step.signal or "" for row in rows]
    names = awaited if awaited and pick % 4 else list(SIGNALS)
    many = 2 if how == 7 else 1
    made: list[Signal] = []
    for n in range(many):
        name = names[(pick // 4 + n) % len(names)]
        first = next((row for row in rows if row.step.signal == name), None)
        key = ONCE[pick // 16 % 2] if how in (2, 3) else None
        # With a key the same is sent again more often than another.
        sent = pick // 32 % 2 if key else f"{name}{pick % 32}"
        made.append(Signal(name, AGAIN if first and asks_again(first, how) else sent, key))
    return Send(tuple(made), who)


def event(family: Family, pick: int, how: int) -> SendEvent:
    """Return an event: mostly such as is waited for, at times early, or one that was sent."""
    events = family.root.instance.events
    if events and how == 3:
        before = events[pick % len(events)]
        return SendEvent(before.name, before.key, before.payload, before.id)
    rows = [row for row in family.waits() if row.step.event]
    if rows and pick % 4:
        row = rows[pick // 4 % len(rows)]
        name, key = row.step.event or "", row.event_key or ""
    else:
        row = None
        name, key = EVENTS[pick // 4 % len(EVENTS)], KEYS[pick // 8 % len(KEYS)]
    number = len(events)
    payload = AGAIN if row and asks_again(row, how) else [None, {"v": number}, number][how % 3]
    return SendEvent(name, key, payload, f"id{number}")


def asks_again(row: Row, how: int) -> bool:
    """Tell whether what a row gives should have something gone through once more."""
    return bool(how) and row.visit < 3 and _is_asked(row)


def _is_asked(row: Row) -> bool:
    """Tell whether what a step gives decides if something is gone through again."""
    conditions = [step.when for step in row.scope.branch.steps if step.kind == "goto"]
    if row.scope.block is not None:
        conditions.append(row.scope.block.step.condition)
    return any(f"$.steps.{row.step.id}.output" in str(condition) for condition in conditions)


def first_awaited(family: Family) -> Send | SendEvent:
    """Return what the wait that began first waits for."""
    row = family.waits()[0]
    if row.step.signal:
        return Send((Signal(row.step.signal, row.path),), owner(row.path))
    number = len(family.root.instance.events)
    return SendEvent(row.step.event or "", row.event_key or "", row.path, f"id{number}")


def is_sent_answers(family: Family) -> bool:
    """Tell whether some step asks people."""
    return any(step.kind == "approve" for step in _all_steps(family))


def answers(family: Family, pick: int, how: int) -> AnswerForms | None:
    """Return an answer to a form, or two: mostly one that fits, to one that is open."""
    rows = _asked(family, pick)
    if not rows:
        return None
    row = rows[pick // 4 % len(rows)]
    made: list[Answer] = []
    for n in range(2 if how == 7 else 1):
        decision = row.step.decisions[(pick // 2 + n) % 2]
        if how and row.visit < 3 and AGAIN in row.step.decisions and _is_asked(row):
            decision = AGAIN
        fitting: Json = {"why": f"{row.path} {pick}"} if row.step.requires else {}
        answer, decision = [
            *[(fitting, decision)] * 6,
            ({} if row.step.requires else {"comment": "no"}, decision),
            (fitting, "perhaps"),
        ][how]
        by = row.claimed_by if row.claimed_by and pick % 3 else PEOPLE[pick // 8 % 2]
        key = ONCE[pick // 16 % 2] if how in (2, 3) else None
        made.append(Answer(row.path, decision, answer, by, key))
    return AnswerForms(tuple(made))


def form_change(family: Family, pick: int, how: int) -> ChangeForm | None:
    """Return what is done with a form besides answering it."""
    rows = _asked(family, pick)
    if not rows:
        return None
    row, by = rows[pick // 4 % len(rows)], PEOPLE[pick // 8 % 2]
    verb = ("claim", "claim", "claim", "release", "release", "reassign")[how % 6]
    return ChangeForm(verb, row.path, by, ("boss",) if verb == "reassign" else ())


def _asked(family: Family, pick: int) -> list[Row]:
    """Return the open forms; at times all there have been."""
    if pick % 4 and family.forms():
        return family.forms()
    return [row for row in family.all_rows() if row.step.kind == "approve"]


def first_answer(family: Family) -> AnswerForms:
    """Return what ends the first open form."""
    row = family.forms()[0]
    given = dict.fromkeys(row.step.requires, row.path)
    by = row.claimed_by or PEOPLE[0]
    return AnswerForms((Answer(row.path, row.step.decisions[-1], given, by),))


def too_late(how: int) -> Send:
    """Return what is sent to an ended instance: one key may have been sent before."""
    return Send((Signal(SIGNALS[0], how % 2, ONCE[0] if how % 3 else None), Signal(SIGNALS[1])))
