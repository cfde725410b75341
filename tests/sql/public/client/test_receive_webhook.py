"""receive_webhook"""

import json
from typing import Any

from onceflow.engine import calls
from onceflow.engine.calls import Received
from onceflow.engine.definition import compile_definition
from onceflow.engine.ids import make_ids

from ...play import Connection, Play
from ...sessions import Sessions
from ...workflows import path

Json = Any


def deploy(play: Play, **webhook: Json) -> None:
    """Register a workflow with a webhook whose requests nobody signs."""
    steps = [{"id": "a", "task": "work", "with": {"by": "$.instance.trigger"}}]
    entry = {"id": "push", "webhook": {"signature": "none", "key": "$.body.k", **webhook}}
    play.deploy(compile_definition({"name": "flow", "on": [entry], "steps": steps}))


def receive(
    conn: Connection, body: Json, trigger: str = "push", workflow: str = "flow"
) -> Received:
    request = json.dumps({"body": body, "headers": {}, "query": {}}).encode()
    return calls.receive_webhook(conn, workflow, trigger, request, make_ids(1)[0])


def failures(play: Play) -> list[tuple[Any, ...]]:
    return play.rows("select code, times, key from onceflow.trigger_failures order by id")


def test_an_instance_of_the_latest_version_knows_by_what_it_was_started(play: Play) -> None:
    deploy(play)
    deploy(play, input={"n": 7})
    received = receive(play.conn, {"k": "1"})
    assert received.outcome == "started"
    assert received.instance_id is not None
    assert play.instance(received.instance_id, "version", "input", "trigger") == (
        2,
        {"n": 7},
        "push",
    )
    assert play.take(received.instance_id, "a").input == {"by": "push"}


def test_a_repeat_is_the_same_instance_whatever_has_changed_meanwhile(play: Play) -> None:
    deploy(play)
    first = receive(play.conn, {"k": "1"})
    deploy(play, input={"now": "${ now() }"})
    again = receive(play.conn, {"k": "1", "n": 2})
    assert (again.outcome, again.instance_id) == ("exists", first.instance_id)


def test_a_call_repeated_with_its_id_starts_one_instance(play: Play) -> None:
    deploy(play, key=None, input={"now": "${ now() }"})
    (own,) = make_ids(1)
    request = b'{"body": {}, "headers": {}, "query": {}}'
    outcomes = [
        calls.receive_webhook(play.conn, "flow", "push", request, own).outcome for _ in range(2)
    ]
    assert outcomes == ["started", "exists"]


def test_two_deliveries_of_one_key_at_once_start_one_instance(
    play: Play, sessions: Sessions
) -> None:
    deploy(play)
    one, other = sessions(), sessions()
    first = one.begin(lambda conn: receive(conn, {"k": "1"}))
    waiting = other.call_blocked(lambda conn: receive(conn, {"k": "1", "n": 2}))
    one.commit()
    second = waiting.result(30)
    assert (first.outcome, second.outcome) == ("started", "exists")
    assert first.instance_id == second.instance_id


def test_what_is_gone_from_the_definition_takes_nothing(play: Play) -> None:
    deploy(play)
    steps = [{"id": "a", "task": "work"}]
    receive(play.conn, {})
    assert len(failures(play)) == 1
    play.deploy(compile_definition({"name": "flow", "steps": steps}))
    assert receive(play.conn, {"k": "1"}).outcome == "unknown"
    assert receive(play.conn, {"k": "1"}, workflow="other").outcome == "unknown"
    assert not calls.note_webhook_refusals(play.conn, "flow", "push", "signature", "wrong", 1)
    assert failures(play) == []


def test_a_slow_expression_fails_its_delivery(play: Play) -> None:
    deploy(play)
    wide = {**path("$.body.a[*] ? (@ == $.body.b[*])"), "m": True}
    play.conn.execute(
        "update onceflow.trigger set spec = jsonb_set(spec, '{input}', %s::jsonb)",
        (json.dumps({"o": {"x": wide}}),),
    )
    play.conn.execute("set statement_timeout = '500ms'")
    try:
        body = {"k": "1", "a": [*range(9000)], "b": [*range(9000, 18_000)]}
        received = receive(play.conn, body)
    finally:
        play.conn.execute("reset statement_timeout")
    assert received.outcome == "failed"
    assert received.error is not None
    assert received.error["code"] == "expression.timeout"
    assert failures(play) == [("expression.timeout", 1, None)]
    assert receive(play.conn, {"k": "1", "a": [1], "b": [1]}).outcome == "started"


def test_failures_of_one_kind_are_one_row(play: Play) -> None:
    deploy(play, input={"n": "$.body.n"})
    for _ in range(3):
        assert receive(play.conn, {"k": "1"}).outcome == "failed"
    assert failures(play) == [("expression", 3, None)]
