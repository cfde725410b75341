"""What the demo does once everything runs: one instance a customer, and a hand where needed."""

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

DEFINITION = Path(__file__).with_name("order-invoice.yaml")
PAUSE = 0.2
"""Seconds between two looks at the instances."""
EXPLAINED = 5
"""How many instances are explained where the demo fails."""


class NotInTime(Exception):
    """The demo did not come to its end within its time; the message says what it waits for."""


class Conductor:
    """Takes the workflow through the demo, by the REST API alone.

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

    def start_all(self) -> None:
        """Wait for the API, register the workflow and start one instance for each customer."""
        self._until(self._client.is_ready, "the api to be ready")
        version = self._client.register(DEFINITION.read_text())
        self._show.say(f"registered {version['name']}, version {version['version']}")
        for customer in load_customers():
            started = self._client.start(
                plan.WORKFLOW,
                key=customer.id,
                value={
                    "shop": self._programs.shop,
                    "customer": customer.id,
                    "email": customer.email,
                },
            )
            self._instances[customer.id] = started["id"]
        self._show.say(f"started {len(self._instances)} instances, one for each customer")

    def see_through(self, meanwhile: Callable[[], object]) -> None:
        """Wait for the end of all; correct the dead letter and kill the worker on the way.

        ``meanwhile`` is called in a thread while the killed worker's task waits for another.
        """
        with self._show.counting(len(self._instances)) as counting:

            def open_instances() -> set[str]:
                listed = self._client.instances(plan.WORKFLOW)
                counting.count(listed)
                return {known["id"] for known in listed if known["ended_at"] is None}

            def correctable() -> list[dict[str, Any]]:
                open_instances()
                return self._client.dead_letters(plan.WORKFLOW)

            for letter in self._until(correctable, "the dead letter of the refused e-mail"):
                self._correct(letter)
            waiting = {self._instances[plan.WITHHELD]}
            self._until(lambda: open_instances() <= waiting, "all instances but one to end")
            self._kill(self._until(self._holder, "a worker to wait for the mail server's answer"))
            aside = threading.Thread(target=meanwhile, daemon=True)
            aside.start()
            self._until(lambda: not open_instances(), "the last instance to end")
            aside.join()

    def explain(self) -> list[str]:
        """Return in words why instances that have not ended are not moving: the first few."""
        customers = {instance: customer for customer, instance in self._instances.items()}
        lines: list[str] = []
        try:
            listed = self._client.instances(plan.WORKFLOW)
            still = [known["id"] for known in listed if known["ended_at"] is None]
            for instance in still[:EXPLAINED]:
                customer = customers.get(instance, instance)
                lines += [f"{customer}: {why}" for why in self._client.explain(instance)]
            if len(still) > EXPLAINED:
                lines.append(f"{len(still) - EXPLAINED} more have not ended")
        except ApiError as error:
            lines.append(str(error))
        return lines

    def _correct(self, letter: dict[str, Any]) -> None:
        """Send the refused e-mail to the address that is right."""
        moved = self._instances[plan.MOVED]
        if letter["instance"] != moved:
            raise ApiError(
                f"an unexpected dead letter: {letter['task']} of {letter['instance']}, "
                f"{letter['error']['code']}: {letter['error']['message']}"
            )
        self._show.say(f"dead letter of {plan.MOVED}: {letter['error']['message']}")
        self._client.redrive(letter, {**letter["input"], "to": plan.MOVED_TO})
        self._show.say(f"corrected to {plan.MOVED_TO} and redriven")

    def _holder(self) -> str | None:
        """Return the worker that waits for an answer to an e-mail that is kept already."""
        if not any(entry["outcome"] == "withheld" for entry in read_deliveries(self._mailbox)):
            return None
        instance = self._client.instance(plan.WORKFLOW, self._instances[plan.WITHHELD])
        names = {worker["id"]: worker["name"] for worker in self._client.workers()}
        for task in instance["tasks"]:
            if task["step"] == "send-email" and task["state"] == "RUNNING":
                return names.get(task["worker_id"])
        return None

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
