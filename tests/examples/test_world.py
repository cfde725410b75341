"""The summary of the demo: it names each thing in the world that is not as it ought to be.

The world is made by the example's own handlers, for a few customers, then broken on purpose.
"""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from decimal import Decimal
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import Any

import psycopg
import pytest

from onceflow.engine.settings import Settings
from onceflow.examples.invoice.mail_catcher import MailBox
from onceflow.examples.invoice.northwind import load_customers
from onceflow.examples.invoice.tables import make_tables
from onceflow.examples.invoice.tasks import PDF_FOLDER, render_invoice
from onceflow.examples.invoice.world import Expected, check_world, read_world

from ..servers import Database, Servers, create_database, drop_database
from .support import make_invoice

WholeWorld = tuple[Database, Path]

CHOSEN = ("ALFKI", "BERGS", "FISSA", "QUICK")
SENDER = "invoices@northwind.example"
REPORT_TO = "accounting@northwind.example"
REPORT = "customer FISSA has no orders to invoice\n"
CUSTOMERS = [customer for customer in load_customers() if customer.id in CHOSEN]
ADDRESSES = {customer.id: customer.email for customer in CUSTOMERS} | {
    "BERGS": "accounts.bergs@northwind.example"
}


class Made:
    """A small world, complete, whose parts a test may break."""

    def __init__(self, db: psycopg.Connection[Any], folder: Path, box: MailBox) -> None:
        self.db = db
        self.pdf = folder / "pdf"
        self.mail = folder / "mail"
        self.box = box
        self.reservations: dict[str, Any] = {
            "standing": ["ALFKI", "BERGS", "QUICK"],
            "released": ["FISSA"],
            "events": {"refused": 2, "reserved": 4, "released": 1},
        }

    def make(self) -> None:
        """Put into the world what the workflow would."""
        self.pdf.mkdir()
        for customer in CUSTOMERS:
            if customer.orders:
                output = make_invoice(self.db, customer, customer.id)
                printed = render_invoice(output["id"])
                self.send(
                    ADDRESSES[customer.id], Path(printed["path"]), f"<{customer.id}@onceflow>"
                )
        self.box.record("rejected", SENDER, "bergs@northwind.example")
        self.box.record("duplicate", SENDER, "quick@northwind.example", "<QUICK@onceflow>")
        self.report("<report@onceflow>", REPORT)

    def send(self, to: str, pdf: Path, message_id: str) -> None:
        message = EmailMessage(policy=SMTP)
        message["From"] = f"Northwind Traders <{SENDER}>"
        message["To"] = to
        message["Message-ID"] = message_id
        message.set_content("Your invoice")
        message.add_attachment(
            pdf.read_bytes(), maintype="application", subtype="pdf", filename=pdf.name
        )
        assert self.box.keep(message_id, message.as_bytes())

    def report(self, message_id: str, text: str, sender: str = SENDER) -> None:
        message = EmailMessage(policy=SMTP)
        message["From"] = f"Northwind Traders <{sender}>"
        message["To"] = REPORT_TO
        message["Message-ID"] = message_id
        message.set_content(text)
        assert self.box.keep(message_id, message.as_bytes())

    def faults(self) -> list[str]:
        """Return all that the summary finds."""
        expected = Expected(
            customers=CUSTOMERS,
            addresses=ADDRESSES,
            subtotals=sum((customer.subtotal for customer in CUSTOMERS), Decimal(0)),
            duplicates=["quick@northwind.example"],
            rejected=["bergs@northwind.example"],
            refusals=2,
            report_to=REPORT_TO,
        )
        world = read_world(self.db, self.pdf, self.mail, self.reservations, expected)
        return [fault for check in check_world(world, expected) for fault in check.faults]


@pytest.fixture(scope="module")
def whole(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholeWorld]:
    """A world that no test breaks: each has a copy of its folders, and rolls back."""
    database = create_database(servers, migrated=False)
    folder = tmp_path_factory.mktemp("world")
    make_tables(Settings(dsn=database.dsn))
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setenv(PDF_FOLDER, str(folder / "pdf"))
        patch.setenv("ONCEFLOW_DSN", database.dsn)
        box = stack.enter_context(MailBox(folder / "mail"))
        db = stack.enter_context(database.connect())
        Made(db, folder, box).make()
    yield database, folder
    drop_database(servers, database.name)


@pytest.fixture
def made(whole: WholeWorld, tmp_path: Path) -> Iterator[Made]:
    database, folder = whole
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    with database.connect(autocommit=False) as db, MailBox(tmp_path / "mail") as box:
        yield Made(db, tmp_path, box)
        db.rollback()


def test_a_world_as_it_ought_to_be_has_no_faults(made: Made) -> None:
    assert made.faults() == []


def test_what_another_workflow_has_made_is_no_fault_of_this_one(made: Made) -> None:
    made.db.execute(
        # Under an id of its own: those that are counted up stay as they are for other tests.
        "insert into shop.invoice (id, key, series, customer, details)"
        " overriding system value values (9, 'key', 'B', 'ALFKI', '{}')"
    )
    (made.pdf / "B-00009.pdf").write_bytes(b"%PDF-1.7")
    made.report("<foreign@onceflow>", "of another sender", "billing@northwind.example")
    made.box.record("duplicate", "billing@northwind.example", "alfki@northwind.example")
    assert made.faults() == []


def run_sql(statement: str) -> Callable[[Made], object]:
    return lambda made: made.db.execute(statement.encode())


def change_reservations(**changed: Any) -> Callable[[Made], object]:
    return lambda made: made.reservations.update(changed)


