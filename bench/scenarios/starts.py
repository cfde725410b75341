"""(d) Starting alone: single and in sets, through the API and through SQL; nothing else runs."""

import http.client
import json
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack

import httpx2

from onceflow.engine.calls import start_instances

from ..bench import Bench
from ..costs import Marks, per, spent
from ..deployment import HAND_OFF, Deployment, connect, deployed, inputs
from ..figures import Figures, medians
from ..results import Result
from ..workflows import sequence

TITLE = "starting 4-step instances, nothing else running"
CLIENTS = 4
SET = 500

Caller = Callable[[], int]
"""Starts some instances and returns how many."""


def run(bench: Bench) -> None:
    """Measure each way of starting on a database of its own."""
    for who, size in (("SQL", 1), ("SQL", SET), ("API", 1), ("API", SET)):
        clients = CLIENTS if size == 1 else 2
        load = f"{size} a call, {clients} clients"
        result = Result("d", f"onceflow {who}", load, [])
        with (
            bench.servers.database() as dsn,
            deployed(bench.servers, HAND_OFF, bench.options, dsn) as deployment,
        ):
            workflow = sequence(4).register(deployment.conn)
            if who == "API":
                deployment.start_api()
                deployment.wait_until(lambda: _answers(deployment), "the api to answer", 30)
            make = _by_api if who == "API" else _by_sql
            beat = bench.bar(f"(d) {result.who}, {load}", bench.options.runs)
            runs: list[Figures] = []
            costs: list[Figures] = []
            with ExitStack() as stack:
                callers = [make(stack, deployment, workflow, size) for _ in range(clients)]
                _run(callers, bench.options.warm_up)
                for number in range(bench.options.runs):
                    before = deployment.marks()
                    started, seconds = _run(callers, bench.options.window)
                    costs.append(_cost(before, deployment.marks(), started))
                    runs.append({"instances/s": started / seconds})
                    beat(number + 1)
        result.runs, result.per_step = runs, medians(costs)
        result.notes.append("'per step' is per instance")
        bench.add(result)


def _cost(before: Marks, after: Marks, started: int) -> Figures:
    return per(spent(before, after), max(1, started))


def _run(callers: list[Caller], seconds: float) -> tuple[int, float]:
    """Let all callers call for a while; return how many instances were started, and the time."""
    counts = [0] * len(callers)
    errors: list[Exception] = []
    began = time.monotonic()

    def call(number: int) -> None:
        try:
            while time.monotonic() - began < seconds:
                counts[number] += callers[number]()
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=call, args=(n,)) for n in range(len(callers))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return sum(counts), time.monotonic() - began


def _by_sql(stack: ExitStack, deployment: Deployment, workflow: str, size: int) -> Caller:
    conn = stack.enter_context(connect(deployment.settings.dsn))

    def call() -> int:
        return len(start_instances(conn, workflow, inputs(size)))

    return call


def _by_api(stack: ExitStack, deployment: Deployment, workflow: str, size: int) -> Caller:
    # The standard library's client uses less CPU than others, on a machine that we share.
    settings = deployment.settings
    http_client = http.client.HTTPConnection(settings.host, settings.port)
    stack.callback(http_client.close)
    if size == 1:
        path, body = f"/workflows/{workflow}/start", json.dumps({"input": {}})
    else:
        path, body = f"/workflows/{workflow}/instances", json.dumps({"instances": [{}] * size})

    def call() -> int:
        http_client.request("POST", path, body, {"Content-Type": "application/json"})
        answer = http_client.getresponse()
        said = answer.read()
        if answer.status not in (200, 201):
            raise RuntimeError(f"the api answered {answer.status}: {said[:500]!r}")
        return size

    return call


def _answers(deployment: Deployment) -> bool:
    try:
        return httpx2.get(f"{deployment.api_url}/health/ready").status_code == 200
    except httpx2.TransportError:
        return False
