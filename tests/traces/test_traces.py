"""The spans of api, relay and two workers, each a process of its own, and one trace of them all."""

from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2
import psycopg
import pytest

from onceflow.engine.settings import Settings
from onceflow.engine.traces.spans import trace_id_of

from ..api.server import running_api
from ..servers import Servers, create_database
from ..support import wait_until
from ..transports import use
from ..worker.support import deploy, start, wait_for_ends
from ..worker.test_crashes import process
from .receiver import Collector, Received, collecting

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = f"00-{TRACE}-b7ad6b7169203331-01"

TRACED = """
name: traced
steps:
  - id: first
    task: traces.first
    queue: first
    retry: {attempts: 3, backoff: 0.2}
    compensate: {task: traces.undo, queue: first}
  - {id: pause, sleep: 200ms, needs: [first]}
  - {id: second, task: traces.second, queue: second, needs: [pause]}
  - {id: last, task: traces.last, queue: second, needs: [second], on_failure: compensate}
"""
PLAIN = """
name: plain
steps:
  - {id: a, task: traces.second, queue: second}
  - {id: b, task: traces.second, queue: second, needs: [a]}
"""
PLANNED = """
name: planned
on: [{id: often, schedule: {every: 1s, overlap: allow}}]
steps:
  - {id: a, task: traces.second, queue: second}
"""


@dataclass
class Team:
    """A deployment whose processes send their spans."""

    conn: psycopg.Connection[Any]
    url: str
    collector: Collector

    def attempts(self, trace: str, expected: int) -> list[Received]:
        """Return the spans of attempts once there are as many, and no more."""

        def found() -> list[Received]:
            spans = self.collector.of(trace)
            return [span for span in spans if "onceflow.attempt" in span.attributes]

        wait_until(lambda: len(found()) >= expected, f"{expected} spans", 30)
        assert len(found()) == expected
        return found()


@pytest.fixture
def team(servers: Servers, transport: str, tmp_path: Path) -> Iterator[Team]:
    database = create_database(servers, migrated=True)
    with ExitStack() as stack, collecting() as collector:
        conn = stack.enter_context(closing(database.connect()))
        use(conn, transport)
        settings = Settings(
            dsn=database.dsn,
            kafka=servers.kafka if transport == "kafka" else "",
            kafka_options=servers.kafka_options,
            transport=transport,
            prefix=database.name.replace("_", "-"),
            partitions=2,
            port=0,
        )
        env = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
            "OTEL_BSP_SCHEDULE_DELAY": "200",
        }
        deploy(conn, TRACED)
        deploy(conn, PLAIN)
        conn.commit()
        log = tmp_path / "log"
        stack.enter_context(process(settings, log, "relay", **env))
        for queue in ("first", "second"):
            arguments = ("--import", "tests.traces.trace_tasks", "--queues", queue)
            stack.enter_context(process(settings, log, "worker", *arguments, **env))
        with pytest.MonkeyPatch.context() as patch:
            for name, value in env.items():
                patch.setenv(name, value)
            url = stack.enter_context(running_api(settings)).url
        yield Team(conn, url, collector)


def outputs(conn: psycopg.Connection[Any], instance: UUID) -> dict[str, Any]:
    rows = conn.execute(
        "select task, output from onceflow.tasks where instance_id = %s", (instance,)
    ).fetchall()
    return dict(rows)


