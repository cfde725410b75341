"""``onceflow show`` and ``watch`` of an instance with blocks, and decisions within them."""

from uuid import UUID

import pytest
from starlette.testclient import TestClient

from ...blocks import begin_batch
from ...conftest import Connect
from .conftest import Onceflow
from .test_bodies import api

__all__ = ["api"]


@pytest.fixture
def batch(connect: Connect) -> UUID:
    return begin_batch(connect())


def test_show_counts_scopes_and_draws_the_first(onceflow: Onceflow, batch: UUID) -> None:
    lines = [line.strip("│├└─ ") for line in onceflow("show", batch).out.splitlines()]
    counts = next(line for line in lines if line.startswith("30 items"))
    assert counts.startswith("30 items: 1 failed, 6 open, 20 waiting, 3 succeeded; 10 % may fail")
    scopes = [line.split()[0] for line in lines if line.startswith("invoices[")]
    assert scopes == [f"invoices[{n}]" for n in (3, 5, 4, 6, 7, 8, 9, *range(10, 23))]
    assert any(line.startswith("send/6  DEAD_LETTER  open: redrive") for line in lines)
    assert "more of them: --block invoices" in lines
    assert any(line.startswith("1 item: 1 open") for line in lines)
    assert any(line.startswith("report  not due yet") for line in lines)


def test_show_pages_through_a_block_and_looks_into_a_scope(onceflow: Onceflow, batch: UUID) -> None:
    told = onceflow("show", batch, "--block", "invoices", "--page", 2, "--json").json
    assert [scope["ordinal"] for scope in told["items"]] == [*range(23, 30), 0, 1, 2]
    assert told["next"] is None
    shown = onceflow("show", batch, "--block", "invoices", "--state", "failed").out
    assert "invoices[3]  FAILED" in shown
    assert "invoices[5]" not in shown
    shown = onceflow("show", batch, "--scope", 7).out
    assert "pages/7  WAITING" in shown
    assert "send  not due yet" in shown
    for wrong, said in (
        (("--scope", 99), "has no scope 99"),
        (("--block", "nothing"), "has no block nothing"),
        (("--page", 2), "name it by --block"),
        (("--scope", 7, "--block", "invoices"), "one of the two"),
    ):
        done = onceflow("show", batch, *wrong)
        assert done.code != 0
        assert said in done.err


def test_json_is_what_the_api_answers(onceflow: Onceflow, api: TestClient, batch: UUID) -> None:
    def without_spans(tasks: list[dict[str, object]]) -> None:
        for task in tasks:
            task.pop("waited", None)
            task.pop("ran", None)

    told = onceflow("show", batch, "--json").json
    without_spans(told["tasks"])
    assert told == api.get(f"/instances/{batch}").json()
    told = onceflow("show", batch, "--scope", 7, "--json").json
    without_spans(told["tasks"])
    assert told == api.get(f"/instances/{batch}/scopes/7").json()
    told = onceflow("show", batch, "--block", "invoices", "--json").json
    answer = api.get(f"/instances/{batch}/scopes?block=invoices").json()
    assert told["items"] == answer["items"]


def test_the_log_says_where_it_happened(onceflow: Onceflow, batch: UUID) -> None:
    log = onceflow("show", batch, "--log").out
    assert "  invoices[0]/render  SUCCEEDED" in log
    assert "  invoices[3]  FAILED" in log


def test_dead_letters_in_scopes_are_listed_by_the_blocks_around_them(
    onceflow: Onceflow, batch: UUID
) -> None:
    for filters in (("--step", "invoices"), ("--step", "send"), ("--code", "smtp.*")):
        (letter,) = onceflow("dead-letters", "list", "--json", *filters).json["items"]
        assert (letter["task"], letter["path"]) == ("send/6", "invoices[5]/send")
    assert onceflow("dead-letters", "list", "--json", "--step", "pages").json["items"] == []


def test_dead_letters_in_scopes_are_decided_by_name_and_by_filter(
    onceflow: Onceflow, batch: UUID, connect: Connect
) -> None:
    def state() -> str:
        asked = "select state from onceflow.tasks where instance_id = %s and task = 'send/6'"
        ((found,),) = connect().execute(asked, (batch,)).fetchall()
        return found

    told = onceflow("dead-letters", "redrive", f"{batch}/send/6", "--json").json["decided"]
    assert [(one["task"], one["outcome"]) for one in told] == [("send/6", "done")]
    assert state() == "QUEUED"
    assert onceflow("dead-letters", "skip", "--step", "invoices", "--yes").out.startswith("no open")
