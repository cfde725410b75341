"""From an instance to its trace: by API, page, command line, and the log of what is answered."""

from collections.abc import Iterator
from uuid import UUID

import pytest
from starlette.testclient import TestClient

from onceflow.api.app import create_app
from onceflow.api.command import open_api_pool
from onceflow.engine.logs import set_up_logging
from onceflow.engine.settings import Settings
from onceflow.engine.traces.spans import trace_id_of

from ..api.conftest import deploy
from ..engine.commands.conftest import Onceflow, onceflow
from ..engine.test_logs import logging_as_it_was

TRACE = "0af7651916cd43dd8448eb211c80319c"
HEADERS = {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}
BODY = {"input": {"customer": "ALFKI", "total": 1}}

__all__ = ["logging_as_it_was", "onceflow"]


@pytest.fixture
def client(settings: Settings) -> Iterator[TestClient]:
    ours = Settings(
        hosts=("testserver",), trace_url="https://traces.example.com/trace/{trace_id}?a=1&b=2"
    )
    with open_api_pool(settings) as pool, TestClient(create_app(pool, ours)) as opened:
        yield opened


def test_an_instance_tells_its_trace_and_its_page_leads_there(
    client: TestClient, onceflow: Onceflow
) -> None:
    deploy(client)
    path = "/workflows/order/start"
    brought = client.post(path, json=BODY, headers=HEADERS).json()
    without = client.post(path, json=BODY).json()
    assert brought["trace"] == TRACE
    assert without["trace"] == trace_id_of(UUID(without["id"]), None)
    listed = client.get("/instances").json()["items"]
    assert [one["trace"] for one in listed] == [without["trace"], TRACE]
    for one in (brought, without):
        page = client.get(f"/ui/instances/{one['id']}").text
        assert f'href="https://traces.example.com/trace/{one["trace"]}?a=1&amp;b=2"' in page
        assert f"trace {one['trace']}" in onceflow("show", one["id"]).out


def test_what_is_said_of_a_request_tells_the_trace_that_it_brought(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    asking = Settings(hosts=("testserver",), accounts="on")
    with open_api_pool(settings) as pool, TestClient(create_app(pool, asking)) as client:
        set_up_logging("info")
        wrong = {"Authorization": "Bearer wrong"}
        for headers in (HEADERS | wrong, wrong):
            answer = client.post("/workflows/order/start", json=BODY, headers=headers)
            assert answer.status_code == 401
    with_it, without = capsys.readouterr().err.splitlines()
    assert "refused: POST /workflows/order/start" in with_it
    assert with_it.endswith(f"[trace {TRACE}]")
    assert "trace" not in without
