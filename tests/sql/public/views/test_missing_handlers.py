"""Tasks that a worker lacks the handler of: they come to others, uncounted, and are told of."""

from onceflow.engine import calls
from onceflow.engine.calls import Failure, Key

from ...play import Play, Worker, pass_time, switch, take_messages
from ...workflows import Step, sequence, workflow

MISFIT = {"code": "input.invalid", "message": "unknown field", "unknown_field": True}


def messages(play: Play) -> list[tuple[str, str]]:
    """Return key and value of the messages in the outbox, and throw them away."""
    found = play.rows("select key, value from onceflow.outbox where kind = 'task' order by id")
    take_messages(play.conn)
    return [(key, value) for key, value in found]


def held(play: Play) -> list[tuple[float, int]]:
    """Return of each task that is held for its handler the pause in seconds, and its attempts."""
    return [
        (float(pause), attempt)
        for pause, attempt in play.rows(
            "select extract(epoch from due_at - changed_at), attempt from onceflow.task"
            " where state = 'READY' and held_by = 'handler' order by 1"
        )
    ]


def test_a_task_whose_handler_its_worker_lacks_goes_back_uncounted(play: Play) -> None:
    instance = play.begin(workflow(Step("a", task="new")))
    assert play.worker.claim(Key(instance, "a")) == []
    assert held(play) == [(0.25, 0)]
    assert play.rows("select handler, waiting from onceflow.missing_handlers") == [("new", 1)]


# guarantee: claim-without-handler
def test_a_set_is_granted_but_for_what_the_worker_lacks(play: Play) -> None:
    play.deploy(workflow(Step("a"), Step("b", task="new")))
    instances = [play.start("flow") for _ in range(3)]
    keys = [Key(instance, task) for instance in instances for task in ("a", "b")]
    found = calls.claim_tasks(play.conn, play.worker.id, play.worker.next_token(), 1, keys)
    assert [one.answer for one in found] == ["granted", "held"] * 3


# guarantee: held-same-way
def test_it_is_shipped_again_by_a_way_that_leads_to_others(play: Play) -> None:
    instance = play.begin(workflow(Step("a", task="new")))
    newer = Worker(play.conn, "newer", tasks=["new"])
    assert [key for key, _ in messages(play)] == [str(instance)]
    ways: set[str] = set()
    for _ in range(3):
        play.worker.claim(Key(instance, "a"))
        pass_time(play.conn, "1 minute")
        play.tick()
        ((key, _),) = messages(play)
        ways.add(key)
    assert len(ways) == 3
    assert all(key.startswith(f"{instance}/") for key in ways)
    assert newer.take(instance, "a").attempt == 1


# guarantee: held-taken-again
def test_without_a_broker_what_was_held_is_taken_by_those_who_have_its_handler(play: Play) -> None:
    instance = play.begin(workflow(Step("a", task="new")))
    newer = Worker(play.conn, "newer", tasks=["new"])
    messages(play)
    play.worker.claim(Key(instance, "a"))
    pass_time(play.conn, "1 minute")
    play.tick()

    def taken(worker: Worker) -> list[str]:
        token = worker.next_token()
        found = calls.take_tasks(play.conn, worker.id, token, worker.call, ["default"], 10)
        return [one.answer for one in found]

    assert taken(play.worker) == []
    assert taken(newer) == ["granted"]


# guarantee: missing-untold
def test_what_only_a_worker_that_has_gone_could_take_is_told(play: Play) -> None:
    play.worker.stop()
    switch(play.conn, "postgres")
    play.worker = Worker(play.conn)
    instances = [play.begin(workflow(Step("a", task="new"))) for _ in range(3)]
    newer = Worker(play.conn, "newer", tasks=["new"])
    for _ in range(2):  # taken and held, then queued for those who have it, and left to them
        token = play.worker.next_token()
        calls.take_tasks(play.conn, play.worker.id, token, play.worker.call, ["default"], 10)
        pass_time(play.conn, "1 minute")
        play.tick()
    assert [play.state(instance, "a") for instance in instances] == ["QUEUED"] * 3
    missing = "select handler, queue, waiting from onceflow.missing_handlers"
    assert play.rows(missing) == []
    newer.stop()
    assert play.rows(missing) == [("new", "default", 3)]
    calls.cancel_instances(play.conn, instances[:1])
    assert play.rows(missing) == [("new", "default", 2)]


