"""Scripts: what a call is about is chosen when its turn comes, from what the machine has then."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from ..interpreter import Failure, Machine
from ..model import Row
from .actions import Action, Claim, Complete, Discard, Fail, GiveBack, Operate, Redrive, Skip, Tick
from .drawn import AGAIN, KEYS
from .sending import (
    asks_again,
    event,
    first_awaited,
    is_sent_events,
    is_sent_signals,
    signals,
)

Json = Any

TEMPERS: tuple[dict[str, int], ...] = (
    # All goes well, for the most part.
    {"complete": 12, "claim": 8, "fail": 1, "tick": 1, "give back": 1, "signal": 2, "event": 2},
    # Much fails, and people decide.
    {"complete": 8, "claim": 6, "fail": 8, "tick": 2, "redrive": 4, "skip": 2, "discard": 2,
     "signal": 2, "event": 2},
    # What closes meets what runs.
    {"complete": 5, "claim": 8, "close": 6, "fail": 4, "give back": 3, "tick": 3, "redrive": 1},
    # Time passes, and operators intervene.
    {"complete": 7, "claim": 6, "fail": 3, "tick": 6, "suspend": 3, "resume": 3, "redrive": 2,
     "give back": 2, "skip": 1, "discard": 2, "cancel": 1, "signal": 2, "event": 2},
    # Much is sent, early, late and again, as time passes.
    {"complete": 8, "claim": 2, "signal": 8, "event": 8, "tick": 5, "fail": 1, "redrive": 1},
)  # fmt: skip
"""What a script is made of: each of its calls so often."""


@dataclass(frozen=True)
class Call:
    """A call yet to be chosen: ``pick`` says of what, ``how`` with what."""

    name: str
    pick: int = 255
    how: int = 0


def script(rnd: Random, least: int = 8, most: int = 28) -> list[Call]:
    """Draw calls, of one temper or of two, one after the other."""
    tempers = [rnd.choice(TEMPERS) for _ in range(rnd.randint(1, 2))]
    calls: list[Call] = []
    for _ in range(rnd.randint(least, most)):
        temper = tempers[len(calls) * len(tempers) // most]
        (name,) = rnd.choices(list(temper), list(temper.values()))
        calls.append(Call(name, rnd.randrange(512), rnd.randrange(8)))
    return calls


def some(items: Sequence[str], pick: int) -> tuple[str, ...]:
    """Return one of the items, every other time, or all, or those whose bits are set."""
    if pick % 2:
        return (items[pick // 2 % len(items)],)
    if pick % 4:
        return tuple(items)
    chosen = tuple(item for n, item in enumerate(items) if pick >> (n % 8) & 1)
    return chosen or (items[pick % len(items)],)


def choose(machine: Machine, call: Call) -> list[Action]:
    """Return what a call is, as things stand: an action, after a claim where it needs one.

    What cannot be done is replaced by a completion, and where nothing is due by what brings it on.
    """
    chosen = _choices(machine, call)
    if call.name in chosen:
        return chosen[call.name]()
    if "complete" in chosen:
        return chosen["complete"]()
    if machine.dead_letters() and call.pick % 2:
        return chosen[("redrive", "skip", "discard")[call.how % 3]]()
    return [next_of(machine)]


def _choices(machine: Machine, call: Call) -> dict[str, Callable[[], list[Action]]]:
    """Return what can be done, by name."""
    due, running, letters = machine.due(), machine.running(), machine.dead_letters()
    chosen: dict[str, Callable[[], list[Action]]] = {
        "tick": lambda: [_tick(machine, call.how)],
        "suspend": lambda: [Operate("suspend")],
        "resume": lambda: [Operate("resume")],
        "cancel": lambda: [Operate("cancel")],
    }
    if is_sent_signals(machine):
        chosen["signal"] = lambda: [signals(machine, call.pick, call.how)]
    if is_sent_events(machine):
        chosen["event"] = lambda: [event(machine, call.pick, call.how)]
    if due or running:
        paths = some(_answerable(machine, call.pick), call.pick // 4)
        chosen["complete"] = lambda: _complete(machine, paths, call.how)
        chosen["fail"] = lambda: _after_claim(machine, Fail(paths, FAILURES[call.how]))
        chosen["give back"] = lambda: _after_claim(machine, GiveBack(paths, call.how % 2 == 1))
        chosen["close"] = lambda: _close(machine, call)
    if due:
        chosen["claim"] = lambda: [Claim(some(due, call.pick))]
    if letters:
        one = letters[call.pick % len(letters)]
        row = next(row for row in machine.instance.dead_letters if row.path == one)
        chosen["redrive"] = lambda: [Redrive(one, value_for(row, call.how))]
        chosen["skip"] = lambda: [Skip(one, VALUES[call.how])]
        chosen["discard"] = lambda: [Discard(some(letters, call.pick))]
    return chosen


def _answerable(machine: Machine, pick: int) -> list[str]:
    """Return what may be answered: at times only what is awaited in what closes, or what runs."""
    running = [row for row in machine.instance.rows() if row.state == "RUNNING"]
    stopping = [row.path for row in running if row.undoes is None and row.scope.state != "OPEN"]
    if stopping and pick % 4:
        return stopping
    if running and pick % 2:
        return [row.path for row in running]
    return sorted(machine.due() + machine.running())


def _close(machine: Machine, call: Call) -> list[Action]:
    """Return what closes something while other tasks run: one fails of all that could be claimed.

    At times it is a cancel.
    """
    claims: list[Action] = [Claim(tuple(machine.due()))] if machine.due() else []
    if call.how == 7 and machine.instance.state == "RUNNING":
        return [*claims, Operate("cancel")]
    one = sorted(machine.due() + machine.running())
    return [*claims, Fail((one[call.pick % len(one)],), Failure("bad"))]


FAILURES = [
    Failure("bad"),
    Failure("bad", retryable=True),
    Failure("bad.worse", retryable=True),
    Failure("other"),
    Failure("other", unknown=True),
    Failure("other", retryable=True, unknown=True),
    Failure("bad"),
    Failure("bad.worse"),
]
VALUES: list[Json] = [None, True, False, 7, [5, 6], [], {"code": "other"}, {"v": 1}]


def value_for(row: Row, how: int) -> Json:
    """Return what a dead letter is redriven with: mostly what it takes."""
    if how < 6 and row.wrong is not None and row.wrong != "value":
        return how % 2 == 0
    if how < 6 and row.wrong == "value":
        kinds: dict[str, Json] = {"for_each": [[], [7], [5, 6]][how % 3], "fail": {"code": "bad"}}
        kinds |= {"sleep": [0, 3, "2s"][how % 3], "wait_for": KEYS[how % 4]}
        return kinds.get(row.step.kind, VALUES[how])
    return VALUES[how]


def outputs(machine: Machine, paths: Sequence[str], how: int) -> tuple[tuple[str, Json], ...]:
    """Return an output for each task, by which it can be told from others.

    Where a goto or a round goes by it, it is mostly "again", a few times.
    """
    rows = {row.path: row for row in machine.instance.rows()}

    def output(row: Row) -> Json:
        if asks_again(row, how):
            return AGAIN
        return f"{row.path} {how}" if how < 6 else None

    return tuple((path, output(rows[path])) for path in paths)


def _complete(machine: Machine, paths: Sequence[str], how: int) -> list[Action]:
    return _after_claim(machine, Complete(outputs(machine, paths, how)))


def _after_claim(machine: Machine, action: Complete | Fail | GiveBack) -> list[Action]:
    paths = [path for path, _ in action.outputs] if isinstance(action, Complete) else action.paths
    due = tuple(path for path in paths if path in machine.due())
    return [Claim(due), action] if due else [action]


def _tick(machine: Machine, how: int) -> Tick:
    """Return a turn of the clock to the next timer, or by a little."""
    now, timers = machine.instance.now, machine.timers()
    return Tick(max(now, timers[0]) if timers and how < 6 else now + 1)


def next_of(machine: Machine) -> Action:
    """Return what brings an instance nearer to its end."""
    if machine.instance.held:
        return Operate("resume")
    if machine.running():
        return Complete(outputs(machine, machine.running(), 0))
    if machine.due():
        return Claim(tuple(machine.due()))
    if machine.dead_letters():
        return Discard(tuple(machine.dead_letters()))
    if machine.waits():
        return first_awaited(machine)
    assert machine.timers(), f"nothing brings it on: {machine.rows()}, {machine.scopes()}"
    return Tick(max(machine.instance.now, machine.timers()[0]))
