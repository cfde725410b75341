"""What commands ask the API, and are answered: its bodies, with all digits of their numbers."""

from pathlib import Path
from typing import Any, Final
from uuid import UUID

import msgspec

from ...engine import json_text
from ...engine.calls import Decided, Key
from ...engine.commands.arguments import InstanceId
from ...engine.commands.database import CANDIDATES, Row, only_one
from ...engine.errors import BadArgument
from ...engine.tracing import read_trace, variables
from ..http import HttpClient
from ..requests import BATCH, Request, error_of, list_of, post, read_answer

PAGE: Final = 200
"""Rows of one page at most."""


def open_api(url: str, key_file: str | None) -> "Api":
    """Return what asks the API at ``url``, with the key in a file, or in ONCEFLOW_API_KEY.

    Raises BadArgument.
    """
    if not url.startswith(("http://", "https://")):
        raise BadArgument(
            f"{url!r} is no address of an API", hint="give it as https://flows.example.com"
        )
    key = None
    if key_file is not None:
        try:
            key = Path(key_file).read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise BadArgument(f"the key in {key_file} cannot be read: {error}") from error
        if not key:
            raise BadArgument(f"the file {key_file} has no key in it")
    return Api(url.rstrip("/") + "/", key=key, headers=read_trace(variables()))


class Api(HttpClient):
    """The API, as commands see it."""

    def ask(self, question: Request) -> Any:
        """Return the body of an answer. Raises the error that a refusal tells."""
        return json_text.decode_exact(bytes(read_answer(self._ask(question), msgspec.Raw)))

    def read(self, path: str) -> Any:
        """Return what there is under a path."""
        return self.ask(Request("GET", path))

    def change(self, path: str, body: Any) -> Any:
        """Return what a body that was posted came to."""
        return self.ask(post(path, body))

    def start_or_find(self, path: str, body: Any) -> tuple[bool, Any]:
        """Return whether an instance was started now, and how it stands."""
        answer = self._ask(post(path, body))
        return answer.status == 201, json_text.decode_exact(bytes(read_answer(answer, msgspec.Raw)))

    def pages(
        self, path: str, query: dict[str, str | int | None], limit: int
    ) -> tuple[list[Row], str | None, int | None]:
        """Return up to ``limit`` rows of a list, what asks for those behind, and how many were
        looked at where that is not all.
        """
        rows: list[Row] = []
        cursor = str(query.pop("cursor", None) or "")
        while True:
            page = self.ask(list_of(path, query, min(limit - len(rows), PAGE), cursor))
            rows += page["items"]
            cursor = page["next"] or ""
            if not cursor or len(rows) >= limit or page.get("looked_at"):
                return rows, cursor or None, page.get("looked_at")

    def whole_id(self, given: InstanceId) -> UUID:
        """Return the id that was given, or the one that begins so. Raises NotFound, BadArgument."""
        if isinstance(given, UUID):
            return given
        found, _, _ = self.pages("instances", {"id": given}, CANDIDATES + 1)
        return only_one(given, found)

    def decide(self, instance: UUID, verb: str, body: Any = None) -> Decided:
        """Return what became of an instance; what is refused, or not there, is an outcome."""
        path = f"instances/{instance}/{verb}"
        question = Request("POST", path) if body is None else post(path, body)
        answer = self._ask(question)
        if answer.status in (404, 409):
            outcome = "unknown" if answer.status == 404 else "refused"
            detail = str(error_of(answer)).removeprefix("Refused: ").removesuffix(".")
            return Decided(instance, None, outcome, detail)
        return Decided(instance, None, "done", read_answer(answer, _Decision).detail)

    def decide_each(
        self, path: str, items: list[dict[str, Any]], name: str, **more: Any
    ) -> list[Decided]:
        """Return what became of dead letters or forms, so many in a request."""
        decided: list[Decided] = []
        for first in range(0, len(items), BATCH):
            answer = self.change(path, {name: items[first : first + BATCH], **more})
            decided += [
                Decided(UUID(one["instance"]), one["task"], one["outcome"], one["detail"])
                for one in answer["decided"]
            ]
        return decided


def as_items(keys: list[Key], **more: Any) -> list[dict[str, Any]]:
    """Return dead letters or forms as the API takes them, each with what more there is."""
    return [{"instance": key.instance_id, "task": key.task, **more} for key in keys]


def exact(value: json_text.Json) -> msgspec.Raw:
    """Return a value as it stands in a body, with all digits of its numbers."""
    return msgspec.Raw(json_text.encode(value).encode())


class _Decision(msgspec.Struct):
    detail: str
