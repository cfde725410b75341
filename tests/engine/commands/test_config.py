"""``onceflow config``, and what ``onceflow deploy`` says of what a definition needs"""

from pathlib import Path

import pytest

from onceflow.engine.calls import register_worker, renew_worker

from ...conftest import Connect
from .conftest import Onceflow

NEEDY = """
name: needy
steps:
  - id: a
    task: work
    with: {url: "${ $config.SHOP_URL }", key: "Bearer ${ $secrets.SHOP_KEY }"}
  - id: b
    task: work
    with: {most: "${ $config.MOST }"}
"""


def test_a_value_is_set_read_and_taken_away(onceflow: Onceflow) -> None:
    assert onceflow("config", "list").out == "no value is set\n"
    assert onceflow("config", "set", "URL", "http://a", "--by", "ann").out == (
        "URL  done, version 1\n"
    )
    assert onceflow("config", "set", "URL", "http://a").out == "URL  unchanged, version 1\n"
    assert onceflow("config", "set", "MOST", '{"n": 1.50}', "--typed").code == 0
    assert onceflow("config", "get", "URL").out == "http://a\n"
    assert onceflow("config", "get", "MOST").out == '{"n":1.50}\n'
    (most, url) = onceflow("config", "list", "--json").json
    assert (most["name"], most["value"], most["version"]) == ("MOST", {"n": 1.5}, 1)
    assert "@" in most["set_by"]
    assert url["set_by"] == "ann"
    assert [line.split()[0] for line in onceflow("config", "list").out.splitlines()] == [
        "NAME",
        "MOST",
        "URL",
    ]
    assert onceflow("config", "unset", "URL").out == "URL  done, version 2\n"
    lines = onceflow("config", "history", "URL").out.splitlines()
    assert [line.split()[:3] for line in lines[1:]] == [
        ["URL", "(unset)", "2"],
        ["URL", "http://a", "1"],
    ]


@pytest.mark.parametrize("action", ["get", "history"])
def test_what_is_not_there_is_told_with_what_is(onceflow: Onceflow, action: str) -> None:
    onceflow("config", "set", "URL", "http://a")
    done = onceflow("config", action, "ULR")
    assert done.code == 1
    assert "the configuration has no value ULR" in done.err
    assert "it has: URL" in done.err
    unset = onceflow("config", "unset", "ULR")
    assert (unset.code, unset.out) == (1, "ULR  unknown: there is no such value\n")


def test_what_cannot_be_a_value_is_refused(onceflow: Onceflow) -> None:
    refused = onceflow("config", "set", "my-url", "x")
    assert refused.code == 1
    assert "'my-url': a name is a letter or _" in refused.err
    assert "is not JSON" in onceflow("config", "set", "A", "{", "--typed").err


def test_who_sets_a_secret_is_told_where_it_belongs(onceflow: Onceflow) -> None:
    done = onceflow("config", "set", "DB_PASSWORD", "x")
    assert done.code == 0
    assert "write ${ $secrets.DB_PASSWORD }" in done.err
    assert onceflow("config", "set", "TOKENS_MOST", "5").err == ""


def test_deploy_lists_what_is_needed_and_what_is_missing(
    onceflow: Onceflow, connect: Connect, tmp_path: Path
) -> None:
    file = tmp_path / "needy.yaml"
    file.write_text(NEEDY)
    onceflow("config", "set", "MOST", "5")
    assert onceflow("deploy", file).out.splitlines() == [
        "needy: registered as version 1",
        "its steps need of this deployment:",
        "  config  MOST      is set",
        "  config  SHOP_URL  MISSING: onceflow config set SHOP_URL VALUE",
        "  secret  SHOP_KEY  no live worker tells whether it has it",
    ]
    conn = connect()
    for name, secrets in (("w1", ["OTHER"]), ("w2", ["SHOP_KEY"])):
        worker = register_worker(conn, name, ["default"], ["work"], 60)
        renew_worker(conn, worker, [], 1, {}, {"secrets": secrets})
    told = onceflow("deploy", file).out.splitlines()[-1]
    assert told.startswith("  secret  SHOP_KEY  MISSING at w1: put a file SHOP_KEY into the worker")
    (told_json,) = onceflow("deploy", file, "--json").json["deployed"]
    needs = told_json["needs"]
    assert needs[2] == {
        "kind": "secret",
        "name": "SHOP_KEY",
        "steps": ["a"],
        "is_there": False,
        "lacking": ["w1"],
    }


def test_a_validation_lists_what_is_needed_without_a_database(
    onceflow: Onceflow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONCEFLOW_DSN", "postgresql://nobody@127.0.0.1:1/nothing")
    file = tmp_path / "needy.yaml"
    file.write_text(NEEDY)
    assert onceflow("validate", file).out.splitlines()[2:] == [
        "    config  MOST",
        "    config  SHOP_URL",
        "    secret  SHOP_KEY",
    ]
