"""``onceflow dead-letters``: by name and by filter, redriven, skipped, discarded."""

import pytest

from onceflow.engine.calls import register_workflow, start_instances
from onceflow.engine.definition import compile_definition, parse

from ...api.hand_worker import HandWorker
from ...conftest import Connect
from .conftest import Onceflow


@pytest.fixture
def dead(worker: HandWorker, connect: Connect) -> list[str]:
    """Three instances whose payment is an open dead letter, the third with another code."""
    inputs = [{"customer": f"C{n}", "total": 0.1} for n in range(3)]
    ids = [str(s.instance_id) for s in start_instances(connect(), "order", inputs)]
    for instance, code in zip(ids, ("card.refused", "card.refused", "bank.closed"), strict=True):
        worker.complete(instance, {})
        worker.fail(instance, code)
    return ids


def test_list_and_its_filters(onceflow: Onceflow, dead: list[str]) -> None:
    def found(*filters: str) -> list[str]:
        rows = onceflow("dead-letters", "list", "--json", *filters).json["items"]
        return [row["instance"] for row in rows]

    assert found() == dead
    assert found("--code", "bank.closed") == dead[2:]
    assert found("--code", "card.*") == dead[:2]
    assert found("--code", "*") == dead
    assert found("--code", "card_*") == found("--code", "%") == found("--code", "card") == []
    assert found("--instance", dead[1]) == [dead[1]]
    assert found("--workflow", "order", "--step", "pay", "--queue", "default") == dead
    assert found("--step", "reserve") == []
    shown = onceflow("dead-letters", "list", "--limit", "2").out
    assert f"{dead[0]}/pay" in shown
    assert "card.refused: it broke" in shown
    assert shown.endswith(f"(more follow: --after {dead[1]}/pay)\n")
    assert found("--after", f"{dead[1]}/pay") == dead[2:]


