"""One answer in a call leaves the same rows and gets the same answers as one among others.

Each case is played twice, the answer that counts being sent once by itself and once beside one
that belongs to nobody, which takes it the way of sets.
"""

import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from onceflow.engine import calls
from onceflow.engine.calls import Completion, Key
from onceflow.engine.definition import compile_definition
from onceflow.engine.ids import make_ids

from ...play import Grant, Json, Play, Worker, execute, pass_time, put_message, take_messages

ROWS = (
    "select step, scope, visit, state, queue, attempt, extra_attempts, passed, unknown, seq,"
    " undoes_seq, worker_id is null, fence is null, call is null, queued_xid is null,"
    " due_at - changed_at, start_by - changed_at, end_by - changed_at, held_by, input, output,"
    " error, reason from onceflow.task where instance_id = %s order by step, scope, visit",
    "select state, closing_as, suspended_by, seq, open_tasks, scopes, ended_at is null,"
    " deadline_at is null, resume_at is null, output, error from onceflow.instance where id = %s",
    # What is claimed has neither a seq nor a place in it.
    "select seq, case when seq > 0 then row_number() over (partition by seq order by n) end, step,"
    " attempt, state, worker_id is null, error from onceflow.task_log where instance_id = %s"
    " order by seq, step, attempt, n",
    "select kind, topic, value, headers, not_before is null from onceflow.outbox"
    " where key like %s || '%%' order by value",
)

WORK: Json = {"task": "work"}
AB = [{"id": "a", **WORK}, {"id": "b", **WORK}]


def nothing(play: Play, instance: uuid.UUID) -> None:
    """Leave all as it is."""


@dataclass(frozen=True)
class Case:
    """Steps, of which ``answered`` is completed with ``output`` after ``before``."""

    steps: list[Json]
    before: Callable[[Play, uuid.UUID], object] = nothing
    more: dict[str, Json] | None = None
    answered: str = "a"
    output: Json = None
    room: int = 1
    behind: tuple[str, ...] = ()
    after: Callable[[Play, uuid.UUID], object] = nothing
    """What happens between claim and answer."""


def paused(play: Play, instance: uuid.UUID) -> None:
    """Let nothing of the queue be given out."""
    calls.pause_queues(play.conn, ["slow"])


