"""The kinds of triggers, each told by the key that only it has.

The next kind is a module beside `schedule.py` and a line here.
"""

from typing import Any, NamedTuple, cast

from ...json_text import Json
from ..common.mends import did_you_mean, one_of
from ..foreign import triggers as foreign
from ..source.document import Faults, child
from ..steps import checks
from ..steps.members import Key, Members, Schema
from . import kafka, schedule, webhook
from .trigger import TRIGGER_ID, Trigger

MOST = 50
"""Entries of one workflow."""


class Kind(NamedTuple):
    """What stands under the key of a kind, what that means, and the struct that it becomes."""

    members: Members
    struct: type[Trigger]
    meaning: str
    one_of: tuple[str, ...] = ()
    """Of these keys it has exactly one."""


KINDS = {
    "schedule": Kind(
        schedule.MEMBERS,
        schedule.Schedule,
        "The times at which instances are started, by cron or at an interval.",
        ("cron", "every"),
    ),
    "webhook": Kind(
        webhook.MEMBERS,
        webhook.Webhook,
        "Requests of another service, which start instances at POST /hooks/WORKFLOW/ID.",
    ),
    "kafka": Kind(
        kafka.MEMBERS,
        kafka.Kafka,
        "The topic whose records start instances, or are events; each of them once.",
    ),
}
"""By the key that tells the kind."""

_ID = Key(
    checks.matching(TRIGGER_ID, "an id: a letter, then up to 62 letters, digits, - or _"),
    {"type": "string", "pattern": TRIGGER_ID},
    "What it is called; in the next version the entry with the same id is the same one.",
    required=True,
    examples=("nightly",),
)


def read_triggers(value: Json, pointer: str, faults: Faults) -> list[Trigger]:
    """Read the entries of `on`; those that are none are left out."""
    if not isinstance(value, list):
        faults.add(pointer, f"must be a list of what starts it: {_written_otherwise(value)}")
        return []
    entries = cast(list[Json], value)
    if len(entries) > MOST:
        faults.add(pointer, f"has {len(entries)} entries, and {MOST} are allowed")
    read = [_read(entry, child(pointer, n), faults) for n, entry in enumerate(entries[:MOST])]
    found: dict[str, Trigger] = {}
    for trigger in read:
        if trigger is None:
            continue
        if trigger.id in found:
            message = f"{trigger.id!r} is the id of another entry already; give each its own"
            faults.add(child(trigger.pointer, "id"), message)
        found.setdefault(trigger.id, trigger)
    return [*found.values()]


def _written_otherwise(value: Json) -> str:
    """Return our form of what stands under `on` in another language."""
    if isinstance(value, dict):
        for name, inner in cast(dict[str, Json], value).items():
            return foreign.entry(name, inner)
    return foreign.SCHEDULE


def _read(value: Json, pointer: str, faults: Faults) -> Trigger | None:
    head = Members(
        "an entry of `on`",
        {"id": _ID, **{name: Key(_as_it_is, {}, kind.meaning) for name, kind in KINDS.items()}},
        foreign.OF_AN_ENTRY,
    )
    members = head.read(value, pointer, faults)
    if members is None:
        return None
    told = [name for name in KINDS if name in cast(dict[str, Json], value)]
    kinds = one_of([f"`{name}`" for name in KINDS])
    if not told:
        faults.add(pointer, f"needs the key that says what starts it: {kinds}")
        return None
    for other in told[1:]:
        message = f"has {told[0]!r} already; make two entries of it"
        faults.add(child(pointer, other), message, key=True)
    kind = KINDS[told[0]]
    place = child(pointer, told[0])
    inner = kind.members.read(cast(dict[str, Json], value)[told[0]], place, faults)
    if inner is None:
        return None
    _require_one(kind, cast(dict[str, Json], cast(dict[str, Json], value)[told[0]]), place, faults)
    kind.struct.check(inner, place, faults)
    return kind.struct.of(members.get("id", f"trigger.{pointer}"), inner, pointer)


def _require_one(kind: Kind, written: dict[str, Json], pointer: str, faults: Faults) -> None:
    """Note that of keys of which there is one there are none, or several."""
    found = [name for name in kind.one_of if name in written]
    if len(found) == 1 or not kind.one_of:
        return
    if found:
        message = f"stands beside `{found[0]}`; write one of them"
        faults.add(child(pointer, found[1]), message, key=True)
        return
    near = "".join(did_you_mean(name, kind.one_of) for name in written)[:60]
    keys = one_of([f"`{name}`" for name in kind.one_of])
    faults.add(pointer, f"{kind.members.name} needs {keys}{near}")


def _as_it_is(value: Json, pointer: str, faults: Faults) -> Any:
    return value


def trigger_schemas() -> dict[str, Schema]:
    """Return the JSON Schema of an entry, of one kind or another, and that of each kind."""
    kinds: dict[str, Schema] = {}
    for name, kind in KINDS.items():
        inner = kind.members.schema()
        if kind.one_of:
            inner["oneOf"] = [{"required": [key]} for key in kind.one_of]
        kinds[f"trigger-{name}"] = {
            "title": f"{name} trigger",
            "type": "object",
            "additionalProperties": False,
            "required": ["id", name],
            "properties": {"id": _ID.published(), name: {"description": kind.meaning, **inner}},
        }
    return {"trigger": {"anyOf": [{"$ref": f"#/$defs/{name}"} for name in kinds]}, **kinds}


ENTRIES: Schema = {"type": "array", "maxItems": MOST, "items": {"$ref": "#/$defs/trigger"}}
"""The JSON Schema of the value of `on`."""
