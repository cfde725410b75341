"""What the tests of the example share: programs run as children."""

import sys
import urllib.error
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from onceflow.engine.embedded.postgres import free_port
from onceflow.engine.process import Process

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
