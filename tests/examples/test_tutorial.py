"""docs/tutorial.md, how-to.md and coming-from.md: their definitions work, and do what is said."""

import re
from pathlib import Path
from typing import Any

import pytest

from onceflow.engine.definition import compile_definition, parse

from ..rehearsal import Handler, Rehearsal, Stage, always, refuse

DOCS = Path(__file__).parents[2] / "docs"


def definitions(page: str) -> list[str]:
    text = (DOCS / page).read_text(encoding="utf-8")
    return re.findall(r"^```yaml\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


STATES = definitions("tutorial.md")
HOW_TO = {text.split()[1]: text for text in definitions("how-to.md")}
ORDER: dict[str, Any] = {
    "order": "O-36",
    "card": "4711",
    "amount": 12,
    "lines": [{"sku": "tea", "count": 1}, {"sku": "ale", "count": 2}],
}
GOES_WELL = always(card__charge={"id": 7}, order__ship={"parcel": "P-1"})


def rehearse(stage: Stage, text: str, **handlers: Handler) -> Rehearsal:
    named = {name.replace("__", "."): handler for name, handler in handlers.items()}
    return stage.begin(text, ORDER, {**GOES_WELL, **named})


@pytest.mark.parametrize("state", range(6))
def test_each_state_of_the_tutorial_succeeds(stage: Stage, state: int) -> None:
    assert len(STATES) == 6
    run = rehearse(stage, STATES[state])
    ended, output = run.play()
    assert ended == "SUCCEEDED"
    assert state == 0 or output["parcel"] == "P-1"


def test_what_has_run_is_undone_in_reverse_order(stage: Stage) -> None:
    run = rehearse(stage, STATES[3], order__ship=refuse("ship.lost"))
    assert run.play()[0] == "COMPENSATED"
    assert run.names()[-2:] == ["card.refund", "stock.release"]
    assert run.inputs("card.refund") == [{"payment": 7}]


def test_a_declined_card_is_caught(stage: Stage) -> None:
    handlers = always(invoice__create={"id": 8})
    run = rehearse(stage, STATES[4], card__charge=refuse("card.declined"), **handlers)
    assert run.play() == ("SUCCEEDED", {"parcel": "P-1", "declined": True})
    assert run.inputs("order.ship") == [{"order": "O-36", "payment": 8}]


def test_the_saga_undoes_all_lines(stage: Stage) -> None:
    run = rehearse(stage, STATES[5], order__ship=refuse("ship.lost"))
    assert run.play()[0] == "COMPENSATED"
    assert sorted(given["sku"] for given in run.inputs("stock.release")) == ["ale", "tea"]


def test_in_any_case(stage: Stage) -> None:
    run = rehearse(stage, HOW_TO["in-any-case"], file__load=refuse("file.gone"))
    assert run.play()[0] == "COMPENSATED"
    assert run.names() == ["file.load", "file.remove"]
    assert run.error()["code"] == "file.gone"


def test_a_wait_takes_its_time(stage: Stage) -> None:
    run = rehearse(stage, HOW_TO["wait"])
    while run.step():
        pass
    assert run.names() == []
    assert run.play()[0] == "SUCCEEDED"
    assert run.names() == ["mail.send"]


@pytest.mark.parametrize("page", ["how-to.md", "coming-from.md"])
def test_every_definition_compiles(page: str) -> None:
    found = definitions(page)
    assert len(found) >= 4
    for text in found:
        compile_definition(parse(text, "yaml"))
