"""Credentials are masked by the form in which they stand, or because they are known as ours."""

import base64
import html
import json
import time
from urllib.parse import quote, urlencode

import pytest

from onceflow.engine import redact
from onceflow.engine.redact import (
    SecretMask,
    keep_dsn,
    keep_named_secret,
    keep_secret,
    keep_url,
    masked,
    masked_json,
    masked_url,
    masked_value,
)
from onceflow.engine.settings import Settings

SECRET = "hunter2"


@pytest.fixture(autouse=True)
def nothing_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redact, "_known", ())


@pytest.mark.parametrize(
    ("text", "told"),
    [
        # URLs, however badly their passwords are written.
        ("no postgresql://app:{}@db:5432/shop here", "no postgresql://***@db:5432/shop here"),
        ("smtp://u:{}@mail:25, smtps://{}@mail", "smtp://***@mail:25, smtps://***@mail"),
        ("redis://:{}@r/0", "redis://***@r/0"),
        ("postgresql://app:a/{}@x@db/shop", "postgresql://***@db/shop"),
        ("postgresql://app:it'{}@db/shop", "postgresql://***@db/shop"),
        ("postgresql://app:" + "x" * 3_000 + "{}@db/shop", "postgresql://***@db/shop"),
        ("amqp://a:1@b,b:2/?next=https://u:{}@x", "amqp://***@b,b:2/?next=https://***@x"),
        # Queries.
        ("GET /?api_key={}&page=2", "GET /?api_key=***&page=2"),
        ("/a?sig={}#top /b?access_token={} /c?key={}", "/a?sig=*** /b?access_token=*** /c?key=***"),
        ("?X-Amz-Signature={}&X-Amz-Date=1", "?X-Amz-Signature=***&X-Amz-Date=1"),
        # Connection strings of libpq and others.
        ("host=db password={} dbname=shop", "host=db password=*** dbname=shop"),
        ("password = '{} and more' dbname=shop", "password = *** dbname=shop"),
        (r"password='it\'s {} \\' dbname=shop", "password=*** dbname=shop"),
        (r"password=it\'s\ {} dbname=shop", "password=*** dbname=shop"),
        ("password=a&b,c;{})x host=db", "password=*** host=db"),
        (r"'host=db password=\'my {}\' user=y'", "'host=db password=*** user=y'"),
        ("password='cut off {} and", "password=***"),
        ("Server=x;Password={};Database=y", "Server=x;Password=***;Database=y"),
        ("connect(password='{}', host='db')", "connect(password=***, host='db')"),
        ("sasl.password={}\nclient.id=x", "sasl.password=***\nclient.id=x"),
        ("alter role app password '{}'", "alter role app password ***"),
        ("{'user': 'app', 'password': '{}'}", "{'user': 'app', 'password': ***}"),
        # Headers, as they are sent and as Python shows them.
        ("Authorization: Basic {}\r\nHost: x", "Authorization: ***\r\nHost: x"),
        ("{'Authorization': 'Bearer {}', 'a': 1}", "{'Authorization': ***, 'a': 1}"),
        ("[(b'proxy-authorization', b'Basic {}')]", "[(b'proxy-authorization', b***)]"),
        ("Authorization: Digest username=x, response={}", "Authorization: ***"),
        ("Cookie: a=1; sid={}\nHost: x", "Cookie: ***\nHost: x"),
        ("{'set-cookie': 'sid={}; Path=/'}", "{'set-cookie': ***}"),
        ("X-Api-Key: {}", "X-Api-Key: ***"),
        ("sent as bearer {}", "sent as bearer ***"),
    ],
)
def test_credentials_are_masked_by_their_form(text: str, told: str) -> None:
    assert masked(text.replace("{}", SECRET)) == told
    assert masked(told) == told


@pytest.mark.parametrize(
    "text",
    [
        "order 36 has no lines at 12:00",
        "mail to a@b.example, see https://x.example/y@z?page=2#a",
        "password authentication failed for user app",
        "max_tokens=4096, and no field 'key' in it",
        "the option 'password=' is unknown",
        "password == other",
        "the bearer of this",
        "KeyError: 'total'",
    ],
)
def test_what_is_no_credential_is_told(text: str) -> None:
    assert masked(text) == text


