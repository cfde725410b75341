"""``onceflow --api URL``: says and does what the command says and does on the database."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from onceflow.engine.accounts.keys import digest_of, make_key
from onceflow.engine.calls import create_api_key, start_instances
from onceflow.engine.settings import Settings

from ...api.hand_worker import HandWorker
from ...api.server import running_api
from ...conftest import Connect
from ...engine.commands.conftest import Done, Onceflow, onceflow, worker

__all__ = ["onceflow", "worker"]

APPROVAL = """
name: approval
steps:
  - id: decide
    approve: {to: [ann], title: Go on?}
  - {id: go, wait_for: go}
"""


def said(text: str) -> Any:
    """Return what was printed, but for how long ago things were, and the order of members."""
    try:
        return [json.loads(line) for line in ([text] if text[:2] == "{\n" else text.splitlines())]
    except ValueError:
        text = re.sub(r" on \S+", " on …", text)  # a worker, whose name the API does not tell
        return re.sub(r" +", " ", re.sub(r"[\d.]+ (ms|s|min)\b", "…", text))


class Door:
    """Runs commands over the API, each with the key of a role, and on the database."""

    def __init__(self, onceflow: Onceflow, url: str, keys: dict[str, Path]) -> None:
        self._onceflow = onceflow
        self.url = url
        self.keys = keys

    def __call__(self, *arguments: object, role: str = "deployer") -> Done:
        """Run a command over the API: no database is known to it."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("ONCEFLOW_DSN", "")
            return self._onceflow("--api", self.url, "--key-file", self.keys[role], *arguments)

    def same(self, *arguments: object) -> Done:
        """Run a command over both; what they print, and how they end, is the same."""
        direct, over = self._onceflow(*arguments), self(*arguments)
        assert over.code == direct.code, over.err
        assert said(over.out) == said(direct.out)
        return over


@pytest.fixture
def door(
    settings: Settings, connect: Connect, onceflow: Onceflow, tmp_path: Path
) -> Iterator[Door]:
    keys: dict[str, Path] = {}
    conn = connect()
    for role in ("viewer", "deployer"):
        key = make_key()
        create_api_key(conn, f"{role}-key", digest_of(key), role)
        keys[role] = tmp_path / role
        keys[role].write_text(f"{key}\n")
    with running_api(replace(settings, accounts="on")) as api:
        yield Door(onceflow, api.url, keys)


@pytest.fixture
def ids(worker: HandWorker, connect: Connect) -> list[str]:
    """One that has succeeded, two dead letters, and one that has just begun."""
    inputs = [{"customer": "A", "total": 12.50}, *({"customer": name} for name in "BCD")]
    started = start_instances(connect(), "order", inputs, ["k", None, None, None])
    found = [str(one.instance_id) for one in started]
    for instance in found[:3]:
        worker.complete(instance, {"reservation": 1.10})
    worker.complete(found[0], {"amount": 12.50})
    for instance in found[1:3]:
        worker.fail(instance, "card.refused", type="CardError")
    return found


def test_what_is_read_is_the_same(door: Door, ids: list[str]) -> None:
    done = ids[0]
    door.same("list", "--json")
    door.same("list")
    door.same("list", "--input", "customer=C", "--json")
    door.same("list", "--workflow", "order", "--state", "RUNNING", "--limit", 9)
    for shown in (done, ids[1][:-2]):
        assert "reserve" in door.same("show", shown).out
    assert "succeeded" in door.same("show", done, "--log").out.lower()
    door.same("watch", done, "--json")
    assert "card.refused" in door.same("explain", ids[1]).out
    door.same("explain", ids[1], "--json")
    assert "card.refused" in door("dead-letters", "list", "--group").out
    listed = door("dead-letters", "list", "--json").json["items"]
    assert {row["instance"] for row in listed} == set(ids[1:3])


