"""What a grant tells of the trace that its task belongs to."""

from datetime import datetime
from typing import Any, Final

import msgspec

from ...engine.calls import Grant
from ...engine.logs import about
from ...engine.traces import spans


class Waited(msgspec.Struct, frozen=True):
    """What a task has waited for, before it was granted: queue, retry, hold, turn, step."""

    kind: str
    task: str
    since: datetime
    until: datetime


class Traced(msgspec.Struct, frozen=True):
    """The context that came with the start of the instance, and what the task has waited for."""

    trace: dict[str, str] | None = None
    waited: list[Waited] = []


_decoder = msgspec.json.Decoder(Traced)
_NOTHING: Final = Traced()


def read_traced(grant: Grant) -> Traced:
    """Return what a grant tells; nothing where its instance has no context."""
    if grant.extra_json is None or '"trace"' not in grant.extra_json:
        return _NOTHING
    try:
        return _decoder.decode(grant.extra_json)
    except msgspec.MsgspecError:  # of a release that tells it in another way
        return _NOTHING


def of_grant(grant: Grant, **fields: Any) -> dict[str, Any]:
    """Return the ``extra`` of a line of the log about an attempt: its trace, where there is one."""
    trace = read_traced(grant).trace
    traced = trace is not None or spans.is_set_up()
    return about([spans.trace_id_of(grant.instance_id, trace)] if traced else [], **fields)
