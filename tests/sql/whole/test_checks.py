"""Every CHECK constraint rejects what it should: rows are bent by hand, one way at a time."""

import uuid
from typing import Any

import psycopg
import pytest

from onceflow.engine import calls
from onceflow.engine.calls import Key

from ..play import Play
from ..workflows import Step, sequence, value, workflow

INSTANCE = [
    ("instance_open_tasks", "running", "open_tasks = -1"),
    ("instance_state", "running", "ended_at = now()"),
    ("instance_state", "done", "ended_at = null"),
    ("instance_state", "running", "state = 'SUCCEEDED'"),
    ("instance_state", "done", "open_tasks = 1"),
    ("instance_closing", "running", "closing_as = 'FAILED'"),
    ("instance_closing", "done", "closing_as = 'CANCELLED'"),
    ("instance_closing", "running", "state = 'CLOSING'"),
    ("instance_closing", "running", "state = 'CLOSING', closing_as = 'RUNNING'"),
    ("instance_closing", "running", "state = 'COMPENSATING', closing_as = 'CANCELLED'"),
    ("instance_closing", "running", "state = 'COMPENSATING', compensate = true"),
    ("instance_closing", "done", "state = 'FAILED', output = null"),
    ("instance_closing", "done", "state = 'FAILED', closing_as = 'CANCELLED', output = null"),
    ("instance_suspended", "running", "suspended_at = now()"),
    ("instance_suspended", "running", "suspended_by = 'operator'"),
    ("instance_suspended", "running", "suspended_by = 'me', suspended_at = now()"),
    ("instance_suspended", "done", "suspended_by = 'operator', suspended_at = now()"),
    ("instance_deadline", "done", "deadline_at = now()"),
    (
        "instance_deadline",
        "running",
        "deadline_at = now(), state = 'CLOSING', closing_as = 'FAILED'",
    ),
    ("instance_output", "running", "output = '1'"),
    ("instance_output", "cancelled", "output = '1'"),
    ("instance_payload", "running", "input = to_jsonb(%(large)s::text)"),
    ("instance_payload", "done", "output = to_jsonb(%(large)s::text)"),
]

TASK = [
    ("task_state", "done", "seq = null"),
    ("task_state", "skipped", "seq = null"),
    ("task_state", "cancelled", "seq = null"),
    ("task_state", "queued", "seq = 1"),
    ("task_state", "running", "seq = 1"),
    ("task_state", "retrying", "seq = 1"),
    ("task_state", "ready", "seq = 1"),
    ("task_state", "waiting", "seq = 1"),
    ("task_running", "running", "worker_id = null"),
    ("task_running", "running", "fence = null"),
    ("task_running", "running", "call = null"),
    ("task_running", "running", "attempt = 0"),
    ("task_running", "queued", "worker_id = gen_random_uuid()"),
    ("task_running", "done", "worker_id = gen_random_uuid()"),
    ("task_running", "retrying", "call = 1"),
    ("task_queued", "queued", "queued_xid = null"),
    ("task_queued", "ready", "queued_xid = '1'"),
    ("task_queued", "done", "queued_xid = '1'"),
    ("task_due", "retrying", "due_at = null"),
    ("task_due", "queued", "due_at = now()"),
    ("task_due", "ready", "due_at = now()"),
    ("task_due", "ready", "held_by = 'handler'"),
    ("task_due", "ready", "held_by = 'secret'"),
    ("task_due", "done", "due_at = now()"),
    ("task_held", "ready", "held_by = null"),
    ("task_held", "ready", "held_by = 'nobody'"),
    ("task_held", "queued", "held_by = 'operator'"),
    ("task_due", "dead_letter", "due_at = now()"),
    ("task_due", "cancelled", "due_at = now()"),
    ("task_made", "queued", "input = null"),
    ("task_made", "running", "input = null"),
    ("task_made", "done", "input = null"),
    ("task_output", "queued", "output = '1'"),
    ("task_output", "dead_letter", "output = '1'"),
    ("task_output", "cancelled", "output = '1'"),
    ("task_error", "retrying", "error = null"),
    ("task_error", "dead_letter", "error = null"),
    ("task_error", "done", "state = 'FAILED', output = null"),
    ("task_reason", "skipped", "reason = null"),
    ("task_reason", "done", "reason = 'when'"),
    ("task_reason", "queued", "reason = 'when'"),
    ("task_made", "queued", "queue = null"),
    ("task_made", "done", "queue = null"),
    ("task_counts", "queued", "attempt = -1"),
    ("task_counts", "queued", "extra_attempts = -1"),
    ("task_counts", "queued", "passed = -1"),
    ("task_counts", "queued", "visit = -1"),
    ("task_counts", "queued", "scope = -1"),
    ("task_payload", "queued", "input = to_jsonb(%(large)s::text)"),
    ("task_payload", "done", "output = to_jsonb(%(large)s::text)"),
]

