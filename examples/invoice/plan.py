"""Which customers the world is unkind to, and what ought to come of it."""

from .northwind import load_customers
from .world import Expected

WORKFLOW = "order-invoice"

UNAVAILABLE = "ERNSH"
"""The shop answers 503 to the first two posts for this customer."""

MOVED = "BERGS"
"""The mail server answers 550 to this customer's address ..."""

MOVED_TO = "accounts.bergs@northwind.example"
"""... and this is the one that is right."""

WITHHELD = "QUICK"
"""The mail server keeps the first e-mail to this customer, and never says so."""


def email_of(customer: str) -> str:
    """Return the address that the shop's books have for a customer."""
    (found,) = (known for known in load_customers() if known.id == customer)
    return found.email


def expected_world() -> Expected:
    """Return what the world ought to look like after the demo."""
    customers = load_customers()
    addresses = {customer.id: customer.email for customer in customers}
    return Expected(
        customers=customers,
        addresses=addresses | {MOVED: MOVED_TO},
        duplicates=[addresses[WITHHELD]],
        rejected=[addresses[MOVED]],
        refusals=2,
    )
