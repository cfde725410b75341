"""sql.execute and kafka.publish in a worker: in one transaction with their tasks."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
import yaml

from onceflow.relay.topics import Topics
from onceflow.worker import registry
from onceflow.worker.integrations import sql

from ...servers import Database, Servers, create_database, drop_database
from ...transports import DEFAULT
from ..support import Stack, consume, deploy, make_stack, task_of, wait_for_ends
from .support import context

STATEMENTS = {
    "add": "insert into booking (key, amount, note) values (%(key)s, %(amount)s, %(note)s)"
    " returning id, amount, note",
    "touch": {"sql": "update booking set amount = amount"},
    "all": {"sql": "select key, amount from booking order by key"},
    "wrong": {"sql": "select no_such_column from booking"},
    "many": {"sql": "select generate_series(1, 20000)"},
    "digits": """select '{"a": 12345678901234567890.1234567890123}'::jsonb as j""",
    "missing": "select %(a)s::text as a",
    "percent": "select 5 % 3 as a",
    "twice": "select 1 as a, 2 as a",
    "nul": """select '["\\u0000"]'::json as j""",
    "long": "select repeat('9', 2000)::numeric as n",
    "large": "select repeat('x', 1100000) as t",
    "values": """
        select interval '1 mon' as month, interval '-1 year 2 days 03:04:05.60' as mixed,
            interval '0' as nothing, interval '-00:00:00.5' as half,
            'infinity'::timestamptz as never, '-infinity'::date as ever,
            date '0044-03-15 BC' as ides, timestamp '12026-01-01' as far, time '24:00' as midnight,
            date '2026-02-03' as day, 'NaN'::numeric as nan, '-Infinity'::float8 as minus,
            1.50::numeric as exact, array['infinity'::timestamp] as list,
            int4range(1, 5) as range, inet '10.0.0.1/8' as net, '\\x00ff'::bytea as bytes
        """,
    "elsewhere-killed": {
        "sql": "insert into fatal (key) values (%(key)s)",
        "dsn": "$ELSEWHERE",
    },
    "elsewhere-deferred": {
        "sql": "insert into child (parent) values (7)",
        "dsn": "$ELSEWHERE",
    },
    "elsewhere-large": {
        "sql": "insert into seen (key) values (%(key)s) returning repeat('x', 1100000) as t",
        "dsn": "$ELSEWHERE",
    },
    "unset": {"sql": "select 1", "dsn": "$NO_SUCH_VARIABLE hush"},
    "gone": {"sql": "select 1", "dsn": "host=127.0.0.1 port=1 password=hush"},
    "elsewhere": {
        "sql": "insert into seen (key) values (%(key)s) on conflict do nothing",
        "dsn": "$ELSEWHERE",
    },
}

TABLES = """
create table booking (
    id bigint generated always as identity,
    key text,
    amount numeric check (amount > 0),
    note jsonb);
"""

ELSEWHERE = """
create table seen (key text primary key);
create table fatal (key text);
create function die() returns trigger language plpgsql as
    $$ begin perform pg_terminate_backend(pg_backend_pid()); return null; end $$;
create constraint trigger die after insert on fatal deferrable initially deferred
    for each row execute function die();
create table parent (id int primary key);
create table child (parent int references parent deferrable initially deferred);
"""


@pytest.fixture(scope="module")
def elsewhere(servers: Servers) -> Iterator[Database]:
    made = create_database(servers, migrated=False)
    with made.connect() as conn:
        conn.execute(ELSEWHERE)
    yield made
    drop_database(servers, made.name)


@pytest.fixture(scope="module")
def stack(
    servers: Servers, elsewhere: Database, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    file = tmp_path_factory.mktemp("sql") / "statements.yaml"
    file.write_text(yaml.safe_dump(STATEMENTS))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ONCEFLOW_SQL_STATEMENTS", str(file))
        patch.setenv("ELSEWHERE", elsewhere.dsn)
        with make_stack(servers, registry, DEFAULT, concurrency=2) as made:
            made.conn.execute(TABLES)
            yield made


def run_sql(stack: Stack, name: str, with_: str) -> tuple[UUID, dict[str, Any]]:
    """Run one statement in an instance; return its id and the task's row."""
    deploy(
        stack.conn,
        f"""
        name: {name}
        on_failure: fail
        steps:
          - id: only
            task: sql.execute
            retry: {{attempts: 1}}
            with: {with_}
        """,
    )
    instance = stack.run(name)
    wait_for_ends(stack.conn, [instance])
    return instance, task_of(stack.conn, instance, "only")


