"""A whole life: all that each kind of role may do, and what has become of it in the tables."""

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from onceflow.engine import calls
from onceflow.engine.calls import Deferral, Event, Fenced, Key
from onceflow.engine.definition import compile_definition
from onceflow.engine.ids import make_hex_ids, make_ids
from onceflow.engine.schedules import Turn

from ..play import (
    Connection,
    Play,
    Worker,
    end_grace,
    execute,
    pass_time,
    switch,
    take_messages,
    tick,
)
from ..topics import record, take, unreadable

FLOW: dict[str, Any] = {
    "name": "flow",
    "input": {
        "type": "object",
        "required": ["at", "price"],
        "properties": {
            "at": {"type": "string", "format": "date-time"},
            "price": {"type": "string", "minLength": 1},
            "id": {"type": "string", "format": "uuid"},
            "parts": {"type": "array", "items": {"type": "number", "maximum": 9.5}},
        },
    },
    "deadline": "2h",
    "steps": [
        {
            "id": "a",
            "task": "work",
            "retry": {"attempts": 2, "backoff": "1s", "jitter": 0},
            "timeout": "90s",
            "with": {
                "price": "$.input.price | number",
                "text": "${ $.input.name | trim | upper } costs ${ $.input.price } \\ 'each'",
                "parts": '$.input.parts | join("\\\\")',
                "sum": "$.input.parts | sum",
                "keys": "$.input | keys",
                "like": '$.input.names[*] ? (@ like_regex "^a\\\\.")',
                "at": "$.input.at",
                "json": "$.input.parts | json",
                "none": '$.input.nothing | default("-")',
            },
            "compensate": {
                "task": "undo",
                "with": {"key": "$.key", "given": "$.task_input", "output": "$.output"},
            },
        },
        {"id": "b", "task": "work", "when": "$.input.wanted", "with": "$.steps.a.output"},
        {"id": "c", "task": "work", "on_failure": "suspend", "with": "$.steps.b.output | string"},
    ],
    "output": {"c": "$.steps.c.output", "first": "$.input.parts[*] | first"},
}
FAN: dict[str, Any] = {
    "name": "fan",
    "steps": [
        {"id": "e", "for_each": "$.input.items", "steps": [{"id": "x", "set": "$.item"}]},
        {"id": "read", "set": "$.steps.e.output"},
    ],
}
MAIL: dict[str, Any] = {"name": "mail", "steps": [{"id": "x", "wait_for": "go"}]}
ASK: dict[str, Any] = {
    "name": "ask",
    "steps": [{"id": "x", "approve": {"title": "a", "to": "a", "remind": "1m"}}],
}
HOOKED: dict[str, Any] = {
    "name": "hooked",
    "on": [
        {
            "id": "push",
            "webhook": {
                "signature": "none",
                "key": "$.body.k",
                "when": '${ default($.body.k, 1) != "b" }',
            },
        }
    ],
    "steps": [{"id": "x", "set": "$.input"}],
}
TOPIC: dict[str, Any] = {
    "name": "intake",
    "on": [
        {
            "id": "orders",
            "kafka": {
                "topic": "orders",
                "when": "$.offset >= 0",
                "key": "${ $.offset }/${ $.partition }",
                "input": "$.value",
            },
        }
    ],
    "steps": [{"id": "x", "set": "$.input"}],
}
RECORDS = "select id from onceflow.quarantined where source = 'record'"
PLANNED: dict[str, Any] = {
    "name": "planned",
    "on": [{"id": "s", "schedule": {"every": "1d", "input": {"of": "$.workflow | upper"}}}],
    "steps": [{"id": "read", "set": "$.input.of"}],
}
SCOPES = """
    select onceflow.scope_place(i.id, 1),
        array(select p from onceflow.scope_places(i.id, '{1,2}') p),
        onceflow.block_output(i.id, 'e', 0, 0)
      from onceflow.instances i where i.id = %s"""
INPUT: dict[str, Any] = {
    "at": "2024-02-29T12:30:00.250+01:00",
    "price": "12.50",
    "id": "0190a0b0-0000-7000-8000-00000000abcd",
    "name": "  łódź\\n ",
    "parts": [0.1, 2, 1e-7, 9.5],
    "names": ["a.b", "axb"],
    "wanted": True,
}
BEFORE = "select pg_catalog.now() - interval '300 days'"
OUTCOME = """
    select i.state, i.error, i.output, i.closing_as, i.suspended_by,
        t.task, t.state, t.attempts, t.input, t.output, t.error, t.reason, t.queue,
        (select jsonb_agg(jsonb_build_array(l.state, l.attempt, l.error)
                    order by l.attempt, l.seq nulls first, l.n)
           from onceflow.transitions l where l.instance_id = i.id and l.task = t.task)
      from onceflow.instances i join onceflow.tasks t on t.instance_id = i.id
     order by i.id, t.task"""
