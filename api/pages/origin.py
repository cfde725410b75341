"""Where an error came from, as a worker records it and a page shows it."""

import msgspec

RELATIONS = {"context": "While handling", "member": "One of the group:", "more": "And more:"}


class Cause(msgspec.Struct, frozen=True):
    """An exception that led to another."""

    relation: str = "cause"
    type: str = ""
    message: str = ""
    traceback: list[str] = []

    @property
    def led(self) -> str:
        """How it led to the other, in words."""
        return RELATIONS.get(self.relation, "Caused by")


class Origin(msgspec.Struct, frozen=True):
    """What an error document tells of its origin."""

    fingerprint: str = ""
    traceback: list[str] = []
    cause: list[Cause] = []


def origin(error: msgspec.Raw) -> Origin | None:
    """Return where an error came from; None where it does not tell, or tells it in its own way."""
    try:
        found = msgspec.json.decode(error, type=Origin)
    except msgspec.DecodeError:
        return None
    return found if found.traceback or found.cause else None
