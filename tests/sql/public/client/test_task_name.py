"""task_name, and task_keys, which reads it back"""

import pytest

from ...play import Play


@pytest.mark.parametrize(
    ("scope", "visit", "name"),
    [
        (0, 0, "render"),
        (17, 0, "render/17"),
        (17, 2, "render/17/2"),
        (0, 2, "render/0/2"),
        (10**17, 10**8, "render/100000000000000000/100000000"),
    ],
)
def test_a_key_has_one_name_that_reads_back_as_the_key(
    play: Play, scope: int, visit: int, name: str
) -> None:
    assert play.value("select onceflow.task_name('render', %s, %s)", scope, visit) == name
    key = play.row(
        "select step, scope, visit"
        " from unnest(onceflow.task_keys(array[gen_random_uuid()], array[%s]))",
        name,
    )
    assert key == ("render", scope, visit)


def test_a_compensation_is_named_like_any_step(play: Play) -> None:
    assert play.value("select onceflow.task_name('a.compensate', 0, 0)") == "a.compensate"


@pytest.mark.parametrize(
    "text", ["", "/", "a/", "/1", "a/b", "a/-1", "a/1/", "a/1/2/3", "a/1 ", "a/" + "9" * 19, None]
)
def test_what_no_key_has_for_a_name_reads_as_no_key(play: Play, text: str | None) -> None:
    key = play.row(
        "select step, scope, visit"
        " from unnest(onceflow.task_keys(array[gen_random_uuid()], array[%s::text]))",
        text,
    )
    assert key == (None, None, None)
