"""The running API held against its own description, with requests that are made up from that."""

import json
import re
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx2
import psycopg
import pytest

from onceflow.api.routes import OPERATIONS
from onceflow.engine.accounts.keys import digest_of, make_key
from onceflow.engine.accounts.roles import WORDS
from onceflow.engine.calls import create_api_key
from onceflow.engine.settings import Settings

from ..fuzz.effort import TIMES
from .definitions import NIGHTLY, ONE, ORDER
from .hand_worker import HandWorker
from .server import running_api

# Left out is positive_data_acceptance: a cursor that is none of ours, or an input that does not fit
# the schema of its workflow, fits the description and is refused all the same.
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "missing_required_header",
    "unsupported_method",
    "allow_header_conformance",
)


def described(url: str, folder: Path) -> Path:
    """Return a file with the API's own description, in which the steps of blocks are any objects.

    Of steps in steps without end the tool would make up requests for minutes.
    """
    document = httpx2.get(f"{url}/openapi.json").json()
    schemas = document["components"]["schemas"]
    kinds = {name: json.dumps(schemas[name]) for name in schemas if "Definition-step-" in name}
    whole = '{"$ref": "#/components/schemas/Definition-step"}'
    assert any(whole in text for text in kinds.values())
    for name, text in kinds.items():
        schemas[name] = json.loads(text.replace(whole, '{"type": "object"}'))
    file = folder / "openapi.json"
    file.write_text(json.dumps(document))
    return file


@dataclass(frozen=True)
class Held:
    """A running api with something of everything in it, and what is asked about."""

    url: str
    folder: Path

    def against(self, *options: str, timeout: float = 560) -> None:
        """Hold it against its description; fail where it answers otherwise."""
        run = subprocess.run(
            [
                *(sys.executable, "-m", "schemathesis.cli"),
                *("--config-file", str(self.folder / "schemathesis.toml")),
                *("run", str(described(self.url, self.folder)), "--url", self.url),
                *("--no-color", "--checks", ",".join(CHECKS), "--continue-on-failure"),
                *options,
            ],
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        assert run.returncode == 0, run.stdout[-20_000:] + run.stderr
        tested = re.search(r"Tested: (\d+)", run.stdout)
        assert tested is not None
        assert int(tested[1]) == len(OPERATIONS)
        assert httpx2.get(f"{self.url}/health/ready").status_code == 200


@contextmanager
def held(
    settings: Settings, worker: HandWorker, folder: Path, headers: dict[str, str]
) -> Generator[Held]:
    """Run an api, and start what is asked about, as somebody who may."""
    with running_api(settings) as api, httpx2.Client(base_url=api.url, headers=headers) as client:
        kind = {"content-type": "application/yaml"}
        for definition in (ORDER, ONE, NIGHTLY):
            client.post("/workflows", content=definition, headers=kind)
        body = {"input": {"customer": "ALFKI", "total": 1}}
        ids = [client.post("/workflows/order/start", json=body).json()["id"] for _ in range(3)]
        for instance in ids:
            worker.complete(instance)
        for instance in ids[1:]:
            worker.fail(instance)
        # What is there is asked for, not only what nobody has heard of.
        (folder / "schemathesis.toml").write_text(
            f'[parameters]\n"path.id" = "order"\n"path.instanceId" = "{ids[2]}"\n'
            '"path.workflow" = "night"\n"path.trigger" = "daily"\n'
        )
        yield Held(api.url, folder)


@pytest.mark.timeout(600)
def test_made_up_requests_get_no_undescribed_answer(
    settings: Settings, worker: HandWorker, tmp_path: Path
) -> None:
    with held(settings, worker, tmp_path, {}) as api:
        # What lies at each bound of each value, phase by phase, takes minutes.
        phases = "coverage,fuzzing" if TIMES > 1 else "fuzzing"
        api.against("--seed", "1", "--phases", phases, "--max-examples", "2")


@pytest.mark.timeout(600 * TIMES)
def test_nobody_gets_an_undescribed_answer_whatever_his_role(
    request: pytest.FixtureRequest,
    settings: Settings,
    conn: psycopg.Connection[Any],
    worker: HandWorker,
    tmp_path: Path,
) -> None:
    seed = int(request.config.getoption("--hypothesis-seed") or 1)
    keys = {role: make_key() for role in WORDS}
    for role, key in keys.items():
        create_api_key(conn, f"{role}-key", digest_of(key), role)
    conn.commit()
    by_role = {role: {"Authorization": f"Bearer {key}"} for role, key in keys.items()}
    with held(replace(settings, accounts="on"), worker, tmp_path, by_role["admin"]) as api:
        # A run takes long to begin: in the suite those who may do nothing, little, everything.
        roles = [None, *WORDS] if TIMES > 1 else [None, "viewer", "admin"]
        for number, role in enumerate(roles):
            said = [f"{name}: {value}" for name, value in by_role.get(role or "", {}).items()]
            api.against(
                *("--seed", str(seed + number), "--phases", "fuzzing"),
                *("--max-examples", str(TIMES)),
                *(option for header in said for option in ("--header", header)),
                timeout=600 * TIMES,
            )
