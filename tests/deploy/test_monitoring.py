"""Metrics of real processes, and what dashboard and alerts make of them."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml

from onceflow.engine import calls
from onceflow.engine.settings import Settings

from ..sql.workflows import Step, workflow
from ..support import wait_until

ROOT = Path(__file__).parents[2]
ALERTS = ROOT / "deploy/alerts.yaml"
TESTS = Path(__file__).with_name("alerts_test.yaml")
DASHBOARD = ROOT / "deploy/grafana/onceflow.json"
RUNBOOKS = ROOT / "docs/monitoring.md"
NAME = re.compile(r"\bonceflow_[a-z_]+")
LATER = {"onceflow_call_errors_total", "onceflow_clock_failures_total", "onceflow_topic_lag"}
"""Metrics that only come once there is something to tell."""
Conn = psycopg.Connection[Any]


@contextmanager
def process(settings: Settings, *arguments: str) -> Generator[int]:
    """Run a process that serves metrics; give its port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    env = {**os.environ, **settings.environment(), "ONCEFLOW_METRICS_PORT": str(port)}
    running = subprocess.Popen(
        [sys.executable, "-m", "onceflow", *arguments], env={**env, "ONCEFLOW_PORT": "0"}
    )
    try:
        yield port
    finally:
        running.terminate()
        assert running.wait(60) == 0


def get(port: int, path: str) -> tuple[int, str]:
    """Return status and text; 0 where nobody listens."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError:
        return 0, ""


def value(text: str, series: str) -> float | None:
    """Return the value of a series in the text of metrics."""
    for line in text.splitlines():
        if line.startswith(f"{series} "):
            return float(line.rpartition(" ")[2])
    return None


def names(text: str) -> set[str]:
    """Return the names of all series in the text of metrics."""
    return {
        match[0] for line in text.splitlines() if line[:1] != "#" and (match := NAME.match(line))
    }


def asked() -> dict[str, set[str]]:
    """Return the metrics that alerts and panels ask for, by their names."""
    found = {rule["alert"]: set(NAME.findall(rule["expr"])) for rule in rules()}
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        for target in panel.get("targets", []):
            found.setdefault(panel["title"], set()).update(NAME.findall(target["expr"]))
    return found


def rules() -> list[dict[str, Any]]:
    (group,) = yaml.safe_load(ALERTS.read_text())["groups"]
    return group["rules"]


def test_each_process_serves_what_alerts_and_dashboard_ask_for(
    conn: Conn, settings: Settings
) -> None:
    calls.register_workflow(conn, workflow(Step("a", task="mail.send")))
    with ExitStack() as stack:
        relay = stack.enter_context(process(replace(settings, metric_labels=("tier",)), "relay"))
        worker = stack.enter_context(
            process(settings, "worker", "--import", "onceflow.worker.integrations")
        )
        api = stack.enter_context(process(settings, "api"))
        for port in (relay, worker, api):
            wait_until(lambda port=port: get(port, "/health/ready")[0] == 200, "it", 120)
            assert get(port, "/health/live") == (200, "ok\n")
            assert get(port, "/elsewhere")[0] == 404
        texts = {port: get(port, "/metrics")[1] for port in (relay, worker, api)}
        # Sums of the past, which the relay has seen before it tells by what they grow.
        conn.execute(
            "insert into onceflow.statistic select 86400, 'flow', s,"
            " date_trunc('day', now(), 'UTC'), o, 3, 3, 6,"
            " array_fill(0::bigint, array[31]) || 3::bigint"
            " from unnest('{\"\",a}'::text[]) s, unnest('{RUNNING,SUCCEEDED}'::text[]) o"
        )
        conn.execute(
            "insert into onceflow.label_statistic select 86400, date_trunc('day', now(), 'UTC'),"
            " l, 'flow', 'gold', 'RUNNING', 2 from unnest('{tier,who}'::text[]) l"
        )
        started = 'onceflow_instances_started_total{workflow="flow"}'
        wait_until(lambda: value(get(relay, "/metrics")[1], started) == 3, "the sums", 60)
        labelled = 'onceflow_labelled_instances_total{label="%s",state="RUNNING",value="gold",'
        labelled += 'workflow="flow"}'
        wait_until(lambda: value(get(relay, "/metrics")[1], labelled % "tier") == 2, "labels", 60)
        texts[relay] = get(relay, "/metrics")[1]
    assert value(texts[relay], labelled % "who") is None, "nobody has named it"
    assert value(texts[relay], 'onceflow_queue_workers{queue="default"}') is not None
    assert (
        value(
            texts[relay],
            'onceflow_step_run_seconds_count{outcome="SUCCEEDED",step="a",workflow="flow"}',
        )
        == 3
    )
    assert value(texts[worker], "onceflow_worker_slots") == 10
    assert value(texts[api], "onceflow_pool_most") == 10
    served = names("\n".join(texts.values())) | LATER
    assert {title: wanted - served for title, wanted in asked().items() if wanted - served} == {}
    told = set(re.findall(r"onceflow_[a-z_]+", RUNBOOKS.read_text()))
    plain = {re.sub(r"_(bucket|count|sum)$", "", name) for name in served}
    assert {name for name in told if name.endswith("_total") and name not in plain} == set()


def test_a_process_without_a_port_serves_nothing(settings: Settings) -> None:
    code = (
        "import sys; from onceflow.relay import command;"
        "from onceflow.engine.monitoring.monitor import Monitor;"
        "from onceflow.engine.settings import Settings\n"
        "with Monitor(Settings(), 'relay') as monitor: assert monitor.port is None\n"
        "print([name for name in sys.modules if name.startswith(('prometheus', 'http.server'))])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"


def test_a_port_that_is_taken_is_told_at_the_start(settings: Settings) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        env = {**os.environ, **settings.environment()}
        env["ONCEFLOW_METRICS_PORT"] = str(taken.getsockname()[1])
        ran = subprocess.run(
            [sys.executable, "-m", "onceflow", "relay"], env=env, capture_output=True, text=True
        )
    assert ran.returncode == 1
    assert "ONCEFLOW_METRICS_PORT" in ran.stderr
    assert "Traceback" not in ran.stderr


@pytest.mark.skipif(not shutil.which("promtool"), reason="promtool of Prometheus is not installed")
def test_each_alert_fires_and_ends() -> None:
    for arguments in (["check", "rules", str(ALERTS)], ["test", "rules", TESTS.name]):
        ran = subprocess.run(
            ["promtool", *arguments], cwd=TESTS.parent, capture_output=True, text=True
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
    tried = {
        (case["alertname"], bool(case["exp_alerts"]))
        for test in yaml.safe_load(TESTS.read_text())["tests"]
        for case in test["alert_rule_test"]
    }
    assert tried == {(rule["alert"], fires) for rule in rules() for fires in (True, False)}


def test_each_alert_has_a_runbook_that_starts_with_what_to_type() -> None:
    sections = re.findall(r"^### (\w+)\n\n(```)?", RUNBOOKS.read_text(), re.MULTILINE)
    assert [name for name, _ in sections] == [rule["alert"] for rule in rules()]
    assert [name for name, block in sections if not block] == []
    for rule in rules():
        assert rule["annotations"]["runbook"] == f"docs/monitoring.md#{rule['alert'].lower()}"
        assert rule["annotations"]["summary"]
