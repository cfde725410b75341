"""Which transactional handlers may share a transaction, and with whom, by what is known of them."""

from uuid import uuid4

import pytest

from onceflow.engine.calls import Grant
from onceflow.worker import Registry
from onceflow.worker.attempts import pace as pace_module
from onceflow.worker.attempts.attempt import Attempt
from onceflow.worker.attempts.pace import PLANNED, Pace
from onceflow.worker.registration.leases import Registration

HANDLERS = Registry()
LIFE = Registration(uuid4(), 5, 0)
SLOW = 2 * PLANNED


@HANDLERS.task("any", transactional=True)
def any_of_them() -> None:
    """Stand for each of them."""


def attempt(handler: str, step: str = "only", *, started: bool = True) -> Attempt:
    grant = Grant(uuid4(), step, uuid4(), handler, "q", "{}", 1, None, "k", "w", 1, False)
    made = Attempt(grant, HANDLERS.find("any"), LIFE)
    made.started = started
    return made


@pytest.fixture
def pace() -> Pace:
    return Pace()


# guarantee: group-new-among-others
def test_those_of_a_new_handler_share_nothing_with_others(pace: Pace) -> None:
    known, new, newer = ([attempt(name) for _ in range(3)] for name in ("known", "new", "newer"))
    pace.note(known[0].grant, 0.0)
    mixed = [one for three in zip(known, new, newer, strict=True) for one in three]
    assert pace.divide(mixed) == ([], [known, new, newer])
    pace.note(new[0].grant, 0.0)
    assert pace.divide([*known, *new]) == ([], [[*known, *new]])


def test_a_new_step_of_a_known_handler_is_as_quick_as_that(pace: Pace) -> None:
    pace.note(attempt("h", "slow").grant, SLOW)
    assert not pace.is_quick(attempt("h", "new"))
    pace.note(attempt("g", "quick").grant, 0.0)
    assert pace.is_quick(attempt("g", "new"))


# guarantee: group-doubt-of-one-step
def test_who_doubts_a_new_handler_doubts_all_its_steps(pace: Pace) -> None:
    pace.doubt(attempt("h", "one"))
    assert not pace.is_quick(attempt("h", "one"))
    assert not pace.is_quick(attempt("h", "another"))
    assert pace.is_quick(attempt("g", "one"))


# guarantee: group-doubt-of-a-connection
def test_who_has_not_begun_is_not_doubted(pace: Pace) -> None:
    pace.doubt(attempt("h", started=False))
    assert pace.is_quick(attempt("h"))


def test_who_is_known_is_not_doubted(pace: Pace) -> None:
    one = attempt("h")
    pace.note(one.grant, 0.0)
    pace.doubt(one)
    assert pace.is_quick(one)


# guarantee: group-slow-forgotten
def test_where_many_are_known_the_slow_are_kept(
    pace: Pace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace_module, "KEPT", 8)
    pace.note(attempt("slow").grant, SLOW)
    pace.never(attempt("odd").grant)
    for number in range(40):
        pace.note(attempt(f"quick {number}").grant, 0.0)
    assert not pace.is_quick(attempt("slow"))
    assert not pace.is_quick(attempt("odd"))
