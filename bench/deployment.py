"""Onceflow as it is deployed, for one measurement: a database of its own, relay, workers, api."""

import secrets
import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg

from onceflow.engine.calls import ensure_partitions, explain_instance, start_instances
from onceflow.engine.dev.postgres import free_port
from onceflow.engine.dev.process import Process
from onceflow.engine.dev.supervisor import Supervisor
from onceflow.engine.json_text import Json
from onceflow.engine.migrate import migrate
from onceflow.engine.settings import Settings, load_settings

from .costs import Marks, read_marks
from .options import Options
from .servers import Servers, delete_topics

LOGS = Path(".onceflow/bench/logs")
FIRST_OF_WARM_UP, MOST_OF_WARM_UP = 50, 3_200
LEASE = 6.0
"""Seconds of a worker's lease. Its counters arrive with its renewals, every third of that."""


@dataclass(frozen=True, slots=True)
class Variant:
    """A way in which a step reaches a worker."""

    name: str
    worker_arguments: tuple[str, ...] = ()
    transport: str = "kafka"


HAND_OFF = Variant("hand-off")
BROKER = Variant("broker", ("--no-hand-off",))
POSTGRES = Variant("postgres", transport="postgres")


def variants(options: Options) -> list[Variant]:
    """Return the variants that this release has, or those of them that were chosen."""
    known = [HAND_OFF, BROKER]
    if any(field.name == "transport" for field in fields(Settings)):
        known.append(POSTGRES)
    return [v for v in known if not options.variants or v.name in options.variants]


