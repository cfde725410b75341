"""search_values: what instances are found by, and how."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from onceflow.engine import calls
from onceflow.engine.calls.reads import (
    InstanceFilter,
    Query,
    by_fields_alone,
    json_rows,
    list_found_ids,
    list_instances,
    list_these,
)

from ...aged import age, drop_all, make_week
from ...play import Connection, Play
from ...workflows import sequence

NOW = datetime.now(UTC)
LONG = "ż" * 300


def deploy(play: Play, *fields: str, name: str = "flow") -> None:
    """Register a workflow of one step that lists these fields."""
    play.deploy(sequence("a", name=name, search=fields))


def found(play: Play, fields: dict[str, str], limit: int = 100, **wanted: Any) -> list[UUID]:
    """Return what is found, in one step and, where that is enough, in two."""
    chosen = InstanceFilter(fields=fields, **wanted)
    rows = json_rows(play.conn, list_instances("id, workflow", chosen, limit))
    if by_fields_alone(chosen):
        ids = [UUID(row["id"]) for row in json_rows(play.conn, list_found_ids(chosen, limit))]
        assert json_rows(play.conn, list_these("id, workflow", ids)) == rows
    return [UUID(row["id"]) for row in rows]


@pytest.mark.parametrize(
    ("value", "texts"),
    [
        ("O-36", ["O-36"]),
        (36, ["36", "36.0", "3.6e1", "36.00"]),
        (36.50, ["36.5", "36.50"]),
        (-0.0, ["0", "-0"]),
        (10**30, ["1" + "0" * 30, "1e30"]),
        ("0036", ["0036"]),
        ("36.0", ["36.0"]),
        (True, ["true"]),
        (LONG, [LONG]),
        ("", [""]),
        ("a\\'\"%_ b", ["a\\'\"%_ b"]),
    ],
    ids=lambda value: str(value)[:8],
)
def test_an_instance_is_found_by_the_text_of_a_field(
    play: Play, value: Any, texts: list[str]
) -> None:
    deploy(play, "order")
    instance = play.start("flow", {"order": value})
    play.start("flow", {"order": "another"})
    for text in texts:
        assert found(play, {"order": text}) == [instance], text
    assert found(play, {"order": "36.1"}) == []


def test_fields_lie_within_objects_and_have_hyphens(play: Play) -> None:
    deploy(play, "customer.e-mail.work")
    instance = play.start("flow", {"customer": {"e-mail": {"work": "a@b"}}})
    play.start("flow", {"customer.e-mail.work": "a@b"})
    assert found(play, {"customer.e-mail.work": "a@b"}) == [instance]


@pytest.mark.parametrize("value", [None, {"a": 1}, ["O-36"]])
def test_what_is_no_scalar_is_not_noted(play: Play, value: Any) -> None:
    deploy(play, "order", "missing")
    play.start("flow", {"order": value})
    assert play.rows("select * from onceflow.search_values") == []


def test_a_workflow_that_lists_none_has_no_row(play: Play) -> None:
    deploy(play)
    play.start("flow", {"order": "O-36"})
    assert play.rows("select * from onceflow.search_values") == []


def test_the_youngest_come_first_page_by_page(play: Play) -> None:
    deploy(play, "order")
    deploy(play, "order", name="other")
    ids = [play.start("flow" if n % 2 else "other", {"order": "O"}) for n in range(6)][::-1]
    assert found(play, {"order": "O"}) == ids
    assert found(play, {"order": "O"}, 2) == ids[:2]
    assert found(play, {"order": "O"}, 2, before=ids[1]) == ids[2:4]
    assert found(play, {"order": "O"}, workflow="flow") == ids[::2]
    assert found(play, {"order": "O"}, started_before=NOW - timedelta(hours=1)) == []
    assert found(play, {"order": "O"}, states=["RUNNING"], suspended=False) == ids
    calls.suspend_instances(play.conn, ids[:1])
    assert found(play, {"order": "O"}, suspended=False) == ids[1:]
    assert found(play, {"order": "O"}, suspended=True) == ids[:1]


def test_all_fields_have_to_match(play: Play) -> None:
    deploy(play, "order", "total", "paid")
    given = {"order": "O", "total": 1.50, "paid": True}
    instance = play.start("flow", given)
    for other in ({"total": 2}, {"paid": False}, {"order": "P"}, {"total": None}):
        play.start("flow", given | other)
    assert found(play, {"order": "O", "total": "1.5", "paid": "true"}) == [instance]
    assert found(play, {"total": "1.50", "order": "O", "paid": "true"}) == [instance]


def test_what_a_start_found_is_noted_once(play: Play) -> None:
    deploy(play, "order")
    for _ in range(2):
        calls.start_instances(play.conn, "flow", [{"order": "O"}] * 2, ["k", "k"])
    assert play.value("select count(*) from onceflow.search_values") == 1


def test_it_goes_when_its_instance_is_erased_or_dropped(conn: Connection) -> None:
    play = Play(conn)
    deploy(play, "order")
    make_week(conn, NOW - timedelta(weeks=10))
    erased, dropped, kept = (play.start("flow", {"order": "O"}) for _ in range(3))
    for instance in (erased, dropped):
        play.complete(instance, "a")
    calls.erase_instances(conn, [erased])
    assert found(play, {"order": "O"}) == [kept, dropped]
    old = age(conn, dropped, NOW - timedelta(weeks=10))
    conn.execute("update onceflow.instance set ended_at = %s where id = %s", (NOW, old))
    drop_all(conn, NOW + timedelta(seconds=1))
    assert play.rows("select instance_id from onceflow.search_values") == [(kept,)]


def test_a_look_up_costs_the_same_as_history_grows(conn: Connection) -> None:
    play = Play(conn)
    deploy(play, "order")
    weeks = [NOW - timedelta(weeks=n) for n in range(4, 44)]
    # Enough for an index to be worth while.
    calls.start_instances(conn, "flow", [{"order": n} for n in range(2000)])
    costs: list[int] = []
    for part in (weeks[:4], weeks[4:]):
        for at in part:
            make_week(conn, at)
            for n in range(5):
                age(conn, play.start("flow", {"order": f"O-{at:%Y%j}-{n}"}), at)
        conn.execute("analyze onceflow.search_value")
        wanted = InstanceFilter(fields={"order": f"O-{weeks[1]:%Y%j}-3"})
        (row,) = json_rows(conn, list_found_ids(wanted, 100))
        steps = [list_found_ids(wanted, 100), list_these("id, workflow", [UUID(row["id"])])]
        plans = [explain(conn, step) for step in steps]
        planned = [node for plan in plans for node in nodes(plan)]
        # Of the partitions one is planned for at all; and what is read is found by an index.
        tables = {node["Relation Name"] for node in planned if "Relation Name" in node}
        assert len([name for name in tables if name.startswith("instance_")]) == 1, tables
        scanned = {n["Relation Name"] for n in planned if n["Node Type"] == "Seq Scan"}
        assert not [name for name in scanned if name.startswith(("instance", "search"))], scanned
        costs.append(sum(p["Shared Hit Blocks"] + p["Shared Read Blocks"] for p in plans))
    assert costs[1] <= costs[0] + 2, costs


def test_a_value_that_all_have_is_read_no_further_than_the_page(conn: Connection) -> None:
    play = Play(conn)
    deploy(play, "country")
    calls.start_instances(conn, "flow", [{"country": "PL"}] * 2000)
    conn.execute("analyze onceflow.search_value")
    wanted = InstanceFilter(fields={"country": "PL"})
    for asked in (list_found_ids(wanted, 10), list_instances("id, workflow", wanted, 10)):
        plans = nodes(explain(conn, asked))
        assert max(p["Actual Rows"] * p["Actual Loops"] for p in plans) <= 11


def explain(conn: Connection, asked: Query) -> dict[str, Any]:
    text = f"explain (analyze, buffers, format json) {asked.text}"
    ((plan,),) = conn.execute(text.encode(), asked.parameters).fetchall()
    return (json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"]


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", []):
        yield from nodes(below)
