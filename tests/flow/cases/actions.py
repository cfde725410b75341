"""Actions: calls of which everything is settled, as an example is written down."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from ..family import Family
from ..interpreter import Failure
from ..model import Answer, Signal

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
    """suspend, resume or cancel; ``who``: an instance of the family, by the prefix of its paths."""

    name: str
    who: str = ""


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
    who: str = ""


@dataclass(frozen=True)
class SendEvent:
    """An event, to all who wait for it."""

    name: str
    key: str
    payload: Json
    id: str


@dataclass(frozen=True)
class AnswerForms:
    """Answers to forms, in one call."""

    answers: tuple[Answer, ...]


@dataclass(frozen=True)
class ChangeForm:
    """claim, release or reassign."""

    verb: str
    path: str
    by: str
    to: tuple[str, ...] = ()


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
    | AnswerForms
    | ChangeForm
)


def targets(action: Action) -> tuple[str, ...]:
    """Return the paths of the rows that an action is about."""
    match action:
        case Complete(outputs):
            return tuple(path for path, _ in outputs)
        case Redrive(path) | Skip(path) | ChangeForm(_, path):
            return (path,)
        case AnswerForms(answers):
            return tuple(answer.path for answer in answers)
        case Tick() | Operate() | Send() | SendEvent():
            return ()
        case _:
            return action.paths


def apply(family: Family, action: Action) -> object:
    """Make a call; return what it answers."""
    match action:
        case Claim(paths):
            return family.claim(paths)
        case Complete(given):
            return family.answer(dict(given))
        case Fail(paths, failure):
            return family.answer(dict.fromkeys(paths, failure))
        case GiveBack(paths, started):
            return family.give_back(paths, started=started)
        case Tick(now):
            return family.tick(now)
        case Operate(name, who):
            decide: Callable[[str], object] = getattr(family, name)
            return decide(who)
        case Redrive(path, value):
            return family.redrive(path, value)
        case Skip(path, output):
            return family.skip(path, output)
        case Discard(paths):
            return family.discard(paths)
        case Send(signals, who):
            return family.signal(*signals, who=who)
        case SendEvent():
            return family.send_event(action.name, action.key, action.payload, action.id)
        case AnswerForms(answers):
            return family.answer_forms(answers)
        case ChangeForm(verb, path, by, to):
            return family.change_form(verb, path, by, to)
