"""The handlers of the invoice workflow, as a user of Onceflow writes them.

They know nothing of retries, duplicates or crashes: creating an invoice is one transaction with the
completion of its task, and rendering one writes the same file each time.
"""

import os
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from onceflow.engine.settings import load_settings
from onceflow.worker import Context, PermanentError, task
from onceflow.worker.integrations.pdf import write_pdf

from .northwind import Order, format_money

TEMPLATE = Path(__file__).with_name("invoice.typ")

PDF_FOLDER = "INVOICE_PDF_FOLDER"
"""The variable that names the folder of the PDFs; ``pdf`` in the working directory by default."""


@dataclass(frozen=True, slots=True)
class Buyer:
    """Who an invoice is made out to, as the shop tells it."""

    id: str
    company: str
    contact: str
    address: str
    city: str
    region: str | None
    postal_code: str | None
    country: str


@task("invoice.create", transactional=True)
def create_invoice(
    customer: Buyer, orders: list[Order], context: Context, series: str = "N"
) -> dict[str, Any]:
    """Write one invoice over all lines of the orders; Postgres does the arithmetic, exactly."""
    if not orders:
        raise PermanentError(
            f"customer {customer.id} has no orders to invoice", code="invoice.no_orders"
        )
    connection = context.connection
    details = {"company": customer.company, "contact": customer.contact}
    details |= {"address": customer.address, "city": customer.city, "region": customer.region}
    details |= {"postal_code": customer.postal_code, "country": customer.country}
    freight = sum((order.freight for order in orders), Decimal(0))
    row = connection.execute(
        "insert into shop.invoice (key, series, customer, details, freight)"
        " values (%s, %s, %s, %s, %s) returning id",
        (context.key, series, customer.id, Jsonb(details), freight),
    ).fetchone()
    assert row is not None
    invoice = row[0]
    lines = [(order, line) for order in orders for line in order.lines]
    with connection.cursor() as cursor:
        cursor.executemany(
            "insert into shop.invoice_line (invoice_id, position, order_id, ordered_on, product,"
            " unit_price, quantity, discount) values (%s, %s, %s, %s, %s, %s, %s, %s)",
            [
                (
                    invoice,
                    position,
                    order.id,
                    order.ordered_on,
                    line.product,
                    line.unit_price,
                    line.quantity,
                    line.discount,
                )
                for position, (order, line) in enumerate(lines, start=1)
            ],
        )
    row = connection.execute(
        "update shop.invoice set subtotal ="
        " (select sum(amount) from shop.invoice_line where invoice_id = id)"
        " where id = %s returning total",
        (invoice,),
    ).fetchone()
    assert row is not None
    return {
        "id": invoice,
        "number": invoice_number(series, invoice),
        "total": format_money(row[0]),
    }


@task("invoice.void", transactional=True)
def void_invoice(key: str, context: Context) -> dict[str, Any]:
    """Void the invoice that was made under ``key``, if one was."""
    voided = context.connection.execute(
        "update shop.invoice set voided_at = now() where key = %s and voided_at is null"
        " returning id",
        (key,),
    ).fetchall()
    return {"voided": [row[0] for row in voided]}


def invoice_number(series: str, invoice: int) -> str:
    """Return what is printed on the invoice with this id."""
    return f"{series}-{invoice:05d}"


def read_invoice(connection: psycopg.Connection[Any], invoice: int) -> dict[str, Any]:
    """Return what the template prints of an invoice, with all amounts in form.

    Raises LookupError where there is no such invoice.
    """
    cursor = connection.cursor(row_factory=dict_row)
    head = cursor.execute(
        "select series, details, subtotal, freight, total, created_at::date::text as issued_on"
        " from shop.invoice where id = %s",
        (invoice,),
    ).fetchone()
    if head is None:
        raise LookupError(f"there is no invoice {invoice}")
    orders: dict[int, dict[str, Any]] = {}
    for line in cursor.execute(
        "select order_id, ordered_on::text, product, unit_price, quantity, discount, amount"
        " from shop.invoice_line where invoice_id = %s order by position",
        (invoice,),
    ):
        order = orders.setdefault(
            line["order_id"],
            {"id": str(line["order_id"]), "ordered_on": line["ordered_on"], "lines": []},
        )
        order["lines"].append(
            {
                "product": line["product"],
                "quantity": str(line["quantity"]),
                "unit_price": format_money(line["unit_price"]),
                "discount": f"{line['discount']:.0%}" if line["discount"] else "",
                "amount": format_money(line["amount"]),
            }
        )
    return {
        "number": invoice_number(head["series"], invoice),
        "issued_on": head["issued_on"],
        "customer": head["details"],
        "orders": list(orders.values()),
        "subtotal": format_money(head["subtotal"]),
        "freight": format_money(head["freight"]),
        "total": format_money(head["total"]),
    }


@task("invoice.render_pdf")
def render_invoice(invoice: int) -> dict[str, Any]:
    """Print the invoice to a PDF, named after its number."""
    with psycopg.connect(load_settings().require_dsn()) as connection:
        data = read_invoice(connection, invoice)
    path = Path(os.environ.get(PDF_FOLDER, "pdf")) / f"{data['number']}.pdf"
    write_pdf(TEMPLATE, data, path)
    return {"path": str(path.resolve()), "number": data["number"]}
