"""What the demo asks of Onceflow: a few calls of its REST API."""

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import httpx2


class ApiError(Exception):
    """The API refused a request, or did not answer; the message says what it said."""


class Client:
    """A client of one deployment at ``url``; use it as a context manager."""

    def __init__(self, url: str, timeout: float = 30) -> None:
        self._http = httpx2.Client(base_url=url, timeout=timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._http.close()

    def is_ready(self) -> bool:
        """Tell whether the API answers and reaches its database."""
        try:
            return self._http.get("/health/ready").status_code == 200
        except httpx2.TransportError:
            return False

    def register(self, definition: str) -> dict[str, Any]:
        """Register a workflow given as YAML; the same one again gives the same version."""
        return self._call(
            "POST", "/workflows", text=definition, headers={"Content-Type": "application/yaml"}
        )

    def start(self, workflow: str, key: str, value: Mapping[str, Any]) -> dict[str, Any]:
        """Start one instance under an idempotency key."""
        return self._call(
            "POST",
            f"/workflows/{workflow}/start",
            json={"input": value},
            headers={"Idempotency-Key": key},
        )

    def instances(self, workflow: str) -> list[dict[str, Any]]:
        """Return all instances of a workflow, without their tasks."""
        found: list[dict[str, Any]] = []
        cursor = ""
        while True:
            query = {"limit": "100", "cursor": cursor}
            page = self._call("GET", f"/workflows/{workflow}/instances", params=query)
            found += page["items"]
            cursor = page["next"]
            if not cursor:
                return found

    def instance(self, workflow: str, instance: str) -> dict[str, Any]:
        """Return one instance with its tasks and its log."""
        return self._call("GET", f"/workflows/{workflow}/instances/{instance}")

    def explain(self, instance: str) -> list[str]:
        """Return in words why an instance is not moving."""
        answer = self._call("GET", f"/instances/{instance}/explain")
        return [
            f"{reason['task'] or 'the instance'}: {reason['because']}"
            for reason in answer["because"]
        ]

    def dead_letters(self) -> list[dict[str, Any]]:
        """Return the open dead letters."""
        answer = self._call("GET", "/dead-letters")
        return answer["items"]

    def redrive(self, letter: Mapping[str, Any], corrected: Mapping[str, Any]) -> None:
        """Try a dead letter again, with a corrected input."""
        key = {"instance": letter["instance"], "task": letter["task"], "input": corrected}
        answer = self._call("POST", "/dead-letters/redrive", json={"dead_letters": [key]})
        (decided,) = answer["decided"]
        if decided["outcome"] != "done":
            raise ApiError(f"the dead letter was not redriven: {decided['detail']}")

    def workers(self) -> list[dict[str, Any]]:
        """Return the workers that are alive."""
        return self._call("GET", "/workers", params={"state": "live"})["items"]

    def _call(
        self,
        method: str,
        path: str,
        *,
        text: str | None = None,
        json: Any = None,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        try:
            answer = self._http.request(
                method, path, content=text, json=json, params=params, headers=headers
            )
        except httpx2.TransportError as error:
            raise ApiError(f"{method} {path} got no answer: {error}") from error
        if answer.status_code >= 400:
            raise ApiError(f"{method} {path} was refused ({answer.status_code}): {answer.text}")
        return answer.json()
