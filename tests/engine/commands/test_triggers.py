"""``onceflow triggers``, and what ``onceflow deploy`` says of webhooks"""

from pathlib import Path

import pytest

from onceflow.engine.calls import note_topic, note_webhook_refusals, register_workflow

from ...conftest import Connect
from ...sql.topics import ORDERS, open_at, record, started_by_topic, take
from .conftest import Onceflow

HOOKED = """
name: hooked
on:
  - {id: push, webhook: {signature: github, secret: $secrets.HUB}}
  - {id: open, webhook: {signature: none}}
steps:
  - {id: a, task: work}
"""


def test_triggers_are_listed_paused_and_resumed_and_tell_what_failed(
    onceflow: Onceflow, tmp_path: Path, connect: Connect
) -> None:
    assert onceflow("triggers", "list").out == "no workflow has a trigger\n"
    file = tmp_path / "hooked.yaml"
    file.write_text(HOOKED)
    told = onceflow("deploy", str(file)).out
    assert "POST /hooks/hooked/push  HUB\n" in told
    assert "POST /hooks/hooked/open  signed by nobody\n" in told
    (deployed,) = onceflow("deploy", str(file), "--json").json["deployed"]
    assert deployed["webhooks"][0] == {"path": "/hooks/hooked/push", "secrets": ["HUB"]}
    paused = onceflow("triggers", "pause", "hooked/push", "hooked/none")
    assert paused.code == 1
    assert paused.out.startswith("hooked/push  done: paused since ")
    assert "hooked/none  unknown: " in paused.out
    (one, other) = onceflow("triggers", "list", "--kind", "webhook", "--json").json
    assert (one["trigger"], one["paused_at"]) == ("open", None)
    assert other["paused_at"]
    assert other["hears"] == "POST /hooks/hooked/push, signed by github"
    assert onceflow("triggers", "resume", "hooked/push").code == 0
    assert onceflow("triggers", "failures", "hooked/push").out == "nothing has failed\n"
    note_webhook_refusals(connect(), "hooked", "push", "signature", "wrong", 3)
    (failure,) = onceflow("triggers", "failures", "hooked/push", "--json").json
    assert (failure["code"], failure["times"]) == ("signature", 3)
    assert "wrong" in onceflow("triggers", "failures", "hooked/push").out
    listed = onceflow("triggers", "list", "--workflow", "hooked").out
    assert [line.split()[0] for line in listed.splitlines()[1:]] == ["hooked/open", "hooked/push"]
    for name, said in (("hooked/none", "there is no trigger"), ("hooked", "names no trigger")):
        done = onceflow("triggers", "failures", name)
        assert done.code == 1
        assert said in done.err


@pytest.mark.only("kafka", "there are no topics without a broker")
def test_a_topic_tells_where_it_stands(onceflow: Onceflow, connect: Connect) -> None:
    conn = connect()
    register_workflow(conn, started_by_topic())
    assert onceflow("triggers", "positions", "flow/orders").out == "no relay has read it yet\n"
    open_at(conn)
    take(conn, 0, [record(0)])
    note_topic(conn, ORDERS, "", {0: 5})
    assert "4 to take" in onceflow("triggers", "list").out
    note_topic(conn, ORDERS, "it is away", {})
    (one,) = onceflow("triggers", "list", "--json").json
    assert (one["lag"], one["problem"]) == (4, "it is away")
    assert "not read: it is away" in onceflow("triggers", "list").out
    told = onceflow("triggers", "positions", "flow/orders", "--json").json
    (position,) = told["items"]
    assert (position["position"], position["lag"], told["problem"]) == (1, 4, "it is away")
    listed = onceflow("triggers", "positions", "flow/orders").out
    assert listed.startswith("it is away\n")
    assert "orders" in listed
    onceflow("triggers", "pause", "flow/orders")
    assert "it is paused" in onceflow("triggers", "positions", "flow/orders").out
    none = onceflow("triggers", "positions", "flow/none")
    assert (none.code, "there is no topic trigger flow/none" in none.err) == (1, True)
