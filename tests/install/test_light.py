"""The wheel without extras: what it weighs, what it can do, and what it says of the rest."""

import ast
import importlib.metadata
import os
import subprocess
import sys
import tomllib
import venv
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from onceflow.engine.extras import EXTRAS
from onceflow.engine.settings import Settings

from ..servers import Servers, create_database, drop_database
from ..transports import use
from .wheels import ROOT, closure, pack

MOST_MEGABYTES = 40
TASKS = """
from onceflow.worker import task

@task("greet")
def greet(name: str) -> str:
    return f"Hello, {name}"
"""
CLIENT = """
import os
from onceflow.client import Client

with Client(os.environ["ONCEFLOW_DSN"]) as client:
    started = client.start("light", {"name": "Grace"}, key="grace")
    print(client.result(started.id, str, timeout=30))
"""
WORKFLOW = """
name: light
steps:
  - {id: greet, task: greet, with: {name: $.input.name}}
output: $.steps.greet.output
"""


@pytest.fixture(scope="module")
def project() -> dict[str, list[str]]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


@pytest.fixture(scope="module")
def installed(project: dict[str, list[str]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty environment into which our wheel was installed from wheels at hand."""
    folder = tmp_path_factory.mktemp("light")
    wheels = folder / "wheels"
    wheels.mkdir()
    for distribution in closure(project["dependencies"]):
        pack(distribution, wheels)
    source = folder / "source"
    source.mkdir()
    files = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split("\0")
    for name in filter(None, files):
        origin, target = ROOT / name, source / name
        if origin.exists() or origin.is_symlink():
            target.parent.mkdir(parents=True, exist_ok=True)
            if origin.is_symlink():
                target.symlink_to(origin.readlink())
            else:
                target.write_bytes(origin.read_bytes())
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run(
        [*pip, "wheel", "--no-deps", "--no-build-isolation", "--no-index", "-w", wheels, source],
        check=True,
    )
    environment = folder / "environment"
    venv.create(environment, symlinks=True)
    into = [*pip, "--python", environment / "bin" / "python", "install"]
    subprocess.run(
        [*into, "--no-compile", "--no-index", "--find-links", wheels, "onceflow"],
        check=True,
    )
    return environment


def onceflow(
    environment: Path, settings: Settings | None, *arguments: str, code: int = 0
) -> subprocess.CompletedProcess[str]:
    """Run the command line of the environment."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("ONCEFLOW_", "PYTHON"))}
    ended = subprocess.run(
        [environment / "bin" / "onceflow", *arguments],
        env=env
        | (settings.environment() if settings else {})
        | {"PYTHONPATH": str(environment.parent)},
        cwd=environment.parent,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == code, ended.stderr
    return ended


@pytest.fixture
def postgres_settings(servers: Servers) -> Iterator[Settings]:
    database = create_database(servers, migrated=True)
    with database.connect() as conn:
        use(conn, "postgres")
    yield Settings(dsn=database.dsn, transport="postgres")
    drop_database(servers, database.name)


def test_it_weighs_less_than_its_limit(installed: Path) -> None:
    (packages,) = installed.glob("lib/python3.*/site-packages")
    size = sum(path.stat().st_size for path in packages.rglob("*") if path.is_file())
    assert size < MOST_MEGABYTES * 1_000_000


def test_a_worker_and_a_client_run_over_postgres(
    installed: Path, postgres_settings: Settings
) -> None:
    (installed.parent / "light_tasks.py").write_text(TASKS)
    (installed.parent / "light.yaml").write_text(WORKFLOW)
    onceflow(installed, postgres_settings, "deploy", "light.yaml")
    env = {k: v for k, v in os.environ.items() if not k.startswith(("ONCEFLOW_", "PYTHON"))}
    worker = subprocess.Popen(
        [installed / "bin" / "onceflow", "worker", "--import", "light_tasks"],
        env=env | postgres_settings.environment() | {"PYTHONPATH": str(installed.parent)},
    )
    try:
        started = onceflow(
            installed, postgres_settings, "start", "light", "--input", '{"name": "Ada"}', "--wait"
        )
        asked = subprocess.run(
            [installed / "bin" / "python", "-c", CLIENT],
            env=env | postgres_settings.environment(),
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
    finally:
        worker.terminate()
        assert worker.wait(30) == 0
    assert "SUCCEEDED" in started.stdout
    assert "Hello, Ada" in started.stdout
    assert asked.stdout == "Hello, Grace\n"


@pytest.mark.parametrize(
    ("arguments", "extra"),
    [(["api"], "server"), (["dev"], "dev"), (["demo"], "dev")],
)
def test_what_is_missing_is_told_by_name(installed: Path, arguments: list[str], extra: str) -> None:
    ended = onceflow(installed, None, *arguments, code=2)
    assert f"pip install 'onceflow[{extra}]'" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_worker_over_kafka_names_the_extra(installed: Path, servers: Servers) -> None:
    (installed.parent / "light_tasks.py").write_text(TASKS)
    settings = Settings(dsn=servers.dsn, kafka="127.0.0.1:1")
    ended = onceflow(installed, settings, "worker", "--import", "light_tasks", code=2)
    assert "pip install 'onceflow[kafka]'" in ended.stderr


def test_built_in_tasks_whose_package_is_missing_are_told(
    installed: Path, postgres_settings: Settings
) -> None:
    (installed.parent / "light_print.py").write_text("import onceflow.worker.integrations")
    ended = onceflow(
        installed, postgres_settings, "worker", "--import", "light_print", "--queues", "-", code=1
    )
    assert "pdf.render is not served here: pip install 'onceflow[pdf]'" in ended.stderr
    assert "smtp.send is not served here: pip install 'onceflow[mail]'" in ended.stderr


def test_every_package_that_the_product_imports_is_of_the_core_or_of_a_named_extra(
    project: dict[str, list[str]],
) -> None:
    brought = importlib.metadata.packages_distributions()
    core = {canonicalize_name(each.name) for each in closure(project["dependencies"])}
    unnamed = {
        (str(path.relative_to(ROOT)), package)
        for folder in ("api", "client", "engine", "examples", "relay", "sql", "worker")
        for path in (ROOT / folder).rglob("*.py")
        for package in imported(path)
        if package not in sys.stdlib_module_names
        and package not in {*EXTRAS, "onceflow"}
        and not {canonicalize_name(name) for name in brought.get(package, [package])} & core
    }
    assert unnamed == set()
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    for package, extra in EXTRAS.items():
        of_extra = {canonicalize_name(each.name) for each in closure([f"onceflow[{extra}]"])}
        assert extra in extras
        assert {canonicalize_name(name) for name in brought[package]} & of_extra, package


def imported(path: Path) -> set[str]:
    """Return the packages that a file imports by absolute names."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found.add((node.module or "").partition(".")[0])
    return found
