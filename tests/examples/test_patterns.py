"""docs/patterns.md: each of its definitions has the pattern that it stands for."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from onceflow.engine import calls

from ..rehearsal import Fails, Handler, Hangs, Rehearsal, Stage, Waits, always

Json = Any
PAGE = (Path(__file__).parents[2] / "docs" / "patterns.md").read_text(encoding="utf-8")
TEXTS = {
    name: text
    for text, name in re.findall(
        r"^```yaml\n(name: (wcp-\d+)\n.*?)^```", PAGE, re.DOTALL | re.MULTILINE
    )
}


class Case(NamedTuple):
    """A pattern with an input and handlers, and the tasks that are carried out then, in order."""

    pattern: str
    tasks: str
    given: Json = None
    handlers: dict[str, Handler] | None = None
    together: int = 1
    state: str = "SUCCEEDED"


def raising(fault: Exception) -> Handler:
    def handler(_: Json) -> Json:
        raise fault

    return handler


def in_turn(*answers: Json) -> Handler:
    left = list(answers)
    return lambda _: left.pop(0)


def send_part(given: Json) -> Json:
    return {"complete": given["part"] == 2}


WAY = ["claim.accept", "claim.assess", "claim.visit"]
CASES = [
    Case("wcp-1", "claim.receive claim.assess claim.pay"),
    Case("wcp-2", "claim.receive letter.send claim.assess"),
    Case("wcp-3", "policy.check claim.assess claim.pay"),
    *(Case("wcp-4", way, {"amount": 99 * 50**n}) for n, way in enumerate(WAY)),
    Case("wcp-5", "customer.find order.create", {"member": True}),
    Case("wcp-5", "customer.create order.create", {"member": False}),
    Case(
        "wcp-6",
        "call.take ambulance.send firemen.send",
        {"crime": False, "injured": True, "fire": True},
    ),
    Case("wcp-6", "call.take", {"crime": False, "injured": False, "fire": False}),
    Case("wcp-7", "ambulance.send report.write", {"crime": False, "injured": True}),
    Case("wcp-7", "ambulance.send police.alert report.write", {"crime": True, "injured": True}),
    Case("wcp-7", "report.write", {"crime": False, "injured": False}),
    Case("wcp-8", "site.prepare site.check site.prepare site.check site.prepare site.check"),
    Case("wcp-29", "freight.quote freight.order"),
    Case(
        "wcp-10",
        "text.write text.check text.write text.check text.print",
        {"draft": False},
        {"text.check": in_turn("again", "good")},
    ),
    Case("wcp-10", "text.check", {"draft": True}, always(text__check="refused")),
    Case("wcp-11", "claim.receive claim.archive claim.pay"),
    Case("wcp-13", "report.sign report.sign report.sign report.file"),
    Case(
        "wcp-14",
        "patient.ask patient.examine patient.examine patient.diagnose",
        None,
        always(patient__ask=["rash", "fever"]),
    ),
    Case("wcp-14", "patient.ask patient.diagnose", None, always(patient__ask=[])),
    Case(
        "wcp-15",
        "witness.next witness.hear witness.hear witness.next witness.hear witness.next claim.close",
        None,
        {"witness.next": in_turn(["Ada", "Bo"], ["Cy"], [])},
    ),
    Case("wcp-17", "lights.inspect brakes.inspect", {"order": ["lights", "brakes"]}, together=9),
    Case(
        "wcp-19",
        "claim.assess claim.await_withdrawal claim.note",
        None,
        {"claim.await_withdrawal": raising(Waits())},
        together=2,
    ),
    Case(
        "wcp-20",
        "loan.reserve loan.decide loan.release",
        None,
        {"loan.decide": raising(Fails("loan.refused"))},
        state="COMPENSATED",
    ),
    Case(
        "wcp-21",
        "file.send file.send file.send file.confirm",
        None,
        {"file.send": send_part},
    ),
    Case(
        "wcp-35",
        "paper.review paper.review paper.review paper.decide paper.forget",
        {"reviewers": ["Ada", "Bo", "Cy"]},
        together=3,
    ),
    Case(
        "wcp-32",
        "doctor.ask doctor.ask patient.operate",
        None,
        {"doctor.ask": in_turn(1, 2)},
    ),
    Case("wcp-43", "order.find", None, always(order__find={"paid": True})),
    Case("wcp-43", "order.find card.charge", None, always(order__find={"paid": False})),
]
OF_THEIR_OWN = {"wcp-9", "wcp-12", "wcp-18", "wcp-34"}
OF_WHAT_WAITS = {f"wcp-{number}" for number in (16, 23, 24, 25, 26, 27, 36)}
"""In test_patterns_waiting.py."""
NOT_HERE = {31, 33}


def begin(
    stage: Stage, name: str, given: Json = None, handlers: dict[str, Handler] | None = None
) -> Rehearsal:
    return stage.begin(TEXTS[name], given, handlers)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.pattern)
def test_a_pattern(stage: Stage, case: Case) -> None:
    run = begin(stage, case.pattern, case.given, case.handlers)
    assert run.play(case.together)[0] == case.state
    assert run.names() == case.tasks.split()


def a_join(stage: Stage, name: str, given: Json, tasks: Sequence[str], enough: int) -> None:
    """See what follows begin when so many items have ended, while the others go on."""
    work, look, follows = tasks
    ended: list[Json] = []

    def item(given: Json) -> Json:
        if len(ended) == enough:
            raise Waits
        ended.append(given)

    handlers: dict[str, Handler] = {work: item, look: lambda _: {"count": len(ended)}}
    run = begin(stage, name, given, handlers)
    while follows not in run.names():
        run.advance(together=9)
    assert run.look()[0] == "RUNNING"
    assert run.answer(work, "late") == "accepted"
    assert (run.play()[0], run.names().count(follows)) == ("SUCCEEDED", 1)


def test_a_structured_discriminator(stage: Stage) -> None:
    a_join(stage, "wcp-9", None, ("patient.examine", "patient.noted", "patient.treat"), 1)


def test_a_static_partial_join(stage: Stage) -> None:
    given = {"reviewers": ["Ada", "Bo", "Cy"]}
    a_join(stage, "wcp-34", given, ("paper.review", "paper.reviewed", "paper.decide"), 2)


def test_multiple_instances_without_synchronization(stage: Stage) -> None:
    handlers = {"letter.send": raising(Hangs())}
    run = begin(stage, "wcp-12", {"drivers": ["Ada", "Bo"]}, handlers)
    while run.step(together=3):
        pass
    assert sorted(run.names()) == ["fine.publish", "fine.register", "letter.send", "letter.send"]
    assert run.look()[0] == "RUNNING"
    calls.cancel_instances(stage.conn, [run.id])
    assert run.play()[0] == "CANCELLED"


def test_a_task_that_is_withdrawn(stage: Stage) -> None:
    handlers = {"claim.assess": raising(Hangs()), "claim.await_withdrawal": raising(Waits())}
    run = begin(stage, "wcp-19", None, handlers)
    while run.step():
        pass
    assert run.answer("claim.await_withdrawal", None) == "accepted"
    assert run.play()[0] == "SUCCEEDED"
    assert run.inputs("claim.note") == [{"how": "withdrawn"}]
    assert run.names()[-1] == "claim.forget"


def test_a_case_that_is_cancelled(stage: Stage) -> None:
    run = begin(stage, "wcp-20")
    run.step()
    calls.cancel_instances(stage.conn, [run.id])
    assert run.play()[0] == "CANCELLED"
    assert run.names() == ["loan.reserve", "loan.release"]


@pytest.mark.parametrize(("changed", "text"), [(True, "changed"), (False, "too late")])
def test_a_milestone(stage: Stage, changed: bool, text: str) -> None:
    given = {"order": "O-36", "address": "ul. Filtrowa 68"}
    handlers = always(order__change_if_open={"changed": changed})
    run = begin(stage, "wcp-18", given, handlers)
    assert run.play()[0] == "SUCCEEDED"
    assert run.inputs("letter.send") == [{"text": text}]


def test_each_pattern_has_its_row_its_text_and_its_definition() -> None:
    rows = re.findall(r"^\| WCP-(\d+) \| ([^|]+) \|", PAGE, re.MULTILINE)
    assert [int(number) for number, _ in rows] == [
        *range(1, 22),
        *range(23, 28),
        *range(31, 37),
        43,
    ]
    told = re.findall(r"^\*\*WCP-(\d+) (.+?)\.\*\*", PAGE, re.MULTILINE)
    assert sorted(told, key=lambda one: int(one[0])) == rows
    here = {f"wcp-{number}" for number, _ in rows if int(number) not in NOT_HERE}
    assert set(TEXTS) == here | {"wcp-29"}
    assert set(TEXTS) == {case.pattern for case in CASES} | OF_THEIR_OWN | OF_WHAT_WAITS
    assert len(TEXTS) == PAGE.count("```yaml")
