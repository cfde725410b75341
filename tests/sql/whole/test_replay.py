"""A busy run, and then the task log alone gives the state that the tables are in.

Threads play workers, a relay, the clock and an operator, each by its own seeded choices: tasks
fail, are given back, answered twice or late, claimed twice; workers vanish; instances are
cancelled, suspended, resumed; dead letters are redriven, skipped, given up. Then all is
driven to its end.
"""

import json
import random
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from uuid import UUID

import pytest

from onceflow.engine import calls
from onceflow.engine.calls import Answer, Grant, Key
from onceflow.engine.errors import WorkerNotLive

from ..play import Connection, Play, Worker, end_grace, pass_time, take_messages, tick
from ..workflows import UNDO, Step, path, sequence, value, workflow

INSTANCES = 50
TURNS = 50
ENDS = ("SUCCEEDED", "FAILED", "COMPENSATED", "CANCELLED")


def definitions() -> list[dict[str, object]]:
    """Return workflows with every shape and policy."""
    retry = {"attempts": 3, "backoff": 1, "jitter": 0.2}
    tangle = [
        Step("a", undo=UNDO, retry=retry),
        Step("b", ("a",), undo=UNDO, retry=retry, timeout=5),
        Step("c", ("a",), when=path("$.input.wanted"), undo=UNDO),
        Step("d", ("b", "c"), retry=retry, on_failure="suspend"),
        Step("e", ("a", "d"), undo=UNDO, input=path("$.steps.b.output"), reads=("b",)),
        Step("f", ("e",), on_failure="fail", retry=retry),
    ]
    wide = [Step(f"s{n}", undo=UNDO, retry=retry) for n in range(5)]
    wide.append(Step("end", tuple(f"s{n}" for n in range(5)), input=path("$.input.there")))
    return [
        workflow(*tangle, name="tangle", deadline=400),
        workflow(*wide, name="wide", on_failure="suspend"),
        sequence("x", "y", "z", name="line", undo=True, output=value("done")),
        sequence("x", "y", name="fails", on_failure="fail", deadline=300),
    ]


@dataclass
class Run:
    """What the threads share."""

    seed: int
    connect: Callable[[], Connection]
    ids: list[UUID] = field(default_factory=list[UUID])
    messages: list[Key] = field(default_factory=list[Key])
    accepted: list[tuple[UUID, str]] = field(default_factory=list[tuple[UUID, str]])
    lock: threading.Lock = field(default_factory=threading.Lock)

    def take_some(self, chance: random.Random) -> list[Key]:
        """Take messages as a consumer does; one in ten is delivered again later."""
        with self.lock:
            chance.shuffle(self.messages)
            taken, self.messages = self.messages[:8], self.messages[8:]
            self.messages += [key for key in taken if chance.random() < 0.1]
        return taken

    def record(self, answers: list[Answer]) -> None:
        """Note which completions were accepted."""
        with self.lock:
            self.accepted += [(a.instance_id, a.task) for a in answers if a.answer == "accepted"]


def play_worker(run: Run, number: int) -> None:
    """Claim and answer, well and badly; now and then vanish and come back as another."""
    chance = random.Random(run.seed * 100 + number)
    conn = run.connect()
    worker, held, old = Worker(conn, f"w{number}"), list[Grant](), list[Grant]()
    for _ in range(TURNS):
        try:
            held += worker.claim(*run.take_some(chance))
            chance.shuffle(held)
            now, held = held[:4], held[4:]
            held += answer(run, worker, chance, now, old)
            old = (old + now)[-20:]
            if chance.random() < 0.2:
                worker.renew(*{grant.fence for grant in held})
            if chance.random() < 0.06:
                # Half of them die, the others stop as they should.
                worker.vanish() if chance.random() < 0.5 else worker.stop()
                worker, held = Worker(conn, f"w{number}"), []
        except WorkerNotLive:
            worker, held = Worker(conn, f"w{number}"), []


def answer(
    run: Run, worker: Worker, chance: random.Random, now: list[Grant], old: list[Grant]
) -> list[Grant]:
    """Answer for these grants in one of many ways; return what was handed off."""
    how = chance.random()
    if how < 0.55:
        answers, handed = worker.complete_and_take(*now, output={"by": "w"}, room=2)
        run.record(answers)
        return handed
    if how < 0.7:
        worker.fail(*now, retryable=chance.random() < 0.8, unknown=chance.random() < 0.3)
    elif how < 0.8:
        worker.give_back(*now, started=chance.random() < 0.5)
    elif how < 0.9:
        # Answers that come twice, or far too late.
        run.record(worker.complete(*now, output=1))
        run.record(worker.complete(*now, *old, output=2))
    return []


def play_relay(run: Run) -> None:
    """Ship what is in the outbox."""
    conn = run.connect()
    for _ in range(TURNS * 2):
        with conn.transaction():
            rows = calls.take_outbox(conn, 20)
            calls.drop_outbox(conn, [row.id for row in rows])
        shipped = [json.loads(row.value) for row in rows if row.kind == "task"]
        with run.lock:
            run.messages += [Key(UUID(m["instance"]), m["task"]) for m in shipped]


def play_clock(run: Run) -> None:
    """Move the time on and tick."""
    conn = run.connect()
    chance = random.Random(run.seed * 100 + 50)
    end_grace(conn)
    for _ in range(TURNS):
        pass_time(conn, f"{chance.random() * 4} s")
        tick(conn, chance.choice([1, 5, 100]))


