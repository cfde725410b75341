"""What waits without a worker: until a time, a signal or an event; and what was sent to nobody yet.

First come, first served: a signal ends the wait of its name that began first, or is kept for one
that begins. An event ends all that wait for it, and a step takes it once.
"""

import json
import re
from datetime import datetime
from typing import Any, Literal, TypeAlias

from .children import tell
from .model import Event, Instance, Row, Signal
from .seeing import Fails, value_of

Json = Any
Sent: TypeAlias = Literal["accepted", "repeated", "conflict", "ended", "invalid", "full"]
SentEvent: TypeAlias = Literal["sent", "repeated"]

MOST_SLEEP = 10 * 366 * 86_400
"""Ten years, in seconds."""
MOST_KEPT = 1000
"""Signals that an instance keeps."""
UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86_400}
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,127}")


def wait_value(instance: Instance, row: Row, given: Json = None, answered: str = "") -> Json:
    """Return what a step waits for, or what it has an instance started with. Raises Fails.

    ``given`` is what the expressions should have given, where they have been ``answered``.
    """
    step = row.step
    known = answered == "value"
    value = given if known else value_of(instance, row.scope, step.value)
    if step.kind == "sleep":
        if known and isinstance(step.value, dict):
            value = {"until": given}
        seconds_of(instance, value)
    elif step.event is not None:
        value = key_of(value)
    elif step.kind == "approve":
        _check_form(instance, value)
    return value


def _check_form(instance: Instance, value: Json) -> None:
    """Check what people are to be asked. Raises Fails."""
    to: list[Json] = _people(value) if isinstance(value, dict) else []
    texts = [value.get("title"), *to] if isinstance(value, dict) else []  # pyright: ignore
    if not to or not all(isinstance(text, str) and text for text in texts):  # pyright: ignore
        raise Fails("expression", "a form has a title, and says who is asked", "value")
    if "due" in value:
        seconds_of(instance, value["due"])


def _people(value: Json) -> list[Json]:
    to = value.get("to")
    return to if isinstance(to, list) else [to]  # pyright: ignore


def begin_wait(instance: Instance, row: Row) -> None:
    """Begin to wait; what is kept is taken once all of its wave have begun."""
    step = row.step
    if step.kind == "sleep":
        due_at = instance.now + seconds_of(instance, row.input)
        if due_at > instance.now:
            row.due_at = due_at
        else:
            instance.end(row, "SUCCEEDED")
        return
    if step.kind == "approve":
        row.people, row.claimed_by = _people(row.input), None
        row.remind_at = None if step.remind is None else instance.now + step.remind
        if "due" in row.input:
            row.due_at = instance.now + max(0, seconds_of(instance, row.input["due"]))
        return
    if step.event is not None:
        row.event_key = row.input
    if step.timeout is not None:
        row.due_at = instance.now + step.timeout
    instance.beginning.append(row)


def take_kept(instance: Instance) -> None:
    """Have the waits that began together take what is kept: signals by the waits' keys.

    What one of them takes of an event the others take too, as those do that wait together.
    """
    began, instance.beginning = sorted(instance.beginning, key=_by_key), []
    for row in began:
        if row.step.kind == "workflow":
            tell(instance, row, "start")
    began = [row for row in began if row.step.kind == "wait_for"]
    instance.waits += began
    events = {row: _kept_event(instance, row) for row in began}
    for row in began:
        event = events[row]
        if event is not None:
            _take(instance, row, event)
        kept = next((sent for sent in instance.kept if sent.name == row.step.signal), None)
        if kept is not None:
            instance.kept.remove(kept)
            instance.end(row, "SUCCEEDED", kept.payload)


def _by_key(row: Row) -> tuple[str, int, int]:
    """Return by what is told who goes first of those that begin together."""
    return row.step.id, row.scope.number, row.visit


def waits(instance: Instance) -> list[Row]:
    """Return what waits for a signal or an event, that which began first before the others."""
    return [row for row in instance.waits if row.open and row.state == "WAITING"]


def send_signal(instance: Instance, signal: Signal) -> Sent:
    """End the wait of its name that began first, or keep it."""
    before = None if signal.key is None else instance.signals.get(signal.key)
    if before is not None:
        return "repeated" if before == signal else "conflict"
    if instance.state != "RUNNING":
        return "ended"
    declared = instance.workflow.signals
    if not (NAME.fullmatch(signal.name) if declared is None else signal.name in declared):
        return "invalid"
    row = next((row for row in waits(instance) if row.step.signal == signal.name), None)
    if row is not None:
        instance.end(row, "SUCCEEDED", signal.payload)
    elif len(instance.kept) < MOST_KEPT:
        instance.kept.append(signal)
    else:
        return "full"
    if signal.key is not None:
        instance.signals[signal.key] = signal
    return "accepted"


def deliver_event(instance: Instance, event: Event) -> None:
    """End all that wait for an event."""
    for row in [row for row in waits(instance) if _is_for(instance, row, event)]:
        _take(instance, row, event)


def _kept_event(instance: Instance, row: Row) -> Event | None:
    """Return the oldest event that is young enough, and that this step has not taken yet."""
    since = instance.now - row.step.keep
    events = instance.events if row.step.keep else []
    found = (e for e in events if e.sent_at >= since and _is_for(instance, row, e))
    return next(found, None)


def _is_for(instance: Instance, row: Row, event: Event) -> bool:
    """Tell whether a row waits for an event, which no row of its step has taken."""
    wanted = (event.name, event.key) == (row.step.event, row.event_key)
    return wanted and (row.step.id, event) not in instance.took


def _take(instance: Instance, row: Row, event: Event) -> None:
    instance.took.add((row.step.id, event))
    instance.end(row, "SUCCEEDED", event.payload)


# Values


def check_value(instance: Instance, row: Row, value: Json) -> None:
    """Check what the expressions of a wait should have given. Raises Fails."""
    if row.step.kind == "sleep":
        # It is not asked which of the two the step takes: the other fails it once more.
        try:
            seconds_of(instance, value)
        except Fails:
            seconds_of(instance, {"until": value})
    elif row.step.event is not None:
        key_of(value)


def seconds_of(instance: Instance, value: Json) -> float:
    """Return for how many seconds from now a step sleeps by a value. Raises Fails."""
    if isinstance(value, dict):
        seconds = _until(instance, value.get("until"))  # pyright: ignore
    elif isinstance(value, str):
        seconds = _duration(value)
    else:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        seconds = value if is_number and value >= 0 else None
    if seconds is None or seconds > MOST_SLEEP:
        raise Fails("expression", "no time to sleep for, or until", "value")
    return seconds


def _until(instance: Instance, value: Json) -> float | None:
    try:
        at = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    if at.tzinfo is None:
        return None
    return (at - instance.began).total_seconds() - instance.now


def _duration(text: str) -> float | None:
    parts = re.findall(r"(\d+)(ms|s|m|h|d)", text)
    if not parts or "".join(f"{number}{unit}" for number, unit in parts) != text:
        return None
    return sum(int(number) * UNITS[unit] for number, unit in parts)


def key_of(value: Json) -> str:
    """Return the key of an event: a text, or the text of a number or a boolean. Raises Fails."""
    if isinstance(value, str):
        return value
    if value is None or isinstance(value, list | dict):
        raise Fails("expression", "the key of an event is a text", "value")
    return json.dumps(value)
