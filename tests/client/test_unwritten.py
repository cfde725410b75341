"""What cannot be written as JSON is told as the clients' own error, which names its place."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgspec
import pytest

from onceflow.client import BadArgument, HttpClient, Started, WrongInput
from onceflow.client.conversion import Unwritten, to_json
from onceflow.engine.errors import OnceflowError

from .conftest import Door, House

NOBODY = UUID("01a205de-4851-7852-a2f3-9df555da97c8")
HALF = "holds half of a surrogate pair; give whole characters, in UTF-8"
GIVEN = {"customer": "ALFKI", "total": 1}


class Named(msgspec.Struct, rename="camel"):
    first_name: Any


@dataclass
class Pair:
    left: Any
    right: Any


def _in_itself() -> list[Any]:
    made: list[Any] = []
    made.append(made)
    return made


WRONG: list[tuple[Any, str, str]] = [
    ("\ud800", "", HALF),
    ({"a": [0, {"b/c": "x\udfff"}]}, "/a/1/b~1c", HALF),
    ({"a": {"\ud800": 1}}, "/a", f"has a member's name that {HALF}"),
    ({"a": "x\udcff"}, "/a", "holds a byte that is no UTF-8"),
    ({"a": (1, msgspec.Raw(b'"\xff"'))}, "/a/1", "holds bytes that are no UTF-8"),
    ({"a": msgspec.Raw(b"{]")}, "/a", "is a Raw whose text is not JSON"),
    ({"a": Pair(1, Named("\ud800"))}, "/a/right/firstName", HALF),
    ({"a": {"b": object()}}, "/a/b", "is a object, which has no JSON form"),
    ({"a": [10**5000]}, "/a/0", "is a int, which has no JSON form: Exceeds the limit"),
    ({"a": {(1, 2): 3}}, "/a", "has a member's name that is a tuple"),
    (_in_itself(), "", "is nested too deeply"),
]


@pytest.mark.parametrize(("value", "place", "message"), WRONG)
def test_what_has_no_json_form_is_named(value: Any, place: str, message: str) -> None:
    with pytest.raises(Unwritten) as caught:
        to_json(value)
    assert caught.value.fault.place == place
    assert message in caught.value.fault.message
    assert str(caught.value).encode()


@pytest.mark.parametrize(
    ("value", "place"),
    [
        ("\ud800", ""),
        (msgspec.Raw(b"\xff"), ""),
        (msgspec.Raw(b'1, "a": 2}'), ""),
        ([1, "a\0"], "/1"),
        ([msgspec.Raw(b"1e2000")], "/0"),
    ],
)
def test_one_input_that_cannot_be_sent_keeps_no_other_from_being_started(
    door: Door, order: str, value: Any, place: str
) -> None:
    good, bad = GIVEN, {**GIVEN, "customer": value}
    first, wrong, unkeyed, second = door.start_many(
        order, [good, bad, good, good], keys=[None, None, "\ud800", "b"]
    )
    assert isinstance(first, Started)
    assert isinstance(second, Started)
    assert isinstance(wrong, WrongInput)
    assert wrong.faults[0].place == f"/input/customer{place}"
    assert isinstance(unkeyed, WrongInput)
    assert unkeyed.faults[0].place == "/key"
    with pytest.raises(WrongInput) as caught:
        door.start(order, bad)
    assert caught.value.faults == wrong.faults
    for key in ("\udcff", "a\0"):
        with pytest.raises(WrongInput, match="/key: the idempotency key h"):
            door.start(order, good, key=key)


@pytest.mark.parametrize("value", ["\ud800", msgspec.Raw(b"\xff"), "a\0"])
def test_every_other_operation_says_so_too(door: Door, value: Any) -> None:
    letter = (NOBODY, "pay")
    for ask in (
        lambda: door.redrive(letter, letter, inputs=[{"a": value}, None]),
        lambda: door.skip(letter, output=[value]),
        lambda: door.complete("token", [value]),
        lambda: [*door.instances(input={"customer": value, "total": 1})],
        lambda: [*door.instances(input={"total": value})],
    ):
        with pytest.raises(BadArgument):
            ask()


@pytest.mark.parametrize("text", ["\ud800", "a\0"])
def test_so_does_each_that_takes_a_text(door: Door, order: str, text: str) -> None:
    for ask in (
        lambda: door.deploy(f"name: {text}\nsteps: []\n"),
        lambda: door.skip((NOBODY, text)),
        lambda: door.fail(text, "code"),
        lambda: door.fail("token", text, text),
        lambda: door.erase(NOBODY, by=text),
        lambda: [*door.instances(key=text)],
        lambda: [*door.instances(input={text: "x"})],
        lambda: [*door.dead_letters(text)],
        lambda: door.start(text, {}),
    ):
        with pytest.raises(OnceflowError):
            ask()


def test_many_large_inputs_are_more_than_one_request(house: House, order: str) -> None:
    large = {**GIVEN, "customer": "x" * 1_000_000}
    with HttpClient(house.url) as client:
        started = client.start_many(order, [large] * 17)
    assert all(isinstance(each, Started) for each in started)


def test_a_name_beyond_any_address_is_not_found(door: Door) -> None:
    with pytest.raises(OnceflowError):
        door.start("x" * 70_000, {})
    with pytest.raises(OnceflowError):
        next(iter(door.instances("x" * 70_000)))
