"""The shop, as a process of its own, over HTTP."""

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx2
import pytest

from onceflow.examples.invoice.northwind import load_customers

from .support import running_shop


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[str]:
    with running_shop(tmp_path / "shop.jsonl", "--unavailable", "ERNSH") as url:
        yield url


def post(url: str, key: str | None = None) -> httpx2.Response:
    return httpx2.post(url, headers={} if key is None else {"Idempotency-Key": key})


def reservations(url: str) -> dict[str, Any]:
    return httpx2.get(f"{url}/reservations").json()


def test_reserving_answers_with_the_customers_real_orders(shop: str) -> None:
    answer = post(f"{shop}/customers/ALFKI/reserve", "k1")
    assert answer.status_code == 200
    body = json.loads(answer.text, parse_float=lambda text: pytest.fail(f"a float: {text}"))
    assert body["customer"]["company"] == "Alfreds Futterkiste"
    alfki = load_customers()[0]
    assert [order["id"] for order in body["orders"]] == [order.id for order in alfki.orders]
    subtotal = sum(
        Decimal(line["unit_price"]) * line["quantity"] * (1 - Decimal(line["discount"]))
        for order in body["orders"]
        for line in order["lines"]
    )
    assert subtotal == alfki.subtotal == Decimal("4273.00")


def test_the_same_key_reserves_once_and_gets_the_same_answer(shop: str) -> None:
    first = post(f"{shop}/customers/ALFKI/reserve", "k1")
    again = post(f"{shop}/customers/ALFKI/reserve", "k1")
    assert (again.status_code, again.text) == (200, first.text)
    assert reservations(shop)["standing"] == ["ALFKI"]
    assert reservations(shop)["events"] == {"reserved": 1, "reserve-repeated": 1}


def test_another_key_is_refused(shop: str) -> None:
    post(f"{shop}/customers/ALFKI/reserve", "k1")
    answer = post(f"{shop}/customers/ALFKI/reserve", "k2")
    assert answer.status_code == 409
    assert "k1" in answer.json()["detail"]


def test_a_release_undoes_a_reservation_once(shop: str) -> None:
    post(f"{shop}/customers/FISSA/reserve", "k1")
    assert post(f"{shop}/customers/FISSA/release", "k2").json() == {"released": True}
    assert post(f"{shop}/customers/FISSA/release", "k2").json() == {"released": True}
    assert reservations(shop) == {
        "standing": [],
        "released": ["FISSA"],
        "events": {"reserved": 1, "released": 1, "release-repeated": 1},
    }


def test_releasing_what_was_never_reserved_is_no_fault(shop: str) -> None:
    assert post(f"{shop}/customers/ALFKI/release", "k1").json() == {"released": False}
    assert reservations(shop)["released"] == []


def test_one_customer_is_refused_twice(shop: str) -> None:
    answers = [post(f"{shop}/customers/ERNSH/reserve", "k1").status_code for _ in range(3)]
    assert answers == [503, 503, 200]
    assert post(f"{shop}/customers/ALFKI/reserve", "k2").status_code == 200


@pytest.mark.parametrize("path", ["reserve", "release"])
def test_what_is_missing_is_named(shop: str, path: str) -> None:
    assert post(f"{shop}/customers/NOONE/{path}", "k1").status_code == 404
    keyless = post(f"{shop}/customers/ALFKI/{path}")
    assert keyless.status_code == 400
    assert "Idempotency-Key" in keyless.json()["detail"]


def test_the_shop_remembers_across_a_restart(tmp_path: Path) -> None:
    ledger = tmp_path / "shop.jsonl"
    with running_shop(ledger, "--unavailable", "ERNSH") as url:
        post(f"{url}/customers/ALFKI/reserve", "k1")
        post(f"{url}/customers/ANATR/reserve", "k2")
        post(f"{url}/customers/ANATR/release", "k3")
        assert post(f"{url}/customers/ERNSH/reserve", "k4").status_code == 503
        before = reservations(url)
    with running_shop(ledger, "--unavailable", "ERNSH") as url:
        assert reservations(url) == before
        assert post(f"{url}/customers/ALFKI/reserve", "k1").status_code == 200
        assert post(f"{url}/customers/ERNSH/reserve", "k4").status_code == 503
        assert post(f"{url}/customers/ERNSH/reserve", "k4").status_code == 200


def test_it_lists_its_customers(shop: str) -> None:
    listed = httpx2.get(f"{shop}/customers").json()["customers"]
    assert len(listed) == 91
    assert listed[0] == {"id": "ALFKI", "email": "alfki@northwind.example"}