def test_json_stays_json() -> None:
    text = (
        b'{"url":"amqp://a:hunter2@mq", "n":1.10, "dsn":"password=\'a\\\\\\"hunter2\' host=x",'
        b' "auth":{"Authorization" : "hunter2", "token":["hunter2", 1]}, "api_key":"\\u00e9"}'
    )
    assert json.loads(masked_json(text)) == {
        "url": "amqp://***@mq",
        "n": 1.1,
        "dsn": "password=*** host=x",
        "auth": {"Authorization": "***", "token": ["***", 1]},
        "api_key": "***",
    }
    assert b'"n":1.10' in masked_json(text)
    plain = b'{"a": "x\\ty", "b": [1e400, {"\\u0061": null}]}'
    assert masked_json(plain) == plain


def test_values_are_masked_within() -> None:
    value = {"a": ["x", ("smtp://u:p@h",)], "password": "p", "n": 1, "none": None}
    assert masked_value(value) == {
        "a": ["x", ["smtp://***@h"]],
        "password": "***",
        "n": 1,
        "none": None,
    }


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("https://u:p@h/a?b#c", "https://h/a?…"),
        ("u:p/q@h", "h"),
        ("https://h/a", "https://h/a"),
    ],
)
def test_of_a_url_neither_login_nor_query_is_told(url: str, told: str) -> None:
    assert masked_url(url) == told


@pytest.mark.parametrize("secret", ["hunter2", "p@ss/wo'rd \\é", 'a"b%c', "correcthorse"])
def test_a_secret_of_the_settings_is_masked_in_every_spelling(secret: str) -> None:
    Settings(dsn=f"postgresql://app:{quote(secret, safe='')}@db/shop")
    escaped = secret.replace("\\", "\\\\").replace("'", "\\'")
    for told in (
        secret,
        quote(secret, safe=""),
        quote(secret, safe="").lower(),
        escaped,
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        repr(secret)[1:-1],
    ):
        assert masked(f"no user {told} here") == "no user *** here"


def test_secrets_of_every_setting_are_known() -> None:
    Settings(dsn="host=db password='one 1' sslpassword=two22 user=app")
    Settings(kafka_options={"sasl.password": "three3", "sasl.username": "four44"})
    keep_url("smtp://u:f%C3%ADve5@mail")
    keep_url("u:six666@mail:25")
    keep_dsn("no dsn at all")
    assert masked("one 1 two22 three3 four44 fíve5 f%C3%ADve5 six666") == (
        "*** *** *** four44 *** *** ***"
    )


def test_what_follows_an_at_sign_of_a_password_is_not_told_as_a_host() -> None:
    keep_dsn("postgresql://app:hunt@er2@db/shop")
    assert "er2" not in masked("failed to resolve host 'er2@db': unknown")


def test_words_that_say_more_than_they_hide_stay() -> None:
    Settings(dsn="postgresql://shop:shop@db/orders")
    Settings(dsn="postgresql://app:onceflow@db/orders")
    for secret in ("abc", "12345", ""):
        keep_secret(secret)
    keep_secret("correct")
    text = "onceflow.shop at db has 12345 of abc, correctly"
    assert masked(text) == text
    assert masked("shop: correct horse") == "shop: *** horse"


PIECES = [
    *("a", "://", "://a:", "a://b@", "'", "a'", "@", "\\", "&x", "\n", "x-", "x-a", "=", " "),
    *("password=", "password='", 'password="', "password=\\'", "password='\\", "password "),
    *("password=&x", "password=a&b&", "password=,,,", "password=a.", "token", "secret-", "pass="),
    *("bearer ", "bearer a", "authorization: ", "authorization: digest ", "cookie:", "cookie: a"),
]