def test_one_trace_tells_of_a_start_its_attempts_waits_retries_and_compensations(
    team: Team, transport: str
) -> None:
    answer = httpx2.post(
        f"{team.url}/workflows/traced/start",
        json={},
        headers={"traceparent": PARENT, "tracestate": "vendor=1"},
        timeout=30,
    )
    assert answer.status_code == 201, answer.text
    instance = UUID(answer.json()["id"])
    assert wait_for_ends(team.conn, [instance], 60) == ["COMPENSATED"]

    attempts = team.attempts(TRACE, 5)
    wait_until(lambda: team.collector.of(TRACE)[0].service == "onceflow-api", "the start's span")
    spans = team.collector.of(TRACE)
    begun = spans[0]
    assert (begun.service, begun.name) == ("onceflow-api", "POST /workflows/{id}/start")
    assert begun.parent == "b7ad6b7169203331"
    assert begun.attributes["onceflow.instance"] == str(instance)
    # The root of all that follows is the start.
    assert {span.parent for span in spans[1:]} == {begun.id}
    told = [
        (a.name, a.attributes["onceflow.attempt"], a.attributes["onceflow.outcome"], a.failed)
        for a in attempts
    ]
    assert told == [
        ("traces.first", 1, "failed", True),
        ("traces.first", 2, "succeeded", False),
        ("traces.second", 1, "succeeded", False),
        ("traces.last", 1, "failed", True),
        ("traces.undo", 1, "succeeded", False),
    ]
    assert [a.attributes["onceflow.compensation"] for a in attempts] == [False] * 4 + [True]
    assert attempts[0].attributes["error.type"] == "not.yet"
    waits = {span.name: span for span in spans if span.name.startswith("wait: ")}
    assert waits["wait: retry"].attributes["onceflow.task"] == "first"
    assert waits["wait: step"].attributes["onceflow.task"] == "pause"
    assert waits["wait: step"].end - waits["wait: step"].start >= 150e6
    assert waits["wait: retry"].end <= attempts[1].start
    # Handlers have seen their own span as the current one; two processes ran them.
    given = outputs(team.conn, instance)
    assert given["first"]["trace"] == given["second"]["trace"] == TRACE
    assert given["first"]["span"] == attempts[1].id
    assert given["second"]["span"] == attempts[2].id
    assert given["first"]["pid"] != given["second"]["pid"]
    # The relay's are of traces of their own: linked to this one, or what the clock did.
    wait_until(lambda: any(s.service == "onceflow-relay" for s in team.collector.spans), "a relay")
    if transport == "kafka":
        shipped = [s for s in team.collector.spans if s.name == "ship"]
        assert TRACE in {trace for span in shipped for trace in span.links}


def test_without_a_context_the_attempts_of_an_instance_are_in_one_trace(team: Team) -> None:
    (instance,) = start(team.conn, "plain", [{}])
    assert wait_for_ends(team.conn, [instance], 60) == ["SUCCEEDED"]
    spans = team.attempts(trace_id_of(instance, None), 2)
    assert [(span.name, span.parent) for span in spans] == [("traces.second", "")] * 2


def test_a_trace_that_is_not_sampled_has_no_spans_and_goes_along(team: Team) -> None:
    trace = TRACE[::-1]
    headers = {"traceparent": f"00-{trace}-b7ad6b7169203331-00"}
    answer = httpx2.post(f"{team.url}/workflows/plain/start", json={}, headers=headers, timeout=30)
    instance = UUID(answer.json()["id"])
    assert wait_for_ends(team.conn, [instance], 60) == ["SUCCEEDED"]
    assert outputs(team.conn, instance)["b"]["trace"] == trace
    (kept,) = team.conn.execute(
        "select trace ->> 'traceparent' from onceflow.instances where id = %s", (instance,)
    ).fetchone() or ("",)
    assert kept.startswith(f"00-{trace}-")
    assert kept.endswith("-00")
    # One that is sampled comes after it, and arrives.
    (after,) = start(team.conn, "plain", [{}])
    team.attempts(trace_id_of(after, None), 2)
    assert team.collector.of(trace) == []


def test_each_run_of_a_schedule_is_a_trace_of_its_own(team: Team) -> None:
    deploy(team.conn, PLANNED)
    team.conn.commit()

    def runs() -> list[tuple[UUID, str]]:
        return team.conn.execute(
            "select id, trace_id from onceflow.instances where workflow = 'planned' order by id"
        ).fetchall()

    wait_until(lambda: len(runs()) >= 2, "two runs", 30)
    (first, one), (second, other) = runs()[:2]
    assert wait_for_ends(team.conn, [first, second], 60) == ["SUCCEEDED"] * 2
    assert (one, other) == (trace_id_of(first, None), trace_id_of(second, None))
    for trace in (one, other):
        assert [span.parent for span in team.attempts(trace, 1)] == [""]
    named = "clock: schedules"
    wait_until(lambda: named in {span.name for span in team.collector.spans}, named)
