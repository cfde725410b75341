"""No request is answered by a fault of ours, however it is spoiled."""

from uuid import UUID

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from ..support import wait_until
from .doors import Doors
from .effort import MARKS, bounded
from .requests import Request, requests, visits

pytestmark = MARKS

PIECES = [
    *(
        b"GET / HTTP/1.1\r\n",
        b"POST /workflows HTTP/1.1\r\n",
        b"GET  /  HTTP/9.9\r\n",
        b"PRI * HTTP/2.0",
    ),
    *(
        b"Host: 127.0.0.1\r\n",
        b"Content-Length: 5\r\n",
        b"Content-Length: -1\r\n",
        b"\r\n\r\nSM\r\n",
    ),
    *(
        b"Transfer-Encoding: chunked\r\n",
        b"transfer-encoding: gzip, chunked\r\n",
        b" folded: x\r\n",
    ),
    *(
        b"Content-Type: application/json\r\n",
        b"\r\n",
        b"5\r\nabcde\r\n",
        b"0\r\n\r\n",
        b"ffffffffff\r\n",
    ),
    *(
        b"{}",
        b"X: " + b"x" * 40_000 + b"\r\n",
        b"\0",
        b"\n",
        b"\x16\x03\x01\x02\x00\x01",
        b"A" * 70_000,
    ),
]


class Asked:
    """An instance that waits for a person: there is something to decide about."""

    def __init__(self, doors: Doors) -> None:
        retry = {"attempts": 1}
        step = {"id": "only", "task": "fuzz.fail", "retry": retry, "on_failure": "suspend"}
        doors.deploy({"name": "asked", "steps": [step]})
        self._doors = doors
        self._id: UUID | None = None

    def open(self) -> UUID:
        """Return its id; another one's, once it was decided about."""
        if self._id is None or self._state() != "DEAD_LETTER":
            (self._id,) = self._doors.start("asked", [{}])
            wait_until(lambda: self._state() == "DEAD_LETTER", "the dead letter")
        return self._id

    def _state(self) -> str | None:
        row = self._doors.conn.execute(
            "select state from onceflow.tasks where instance_id = %s and open", (self._id,)
        ).fetchone()
        return row and row[0]


@pytest.fixture(scope="module")
def asked(doors: Doors) -> Asked:
    return Asked(doors)


def send(doors: Doors, drawn: Request, instance: UUID) -> None:
    """Send a request, its head as it was drawn: no client makes it sound."""
    path = drawn.path.replace("IDS", str(instance))
    body = drawn.body.replace(b"IDS", str(instance).encode())
    names = {name.lower() for name, _ in drawn.headers}
    lines = [f"{name}: {value}" for name, value in drawn.headers]
    if "host" not in names:
        lines.append("Host: 127.0.0.1")
    if body and "content-length" not in names:
        lines.append(f"Content-Length: {len(body)}")
    head = "\r\n".join([f"{drawn.method} {path} HTTP/1.1", *lines, "Connection: close", "", ""])
    answer = doors.send(head.encode("utf-8", errors="surrogatepass") + body)
    status = answer.split(b" ")[1:2]
    event(f"answered by {status[0].decode() if status else 'nothing'}")


@bounded(120)
@given(drawn=requests())
def test_any_request_to_an_operation(doors: Doors, asked: Asked, drawn: Request) -> None:
    send(doors, drawn, asked.open())


@bounded(60)
@given(drawn=visits())
def test_any_visit_of_a_page(doors: Doors, asked: Asked, drawn: Request) -> None:
    send(doors, drawn, asked.open())


@bounded(40)
@given(junk=st.lists(st.sampled_from(PIECES) | st.binary(max_size=40), min_size=1, max_size=8))
def test_anything_that_is_no_request(doors: Doors, junk: list[bytes]) -> None:
    doors.send(b"".join(junk), half=True)
    doors.check()
