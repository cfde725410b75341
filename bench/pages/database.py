"""A database of a deployment that has run for long: many instances that have ended, many that wait.

A few instances are moved by hand into each state; the others are copies of theirs.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid4

import psycopg

from onceflow.engine import calls
from onceflow.engine.calls import Completion, Failure, Grant, Key
from onceflow.engine.definition import compile_definition

from ..seeding import TABLES, seed
from .trends import Shape, fill_statistics

Connection = psycopg.Connection[Any]
Beat = Callable[[float], None]

RETRIED: Final = {"attempts": 5, "backoff": "1h", "max": "1d"}
ORDER: Final[dict[str, Any]] = {
    "name": "order",
    "on_failure": "suspend",
    "search": ["$.input.customer"],
    "input": {
        "type": "object",
        "required": ["customer"],
        "properties": {"customer": {"type": "string"}, "total": {"type": "number"}},
    },
    "steps": [
        {"id": "reserve", "task": "shop.reserve", "compensate": {"task": "shop.release"}},
        {"id": "pay", "task": "shop.pay", "retry": RETRIED},
    ],
    "output": "$.steps.pay.output",
}
SIGNED: Final[dict[str, Any]] = {
    "name": "contract",
    "steps": [
        {"id": "sent", "wait_for": "sent", "timeout": "30d"},
        {"id": "rest", "sleep": "30d"},
    ],
}
ASKED: Final[dict[str, Any]] = {
    "name": "approval",
    "steps": [{"id": "ask", "approve": {"title": "Pay it?", "to": ["managers"]}}],
}
MANY: Final[dict[str, Any]] = {
    "name": "mailing",
    "on_failure": "suspend",
    "steps": [
        {"id": "letters", "for_each": "$.input.to", "steps": [{"id": "send", "task": "shop.mail"}]}
    ],
}
TASKS: Final = ["shop.reserve", "shop.release", "shop.pay", "shop.mail"]
KEYS: Final = "'order ' || s.id"
CUSTOMERS: Final = "'C' || (pg_catalog.hashtext(s.id::text) & 4095)"
KEPT: Final = TABLES | {"search_value": "instance_id", "idempotency_key": "instance_id"}
WAITING: Final = KEPT | {"wait": "instance_id"}
MADE: Final = {
    ("search_value", "value"): CUSTOMERS,
    ("idempotency_key", "key"): KEYS,
    ("wait", "n"): "pg_catalog.nextval('onceflow.wait_n')",
}
"""What differs from copy to copy."""


@dataclass(slots=True)
class Hand:
    """Moves the templates by hand, as workers and people would."""

    conn: Connection
    worker: UUID
    number: int = 0

    def start(self, workflow: str, given: dict[str, Any]) -> UUID:
        """Start an instance with a key."""
        self.number += 1
        (made,) = calls.start_instances(self.conn, workflow, [given], [f"template {self.number}"])
        return made.instance_id

    def order(self) -> UUID:
        """Start an order."""
        return self.start("order", {"customer": "C1", "total": 12.5})

    def claim(self, instance: UUID, most: int = 100) -> list[Grant]:
        """Claim what is queued of an instance."""
        found = self.conn.execute(
            "select task from onceflow.tasks where instance_id = %s and state = 'QUEUED' limit %s",
            (instance, most),
        )
        keys = [Key(instance, task) for (task,) in found]
        self.number += 1
        claimed = calls.claim_tasks(self.conn, self.worker, uuid4(), self.number, keys)
        return [one.grant for one in claimed if one.grant is not None]

    def complete(self, instance: UUID, most: int = 100) -> UUID:
        """Do what is queued of an instance."""
        done = [
            Completion(one.instance_id, one.task, one.fence, {"ok": True})
            for one in self.claim(instance, most)
        ]
        calls.complete_tasks(self.conn, self.worker, done)
        return instance

    def fail(self, instance: UUID, *, retryable: bool = False, most: int = 100) -> UUID:
        """Fail what is queued of an instance."""
        error = {"code": "shop.broke", "message": "the shop does not answer: connection refused"}
        failures = [
            Failure(one.instance_id, one.task, one.fence, error, retryable=retryable)
            for one in self.claim(instance, most)
        ]
        calls.fail_tasks(self.conn, failures)
        return instance


def fill(conn: Connection, ended: int, unended: int, beat: Beat) -> None:
    """Make so many instances that have ended, and so many that have not; then vacuum and analyze.

    ``conn`` must be a superuser's, in autocommit mode.
    """
    for definition in (
        *(ORDER | {"description": f"Revision {n}"} for n in range(1, 4)),
        *(SIGNED, ASKED, MANY),
    ):
        calls.register_workflow(conn, compile_definition(definition))
    for n in range(40):
        other = {"name": f"other-{n}", "steps": [{"id": "only", "task": "shop.mail"}]}
        calls.register_workflow(conn, compile_definition(other))
    worker = calls.register_worker(conn, "by-hand", ["default"], TASKS, 3600)
    hand = Hand(conn, worker)
    # Weeks that are over, and the last days, in which most of what has not ended has begun.
    history, recent = span(conn, 56, 3), span(conn, 3, 0)
    done = _ended(hand)
    parts = [*_shares(done, ended * 19 // 20, history), *_shares(done, ended // 20, recent)]
    parts += _shares(_unended(hand), unended, recent)
    total = sum(count for _, count, _ in parts)
    made = 0
    for template, count, (first, last) in parts:
        seed(
            conn, str(template), count, lambda n, made=made: beat(made + n),
            tables=WAITING, made=MADE, span=(first, last),
        )  # fmt: skip
        made += count
    assert made == total
    _one_of_many(hand)
    fill_statistics(conn, SHAPES)
    for table in WAITING:
        conn.execute(f"vacuum (analyze) onceflow.{table}".encode())
    conn.execute("analyze")
    conn.execute("checkpoint")


def span(conn: Connection, since: int, until: int) -> tuple[datetime, datetime]:
    """Return the time from so many days ago to so many."""
    row = conn.execute(
        "select pg_catalog.now() - pg_catalog.make_interval(days => %s),"
        " pg_catalog.now() - pg_catalog.make_interval(days => %s, mins => 1)",
        (since, until),
    ).fetchone()
    assert row is not None
    return row


Share = tuple[UUID, int]
Part = tuple[UUID, int, tuple[datetime, datetime]]


def _shares(templates: Sequence[Share], count: int, times: tuple[datetime, datetime]) -> list[Part]:
    shares = [(template, count * part // 100, times) for template, part in templates]
    return [share for share in shares if share[1]]


def _ended(hand: Hand) -> list[Share]:
    """Return ended instances, and in a hundred how many are like them."""
    good = hand.complete(hand.complete(hand.order()))
    failed = hand.fail(hand.complete(hand.order()))
    calls.discard_dead_letters(hand.conn, [Key(failed, "pay")])
    hand.complete(failed)  # what undoes
    cancelled = hand.order()
    calls.cancel_instances(hand.conn, [cancelled])
    return [(good, 94), (failed, 4), (cancelled, 2)]


def _unended(hand: Hand) -> list[Share]:
    """Return instances that have not ended, and in a hundred how many are like them."""
    running, held = hand.order(), hand.order()
    hand.claim(running)
    calls.suspend_instances(hand.conn, [held])
    waits, sleeps = (hand.start("contract", {}) for _ in range(2))
    calls.send_signals(hand.conn, [calls.Signal(sleeps, "sent", None)])
    return [
        (hand.order(), 20),
        (running, 10),
        (hand.fail(hand.complete(hand.order()), retryable=True), 15),
        (hand.fail(hand.complete(hand.order())), 20),
        (held, 5),
        (waits, 10),
        (sleeps, 10),
        (hand.start("approval", {}), 10),
    ]


SHAPES: Final = (
    *(Shape("", "", "RUNNING", 40, 0), Shape("", "", "SUCCEEDED", 36, 9)),
    *(Shape("", "", "FAILED", 4, 12), Shape("", "*", "RUNNING", 90, 3)),
    *(Shape("", "*", "SUCCEEDED", 80, 7), Shape("order", "", "RUNNING", 30, 0)),
    *(Shape("order", "", "SUCCEEDED", 28, 9), Shape("order", "", "COMPENSATED", 2, 12)),
    *(Shape("order", "reserve", "RUNNING", 30, 3), Shape("order", "reserve", "SUCCEEDED", 30, 7)),
    *(Shape("order", "pay", "RUNNING", 38, 4), Shape("order", "pay", "SUCCEEDED", 28, 10)),
    Shape("order", "pay", "RETRYING", 8, 12),
)


def _one_of_many(hand: Hand) -> None:
    """Start an instance of 10,000 items, of which some are done and some have failed."""
    many = hand.start("mailing", {"to": [{"customer": n} for n in range(10_000)]})
    hand.complete(many, 500)
    hand.fail(many, most=50)
