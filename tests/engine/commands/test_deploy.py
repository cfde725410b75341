"""``onceflow deploy``: new versions, unchanged ones, and all that is wrong with a file."""

import io
import json
import re
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


PLACES = ["3:5", "4:5", "5:9"]


def test_every_fault_is_listed_with_its_place(onceflow: Onceflow, file: Path) -> None:
    file.write_text("name: broken\nsteps:\n  - id: a\n    tsk: x\n  - id: a\n    task: y\n")
    done = onceflow("deploy", file)
    assert done.code == 1
    told = done.err.splitlines()
    assert told[0] == "onceflow deploy: the definition has 3 faults"
    assert told[2].startswith(f"{file}:4:5: /steps/0/tsk: ")
    assert [line.partition(": ")[0] for line in told[1:]] == [f"{file}:{at}" for at in PLACES]
    assert len({*told}) == 4
    listed = onceflow("deploy", file, "--check", "--json")
    assert listed.code == 1
    assert [f"{one['line']}:{one['column']}" for one in listed.json["faults"]] == PLACES
    assert listed.json["faults"][1]["place"] == "/steps/0/tsk"
    assert onceflow("list").out == "no instance matches\n"


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        (
            "order.json",
            b'{"name": "a",\n "steps": [}',
            "2:12: is not JSON: a JSON value is expected",
        ),
        ("order.json", b'{"name": "a",\n "steps": 7}', "2:11: /steps: must "),
        ("order.yaml", b"name: a\nsteps: [\n", ": is not YAML: "),
        ("order.yaml", b"name: a\nsteps: \xff\n", "2:8: is not UTF-8"),
    ],
)
def test_a_fault_of_a_text_tells_its_line(
    onceflow: Onceflow, tmp_path: Path, name: str, text: bytes, told: str
) -> None:
    place = tmp_path / name
    place.write_bytes(text)
    done = onceflow("deploy", place)
    assert done.code == 1
    lines = [line for line in done.err.splitlines() if told in line]
    assert len(lines) == 1
    assert re.match(rf"{re.escape(str(place))}:\d+:\d+: ", lines[0])


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
