"""Signatures as senders write them: the senders' own examples, and what is not one."""

import hmac
import re
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from onceflow.engine.webhooks import PRESETS, Signature, SignatureError, Signed, sign, verify
from onceflow.engine.webhooks import signature as module

GITHUB, STRIPE, SLACK = (PRESETS[name].signature for name in ("github", "stripe", "slack"))
NOW = 1_700_000_000
SECRET, BODY = "whsec_4711", b'{"id": "evt_1"}'


def asked(headers: Mapping[str, str | Sequence[str]], body: bytes = BODY) -> Signed:
    """A request, with headers as they come out of HTTP."""
    lists = {
        name.lower(): [value] if isinstance(value, str) else list(value)
        for name, value in headers.items()
    }
    return Signed(lists, body)


def code(body: bytes, secret: str = SECRET, algorithm: str = "sha256") -> str:
    return hmac.new(secret.encode(), body, algorithm).hexdigest()


def stripe(time: int, *secrets: str) -> str:
    signed = str(time).encode() + b"." + BODY
    return ",".join([f"t={time}", *(f"v1={code(signed, secret)}" for secret in secrets)])


def test_the_example_that_github_gives_is_right() -> None:
    digest = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    request = asked({"X-Hub-Signature-256": f"sha256={digest}"}, b"Hello, World!")
    assert verify(GITHUB, ["It's a Secret to Everybody"], request, NOW) is None


def test_the_example_that_slack_gives_is_right() -> None:
    body = (
        b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow"
        b"&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner"
        b"&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands"
        b"%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
        b"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
    )
    digest = "a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
    headers = {"X-Slack-Signature": f"v0={digest}", "X-Slack-Request-Timestamp": "1531420618"}
    request, secret = asked(headers, body), "8f742231b10e8888abcd99yyyzzz85a5"
    assert verify(SLACK, [secret], request, 1531420618 + 300) is None


@pytest.mark.parametrize("name", PRESETS)
def test_what_is_signed_by_us_is_right_and_nothing_else_is(name: str) -> None:
    signature = PRESETS[name].signature
    headers = sign(signature, SECRET, BODY, NOW)
    assert verify(signature, [SECRET], asked(headers), NOW) is None
    assert verify(signature, [SECRET], asked(headers, BODY + b" "), NOW)
    assert verify(signature, ["another"], asked(headers), NOW)
    assert verify(signature, [], asked(headers), NOW)
    assert verify(signature, [SECRET], asked({}), NOW)


def test_of_several_secrets_any_may_be_the_one() -> None:
    request = asked(sign(GITHUB, "old", BODY, NOW))
    assert verify(GITHUB, ["new", "old"], request, NOW) is None
    assert verify(GITHUB, ["new", "newer"], request, NOW)


def test_of_several_signatures_any_may_be_the_one() -> None:
    for secrets in ((SECRET, "old"), ("old", SECRET)):
        request = asked({"Stripe-Signature": stripe(NOW, *secrets)})
        assert verify(STRIPE, [SECRET], request, NOW) is None


def test_what_stands_beside_in_the_header_is_left_alone() -> None:
    value = f"v0={'ab' * 32}, {stripe(NOW, SECRET)}, v2=zz"
    assert verify(STRIPE, [SECRET], asked({"Stripe-Signature": value}), NOW) is None


def test_a_header_that_comes_twice_is_one_list() -> None:
    values = ["sha256=" + code(b"other"), "sha256=" + code(BODY)]
    assert verify(GITHUB, [SECRET], asked({"X-Hub-Signature-256": values}), NOW) is None


@pytest.mark.parametrize("time", ["", "now", "-1", "1e9", "٣", str(NOW) * 3])
def test_a_time_that_is_none_is_wrong(time: str) -> None:
    digest = code(f"v0:{time}:".encode() + BODY)
    headers = {"X-Slack-Signature": f"v0={digest}", "X-Slack-Request-Timestamp": time}
    assert verify(SLACK, [SECRET], asked(headers), NOW) == "it does not tell one time in seconds"


def test_two_times_are_none() -> None:
    value = f"t={NOW - 9_000},{stripe(NOW, SECRET)}"
    assert verify(STRIPE, [SECRET], asked({"Stripe-Signature": value}), NOW)
    headers = sign(SLACK, SECRET, BODY, NOW)
    twice = {**headers, "X-Slack-Request-Timestamp": [str(NOW), str(NOW)]}
    assert verify(SLACK, [SECRET], asked(twice), NOW)


