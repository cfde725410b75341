"""Processes with the extra beside others without: each is seen, or not, and passes the trace on."""

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

from ..api.server import running_api
from ..servers import Servers, create_database
from ..support import wait_until
from ..worker.support import deploy, wait_for_ends
from ..worker.test_crashes import process
from .receiver import Collector, collecting
from .test_traces import outputs

WITHOUT = str(Path(__file__).parent / "without")
MIXED = """
name: mixed
steps:
  - {id: seen, task: traces.first, queue: first, retry: {backoff: 0.1}}
  - {id: unseen, task: traces.second, queue: second, needs: [seen]}
  - {id: again, task: traces.first, queue: first, needs: [unseen], retry: {backoff: 0.1}}
"""


@dataclass
class Fleet:
    """A deployment of which some processes have the extra; its two apis, with it and without."""

    conn: psycopg.Connection[Any]
    apis: list[str]
    collector: Collector
    log: Path


@pytest.fixture(params=[True, False], ids=["relay with", "relay without"])
def fleet(request: pytest.FixtureRequest, servers: Servers, tmp_path: Path) -> Iterator[Fleet]:
    database = create_database(servers, migrated=True)
    with ExitStack() as stack, collecting() as collector:
        conn = stack.enter_context(closing(database.connect()))
        deploy(conn, MIXED)
        conn.commit()
        settings = Settings(
            dsn=database.dsn,
            kafka=servers.kafka,
            kafka_options=servers.kafka_options,
            prefix=database.name.replace("_", "-"),
            partitions=2,
            port=0,
        )
        given = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_BSP_SCHEDULE_DELAY": "200"}
        without = given | {"PYTHONPATH": WITHOUT}
        log = tmp_path / "log"
        env = given if request.param else without
        stack.enter_context(process(settings, log, "relay", **env))
        for queue, env in (("first", given), ("second", without)):
            arguments = ("--import", "tests.traces.trace_tasks", "--queues", queue)
            stack.enter_context(process(settings, log, "worker", *arguments, **env))
        apis: list[str] = []
        for env in (given, without):
            with pytest.MonkeyPatch.context() as patch:
                for name, value in env.items():
                    patch.setenv(name, value)
                apis.append(stack.enter_context(running_api(settings)).url)
        yield Fleet(conn, apis, collector, log)


def test_each_process_traces_by_itself_and_passes_along_what_it_does_not_know(
    fleet: Fleet,
) -> None:
    started: dict[str, UUID] = {}
    for number, url in enumerate(fleet.apis):
        trace = f"{number}af7651916cd43dd8448eb211c80319c"
        parent = f"00-{trace}-b7ad6b7169203331-01"
        answer = httpx2.post(
            f"{url}/workflows/mixed/start",
            json={},
            headers={"traceparent": parent, "tracestate": "vendor=1"},
            timeout=30,
        )
        assert answer.status_code == 201, answer.text
        assert answer.json()["trace"] == trace
        started[trace] = UUID(answer.json()["id"])
    ends = wait_for_ends(fleet.conn, [*started.values()], 60)
    assert ends == ["SUCCEEDED"] * 2, fleet.log.read_text()
    for number, (trace, instance) in enumerate(started.items()):
        given = outputs(fleet.conn, instance)
        assert {given[step]["trace"] for step in ("seen", "unseen", "again")} == {trace}
        named = ["traces.first"] * 4

        def attempts(of: str = trace) -> list[str]:
            found = fleet.collector.of(of)
            return [span.name for span in found if "onceflow.attempt" in span.attributes]

        wait_until(lambda: attempts() == named, f"{named}, not {attempts()}")  # noqa: B023
        apis = [s.name for s in fleet.collector.of(trace) if s.service == "onceflow-api"]
        assert apis == ([] if number else ["POST /workflows/{id}/start"])
        (kept,) = fleet.conn.execute(
            "select trace ->> 'tracestate' from onceflow.instances where id = %s", (instance,)
        ).fetchone() or ("",)
        assert kept == "vendor=1"
    said = fleet.log.read_text()
    assert "no spans are sent, as their package is missing" in said
    # Each failure is logged with the trace that it belongs to.
    for trace in started:
        lines = [line for line in said.splitlines() if line.endswith(f"[trace {trace}]")]
        assert sum("attempt 1 failed" in line for line in lines) == 2, said
