"""What the peers' programs share: how they are told what to do, and how they report it.

A program gets one JSON object as its argument (see ``Asked``) and writes one JSON object a line:
``begin`` and ``end`` of each run, then the ``total`` of steps; what else it prints is ignored.
"""

import json
import math
import os
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True)
class Asked:
    """What to do: ``mode`` is one of the peer's, the rest as in the options of the benchmark.

    ``items`` is how many children of one workflow share its steps, 0 for a sequence of them.
    ``role`` is empty for the program that reports, else what it was started as by that one.
    """

    dsn: str
    mode: str
    steps: int
    in_flight: int
    workers: int
    runs: int
    warm_up: float
    window: float
    alone: int
    items: int = 0
    role: str = ""

    @property
    def share(self) -> int:
        """How many instances one of the workers has in flight."""
        return -(-self.in_flight // self.workers)


def read_asked() -> Asked:
    """Return what this program is asked."""
    return Asked(**json.loads(sys.argv[1]))


def say(event: str, **rest: Any) -> None:
    """Report to the benchmark."""
    print(json.dumps({"event": event, **rest}), flush=True)


def percentile(samples: list[float], share: float) -> float:
    """Return the smallest sample that at least ``share`` of them do not exceed."""
    ordered = sorted(samples)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def figures(asked: Asked, samples: list[float], seconds: float) -> dict[str, float]:
    """Return the figures of instances that took ``samples`` seconds each, in ``seconds`` s."""
    found = {
        "instances/s": len(samples) / seconds,
        "steps/s": len(samples) * asked.steps / seconds,
    }
    if asked.items and samples:
        found["s"] = percentile(samples, 0.5)
        found["µs an item"] = found["s"] / asked.items * 1e6
    if samples:
        found["p50 ms"] = percentile(samples, 0.5) * 1000
        found["p99 ms"] = percentile(samples, 0.99) * 1000
    return found


class Peer(Protocol):
    """What a peer can do."""

    def one(self) -> None:
        """Run one instance, from the call that starts it to its end as the client sees it."""
        ...

    def start(self, count: int) -> None:
        """Start instances, in sets where the peer has such a thing."""
        ...

    def open(self) -> int:
        """Return how many instances have been started and have not ended."""
        ...

    def samples(self, began: float, ended: float) -> list[float]:
        """Return the seconds that each instance took which ended between two times (epoch)."""
        ...

    def total(self) -> int:
        """Return how many instances have ended."""
        ...


def drive(asked: Asked, peer: Peer) -> None:
    """Do what is asked, and report it."""
    if asked.in_flight == 1:
        _one_at_a_time(asked, peer)
    else:
        _closed_loop(asked, peer)
    say("total", steps=peer.total() * asked.steps)


def _one_at_a_time(asked: Asked, peer: Peer) -> None:
    # Of a large fan the first is as warm as the next.
    for _ in range(20 if not asked.items else 1 if asked.items <= 1000 else 0):
        peer.one()
    for _ in range(asked.runs):
        say("begin")
        samples: list[float] = []
        began = time.perf_counter()
        for _ in range(asked.alone):
            start = time.perf_counter()
            peer.one()
            samples.append(time.perf_counter() - start)
        found = figures(asked, samples, time.perf_counter() - began)
        say("end", figures=found, steps=len(samples) * asked.steps)


def _closed_loop(asked: Asked, peer: Peer) -> None:
    _keep_full(asked, peer, asked.warm_up)
    for _ in range(asked.runs):
        say("begin")
        began = time.time()
        _keep_full(asked, peer, asked.window)
        ended = time.time()
        say("window")
        samples = peer.samples(began, ended)
        found = figures(asked, samples, ended - began)
        say("end", figures=found, steps=len(samples) * asked.steps)


def _keep_full(asked: Asked, peer: Peer, seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        looked = time.monotonic()
        missing = asked.in_flight - peer.open()
        cost = time.monotonic() - looked
        if missing > 0:
            peer.start(missing)
        time.sleep(min(0.05, max(0.001, 20 * cost)))


@contextmanager
def workers(asked: Asked) -> Generator[list[subprocess.Popen[bytes]]]:
    """Run the worker processes: this same program, in the roles ``worker-0`` and so on.

    Each says one line once it is ready; each ends when its stdin is closed.
    """
    started: list[subprocess.Popen[bytes]] = []
    try:
        for number in range(asked.workers):
            given = json.dumps({**asked.__dict__, "role": f"worker-{number}"})
            argv = [sys.executable, sys.argv[0], given]
            started.append(subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE))
        for process in started:
            assert process.stdout is not None
            if not process.stdout.readline():
                raise RuntimeError("a worker of the peer ended at its start")
        yield started
    finally:
        for process in started:
            assert process.stdin is not None
            process.stdin.close()
        for process in started:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def wait_for_stdin() -> None:
    """In a worker: say that it is ready, and wait until it is to end."""
    print("ready", flush=True)
    sys.stdin.buffer.read()


def run_program(main: Callable[[], None]) -> None:
    """Run ``main`` and end the process at once: threads of the peer's would keep it waiting."""
    code = 1
    try:
        main()
        code = 0
    except Exception:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(code)
