"""examples/gallery: what waits for people, signals and times does what docs/gallery.md says."""

from typing import Any

import pytest

from onceflow.engine import calls
from onceflow.engine.calls import FormAnswer, NamedEvent, Signal

from ..rehearsal import Fails, Handler, Rehearsal, Stage, Waits
from .test_gallery import GALLERY, begin

Json = Any
REFUND = {"order": "O-36", "amount": 250, "email": "ada@example.com"}


def work(run: Rehearsal) -> None:
    """Carry out all that is due, and let no time pass."""
    while run.step():
        pass


def open_forms(run: Rehearsal) -> list[tuple[str, list[str]]]:
    return run.conn.execute(
        "select task, people from onceflow.forms where instance_id = %s order by n", (run.id,)
    ).fetchall()


def answer(run: Rehearsal, decision: str, given: Json = None, by: str = "ada") -> str:
    ((task, _),) = open_forms(run)
    said = FormAnswer(run.id, task, decision, by, given)
    return calls.answer_forms(run.conn, [said])[0].outcome


def signal(run: Rehearsal, name: str, *payloads: Json) -> None:
    calls.send_signals(run.conn, [Signal(run.id, name, payload) for payload in payloads])


def test_a_small_refund_asks_nobody(stage: Stage) -> None:
    run = begin(stage, "approve-refund", {**REFUND, "amount": 99}, {})
    assert run.play()[1] == {"decision": "approved", "by": "nobody", "amount": 99}
    assert run.inputs("refund.pay") == [{"order": "O-36", "amount": 99}]


@pytest.mark.parametrize(("decision", "paid"), [("approved", [200]), ("rejected", [])])
def test_a_large_refund_is_for_the_managers(stage: Stage, decision: str, paid: list[int]) -> None:
    run = begin(stage, "approve-refund", REFUND, {})
    assert [people for _, people in open_forms(run)] == [["managers"]]
    assert answer(run, decision, {"amount": 0}) == "invalid"
    assert answer(run, decision, {"amount": 200}) == "accepted"
    state, output = run.play()
    assert (state, output) == ("SUCCEEDED", {"decision": decision, "by": "ada", "amount": 200})
    assert [given["amount"] for given in run.inputs("refund.pay")] == paid
    assert run.inputs("smtp.send")[0]["text"] == f"It was {decision}."


def test_unanswered_for_two_days_it_is_for_the_boss(stage: Stage) -> None:
    run = begin(stage, "approve-refund", REFUND, {})
    run.advance()
    assert [people for _, people in open_forms(run)] == [["boss"]]
    assert answer(run, "approved", by="boss") == "accepted"
    assert run.play()[1] == {"decision": "approved", "by": "boss", "amount": 250}


def test_a_payment_that_fails_is_told_once(stage: Stage) -> None:
    def refuse(_: Json) -> Json:
        raise Fails("bank.closed", "no such account")

    run = begin(stage, "approve-refund", {**REFUND, "amount": 9}, {"refund.pay": refuse})
    assert run.play()[0] == "COMPENSATED"
    assert run.inputs("ticket.open") == [{"text": "refund of O-36: no such account"}]


@pytest.mark.parametrize("when", ["early", "in time", "after the reminder", "never"])
def test_await_payment(stage: Stage, when: str) -> None:
    run = begin(stage, "await-payment", {"order": "O-36"}, {})
    if when == "early":
        signal(run, "paid", {"sum": 12})
    work(run)
    if when == "in time":
        signal(run, "paid", {"sum": 12})
    if when == "after the reminder":
        run.advance()
        work(run)
        signal(run, "paid", {"sum": 12})
    paid = when != "never"
    assert run.play() == ("SUCCEEDED", "paid" if paid else "late")
    assert run.inputs("order.ship") == ([{"order": "O-36", "sum": 12}] if paid else [])
    assert len(run.inputs("order.cancel")) == (not paid)
    assert len(run.inputs("invoice.remind")) == (when in ("after the reminder", "never"))


