"""docs/sql-api.md: its statements run as they stand, in its order, by what psql would do."""

import re
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from onceflow.engine import calls
from onceflow.engine.calls import Failure, Key
from onceflow.engine.definition import compile_definition

PAGE = Path(__file__).parents[2] / "docs" / "sql-api.md"
ROLE = re.compile(r"\bclerk\b")

GREET = {
    "name": "greet",
    "on_failure": "suspend",
    "steps": [
        {"id": "look-up", "task": "person.find", "with": {"name": "$.input.name"}},
        {"id": "send", "task": "smtp.send", "with": {"to": "$.steps.look-up.output.mail"}},
    ],
}


def statements() -> list[str]:
    return re.findall(r"^```sql\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.S | re.M)


class Reader:
    """A person who types the page's statements, and a worker that keeps failing to send."""

    def __init__(self, conn: psycopg.Connection[Any]) -> None:
        self.conn = conn
        self.role = f"clerk_{uuid4().hex[:12]}"
        self.worker = calls.register_worker(
            conn, "hand", ["default"], ["person.find", "smtp.send"], 60
        )
        self.instance: UUID | None = None
        self.token = ""
        self.calls = 0

    def type(self, statement: str) -> list[tuple[Any, ...]]:
        statement = ROLE.sub(self.role, statement)
        if self.instance is not None:
            statement = statement.replace(":'instance'", f"'{self.instance}'")
        statement = statement.replace(":'token'", f"'{self.token}'")
        cursor = self.conn.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []

    def claim(self, task: str) -> calls.Grant:
        assert self.instance is not None
        self.calls += 1
        key = Key(self.instance, task)
        (claim,) = calls.claim_tasks(self.conn, self.worker, uuid4(), self.calls, [key])
        assert claim.grant is not None
        return claim.grant

    def defer(self, task: str) -> None:
        """Claim a task that is due, and leave it to whoever has its token."""
        grant = self.claim(task)
        deferral = calls.Deferral(grant.instance_id, grant.task, grant.fence, 60)
        calls.defer_tasks(self.conn, [deferral])
        self.token = calls.token_of(grant.instance_id, grant.task, grant.fence)

    def work(self, task: str, mail: str | None) -> None:
        """Claim a task that is due, and complete it or fail it for good."""
        grant = self.claim(task)
        if mail is None:
            error = {"code": "smtp.550", "message": "no such user"}
            failure = Failure(grant.instance_id, grant.task, grant.fence, error, False)
            calls.fail_tasks(self.conn, [failure])
        else:
            done = calls.Completion(grant.instance_id, grant.task, grant.fence, {"mail": mail})
            calls.complete_tasks(self.conn, self.worker, [done])

    def start(self) -> None:
        (row,) = self.type(
            "select instance_id from onceflow.start_instances("
            "'greet', array['{\"name\": \"Eve\"}']::jsonb[])"
        )
        self.instance = row[0]


@pytest.fixture
def reader(conn: psycopg.Connection[Any]) -> Any:
    calls.register_workflow(conn, compile_definition(GREET))
    reader = Reader(conn)
    yield reader
    if conn.execute("select from pg_roles where rolname = %s", [reader.role]).fetchone():
        conn.execute(f"drop owned by {reader.role}".encode())
        conn.execute(f"drop role {reader.role}".encode())


def test_the_statements_of_the_page_run_in_its_order(reader: Reader) -> None:
    answers: dict[str, list[tuple[Any, ...]]] = {}
    for statement in statements():
        if "start_instances" in statement:
            ((_, reader.instance, outcome, state, _),) = reader.type(statement)
            assert (outcome, state) == ("started", "RUNNING")
            reader.work("look-up", "ada@example.com")
            reader.work("send", None)
            continue
        if (
            "redrive_dead_letters" in statement and "from (" not in statement
        ) or "redrive_dead_letters(d.ids" in statement:
            assert [row[2] for row in reader.type(statement)] == ["done"]
            reader.work("send", None)
            continue
        if "skip_dead_letters" in statement:
            assert [row[2] for row in reader.type(statement)] == ["done"]
            ((state,),) = reader.type("select state from onceflow.instances where id = :'instance'")
            assert state == "SUCCEEDED"
            reader.start()
            reader.work("look-up", "eve@example.com")
            reader.work("send", None)
            continue
        if "complete_deferred_tasks" in statement:
            reader.start()
            reader.work("look-up", "eve@example.com")
            reader.defer("send")
            assert [row[1:] for row in reader.type(statement)] == [("accepted", "SUCCEEDED")]
            reader.start()
            continue
        if "discard_dead_letters" in statement:
            assert [row[2] for row in reader.type(statement)] == ["done"]
            reader.start()
            continue
        name = re.search(r"onceflow\.(\w+)", statement)
        answers[name.group(1) if name else statement] = reader.type(statement)

    assert answers["workflows"][0][:2] == ("greet", 1)
    for view in ("instances", "tasks", "transitions", "workers", "queues", "outbox_backlog"):
        assert answers[view], view
    assert any("redrive_dead_letters" in (row[3] or "") for row in answers["explain_instance"])
    assert answers["suspend_instances"][0][1] == "done"
    assert answers["resume_instances"][0][1] == "done"
    assert answers["dead_letters"][0][3] == "smtp.550"
    assert answers["cancel_instances"][0][1] == "done"
    assert answers["check_instances"] == []
    assert answers["grant_access"][0][0] > 10


def test_an_operators_role_may_read_and_decide_but_not_touch_a_table(reader: Reader) -> None:
    reader.type("create role clerk")
    reader.type("select onceflow.grant_access('clerk', 'operator')")
    reader.start()
    reader.type("set role clerk")
    assert reader.type("select task from onceflow.tasks")
    assert reader.type("select * from onceflow.explain_instance(:'instance')")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        reader.type("select * from onceflow.task")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        reader.type("select onceflow.take_outbox(1)")
    assert reader.type("select * from onceflow.cancel_instances(array[:'instance'::uuid])")
    reader.type("reset role")


def test_a_workers_role_gets_a_statement_timeout(reader: Reader) -> None:
    reader.type("create role clerk")
    reader.type("select onceflow.grant_access('clerk', 'worker')")
    (config,) = reader.type(f"select rolconfig from pg_roles where rolname = '{reader.role}'")[0]
    assert config == ["statement_timeout=30s"]
    with pytest.raises(psycopg.Error, match="there is no kind of access"):
        reader.type("select onceflow.grant_access('clerk', 'king')")
