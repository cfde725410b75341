"""The example's handlers, called with real contexts on a real database."""

from decimal import Decimal
from typing import Any

import psycopg
import pytest

from onceflow.engine.settings import Settings
from onceflow.examples.invoice.northwind import load_customers
from onceflow.examples.invoice.tables import make_tables
from onceflow.examples.invoice.tasks import read_invoice
from onceflow.worker import PermanentError

from .support import call_task, make_invoice

CUSTOMERS = {customer.id: customer for customer in load_customers()}


def invoices(db: psycopg.Connection[Any]) -> list[tuple[Any, ...]]:
    return db.execute(
        "select customer, subtotal, freight, total, voided_at is not null from shop.invoice"
        " order by id"
    ).fetchall()


def test_an_invoice_has_every_line_and_exact_sums(shop_db: psycopg.Connection[Any]) -> None:
    customer = CUSTOMERS["ERNSH"]
    output = make_invoice(shop_db, customer, "k1")
    assert output == {"id": 1, "number": "N-00001", "total": "111,080.3685"}
    found = shop_db.execute(
        "select order_id, ordered_on::text, product, unit_price, quantity, discount, amount"
        " from shop.invoice_line order by position"
    ).fetchall()
    assert found == [
        (
            order.id,
            order.ordered_on,
            line.product,
            line.unit_price,
            line.quantity,
            line.discount,
            line.amount,
        )
        for order in customer.orders
        for line in order.lines
    ]
    assert invoices(shop_db) == [
        ("ERNSH", Decimal("104874.9785"), Decimal("6205.39"), Decimal("111080.3685"), False)
    ]


def test_no_orders_are_a_permanent_failure_and_leave_nothing(
    shop_db: psycopg.Connection[Any],
) -> None:
    with pytest.raises(PermanentError, match="PARIS has no orders") as refused:
        make_invoice(shop_db, CUSTOMERS["PARIS"], "k1")
    assert refused.value.code == "invoice.no_orders"
    assert invoices(shop_db) == []


def test_voiding_is_by_key_and_happens_once(shop_db: psycopg.Connection[Any]) -> None:
    make_invoice(shop_db, CUSTOMERS["ALFKI"], "k1")
    make_invoice(shop_db, CUSTOMERS["ANATR"], "k2")
    assert call_task(shop_db, "invoice.void", {"key": "k1"}, "c1") == {"voided": [1]}
    assert call_task(shop_db, "invoice.void", {"key": "k1"}, "c1") == {"voided": []}
    assert call_task(shop_db, "invoice.void", {"key": "never"}, "c2") == {"voided": []}
    assert [(row[0], row[4]) for row in invoices(shop_db)] == [("ALFKI", True), ("ANATR", False)]


def test_all_invoices_together_are_exact(shop_db: psycopg.Connection[Any]) -> None:
    for customer in CUSTOMERS.values():
        if customer.orders:
            make_invoice(shop_db, customer, customer.id)
    row = shop_db.execute("select count(*), sum(subtotal), sum(total) from shop.invoice").fetchone()
    assert row == (89, Decimal("1265793.0395"), Decimal("1330735.7295"))


def test_what_is_printed_has_all_digits(shop_db: psycopg.Connection[Any]) -> None:
    make_invoice(shop_db, CUSTOMERS["ALFKI"], "k1")
    data = read_invoice(shop_db, 1)
    assert data["number"] == "N-00001"
    assert data["customer"]["company"] == "Alfreds Futterkiste"
    assert (data["subtotal"], data["freight"], data["total"]) == (
        "4,273.00",
        "225.58",
        "4,498.58",
    )
    assert [order["id"] for order in data["orders"]] == [
        str(order.id) for order in CUSTOMERS["ALFKI"].orders
    ]
    assert data["orders"][0]["lines"][0] == {
        "product": "Rössle Sauerkraut",
        "quantity": "15",
        "unit_price": "45.60",
        "discount": "25%",
        "amount": "513.00",
    }
    with pytest.raises(LookupError, match="no invoice 7"):
        read_invoice(shop_db, 7)


def test_the_tables_are_made_once(
    shop_db: psycopg.Connection[Any],
) -> None:
    make_invoice(shop_db, CUSTOMERS["ALFKI"], "k1")
    make_tables(Settings(dsn=shop_db.info.dsn + f" password={shop_db.info.password}"))
    assert len(invoices(shop_db)) == 1
