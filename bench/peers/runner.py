"""Installs the peers, and runs each in its turn on a database of its own on the same Postgres."""

import hashlib
import json
import logging
import subprocess
import venv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ..bench import Bench
from ..costs import EMPTY, Marks, counted, per, read_marks, spent
from ..deployment import connect
from ..figures import Figures, medians
from ..measure import counts_of
from ..results import Result
from ..servers import as_url

log = logging.getLogger("bench")

HERE = Path(__file__).parent
REQUIREMENTS = HERE / "requirements.txt"
ENVIRONMENT = Path(".onceflow/bench/peers")
MODES = {"dbos": ("direct", "queue"), "absurd": ("workers",), "pgqueuer": ("chained",)}
"""The peers, and the ways in which each can be put under load."""
FANS = {"dbos": ("direct", "queue")}
"""Those that run the fans of scenario j, too: children of one workflow, here or by a queue."""
TIMEOUT = 900
"""Seconds that a peer may take for one load."""


def install_peers() -> Path:
    """Return the Python of the peers' environment, which is made where it is not up to date."""
    python = ENVIRONMENT / "bin" / "python"
    mark = ENVIRONMENT / "complete"
    digest = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    if not mark.exists() or mark.read_text() != digest:
        venv.create(ENVIRONMENT, clear=True, with_pip=True)
        argv = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*argv, "-r", str(REQUIREMENTS)], check=True)
        mark.write_text(digest)
    return python.absolute()


def run_peers(bench: Bench, scenario: str, steps: int) -> None:
    """Run the chosen peers at those levels of the load that theirs are compared at."""
    if not bench.options.peers:
        return
    python = install_peers()
    for peer in bench.options.peers:
        for in_flight in (1, bench.options.peers_in_flight):
            for mode in MODES[peer][:1] if in_flight == 1 else MODES[peer]:
                result = Result(scenario, f"{peer} {mode}", f"{in_flight:,} in flight", [])
                try:
                    _run(bench, python, peer, mode, result, steps, in_flight)
                except PeerFailed as error:
                    log.error("%s %s: %s", peer, mode, error)
                    result.notes.append(str(error))
                bench.add(result)


def run_fans(bench: Bench, scenario: str, fans: Sequence[tuple[int, int]]) -> None:
    """Run fans, (items, steps of each), in one workflow of those peers that have such a thing."""
    chosen = [peer for peer in bench.options.peers if peer in FANS]
    python = install_peers() if chosen else None
    for peer in chosen:
        for items, steps in fans:
            for mode in FANS[peer]:
                load = f"children, {items:,} of {steps}"
                result = Result(scenario, f"{peer} {mode}", load, [])
                try:
                    assert python is not None
                    _run(bench, python, peer, mode, result, items * steps, 1, items)
                except PeerFailed as error:
                    log.error("%s %s: %s", peer, mode, error)
                    result.notes.append(str(error))
                bench.add(result)


class PeerFailed(Exception):
    """A peer's program ended before it had reported."""


def _run(
    bench: Bench,
    python: Path,
    peer: str,
    mode: str,
    result: Result,
    steps: int,
    in_flight: int,
    items: int = 0,
) -> None:
    options = bench.options
    beat = bench.bar(f"({result.scenario}) {result.who}, {result.load}", options.runs)
    runs: list[Figures] = []
    costs: list[Figures] = []
    done = 0.0
    with bench.servers.database() as dsn:
        asked = {
            "dsn": as_url(dsn),
            "mode": mode,
            "steps": steps,
            "in_flight": in_flight,
            "workers": options.workers,
            "runs": options.runs,
            "warm_up": options.warm_up,
            "window": options.window,
            "alone": max(1, min(options.alone // 10, 1000 // items)) if items else options.alone,
            "items": items,
        }
        with connect(dsn) as conn:
            before: Marks | None = None
            after: Marks | None = None
            for said, pids in _follow(python, HERE / f"{peer}_load.py", asked):
                parts = {"postgres": bench.servers.postgres, "workers": pids}
                if said["event"] == "begin":
                    before, after = read_marks(conn, parts), None
                elif said["event"] == "window":
                    after = read_marks(conn, parts)
                elif said["event"] == "end" and before:
                    runs.append(said["figures"])
                    used = spent(before, after or read_marks(conn, parts))
                    costs += [per(used, said["steps"])] if said["steps"] else []
                    beat(len(runs))
                elif said["event"] == "note":
                    result.notes.append(said["text"])
                elif said["event"] == "total":
                    done = said["steps"]
        result.runs = runs
        result.per_step = medians(costs)
        if done:
            result.per_step |= per(counted(EMPTY, counts_of(dsn)), done)


def _follow(
    python: Path, program: Path, asked: dict[str, Any]
) -> Iterator[tuple[dict[str, Any], list[int]]]:
    """Run a peer's program; yield each line that it says with the processes it consists of."""
    argv = [str(python), str(program), json.dumps(asked)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("{"):
                yield json.loads(line), [process.pid]
        if process.wait(TIMEOUT) != 0:
            raise PeerFailed(f"its program ended with exit code {process.returncode}")
