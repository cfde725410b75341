"""The OpenAPI 3.1 document, made from the operations and the types of requests and answers."""

import importlib.metadata
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, cast

import msgspec

from ..engine.definition import json_schema
from .accounts import cookies
from .operation import JSON, Delivery, Document, Operation
from .problems import MEDIA_TYPE, ProblemDetails, phrase
from .schemas.json_schema import Schema, schema_components, schema_of

PATH_PARAMETERS: Final[Mapping[str, Schema]] = {
    "id": {"schema": {"type": "string"}, "description": "A workflow's id or name."},
    "n": {"schema": {"type": "integer", "minimum": 1}, "description": "A version."},
    "instanceId": {"schema": {"type": "string", "format": "uuid"}},
    "scope": {"schema": {"type": "integer", "minimum": 1}, "description": "A scope's number."},
    "name": {"schema": {"type": "string"}, "description": "The queue's name."},
    "account": {"schema": {"type": "string"}, "description": "The name of a key, or a person."},
    "configName": {"schema": {"type": "string"}, "description": "The value's name."},
    "workflow": {"schema": {"type": "string"}, "description": "A workflow's name."},
    "trigger": {"schema": {"type": "string"}, "description": "The id of an entry of its `on`."},
}
TAGS: Final = [
    {"name": "workflows", "description": "Definitions, in immutable versions."},
    {"name": "instances", "description": "Executions of workflows."},
    {"name": "dead letters", "description": "Tasks that failed for good and await a person."},
    {"name": "forms", "description": "What people are asked to decide."},
    {"name": "triggers", "description": "What starts instances by itself."},
    {"name": "system", "description": "Workers, queues and messages."},
    {"name": "accounts", "description": "Keys of programs, and people."},
    {"name": "health", "description": "Probes."},
]
SECURITY: Final[Mapping[str, Schema]] = {
    "key": {
        "type": "http",
        "scheme": "bearer",
        "description": "A key, which `onceflow key create` makes.",
    },
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": cookies.NAME,
        "description": "What a browser bears that is logged in; of pages alone where it changes "
        "something. Behind TLS its name begins with `__Host-`, or `__Secure-` beneath a path.",
    },
}
"""Where accounts are needed."""
DESCRIPTION: Final = (
    "Onceflow runs workflows to their end, across crashes, and gives each effect exactly once.\n\n"
    "Every error is a problem document (RFC 9457, `application/problem+json`) whose `faults` list "
    "everything that is wrong with the request. Lists are read page by page: `next` of one page is "
    "the `cursor` of the following.\n\n"
    "Where there are accounts, each operation takes a role: viewer, starter, operator, deployer, "
    "admin, of which each may all that those before it may."
)


def make_document(operations: Iterable[Operation], root_path: str = "") -> Schema:
    """Return the whole document of an api that a proxy shows under ``root_path``."""
    operations = list(operations)
    schemas = _Schemas(operations)
    paths: dict[str, Schema] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(
            operation, schemas
        )
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Onceflow",
            "version": importlib.metadata.version("onceflow"),
            "description": DESCRIPTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": root_path or "/"}],
        "tags": TAGS,
        "paths": paths,
        "components": {"schemas": schemas.components, "securitySchemes": SECURITY},
    }


class _Schemas:
    """The JSON Schemas of all types that the operations name, as components."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        kinds: list[Any] = [ProblemDetails]
        for operation in operations:
            kinds += operation.answers.values()
            if operation.takes_body and operation.body not in (Document, Delivery):
                kinds.append(operation.body)
        found, components = schema_components(kinds, "#/components/schemas/{name}")
        self._by_type = dict(zip(kinds, found, strict=True))
        self.components: dict[str, Schema] = dict(components)
        # A body that its operation reads itself: there is one such type, with a schema of its own.
        definition = json_schema()
        definition.pop("$schema")
        parts = {f"Definition-{name}": part for name, part in definition.pop("$defs").items()}
        for name, part in {"Definition": definition, **parts}.items():
            self.components[name] = _moved(part)
        self._by_type[Delivery] = {"description": "Whatever its sender sends."}
        self._by_type[Document] = {"$ref": "#/components/schemas/Definition"}

    def of(self, kind: Any) -> Schema:
        """Return the (reference to the) schema of a type."""
        return self._by_type[kind]


def _moved(schema: Any) -> Any:
    """Return a part of a definition's schema, with references to the components it is now in."""
    if isinstance(schema, list):
        return [_moved(item) for item in cast("list[Any]", schema)]
    if not isinstance(schema, dict):
        return schema
    members = cast("Schema", schema)
    if isinstance(reference := members.get("$ref"), str):
        return {"$ref": reference.replace("#/$defs/", "#/components/schemas/Definition-")}
    return {key: _moved(item) for key, item in members.items()}


