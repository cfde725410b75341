"""docs/protocol.md: a worker that knows nothing but that page.

A real relay ships to it.
"""

import re
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import psycopg

from onceflow.engine.calls import register_workflow
from onceflow.engine.definition import compile_definition
from onceflow.engine.settings import Settings

from ..relay.support import relay_processes
from ..support import wait_until
from ..transports import use
from . import foreign_worker
from .foreign_worker import ForeignTaker, ForeignWorker

WORKFLOW = {
    "name": "double",
    "steps": [
        {"id": "first", "task": "number.double", "with": {"n": "$.input.n"}, "queue": "numbers"},
        {
            "id": "second",
            "task": "number.double",
            "with": {"n": "$.steps.first.output.n"},
            "queue": "numbers",
            "retry": {"attempts": 3, "backoff": 0.05},
        },
        {
            "id": "third",
            "task": "number.double",
            "with": {"n": "$.steps.second.output.n"},
            "queue": "other",
        },
    ],
    "output": "$.steps.third.output.n",
}


def source(module: ModuleType) -> str:
    return Path(str(module.__file__)).read_text(encoding="utf-8")


def test_a_worker_with_only_a_driver_and_a_kafka_client_runs_a_workflow(
    settings: Settings, conn: psycopg.Connection[Any], tmp_path: Path, transport: str
) -> None:
    use(conn, transport)
    settings = replace(settings, transport=transport)
    register_workflow(conn, compile_definition(WORKFLOW))
    started = conn.execute(
        "select instance_id from onceflow.start_instances('double', array['{\"n\": 5}']::jsonb[])"
    ).fetchone()
    assert started is not None
    with relay_processes(settings, tmp_path), ExitStack() as stack:
        if transport == "kafka":
            worker = ForeignWorker(stack, settings.dsn, settings.kafka, settings.prefix)
        else:
            worker = ForeignTaker(stack, settings.dsn)

        def ended() -> tuple[Any, ...] | None:
            worker.turn()
            return conn.execute(
                "select state, output from onceflow.instances"
                " where id = %s and ended_at is not null",
                started,
            ).fetchone()

        assert wait_until(ended, "the instance's end", 60) == ("SUCCEEDED", 40)
        worker.leave()
    assert ("claim", "granted") in worker.answers
    assert ("accepted", "RETRYING") in worker.answers
    assert worker.answers[-1] == ("accepted", "SUCCEEDED")
    assert conn.execute("select * from onceflow.check_instances()").fetchall() == []
    assert not re.search(r"^(from|import) .*(onceflow|\.)", source(foreign_worker), re.M)
