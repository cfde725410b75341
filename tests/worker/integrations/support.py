"""What the tests of integrations share: calling a task as a worker does, on a given attempt."""

import json
from typing import Any
from uuid import UUID

import onceflow.worker.integrations  # pyright: ignore[reportUnusedImport]  # noqa: F401 - registers
from onceflow.engine.calls import Grant
from onceflow.worker import Context, TaskError, registry
from onceflow.worker.handlers.conversion import encode_output

ID = UUID("01890000-0000-7000-8000-000000000001")
KEY = f"{ID}/send"


def context(attempt: int = 1) -> Context:
    """Return the context of an attempt at the task ``send`` of an instance."""
    grant = Grant(ID, "send", ID, "", "default", "{}", attempt, None, KEY, "w", 1, False)
    return Context(grant)


async def call(task: str, **given: Any) -> Any:
    """Call an async task with an input and return its output, both by way of JSON."""
    return json.loads(await call_raw(task, json.dumps(given)))


async def call_raw(task: str, given: str) -> bytes:
    """Call an async task with an input in JSON text and return its output as such."""
    handler = registry.find(task)
    assert handler is not None
    output = encode_output(await handler.call(given, context()), unknown=False)
    assert isinstance(output, bytes)
    return output


async def failure(task: str, **given: Any) -> TaskError:
    """Call an async task and return the failure that it must end with."""
    try:
        output = await call(task, **given)
    except TaskError as error:
        return error
    raise AssertionError(f"{task} has succeeded: {output}")
