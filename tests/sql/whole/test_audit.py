"""The audit is complete: of each public function what it tells there, or why it tells nothing.

The tables are written by hand. A function that is new belongs into one of them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from onceflow.engine import calls
from onceflow.engine.calls import Event, FormAnswer, Key

from ..core.forms.support import asking
from ..core.waiting.support import begin
from ..play import Play, execute
from ..rooms import PUBLIC
from ..schedules import NOON
from ..schedules import begin as begin_schedule
from ..topics import started_by_topic
from ..workflows import Step, workflow

Json = Any
Told = tuple[str, str, str | None, Json, Json]
"""Kind, target, part, before, after."""

STARTS = "starts, signals and events are no changes of what there is: instances tell of them"
WORKER = "a worker's own call; the log of its instance tells of it"
CLOCK = "the relay's work, which follows from what was deployed"
LOGIN = "who logs in and out, and is let in, changes nothing but that"
READS = "changes nothing"

UNTOLD = {
    "start_instances": STARTS,
    "send_signals": STARTS,
    "send_events": STARTS,
    "signal_with_start": STARTS,
    "receive_webhook": STARTS,
    "take_records": STARTS,
    "complete_deferred_tasks": "the answer of an attempt, by the token that its worker handed on",
    "fail_deferred_tasks": "the answer of an attempt, by the token that its worker handed on",
    "open_session": LOGIN,
    "close_session": LOGIN,
    "use_session": LOGIN,
    "use_api_key": LOGIN,
    "note_webhook_refusals": "what a webhook refused, kept with its trigger",
    **dict.fromkeys(
        (
            "claim_tasks",
            "complete_tasks",
            "defer_tasks",
            "fail_tasks",
            "give_back_tasks",
            "publish_events",
            "quarantine_messages",
            "register_worker",
            "renew_worker",
            "require_transport",
            "stop_worker",
            "take_tasks",
        ),
        WORKER,
    ),
    **dict.fromkeys(
        (
            "analyze_partitions",
            "apply_deliveries",
            "begin_instances",
            "defer_outbox",
            "drop_outbox",
            "enforce_deadlines",
            "ensure_partitions",
            "expire_workers",
            "fail_lost_attempts",
            "fire_schedules",
            "fire_timers",
            "forget_events",
            "move_position",
            "note_topic",
            "open_positions",
            "remind_people",
            "requeue_lost_tasks",
            "start_queued_runs",
            "sum_statistics",
            "take_outbox",
        ),
        CLOCK,
    ),
    **dict.fromkeys(
        (
            "accounts_exist",
            "block_output",
            "check_instances",
            "explain_instance",
            "find_login",
            "idempotency_key",
            "list_api_keys",
            "list_people",
            "list_queues",
            "list_topic_triggers",
            "preview_records",
            "read_grants",
            "read_outcomes",
            "read_released",
            "read_schedules",
            "read_watermark",
            "redrive_takes",
            "scope_place",
            "scope_places",
            "task_name",
        ),
        READS,
    ),
}


@dataclass(frozen=True)
class Case:
    """How to come to a change, the change, and what the audit tells of it.

    ``again``: whether the same call once more changes something again.
    """

    change: Callable[[Play, Any], object]
    told: Callable[[Any], list[Told]]
    prepare: Callable[[Play], Any] = lambda play: play.begin(workflow(Step("a")))
    again: bool = False


def instance(found: UUID) -> list[Told]:
    return [("instance", str(found), None, None, None)]


def letter(after: Json = None) -> Callable[[UUID], list[Told]]:
    return lambda found: [("dead_letter", str(found), "a", None, after)]


def form(**after: Json) -> Callable[[UUID], list[Told]]:
    return lambda found: [("form", str(found), "ask", None, after)]


def named(kind: str, name: str, part: str | None = None) -> Callable[[Any], list[Told]]:
    return lambda _: [(kind, name, part, None, None)]


def suspended(play: Play) -> UUID:
    found = play.begin(workflow(Step("a")))
    calls.suspend_instances(play.conn, [found])
    return found


def died(play: Play) -> UUID:
    found = play.begin(workflow(Step("a", on_failure="suspend")))
    play.fail(found, "a")
    return found


def ended(play: Play) -> UUID:
    found = play.begin(workflow(Step("a")))
    play.complete(found, "a")
    return found


def asked(play: Play) -> UUID:
    return begin(play, asking())


def claimed(play: Play) -> UUID:
    found = asked(play)
    calls.claim_forms(play.conn, [Key(found, "ask")], "ada")
    return found


def topic(play: Play, *, paused: bool = False) -> None:
    play.deploy(started_by_topic())
    if paused:
        calls.pause_triggers(play.conn, ["flow"], ["orders"])


def quarantined(play: Play) -> int:
    calls.publish_events(play.conn, [Event("t", "k", "v", {}, "e")])
    (row,) = calls.take_outbox(play.conn, 1)
    for _ in range(10):
        calls.defer_outbox(play.conn, [row.id], ["x"])
    return play.value("select id from onceflow.quarantined")


def overlapped(play: Play) -> UUID:
    begin_schedule(play, overlap="cancel")
    (first,) = calls.trigger_schedules(play.conn, ["w"], ["s"], NOON)
    calls.trigger_schedules(play.conn, ["w"], ["s"], NOON + timedelta(minutes=1))
    assert first.instance_id is not None
    return first.instance_id


def old_week(play: Play) -> None:
    play.conn.execute("select onceflow.ensure_partitions('2025-01-01', '2025-01-01')")


def old_audit(play: Play) -> None:
    play.deploy(workflow(Step("a")))
    play.conn.execute("update onceflow.audit_entry set at = at - interval '90 days'")


def role(play: Play) -> str:
    play.conn.execute("create role onceflow_audited")
    return "onceflow_audited"


def grant(play: Play, name: str) -> None:
    try:
        calls.grant_access(play.conn, name, "relay")
    finally:
        play.conn.execute("drop owned by onceflow_audited")
        play.conn.execute("drop role onceflow_audited")


def by_hand(statement: str) -> Callable[[Play, Any], object]:
    return lambda play, _: execute(play.conn, statement)


def switched(play: Play) -> None:
    play.worker.stop()


def switch(play: Play, _: object) -> None:
    while not calls.switch_transport(play.conn, "postgres").done:
        pass


def no_accounts(play: Play) -> None:
    for table in ("session", "person", "api_key"):
        execute(play.conn, f"delete from onceflow.{table}")


HASH = "\\x" + "00" * 32
TABLES = [
    f"{name}_20241226"
    for name in ("instance", "task", "block", "scope", "wait", "delivery", "child", "task_log")
]
AT_NOON = "2026-03-02T12:00:00.000Z"
BEFORE = datetime.now(UTC) - timedelta(days=60)

TOLD: dict[str, Case] = {
    "cancel_instances": Case(lambda p, i: calls.cancel_instances(p.conn, [i]), instance),
    "suspend_instances": Case(lambda p, i: calls.suspend_instances(p.conn, [i]), instance),
    "resume_instances": Case(lambda p, i: calls.resume_instances(p.conn, [i]), instance, suspended),
    "redrive_dead_letters": Case(
        lambda p, i: calls.redrive_dead_letters(p.conn, [Key(i, "a")], [{"secret": 1}]),
        letter({"given": "input"}),
        died,
    ),
    "skip_dead_letters": Case(
        lambda p, i: calls.skip_dead_letters(p.conn, [Key(i, "a")], [{"secret": 1}]), letter(), died
    ),
    "discard_dead_letters": Case(
        lambda p, i: calls.discard_dead_letters(p.conn, [Key(i, "a")]), letter(), died
    ),
    "erase_instances": Case(lambda p, i: calls.erase_instances(p.conn, [i]), instance, ended),
    "set_labels": Case(
        lambda p, i: calls.set_labels(p.conn, [i], {"customer": "secret", "team": None}),
        lambda i: [("instance", str(i), None, None, {"labels": ["customer", "team"]})],
    ),
    "cancel_overlapped_runs": Case(
        lambda p, _: calls.cancel_overlapped_runs(p.conn, 10), instance, overlapped
    ),
    "disable_workflows": Case(
        lambda p, _: calls.disable_workflows(p.conn, ["flow"]), named("workflow", "flow")
    ),
    "enable_workflows": Case(
        lambda p, _: calls.enable_workflows(p.conn, ["flow"]),
        named("workflow", "flow"),
        lambda p: (p.deploy(workflow(Step("a"))), calls.disable_workflows(p.conn, ["flow"])),
    ),
    "pause_queues": Case(
        lambda p, _: calls.pause_queues(p.conn, ["default"]), named("queue", "default")
    ),
    "resume_queues": Case(
        lambda p, _: calls.resume_queues(p.conn, ["default"]),
        named("queue", "default"),
        lambda p: (p.deploy(workflow(Step("a"))), calls.pause_queues(p.conn, ["default"])),
    ),
    "pause_triggers": Case(
        lambda p, _: calls.pause_triggers(p.conn, ["flow"], ["orders"]),
        named("trigger", "flow", "orders"),
        topic,
    ),
    "resume_triggers": Case(
        lambda p, _: calls.resume_triggers(p.conn, ["flow"], ["orders"]),
        named("trigger", "flow", "orders"),
        lambda p: topic(p, paused=True),
    ),
    "trigger_schedules": Case(
        lambda p, _: calls.trigger_schedules(p.conn, ["w"], ["s"], NOON),
        lambda _: [
            (
                "trigger",
                "w",
                "s",
                None,
                {"planned_at": AT_NOON, "state": "queued"},
            )
        ],
        lambda p: (
            begin_schedule(p, overlap="queue"),
            calls.trigger_schedules(p.conn, ["w"], ["s"], NOON - timedelta(minutes=5)),
        ),
    ),
    "backfill_schedules": Case(
        lambda p, _: calls.backfill_schedules(p.conn, "w", "s", [NOON - timedelta(minutes=1)]),
        lambda _: [
            (
                "trigger",
                "w",
                "s",
                None,
                {
                    "queued": 1,
                    "first": "2026-03-02T11:59:00.000Z",
                    "last": "2026-03-02T11:59:00.000Z",
                },
            )
        ],
        begin_schedule,
    ),
    "set_config_values": Case(
        lambda p, _: calls.set_config_values(p.conn, {"B": "b", "A": "the same"}),
        lambda _: [("config", "B", None, {"version": 1}, {"version": 2})],
        lambda p: calls.set_config_values(p.conn, {"A": "the same", "B": "was"}),
    ),
    "switch_transport": Case(
        switch,
        lambda _: [
            ("transport", "postgres", None, {"transport": "kafka"}, {"transport": "switching"}),
            ("transport", "postgres", None, {"transport": "switching"}, {"transport": "postgres"}),
        ],
        switched,
    ),
    "release_quarantine": Case(
        lambda p, i: calls.release_quarantine(p.conn, 0, [i]),
        lambda i: [("quarantined", str(i), None, None, None)],
        quarantined,
    ),
    "drop_partitions": Case(
        lambda p, _: calls.drop_partitions(p.conn, datetime(2025, 2, 1, tzinfo=UTC)),
        lambda _: [("week", "2024-12-26", None, None, {"dropped": TABLES})],
        old_week,
    ),
    "drop_audit": Case(
        lambda p, _: calls.drop_audit(p.conn, BEFORE),
        lambda _: [
            (
                "audit",
                "audit",
                None,
                None,
                {"rows": 1, "before": BEFORE.isoformat(timespec="milliseconds")[:-6] + "Z"},
            )
        ],
        old_audit,
    ),
    "register_workflow": Case(
        lambda p, _: p.deploy(workflow(Step("b"))),
        lambda _: [("workflow", "flow", None, {"version": 1}, {"version": 2})],
    ),
    "answer_forms": Case(
        lambda p, i: calls.answer_forms(
            p.conn, [FormAnswer(i, "ask", "approved", "ada", {"comment": "secret"})]
        ),
        form(decision="approved", by="ada"),
        asked,
    ),
    "claim_forms": Case(
        lambda p, i: calls.claim_forms(p.conn, [Key(i, "ask")], "ada"),
        form(by="ada"),
        asked,
        again=True,
    ),
    "release_forms": Case(
        lambda p, i: calls.release_forms(p.conn, [Key(i, "ask")], "ada"), form(by="ada"), claimed
    ),
    "reassign_forms": Case(
        lambda p, i: calls.reassign_forms(p.conn, [Key(i, "ask")], "ada", ["eve"]),
        form(by="ada", to=["eve"]),
        asked,
        again=True,
    ),
    "grant_access": Case(
        grant,
        lambda name: [("role", name, None, None, {"access": "relay"})],
        role,
        again=True,
    ),
    "create_api_key": Case(
        by_hand(f"select onceflow.create_api_key('ci', '{HASH}', 'viewer')"),
        lambda _: [("key", "ci", None, None, {"role": "viewer", "expires_at": None})],
        no_accounts,
        again=True,
    ),
    "revoke_api_key": Case(
        by_hand("select onceflow.revoke_api_key('ci')"),
        named("key", "ci"),
        lambda p: (
            no_accounts(p),
            execute(p.conn, f"select onceflow.create_api_key('ci', '{HASH}', 'viewer')"),
        ),
    ),
    "create_person": Case(
        by_hand("select onceflow.create_person('ann', 'viewer', null, 's')"),
        lambda _: [("person", "ann", None, None, {"role": "viewer"})],
        no_accounts,
        again=True,
    ),
    "change_person": Case(
        by_hand("select onceflow.change_person('ann', 'operator')"),
        lambda _: [
            ("person", "ann", None, {"role": "viewer", "disabled": False}, {"role": "operator"})
        ],
        lambda p: (
            no_accounts(p),
            execute(p.conn, "select onceflow.create_person('ann', 'viewer', null, 's')"),
        ),
        again=True,
    ),
    "admit_subject": Case(
        by_hand("select onceflow.admit_subject('s', 'ann', 'viewer')"),
        lambda _: [("person", "ann", None, None, {"role": "viewer", "subject": "s"})],
        lambda p: no_accounts(p),
    ),
    "set_clock": Case(
        lambda p, _: p.conn.execute("select onceflow.set_clock(%s)", (NOON,)),
        lambda _: [("clock", "test", None, None, AT_NOON)],
        lambda _: None,
    ),
}
VERBS = {"cancel_overlapped_runs": "cancel_instances"}
"""Those that change by another's call."""