VIEWS = """
    select relname from pg_class
     where relnamespace = 'onceflow'::regnamespace and relkind = 'v' and relname <> 'grants'"""
LATER = "select onceflow.ensure_partitions('2038-01-01', '2038-01-02')"


def live(by: Mapping[str, Connection], play: Play) -> str:
    """Have each kind do all that it may, over its own connection; return what came of it.

    ``play`` is the owner's: it sets the clock, and looks.
    """
    client, relay, operator = by["client"], by["relay"], by["operator"]
    calls.require_transport(by["worker"], "kafka")
    worker = Worker(by["worker"])
    calls.register_workflow(client, compile_definition(FLOW))
    wrong = [{**INPUT, "at": at} for at in ("2024-02-30T12:30:00.250Z", "2024-02-29T12:30:00,250Z")]
    started = calls.start_instances(client, "flow", [INPUT] * 8 + wrong, [*"abcdefgh", None, None])
    assert [each.outcome for each in started] == ["started"] * 8 + ["invalid"] * 2
    ids = [each.instance_id for each in started[:8]]
    first, failed, cancelled, died, _, back, later, never = ids
    grants = {grant.instance_id: grant for grant in worker.claim(*take_messages(relay))}

    # One to its end by hand-offs; one that fails for good, and is undone once it was tried again.
    _, (b,) = worker.complete_and_take(grants[first], output={"r": [1.10, "x"]})
    _, (c,) = worker.complete_and_take(b, output="ł\\")
    worker.complete(c, output={"done": None})
    worker.fail(grants[failed], code="no.luck", message="it \\ failed")
    pass_time(play.conn, "5 s")
    tick(relay)
    (again,) = worker.claim(*take_messages(relay))
    _, (b,) = worker.complete_and_take(again, output=7)
    worker.fail(b, code="for.good", retryable=False)
    # Two are answered from outside.
    outside = [(each, "a", grants[each].fence) for each in (later, never)]
    tokens = [calls.token_of(*each) for each in outside]
    calls.defer_tasks(by["worker"], [Deferral(*each, 60) for each in outside])
    calls.complete_deferred_tasks(client, tokens[:1], [{"by": "\\post"}])
    calls.fail_deferred_tasks(
        client, tokens[1:], [{"code": "no", "message": "it \\ did not"}], [True]
    )
    # One is cancelled while it runs, one suspended and given back, one is too slow.
    calls.cancel_instances(operator, [cancelled])
    assert worker.renew(*(grant.fence for grant in grants.values()))
    worker.complete(grants[cancelled], output=[])
    calls.suspend_instances(operator, [back])
    worker.give_back(grants[back])
    calls.explain_instance(client, back)
    calls.resume_instances(operator, [back])
    worker.complete(grants[died], output={})
    pass_time(play.conn, "100 s")
    tick(relay)
    # One dies, is corrected, dies again and is skipped.
    for grant in worker.claim(*take_messages(relay)):
        if grant.instance_id == died:
            worker.complete(grant, output="b")
        elif grant.handler == "undo":
            worker.complete(grant, output=grant.input)
    (letter,) = [g for g in worker.claim(*take_messages(relay)) if g.instance_id == died]
    worker.fail(letter, retryable=False)
    calls.explain_instance(client, died)
    calls.redrive_dead_letters(operator, [Key(died, "c")], ["corrected"])
    (letter,) = worker.claim(*take_messages(relay))
    worker.fail(letter, retryable=False)
    calls.skip_dead_letters(operator, [Key(died, "c")], [{"by": "hand"}])
    calls.discard_dead_letters(operator, [])
    calls.pause_queues(operator, ["default"])
    calls.resume_queues(operator, ["default"])
    calls.register_workflow(client, compile_definition(FAN))
    (fan,) = calls.start_instances(client, "fan", [{"items": [1, "\\"]}])
    ((place, places, output),) = execute(client, SCOPES, fan.instance_id).fetchall()
    assert (place, len(places), output) == ("e[0]", 2, [1, "\\"])
    calls.register_workflow(client, compile_definition(MAIL))
    (mail,) = calls.start_instances(client, "mail", [{}])
    assert calls.send_signals(client, [calls.Signal(mail.instance_id, "go", "\\")])[0].task == "x"
    go = calls.StartSignal("go", "\\", "\\")
    assert calls.signal_with_start(client, "mail", {}, "\\", go).started.outcome == "started"
    assert calls.send_events(client, [calls.NamedEvent("e", "\\", "\\", "1")])[0].outcome == "sent"
    calls.apply_deliveries(client, 10)
    calls.register_workflow(client, compile_definition(ASK))
    (ask,) = calls.start_instances(client, "ask", [{}])
    form = [Key(ask.instance_id, "x")]
    assert calls.claim_forms(client, form, "\\")[0].outcome == "done"
    assert calls.release_forms(client, form, "\\")[0].outcome == "done"
    assert calls.reassign_forms(client, form, "\\", ["b"])[0].outcome == "done"
    said = calls.FormAnswer(ask.instance_id, "x", "approved", "b", {"comment": "\\"})
    assert calls.answer_forms(client, [said])[0].outcome == "accepted"
    _deliver(client)
    for decide in (calls.pause_triggers, calls.resume_triggers):
        assert [one.outcome for one in decide(operator, ["hooked"], ["push"])] == ["done"]
    _take_records(by)
    _plan(client, relay, operator)
    calls.disable_workflows(operator, ["flow"])
    calls.enable_workflows(operator, ["flow"])
    assert [one.outcome for one in calls.set_config_values(operator, {"rate": 1})] == ["done"]
    assert [one.outcome for one in calls.unset_config_values(operator, ["rate"])] == ["done"]
    _keep_accounts(operator)

    calls.read_outcomes(by["worker"], [Fenced(first, "c", c.fence)])
    calls.publish_events(by["worker"], [Event("t", "k", "v", {"h": "1"}, "1")])
    calls.quarantine_messages(by["worker"], [calls.BadMessage("t", 0, 1, b"x\\\x00", "bad")])
    _turn(by, play, worker)
    pass_time(play.conn, "3 hours")
    tick(relay)
    calls.analyze_partitions(relay, 10)
    (labelled,) = calls.set_labels(operator, [cancelled], {"team": "\\", "n": 1, "gone": None})
    assert labelled.outcome == "done"
    calls.sum_statistics(relay, 10, labels=["team"])
    assert calls.sum_statistics(relay, 10, labels=["team"]) > 0
    # One of which all is told but what it was given: its instance would not differ else.
    assert [one.outcome for one in calls.erase_instances(operator, [cancelled])] == ["done"]
    play.conn.execute("select onceflow.set_clock(null)")
    return outcome(play, ids)


