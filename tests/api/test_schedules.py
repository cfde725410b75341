"""/triggers of schedules and topics: times, starts by hand, what is told of stalls"""

from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest
from starlette.testclient import TestClient

from onceflow.engine.calls import note_topic, register_workflow

from ..sql.topics import ORDERS, open_at, record, started_by_topic, take
from .conftest import deploy
from .definitions import NIGHTLY

DAILY = "/triggers/night/daily"
FORM = {"x": "1"}


def planned(client: TestClient) -> list[datetime]:
    """Return the next times of the schedule."""
    items = client.get(f"{DAILY}/next").json()["items"]
    times = [datetime.fromisoformat(one["planned_at"]) for one in items]
    due = [datetime.fromisoformat(one["due_at"]) for one in items]
    assert all(at <= late for at, late in zip(times, due, strict=True))
    return times


def test_what_is_planned_and_what_came_of_it(client: TestClient) -> None:
    deploy(client, NIGHTLY)
    times = planned(client)
    assert len(times) == 10
    assert {at.minute for at in times} == {30}
    assert client.get(f"{DAILY}/runs").json() == {"items": [], "next": None}
    first, second = (client.post(f"{DAILY}/trigger").json() for _ in range(2))
    assert (first["outcome"], second["outcome"]) == ("started", "skipped")
    assert client.get(f"/instances/{first['instance']}").json()["trigger"] == "daily"
    page = client.get(f"{DAILY}/runs", params={"limit": 1}).json()
    (late,) = page["items"]
    assert (late["state"], late["cause"], late["instance"]) == ("skipped", "manual", None)
    page = client.get(f"{DAILY}/runs", params={"cursor": page["next"]}).json()
    (early,) = page["items"]
    assert (early["state"], early["instance_status"]) == ("started", "RUNNING")
    assert page["next"] is None
    one = client.get(DAILY).json()
    assert (one["last_state"], one["last_planned_at"]) == ("skipped", late["planned_at"])


def test_a_backfill_starts_each_planned_time_once(client: TestClient) -> None:
    deploy(client, NIGHTLY)
    end = planned(client)[0]
    span = {"from": (end - timedelta(days=4)).isoformat(), "to": end.isoformat()}
    for told in ({"queued": 4, "known": 0, "later": 1}, {"queued": 0, "known": 4, "later": 1}):
        answer = client.post(f"{DAILY}/backfill", json=span)
        assert (answer.status_code, answer.json()) == (200, told)


@pytest.mark.parametrize(
    ("begin", "end", "said"),
    [
        ("2026-01-02T00:00:00Z", "2026-01-01T00:00:00Z", "ends before it begins"),
        ("0001-01-01T00:00:00+14:00", "2026-01-01T00:00:00Z", "between 1970 and 2200"),
        ("2026-01-01T00:00:00Z", "9999-12-31T23:59:59-14:00", "between 1970 and 2200"),
        ("2025-01-01T00:00:00Z", "2026-01-01T00:00:00Z", "more than 10,000 times"),
    ],
)
def test_a_span_that_no_backfill_takes_is_refused(
    client: TestClient, begin: str, end: str, said: str
) -> None:
    deploy(client, NIGHTLY)
    answer = client.post("/triggers/night/often/backfill", json={"from": begin, "to": end})
    assert answer.status_code == 422
    assert said in answer.json()["detail"]


def test_triggers_of_other_kinds_are_told_from_none_at_all(client: TestClient) -> None:
    deploy(client, NIGHTLY)
    span = {"from": "2026-01-01T00:00:00Z", "to": "2026-01-01T00:00:00Z"}
    for method, action, body in (
        ("GET", "next", None),
        ("GET", "runs", None),
        ("POST", "trigger", None),
        ("POST", "backfill", span),
    ):
        other = client.request(method, f"/triggers/night/open/{action}", json=body)
        assert other.status_code == 409
        told = "The trigger night/open is a webhook, not a schedule."
        assert other.json()["detail"] == told
        none = client.request(method, f"/triggers/night/none/{action}", json=body)
        assert none.status_code == 404
    topic = client.get(f"{DAILY}/positions")
    assert topic.status_code == 409
    assert topic.json()["detail"] == "The trigger night/daily is a schedule, not of a topic."


def test_a_disabled_workflow_says_why_nothing_starts(client: TestClient) -> None:
    deploy(client, NIGHTLY)
    client.post("/workflows/night/disable")
    answer = client.post(f"{DAILY}/trigger")
    assert answer.status_code == 409
    assert "night/daily has started nothing: " in answer.json()["detail"]
    assert client.post(f"/ui{DAILY}/trigger", data=FORM).status_code == 409


