"""Child processes: how they end, and that they never outlive who started them."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from onceflow.engine.dev.process import Process
from onceflow.engine.errors import ServerError

from ...support import is_running, wait_until

FOREVER = [sys.executable, "-c", "import signal; signal.pause()"]


def test_how_it_ends_is_told() -> None:
    process = Process("three", ["sh", "-c", "exit 3"])
    assert process.wait(10) == 3
    assert process.describe_end() == "ended with exit code 3"

    process = Process("forever", FOREVER)
    assert process.poll() is None
    assert process.stop() == -signal.SIGTERM
    assert process.describe_end() == "was killed by SIGTERM"
    process.signal("TERM")  # of no effect, and no error


def test_what_ignores_signals_is_killed() -> None:
    read, write = os.pipe()
    script = "trap '' TERM INT; echo ready; while :; do sleep 0.05; done"
    process = Process("deaf", ["sh", "-c", script], output=write)
    os.close(write)
    with os.fdopen(read) as output:
        assert output.readline() == "ready\n"
        assert process.stop("TERM", "INT", grace=0.2) == -signal.SIGKILL


def test_what_cannot_be_started_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ServerError, match=r"ghost cannot be started: .*No such file"):
        Process("ghost", [str(tmp_path / "nothing")])
    plain = tmp_path / "plain"
    plain.touch(0o644)
    with pytest.raises(ServerError, match=r"plain cannot be started: .*Permission denied"):
        Process("plain", [str(plain)])


def test_environment_and_output(tmp_path: Path) -> None:
    with (tmp_path / "out").open("wb") as output:
        process = Process("say", ["sh", "-c", "echo $WORD; pwd"], env={"WORD": "hi"}, output=output)
        assert process.wait(10) == 0
    assert (tmp_path / "out").read_text().split() == ["hi", str(Path.cwd())]


def test_the_terminal_interrupts_us_alone() -> None:
    process = Process("forever", FOREVER)
    assert os.getsid(process.pid) != os.getsid(0)
    process.stop()


@pytest.mark.parametrize("user", ["", "nobody"])
def test_it_dies_with_a_killed_owner(user: str) -> None:
    if user and os.geteuid() != 0:
        pytest.skip("only root can start a process as another user")
    pid = start_and_be_killed(f"Process('x', ['sleep', '1000'], user={user!r})")
    wait_until(lambda: not is_running(pid), "the child to end")


@pytest.mark.skipif(sys.platform != "linux", reason="needs parent-death signals")
def test_it_dies_with_a_killed_guardian() -> None:
    process = Process("forever", FOREVER)
    guardian = int(Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[1])
    os.kill(guardian, signal.SIGKILL)
    wait_until(lambda: not is_running(process.pid), "the child to end")
    assert process.wait(10) < 0


def start_and_be_killed(expression: str) -> int:
    """Evaluate an expression in a process of its own, kill that, and return the ``pid`` it had."""
    script = (
        "import os, signal\n"
        "from pathlib import Path\n"
        "from onceflow.engine.dev.process import Process\n"
        "from onceflow.engine.dev.broker import EmbeddedBroker\n"
        "from onceflow.engine.dev.postgres import EmbeddedPostgres\n"
        f"thing = {expression}\n"
        "print(thing.pid, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, check=False
    )
    assert done.returncode == -signal.SIGKILL
    return int(done.stdout)
