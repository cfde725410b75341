"""``onceflow audit`` and ``drop-audit``: who changed what, at the command line"""

import csv
import json

from ...conftest import Connect
from .conftest import Onceflow


def test_what_is_changed_by_a_command_is_told_as_done_by_who_types_it(onceflow: Onceflow) -> None:
    assert onceflow("audit").out == "nothing was changed that matches\n"
    onceflow("config", "set", "URL", "http://a", "--by", "boss")
    onceflow("config", "unset", "URL")
    page = onceflow("audit", "--json").json
    assert [each["verb"] for each in page["items"]] == ["set_config_values"] * 2
    for each in page["items"]:
        assert "@" in each["actor"]
        assert each["actor"] != each["login"]
    assert page["next"] is None
    assert "config set_config_values" not in onceflow("audit").out
    assert onceflow("audit", "--limit", "1").out.count("set_config_values") == 1


def test_pages_follow_each_other_and_filters_hold(onceflow: Onceflow) -> None:
    for name in "ABC":
        onceflow("config", "set", name, "1")
    first = onceflow("audit", "--json", "--limit", "2").json
    assert [each["target"] for each in first["items"]] == ["C", "B"]
    second = onceflow("audit", "--json", "--before", first["next"]).json
    assert [each["target"] for each in second["items"]] == ["A"]
    assert f"(more follow: --before {first['next']})" in onceflow("audit", "--limit", "2").out
    assert [e["target"] for e in onceflow("audit", "--target", "B", "--json").json["items"]] == [
        "B"
    ]
    assert onceflow("audit", "--until", "2020-01-01T00:00:00Z", "--json").json["items"] == []


def test_it_is_printed_as_csv_and_as_lines_of_json(onceflow: Onceflow) -> None:
    for name in "ABC":
        onceflow("config", "set", name, "1")
    rows = list(csv.DictReader(onceflow("audit", "--csv").out.splitlines()))
    assert [row["target"] for row in rows] == ["C", "B", "A"]
    lines = onceflow("audit", "--json-lines", "--limit", "2").out.splitlines()
    assert [json.loads(line)["target"] for line in lines] == ["C", "B"]


def test_old_entries_are_dropped_and_that_is_told(onceflow: Onceflow, connect: Connect) -> None:
    onceflow("config", "set", "A", "1")
    with connect() as conn:
        conn.execute("update onceflow.audit_entry set at = at - interval '400 days'")
    assert onceflow("drop-audit", "365").out == "1 entries were dropped\n"
    assert [e["verb"] for e in onceflow("audit", "--json").json["items"]] == ["drop_audit"]
    refused = onceflow("drop-audit", "7")
    assert refused.code == 1
    assert "the last 30 days of the audit are kept" in refused.err
