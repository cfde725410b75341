"""A deployment as it may be found one morning: something of everything that pages show.

The shop of the examples writes invoices; time is moved by the clock of the tests, statistics are
made up, all else is done by the calls that clients, workers and operators use.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import psycopg

from bench.pages.trends import Shape, fill_statistics
from onceflow.engine import calls
from onceflow.engine.accounts.keys import digest_of, make_key
from onceflow.engine.calls import Actor, BadMessage, Completion, Failure, Grant, acting
from onceflow.engine.definition import compile_definition, parse
from onceflow.engine.json_text import Json

from ...sql.play import take_messages, turn_clock
from ..accounts.conftest import log_in_new
from ..hand_worker import HandWorker

EXAMPLES: Final = Path(__file__).parents[3] / "examples"
FLOWS: Final = (
    "invoice/order-invoice",
    *(f"gallery/{name}" for name in ("approve-refund", "await-payment", "bill-month")),
    *("gallery/send-reminders", "gallery/take-order"),
)
TASKS: Final = [
    *("http.request", "smtp.send", "invoice.create", "invoice.void", "invoice.render_pdf"),
    *("invoice.send", "invoice.find_overdue", "order.list", "refund.pay", "ticket.open"),
]
CUSTOMERS: Final = ("ALFKI", "BOTTM", "CHOPS", "ERNSH", "FRANK", "GODOS", "HANAR", "LILAS")
SHOP: Final = "https://shop.northwind.example"
REFUSED: Final = {
    "code": "smtp.rejected",
    "message": "550 5.1.1 <orders@lilas.example>: recipient address rejected: no such user",
    "type": "SMTPRecipientsRefused",
    "traceback": [
        'File "onceflow/worker/builtin/smtp.py", line 118, in send',
        'File "smtplib.py", line 906, in sendmail',
    ],
}
WORKFLOW: Final = "order-invoice"
SHAPES: Final = (
    *(Shape("", "", "RUNNING", 21, 0), Shape("", "", "SUCCEEDED", 20, 9)),
    *(Shape("", "", "COMPENSATED", 0.7, 12), Shape("", "*", "RUNNING", 84, 3)),
    *(Shape("", "*", "SUCCEEDED", 80, 7), Shape(WORKFLOW, "", "RUNNING", 18, 0)),
    *(Shape(WORKFLOW, "", "SUCCEEDED", 17, 9), Shape(WORKFLOW, "", "COMPENSATED", 0.6, 12)),
    *(
        Shape(WORKFLOW, step, outcome, rate, bucket)
        for step, ran in (
            *(("fetch-orders", 6), ("create-invoice", 5)),
            *(("pdf-process", 8), ("send-email", 9)),
        )
        for outcome, rate, bucket in (("RUNNING", 18, 3), ("SUCCEEDED", 17.5, ran))
    ),
    Shape(WORKFLOW, "fetch-orders", "RETRYING", 0.9, 10),
    Shape(WORKFLOW, "send-email", "DEAD_LETTER", 0.1, 11),
)


@dataclass(slots=True)
class Scene:
    """What was made: what ``ada`` bears, who may do everything, and the addresses of the pages."""

    secret: str = ""
    pages: list[str] = field(default_factory=list[str])
    undone: UUID | None = None
    """An instance that was undone."""
    dead: UUID | None = None
    """An instance with an open dead letter."""
    held: UUID | None = None
    """An instance that an operator has suspended."""
    paid: UUID | None = None
    """An instance that waits for the signal ``paid``."""


class Making:
    """Makes a scene, at times that go on."""

    def __init__(self, conn: psycopg.Connection[Any]) -> None:
        self._conn = conn
        self.workers = [HandWorker(conn, f"invoices-{n}", 600, TASKS) for n in (1, 2)]
        self._number = 0

    def at(self, seconds_ago: float) -> None:
        """Let it be so long ago."""
        self._conn.execute(
            "insert into onceflow.test_clock (at)"
            " values (now() - pg_catalog.make_interval(secs => %s))"
            " on conflict (one) do update set at = excluded.at",
            (seconds_ago,),
        )

    def start(self, workflow: str, given: dict[str, Any], key: str | None = None) -> UUID:
        """Start an instance."""
        (made,) = calls.start_instances(self._conn, workflow, [given], [key])
        return made.instance_id

    def invoice(self, ago: float, steps: int, customer: str = "") -> UUID:
        """Start an invoice so many seconds ago, and take it so many steps far."""
        self._number += 1
        name = customer or CUSTOMERS[self._number % len(CUSTOMERS)]
        number = 10248 + self._number
        outputs = (
            {"status": 200, "body": {"customer": name, "orders": [{"id": number, "total": 440}]}},
            {"id": number, "number": f"2026-{number}", "total": "440.00 EUR"},
            {"path": f"/var/invoices/2026-{number}.pdf", "pages": 1},
            {"message_id": f"<2026-{number}@northwind.example>"},
        )
        self.at(ago)
        email = f"orders@{name.lower()}.example"
        given = {"shop": SHOP, "customer": name, "email": email}
        instance = self.start(WORKFLOW, given, f"invoice {number}")
        worker = self.workers[self._number % 2]
        for output, took in list(zip(outputs, (0.4, 0.2, 1.3, 0.9), strict=True))[:steps]:
            self.at(ago - 0.03)
            grant = worker.claim(instance)
            ago -= took
            self.at(ago)
            self.complete([grant], output, worker.id)
        return instance

    def complete(self, grants: Sequence[Grant], output: Json, worker: UUID | None = None) -> None:
        """Complete what was claimed."""
        done = [Completion(one.instance_id, one.task, one.fence, output) for one in grants]
        calls.complete_tasks(self._conn, worker or self.workers[0].id, done)

    def fail(self, grants: Sequence[Grant], error: dict[str, Any]) -> None:
        """Have what was claimed fail for good."""
        failed = [
            Failure(one.instance_id, one.task, one.fence, error, retryable=False) for one in grants
        ]
        calls.fail_tasks(self._conn, failed)

    def break_off(self, instance: UUID, error: dict[str, Any]) -> None:
        """Have the next task of an instance fail for good."""
        self.fail(self.workers[0].claim_all(instance), error)


def fill(conn: psycopg.Connection[Any]) -> Scene:
    """Make the scene in a new database; ``conn`` must be a superuser's."""
    scene = Scene()
    with acting(lambda: Actor("person ada", "10.0.4.17")):
        for name in FLOWS:
            text = (EXAMPLES / f"{name}.yaml").read_text()
            calls.register_workflow(conn, compile_definition(parse(text, "yaml")))
        # What has changed since its first version is what a page shows.
        text = (EXAMPLES / f"{FLOWS[0]}.yaml").read_text().replace("attempts: 5", "attempts: 8")
        calls.register_workflow(conn, compile_definition(parse(text, "yaml")))
        _accounts(conn, scene)
        calls.set_config_values(conn, {"invoice_sender": "invoices@northwind.example", "vat": 0.23})
        shown = _instances(conn, scene)
    conn.execute("delete from onceflow.test_clock")
    calls.trigger_schedules(conn, ["send-reminders"], ["morning"])
    take_messages(conn)
    turn_clock(conn)
    fill_statistics(conn, SHAPES)
    scene.pages = [
        *("/", "/?over=7d", "/ui/instances", "/ui/instances?workflow=bill-month"),
        *(f"/ui/instances/{one}" for one in shown),
        f"/ui/instances/{shown[-1]}?block=invoices",
        *("/ui/dead-letters", "/ui/forms", "/ui/workflows", f"/ui/workflows/{WORKFLOW}"),
        f"/ui/workflows/{WORKFLOW}/versions/2?against=1",
        *(f"/ui/workflows/{WORKFLOW}/start", "/ui/workflows/approve-refund/start"),
        *("/ui/triggers", "/ui/triggers?name=send-reminders/morning", "/ui/workers"),
        *("/ui/audit", "/ui/config", "/ui/config?name=vat", "/ui/keys", "/ui/people"),
        *(f"/ui/forms/{form}?task={task}" for form, task in _forms(conn)),
        *("/ui/nowhere", "/login"),
    ]
    return scene


