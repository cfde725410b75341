"""Trace contexts: they come in with a start, and stand in messages, in grants and with children."""

import json
from typing import Any

import pytest

from onceflow.engine import calls
from onceflow.engine.calls import outbox
from onceflow.engine.definition import compile_definition
from onceflow.engine.errors import BadArgument
from onceflow.engine.ids import make_ids

from ...core.children.support import deliver, deploy
from ...play import Play, Worker, read_messages, take_messages
from ...topics import open_at, record, started_by_topic, take
from ...workflows import Step, workflow

Json = Any
NOTHING: dict[str, Json] = {}
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
TRACE = {"traceparent": PARENT, "tracestate": "vendor=1"}
MALFORMED = [
    {},
    {"traceparent": ""},
    {"traceparent": PARENT.upper()},
    {"traceparent": PARENT + "-x"},
    {"traceparent": "ff" + PARENT[2:]},
    {"traceparent": PARENT.replace("b7ad6b7169203331", "0" * 16)},
    {"traceparent": PARENT.replace("0af7651916cd43dd8448eb211c80319c", "0" * 32)},
    {"traceparent": "x" * 1_000_000},
    {"tracestate": "vendor=1"},
]


def start(play: Play, trace: dict[str, str] | None, workflow_: str = "flow") -> Any:
    (started,) = calls.start_instances(play.conn, workflow_, [{}], traces=[trace])
    return started.instance_id


def extras(play: Play, worker: Worker) -> list[Json]:
    grants = worker.claim(*take_messages(play.conn))
    return [None if g.extra_json is None else json.loads(g.extra_json) for g in grants]


def test_it_is_kept_and_goes_along_in_the_message_and_the_grant(play: Play) -> None:
    play.deploy(workflow(Step("a"), Step("b", ("a",))))
    instance = start(play, TRACE)
    assert play.instance(instance, "trace") == (TRACE,)
    (message,) = outbox.take_outbox(play.conn, 10)
    assert message.headers == TRACE
    worker = Worker(play.conn)
    (grant,) = worker.claim(*read_messages([message]))
    assert json.loads(grant.extra_json or "")["trace"] == TRACE
    # The same in what is handed off.
    _, (next_,) = worker.complete_and_take(grant)
    assert (next_.task, json.loads(next_.extra_json or "")["trace"]) == ("b", TRACE)


def test_who_has_none_is_told_nothing(play: Play) -> None:
    play.deploy(workflow(Step("a")))
    instance = start(play, None)
    assert play.instance(instance, "trace") == (None,)
    (message,) = outbox.take_outbox(play.conn, 10)
    assert message.headers == {}
    (grant,) = Worker(play.conn).claim(*read_messages([message]))
    assert grant.extra_json is None


@pytest.mark.parametrize("given", MALFORMED, ids=range(len(MALFORMED)))
def test_what_is_malformed_is_passed_over(play: Play, given: dict[str, str]) -> None:
    play.deploy(workflow(Step("a")))
    assert play.instance(start(play, given), "trace", "state") == (None, "RUNNING")


def test_a_state_that_is_too_long_or_no_text_of_ascii_is_left_out(play: Play) -> None:
    play.deploy(workflow(Step("a")))
    for state, kept in [("v=" + "x" * 510, True), ("v=" + "x" * 511, False), ("v=ł", False)]:
        instance = start(play, {"traceparent": PARENT, "tracestate": state})
        expected = {"traceparent": PARENT} | ({"tracestate": state} if kept else {})
        assert play.instance(instance, "trace") == (expected,)


def test_each_of_a_set_has_its_own(play: Play) -> None:
    play.deploy(workflow(Step("a")))
    other = {"traceparent": PARENT[:-2] + "00"}
    started = calls.start_instances(play.conn, "flow", [NOTHING] * 3, traces=[TRACE, None, other])
    kept = [play.instance(each.instance_id, "trace")[0] for each in started]
    assert kept == [TRACE, None, other]
    by_key = {m.key: m.headers for m in outbox.take_outbox(play.conn, 10)}
    assert [by_key[str(each.instance_id)] for each in started] == [TRACE, {}, other]
    with pytest.raises(BadArgument, match="inputs and traces differ in number: 2 and 1"):
        calls.start_instances(play.conn, "flow", [NOTHING] * 2, traces=[TRACE])