CASES: dict[str, Case] = {
    "a hand-off": Case(AB),
    "a hand-off without room": Case(AB, room=0),
    "a message where the handler is another's": Case([AB[0], {"id": "b", "task": "rare"}]),
    "a message where the queue is another's": Case([AB[0], {"id": "b", **WORK, "queue": "far"}]),
    "a message where the queue is paused": Case(
        [AB[0], {"id": "b", **WORK, "queue": "slow"}], after=paused
    ),
    "a message where the worker has vanished": Case(AB, after=lambda p, _: p.worker.vanish()),
    "limits of time": Case(
        [AB[0], {"id": "b", **WORK, "timeout": 5, "start_timeout": 7, "total_timeout": 9}]
    ),
    "limits of time without room": Case(
        [AB[0], {"id": "b", **WORK, "timeout": 5, "start_timeout": 7, "total_timeout": 9}], room=0
    ),
    "the end": Case(AB[:1]),
    "the end before a deadline": Case(AB[:1], more={"deadline": 60}),
    "the end with an output": Case(AB[:1], more={"output": "$.steps.a.output"}, output={"x": 1}),
    "the end with an output that fails": Case(
        AB[:1], more={"output": "$.steps.a.output | number()"}, output="x"
    ),
    "the end behind a return": Case(
        [
            {"id": "a", **WORK},
            {"id": "r", "return": 7, "when": "$.steps.a.output == 2"},
            {"id": "b", **WORK},
        ],
        answered="b",
        behind=("a",),
    ),
    "a return": Case([{"id": "a", **WORK}, {"id": "r", "return": 7}], output=1),
    "a path": Case(
        [AB[0], {"id": "b", **WORK, "with": {"x": "$.steps.a.output.x"}}], output={"x": 1}
    ),
    "an expression that fails": Case(
        [AB[0], {"id": "b", **WORK, "with": {"x": "$.steps.a.output | number()"}}], output="x"
    ),
    "an expression that fails, and all goes on": Case(
        [
            AB[0],
            {
                "id": "b",
                **WORK,
                "with": {"x": "$.steps.a.output | number()"},
                "on_failure": "continue",
            },
        ],
        output="x",
    ),
    "a step that is skipped": Case([AB[0], {"id": "b", **WORK, "when": False}]),
    "a step that is not skipped": Case(
        [AB[0], {"id": "b", **WORK, "when": "$.steps.a.output"}], output=True
    ),
    "a set": Case([AB[0], {"id": "s", "set": {"x": 1}}, AB[1]]),
    "a fail": Case([AB[0], {"id": "f", "fail": {"code": "x", "message": "y"}}]),
    "a sleep": Case([AB[0], {"id": "s", "sleep": 60}, AB[1]]),
    "a signal that is waited for": Case([AB[0], {"id": "s", "wait_for": "go"}]),
    "several steps": Case(
        [{**s, "needs": n} for s, n in ((AB[0], []), (AB[1], ["a"]), ({"id": "c", **WORK}, ["a"]))]
    ),
    "a join that is not full": Case(
        [
            {**s, "needs": n}
            for s, n in ((AB[0], []), (AB[1], []), ({"id": "c", **WORK}, ["a", "b"]))
        ]
    ),
    "a join that is full": Case(
        [
            {**s, "needs": n}
            for s, n in ((AB[0], []), (AB[1], []), ({"id": "c", **WORK}, ["a", "b"]))
        ],
        answered="b",
        behind=("a",),
    ),
    "an end beside another step": Case([{**s, "needs": []} for s in AB]),
    "a step beside another step": Case(
        [{**s, "needs": n} for s, n in ((AB[0], []), (AB[1], []), ({"id": "c", **WORK}, ["a"]))]
    ),
    "a block": Case([AB[0], {"id": "g", "steps": [AB[1]]}]),
    "a step behind a block": Case(
        [{"id": "g", "steps": [AB[1]]}, AB[0], {"id": "c", **WORK}], behind=("b/1",)
    ),
    "a held instance": Case(AB, after=lambda p, i: calls.suspend_instances(p.conn, [i])),
    "the end of a held instance": Case(
        AB[:1], after=lambda p, i: calls.suspend_instances(p.conn, [i])
    ),
    "an instance that is cancelled": Case(
        AB, after=lambda p, i: calls.cancel_instances(p.conn, [i])
    ),
    "an instance that an open dead letter suspends": Case(
        [{**s, "needs": n} for s, n in ((AB[0], []), (AB[1], []), ({"id": "c", **WORK}, ["a"]))],
        more={"on_failure": "suspend"},
        after=lambda p, i: p.fail(i, "b"),
    ),
    "an end beside an open dead letter": Case(
        [{**s, "needs": []} for s in AB],
        more={"on_failure": "suspend"},
        after=lambda p, i: p.fail(i, "b"),
    ),
    "a way back": Case(
        [{"id": "a", **WORK, "compensate": {"task": "undo"}}, AB[1]],
        answered="a.compensate",
        behind=("a",),
        before=lambda p, i: p.fail(i, "b"),
    ),
    "a deferred attempt": Case(AB, after=lambda p, i: defer(p, i)),
    "an answer under another fence": Case(AB, after=lambda p, i: bend(p, i, "fence = uuidv4()")),
    "an instance that was cut": Case(AB, after=lambda p, i: bend(p, i, "resume_at = now()")),
    "an instance with a trace": Case(AB, after=lambda p, i: bend(p, i, """trace = '{"t": 1}'""")),
    "a large output": Case(AB, output="x" * 5000),
}


def defer(play: Play, instance: uuid.UUID) -> None:
    """Leave the attempt to be answered from outside."""
    fence = play.row("select fence from onceflow.task where instance_id = %s", instance)[0]
    calls.defer_tasks(play.conn, [calls.Deferral(instance, "a", fence, 60)])


def bend(play: Play, instance: uuid.UUID, to: str) -> None:
    """Change a column of the instance, or of its task ``a``, by hand."""
    table, place = "instance", "id = %s"
    if to.startswith("fence"):
        table, place = "task", "step = 'a' and instance_id = %s"
    execute(play.conn, f"update onceflow.{table} set {to} where {place}", instance)


def played(play: Play, case: Case, *, beside: bool) -> list[Any]:
    """Play a case; return the answers and all rows, without ids and times."""
    play.worker = Worker(play.conn, queues=("default", "slow"))
    document = {"name": "flow", "steps": case.steps, **(case.more or {})}
    instance = play.begin(compile_definition(document))
    play.complete(instance, *case.behind, output=1)
    case.before(play, instance)
    grant = play.take(instance, case.answered)
    take_messages(play.conn)
    case.after(play, instance)
    answers = [told(answer) for answer in answered(play, grant, case, beside=beside)]
    rows = [play.rows(statement, instance) for statement in ROWS]
    repeated = [told(answer) for answer in answered(play, grant, case, beside=beside)]
    again = [play.rows(statement, instance) for statement in ROWS]
    calls.resume_queues(play.conn, ["slow"])
    return without_ids([answers, rows, repeated, again])


def without_ids(found: object) -> list[str]:
    """Return what was found as texts, all ids alike, and the times that spans are told."""
    text = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "ID", repr(found))
    return re.sub(r'"\d{4}-\d\d-\d\dT[\d:.]+Z"', "TIME", text).split("), ")


def answered(play: Play, grant: Grant, case: Case, *, beside: bool) -> list[calls.Answer]:
    """Complete a task, by itself or beside one that is nobody's; return what is said of it."""
    items = [Completion(grant.instance_id, grant.task, grant.fence, case.output)]
    stranger = make_ids(1)[0]
    if beside:
        items.append(Completion(stranger, "nothing", uuid.uuid4(), None))
    token = play.worker.next_token()
    answers = calls.complete_tasks(
        play.conn, play.worker.id, items, token, play.worker.call, case.room
    )
    return [answer for answer in answers if answer.instance_id != stranger]


