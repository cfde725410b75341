"""The worker's calls on the tasks of one registration: claim, record, give back.

Each call is one transaction over a set. Where a set fails by the data in it, or takes too long, it
is halved until the poisoned item stands alone, and that one becomes a permanent failure of its
task.
"""

import logging
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import psycopg

from ...engine import failpoints
from ...engine.calls import (
    Completion,
    Deferral,
    Failure,
    GiveBack,
    Grant,
    Key,
    claim_tasks,
    complete_tasks,
    defer_tasks,
    fail_tasks,
    give_back_tasks,
    quarantine_messages,
    take_tasks,
)
from ..handlers.faults import Fault, fault
from ..handlers.later import Later
from ..registration.leases import Counters, Registration
from ..registration.retrying_connection import RetryingConnection, Spoiled
from .attempt import Attempt, Outcome, Recorded
from .failure_log import warn_of_failure
from .message import Message
from .traced import of_grant

log = logging.getLogger("onceflow.worker")

T = TypeVar("T")
Conn = psycopg.Connection[Any]

PATIENCE = 3
"""How often a completion that stands alone may run into the statement timeout before it is sent
without evaluating what comes due: the expressions of that are failed in its stead."""


class EngineCalls:
    """The calls of one registration, over one connection, made by one thread at a time.

    Each method repeats its call until it is answered. They raise WorkerNotLive, and Abandoned where
    ``go_on`` says no (the lease is lost, or the time to stop is up).
    """

    def __init__(
        self,
        connection: RetryingConnection,
        registration: Registration,
        counters: Counters,
        go_on: Callable[[], bool],
    ) -> None:
        self._connection = connection
        self._registration = registration
        self._worker_id = registration.worker_id
        self._grants = registration.grants
        self._counters = counters
        self._go_on = go_on

    def claim(self, messages: Sequence[Message]) -> list[Grant]:
        """Claim what the messages name and return what was granted.

        A message that cannot be read or names nothing known is in quarantine afterwards; then all
        of them may be committed.
        """
        by_key = {message.key: message for message in messages if message.key is not None}
        bad = [message.as_bad() for message in messages if message.key is None]
        grants: list[Grant] = []
        held = 0
        if by_key:
            failpoints.hit("worker.before_claim")
            grants, refused, held = self._claim(list(by_key))
            bad += [by_key[key].as_bad(reason) for key, reason in refused.items()]
        if bad:
            kept = self._call("quarantining messages", lambda c: quarantine_messages(c, bad))
            self._counters.add("quarantined", kept)
        self._counters.add("claimed", len(grants))
        self._counters.add("held", held)
        self._counters.add("skipped", len(messages) - len(bad) - len(grants) - held)
        return grants

    def take(self, queues: Sequence[str], limit: int) -> tuple[list[Grant], int]:
        """Take up to ``limit`` messages out of the outbox and claim their tasks.

        Returns what was granted, and how many messages were there: fewer than ``limit`` where no
        more are.
        """
        failpoints.hit("worker.before_claim")
        call = self._grants.open()
        grants: list[Grant] = []
        try:
            taken = self._call(
                f"taking {limit} tasks",
                lambda c: take_tasks(c, self._worker_id, call.token, call.number, queues, limit),
            )
            failpoints.hit("worker.after_claim")
            # Two grants of one task would be two handlers at work under one fence.
            grants = list({g.key: g for one in taken if (g := one.grant) is not None}.values())
        except Spoiled as error:
            if limit > 1:
                return self.take(queues, limit // 2)
            return [], self._take_blind(queues, error)
        finally:
            self._grants.close(call.token, len(grants))
        quarantined = sum(one.answer == "quarantined" for one in taken)
        self._counters.add("quarantined", quarantined)
        self._counters.add("claimed", len(grants))
        held = sum(one.answer == "held" for one in taken)
        self._counters.add("held", held)
        self._counters.add("skipped", len(taken) - quarantined - len(grants) - held)
        return grants, len(taken)

    def record(self, outcomes: Sequence[Outcome], room: int) -> list[Grant]:
        """Send answers back, and return up to ``room`` tasks that were handed off in return."""
        completions = [o for o in outcomes if isinstance(o.answer, bytes)]
        failures = [o for o in outcomes if isinstance(o.answer, Fault)]
        deferrals = [o for o in outcomes if isinstance(o.answer, Later)]
        grants: list[Grant] = []
        for outcome in outcomes:
            if isinstance(outcome.answer, Recorded):
                self._answered([outcome.attempt], [outcome.answer.answer], "completed")
                grants += outcome.answer.grants
        if failures:
            self._fail(failures)
        if deferrals:
            self._defer(deferrals)
        if completions:
            failpoints.hit("worker.before_complete")
            grants += self._complete(completions, room)
        self._counters.add("handed_off", len(grants))
        return grants

    def _defer(self, outcomes: list[Outcome]) -> None:
        """Leave attempts to be answered from outside."""
        items = [_deferral(outcome) for outcome in outcomes]
        attempts = [outcome.attempt for outcome in outcomes]
        try:
            answers = self._call("deferring tasks", lambda c: defer_tasks(c, items))
        except Spoiled as error:
            if len(outcomes) > 1:
                for half in _halves(outcomes):
                    self._defer(half)
            else:
                self._let_go(attempts, error)
            return
        self._answered(attempts, [answer.answer for answer in answers], "deferred")

    def give_back(self, attempts: Sequence[Attempt]) -> None:
        """Return attempts undone."""
        items = [
            GiveBack(a.grant.instance_id, a.grant.task, a.grant.fence, a.started) for a in attempts
        ]
        try:
            answers = self._call("giving tasks back", lambda c: give_back_tasks(c, items))
        except Spoiled as error:
            self._let_go(attempts, error)
            return
        self._answered(attempts, [answer.answer for answer in answers], "given_back")

    def _let_go(self, attempts: Sequence[Attempt], error: Spoiled) -> None:
        """Leave attempts that cannot be answered now to the next renewal, which has them given out
        again; nobody's data is in what they wait for, so a moment later it may do.
        """
        for attempt in attempts:
            grant = attempt.grant
            told = of_grant(grant)
            log.error("%s: its end could not be recorded: %s", grant.key, error, extra=told)
            self._grants.release(attempt.grant.fence)

    def _claim(self, keys: list[Key]) -> tuple[list[Grant], dict[Key, str], int]:
        """Return the grants, the keys that no task belongs to, each with the reason, and how many
        tasks were left to workers that have their handlers.
        """
        call = self._grants.open()
        granted = 0
        try:
            claims = self._call(
                f"claiming {len(keys)} tasks",
                lambda c: claim_tasks(c, self._worker_id, call.token, call.number, keys),
            )
            failpoints.hit("worker.after_claim")
            grants = [claim.grant for claim in claims if claim.grant is not None]
            granted = len(grants)
        except Spoiled as error:
            if len(keys) == 1:
                return [], self._claim_blind(keys[0], error), 0
            one, other = (self._claim(half) for half in _halves(keys))
            return one[0] + other[0], one[1] | other[1], one[2] + other[2]
        finally:
            self._grants.close(call.token, granted)
        unknown = (Key(c.instance_id, c.task) for c in claims if c.answer == "unknown")
        held = sum(claim.answer == "held" for claim in claims)
        return grants, dict.fromkeys(unknown, "it names a task that does not exist"), held

    def _claim_blind(self, key: Key, error: Spoiled) -> dict[Key, str]:
        """Claim what could not be claimed, without its input, to fail it for good.

        In quarantine alone its message would be missed, and sent again, for ever.
        """
        call = self._grants.open()
        granted: list[Grant] = []
        try:
            (claimed,) = self._call(
                "claiming a task without its input",
                lambda c: claim_tasks(
                    c, self._worker_id, call.token, call.number, [key], inputs=False
                ),
            )
            granted = [claimed.grant] if claimed.grant is not None else []
        except Spoiled as again:
            return {key: f"its claim was refused: {again}"}
        finally:
            self._grants.close(call.token, len(granted))
        self._fail_blind(granted, error)
        return {}

    def _take_blind(self, queues: Sequence[str], error: Spoiled) -> int:
        """Take the oldest message as in ``_claim_blind``; return how many messages were there."""
        call = self._grants.open()
        granted: list[Grant] = []
        try:
            taken = self._call(
                "taking a task without its input",
                lambda c: take_tasks(
                    c, self._worker_id, call.token, call.number, queues, 1, inputs=False
                ),
            )
            granted = [one.grant for one in taken if one.grant is not None]
        except Spoiled as again:
            log.error("the oldest message cannot be taken: %s", again)
            return 0
        finally:
            self._grants.close(call.token, len(granted))
        self._fail_blind(granted, error)
        return len(taken)

    def _fail_blind(self, grants: list[Grant], error: Spoiled) -> None:
        message = f"no worker can be given the input of this task: {error}"
        self._fail(
            [
                Outcome(Attempt(g, None, self._registration), fault("input.refused", message))
                for g in grants
            ]
        )

    def _complete(self, outcomes: list[Outcome], room: int, tries: int = 1) -> list[Grant]:
        completions = [_completion(outcome) for outcome in outcomes]
        call = self._grants.open() if room > 0 else None
        grants: list[Grant] = []
        try:
            answers = self._call(
                f"completing {len(outcomes)} tasks",
                lambda c: complete_tasks(
                    c,
                    self._worker_id,
                    completions,
                    call.token if call else None,
                    call.number if call else 0,
                    room,
                    evaluate=tries <= PATIENCE,
                ),
            )
            failpoints.hit("worker.after_complete")
            grants = [answer.grant for answer in answers if answer.grant is not None]
        except Spoiled as error:
            if len(outcomes) > 1:
                first, second = _halves(outcomes)
                grants_of_first = self._complete(first, room)
                return grants_of_first + self._complete(second, room - len(grants_of_first))
            if tries <= PATIENCE and (error.too_long or room > 0):
                # It has succeeded: what is slow, or cannot be handed over, is of what comes next.
                return self._complete(outcomes, 0, tries + 1)
            self._fail([_refused(outcomes[0], error)])
            return []
        finally:
            if call:
                self._grants.close(call.token, len(grants))
        said = [answer.answer for answer in answers]
        self._answered([outcome.attempt for outcome in outcomes], said, "completed")
        return grants

    def _fail(self, outcomes: list[Outcome], *, barely: bool = False) -> None:
        """Record failures; ``barely``: without what the database might refuse of them."""
        failures = [_bare(outcome) if barely else _failure(outcome) for outcome in outcomes]
        try:
            answers = self._call(
                f"failing {len(outcomes)} tasks",
                lambda c: fail_tasks(c, failures),
            )
        except Spoiled as error:
            if len(outcomes) > 1:
                for half in _halves(outcomes):
                    self._fail(half)
                return
            grant = outcomes[0].attempt.grant
            log.error("%s: its failure was refused: %s", grant.key, error, extra=of_grant(grant))
            if not barely:
                self._fail(outcomes, barely=True)
            else:  # no matter of its data: the next renewal has the task given out again
                self._grants.release(grant.fence)
            return
        said = [answer.answer for answer in answers]
        self._answered([outcome.attempt for outcome in outcomes], said, "failed")
        states = {
            (answer.instance_id, answer.task): answer.state if answer.answer != "stale" else "stale"
            for answer in answers
        }
        for outcome, failure in zip(outcomes, failures, strict=True):
            state = states.get((failure.instance_id, failure.task))
            warn_of_failure(outcome.attempt.grant, failure.error, state)

    def _answered(self, attempts: Sequence[Attempt], answers: Sequence[str], accepted: str) -> None:
        stale = sum(answer == "stale" for answer in answers)
        self._counters.add("stale", stale)
        self._counters.add(accepted, len(attempts) - stale)
        for attempt in attempts:
            self._grants.release(attempt.grant.fence)

    def _call(self, what: str, operation: Callable[[Conn], T]) -> T:
        return self._connection.call(what, operation, self._go_on, self._registration.lost)


def _completion(outcome: Outcome) -> Completion:
    grant = outcome.attempt.grant
    if not isinstance(outcome.answer, bytes):
        raise TypeError("only an output completes a task")
    return Completion(grant.instance_id, grant.task, grant.fence, outcome.answer)


def _deferral(outcome: Outcome) -> Deferral:
    grant = outcome.attempt.grant
    if not isinstance(outcome.answer, Later):
        raise TypeError("only what comes later is deferred")
    return Deferral(grant.instance_id, grant.task, grant.fence, outcome.answer.seconds)


def _failure(outcome: Outcome) -> Failure:
    grant, handler = outcome.attempt.grant, outcome.attempt.handler
    if not isinstance(outcome.answer, Fault):
        raise TypeError("an output is no failure")
    return Failure(
        grant.instance_id,
        grant.task,
        grant.fence,
        outcome.answer.error,
        outcome.answer.retryable,
        handler.retry_after(outcome.answer) if handler else None,
    )


def _bare(outcome: Outcome) -> Failure:
    """Return the failure of a task whose own error, or policy, the database refuses."""
    grant, answer = outcome.attempt.grant, outcome.answer
    if not isinstance(answer, Fault):
        raise TypeError("an output is no failure")
    error = {
        "code": "error.refused",
        "message": "the task has failed, and the database refuses what it said of its error",
        "unknown": bool(answer.error.get("unknown")),
    }
    return Failure(grant.instance_id, grant.task, grant.fence, error, answer.retryable, None)


def _refused(outcome: Outcome, error: Spoiled) -> Outcome:
    """Return the permanent failure of a task whose output the database refuses."""
    message = f"the task has succeeded, but its output was refused: {error}"
    return Outcome(outcome.attempt, fault("output.refused", message, unknown=True))


def _halves(items: list[T]) -> tuple[list[T], list[T]]:
    middle = len(items) // 2
    return items[:middle], items[middle:]
