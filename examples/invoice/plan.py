"""Which customers the world is unkind to, and what ought to come of it."""

from dataclasses import dataclass

from .northwind import load_customers
from .world import Expected

UNAVAILABLE = "ERNSH"
"""Each shop answers 503 to the first two posts for this customer."""

MOVED = "BERGS"
"""The mail server answers 550 to this customer's address ..."""

MOVED_TO = "accounts.bergs@northwind.example"
"""... and this is the one that is right."""

WITHHELD = "QUICK"
"""The mail server keeps the e-mails to this customer, and does not say so at first."""

REPORT_TO = "accounting@northwind.example"
"""Who is told which customers of the batch got no invoice."""


@dataclass(frozen=True, slots=True)
class Run:
    """One way of sending all invoices, in a world that it shares with the other.

    ``shop`` names the shop that it reserves orders at: a shop sells each order once.
    """

    workflow: str
    shop: str
    series: str
    sender: str


WORKFLOW = "order-invoice"

SINGLY = Run(WORKFLOW, "shop", "N", "invoices@northwind.example")
"""One instance for each customer."""

BATCH = Run("batch-invoices", "batch-shop", "B", "billing@northwind.example")
"""One instance for all of them."""

RUNS = (SINGLY, BATCH)


def email_of(customer: str) -> str:
    """Return the address that the shop's books have for a customer."""
    (found,) = (known for known in load_customers() if known.id == customer)
    return found.email


def expected_world(run: Run) -> Expected:
    """Return what the world of one run ought to look like after the demo."""
    customers = load_customers()
    addresses = {customer.id: customer.email for customer in customers}
    return Expected(
        customers=customers,
        addresses=addresses | {MOVED: MOVED_TO},
        duplicates=[addresses[WITHHELD]],
        rejected=[addresses[MOVED]],
        refusals=2,
        series=run.series,
        sender=run.sender,
        report_to=REPORT_TO if run is BATCH else None,
    )
