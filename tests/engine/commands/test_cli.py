"""The command line: help, usage, exit codes; commands are loaded only when called."""

import importlib
import os
import subprocess
import sys

import pytest

from onceflow.engine.commands.cli import COMMANDS, main
from onceflow.engine.dev.supervisor import onceflow_argv


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--help"])
    assert caught.value.code == 0
    shown = capsys.readouterr().out
    assert all(name in shown for name in COMMANDS)
    assert "ONCEFLOW_DSN" in shown


def test_no_or_a_wrong_command_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    with pytest.raises(SystemExit) as caught:
        main(["dance"])
    assert caught.value.code == 2
    assert "there is no command 'dance'" in capsys.readouterr().err


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_has_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main([name, "--help"])
    assert caught.value.code == 0
    module = importlib.import_module(f"onceflow.{COMMANDS[name].module}")
    assert module.__doc__
    assert module.__doc__.splitlines()[0] in capsys.readouterr().out


def test_exit_codes_and_messages(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: object
) -> None:
    monkeypatch.setenv("ONCEFLOW_DATA", str(tmp_path))
    monkeypatch.setenv("ONCEFLOW_DSN", "")
    assert main(["migrate"]) == 2
    assert "onceflow migrate: ONCEFLOW_DSN is not set" in capsys.readouterr().err
    monkeypatch.setenv("ONCEFLOW_DSN", "postgresql://me@127.0.0.1:1/x")
    assert main(["migrate", "--wait", "0"]) == 1
    assert "127.0.0.1:1/x does not answer" in capsys.readouterr().err


def test_the_version_is_told() -> None:
    done = subprocess.run(onceflow_argv("--version"), capture_output=True, text=True, check=True)
    assert done.stdout.startswith("onceflow ")


def test_engine_needs_neither_kafka_nor_starlette() -> None:
    script = (
        "import sys, onceflow.engine.commands.cli, onceflow.engine.commands.dev\n"
        "print([m for m in ('confluent_kafka', 'starlette', 'onceflow.api') if m in sys.modules])"
    )
    argv = [sys.executable, "-P", "-c", script]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "dsn",
    [
        "postgresql://app:hunter2@127.0.0.1:1/shop",
        "postgresql://app:hunter2@nowhere.invalid/shop",
        "postgresql://app:x@hunter2@nowhere.invalid/shop",
        "postgresql://app:x/hunter2@nowhere.invalid/shop",
        "postgresql://app:x%hunter2@nowhere.invalid/shop",
        "host=nowhere.invalid password=hunter2 dbname=shop",
        "host=nowhere.invalid password=x hunter2 dbname=shop",
        "host=nowhere.invalid password='hunter2 dbname=shop",
        "host=nowhere.invalid passwort=hunter2",
    ],
)
@pytest.mark.parametrize("command", ["list", "relay"])
def test_no_password_of_a_wrong_dsn_is_printed(command: str, dsn: str) -> None:
    env = {**os.environ, "ONCEFLOW_DSN": dsn, "ONCEFLOW_KAFKA": "nowhere.invalid:1"}
    with subprocess.Popen(
        onceflow_argv(command), env=env, stderr=subprocess.PIPE, text=True
    ) as running:
        assert running.stderr is not None
        said = running.stderr.readline()  # a server tries again, for ever
        running.terminate()
        said += running.stderr.read()
    assert "ONCEFLOW_DSN" in said or "Postgres at" in said
    assert "hunter2" not in said


def test_an_error_that_nobody_foresaw_is_logged_without_credentials() -> None:
    code = """
import sys, threading
from onceflow.engine.commands import cli
def run(*_):
    raise LookupError("postgresql://app:hunter2@db/shop")
def start(*_, **__):
    thread = threading.Thread(target=run, name="digger")
    thread.start()
    thread.join()
    run()
cli._run = start
sys.argv = ["onceflow", "list"]
cli.main()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.count("LookupError: postgresql://***@db/shop") == 2
    assert "in thread digger" in done.stderr
    assert "hunter2" not in done.stderr
