"""The parent of one process, which sees to it that the process does not outlive who asked for it.

Run as a script, with the standard library alone. Whoever wants the process holds the other end of
our stdin. When that closes, because its holder closed it or was killed, the process is stopped. A
parent-death signal would not do for all: other systems than Linux have none, and Linux forgets it
when the process changes its user, as Postgres must where we are root. It is set besides, after that
change, so that the process does not outlive this guardian either.

usage: guardian.py STATUS_FD USER STOP_SIGNAL GRACE -- PROGRAM ARGUMENT…

STATUS_FD  gets the lines ``pid N`` once the program runs and ``exit N`` at its end (negative: by
           signal N), or ``error TEXT`` alone where it could not be started
USER       the name of the user to run as, or empty for our own
STOP_SIGNAL, GRACE  at the end of stdin: this signal (``INT``), and GRACE seconds later ``KILL``
stdin      each line is the name of a signal to be passed on
"""

import ctypes
import os
import pwd
import select
import shutil
import signal
import sys
import time


def main(arguments: list[str]) -> int:
    """Start the process, and wait for its end or for that of its owner."""
    status_fd, user, stop_signal, grace = arguments[:4]
    program = arguments[5:]
    status = int(status_fd)
    # Signals meant for our owner's terminal or service are the owner's business: it tells us.
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, _wake)

    account = pwd.getpwnam(user) if user else None
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None
    path = shutil.which(program[0]) or program[0]
    guardian = os.getpid()
    started, failure = os.pipe()
    pid = os.fork()
    if pid == 0:
        # Nothing may be imported from here on: the user need not be able to read our Python.
        try:
            os.set_inheritable(status, False)
            if account:
                _change_user(account)
            if libc:
                pr_set_pdeathsig = 1
                libc.prctl(pr_set_pdeathsig, getattr(signal, f"SIG{stop_signal}"))
            if os.getppid() == guardian:
                _become(path, program)
        except BaseException as error:
            os.write(failure, str(error).encode())
        os._exit(127)
    os.close(failure)
    error = os.read(started, 4096)  # empty: closed by the program's start
    if error:
        os.waitpid(pid, 0)
        _say(status, f"error {error.decode()}")
        return 1
    _say(status, f"pid {pid}")
    # The output belongs to the process alone: its reader waits for the last holder to close it.
    silence = os.open(os.devnull, os.O_RDWR)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    code = _watch(pid, woken, getattr(signal, f"SIG{stop_signal}"), float(grace))
    _say(status, f"exit {code}")
    return 0


def _wake(_number: int, _frame: object) -> None:
    """Let a signal write to the wakeup pipe, and nothing else."""


def _change_user(account: pwd.struct_passwd) -> None:
    os.chdir("/")
    os.initgroups(account.pw_name, account.pw_gid)
    os.setgid(account.pw_gid)
    os.setuid(account.pw_uid)


def _become(path: str, program: list[str]) -> None:
    """Turn the child into the program, with what a program expects of its parent."""
    stdin = os.open(os.devnull, os.O_RDONLY)
    os.dup2(stdin, 0)
    restored = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD]
    restored += [signal.SIGPIPE, signal.SIGXFSZ]  # Python ignores these two
    for number in restored:
        signal.signal(number, signal.SIG_DFL)
    os.execv(path, program)


def _watch(pid: int, woken: int, stop_signal: int, grace: float) -> int:
    """Pass signals on until the process ends; return its exit code."""
    owned = True
    deadline = None
    while True:
        ended, raw = os.waitpid(pid, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(raw)
        left = None if deadline is None else deadline - time.monotonic()
        if left is not None and left <= 0:
            os.kill(pid, signal.SIGKILL)
            deadline = left = None
        ready, _, _ = select.select([0, woken] if owned else [woken], [], [], left)
        if woken in ready:
            os.read(woken, 512)
        if 0 in ready:
            wishes = os.read(0, 512)
            if not wishes:
                owned = False
                os.kill(pid, stop_signal)
                deadline = time.monotonic() + grace
            # A wish is a few bytes written at once, so it is never cut in two.
            for wish in wishes.decode().split():
                os.kill(pid, getattr(signal, f"SIG{wish}"))


def _say(status: int, line: str) -> None:
    try:
        os.write(status, line.encode() + b"\n")
    except OSError:
        pass  # Our owner is gone; nobody is left to be told.


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
