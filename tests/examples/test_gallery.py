"""examples/gallery: each of its workflows does what docs/gallery.md says, to its end."""

import json
import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from onceflow.engine import calls
from onceflow.engine.calls.base import Connection
from onceflow.engine.definition import compile_definition, parse
from onceflow.engine.ids import make_ids

from ..rehearsal import Fails, Handler, Hangs, Rehearsal, Stage, always, refuse

Json = Any
ROOT = Path(__file__).parents[2]
GALLERY = ROOT / "examples" / "gallery"


def begin(
    stage: Stage,
    name: str,
    given: Json,
    handlers: dict[str, Handler],
    others: Sequence[str] = (),
) -> Rehearsal:
    text = (GALLERY / f"{name}.yaml").read_text(encoding="utf-8")
    return stage.begin(text, given, handlers, others)


def in_turn(*answers: Json) -> Handler:
    """Return a handler that gives these, one each time; an exception among them is raised."""
    left = list(answers)

    def answer(_: Json) -> Json:
        given = left.pop(0)
        if isinstance(given, Exception):
            raise given
        return given

    return answer


ORDER = {"order": "O-36", "card": "4000-0002", "amount": 49.9, "customer": "ALFKI"}


@pytest.mark.parametrize(
    ("refused", "state", "undone"),
    [
        ([], "SUCCEEDED", []),
        (["adyen"], "SUCCEEDED", []),
        (["adyen", "stripe"], "COMPENSATED", ["stock.release"]),
    ],
)
def test_charge_order(stage: Stage, refused: list[str], state: str, undone: list[str]) -> None:
    def charge(given: Json) -> Json:
        if given["provider"] in refused:
            raise Fails("card.declined")
        return {"id": f"{given['provider']}-7"}

    given = {key: ORDER[key] for key in ("order", "card", "amount")}
    run = begin(stage, "charge-order", given, {"card.charge": charge})
    ended, output = run.play()
    assert ended == state
    assert [name for name in run.names() if name in ("stock.release", "card.refund")] == undone
    if state == "SUCCEEDED":
        by, caught = ("stripe", "card.declined") if refused else ("adyen", None)
        assert output == {"payment": f"{by}-7", "declined_with": caught}
        assert run.inputs("order.ship") == [{"order": "O-36", "payment": f"{by}-7"}]


def month(stage: Stage, broken: set[int]) -> Rehearsal:
    def send(given: Json) -> Json:
        if given["to"] in {f"{n}@example.com" for n in broken}:
            raise Fails("smtp.refused", "no such box")

    orders = [{"id": n, "amount": n, "email": f"{n}@example.com"} for n in range(200)]
    handlers: dict[str, Handler] = {
        "order.list": lambda _: {"orders": orders},
        "invoice.create": lambda given: {"number": f"N-{given['order']}"},
        "smtp.send": send,
    }
    return begin(stage, "bill-month", {"month": "2026-10"}, handlers)


def test_bill_month(stage: Stage) -> None:
    run = month(stage, {17, 170})
    failed = [f"order {n}: no such box" for n in (17, 170)]
    assert run.play(together=200) == ("SUCCEEDED", {"failed": failed})
    assert len(run.inputs("invoice.void")) == 2
    (mail,) = [one for one in run.inputs("smtp.send") if one["to"].startswith("accounting")]
    assert mail["subject"] == "2026-10: 2 invoices could not be made"
    assert mail["text"].splitlines() == failed


def test_bill_month_with_too_many_failures(stage: Stage) -> None:
    run = month(stage, {17, 70, 170})
    state, _ = run.play(together=200)
    assert (state, len(run.inputs("invoice.void"))) == ("COMPENSATED", 200)


@pytest.mark.parametrize("last", ["done", "failed"])
def test_await_export(stage: Stage, last: str) -> None:
    looks = [{"status": "running"}, {"status": "running"}]
    looks.append({"status": last, "url": "https://x/1.csv", "reason": "disk full"})

    def request(given: Json) -> Json:
        if given.get("method") == "POST":
            return {"body": {"id": 1}}
        return {"body": looks.pop(0) if "method" not in given else None}

    handlers: dict[str, Handler] = {"http.request": request}
    run = begin(
        stage,
        "await-export",
        {"dataset": "sales"},
        {**handlers, **always(file__fetch={"path": "1"})},
    )
    state, output = run.play()
    methods = [one.get("method") for one in run.inputs("http.request")]
    if last == "done":
        assert (state, output, methods) == ("SUCCEEDED", {"file": "1"}, ["POST", None, None, None])
    else:
        assert (state, methods[-1]) == ("COMPENSATED", "DELETE")
        assert run.error()["code"] == "export.failed"
        assert run.error()["message"] == "disk full"


