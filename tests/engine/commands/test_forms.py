"""``onceflow forms`` and ``onceflow answer``: what people are asked, and what they decide."""

import pytest

from onceflow.engine.calls import register_workflow, start_instances
from onceflow.engine.definition import compile_definition, parse

from ...conftest import Connect
from .conftest import Onceflow

REFUND = """
name: refund
steps:
  - id: ask
    approve:
      title: Refund of ${ $.input.sum }
      to: [managers, boss]
      due: 2d
      form: {type: object, properties: {note: {type: string, pattern: "^[a-z]+$"}}}
"""


@pytest.fixture
def form(dsn: str, connect: Connect) -> str:
    """An open form, as INSTANCE/TASK."""
    conn = connect()
    conn.execute("select onceflow.set_clock('2026-11-26T08:00:00Z')")
    register_workflow(conn, compile_definition(parse(REFUND, "yaml")))
    (started,) = start_instances(conn, "refund", [{"sum": 12}])
    return f"{started.instance_id}/ask"


def test_listing_claiming_and_reassigning(onceflow: Onceflow, form: str) -> None:
    instance = form.partition("/")[0]
    (listed,) = onceflow("forms", "list", "--for", "boss", "--json").json["items"]
    assert (listed["title"], listed["to"]) == ("Refund of 12", ["managers", "boss"])
    assert listed["due_at"] == "2026-11-28T08:00:00Z"
    assert form in onceflow("forms", "list").out.replace("\n", "")
    assert onceflow("forms", "list", "--for", "eve").out == "no open form matches\n"
    assert onceflow("forms", "claim", form, "--by", "ada").code == 0
    refused = onceflow("forms", "claim", form, "--by", "bob")
    assert (refused.code, "refused: ada has taken it" in refused.out) == (1, True)
    assert onceflow("forms", "list", "--claimed-by", "ada", "--json").json["items"]
    assert onceflow("forms", "release", form, "--by", "ada").code == 0
    moved = onceflow("forms", "reassign", form, "--by", "ada", "--to", "eve", "--json")
    assert moved.json["decided"][0]["outcome"] == "done"
    explained = onceflow("explain", instance).out
    assert "for eve to decide: Refund of 12; until 2026-11-28T08:00:00.000Z" in explained
    assert f"onceflow answer {form} approved, with --by" in explained


def test_answering(onceflow: Onceflow, form: str) -> None:
    wrong = onceflow("answer", form, "approved", "--by", "ada", "--answer", '{"note": "1"}')
    assert (wrong.code, "/note" in wrong.err) == (1, True)
    wrong = onceflow("answer", form, "maybe", "--by", "ada")
    assert (wrong.code, "must be one of approved, rejected" in wrong.out) == (1, True)
    said = ("answer", form, "rejected", "--by", "ada", "--answer", '{"note": "no"}', "--key", "k")
    assert onceflow(*said).out == f"{form}  accepted: the answer is taken\n"
    assert onceflow(*said, "--json").json["outcome"] == "repeated"
    late = onceflow("answer", form, "approved", "--by", "bob")
    assert (late.code, "ada has answered it already, rejected" in late.out) == (1, True)
    shown = onceflow("show", form.partition("/")[0], "--json").json
    assert shown["tasks"][0]["output"]["decision"] == "rejected"
