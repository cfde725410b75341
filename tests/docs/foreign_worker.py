"""A worker that knows docs/protocol.md, a driver and a Kafka client, and nothing of ours."""

import json
from contextlib import ExitStack, closing
from typing import Any
from uuid import UUID, uuid4

import confluent_kafka
import psycopg


class ForeignWorker:
    """The page, in as few lines as it takes."""

    def __init__(self, stack: ExitStack, dsn: str, kafka: str, prefix: str) -> None:
        self.register(stack, dsn)
        self.kafka = confluent_kafka.Consumer(
            {
                "bootstrap.servers": kafka,
                "group.id": f"{prefix}.workers",
                "auto.offset.reset": "earliest",
                "enable.auto.commit": False,
                "enable.auto.offset.store": False,
                "fetch.wait.max.ms": 20,
                "session.timeout.ms": 6000,
            }
        )
        stack.callback(self.kafka.close)
        topics = [f"{prefix}.tasks.numbers", f"{prefix}.tasks.other"]
        while not set(topics) <= set(self.kafka.list_topics(timeout=5).topics):
            self.kafka.poll(0.05)
        self.kafka.subscribe(topics)

    def register(self, stack: ExitStack, dsn: str) -> None:
        self.db = stack.enter_context(closing(psycopg.connect(dsn, autocommit=True)))
        self.call = 0
        self.token = uuid4()
        self.answers: list[tuple[str, str]] = []
        self.failed = False
        self.id: UUID = self.row(
            "select onceflow.register_worker('foreign', array['numbers', 'other'],"
            " array['number.double'], '30 seconds')"
        )[0]

    def row(self, sql: str, *parameters: Any) -> tuple[Any, ...]:
        row = self.db.execute(sql.encode(), parameters).fetchone()
        assert row is not None
        return row

    def rows(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        return self.db.execute(sql.encode(), parameters).fetchall()

    def turn(self) -> None:
        """Take one message, claim it, run all that was granted, with hand-off."""
        message = self.kafka.poll(0.2)
        if message is None or message.error():
            return
        body = json.loads(message.value() or b"")
        self.next_call()
        claimed = self.rows(
            "select answer from onceflow.claim_tasks(%s, %s, %s, %s::uuid[], %s)",
            *(self.id, self.token, self.call, [body["instance"]], [body["task"]]),
        )
        self.answers.append(("claim", claimed[0][0]))
        self.kafka.commit(message=message, asynchronous=False)
        self.run_all()

    def run_all(self) -> None:
        """Run all that was granted, and what is handed off in return."""
        while granted := self.rows(
            "select instance_id, task, fence, input, attempt, extra"
            " from onceflow.read_grants(%s, %s)",
            *(self.id, self.token),
        ):
            for *grant, extra in granted:
                assert extra is None
                self.run(*grant)

    def next_call(self) -> None:
        self.token = uuid4()
        self.call += 1

    def run(self, instance: UUID, task: str, fence: UUID, data: Any, attempt: int) -> None:
        self.next_call()
        if task == "second" and attempt == 1:
            error = json.dumps({"code": "number.moody", "message": "not today"})
            sql = (
                "select answer, state from onceflow.fail_tasks("
                "%s::uuid[], %s, %s::uuid[], %s::jsonb[], %s, %s::jsonb[])"
            )
            answer = self.row(sql, [instance], [task], [fence], [error], [True], [None])
        else:
            sql = (
                "select answer, state from onceflow.complete_tasks("
                "%s, %s::uuid[], %s, %s::uuid[], %s::jsonb[], %s, %s, 1)"
            )
            output = json.dumps({"n": data["n"] * 2})
            answer = self.row(
                *(sql, self.id, [instance], [task], [fence], [output], self.token, self.call)
            )
        self.answers.append((answer[0], answer[1]))

    def leave(self) -> None:
        self.rows("select * from onceflow.renew_worker(%s, '{}', %s, '{}', '{}')", self.id, 99)
        self.db.execute("select onceflow.stop_worker(%s)", [self.id])


class ForeignTaker(ForeignWorker):
    """The page where there is no Kafka: a driver is all it needs."""

    def __init__(self, stack: ExitStack, dsn: str) -> None:
        self.register(stack, dsn)
        self.ears = stack.enter_context(closing(psycopg.connect(dsn, autocommit=True)))
        self.ears.execute("listen onceflow")

    def turn(self) -> None:
        """Take a task and run it; where there is none, sleep until one comes."""
        queues = ["numbers", "other"]
        self.next_call()
        taken = self.rows(
            "select answer from onceflow.take_tasks(%s, %s, %s, %s, 1)",
            *(self.id, self.token, self.call, queues),
        )
        if taken:
            self.answers.append(("claim", taken[0][0]))
            self.run_all()
            return
        lock = "(hashtext('onceflow.sleepers'), hashtext(q)) from unnest(%s::text[]) q"
        self.ears.execute(f"select pg_try_advisory_lock_shared{lock}".encode(), [queues])
        for _ in self.ears.notifies(timeout=0.05, stop_after=1):
            self.answers.append(("woken", ""))
        self.ears.execute(f"select pg_advisory_unlock_shared{lock}".encode(), [queues])
