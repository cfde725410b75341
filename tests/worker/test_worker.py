"""A worker at work: what it does with handlers that succeed, fail, hang, or answer nonsense."""

import json
from collections.abc import Iterator

import pytest

from onceflow.worker import Registry

from ..servers import Servers
from ..support import wait_until
from .support import (
    Stack,
    deploy,
    send,
    start,
    task_of,
    wait_for_ends,
    wait_for_task,
    worker,
)
from .worker_tasks import GATES, ends, made_stack, single


@pytest.fixture(scope="module")
def stack(servers: Servers, transport: str) -> Iterator[Stack]:
    yield from made_stack(servers, transport)


def test_steps_follow_each_other_by_hand_off(stack: Stack) -> None:
    deploy(
        stack.conn,
        """
        name: chain
        steps:
          - {id: a, task: add, with: {n: $.input.n}}
          - {id: b, task: add_sync, with: {n: $.steps.a.output.n}}
          - {id: c, task: add, with: {n: $.steps.b.output.n, more: 10}}
        output: $.steps.c.output.n
        """,
    )
    before = stack.worker.counters.snapshot()
    ids = start(stack.conn, "chain", [{"n": n} for n in range(20)])
    assert set(wait_for_ends(stack.conn, ids)) == {"SUCCEEDED"}
    outputs = stack.conn.execute(
        "select id, output from onceflow.instances where id = any(%s)", (ids,)
    ).fetchall()
    assert dict(outputs) == {instance: n + 12 for n, instance in enumerate(ids)}
    after = stack.worker.counters.snapshot()
    assert after["completed"] - before["completed"] == 60
    assert after["handed_off"] > before["handed_off"]
    assert after["stale"] == before["stale"]


def test_a_lone_chain_is_claimed_once_and_handed_on(stack: Stack) -> None:
    deploy(
        stack.conn,
        """
        name: lone
        steps:
          - {id: a, task: add, with: {n: 1}}
          - {id: b, task: add, with: {n: 2}}
          - {id: c, task: add, with: {n: 3}}
        """,
    )
    before = stack.worker.counters.snapshot()
    assert ends(stack, stack.run("lone")) == "SUCCEEDED"
    after = stack.worker.counters.snapshot()
    assert after["claimed"] - before["claimed"] == 1
    assert after["handed_off"] - before["handed_off"] == 2


def test_a_task_nobody_knows_here_is_tried_again_elsewhere(stack: Stack) -> None:
    single(stack, "elsewhere", "known.elsewhere", "retry: {attempts: 1}")
    instances = [stack.run("elsewhere") for _ in range(3)]
    for instance in instances:
        assert wait_for_task(stack.conn, instance, "only", "READY")["attempts"] == 0
    newer = Registry()
    newer.task("known.elsewhere")(lambda: "here")
    with worker(stack.settings, newer, queues=["default"], name="newer"):
        wait_for_ends(stack.conn, instances, 100)
    for instance in instances:
        row = task_of(stack.conn, instance, "only")
        assert (row["state"], row["attempts"], row["output"]) == ("SUCCEEDED", 1, "here")


def test_a_worker_tells_of_its_slots(stack: Stack) -> None:
    single(stack, "slots", "hold", "with: {gate: slots}")
    instance = stack.run("slots")
    wait_for_task(stack.conn, instance, "only", "RUNNING")
    taken = "select 1 from onceflow.workers where (stats -> 'busy')::int = 1 and stats ? 'slots'"
    wait_until(lambda: stack.conn.execute(taken).fetchone(), "a slot that is taken")
    GATES["slots"].open()
    assert ends(stack, instance) == "SUCCEEDED"


def test_progress_travels_with_the_renewal(stack: Stack) -> None:
    single(stack, "progress", "report", "with: {gate: progress}")
    instance = stack.run("progress")
    wait_until(
        lambda: (
            wait_for_task(stack.conn, instance, "only", "RUNNING")["progress"]
            == {"done": 2, "of": 3}
        ),
        "the progress of the task",
    )
    GATES["progress"].open()
    assert ends(stack, instance) == "SUCCEEDED"


def test_a_number_comes_back_to_the_last_digit(stack: Stack) -> None:
    single(stack, "exact", "echo", "with: {value: $.input.value}")
    stack.conn.execute(
        "select onceflow.start_instances('exact', array[%s::jsonb])",
        ('{"value": {"total": 1265793.0395, "zeros": 1.500, "wide": 123456789012345678901.5}}',),
    )
    (instance,) = stack.conn.execute(
        "select id from onceflow.instances where workflow = 'exact'"
    ).fetchall()[0]
    assert ends(stack, instance) == "SUCCEEDED"
    text = stack.conn.execute(
        "select output::text from onceflow.tasks where instance_id = %s", (instance,)
    ).fetchone()
    assert text is not None
    for digits in ("1265793.0395", "1.500", "123456789012345678901.5"):
        assert digits in text[0]


def test_each_queue_is_served(stack: Stack) -> None:
    single(stack, "paper", "on_paper", "queue: paper")
    instance = stack.run("paper")
    assert ends(stack, instance) == "SUCCEEDED"
    assert task_of(stack.conn, instance, "only")["output"] == "printed"


def test_messages_that_say_nothing_go_to_quarantine(stack: Stack) -> None:
    nobody = "01890000-0000-7000-8000-00000000dead"
    bad = [
        b"not json",
        b"\xff\xfe\x00",
        b'{"instance": "no uuid", "task": "a"}',
        b'{"instance": "%s"}' % nobody.encode(),
        b'{"instance": "%s", "task": "a\\u0000b"}' % nobody.encode(),
        b'{"instance": "%s", "task": "only"}' % nobody.encode(),
    ]
    if stack.settings.transport == "postgres":
        bad.remove(b"\xff\xfe\x00")  # no text, so no message
    send(stack, *bad)

    def quarantined() -> dict[bytes, str]:
        return dict(stack.conn.execute("select payload, reason from onceflow.quarantined"))

    wait_until(lambda: len(quarantined()) == len(bad), "the bad messages")
    found = quarantined()
    assert set(found) == set(bad)
    assert "does not exist" in found[bad[-1]]
    assert "not a task message" in found[bad[0]]
    wait_until(
        lambda: stack.worker.counters.snapshot()["quarantined"] == len(bad), "their being counted"
    )


def test_duplicates_are_skipped_and_counted(stack: Stack) -> None:
    single(stack, "twice", "hold", "with: {gate: twice}")
    instance = stack.run("twice")
    GATES["twice"].await_arrivals()
    before = stack.worker.counters.snapshot()
    message = json.dumps({"instance": str(instance), "task": "only"}).encode()
    send(stack, message, message, message)
    wait_until(
        lambda: stack.worker.counters.snapshot()["skipped"] - before["skipped"] == 3,
        "three duplicates being skipped",
    )
    GATES["twice"].open()
    assert ends(stack, instance) == "SUCCEEDED"
    row = task_of(stack.conn, instance, "only")
    assert (row["attempts"], row["output"]) == (1, "attempt 1")
