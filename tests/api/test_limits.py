"""While anybody's schema, pattern or input is hard to check, the API goes on answering."""

import json
import statistics
import threading
import time
from typing import Any

import httpx2
import pytest

from onceflow.engine.settings import Settings

from .server import ApiServer, running_api

DOUBLING: dict[str, Any] = {
    "$ref": "#/$defs/d0",
    "$defs": {
        **{f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(40)},
        "d40": {"type": "object"},
    },
}
COLLIDING = {"items": [n * (2**61 - 1) for n in range(1, 30_000)]}
"""Numbers that all have one hash in Python."""

ATTACKS: dict[str, tuple[Any, Any]] = {
    "backtracking": (
        {"properties": {"a": {"pattern": "^(([a-z])+.)+[A-Z]([a-z])+$"}}},
        {"a": "a" * 500_000},
    ),
    "doubling": (DOUBLING, {"a": 1}),
    "enum": (
        {"properties": {"a": {"items": {"enum": [f"v{n}" for n in range(4000)]}}}},
        {"a": [f"w{n}" for n in range(60_000)]},
    ),
    "unique": ({"properties": {"items": {"uniqueItems": True}}}, COLLIDING),
    "numbers": ({"properties": {"a": {"multipleOf": 1e-9}}}, {"a": 0}),
    "deep": ({"type": "object"}, {"a": 0}),
}


def body_of(name: str) -> str:
    if name == "numbers":
        return '{"input": {"a": [' + ",".join(["1e131071"] * 60_000) + "]}}"
    if name == "deep":
        return '{"input": {"a": ' + "[" * 400 + "]" * 400 + "}}"
    return json.dumps({"input": ATTACKS[name][1]})


def deploy(server: ApiServer, name: str, schema: Any) -> None:
    definition = {"name": name, "input": schema, "steps": [{"id": "a", "task": "t"}]}
    answer = httpx2.post(f"{server.url}/workflows", json=definition, timeout=30)
    assert answer.status_code == 201, answer.text


@pytest.mark.parametrize("name", ATTACKS)
def test_others_are_served_while_an_input_is_hard_to_check(settings: Settings, name: str) -> None:
    with running_api(settings) as server:
        deploy(server, "hard", ATTACKS[name][0])
        deploy(server, "easy", {"type": "object", "properties": {"n": {"type": "integer"}}})
        body, ended = body_of(name), threading.Event()
        answers: list[int] = []

        def attack() -> None:
            while not ended.is_set():
                answer = httpx2.post(
                    f"{server.url}/workflows/hard/start",
                    content=body,
                    headers={"content-type": "application/json"},
                    timeout=60,
                )
                answers.append(answer.status_code)

        attackers = [threading.Thread(target=attack) for _ in range(4)]
        for thread in attackers:
            thread.start()
        took: list[float] = []
        try:
            with httpx2.Client(base_url=server.url, timeout=30) as client:
                began = time.monotonic()
                while time.monotonic() - began < 4 or not answers:
                    sent = time.perf_counter()
                    assert client.get("/health/live").status_code == 200
                    took.append(time.perf_counter() - sent)
                    assert time.monotonic() - began < 60
                easy = client.post("/workflows/easy/start", json={"input": {"n": 1}})
                assert easy.status_code == 201
        finally:
            ended.set()
            for thread in attackers:
                thread.join()
        assert statistics.median(took) < 0.1
        assert max(took) < 1
        assert set(answers) <= {201, 422}


def test_a_pattern_that_would_go_back_is_refused_at_deploy(settings: Settings) -> None:
    with running_api(settings) as server:
        for pattern, word in ((r"(?=a)b", "lookaround"), (r"(a)\1", "backreference")):
            definition = {
                "name": "p",
                "input": {"properties": {"a": {"pattern": pattern}}},
                "steps": [{"id": "a", "task": "t"}],
            }
            answer = httpx2.post(f"{server.url}/workflows", json=definition)
            assert answer.status_code == 422
            (fault,) = answer.json()["faults"]
            assert fault["place"].startswith("/input/properties/a/pattern")
            assert word in fault["message"]
