"""evaluate_records: what is evaluated for all records at once is what each alone would give"""

import json
from typing import Any

import pytest

from onceflow.engine.ids import make_ids

from ...play import Play
from ...topics import KEY, VALUE
from ...workflows import fields, path

Json = Any

CONDITION = {**path('$."value"."id" > 1'), "b": True}
SPECS: dict[str, Json] = {
    "nothing": {},
    "key": {"key": KEY},
    "key of the record": {"key": path('$."key"')},
    "condition": {"when": CONDITION, "key": KEY},
    "condition that is a value": {"when": path('$."value"."id"')},
    "condition with a pattern": {"when": {**path('$."value"."id" like_regex "^a"'), "b": True}},
    "path": {"input": path('$."value"."in"'), "key": KEY},
    "members": {"key": KEY, "input": fields(order=VALUE, at=path('$."offset"'), one={"v": 1})},
    "members within": {"key": KEY, "input": fields(a=fields(b=VALUE), c=path('$."key"'))},
    "nothing but a value": {"input": {"v": {"a": 1}}, "when": CONDITION},
    "event": {"event": "paid", "key": KEY},
    "event with a payload": {
        "event": "paid",
        "key": KEY,
        "payload": fields(a=VALUE),
        "when": CONDITION,
    },
    "many values": {"input": fields(all={**path('$."value"."in"[*]'), "m": True})},
    "default": {
        "key": {"f": "default", "x": KEY, "a": [{"v": "none"}]},
        "input": fields(a={"f": "default", "x": path('$."headers"."h"'), "a": [{"v": 1}]}),
    },
}
VALUES: list[Json] = [
    {"id": 2},
    {"id": 1},
    {"id": "a", "in": [1, None, {"x": 2}]},
    {"id": None, "in": {"a": True}},
    {"id": False, "in": None},
    {"id": 1e300, "in": {}},
    {},
    [],
    "text",
    None,
]


def evaluate(play: Play, spec: Json, records: list[Json], late: str) -> list[Json]:
    """Return of each record what starts by it, or why nothing does; None where it is passed."""
    ids = make_ids(len(records))
    with play.conn.transaction():
        play.conn.execute("select set_config('onceflow.late', %s, true)", (late,))
        row = play.conn.execute(
            "select o_runs, o_inputs, o_keys, o_errors from onceflow.evaluate_records("
            " 'flow', 'orders', %s::jsonb, 'orders', %s::uuid[], %s::jsonb[], %s::text[])",
            (
                json.dumps({"topic": "orders", **spec}),
                ids,
                [json.dumps(one) for one in records],
                [None] * (len(records) - 1) + ["the value is not JSON"],
            ),
        ).fetchone()
    assert row is not None
    return [
        {"error": error} if error else [given, key] if runs else None
        for runs, given, key, error in zip(*row, strict=True)
    ]


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS.keys())
def test_all_at_once_gives_what_each_alone_does(play: Play, spec: Json) -> None:
    records: list[Json] = [
        {"value": value, "key": f"k{n}", "headers": {}, "partition": 0, "offset": n}
        for n, value in enumerate(VALUES)
    ]
    records += [{"value": {"id": 7, "in": {}}, "headers": {}, "partition": 0, "offset": 98}]
    records += [{"headers": {}, "partition": 0, "offset": 99}]
    # "=": expressions of none are too slow, and so each record is evaluated by itself.
    assert evaluate(play, spec, records, "") == evaluate(play, spec, records, "=")


def test_members_that_repeat_a_large_value_are_refused_and_not_made(play: Play) -> None:
    spec: Json = {"input": fields(**{f"m{n}": VALUE for n in range(60)})}
    record: Json = {"value": "x" * 100_000, "headers": {}, "partition": 0, "offset": 0}
    small, large, _ = evaluate(play, spec, [record | {"value": {"id": 1}}, record, record], "")
    assert len(small[0]) == 60
    assert large["error"]["code"] == "too_large"
