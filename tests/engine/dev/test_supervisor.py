"""The supervisor: output, children that end, and an orderly stop."""

import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from onceflow.engine.dev.postgres import free_port
from onceflow.engine.dev.supervisor import ChildEnded, Supervisor, listens, require_free_port
from onceflow.engine.errors import ServerError, SettingsError
from onceflow.engine.settings import Settings

from ...support import is_running, wait_until

FOREVER = [sys.executable, "-c", "import signal; print('up', flush=True); signal.pause()"]


def test_output_goes_to_echo_and_log(tmp_path: Path) -> None:
    lines: list[tuple[str, str]] = []
    settings = Settings(prefix="mine")
    with Supervisor(
        settings, logs=tmp_path, echo=lambda name, line: lines.append((name, line))
    ) as supervisor:
        supervisor.start("say", ["sh", "-c", "echo $ONCEFLOW_PREFIX $MORE"], env={"MORE": "x"})
        supervisor.may_end("say")
        wait_until(lambda: lines, "the line")
    assert lines == [("say", "mine x")]
    assert (tmp_path / "say.log").read_text() == "mine x\n"
    assert supervisor.output_of("say") == ["mine x"]


def test_a_child_is_told_how_it_logs_in_itself_and_nobody_else() -> None:
    lines: list[str] = []
    settings = Settings(dsn="host=owner")
    with Supervisor(settings, echo=lambda name, line: lines.append(f"{name} {line}")) as supervisor:
        supervisor.logins = {"owner": "host=owner", "api": "host=api", "relay": "host=relay"}
        say = ["sh", "-c", "echo $ONCEFLOW_DSN."]
        supervisor.start("shop", say)
        supervisor.keep_up("mine", say, login="api")
        supervisor.start("yours", say, login="relay")
        for name in ("shop", "mine", "yours"):
            supervisor.may_end(name)
        wait_until(lambda: len(lines) == 3, "the lines")
    assert sorted(lines) == ["mine host=api.", "shop .", "yours host=relay."]


def test_a_child_that_ends_is_an_error_with_its_last_words() -> None:
    with Supervisor(Settings()) as supervisor:
        good = supervisor.start("good", FOREVER)
        supervisor.start("bad", ["sh", "-c", "echo out of cheese >&2; exit 7"])
        with pytest.raises(ChildEnded) as caught:
            supervisor.wait(threading.Event(), timeout=30)
    assert "bad" in str(caught.value)
    assert "ended with exit code 7" in str(caught.value)
    assert "out of cheese" in str(caught.value)
    assert not is_running(good.pid)


def test_a_child_may_be_killed_and_started_again() -> None:
    with Supervisor(Settings()) as supervisor:
        first = supervisor.start("one", FOREVER)
        with pytest.raises(ServerError, match="runs already"):
            supervisor.start("one", FOREVER)
        supervisor.kill("one")
        assert first.poll() == -signal.SIGKILL
        assert supervisor.wait(threading.Event(), timeout=0.2) is False, "that was expected"
        second = supervisor.start("one", FOREVER)
        assert second.poll() is None
        os.kill(second.pid, signal.SIGKILL)
        with pytest.raises(ChildEnded, match="was killed by SIGKILL"):
            supervisor.wait(threading.Event(), timeout=30)


def test_a_child_that_crashes_is_started_again_later_and_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("onceflow.engine.dev.supervisor.RESTART", 0.1)
    monkeypatch.setattr("onceflow.engine.dev.supervisor.RESTART_AT_MOST", 0.3)
    said: list[str] = []
    with Supervisor(Settings(), echo=lambda _, line: said.append(line)) as supervisor:
        supervisor.keep_up("bad", ["sh", "-c", "kill -SEGV $$"])
        again = lambda: [line.rsplit(" in ", 1)[1] for line in said if "SIGSEGV" in line]  # noqa: E731
        supervisor.wait_for(
            lambda: len(again()) >= 4, "crashes", timeout=60, stop=threading.Event()
        )
        assert again()[:4] == ["0.1 s", "0.2 s", "0.3 s", "0.3 s"]
        supervisor.keep_up("wrong", ["sh", "-c", "exit 2"])
        with pytest.raises(ChildEnded, match=r"wrong .* ended with exit code 2"):
            supervisor.wait(threading.Event(), timeout=30)


def test_waiting_ends_with_stop_condition_or_time() -> None:
    stop = threading.Event()
    with Supervisor(Settings()) as supervisor:
        supervisor.start("one", FOREVER)
        up = supervisor.wait_for(
            lambda: supervisor.output_of("one") == ["up"], "one", timeout=30, stop=stop
        )
        assert up
        with pytest.raises(ServerError, match=r"waited 0\.1 s in vain for godot"):
            supervisor.wait_for(lambda: False, "godot", timeout=0.1, stop=stop)
        stop.set()
        assert supervisor.wait(stop) is True
        assert supervisor.wait_for(lambda: False, "godot", timeout=30, stop=stop) is False


def test_a_deaf_child_is_killed_in_the_end() -> None:
    deaf = "import signal, time; signal.signal(15, signal.SIG_IGN); print('up', flush=True)\n"
    deaf += "while True: signal.pause()"
    supervisor = Supervisor(Settings())
    process = supervisor.start("deaf", [sys.executable, "-c", deaf])
    wait_until(lambda: supervisor.output_of("deaf"), "it to be up")
    supervisor.stop(grace=0.2)
    assert process.poll() == -signal.SIGKILL


def test_servers_are_started_watched_and_stopped(tmp_path: Path) -> None:
    with Supervisor(Settings(data=tmp_path)) as supervisor:
        settings = supervisor.start_servers()
        assert settings.dsn.endswith("/onceflow")
        assert listens("127.0.0.1", int(settings.kafka.rpartition(":")[2]))
        assert supervisor.postgres
        assert supervisor.broker
        pids = [supervisor.postgres.pid, supervisor.broker.pid]
        os.kill(supervisor.broker.pid, signal.SIGKILL)
        with pytest.raises(ChildEnded, match=r"broker .* was killed by SIGKILL"):
            supervisor.wait(threading.Event(), timeout=30)
    assert not any(is_running(pid) for pid in pids)
    supervisor.postgres.remove_data()


def test_servers_that_are_named_are_not_started() -> None:
    named = Settings(dsn="postgresql://there/x", kafka="there:9092")
    with Supervisor(named) as supervisor:
        assert supervisor.start_servers() == named
        assert supervisor.postgres is None
        assert supervisor.broker is None


def test_children_die_with_a_killed_supervisor() -> None:
    script = (
        "import os, signal, sys\n"
        "from onceflow.engine.settings import Settings\n"
        "from onceflow.engine.dev.supervisor import Supervisor\n"
        "s = Supervisor(Settings())\n"
        "for name in ('a', 'b'):\n"
        "    print(s.start(name, ['sleep', '1000']).pid, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, check=False
    )
    pids = [int(line) for line in done.stdout.split()]
    assert len(pids) == 2
    wait_until(lambda: not any(is_running(pid) for pid in pids), "the children to end")


def test_a_taken_port_is_named_with_its_setting() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(SettingsError, match=f"port {port} on 127.0.0.1 .* set ONCEFLOW_PORT"):
            require_free_port("127.0.0.1", port, "ONCEFLOW_PORT")
    require_free_port("127.0.0.1", free_port(), "ONCEFLOW_PORT")
    require_free_port("127.0.0.1", 0, "ONCEFLOW_PORT")
