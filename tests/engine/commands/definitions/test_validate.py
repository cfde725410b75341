"""``onceflow validate``: all that is wrong with files, without a database, and soon."""

import io
import subprocess
import sys
from pathlib import Path

import pytest

from ..conftest import ORDER, Onceflow

BROKEN = """\
name: broken
steps:
  - id: a
    tsk: x
  - id: b
    task: t
    timeout: soon
    needs: [a, c]
  - id: b
    set: ${ $.steps.d.output }
output: $.steps.e.output
on_failure: stop
"""
FAULTS = ["3:5", "4:5", "7:14", "8:16", "9:5", "9:9", "10:10", "11:9", "12:13"]


@pytest.fixture(autouse=True)
def nowhere(monkeypatch: pytest.MonkeyPatch, onceflow: Onceflow) -> None:
    monkeypatch.setenv("ONCEFLOW_DSN", "no connection string")


def test_what_is_right_is_told_file_by_file(onceflow: Onceflow, tmp_path: Path) -> None:
    (tmp_path / "order.yaml").write_text(ORDER)
    (tmp_path / "a.json").write_text('{"name": "a", "steps": [{"id": "a", "task": "t"}]}')
    done = onceflow("validate", tmp_path)
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines() == [
        f"{tmp_path}/a.json: a: nothing is wrong with it",
        f"{tmp_path}/order.yaml: order: nothing is wrong with it",
    ]


def test_every_fault_of_every_file_is_a_line(onceflow: Onceflow, tmp_path: Path) -> None:
    broken, unread = tmp_path / "broken.yaml", tmp_path / "not-yaml.yaml"
    broken.write_text(BROKEN)
    unread.write_text("steps: [\n")
    (tmp_path / "order.yaml").write_text(ORDER)
    missing = tmp_path / "missing.yaml"
    done = onceflow("validate", tmp_path, missing)
    assert done.code == 1
    sound, *faults, count = done.out.splitlines()
    assert sound.endswith("order: nothing is wrong with it")
    assert [line.partition(": ")[0] for line in faults[: len(FAULTS)]] == [
        f"{broken}:{place}" for place in FAULTS
    ]
    assert faults[len(FAULTS)].startswith(f"{unread}:2:1: is not YAML: ")
    assert faults[len(FAULTS) + 1] == f"{missing}: cannot be read: No such file or directory"
    assert count == f"{len(FAULTS) + 2} faults in 3 of 4 files"


def test_json_names_each_fault(onceflow: Onceflow, tmp_path: Path) -> None:
    broken = tmp_path / "broken.yaml"
    broken.write_text(BROKEN)
    (tmp_path / "data.json").write_text("[]")
    done = onceflow("validate", tmp_path, "--json")
    assert done.code == 1
    told = done.json
    assert told["definitions"] == []
    assert told["left_out"] == [f"{tmp_path}/data.json"]
    assert [f"{one['line']}:{one['column']}" for one in told["faults"]] == FAULTS
    assert told["faults"][1] == {
        "file": str(broken),
        "place": "/steps/0/tsk",
        "line": 4,
        "column": 5,
        "message": "a step has no key 'tsk'; did you mean 'task'?",
    }


def test_stdin_is_read_where_a_dash_stands(
    onceflow: Onceflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(BROKEN.encode())))
    done = onceflow("validate", "-")
    assert done.code == 1
    assert done.out.startswith("<stdin>:3:5: /steps/0: ")
    assert done.out.endswith(f"{len(FAULTS)} faults\n")


def test_a_folder_without_definitions_is_said(onceflow: Onceflow, tmp_path: Path) -> None:
    done = onceflow("validate", tmp_path)
    assert done.code == 1
    assert done.err == f"onceflow validate: the folder {tmp_path} holds no file of YAML or JSON\n"
    (tmp_path / "a.yaml").write_text("services: {}\n")
    assert "there is no definition in" in onceflow("validate", tmp_path).err


def test_it_loads_nothing_that_takes_long(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("name: a\nsteps: [{id: a, task: t}]\n")
    script = (
        "import sys\nfrom onceflow.engine.commands.cli import main\n"
        f"code = main(['validate', {str(tmp_path / 'a.yaml')!r}])\n"
        "print(code, [m for m in ('psycopg', 'jsonschema', 'rich') if m in sys.modules])"
    )
    argv = [sys.executable, "-P", "-c", script]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[1] == "0 []"


def test_three_thousand_steps_and_ten_thousand_edges_take_a_second_of_a_quiet_machine(
    tmp_path: Path,
) -> None:
    lines = ["name: big", "steps:"]
    for n in range(3_000):
        needs = [f"s{m}" for m in (n - 9, n - 10, n - 14, n - 17) if m >= 0][: 3 + (n % 3 == 0)]
        lines += [f"- id: s{n}", "  task: work", "  needs:"]
        lines[-1] += " []" if not needs else ""
        lines += [f"  - {need}" for need in needs]
        lines += ["  with:", *(f"    {need}: $.steps.{need}.output" for need in needs[:2])]
        lines += ["    n: $.input.n"]
    big = tmp_path / "big.yaml"
    big.write_text("\n".join(lines))
    script = (
        "import sys, time\nfrom onceflow.engine.commands.cli import main\n"
        f"code = main(['validate', {str(big)!r}])\nprint(code, time.process_time())"
    )
    argv = [sys.executable, "-P", "-c", script]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    code, seconds = done.stdout.splitlines()[-1].split()
    assert code == "0"
    # CPU of it and its start, on a machine that may be five times as slow as it was: 0.9 s.
    assert float(seconds) < 5
