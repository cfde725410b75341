"""Requests to every operation of the API, made up from its own description, and spoiled."""

import json
import re
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import quote, urlencode

from hypothesis import strategies as st

from onceflow.api.openapi import make_document
from onceflow.api.pages import PAGES
from onceflow.api.routes import OPERATIONS

from .definitions import YAML, nearly
from .values import DATES, NAMES, SYNTAX, VALUES, many

Schema = dict[str, Any]

DOCUMENT = make_document(OPERATIONS)

WORDS = st.sampled_from([*DATES, *NAMES, *SYNTAX, "\0", "\r\n", "ä", "\u202e", "x" * 3_000, ""])
RAW = st.sampled_from(
    ["%", "%00", "%ff", "%u0041", "%c0%80", "..", "../..", "%2e%2e", "%2f", ";", "//", "?", "\\"]
)
WHOLE = st.sampled_from([0, 1, -1, 50, 201, 2**31, 2**63, 10**30, 1.5])
CURSORS = ["MDA", "eyJhIjoxfQ==", "=", "AAAA" * 500, "\0", "💥"]
HEADERS = st.lists(
    st.sampled_from(
        [
            *(("Idempotency-Key", key) for key in ("k", "x" * 255, "x" * 256, "", "\xff", "a b")),
            *(("Accept", kind) for kind in ("text/html", "application/xml", "*/*;q=x", ",,,")),
            *(("Accept-Encoding", coding) for coding in ("gzip", "br;q=0", "\xff", "identity;q=0")),
            *(("Origin", site) for site in ("null", "http://evil.test", "http://[", "\xff")),
            *(("Host", name) for name in ("evil.test", "", "127.0.0.1:x", "[::1", "a" * 999)),
            *(("X-Forwarded-For", name) for name in ("::1", "x", ", ,", "1.2.3.4" * 500)),
            *(("Content-Encoding", coding) for coding in ("gzip", "deflate", "x")),
            *(("Range", span) for span in ("bytes=0-", "bytes=9-1", "x")),
            *(("If-Modified-Since", when) for when in ("x", "Wed, 21 Oct 2015 07:28:00 +9999")),
            *(("Expect", word) for word in ("100-continue", "x")),
            *(("Cookie", text) for text in ("a=b; c", "=;;;=", "\xff")),
            *(("X-Odd", text) for text in ("x" * 20_000, "\x07\x1b[31m", "ä")),
            *(("Upgrade", kind) for kind in ("websocket", "h2c")),
        ]
    ),
    max_size=3,
)
KINDS = st.sampled_from(
    [
        *("application/json", "application/json", "application/json; charset=utf-16"),
        *("application/yaml", "application/yaml", "text/plain", "multipart/form-data"),
        *("application/x-www-form-urlencoded", "a/b", "", "\xff", "application/json, a/b"),
    ]
)


