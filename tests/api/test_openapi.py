"""The description of the API, and the API held against it."""

from collections.abc import Iterator
from typing import Any, cast

from starlette.testclient import TestClient

from onceflow.api.openapi import make_document
from onceflow.api.routes import OPERATIONS
from onceflow.engine.definition import json_schema


def test_the_document_names_every_operation_once(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    assert document["openapi"] == "3.1.0"
    described = [
        (method.upper(), path) for path, methods in document["paths"].items() for method in methods
    ]
    assert sorted(described) == sorted((of.method, of.path) for of in OPERATIONS)
    names = [of.name for of in OPERATIONS]
    assert len(names) == len(set(names))


def test_the_three_routes_that_everything_began_with() -> None:
    paths = make_document(OPERATIONS)["paths"]
    assert "post" in paths["/workflows"]
    assert "post" in paths["/workflows/{id}/start"]
    assert "get" in paths["/workflows/{id}/instances/{instanceId}"]


def test_no_reference_leads_nowhere() -> None:
    document = make_document(OPERATIONS)

    def references(value: Any) -> Iterator[str]:
        if isinstance(value, dict):
            for key, item in cast("dict[str, Any]", value).items():
                yield from [item] if key == "$ref" else references(item)
        elif isinstance(value, list):
            for item in cast("list[Any]", value):
                yield from references(item)

    for reference in references(document):
        assert reference.startswith("#/components/schemas/")
        assert reference.rpartition("/")[2] in document["components"]["schemas"]


def test_editors_get_the_schema_of_definitions(client: TestClient) -> None:
    answer = client.get("/schema/workflow.json")
    assert answer.headers["content-type"] == "application/schema+json"
    assert answer.json() == json_schema()
