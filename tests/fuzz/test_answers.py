"""Whatever servers answer, a request of a workflow ends in an output or a declared failure."""

import asyncio
import itertools
import threading
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ..worker.integrations.answers import CASES, Case, answer_as
from .doors import Doors
from .effort import MARKS, bounded

pytestmark = MARKS

ASK = {
    "name": "ask",
    "steps": [
        {
            "id": "ask",
            "task": "http.request",
            "with": {
                "url": "$.input.url",
                "method": "$.input.method",
                "follow_redirects": "$.input.follow",
                "timeout": 1,
            },
            "retry": {"attempts": 1},
            "compensate": {"task": "fuzz.echo", "with": {"value": "$.output"}},
        },
        {"id": "use", "task": "fuzz.echo", "with": {"value": "$.steps.ask.output"}},
    ],
    "output": "$.steps.use.output",
}


class Site:
    """A server that answers under each path by the case that was put there."""

    def __init__(self) -> None:
        self._cases: dict[str, Case] = {}
        self._numbers = itertools.count()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._gone = asyncio.run_coroutine_threadsafe(self._open(), self._loop).result(10)

    async def _open(self) -> asyncio.Event:
        gone = asyncio.Event()
        self._server = await asyncio.start_server(
            lambda reader, writer: answer_as(self._find, reader, writer, gone), "127.0.0.1", 0
        )
        return gone

    def _find(self, head: bytes) -> Case:
        path = head.decode("latin-1").split()[1]
        return self._cases.get(path) or next(iter(self._cases.values()))

    def put(self, case: Case) -> str:
        """Return the URL under which a case is answered."""
        path = f"/{next(self._numbers)}"
        self._cases[path] = case
        host, port = self._server.sockets[0].getsockname()
        return f"http://{host}:{port}{path}"

    def close(self) -> None:
        """End it."""

        async def end() -> None:
            self._gone.set()
            self._server.close()
            others = asyncio.all_tasks() - {asyncio.current_task()}
            await asyncio.gather(*others, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()


@pytest.fixture(scope="module")
def site(doors: Doors) -> Iterator[Site]:
    doors.deploy(ASK)
    opened = Site()
    yield opened
    opened.close()


@bounded(25)
@given(
    cases=st.lists(
        st.tuples(CASES, st.sampled_from(["GET", "POST", "HEAD"]), st.booleans()),
        min_size=3,
        max_size=6,
    )
)
def test_whatever_servers_answer(
    doors: Doors, site: Site, cases: list[tuple[Case, str, bool]]
) -> None:
    ids = doors.start(
        "ask",
        [
            {"url": site.put(case), "method": method, "follow": follow}
            for case, method, follow in cases
        ],
    )
    doors.check(ids)
    rows = doors.conn.execute(
        "select task, state, error ->> 'code' from onceflow.tasks where instance_id = any(%s)",
        (ids,),
    ).fetchall()
    assert len({row for row in rows if row[0] == "ask"}) > 0
    for task, state, code in rows:
        assert state == "SUCCEEDED" or (task == "ask" and code.startswith("http.")), (task, code)
