"""``onceflow signal`` and ``event``."""

from pathlib import Path

from onceflow.engine.calls import start_instances

from ...conftest import Connect
from .conftest import Onceflow

SELL = """
name: sell
steps:
  - {id: paid, wait_for: paid}
  - {id: shipped, wait_for: {event: shipped, key: $.input.order}}
output: [$.steps.paid.output, $.steps.shipped.output]
"""


def test_what_waits_is_told_and_sent_to(
    onceflow: Onceflow, connect: Connect, tmp_path: Path
) -> None:
    file = tmp_path / "sell.yaml"
    file.write_text(SELL, encoding="utf-8")
    assert onceflow("deploy", str(file)).code == 0
    (started,) = start_instances(connect(), "sell", [{"order": "No. 7"}])
    instance = str(started.instance_id)
    assert f": onceflow signal {instance} paid\n" in onceflow("explain", instance).out
    signal = ("signal", instance, "paid", "--payload", '{"sum": 1}', "--key", "k")
    sent = onceflow(*signal)
    assert (sent.code, sent.out) == (0, "accepted: taken by paid\n")
    again = onceflow(*signal, "--json").json
    assert (again["outcome"], again["instance"]) == ("repeated", instance)
    assert "onceflow event shipped 'No. 7'" in onceflow("explain", instance).out
    event = ("event", "shipped", "No. 7", "--payload", "2", "--id", "e")
    sent = onceflow(*event)
    assert (sent.code, sent.out) == (0, "sent: as e, to 1 that waited\n")
    assert onceflow(*event, "--json").json == {"id": "e", "outcome": "repeated", "waited": 0}
    assert onceflow("show", instance, "--json").json["output"] == [{"sum": 1}, 2]
    late = onceflow("signal", instance, "paid")
    assert (late.code, late.out.startswith("ended: it has ended, as SUCCEEDED")) == (1, True)
    assert onceflow("event", "shipped", "No. 7", "--payload", "3", "--id", "e").code == 1


def test_signals_that_no_step_has_taken_are_shown(
    onceflow: Onceflow, connect: Connect, tmp_path: Path
) -> None:
    file = tmp_path / "sell.yaml"
    file.write_text(SELL, encoding="utf-8")
    onceflow("deploy", str(file))
    (started,) = start_instances(connect(), "sell", [{"order": "No. 7"}])
    instance = str(started.instance_id)
    assert onceflow("show", instance, "--json").json["kept_signals"] == []
    for key in "abcd":
        onceflow("signal", instance, "payed", "--key", key)
    onceflow("signal", instance, "other")
    onceflow("signal", instance, "paid", "--key", "taken")
    kept = onceflow("show", instance, "--json").json["kept_signals"]
    assert [(each["name"], each["key"]) for each in kept] == [
        ("payed", "a"), ("payed", "b"), ("payed", "c"), ("payed", "d"), ("other", None),
    ]  # fmt: skip
    drawn = onceflow("show", instance).out
    assert "signal payed, kept until a step waits: 4 since" in drawn
    assert "(key a, b, c, and 1 more)" in drawn
    assert "signal other, kept until a step waits: 1 since" in drawn
    onceflow("cancel", instance, "--yes")
    assert "signal payed, kept: no step took it: 4 since" in onceflow("show", instance).out


DECLARED = """
name: declared
signals: {paid: {type: object, properties: {by: {type: string, pattern: "^bank"}}}}
steps:
  - {id: paid, wait_for: paid}
"""


def test_a_payload_is_checked_by_all_of_its_schema(
    onceflow: Onceflow, connect: Connect, tmp_path: Path
) -> None:
    file = tmp_path / "declared.yaml"
    file.write_text(DECLARED, encoding="utf-8")
    deployed = onceflow("deploy", str(file))
    assert "of the schema of its signal paid these are checked by API" in deployed.err
    assert "/properties/by/pattern" in deployed.err
    (started,) = start_instances(connect(), "declared", [{}])
    instance = str(started.instance_id)
    wrong = onceflow("signal", instance, "paid", "--payload", '{"by": "cash"}')
    assert (wrong.code, "/by: must match the pattern ^bank" in wrong.err) == (1, True)
    other = onceflow("signal", instance, "payed")
    assert (other.code, "it takes paid" in other.out) == (1, True)
    assert onceflow("signal", instance, "paid", "--payload", '{"by": "bank-3"}').code == 0
    start = onceflow("start", "declared", "--signal", "paid", "--payload", '{"by": "cash"}')
    assert (start.code, "/payload/by: must match the pattern ^bank" in start.err) == (1, True)
    assert "nothing was started" in start.err


def test_a_start_brings_its_signal(onceflow: Onceflow, tmp_path: Path) -> None:
    file = tmp_path / "sell.yaml"
    file.write_text(SELL, encoding="utf-8")
    onceflow("deploy", str(file))
    start = ("start", "sell", "--input", '{"order": 1}', "--key", "one", "--signal", "paid")
    first = onceflow(*start, "--payload", "5", "--signal-key", "k", "--json").json
    assert first["outcome"] == "started"
    assert '"output": 5' in onceflow("show", first["id"], "--json").out
    assert onceflow(*start, "--payload", "5", "--signal-key", "k").code == 0
    refused = onceflow(*start, "--payload", "6", "--signal-key", "k")
    assert refused.code == 1
    assert "does not take the signal: another name or payload" in refused.err
    wrong = onceflow("start", "sell", "--signal", "1st")
    assert (wrong.code, "nothing was started" in wrong.err) == (1, True)
