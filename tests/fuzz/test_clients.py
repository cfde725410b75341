"""Whatever an application gives a client, it is told in the client's own errors, or it starts."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from onceflow.client import Client, HttpClient
from onceflow.engine.errors import OnceflowError, ServerError
from onceflow.engine.ids import make_ids

from ..worker.attempts.odd import FAILURES, NESTED, make
from .definitions import YAML, nearly
from .doors import Doors
from .effort import MARKS, bounded
from .values import DATES, LETTERS, NAMES, SYNTAX

pytestmark = MARKS

WORDS = st.sampled_from([*DATES, *NAMES, *SYNTAX, *LETTERS, "\ud800", "x" * 256, "x" * 3_000])
VERSIONS = st.sampled_from([None, None, 1, 0, -1, 2**31, 2**63, 10**30])
IDS = st.none() | st.uuids() | st.builds(lambda: make_ids(1)[0])
Asking = Callable[[Client | HttpClient], object]


@pytest.fixture(scope="module", params=["sql", "http"])
def client(doors: Doors, request: pytest.FixtureRequest) -> Iterator[Client | HttpClient]:
    if request.param == "sql":
        with Client(doors.settings.dsn) as over_sql:
            yield over_sql
    else:
        with HttpClient(str(doors.http.base_url)) as over_http:
            yield over_http


def tried(ask: Callable[[], Any]) -> Any:
    """Return what is answered; None where an error of the client says what was wrong."""
    answer = error = None
    try:
        answer = ask()
    except OnceflowError as raised:
        error = raised
    event(type(error).__name__)
    assert not isinstance(error, ServerError), error
    assert error is None or str(error)
    return answer


def sane(recipe: Any) -> bool:
    """Tell whether an object has no methods that raise what they like."""
    return not any(f"('named', {kind!r})" in repr(recipe) for kind in MISBEHAVING)


MISBEHAVING = [
    *FAILURES,
    "an object that misbehaves",
    "a time that nobody can tell",
    "an exception",
]
OBJECTS = NESTED.filter(sane)


@bounded(30)
@given(given_input=OBJECTS, key=st.none() | WORDS, version=VERSIONS, id_=IDS)
def test_any_start(
    doors: Doors,
    client: Client | HttpClient,
    given_input: Any,
    key: str | None,
    version: int | None,
    id_: UUID | None,
) -> None:
    value = {"value": make(given_input)}
    started = tried(lambda: client.start("canary", value, key=key, version=version, id=id_))
    doors.check([started.id] if started else [])
    many: list[object] = (
        tried(lambda: client.start_many("canary", [value, make(given_input)])) or []
    )
    for answer in many:
        event(type(answer).__name__)


@bounded(30)
@given(word=WORDS, text=nearly() | YAML, id_=st.uuids(), output=OBJECTS)
def test_any_other_question(
    doors: Doors, client: Client | HttpClient, word: str, text: str, id_: UUID, output: Any
) -> None:
    tried(lambda: client.deploy(text))
    tried(lambda: client.start(word, {}))
    tried(lambda: list(client.instances(word, limit=2)))
    tried(lambda: list(client.dead_letters(word, limit=2)))
    tried(lambda: client.get(id_))
    tried(lambda: client.skip((id_, word), output=make(output)))
    tried(lambda: client.redrive((id_, word), inputs=[make(output)]))
    for ask in (client.cancel, client.suspend, client.resume, client.explain):
        tried(lambda ask=ask: ask(id_))
