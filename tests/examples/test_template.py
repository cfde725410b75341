"""The printed invoice: its characters, its pages, its amounts."""

from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

from onceflow.examples.invoice.tasks import TEMPLATE
from onceflow.worker.integrations.pdf import write_pdf


def an_invoice(**changed: Any) -> dict[str, Any]:
    line = {
        "product": "Zaanse koeken",
        "quantity": "7",
        "unit_price": "9.50",
        "discount": "5%",
        "amount": "63.175",
    }
    return {
        "number": "N-00042",
        "issued_on": "2026-02-28",
        "customer": {
            "company": "Wolski Zajazd",
            "contact": "Zbyszek Piestrzeniewicz",
            "address": "ul. Filtrowa 68",
            "city": "Warszawa",
            "region": None,
            "postal_code": "01-012",
            "country": "Poland",
        },
        "orders": [{"id": "10374", "ordered_on": "1996-12-05", "lines": [line]}],
        "subtotal": "63.175",
        "freight": "3.94",
        "total": "67.115",
    } | changed


def print_it(data: dict[str, Any], folder: Path) -> list[str]:
    """Return the text of each page."""
    content = write_pdf(TEMPLATE, data, folder / "invoice.pdf")
    assert (folder / "invoice.pdf").read_bytes() == content
    return [page.extract_text() for page in PdfReader(BytesIO(content)).pages]


def test_everything_is_on_the_page(tmp_path: Path) -> None:
    (page,) = print_it(an_invoice(), tmp_path)
    lines = page.splitlines()
    for line in (
        "Invoice N-00042",
        "Issued on 2026-02-28",
        "Wolski Zajazd",
        "01-012 Warszawa",
        "Order 10374 of 1996-12-05",
        "Zaanse koeken 7 9.50 5% 63.175",
        "Subtotal 63.175",
        "Freight 3.94",
        "Total due 67.115",
    ):
        assert line in lines, page


@pytest.mark.parametrize(
    "name",
    [
        "Zażółć gęślą jaźń, PCHNĄĆ W TĘ ŁÓDŹ",
        "Ταχίστη αλώπηξ, ΒΑΦΗΣ ΨΗΜΕΝΗ ΓΗ",
        "Съешь же ещё этих мягких булок, ЇЖАК ҐУДЗИК",
        "Smørrebrød, Rökt, crème brûlée & Größe™ – „naïve“ № 5 €",
        "# not a heading, *not bold*, $not math$, #panic()",
    ],
)
def test_letters_of_other_alphabets_are_printed_as_they_are(tmp_path: Path, name: str) -> None:
    invoice = an_invoice()
    invoice["customer"]["company"] = name
    (page,) = print_it(invoice, tmp_path)
    assert name in page.splitlines(), page


def test_a_long_invoice_has_its_number_on_each_page_and_its_sum_on_the_last(
    tmp_path: Path,
) -> None:
    invoice = an_invoice()
    invoice["orders"] *= 40
    pages = print_it(invoice, tmp_path)
    assert len(pages) > 1
    for number, page in enumerate(pages, start=1):
        assert f"Invoice N-00042 Page {number} / {len(pages)}" in page
    assert [number for number, page in enumerate(pages) if "Total due" in page] == [len(pages) - 1]


def test_a_missing_region_or_postal_code_leaves_no_gap(tmp_path: Path) -> None:
    invoice = an_invoice()
    invoice["customer"] |= {"postal_code": None, "city": "Cork", "region": "Co. Cork"}
    (page,) = print_it(invoice, tmp_path)
    assert "Cork Co. Cork" in page.splitlines()
    assert "none" not in page
