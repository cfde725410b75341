"""What the worker's tests share: a relay and a worker in threads, workflows, and their ends."""

import json
import threading
from collections import defaultdict
from collections.abc import Generator, Iterable, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import psycopg
import psycopg.rows
from confluent_kafka import Consumer, Producer, TopicPartition

from onceflow.engine.calls import check_instances, register_workflow, start_instances
from onceflow.engine.definition import compile_definition, parse
from onceflow.engine.kafka_names import task_topic
from onceflow.engine.settings import Settings
from onceflow.relay.shipper import Shipper
from onceflow.relay.topics import Topics
from onceflow.worker import Options, Registry, Worker

from ..servers import Servers, create_database, drop_database
from ..sql.play import tick
from ..support import wait_until
from ..transports import use

Conn = psycopg.Connection[Any]


def deploy(conn: Conn, definition: str) -> None:
    """Register a workflow, given as YAML."""
    register_workflow(conn, compile_definition(parse(definition, "yaml")))


def start(conn: Conn, workflow: str, inputs: Iterable[dict[str, Any]]) -> list[UUID]:
    """Start one instance per input and return their ids."""
    return [s.instance_id for s in start_instances(conn, workflow, list(inputs))]


def states(conn: Conn, ids: Sequence[UUID]) -> list[str]:
    """Return the states of instances, in their order."""
    rows = conn.execute(
        "select state from unnest(%s::uuid[]) with ordinality u (id, n)"
        " join onceflow.instances using (id) order by n",
        (list(ids),),
    )
    return [state for (state,) in rows]


def wait_for_ends(conn: Conn, ids: Sequence[UUID], seconds: float = 20) -> list[str]:
    """Wait until all instances have ended, check their invariants, and return their states."""

    def ended() -> bool:
        row = conn.execute(
            "select count(*) from onceflow.instances where id = any(%s) and ended_at is null",
            (list(ids),),
        ).fetchone()
        return row == (0,)

    wait_until(ended, f"the end of {len(ids)} instances", seconds)
    assert check_instances(conn, ids) == []
    return states(conn, ids)


def task_of(conn: Conn, instance_id: UUID, task: str) -> dict[str, Any]:
    """Return the row of a task as the view shows it."""
    with conn.cursor(row_factory=psycopg.rows.dict_row) as cursor:
        row = cursor.execute(
            "select state, attempts, input, output, error, reason, worker_id, progress"
            " from onceflow.tasks where instance_id = %s and task = %s",
            (instance_id, task),
        ).fetchone()
    assert row is not None, f"{task} of {instance_id} is not there"
    return row


def wait_for_task(conn: Conn, instance_id: UUID, task: str, state: str) -> dict[str, Any]:
    """Wait until a task is in ``state`` and return its row."""

    def reached() -> dict[str, Any] | None:
        rows = conn.execute(
            "select 1 from onceflow.tasks where instance_id = %s and task = %s and state = %s",
            (instance_id, task, state),
        ).fetchall()
        return task_of(conn, instance_id, task) if rows else None

    return wait_until(reached, f"{task} of {instance_id} being {state}")


@contextmanager
def relay(settings: Settings, queues: Sequence[str] = ("default",)) -> Generator[None]:
    """Ship the outbox (over Kafka) and turn the clock, a thread each, until the block ends."""
    stop = threading.Event()

    def ship() -> None:
        with psycopg.connect(settings.dsn, autocommit=True) as conn:
            shipper = Shipper(settings)
            try:
                shipper.run(conn, stop)
            finally:
                shipper.close()

    def turn_clock() -> None:
        with psycopg.connect(settings.dsn, autocommit=True) as conn:
            while not stop.wait(0.05):
                tick(conn)

    threads = [threading.Thread(target=turn_clock)]
    if settings.transport == "kafka":
        make_topics(settings, queues)
        threads.append(threading.Thread(target=ship))
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def send(stack: "Stack", *values: bytes) -> None:
    """Send messages to the default queue that no transition has made."""
    if stack.settings.transport == "postgres":
        for value in values:
            stack.conn.execute(
                "insert into onceflow.outbox (kind, topic, value, queued_xid, made_at)"
                " values ('task', 'default', %s, pg_current_xact_id(), now())",
                (value.decode(),),
            )
        return
    producer = Producer({**stack.settings.kafka_config()})
    for value in values:
        producer.produce(task_topic(stack.settings, "default"), value)
    assert producer.flush(20) == 0


def make_topics(settings: Settings, queues: Sequence[str]) -> None:
    """Make the topics of ``queues``, so that no worker waits for the first message."""
    assert Topics(settings).make(task_topic(settings, queue) for queue in queues) == {}


