"""A start with a signal: the same through every door."""

from typing import Any
from uuid import uuid4

import pytest

from onceflow.client import BadArgument, Refused, Signal, WrongInput

from .conftest import Door


@pytest.fixture
def basket(door: Door) -> str:
    """The name of a workflow that waits for two signals."""
    name = f"basket-{uuid4().hex[:12]}"
    door.deploy(
        f"name: {name}\ninput: {{type: object, properties: {{of: {{type: string}}}}}}\nsteps:\n"
        "  - {id: first, wait_for: add}\n  - {id: second, wait_for: add}\n"
        "output: [$.steps.first.output, $.steps.second.output]\n"
    )
    return name


def test_an_instance_is_started_with_its_signal_and_found_with_the_next(
    door: Door, basket: str
) -> None:
    first = door.start(basket, key="zażółć", signal=Signal("add", 1, "a"))
    again = door.start(basket, key="zażółć", signal=Signal("add", 1, "a"))
    assert (first.outcome, again.outcome, again.id) == ("started", "exists", first.id)
    door.start(basket, key="zażółć", signal=Signal("add", {"n": 2}))
    assert door.result(first.id, list[Any]) == [1, {"n": 2}]
    with pytest.raises(Refused, match="ended"):
        door.start(basket, key="zażółć", signal=Signal("add", 3))


def test_nothing_is_started_where_one_of_the_two_is_wrong(door: Door, basket: str) -> None:
    with pytest.raises(BadArgument):
        door.start(basket, signal=Signal("1st"))
    with pytest.raises(BadArgument):
        door.start(basket, signal=Signal("add", key=""))
    with pytest.raises(WrongInput):
        door.start(basket, {"of": 1}, signal=Signal("add"))
    assert [*door.instances(basket)] == []
    door.start(basket, key="k", signal=Signal("add", 1))
    with pytest.raises(Refused, match="nothing was started"):
        door.start(basket, {"of": "another"}, key="k", signal=Signal("add", 2))


def test_a_payload_is_checked_by_all_of_its_schema_before_anything_is_started(door: Door) -> None:
    name = f"declared-{uuid4().hex[:12]}"
    door.deploy(
        f"name: {name}\nsignals:\n  paid:\n    type: object\n"
        "    properties: {by: {pattern: ^bank}}\nsteps:\n  - {id: a, wait_for: paid}\n"
    )
    wrong: list[tuple[Any, str]] = [({"by": "cash"}, "/payload/by"), (3, "/payload")]
    for payload, place in wrong:
        with pytest.raises(BadArgument, match=place):
            door.start(name, key="k", signal=Signal("paid", payload))
    with pytest.raises(BadArgument, match="it takes paid"):
        door.start(name, key="k", signal=Signal("payed"))
    assert [*door.instances(name)] == []
    door.start(name, key="k", signal=Signal("paid", {"by": "bank-3"}, "one"))
    # Of a later version, which the instance of the key does not have.
    door.deploy(f"name: {name}\nsignals: {{late: null}}\nsteps:\n  - {{id: a, wait_for: late}}\n")
    with pytest.raises(Refused, match="ended"):
        door.start(name, key="k", signal=Signal("paid", {"by": "cash"}))
