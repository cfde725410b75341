"""Starts instances by requests of other services, which sign what they send."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, cast

from ...json_text import Json
from ...secrets import NAME, NAME_RULE
from ...webhooks import HEADER, PRESETS, Signature, SignatureError, is_kept
from ...webhooks.signature import ALGORITHMS, TOLERANCE
from ..common.mends import did_you_mean, one_of
from ..expressions.references import Heard
from ..expressions.trees import Compiled, compile_value
from ..source.document import Document, Faults, child
from ..steps import checks
from ..steps.durations import SCHEMA as DURATION
from ..steps.members import Key, Members
from .trigger import Trigger

NONE = "none"
"""What says that requests are not signed."""
MOST_SECRETS = 4
_SIGNERS = (*PRESETS, NONE)
_SECRET = re.compile(rf"\$secrets\.({NAME.pattern})|\$\{{\s*\$secrets\.({NAME.pattern})\s*\}}")


class Webhook(Trigger, frozen=True, kw_only=True, tag="webhook"):
    """An entry of the kind `webhook`."""

    sees = Heard({"body": (), "headers": (), "query": ()}, "a webhook")

    signature: str | Signature = NONE
    secret: tuple[str, ...] = ()
    key: Compiled | None = None
    when: Compiled | None = None
    input: Compiled | None = None

    @classmethod
    def check(cls, members: dict[str, Any], pointer: str, faults: Faults) -> None:
        """Note what is wrong with members that are sound each by itself."""
        signature: str | Signature | None = members.get("signature")
        if signature is None:
            return
        if signature == NONE and "secret" in members:
            message = f"is of no use where `signature` is {NONE}; say how requests are signed"
            faults.add(child(pointer, "secret"), message, key=True)
        elif signature != NONE and "secret" not in members:
            faults.add(pointer, "needs the `secret` by which its sender signs: $secrets.NAME")
        if isinstance(signature, str):
            own = PRESETS[signature].signature if signature in PRESETS else None
        else:
            own = signature
        for name in ("key", "when", "input"):
            _check_headers(members.get(name), own, faults)

    def expressions(self) -> Iterator[Compiled]:
        """Yield what is evaluated of a request."""
        yield from (each for each in (self.when, self.key, self.input) if each is not None)

    def secrets(self) -> tuple[str, ...]:
        """Return the names of the secrets by which its requests are signed."""
        return self.secret

    def spec(self) -> dict[str, Any]:
        """Return what the engine keeps of it: how requests are signed, and what they give."""
        preset = PRESETS.get(self.signature) if isinstance(self.signature, str) else None
        signature = preset.signature if preset else self.signature
        told: dict[str, Any] = {
            "signature": None if isinstance(signature, str) else signature.parts(),
            "secrets": [*self.secret],
            "input": self.input.tree if self.input else _tree("$.body"),
        }
        if preset is not None:
            told |= {"preset": self.signature, "key": _tree(preset.key)}
            told |= {"form": preset.form} if preset.form else {}
        if self.key is not None:
            told["key"] = self.key.tree
        if self.when is not None:
            told["when"] = self.when.tree
        return told


def _tree(text: str) -> dict[str, Any]:
    """Return the tree of an expression of our own."""
    return compile_value(text, "", Faults(Document.of({}))).tree


def _check_headers(compiled: Compiled | None, signature: Signature | None, faults: Faults) -> None:
    """Note each path to a header that expressions never see."""
    for pointer, reference in compiled.references if compiled else ():
        if reference.config or reference.names[:1] != ("headers",) or len(reference.names) < 2:
            continue
        name = reference.names[1]
        if name != name.lower():
            message = f"headers have names in lower case here: $.headers.{name.lower()}"
        elif not is_kept(name, signature):
            message = f"the header {name} proves who sends, and is not kept"
        else:
            continue
        faults.add(pointer, f"{reference.text}: {message}")


def _signature(value: Json, pointer: str, faults: Faults) -> str | Signature | None:
    if isinstance(value, str):
        if value in _SIGNERS:
            return value
        mend = did_you_mean(value, _SIGNERS)
        faults.add(pointer, f"must be {one_of(_SIGNERS)}, or an object with a header{mend}")
        return None
    members = SIGNATURE.read(value, pointer, faults)
    if members is None or "header" not in members:
        return None
    signature = Signature(**members)
    try:
        signature.check()
    except SignatureError as error:
        faults.add(pointer, str(error))
        return None
    return signature


def _secret(value: Json, pointer: str, faults: Faults) -> tuple[str, ...]:
    """Return the names; none where they are wrong, so that nobody says that they are missing."""
    if not isinstance(value, list):
        found = _name(value, pointer, faults)
        return () if found is None else (found,)
    names = checks.strings(_name, "secrets")(value, pointer, faults)
    if not 1 <= len(cast(list[Json], value)) <= MOST_SECRETS:
        faults.add(pointer, f"must be one secret, or a list of 1 to {MOST_SECRETS}")
    return tuple(names)


def _name(value: Json, pointer: str, faults: Faults) -> str | None:
    found = _SECRET.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        faults.add(pointer, f"must be the name of a secret, $secrets.NAME: {NAME_RULE}")
        return None
    return found[1] or found[2]


def _algorithm(value: Json, pointer: str, faults: Faults) -> str | None:
    if isinstance(value, str) and value in ALGORITHMS:
        return value
    mend = did_you_mean(value, ALGORITHMS) if isinstance(value, str) else ""
    faults.add(pointer, f"must be {one_of([*ALGORITHMS])}{mend}")
    return None


_HEADER = checks.matching(HEADER, "the name of a header")
_HEADER_SCHEMA: Mapping[str, Any] = {"type": "string", "pattern": f"^{HEADER}$"}

SIGNATURE = Members(
    "a signature",
    {
        "header": Key(
            _HEADER,
            {**_HEADER_SCHEMA},
            "The header that has the signature.",
            required=True,
            examples=("X-Hub-Signature-256",),
        ),
        "algorithm": Key(
            _algorithm,
            {"enum": [*ALGORITHMS], "default": "sha256"},
            "The hash of the HMAC.",
        ),
        "format": Key(
            checks.text,
            {"type": "string", "default": "{hex}"},
            "How the header reads: {hex} or {base64} is the signature, {time} the time that was "
            "signed, commas stand between them; {secret} is the secret itself.",
            examples=("sha256={hex}", "t={time},v1={hex}", "Bearer {secret}"),
        ),
        "signed": Key(
            checks.text,
            {"type": "string", "default": "{body}"},
            "What is signed: the {body} as it was sent, and perhaps the {time}.",
            examples=("{time}.{body}",),
        ),
        "timestamp": Key(
            _HEADER,
            {**_HEADER_SCHEMA},
            "The header that has the {time}, in seconds since 1970, where the signature's has not.",
            examples=("X-Slack-Request-Timestamp",),
        ),
        "tolerance": Key(
            checks.duration,
            {**DURATION, "default": TOLERANCE},
            "How far the {time} that was signed may be from ours.",
            examples=("5m",),
        ),
    },
    {},
)

_SECRET_SCHEMA = {
    "type": "string",
    "pattern": r"^(\$secrets\.[A-Za-z_][A-Za-z0-9_]{0,63}|"
    r"\$\{\s*\$secrets\.[A-Za-z_][A-Za-z0-9_]{0,63}\s*\})$",
}

MEMBERS = Members(
    "a webhook",
    {
        "signature": Key(
            _signature,
            {"anyOf": [{"enum": [*_SIGNERS]}, SIGNATURE.schema()]},
            "How its sender signs: by the name of the sender, or in which header and how; `none` "
            "takes requests of anybody.",
            required=True,
            examples=("github", {"header": "X-Signature", "format": "{base64}"}),
        ),
        "secret": Key(
            _secret,
            {
                "anyOf": [
                    _SECRET_SCHEMA,
                    {
                        "type": "array",
                        "minItems": 1,
                        "maxItems": MOST_SECRETS,
                        "uniqueItems": True,
                        "items": _SECRET_SCHEMA,
                    },
                ]
            },
            "The secret of the api by which requests are signed; of several any may be the one.",
            examples=("$secrets.GITHUB_WEBHOOK", ["$secrets.NEW", "$secrets.OLD"]),
        ),
        "key": Key(
            checks.expression,
            {},
            "What tells a delivery from another, as it is sent again: one key starts one instance. "
            "Of a sender that is named it is known; else none unless given.",
            examples=("$.headers.x-delivery-id", "$.body.id"),
        ),
        "when": Key(
            checks.condition,
            {"type": ["string", "boolean"]},
            "Which requests start an instance; all, unless given.",
            examples=('$.body.ref == "refs/heads/main"',),
        ),
        "input": Key(
            checks.started_input,
            {},
            "The input of each instance; texts in it may be expressions, over $.body, $.headers "
            "and $.query. The body, unless given.",
            examples=({"commit": "$.body.after"},),
        ),
    },
    {},
)
