"""Runs the processes of Onceflow on one machine, and stops them together.

    with Supervisor(settings) as supervisor:
        settings = supervisor.start_servers()  # those that the settings do not name
        supervisor.start_onceflow("worker-1", "worker", "--import", "examples.tasks")
        supervisor.wait(stop)                  # raises ChildEnded when one ends by itself

What it starts ends with it, also when it is killed (see ``guardian.py``).
"""

import logging
import os
import socket
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Self

from ..errors import ServerError, SettingsError
from ..settings import Settings
from .broker import GROUP_OPTIONS, EmbeddedBroker
from .ports import keep_ports, kept_port
from .postgres import EmbeddedPostgres
from .process import Process
from .roles import GRANTS, make_roles

log = logging.getLogger("onceflow.supervisor")


class ChildEnded(ServerError):
    """A process ended that should have gone on."""


def _no_lines() -> deque[str]:
    return deque[str](maxlen=20)


@dataclass(slots=True)
class _Child:
    process: Process
    may_end: bool = False
    crashes: "_Crashes | None" = None
    forgives: Callable[[int], bool] | None = None
    reader: threading.Thread | None = None
    last_lines: deque[str] = field(default_factory=_no_lines)


RESTART, RESTART_AT_MOST = 1.0, 30.0
"""Seconds until a process that has crashed is started again: at first, and at most."""

STEADY = 60.0
"""Seconds after which a process that crashes is no longer taken to crash again and again."""


@dataclass(slots=True)
class _Crashes:
    """How to start a child again that was ended by a signal of nobody's, and when."""

    start: Callable[[], object]
    pause: float = field(default_factory=lambda: RESTART)
    began_at: float = field(default_factory=time.monotonic)
    again_at: float | None = None


