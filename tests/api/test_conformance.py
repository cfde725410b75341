"""The running API held against its own description, with requests that are made up from that."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx2
import psycopg
import pytest

from onceflow.api.routes import OPERATIONS
from onceflow.engine.settings import Settings

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


@pytest.mark.timeout(600)
def test_made_up_requests_get_no_undescribed_answer(
    settings: Settings, conn: psycopg.Connection[Any], worker: HandWorker, tmp_path: Path
) -> None:
    with running_api(settings) as api:
        headers = {"content-type": "application/yaml"}
        for definition in (ORDER, ONE, NIGHTLY):
            httpx2.post(f"{api.url}/workflows", content=definition, headers=headers)
        body = {"input": {"customer": "ALFKI", "total": 1}}
        ids = [
            httpx2.post(f"{api.url}/workflows/order/start", json=body).json()["id"]
            for _ in range(3)
        ]
        for instance in ids:
            worker.complete(instance)
        for instance in ids[1:]:
            worker.fail(instance)
        config = tmp_path / "schemathesis.toml"
        # What is there is asked for, not only what nobody has heard of.
        config.write_text(
            f'[parameters]\n"path.id" = "order"\n"path.instanceId" = "{ids[2]}"\n'
            '"path.workflow" = "night"\n"path.trigger" = "daily"\n'
        )
        run = subprocess.run(
            [
                *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(config)),
                *("run", str(described(api.url, tmp_path)), "--url", api.url),
                *("--no-color", "--seed", "1"),
                *("--checks", ",".join(CHECKS), "--continue-on-failure"),
                *("--phases", "coverage,fuzzing", "--max-examples", "2"),
            ],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=560,
            check=False,
        )
        assert run.returncode == 0, run.stdout[-20_000:] + run.stderr
        tested = re.search(r"Tested: (\d+)", run.stdout)
        assert tested is not None
        assert int(tested[1]) == len(OPERATIONS)
        assert httpx2.get(f"{api.url}/health/ready").status_code == 200