@pytest.mark.parametrize("before", ["", "password=", "password='", "://a:"])
def test_no_text_takes_longer_than_its_length_demands(before: str) -> None:
    for piece in PIECES:
        size = 1_000_000 if piece in ("a", "://") else 50_000
        text = before + piece * (size // len(piece))
        began = time.process_time()
        masked(text)
        masked_json(json.dumps(text).encode())
        assert time.process_time() - began < 3, piece  # were it quadratic: hours


def test_a_line_without_credentials_costs_microseconds() -> None:
    line = "0198c0de/pay: attempt 3 failed (RETRYING): exception.ValueError: no lines at 12:00"
    began = time.process_time()
    for _ in range(10_000):
        masked(line)
    assert (time.process_time() - began) / 10_000 < 50e-6


NAMED = 'p"a/ss+wörd\nof two lines'
"""A secret with all that is written in another way somewhere."""


def told_forms(secret: str) -> dict[str, str]:
    """Return texts that hold a secret, each in one form."""
    encoded = base64.b64encode
    return {
        "plain": f"-{secret}-",
        "in json": json.dumps({"a": secret}),
        "in json of letters": json.dumps({"a": secret}, ensure_ascii=False),
        "in json in json": json.dumps(json.dumps([secret])),
        "in json of PHP": json.dumps(secret).replace("/", "\\/"),
        "in python": repr([secret]),
        "in a URL": f"https://x/?k={quote(secret)}",
        "in a URL, all quoted": f"https://x/{quote(secret, safe='')}",
        "in a form": urlencode({"k": secret}),
        "in a URL of small letters": quote(secret, safe="").lower()
        if secret.islower()
        else quote(secret),
        "in HTML": html.escape(secret),
        "base64": encoded(secret.encode()).decode(),
        "base64 behind a user": encoded(f"user:{secret}".encode()).decode(),
        "base64 behind one letter": encoded(f"u{secret}".encode()).decode(),
        "base64 behind two letters": encoded(f"us{secret} and more".encode()).decode(),
        "base64 for URLs": base64.urlsafe_b64encode(f"u:{secret}".encode()).decode(),
        "base64 in a URL": quote(encoded(secret.encode()).decode(), safe=""),
    }


@pytest.mark.parametrize("form", told_forms(NAMED))
@pytest.mark.parametrize("secret", [NAMED, "sk_live_51H8x?>~/zQ", "correcthorsebattery"])
def test_a_named_secret_is_masked_in_every_encoding(form: str, secret: str) -> None:
    text = told_forms(secret)[form]
    mask = SecretMask({"TOKEN": secret})
    told = mask.text(text)
    assert "[$secrets.TOKEN]" in told
    assert mask.told == {"TOKEN"}
    for kept in (secret, json.dumps(secret)[1:-1], quote(secret), secret[:9], secret[-9:]):
        assert kept not in told
    for n in range(len(text) - 12):  # nor a longer part of it, as it was encoded
        if "base64" in form and "and more" not in form:
            assert text[n : n + 13] not in told
    answer = json.dumps({"said": text, text: [1.50, "é", text]}).encode()
    stored = mask.json(answer)
    assert json.loads(stored) == {"said": told, told: [1.5, "é", told]}
    assert b"1.5" in stored
    keep_named_secret("TOKEN", secret)
    assert "[$secrets.TOKEN]" in masked(text)


def test_json_without_a_secret_is_left_as_it_is() -> None:
    mask = SecretMask({"A": "hidden-away", "PIN": "90210733"})
    for text in (b'{"a": 1.10, "b": "\\u0041\\n"}', b"[-1.50E+5, null, true]", b'"x"', b"12"):
        assert mask.json(text) == text
    assert mask.told == set()


def test_a_secret_of_digits_is_masked_as_a_number_too() -> None:
    mask = SecretMask({"PIN": "4711"})
    told = mask.json(b'{"pin": 4711, "other": 47110, "text": "pin 4711, id 47110", "x": 0.4711}')
    assert json.loads(told) == {
        "pin": "[$secrets.PIN]",
        "other": 47110,
        "text": "pin [$secrets.PIN], id 47110",
        "x": 0.4711,
    }


@pytest.mark.parametrize("secret", ["a", "ab", "abc", "1", "   "])
def test_a_secret_that_every_text_is_full_of_is_not_masked(secret: str) -> None:
    mask = SecretMask({"SHORT": secret})
    text = "a cab with abc and 1    more"
    assert mask.text(text) == text
    assert mask.json(json.dumps([text, 1]).encode()) == json.dumps([text, 1]).encode()
    assert mask.too_short == ["SHORT"]
    keep_named_secret("SHORT", secret)
    assert masked(text) == text


def test_a_short_secret_is_masked_as_a_word_alone() -> None:
    mask = SecretMask({"S": "hush"})
    assert mask.text("hush, hushed: ahush hush") == "[$secrets.S], hushed: ahush [$secrets.S]"


def test_a_common_word_is_masked_for_who_was_given_it_alone() -> None:
    keep_named_secret("S", "password")
    assert masked("the password is wrong") == "the password is wrong"
    assert SecretMask({"S": "password"}).text("the password") == "the [$secrets.S]"


def test_of_two_secrets_the_longer_is_masked_first() -> None:
    mask = SecretMask({"A": "hunter22", "B": "hunter22-and-more"})
    assert mask.text("hunter22-and-more hunter22") == "[$secrets.B] [$secrets.A]"