def replace_report(text: str) -> Callable[[Made], object]:
    def do(made: Made) -> None:
        (made.mail / "report@onceflow.eml").unlink()
        made.report("<report@onceflow>", text)

    return do


def swap_pdfs(made: Made) -> None:
    first, second = made.pdf / "N-00001.pdf", made.pdf / "N-00002.pdf"
    content = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(content)


def spoil_attachment(made: Made) -> None:
    (made.mail / "ALFKI@onceflow.eml").unlink()
    made.send("alfki@northwind.example", made.pdf / "N-00002.pdf", "<ALFKI@onceflow>")


BREAKS: dict[str, tuple[Callable[[Made], object], list[str]]] = {
    "a price is changed": (
        run_sql(
            "update shop.invoice_line set unit_price = unit_price + 0.01"
            " where invoice_id = 1 and position = 1"
        ),
        [
            "invoice N-00001 of ALFKI, order 10643, Rössle Sauerkraut: "
            "unit_price is 45.61 and ought to be 45.60",
            "invoice N-00001 of ALFKI, order 10643, Rössle Sauerkraut: "
            "amount is 513.1125 and ought to be 513.0000",
        ],
    ),
    "the last digit of a sum is changed": (
        run_sql("update shop.invoice set subtotal = subtotal + 0.0001 where id = 1"),
        [
            "invoice N-00001 of ALFKI: subtotal is 4273.0001 and ought to be 4273.0000",
            "invoice N-00001 of ALFKI: total is 4498.5801 and ought to be 4498.5800",
            "they are 139,477.8826",
        ],
    ),
    "a line is lost": (
        run_sql("delete from shop.invoice_line where invoice_id = 1 and position = 12"),
        ["invoice N-00001 of ALFKI has 11 lines, the orders have 12"],
    ),
    "an invoice is doubled": (
        run_sql(
            "insert into shop.invoice (key, customer, details)"
            " select key, customer, details from shop.invoice where id = 1"
        ),
        ["invoices repeated: ALFKI", "PDFs missing: N-00004.pdf"],
    ),
    "an invoice is voided": (
        run_sql("update shop.invoice set voided_at = now() where id = 1"),
        ["invoices missing: ALFKI", "PDFs not expected: N-00001.pdf"],
    ),
    "a PDF is missing": (
        lambda made: (made.pdf / "N-00002.pdf").unlink(),
        [
            "PDFs missing: N-00002.pdf",
            "the e-mail to BERGS: its N-00002.pdf differs from the file in the folder",
        ],
    ),
    "a PDF is no PDF": (
        lambda made: (made.pdf / "N-00002.pdf").write_bytes(b"%PDF-1.7 cut"),
        ["N-00002.pdf cannot be read"],
    ),
    "two PDFs are swapped": (
        swap_pdfs,
        [
            "N-00001.pdf of ALFKI lacks the number 'Invoice N-00001'",
            "N-00001.pdf of ALFKI lacks the name 'Alfreds Futterkiste'",
            "N-00001.pdf of ALFKI lacks the amount 'Total due 4,498.58'",
            "the e-mail to ALFKI: its N-00001.pdf differs from the file in the folder",
        ],
    ),
    "an e-mail is missing": (
        lambda made: (made.mail / "ALFKI@onceflow.eml").unlink(),
        ["e-mails missing: alfki@northwind.example"],
    ),
    "an e-mail came twice": (
        lambda made: made.send(
            "alfki@northwind.example", made.pdf / "N-00001.pdf", "<other@onceflow>"
        ),
        ["e-mails repeated: alfki@northwind.example"],
    ),
    "the report is missing": (
        lambda made: (made.mail / "report@onceflow.eml").unlink(),
        ["0 reports were sent to accounting@northwind.example, not 1"],
    ),
    "the report came twice": (
        lambda made: made.report("<second@onceflow>", REPORT),
        ["2 reports were sent to accounting@northwind.example, not 1"],
    ),
    "the report leaves a customer out": (
        replace_report("nobody has failed\n"),
        [
            "lines of the report missing: customer FISSA has no orders to invoice",
            "lines of the report not expected: nobody has failed",
        ],
    ),
    "an e-mail has another's PDF": (
        spoil_attachment,
        ["the e-mail to ALFKI has N-00002.pdf attached, not N-00001.pdf"],
    ),
    "nothing was delivered twice": (
        lambda made: (made.mail / "deliveries.jsonl").write_text(""),
        [
            "deliveries with the outcome duplicate missing: quick@northwind.example",
            "deliveries with the outcome rejected missing: bergs@northwind.example",
        ],
    ),
    "another e-mail was delivered twice": (
        lambda made: made.box.record(
            "duplicate", SENDER, "alfki@northwind.example", "<ALFKI@onceflow>"
        ),
        ["deliveries with the outcome duplicate not expected: alfki@northwind.example"],
    ),
    "a reservation is not released": (
        change_reservations(standing=["ALFKI", "BERGS", "FISSA", "QUICK"], released=[]),
        ["reservations not expected: FISSA", "released reservations missing: FISSA"],
    ),
    "the shop was asked twice under two keys": (
        change_reservations(events={"refused": 2, "conflict": 1}),
        ["the shop counts 1 posts as conflict, not 0"],
    ),
    "the shop was never unavailable": (
        change_reservations(events={}),
        ["the shop counts 0 posts as refused, not 2"],
    ),
}


@pytest.mark.parametrize("what", BREAKS)
def test_what_is_off_is_named(made: Made, what: str) -> None:
    do, named = BREAKS[what]
    do(made)
    found = made.faults()
    for fault in named:
        assert any(line.startswith(fault) for line in found), (fault, found)
