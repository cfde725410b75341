"""What is found in the world after the demo, and whether it is what the orders ask for.

Nothing here asks the engine. The invoices are read from their tables, the PDFs and e-mails from
their folders and the reservations from the shop; what they ought to be is worked out anew from the
orders.
"""

import contextlib
import functools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.parser import BytesHeaderParser
from io import BytesIO
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row
from pypdf import PdfReader

from .mail_catcher import read_deliveries
from .northwind import Customer, format_money
from .tasks import invoice_number

SUBTOTALS = Decimal("1265793.0395")
"""What all orders of the data come to before freight."""


@dataclass(frozen=True, slots=True)
class World:
    """Everything that was found.

    But for ``lines``, by invoice id, all is of one workflow: its numbers, its sender, its shop.
    ``invoices`` are those not voided, by customer. ``pdfs`` and ``mails`` are by file name.
    ``reservations`` is the shop's own answer.
    """

    invoices: list[dict[str, Any]]
    lines: dict[int, list[dict[str, Any]]]
    pdfs: dict[str, bytes]
    mails: dict[str, bytes]
    deliveries: list[dict[str, str | None]]
    reservations: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Expected:
    """What the world ought to look like.

    ``addresses`` tells for each customer where the invoice had to go in the end, ``subtotals`` what
    all of them come to before freight. ``duplicates`` are the addresses to which one message was
    delivered twice, ``rejected`` those that were refused, ``refusals`` is how often the shop was
    unavailable. ``series`` is what the invoices' numbers begin with, ``sender`` who sends them;
    ``report_to`` is told in one e-mail of all customers that have no orders.
    """

    customers: list[Customer]
    addresses: Mapping[str, str]
    subtotals: Decimal = SUBTOTALS
    duplicates: list[str] = field(default_factory=list[str])
    rejected: list[str] = field(default_factory=list[str])
    refusals: int = 0
    series: str = "N"
    sender: str = "invoices@northwind.example"
    report_to: str | None = None

    @property
    def buyers(self) -> list[Customer]:
        """The customers who have orders, and so get an invoice."""
        return [customer for customer in self.customers if customer.orders]

    @property
    def others(self) -> list[str]:
        """The ids of the customers who have none."""
        return [customer.id for customer in self.customers if not customer.orders]


@dataclass(frozen=True, slots=True)
class Check:
    """One statement about the world; it holds where ``faults`` is empty."""

    statement: str
    faults: list[str]


def read_world(
    connection: psycopg.Connection[Any],
    pdf_folder: Path,
    mailbox: Path,
    reservations: dict[str, Any],
    expected: Expected,
) -> World:
    """Read all that one workflow left behind: that whose series and sender are expected."""
    cursor = connection.cursor(row_factory=dict_row)
    invoices = cursor.execute(
        "select id, customer, subtotal, freight, total from shop.invoice"
        " where voided_at is null and series = %s order by customer, id",
        (expected.series,),
    ).fetchall()
    for invoice in invoices:
        invoice["number"] = invoice_number(expected.series, invoice["id"])
    lines: dict[int, list[dict[str, Any]]] = {}
    for line in cursor.execute(
        "select invoice_id, order_id, product, unit_price, quantity, discount, amount"
        " from shop.invoice_line order by invoice_id, position"
    ):
        lines.setdefault(line.pop("invoice_id"), []).append(line)
    return World(
        invoices=invoices,
        lines=lines,
        pdfs=_read_files(pdf_folder, f"{expected.series}-*.pdf"),
        mails={
            name: content
            for name, content in _read_files(mailbox, "*.eml").items()
            if f"<{expected.sender}>" in str(BytesHeaderParser().parsebytes(content)["from"])
        },
        deliveries=[each for each in read_deliveries(mailbox) if each["sender"] == expected.sender],
        reservations=reservations,
    )


def check_world(world: World, expected: Expected) -> list[Check]:
    """Compare the world with what it ought to be; each check names every difference."""
    checks: list[tuple[str, Callable[[World, Expected], Iterable[str]]]] = [
        (
            f"{len(expected.buyers)} invoices in Postgres, each equal to the orders' lines",
            _check_invoices,
        ),
        (f"their subtotals are {format_money(expected.subtotals)} together", _check_sum),
        (f"{len(expected.buyers)} PDFs, each with its number, name and amount", _check_pdfs),
        (f"{len(expected.buyers)} e-mails, one a customer, each with its PDF", _check_mails),
        (
            f"{len(expected.duplicates)} second delivery of an e-mail seen and dropped",
            _check_deliveries,
        ),
        (
            f"{len(expected.buyers)} reservations standing in the shop, "
            f"{len(expected.others)} released",
            _check_reservations,
        ),
    ]
    if expected.report_to is not None:
        checks.append((f"one report of {' and '.join(expected.others)}", _check_report))
    return [Check(statement, list(check(world, expected))) for statement, check in checks]


def _check_invoices(world: World, expected: Expected) -> Iterable[str]:
    customers = [invoice["customer"] for invoice in world.invoices]
    yield from _compare("invoices", customers, [customer.id for customer in expected.buyers])
    buyers = {customer.id: customer for customer in expected.buyers}
    for invoice in world.invoices:
        customer = buyers.get(invoice["customer"])
        if customer is None:
            continue
        name = f"invoice {invoice['number']} of {customer.id}"
        wanted = [
            {
                "order_id": order.id,
                "product": line.product,
                "unit_price": line.unit_price,
                "quantity": line.quantity,
                "discount": line.discount,
                "amount": line.amount,
            }
            for order in customer.orders
            for line in order.lines
        ]
        found = world.lines.get(invoice["id"], [])
        if len(found) != len(wanted):
            yield f"{name} has {len(found)} lines, the orders have {len(wanted)}"
        for have, want in zip(found, wanted, strict=False):
            for column, value in want.items():
                if have[column] != value:
                    yield (
                        f"{name}, order {want['order_id']}, {want['product']}: "
                        f"{column} is {have[column]} and ought to be {value}"
                    )
        for column in ("subtotal", "freight", "total"):
            value = getattr(customer, column)
            if invoice[column] != value:
                yield f"{name}: {column} is {invoice[column]} and ought to be {value}"