def test_the_page_tells_of_a_schedule_and_starts_it(client: TestClient) -> None:
    deploy(client, NIGHTLY)
    page = client.get("/ui/triggers", params={"name": "night/daily"}).text
    assert f"{planned(client)[0]:%Y-%m-%d %H:%M:%S}" in page
    assert "Nothing was planned yet." in page
    assert '<input type="checkbox" required>' in page
    done = client.post(f"/ui{DAILY}/trigger", data=FORM, follow_redirects=False)
    assert done.status_code == 303
    page = client.get(done.headers["location"]).text
    (run,) = client.get(f"{DAILY}/runs").json()["items"]
    assert page.count(f"/ui/instances/{run['instance']}") == 2
    assert client.post("/ui/triggers/night/none/trigger", data=FORM).status_code == 404


def test_a_schedule_that_nobody_starts_is_told_of(
    client: TestClient, conn: psycopg.Connection[Any]
) -> None:
    deploy(client, NIGHTLY)
    told = "The schedule night/daily has been due since "
    assert told not in client.get("/health/ready").text
    conn.execute("select onceflow.set_clock(clock_timestamp() + interval '5 minutes')")
    warnings = client.get("/health/ready").json()["warnings"]
    (warning,) = (one for one in warnings if told in one)
    assert "`onceflow relay`" in warning
    for page in ("/", "/ui/triggers"):
        assert told in client.get(page).text
    assert 290 < client.get(DAILY).json()["late"] < 310
    assert "late by" in client.get("/ui/triggers").text
    client.post(f"{DAILY}/pause")
    assert told not in client.get("/health/ready").text
    assert client.get(DAILY).json()["late"] is None


@pytest.mark.only("kafka", "there are no topics without a broker")
def test_a_topic_tells_where_it_stands_and_what_keeps_it(
    client: TestClient, conn: psycopg.Connection[Any]
) -> None:
    register_workflow(conn, started_by_topic())
    open_at(conn, ORDERS, 0, 1)
    take(conn, 0, [record(0)])
    note_topic(conn, ORDERS, "the <broker> is away", {0: 5})
    answer = client.get("/triggers/flow/orders/positions").json()
    first, second = answer["items"]
    assert (first["topic"], first["position"], first["log_end"], first["lag"]) == (
        "orders",
        1,
        5,
        4,
    )
    assert (second["partition"], second["lag"]) == (1, None)
    one = client.get("/triggers/flow/orders").json()
    assert (one["lag"], one["problem"], answer["problem"]) == (4, *["the <broker> is away"] * 2)
    warnings = client.get("/health/ready").json()["warnings"]
    told = "Nothing is taken for the trigger flow/orders: the <broker> is away."
    assert sum(told in one for one in warnings) == 1
    assert "flow/orders: the &lt;broker&gt; is away" in client.get("/").text
    page = client.get("/ui/triggers", params={"name": "flow/orders"}).text
    assert "Where it stands" in page
    assert "<broker>" not in page
    note_topic(conn, ORDERS, "", {})
    assert told not in client.get("/health/ready").text
    assert "4 to take" in client.get("/ui/triggers").text


@pytest.mark.only("kafka", "there are no topics without a broker")
def test_a_topic_that_is_stuck_or_far_behind_is_told_with_what_to_do(
    client: TestClient, conn: psycopg.Connection[Any]
) -> None:
    register_workflow(conn, started_by_topic())
    open_at(conn, ORDERS, 0, 1)
    take(conn, 0, [record(0)])
    note_topic(conn, ORDERS, "", {0: 5})

    def told() -> str:
        """Return what is told of it, the same by page and by health."""
        found = client.get("/health/ready").json()["warnings"]
        mine = [one for one in found if "flow/orders" in one]
        assert all(one.replace("`", "") in client.get("/").text for one in mine)
        return " ".join(mine)

    assert told() == ""
    conn.execute("update onceflow.topic_position set taken_at = taken_at - interval '1 hour'")
    stuck = told()
    assert stuck.startswith(
        "Of the topic of the trigger flow/orders 4 records are to be taken, and"
    )
    assert "`onceflow relay`" in stuck
    assert "`onceflow triggers positions flow/orders`" in stuck
    conn.execute("update onceflow.trigger set paused_at = now()")
    assert told() == ""
    conn.execute("update onceflow.trigger set paused_at = null")
    take(conn, 1, [record(1)])
    assert told() == ""
    note_topic(conn, ORDERS, "", {0: 12_002})
    assert told().startswith("The trigger flow/orders is 12,000 records behind its topic. ")
    # One partition that nobody has taken anything of, beside one that goes on.
    note_topic(conn, ORDERS, "", {0: 2, 1: 3})
    assert "flow/orders 3 records are to be taken, and of some partition none was: " in told()
