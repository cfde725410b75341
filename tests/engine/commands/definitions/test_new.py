"""``onceflow new`` and ``schema``: a first definition, and what editors check it by."""

import json
from pathlib import Path

import jsonschema_rs

from onceflow.engine.definition import json_schema, parse

from ..conftest import Onceflow


def test_what_is_begun_is_right_for_all_who_check_it(onceflow: Onceflow, tmp_path: Path) -> None:
    done = onceflow("new", tmp_path / "order")
    assert done.code == 0
    file = tmp_path / "order.yaml"
    text = file.read_text()
    assert text.startswith("# yaml-language-server: $schema=workflow.schema.json\nname: order\n")
    schema = json.loads((tmp_path / "workflow.schema.json").read_text())
    jsonschema_rs.validate(schema, parse(text, "yaml").value)
    checked = onceflow("validate", tmp_path)
    assert (checked.code, checked.out) == (0, f"{file}: order: nothing is wrong with it\n")
    assert onceflow("deploy", tmp_path).out == "order: registered as version 1\n"


def test_the_schema_may_be_elsewhere(onceflow: Onceflow, tmp_path: Path) -> None:
    url = "http://127.0.0.1:3000/schema/workflow.json"
    assert onceflow("new", tmp_path / "a.yml", "--schema", url).code == 0
    assert (tmp_path / "a.yml").read_text().startswith(f"# yaml-language-server: $schema={url}\n")
    assert [path.name for path in tmp_path.iterdir()] == ["a.yml"]


def test_nothing_is_written_over(onceflow: Onceflow, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("mine")
    done = onceflow("new", tmp_path / "a.yaml")
    assert done.code == 1
    assert "a.yaml is there already (give another name)" in done.err
    assert (tmp_path / "a.yaml").read_text() == "mine"
    assert "is no name of a workflow" in onceflow("new", tmp_path / "1.yaml").err
    assert "is not YAML by its name (give a.yaml)" in onceflow("new", tmp_path / "a.json").err
    assert "cannot be written: No such file" in onceflow("new", tmp_path / "x" / "a.yaml").err


def test_the_schema_is_printed(onceflow: Onceflow) -> None:
    assert onceflow("schema").json == json_schema()
