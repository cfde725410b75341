"""Every UPDATE of a task or an instance repeats on its target row what it takes for granted.

What was read or locked before it may have changed; Postgres looks again only at the conditions on
the row that the UPDATE itself changes.
"""

import re

import pytest

from ..rooms import TEXTS

BY_LOCK_ALONE = {
    "record_changes": "counters of instances that the same transaction has locked",
    "record_alone": "those of the one that it has locked",
}


def updates(table: str) -> list[tuple[str, str]]:
    """Return (function, WHERE of the outermost statement) of every UPDATE of a table."""
    found: list[tuple[str, str]] = []
    for name, written in TEXTS.items():
        text = re.sub(r"--.*", "", written)
        for match in re.finditer(rf"\bupdate onceflow\.{table} (\w)\b", text):
            statement = _statement(text, match.start())
            found.append(
                (name, _outermost(statement).rpartition("where")[2].partition("returning")[0])
            )
    return found


def _statement(text: str, start: int) -> str:
    """Return the text from an UPDATE to its end: a semicolon, or the bracket it stands in."""
    depth = 0
    for place in range(start, len(text)):
        depth += {"(": 1, ")": -1}.get(text[place], 0)
        if depth < 0 or (text[place] == ";" and depth == 0):
            return text[start:place]
    raise AssertionError("the statement does not end")


def _outermost(statement: str) -> str:
    """Return a statement without what stands in brackets."""
    while statement != (shorter := re.sub(r"\([^()]*\)", "", statement)):
        statement = shorter
    return statement


@pytest.mark.parametrize(("function", "where"), updates("task"))
def test_an_update_of_tasks_repeats_their_state(function: str, where: str) -> None:
    assert re.search(r"\bt\.state (= |in )", where), f"{function}: {where}"


@pytest.mark.parametrize(("function", "where"), updates("instance"))
def test_an_update_of_instances_repeats_their_state_or_suspension(
    function: str, where: str
) -> None:
    if function not in BY_LOCK_ALONE:
        assert re.search(r"\bi\.(state|suspended_by)\b", where), f"{function}: {where}"


@pytest.mark.parametrize(
    "function", ["complete_alone", "complete_set", "fail_attempts", "return_attempts"]
)
def test_an_answer_repeats_the_fence(function: str) -> None:
    wheres = [where for name, where in updates("task") if name == function]
    assert wheres
    assert all("t.fence = " in where for where in wheres), wheres