def _accounts(conn: psycopg.Connection[Any], scene: Scene) -> None:
    scene.secret = log_in_new(conn, "ada", "admin")
    for name, role in (("ben", "operator"), ("carla", "deployer"), ("dirk", "viewer")):
        log_in_new(conn, name, role)
    for name, role in (("shop", "starter"), ("ci", "deployer"), ("ci-2025", "deployer")):
        calls.create_api_key(conn, name, digest_of(make_key()), role)
    calls.revoke_api_key(conn, "ci-2025")


def _instances(conn: psycopg.Connection[Any], scene: Scene) -> list[UUID]:
    """Make instances in all states; return those that show most."""
    making = Making(conn)
    ended = [making.invoice(3000 - 140 * n, 4) for n in range(18)][-1]
    undone = making.invoice(412, 2)
    making.break_off(
        undone, {"code": "render.failed", "message": "invoice.typ: unknown font: Inter"}
    )
    for then in (410.6, 409.8):
        making.at(then - 0.05)
        claimed = making.workers[0].claim_all(undone)
        making.at(then - 0.7)
        making.complete(claimed, {"status": 200})
    cancelled = making.invoice(260, 0)
    calls.cancel_instances(conn, [cancelled])
    held = making.invoice(190, 1)
    calls.suspend_instances(conn, [held])
    dead = making.invoice(95, 3, "LILAS")
    making.break_off(dead, REFUSED)
    letters = [making.invoice(80, 3) for _ in range(2)]
    for letter in letters:
        making.break_off(letter, {"code": "smtp.rejected", "message": "552 5.2.2 mailbox is full"})
    paid = making.start("await-payment", {"order": "11077"}, "order 11077")
    making.workers[0].complete(paid, {"sent": True})
    for amount in (180.5, 2400):
        refund = {"order": "11062", "amount": amount, "email": "orders@bottm.example"}
        making.start("approve-refund", refund)
    batch = _batch(making)
    running = making.invoice(2.4, 3)
    making.workers[1].claim(running)
    for n in range(3):
        making.invoice(1.5 - n / 3, 0)
    calls.quarantine_messages(
        conn, [BadMessage("northwind.default", 0, 41, b"{not json", "is not JSON: at byte 1")]
    )
    scene.undone, scene.dead, scene.held, scene.paid = undone, dead, held, paid
    return [ended, undone, held, dead, paid, running, batch]


def _batch(making: Making) -> UUID:
    """Start the invoices of a month; most are sent, a few have failed."""
    making.at(70)
    batch = making.start("bill-month", {"month": "2026-10"}, "2026-10")
    orders = [
        {"id": 10300 + n, "amount": 40 + n, "email": f"orders@{CUSTOMERS[n % 8].lower()}.example"}
        for n in range(300)
    ]
    making.workers[0].complete(batch, {"orders": orders})
    making.at(55)
    created = making.workers[0].claim_all(batch)
    making.complete(created[:150], {"number": "2026-10300"})
    making.at(30)
    sent = making.workers[0].claim_all(batch)
    error = {"code": "smtp.rejected", "message": "550 no such user"}
    making.fail(sent[:2], error)
    making.complete(sent[2:120], {"message_id": "<2026-10300@northwind.example>"})
    return batch


def _forms(conn: psycopg.Connection[Any]) -> list[tuple[UUID, str]]:
    return [
        (instance, task)
        for instance, task in conn.execute(
            "select instance_id, task from onceflow.forms order by n"
        )
    ]