# guarantee: held-pause
def test_the_pause_grows_to_thirty_seconds(play: Play) -> None:
    instance = play.begin(workflow(Step("a", task="new")))
    Worker(play.conn, "newer", tasks=["new"])
    pauses: list[float] = []
    for _ in range(9):
        play.worker.claim(Key(instance, "a"))
        pauses += [pause for pause, _ in held(play)]
        pass_time(play.conn, "1 minute")
        play.tick()
    assert pauses == [0.25, 0.5, 1, 2, 4, 8, 16, 30, 30]


# guarantee: held-in-vain
def test_while_no_worker_has_the_handler_nothing_is_shipped(play: Play) -> None:
    instance = play.begin(workflow(Step("a", task="new")))
    play.worker.claim(Key(instance, "a"))
    messages(play)
    for _ in range(3):
        pass_time(play.conn, "1 minute")
        play.tick()
    assert messages(play) == []
    newer = Worker(play.conn, "newer", tasks=["new"])
    assert play.rows("select * from onceflow.missing_handlers") == []
    pass_time(play.conn, "1 minute")
    play.tick()
    assert newer.take(instance, "a").attempt == 1


# guarantee: hand-off-without-handler
def test_nothing_is_handed_off_to_a_worker_without_its_handler(play: Play) -> None:
    instance = play.begin(workflow(Step("a"), Step("b", ("a",), task="new")))
    _, handed = play.worker.complete_and_take(play.take(instance, "a"), room=5)
    assert (handed, play.state(instance, "b")) == ([], "QUEUED")


def test_a_suspension_takes_over_what_is_held_and_its_resume_releases_it(play: Play) -> None:
    instance = play.begin(workflow(Step("a", task="new")))
    newer = Worker(play.conn, "newer", tasks=["new"])
    play.worker.claim(Key(instance, "a"))
    calls.suspend_instances(play.conn, [instance])
    pass_time(play.conn, "1 minute")
    play.tick()
    assert play.task(instance, "a", "state", "held_by", "due_at") == ("READY", "operator", None)
    calls.resume_instances(play.conn, [instance])
    assert newer.take(instance, "a").attempt == 1


def test_a_close_cancels_what_is_held(play: Play) -> None:
    instance = play.begin(workflow(Step("a", task="new")))
    play.worker.claim(Key(instance, "a"))
    calls.cancel_instances(play.conn, [instance])
    assert (play.state(instance, "a"), play.state(instance)) == ("CANCELLED", "CANCELLED")
    assert calls.check_instances(play.conn) == []


def newer_worker(play: Play, signature: str = "b", tasks: str = "work") -> Worker:
    """Register a worker with another signature."""
    worker = Worker(play.conn, "newer")
    worker.id = calls.register_worker(
        play.conn, "newer", ["default"], [tasks], 60, signatures={tasks: signature}
    )
    return worker


def misfit(play: Play) -> str | None:
    """Fail an attempt, of a worker with the signature a, by an unknown field."""
    play.worker.id = calls.register_worker(
        play.conn, "older", ["default"], ["work"], 60, signatures={"work": "a"}
    )
    instance = play.begin(sequence("a", on_failure="fail"))
    grant = play.take(instance, "a")
    failure = Failure(instance, "a", grant.fence, MISFIT, False)
    (answer,) = calls.fail_tasks(play.conn, [failure])
    (again,) = calls.fail_tasks(play.conn, [failure])
    assert (answer.answer, again.answer) == ("accepted", "repeated")
    return answer.state


# guarantee: misfit-counts
def test_a_field_that_a_newer_worker_may_know_decides_nothing(play: Play) -> None:
    newer_worker(play)
    assert misfit(play) == "READY"
    assert held(play) == [(0.25, 1)]
    assert play.value("select extra_attempts from onceflow.task") == 1
    assert play.value("select unknown from onceflow.task") is False


def test_so_it_is_for_ten_minutes_after_it_has_gone(play: Play) -> None:
    newer_worker(play).stop()
    assert misfit(play) == "READY"
    play.conn.execute("update onceflow.worker set ended_at = now() - interval '11 minutes'")
    assert misfit(play) == "DEAD_LETTER"


def test_a_field_that_nobody_knows_is_a_failure_for_good(play: Play) -> None:
    newer_worker(play, signature="a")
    newer_worker(play, tasks="other")
    assert misfit(play) == "DEAD_LETTER"
