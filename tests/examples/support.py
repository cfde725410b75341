"""What the tests of the example share: programs run as children, and conditions waited for."""

import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from onceflow.engine.embedded.postgres import free_port
from onceflow.engine.process import Process

T = TypeVar("T")


def wait_for(condition: Callable[[], T | None], what: str, seconds: float = 20) -> T:
    """Return the first true answer of ``condition``; fail with ``what`` after ``seconds``."""
    deadline = time.monotonic() + seconds
    pause = threading.Event()
    while True:
        answer = condition()
        if answer:
            return answer
        assert time.monotonic() < deadline, f"waited {seconds} s in vain for {what}"
        pause.wait(0.01)


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
        wait_for(lambda: serves(f"{url}/health"), "the shop")
        yield url
    finally:
        shop.stop()