STATES = [
    ("instance_state", "update onceflow.instance set state = 'PAUSED'"),
    ("instance_state", "update onceflow.instance set state = 'running'"),
    ("instance_state", "update onceflow.instance set state = ''"),
    ("task_state", "update onceflow.task set state = 'PENDING'"),
    ("task_state", "update onceflow.task set state = 'queued'"),
]

SCOPE = (
    "insert into onceflow.scope"
    " (instance_id, scope, block, parent, ordinal, list, state, ends_as, undo)"
    " select id, 1, 'b', 0, 0, 0, {} from onceflow.instance"
)
DELIVERY = (
    "insert into onceflow.delivery (instance_id, id, made_at, kind, payload, state, step)"
    " select id, 1, now(), {} from onceflow.instance"
)
EVENT = (
    "insert into onceflow.event (name, id, key, payload, sent_at, keep_until, n)"
    " values ({}, '1', now(), now(), 1)"
)
RUN = (
    "insert into onceflow.schedule_run"
    " (workflow_id, trigger, planned_at, at, cause, state, instance_id)"
    " select id, 't', now(), now(), {} from onceflow.workflow"
)
KEY = "insert into onceflow.api_key (name, hash, role) values ({})"
PERSON = "insert into onceflow.person (name, role, password, subject) values ({})"
SESSION = (
    "with p as (insert into onceflow.person (name, role) values ('ann', 'viewer') returning name)"
    " insert into onceflow.session (hash, person, opened_at, live_until, ends_at)"
    " select {} from p"
)
OTHERS = [
    ("scope_state", SCOPE.format("'OVER', null, null")),
    ("scope_ends_as", SCOPE.format("'OPEN', 'FAILED', null")),
    ("scope_undo", SCOPE.format("'OPEN', null, 'soon'")),
    (
        "block_unwinds",
        "insert into onceflow.block (instance_id, step, scope, total, unwinds)"
        " select id, 'b', 0, 1, 'soon' from onceflow.instance",
    ),
    (
        "trigger_kind_check",
        "insert into onceflow.trigger (workflow_id, trigger, kind, version_id, spec)"
        " select v.workflow_id, 't', 'mail', v.id, '{}' from onceflow.workflow_version v",
    ),
    ("schedule_run_cause_check", RUN.format("'dream', 'queued', null")),
    ("schedule_run_state_check", RUN.format("'manual', 'over', null")),
    ("schedule_run_check", RUN.format("'manual', 'started', null")),
    ("schedule_run_check", RUN.format("'manual', 'queued', gen_random_uuid()")),
    ("workflow_name_check", "update onceflow.workflow set name = '1x'"),
    ("workflow_version_version_check", "update onceflow.workflow_version set version = 0"),
    ("workflow_version_on_failure_check", "update onceflow.workflow_version set on_failure = ''"),
    ("workflow_version_deadline_check", "update onceflow.workflow_version set deadline = '0 s'"),
    ("step_kind_check", "update onceflow.step set kind = 'block'"),
    ("step_join_count_check", "update onceflow.step set join_count = -1"),
    ("edge_kind_check", "update onceflow.edge set kind = 'back'"),
    ("deployment_one_check", "update onceflow.deployment set one = false"),
    ("deployment_cell_check", "update onceflow.deployment set cell = 4096"),
    ("deployment_towards_check", "update onceflow.deployment set towards = 'mail'"),
    ("deployment_transport_check", "update onceflow.deployment set transport = 'mail'"),
    ("outbox_kind_check", "update onceflow.outbox set kind = 'mail'"),
    (
        "quarantine_record",
        "update onceflow.quarantine set released_at = now()",
    ),
    (
        "topic_position_partition_check",
        "insert into onceflow.topic_position (workflow_id, trigger, topic, partition, topic_id)"
        " select workflow_id, 't', 't', -1, '' from onceflow.workflow_version",
    ),
    (
        "topic_position_position_check",
        "insert into onceflow.topic_position"
        " (workflow_id, trigger, topic, partition, topic_id, position)"
        " select workflow_id, 't', 't', 0, '', -1 from onceflow.workflow_version",
    ),
    ("quarantine_source_check", "update onceflow.quarantine set source = 'mail'"),
    ("quarantine_check", "update onceflow.quarantine set outbox = '{}'"),
    ("queue_name_check", "update onceflow.queue set name = 'a/b'"),
    ("idempotency_key_key_check", "update onceflow.idempotency_key set key = ''"),
    ("worker_state_check", "update onceflow.worker set state = 'ill'"),
    ("worker_lease_check", "update onceflow.worker set lease = '0 s'"),
    ("config_value_name_check", "update onceflow.config_value set name = 'a-b'"),
    ("config_value_version_check", "update onceflow.config_value set version = 0"),
    ("clock_one_check", "update onceflow.clock set one = false"),
    ("test_clock_one_check", "update onceflow.test_clock set one = false"),
    (
        "wait_kind",
        "insert into onceflow.wait (instance_id, step, scope, visit, kind, name, n)"
        " select id, 'a', 0, 0, 'mail', 'x', 1 from onceflow.instance",
    ),
    (
        "wait_form",
        "insert into onceflow.wait (instance_id, step, scope, visit, kind, name, n)"
        " select id, 'a', 0, 0, 'form', 'x', 1 from onceflow.instance",
    ),
    (
        "wait_form",
        "insert into onceflow.wait (instance_id, step, scope, visit, kind, name, n, people,"
        " claimed_by) select id, 'a', 0, 0, 'form', 'x', 1, '{a}', 'a' from onceflow.instance",
    ),
    ("delivery_kind", DELIVERY.format("'mail', null, 'taken', null")),
    ("delivery_state", DELIVERY.format("'signal', null, 'sent', null")),
    ("delivery_state", DELIVERY.format("'signal', null, 'taken', null")),
    ("delivery_state", DELIVERY.format("'event', null, 'kept', 'a'")),
    (
        "delivery_payload",
        DELIVERY.format("'signal', to_jsonb(repeat('x', 8600000)), 'kept', null"),
    ),
    ("event_name_check", EVENT.format("'1', 'i', 'k'")),
    ("event_id_check", EVENT.format("'a', '', 'k'")),
    ("event_key_check", EVENT.format("'a', 'i', ''")),
    ("api_key_hash_check", KEY.format("'ci', 'short', 'viewer'")),
    ("api_key_name_check", KEY.format("'a b', sha256('1'), 'viewer'")),
    ("api_key_role_check", KEY.format("'ci', sha256('1'), 'king'")),
    ("person_name_check", PERSON.format("'', 'viewer', null, null")),
    ("person_role_check", PERSON.format("'ann', 'king', null, null")),
    ("person_password_check", PERSON.format("'ann', 'viewer', repeat('x', 501), null")),
    ("person_subject_check", PERSON.format("'ann', 'viewer', null, repeat('x', 1001)")),
    ("session_hash_check", SESSION.format("'short', name, now(), now(), now()")),
    (
        "session_check",
        SESSION.format("sha256('1'), name, now(), now() + interval '1 s', now()"),
    ),
    ("statistic_clock_one_check", "update onceflow.statistic_clock set one = false"),
]