@contextmanager
def worker(
    settings: Settings,
    handlers: Registry,
    *,
    concurrency: int = 10,
    queues: Sequence[str] = (),
    grace: float = 0.0,
    name: str = "test",
    hand_off: bool = True,
) -> Generator[Worker]:
    """Run a worker in a thread until the block ends; it must stop cleanly then."""
    running = Worker(settings, Options(queues, concurrency, name, grace, hand_off), handlers)
    codes: list[int] = []
    thread = threading.Thread(target=lambda: codes.append(running.run()), name=f"turn {name}")
    thread.start()
    try:
        yield running
    finally:
        running.stop()
        thread.join(20)
    assert codes == [0]


class Gate:
    """Where handlers wait for the test: they ``arrive``, and go on once it is opened."""

    def __init__(self) -> None:
        self._arrivals = threading.Semaphore(0)
        self._open = threading.Event()

    def wait(self) -> None:
        """Note the arrival and wait until the gate is open."""
        self._arrivals.release()
        assert self._open.wait(60), "the gate was never opened"

    def arrive(self) -> None:
        """Note the arrival of a handler that waits in another way."""
        self._arrivals.release()

    def await_arrivals(self, count: int = 1) -> None:
        """Wait for so many arrivals more."""
        for _ in range(count):
            assert self._arrivals.acquire(timeout=30), "nobody came to the gate"

    def open(self) -> None:
        """Let all go on."""
        self._open.set()


class Gates:
    """Gates by name: handlers are registered once, each test has a gate of its own."""

    def __init__(self) -> None:
        self._gates: defaultdict[str, Gate] = defaultdict(Gate)

    def __getitem__(self, name: str) -> Gate:
        return self._gates[name]

    def renew(self) -> None:
        """Close them all: the tests begin again, over another transport."""
        self._gates.clear()

    def open_all(self) -> None:
        """Let everybody go on, so that the threads of a failed test end."""
        for gate in list(self._gates.values()):
            gate.open()


def effects(conn: Conn) -> list[tuple[str, int]]:
    """Return how often each key stands in the table ``effect`` (see ``make_effect_table``)."""
    rows = conn.execute("select key, count(*) from effect group by key order by key")
    return [(key, count) for key, count in rows]


def make_effect_table(conn: Conn) -> None:
    """Make the table in which tests record effects; it does not keep a key from coming twice."""
    conn.execute("create table effect (key text not null, at timestamptz not null default now())")


def consume(
    settings: Settings, topic: str, count: int
) -> list[tuple[dict[str, str], bytes | None, Any]]:
    """Return (headers, key, value) of the messages of a topic, which must be ``count``."""
    config = {**settings.kafka_config(), "group.id": "test", "auto.offset.reset": "earliest"}
    consumer = Consumer(config)
    consumer.assign([TopicPartition(topic, n, 0) for n in range(settings.partitions)])
    found: list[tuple[dict[str, str], bytes | None, Any]] = []

    def read() -> bool:
        message = consumer.poll(0.1)
        if message is not None and message.error() is None:
            sent: Any = message.headers() or []
            headers = {name: value.decode() for name, value in sent}
            found.append((headers, message.key(), json.loads(message.value() or b"")))
        return message is None and len(found) >= count

    wait_until(read, f"{count} messages in {topic}")
    consumer.close()
    assert len(found) == count
    return found


@dataclass
class Stack:
    """A database, a relay and, unless its concurrency is 0, a worker, shared by some tests."""

    settings: Settings
    conn: Conn
    running: Worker | None

    @property
    def worker(self) -> Worker:
        """The worker."""
        assert self.running is not None
        return self.running

    def settings_with(self, **changes: Any) -> Settings:
        """Return the settings with other values for some."""
        return replace(self.settings, **changes)

    def run(self, workflow: str, **input_: Any) -> UUID:
        """Start an instance and return its id."""
        return start(self.conn, workflow, [input_])[0]


@contextmanager
def make_stack(
    servers: Servers,
    handlers: Registry,
    transport: str,
    *,
    queues: Sequence[str] = ("default",),
    concurrency: int = 10,
) -> Generator[Stack]:
    """Bring a stack up for the handlers."""
    database = create_database(servers, migrated=True)
    settings = Settings(
        dsn=database.dsn,
        kafka=servers.kafka if transport == "kafka" else "",
        kafka_options=servers.kafka_options,
        transport=transport,
        prefix=database.name.replace("_", "-"),
        partitions=2,
        lease=2.0,
    )
    try:
        with ExitStack() as stack:
            conn = stack.enter_context(closing(database.connect()))
            use(conn, transport)
            stack.enter_context(relay(settings, queues))
            running = None
            if concurrency:
                running = stack.enter_context(
                    worker(settings, handlers, queues=queues, concurrency=concurrency)
                )
            yield Stack(settings, conn, running)
    finally:
        drop_database(servers, database.name)
