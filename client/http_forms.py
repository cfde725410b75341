"""The operations on forms, in which people are asked to decide, as requests."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from .model import Decided, Form
from .operations import Answer, Key, Page, Plan, WantedForms, answered, batches
from .requests import BATCH, Answered, Request, list_of, post, read_answer, refusal_of


class HttpForms:
    """Every operation on forms, as requests."""

    def forms(self, wanted: WantedForms, limit: int, cursor: str) -> Plan[Request, Page[Form]]:
        query: dict[str, str | int | None] = {
            "to": None if wanted.to is None else ",".join(wanted.to),
            "workflow": wanted.workflow,
            "instance": None if wanted.instance is None else str(wanted.instance),
            "task": wanted.task,
            "claimed_by": wanted.claimed_by,
        }
        return read_answer((yield list_of("forms", query, limit, cursor)), Page[Form])

    def claim_forms(self, keys: Sequence[Key], by: str) -> Plan[Request, list[Decided]]:
        return (yield from _decide("claim", keys, {"by": by}))

    def release_forms(self, keys: Sequence[Key], by: str) -> Plan[Request, list[Decided]]:
        return (yield from _decide("release", keys, {"by": by}))

    def reassign_forms(
        self, keys: Sequence[Key], by: str, to: Sequence[str]
    ) -> Plan[Request, list[Decided]]:
        return (yield from _decide("reassign", keys, {"by": by, "to": to}))

    def answer_form(self, form: Key, answer: Answer) -> Plan[Request, str]:
        instance, task = form
        body = {
            "instance": instance,
            "task": task,
            "decision": answer.decision,
            "by": answer.by,
            "answer": answer.written(),
            "key": answer.key,
        }
        came: Answered = yield post("forms/answer", body)
        if came.status == 422:
            refusal = refusal_of(came)
            return answered(form, "invalid", refusal.detail, refusal.faults)
        return read_answer(came, _Sent).outcome


class _Sent(msgspec.Struct):
    outcome: str


class _Decisions(msgspec.Struct):
    decided: list[Decided]


def _decide(
    verb: str, keys: Sequence[Key], more: Mapping[str, Any]
) -> Plan[Request, list[Decided]]:
    decided: list[Decided] = []
    for batch in batches(keys, BATCH):
        named = [{"instance": instance, "task": task} for instance, task in batch]
        answer: Answered = yield post(f"forms/{verb}", {"forms": named, **more})
        decided += read_answer(answer, _Decisions).decided
    return decided
