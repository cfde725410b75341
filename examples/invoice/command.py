"""``onceflow demo``: real orders become invoices, PDFs and e-mails, in a world with faults."""

import argparse
import json
import shutil
import signal
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import httpx2
import psycopg

from ...engine.dev.file_lock import FileLock
from ...engine.errors import OnceflowError
from ...engine.logs import set_up_logging
from ...engine.migrate import migrate
from ...engine.settings import Settings
from . import plan
from .client import ApiError, Client
from .conduct import Conductor, NotInTime
from .programs import Programs
from .servers import supervised
from .show import Show
from .tables import make_tables
from .world import Check, check_world, read_ahead, read_world

LEASE = 6.0
"""Seconds after which the killed worker's task is given out again."""
KEPT = ("mail", "pdf", "logs", *(f"{run.shop}.jsonl" for run in plan.RUNS))
"""What stays of a demo until the next one."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument(
        "--timeout",
        metavar="SECONDS",
        type=float,
        default=180.0,
        help="give up after so long (default: %(default)s)",
    )
    parser.add_argument(
        "--keep", action="store_true", help="leave everything running at the end, until Ctrl-C"
    )
    parser.add_argument("--json", action="store_true", help="print the summary alone, as JSON")


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Run the demo; return 0 where the world is as it ought to be, 1 where it differs."""
    set_up_logging("warning" if settings.log == "info" else settings.log, settings.log_format)
    show = Show(quiet=args.json)
    folder = (settings.data / "demo").absolute()
    try:
        with _stopped_by_signals(), _fresh_world(folder):
            checks = _play(args, settings, folder, show)
    except KeyboardInterrupt:
        show.say("stopped")
        return 130
    except (NotInTime, ApiError, OnceflowError, psycopg.Error) as error:
        print(f"the demo failed: {error}", file=sys.stderr)
        print(f"logs: {folder / 'logs'}", file=sys.stderr)
        return 1
    return 1 if any(check.faults for check in checks) else 0


def _play(args: argparse.Namespace, settings: Settings, folder: Path, show: Show) -> list[Check]:
    """Run everything, see it through, and tell and return what is found in the world."""
    began = time.monotonic()
    with supervised(replace(settings, lease=LEASE), folder) as supervisor:
        dsn = supervisor.settings.dsn
        migrate(supervisor.settings, grants=supervisor.grants)
        make_tables(supervisor.settings, worker="onceflow_worker" if supervisor.grants else "")
        programs = Programs(supervisor, folder)
        programs.start()
        with Client(programs.api) as client:
            show.say(f"api and web pages at {programs.api}")
            conductor = Conductor(client, programs, folder / "mail", show, began + args.timeout)
            try:
                conductor.start_all()
                conductor.see_through(partial(read_ahead, folder / "pdf"))
            except (NotInTime, ApiError):
                for line in conductor.explain():
                    print(line, file=sys.stderr)
                raise
            checks = _look(dsn, folder, programs)
            seconds = round(time.monotonic() - began, 1)
            if args.json:
                _print_json(checks, seconds)
            else:
                show.summary(checks, seconds, folder)
            if args.keep:
                show.say(f"all of it goes on at {programs.api} until Ctrl-C")
                with suppress(KeyboardInterrupt):
                    signal.pause()
    return checks


def _print_json(checks: list[Check], seconds: float) -> None:
    ok = not any(check.faults for check in checks)
    summary = {"ok": ok, "seconds": seconds, "checks": [asdict(check) for check in checks]}
    print(json.dumps(summary, ensure_ascii=False, indent=2), flush=True)


def _look(dsn: str, folder: Path, programs: Programs) -> list[Check]:
    """Read the world of each run and check it."""
    checks: list[Check] = []
    with psycopg.connect(dsn) as connection:
        for run in plan.RUNS:
            expected = plan.expected_world(run)
            url = f"{programs.shops[run.shop]}/reservations"
            reservations: dict[str, Any] = httpx2.get(url, timeout=30).json()
            world = read_world(connection, folder / "pdf", folder / "mail", reservations, expected)
            checks += [
                replace(check, statement=f"{run.workflow}: {check.statement}")
                for check in check_world(world, expected)
            ]
    return checks


@contextmanager
def _fresh_world(folder: Path) -> Generator[None]:
    """Take what the last demo left away, and keep a second one out meanwhile."""
    lock = FileLock(folder / "lock")
    lock.take(
        f"the folder {folder}", "wait for that demo's end, or give another folder in ONCEFLOW_DATA"
    )
    try:
        for name in KEPT:
            left = folder / name
            if left.is_dir():
                shutil.rmtree(left)
            else:
                left.unlink(missing_ok=True)
        for name in ("mail", "pdf"):
            (folder / name).mkdir()
        yield
    finally:
        lock.release()


@contextmanager
def _stopped_by_signals() -> Generator[None]:
    """Let SIGTERM and SIGHUP end us as Ctrl-C does: everything is stopped on the way out."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {
        number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGHUP)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