def rejected_by(play: Play, statement: str, parameters: dict[str, Any]) -> str | None:
    """Run a statement that a CHECK must reject, and return the name of the CHECK."""
    with pytest.raises(psycopg.errors.CheckViolation) as rejected:
        play.conn.execute(statement, parameters)  # pyright: ignore
    return rejected.value.diag.constraint_name


def task_in(play: Play, state: str) -> tuple[uuid.UUID, str]:
    """Bring a task into a state by public calls."""
    steps = [Step("a", when=value(False) if state == "skipped" else None)]
    waits = [Step("b"), Step("c"), Step("d", ("b", "c"))]
    instance = play.begin(workflow(*steps, *waits, on_failure="suspend"))
    match state:
        case "running":
            play.take(instance, "a")
        case "done":
            play.complete(instance, "a")
        case "retrying":
            play.fail(instance, "a", retryable=True)
        case "dead_letter":
            play.fail(instance, "a")
        case "ready":
            calls.suspend_instances(play.conn, [instance])
        case "cancelled":
            calls.cancel_instances(play.conn, [instance])
        case "waiting":
            play.complete(instance, "b")
            return instance, "d"
        case _:
            pass
    return instance, "a"


@pytest.mark.parametrize(("name", "state", "bend"), INSTANCE)
def test_an_instance_that_contradicts_its_state_is_rejected(
    play: Play, name: str, state: str, bend: str
) -> None:
    instance = play.begin(sequence("a"))
    if state == "done":
        play.complete(instance, "a")
    elif state == "cancelled":
        calls.cancel_instances(play.conn, [instance])
    large = "x" * 8_600_000
    statement = f"update onceflow.instance set {bend} where id = %(id)s"
    assert rejected_by(play, statement, {"id": instance, "large": large}) == name


