"""Run Onceflow on this machine: Postgres, a broker, api, relay and one worker, until Ctrl-C.

Postgres and the broker are started here unless ONCEFLOW_DSN and ONCEFLOW_KAFKA name others; with
ONCEFLOW_TRANSPORT=postgres there is no broker. Data are kept in .onceflow (ONCEFLOW_DATA) between
runs, and so are ports. While it runs, other commands called from the same folder find it by
themselves, and act as the owner of the schema; api, relay and worker are roles with no more than
they need. A module that cannot be imported is told of, and tried again once a file has changed.
"""

import argparse
import signal
import threading
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from ..calls import register_workflow
from ..calls.transport import switch
from ..definition import compile_definition, parse
from ..dev.dev_file import lock_of, write_dev_file
from ..dev.sources import Sources
from ..dev.supervisor import Supervisor, listens, onceflow_argv, require_free_port
from ..errors import DefinitionError, OnceflowError
from ..migrate import migrate
from ..pool import connect
from ..settings import Settings
from .arguments import positive, read_text

LOOK_EVERY = 0.5
"""Seconds between two looks at files."""
GRACE = 15.0
"""Seconds that a worker has to end before it is started anew; its handlers have 10 of them."""
WRONG_USAGE = 2
"""The exit code of a worker that cannot import its modules."""
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
    parser.add_argument(
        "--concurrency", type=positive, metavar="N", help="how many tasks it runs at a time"
    )
    parser.add_argument(
        "--deploy",
        action="append",
        type=Path,
        default=[],
        metavar="FILE",
        help="a definition to register, at the start and with --reload (may be repeated)",
    )
    parser.add_argument(
        "--reload",
        action="store_true",
        help="start the worker anew when one of its modules changes, and register a definition of "
        "--deploy again when that does",
    )


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
                worker += [f"--{option}", str(value)] if value else []
            for name in ("api", "relay"):
                supervisor.keep_up(name, onceflow_argv(name), login=name)
            for definition in args.deploy:
                _deploy(settings, definition)
            watch = Watch(supervisor, args.imports, args.deploy)
            argv = onceflow_argv("worker", *worker)
            supervisor.keep_up("worker", argv, login="worker", forgives=watch.forgives)
            serving = partial(listens, settings.host, settings.port)
            if settings.port and supervisor.wait_for(serving, "the api", timeout=60, stop=stop):
                address = f"http://{_written(settings.host)}:{settings.port}{settings.root_path}"
                _say(f"Pages:    {address}/")
                _say(f"API:      {address}/api  (Ctrl-C stops all)")
            while not supervisor.wait(stop, LOOK_EVERY):
                watch.look(settings, reload=args.reload)
            _say("stopping")
        finally:
            dev_file.unlink(missing_ok=True)
    return 0


class Watch:
    """Starts the worker anew when its modules change, and registers definitions that do."""

    def __init__(
        self, supervisor: Supervisor, modules: Sequence[str], definitions: Sequence[Path]
    ) -> None:
        self._supervisor = supervisor
        self._sources = Sources(modules)
        self._definitions = {path: Sources((), [path]) for path in definitions}
        self._broken = False

    def forgives(self, code: int) -> bool:
        """Say that a worker whose modules cannot be imported is started again by ``look``."""
        if code == WRONG_USAGE:
            _say("the worker is started again once one of its modules has changed")
            self._broken = True
        return self._broken

    def look(self, settings: Settings, *, reload: bool) -> None:
        """Do what is to be done about files that have changed."""
        changed = self._sources.changed()
        if changed and (reload or self._broken):
            self._broken = False
            _say(f"{', '.join(path.name for path in changed[:5])} changed: the worker starts anew")
            self._supervisor.start_over("worker", GRACE)
        for path, source in self._definitions.items():
            if source.changed() and reload:
                _deploy(settings, path)


def _deploy(settings: Settings, path: Path) -> None:
    """Register a definition; what is wrong with it is told, each fault with its place."""
    try:
        compiled = compile_definition(
            parse(read_text(str(path)), "json" if path.suffix == ".json" else "yaml")
        )
        with connect(settings, "dev") as conn:
            version = register_workflow(conn, compiled)
    except DefinitionError as error:
        for fault in error.faults:
            _say(f"{path}: {fault}")
    except OnceflowError as error:
        _say(f"{path}: {error}")
    else:
        what = "registered as" if version.created else "unchanged since"
        _say(f"{version.name}: {what} version {version.version}")


def _written(host: str) -> str:
    """Return a host as it stands in a URL."""
    return f"[{host}]" if ":" in host else host


def _stop(stop: threading.Event, _number: int, _frame: object) -> None:
    stop.set()


_printing = threading.Lock()


def _show(name: str, line: str) -> None:
    with _printing:
        print(f"{name:<8} | {line}", flush=True)


def _say(line: str) -> None:
    _show("onceflow", line)
