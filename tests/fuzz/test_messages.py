"""No message stops a queue, and none moves a task that it has no right to move."""

import contextlib
import json
from typing import Any
from uuid import UUID

import pytest
from confluent_kafka import Producer
from hypothesis import given
from hypothesis import strategies as st

from onceflow.engine.calls import suspend_instances
from onceflow.engine.kafka_names import task_topic

from ..support import wait_until
from .doors import Doors
from .effort import MARKS, bounded
from .values import VALUES

pytestmark = MARKS

NAMES = st.sampled_from(
    [
        *(
            "done",
            "waits",
            "held",
            "after",
            "done.compensate",
            "done/1",
            "done/0",
            "workflow.output",
        ),
        *("", "\0", "a" * 3_000, "a/1/2/3", "a/99999999999999999999", "a/-1", "//", "ä", "done "),
    ]
)
LARGEST = 900_000
"""Bytes that a broker takes."""
KEYS = st.none() | st.binary(max_size=20) | st.sampled_from([b"", b"x" * 5_000])
HEADERS = st.lists(
    st.tuples(st.text("aA-ä\0", max_size=5), st.none() | st.binary(max_size=9)), max_size=3
)


def naming(instance: Any, task: Any, more: dict[str, Any]) -> str:
    """Return a message; "own" stands for the instance that they are all about."""
    return json.dumps({"instance": instance, "task": task} | more)


NAMING = st.builds(
    naming,
    st.sampled_from(["own", "own", "own", "0", None, 7, "00000000-0000-7000-8000-000000000000"]),
    NAMES | st.none() | st.integers(),
    st.sampled_from([{}, {}, {"x": [1]}, {"fence": "own", "attempt": 10**30}]),
)
VALUE = NAMING | VALUES | st.binary(max_size=60) | st.none()
BUILT = st.tuples(VALUE, KEYS, HEADERS)


@pytest.fixture(scope="module")
def own(doors: Doors) -> UUID:
    """An instance that is suspended, with a task that is done, one that waits and one held."""
    echo: dict[str, Any] = {"with": {"value": 1}, "needs": []}
    doors.deploy(
        {
            "name": "named",
            "steps": [
                {"id": "done", "task": "fuzz.echo", "compensate": {"task": "fuzz.echo"}, **echo},
                {"id": "held", "task": "nobody.has.it", **echo},
                {"id": "waits", "task": "fuzz.echo", "needs": ["held"]},
                {"id": "after", "task": "nobody.has.it", "needs": ["done"]},
            ],
        }
    )
    (instance,) = doors.start("named", [{}])
    wait_until(lambda: states(doors, instance).get("after") is not None, "the first to be done")
    suspend_instances(doors.conn, [instance])
    return instance


def states(doors: Doors, instance: UUID) -> dict[str, Any]:
    """Return the state of each task, and how often it was tried."""
    rows = doors.conn.execute(
        "select task, state, attempts, seq from onceflow.tasks where instance_id = %s", (instance,)
    )
    return {task: rest for task, *rest in rows}


def write(value: Any, own: UUID) -> bytes | None:
    if isinstance(value, str):
        return value.replace('"own"', f'"{own}"').encode(errors="surrogatepass")
    return value


def is_text(message: bytes | None) -> bool:
    """Tell whether it can stand in the outbox."""
    with contextlib.suppress(UnicodeDecodeError):
        return message is not None and "\0" not in message.decode()
    return False


def deliver(doors: Doors, messages: list[tuple[bytes | None, Any, Any]]) -> None:
    """Put messages into the queue that no transition has made."""
    if doors.settings.transport == "postgres":
        for value, _, _ in messages:
            if value is not None and is_text(value):
                doors.conn.execute(
                    "insert into onceflow.outbox (kind, topic, value, queued_xid, made_at)"
                    " values ('task', 'default', %s, pg_current_xact_id(), now())",
                    (value.decode(),),
                )
        return
    producer = Producer(doors.settings.kafka_config())
    for value, key, headers in messages:
        topic = task_topic(doors.settings, "default")
        producer.produce(topic, value, key, headers=[(n.replace("\0", "x"), v) for n, v in headers])
    assert producer.flush(20) == 0


@bounded(25)
@given(built=st.lists(BUILT, min_size=1, max_size=8))
def test_no_message_stops_a_queue(doors: Doors, own: UUID, built: list[Any]) -> None:
    before = states(doors, own)
    written = [(write(value, own), key, headers) for value, key, headers in built]
    deliver(doors, [one for one in written if len(one[0] or b"") < LARGEST])
    doors.check()
    after = states(doors, own)
    assert after == before
