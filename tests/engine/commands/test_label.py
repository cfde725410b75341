"""onceflow label, and --label of start, list and show."""

from uuid import uuid4

from .conftest import Onceflow

GIVEN = '{"customer": "ALFKI", "total": 1}'


def test_labels_are_given_at_the_start_shown_and_found(onceflow: Onceflow, order: str) -> None:
    start = ("start", "order", "--input", GIVEN, "--label", "customer=A=B c", "--label", "n=1")
    done = onceflow(*start)
    assert done.code == 0, done.err
    instance = done.out.split()[0]
    onceflow("start", "order", "--input", GIVEN)
    assert "labels" not in onceflow("show", order).out
    assert "labels customer=A=B c n=1" in onceflow("show", instance).out
    for looked_for in (["customer=A=B c"], ["customer=A=B c", "n=1.0"]):
        given = [part for each in looked_for for part in ("--label", each)]
        (row,) = onceflow("list", "--json", *given).json["items"]
        assert (row["id"], row["labels"]) == (instance, {"customer": "A=B c", "n": "1"})
    assert onceflow("list", "--label", "customer=A").out == "no instance matches\n"


def test_they_are_given_and_taken_away_of_several(onceflow: Onceflow, order: str) -> None:
    other = onceflow("start", "order", "--input", GIVEN).out.split()[0]
    done = onceflow("label", order, other, "team=sales", "n=1")
    assert done.code == 0, done.err
    assert sorted(done.out.splitlines()) == sorted(
        f"{one}  n=1 team=sales" for one in (order, other)
    )
    assert onceflow("label", order, "team-").out == f"{order}  n=1\n"
    assert onceflow("label", order, "n-").out == f"{order}  no labels\n"


def test_what_cannot_be_done_is_said_and_exits_1(onceflow: Onceflow, order: str) -> None:
    nobody = str(uuid4())
    done = onceflow("label", order, nobody, "a=1")
    assert done.code == 1
    assert done.out.splitlines() == [
        f"{order}  a=1",
        f"{nobody}  unknown: there is no such instance",
    ]
    assert "no instance is named" in onceflow("label", "a=1").err
    assert "no label is named" in onceflow("label", order).err
    assert onceflow("label", order, "A=1").code == 2
    long = onceflow("label", order, "a=" + "x" * 256)
    assert (long.code, "labels/a: has 256 bytes, and 255 are the most" in long.err) == (1, True)
    refused = onceflow("start", "order", "--input", GIVEN, "--label", "a=" + "x" * 256)
    assert (refused.code, "labels/a: has 256 bytes" in refused.err) == (1, True)
