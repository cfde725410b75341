"""`on`: what starts instances by itself, or sends events."""

from typing import Any

import pytest

from onceflow.engine.json_text import Json

from .support import compile_yaml, faults_of, workflow

WORKFLOW = "name: w\nsteps: [{id: a, task: t}]\n"


def on(*entries: Json) -> dict[str, Any]:
    return workflow({"id": "a"}, on=[*entries])


def test_a_schedule_keeps_its_plan_and_what_is_said_beside_it() -> None:
    text = """
    on:
      - id: nightly
        schedule:
          cron: "0  6 * * MON-FRI"
          timezone: Europe/Warsaw
          input: {day: $.scheduled_at, by: $.trigger, of: $.workflow}
          overlap: queue
          catch_up: 2h
          jitter: 90s
      - {id: often, schedule: {every: 15m}}
    """
    nightly, often = compile_yaml(text.replace("\n    ", "\n") + WORKFLOW)["triggers"]
    assert (nightly["trigger"], nightly["kind"]) == ("nightly", "schedule")
    spec = nightly["spec"]
    assert spec["plan"] == {"cron": "0 6 * * MON-FRI", "timezone": "Europe/Warsaw", "jitter": 90}
    assert [*spec["input"]["o"]] == ["day", "by", "of"]
    assert (spec["overlap"], spec["catch_up"]) == ("queue", 7200)
    assert often["spec"] == {
        "plan": {"every": 900, "jitter": 0},
        "input": {"v": {}},
        "overlap": "skip",
        "catch_up": 3600,
    }


def test_a_topic_keeps_what_its_records_start_or_are() -> None:
    text = """
    on:
      - {id: orders, kafka: {topic: shop.orders, key: $.value.id, input: {order: $.value}}}
      - id: paid
        kafka:
          topic: bank.payments
          when: $.value.status == "settled"
          event: payment.received
          key: $.value.order
          payload: {sum: $.value.amount}
      - {id: rates, kafka: {topic: bank.rates, event: rate, key: EUR}}
    """
    orders, paid, rates = compile_yaml(text.replace("\n    ", "\n") + WORKFLOW)["triggers"]
    assert orders["spec"].keys() == {"topic", "format", "key", "input"}
    assert paid["spec"].keys() == {"topic", "format", "event", "when", "key", "payload"}
    assert rates["spec"] == {
        "topic": "bank.rates",
        "format": "json",
        "event": "rate",
        "key": {"v": "EUR"},
    }


def kafka(**members: Json) -> dict[str, Any]:
    return on({"id": "x", "kafka": {"topic": "t", **members}})


@pytest.mark.parametrize("text", ["", "on: []\n"])
def test_without_entries_nothing_starts_it(text: str) -> None:
    assert compile_yaml(text + WORKFLOW)["triggers"] == []


def test_on_is_a_key_and_no_boolean() -> None:
    # YAML 1.1 reads it as true.
    assert compile_yaml("on: [{id: x, schedule: {every: 1s}}]\n" + WORKFLOW)["triggers"]
    assert compile_yaml('"on": [{"id": on, schedule: {every: 1s}}]\n' + WORKFLOW)["triggers"]