def test_await_export_that_takes_too_long(stage: Stage) -> None:
    answer = {"body": {"id": 1, "status": "running"}}
    handlers = always(http__request=answer)
    run = begin(stage, "await-export", {"dataset": "sales"}, handlers)
    run.step()
    run.handlers = {"http.request": in_turn(answer, Hangs(), answer)}
    state, _ = run.play()
    assert (state, run.error()["code"]) == ("COMPENSATED", "timeout")
    assert run.inputs("http.request")[-1]["method"] == "DELETE"


TRIP = {"traveller": "Ada", "city": "Porto", "from": "2026-12-01", "to": "2026-12-05"}


def test_book_trip(stage: Stage) -> None:
    handlers = always(
        hotel__book={"room": 7}, flight__book={"seat": "3A"}, car__book={"plate": "X"}
    )
    run = begin(stage, "book-trip", TRIP, handlers)
    booked = {"hotel": {"room": 7}, "flight": {"seat": "3A"}, "car": {"plate": "X"}}
    assert run.play() == ("SUCCEEDED", booked)
    assert run.inputs("trip.confirm") == [{"bookings": booked}]


def test_book_trip_without_a_car(stage: Stage) -> None:
    run = begin(stage, "book-trip", TRIP, {"car.book": refuse("car.none_left")})
    state, _ = run.play()
    assert state == "COMPENSATED"
    assert {"hotel.cancel", "flight.cancel"} < set(run.names())
    assert {"car.cancel", "trip.confirm"} & set(run.names()) == set()


def test_first_quote(stage: Stage) -> None:
    def quote(given: Json) -> Json:
        if given["carrier"] == "north":
            raise Fails("carrier.full")
        return {"price": 120 if given["carrier"] == "south" else 99}

    run = begin(stage, "first-quote", {"shipment": "S-1"}, {"freight.quote": quote})
    assert run.play(together=3) == ("SUCCEEDED", {"carrier": "south"})
    assert run.inputs("freight.order") == [{"carrier": "south", "price": 120}]
    assert [one["carrier"] for one in run.inputs("freight.decline")] == ["harbour"]


@pytest.mark.parametrize("fault", [Fails("carrier.full"), Hangs()])
def test_first_quote_that_nobody_gives(stage: Stage, fault: Exception) -> None:
    handlers = {"freight.quote": in_turn(fault, fault, fault)}
    run = begin(stage, "first-quote", {"shipment": "S-1"}, handlers)
    assert run.play(together=3) == ("SUCCEEDED", {"carrier": "none"})
    assert run.inputs("ticket.open") == [{"text": "nobody carries S-1"}]


def test_copy_orders(stage: Stage) -> None:
    pages: Json = {"": ([1, 2], "b"), "b": ([3, 4], "c"), "c": ([5], None)}
    broken = [Fails("http.503", again=True)]

    def read(given: Json) -> Json:
        if given["query"]["after"] == "b" and broken:
            raise broken.pop()
        orders, following = pages[given["query"]["after"]]
        return {"body": {"orders": orders, "next": following}}

    handlers: dict[str, Handler] = {
        "http.request": read,
        "orders.store": lambda given: {"rows": len(given["orders"])},
    }
    run = begin(stage, "copy-orders", {"since": "2026-11-01"}, handlers)
    assert run.play() == ("SUCCEEDED", {"orders": 5})
    asked = [one["query"]["after"] for one in run.inputs("http.request")]
    assert asked == ["", "b", "b", "c"]
    assert [one["orders"] for one in run.inputs("orders.store")] == [[1, 2], [3, 4], [5]]


def test_import_csv(stage: Stage) -> None:
    def load(given: Json) -> Json:
        if given["from"] == 15_000:
            raise Fails("csv.malformed", "row 15,003 has 4 fields")
        return {"rows": given["to"] - given["from"]}

    chunks = [{"from": n * 5000, "to": n * 5000 + 5000} for n in range(20)]
    handlers: dict[str, Handler] = {"csv.load": load, **always(csv__split={"chunks": chunks})}
    run = begin(stage, "import-csv", {"file": "prices.csv"}, handlers)
    assert run.play(together=8) == ("SUCCEEDED", {"rows": 95_000, "put_aside": 1})
    aside = {"chunk": {"from": 15_000, "to": 20_000}, "reason": "row 15,003 has 4 fields"}
    assert run.inputs("csv.put_aside") == [aside]


