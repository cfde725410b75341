"""Arrays as text, for parameters: what goes in comes out."""

import uuid
from decimal import Decimal

import psycopg
import pytest

from onceflow.engine import json_text
from onceflow.engine.calls.base import (
    Connection,
    fetch_value,
    json_array,
    text_array,
    uuid_array,
)
from onceflow.engine.json_text import Json

TEXTS = [
    "",
    "a",
    "NULL",
    "null",
    "{",
    "}",
    ",",
    '"',
    "\\",
    '\\"',
    '"\\',
    " a ",
    "\t\r\n",
    "żółć 🧾",
    "render/17/2",
]


@pytest.mark.parametrize("texts", [[], *([text] for text in TEXTS), TEXTS], ids=repr)
def test_texts(conn: Connection, texts: list[str]) -> None:
    assert fetch_value(conn, "select %s::text[]", (text_array(texts),)) == texts


@pytest.mark.parametrize(
    "values", [[], [None], [b'{"a": 1.10}', Decimal("1.10"), TEXTS, None, {"\\": '"'}]], ids=repr
)
def test_json(conn: Connection, values: list[Json]) -> None:
    found = fetch_value(
        conn, "select array(select u::text from unnest(%s::jsonb[]) u)", (json_array(values),)
    )
    assert [json_text.decode_exact(text) for text in found] == [
        json_text.decode_exact(json_text.encode(value)) for value in values
    ]


@pytest.mark.parametrize("count", [0, 1, 500])
def test_uuids(conn: Connection, count: int) -> None:
    values = [uuid.uuid4() for _ in range(count)]
    assert fetch_value(conn, "select %s::uuid[]", (uuid_array(values),)) == values


def test_a_zero_byte_is_refused_and_not_cut_off(conn: Connection) -> None:
    with pytest.raises(psycopg.DataError):
        fetch_value(conn, "select %s::text[]", (text_array(["a", "b\0c"]),))
