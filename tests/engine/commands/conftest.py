"""``onceflow`` runs a command as its users do, on the database of the test."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from onceflow.engine.calls import register_workflow, start_instances
from onceflow.engine.commands.cli import main
from onceflow.engine.definition import compile_definition, parse

from ...api.hand_worker import HandWorker
from ...conftest import Connect

ORDER = """
name: order
search: [$.input.customer, $.input.total]
input:
  type: object
  required: [customer]
  properties: {customer: {type: string}, total: {type: number}}
steps:
  - id: reserve
    task: shop.reserve
    with: {customer: $.input.customer}
    compensate: {task: shop.pay}
  - id: pay
    task: shop.pay
    with: {sum: "${ $.input.total | default(0) }"}
    on_failure: suspend
output: {paid: $.steps.pay.output}
"""


@dataclass(frozen=True, slots=True)
class Done:
    """What a command printed, and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Onceflow = Callable[..., Done]


@pytest.fixture
def onceflow(
    dsn: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> Onceflow:
    monkeypatch.setenv("ONCEFLOW_DSN", dsn)
    monkeypatch.setenv("ONCEFLOW_DATA", str(tmp_path / "data"))

    def run(*arguments: object) -> Done:
        capsys.readouterr()
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as end:
            code = int(str(end.code))
        printed = capsys.readouterr()
        return Done(code, printed.out, printed.err)

    return run


@pytest.fixture
def worker(connect: Connect) -> HandWorker:
    """A worker moved by hand, once the workflow ``order`` is there."""
    conn = connect()
    register_workflow(conn, compile_definition(parse(ORDER, "yaml")))
    return HandWorker(conn)


@pytest.fixture
def order(worker: HandWorker, connect: Connect) -> str:
    """The id of an instance of ``order`` whose first step is queued."""
    (started,) = start_instances(connect(), "order", [{"customer": "ALFKI", "total": 12}])
    return str(started.instance_id)