def test_handle_ticket(stage: Stage) -> None:
    handlers = {
        "ticket.triage": in_turn({"verdict": "bug"}, {"verdict": "bug"}),
        "ticket.work": in_turn({"result": "not ours"}, {"result": "done"}, {"result": "done"}),
        "ticket.review": in_turn({"accepted": False, "remarks": "no test"}, {"accepted": True}),
    }
    run = begin(stage, "handle-ticket", {"ticket": "T-5"}, handlers)
    assert run.play()[0] == "SUCCEEDED"
    states = ["triage", "work", "triage", "work", "review", "work", "review", "close"]
    assert run.names() == [f"ticket.{state}" for state in states]
    assert [one["remarks"] for one in run.inputs("ticket.work")] == [None, None, "no test"]


def test_handle_ticket_that_is_spam(stage: Stage) -> None:
    handlers = always(ticket__triage={"verdict": "spam"})
    run = begin(stage, "handle-ticket", {"ticket": "T-6"}, handlers)
    assert run.play()[0] == "SUCCEEDED"
    assert run.names() == ["ticket.triage", "ticket.close"]


def test_sales_report(stage: Stage) -> None:
    branches: Json = {"north": [1, 2, 3], "south": [], "west": [4]}
    handlers: dict[str, Handler] = {
        "region.list": lambda _: list(branches),
        "branch.list": lambda given: branches[given["region"]],
        "sales.sum": lambda given: given["branch"] * 100.5,
    }
    run = begin(stage, "sales-report", {"year": 2025}, handlers)
    assert run.play(together=3) == ("SUCCEEDED", {"total": 1005.0})
    sums = [("north", 603), ("south", 0), ("west", 402)]
    regions = [{"region": region, "total": total} for region, total in sums]
    assert run.inputs("report.write") == [{"year": 2025, "regions": regions, "total": 1005}]


def test_try_release(stage: Stage) -> None:
    handlers = {
        **always(database__create={"name": "db"}, release__deploy={"id": 1}),
        "release.smoke_test": in_turn(Fails("smoke.red"), {"host": "h2"}),
    }
    run = begin(stage, "try-release", {"release": "2.1"}, handlers)
    assert run.play() == ("SUCCEEDED", {"tested_on": "h2"})
    attempt = ["database.create", "release.deploy", "release.smoke_test"]
    clean = ["release.remove", "database.drop"]
    assert run.names() == [*attempt, *clean, *attempt, "release.approve"]


def test_try_release_in_vain(stage: Stage) -> None:
    handlers = {
        **always(database__create={"name": "db"}, release__deploy={"id": 1}),
        "release.smoke_test": refuse("smoke.red"),
    }
    run = begin(stage, "try-release", {"release": "2.2"}, handlers)
    assert run.play()[0] == "COMPENSATED"
    assert run.names().count("database.create") == run.names().count("database.drop") == 3


SAGA = [
    ("credit.check", None),
    ("stock.reserve", "stock.release"),
    ("card.charge", "card.refund"),
    ("invoice.create", "invoice.void"),
    ("parcel.pack", "parcel.unpack"),
    ("courier.book", "courier.cancel"),
    ("letter.send", "letter.send"),
    ("courier.hand_over", None),
]


@pytest.mark.parametrize("fails", [None, 0, 5, 7])
def test_fulfil_order(stage: Stage, fails: int | None) -> None:
    handlers = always(
        card__charge={"id": 1}, invoice__create={"number": "N-1"}, parcel__pack={"parcel": "P"}
    )
    if fails is not None:
        handlers[SAGA[fails][0]] = refuse("no")
    given = {key: ORDER[key] for key in ("order", "customer", "amount")}
    run = begin(stage, "fulfil-order", given, handlers)
    state, output = run.play()
    if fails is None:
        assert (state, output) == ("SUCCEEDED", {"invoice": "N-1", "parcel": "P"})
        assert run.names() == [name for name, _ in SAGA]
    else:
        assert state == "COMPENSATED"
        undone = [undo for _, undo in reversed(SAGA[:fails]) if undo]
        assert run.names() == [*(name for name, _ in SAGA[: fails + 1]), *undone]


@pytest.mark.parametrize("broken", [None, ("macos", "3.12")])
def test_build_matrix(stage: Stage, broken: tuple[str, str] | None) -> None:
    def build(given: Json) -> Json:
        if (given["system"], given["python"]) == broken:
            raise Fails("build.red")
        return f"{given['system']}-{given['python']}.whl"

    run = begin(stage, "build-matrix", {"commit": "1f3"}, {"package.build": build})
    state, _ = run.play(together=6)
    assert len(run.inputs("package.build")) == 8
    if broken is None:
        (published,) = run.inputs("package.publish")
        assert (state, len(published["wheels"])) == ("SUCCEEDED", 8)
    else:
        assert (state, run.inputs("package.publish")) == ("COMPENSATED", [])
        (detail,) = run.error()["detail"]
        assert (detail["system"], detail["failed"][0]["index"]) == ("macos", 1)


