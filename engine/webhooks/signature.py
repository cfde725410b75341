"""Signatures of requests: how a sender writes them, and whether one is right.

A sender keeps a secret with us and signs what it sends: a code of the raw body, often with a time
before it, so that what somebody has seen cannot be sent again later. How exactly is data:

    header     X-Hub-Signature-256      t=…,v1=… in Stripe-Signature
    format     sha256={hex}             t={time},v1={hex}
    signed     {body}                   {time}.{body}

``{secret}`` in a format, alone or behind a word, means that the header holds the secret itself.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec

ALGORITHMS: Final[Mapping[str, Callable[..., Any]]] = {
    "sha256": hashlib.sha256,
    "sha512": hashlib.sha512,
    "sha1": hashlib.sha1,
}
TOLERANCE: Final = 300
"""Seconds that a signed time may lie off ours, unless a definition says otherwise."""
HEADER: Final = r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}"
"""The name of a header, as HTTP has it."""
MOST: Final = 16
"""Signatures in one request that are looked at: a sender that rotates its secret gives two."""

_PLACE = re.compile(r"\{([^{}]*)\}")
_TIME = re.compile(r"[0-9]{1,12}", re.ASCII)


class SignatureError(ValueError):
    """This is no way in which a signature could be written; the text says why."""


class Signature(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a sender signs.

    ``timestamp`` is the header with the time that was signed, where the signature's own has none;
    ``tolerance`` is in seconds.
    """

    header: str
    algorithm: str = "sha256"
    format: str = "{hex}"
    signed: str = "{body}"
    timestamp: str | None = None
    tolerance: float = TOLERANCE

    def parts(self) -> dict[str, Any]:
        """Return it as data of which ``msgspec.convert`` makes it again."""
        return msgspec.structs.asdict(self)

    def check(self) -> None:
        """Raise SignatureError where the parts do not go together."""
        places = _PLACE.findall(self.format)
        if unknown := [
            place for place in places if place not in ("hex", "base64", "time", "secret")
        ]:
            raise SignatureError(
                f"a format has {{hex}}, {{base64}}, {{secret}} or {{time}}, not {{{unknown[0]}}}"
            )
        if len([place for place in places if place != "time"]) != 1:
            raise SignatureError(
                "a format has one of {hex}, {base64} and {secret}, once: sha256={hex}"
            )
        if any(len(_PLACE.findall(item)) > 1 for item in self.format.split(",")):
            raise SignatureError(
                "what stands beside another in a format has a comma before it: t={time},v1={hex}"
            )
        known = ("body", "time")
        signed = _PLACE.findall(self.signed)
        if unknown := [place for place in signed if place not in known]:
            raise SignatureError(f"what is signed has {{body}} and {{time}}, not {{{unknown[0]}}}")
        if "secret" in places:
            if self.signed != "{body}" or self.timestamp or "time" in places:
                raise SignatureError(
                    "a secret that is sent as it is signs nothing: leave out `signed`, {time} and "
                    "`timestamp`"
                )
            return
        if signed.count("body") != 1:
            raise SignatureError("the {body} is signed, once: {time}.{body}")
        told = places.count("time") + (self.timestamp is not None)
        if "time" in signed and told != 1:
            raise SignatureError(
                "where {time} is signed, one place tells it: {time} in the format, or `timestamp` "
                "with a header"
            )
        if "time" not in signed and told:
            raise SignatureError(
                "a time that is not signed proves nothing: write it into `signed`, {time}.{body}"
            )


class Signed(msgspec.Struct, frozen=True):
    """What a request brings: values of headers by their names in lower case, its body's bytes."""

    headers: Mapping[str, Sequence[str]]
    body: bytes


