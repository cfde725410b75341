"""``python -m bench``: run scenarios, print tables, write a JSON file."""

import argparse
import logging
import os
import platform
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from . import options as sizes
from .bench import Bench
from .options import Options
from .peers.runner import MODES
from .report import show
from .results import save
from .scenarios import SCENARIOS
from .servers import load_average, running

RESULTS = Path(__file__).parent / "results"


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _counts(text: str) -> tuple[int, ...]:
    return tuple(int(name) for name in _names(text))


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line; what is not given is None."""
    made = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    letters = ",".join(SCENARIOS)
    made.add_argument("--scenarios", type=_names, help=f"letters (default: {letters})")
    made.add_argument("--quick", action="store_true", help="small counts, one run, no peers")
    made.add_argument("--runs", type=int, help="runs of each figure, of which the median counts")
    made.add_argument("--window", type=float, help="seconds of a run of a closed loop")
    made.add_argument("--warm-up", type=float, help="seconds of load before the first run")
    made.add_argument("--alone", type=int, help="instances of a run with one in flight")
    made.add_argument("--in-flight", type=_counts, help="levels of the closed loops: 1,16,256,2000")
    made.add_argument("--workers", type=int, help="worker processes, ours and the peers'")
    made.add_argument("--concurrency", type=int, help="handlers that a worker runs at once")
    made.add_argument("--variants", type=_names, help="hand-off, broker, postgres (default: all)")
    known = ",".join(MODES)
    made.add_argument("--peers", type=_names, help=f"peers to run (default: {known}; quick: none)")
    made.add_argument("--peers-in-flight", type=int, help="their level beside one in flight: 256")
    made.add_argument("--retries", type=int, help="retries due of scenario f")
    made.add_argument("--backlog", type=int, help="tasks of the backlog of scenario g")
    made.add_argument("--history", type=int, help="finished instances of scenario h")
    made.add_argument("--items", type=_counts, help="of scenario j's for_each: 1000,10000,100000")
    made.add_argument("--undone", type=int, help="items of scenario j that are undone")
    made.add_argument("--wide", type=int, help="tasks of the instance of scenario k")
    made.add_argument("--schedules", type=int, help="schedules of scenario l, due in a minute")
    made.add_argument("--sleeps", type=int, help="sleeps of scenario m, over in a minute")
    made.add_argument("--asleep", type=int, help="sleeping instances of scenario p")
    made.add_argument("--data", type=Path, help="folder that keeps scenario h's seeded database")
    made.add_argument("--output", type=Path, help="the JSON file (default: in bench/results)")
    return made


def options_of(args: argparse.Namespace) -> Options:
    """Return the sizes that the command line asks for."""
    base = sizes.QUICK if args.quick else replace(Options(), peers=tuple(MODES))
    names = set(Options.__dataclass_fields__) - {"quick"}
    given = {name: value for name, value in vars(args).items() if name in names}
    return replace(base, **{name: value for name, value in given.items() if value is not None})


def about(options: Options, servers: dict[str, str]) -> dict[str, object]:
    """Return on what the figures were taken."""
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _git("describe", "--always", "--dirty"),
        "machine": f"{platform.machine()}, {os.cpu_count()} CPUs, load {load_average():.1f}",
        "python": platform.python_version(),
        "options": {name: str(getattr(options, name)) for name in Options.__dataclass_fields__},
        "servers": servers,
    }


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)
    return done.stdout.strip()


def main() -> int:
    """Run the benchmark; return the exit code."""
    args = parser().parse_args()
    options = options_of(args)
    letters = args.scenarios or tuple(SCENARIOS)
    unknown = [letter for letter in letters if letter not in SCENARIOS]
    unknown += [peer for peer in options.peers if peer not in MODES]
    if unknown:
        print(f"bench: there is no {', '.join(unknown)}", file=sys.stderr)
        return 2
    logging.basicConfig(level=logging.WARNING, format="%(name)s: %(message)s")
    console = Console()
    columns = TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn()
    with (
        running(options.data) as servers,
        Progress(*columns, console=console, transient=True) as progress,
    ):
        known = about(options, servers.describe())
        name = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
        output = args.output or RESULTS / f"{name}.json"
        bench = Bench(servers, options, progress, [])
        overall = progress.add_task("scenarios", total=len(letters))
        try:
            for letter in letters:
                SCENARIOS[letter].run(bench)
                progress.advance(overall)
        finally:
            # What was found before a fault, or Ctrl-C, is worth keeping.
            save(output, known, bench.results)
    show(console, known, bench.results, {key: s.TITLE for key, s in SCENARIOS.items()})
    console.print(f"written to {output}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
