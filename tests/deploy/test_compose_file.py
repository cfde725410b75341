"""compose.yaml and Dockerfile as documents: their form, and what belongs together."""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from psycopg.conninfo import conninfo_to_dict

from onceflow.engine.settings import load_settings

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
JOBS = {"migrate", "invoice-tables", "invoice-workflow"}
DOCKERFILE = (ROOT / "Dockerfile").read_text()


def test_the_compose_file_fits_the_schema() -> None:
    schema = json.loads((Path(__file__).parent / "compose-spec.json").read_text())
    jsonschema.Draft201909Validator.check_schema(schema)
    validator: Any = jsonschema.Draft201909Validator(schema)
    faults = [f"{fault.json_path}: {fault.message}" for fault in validator.iter_errors(COMPOSE)]
    assert faults == []


def test_all_parts_of_the_deployment_are_there() -> None:
    assert SERVICES.keys() == JOBS | {
        "postgres", "redpanda", "api", "relay", "worker", "shop", "mail-catcher",
    }  # fmt: skip


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_a_service_has_a_health_check_and_restarts_unless_it_is_a_job(name: str) -> None:
    service = SERVICES[name]
    if name in JOBS:
        assert service["restart"] == "no"
    else:
        assert service["restart"] == "unless-stopped"
        assert service["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL")


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_a_service_waits_for_jobs_to_end_and_for_others_to_be_healthy(name: str) -> None:
    for other, how in SERVICES[name].get("depends_on", {}).items():
        wanted = "service_completed_successfully" if other in JOBS else "service_healthy"
        assert how == {"condition": wanted}, other


def test_images_of_others_are_pinned() -> None:
    assert SERVICES["postgres"]["image"] == "postgres:18"
    assert re.fullmatch(r"redpandadata/redpanda:v\d+\.\d+\.\d+", SERVICES["redpanda"]["image"])


def test_every_volume_is_declared_and_mounted_where_the_service_may_write() -> None:
    for name, service in SERVICES.items():
        for mount in service.get("volumes", []):
            source, target = mount.split(":")[:2]
            if source.startswith("."):
                assert (ROOT / source).is_file()
                assert mount.endswith(":ro")
            else:
                assert source in COMPOSE["volumes"]
                if service["image"] == "onceflow":
                    assert target in DOCKERFILE, f"{name}: {target} is not made in the image"


def test_the_image_runs_as_an_ordinary_user() -> None:
    users = re.findall(r"^USER (\S+)", DOCKERFILE, re.MULTILINE)
    assert users == ["onceflow"]
    assert re.search(r"useradd .* onceflow\b", DOCKERFILE)
    for service in SERVICES.values():
        assert "privileged" not in service
        if service["image"] == "onceflow":
            assert service["read_only"] is True
            assert service["cap_drop"] == ["ALL"]


def test_the_image_is_built_from_files_that_exist_and_are_sent() -> None:
    sent = re.findall(r"^!(\S+)", (ROOT / ".dockerignore").read_text(), re.MULTILINE)
    copied = [
        source
        for line in re.findall(r"^COPY (?!--from)(.+)", DOCKERFILE, re.MULTILINE)
        for source in line.split()[:-1]
    ]
    for source in copied:
        assert (ROOT / source).exists(), source
        assert source.split("/")[0] in sent, source
    # Each folder that is a package of ours is a link in src, which needs what it points to.
    linked = {link.name for link in (ROOT / "src" / "onceflow").iterdir() if link.is_symlink()}
    assert linked <= set(copied)


class ComposeLoader(yaml.SafeLoader):
    """Reads Compose's tags of what is not merged with the other file: as ``{"!…": content}``."""


def tagged(loader: ComposeLoader, node: yaml.Node) -> dict[str, Any]:
    mapping = isinstance(node, yaml.MappingNode)
    return {node.tag: loader.construct_mapping(node, deep=True) if mapping else None}


for tag in ("!reset", "!override"):
    ComposeLoader.add_constructor(tag, tagged)


def merged(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """Merge two documents as Compose does, as far as ours need it."""
    result = dict(base)
    for key, value in over.items():
        if "!reset" in value:
            del result[key]
        elif "!override" in value:
            result[key] = value["!override"]
        elif isinstance(base.get(key), dict):
            result[key] = merged(base[key], value)
        else:
            result[key] = value
    return result


def filled(text: str, password: str | None = None) -> str:
    """Return what Compose makes of a value: a variable has its default, or is ``password``."""

    def fill(found: re.Match[str]) -> str:
        named = found[1].endswith("_PASSWORD") and password is not None
        return str(password) if named else found[2]

    return re.sub(r"\$\{(\w+):-([^}]*)\}", fill, str(text))


def test_without_a_broker_nothing_is_left_of_it() -> None:
    over = yaml.load((ROOT / "compose.postgres.yaml").read_text(), ComposeLoader)  # noqa: S506
    services: dict[str, dict[str, Any]] = merged(SERVICES, over["services"])
    assert services.keys() == SERVICES.keys() - {"redpanda"}
    for name, service in services.items():
        depends = service.get("depends_on", {})
        assert depends.keys() == SERVICES[name].get("depends_on", {}).keys() - {"redpanda"}, name
        if "ONCEFLOW_DSN" in service.get("environment", {}):
            settings = load_settings({k: filled(v) for k, v in service["environment"].items()})
            assert (settings.transport, settings.kafka) == ("postgres", ""), name


ODD = """it's@the/100%, "quoted" \\ and spaced#1=?&:"""


@pytest.mark.parametrize(
    "name", [n for n, s in SERVICES.items() if "ONCEFLOW_DSN" in s.get("environment", {})]
)
def test_a_password_of_any_characters_reaches_postgres_as_it_is(name: str) -> None:
    environment = {k: filled(v, ODD) for k, v in SERVICES[name]["environment"].items()}
    given = conninfo_to_dict(load_settings(environment).dsn)
    assert given["password"] == ODD
    assert (given["host"], given["dbname"]) == ("postgres", "onceflow")
    assert str(given["user"]).startswith("onceflow_")


def test_what_is_installed_into_the_image_is_named_by_its_hash() -> None:
    installs = re.findall(r"pip install (.+)", DOCKERFILE)
    assert installs[0].endswith("--require-hashes -r requirements.lock")
    assert all("--no-deps --no-build-isolation" in line for line in installs[1:])
    lock = (ROOT / "deploy" / "requirements.lock").read_text().replace("\\\n", "")
    pinned = [line for line in lock.splitlines() if line and not line.lstrip().startswith("#")]
    assert pinned
    assert all(re.match(r"\S+==\S+ .*--hash=sha256:", line) for line in pinned), pinned[0]
