"""The server of metrics and probes: it answers, and can neither stall nor end its process."""

import socket
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest

from onceflow.engine.errors import ServerError
from onceflow.engine.monitoring.answers import TEXT, Answer
from onceflow.engine.monitoring.server import AT_ONCE, MonitoringServer

from ...support import wait_until


def fine() -> Answer:
    return 200, TEXT, b"fine\n"


def broken() -> Answer:
    raise RuntimeError("nothing that a caller is told")


@pytest.fixture
def server() -> Iterator[MonitoringServer]:
    made = MonitoringServer("127.0.0.1", 0, {"/fine": fine, "/broken": broken})
    yield made
    made.close()


def get(server: MonitoringServer, path: str, method: str = "GET") -> tuple[int, str]:
    request = urllib.request.Request(f"http://127.0.0.1:{server.port}{path}", method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - ours
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError:
        return 0, ""


def test_it_answers_by_path(server: MonitoringServer) -> None:
    assert get(server, "/fine?x=1") == (200, "fine\n")
    assert get(server, "/fine", "HEAD") == (200, "")
    assert get(server, "/else") == (404, "There are /fine, /broken.\n")
    assert get(server, "/fine", "POST")[0] == 501


def test_what_fails_is_answered_and_not_told(server: MonitoringServer) -> None:
    status, text = get(server, "/broken")
    assert status == 500
    assert "nothing that" not in text
    assert get(server, "/fine") == (200, "fine\n")


def test_of_callers_that_never_ask_only_so_many_are_kept(server: MonitoringServer) -> None:
    idle = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(AT_ONCE)]
    wait_until(lambda: get(server, "/fine")[0] == 0, "it to have no room")
    for one in idle:
        one.close()
    wait_until(lambda: get(server, "/fine")[0] == 200, "it to have room again")


def test_an_address_that_cannot_be_had_is_told(server: MonitoringServer) -> None:
    with pytest.raises(ServerError, match=f"port {server.port} of 127.0.0.1"):
        MonitoringServer("127.0.0.1", server.port, {})