class Deployment:
    """The processes of one measurement, and a connection of the driver's own."""

    def __init__(
        self,
        settings: Settings,
        supervisor: Supervisor,
        servers: Servers,
        variant: Variant,
        options: Options,
    ) -> None:
        self.settings = settings
        self.variant = variant
        self.options = options
        self._servers = servers
        self._supervisor = supervisor
        self.relays: list[Process] = []
        self.workers: list[Process] = []
        self.apis: list[Process] = []
        self.conn = connect(settings.dsn)

    @property
    def embedded_broker(self) -> bool:
        return self._servers.embedded

    @property
    def api_url(self) -> str:
        return f"http://{self.settings.host}:{self.settings.port}"

    def start_relay(self, env: dict[str, str] | None = None) -> None:
        """Start one relay."""
        name = f"relay-{len(self.relays)}"
        self.relays.append(self._supervisor.start_onceflow(name, "relay", env=env))

    def start_api(self) -> None:
        """Start one api."""
        self.apis.append(self._supervisor.start_onceflow("api", "api"))

    def start_program(self, name: str, argv: Sequence[str]) -> None:
        """Start a program that the load needs beside us."""
        self._supervisor.start(name, argv)

    def start_workers(
        self,
        count: int = 0,
        concurrency: int = 0,
        modules: Sequence[str] = ("bench.tasks",),
        env: dict[str, str] | None = None,
    ) -> None:
        """Start workers, as many and as wide as the options say unless told otherwise."""
        arguments = [f"--import={module}" for module in modules]
        arguments += [f"--concurrency={concurrency or self.options.concurrency}"]
        arguments += self.variant.worker_arguments
        for _ in range(count or self.options.workers):
            name = f"worker-{len(self.workers)}"
            process = self._supervisor.start_onceflow(
                name, "worker", f"--name={name}", *arguments, env=env
            )
            self.workers.append(process)

    def warm_up(self, workflow: str) -> None:
        """Run instances until every worker has run some: then all of them have their partitions.

        Ever more at a time: few may find room in one.
        """
        seen: set[str] = set()
        count = FIRST_OF_WARM_UP

        def all_worked() -> bool:
            nonlocal count
            start_instances(self.conn, workflow, inputs(count))
            count = min(2 * count, MOST_OF_WARM_UP)
            self.wait_for_end()
            rows = self.conn.execute(
                "select distinct worker_id::text from onceflow.task_log where worker_id is not null"
            ).fetchall()
            seen.update(row[0] for row in rows)
            return len(seen) >= len(self.workers)

        self.wait_until(all_worked, "every worker to work", 60)

    def open_instances(self) -> int:
        """Return how many instances have not ended."""
        row = self.conn.execute(
            "select count(*) from onceflow.instance where state = 'RUNNING'"
        ).fetchone()
        assert row is not None
        return row[0]

    def wait_for_end(self, timeout: float = 120) -> None:
        """Wait until no instance is open."""
        try:
            self.wait_until(lambda: not self.open_instances(), "all instances to end", timeout)
        except TimeoutError as error:
            raise TimeoutError(f"{error}: {self._why_open()}") from None

    def wait_for_end_of(self, instance: UUID, state: str = "SUCCEEDED") -> None:
        """Wait for the end of an instance; raise RuntimeError where it ended otherwise."""

        def found() -> str | None:
            row = self.conn.execute(
                "select state from onceflow.instance where id = %s and ended_at is not null",
                (instance,),
            ).fetchone()
            return None if row is None else row[0]

        self.wait_until(lambda: found() is not None, f"instance {instance} to end", 600)
        if found() != state:
            raise RuntimeError(f"instance {instance} is {found()}")

    def _why_open(self) -> str:
        """Say in words why one of the open instances is not moving."""
        row = self.conn.execute(
            "select id from onceflow.instance where state = 'RUNNING' order by id limit 1"
        ).fetchone()
        if row is None:
            return "none is open any more"
        return "; ".join(because.because for because in explain_instance(self.conn, row[0]))

    def wait_until(self, condition: Callable[[], bool], what: str, timeout: float) -> None:
        """Wait for a condition, looking the less often the dearer the look."""
        deadline = time.monotonic() + timeout
        while True:
            began = time.monotonic()
            if condition():
                return
            self._supervisor.check()
            if began > deadline:
                raise TimeoutError(f"waited {timeout:g} s in vain for {what}")
            time.sleep(min(0.5, max(0.005, 20 * (time.monotonic() - began))))

    def check(self) -> None:
        """Raise ChildEnded where a process has ended that should have gone on."""
        self._supervisor.check()

    def marks(self) -> Marks:
        """Read what has been used so far."""
        return read_marks(
            self.conn,
            {
                "postgres": self._servers.postgres,
                "relay": [p.pid for p in self.relays],
                "workers": [p.pid for p in self.workers],
                "broker": self._servers.broker,
                "api": [p.pid for p in self.apis],
            },
        )

    def counters(self) -> dict[str, float]:
        """Return the workers' counters, summed up, as of now: call it once nothing runs any more.

        Each worker tells its own with its next renewal, a third of the lease away at most.
        """
        self._supervisor.wait(threading.Event(), LEASE / 3 + 0.5)
        return self._read_counters()

    def _read_counters(self) -> dict[str, float]:
        rows = self.conn.execute(
            "select s.key, sum(s.value::text::numeric)::float from onceflow.worker w,"
            " pg_catalog.jsonb_each(w.stats) s where jsonb_typeof(s.value) = 'number'"
            " group by s.key order by s.key"
        ).fetchall()
        return {str(name): float(value) for name, value in rows}


def inputs(count: int) -> list[Json]:
    """Return the inputs of ``count`` instances that need none."""
    return [{} for _ in range(count)]


def connect(dsn: str) -> psycopg.Connection[Any]:
    """Return the driver's connection: its looks must never become scans of a whole table."""
    return psycopg.connect(
        dsn, autocommit=True, application_name="bench", options="-c enable_seqscan=off"
    )


@contextmanager
def deployed(
    servers: Servers, variant: Variant, options: Options, dsn: str
) -> Generator[Deployment]:
    """Provide a deployment on the database ``dsn``, which is migrated; no process runs yet.

    At the end the processes have stopped, and with them every session, so that all that they did
    is counted.
    """
    with ExitStack() as stack:
        settings = replace(
            load_settings(),
            dsn=dsn,
            kafka=servers.kafka,
            prefix=f"bench-{secrets.token_hex(4)}",
            port=free_port(),
            lease=LEASE,
            log="warning",
        )
        if variant.transport != "kafka":
            settings = replace(settings, **{"transport": variant.transport})
        else:
            stack.callback(delete_topics, settings)
        migrate(settings)
        supervisor = stack.enter_context(Supervisor(settings, logs=LOGS))
        deployment = Deployment(settings, supervisor, servers, variant, options)
        stack.callback(deployment.conn.close)
        ensure_partitions(deployment.conn)
        yield deployment
