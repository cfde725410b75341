"""What the demo does once everything runs: one instance a customer, one for all, and a hand."""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from . import plan
from .client import ApiError, Client
from .mail_catcher import read_deliveries
from .northwind import load_customers
from .programs import Programs
from .show import Show

T = TypeVar("T")

PAUSE = 0.2
"""Seconds between two looks at the instances."""
OPEN_IN_BATCH = 2
"""What is open of the batch when one e-mail is left: that task, and the block around it."""
EXPLAINED = 5
"""How many instances are explained where the demo fails."""


class NotInTime(Exception):
    """The demo did not come to its end within its time; the message says what it waits for."""


class Conductor:
    """Takes both workflows through the demo, by the REST API alone.

    ``deadline`` is in seconds of time.monotonic(). Every method raises NotInTime when it is over,
    ChildEnded where a process has died, and ApiError.
    """

    def __init__(
        self, client: Client, programs: Programs, mailbox: Path, show: Show, deadline: float
    ) -> None:
        self._client = client
        self._programs = programs
        self._mailbox = mailbox
        self._show = show
        self._deadline = deadline
        self._instances: dict[str, str] = {}
        self._batch = ""

    def start_all(self) -> None:
        """Wait for the API, register both workflows and start their instances."""
        self._until(self._client.is_ready, "the api to be ready")
        for run in plan.RUNS:
            definition = Path(__file__).with_name(f"{run.workflow}.yaml")
            version = self._client.register(definition.read_text())
            self._show.say(f"registered {version['name']}, version {version['version']}")
        started = self._client.start(
            plan.BATCH.workflow,
            key="batch",
            value={
                "shop": self._programs.shops[plan.BATCH.shop],
                "report_to": plan.REPORT_TO,
            },
        )
        self._batch = started["id"]
        for customer in load_customers():
            started = self._client.start(
                plan.WORKFLOW,
                key=customer.id,
                value={
                    "shop": self._programs.shops[plan.SINGLY.shop],
                    "customer": customer.id,
                    "email": customer.email,
                },
            )
            self._instances[customer.id] = started["id"]
        self._show.say(
            f"started {len(self._instances)} instances, one for each customer, and one for all"
        )

    def see_through(self, meanwhile: Callable[[], object]) -> None:
        """Wait for the end of all; correct the dead letters and kill who waits on the way.

        ``meanwhile`` is called in a thread while the tasks of the killed wait for other workers.
        """
        with self._show.counting(len(self._instances) + 1) as counting:

            def open_instances() -> set[str]:
                listed = self._listed()
                counting.count(listed)
                return {known["id"] for known in listed if known["ended_at"] is None}

            def correctable() -> list[dict[str, Any]]:
                open_instances()
                letters = self._client.dead_letters()
                for letter in letters:
                    self._require_expected(letter)
                return letters if len(letters) == len(plan.RUNS) else []

            for letter in self._until(correctable, "the dead letters of the refused e-mails"):
                self._correct(letter)
            waiting = {self._instances[plan.WITHHELD], self._batch}
            self._until(lambda: open_instances() <= waiting, "all instances but two to end")
            for worker in self._until(self._holders, "workers to wait for the mail server alone"):
                self._kill(worker)
            aside = threading.Thread(target=meanwhile, daemon=True)
            aside.start()
            self._until(lambda: not open_instances(), "the last instance to end")
            aside.join()

    def explain(self) -> list[str]:
        """Return in words why instances that have not ended are not moving: the first few."""
        customers = {instance: customer for customer, instance in self._instances.items()}
        customers[self._batch] = plan.BATCH.workflow
        lines: list[str] = []
        try:
            listed = self._listed()
            still = [known["id"] for known in listed if known["ended_at"] is None]
            for instance in still[:EXPLAINED]:
                customer = customers.get(instance, instance)
                lines += [f"{customer}: {why}" for why in self._client.explain(instance)]
            if len(still) > EXPLAINED:
                lines.append(f"{len(still) - EXPLAINED} more have not ended")
        except ApiError as error:
            lines.append(str(error))
        return lines

    def _listed(self) -> list[dict[str, Any]]:
        """Return all instances of both workflows."""
        return [each for run in plan.RUNS for each in self._client.instances(run.workflow)]

    def _require_expected(self, letter: dict[str, Any]) -> None:
        """Raise ApiError unless a dead letter is one of the refused e-mails."""
        moved = letter["instance"] in (self._instances[plan.MOVED], self._batch)
        if not moved or letter["input"].get("to") != plan.email_of(plan.MOVED):
            raise ApiError(
                f"an unexpected dead letter: {letter['task']} of {letter['instance']}, "
                f"{letter['error']['code']}: {letter['error']['message']}"
            )

    def _correct(self, letter: dict[str, Any]) -> None:
        """Send the refused e-mail to the address that is right."""
        where = f" in {plan.BATCH.workflow}" if letter["instance"] == self._batch else ""
        self._show.say(f"dead letter of {plan.MOVED}{where}: {letter['error']['message']}")
        self._client.redrive(letter, {**letter["input"], "to": plan.MOVED_TO})
        self._show.say(f"corrected to {plan.MOVED_TO} and redriven")

    def _holders(self) -> list[str]:
        """Return who waits for the answers to the e-mails that are kept already.

        Nobody as long as anything else is to be done: what a killed worker does besides would be
        done again, and the summary would count it.
        """
        deliveries = read_deliveries(self._mailbox)
        withheld = [entry for entry in deliveries if entry["outcome"] == "withheld"]
        batch = self._client.instance(plan.BATCH.workflow, self._batch)
        busy = [worker for worker in self._client.workers() if worker["running"]]
        if (
            len(withheld) < len(plan.RUNS)
            or batch["open_tasks"] > OPEN_IN_BATCH
            or sum(worker["running"] for worker in busy) > len(plan.RUNS)
        ):
            return []
        return [worker["name"] for worker in busy]

    def _kill(self, worker: str) -> None:
        self._programs.kill(worker)
        self._show.say(
            f"killed {worker} (SIGKILL): the mail server has kept the e-mail to {plan.WITHHELD} "
            "and not answered"
        )

    def _until(self, condition: Callable[[], T | None], what: str) -> T:
        """Return the first true answer of ``condition``."""
        while True:
            self._programs.check()
            answer = condition()
            if answer:
                return answer
            if time.monotonic() > self._deadline:
                raise NotInTime(f"waited in vain for {what}")
            time.sleep(PAUSE)