def verify(signature: Signature, secrets: Sequence[str], request: Signed, now: float) -> str | None:
    """Return what is wrong with the signature of a request, in words; None where nothing is.

    Each signature is held against each secret to the end, in a time that says nothing of how much
    of it is right. The words are for operators: whoever sent the request is told none of them.
    """
    values = request.headers.get(signature.header.lower(), ())
    if not values:
        return f"it has no header {signature.header}"
    if "{secret}" in signature.format:
        return _compare_secrets(signature, secrets, values)
    found = _read(signature.format, ",".join(values))
    if signature.timestamp is not None:
        found["time"] = list(request.headers.get(signature.timestamp.lower(), ()))
    times = found["time"]
    if "{time}" in signature.signed and (len(times) != 1 or not _TIME.fullmatch(times[0])):
        return "it does not tell one time in seconds" if times else "it tells no time"
    given = [*_bytes(found["hex"], bytes.fromhex), *_bytes(found["base64"], _unbase64)]
    if not given:
        return f"{signature.header} does not read {signature.format}"
    if len(given) > MOST:
        return f"it has more than {MOST} signatures"
    right = False
    for secret in secrets:
        wanted = _code(signature, secret, times[0] if times else "", request.body)
        for code in given:
            right |= hmac.compare_digest(wanted, code)
    if not right:
        return "its signature is not one by the secret"
    # Only now: of a time that nobody has signed nothing is said.
    age = now - int(times[0]) if times else 0
    if abs(age) > signature.tolerance:
        off = "ago" if age > 0 else "ahead of this machine's clock"
        return f"it was signed more than {signature.tolerance:g} s {off}"
    return None


def sign(signature: Signature, secret: str, body: bytes, now: float) -> dict[str, str]:
    """Return the headers with which a sender would send a body: for tests, and to try a webhook."""
    time = str(int(now))
    code = _code(signature, secret, time, body)
    values = {
        "hex": code.hex(),
        "base64": base64.b64encode(code).decode(),
        "time": time,
        "secret": secret,
    }
    headers = {signature.header: _PLACE.sub(lambda place: values[place[1]], signature.format)}
    if signature.timestamp is not None:
        headers[signature.timestamp] = time
    return headers


def _code(signature: Signature, secret: str, time: str, body: bytes) -> bytes:
    before, after = signature.signed.replace("{time}", time).split("{body}")
    code = hmac.new(secret.encode(), before.encode(), ALGORITHMS[signature.algorithm])
    code.update(body)
    code.update(after.encode())
    return code.digest()


def _read(form: str, value: str) -> dict[str, list[str]]:
    """Return what stands in a header, by the places of its format; what is none of it is left."""
    found: dict[str, list[str]] = {"hex": [], "base64": [], "time": []}
    for item in form.split(","):
        place = _PLACE.search(item)
        if place is None:
            continue
        before, after = item[: place.start()].strip(), item[place.end() :].strip()
        for text in map(str.strip, value.split(",")):
            if text.startswith(before) and text.endswith(after) and len(text) > len(before + after):
                found[place[1]].append(text[len(before) : len(text) - len(after)])
    return found


def _compare_secrets(
    signature: Signature, secrets: Sequence[str], values: Sequence[str]
) -> str | None:
    before, after = signature.format.split("{secret}")
    if len(values) != 1:
        return f"it has {signature.header} more than once"
    # As hashes, so that not even the length of the secret can be told.
    given = hashlib.sha256(_raw(values[0].strip())).digest()
    right = False
    for secret in secrets:
        wanted = hashlib.sha256((before + secret + after).encode()).digest()
        right |= hmac.compare_digest(wanted, given)
    return None if right else f"{signature.header} does not have the secret"


def _raw(value: str) -> bytes:
    """Return a header's bytes, which HTTP libraries read as Latin-1."""
    try:
        return value.encode("latin-1")
    except UnicodeEncodeError:
        return value.encode()


def _bytes(texts: Sequence[str], decode: Callable[[str], bytes]) -> list[bytes]:
    decoded: list[bytes] = []
    for text in texts:
        try:
            decoded.append(decode(text))
        except ValueError:  # binascii's is one too
            continue
    return decoded


def _unbase64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        return base64.b64decode(text, altchars=b"-_", validate=True)
