"""Scripts: what a call is about is chosen when its turn comes, from what the machine has then."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from ..interpreter import Failure, Machine

Json = Any

WEIGHTS = {
    "complete": 10,
    "fail": 6,
    "claim": 8,
    "tick": 3,
    "resume": 2,
    "suspend": 1,
    "redrive": 3,
    "skip": 2,
    "discard": 1,
    "give back": 2,
    "cancel": 2,
}
NAMES = [name for name, weight in WEIGHTS.items() for _ in range(weight)]
"""Each as often as it is to be drawn; the first is what a script shrinks to."""


@dataclass(frozen=True)
class Call:
    """A call yet to be chosen: ``pick`` says of what, ``how`` with what."""

    name: str
    pick: int = 255
    how: int = 0


@dataclass(frozen=True)
class Claim:
    paths: tuple[str, ...]


@dataclass(frozen=True)
class Complete:
    outputs: tuple[tuple[str, Json], ...]


@dataclass(frozen=True)
class Fail:
    paths: tuple[str, ...]
    failure: Failure


@dataclass(frozen=True)
class GiveBack:
    paths: tuple[str, ...]
    started: bool


@dataclass(frozen=True)
class Tick:
    now: float


@dataclass(frozen=True)
class Operate:
    """suspend, resume or cancel."""

    name: str


@dataclass(frozen=True)
class Redrive:
    path: str
    value: Json


@dataclass(frozen=True)
class Skip:
    path: str
    output: Json


@dataclass(frozen=True)
class Discard:
    paths: tuple[str, ...]


Action: TypeAlias = Claim | Complete | Fail | GiveBack | Tick | Operate | Redrive | Skip | Discard


def some(items: Sequence[str], pick: int) -> tuple[str, ...]:
    """Return one of the items, or all, or those whose bits are set."""
    if pick % 3 == 1:
        return (items[pick // 3 % len(items)],)
    if pick % 3 == 2:
        return tuple(items)
    chosen = tuple(item for n, item in enumerate(items) if pick >> (n % 8) & 1)
    return chosen or (items[pick % len(items)],)


def choose(machine: Machine, call: Call) -> list[Action]:
    """Return what a call is, as things stand: an action, after a claim where it needs one.

    What cannot be done is replaced by a completion, and where nothing is due by what brings it on.
    """
    letters, held = machine.dead_letters(), sorted(machine.due() + machine.running())
    running = machine.running()
    chosen: dict[str, Callable[[], list[Action]]] = {}
    if held:
        # What a worker has is answered first, every other time, so that something else still runs.
        paths = some(running if running and call.pick % 2 else held, call.pick // 2)
        chosen["complete"] = lambda: _after_claim(machine, Complete(outputs(paths, call.how)))
        chosen["fail"] = lambda: _after_claim(machine, Fail(paths, FAILURES[call.how]))
        chosen["give back"] = lambda: _after_claim(machine, GiveBack(paths, call.how % 2 == 1))
    if machine.due():
        chosen["claim"] = lambda: [Claim(some(machine.due(), call.pick))]
    if letters:
        one = letters[call.pick % len(letters)]
        chosen["redrive"] = lambda: [Redrive(one, VALUES[call.how])]
        chosen["skip"] = lambda: [Skip(one, VALUES[call.how])]
        chosen["discard"] = lambda: [Discard(some(letters, call.pick))]
    for name in ("suspend", "resume", "cancel"):
        chosen[name] = lambda name=name: [Operate(name)]
    # A cancel ends what the other calls have begun: seldom, and not first.
    if call.name == "cancel" and call.how > 2:
        return choose(machine, Call("complete", call.pick, call.how))
    if call.name in chosen:
        return chosen[call.name]()
    if call.name == "tick":
        return [_tick(machine, call.how)]
    if held:
        return chosen["complete"]()
    if letters and call.pick % 2:
        return chosen[("redrive", "skip", "discard")[call.how % 3]]()
    return [next_of(machine)]


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


def outputs(paths: Sequence[str], how: int) -> tuple[tuple[str, Json], ...]:
    """Return an output for each task, by which it can be told from others."""
    return tuple((path, f"{path} {how}" if how < 6 else None) for path in paths)


def _after_claim(machine: Machine, action: Complete | Fail | GiveBack) -> list[Action]:
    paths = [path for path, _ in action.outputs] if isinstance(action, Complete) else action.paths
    due = tuple(path for path in paths if path in machine.due())
    return [Claim(due), action] if due else [action]


def _tick(machine: Machine, how: int) -> Tick:
    """Return a turn of the clock to the next timer, or by a little."""
    now, timers = machine.instance.now, machine.timers()
    return Tick(max(now, timers[0]) if timers and how < 6 else now + 1)


def apply(machine: Machine, action: Action) -> object:
    """Make a call; return what it answers."""
    match action:
        case Claim(paths):
            return machine.claim(paths)
        case Complete(given):
            return machine.answer(dict(given))
        case Fail(paths, failure):
            return machine.answer(dict.fromkeys(paths, failure))
        case GiveBack(paths, started):
            return machine.give_back(paths, started=started)
        case Tick(now):
            return machine.tick(now)
        case Operate(name):
            return getattr(machine, name)()
        case Redrive(path, value):
            return machine.redrive(path, value)
        case Skip(path, output):
            return machine.skip(path, output)
        case Discard(paths):
            return machine.discard(paths)


def finish(machine: Machine, most: int = 400) -> list[Action]:
    """Bring an instance to its end: all is answered, and dead letters are given up."""
    made: list[Action] = []
    while machine.end().state in ("RUNNING", "CLOSING", "COMPENSATING"):
        action = next_of(machine)
        apply(machine, action)
        made.append(action)
        assert len(made) < most, f"it does not end: {machine.rows()}"
    return made


def next_of(machine: Machine) -> Action:
    """Return what brings an instance nearer to its end."""
    if machine.instance.held:
        return Operate("resume")
    if machine.running():
        return Complete(outputs(machine.running(), 0))
    if machine.due():
        return Claim(tuple(machine.due()))
    if machine.dead_letters():
        return Discard(tuple(machine.dead_letters()))
    assert machine.timers(), f"nothing brings it on: {machine.rows()}, {machine.scopes()}"
    return Tick(max(machine.instance.now, machine.timers()[0]))
