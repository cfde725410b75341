"""``onceflow worker``: run the tasks of some modules until a signal."""

import argparse
import importlib
import logging
import queue
import signal
import sys
import threading
import traceback
from pathlib import Path
from types import FrameType

from ..engine import garbage
from ..engine.errors import SettingsError
from ..engine.extras import told_by_name
from ..engine.monitoring.monitor import Monitor
from ..engine.settings import Settings
from ..engine.traces.spans import sending
from .handlers.registry import registry
from .handlers.texts import text_of, type_name
from .metrics import add_metrics
from .worker import Options, Worker

log = logging.getLogger("onceflow.worker")

OURS = str(Path(__file__).parents[1])
"""Where our own code lies, by which nobody mends a module of his."""
HELP = "run the handlers of tasks"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument(
        "--import",
        dest="imports",
        metavar="MODULE",
        action="append",
        default=[],
        help="module whose @task functions this worker runs; may be given again "
        "(onceflow.worker.integrations has the built-in ones)",
    )
    parser.add_argument(
        "--queues",
        metavar="A,B",
        default="",
        help="queues to listen on (default: those that the handlers name)",
    )
    parser.add_argument(
        "--concurrency",
        metavar="N",
        type=int,
        default=10,
        help="how many handlers may run at once (default: %(default)s)",
    )
    parser.add_argument(
        "--name", default="", help="the worker's name in logs and views (default: host:pid)"
    )
    parser.add_argument(
        "--grace",
        metavar="SECONDS",
        type=float,
        default=30.0,
        help="time for running handlers after SIGTERM; the rest is given back, a second signal "
        "does so at once (default: %(default)s)",
    )
    parser.add_argument(
        "--no-hand-off",
        dest="hand_off",
        action="store_false",
        help="let every step take the way through the broker, instead of going on in this worker "
        "with the next step of an instance where there is room",
    )


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Run the worker; return the exit code. Raises SettingsError for what cannot be started."""
    _import(args.imports)
    if args.concurrency < 1 or args.grace < 0:
        raise SettingsError("--concurrency must be at least 1 and --grace not negative")
    settings.require_servers()
    queues = [name.strip() for name in args.queues.split(",") if name.strip()]
    garbage.relax()
    options = Options(queues, args.concurrency, args.name, args.grace, args.hand_off)
    with sending("worker"):
        return run_worker(settings, options)


def run_worker(settings: Settings, options: Options) -> int:
    """Run a worker with the process's handlers until SIGTERM or SIGINT; return the exit code.

    Call it from the main thread. The first signal stops it gracefully, the second at once. Raises
    ServerError where the engine refuses the registration.
    """
    worker = Worker(settings, options)
    with Monitor(settings, "worker", lambda: _unready(worker)) as monitor:
        add_metrics(monitor, worker)
        return _run_until_told(worker)


def _unready(worker: Worker) -> str:
    return "" if worker.registered else "the worker is not registered"


def _run_until_told(worker: Worker) -> int:
    # A handler of signals may only do what cannot wait for a lock that its own thread holds.
    signals: queue.SimpleQueue[int] = queue.SimpleQueue()

    def note(number: int, _frame: FrameType | None) -> None:
        signals.put(number)

    before = {number: signal.signal(number, note) for number in (signal.SIGTERM, signal.SIGINT)}
    ends: list[int | Exception] = []

    def work() -> None:
        try:
            ends.append(worker.run())
        except Exception as error:
            ends.append(error)

    thread = threading.Thread(target=work, name="turn", daemon=True)
    thread.start()
    try:
        seen = 0
        while thread.is_alive():
            try:
                number = signals.get(timeout=0.1)
            except queue.Empty:
                continue
            seen += 1
            log.info("%s", signal.Signals(number).name)
            worker.stop(None if seen == 1 else 0)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    end = ends[0] if ends else 1
    if isinstance(end, Exception):
        raise end
    return end


def _not_imported(name: str, error: Exception) -> SettingsError:
    """Return the error for a module that raises when it is imported: where, and what."""
    if isinstance(error, SyntaxError):
        place, told = f"{error.filename}:{error.lineno}", error.msg
    else:
        frames = [
            frame
            for frame in traceback.extract_tb(error.__traceback__)
            if not frame.filename.startswith(("<frozen importlib", OURS))
        ]
        last = frames[-1] if frames else None
        place, told = f"{last.filename}:{last.lineno}" if last else "", text_of(error)
    where = f"{place}: " if place else ""
    return SettingsError(f"--import {name}: {where}{type_name(error)}: {told}", hint="mend it")


def _import(modules: list[str]) -> None:
    """Import the modules that register handlers, as ``python -m`` would find them."""
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    for name in modules:
        try:
            with told_by_name():
                importlib.import_module(name)
        except SettingsError:
            raise
        except ModuleNotFoundError as error:
            if error.name is not None and not f"{name}.".startswith(f"{error.name}."):
                raise _not_imported(name, error) from error  # it imports another that is missing
            raise SettingsError(
                f"--import {name}: {error}",
                hint="give the module as Python imports it; the current folder is searched first",
            ) from error
        except Exception as error:
            raise _not_imported(name, error) from error
    if not registry.names():
        raise SettingsError(
            "no task is registered: name the modules with @task functions by --import"
        )
