"""docs/definitions.md: the workflows of its chapter on blocks do what the page says."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest

from onceflow.engine import calls
from onceflow.engine.calls import Completion, Grant, Key
from onceflow.engine.definition import compile_definition, parse

from ..sql.play import Worker, pass_time, tick

Json = Any
Handler = Callable[[Json], Json]
PAGE = (Path(__file__).parents[2] / "docs" / "definitions.md").read_text(encoding="utf-8")
TASKS = (
    *("account.create", "account.delete", "smtp.send", "letter.send", "claim.assess"),
    *("credit.report", "credit.score", "sanctions.search", "supplier.decide"),
    *("carrier.quote", "freight.quote", "order.list", "invoice.create", "invoice.void"),
)


class Fails(Exception):
    """What a handler raises that fails for good."""


class Run:
    """An instance of one of the page's workflows, whose tasks are carried out one by one."""

    def __init__(self, conn: psycopg.Connection[Any], name: str, given: Json) -> None:
        (text,) = re.findall(rf"^```yaml\n(name: {name}\n.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
        calls.register_workflow(conn, compile_definition(parse(text, "yaml")))
        self.conn, self.worker = conn, Worker(conn, tasks=TASKS)
        self.done: list[tuple[str, Json]] = []
        self.id: UUID = calls.start_instances(conn, name, [given])[0].instance_id

    def all(self, handlers: Mapping[str, Handler]) -> tuple[Any, ...]:
        """Carry out all that comes due; return the instance's state and output."""
        while queued := self.conn.execute(
            "select task from onceflow.tasks where instance_id = %s and state = 'QUEUED'"
            " order by seq, task limit 1",
            (self.id,),
        ).fetchone():
            (grant,) = self.worker.claim(Key(self.id, queued[0]))
            self._carry_out(grant, handlers)
        assert calls.check_instances(self.conn) == []
        return self.row("select state, output from onceflow.instances where id = %s")

    def _carry_out(self, grant: Grant, handlers: Mapping[str, Handler]) -> None:
        self.done.append((grant.handler, grant.input))
        try:
            output = handlers.get(grant.handler, lambda _: None)(grant.input)
        except Fails as failed:
            self.worker.fail(grant, code=str(failed), retryable=False)
            return
        completion = Completion(grant.instance_id, grant.task, grant.fence, output)
        calls.complete_tasks(self.conn, self.worker.id, [completion])

    def row(self, statement: str) -> tuple[Any, ...]:
        found = self.conn.execute(statement, (self.id,)).fetchone()  # pyright: ignore
        assert found is not None
        return found

    def inputs(self, task: str) -> list[Json]:
        """Return what a task was given, each time that it was carried out."""
        return [given for handler, given in self.done if handler == task]


@pytest.mark.parametrize(("claimed", "seconds"), [(False, 60), (True, 300)])
def test_limits_of_time(conn: psycopg.Connection[Any], claimed: bool, seconds: int) -> None:
    run = Run(conn, "carrier-quote", {})
    if claimed:
        run.worker.take(run.id, "carrier/1")
    pass_time(conn, f"{seconds} s")
    tick(conn)
    assert run.all({}) == ("SUCCEEDED", {"price": 49})


@pytest.mark.parametrize(("new", "letter"), [(True, {"account": 7}), (False, None)])
def test_a_group(conn: psycopg.Connection[Any], new: bool, letter: Json) -> None:
    run = Run(conn, "onboard", {"new": new, "email": "a@b"})
    state, _ = run.all({"account.create": lambda _: {"id": 7}})
    assert state == "SUCCEEDED"
    assert run.inputs("letter.send") == [{"account": letter}]
    assert run.inputs("smtp.send") == ([{"to": "a@b"}] if new else [])


@pytest.mark.parametrize(
    ("amount", "answers"), [(50, [{"accepted": True}]), (500, [{"accepted": False}])]
)
def test_a_switch(conn: psycopg.Connection[Any], amount: int, answers: Json) -> None:
    run = Run(conn, "claim", {"amount": amount})
    state, _ = run.all({"claim.assess": lambda given: {"accepted": given["amount"] == 1}})
    assert (state, run.inputs("smtp.send")) == ("SUCCEEDED", answers)


def test_no_case(conn: psycopg.Connection[Any]) -> None:
    run = Run(conn, "claim", {"amount": 5000})
    state, _ = run.all({})
    (code,) = run.row("select error ->> 'code' from onceflow.instances where id = %s")
    assert (state, code) == ("COMPENSATED", "claim.too_large")


def test_parallel(conn: psycopg.Connection[Any]) -> None:
    run = Run(conn, "check-supplier", {"supplier": "ALFKI"})
    state, _ = run.all({"credit.score": lambda _: 99, "sanctions.search": lambda _: []})
    assert state == "SUCCEEDED"
    assert run.inputs("supplier.decide") == [{"score": 99, "hits": []}]


def test_a_race(conn: psycopg.Connection[Any]) -> None:
    def quote(given: Json) -> Json:
        if given["carrier"] == "north":
            raise Fails("carrier.closed")
        return {"price": 12}

    run = Run(conn, "quote", {})
    assert run.all({"freight.quote": quote}) == ("SUCCEEDED", {"carrier": "south", "price": 12})


def test_for_each(conn: psycopg.Connection[Any]) -> None:
    orders: Json = [{"id": n, "recipients": ["x", "y"] if n == 2 else []} for n in range(10)]

    def create(given: Json) -> Json:
        if given["order"] == 4:
            raise Fails("order.gone")
        return {"id": given["number"] * 100}

    run = Run(conn, "invoices", {"day": "2026-01-31"})
    handlers: dict[str, Handler] = {
        "order.list": lambda _: {"orders": orders},
        "invoice.create": create,
    }
    state, output = run.all(handlers)
    numbers = [None if n == 4 else (n + 1) * 100 for n in range(10)]
    assert (state, output) == ("SUCCEEDED", {"invoices": numbers, "failed": [4]})
    assert run.inputs("smtp.send") == [{"to": "x", "invoice": 300}, {"to": "y", "invoice": 300}]
    assert run.inputs("invoice.void") == []


def test_more_items_fail_than_are_tolerated(conn: psycopg.Connection[Any]) -> None:
    orders: Json = [{"id": n, "recipients": []} for n in range(3)]

    def create(given: Json) -> Json:
        if given["order"] == 2:
            raise Fails("order.gone")
        return {"id": given["number"]}

    run = Run(conn, "invoices", {"day": "2026-01-31"})
    handlers: dict[str, Handler] = {
        "order.list": lambda _: {"orders": orders},
        "invoice.create": create,
    }
    state, _ = run.all(handlers)
    assert state == "COMPENSATED"
    assert len(run.inputs("invoice.void")) == 2
