"""The kind `webhook` of `on`: what a definition may say of it, and what becomes of it."""

import json
from typing import Any

import msgspec
import pytest

from onceflow.engine.definition import check_definition, compile_definition, parse
from onceflow.engine.errors import DefinitionError
from onceflow.engine.webhooks import PRESETS, Signature


def source(webhook: str) -> str:
    steps = "steps:\n  - {id: a, task: work}\n"
    return f"name: flow\non:\n  - id: push\n    webhook: {webhook}\n{steps}"


def spec(webhook: str) -> dict[str, Any]:
    compiled = compile_definition(parse(source(webhook), "yaml"))
    (trigger,) = json.loads(json.dumps(compiled["triggers"]))
    assert (trigger["trigger"], trigger["kind"]) == ("push", "webhook")
    return trigger["spec"]


def refused(webhook: str) -> list[str]:
    with pytest.raises(DefinitionError) as raised:
        spec(webhook)
    return [
        f"{fault.place.split()[0].removeprefix('/on/0')} {fault.message}"
        for fault in raised.value.faults
    ]


def test_a_sender_that_we_know_brings_its_way_of_signing_and_its_key() -> None:
    found = spec("{signature: github, secret: $secrets.HUB}")
    assert msgspec.convert(found["signature"], Signature) == PRESETS["github"].signature
    assert (found["secrets"], found["preset"], found["form"]) == (["HUB"], "github", "payload")
    assert found["key"]["t"] == "$.headers.x-github-delivery"
    assert found["input"]["t"] == "$.body"
    assert "when" not in found


@pytest.mark.parametrize("name", PRESETS)
def test_the_expressions_of_senders_that_we_know_compile(name: str) -> None:
    assert spec(f"{{signature: {name}, secret: $secrets.A}}")["key"].keys() & {"p", "f"}


def test_a_definition_says_more() -> None:
    found = spec(
        "{signature: {header: X-Sig, algorithm: sha512, format: '{base64}', signed: '{time}{body}',"
        " timestamp: X-At, tolerance: 1m}, secret: [$secrets.NEW, '${ $secrets.OLD }'],"
        " key: $.body.id, when: '$.body.n > 1', input: {n: $.body.n, ua: $.headers.user-agent}}"
    )
    assert msgspec.convert(found["signature"], Signature) == Signature(
        "X-Sig", "sha512", "{base64}", "{time}{body}", "X-At", 60
    )
    assert found["secrets"] == ["NEW", "OLD"]
    assert found["key"]["t"] == "$.body.id"
    assert found["when"]["b"]
    assert found["input"]["o"].keys() == {"n", "ua"}


def test_that_nothing_is_signed_has_to_be_said() -> None:
    found = spec("{signature: none}")
    assert (found["signature"], found["secrets"]) == (None, [])
    assert refused("{}") == ["/webhook a webhook needs the key 'signature'"]


def test_its_secrets_are_what_a_definition_needs() -> None:
    text = source("{signature: stripe, secret: [$secrets.NEW, $secrets.OLD]}")
    needs = check_definition(parse(text, "yaml")).needs()
    assert needs == [("secret", "NEW"), ("secret", "OLD")]


@pytest.mark.parametrize(
    ("webhook", "place", "told"),
    [
        ("{signature: github}", "/webhook ", "needs the `secret`"),
        ("{signature: none, secret: $secrets.A}", "/webhook/secret ", "of no use"),
        ("{signature: gitub, secret: $secrets.A}", "/webhook/signature ", "did you mean"),
        ("{signature: 7, secret: $secrets.A}", "/webhook/signature ", "an object"),
        ("{signature: {}, secret: $secrets.A}", "/webhook/signature ", "'header'"),
        (
            "{signature: {header: 'a b'}, secret: $secrets.A}",
            "/webhook/signature/header ",
            "name of a header",
        ),
        (
            "{signature: {header: a, format: sha256}, secret: $secrets.A}",
            "/webhook/signature ",
            "{hex}",
        ),
        (
            "{signature: {header: a, algorithm: md5}, secret: $secrets.A}",
            "/webhook/signature/algorithm ",
            "sha256",
        ),
        ("{signature: github, secret: s3cret}", "/webhook/secret ", "$secrets.NAME"),
        ("{signature: github, secret: '$secrets.A!'}", "/webhook/secret ", "$secrets.NAME"),
        ("{signature: github, secret: []}", "/webhook/secret ", "1 to 4"),
        ("{signature: github, secret: [$secrets.A, $secrets.A]}", "/webhook/secret/1 ", "twice"),
        ("{signature: none, key: $.input.a}", "/webhook/key ", "$.body"),
        ("{signature: none, key: '${ $config.A }'}", "/webhook/key ", "$config"),
        ("{signature: none, input: {a: '${ $secrets.A }'}}", "/webhook/input/a ", "secrets"),
        ("{signature: none, input: 7}", "/webhook/input ", "must be an object"),
        ("{signature: none, when: 7}", "/webhook/when ", "true, false"),
        ("{signature: none, key: $.headers.X-Id}", "/webhook/key ", "$.headers.x-id"),
        ("{signature: none, key: $.headers.authorization}", "/webhook/key ", "not kept"),
        (
            "{signature: {header: X-Sig}, secret: $secrets.A, key: $.headers.x-sig}",
            "/webhook/key ",
            "not kept",
        ),
        ("{signature: none, url: x}", "/webhook/url ", "no key 'url'"),
        ("here", "/webhook ", "is an object"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(webhook: str, place: str, told: str) -> None:
    (fault,) = refused(webhook)
    assert fault.startswith(place)
    assert told in fault
