"""set_config_values, and what definitions see of it"""

from decimal import Decimal
from typing import Any, LiteralString

import psycopg
import pytest

from onceflow.engine import calls
from onceflow.engine.definition import check_definition, compile_definition, parse
from onceflow.engine.errors import BadArgument
from onceflow.engine.json_text import Json

from ...play import Play


def deploy(play: Play, text: str) -> None:
    calls.register_workflow(play.conn, compile_definition(parse(text, "yaml")))


def flow(with_: str, more: str = "") -> str:
    first = f"  - id: a\n    task: work\n    with: {with_}\n"
    return f"name: flow\non_failure: suspend\nsteps:\n{first}{more}"


def values(play: Play) -> dict[str, Any]:
    return dict(play.rows("select name, value from onceflow.config_values"))


def history(play: Play, name: str) -> list[tuple[int, Json, bool, str]]:
    return [
        (version, value, unset, by)
        for version, value, unset, by in play.rows(
            "select version, value, unset, set_by from onceflow.config_history"
            " where name = %s order by version",
            name,
        )
    ]


def test_each_change_is_a_version_with_who_made_it(play: Play) -> None:
    calls.set_config_values(play.conn, {"URL": "http://a", "MOST": 5}, "ann")
    (again,) = calls.set_config_values(play.conn, {"MOST": 5}, "bob")
    assert (again.outcome, again.version) == ("unchanged", 1)
    (changed,) = calls.set_config_values(play.conn, {"MOST": None}, "bob")
    assert (changed.outcome, changed.version) == ("done", 2)
    assert values(play) == {"URL": "http://a", "MOST": None}
    unset = calls.unset_config_values(play.conn, ["MOST", "NOBODY"])
    assert [(one.outcome, one.version) for one in unset] == [("done", 3), ("unknown", 0)]
    assert values(play) == {"URL": "http://a"}
    calls.set_config_values(play.conn, {"MOST": 7}, "")
    ((login,),) = play.rows("select session_user::text")
    assert history(play, "MOST") == [
        (1, 5, False, "ann"),
        (2, None, False, "bob"),
        (3, None, True, login),
        (4, 7, False, login),
    ]


@pytest.mark.parametrize(
    ("names", "given", "fault"),
    [
        (["a-b"], ["1"], "'a-b': a name is a letter or _"),
        (["A", None], ["1", "2"], "null: a name is"),
        (["A", "A"], ["1", "2"], "'A': the name stands twice"),
        (["A"], ['"' + "x" * 70_000 + '"'], "'A': it has 70002 bytes as JSON text, and 65536"),
        (["A"], ["1", "2"], "there are 2 names and 3 values"),
    ],
)
def test_what_cannot_be_set_is_refused_and_nothing_is_set(
    play: Play, names: list[str], given: list[str], fault: str
) -> None:
    statement: LiteralString = "select * from onceflow.set_config_values(%s::text[], %s::jsonb[])"
    with pytest.raises(psycopg.Error, match=fault) as raised:
        play.conn.execute(statement, (["B", *names], ["1", *given]))
    assert raised.value.sqlstate == "WF002"
    assert values(play) == {}
    with pytest.raises(BadArgument):
        calls.set_config_values(play.conn, {"a b": 1})


def test_steps_see_it_as_it_is_when_they_come_due(play: Play) -> None:
    more = (
        "  - id: b\n    task: work\n"
        '    with: {most: "${ $config.MOST }", n: "${ $config.L.n | string }"}\n'
    )
    deploy(play, flow('{url: "${ $config.URL }/v1"}', more))
    calls.set_config_values(play.conn, {"URL": "http://a", "MOST": 1, "L": {"n": Decimal("1.50")}})
    instance = play.start("flow")
    assert play.task(instance, "a", "input") == ({"url": "http://a/v1"},)
    calls.set_config_values(play.conn, {"URL": "http://b", "MOST": [2]})
    play.complete(instance, "a")
    assert play.task(instance, "a", "input") == ({"url": "http://a/v1"},)
    assert play.task(instance, "b", "input") == ({"most": [2], "n": "1.50"},)


def test_a_condition_and_a_compensation_see_it_too(play: Play) -> None:
    more = (
        '    compensate: {task: undo, with: {to: "${ $config.UNDO }", was: $.task_input}}\n'
        '  - {id: b, task: work, when: "${ $config.ON == true }"}\n'
        "  - {id: c, task: work}\n"
    )
    deploy(play, flow("{}", more).replace("suspend", "compensate"))
    calls.set_config_values(play.conn, {"ON": False, "UNDO": "there"})
    instance = play.start("flow")
    play.complete(instance, "a")
    assert play.state(instance, "b") == "SKIPPED"
    calls.cancel_instances(play.conn, [instance])
    assert play.task(instance, "a.compensate", "input") == ({"to": "there", "was": {}},)


