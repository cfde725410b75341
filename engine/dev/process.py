"""Child processes that never outlive us, not even when we are killed with SIGKILL."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from ..errors import ServerError

GUARDIAN = Path(__file__).with_name("guardian.py")


class Process:
    """A running program under a guardian (see ``guardian.py``).

    ``name``  for messages
    ``pid``   of the program itself, not of its guardian
    """

    def __init__(
        self,
        name: str,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        user: str = "",
        output: int | IO[bytes] | None = None,
        orphan_signal: str = "KILL",
        orphan_grace: float = 10.0,
    ) -> None:
        """Start ``argv``; stdout and stderr go to ``output`` (None: to our own).

        ``env`` is the whole environment (None: our own). ``user`` is whom it runs as, where we are
        root (and then it starts in ``/``). When we die it gets ``orphan_signal``, and SIGKILL
        ``orphan_grace`` seconds later. Raises ServerError where it cannot be started.
        """
        self.name = name
        status, theirs = os.pipe()
        command = [sys.executable, "-I", "-S", str(GUARDIAN)]
        command += [str(theirs), user, orphan_signal, str(orphan_grace), "--", *argv]
        try:
            self._guardian = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                env=None if env is None else dict(env),
                cwd=cwd,
                pass_fds=(theirs,),
                start_new_session=True,  # Ctrl-C in the terminal reaches us alone; we stop it
            )
        except OSError as error:
            os.close(status)
            raise ServerError(f"{name} cannot be started: {error}") from error
        finally:
            os.close(theirs)
        self._status = os.fdopen(status, encoding="utf-8", errors="replace")
        self._ended = threading.Event()
        self._signals = threading.Lock()
        self.returncode: int | None = None
        word, _, rest = self._status.readline().strip().partition(" ")
        if word != "pid":
            self._status.close()
            self._give_up()
            raise ServerError(f"{name} cannot be started: {rest or 'its guardian was killed'}")
        self.pid = int(rest)
        threading.Thread(target=self._follow, name=f"follow {name}", daemon=True).start()

    def poll(self) -> int | None:
        """Return the exit code, negative for a signal, or None while it runs."""
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end and return the exit code. Raises TimeoutError after ``timeout`` s."""
        if not self._ended.wait(timeout) or self.returncode is None:
            raise TimeoutError(f"{self.name} (process {self.pid}) still runs after {timeout} s")
        return self.returncode

    def signal(self, name: str) -> None:
        """Send a signal, by its name without SIG: ``TERM``. Does nothing once it has ended."""
        with self._signals:
            if self.returncode is None and self._guardian.stdin and not self._ended.is_set():
                try:
                    self._guardian.stdin.write(name.encode() + b"\n")
                    self._guardian.stdin.flush()
                except OSError:
                    pass  # It ended this moment; the follower is about to notice.

    def stop(self, *signals: str, grace: float = 10.0) -> int:
        """Send each signal (``TERM`` by default) and at last ``KILL``, ``grace`` seconds apart."""
        for name in signals or ("TERM",):
            self.signal(name)
            if self._ended.wait(grace):
                break
        else:
            self.signal("KILL")
        return self.wait(30)

    def describe_end(self) -> str:
        """Return in words how it ended: ``ended with exit code 3``, ``was killed by SIGKILL``."""
        code = self.returncode
        if code is None:
            return "still runs"
        if code >= 0:
            return f"ended with exit code {code}"
        try:
            return f"was killed by {signal.Signals(-code).name}"
        except ValueError:
            return f"was killed by signal {-code}"

    def _follow(self) -> None:
        """Read the status lines until the end, and learn the exit code."""
        code: int | None = None
        with self._status:
            for line in self._status:
                word, _, rest = line.strip().partition(" ")
                if word == "exit":
                    code = int(rest)
        if code is None:
            # The guardian was killed. On Linux the program got its signal; make sure of it.
            try:
                os.kill(self.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            code = -signal.SIGKILL
        with self._signals:
            self.returncode = code
            self._give_up()
        self._ended.set()

    def _give_up(self) -> None:
        """Close the guardian's stdin and reap it."""
        if self._guardian.stdin:
            try:
                self._guardian.stdin.close()
            except OSError:
                pass
        self._guardian.wait()