def told(answer: calls.Answer) -> tuple[object, ...]:
    """Return an answer with all that its grant tells, but for the fence."""
    return answer.task, answer.answer, answer.state, _grant(answer.grant)


@pytest.mark.parametrize("name", CASES)
def test_one_answer_does_as_one_among_others(play: Play, name: str) -> None:
    alone = played(play, CASES[name], beside=False)
    among = played(play, CASES[name], beside=True)
    assert alone == among


STARTS: dict[str, list[Json]] = {
    "a task": AB,
    "a task of another queue": [{"id": "a", **WORK, "queue": "far"}],
    "limits of time": [{"id": "a", **WORK, "timeout": 5, "start_timeout": 7, "total_timeout": 9}],
    "a path": [{"id": "a", **WORK, "with": {"x": "$.input.x"}}],
    "an expression that fails": [{"id": "a", **WORK, "with": {"x": "$.input.t | number()"}}],
    "a step that is skipped": [{"id": "a", **WORK, "when": "$.input.x == 2"}, AB[1]],
    "a set": [{"id": "s", "set": {"x": 1}}, AB[1]],
    "a sleep": [{"id": "s", "sleep": 60}, AB[1]],
    "several tasks": [{**s, "needs": []} for s in AB],
    "a block": [{"id": "g", "steps": [AB[1]]}],
}


@pytest.mark.parametrize("later", [False, True])
@pytest.mark.parametrize("name", STARTS)
def test_one_start_does_as_one_among_others(play: Play, name: str, later: bool) -> None:
    document = {"name": "flow", "deadline": 99, "steps": STARTS[name]}
    workflow = play.deploy(compile_definition(document))
    pass_time(play.conn, "0 s")
    at = datetime.now(UTC) + timedelta(days=1) if later else None
    found: list[list[str]] = []
    for count in (1, 2):
        started = calls.start_instances(
            play.conn, workflow, [{"x": 1, "t": "x"}] * count, start_at=[at] * count
        )
        rows = [play.rows(statement, started[0].instance_id) for statement in ROWS]
        found.append(without_ids([started[0].outcome, started[0].state, rows]))
    assert found[0] == found[1]


CLAIMS: dict[str, Callable[[Play, uuid.UUID], object]] = {
    "granted": nothing,
    "running already": lambda p, i: p.take(i, "a"),
    "ended": lambda p, i: p.complete(i, "a"),
    "paused": lambda p, _: calls.pause_queues(p.conn, ["slow"]),
    "held by an operator": lambda p, i: calls.suspend_instances(p.conn, [i]),
    "cancelled": lambda p, i: calls.cancel_instances(p.conn, [i]),
    "of an instance that may not run it": lambda p, i: p.conn.execute(
        "update onceflow.instance set state = 'CLOSING', closing_as = 'FAILED' where id = %s", (i,)
    ),
    "without a handler": lambda p, _: p.conn.execute("update onceflow.worker set tasks = '{x}'"),
    "with a trace": lambda p, i: bend(p, i, """trace = '{"t": 1}'"""),
}


@pytest.mark.parametrize("way", ["claim", "take"])
@pytest.mark.parametrize("name", CLAIMS)
def test_one_claim_does_as_one_among_others(play: Play, name: str, way: str) -> None:
    found: list[list[str]] = []
    task = {"id": "a", **WORK, "queue": "slow", "timeout": 5}
    workflow = play.deploy(compile_definition({"name": "flow", "steps": [task]}))
    for beside in (False, True):
        play.worker = Worker(play.conn, queues=("slow",))
        instance = play.start(workflow)
        CLAIMS[name](play, instance)
        keys = [Key(instance, "a"), Key(make_ids(1)[0], "nothing")][: 1 + beside]
        token = play.worker.next_token()
        answers: list[object] = []
        for _ in range(2):
            if way == "take":
                play.conn.execute("delete from onceflow.outbox")
                for key in keys:
                    put_message(play, key, queue="slow")
                taken = calls.take_tasks(play.conn, play.worker.id, token, 1, ["slow"], 9)
                answers += [(t.answer, t.task, _grant(t.grant)) for t in taken if t.task == "a"]
            else:
                claimed = calls.claim_tasks(play.conn, play.worker.id, token, 1, keys)
                answers += [(c.answer, c.task, _grant(c.grant)) for c in claimed if c.task == "a"]
        rows = [play.rows(statement, instance) for statement in ROWS[:3]]
        found.append(without_ids([answers, rows]))
        calls.resume_queues(play.conn, ["slow"])
        play.conn.execute(
            "update onceflow.instance set state = 'RUNNING', closing_as = null"
            " where state = 'CLOSING' and ended_at is null"
        )
    assert found[0] == found[1]


def _grant(grant: Grant | None) -> object:
    return grant and [getattr(grant, field) for field in grant.__struct_fields__]
