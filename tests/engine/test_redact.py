"""Credentials are masked by the form in which they stand, or because they are known as ours."""

import json
import time
from urllib.parse import quote

import pytest

from onceflow.engine import redact
from onceflow.engine.redact import (
    keep_dsn,
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
