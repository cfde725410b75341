"""docs/api.md tells the truth: its examples are run, and answered as it shows."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any, cast

import pytest

from onceflow.engine.settings import Settings

from .hand_worker import HandWorker
from .server import running_api

PAGE = Path(__file__).parents[2] / "docs" / "api.md"
BLOCK = re.compile(r"```(sh|json)\n(.*?)```|<!-- a worker (completes|fails|defers) (\S+) -->", re.S)
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


def check(shown: Any, answered: Any, place: str) -> None:
    """Hold an answer against what the page shows of it; ``…`` stands for anything."""
    if shown == "…":
        return
    if isinstance(shown, dict):
        for key, value in cast("dict[str, Any]", shown).items():
            assert key in answered, place
            check(value, answered[key], f"{place}.{key}")
    elif isinstance(shown, list):
        items = cast("list[Any]", shown)
        if items[-1:] == ["…"]:
            items = items[:-1]
            answered = answered[: len(items)]
        assert len(items) == len(answered), place
        for n, value in enumerate(items):
            check(value, answered[n], f"{place}[{n}]")
    elif isinstance(shown, str) and (UUID.fullmatch(shown) or TIME.fullmatch(shown)):
        form = UUID if UUID.fullmatch(shown) else TIME
        assert form.fullmatch(answered), place
    else:
        assert shown == answered, place


@pytest.mark.skipif(shutil.which("curl") is None, reason="the examples are curl's")
def test_the_examples_of_the_page(settings: Settings, worker: HandWorker) -> None:
    with running_api(settings) as api:
        variables = {"instance": ""}
        answer: Any = None
        examples = 0
        for kind, text, verb, _ in BLOCK.findall(PAGE.read_text(encoding="utf-8")):
            if verb == "defers":
                variables["token"] = worker.defer(variables["instance"])
            elif verb:
                move = worker.complete if verb == "completes" else worker.fail
                move(variables["instance"])
            elif kind == "json":
                check(json.loads(text), answer, text)
                examples += 1
            elif text.startswith("api="):
                variables["api"] = api.url
            else:
                run = subprocess.run(
                    ["sh", "-ec", text],
                    env=os.environ | variables,
                    capture_output=True,
                    check=False,
                )
                assert run.returncode == 0, (text, run.stderr)
                answer = json.loads(run.stdout)
                if "id" in answer and not variables["instance"] and "status" in answer:
                    variables["instance"] = answer["id"]
        assert examples >= 15
