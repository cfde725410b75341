"""What a webhook's request brings, as the JSON that its expressions see."""

from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import parse_qsl

import msgspec

from ...engine.webhooks import Signature, is_kept
from ..operation import JSON, Delivery
from ..problems import Problem
from ..requests import FORM, decode_text, media_type, refuse_malformed, refuse_unkept

MOST_FIELDS: Final = 1000
"""Fields of a form, or of a query."""


def refuse_encoded(delivery: Delivery) -> None:
    """Raise Problem 415 for a compressed body: what its sender signed could not be told."""
    encoding = delivery.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("", "identity"):
        raise Problem(415, "The body is compressed: send it as it is, without Content-Encoding.")


def read_request(delivery: Delivery, signature: Signature | None, form: str | None) -> bytes:
    """Return {body, headers, query} as JSON text, in which numbers keep their digits.

    ``form`` is the field in which this sender's forms bring JSON. Raises Problem 400, 415 or 422.
    """
    headers = {
        name: ", ".join(values)
        for name, values in delivery.headers_by_name().items()
        if is_kept(name, signature)
    }
    request = msgspec.json.encode(
        {
            "body": msgspec.Raw(_body(delivery, form)),
            "headers": headers,
            "query": _fields(delivery.query),
        }
    )
    refuse_unkept(request)
    return request


def _body(delivery: Delivery, form: str | None) -> bytes:
    kind = media_type(delivery.headers.get("content-type", ""))
    if not delivery.body and not kind:
        return b"null"
    text = decode_text(delivery.body)
    if kind == FORM:
        fields = _fields(_pairs(text, "body"))
        brought = fields.get(form) if form else None
        if not isinstance(brought, str):
            return msgspec.json.encode(fields)
        body = brought.encode()
    elif kind == JSON or kind.endswith("+json"):
        body = delivery.body
    else:
        said = f"is {kind}" if kind else "has no Content-Type"
        raise Problem(415, f"The body {said}: send it as {JSON} or {FORM}.")
    refuse_malformed(body)
    return body


def _pairs(text: str, what: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS)
    except ValueError as error:  # UnicodeDecodeError is one
        raise Problem(400, f"The {what} is no form of at most {MOST_FIELDS} fields.") from error


def _fields(pairs: Iterable[tuple[str, str]]) -> Mapping[str, str | list[str]]:
    """Return what fields say by their names; one that is given more than once, as a list."""
    found: dict[str, str | list[str]] = {}
    for name, value in pairs:
        before = found.get(name)
        if before is None:
            found[name] = value
        else:
            found[name] = [*([before] if isinstance(before, str) else before), value]
    return found
