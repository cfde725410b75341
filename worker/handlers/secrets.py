"""Fills the secrets that a step's definition names into its input, where the definition says so.

The places come with the grant, out of the step itself; nothing of the input is searched, so no
value that an instance was started with can ask for a secret.
"""

import logging
from collections.abc import Mapping
from typing import Any, cast

import msgspec

from ...engine.redact import SecretMask
from ...engine.secrets import SecretMissing, Secrets

log = logging.getLogger("onceflow.worker")

_warned: set[str] = set()


class SecretsMissing(Exception):
    """Secrets that a step needs are not to be had here; ``names`` are theirs."""

    def __init__(self, reasons: Mapping[str, str]) -> None:
        super().__init__("; ".join(reasons.values()))
        self.names = sorted(reasons)


class _Part(msgspec.Struct, frozen=True):
    secret: str


class _Text(msgspec.Struct, frozen=True):
    """A text to be put together, and where it goes."""

    at: list[str | int]
    parts: list[str | _Part]


class _Extra(msgspec.Struct, frozen=True):
    """What the engine tells besides a task; members of later releases are passed over."""

    secrets: list[_Text] = []


_decoder = msgspec.json.Decoder(_Extra)


def fill_secrets(input_json: str, extra_json: str, secrets: Secrets) -> tuple[str, SecretMask]:
    """Return the input with the secrets in it, and what masks them.

    A value that stands where a secret is to go already (by a redrive with another input) stays.
    Raises SecretsMissing.
    """
    texts = _decoder.decode(extra_json).secrets
    names = {part.secret for text in texts for part in text.parts if isinstance(part, _Part)}
    found: dict[str, str] = {}
    reasons: dict[str, str] = {}
    for name in sorted(names):
        try:
            found[name] = secrets.read(name)
        except SecretMissing as error:
            reasons[name] = str(error)
    if reasons:
        raise SecretsMissing(reasons)
    mask = SecretMask(found)
    for name in mask.too_short:
        if name not in _warned:
            _warned.add(name)
            log.warning("the secret %s is too short to be masked: give a longer one", name)
    filled = msgspec.Raw(input_json.encode())
    for text in texts:
        value = "".join(p if isinstance(p, str) else found[p.secret] for p in text.parts)
        filled = _put(filled, text.at, msgspec.json.encode(value))
    return bytes(filled).decode(), mask


def _put(json: msgspec.Raw, at: list[str | int], value: bytes) -> msgspec.Raw:
    """Return JSON text with a value at a place of it; the rest stays as it is, to the digit."""
    if not at:
        return msgspec.Raw(value) if bytes(json).strip() in (b"null", b"") else json
    key, rest = at[0], at[1:]
    try:
        if isinstance(key, str):
            members = msgspec.json.decode(json, type=dict[str, msgspec.Raw])
            if key not in members and rest:
                return json
            members[key] = _put(members.get(key, msgspec.Raw(b"null")), rest, value)
            return msgspec.Raw(msgspec.json.encode(members))
        items = cast("list[Any]", msgspec.json.decode(json, type=list[msgspec.Raw]))
        if key < len(items):
            items[key] = _put(items[key], rest, value)
        return msgspec.Raw(msgspec.json.encode(items))
    except msgspec.ValidationError:  # another input, in which there is no such place
        return json
