"""Actions: calls of which everything is settled, as an example is written down."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from ..interpreter import Failure, Machine
from ..model import Signal

Json = Any


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


@dataclass(frozen=True)
class Send:
    """Signals, in one call."""

    signals: tuple[Signal, ...]


@dataclass(frozen=True)
class SendEvent:
    """An event, to all who wait for it."""

    name: str
    key: str
    payload: Json
    id: str


Action: TypeAlias = (
    Claim
    | Complete
    | Fail
    | GiveBack
    | Tick
    | Operate
    | Redrive
    | Skip
    | Discard
    | Send
    | SendEvent
)


def targets(action: Action) -> tuple[str, ...]:
    """Return the paths of the rows that an action is about."""
    match action:
        case Complete(outputs):
            return tuple(path for path, _ in outputs)
        case Redrive(path) | Skip(path):
            return (path,)
        case Tick() | Operate() | Send() | SendEvent():
            return ()
        case _:
            return action.paths


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
            decide: Callable[[], object] = getattr(machine, name)
            return decide()
        case Redrive(path, value):
            return machine.redrive(path, value)
        case Skip(path, output):
            return machine.skip(path, output)
        case Discard(paths):
            return machine.discard(paths)
        case Send(signals):
            return machine.signal(*signals)
        case SendEvent():
            return machine.send_event(action.name, action.key, action.payload, action.id)
