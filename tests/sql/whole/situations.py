"""How a task or an instance comes into each of the states of the table, by public calls alone.

The one exception is FAILED, which no function gives yet: it is made by hand.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

from onceflow.engine import calls
from onceflow.engine.calls import Deferral, Key
from onceflow.engine.definition import compile_definition

from ..play import Play, Worker
from ..workflows import Compiled, Step, path, value, workflow
from .situations_of_blocks import BLOCKS
from .subject import DEADLINE, RETRY, Subject
from .waits import WAITS


def main(**options: object) -> Compiled:
    """Return a (can be undone) → b (can be undone), each with retries and a timeout."""
    on_failure = options.pop("b_on_failure", None)
    return workflow(
        Step("a", undo=value(1), undo_retry=RETRY, undo_timeout=60),
        Step(
            "b",
            ("a",),
            undo=value(1),
            retry=RETRY,
            timeout=60,
            on_failure=on_failure,  # pyright: ignore[reportArgumentType]
        ),
        deadline=DEADLINE,
        **options,  # pyright: ignore[reportArgumentType]
    )


def _done_a(play: Play, **options: object) -> UUID:
    instance = play.begin(main(**options))
    play.complete(instance, "a")
    return instance


def _suspend(play: Play, instance: UUID) -> None:
    calls.suspend_instances(play.conn, [instance])


def _cancel(play: Play, instance: UUID) -> None:
    calls.cancel_instances(play.conn, [instance])


# forward tasks


def sleeping(play: Play) -> Subject:
    step = {"id": "a", "sleep": "30m"}
    return Subject(play.begin(compile_definition({"name": "flow", "steps": [step]})), "a")


def waiting_signal(play: Play) -> Subject:
    step = {"id": "a", "wait_for": "paid", "timeout": "30m"}
    return Subject(play.begin(compile_definition({"name": "flow", "steps": [step]})), "a")


def waiting_join(play: Play) -> Subject:
    steps = [Step("a", undo=value(1)), Step("b", ("a",)), Step("c", ("a",)), Step("d", ("b", "c"))]
    instance = play.begin(workflow(*steps))
    play.complete(instance, "a", "b")
    return Subject(instance, "d")


def waiting_start(play: Play) -> Subject:
    name = play.deploy(main())
    at = datetime.now(UTC) + timedelta(minutes=30)
    (started,) = calls.start_instances(play.conn, name, [{}], start_at=[at])
    return Subject(started.instance_id, "a")


def queued(play: Play) -> Subject:
    return Subject(_done_a(play), "b")


def queued_without_handler(play: Play) -> Subject:
    """The worker of the tests lacks its handler, another one has it."""
    steps = [Step("a", undo=value(1)), Step("b", ("a",), task="elsewhere")]
    instance = play.begin(workflow(*steps))
    play.complete(instance, "a")
    Worker(play.conn, "other", tasks=["elsewhere"])
    return Subject(instance, "b")


def held_for_handler(play: Play) -> Subject:
    subject = queued_without_handler(play)
    assert play.worker.claim(Key(subject.instance, "b")) == []
    # Longer than the test may take.
    play.conn.execute(
        "update onceflow.task set due_at = now() + interval '10 min' where step = 'b'"
    )
    return subject


def _pause(play: Play, subject: Subject) -> Subject:
    calls.pause_queues(play.conn, ["default"])
    return subject


def _hold(play: Play, subject: Subject) -> Subject:
    """Have a claim hold a task of the queue, which is paused."""
    _pause(play, subject)
    assert play.worker.claim(Key(subject.instance, str(subject.task))) == []
    return subject


def queued_paused(play: Play) -> Subject:
    return _pause(play, queued(play))


def held_by_pause(play: Play) -> Subject:
    return _hold(play, queued(play))


def held_by_pause_resumed(play: Play) -> Subject:
    subject = held_by_pause(play)
    calls.resume_queues(play.conn, ["default"])
    return subject


def running_paused(play: Play) -> Subject:
    return _pause(play, running(play))


def retrying_paused(play: Play) -> Subject:
    return _pause(play, retrying(play))


def ready(play: Play) -> Subject:
    instance = _done_a(play)
    _suspend(play, instance)
    return Subject(instance, "b")


def running(play: Play) -> Subject:
    instance = _done_a(play)
    play.take(instance, "b")
    return Subject(instance, "b")


def running_suspended(play: Play) -> Subject:
    subject = running(play)
    _suspend(play, subject.instance)
    return subject


def running_closing(play: Play) -> Subject:
    subject = running(play)
    _cancel(play, subject.instance)
    return subject


def _defer(play: Play, instance: UUID, task: str) -> None:
    grant = play.take(instance, task)
    calls.defer_tasks(play.conn, [Deferral(instance, task, grant.fence, 60)])


def deferred(play: Play) -> Subject:
    instance = _done_a(play)
    _defer(play, instance, "b")
    return Subject(instance, "b")


def deferred_suspended(play: Play) -> Subject:
    subject = deferred(play)
    _suspend(play, subject.instance)
    return subject


def retrying(play: Play) -> Subject:
    instance = _done_a(play)
    play.fail(instance, "b", retryable=True)
    return Subject(instance, "b")


def retrying_suspended(play: Play) -> Subject:
    subject = retrying(play)
    _suspend(play, subject.instance)
    return subject


def dead_letter(play: Play) -> Subject:
    instance = _done_a(play, b_on_failure="suspend")
    play.fail(instance, "b")
    return Subject(instance, "b")


def dead_letter_suspended(play: Play) -> Subject:
    subject = dead_letter(play)
    _suspend(play, subject.instance)
    return subject


def record_compensating(play: Play) -> Subject:
    instance = _done_a(play)
    play.fail(instance, "b")
    return Subject(instance, "b")


def record_ended(play: Play) -> Subject:
    instance = play.begin(main())
    play.fail(instance, "a")
    return Subject(instance, "a")


def succeeded(play: Play) -> Subject:
    return Subject(_done_a(play), "a")


def succeeded_closing(play: Play) -> Subject:
    # b without a timeout: otherwise an hour would end it, and with it the closing.
    instance = play.begin(workflow(Step("a", undo=value(1)), Step("b", ("a",))))
    play.complete(instance, "a")
    play.take(instance, "b")
    _cancel(play, instance)
    return Subject(instance, "a")


def succeeded_compensating(play: Play) -> Subject:
    instance = _done_a(play)
    _cancel(play, instance)
    return Subject(instance, "a")


def succeeded_ended(play: Play) -> Subject:
    instance = _done_a(play)
    play.complete(instance, "b")
    return Subject(instance, "b")


def skipped_by_when(play: Play) -> Subject:
    instance = play.begin(workflow(Step("a", when=value(False)), Step("b", ("a",))))
    return Subject(instance, "a")


def skipped_by_operator(play: Play) -> Subject:
    instance = play.begin(
        workflow(Step("a", undo=value(1)), Step("b", ("a",)), on_failure="suspend")
    )
    play.fail(instance, "a")
    calls.skip_dead_letters(play.conn, [Key(instance, "a")], [None])
    return Subject(instance, "a")


def cancelled_closing(play: Play) -> Subject:
    instance = play.begin(workflow(Step("a"), Step("b")))
    play.take(instance, "b")
    _cancel(play, instance)
    return Subject(instance, "a")


def cancelled_ended(play: Play) -> Subject:
    instance = play.begin(main())
    _cancel(play, instance)
    return Subject(instance, "a")


def running_continues(play: Play) -> Subject:
    steps = [Step("a", undo=value(1)), Step("b", ("a",), on_failure="continue")]
    instance = play.begin(workflow(*steps))
    play.complete(instance, "a")
    play.take(instance, "b")
    return Subject(instance, "b")


def failed(play: Play) -> Subject:
    instance = play.begin(workflow(Step("a", on_failure="continue"), Step("b", ("a",))))
    play.fail(instance, "a")
    return Subject(instance, "a")


def missing(play: Play) -> Subject:
    return Subject(_done_a(play), "none")


# compensations


def waiting_turn(play: Play) -> Subject:
    steps = [Step("a", undo=value(1)), Step("x", ("a",), undo=value(1)), Step("b", ("x",))]
    instance = play.begin(workflow(*steps))
    play.complete(instance, "a", "x")
    _cancel(play, instance)
    return Subject(instance, "a.compensate")


def undo_queued(play: Play) -> Subject:
    instance = _done_a(play)
    _cancel(play, instance)
    return Subject(instance, "a.compensate")


def undo_queued_paused(play: Play) -> Subject:
    return _pause(play, undo_queued(play))


def undo_held_by_pause(play: Play) -> Subject:
    return _hold(play, undo_queued(play))


def undo_ready(play: Play) -> Subject:
    subject = undo_queued(play)
    _suspend(play, subject.instance)
    return subject


def undo_running(play: Play) -> Subject:
    subject = undo_queued(play)
    play.take(subject.instance, "a.compensate")
    return subject


def undo_running_suspended(play: Play) -> Subject:
    subject = undo_running(play)
    _suspend(play, subject.instance)
    return subject


def undo_deferred(play: Play) -> Subject:
    subject = undo_queued(play)
    _defer(play, subject.instance, "a.compensate")
    return subject


def undo_retrying(play: Play) -> Subject:
    subject = undo_queued(play)
    play.fail(subject.instance, "a.compensate", retryable=True)
    return subject


def undo_retrying_suspended(play: Play) -> Subject:
    subject = undo_retrying(play)
    _suspend(play, subject.instance)
    return subject


def undo_dead_letter(play: Play) -> Subject:
    subject = undo_queued(play)
    play.fail(subject.instance, "a.compensate")
    return subject


def set_dead_letter(play: Play) -> Subject:
    steps = [Step("a", undo=value(1)), Step("b", ("a",), path("$.x"), kind="set")]
    instance = play.begin(workflow(*steps, on_failure="suspend"))
    play.complete(instance, "a")
    return Subject(instance, "b")


TASKS: dict[str, Callable[[Play], Subject]] = {
    "WAITING, a join / RUNNING": waiting_join,
    "WAITING, its turn / COMPENSATING": waiting_turn,
    "WAITING, its start / RUNNING": waiting_start,
    "WAITING, a sleep / RUNNING": sleeping,
    "WAITING, a signal / RUNNING": waiting_signal,
    "WAITING, an answer / RUNNING": deferred,
    "WAITING, an answer / RUNNING, suspended": deferred_suspended,
    "WAITING, an answer / COMPENSATING": undo_deferred,
    "READY / RUNNING, suspended": ready,
    "READY / COMPENSATING, suspended": undo_ready,
    "READY, no handler / RUNNING": held_for_handler,
    "READY, its queue paused / RUNNING": held_by_pause,
    "READY, its queue paused / COMPENSATING": undo_held_by_pause,
    "READY, its queue resumed / RUNNING": held_by_pause_resumed,
    "QUEUED / RUNNING": queued,
    "QUEUED / COMPENSATING": undo_queued,
    "QUEUED, no handler / RUNNING": queued_without_handler,
    "QUEUED, its queue paused / RUNNING": queued_paused,
    "QUEUED, its queue paused / COMPENSATING": undo_queued_paused,
    "RUNNING / RUNNING": running,
    "RUNNING, its queue paused / RUNNING": running_paused,
    "RUNNING / RUNNING, suspended": running_suspended,
    "RUNNING, continues / RUNNING": running_continues,
    "RUNNING / CLOSING": running_closing,
    "RUNNING / COMPENSATING": undo_running,
    "RUNNING / COMPENSATING, suspended": undo_running_suspended,
    "RETRYING / RUNNING": retrying,
    "RETRYING, its queue paused / RUNNING": retrying_paused,
    "RETRYING / RUNNING, suspended": retrying_suspended,
    "RETRYING / COMPENSATING": undo_retrying,
    "RETRYING / COMPENSATING, suspended": undo_retrying_suspended,
    "DEAD_LETTER / RUNNING, dead letter": dead_letter,
    "DEAD_LETTER / RUNNING, suspended": dead_letter_suspended,
    "DEAD_LETTER / COMPENSATING, dead letter": undo_dead_letter,
    "DEAD_LETTER, of a set / RUNNING, dead letter": set_dead_letter,
    "DEAD_LETTER, record / COMPENSATING": record_compensating,
    "DEAD_LETTER, record / COMPENSATED": record_ended,
    "SUCCEEDED / RUNNING": succeeded,
    "SUCCEEDED / CLOSING": succeeded_closing,
    "SUCCEEDED / COMPENSATING": succeeded_compensating,
    "SUCCEEDED / SUCCEEDED": succeeded_ended,
    "SKIPPED, by its when / RUNNING": skipped_by_when,
    "SKIPPED, by an operator / RUNNING": skipped_by_operator,
    "CANCELLED / CLOSING": cancelled_closing,
    "CANCELLED / CANCELLED": cancelled_ended,
    "FAILED / RUNNING": failed,
    "no such task / RUNNING": missing,
    **BLOCKS,
    **WAITS,
}


# instances, each started with the idempotency key "key"


def _start(play: Play, **options: object) -> UUID:
    play.deploy(main(**options))
    (started,) = calls.start_instances(play.conn, "flow", [{}], ["key"])
    return started.instance_id


def _start_and_do_a(play: Play, **options: object) -> UUID:
    instance = _start(play, **options)
    play.complete(instance, "a")
    return instance


def _instance_running(play: Play) -> UUID:
    instance = _start(play)
    play.take(instance, "a")
    return instance


def _instance_suspended(play: Play) -> UUID:
    instance = _start(play)
    _suspend(play, instance)
    return instance


def _instance_dead_letter(play: Play) -> UUID:
    instance = _start(play, on_failure="suspend")
    play.fail(instance, "a")
    return instance


def _closing(play: Play) -> UUID:
    instance = _instance_running(play)
    _cancel(play, instance)
    return instance


def _closing_suspended(play: Play) -> UUID:
    # b without a timeout: otherwise the clock would end it, and with it the closing.
    play.deploy(workflow(Step("a"), Step("b")))
    (started,) = calls.start_instances(play.conn, "flow", [{}], ["key"])
    instance = started.instance_id
    play.take(instance, "b")
    grant = play.take(instance, "a")
    _suspend(play, instance)
    play.worker.fail(grant, retryable=False)
    return instance


def _compensating(play: Play) -> UUID:
    instance = _start_and_do_a(play)
    _cancel(play, instance)
    return instance


def _compensating_suspended(play: Play) -> UUID:
    instance = _compensating(play)
    _suspend(play, instance)
    return instance


def _compensating_dead_letter(play: Play) -> UUID:
    instance = _compensating(play)
    play.fail(instance, "a.compensate")
    return instance


def _succeeded(play: Play) -> UUID:
    instance = _start_and_do_a(play)
    play.complete(instance, "b")
    return instance


def _failed(play: Play) -> UUID:
    instance = _start_and_do_a(play, on_failure="fail")
    play.fail(instance, "b")
    return instance


def _compensated(play: Play) -> UUID:
    instance = _start_and_do_a(play)
    play.fail(instance, "b")
    play.complete(instance, "a.compensate")
    return instance


def _cancelled(play: Play) -> UUID:
    instance = _compensating(play)
    play.complete(instance, "a.compensate")
    return instance


INSTANCES: dict[str, Callable[[Play], UUID]] = {
    "RUNNING, nothing done": _start,
    "RUNNING, a step done": _start_and_do_a,
    "RUNNING, a task runs": _instance_running,
    "RUNNING, suspended": _instance_suspended,
    "RUNNING, dead letter": _instance_dead_letter,
    "CLOSING": _closing,
    "CLOSING, suspended": _closing_suspended,
    "COMPENSATING": _compensating,
    "COMPENSATING, suspended": _compensating_suspended,
    "COMPENSATING, dead letter": _compensating_dead_letter,
    "SUCCEEDED": _succeeded,
    "FAILED": _failed,
    "COMPENSATED": _compensated,
    "CANCELLED": _cancelled,
}