@pytest.mark.parametrize(
    "expression",
    [
        "$config.MOST",
        "$config.MOST.n",
        "$config.MOST | string",
        "$.input.n < $config.MOST",
        "$.input.items[*] ? (@ < $config.MOST)",
        "$config.MOST + 1 | string",
    ],
    ids=["alone", "member", "pipe", "condition", "filter", "arithmetic"],
)
def test_a_value_that_is_not_set_is_an_error_of_its_step_that_says_so(
    play: Play, expression: str
) -> None:
    deploy(play, flow(f'{{a: "${{ {expression} }}"}}'))
    (started,) = calls.start_instances(play.conn, "flow", [{"n": 1, "items": [1, 2]}])
    instance = started.instance_id
    error: dict[str, Any]
    (error,) = play.task(instance, "a", "error")
    assert error["code"] == "expression"
    assert error["message"].endswith(
        "the configuration of this deployment has no value MOST; "
        "set it: onceflow config set MOST VALUE"
    )
    told = [one.because for one in calls.explain_instance(play.conn, instance)]
    assert any("onceflow config set MOST VALUE" in because for because in told)
    calls.set_config_values(play.conn, {"MOST": {"n": 3}})
    calls.unset_config_values(play.conn, ["MOST"])
    (again,) = calls.start_instances(play.conn, "flow", [{"n": 1, "items": [1, 2]}])
    assert play.state(again.instance_id, "a") == "DEAD_LETTER"


def test_a_default_stands_in_for_a_value_that_is_not_set(play: Play) -> None:
    deploy(
        play, flow('{a: "${ $config.MOST | default(5) }", b: "${ $config.N.x | default(null) }"}')
    )
    assert play.task(play.start("flow"), "a", "input") == ({"a": 5, "b": None},)
    calls.set_config_values(play.conn, {"MOST": 6, "N": {}})
    assert play.task(play.start("flow"), "a", "input") == ({"a": 6, "b": None},)


def test_no_input_asks_for_it(play: Play) -> None:
    calls.set_config_values(play.conn, {"MOST": 6})
    deploy(play, flow("{a: $.input}"))
    given = {"config": {"MOST": 1}, "x": "${ $config.MOST }", "y": "$.config.MOST"}
    (started,) = calls.start_instances(play.conn, "flow", [given])
    assert play.task(started.instance_id, "a", "input") == ({"a": given},)


def test_two_that_set_one_value_make_two_versions(play: Play) -> None:
    calls.set_config_values(play.conn, {"A": 0})
    with psycopg.connect(play.conn.info.dsn, password=play.conn.info.password) as other:
        calls.set_config_values(other, {"A": 1})
        play.conn.execute("set lock_timeout = '100ms'")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            play.conn.execute("select onceflow.set_config_values('{A}', '{2}')")
        assert values(play) == {"A": 0}, "who reads does not wait"
    play.conn.execute("set lock_timeout = 0")
    calls.set_config_values(play.conn, {"A": 2})
    assert [version for version, *_ in history(play, "A")] == [1, 2, 3]


def test_workflow_needs_tell_what_is_there(play: Play) -> None:
    more = '  - {id: b, task: work, with: {a: "${ $config.A }"}, when: "${ $config.B == 1 }"}\n'
    deploy(play, flow('{a: "${ $config.A }"}', more))
    calls.set_config_values(play.conn, {"A": 1})
    needs = calls.read_needs(play.conn, "flow", 1)
    assert [(n.kind, n.name, n.steps, n.is_there) for n in needs] == [
        ("config", "A", ["a", "b"], True),
        ("config", "B", ["b"], False),
    ]
    assert calls.read_needs(play.conn, "flow", 2) == []


def test_workflow_needs_tell_of_steps_in_blocks(play: Play) -> None:
    more = (
        "  - id: b\n    for_each: ${ $config.A }\n    steps:\n"
        "      - id: c\n        switch:\n"
        '          - {when: "${ $config.B }", steps: [{id: d, set: "${ $config.C }"}]}\n'
    )
    deploy(play, flow("{}", more))
    needs = calls.read_needs(play.conn, "flow", 1)
    assert [(need.name, need.steps) for need in needs] == [("A", ["b"]), ("B", ["c"]), ("C", ["d"])]


@pytest.mark.parametrize("asked", ["until", "while"])
def test_and_of_what_is_asked_between_rounds(play: Play, asked: str) -> None:
    more = f'  - {{id: r, repeat: [{{id: s, set: 1}}], {asked}: "${{ $config.DONE }}"}}\n'
    definition = flow("{}", more)
    assert check_definition(parse(definition, "yaml")).needs() == [("config", "DONE")]
    deploy(play, definition)
    needs = calls.read_needs(play.conn, "flow", 1)
    assert [(need.name, need.steps, need.is_there) for need in needs] == [("DONE", ["r"], False)]
