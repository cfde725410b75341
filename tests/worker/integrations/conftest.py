"""Fixtures of the tests of integrations."""

import threading
from collections.abc import Iterator

import pytest

from .web import Site


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as made:
        thread = threading.Thread(target=made.serve_forever, args=(0.01,))
        thread.start()
        yield made
        made.shutdown()
        thread.join()