def test_a_statement_runs_by_its_name_with_exact_numbers(stack: Stack) -> None:
    instance, row = run_sql(
        stack, "add", "{statement: add, parameters: {amount: 1265793.0395, note: {a: [1]}}}"
    )
    assert row["state"] == "SUCCEEDED"
    (found,) = stack.conn.execute(
        "select amount::text, note, key from booking where key = %s", (f"{instance}/only",)
    ).fetchall()
    assert found == ("1265793.0395", {"a": [1]}, f"{instance}/only")
    text = stack.conn.execute(
        "select output::text from onceflow.tasks where instance_id = %s", (instance,)
    ).fetchone()
    assert text is not None
    assert '"amount": 1265793.0395' in text[0]
    _, row = run_sql(stack, "touch", "{statement: touch}")
    assert row["output"] == {"rows": [], "count": 1}


@pytest.mark.parametrize(
    ("name", "with_", "code"),
    [
        ("unknown", "{statement: drop}", "sql.not_allowed"),
        ("bad-check", "{statement: add, parameters: {amount: -1, note: null}}", "sql.23514"),
        ("bad-column", "{statement: wrong}", "sql.42703"),
        ("too-many", "{statement: many}", "sql.too_many_rows"),
        ("missing", "{statement: missing}", "sql.invalid"),
        ("percent", "{statement: percent}", "sql.invalid"),
        ("twice", "{statement: twice}", "sql.columns"),
        ("nul", "{statement: nul}", "sql.output"),
        ("long", "{statement: long}", "sql.output"),
        ("large", "{statement: large}", "sql.output"),
        ("deferred", "{statement: elsewhere-deferred}", "sql.23503"),
        ("elsewhere-large", "{statement: elsewhere-large}", "sql.output"),
    ],
)
def test_what_is_refused_is_permanent(stack: Stack, name: str, with_: str, code: str) -> None:
    _, row = run_sql(stack, name, with_)
    assert (row["state"], row["error"]["code"]) == ("DEAD_LETTER", code)
    assert "unknown" not in row["error"]


def test_nothing_of_a_result_is_lost_in_silence(stack: Stack) -> None:
    instance, row = run_sql(stack, "digits", "{statement: digits}")
    text = stack.conn.execute(
        "select output::text from onceflow.tasks where instance_id = %s", (instance,)
    ).fetchone()
    assert text is not None
    assert "12345678901234567890.1234567890123" in text[0]
    _, row = run_sql(stack, "values", "{statement: values}")
    assert row["output"]["rows"] == [
        {
            "month": "P1M",
            "mixed": "P-1Y2DT3H4M5.6S",
            "nothing": "PT0S",
            "half": "PT-0.5S",
            "never": "infinity",
            "ever": "-infinity",
            "ides": "0044-03-15 BC",
            "far": "12026-01-01 00:00:00",
            "midnight": "24:00:00",
            "day": "2026-02-03",
            "nan": "NaN",
            "minus": "-Infinity",
            "exact": 1.5,
            "list": ["infinity"],
            "range": "[1, 5)",
            "net": "10.0.0.1/8",
            "bytes": "AP8=",
        }
    ]


def test_a_connection_that_is_lost_at_commit_leaves_the_outcome_unknown(stack: Stack) -> None:
    _, row = run_sql(stack, "killed", "{statement: elsewhere-killed}")
    assert (row["state"], row["error"]["code"]) == ("DEAD_LETTER", "sql.lost_commit")
    assert row["error"]["unknown"] is True


