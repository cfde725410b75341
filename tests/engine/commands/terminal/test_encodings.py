"""No command ends by a letter that its terminal lacks."""

import json
import subprocess
import sys

import pytest

from onceflow.engine.calls import start_instances
from onceflow.engine.commands.cli import COMMANDS
from onceflow.engine.commands.terminal.encodings import json_for, plain

from ....api.hand_worker import HandWorker
from ....conftest import Connect
from .terminal import all_encoded, encoded

ENCODINGS = ["ascii", "cp1252", "utf-8"]
CUSTOMER = "Łódź … 漢 😀"


@pytest.fixture
def instance(worker: HandWorker, connect: Connect) -> str:
    """An instance that ended by an error, with texts that few encodings have."""
    (started,) = start_instances(connect(), "order", [{"customer": CUSTOMER}], ["clé-Ω"])
    worker.complete(str(started.instance_id), {})
    worker.fail(str(started.instance_id), "card.refused", message=f"no credit → {CUSTOMER}")
    return str(started.instance_id)


@pytest.mark.usefixtures("onceflow")
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_every_reading_command_prints_in_any_encoding(instance: str, encoding: str) -> None:
    commands = [
        ["show", instance, "--log"],
        ["list"],
        ["explain", instance],
        ["dead-letters", "list"],
        ["versions", "order"],
    ]
    shown, *_ = all_encoded(encoding, *commands)
    assert "card.refused: no credit " in shown
    assert ("\\u6f22" in shown) == (encoding != "utf-8")
    read, *others = all_encoded(encoding, *[[*command, "--json"] for command in commands])
    assert json.loads(read)["input"] == {"customer": CUSTOMER}
    assert all(json.loads(other) for other in others)


def test_the_help_of_every_command_prints_in_ascii() -> None:
    for told in all_encoded("ascii", *[[name, "--help"] for name in sorted(COMMANDS)]):
        assert told
        assert "\\u" not in told


@pytest.mark.usefixtures("onceflow")
def test_errors_too(worker: HandWorker) -> None:
    done = encoded("ascii", "start", "Łódź")
    assert done.returncode == 1
    assert b"there is no workflow \\u0141\\xf3d\\u017a" in done.stderr
    assert b"Traceback" not in done.stderr


@pytest.mark.usefixtures("onceflow")
def test_a_locale_without_letters(instance: str) -> None:
    env = {"LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = encoded("", "show", instance, env=env)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"no credit -> \\u0141" in done.stdout


def test_what_is_no_text_is_escaped_in_utf_8_too() -> None:
    program = (
        "from onceflow.engine.commands.terminal.encodings import write_any_text;"
        "write_any_text(); print('a\\udc80…')"
    )
    argv = [sys.executable, "-X", "utf8", "-c", program]
    done = subprocess.run(argv, capture_output=True, check=False)
    assert done.stdout.decode().strip() == "a\\udc80…"


def test_whoever_chose_another_way_of_encoding_keeps_it() -> None:
    done = encoded("ascii:replace", "--help")
    assert done.returncode == 0
    assert b"?" in done.stdout


def test_a_character_is_plain_or_escaped() -> None:
    text = "a…→漢"
    assert plain(UnicodeEncodeError("ascii", text, 1, 4, "no")) == ("...->\\u6f22", 4)
    assert json_for('{"a": "…😀"}', "ascii") == '{"a": "\\u2026\\ud83d\\ude00"}'
    assert json_for('{"a": "é"}', "latin-1") == '{"a": "é"}'
