"""A small schema registry: it answers what readers of values ask, with schemas set by hand."""

import base64
import json
import struct
import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from google.protobuf.descriptor_pb2 import FileDescriptorProto


class SchemaRegistry:
    """Schemas by ids; one that others refer to is the version 1 of its subject too."""

    def __init__(self) -> None:
        self.schemas: dict[int, dict[str, Any]] = {}
        self.subjects: dict[str, int] = {}
        self.status = 200
        self.asked: list[str] = []
        self.url = ""

    def avro(self, number: int, schema: Any, *references: str) -> None:
        """Keep a schema of Avro; ``references`` are names of types, and of their subjects."""
        self._keep(number, "AVRO", json.dumps(schema), references)

    def protobuf(self, number: int, file: FileDescriptorProto, *references: str) -> None:
        """Keep a schema of Protobuf; ``references`` are names of files, and of their subjects."""
        text = base64.b64encode(file.SerializeToString()).decode()
        self._keep(number, "PROTOBUF", text, references)

    def _keep(self, number: int, kind: str, text: str, references: tuple[str, ...]) -> None:
        named = [{"name": name, "subject": name, "version": 1} for name in references]
        self.schemas[number] = {"schema": text, "schemaType": kind, "references": named}

    def answer(self, path: str) -> tuple[int, Any]:
        """Return the status and the answer to a question."""
        url = urlsplit(path)
        self.asked.append(path)
        if self.status != 200:
            return self.status, {"error_code": self.status, "message": "not now"}
        match url.path.strip("/").split("/"):
            case ["schemas", "ids", number]:
                found = self.schemas.get(int(number))
            case ["subjects", subject, "versions", "1"] if subject in self.subjects:
                number = self.subjects[subject]
                found = {**self.schemas[number], "id": number, "subject": subject, "version": 1}
            case _:
                found = None
        if found is None:
            return 404, {"error_code": 40403, "message": "Schema not found"}
        binary = parse_qs(url.query).get("format") == ["serialized"]
        assert not binary or found["schemaType"] == "PROTOBUF"
        return 200, found


@contextmanager
def schema_registry() -> Generator[SchemaRegistry]:
    """Serve a registry until the block ends."""
    registry = SchemaRegistry()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, answer = registry.answer(self.path)
            body = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        registry.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield registry
        finally:
            server.shutdown()
            thread.join()


def framed(number: int, body: bytes) -> bytes:
    """Return a value as serializers write it."""
    return struct.pack(">bI", 0, number) + body
