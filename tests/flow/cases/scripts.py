"""Scripts: what a call is about is chosen when its turn comes, from what the machine has then."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from ..family import Family
from ..interpreter import Failure
from ..model import Row
from .actions import Action, Claim, Complete, Discard, Fail, GiveBack, Operate, Redrive, Skip, Tick
from .drawn import AGAIN, KEYS
from .sending import (
    answers,
    asks_again,
    event,
    first_answer,
    first_awaited,
    form_change,
    is_sent_answers,
    is_sent_events,
    is_sent_signals,
    signals,
)

Json = Any

TEMPERS: tuple[dict[str, int], ...] = (
    # All goes well, for the most part.
    {"complete": 12, "claim": 8, "fail": 1, "tick": 1, "give back": 1, "signal": 2, "event": 2,
     "answer": 3, "form": 1},
    # Much fails, and people decide.
    {"complete": 8, "claim": 6, "fail": 8, "tick": 2, "redrive": 4, "skip": 2, "discard": 2,
     "signal": 2, "event": 2, "answer": 2},
    # What closes meets what runs.
    {"complete": 5, "claim": 8, "close": 6, "fail": 4, "give back": 3, "tick": 3, "redrive": 1},
    # Time passes, and operators intervene.
    {"complete": 7, "claim": 6, "fail": 3, "tick": 6, "suspend": 3, "resume": 3, "redrive": 2,
     "give back": 2, "skip": 1, "discard": 2, "cancel": 1, "signal": 2, "event": 2, "answer": 2,
     "form": 2},
    # Much is sent, early, late and again, as time passes.
    {"complete": 8, "claim": 2, "signal": 8, "event": 8, "tick": 5, "fail": 1, "redrive": 1,
     "answer": 6, "form": 4},
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


def choose(family: Family, call: Call) -> list[Action]:
    """Return what a call is, as things stand: an action, after a claim where it needs one.

    What cannot be done is replaced by a completion, and where nothing is due by what brings it on.
    """
    chosen = _choices(family, call)
    if call.name in chosen:
        return chosen[call.name]()
    if "complete" in chosen:
        return chosen["complete"]()
    if family.dead_letters() and call.pick % 2:
        return chosen[("redrive", "skip", "discard")[call.how % 3]]()
    return [next_of(family)]


def _choices(family: Family, call: Call) -> dict[str, Callable[[], list[Action]]]:
    """Return what can be done, by name."""
    due, running, letters = family.due(), family.running(), family.dead_letters()
    members = list(family.machines)
    who = members[call.pick % len(members)] if call.how % 3 else ""
    chosen: dict[str, Callable[[], list[Action]]] = {
        "tick": lambda: [_tick(family, call.how)],
        "suspend": lambda: [Operate("suspend", who)],
        "resume": lambda: [Operate("resume", (family.held() or [who])[0])],
        "cancel": lambda: [Operate("cancel", who)],
    }
    if is_sent_signals(family):
        chosen["signal"] = lambda: [signals(family, call.pick, call.how)]
    if is_sent_events(family):
        chosen["event"] = lambda: [event(family, call.pick, call.how)]
    if is_sent_answers(family):
        answered = answers(family, call.pick, call.how)
        changed = form_change(family, call.pick, call.how)
        chosen |= {"answer": lambda: [answered]} if answered else {}
        chosen |= {"form": lambda: [changed]} if changed else {}
    if due or running:
        paths = some(_answerable(family, call.pick), call.pick // 4)
        chosen["complete"] = lambda: _complete(family, paths, call.how)
        chosen["fail"] = lambda: _after_claim(family, Fail(paths, FAILURES[call.how]))
        chosen["give back"] = lambda: _after_claim(family, GiveBack(paths, call.how % 2 == 1))
        chosen["close"] = lambda: _close(family, call)
    if due:
        chosen["claim"] = lambda: [Claim(some(due, call.pick))]
    if letters:
        one = letters[call.pick % len(letters)]
        row = next(row for row in family.all_rows() if row.path == one)
        chosen["redrive"] = lambda: [Redrive(one, value_for(row, call.how))]
        chosen["skip"] = lambda: [Skip(one, VALUES[call.how])]
        chosen["discard"] = lambda: [Discard(some(letters, call.pick))]
    return chosen


def _answerable(family: Family, pick: int) -> list[str]:
    """Return what may be answered: at times only what is awaited in what closes, or what runs."""
    running = [row for row in family.all_rows() if row.state == "RUNNING"]
    stopping = [row.path for row in running if row.undoes is None and row.scope.state != "OPEN"]
    if stopping and pick % 4:
        return stopping
    if running and pick % 2:
        return [row.path for row in running]
    return sorted(family.due() + family.running())


def _close(family: Family, call: Call) -> list[Action]:
    """Return what closes something while other tasks run: one fails of all that could be claimed.

    At times it is a cancel.
    """
    claims: list[Action] = [Claim(tuple(family.due()))] if family.due() else []
    if call.how == 7 and family.root.instance.state == "RUNNING":
        return [*claims, Operate("cancel")]
    one = sorted(family.due() + family.running())
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
        kinds |= {"approve": [{"title": "t", "to": "ada"}, {"title": "t"}][how % 2]}
        kinds |= {"sleep": [0, 3, "2s", "2020-01-01T00:00:00Z"][how % 4], "wait_for": KEYS[how % 4]}
        return kinds.get(row.step.kind, VALUES[how])
    return VALUES[how]


def outputs(family: Family, paths: Sequence[str], how: int) -> tuple[tuple[str, Json], ...]:
    """Return an output for each task, by which it can be told from others.

    Where a goto or a round goes by it, it is mostly "again", a few times.
    """
    rows = {row.path: row for row in family.all_rows()}

    def output(row: Row) -> Json:
        if asks_again(row, how):
            return AGAIN
        return f"{row.path} {how}" if how < 6 else None

    return tuple((path, output(rows[path])) for path in paths)


def _complete(family: Family, paths: Sequence[str], how: int) -> list[Action]:
    return _after_claim(family, Complete(outputs(family, paths, how)))


def _after_claim(family: Family, action: Complete | Fail | GiveBack) -> list[Action]:
    paths = [path for path, _ in action.outputs] if isinstance(action, Complete) else action.paths
    due = tuple(path for path in paths if path in family.due())
    return [Claim(due), action] if due else [action]


def _tick(family: Family, how: int) -> Tick:
    """Return a turn of the clock to the next timer, or by a little."""
    now, timers = family.now, family.timers()
    return Tick(max(now, timers[0]) if timers and how < 6 else now + 1)


def next_of(family: Family) -> Action:
    """Return what brings an instance nearer to its end."""
    if family.held():
        return Operate("resume", family.held()[0])
    if family.running():
        return Complete(outputs(family, family.running(), 0))
    if family.due():
        return Claim(tuple(family.due()))
    if family.dead_letters():
        return Discard(tuple(family.dead_letters()))
    if family.waits():
        return first_awaited(family)
    if family.forms():
        return first_answer(family)
    assert family.timers(), f"nothing brings it on: {family.rows()}"
    return Tick(max(family.now, family.timers()[0]))