class Supervisor:
    """Starts and watches child processes; use it as a context manager.

    ``settings``  those of the children: after ``start_servers`` they name the embedded ones
    ``logins``    how each command logs in to an embedded Postgres; ``settings`` have the owner's
    ``logs``      a folder for the children's output, one file each; None: none are kept
    ``echo``      called with a child's name and each line of its output; None: not shown
    """

    def __init__(
        self,
        settings: Settings,
        *,
        logs: Path | None = None,
        echo: Callable[[str, str], None] | None = None,
    ) -> None:
        self.settings = settings
        self.logs = logs
        self.echo = echo
        self.logins: Mapping[str, str] = {}
        self.postgres: EmbeddedPostgres | None = None
        self.broker: EmbeddedBroker | None = None
        self._children: dict[str, _Child] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start_servers(self) -> Settings:
        """Start what servers the transport needs and the settings do not name; return all named.

        They keep the ports that they had the last time, unless another has taken one.
        """
        data = self.settings.data
        ports: dict[str, int] = {}
        if not self.settings.dsn:
            port = kept_port(data, "postgres")
            self.postgres = EmbeddedPostgres(data / "postgres", port=port).start()
            ports["postgres"] = self.postgres.port
            self.logins = make_roles(self.postgres.dsn)
            self.settings = replace(self.settings, dsn=self.logins["owner"])
        if not self.settings.kafka and self.settings.transport == "kafka":
            port = kept_port(data, "broker")
            self.broker = EmbeddedBroker(data / "broker.log", port=port).start()
            ports["broker"] = self.broker.port
            options = dict(self.settings.kafka_options)
            if GROUP_OPTIONS.keys().isdisjoint(options):  # they are of use together alone
                options |= GROUP_OPTIONS
            self.settings = replace(
                self.settings, kafka=self.broker.bootstrap, kafka_options=options
            )
        if ports:
            keep_ports(data, ports)
        return self.settings

    @property
    def grants(self) -> list[tuple[str, str]]:
        """What migrate is to grant to the roles of ``logins``."""
        return GRANTS if self.logins else []

    def start(
        self,
        name: str,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        login: str = "",
    ) -> Process:
        """Start a program with our environment, the settings as variables, and ``env``.

        ``name`` stands before its output and in messages; one that has ended may be started again.
        ``login`` is the command as which it logs in to an embedded Postgres; empty: it does not.
        Raises ServerError.
        """
        old = self._children.get(name)
        if old and old.process.poll() is None:
            raise ServerError(f"a process called {name} runs already")
        output, theirs = os.pipe()
        whole = {
            **os.environ,
            **self.settings.environment(),
            **({"ONCEFLOW_DSN": self.logins.get(login, "")} if self.logins else {}),
            "PYTHONUNBUFFERED": "1",
            "ONCEFLOW_METRICS_PORT": "",  # one port would be for all of them
            **(env or {}),
        }
        try:
            process = Process(name, argv, env=whole, output=theirs)
        except BaseException:
            os.close(output)
            raise
        finally:
            os.close(theirs)
        child = _Child(process)
        reader = threading.Thread(
            target=self._read, args=(name, child, os.fdopen(output, "rb")), daemon=True
        )
        child.reader = reader
        self._children[name] = child
        reader.start()
        return process

    def start_onceflow(
        self, name: str, *arguments: str, env: Mapping[str, str] | None = None
    ) -> Process:
        """Start ``onceflow ARGUMENT…`` with the Python that we run on."""
        return self.start(name, onceflow_argv(*arguments), env=env, login=arguments[0])

    def keep_up(
        self,
        name: str,
        argv: Sequence[str],
        *,
        login: str = "",
        forgives: Callable[[int], bool] | None = None,
    ) -> None:
        """Start a program, and again, with growing pauses, whenever a signal has ended it.

        A library of its may crash it. An end of its own is an error, as with ``start``, unless
        ``forgives`` says of its exit code that somebody sees to it.
        """
        crashes = _Crashes(lambda: self._start_again(name, argv, login))
        self.start(name, argv, login=login)
        self._children[name].crashes = crashes
        self._children[name].forgives = forgives

    def start_over(self, name: str, grace: float = 15) -> None:
        """Have a program that is kept up end, where it runs, and start it anew."""
        child = self._children[name]
        assert child.crashes is not None
        child.may_end = True
        child.process.stop("TERM", grace=grace)
        child.crashes.began_at, child.crashes.again_at = time.monotonic(), None
        child.crashes.start()

    def kill(self, name: str, signal: str = "KILL") -> None:
        """End a child on purpose, by a signal, and wait until it has ended."""
        child = self._children[name]
        child.may_end = True
        child.process.signal(signal)
        child.process.wait(30)

    def may_end(self, name: str) -> None:
        """Let a child end by itself without that being an error."""
        self._children[name].may_end = True

    def output_of(self, name: str) -> list[str]:
        """Return the last lines that a child wrote."""
        return list(self._children[name].last_lines)

    def check(self) -> None:
        """Raise ChildEnded where a child or a server has ended that should have gone on."""
        servers = [s.process for s in (self.postgres, self.broker) if s and s.process]
        watched = [(p, _Child(p)) for p in servers]
        watched += [(c.process, c) for c in self._children.values() if not c.may_end]
        for process, child in watched:
            if process.poll() is None or self._restarts(child) or self._forgiven(child):
                continue
            if child.reader:
                child.reader.join(2)  # what it said last says why
            said = "".join(f"\n  {line}" for line in child.last_lines)
            raise ChildEnded(
                f"{process.name} (process {process.pid}) {process.describe_end()}"
                + (f"; its last words:{said}" if said else "")
            )

    def _restarts(self, child: _Child) -> bool:
        """Tell whether a child that has ended is to be started again; do so when it is time."""
        crashes, now = child.crashes, time.monotonic()
        if crashes is None or (child.process.poll() or 0) >= 0:
            return False
        if crashes.again_at is None:
            if now - crashes.began_at >= STEADY:
                crashes.pause = RESTART
            crashes.again_at = now + crashes.pause
            self._tell(
                f"{child.process.name} (process {child.process.pid}) "
                f"{child.process.describe_end()}; it is started again in {crashes.pause:g} s"
            )
        elif now >= crashes.again_at:
            crashes.pause = min(crashes.pause * 2, RESTART_AT_MOST)
            crashes.began_at, crashes.again_at = now, None
            crashes.start()
        return True

    def _forgiven(self, child: _Child) -> bool:
        """Tell whether somebody sees to the end of a child; it is asked once."""
        code = child.process.poll()
        if child.forgives is None or code is None or not child.forgives(code):
            return False
        child.may_end = True
        return True

    def _start_again(self, name: str, argv: Sequence[str], login: str) -> None:
        old = self._children[name]
        self.start(name, argv, login=login)
        self._children[name].crashes, self._children[name].forgives = old.crashes, old.forgives

    def _tell(self, line: str) -> None:
        if self.echo:
            self.echo("onceflow", line)
        else:
            log.warning("%s", line)

    def wait(self, stop: threading.Event, timeout: float | None = None) -> bool:
        """Watch the children until ``stop`` is set (True) or ``timeout`` seconds passed (False).

        Raises ChildEnded.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            self.check()
            left = 0.1 if deadline is None else min(0.1, deadline - time.monotonic())
            if left <= 0:
                return False
            if stop.wait(left):
                return True

    def wait_for(
        self, condition: Callable[[], bool], what: str, *, timeout: float, stop: threading.Event
    ) -> bool:
        """Watch the children until ``condition`` holds (True) or ``stop`` is set (False).

        Raises ChildEnded, and ServerError after ``timeout`` seconds.
        """
        deadline = time.monotonic() + timeout
        while not condition():
            if time.monotonic() > deadline:
                raise ServerError(f"waited {timeout:g} s in vain for {what}")
            if self.wait(stop, 0.05):
                return False
        return True

    def stop(self, grace: float = 15) -> None:
        """Stop the children, all at once, by SIGTERM, after ``grace`` seconds by SIGKILL.

        The servers that we started go last, so that the children can finish what they hold.
        """
        running = [c for c in self._children.values() if c.process.poll() is None]
        for child in running:
            child.may_end = True
            child.process.signal("TERM")
        deadline = time.monotonic() + grace
        for child in running:
            try:
                child.process.wait(max(0.0, deadline - time.monotonic()))
            except TimeoutError:
                log.warning("%s does not end; killing it", child.process.name)
                child.process.stop("KILL")
        for child in self._children.values():
            if child.reader:
                child.reader.join(2)
        if self.broker:
            self.broker.stop()
        if self.postgres:
            self.postgres.stop()

    def _read(self, name: str, child: _Child, output: IO[bytes]) -> None:
        """Pass on what a child writes, until it and all its children have closed it."""
        log_file = None
        if self.logs:
            self.logs.mkdir(parents=True, exist_ok=True)
            log_file = (self.logs / f"{name}.log").open("ab")
        try:
            for raw in output:
                line = raw.decode(errors="replace").rstrip()
                child.last_lines.append(line)
                if log_file:
                    log_file.write(raw)
                    log_file.flush()
                if self.echo:
                    self.echo(name, line)
        finally:
            output.close()
            if log_file:
                log_file.close()


def onceflow_argv(*arguments: str) -> list[str]:
    """Return the command that runs ``onceflow ARGUMENT…`` with the Python that we run on."""
    # -P: folders of ours such as api and sql, if we stand in a clone, are not to hide others'.
    return [sys.executable, "-P", "-m", "onceflow", *arguments]


def require_free_port(host: str, port: int, variable: str) -> None:
    """Raise SettingsError, naming the port and the variable that sets it, where it is taken."""
    if port == 0:
        return
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise SettingsError(
                f"port {port} on {host} cannot be used ({error.strerror}): stop the program that "
                f"listens there, or set {variable} to another port"
            ) from None


def listens(host: str, port: int) -> bool:
    """Tell whether somebody takes connections there."""
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True