def component(schema: Schema) -> Schema:
    """Return what a reference stands for."""
    while "$ref" in schema:
        schema = DOCUMENT["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


def fitting(schema: Schema, depth: int = 0) -> st.SearchStrategy[str]:
    """Return a strategy of JSON that nearly fits a schema of the description."""
    schema = component(schema)
    for choice in ("anyOf", "oneOf"):
        if choice in schema:
            return st.one_of([fitting(one, depth) for one in schema[choice]])
    if "enum" in schema or "const" in schema:
        return st.sampled_from(schema.get("enum", [schema.get("const")])).map(json.dumps)
    types = cast("str | list[str]", schema.get("type", "any"))
    match types if isinstance(types, str) else types[0]:
        case "object" if depth < 4:
            return members(schema, depth)
        case "array" if depth < 4:
            items = fitting(schema.get("items", {}), depth + 1)
            counts = st.sampled_from([1, 1, 2, 1_001])
            return st.builds(many, counts, items)
        case "integer" | "number":
            return WHOLE.map(json.dumps)
        case "boolean":
            return st.sampled_from(["true", "false"])
        case "string" if schema.get("format") == "uuid":
            return st.sampled_from(["IDS", *NAMES[:2]]).map(json.dumps)
        case "string":
            return (st.sampled_from(["decoy", "only", "only", "IDS"]) | WORDS).map(json.dumps)
        case _:
            return VALUES


def members(schema: Schema, depth: int) -> st.SearchStrategy[str]:
    properties = cast("dict[str, Schema]", schema.get("properties", {}))
    if not properties:
        return VALUES

    @st.composite
    def draw_members(draw: st.DrawFn) -> str:
        found: list[str] = []
        for name, inner in properties.items():
            often = 1 if name in schema.get("required", ()) else 2
            if draw(st.integers(0, often)):
                value = fitting(inner, depth + 1) if draw(st.integers(0, 6)) else VALUES
                found.append(f"{json.dumps(name)}: {draw(value)}")
        if draw(st.integers(0, 9)) == 0:
            found.append(f'"unknown": {draw(VALUES)}')
        return "{" + ", ".join(found) + "}"

    return draw_members()


@dataclass(frozen=True)
class Request:
    """What is sent. IDS stands in it for the id of an instance that there is."""

    method: str
    path: str
    headers: tuple[tuple[str, str], ...]
    body: bytes


def parameter(described: Schema) -> st.SearchStrategy[str]:
    """Return a strategy of the text of a parameter."""
    name, schema = described["name"], component(described["schema"])
    sound: list[str] = [str(value) for value in schema.get("enum", ())]
    if name in ("id", "workflow"):
        sound += ["decoy", "1"]
    elif name in ("instanceId", "instance"):
        sound += ["IDS", "IDS"]
    elif name == "name":
        sound += ["elsewhere"]  # of a queue that can be paused: by the others the canary goes
    elif name == "cursor":
        sound += CURSORS
    elif name == "wait":
        sound += ["0", "0.01", "1e-300", "nan", "-1"]  # not long: each is waited for
    elif schema.get("type") in ("integer", "number", "boolean"):
        sound += ["1", "2", "true", "01", "1e3", "1.0", "٣", "1_0", "nan", "9" * 40]
    odd = WORDS if name != "wait" else st.sampled_from(["x", "\0"])
    return st.sampled_from(sound or ["a", "default"]) | odd


METHODS = ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE", "QUERY", "get"]
DECISIONS = ["cancel", "suspend", "resume", "redrive", "skip", "discard"]
FORM = "application/x-www-form-urlencoded"
FIELDS = st.sampled_from(
    [
        "task",
        "instance",
        "json",
        "input",
        "step",
        "ids",
        "queue",
        "did",
        "workflow",
        "cursor",
        "limit",
        "x",
    ]
)


@st.composite
def visits(draw: st.DrawFn) -> Request:
    """Draw what a browser asks of a page."""
    route = draw(st.sampled_from(PAGES))
    words = WORDS | st.sampled_from(
        [
            "IDS",
            "IDS",
            "only",
            "decoy",
            "1",
            "cancel",
            "suspend",
            "resume",
            "redrive",
            "skip",
            "discard",
        ]
    )
    path = re.sub(r"{\w+}", lambda _: quote(draw(words), safe=""), route.path)
    fields = st.lists(st.tuples(FIELDS, words | VALUES), max_size=4)
    given = urlencode([(n, v.encode(errors="surrogatepass")) for n, v in draw(fields)])
    methods = sorted(route.methods or ())
    if "POST" not in methods:
        return Request(methods[0], f"{path}?{given}"[:20_000], (), b"")
    return Request("POST", path, (("Content-Type", FORM),), given.encode())


@st.composite
def requests(draw: st.DrawFn) -> Request:
    """Draw a request to an operation."""
    path = draw(st.sampled_from([*DOCUMENT["paths"], "/openapi.json", "/api", "/static/icon.svg"]))
    operations = DOCUMENT["paths"].get(path, {})
    method = draw(st.sampled_from([*map(str.upper, operations)] * 20 + METHODS))
    operation = operations.get(method.lower(), {"parameters": []})
    asked: list[str] = []
    for described in operation.get("parameters", []):
        text = parameter(described)
        if described["in"] == "path":
            given = quote(draw(text), safe="") if draw(st.integers(0, 6)) else draw(RAW)
            path = path.replace("{" + described["name"] + "}", given)
        elif described["in"] == "query" and draw(st.booleans()):
            asked.append(f"{described['name']}={quote(draw(text))}")
    path = re.sub(r"{\w+}", lambda _: quote(draw(WORDS), safe=""), path)
    if draw(st.integers(0, 9)) == 0:
        asked.append(draw(st.sampled_from(["x=1", "limit=1&limit=2", "%ff=%ff", "=", "&&", "a=%"])))
    body, kind = b"", ""
    described = operation.get("requestBody", {}).get("content", {})
    if described or draw(st.integers(0, 9)) == 0:
        schema: Schema = next(iter(described.values()))["schema"] if described else {}
        if path == "/workflows":
            sound, kind = draw(st.tuples(nearly(), st.just("application/json")))
            if draw(st.booleans()):
                sound, kind = draw(YAML), "application/yaml"
        else:
            sound, kind = draw(fitting(schema)), "application/json"
        junk = VALUES.map(str.encode) | st.binary(max_size=60)
        body = sound.encode(errors="surrogatepass") if draw(st.integers(0, 5)) else draw(junk)
    if draw(st.integers(0, 5)) == 0:
        kind = draw(KINDS)
    odd = draw(HEADERS) if draw(st.integers(0, 2)) == 0 else []
    headers = tuple(odd) + ((("Content-Type", kind),) if kind else ())
    return Request(method, path + ("?" + "&".join(asked) if asked else ""), headers, body)