def _deliver(client: Connection) -> None:
    """Have a webhook receive what starts an instance, and what does not."""
    calls.register_workflow(client, compile_definition(HOOKED))
    found = calls.find_webhook(client, "hooked", "push")
    assert found is not None
    assert found.signature is None
    outcomes = [
        calls.receive_webhook(client, "hooked", "push", {"body": body}, make_ids(1)[0]).outcome
        for body in ({"k": "\\ł", "n": 1}, {"k": "\\ł"}, {"k": "b"}, {})
    ]
    assert outcomes == ["started", "exists", "passed", "failed"]
    assert calls.note_webhook_refusals(client, "hooked", "push", "signature", "wrong \\", 2)


def _take_records(by: Mapping[str, Connection]) -> None:
    """Have a topic's records start something, and nothing; then it starts nothing any more."""
    relay = by["relay"]
    calls.register_workflow(by["client"], compile_definition(TOPIC))
    (trigger,) = calls.list_topic_triggers(relay)
    source = calls.Source(trigger.workflow, trigger.trigger, trigger.topic, "\\id")
    assert calls.open_positions(relay, source, [0])[0].position == 0
    records = [record(0, {"a": "\\"}), record(1, [7]), unreadable(2, b"x\\\x00")]
    ids = make_hex_ids(3)
    for who in (relay, by["client"]):
        preview = calls.preview_records(who, source, ids, records)
        assert preview is not None
        assert len(preview.inputs) == 3
    taken = take(relay, 0, records, source)
    assert (taken.answer, taken.started, taken.quarantined) == ("taken", 1, 2)
    rows = [row[0] for row in execute(by["operator"], RECORDS).fetchall()]
    assert calls.release_quarantine(by["operator"], 0, rows) == 2
    assert len(calls.read_released(relay, source.workflow, source.trigger, 10)) == 2
    assert calls.move_position(relay, source, 0, calls.Span(3, 5))
    calls.note_topic(relay, source, "it's \\ away", {0: 9})
    calls.register_workflow(by["client"], compile_definition({**TOPIC, "on": []}))


