"""The data, and the arithmetic on them."""

from decimal import Decimal

import pytest

from onceflow.examples.invoice.northwind import Line, format_money, load_customers


def test_the_data_are_whole() -> None:
    customers = load_customers()
    orders = [order for customer in customers for order in customer.orders]
    lines = [line for order in orders for line in order.lines]
    assert (len(customers), len(orders), len(lines)) == (91, 830, 2155)
    assert [c.id for c in customers if not c.orders] == ["FISSA", "PARIS"]
    assert len({customer.email for customer in customers}) == 91


def test_all_lines_together_are_exact() -> None:
    customers = load_customers()
    assert sum(customer.subtotal for customer in customers) == Decimal("1265793.0395")
    assert sum(customer.freight for customer in customers) == Decimal("64942.69")
    assert sum(customer.total for customer in customers) == Decimal("1330735.7295")


def test_a_discount_keeps_four_digits() -> None:
    line = Line("Pavlova", Decimal("13.95"), 21, Decimal("0.15"))
    assert line.amount == Decimal("249.0075")


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("0", "0.00"),
        ("7.5", "7.50"),
        ("1234.5000", "1,234.50"),
        ("1265793.0395", "1,265,793.0395"),
        ("0.0001", "0.0001"),
        ("100", "100.00"),
    ],
)
def test_money_is_shown_with_all_its_digits(amount: str, text: str) -> None:
    assert format_money(Decimal(amount)) == text