def test_collect_readings(stage: Stage) -> None:
    run = begin(stage, "collect-readings", {"meter": "M-7"}, {})
    signal(run, "reading", {"value": 1}, {"value": 2})
    work(run)
    signal(run, "reading", {"value": 3}, {"value": 4, "last": True}, {"value": 5})
    assert run.play()[0] == "SUCCEEDED"
    assert [given["value"] for given in run.inputs("reading.store")] == [1, 2, 3, 4]
    assert run.names()[-1] == "meter.close"


def test_readings_that_stop_coming(stage: Stage) -> None:
    run = begin(stage, "collect-readings", {"meter": "M-7"}, {})
    signal(run, "reading", {"value": 1})
    state, _ = run.play()
    assert (state, run.error()["code"]) == ("COMPENSATED", "timeout")


@pytest.mark.parametrize("decision", ["keep", "withdraw", None])
def test_review_access(stage: Stage, decision: str | None) -> None:
    given = {"who": "ada", "system": "billing", "manager": "bob"}
    run = begin(stage, "review-access", given, {})
    work(run)
    assert open_forms(run) == []
    run.advance()
    assert [people for _, people in open_forms(run)] == [["bob"]]
    if decision:
        assert answer(run, decision, by="bob") == "accepted"
    kept = decision == "keep"
    by = "bob" if decision else "nobody"
    assert run.play()[1] == {"decision": decision or "withdraw", "by": by}
    assert len(run.inputs("access.revoke")) == (not kept)


PARTS = [{"warehouse": name, "goods": [n]} for n, name in enumerate(("north", "south", "east"))]


def shipments(stage: Stage, order: str, **handlers: Handler) -> Rehearsal:
    """Start an order of three shipments, each of which has a parcel named by its warehouse."""
    given = {"order": order, "amount": 99, "email": "ada@example.com", "parts": PARTS}
    all_handlers: dict[str, Handler] = {
        "carrier.book": lambda given: {"parcel": f"{order}-{given['from']}"},
        **{name.replace("__", "."): handler for name, handler in handlers.items()},
    }
    text = (GALLERY / "ship-parcel.yaml").read_text(encoding="utf-8")
    return begin(stage, "deliver-order", given, all_handlers, [text])


def collected(run: Rehearsal, *parcels: str) -> None:
    sent = [NamedEvent("parcel.collected", parcel, None, parcel) for parcel in parcels]
    calls.send_events(run.conn, sent)


def test_shipments_of_an_order_are_instances_of_their_own(stage: Stage) -> None:
    run = shipments(stage, "O-1")
    work(run)
    parcels = [f"O-1-{part['warehouse']}" for part in PARTS]
    collected(run, *parcels)
    assert run.play() == ("SUCCEEDED", {"parcels": parcels})
    assert run.inputs("smtp.send")[0]["text"] == "\n".join(parcels)


def test_where_one_warehouse_is_short_all_shipments_are_called_back(stage: Stage) -> None:
    def pick(given: Json) -> Json:
        if given["warehouse"] == "east":
            raise Waits

    run = shipments(stage, "O-2", stock__pick=pick)
    work(run)
    # One is sent, one waits for its carrier, of the third nobody knows yet.
    collected(run, "O-2-north")
    work(run)
    run.refuse("stock.pick", "stock.short", "2 of 3 there")
    state, _ = run.play()
    assert (state, run.error()["code"]) == ("COMPENSATED", "stock.short")
    called_back = [given["parcel"] for given in run.inputs("carrier.call_back")]
    assert sorted(called_back) == ["O-2-north", "O-2-south"]
    put_back = [given["warehouse"] for given in run.inputs("stock.put_back")]
    assert sorted(put_back) == ["north", "south"]
    assert run.names()[-1] == "card.refund"


def test_a_carrier_that_does_not_come_fails_the_order(stage: Stage) -> None:
    run = shipments(stage, "O-3")
    state, _ = run.play()
    assert (state, run.error()["code"]) == ("COMPENSATED", "timeout")
    assert len(run.inputs("carrier.call_back")) == 3
