"""Dead letters: listing, redriving, skipping and discarding them."""

from typing import Any

from starlette.testclient import TestClient

from .conftest import Start
from .hand_worker import HandWorker


def die(start: Start, worker: HandWorker, customer: str = "ALFKI") -> str:
    """Start an instance whose second task becomes a dead letter; return its id."""
    instance = start(customer)
    worker.complete(instance)
    worker.fail(instance, "card.refused")
    return instance


def decide(client: TestClient, verb: str, **body: Any) -> list[dict[str, Any]]:
    answer = client.post(f"/dead-letters/{verb}", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()["decided"]


def test_a_dead_letter_shows_what_happened(
    client: TestClient, start: Start, worker: HandWorker
) -> None:
    instance = die(start, worker)
    (letter,) = client.get("/dead-letters").json()["items"]
    assert letter["instance"] == instance
    assert letter["task"] == "pay"
    assert letter["attempts"] == 1
    assert letter["input"] == {"amount": 12.5}
    assert letter["error"]["code"] == "card.refused"
    assert client.get(f"/instances/{instance}").json()["suspended_by"] == "dead_letter"


def test_redrive_with_a_corrected_input(
    client: TestClient, start: Start, worker: HandWorker
) -> None:
    instance = die(start, worker)
    key = {"instance": instance, "task": "pay", "input": {"amount": 11}}
    (decided,) = decide(client, "redrive", dead_letters=[key])
    assert decided["outcome"] == "done"
    assert client.get("/dead-letters").json()["items"] == []
    assert worker.claim(instance).input_json == '{"amount": 11}'
    (decided,) = decide(client, "redrive", dead_letters=[key])
    assert decided["outcome"] == "refused"
    assert "RUNNING" in decided["detail"]


def test_redrive_many_some_with_another_input(
    client: TestClient, start: Start, worker: HandWorker
) -> None:
    one, two = die(start, worker), die(start, worker)
    keys = [
        {"instance": one, "task": "pay"},
        {"instance": two, "task": "pay", "input": {"amount": 1}},
        {"instance": two, "task": "nothing"},
    ]
    decided = decide(client, "redrive", dead_letters=keys)
    assert sorted(item["outcome"] for item in decided) == ["done", "done", "refused"]
    assert worker.claim(one).input_json == '{"amount": 12.5}'
    assert worker.claim(two).input_json == '{"amount": 1}'


def test_redrive_by_filter_with_a_limit(
    client: TestClient, start: Start, worker: HandWorker
) -> None:
    instances = [die(start, worker) for _ in range(3)]
    assert decide(client, "redrive", filter={"step": "reserve"}) == []
    first = decide(client, "redrive", filter={"workflow": "order", "step": "pay"}, limit=2)
    assert [item["instance"] for item in first] == instances[:2]
    rest = decide(client, "redrive", filter={})
    assert [item["instance"] for item in rest] == instances[2:]


def test_skip_goes_on_with_the_given_output(
    client: TestClient, start: Start, worker: HandWorker
) -> None:
    instance = die(start, worker)
    key = {"instance": instance, "task": "pay", "output": {"amount": 99.000}}
    (decided,) = decide(client, "skip", dead_letters=[key])
    assert decided["outcome"] == "done"
    read = client.get(f"/instances/{instance}").json()
    assert read["status"] == "SUCCEEDED"
    assert read["output"] == {"paid": 99.0}


def test_discard_fails_the_instance(client: TestClient, start: Start, worker: HandWorker) -> None:
    instance = die(start, worker)
    (decided,) = decide(client, "discard", dead_letters=[{"instance": instance, "task": "pay"}])
    assert decided["outcome"] == "done"
    assert client.get(f"/instances/{instance}").json()["status"] == "FAILED"


def test_either_a_list_or_a_filter(client: TestClient) -> None:
    key = {"instance": "01a205de-4851-7852-a2f3-9df555da97c8", "task": "pay"}
    for verb in ("redrive", "skip", "discard"):
        bodies: list[Any] = [{}, {"dead_letters": [key], "filter": {}}, {"dead_letters": []}]
        for body in bodies:
            assert client.post(f"/dead-letters/{verb}", json=body).status_code == 422


def test_filters_and_pages(client: TestClient, start: Start, worker: HandWorker) -> None:
    instances = [die(start, worker) for _ in range(5)]

    def listed(**query: Any) -> list[str]:
        answer = client.get("/dead-letters", params=query)
        assert answer.status_code == 200, answer.text
        return [item["instance"] for item in answer.json()["items"]]

    assert listed(workflow="order", step="pay", queue="default") == instances[::-1]
    assert listed(instance=instances[2]) == [instances[2]]
    assert listed(step="reserve") == []
    assert listed(queue="pdf") == []
    first = client.get("/dead-letters", params={"limit": 3}).json()
    rest = client.get("/dead-letters", params={"limit": 3, "cursor": first["next"]}).json()
    seen = [item["instance"] for item in first["items"] + rest["items"]]
    assert seen == instances[::-1]
    assert rest["next"] is None


def test_several_dead_letters_of_one_instance_are_not_lost_between_pages(
    client: TestClient, worker: HandWorker
) -> None:
    steps = "\n".join(
        f"  - {{id: s{n}, task: test.only, needs: [], on_failure: suspend}}" for n in range(5)
    )
    headers = {"content-type": "application/yaml"}
    client.post("/workflows", content=f"name: wide\nsteps:\n{steps}\n", headers=headers)
    instance = client.post("/workflows/wide/start").json()["id"]
    worker.fail_all(instance)
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = client.get("/dead-letters", params={"limit": 2, "cursor": cursor}).json()
        seen += [item["task"] for item in page["items"]]
        cursor = page["next"]
    assert seen == ["s0", "s1", "s2", "s3", "s4"]


WITHOUT_A_WORKER = """
name: valued
on_failure: suspend
steps:
  - {id: a, set: $.input.none, needs: []}
  - {id: b, set: 1, when: $.input.none, needs: []}
output: [$.steps.a.output, $.steps.b.output]
"""


def test_what_failed_by_an_expression_is_redriven_with_what_it_should_have_given(
    client: TestClient,
) -> None:
    headers = {"content-type": "application/yaml"}
    client.post("/workflows", content=WITHOUT_A_WORKER, headers=headers)
    instance = client.post("/workflows/valued/start").json()["id"]
    letters = client.get("/dead-letters").json()["items"]
    assert [(letter["task"], letter["takes"]) for letter in letters] == [
        ("a", "value"),
        ("b", "boolean"),
    ]
    key = {"instance": instance, "task": "a"}
    (decided,) = decide(client, "redrive", dead_letters=[key])
    assert decided["outcome"] == "refused"
    assert "give the value that it should have given" in decided["detail"]
    page = client.get("/ui/dead-letters").text
    assert "Redrive with this value" in page
    assert "true or false" in page
    given = [key | {"input": 7}, {"instance": instance, "task": "b", "input": True}]
    decided = decide(client, "redrive", dead_letters=given)
    assert [item["outcome"] for item in decided] == ["done", "done"]
    read = client.get(f"/instances/{instance}").json()
    assert (read["status"], read["output"]) == ("SUCCEEDED", [7, 1])