def test_what_is_changed_is_changed(door: Door, ids: list[str], tmp_path: Path) -> None:
    (tmp_path / "approval.yaml").write_text(APPROVAL)
    deployed = door("deploy", tmp_path / "approval.yaml", "--json")
    assert deployed.json["deployed"][0]["version"] == 1, deployed.err
    assert door("deploy", tmp_path / "approval.yaml").out == (
        "approval: unchanged since version 1\n"
    )
    started = door("start", "approval", "--key", "one", "--label", "of=ann", "--json").json
    assert (started["status"], started["outcome"]) == ("RUNNING", "started")
    assert door("list", "--label", "of=ann", "--json").json["items"][0]["id"] == started["id"]
    assert "started before" in door("start", "approval", "--key", "one").out
    instance = started["id"]
    form = f"{instance}/decide"
    assert form in door("forms", "list").out
    assert door("forms", "claim", form, "--by", "ann").out == f"{form}  done\n"
    assert "accepted" in door("answer", form, "approved", "--by", "ann").out
    sent = door("signal", instance, "go", "--payload", "1.10", "--json").json
    assert sent["outcome"] == "accepted"
    waited = door("start", "approval", "--key", "one", "--wait", 5)
    assert (waited.code, "SUCCEEDED" in waited.out) == (0, True)
    door.same("show", instance, "--log")
    tasks = {task["task"]: task for task in door("show", instance, "--json").json["tasks"]}
    assert tasks["go"]["output"] == 1.1

    assert door("suspend", ids[3]).out.startswith(f"{ids[3]}  done: suspended since")
    refused = door("suspend", ids[0])
    assert (refused.code, "refused: " in refused.out) == (1, True)
    assert door("resume", ids[3]).code == 0
    assert "give --yes" in door("cancel", ids[3]).err
    assert door("cancel", ids[3], "--yes", "--json").json[0]["outcome"] == "done"
    redriven = door("dead-letters", "redrive", f"{ids[1]}/pay").out
    assert redriven.startswith(f"{ids[1]}/pay  done")
    skipped = door("dead-letters", "skip", "--all", "--output", '{"a": 2.50}', "--yes", "--json")
    assert skipped.code == 0, skipped.err
    assert skipped.json["decided"][0]["outcome"] == "done"
    assert door("show", ids[2], "--json").json["output"] == {"paid": {"a": 2.5}}


def test_a_key_may_no_more_than_its_role(door: Door, ids: list[str]) -> None:
    assert door("list", role="viewer").code == 0
    denied = door("cancel", ids[3], "--yes", role="viewer")
    assert denied.code == 1
    assert "This takes the role operator or one above it; key viewer-key has" in denied.err
    door.keys["wrong"] = door.keys["viewer"].with_name("wrong")
    door.keys["wrong"].write_text("ofk_wrong")
    assert "The key is not valid" in door("list", role="wrong").err


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["migrate"], 2, "takes a connection to the database: the API does not do it"),
        (["relay"], 2, "takes a connection to the database"),
        (["list", "--before", "0190"], 1, "--before takes a connection to the database"),
        (["start", "nothing"], 1, "There is no workflow"),
        (["show", "00000000-0000-7000-8000-000000000000"], 1, "There is no instance"),
    ],
)
def test_what_it_cannot_do_is_refused_in_words(
    door: Door, arguments: list[Any], code: int, said: str
) -> None:
    refused = door(*arguments)
    assert refused.code == code
    assert said in refused.err


def test_where_it_is_may_be_said_by_variables(
    door: Door, ids: list[str], onceflow: Onceflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    direct = onceflow("list")
    monkeypatch.setenv("ONCEFLOW_API", door.url)
    monkeypatch.setenv("ONCEFLOW_API_KEY", door.keys["viewer"].read_text())
    assert said(onceflow("list").out) == said(direct.out)
    assert onceflow("schema").code == 0, "what needs no server asks none"
    monkeypatch.setenv("ONCEFLOW_API", "flows.example.com")
    assert "is no address of an API" in onceflow("list").err
    monkeypatch.setenv("ONCEFLOW_API", "http://127.0.0.1:9")
    away = onceflow("list")
    assert (away.code, "does not answer" in away.err) == (1, True)