def told(play: Play, verb: str) -> list[Told]:
    return play.rows(
        "select kind, target, part, before, after from onceflow.audit where verb = %s order by id",
        verb,
    )  # pyright: ignore[reportReturnType]


def test_of_each_function_the_audit_tells_or_it_is_said_why_not() -> None:
    assert sorted([*TOLD, *UNTOLD]) == PUBLIC


# guarantee: audit-told
@pytest.mark.parametrize("name", TOLD)
def test_a_change_is_told_and_what_changes_nothing_is_not(play: Play, name: str) -> None:
    case, verb = TOLD[name], VERBS.get(name, name)
    found = case.prepare(play)
    play.conn.execute(
        "delete from onceflow.audit_entry where verb = %s and at > now() - '1 d'::interval", (verb,)
    )
    case.change(play, found)
    assert told(play, verb) == case.told(found)
    if not case.again:
        case.change(play, found)
        assert told(play, verb) == case.told(found)


@pytest.mark.parametrize("name", sorted(TOLD))
def test_what_is_rolled_back_is_not_told(play: Play, name: str) -> None:
    """Each row is of the transaction of its change."""
    case, verb = TOLD[name], VERBS.get(name, name)
    if name == "grant_access":
        pytest.skip("a role is made and dropped around it")
    found = case.prepare(play)
    before = told(play, verb)
    with play.conn.transaction(force_rollback=True):
        case.change(play, found)
        assert len(told(play, verb)) > len(before)
    assert told(play, verb) == before
