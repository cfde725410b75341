"""fail_deferred_tasks: failures from outside, by token"""

import pytest

from onceflow.engine import calls
from onceflow.engine.errors import BadArgument

from ...play import Play, execute
from ...workflows import value
from .test_complete_deferred_tasks import deferred, tokens

ERROR = {"code": "bank.refused", "message": "no money"}


def test_a_failure_from_outside_is_retried_where_it_may_be(play: Play) -> None:
    one, other = deferred(play, 2, retry={"attempts": 3, "backoff": 1, "jitter": 0})
    answers = calls.fail_deferred_tasks(
        play.conn, tokens([one, other]), [ERROR, ERROR], [True, False]
    )
    assert [a.answer for a in answers] == ["accepted", "accepted"]
    assert play.task(one.instance_id, "a", "state", "error") == ("RETRYING", ERROR)
    assert play.task(other.instance_id, "a", "state", "error") == ("DEAD_LETTER", ERROR)


def test_the_policy_is_the_handlers_own_where_the_step_has_none(play: Play) -> None:
    retries = {"work": {"attempts": 1}}
    calls.register_worker(play.conn, "newest", ["default"], ["work"], 60, retries)
    (grant,) = deferred(play, 1)
    calls.fail_deferred_tasks(play.conn, tokens([grant]), [ERROR], [True])
    assert play.state(grant.instance_id, "a") == "DEAD_LETTER"


def test_arrays_that_differ_are_refused(play: Play) -> None:
    (grant,) = deferred(play, 1)
    with pytest.raises(BadArgument, match="differ in length"):
        calls.fail_deferred_tasks(play.conn, tokens([grant]), [ERROR], [])


def test_an_error_with_an_unknown_effect_is_undone(play: Play) -> None:
    (grant,) = deferred(play, 1, undo=value(1))
    unknown = {**ERROR, "unknown": True}
    calls.fail_deferred_tasks(play.conn, tokens([grant]), [unknown], [False])
    assert play.states(grant.instance_id)["a.compensate"] == "QUEUED"


def test_an_error_that_is_no_object_is_kept_as_a_message(play: Play) -> None:
    (grant,) = deferred(play, 1)
    execute(
        play.conn,
        "select * from onceflow.fail_deferred_tasks(%s::text[], array['7']::jsonb[], array[false])",
        tokens([grant]),
    )
    assert play.task(grant.instance_id, "a", "state", "error") == ("DEAD_LETTER", {"message": 7})
