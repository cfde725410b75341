"""register_workflow"""

import pytest

from onceflow.engine import calls
from onceflow.engine.errors import DefinitionError

from ...play import Play
from ...sessions import Sessions
from ...workflows import Step, fields, path, sequence, value, workflow


def test_a_new_name_gives_version_one(play: Play) -> None:
    made = calls.register_workflow(play.conn, sequence("a", "b"))
    assert (made.name, made.version, made.created) == ("flow", 1, True)
    assert play.row("select id, name, version from onceflow.workflows") == (
        made.workflow_id,
        "flow",
        1,
    )


def test_the_definition_of_the_latest_version_again_changes_nothing(play: Play) -> None:
    first = calls.register_workflow(play.conn, sequence("a"))
    again = calls.register_workflow(play.conn, sequence("a"))
    assert (again.workflow_id, again.version, again.created) == (first.workflow_id, 1, False)
    assert play.value("select count(*) from onceflow.workflow_versions") == 1


def test_anything_else_makes_the_next_version_also_a_return_to_an_older_one(play: Play) -> None:
    for definition in (sequence("a"), sequence("b"), sequence("a")):
        calls.register_workflow(play.conn, definition)
    versions = play.rows("select version from onceflow.workflow_versions order by version")
    assert versions == [(1,), (2,), (3,)]


def test_the_definition_is_kept_as_it_was_written(play: Play) -> None:
    compiled = sequence("a", input_schema={"type": "object"})
    calls.register_workflow(play.conn, compiled)
    stored = play.row("select definition, input_schema from onceflow.workflow_versions")
    assert stored == (compiled["definition"], {"type": "object"})


def test_an_input_schema_of_json_null_is_none(play: Play) -> None:
    calls.register_workflow(play.conn, sequence("a"))
    assert play.value("select input_schema is null from onceflow.workflow_versions")


def test_instances_keep_the_version_that_they_were_started_with(play: Play) -> None:
    old = play.begin(sequence("a", "b"))
    play.deploy(sequence("a", "x"))
    play.complete(old, "a", "b")
    assert play.instance(old, "version", "state") == (1, "SUCCEEDED")


def test_the_queues_of_its_steps_become_known(play: Play) -> None:
    play.deploy(workflow(Step("a", queue="pdf"), Step("b", ("a",)), Step("c", ("a",), queue="pdf")))
    assert calls.list_queues(play.conn) == ["default", "pdf"]


@pytest.mark.parametrize("broken", ["$.input[", "strict $.a.datetime(", "no path"])
def test_a_path_that_postgres_cannot_read_is_refused_and_nothing_is_stored(
    play: Play, broken: str
) -> None:
    step = Step("a", input=fields(x={"p": broken, "t": broken}))
    with pytest.raises(DefinitionError, match="not a path"):
        calls.register_workflow(play.conn, workflow(step))
    assert play.value("select count(*) from onceflow.workflow") == 0


# guarantee: paths-in-bodies
@pytest.mark.parametrize(
    "place",
    ["output", "when", "pipe", "text", "list", "each", "within a path", "until"],
)
def test_a_path_is_found_wherever_it_stands(play: Play, place: str) -> None:
    bad = path("$.input[")
    trees = {
        "output": workflow(Step("a"), output=bad),
        "when": workflow(Step("a", when=bad)),
        "pipe": workflow(Step("a", input={"f": "default", "x": value(1), "a": [bad]})),
        "text": workflow(Step("a", input={"c": [value("x"), bad]})),
        "list": workflow(Step("a", input={"l": [fields(deep=bad)]})),
        "each": workflow(Step("a", input={"f": "each", "x": path("$.input"), "a": [], "i": bad})),
        "within a path": workflow(Step("a", input={**path("$f1"), "z": [bad]})),
        "until": workflow(Step("a")),
    }
    trees["until"]["steps"][0]["spec"]["until"] = bad
    with pytest.raises(DefinitionError):
        calls.register_workflow(play.conn, trees[place])


def test_a_field_named_p_in_the_users_data_is_no_path(play: Play) -> None:
    step = Step("a", input=fields(p=value("not a path"), q=value({"p": "nor ( is this"})))
    compiled = workflow(step, input_schema={"p": "nor [ that"})
    compiled["definition"] = {"with": {"p": "as it was ( written"}}
    instance = play.begin(compiled)
    assert play.task(instance, "a", "input") == ({"p": "not a path", "q": {"p": "nor ( is this"}},)


@pytest.mark.parametrize("name", ["", "1st", "a b", "ż", "x" * 129])
def test_a_name_that_is_none_is_refused(play: Play, name: str) -> None:
    with pytest.raises(Exception, match="workflow_name_check"):
        calls.register_workflow(play.conn, sequence("a", name=name))


def test_one_definition_from_two_sessions_at_once_is_one_version(
    play: Play, sessions: Sessions
) -> None:
    first, second = sessions(), sessions()
    made = first.begin(lambda conn: calls.register_workflow(conn, sequence("a")))
    waiting = second.call_blocked(lambda conn: calls.register_workflow(conn, sequence("a")))
    first.commit()
    found = waiting.result(30)
    assert (made.created, found.created) == (True, False)
    assert (made.workflow_id, made.version) == (found.workflow_id, found.version)


def test_two_definitions_from_two_sessions_at_once_are_two_versions(
    play: Play, sessions: Sessions
) -> None:
    play.deploy(sequence("a"))
    first, second = sessions(), sessions()
    one = first.begin(lambda conn: calls.register_workflow(conn, sequence("b")))
    waiting = second.call_blocked(lambda conn: calls.register_workflow(conn, sequence("c")))
    first.commit()
    assert (one.version, waiting.result(30).version) == (2, 3)
