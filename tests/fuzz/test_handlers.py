"""Whatever is given to handlers, and whatever they raise or return, every attempt is answered."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ..worker.attempts.odd import CONDUCT, NESTED
from .doors import Doors
from .effort import MARKS, bounded
from .test_definitions import started
from .values import TYPED

pytestmark = MARKS
TYPES = ["order", "moment", "span", "number", "bytes", "sets", "pair"]
"""Of tasks.py, which registers its handlers with whoever imports it."""
MODES = ["fuzz.act", "fuzz.act_async", "fuzz.act_transactional", "fuzz.act_transactional_async"]


@pytest.fixture(scope="module")
def acting(doors: Doors) -> Doors:
    for mode in MODES:
        given_input = {"conduct": "$.input.conduct", "told": "$.input.told"}
        retry = {"attempts": 2, "backoff": "10ms", "jitter": 0}
        step = {"id": "only", "task": mode, "with": given_input, "retry": retry}
        undo = {"task": "fuzz.echo", "with": {"value": "$.output"}}
        after = {"id": "after", "task": "fuzz.echo", "with": {"value": "$.steps.only.output"}}
        doors.deploy({"name": mode, "steps": [step | {"compensate": undo}, after]})
    return doors


@bounded(25)
@given(
    conducts=st.lists(
        st.tuples(st.sampled_from(MODES), CONDUCT, st.none() | NESTED), min_size=2, max_size=6
    )
)
def test_whatever_handlers_do(acting: Doors, conducts: list[tuple[str, Any, Any]]) -> None:
    ids = [
        acting.start(mode, [{"conduct": repr(conduct), "told": told and repr(told)}])[0]
        for mode, conduct, told in conducts
    ]
    acting.check(ids)
    rows = acting.conn.execute(
        "select state, error ->> 'code', error ->> 'message' from onceflow.tasks"
        " where instance_id = any(%s) and task = 'only'",
        (ids,),
    ).fetchall()
    assert len(rows) == len(conducts)
    for state, code, message in rows:
        assert (state == "SUCCEEDED") == (code is None), (state, code)
        assert state == "SUCCEEDED" or (state == "DEAD_LETTER" and code and message), state


@pytest.fixture(scope="module")
def typed(doors: Doors) -> str:
    steps: list[dict[str, Any]] = [
        {"id": name, "task": f"fuzz.{name}", "with": {"value": "$.input.value"}, "needs": []}
        for name in TYPES
    ]
    retried = [step | {"retry": {"attempts": 1}, "on_failure": "suspend"} for step in steps]
    doors.deploy({"name": "typed", "steps": retried})
    return "typed"


@bounded(20)
@given(values=st.lists(TYPED, min_size=1, max_size=3))
def test_whatever_typed_handlers_are_given(doors: Doors, typed: str, values: list[str]) -> None:
    doors.check(started(doors, typed, values))