def play_operator(run: Run) -> None:
    """Interfere with a few instances and with dead letters."""
    conn = run.connect()
    chance = random.Random(run.seed * 100 + 51)
    for _ in range(TURNS):
        some = chance.sample(run.ids, 3)
        how = chance.random()
        if how < 0.1:
            calls.cancel_instances(conn, some[:1])
        elif how < 0.35:
            calls.suspend_instances(conn, some)
        elif how < 0.7:
            calls.resume_instances(conn, chance.sample(run.ids, 20))
        else:
            decide(conn, chance, 2)


def decide(conn: Connection, chance: random.Random, count: int) -> None:
    """Redrive, skip or give up some open dead letters."""
    rows = conn.execute("select instance_id, task from onceflow.dead_letters where open").fetchall()
    keys = [Key(*row) for row in chance.sample(rows, min(count, len(rows)))]
    inputs = [{"given": True}] * len(keys)
    how = chance.random()
    if how < 0.5:
        calls.redrive_dead_letters(conn, keys, inputs)
    elif how < 0.8:
        calls.skip_dead_letters(conn, keys, inputs)
    else:
        calls.discard_dead_letters(conn, keys)


def drive_to_the_end(play: Play, run: Run) -> None:
    """Do all that is left to do, with one worker that does it well."""
    chance = random.Random(run.seed)
    worker = Worker(play.conn, "last")
    play.conn.execute("update onceflow.worker set lease_until = now() where name <> 'last'")
    for _ in range(500):
        calls.resume_instances(play.conn, run.ids)
        decide(play.conn, chance, 100)
        # Messages that were taken and never claimed, as after a crash of their consumer.
        for queue in calls.list_queues(play.conn):
            calls.requeue_lost_tasks(play.conn, queue, str(2**62), 1000)
        grants = worker.claim(*take_messages(play.conn))
        run.record(worker.complete(*grants, output={"by": "last"}))
        end_grace(play.conn)
        pass_time(play.conn, "10 s")
        play.tick()
        if not play.rows("select from onceflow.instances where ended_at is null limit 1"):
            return
    raise AssertionError(
        play.rows("select id, state from onceflow.instances where ended_at is null")
    )


def replay(play: Play) -> dict[tuple[UUID, str | None], tuple[str, int]]:
    """Return the last state and attempt of every task and instance, by the log alone."""
    rows = play.rows(
        "select instance_id, task, state, attempt from onceflow.transitions"
        # Claims have no number: they come first among the rows of their attempt.
        " order by instance_id, attempt nulls first, seq nulls first, n"
    )
    return {(instance, task): (state, attempt or 0) for instance, task, state, attempt in rows}


@pytest.mark.parametrize("seed", [1, 2])
def test_the_log_of_a_busy_run_alone_gives_the_state_of_the_tables(
    play: Play, open_conn: Callable[[], Connection], seed: int
) -> None:
    run = Run(seed, open_conn)
    for definition in definitions():
        play.deploy(definition)
    chance = random.Random(seed)
    for _ in range(INSTANCES):
        name = chance.choice(["tangle", "wide", "line", "fails"])
        given = {"wanted": chance.random() < 0.5} | ({"there": 1} if chance.random() < 0.8 else {})
        run.ids.append(play.start(name, given))

    with ThreadPoolExecutor(8) as threads:
        futures = [threads.submit(play_worker, run, number) for number in range(3)]
        futures += [threads.submit(other, run) for other in (play_relay, play_clock, play_operator)]
        for future in futures:
            future.result(60)
    assert calls.check_instances(play.conn) == []
    drive_to_the_end(play, run)

    # Every instance has ended, and nothing is amiss.
    assert set(play.rows("select distinct state from onceflow.instances")) <= {(s,) for s in ENDS}
    assert calls.check_instances(play.conn) == []
    assert play.value("select count(*) from onceflow.tasks where open") == 0

    # The log alone gives what the tables hold.
    tables = {
        (instance, task): (state, attempts)
        for instance, task, state, attempts in play.rows(
            "select instance_id, task, state, attempts from onceflow.tasks"
            " union all select id, null, state, 0 from onceflow.instances"
        )
    }
    assert replay(play) == tables

    # Numbers are given one after the other, and the rows of each transition have an order.
    twice = play.rows(
        "select instance_id from onceflow.transitions where seq is not null"
        " group by instance_id, seq"
        " having count(distinct n) <> count(*)"
    )
    assert twice == []
    numbers = play.rows(
        "select i.id from onceflow.instances i where i.seq is distinct from"
        " (select count(distinct t.seq) from onceflow.transitions t where t.instance_id = i.id)"
    )
    assert numbers == []

    # No completion was accepted twice, and each that was accepted is a task that succeeded, once.
    assert [task for task, count in Counter(run.accepted).items() if count > 1] == []
    succeeded = play.rows("select instance_id, task from onceflow.tasks where state = 'SUCCEEDED'")
    assert sorted(run.accepted) == sorted(succeeded)

    # Nothing was compensated while a task of the instance ran, nor anything twice.
    logged = play.rows(
        "select instance_id, task, count(*) from onceflow.transitions"
        " where state = 'SUCCEEDED' and task is not null group by 1, 2 having count(*) > 1"
    )
    assert logged == []
    # Undone was exactly what had succeeded or may have had its effect, where there is a way back.
    wrong = play.rows(
        "select t.instance_id, t.step from onceflow.task t join onceflow.instance i"
        " on i.id = t.instance_id join onceflow.edge e on e.version_id = i.version_id"
        " and e.from_step = t.step and e.kind = 'undo' where (t.state = 'SUCCEEDED' or t.unknown)"
        " <> exists (select from onceflow.task u where u.instance_id = t.instance_id"
        "     and u.step = e.to_step) and i.compensate"
    )
    assert wrong == []