def _check_sum(world: World, expected: Expected) -> Iterable[str]:
    found = sum((invoice["subtotal"] for invoice in world.invoices), Decimal(0))
    if found != expected.subtotals:
        yield f"they are {format_money(found)}"


def _check_pdfs(world: World, expected: Expected) -> Iterable[str]:
    buyers = {customer.id: customer for customer in expected.buyers}
    names = [f"{invoice['number']}.pdf" for invoice in world.invoices]
    yield from _compare("PDFs", list(world.pdfs), names)
    for invoice in world.invoices:
        number = invoice["number"]
        customer = buyers.get(invoice["customer"])
        content = world.pdfs.get(f"{number}.pdf")
        if customer is None or content is None:
            continue
        try:
            first, last = _read_pdf(content)
        except Exception as error:
            yield f"{number}.pdf cannot be read: {error}"
            continue
        for text, what, page in (
            (f"Invoice {number}\n", "number", first),
            (f"\n{customer.company}\n", "name", first),
            (f"\nTotal due {format_money(customer.total)}\n", "amount", last),
        ):
            if text not in page:
                yield f"{number}.pdf of {customer.id} lacks the {what} {text.strip()!r}"


@functools.lru_cache(maxsize=1000)
def _read_pdf(content: bytes) -> tuple[str, str]:
    """Return the text of the first and of the last page."""
    pages = PdfReader(BytesIO(content)).pages
    first = pages[0].extract_text()
    return first, first if len(pages) == 1 else pages[-1].extract_text()


def read_ahead(pdf_folder: Path) -> None:
    """Read the PDFs that are there already, so that the check need not read these bytes again.

    Half of the time that the summary takes goes into this, and the demo has nothing else to do
    while it waits for the dead worker's lease to end.
    """
    for content in _read_files(pdf_folder, "*.pdf").values():
        with contextlib.suppress(Exception):  # the check tells what is wrong with it
            _read_pdf(content)


def _check_mails(world: World, expected: Expected) -> Iterable[str]:
    numbers = {invoice["customer"]: invoice["number"] for invoice in world.invoices}
    wanted = {expected.addresses[customer.id]: customer for customer in expected.buyers}
    messages = [message for message in _messages(world) if str(message["to"]) != expected.report_to]
    yield from _compare("e-mails", [str(message["to"]) for message in messages], list(wanted))
    for message in messages:
        customer = wanted.get(str(message["to"]))
        if customer is None:
            continue
        name = f"{numbers.get(customer.id)}.pdf"
        attachments = [
            (part.get_filename(), part.get_content()) for part in message.iter_attachments()
        ]
        if [attached for attached, _ in attachments] != [name]:
            yield f"the e-mail to {customer.id} has {_names(attachments)} attached, not {name}"
        elif attachments[0][1] != world.pdfs.get(name):
            yield f"the e-mail to {customer.id}: its {name} differs from the file in the folder"


def _check_report(world: World, expected: Expected) -> Iterable[str]:
    reports = [message for message in _messages(world) if str(message["to"]) == expected.report_to]
    if len(reports) != 1:
        yield f"{len(reports)} reports were sent to {expected.report_to}, not 1"
    wanted = [f"customer {customer} has no orders to invoice" for customer in expected.others]
    for report in reports:
        found = str(report.get_content()).splitlines()
        yield from _compare("lines of the report", found, wanted)


def _messages(world: World) -> list[EmailMessage]:
    return [
        message_from_bytes(content, _class=EmailMessage, policy=policy.default)
        for content in world.mails.values()
    ]


def _check_deliveries(world: World, expected: Expected) -> Iterable[str]:
    for outcome, wanted in (("duplicate", expected.duplicates), ("rejected", expected.rejected)):
        found = [str(d["recipient"]) for d in world.deliveries if d["outcome"] == outcome]
        yield from _compare(f"deliveries with the outcome {outcome}", found, wanted)


def _check_reservations(world: World, expected: Expected) -> Iterable[str]:
    buyers = [customer.id for customer in expected.buyers]
    found = world.reservations
    yield from _compare("reservations", found["standing"], buyers)
    yield from _compare("released reservations", found["released"], expected.others)
    for event, wanted in (("refused", expected.refusals), ("conflict", 0)):
        count = found["events"].get(event, 0)
        if count != wanted:
            yield f"the shop counts {count} posts as {event}, not {wanted}"


def _compare(what: str, found: list[str], wanted: list[str]) -> Iterable[str]:
    """Yield what is missing, what is too much and what is there several times."""
    missing = sorted(set(wanted) - set(found))
    strange = sorted(set(found) - set(wanted))
    twice = sorted({item for item in found if found.count(item) > max(1, wanted.count(item))})
    for remark, items in (("missing", missing), ("not expected", strange), ("repeated", twice)):
        if items:
            yield f"{what} {remark}: {', '.join(items)}"


def _names(attachments: list[tuple[str | None, Any]]) -> str:
    return ", ".join(str(name) for name, _ in attachments) or "nothing"


def _read_files(folder: Path, pattern: str) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.glob(pattern))}
