"""What the tests of the example share: programs run as children, handlers called as by a worker."""

import json
import sys
import urllib.error
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg

from onceflow.engine.calls import Grant
from onceflow.engine.dev.postgres import free_port
from onceflow.engine.dev.process import Process
from onceflow.examples.invoice import tasks
from onceflow.examples.invoice.northwind import Customer
from onceflow.worker import Context, registry

from ..support import wait_until


def serves(url: str) -> bool:
    """Tell whether a GET of ``url`` is answered."""
    try:
        with urllib.request.urlopen(url, timeout=5):  # noqa: S310 - a server of our own
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False


@contextmanager
def running_shop(ledger: Path, *options: str) -> Generator[str]:
    """Run the shop as a process of its own, and give its URL."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    argv = [sys.executable, "-m", "onceflow.examples.invoice.shop", "--port", str(port)]
    shop = Process("shop", [*argv, "--ledger", str(ledger), *options])
    try:
        wait_until(lambda: serves(f"{url}/health"), "the shop")
        yield url
    finally:
        shop.stop()


def call_task(
    connection: psycopg.Connection[Any], name: str, given: dict[str, Any], key: str
) -> Any:
    """Call a handler of the example as a worker would, in a transaction of ``connection``."""
    assert tasks.create_invoice  # importing the module is what registers its handlers
    handler = registry.find(name)
    assert handler is not None
    text = json.dumps(given, default=str)
    grant = Grant(
        uuid4(), "step", uuid4(), name, "default", text, 1, None, key, "order-invoice", 1, False
    )
    context: Context = Context(grant)
    context.enter_transaction(connection)
    with connection.transaction():
        return handler.call(text, context)


def make_invoice(connection: psycopg.Connection[Any], customer: Customer, key: str) -> Any:
    """Call ``invoice.create`` with what the shop answers for a customer."""
    details = asdict(customer)
    orders = details.pop("orders")
    return call_task(connection, "invoice.create", {"customer": details, "orders": orders}, key)
