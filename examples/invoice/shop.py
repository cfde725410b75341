"""The shop: a small HTTP service that keeps the customers' orders and reserves them for an invoice.

- ``GET /customers`` lists the customers, with their addresses.
- ``POST /customers/{id}/reserve`` reserves the customer's orders and answers with them.
- ``POST /customers/{id}/release`` gives the reservation up.
- ``GET /reservations`` tells who holds one, who gave it up, and what else was asked.
- ``GET /health`` answers once it serves.

Both posts need an ``Idempotency-Key`` header: the same key again changes nothing and gets the same
answer. A second reservation under another key is refused (409), so a caller who forgets what it did
is found out. What happened is a line in the ledger, on disk before the answer leaves, and is read
again at the next start.
"""

import argparse
import json
import os
import sys
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any, Self

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .northwind import Customer, load_customers


class Ledger:
    """The shop's memory: one JSON object a line, only ever appended to.

    Use it as a context manager.
    """

    def __init__(self, path: Path) -> None:
        self.standing: dict[str, str] = {}
        """Who holds a reservation, and the key it was made under."""
        self.released: dict[str, str] = {}
        """Who gave a reservation up, and the key it was given up under."""
        self.counts: Counter[str] = Counter()
        """How often each kind of event happened."""
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            for line in path.read_text().splitlines():
                self._apply(json.loads(line))
        self._file = path.open("a")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def record(self, event: str, customer: str, key: str) -> None:
        """Put one event on disk, then count it in."""
        entry = {"event": event, "customer": customer, "key": key}
        self._file.write(json.dumps(entry) + "\n")
        self._file.flush()
        os.fsync(self._file.fileno())
        self._apply(entry)

    def _apply(self, entry: dict[str, str]) -> None:
        event, customer, key = entry["event"], entry["customer"], entry["key"]
        self.counts[event] += 1
        if event == "reserved":
            self.released.pop(customer, None)
            self.standing[customer] = key
        elif event == "released":
            self.standing.pop(customer, None)
            self.released[customer] = key


class Shop:
    """The routes, over the customers and the ledger; one event loop serves them one by one.

    ``unavailable`` names a customer whose first ``refusals`` reservations are answered with 503, as
    a service that restarts would.
    """

    def __init__(
        self,
        customers: list[Customer],
        ledger: Ledger,
        unavailable: str | None = None,
        refusals: int = 2,
    ) -> None:
        self._customers = {customer.id: customer for customer in customers}
        self._ledger = ledger
        self._unavailable = unavailable
        self._refusals = refusals

    def app(self) -> Starlette:
        """Return the ASGI application."""
        return Starlette(
            routes=[
                Route("/customers", self._list),
                Route("/customers/{customer}/reserve", self._reserve, methods=["POST"]),
                Route("/customers/{customer}/release", self._release, methods=["POST"]),
                Route("/reservations", self._reservations),
                Route("/health", self._health),
            ]
        )

    async def _list(self, _: Request) -> Response:
        known = self._customers.values()
        return JSONResponse({"customers": [{"id": each.id, "email": each.email} for each in known]})

    async def _reserve(self, request: Request) -> Response:
        customer = self._customers.get(request.path_params["customer"])
        if customer is None:
            return _problem(404, "the shop knows no such customer")
        key = request.headers.get("idempotency-key")
        if not key:
            return _problem(400, "the Idempotency-Key header is missing")
        ledger = self._ledger
        if customer.id == self._unavailable and ledger.counts["refused"] < self._refusals:
            ledger.record("refused", customer.id, key)
            return _problem(503, "the shop is restarting")
        held = ledger.standing.get(customer.id)
        if held is None:
            ledger.record("reserved", customer.id, key)
        elif held == key:
            ledger.record("reserve-repeated", customer.id, key)
        else:
            ledger.record("conflict", customer.id, key)
            return _problem(409, f"the orders are reserved already, under the key {held}")
        details = asdict(customer)
        return JSONResponse(
            _json({"orders": details.pop("orders"), "customer": details, "reservation": key})
        )

    async def _release(self, request: Request) -> Response:
        customer = request.path_params["customer"]
        if customer not in self._customers:
            return _problem(404, "the shop knows no such customer")
        key = request.headers.get("idempotency-key")
        if not key:
            return _problem(400, "the Idempotency-Key header is missing")
        if customer in self._ledger.standing:
            self._ledger.record("released", customer, key)
        elif self._ledger.released.get(customer) == key:
            self._ledger.record("release-repeated", customer, key)
        else:
            # Who cannot know whether it ever reserved anything may ask all the same.
            self._ledger.record("nothing-to-release", customer, key)
            return JSONResponse({"released": False})
        return JSONResponse({"released": True})

    async def _reservations(self, _: Request) -> Response:
        ledger = self._ledger
        return JSONResponse(
            {
                "standing": sorted(ledger.standing),
                "released": sorted(ledger.released),
                "events": dict(sorted(ledger.counts.items())),
            }
        )

    async def _health(self, _: Request) -> Response:
        return JSONResponse({"status": "ok", "customers": len(self._customers)})


def _json(value: Any) -> Any:
    """Return ``value`` with each Decimal as text, so that no reader makes a float of it."""
    return json.loads(json.dumps(value, default=str))


def _problem(status: int, detail: str) -> Response:
    return JSONResponse(
        {"status": status, "detail": detail},
        status_code=status,
        media_type="application/problem+json",
    )


def main(argv: list[str] | None = None) -> int:
    """Serve until stopped (SIGTERM or SIGINT)."""
    parser = argparse.ArgumentParser(
        prog="python -m onceflow.examples.invoice.shop",
        description="The shop: keeps the customers' orders and reserves them for an invoice.",
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8081)
    parser.add_argument(
        "--ledger", type=Path, default=Path("shop.jsonl"), help="the file that remembers"
    )
    parser.add_argument(
        "--unavailable", metavar="CUSTOMER", help="answer this customer's first two posts with 503"
    )
    args = parser.parse_args(argv)
    with Ledger(args.ledger) as ledger:
        shop = Shop(load_customers(), ledger, args.unavailable)
        uvicorn.run(shop.app(), host=args.host, port=args.port, log_level="warning")
    return 0


if __name__ == "__main__":
    sys.exit(main())
