"""Tasks whose worker lacks a secret: they wait, uncounted, and decide nothing."""

from typing import Any
from uuid import UUID

import pytest

from onceflow.engine import calls
from onceflow.engine.calls import Failure, Grant
from onceflow.engine.definition import compile_definition, parse

from ...play import Play, Worker, pass_time, take_messages

NEEDY = """
name: flow
steps:
  - id: a
    task: work
    with: {key: "Bearer ${ $secrets.KEY }", n: $.input}
    retry: {attempts: 1}
  - {id: b, task: work, with: {plain: true}}
"""


@pytest.fixture
def instance(play: Play) -> UUID:
    calls.register_workflow(play.conn, compile_definition(parse(NEEDY, "yaml")))
    return play.start("flow")


def lack(play: Play, grant: Grant, *names: str) -> str | None:
    """Answer as a worker does that lacks secrets; return the state that the task is in then."""
    error: dict[str, Any] = {
        "code": "secret.missing",
        "message": "there is no secret KEY: put it there",
        "missing_secrets": list(names),
    }
    failure = Failure(grant.instance_id, grant.task, grant.fence, error, True)
    (answer,) = calls.fail_tasks(play.conn, [failure])
    return answer.state


def tell(play: Play, worker: Worker, *names: str) -> None:
    stats = {"secrets": list(names)}
    calls.renew_worker(play.conn, worker.id, [], worker.call, {}, stats)


def test_a_grant_says_what_goes_where_and_only_of_steps_that_name_a_secret(
    play: Play, instance: UUID
) -> None:
    grant = play.take(instance, "a")
    assert grant.input == {"key": None, "n": {}}
    assert grant.extra_json == (
        '{"secrets": [{"at": ["key"], "parts": ["Bearer ", {"secret": "KEY"}]}]}'
    )
    _, (handed,) = play.worker.complete_and_take(grant)
    assert (handed.task, handed.extra_json) == ("b", None)


def test_every_way_to_a_grant_tells_it(play: Play, instance: UUID) -> None:
    (key,) = take_messages(play.conn)
    token = play.worker.next_token()
    (claimed,) = calls.claim_tasks(play.conn, play.worker.id, token, play.worker.call, [key])
    (read,) = play.worker.grants(token)
    assert claimed.grant is not None
    assert claimed.grant.extra_json == read.extra_json
    assert read.extra_json is not None


def test_an_attempt_that_lacks_a_secret_does_not_count_and_waits(
    play: Play, instance: UUID
) -> None:
    for attempt in (1, 2, 3):
        assert lack(play, play.take(instance, "a"), "KEY") == "READY"
        assert play.task(instance, "a", "held_by", "attempts") == ("secret", attempt)
        pass_time(play.conn, "1 minute")
        play.tick()
    play.worker.fail(play.take(instance, "a"), code="own.fault")
    assert play.state(instance, "a") == "DEAD_LETTER", "it had its one attempt, and no more"


def test_nothing_is_shipped_until_a_worker_tells_that_it_has_all_of_them(
    play: Play, instance: UUID
) -> None:
    tell(play, play.worker, "OTHER")
    lack(play, play.take(instance, "a"), "KEY", "SECOND")
    take_messages(play.conn)
    for names in (["OTHER"], ["KEY"], ["KEY", "OTHER"]):
        tell(play, play.worker, *names)
        pass_time(play.conn, "1 minute")
        play.tick()
        assert take_messages(play.conn) == []
    rows = play.rows("select secret, queue, waiting from onceflow.missing_secrets order by 1")
    assert rows == [("KEY", "default", 1), ("SECOND", "default", 1)]
    tell(play, play.worker, "KEY", "SECOND")
    pass_time(play.conn, "1 minute")
    play.tick()
    assert len(take_messages(play.conn)) == 1
    assert play.rows("select * from onceflow.missing_secrets") == []


def test_explain_says_what_is_missing_and_how_it_gets_there(play: Play, instance: UUID) -> None:
    lack(play, play.take(instance, "a"), "KEY")

    def told() -> str:
        found = calls.explain_instance(play.conn, instance)
        return next(one.because for one in found if one.task == "a")

    assert "held back since" in told()
    assert "uncounted: there is no secret KEY: put it there; it is looked for again at" in told()
    pass_time(play.conn, "1 minute")
    assert told().endswith("it is looked for again with the next turn of the clock")


def test_a_suspension_and_a_cancel_take_over_what_is_held(play: Play, instance: UUID) -> None:
    lack(play, play.take(instance, "a"), "KEY")
    calls.suspend_instances(play.conn, [instance])
    pass_time(play.conn, "1 minute")
    play.tick()
    assert play.task(instance, "a", "state", "held_by") == ("READY", "operator")
    calls.resume_instances(play.conn, [instance])
    assert lack(play, play.take(instance, "a"), "KEY") == "READY"
    calls.cancel_instances(play.conn, [instance])
    assert play.value("select state from onceflow.instances") == "CANCELLED"


def test_in_a_closing_instance_it_is_cancelled(play: Play, instance: UUID) -> None:
    grant = play.take(instance, "a")
    calls.cancel_instances(play.conn, [instance])
    assert lack(play, grant, "KEY") == "CANCELLED"
    assert play.value("select state from onceflow.instances") == "CANCELLED"


@pytest.mark.parametrize("claimed", ["yes", None, {}])
def test_an_error_that_only_looks_so_is_a_failure(
    play: Play, instance: UUID, claimed: object
) -> None:
    grant = play.take(instance, "a")
    error = {"code": "x", "message": "y", "missing_secrets": claimed}
    calls.fail_tasks(play.conn, [Failure(grant.instance_id, grant.task, grant.fence, error, True)])
    assert play.state(instance, "a") == "DEAD_LETTER"


def test_of_a_set_each_is_held_by_its_own_reason(play: Play) -> None:
    calls.register_workflow(play.conn, compile_definition(parse(NEEDY, "yaml")))
    ids = [play.start("flow") for _ in range(3)]
    grants = {grant.instance_id: grant for grant in play.worker.claim_all()}
    errors: list[dict[str, Any]] = [
        {"code": "secret.missing", "message": "m", "missing_secrets": ["KEY"]},
        {"code": "own", "message": "n"},
        {"code": "input.invalid", "message": "o", "unknown_field": True},
    ]
    Worker(play.conn, "newer")
    play.conn.execute("update onceflow.worker set signatures = jsonb_build_object('work', id)")
    calls.fail_tasks(
        play.conn,
        [
            Failure(at, "a", grants[at].fence, error, True)
            for at, error in zip(ids, errors, strict=True)
        ],
    )
    found = [play.task(at, "a", "state", "held_by", "error") for at in ids]
    assert found == [
        ("READY", "secret", errors[0]),
        ("DEAD_LETTER", None, errors[1]),
        ("READY", "handler", None),
    ]