FAULTY: list[tuple[Any, str]] = [
    (on({"id": "x"}), "needs the key that says what starts it: `schedule`"),
    (on({"schedule": {"every": "1m"}}), "an entry of `on` needs the key 'id'"),
    (on({"id": "1x", "schedule": {"every": "1m"}}), "must be an id"),
    (on(7), "an entry of `on` is an object"),
    (on({"id": "x", "schedule": "1m"}), "a schedule is an object"),
    (on({"id": "x", "schedule": {}}), "a schedule needs `cron` or `every`"),
    (on({"id": "x", "schedule": {"evry": "1m"}}), "did you mean 'every'?"),
    (on({"id": "x", "schedule": {"every": "500ms"}}), "of whole seconds such as 15m"),
    (on({"id": "x", "schedule": {"every": "1m", "cron": "* * * * *"}}), "stands beside `cron`"),
    (on({"id": "x", "schedule": {"every": "1m", "timezone": "UTC"}}), "is of a `cron`"),
    (on({"id": "x", "schedule": {"cron": 7}}), "quote it"),
    (on({"id": "x", "schedule": {"cron": "0 6 * * ?"}}), "(write * for ?)"),
    (on({"id": "x", "schedule": {"cron": "0 0 6 * * *"}}), "has five fields"),
    (on({"id": "x", "schedule": {"cron": "@daily"}}), "write '0 0 * * *'"),
    (on({"id": "x", "schedule": {"cron": "0 0 30 2 *"}}), "is wrong in its day-of-month"),
    (on({"id": "x", "schedule": {"cron": "* * * * *", "timezone": "Warsaw"}}), "'Europe/Warsaw'"),
    (on({"id": "x", "schedule": {"every": "1m", "overlap": "Allow"}}), "skip, queue, allow"),
    (on({"id": "x", "schedule": {"every": "1m", "overlap": "alow"}}), "did you mean 'allow'?"),
    (on({"id": "x", "schedule": {"every": "1m", "catch_up": "-1h"}}), "such as 30s, or 0"),
    (on({"id": "x", "schedule": {"every": "1m", "input": "$.input"}}), "not $.input"),
    (on({"id": "x", "schedule": {"every": "1m", "input": {"a": "${ $config.A }"}}}), "$config"),
    (
        on({"id": "x", "schedule": {"every": "1m", "input": {"a": "${ $secrets.A }"}}}),
        "secrets are for the",
    ),
    (on({"id": "x", "schedule": {"every": "1m", "input": 7}}), "must be an object, or one"),
    (on({"id": "x", "kafka": {"event": "paid", "key": "$.key"}}), "needs the key 'topic'"),
    (kafka(event="paid"), "needs the `key` of the event, for which steps wait"),
    (kafka(event="1st", key="$.key"), "must be a name"),
    (kafka(event="paid", key="$.key", input={}), "what an `event` brings is its `payload`"),
    (kafka(event="paid", key={"a": "$.key"}), "must be one text, number or boolean"),
    (kafka(payload="$.value"), "is that of an `event`"),
    (kafka(key="orders"), "must be an expression that gives each record its own key"),
    (kafka(key="$.vale.id"), "what a topic starts or sends sees $.key, $.value"),
    (on(*[{"id": "x", "schedule": {"every": "1m"}}] * 2), "is the id of another entry"),
]


@pytest.mark.parametrize(("definition", "fault"), FAULTY)
def test_a_faulty_trigger(definition: Json, fault: str) -> None:
    faults = faults_of(definition)
    assert any(fault in each for each in faults), faults


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("on: {schedule: [{cron: '0 6 * * *'}]}", '`on: [{id: schedule, schedule: {cron: "0 6 * *'),
        ("on: push", "`on: [{id: nightly, schedule: {"),
        ("on: [{id: x, cron: '0 6 * * *'}]", "'cron' is a key of `schedule: {…}`"),
        ("schedule: '@daily'", '`on: [{id: schedule, schedule: {cron: "0 0 * * *"}}]`'),
        (
            "schedule: {cron: '0 6 * * *', timezone: Europe/Warsaw}",
            'schedule: {cron: "0 6 * * *", timezone: Europe/Warsaw}',
        ),
        ("schedule_interval: rate(5 minutes)", "`on: [{id: schedule, schedule: {every: 5m}}]`"),
        ("catchup: false", "'catchup' is `catch_up: 1h`"),
        ("start_date: 2026-01-01", "backfill"),
        ("on: [{id: x, schedule: {interval: 5m}}]", "'interval' is `every: 15m`"),
        ("on: [{id: x, schedule: {every: 5m, concurrencyPolicy: Allow}}]", "is `overlap: skip`"),
    ],
)
def test_a_word_of_another_engine_is_told_as_ours(text: str, fault: str) -> None:
    faults = faults_of(f"{text}\n{WORKFLOW}")
    assert any(fault in each for each in faults), faults
