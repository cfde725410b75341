"""Whatever built-in tasks are given, they end in an output or a declared failure."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from .definitions import TOPICS
from .doors import Doors
from .effort import MARKS, bounded
from .test_definitions import started
from .values import DATES, LETTERS, NAMES, SOUND, SYNTAX, Texts, mapped

pytestmark = MARKS

WORDS = [*DATES, *NAMES, *SYNTAX, *LETTERS]
FILES = ["a.typ", "../a.typ", "/etc/passwd", "a.typ\0", ".", "", "x" * 300, "loop.typ", "big.typ"]
HEADERS = [
    "X-A",
    "Host",
    "Content-Length",
    "Transfer-Encoding",
    "a b",
    "X\r\nY: z",
    "",
    "ä",
    "Cookie",
]
MAILS = [
    "a@b",
    "ä@ö.de",
    "a@b\r\nBcc: c@d",
    "<a@b>",
    "a",
    "",
    "@",
    "a@" + "b." * 200 + "c",
    "x" * 999,
]
PARAMETERS: dict[str, dict[str, list[str] | None]] = {
    "http.request": {
        "url": [
            "http://127.0.0.1:1/",
            "http://127.0.0.1:1/ä b?%",
            "http://a:b@127.0.0.1:1",
            *NAMES,
        ],
        "method": ["GET", "POST", "get", "A B", "GET\r\n", "Ä", "CONNECT", "x" * 999],
        "headers": None,
        "query": None,
        "json": None,
        "body": WORDS,
        "timeout": None,
        "follow_redirects": None,
        "expect": None,
    },
    "kafka.publish": {"topic": TOPICS, "value": None, "key": WORDS, "headers": None},
    "sql.execute": {"statement": ["kept", *WORDS], "parameters": None},
    "smtp.send": {
        "from": MAILS,
        "to": MAILS,
        "subject": WORDS,
        "text": WORDS,
        "html": WORDS,
        "cc": MAILS,
        "reply_to": MAILS,
        "attach": FILES,
        "timeout": None,
    },
    "pdf.render": {"template": FILES, "data": None},
}


def objects() -> Texts:
    """Return a strategy of headers, queries and parameters."""
    keys = st.sampled_from([*HEADERS, "value", "text", "key"])
    members = st.lists(st.tuples(keys, st.sampled_from(WORDS).map(quoted) | SOUND), max_size=3)
    return members.map(mapped)


def quoted(text: str) -> str:
    return json.dumps(text)


@st.composite
def given_to(draw: st.DrawFn, task: str) -> str:
    """Draw an input of a built-in task: mostly such as its parameters take."""
    members: list[tuple[str, str]] = []
    for n, (name, words) in enumerate(PARAMETERS[task].items()):
        if n > 1 and draw(st.booleans()):
            continue
        odd = draw(st.integers(0, 7)) == 0
        if name == "timeout":
            members.append((name, draw(st.sampled_from(["1", "0.1", "1e-9", "0", "-1", "1e400"]))))
        elif words is None or odd:
            members.append((name, draw(SOUND if odd else objects() | SOUND)))
        else:
            members.append((name, draw(st.sampled_from(words).map(quoted))))
    return mapped(members)


@pytest.fixture(scope="module")
def built_ins(doors: Doors) -> Doors:
    for task in PARAMETERS:
        step = {"id": "only", "task": task, "with": "$.input.value", "retry": {"attempts": 1}}
        undo = {"task": "fuzz.echo", "with": {"value": "$.task_input"}}
        doors.deploy({"name": task, "steps": [step | {"compensate": undo}]})
    return doors


@bounded(40)
@given(
    drawn=st.sampled_from([*PARAMETERS]).flatmap(
        lambda task: st.tuples(st.just(task), st.lists(given_to(task), min_size=1, max_size=4))
    )
)
def test_whatever_built_in_tasks_are_given(built_ins: Doors, drawn: tuple[str, list[str]]) -> None:
    task, inputs = drawn
    ids = started(built_ins, task, inputs)
    built_ins.check(ids)
    rows = built_ins.conn.execute(
        "select state, error ->> 'code' from onceflow.tasks"
        " where instance_id = any(%s) and task = 'only'",
        (ids,),
    )
    for state, code in rows:
        assert state == "SUCCEEDED" or not code.startswith("exception."), code
