"""``onceflow complete`` and ``fail``: a deferred task is answered once, by its token."""

import pytest

from onceflow.engine.calls import start_instances

from ...api.hand_worker import HandWorker
from ...conftest import Connect
from .conftest import Onceflow


@pytest.fixture
def token(worker: HandWorker, connect: Connect) -> str:
    """The token of the payment of an instance."""
    (started,) = start_instances(connect(), "order", [{"customer": "C", "total": 0.1}])
    worker.complete(started.instance_id, {})
    return worker.defer(started.instance_id)


def test_completing_it(onceflow: Onceflow, token: str) -> None:
    done = onceflow("complete", token, "--output", '{"paid": 0.10}')
    assert (done.code, done.out) == (0, "accepted: the task is SUCCEEDED\n")
    again = onceflow("complete", token, "--json")
    assert (again.code, again.json) == (0, {"answer": "repeated", "status": "SUCCEEDED"})
    shown = onceflow("show", token.partition(":")[0], "--json").json
    assert shown["output"] == {"paid": {"paid": 0.1}}


def test_failing_it(onceflow: Onceflow, token: str) -> None:
    done = onceflow("fail", token, "--code", "bank.refused", "--message", "no", "--permanent")
    assert (done.code, done.out) == (0, "accepted: the task is DEAD_LETTER\n")
    (letter,) = onceflow("dead-letters", "list", "--json").json["items"]
    assert letter["error"] == {"code": "bank.refused", "message": "no"}


def test_too_late_or_nonsense(onceflow: Onceflow, token: str) -> None:
    assert onceflow("cancel", token.partition(":")[0], "--yes").code == 0
    late = onceflow("complete", token)
    assert (late.code, late.out) == (
        1,
        "stale: the attempt of this token is over; nothing was changed\n",
    )
    wrong = onceflow("complete", "nonsense")
    assert wrong.code == 1
    assert "Send Context.token" in wrong.err
