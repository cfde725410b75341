"""Whatever bytes a server sends, http.request ends in time, in an output or a declared failure."""

import asyncio
import json
import time

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from onceflow.worker import TaskError

from .answers import CASES, Case, answer_as
from .support import call_raw

LIMIT = 0.5
"""Seconds that a request is given."""
GRACE = 5.0
"""Seconds that a busy machine may take besides."""


async def ask(case: Case, method: str, follow: bool) -> bytes | TaskError:
    """Send one request to a server that answers as the case has it."""

    gone = asyncio.Event()
    server = await asyncio.start_server(
        lambda reader, writer: answer_as(lambda _: case, reader, writer, gone), "127.0.0.1", 0
    )
    port = server.sockets[0].getsockname()[1]
    question = {"url": f"http://127.0.0.1:{port}/", "method": method, "timeout": LIMIT}
    try:
        return await call_raw("http.request", json.dumps(question | {"follow_redirects": follow}))
    except TaskError as error:
        return error
    finally:
        gone.set()
        server.close()


@settings(
    max_examples=200,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(CASES, st.sampled_from(["GET", "POST", "HEAD"]), st.booleans())
def test_any_answer_ends_in_an_output_or_a_declared_failure(
    case: Case, method: str, follow: bool
) -> None:
    begin = time.monotonic()
    result = asyncio.run(ask(case, method, follow))
    assert time.monotonic() - begin < LIMIT + GRACE
    if isinstance(result, TaskError):
        assert result.code.startswith("http.")
        assert result.code not in ("http.invalid", "http.unreachable", "http.not_allowed")
        assert not (result.unknown and method != "POST")
        if result.code in ("http.no_answer", "http.too_large") and not follow:
            assert result.unknown is (method == "POST")
    else:
        output = json.loads(result)
        assert ("body" in output) is not ("base64" in output)
        assert "\0" not in str(output)
