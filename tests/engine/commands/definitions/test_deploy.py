"""``onceflow deploy``: new versions, unchanged ones, and all that is wrong with a file."""

import io
import json
import re
from pathlib import Path

import pytest

from onceflow.engine.definition import compile_definition, parse

from ....conftest import Connect
from ..conftest import ORDER, Onceflow


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
    (answer,) = onceflow("deploy", file, "--json").json["deployed"]
    assert answer["version"] == 2
    assert answer["created"] is True
    assert answer["file"] == str(file)


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
    listed = onceflow("deploy", file, "--json")
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


def test_a_file_that_is_not_there(onceflow: Onceflow, tmp_path: Path) -> None:
    done = onceflow("deploy", tmp_path / "none.yaml")
    assert done.code == 1
    assert "none.yaml: cannot be read: No such file" in done.err


ANOTHER = "name: another\nsteps: [{id: a, task: t}]\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "workflows"
    (place / "deep").mkdir(parents=True)
    (place / ".hidden").mkdir()
    (place / "order.yaml").write_text(ORDER)
    (place / "deep" / "another.yml").write_text(ANOTHER)
    (place / "compose.yaml").write_text("services: {a: {image: b}}\n")
    (place / ".hidden" / "x.yaml").write_text("name: hidden\nsteps: []\n")
    return place


def test_a_folder_is_deployed_with_all_that_it_holds(onceflow: Onceflow, folder: Path) -> None:
    done = onceflow("deploy", folder)
    assert done.code == 0
    assert done.out.splitlines() == [
        "another: registered as version 1",
        "order: registered as version 1",
    ]
    assert done.err == f"left out, since they have no `steps`: {folder}/compose.yaml\n"


def test_where_one_has_a_fault_nothing_is_registered(onceflow: Onceflow, folder: Path) -> None:
    broken = folder / "broken.json"
    broken.write_text('{"name": "broken", "steps": [{"id": "a", "task": "t", "wth": {}}]}')
    done = onceflow("deploy", folder)
    assert (done.code, done.out) == (1, "")
    head, fault = done.err.splitlines()
    assert head == "onceflow deploy: 1 of 3 definitions have 1 fault"
    assert fault.startswith(f"{broken}:1:55: /steps/0/wth: a step has no key 'wth'; did you mean")
    assert "there is no workflow order" in onceflow("versions", "order").err


def test_a_name_is_of_one_definition(onceflow: Onceflow, folder: Path) -> None:
    (folder / "second.yaml").write_text(ANOTHER)
    done = onceflow("deploy", folder)
    assert done.code == 1
    assert f"{folder}/second.yaml:1:7: /name: 'another' is the name of the workflow in" in done.err


def test_a_dry_run_registers_nothing_and_says_what_would_change(
    onceflow: Onceflow, folder: Path
) -> None:
    assert onceflow("deploy", folder, "--dry-run").out.splitlines() == [
        "another: would be new, as version 1",
        "order: would be new, as version 1",
    ]
    assert onceflow("deploy", folder / "order.yaml").code == 0
    (folder / "order.yaml").write_text(ORDER.replace("default(0)", "default(1)"))
    for _ in range(2):
        done = onceflow("deploy", folder, "--dry-run")
        assert (done.code, done.out.splitlines()) == (
            0,
            [
                "another: would be new, as version 1",
                "order: would be version 2",
                "  ~ step pay",
                "    - with.sum: ${ $.input.total | default(0) }",
                "    + with.sum: ${ $.input.total | default(1) }",
            ],
        )
    told = onceflow("deploy", folder / "order.yaml", "--dry-run", "--json").json["would_deploy"]
    assert [(one["version"], one["created"]) for one in told] == [(2, True)]
    assert told[0]["changes"] == [
        {
            "step": "pay",
            "what": "changed",
            "key": "with.sum",
            "old": "${ $.input.total | default(0) }",
            "new": "${ $.input.total | default(1) }",
        }
    ]


def test_what_the_database_refuses_is_told_with_its_line(
    onceflow: Onceflow, connect: Connect, folder: Path
) -> None:
    connect().execute("update onceflow.deployment set transport = 'postgres'")
    publishing = folder / "publishing.yaml"
    publishing.write_text("name: publishing\nsteps:\n  - id: a\n    task: kafka.publish\n")
    done = onceflow("deploy", folder)
    assert done.code == 1
    assert [line.partition(":")[0] for line in done.out.splitlines()] == ["another", "order"]
    assert f"{publishing}:4:11: /steps/0/task: kafka.publish needs Kafka" in done.err