def _operation(operation: Operation, schemas: _Schemas) -> Schema:
    parameters = [
        {"name": name, "in": "path", "required": True, **PATH_PARAMETERS[name]}
        for name in re.findall(r"{(\w+)}", operation.path)
    ]
    parameters += _parameters(operation.query, "query")
    parameters += _parameters(operation.headers, "header")
    described: Schema = {
        "operationId": operation.name,
        "tags": [operation.tag],
        "summary": operation.summary,
        "parameters": parameters,
        "responses": _responses(operation, schemas),
        "security": [] if operation.role is None else [{name: []} for name in SECURITY],
    }
    takes = [] if operation.role is None else [f"Takes the role {operation.role.word}."]
    if operation.description or takes:
        described["description"] = "\n\n".join(filter(None, [operation.description, *takes]))
    if operation.takes_body:
        described["requestBody"] = {
            "required": operation.body_required,
            "content": {
                kind: {"schema": schemas.of(operation.body)} for kind in operation.media_types
            },
        }
    return described


def _parameters(kind: Any, where: str) -> list[Schema]:
    """Return the fields of a Struct as parameters; what may be left out has no null of its own."""
    parameters: list[Schema] = []
    described = schema_of(kind)["$defs"][kind.__name__]
    for field in msgspec.structs.fields(kind):
        schema = _without_null(described["properties"][field.encode_name])
        if schema.get("default") in (None, ""):
            schema.pop("default", None)
        parameter: Schema = {
            "name": field.encode_name,
            "in": where,
            "required": field.required,
            "schema": schema,
        }
        if "description" in schema:
            parameter["description"] = schema.pop("description")
        if field.encode_name.endswith(".*"):
            # Each member of the object is a parameter of its own.
            prefix = field.encode_name.removesuffix("*")
            pattern = f"^{re.escape(prefix)}.+$"
            parameter |= {"name": prefix.rstrip("."), "style": "form", "explode": True}
            parameter["schema"] = {
                "type": "object",
                "patternProperties": {pattern: {"type": "string"}},
                "additionalProperties": False,
            }
        parameters.append(parameter)
    return parameters


def _without_null(schema: Schema) -> Schema:
    kept = dict(schema)
    if isinstance(kept.get("type"), list):
        kept["type"], _ = kept["type"]
    if "enum" in kept:
        kept["enum"] = [word for word in kept["enum"] if word is not None]
    return kept


def _responses(operation: Operation, schemas: _Schemas) -> Schema:
    responses: Schema = {
        str(status): {
            "description": phrase(status),
            "content": {JSON: {"schema": schemas.of(kind)}},
        }
        for status, kind in operation.answers.items()
    }
    problem = {MEDIA_TYPE: {"schema": schemas.of(ProblemDetails)}}
    for status in sorted(problems_of(operation)):
        responses[str(status)] = {"description": phrase(status), "content": problem}
    return responses


def problems_of(operation: Operation) -> set[int]:
    """Return every problem that an operation can answer with."""
    statuses = {*operation.problems, 422, 500, 503}
    if "{" in operation.path:
        statuses.add(404)
    if operation.takes_body:
        statuses |= {400, 413, 415}
    if operation.role is not None:
        statuses |= {401, 403}
    if operation.method not in ("GET", "HEAD"):
        statuses.add(403)
    return statuses
