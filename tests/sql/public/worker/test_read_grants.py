"""read_grants"""

import uuid

from onceflow.engine.calls import Key

from ...play import Play, Worker, read_grants
from ...workflows import Step, fields, path, sequence, value, workflow


def test_a_grant_tells_all_that_a_worker_needs(play: Play) -> None:
    step = Step("a", input=fields(x=path("$.input.x")), task="mail.send", queue="mail", timeout=2.5)
    instance = play.begin(workflow(step, name="post"), {"x": [1, 2]})
    grant = Worker(play.conn, queues=["mail"], tasks=["mail.send"]).take(instance, "a")
    assert (grant.instance_id, grant.task, grant.handler) == (instance, "a", "mail.send")
    assert (grant.queue, grant.input, grant.attempt) == ("mail", {"x": [1, 2]}, 1)
    assert (grant.timeout, grant.key) == (2.5, f"{instance}/a")
    assert (grant.workflow, grant.version, grant.compensation) == ("post", 1, False)
    assert grant.extra_json is None


def test_numbers_come_as_they_were_given_to_the_last_digit(play: Play) -> None:
    instance = play.begin(workflow(Step("a", input=value(None))), {})
    other = play.begin(
        workflow(Step("a", input=path("$.input"))), b'{"x": 1265793.039500000000001}'
    )
    assert play.take(other, "a").input_json == '{"x": 1265793.039500000000001}'
    assert play.take(instance, "a").input is None


def test_the_idempotency_key_is_the_same_in_every_attempt(play: Play) -> None:
    instance = play.begin(sequence("a"))
    first = play.take(instance, "a")
    play.worker.give_back(first)
    second = play.take(instance, "a")
    assert (second.attempt, second.key) == (2, first.key)


def test_it_can_be_repeated_until_the_task_is_answered(play: Play) -> None:
    instance = play.begin(sequence("a"))
    grant = play.take(instance, "a")
    assert play.worker.grants(grant.fence) == [grant] == play.worker.grants(grant.fence)
    play.worker.complete(grant)
    assert play.worker.grants(grant.fence) == []


def test_a_token_gives_its_own_workers_tasks_alone(play: Play) -> None:
    instance = play.begin(workflow(Step("a"), Step("b")))
    one, two = play.take(instance, "a"), play.take(instance, "b")
    assert play.worker.grants(one.fence) == [one]
    assert play.worker.grants(two.fence) == [two]
    assert play.worker.grants(uuid.uuid4()) == []
    assert read_grants(play.conn, Worker(play.conn).id, one.fence) == []


def test_all_tasks_of_one_claim_come_together(play: Play) -> None:
    instance = play.begin(workflow(*[Step(f"s{n}") for n in range(5)]))
    grants = play.worker.claim(*[Key(instance, f"s{n}") for n in range(5)])
    assert [grant.task for grant in grants] == [f"s{n}" for n in range(5)]
    assert len({grant.fence for grant in grants}) == 1