def test_a_message_that_was_held_has_it_beside_its_handler(play: Play) -> None:
    play.deploy(workflow(Step("a")))
    start(play, TRACE)
    calls.pause_queues(play.conn, ["default"])
    assert Worker(play.conn).claim(*take_messages(play.conn)) == []
    calls.resume_queues(play.conn, ["default"])
    play.tick()
    (message,) = outbox.take_outbox(play.conn, 10)
    assert message.headers == {**TRACE, "handler": "work"}


def test_without_a_broker_messages_that_have_one_are_taken_too(play: Play) -> None:
    play.deploy(workflow(Step("a")))
    instance = start(play, TRACE)
    worker = Worker(play.conn)
    taken = calls.take_tasks(play.conn, worker.id, make_ids(1)[0], 1, ["default"], 10)
    assert [(each.instance_id, each.answer) for each in taken] == [(instance, "granted")]
    grant = taken[0].grant
    assert grant is not None
    assert json.loads(grant.extra_json or "")["trace"] == TRACE


def test_secrets_stand_beside_it(play: Play) -> None:
    steps = [{"id": "a", "task": "work", "with": {"by": "${ $secrets.KEY }"}}]
    play.deploy(compile_definition({"name": "flow", "steps": steps}))
    start(play, TRACE)
    (extra,) = extras(play, Worker(play.conn))
    assert extra["trace"] == TRACE
    assert extra["secrets"][0]["at"] == ["by"]


def test_children_have_that_of_their_parent(play: Play) -> None:
    deploy(play, "leaf", {"id": "a", "task": "work"})
    deploy(play, "top", {"id": "t", "workflow": "leaf"})
    start(play, TRACE, "top")
    deliver(play)
    assert play.value("select trace from onceflow.instances where workflow = 'leaf'") == TRACE
    start(play, None, "top")
    deliver(play)
    traces = play.rows("select trace from onceflow.instances where workflow = 'leaf' order by id")
    assert traces == [(TRACE,), (None,)]


def test_a_record_of_a_topic_brings_it_in_its_headers(play: Play) -> None:
    play.deploy(started_by_topic())
    open_at(play.conn)
    other = {"traceparent": "of another", "x": "y"}
    take(play.conn, 0, [record(0), record(1, headers=TRACE | {"x": "y"}), record(2, headers=other)])
    traces = play.rows("select trace from onceflow.instances order by id")
    assert traces == [(None,), (TRACE,), (None,)]


def test_a_webhook_and_a_start_with_a_signal_bring_it(play: Play) -> None:
    entry = {"id": "push", "webhook": {"signature": "none"}}
    steps = [{"id": "a", "wait_for": "go"}]
    play.deploy(compile_definition({"name": "flow", "on": [entry], "steps": steps}))
    request = json.dumps({"body": {}, "headers": {}, "query": {}}).encode()
    got = calls.receive_webhook(play.conn, "flow", "push", request, make_ids(1)[0], TRACE)
    assert got.instance_id is not None
    assert play.instance(got.instance_id, "trace") == (TRACE,)
    signal = calls.StartSignal("go")
    both = calls.signal_with_start(play.conn, "flow", {}, None, signal, trace=TRACE)
    assert play.instance(both.started.instance_id, "trace") == (TRACE,)


def test_erasing_takes_the_state_away_that_others_wrote(play: Play) -> None:
    play.deploy(workflow(Step("a")))
    instance = start(play, TRACE)
    play.complete(instance, "a")
    calls.erase_instances(play.conn, [instance])
    assert play.instance(instance, "trace") == ({"traceparent": PARENT},)
