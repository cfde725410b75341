"""start_triggered: what triggers have heard of starts instances, of many workflows at once."""

from typing import Any

from onceflow.engine import calls, json_text
from onceflow.engine.definition.inputs.checks import compile_checks
from onceflow.engine.json_text import Json

from ...play import Play
from ...workflows import Step, path, workflow

Item = tuple[str, Json, str | None]
"""Workflow, input, key."""


def start(play: Play, *items: Item, errors: list[Json] | None = None) -> list[tuple[Any, ...]]:
    """Start items as if a trigger `t` had heard of them; return (outcome, error's code)."""
    names, inputs, keys = zip(*items, strict=True)
    return play.rows(
        "select outcome, error ->> 'code' from onceflow.start_triggered("
        " array(select w.id from unnest(%s::text[]) with ordinality u (name, n)"
        "   join onceflow.workflow w on w.name = u.name order by u.n),"
        " array_fill('t'::text, array[cardinality(%s::text[])]), %s::jsonb[], %s::text[],"
        " p_scheduled_at => array_fill('2026-01-01 06:00+00'::timestamptz,"
        "   array[cardinality(%s::text[])]),"
        " p_errors => %s::jsonb[]) order by ordinal",
        list(names),
        list(names),
        [json_text.encode(each) for each in inputs],
        list(keys),
        list(names),
        None if errors is None else [json_text.encode(e) if e else None for e in errors],
    )


def deploy(play: Play, name: str, **more: Any) -> None:
    seen = {"o": {"by": path("$.instance.trigger"), "at": path("$.instance.scheduled_at")}}
    play.deploy(workflow(Step("a", input=seen), name=name, **more))


def test_each_starts_of_the_latest_version_of_its_own_workflow(play: Play) -> None:
    deploy(play, "one")
    deploy(play, "two", search=["n"], deadline=60.0)
    play.deploy(workflow(Step("b"), Step("c"), name="one"))
    assert (
        start(play, ("one", {}, None), ("two", {"n": 1}, "k"), ("one", {}, "k"))
        == [("started", None)] * 3
    )
    assert play.rows(
        "select i.workflow, i.version, i.open_tasks, i.key, i.deadline_at - i.started_at = '1 min',"
        " i.trigger, i.scheduled_at = '2026-01-01 06:00+00',"
        " (select value from onceflow.search_values s where s.instance_id = i.id)"
        " from onceflow.instances i order by id"
    ) == [
        ("one", 2, 2, None, None, "t", True, None),
        ("two", 1, 1, "k", True, "t", True, "1"),
        ("one", 2, 2, "k", None, "t", True, None),
    ]
    seen = play.value("select input from onceflow.tasks where task = 'a'")
    assert seen == {"by": "t", "at": "2026-01-01T06:00:00.000000Z"}


def test_who_started_none_is_seen_as_null(play: Play) -> None:
    deploy(play, "one")
    calls.start_instances(play.conn, "one", [{}])
    assert play.value("select input from onceflow.tasks") == {"by": None, "at": None}


def test_a_key_starts_one_instance_of_each_workflow(play: Play) -> None:
    deploy(play, "one")
    deploy(play, "two")
    items: list[Item] = [
        ("one", {}, "k"),
        ("two", {}, "k"),
        ("one", {}, "k"),
        ("two", {"x": 1}, "k"),
    ]
    assert start(play, *items) == [
        ("started", None), ("started", None), ("exists", None), ("conflict", None)
    ]  # fmt: skip
    assert start(play, *items)[:3] == [("exists", None)] * 3
    assert play.value("select count(*) from onceflow.instances") == 2


def test_each_is_answered_for_itself(play: Play) -> None:
    string = {"type": "object", "properties": {"n": {"type": "string"}}}
    checks = {"input_checks": compile_checks(string).checks}
    compiled = workflow(Step("a"), name="strict", input_schema=string)
    play.deploy({**compiled, **checks})
    deploy(play, "one")
    deploy(play, "off")
    start(play, ("off", {}, "k"))
    calls.disable_workflows(play.conn, ["off"])
    error = {"code": "expression.failed", "message": "it failed"}
    answers = start(
        play,
        ("one", {}, None),
        ("strict", {"n": 1}, "k"),
        ("off", {}, None),
        ("off", {}, "k"),
        ("one", None, "k"),
        ("one", [], None),
        errors=[None, None, None, None, error, None],
    )
    assert [outcome for outcome, _ in answers] == [
        "started", "invalid", "disabled", "exists", "invalid", "invalid"
    ]  # fmt: skip
    assert answers[4][1] == "expression.failed"
    assert play.value("select count(*) from onceflow.idempotency_keys") == 1