def test_a_list_looks_at_so_many_and_says_so(
    onceflow: Onceflow, dead: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("calls.lists", "commands"):
        monkeypatch.setattr(f"onceflow.engine.{module}.dead_letters.LOOKED_AT", 2)
    listed = ("dead-letters", "list", "--code", "bank.closed")
    second = f"{dead[1]}/pay"
    told = onceflow(*listed)
    assert told.out == (
        f"no dead letter matches\n(of 2 looked at no more match; to look on: --after {second})\n"
    )
    page = onceflow(*listed, "--json").json
    assert page == {"items": [], "next": second, "looked_at": 2}
    rest = onceflow(*listed, "--after", second, "--json").json
    assert [row["instance"] for row in rest["items"]] == dead[2:]
    assert (rest["next"], rest["looked_at"]) == (None, None)
    whole = onceflow("dead-letters", "list", "--json").json
    assert (len(whole["items"]), whole["looked_at"]) == (3, None)
    # What is decided by a filter is all that it fits.
    assert onceflow("dead-letters", "redrive", "--code", "bank.closed").out.startswith(dead[2])


def test_those_that_failed_alike_are_counted(
    onceflow: Onceflow, worker: HandWorker, connect: Connect, dead: list[str]
) -> None:
    started = start_instances(connect(), "order", [{"customer": "D", "total": 1}] * 3)
    alike = [str(one.instance_id) for one in started]
    for n, instance in enumerate(alike):
        worker.complete(instance, {})
        worker.fail(instance, "card.refused", message=f"card {n}", fingerprint="0123456789abcdef")
    groups = onceflow("dead-letters", "list", "--group", "--json").json
    assert [(one["fingerprint"], one["code"], one["count"]) for one in groups] == [
        ("0123456789abcdef", "card.refused", 3),
        (None, "card.refused", 2),
        (None, "bank.closed", 1),
    ]
    assert groups[0]["dead_letters"] == [f"{instance}/pay" for instance in alike]
    first = onceflow("dead-letters", "list", "--group").out.splitlines()[1]
    assert first.split()[:2] == ["0123456789abcdef", "3"]
    assert "card.refused: card 0" in first


def test_one_is_redriven_with_corrected_input(
    onceflow: Onceflow, worker: HandWorker, dead: list[str]
) -> None:
    done = onceflow("dead-letters", "redrive", f"{dead[0]}/pay", "--input", '{"sum": 12.50}')
    assert (done.code, done.out) == (0, f"{dead[0]}/pay  done: it is tried again\n")
    grant = worker.claim(dead[0])
    assert grant.input_json == '{"sum": 12.50}'
    assert grant.attempt == 2


def test_many_are_redriven_by_filter(
    onceflow: Onceflow, worker: HandWorker, dead: list[str]
) -> None:
    done = onceflow("dead-letters", "redrive", "--code", "card.refused", "--json")
    assert done.code == 0
    assert [one["instance"] for one in done.json["decided"]] == dead[:2]
    assert worker.claim(dead[1]).input == {"sum": 0.1}
    left = onceflow("dead-letters", "list", "--json").json["items"]
    assert [row["instance"] for row in left] == dead[2:]


def test_skip_gives_the_output(onceflow: Onceflow, dead: list[str]) -> None:
    key = f"{dead[0]}/pay"
    assert onceflow("dead-letters", "skip", key, "--output", '{"by": "hand"}', "--yes").code == 0
    shown = onceflow("show", dead[0], "--json").json
    assert (shown["status"], shown["output"]) == ("SUCCEEDED", {"paid": {"by": "hand"}})


def test_discard_fails_the_instances(onceflow: Onceflow, dead: list[str]) -> None:
    assert onceflow("dead-letters", "discard", "--all", "--yes").code == 0
    states = {row["id"]: row["status"] for row in onceflow("list", "--json").json["items"]}
    assert states == dict.fromkeys(dead, "COMPENSATING")
    records = onceflow("dead-letters", "list", "--records", "--json").json["items"]
    assert [row["open"] for row in records] == [False] * 3
    refused = onceflow("dead-letters", "redrive", f"{dead[0]}/pay")
    assert refused.code == 1
    assert f"{dead[0]}/pay  refused: " in refused.out


def test_what_does_not_exist_is_said(onceflow: Onceflow, dead: list[str]) -> None:
    done = onceflow("dead-letters", "discard", f"{dead[0]}/reserve", f"{dead[0]}/nothing", "--yes")
    assert done.code == 1
    assert len(done.out.splitlines()) == 2
    assert "done" not in done.out


def test_nothing_is_decided_by_an_empty_choice(onceflow: Onceflow, dead: list[str]) -> None:
    for action in ("redrive", "skip", "discard"):
        done = onceflow("dead-letters", action)
        assert done.code == 1
        assert "--all" in done.err
        both = onceflow("dead-letters", action, f"{dead[0]}/pay", "--all")
        assert both.code == 1
    assert len(onceflow("dead-letters", "list", "--json").json["items"]) == 3


def test_no_match_is_no_failure(onceflow: Onceflow, worker: HandWorker) -> None:
    assert onceflow("dead-letters", "redrive", "--all").code == 0
    assert onceflow("dead-letters", "redrive", "--all", "--json").json == {"decided": []}
    assert onceflow("dead-letters", "list").out == "no dead letter matches\n"


def test_wrong_names_are_wrong_usage(onceflow: Onceflow) -> None:
    assert onceflow("dead-letters").code == 2
    assert onceflow("dead-letters", "redrive", "pay").code == 2
    assert onceflow("dead-letters", "redrive", "not-a-uuid/pay").code == 2


OUTPUT = """
name: valued
steps:
  - {id: a, set: 1}
output: $.input.none
"""


def test_an_output_that_failed_is_shown_and_redriven_with_its_value(
    onceflow: Onceflow, connect: Connect
) -> None:
    conn = connect()
    register_workflow(conn, compile_definition(parse(OUTPUT, "yaml")))
    (started,) = start_instances(conn, "valued", [{}])
    instance = str(started.instance_id)
    letter = f"{instance}/workflow.output"
    assert "workflow.output  DEAD_LETTER" in onceflow("show", instance).out
    assert (
        "redrive it with the value that its expression should have given: "
        f"onceflow dead-letters redrive {letter}, with --input and that value"
    ) in onceflow("explain", instance).out
    done = onceflow("dead-letters", "redrive", letter, "--input", '"O-1"')
    assert (done.code, done.out) == (0, f"{letter}  done: it goes on with that\n")
    assert onceflow("show", instance, "--json").json["output"] == "O-1"