def test_what_is_refused_elsewhere_is_not_committed_there(
    stack: Stack, elsewhere: Database
) -> None:
    instance, _ = run_sql(stack, "large", "{statement: elsewhere-large}")
    with elsewhere.connect() as conn:
        assert conn.execute("select from seen where key = %s", (f"{instance}/only",)).rowcount == 0


@pytest.mark.parametrize(
    ("name", "code"), [("unset", "sql.no_statements"), ("gone", "sql.unreachable")]
)
def test_no_error_tells_the_password_of_another_database(
    stack: Stack, name: str, code: str
) -> None:
    _, row = run_sql(stack, name, f"{{statement: {name}}}")
    assert row["error"]["code"] == code
    assert "unknown" not in row["error"]
    assert "hush" not in str(row["error"])


def test_another_database_is_reached_by_its_dsn(stack: Stack, elsewhere: Database) -> None:
    instance, row = run_sql(stack, "elsewhere", "{statement: elsewhere}")
    assert row["state"] == "SUCCEEDED"
    with elsewhere.connect() as conn:
        assert conn.execute("select key from seen").fetchall() == [(f"{instance}/only",)]


def test_without_a_file_nothing_is_allowed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    handler = registry.find("sql.execute")
    assert handler is not None
    monkeypatch.delenv("ONCEFLOW_SQL_STATEMENTS", raising=False)
    with pytest.raises(Exception, match="names no file"):
        handler.call('{"statement": "a"}', context())
    monkeypatch.setenv("ONCEFLOW_SQL_STATEMENTS", str(tmp_path / "none.yaml"))
    with pytest.raises(Exception, match=r"none\.yaml"):
        handler.call('{"statement": "a"}', context())
    (tmp_path / "none.yaml").write_text("a: {sequel: select 1}")
    with pytest.raises(Exception, match="sequel"):
        handler.call('{"statement": "a"}', context())


@pytest.mark.only("kafka", reason="events need Kafka")
def test_an_event_that_kafka_cannot_take_fails_its_task_for_good(stack: Stack) -> None:
    deploy(
        stack.conn,
        """
        name: publish
        steps:
          - {id: only, task: kafka.publish, with: {topic: $.input.topic, value: 1}}
        """,
    )
    instance = stack.run("publish", topic="t" * 600)
    assert wait_for_ends(stack.conn, [instance]) == ["COMPENSATED"]
    task = task_of(stack.conn, instance, "only")
    assert (task["state"], task["attempts"]) == ("DEAD_LETTER", 1)
    assert "no topic's name" in task["error"]["message"]


@pytest.mark.only("kafka", reason="events need Kafka")
def test_an_event_is_published_with_its_task(stack: Stack) -> None:
    topic = f"{stack.settings.prefix}.orders"
    assert Topics(stack.settings).make([topic]) == {}
    deploy(
        stack.conn,
        f"""
        name: publish
        steps:
          - id: only
            task: kafka.publish
            with:
              topic: {topic}
              key: $.input.customer
              value: {{customer: $.input.customer, total: 10.50}}
              headers: {{kind: order}}
        """,
    )
    instance = stack.run("publish", customer="ALFKI")
    assert wait_for_ends(stack.conn, [instance]) == ["SUCCEEDED"]
    event_id = task_of(stack.conn, instance, "only")["output"]["event_id"]
    ((headers, key, value),) = consume(stack.settings, topic, 1)
    assert headers == {"kind": "order", "onceflow-event-id": event_id}
    assert (key, value) == (b"ALFKI", {"customer": "ALFKI", "total": 10.5})


@pytest.mark.parametrize(
    ("passing", "states"),
    [
        (True, ["08006", "25006", "40001", "40P01", "53300", "55006", "55P03", "57014", "57P01"]),
        (False, ["0A000", "22003", "23505", "25001", "28000", "3F000", "42601", "44000", "55000"]),
    ],
)
def test_what_may_pass_is_tried_again_and_ones_own_mistakes_are_not(
    passing: bool, states: list[str]
) -> None:
    for state in states:
        refused = psycopg.errors.lookup(state)("refused")
        meant = sql._meaning(refused)  # pyright: ignore[reportPrivateUsage]
        assert (meant.code, meant.retryable) == (f"sql.{state}", passing)
