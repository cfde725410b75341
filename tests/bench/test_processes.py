"""CPU time and memory out of /proc."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from bench.processes import cpu_seconds, listener, parent_of, resident_bytes

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="there is no /proc")


def test_the_time_of_a_child_that_has_ended_is_its_parents() -> None:
    before = cpu_seconds([os.getpid()])
    burn = "import time\nwhile time.process_time() < 0.3: pass"
    subprocess.run([sys.executable, "-c", burn], check=True)
    after = cpu_seconds([os.getpid()])
    assert before is not None
    assert after is not None
    assert after - before >= 0.29


def test_nothing_is_known_of_a_process_that_is_not_there() -> None:
    assert cpu_seconds([]) is None
    assert resident_bytes(2**30) is None
    assert parent_of(2**30, "postgres") is None


def test_the_process_that_listens_on_a_port_is_found() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert listener("127.0.0.1", port) == os.getpid()
    assert listener("127.0.0.1", port) is None
