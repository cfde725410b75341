"""Run Onceflow on this machine: Postgres, a broker, api, relay and one worker, until Ctrl-C.

Postgres and the broker are started here unless ONCEFLOW_DSN and ONCEFLOW_KAFKA name others; with
ONCEFLOW_TRANSPORT=postgres there is no broker. Data are kept in .onceflow (ONCEFLOW_DATA) between
runs. While it runs, other commands called from the same folder find it by themselves, and act as
the owner of the schema; api, relay and worker are roles with no more than they need.
"""

import argparse
import signal
import threading
from functools import partial

from ..calls.transport import switch
from ..dev.dev_file import lock_of, write_dev_file
from ..dev.supervisor import Supervisor, listens, onceflow_argv, require_free_port
from ..migrate import migrate
from ..pool import connect
from ..settings import Settings

PACKAGE = __name__.removesuffix(".engine.commands.dev")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--import",
        dest="imports",
        action="append",
        default=[],
        metavar="MODULE",
        help="a module with tasks for the worker, besides the built-in ones (may be repeated)",
    )
    parser.add_argument("--queues", metavar="A,B", help="the queues that the worker serves")
    parser.add_argument("--concurrency", metavar="N", help="how many tasks it runs at a time")


def run(args: argparse.Namespace, settings: Settings) -> int:
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, partial(_stop, stop))
    lock = lock_of(settings)
    lock.take(
        f"the data folder {settings.data.absolute()}",
        "one `onceflow dev` runs there already: use that, or set ONCEFLOW_DATA to another folder",
    )
    require_free_port(settings.host, settings.port, "ONCEFLOW_PORT")
    with Supervisor(settings, echo=_show) as supervisor:
        settings = supervisor.start_servers()
        dev_file = write_dev_file(settings)
        try:
            _say(f"Postgres: {settings.dsn}")
            if settings.transport == "kafka":
                _say(f"Kafka:    {settings.kafka}")
            if not stop.is_set():
                migrate(settings, wait=60, grants=supervisor.grants)
                if supervisor.postgres:  # nobody's but ours, so a new setting needs no command
                    with connect(settings, "dev") as conn:
                        switch(conn, settings.transport, patience=settings.lease + 5)
            worker = ["--grace", "10"]
            for module in [f"{PACKAGE}.worker.integrations", *args.imports]:
                worker += ["--import", module]
            for option in ("queues", "concurrency"):
                value = getattr(args, option)
                worker += [f"--{option}", value] if value else []
            for name, *options in (["api"], ["relay"], ["worker", *worker]):
                supervisor.keep_up(name, onceflow_argv(name, *options), login=name)
            serving = partial(listens, settings.host, settings.port)
            if settings.port and supervisor.wait_for(serving, "the api", timeout=60, stop=stop):
                _say(f"API:      http://{settings.host}:{settings.port}/api  (Ctrl-C stops all)")
            supervisor.wait(stop)
            _say("stopping")
        finally:
            dev_file.unlink(missing_ok=True)
    return 0


def _stop(stop: threading.Event, _number: int, _frame: object) -> None:
    stop.set()


_printing = threading.Lock()


def _show(name: str, line: str) -> None:
    with _printing:
        print(f"{name:<8} | {line}", flush=True)


def _say(line: str) -> None:
    _show("onceflow", line)