@pytest.mark.parametrize(("name", "off"), [("stripe", 301), ("stripe", -301), ("slack", 301)])
def test_what_was_signed_long_ago_is_wrong(name: str, off: int) -> None:
    signature = PRESETS[name].signature
    headers = sign(signature, SECRET, BODY, NOW - off)
    assert "signed more than 300 s" in (verify(signature, [SECRET], asked(headers), NOW) or "")
    near = sign(signature, SECRET, BODY, NOW - off // 301 * 300)
    assert verify(signature, [SECRET], asked(near), NOW) is None


def test_another_time_than_the_signed_one_is_wrong() -> None:
    headers = sign(SLACK, SECRET, BODY, NOW - 9_000) | {"X-Slack-Request-Timestamp": str(NOW)}
    assert verify(SLACK, [SECRET], asked(headers), NOW) == "its signature is not one by the secret"


@pytest.mark.parametrize(
    "value", ["", "sha256=", "sha256=zz", "sha256=757107", "757107ea", "sha1=757107", "sha256=ü,,,"]
)
def test_what_is_no_signature_is_wrong(value: str) -> None:
    assert verify(GITHUB, [SECRET], asked({"X-Hub-Signature-256": value}), NOW)


def test_very_many_signatures_are_not_looked_at() -> None:
    value = ",".join(["sha256=" + code(BODY)] * 17)
    found = verify(GITHUB, [SECRET], asked({"X-Hub-Signature-256": value}), NOW)
    assert found == "it has more than 16 signatures"


def test_each_signature_is_compared_with_each_secret_in_constant_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compared: list[tuple[Any, Any]] = []

    def compare(left: Any, right: Any) -> bool:
        compared.append((left, right))
        return hmac.compare_digest(left, right)

    class Spy:
        new = staticmethod(hmac.new)
        compare_digest = staticmethod(compare)

    monkeypatch.setattr(module, "hmac", Spy)
    request = asked({"Stripe-Signature": stripe(NOW, SECRET, "b", "c")})
    assert verify(STRIPE, [SECRET, "x"], request, NOW) is None
    assert len(compared) == 6
    assert all(len(left) == len(right) == 32 for left, right in compared)


@pytest.mark.parametrize("algorithm", ["sha256", "sha512", "sha1"])
def test_a_senders_own_way_is_data(algorithm: str) -> None:
    signature = Signature(
        "X-Sig", algorithm, "{base64}", "{time}|{body}", "X-Sent-At", tolerance=10
    )
    signature.check()
    headers = sign(signature, SECRET, BODY, NOW)
    assert verify(signature, [SECRET], asked(headers), NOW + 10) is None
    assert verify(signature, [SECRET], asked(headers), NOW + 11)


def test_a_secret_that_is_sent_as_it_is() -> None:
    signature = Signature("Authorization", format="Bearer {secret}")
    signature.check()
    assert (
        verify(
            signature, ["old", "s3cret, too"], asked({"authorization": "Bearer s3cret, too"}), NOW
        )
        is None
    )
    for wrong in ("Bearer ", "Bearer s3cret", "s3cret, too", ["Bearer old", "Bearer old"]):
        assert verify(signature, ["old", "s3cret, too"], asked({"authorization": wrong}), NOW)


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        ({"format": "sha256"}, "{hex}, {base64} and {secret}"),
        ({"format": "{hex}{base64}"}, "once"),
        ({"format": "t={time}v1={hex}"}, "comma"),
        ({"format": "{sha}"}, "not {sha}"),
        ({"signed": "{time}.{body}"}, "one place tells it"),
        ({"signed": "{time}.{body}", "format": "{time},{hex}", "timestamp": "x"}, "one place"),
        ({"format": "t={time},{hex}"}, "proves nothing"),
        ({"timestamp": "x-time"}, "proves nothing"),
        ({"signed": "{url}{body}"}, "not {url}"),
        ({"signed": "{time}", "timestamp": "x"}, "{body}"),
        ({"format": "{secret}", "timestamp": "x"}, "signs nothing"),
    ],
)
def test_parts_that_do_not_go_together_are_told(parts: dict[str, str], told: str) -> None:
    with pytest.raises(SignatureError, match=re.escape(told)):
        Signature("x-sig", **parts).check()  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("name", PRESETS)
def test_presets_go_together(name: str) -> None:
    PRESETS[name].signature.check()
