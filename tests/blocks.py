"""An instance with blocks, as tests look at it: a batch of invoices, a few of which have failed."""

from typing import Any
from uuid import UUID, uuid4

import psycopg

from onceflow.engine import calls
from onceflow.engine.calls import Completion, Failure, Grant, Key
from onceflow.engine.definition import compile_definition, parse

BATCH = """
name: batch
steps:
  - {id: fetch, task: shop.fetch}
  - id: invoices
    for_each: $.input.orders
    as: order
    max_parallel: 6
    tolerate: 10%
    timeout: 1h
    steps:
      - {id: render, task: shop.render, with: {order: $.order.order}}
      - id: pages
        for_each: [1]
        steps: [{id: draw, task: shop.draw}]
      - {id: send, task: shop.send, with: {order: $.order.order}, on_failure: suspend}
  - id: checks
    parallel:
      stock: [{id: count, task: shop.count}]
      credit: [{id: ask, task: shop.ask}]
  - {id: report, task: shop.report}
"""
TASKS = [f"shop.{one}" for one in ("fetch", "render", "draw", "send", "count", "ask", "report")]
ITEMS = 30
PAGES = ITEMS + 5
"""The scope of the pages of item 6, whose own scope is 7."""


class Batch:
    """An instance of the batch, and the worker that moves it."""

    def __init__(self, conn: psycopg.Connection[Any], items: int = ITEMS) -> None:
        self.conn = conn
        calls.register_workflow(conn, compile_definition(parse(BATCH, "yaml")))
        given = {"orders": [{"order": 10248 + n} for n in range(items)]}
        self.id = calls.start_instances(conn, "batch", [given])[0].instance_id
        self._worker = calls.register_worker(conn, "shop", ["default"], TASKS, 60)
        self._call = 0

    def claim(self, task: str) -> Grant:
        """Claim a task, which must be granted."""
        self._call += 1
        key = Key(self.id, task)
        (claim,) = calls.claim_tasks(self.conn, self._worker, uuid4(), self._call, [key])
        assert claim.grant is not None, task
        return claim.grant

    def complete(self, *tasks: str) -> None:
        """Complete tasks, one after the other."""
        for task in tasks:
            grant = self.claim(task)
            completion = Completion(grant.instance_id, grant.task, grant.fence, f"done {task}")
            calls.complete_tasks(self.conn, self._worker, [completion])

    def fail(self, task: str, code: str, message: str) -> None:
        """Fail a task for good."""
        grant = self.claim(task)
        error = {"code": code, "message": message}
        failure = Failure(grant.instance_id, grant.task, grant.fence, error, retryable=False)
        calls.fail_tasks(self.conn, [failure])


def begin_batch(conn: psycopg.Connection[Any], items: int = ITEMS) -> UUID:
    """Start a batch and return it, its ``invoices`` under way.

    Those before 3 are done; 3 has failed by its render; 4 and those from 7 to 9 have their render
    queued, 5 holds an open dead letter, its send, 6 draws its pages; those from 10 on wait.
    """
    batch = Batch(conn, items)
    batch.complete("fetch")
    for n, item in enumerate((0, 1, 2, 5, 6), 1):
        batch.complete(f"render/{item + 1}")
        if item < 6:
            batch.complete(f"draw/{items + n}")
        if item < 3:
            batch.complete(f"send/{item + 1}")
        if item == 2:  # the next ones are opened in its place
            batch.fail("render/4", "pdf.broken", "no such font")
    batch.fail("send/6", "smtp.refused", "no such box")
    return batch.id
