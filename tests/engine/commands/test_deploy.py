"""``onceflow deploy``: new versions, unchanged ones, and all that is wrong with a file."""

import io
import json
from pathlib import Path

import pytest

from onceflow.engine.definition import compile_definition, parse

from .conftest import ORDER, Onceflow


@pytest.fixture
def file(tmp_path: Path) -> Path:
    place = tmp_path / "order.yaml"
    place.write_text(ORDER)
    return place


def test_a_file_becomes_a_version(onceflow: Onceflow, file: Path) -> None:
    done = onceflow("deploy", file)
    assert (done.code, done.out) == (0, "order: registered as version 1\n")
    assert onceflow("deploy", file).out == "order: unchanged since version 1\n"
    file.write_text(ORDER.replace("default(0)", "default(1)"))
    answer = onceflow("deploy", file, "--json").json
    assert answer["version"] == 2
    assert answer["created"] is True


def test_json_and_stdin(
    onceflow: Onceflow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = json.dumps(compile_definition(parse(ORDER, "yaml"))["definition"])
    place = tmp_path / "order.json"
    place.write_text(text)
    assert onceflow("deploy", place).code == 0
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(ORDER.encode())))
    assert onceflow("deploy", "-").out == "order: unchanged since version 1\n"


def test_every_fault_is_listed_with_its_place(onceflow: Onceflow, file: Path) -> None:
    file.write_text("name: broken\nsteps:\n  - id: a\n    tsk: x\n  - id: a\n    task: y\n")
    done = onceflow("deploy", file)
    assert done.code == 1
    assert len(done.err.splitlines()) >= 3
    assert "tsk" in done.err
    assert onceflow("list").out == "no instance matches\n"


def test_check_needs_no_database(
    onceflow: Onceflow, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONCEFLOW_DSN", "postgresql://nobody@127.0.0.1:1/nothing")
    assert onceflow("deploy", file, "--check").out == "order: nothing is wrong with it\n"
    file.write_text("name: broken\nsteps: []\n")
    assert onceflow("deploy", file, "--check").code == 1


def test_a_file_that_is_not_there(onceflow: Onceflow, tmp_path: Path) -> None:
    done = onceflow("deploy", tmp_path / "none.yaml")
    assert done.code == 1
    assert "none.yaml cannot be read: No such file" in done.err
