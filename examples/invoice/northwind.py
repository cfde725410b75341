"""The customers and orders of ``data/northwind.json``, as types, with exact arithmetic.

Money is Decimal from the file to the last comparison; nothing here ever makes a float.
"""

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import msgspec

DATA = Path(__file__).parent / "data" / "northwind.json"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of an order; ``discount`` is a fraction (0.25 is a quarter off)."""

    product: str
    unit_price: Decimal
    quantity: int
    discount: Decimal

    @property
    def amount(self) -> Decimal:
        """What the line costs, exactly: at most four digits after the point."""
        return self.unit_price * self.quantity * (1 - self.discount)


@dataclass(frozen=True, slots=True)
class Order:
    """One order; ``ordered_on`` is an ISO date."""

    id: int
    ordered_on: str
    freight: Decimal
    lines: list[Line]


@dataclass(frozen=True, slots=True)
class Customer:
    """One customer with all orders, oldest first."""

    id: str
    company: str
    contact: str
    address: str
    city: str
    region: str | None
    postal_code: str | None
    country: str
    orders: list[Order]

    @property
    def email(self) -> str:
        """The address that the example makes up for this customer."""
        return f"{self.id.lower()}@northwind.example"

    @property
    def subtotal(self) -> Decimal:
        """What all lines cost together, before freight."""
        return sum((line.amount for order in self.orders for line in order.lines), Decimal(0))

    @property
    def freight(self) -> Decimal:
        """The freight of all orders together."""
        return sum((order.freight for order in self.orders), Decimal(0))

    @property
    def total(self) -> Decimal:
        """What the customer's invoice asks for."""
        return self.subtotal + self.freight


def load_customers(path: Path = DATA) -> list[Customer]:
    """Return all customers, in the order of the file."""
    return msgspec.json.decode(path.read_bytes(), type=list[Customer])


def format_money(amount: Decimal) -> str:
    """Return ``amount`` with all its digits, at least two after the point: 1,265,793.0395."""
    text = f"{amount:,f}"
    whole, _, fraction = text.partition(".")
    return f"{whole}.{fraction.rstrip('0').ljust(2, '0')}"
