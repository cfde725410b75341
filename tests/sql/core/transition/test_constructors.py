"""task_change, instance_change, placed_task: names for what would be rows of nulls."""

import pytest

from ...play import Play

KEY = "t.instance_id, t.step, t.scope, t.visit"
INSTANCE = "'0190b5a3-0000-7000-8000-000000000001'::uuid"


@pytest.mark.parametrize(
    "call",
    [
        f"task_change({KEY}, t.attempt, t.state, t.state, t.queue, t.worker_id, t.error, t.seq)",
        f"task_change({KEY}, 0, case when t.passed > 0 then 'WAITING' end, t.state)",
        "instance_change(t.instance_id, 'RUNNING', 'CLOSING', t.error)",
        f"placed_task({KEY}, 1, t.seq, t.state, t.due_at)",
    ],
)
def test_a_constructor_costs_no_call(play: Play, call: str) -> None:
    plan = play.rows(f"explain verbose select onceflow.{call} from onceflow.task t")
    shown = "\n".join(line for (line,) in plan)
    assert "ROW(" in shown
    assert call.partition("(")[0] + "(" not in shown


def test_what_is_asked_of_a_change_costs_no_call(play: Play) -> None:
    asked = (
        "explain verbose select bool_and(onceflow.stands_alone(c)),"
        " max(onceflow.task_message(c.instance_id, c.step, c.scope, c.visit)::text)"
        " from unnest('{}'::onceflow.change[]) c"
    )
    shown = "\n".join(line for (line,) in play.rows(asked))
    assert "jsonb_build_object(" in shown
    assert "stands_alone(" not in shown
    assert "task_message(" not in shown


# guarantee: alone-held
@pytest.mark.parametrize(
    ("was", "state", "seq", "plain"),
    [
        ("RUNNING", "SUCCEEDED", 3, True),
        (None, "QUEUED", 3, True),
        ("READY", "QUEUED", 3, False),  # its message bears the name of its handler
        ("RUNNING", "DEAD_LETTER", 3, False),  # it is told elsewhere too
        ("RUNNING", "SUCCEEDED", None, False),  # it is not numbered yet
    ],
)
def test_a_change_stands_alone_that_is_recorded_without_a_look_at_anything_else(
    play: Play, was: str | None, state: str, seq: int | None, plain: bool
) -> None:
    change = (
        "select onceflow.stands_alone(onceflow.task_change({}, 'a', 0, 0, 1, %s, %s, p_seq => %s))"
    )
    assert play.value(change.format(INSTANCE), was, state, seq) is plain


def test_evaluating_and_deciding_cost_no_call(play: Play) -> None:
    plan = play.rows("explain verbose select * from onceflow.decide_tasks('{}', '{}', '{}', 1)")
    shown = "\n".join(line for (line,) in plan)
    assert "onceflow.step" in shown
    assert "decide_tasks" not in shown
    assert "evaluate_steps" not in shown


@pytest.mark.parametrize(
    ("was", "state", "opened"),
    [
        (None, "WAITING", 1),
        (None, "QUEUED", 1),
        (None, "DEAD_LETTER", 1),
        (None, "SKIPPED", 0),
        ("WAITING", "RUNNING", 0),
        ("QUEUED", "QUEUED", 0),
        ("RUNNING", "RETRYING", 0),
        ("RUNNING", "DEAD_LETTER", 0),
        ("RUNNING", "SUCCEEDED", -1),
        ("WAITING", "SKIPPED", -1),
        ("READY", "CANCELLED", -1),
        ("DEAD_LETTER", "SKIPPED", -1),
        ("DEAD_LETTER", "DEAD_LETTER", -1),
        ("DEAD_LETTER", "READY", 0),
    ],
)
def test_what_a_change_adds_to_the_open_tasks_follows_from_its_states(
    play: Play, was: str | None, state: str, opened: int
) -> None:
    change = "select (onceflow.task_change({}, 'a', 0, 0, 1, %s::text, %s::text)).opened"
    assert play.value(change.format(INSTANCE), was, state) == opened


def test_the_change_of_an_instance_names_no_task(play: Play) -> None:
    change = f"onceflow.instance_change({INSTANCE}, null, 'RUNNING', p_seq => 1)"
    row = play.row(f"select c.step, c.was, c.state, c.opened, c.seq from {change} c")
    assert row == (None, None, "RUNNING", 0, 1)
