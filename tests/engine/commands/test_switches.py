"""``onceflow disable, enable, versions``"""

import shlex

from onceflow.engine.calls import register_workflow
from onceflow.engine.definition import compile_definition, parse

from ...api.hand_worker import HandWorker
from ...conftest import Connect
from .conftest import ORDER, Onceflow


def test_disable_and_enable(onceflow: Onceflow, worker: HandWorker, order: str) -> None:
    assert onceflow("disable", "order").code == 0
    refused = onceflow("start", "order", "--input", '{"customer": "x"}')
    assert refused.code == 1
    assert "order: the workflow has been disabled for new starts since" in refused.err
    explained = onceflow("explain", order).out
    command = next(line for line in explained.splitlines() if "enable it" in line)
    name, *arguments = shlex.split(command.rpartition(": ")[2])
    assert name == "onceflow"
    assert onceflow(*arguments).out == "order  done: instances may be started\n"
    assert onceflow("start", "order", "--input", '{"customer": "x"}').code == 0
    nobody = onceflow("disable", "nobody", "--json")
    assert nobody.code == 1
    assert nobody.json[0]["outcome"] == "unknown"


def test_versions_tell_what_is_open(
    onceflow: Onceflow, worker: HandWorker, order: str, connect: Connect
) -> None:
    newer = ORDER.replace("on_failure: suspend", "on_failure: fail")
    register_workflow(connect(), compile_definition(parse(newer, "yaml")))
    rows = onceflow("versions", "order", "--json").json["items"]
    assert [(row["version"], row["open_instances"]) for row in rows] == [(2, 0), (1, 1)]
    lines = onceflow("versions", "order", "--open").out.splitlines()
    assert [line.split()[0] for line in lines] == ["VERSION", "1"]
    onceflow("cancel", order, "--yes")
    assert onceflow("versions", "order", "--open").out == "no version of order has open instances\n"
    assert onceflow("versions", "nobody").code == 1


def test_a_queue_is_paused_and_resumed(onceflow: Onceflow, worker: HandWorker, order: str) -> None:
    assert onceflow("queue", "pause", "default").code == 0
    assert worker.claim_all(order) == []
    explained = onceflow("explain", order).out
    line = next(line for line in explained.splitlines() if "has been paused since" in line)
    name, *arguments = shlex.split(line.rpartition(": ")[2])
    assert name == "onceflow"
    assert onceflow(*arguments).out == "default  done: its tasks are given out\n"
    assert onceflow("queue", "pause", "nobody").code == 1