@pytest.mark.parametrize(("name", "state", "bend"), TASK)
def test_a_task_that_contradicts_its_state_is_rejected(
    play: Play, name: str, state: str, bend: str
) -> None:
    instance, task = task_in(play, state)
    statement = f"update onceflow.task set {bend} where instance_id = %(id)s and step = %(task)s"
    large = "x" * 8_600_000
    assert rejected_by(play, statement, {"id": instance, "task": task, "large": large}) == name


@pytest.mark.parametrize(("name", "statement"), STATES)
def test_a_state_that_is_none_is_rejected(play: Play, name: str, statement: str) -> None:
    play.begin(sequence("a"))
    assert rejected_by(play, statement, {}) == name


@pytest.mark.parametrize(("name", "statement"), OTHERS)
def test_what_the_other_tables_may_not_hold_is_rejected(
    play: Play, name: str, statement: str
) -> None:
    play.deploy(sequence("a", "b", deadline=5))
    calls.start_instances(play.conn, "flow", [{}], ["key"])
    calls.quarantine_messages(play.conn, [calls.BadMessage("t", 0, 1, b"", "")])
    play.conn.execute("select onceflow.set_clock(now())")
    calls.set_config_values(play.conn, {"A": 1})
    assert rejected_by(play, statement, {}) == name


def test_no_check_of_the_schema_is_left_out(play: Play) -> None:
    # A check that is a function names what it has found broken itself.
    names = play.rows(
        "select distinct coalesce(r.found[1], c.conname::text) from pg_constraint c"
        " join pg_class t on t.oid = c.conrelid"
        " left join pg_proc p on p.proname = c.conname and p.pronamespace = c.connamespace"
        " left join lateral regexp_matches(p.prosrc, $$then '(\\w+)'$$, 'g') r (found) on true"
        " where c.contype = 'c' and c.connamespace = 'onceflow'::regnamespace"
        " and not t.relispartition"
    )
    tried = {case[0] for case in (*INSTANCE, *TASK, *STATES, *OTHERS)}
    assert {name for (name,) in names} == tried


def test_partitions_check_as_their_parents_do(play: Play) -> None:
    different = play.rows(
        "select t.relname from pg_class t join pg_inherits h on h.inhrelid = t.oid"
        " where t.relkind = 'r' and t.relnamespace = 'onceflow'::regnamespace and"
        " (select count(*) from pg_constraint c where c.conrelid = t.oid and c.contype = 'c') <>"
        " (select count(*) from pg_constraint c where c.conrelid = h.inhparent and c.contype = 'c')"
    )
    assert different == []


def test_an_idempotency_key_longer_than_255_is_rejected(play: Play) -> None:
    play.deploy(sequence("a"))
    calls.start_instances(play.conn, "flow", [{}], ["key"])
    statement = "update onceflow.idempotency_key set key = repeat('k', 256)"
    assert rejected_by(play, statement, {}) == "idempotency_key_key_check"


@pytest.mark.parametrize("state", ["queued", "ready", "dead_letter"])
def test_a_row_in_each_state_stands_as_it_is(play: Play, state: str) -> None:
    instance, task = task_in(play, state)
    play.conn.execute("update onceflow.task set changed_at = now()")
    assert play.state(instance, task) == state.upper()
    if state == "dead_letter":
        calls.skip_dead_letters(play.conn, [Key(instance, task)], [None])