def _plan(client: Connection, relay: Connection, operator: Connection) -> None:
    """Deploy a schedule, fire it, and do all that one may do with it."""
    calls.register_workflow(client, compile_definition(PLANNED))
    now = datetime.now(UTC)
    turn = Turn([now], None, now, now + timedelta(days=1), now + timedelta(days=1))
    due = calls.read_schedules(relay, 10)
    assert [each.state for each in calls.fire_schedules(relay, [(due[0], turn)])] == ["started"]
    (made,) = calls.trigger_schedules(operator, ["planned"], ["s"])
    assert made.outcome == "started"
    for decide in (calls.pause_triggers, calls.resume_triggers):
        assert [each.outcome for each in decide(operator, ["planned"], ["s"])] == ["done"]
    past = [datetime(2026, 1, 1, tzinfo=UTC)]
    assert [each.outcome for each in calls.backfill_schedules(operator, "planned", "s", past)] == [
        "queued"
    ]
    calls.cancel_overlapped_runs(relay, 10)
    assert calls.start_queued_runs(relay, 10) == 1


def _turn(by: Mapping[str, Connection], play: Play, worker: Worker) -> None:
    """Ship, turn the clock, look after storage; switch the transport and take tasks from it."""
    relay, operator = by["relay"], by["operator"]
    rows = calls.take_outbox(relay, 100)
    calls.defer_outbox(relay, [row.id for row in rows], ["later"] * len(rows))
    assert calls.list_queues(relay) == ["default"]
    calls.requeue_lost_tasks(relay, "default", calls.read_watermark(relay), 10)
    execute(relay, LATER)
    assert calls.drop_partitions(operator, play.value(BEFORE)) is None
    assert calls.drop_audit(operator, play.value(BEFORE)) == 0
    assert calls.check_instances(operator) == []
    calls.release_quarantine(operator, 0, [1])
    pass_time(play.conn, "1 s")
    tick(relay)
    worker.conn = play.conn
    worker.vanish()
    play.worker.stop()
    tick(relay)
    end_grace(play.conn)
    tick(relay)
    calls.drop_outbox(play.conn, [row for (row,) in play.rows("select id from onceflow.outbox")])
    switch(operator, "postgres")
    taker = Worker(by["worker"], "taker")
    pass_time(play.conn, "100 s")
    tick(relay)
    calls.take_tasks(by["worker"], taker.id, taker.next_token(), taker.call, ["default"], 10)
    taker.stop()
    switch(operator, "kafka")
    for (view,) in play.rows(VIEWS):
        execute(by["operator"], f"select * from onceflow.{view}").fetchall()


def outcome(play: Play, ids: list[UUID]) -> str:
    """Return what became of instances, without what differs each time."""
    text = json.dumps(play.rows(OUTCOME), indent=1, default=str)
    for number, instance in enumerate(ids):
        text = text.replace(str(instance), f"instance {number}")
    return re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", "then", text)


def _keep_accounts(operator: Connection) -> None:
    """One has a key, one a password, one a provider; each comes in, and goes."""
    key, browser = hashlib.sha256(b"key").digest(), hashlib.sha256(b"browser").digest()
    assert not calls.accounts_exist(operator)
    calls.create_api_key(operator, "ci", key, "starter")
    used = calls.use_api_key(operator, key)
    assert used is not None
    assert (used.name, used.state) == ("ci", "live")
    assert [one.name for one in calls.list_api_keys(operator)] == ["ci"]
    assert calls.revoke_api_key(operator, "ci")
    calls.create_person(operator, "ann", "viewer", "$argon2id$1")
    assert calls.change_person(operator, "ann", "admin")
    assert calls.find_login(operator, "ann") == calls.Login("ann", "$argon2id$1")
    assert calls.open_session(operator, browser, "ann", "$argon2id$1")
    assert calls.use_session(operator, browser) == calls.LoggedIn("ann", "admin")
    assert [one.sessions for one in calls.list_people(operator)] == [1]
    assert calls.close_session(operator, browser)
    assert calls.admit_subject(operator, "https://id#1", "ann", "viewer") == "ann.2"