def test_pick_orders(stage: Stage) -> None:
    def pick(given: Json) -> Json:
        if given["sku"] == "ale":
            raise Fails("stock.short", "no ale")
        return f"bin {given['line']}"

    tea, ale = {"sku": "tea", "quantity": 2}, {"sku": "ale", "quantity": 1}
    orders = [{"id": "A", "lines": [tea, tea]}, {"id": "B", "lines": [tea, ale]}]
    handlers: dict[str, Handler] = {"stock.pick": pick, **always(parcel__pack={"parcel": "P-1"})}
    run = begin(stage, "pick-orders", {"orders": orders}, handlers)
    ended = [{"order": "A", "parcel": "P-1"}, {"order": "B", "parcel": None}]
    assert run.play() == ("SUCCEEDED", {"orders": ended})
    assert run.inputs("parcel.pack") == [{"order": "A", "bins": ["bin 1", "bin 2"]}]
    assert run.inputs("stock.put_back") == [tea]
    assert run.inputs("order.postpone") == [{"order": "B", "reason": "no ale"}]


@pytest.mark.parametrize("known", [None, 3])
def test_register_customer(stage: Stage, known: int | None) -> None:
    handlers = always(customer__find={"customer": known}, customer__create={"id": 8})
    given = {"email": "ada@example.com", "name": "Ada"}
    run = begin(stage, "register-customer", given, handlers)
    assert run.play() == ("SUCCEEDED", {"customer": known or 8, "created": known is None})
    assert len(run.inputs("letter.send")) == (known is None)


PUSH = {
    "ref": "refs/heads/main",
    "after": "1f3",
    "deleted": False,
    "repository": {"full_name": "acme/shop"},
    "pusher": {"name": "ada"},
}


@pytest.mark.parametrize("answers", [True, False])
def test_deploy_push(stage: Stage, answers: bool) -> None:
    def look(_: Json) -> Json:
        if not answers:
            raise Fails("smoke")

    def deploy(given: Json) -> Json:
        return {"before": "shop:0", "url": f"https://{given['image']}"}

    handlers: dict[str, Handler] = {
        **always(release__build={"image": "shop:1"}),
        "release.deploy": deploy,
        "release.smoke_test": look,
    }
    definition = parse((GALLERY / "deploy-push.yaml").read_text(encoding="utf-8"), "yaml")
    calls.register_workflow(stage.conn, compile_definition(definition))
    receive = partial(receive_push, stage.conn, guid=f"d-{answers}")
    started = receive(PUSH)
    assert receive(PUSH) == ("exists", started[1])
    assert receive(PUSH | {"ref": "refs/heads/other"}, guid="d-3") == ("passed", None)
    assert receive(PUSH | {"deleted": True}, guid="d-4") == ("passed", None)
    assert started[0] == "started"
    assert started[1] is not None
    run = Rehearsal(stage, started[1], handlers)
    state, output = run.play()
    images = [one["image"] for one in run.inputs("release.deploy")]
    if answers:
        assert (state, output) == ("SUCCEEDED", {"image": "shop:1", "before": "shop:0"})
        assert images == ["shop:1"]
    else:
        assert (state, images) == ("COMPENSATED", ["shop:1", "shop:0"])
    (build,) = run.inputs("release.build")
    assert build == {"repository": "acme/shop", "commit": "1f3"}


def receive_push(conn: Connection, body: Json, guid: str) -> tuple[str, UUID | None]:
    """Receive a push that has proved to be GitHub's."""
    headers = {"x-github-event": "push", "x-github-delivery": guid}
    request = json.dumps({"body": body, "headers": headers, "query": {}}).encode()
    received = calls.receive_webhook(conn, "deploy-push", "push", request, make_ids(1)[0])
    return received.outcome, received.instance_id


def test_the_page_shows_each_and_quotes_what_stands_in_its_file() -> None:
    page = (ROOT / "docs" / "gallery.md").read_text(encoding="utf-8")
    quoted = re.findall(r"/gallery/([\w-]+)\.yaml\)\n\n```yaml\n(.*?)```", page, re.DOTALL)
    assert {name for name, _ in quoted} == {path.stem for path in GALLERY.glob("*.yaml")}
    assert len(quoted) == page.count("```yaml")
    for name, quote in quoted:
        assert quote in (GALLERY / f"{name}.yaml").read_text(encoding="utf-8"), name
