"""Registering definitions and reading them back."""

import re

from starlette.testclient import TestClient

from .conftest import Start, deploy
from .definitions import ONE, ORDER


def test_a_definition_gets_a_number_and_version_1(client: TestClient) -> None:
    answer = client.post("/workflows", content=ONE, headers={"content-type": "application/yaml"})
    assert answer.status_code == 201
    assert answer.json() == {"id": 1, "name": "one", "version": 1, "created": True}
    assert answer.headers["location"] == "/workflows/one/versions/1"


def test_the_latest_content_again_is_that_version(client: TestClient) -> None:
    first = deploy(client)
    again = client.post("/workflows", content=ORDER, headers={"content-type": "text/yaml"})
    assert again.status_code == 200
    assert again.json() == {**first, "created": False}


def test_other_content_is_a_new_version(client: TestClient) -> None:
    deploy(client, ONE)
    changed = deploy(client, ONE.replace("test.only", "test.other"))
    assert changed["version"] == 2
    versions = client.get("/workflows/one/versions").json()["items"]
    assert [version["version"] for version in versions] == [2, 1]
    old = client.get("/workflows/one/versions/1").json()
    assert old["definition"]["steps"][0]["task"] == "test.only"
    assert client.get("/workflows/one").json()["definition"]["steps"][0]["task"] == "test.other"


def test_json_is_taken_too_and_means_the_same(client: TestClient) -> None:
    deploy(client, ONE)
    answer = client.post(
        "/workflows", json={"name": "one", "steps": [{"id": "only", "task": "test.only"}]}
    )
    assert answer.status_code == 200


def test_every_fault_of_a_definition_is_listed_with_its_place(client: TestClient) -> None:
    faulty = "name: faulty\nsteps:\n  - {id: a, tusk: x}\n  - {id: a, task: t, needs: [zz]}\n"
    answer = client.post("/workflows", content=faulty, headers={"content-type": "application/yaml"})
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    places = [fault["place"] for fault in answer.json()["faults"]]
    assert len(places) >= 3
    assert any("line 3" in place for place in places)
    assert any("line 4" in place for place in places)
    assert client.get("/workflows").json()["items"] == []


def test_a_workflow_is_found_by_number_and_by_name(client: TestClient) -> None:
    registered = deploy(client)
    by_name = client.get("/workflows/order").json()
    assert client.get(f"/workflows/{registered['id']}").json() == by_name
    assert by_name["definition"]["name"] == "order"


def test_unknown_workflows_and_versions(client: TestClient) -> None:
    deploy(client)
    for path in (
        "/workflows/nobody",
        "/workflows/99",
        "/workflows/99999999999999999999",
        "/workflows/%00",
        "/workflows/order/versions/2",
        "/workflows/order/versions/x",
        "/workflows/order/versions/99999999999999999999",
    ):
        answer = client.get(path)
        assert answer.status_code == 404, path
        assert answer.json()["title"] == "Not Found"


def test_numbers_of_a_definition_keep_their_digits(client: TestClient) -> None:
    step = '{"id": "a", "task": "t", "with": {"rate": 1.1000000000000000001}}'
    text = f'{{"name": "n", "steps": [{step}]}}'
    headers = {"content-type": "application/json"}
    assert client.post("/workflows", content=text, headers=headers).status_code == 201
    assert "1.1000000000000000001" in client.get("/workflows/n").text


def test_workflows_page_by_page(client: TestClient) -> None:
    for name in "dbca":
        deploy(client, ONE.replace("name: one", f"name: {name}"))
    first = client.get("/workflows", params={"limit": 3}).json()
    assert [item["name"] for item in first["items"]] == ["a", "b", "c"]
    second = client.get("/workflows", params={"limit": 3, "cursor": first["next"]}).json()
    assert [item["name"] for item in second["items"]] == ["d"]
    assert second["next"] is None


def test_a_disabled_workflow_starts_nothing_until_it_is_enabled(
    client: TestClient, start: Start
) -> None:
    start()
    disabled = client.post("/workflows/order/disable")
    assert disabled.status_code == 200
    assert disabled.json()["disabled_at"] is not None
    body = {"input": {"customer": "x", "total": 1}}
    refused = client.post("/workflows/order/start", json=body)
    assert refused.status_code == 409
    assert "disabled for new starts since" in refused.json()["detail"]
    batch = client.post("/workflows/order/instances", json={"instances": [body]})
    (item,) = batch.json()["instances"]
    assert (item["id"], item["outcome"]) == (None, "disabled")
    assert item["faults"][0]["place"] == "/instances/0"
    assert "disabled" in client.get("/ui/workflows").text
    assert "No new instances may start" in client.get("/ui/workflows/order").text
    enabled = client.post("/workflows/order/enable").json()
    assert enabled["disabled_at"] is None
    assert client.post("/workflows/order/start", json=body).status_code == 201
    assert client.post("/workflows/nobody/disable").status_code == 404


def test_versions_tell_how_many_instances_are_open(client: TestClient, start: Start) -> None:
    start()
    start()
    (version,) = client.get("/workflows/order/versions").json()["items"]
    assert version["open_instances"] == 2
    assert version["oldest_open"] is not None


def test_the_page_of_a_workflow_disables_and_enables_it(client: TestClient, start: Start) -> None:
    start()
    for word in ("disable", "enable"):
        text = client.get("/ui/workflows/order").text
        (form,) = re.findall(r'<form method="post" id="enable" action="([^"]*)">', text)
        assert form == f"/ui/workflows/order/{word}"
        headers = {
            "sec-fetch-site": "same-origin",
            "content-type": "application/x-www-form-urlencoded",
        }
        assert client.post(form, headers=headers, follow_redirects=False).status_code == 303
