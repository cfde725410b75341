"""examples/gallery: what times and records start does what docs/gallery.md says."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from onceflow.engine import calls
from onceflow.engine.calls import Source
from onceflow.engine.calls.base import Connection
from onceflow.engine.calls.triggers.schedules import planned_times
from onceflow.engine.definition import compile_definition, parse
from onceflow.relay.schedules import fire_due_schedules, start_waiting_runs

from ..rehearsal import Fails, Rehearsal, Stage, always
from ..sql.topics import open_at, record, take
from .test_gallery import GALLERY

Json = Any
REMINDERS = "send-reminders"


def register(stage: Stage, name: str) -> Json:
    compiled = compile_definition(parse((GALLERY / f"{name}.yaml").read_text("utf-8"), "yaml"))
    calls.register_workflow(stage.conn, compiled)
    return compiled


def turn(conn: Connection, at: datetime | None = None) -> datetime:
    """Turn the relay's jobs, at a time; return the next that is planned."""
    if at is not None:
        conn.execute("select onceflow.set_clock(%s)", (at,))
    while fire_due_schedules(conn, 100, 0) or start_waiting_runs(conn, 100, 0):
        pass
    row = conn.execute(
        "select next_at from onceflow.triggers where workflow = %s", (REMINDERS,)
    ).fetchone()
    assert row is not None
    return row[0]


def runs(conn: Connection) -> list[tuple[str, int | None, UUID | None]]:
    return conn.execute(
        "select state, count, instance_id from onceflow.schedule_runs where workflow = %s"
        " order by planned_at",
        (REMINDERS,),
    ).fetchall()


def test_send_reminders(stage: Stage) -> None:
    def send(given: Json) -> None:
        if given["to"] == "3@example.com":
            raise Fails("smtp.refused", "no such box")

    invoices = [{"number": n, "amount": n, "email": f"{n}@example.com"} for n in range(20)]
    handlers = always(invoice__find_overdue={"invoices": invoices}) | {"smtp.send": send}
    (entry,) = register(stage, REMINDERS)["triggers"]
    plan = calls.plan_of(REMINDERS, "morning", entry["spec"]["plan"])
    planned = turn(stage.conn)
    following = turn(stage.conn, planned + timedelta(hours=3))  # nothing could be started till then
    ((state, _, instance),) = runs(stage.conn)
    assert (state, instance is not None) == ("started", True)
    assert instance is not None
    run = Rehearsal(stage, instance, handlers)
    following = turn(stage.conn, following)
    assert run.play() == ("SUCCEEDED", {"not_reached": 1})
    (given,) = run.inputs("invoice.find_overdue")
    assert datetime.fromisoformat(given["day"]) == planned
    # Nothing could be started for two mornings and an hour.
    *_, last = planned_times(plan, following, 2)
    turn(stage.conn, last + timedelta(hours=1))
    assert [found[:2] for found in runs(stage.conn)] == [
        ("started", None),
        ("skipped", None),
        ("missed", 2),
        ("started", None),
    ]


@pytest.mark.only("kafka", "there are no topics without a broker")
def test_take_order(stage: Stage) -> None:
    register(stage, "take-order")
    source = Source("take-order", "orders", "shop.orders", "id-1")
    open_at(stage.conn, source)
    placed = {"type": "placed", "order": "O-36", "lines": [{"sku": "a", "count": 2}]}
    values = [
        placed,
        placed,
        {"type": "paid", "order": "O-36"},
        {**placed, "order": "O-37", "lines": []},
    ]
    answer = take(stage.conn, 0, [record(n, value) for n, value in enumerate(values)], source)
    counted = (
        answer.position,
        answer.started,
        answer.known,
        answer.passed_over,
        answer.quarantined,
    )
    assert counted == (4, 1, 1, 1, 1)
    ((instance,),) = stage.conn.execute(
        "select id from onceflow.instances where workflow = 'take-order'"
    ).fetchall()
    run = Rehearsal(stage, instance, always(order__pack={"parcel": "P-1"}))
    assert run.play() == ("SUCCEEDED", {"parcel": "P-1"})
    assert run.inputs("stock.reserve") == [{"order": "O-36", "lines": placed["lines"]}]
    ((reason,),) = stage.conn.execute(
        "select reason from onceflow.quarantined where source = 'record'"
    ).fetchall()
    assert "/lines" in reason
