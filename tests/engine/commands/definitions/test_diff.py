"""``onceflow diff``: what a deploy would change, and what changed between versions."""

from pathlib import Path

import pytest

from ..conftest import ORDER, Onceflow

TRIP = """
name: trip
steps:
  - id: quote
    task: trip.quote
  - id: book
    parallel:
      hotel: [{id: room, task: hotel.book}]
      plane: [{id: seat, task: flight.book}]
  - {id: mail, task: smtp.send}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    place = tmp_path / "trip.yaml"
    place.write_text(TRIP)
    return place


def test_what_is_deployed_does_not_differ(onceflow: Onceflow, file: Path) -> None:
    done = onceflow("diff", file)
    assert (done.code, done.out) == (1, "trip: would be new, as version 1\n")
    onceflow("deploy", file)
    done = onceflow("diff", file)
    assert (done.code, done.out) == (0, "trip: unchanged since version 1\n")


def test_the_order_of_branches_differs_too(onceflow: Onceflow, file: Path) -> None:
    onceflow("deploy", file)
    hotel, plane = TRIP.splitlines()[7:9]
    file.write_text(TRIP.replace(f"{hotel}\n{plane}", f"{plane}\n{hotel}"))
    done = onceflow("diff", file)
    assert done.code == 1
    assert done.out.splitlines()[1:] == [
        "  ~ step book",
        "    ~ its branches in another order: parallel.plane, parallel.hotel",
    ]
    assert onceflow("deploy", file).out == "trip: registered as version 2\n"
    assert onceflow("diff", file).code == 0


def test_two_versions_are_compared_by_their_numbers(onceflow: Onceflow, file: Path) -> None:
    onceflow("deploy", file)
    file.write_text(
        TRIP.replace("trip.quote", "trip.price").replace("mail, task", "post, task")
        + "on_failure: fail\n"
    )
    onceflow("deploy", file)
    done = onceflow("diff", "trip", "--versions", 1, 2)
    assert done.code == 1
    assert done.out.splitlines() == [
        "trip: version 1 → 2",
        "  ~ the workflow",
        "    + on_failure: fail",
        "  ~ step quote",
        "    - task: trip.quote",
        "    + task: trip.price",
        "  + step post",
        "    + task: smtp.send",
        "  - step mail",
        "    - task: smtp.send",
    ]
    done = onceflow("diff", "trip", "--versions", 2, 2)
    assert (done.code, done.out) == (0, "trip: version 2 → 2: they do not differ\n")
    (told,) = onceflow("diff", "trip", "--versions", 1, 2, "--json").json
    assert told["differs"] is True
    assert told["changes"][0] == {
        "step": None,
        "what": "added",
        "key": "on_failure",
        "old": None,
        "new": "fail",
    }


def test_what_cannot_be_told_has_a_code_of_its_own(
    onceflow: Onceflow, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = onceflow("diff", "trip")
    assert done.code == 2
    assert "there is no file or folder trip (two versions of a workflow: onceflow diff" in done.err
    file.write_text("name: a\nsteps: []\n")
    done = onceflow("diff", file)
    assert done.code == 2
    assert f"{file}:2:8: /steps: must be a list" in done.err
    assert onceflow("diff", "trip", "--versions", 1, 2).code == 2
    file.write_text(ORDER)
    monkeypatch.setenv("ONCEFLOW_DSN", "postgresql://nobody@127.0.0.1:1/nothing")
    assert onceflow("diff", file).code == 2
