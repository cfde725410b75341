"""Any graph, answered in any order and in batches of any size."""

import random
from typing import Any
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from onceflow.engine import calls
from onceflow.engine.calls import Grant, Key

from ..play import Play, Worker, take_messages
from ..workflows import UNDO, Step, value, workflow

Graph = list[tuple[int, ...]]
"""For each step the earlier ones that it needs."""


@st.composite
def graphs(draw: st.DrawFn, most: int = 9) -> Graph:
    """Draw a directed graph without cycles."""
    size = draw(st.integers(1, most))
    return [
        tuple(sorted(draw(st.sets(st.integers(0, place - 1), max_size=4)))) if place else ()
        for place in range(size)
    ]


def steps(graph: Graph, skipped: frozenset[int] = frozenset(), **options: Any) -> list[Step]:
    """Return a graph's steps; those in ``skipped`` pass themselves over."""
    return [
        Step(
            f"s{place}",
            tuple(f"s{need}" for need in needs),
            when=value(False) if place in skipped else None,
            **options,
        )
        for place, needs in enumerate(graph)
    ]


def begin(play: Play, *given: Step, **options: Any) -> UUID:
    """Start an instance of a workflow of its own, in a database that others have used."""
    play.conn.execute("delete from onceflow.outbox")
    return play.begin(workflow(*given, **options))


def answer_in_any_order(play: Play, chance: random.Random) -> list[list[str]]:
    """Claim all that comes and complete it in batches; return the tasks of each batch."""
    worker = Worker(play.conn)
    held: list[Grant] = []
    batches: list[list[str]] = []
    while True:
        held += worker.claim(*take_messages(play.conn))
        if not held:
            return batches
        chance.shuffle(held)
        size = chance.randint(1, len(held))
        now, held = held[:size], held[size:]
        answers, handed = worker.complete_and_take(*now, output=1, room=chance.randint(0, 2))
        assert [a.answer for a in answers] == ["accepted"] * size
        batches.append([grant.task for grant in now])
        held += handed


PROPERTY = settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


# guarantee: join-counts-once
@PROPERTY
@given(graph=graphs(), seed=st.integers(0, 999), skipped=st.frozensets(st.integers(0, 8)))
def test_every_step_ends_once_and_after_all_that_it_needs(
    play: Play, graph: Graph, seed: int, skipped: frozenset[int]
) -> None:
    instance = begin(play, *steps(graph, skipped))
    batches = answer_in_any_order(play, random.Random(seed))
    assert play.state(instance) == "SUCCEEDED"

    names = [f"s{place}" for place in range(len(graph))]
    done = sorted(task for batch in batches for task in batch)
    assert done == sorted(name for place, name in enumerate(names) if place not in skipped)
    expected = {name: "SKIPPED" if n in skipped else "SUCCEEDED" for n, name in enumerate(names)}
    assert play.states(instance) == expected

    ended = dict(play.rows("select step, seq from onceflow.task where instance_id = %s", instance))
    for place, needs in enumerate(graph):
        name = names[place]
        log = play.log(instance, name)
        made = next(state for state in log if state in ("QUEUED", "RUNNING", "SKIPPED"))
        assert log.count(made) == 1
        assert log.count("WAITING") <= (1 if len(needs) > 1 else 0)
        began = play.value(
            "select min(seq) from onceflow.transitions"
            " where instance_id = %s and task = %s and state <> 'WAITING'",
            instance,
            name,
        )
        assert all(ended[f"s{need}"] <= began for need in needs)
    assert calls.check_instances(play.conn, [instance]) == []


@PROPERTY
@given(graph=graphs(), seed=st.integers(0, 999), stop=st.integers(0, 8))
def test_what_was_done_is_undone_in_reverse_order_of_its_end(
    play: Play, graph: Graph, seed: int, stop: int
) -> None:
    chance = random.Random(seed)
    instance = begin(play, *steps(graph, undo=UNDO))
    worker = Worker(play.conn)
    held: list[Grant] = []
    for _ in range(stop):
        held += worker.claim(*take_messages(play.conn))
        if not held:
            break
        chance.shuffle(held)
        size = chance.randint(1, len(held))
        worker.complete(*held[:size])
        held = held[size:]
    (cancelled,) = calls.cancel_instances(play.conn, [instance])
    # What still runs is awaited: some of it succeeds, some is given up.
    for grant in held:
        worker.complete(grant) if chance.random() < 0.5 else worker.give_back(grant)
    if cancelled.outcome == "refused":
        assert play.state(instance) == "SUCCEEDED"
        return

    ended = dict(play.rows("select step, seq from onceflow.task where instance_id = %s", instance))
    to_undo = [
        step
        for (step,) in play.rows(
            "select step from onceflow.task"
            " where instance_id = %s and undoes_seq is null and (state = 'SUCCEEDED' or unknown)",
            instance,
        )
    ]
    undone = [task for batch in answer_in_any_order(play, chance) for task in batch]
    assert sorted(undone) == sorted(f"{step}.compensate" for step in to_undo)
    order = [ended[task.removesuffix(".compensate")] for task in undone]
    assert order == sorted(order, reverse=True)
    assert play.state(instance) == "CANCELLED"
    assert calls.check_instances(play.conn, [instance]) == []


# guarantee: expression-fails-all
@PROPERTY
@given(bad=st.sets(st.integers(0, 30)), size=st.integers(1, 31))
def test_of_any_set_exactly_the_poisoned_instances_fail(
    play: Play, bad: set[int], size: int
) -> None:
    play.conn.execute("delete from onceflow.outbox")
    name = play.deploy(workflow(Step("a", input={"p": "strict $.input.x", "t": "$.input.x"})))
    inputs: list[dict[str, int]] = [{} if n in bad else {"x": n} for n in range(size)]
    started = calls.start_instances(play.conn, name, inputs)
    states = [play.state(s.instance_id) for s in started]
    assert states == ["COMPENSATED" if n in bad else "RUNNING" for n in range(size)]


# guarantee: complete-fence
@PROPERTY
@given(seed=st.integers(0, 9999))
def test_any_mixture_of_answers_in_one_call_is_answered_item_by_item(play: Play, seed: int) -> None:
    chance = random.Random(seed)
    play.conn.execute("delete from onceflow.outbox")
    name = play.deploy(workflow(Step("a"), Step("b"), Step("c", ("a", "b"))))
    ids = [play.start(name) for _ in range(3)]
    worker = Worker(play.conn)
    grants = worker.claim(*[Key(i, s) for i in ids for s in ("a", "b")])
    done = chance.sample(grants, 2)
    worker.complete(*done)
    lost = chance.sample(grants, 2)
    for grant in lost:
        if grant not in done:
            play.conn.execute(
                "update onceflow.task set fence = gen_random_uuid()"
                " where instance_id = %s and step = %s",
                (grant.instance_id, grant.task),
            )
    chance.shuffle(grants)
    expected = [
        "repeated" if grant in done else "stale" if grant in lost else "accepted"
        for grant in grants
    ]
    assert [a.answer for a in worker.complete(*grants)] == expected
