"""What every client does alike: through SQL or HTTP, waited for or awaited."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import msgspec
import psycopg
import pydantic
import pytest

from onceflow.client import (
    BadArgument,
    DefinitionError,
    Ended,
    Fault,
    Mismatch,
    NotEnded,
    NotFound,
    Refused,
    Started,
    WrongInput,
)
from onceflow.engine.calls import disable_workflows
from onceflow.engine.ids import make_ids

from ..api.hand_worker import HandWorker
from .conftest import Door

GIVEN = {"customer": "ALFKI", "total": Decimal("1265793.0395")}
NOBODY = UUID("01a205de-4851-7852-a2f3-9df555da97c8")


class Order(pydantic.BaseModel):
    customer: str
    total: Decimal


class OrderStruct(msgspec.Struct):
    customer: str
    total: Decimal


@dataclass
class OrderClass:
    customer: str
    total: Decimal


@dataclass
class Paid:
    paid: Decimal


class PaidModel(pydantic.BaseModel):
    paid: Decimal


def finish(worker: HandWorker, instance: UUID, paid: Any = Decimal("0.1")) -> None:
    """Complete both of its tasks."""
    worker.complete(instance)
    worker.complete(instance, {"amount": paid})


def test_a_definition_is_deployed_once(door: Door) -> None:
    name = f"one-{uuid4().hex[:12]}"
    text = f"name: {name}\nsteps:\n  - {{id: only, task: test.only}}\n"
    first, again = door.deploy(text), door.deploy(text.encode())
    assert (first.name, first.version, first.created) == (name, 1, True)
    assert (again.name, again.version, again.created) == (name, 1, False)


def test_a_wrong_definition_is_refused_with_all_faults(door: Door) -> None:
    with pytest.raises(DefinitionError) as caught:
        door.deploy("name: wrong\nsteps:\n  - {id: a, task: t, needs: [b]}\n  - {id: a, tusk: t}\n")
    assert len(caught.value.faults) > 1


def test_what_is_started_is_found_again_by_its_key_and_by_its_id(door: Door, order: str) -> None:
    started = door.start(order, GIVEN, key="order-36")
    assert (started.outcome, started.status) == ("started", "RUNNING")
    assert door.start(order, GIVEN, key="order-36") == Started(started.id, "RUNNING", "exists")
    (mine,) = make_ids(1)
    assert door.start(order, GIVEN, id=mine) == Started(mine, "RUNNING", "started")
    assert door.start(order, GIVEN, id=mine) == Started(mine, "RUNNING", "exists")


def test_instances_are_found_by_the_key_that_they_show(door: Door, order: str) -> None:
    key = f"order {uuid4()} ä"
    started = door.start(order, GIVEN, key=key)
    door.start(order, GIVEN)
    for chosen in (None, order):
        (found,) = door.instances(chosen, key=key)
        assert (found.id, found.key) == (started.id, key)
    assert [*door.instances(key="nobody's")] == []
    assert door.get(started.id).key == key
    assert sorted(str(each.key) for each in door.instances(order)) == sorted(["None", key])


def test_a_name_that_is_not_there_is_answered_with_the_nearest(door: Door, order: str) -> None:
    with pytest.raises(NotFound, match=f"did you mean {order}\\?"):
        door.start(f"{order}s", GIVEN)
    with pytest.raises(NotFound, match=f"did you mean {order}\\?"):
        next(iter(door.instances(f"{order}s")))
    with pytest.raises(NotFound, match="version 7 of workflow"):
        door.start(order, GIVEN, version=7)


def test_a_key_or_id_with_another_input_is_refused(door: Door, order: str) -> None:
    (mine,) = make_ids(1)
    door.start(order, GIVEN, key="k", id=mine)
    with pytest.raises(Refused, match=f"'k' belongs to instance {mine}"):
        door.start(order, {**GIVEN, "total": 1}, key="k")
    with pytest.raises(Refused, match=f"the id {mine}"):
        door.start(order, {**GIVEN, "total": 1}, id=mine)


def test_a_wrong_input_is_refused_with_all_faults(door: Door, order: str) -> None:
    with pytest.raises(WrongInput, match="nothing was started") as caught:
        door.start(order, {"customer": "", "total": -1})
    assert isinstance(caught.value, BadArgument)
    assert [fault.place for fault in caught.value.faults] == ["/input/customer", "/input/total"]
    with pytest.raises(WrongInput) as caught:
        door.start(order, [1])
    assert [fault.place for fault in caught.value.faults] == ["/input"]
    with pytest.raises(WrongInput) as caught:
        door.start(order, GIVEN, key="")
    assert caught.value.faults == [
        Fault("/key", "the idempotency key has 0 characters, and 1 to 255 are allowed")
    ]


def test_what_cannot_be_stored_or_written_is_a_wrong_argument(door: Door, order: str) -> None:
    for value in ("\0", object(), {"a": {1, object()}}):
        with pytest.raises(BadArgument):
            door.start(order, {**GIVEN, "customer": value})
    with pytest.raises(BadArgument):
        door.start(order, GIVEN, id=uuid4())


def test_half_a_character_is_a_wrong_argument(door: Door, order: str) -> None:
    for ask in (
        lambda: door.start("\ud800", {}),
        lambda: list(door.instances("\ud800")),
        lambda: list(door.dead_letters("\ud800")),
        lambda: door.discard((NOBODY, "\ud800")),
    ):
        with pytest.raises(BadArgument):
            ask()


def test_each_of_many_says_for_itself_what_became_of_it(door: Door, order: str) -> None:
    inputs = [GIVEN, {**GIVEN, "total": -1}, {**GIVEN, "total": 2}, {**GIVEN, "total": 3}]
    first, wrong, second, conflict = door.start_many(order, inputs, keys=["a", "b", None, "a"])
    assert isinstance(first, Started)
    assert isinstance(second, Started)
    assert isinstance(wrong, WrongInput)
    assert isinstance(conflict, Refused)
    assert [fault.place for fault in wrong.faults] == ["/input/total"]
    assert {each.id for each in door.instances(order)} == {first.id, second.id}
    assert door.start_many(order, []) == []
    with pytest.raises(BadArgument, match="1 keys for 4"):
        door.start_many(order, inputs, keys=["a"])


def test_more_than_a_request_may_hold_are_started_and_gone_through(door: Door, order: str) -> None:
    started = door.start_many(order, [GIVEN] * 1001)
    ids = [each.id for each in started if isinstance(each, Started)]
    assert len(ids) == 1001
    assert [each.id for each in door.instances(order)] == sorted(ids, reverse=True)
    assert [each.id for each in door.instances(order, limit=3)] == sorted(ids, reverse=True)[:3]


def test_what_is_not_there_is_not_found(door: Door, order: str) -> None:
    for ask in (door.get, door.wait, door.result, door.explain):
        with pytest.raises(NotFound, match=str(NOBODY)):
            ask(NOBODY)
    for decide in (door.cancel, door.suspend, door.resume):
        with pytest.raises(NotFound, match=str(NOBODY)):
            decide(NOBODY)
    with pytest.raises(NotFound, match="nobody-knows"):
        door.start("nobody-knows", {})
    for version in (0, 2, 2**40):
        with pytest.raises(NotFound, match=str(version)):
            door.start(order, GIVEN, version=version)
    with pytest.raises(NotFound, match="nobody-knows"):
        next(door.instances("nobody-knows"))
    with pytest.raises(NotFound, match="nobody-knows"):
        next(door.dead_letters("nobody-knows"))


@pytest.mark.parametrize("kind", [Order, OrderStruct, OrderClass])
def test_inputs_and_outputs_are_of_the_callers_types(
    door: Door, order: str, worker: HandWorker, kind: Any
) -> None:
    given = kind(customer="ALFKI", total=Decimal("12345678901234567890.123456789"))
    started = door.start(order, given)
    found = door.get(started.id)
    assert found.input(kind) == given
    assert found.input()["total"] == given.total
    assert found.output() is None
    finish(worker, started.id, given.total)
    assert door.result(started.id) == {"paid": given.total}
    assert door.result(started.id, Paid) == Paid(given.total)
    assert door.result(started.id, PaidModel) == PaidModel(paid=given.total)
    assert door.result(started.id, dict[str, Decimal]) == {"paid": given.total}
    with pytest.raises(Mismatch, match="the output does not fit"):
        door.result(started.id, kind)
    with pytest.raises(Mismatch, match="the output does not fit"):
        door.result(started.id, list[PaidModel])


def test_who_waits_is_told_how_it_ended_or_that_it_has_not(
    door: Door, order: str, worker: HandWorker
) -> None:
    started = door.start(order, GIVEN)
    with pytest.raises(NotEnded, match=r"within 0\.05 s: it is RUNNING") as waited:
        door.wait(started.id, timeout=0.05)
    assert waited.value.instance.id == started.id
    finish(worker, started.id)
    ended = door.wait(started.id, timeout=0)
    assert (ended.ended, ended.status, ended.workflow) == (True, "SUCCEEDED", order)

    failing = door.start(order, GIVEN)
    worker.fail(failing.id)
    assert door.wait(failing.id).status == "FAILED"
    with pytest.raises(Ended, match=r"is FAILED: test\.broken: it broke") as caught:
        door.result(failing.id)
    assert caught.value.instance.error is not None


def test_instances_are_chosen_by_workflow_status_and_suspension(
    door: Door, order: str, worker: HandWorker
) -> None:
    running, held, done = (door.start(order, GIVEN) for _ in range(3))
    door.suspend(held.id)
    finish(worker, done.id)
    assert [i.id for i in door.instances(order, status="SUCCEEDED")] == [done.id]
    assert [i.id for i in door.instances(order, suspended=True)] == [held.id]
    assert [i.id for i in door.instances(order, suspended=False)] == [done.id, running.id]
    (listed,) = door.instances(order, limit=1)
    with pytest.raises(BadArgument, match="get"):
        listed.input()


def test_an_instance_is_held_explained_let_go_and_cancelled(door: Door, order: str) -> None:
    instance = door.start(order, GIVEN).id
    assert door.suspend(instance)
    assert door.get(instance).suspended_by == "operator"
    assert any("suspended" in reason.because for reason in door.explain(instance))
    assert door.resume(instance)
    with pytest.raises(Refused):
        door.resume(instance)
    door.cancel(instance)
    assert door.wait(instance).status == "CANCELLED"
    with pytest.raises(Refused):
        door.cancel(instance)
    with pytest.raises(Ended, match="is CANCELLED"):
        door.result(instance)


def die(door: Door, worker: HandWorker, order: str) -> UUID:
    """Start an instance and fail its second step for good, which suspends it."""
    instance = door.start(order, GIVEN).id
    worker.complete(instance)
    worker.fail(instance)
    return instance


def test_a_deferred_task_is_answered_once_by_its_token(
    door: Door, order: str, worker: HandWorker
) -> None:
    paid, failed, cancelled = (door.start(order, GIVEN).id for _ in range(3))
    for instance in (paid, failed, cancelled):
        worker.complete(instance)
    token = worker.defer(paid)
    assert door.complete(token, {"amount": Decimal("0.1")}) == "accepted"
    assert door.complete(token) == "repeated"
    assert door.result(paid, Paid) == Paid(Decimal("0.1"))
    letter_before = len([*door.dead_letters(order)])
    token = worker.defer(failed)
    assert door.fail(token, "bank.refused", "no money", retryable=False) == "accepted"
    assert door.fail(token, "bank.refused") == "repeated"
    (letter, *_) = door.dead_letters(order)
    assert (letter.instance, len([*door.dead_letters(order)])) == (failed, letter_before + 1)
    assert letter.error == {"code": "bank.refused", "message": "no money"}
    token = worker.defer(cancelled)
    door.cancel(cancelled)
    for answer in (lambda: door.complete(token), lambda: door.fail(token, "late")):
        with pytest.raises(Refused, match="is over"):
            answer()
    with pytest.raises(BadArgument, match="is none that a handler was given"):
        door.complete("nonsense")


def test_signals_and_events_are_sent_once_each(door: Door) -> None:
    name = f"wait-{uuid4().hex[:12]}"
    door.deploy(
        f"name: {name}\nsteps:\n  - {{id: a, wait_for: paid}}\n"
        "  - {id: b, wait_for: {event: shipped, key: $.instance.id}}\n"
        "output: [$.steps.a.output, $.steps.b.output]\n"
    )
    instance = door.start(name).id
    assert door.signal(instance, "paid", {"sum": Decimal("0.1")}, key="k") == "accepted"
    assert door.signal(instance, "paid", {"sum": Decimal("0.1")}, key="k") == "repeated"
    with pytest.raises(Refused, match="under this key"):
        door.signal(instance, "paid", None, key="k")
    event = uuid4().hex
    assert door.send_event("shipped", str(instance), [1], id=event) == "sent"
    assert door.send_event("shipped", str(instance), [1], id=event) == "repeated"
    assert door.result(instance, list[Any]) == [{"sum": Decimal("0.1")}, [1]]
    with pytest.raises(Refused, match="ended"):
        door.signal(instance, "paid")
    with pytest.raises(NotFound):
        door.signal(NOBODY, "paid")
    with pytest.raises(BadArgument, match="name"):
        door.signal(instance, "1st")
    with pytest.raises(BadArgument):
        door.send_event("shipped", "")
    with pytest.raises(Refused, match="under this id"):
        door.send_event("shipped", str(instance), [2], id=event)


def test_a_signal_that_does_not_fit_what_is_declared_is_refused(door: Door) -> None:
    name = f"declared-{uuid4().hex[:12]}"
    door.deploy(
        f"name: {name}\nsignals:\n  paid:\n    type: object\n"
        "    properties: {by: {pattern: ^bank}}\nsteps:\n  - {id: a, wait_for: paid}\n"
    )
    instance = door.start(name).id
    wrong: list[tuple[Any, str]] = [({"by": "cash"}, "/payload/by"), (3, "/payload")]
    for payload, place in wrong:
        with pytest.raises(BadArgument, match=place):
            door.signal(instance, "paid", payload)
    with pytest.raises(BadArgument, match="it takes paid"):
        door.signal(instance, "payed")
    assert door.signal(instance, "paid", {"by": "bank-3"}) == "accepted"


def test_dead_letters_are_listed_redriven_skipped_and_discarded(
    door: Door, order: str, worker: HandWorker
) -> None:
    redriven, as_it_was, skipped, discarded = (die(door, worker, order) for _ in range(4))
    letters = [*door.dead_letters(order)]
    assert [each.instance for each in letters] == [discarded, skipped, as_it_was, redriven]
    assert letters[0].task == "pay"
    assert letters[0].input() == {"amount": GIVEN["total"]}
    assert letters[0].error is not None
    assert len([*door.dead_letters(order, limit=2)]) == 2

    with pytest.raises(BadArgument, match="1 inputs for 2"):
        door.redrive(letters[2], letters[3], inputs=[None])
    tried = door.redrive(letters[2], letters[3], inputs=[None, {"amount": Decimal("3.50")}])
    assert [(each.instance, each.outcome) for each in tried] == [
        (as_it_was, "done"),
        (redriven, "done"),
    ]
    assert worker.claim(redriven).input == {"amount": 3.5}
    assert worker.claim(as_it_was).input == {"amount": float(GIVEN["total"])}

    (passed,) = door.skip((skipped, "pay"), output={"amount": 7})
    assert (passed.outcome, passed.task) == ("done", "pay")
    assert door.result(skipped) == {"paid": 7}
    (given_up,) = door.discard((discarded, "pay"))
    assert given_up.outcome == "done"
    assert door.wait(discarded).status == "FAILED"

    again, unknown = door.discard((discarded, "pay"), (NOBODY, "pay"))
    assert (again.outcome, bool(again.detail)) == ("refused", True)
    assert unknown.outcome in ("refused", "unknown")
    assert door.redrive() == door.skip() == door.discard() == []


def test_a_workflow_that_is_disabled_refuses_a_start(
    door: Door, order: str, own: psycopg.Connection[Any]
) -> None:
    started = door.start(order, GIVEN, key="before")
    disable_workflows(own, [order])
    own.commit()
    with pytest.raises(Refused, match="disabled for new starts since"):
        door.start(order, GIVEN)
    refused, found = door.start_many(order, [GIVEN, GIVEN], keys=[None, "before"])
    assert isinstance(refused, Refused)
    assert isinstance(found, Started)
    assert found.id == started.id


def test_an_instance_is_started_for_later(door: Door, order: str) -> None:
    at = datetime.now(UTC) + timedelta(hours=1)
    started = door.start(order, GIVEN, start_at=at)
    assert any("starts at 2" in reason.because for reason in door.explain(started.id))
    (many,) = door.start_many(order, [GIVEN], start_at=at)
    assert isinstance(many, Started)
    with pytest.raises(BadArgument, match="has no offset from UTC"):
        door.start(order, GIVEN, start_at=datetime(2030, 1, 31))  # noqa: DTZ001
    with pytest.raises(WrongInput, match="ten years") as caught:
        door.start(order, GIVEN, start_at=at + timedelta(days=5000))
    assert caught.value.faults[0].place == "/start_at"


def test_payloads_of_an_ended_instance_are_erased(
    door: Door, order: str, worker: HandWorker
) -> None:
    instance = door.start(order, GIVEN, key=f"erased-{order}").id
    with pytest.raises(Refused, match="cancel it, or wait"):
        door.erase(instance)
    finish(worker, instance)
    assert door.erase(instance, by="anna").endswith("by anna")
    found = door.get(instance)
    assert found.erased_at is not None
    assert found.input() is None
    assert found.output() is None
    assert door.start(order, GIVEN, key=f"erased-{order}").id == instance
    with pytest.raises(NotFound):
        door.erase(NOBODY)


def test_instances_are_found_by_fields_of_their_input(door: Door, order: str) -> None:
    mine = door.start(order, {**GIVEN, "customer": "Bólido & Söhne"}).id
    other = door.start(order, GIVEN).id
    looked_for = {"customer": "Bólido & Söhne"}
    assert [each.id for each in door.instances(order, input=looked_for)] == [mine]
    assert mine in [each.id for each in door.instances(input=looked_for, limit=100)]
    assert [each.id for each in door.instances(order, input={"customer": "ALFKI"})] == [other]
    assert [*door.instances(order, input={"customer": 7})] == []
    with pytest.raises(BadArgument, match=r"no workflow lists \$\.input\.total under `search`"):
        next(iter(door.instances(order, input={"total": Decimal("0.10")})))
