"""Labels through every client: at a start, later, and to be found by."""

from decimal import Decimal
from uuid import UUID, uuid4

import pytest

from onceflow.client import BadArgument, NotFound, OnceflowError, Signal, WrongInput

from .conftest import Door

GIVEN = {"customer": "ALFKI", "total": 1}
NOBODY = UUID("01a205de-4851-7852-a2f3-9df555da97c8")


def test_they_are_given_found_changed_and_told(door: Door, order: str) -> None:
    mark = f"{uuid4()} ä=&"
    started = door.start(order, GIVEN, labels={"mark": mark, "n": Decimal("1.50"), "gone": None})
    signalled = door.start(order, GIVEN, labels={"mark": mark}, signal=Signal("go"))
    one, wrong, other = door.start_many(
        order, [GIVEN] * 3, labels=[{"mark": mark, "n": 2}, {"Mark": 1}, None]
    )
    assert isinstance(wrong, WrongInput)
    assert [fault.place for fault in wrong.faults] == ["/labels/Mark"]
    assert not isinstance(one, OnceflowError)
    assert not isinstance(other, OnceflowError)
    found = [each.id for each in door.instances(labels={"mark": mark})]
    assert found == [one.id, signalled.id, started.id]
    (mine,) = door.instances(order, labels={"mark": mark, "n": Decimal("1.5")})
    assert (mine.id, mine.labels) == (started.id, {"mark": mark, "n": "1.5"})
    assert door.get(other.id).labels == {}
    assert door.set_labels(other.id, {"mark": mark, "n": True}) == {"mark": mark, "n": "true"}
    assert door.set_labels(other.id, {"n": None}) == {"mark": mark}
    assert door.get(other.id).labels == {"mark": mark}


def test_what_is_no_label_is_refused(door: Door, order: str) -> None:
    started = door.start(order, GIVEN)
    with pytest.raises(BadArgument, match="labels/Team: the name of a label is"):
        door.set_labels(started.id, {"Team": "x"})
    with pytest.raises(WrongInput) as caught:
        door.start(order, GIVEN, labels={"team": "x" * 256})
    assert [str(fault) for fault in caught.value.faults] == [
        "/labels/team: has 256 bytes, and 255 are the most"
    ]
    with pytest.raises(WrongInput) as caught:
        door.start(order, GIVEN, labels={"team": "\0"})
    assert [fault.place for fault in caught.value.faults] == ["/labels/team"]
    with pytest.raises(BadArgument, match="there are 1 labels for 2"):
        door.start_many(order, [GIVEN] * 2, labels=[None])
    with pytest.raises(BadArgument):
        next(iter(door.instances(labels={"Team": "x"})), None)
    with pytest.raises(NotFound):
        door.set_labels(NOBODY, {"team": "x"})
