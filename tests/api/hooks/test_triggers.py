"""/triggers, /ui/triggers, and what is told where a webhook's secret is missing"""

from starlette.testclient import TestClient

from .conftest import Send

NAMES = ["keyed", "lost", "open", "paid", "push", "said", "turned"]


def test_triggers_are_listed_page_by_page(client: TestClient) -> None:
    listed: list[str] = []
    cursor = ""
    while True:
        page = client.get("/triggers", params={"limit": 3, "cursor": cursor}).json()
        listed += [one["trigger"] for one in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert listed == NAMES
    assert client.get("/triggers", params={"kind": "kafka"}).json()["items"] == []
    assert client.get("/triggers", params={"workflow": "other"}).json()["items"] == []
    one = client.get("/triggers/hooked/push").json()
    assert one["hears"] == "POST /hooks/hooked/push, signed by github"
    assert (one["kind"], one["version"], one["failed"]) == ("webhook", 1, 0)
    assert client.get("/triggers/hooked/other").status_code == 404


def test_one_is_paused_and_resumed(client: TestClient, push: Send) -> None:
    assert client.post("/triggers/hooked/push/pause").json()["paused_at"]
    assert push().status_code == 503
    assert client.post("/triggers/hooked/push/resume").json()["paused_at"] is None
    assert push().status_code == 202
    assert client.post("/triggers/hooked/other/pause").status_code == 404


def test_its_failures_are_told(client: TestClient, push: Send) -> None:
    push({"n": "seven"})
    push({"n": "seven"}, guid="d-2")
    (failure,) = client.get("/triggers/hooked/push/failures").json()["items"]
    assert (failure["code"], failure["times"], failure["key"]) == ("invalid_input", 2, "d-2")
    assert "/n" in failure["message"]
    assert client.get("/triggers/hooked/push").json()["failed"] == 2
    assert client.get("/triggers/hooked/other/failures").status_code == 404


def test_the_page_shows_them_pauses_and_tells_what_failed(client: TestClient, push: Send) -> None:
    push({"n": "<seven>"})
    page = client.get("/ui/triggers", params={"name": "hooked/push"}).text
    assert "invalid_input" in page
    hears = "POST /hooks/hooked/push, signed by github"
    assert hears in page
    assert hears in client.get("/ui/workflows/hooked").text
    path = "/ui/triggers/hooked/push"
    assert client.post(f"{path}/pause", data={"x": "1"}, follow_redirects=False).status_code == 303
    assert "Resume" in client.get("/ui/triggers").text
    assert client.post(f"{path}/resume", data={"x": "1"}, follow_redirects=False).status_code == 303
    assert client.post(f"{path}/drop", data={"x": "1"}).status_code == 404
    assert client.get("/ui/triggers", params={"kind": "odd"}).status_code == 422
    assert client.get("/ui/triggers", params={"name": "nothing"}).status_code == 404


def test_a_missing_secret_is_told_with_what_to_do(client: TestClient) -> None:
    told = "The webhook hooked/lost cannot tell who sends to it: there is no secret NOT_THERE"
    for text in (
        client.get("/ui/triggers").text,
        client.get("/").text,
        client.get("/health/ready").text,
    ):
        assert told in text
        assert "the api's ONCEFLOW_SECRETS_DIR" in text.replace("&#39;", "'")
    client.post("/triggers/hooked/lost/pause")
    assert told not in client.get("/health/ready").text
