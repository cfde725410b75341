"""Values of Avro and Protobuf, whose schemas a schema registry has.

A value begins with a zero byte and the four bytes of its schema's id, as Confluent's serializers
write it. That a registry is away is no fault of a record: then the topic waits.
"""

import base64
import io
import time
from collections.abc import Callable
from importlib import import_module
from typing import Any, Final, Protocol, TypeVar, cast

from ...engine.errors import OnceflowError
from ...engine.extras import told_by_name
from ...engine.json_text import encode
from ...engine.redact import masked
from ...engine.settings import Settings
from .records import Format, Unreadable, kept

T = TypeVar("T")

TIMEOUT: Final = 5.0
"""Seconds within which a registry answers."""

REMEMBER: Final = 60.0
"""Seconds for which it is believed that a registry has no schema of an id."""


class RegistryAway(OnceflowError):
    """The registry does not answer, or not to us."""


class Schema(Protocol):
    """What we use of a schema of confluent-kafka's client."""

    schema_str: str
    schema_type: str
    references: list[Any]


class Registry:
    """A schema registry. For one thread."""

    def __init__(self, settings: Settings) -> None:
        """Raises SettingsError where no registry is named, and MissingExtra."""
        with told_by_name():
            from confluent_kafka.schema_registry import SchemaRegistryClient, SchemaRegistryError
        self._client: Any = SchemaRegistryClient(
            {
                "url": settings.require_schema_registry(),
                "timeout": TIMEOUT,
                "max.retries": 1,
                "retries.wait.ms": 200,
            }
        )
        self._refusal = SchemaRegistryError
        self._unknown: dict[int, tuple[float, str]] = {}

    def schema(self, number: int, form: str | None = None) -> Schema:
        """Return the schema of an id. Raises Unreadable, RegistryAway."""
        since, reason = self._unknown.get(number, (-REMEMBER, ""))
        if time.monotonic() - since < REMEMBER:
            raise Unreadable(reason)
        try:
            return self._ask(lambda: self._client.get_schema(number, fmt=form))
        except LookupError:
            reason = f"the schema registry has no schema with the id {number}"
            self._unknown[number] = time.monotonic(), reason
            raise Unreadable(reason) from None

    def referred(self, reference: Any, form: str | None = None) -> Schema:
        """Return the schema that another one names. Raises Unreadable, RegistryAway."""
        try:
            found = self._ask(
                lambda: self._client.get_version(reference.subject, reference.version, fmt=form)
            )
        except LookupError:
            raise Unreadable(f"the schema registry has no {reference.name}") from None
        return cast("Schema", found.schema)

    def _ask(self, question: Callable[[], T]) -> T:
        """Return an answer. Raises LookupError where there is none, and RegistryAway."""
        try:
            return question()
        except self._refusal as error:
            if error.http_status_code == 404:
                raise LookupError from None
            raise RegistryAway(f"the schema registry refuses: {masked(str(error))}") from None
        except Exception as error:  # of the HTTP client: it has several roots
            said = masked(str(error)) or type(error).__name__
            raise RegistryAway(f"the schema registry does not answer: {said}") from None


def split(value: bytes) -> tuple[int, bytes]:
    """Return the id of a value's schema, and what follows. Raises Unreadable."""
    if len(value) < 5 or value[0] != 0:
        raise Unreadable(
            "the value does not begin with a zero byte and the id of a schema, as the serializers "
            "of a schema registry write it"
        )
    return int.from_bytes(value[1:5], "big"), value[5:]


class Registered(Format):
    """Values of one kind of schema; readers of schemas are made once each."""

    kind = ""
    form: str | None = None

    def __init__(self, settings: Settings) -> None:
        self._registry = Registry(settings)
        self._readers: dict[int, Callable[[bytes], bytes]] = {}

    def json_of(self, value: bytes, topic: str) -> bytes:
        """Return a value as JSON text. Raises Unreadable, and RegistryAway."""
        number, body = split(value)
        reader = self._readers.get(number)
        if reader is None:
            schema = self._registry.schema(number, self.form)
            if schema.schema_type != self.kind:
                raise Unreadable(f"its schema, {number}, is of the type {schema.schema_type}")
            reader = self._readers[number] = self._guarded(lambda: self.reader_of(schema))
        return kept(self._guarded(lambda: reader(body)))

    def reader_of(self, schema: Schema) -> Callable[[bytes], bytes]:
        """Return what reads the values of a schema."""
        raise NotImplementedError

    def _guarded(self, work: Callable[[], T]) -> T:
        """Do what meets the bytes of strangers, of whom anything may come."""
        try:
            return work()
        except (Unreadable, RegistryAway, ImportError):
            raise
        except Exception as error:
            said = " ".join(str(error).split())[:500]
            raise Unreadable(f"the value is not what its schema says: {said}") from None


class AvroFormat(Registered):
    """Values of Avro. Bytes become base64, logical types what JSON has for them."""

    kind = "AVRO"

    def reader_of(self, schema: Schema) -> Callable[[bytes], bytes]:
        """Return what reads the values of a schema."""
        with told_by_name():
            import fastavro
        avro: Any = fastavro
        named: dict[str, Any] = {}
        self._load(schema, named, avro.parse_schema)
        parsed = avro.parse_schema(_parsed(schema), named_schemas=named)
        if _has_empty_items(parsed, named, frozenset()):
            raise Unreadable("its schema has arrays of items without a byte, which have no bound")

        def read(body: bytes) -> bytes:
            return encode(avro.schemaless_reader(io.BytesIO(body), parsed, None)).encode()

        return read

    def _load(self, schema: Schema, named: dict[str, Any], parse: Callable[..., Any]) -> None:
        for reference in schema.references or ():
            referred = self._registry.referred(reference)
            self._load(referred, named, parse)
            parse(_parsed(referred), named_schemas=named)


def _parsed(schema: Schema) -> Any:
    from ...engine.json_text import decode

    text = schema.schema_str
    return decode(text) if text.lstrip()[:1] in ("{", "[", '"') else text


def _has_empty_items(schema: Any, named: dict[str, Any], around: frozenset[str]) -> bool:
    """Tell whether some bytes of a value may stand for any number of items."""
    match schema:
        case list():
            return any(_has_empty_items(one, named, around) for one in cast("list[Any]", schema))
        case str():
            known = schema in named and schema not in around
            return known and _has_empty_items(named[schema], named, around | {schema})
        case {"type": "array", "items": items}:
            return _is_empty(items, named, around) or _has_empty_items(items, named, around)
        case {"type": "map", "values": values}:
            return _has_empty_items(values, named, around)
        case {"type": "record", "name": str(name), "fields": fields}:
            return name not in around and any(
                _has_empty_items(one["type"], named, around | {name}) for one in fields
            )
        case {"type": dict() | list()}:
            return _has_empty_items(schema["type"], named, around)
        case _:
            return False


def _is_empty(schema: Any, named: dict[str, Any], around: frozenset[str]) -> bool:
    """Tell whether a value may take no byte."""
    match schema:
        case "null" | {"type": "null"} | {"type": "fixed", "size": 0}:
            return True
        case str():
            known = schema in named and schema not in around
            return known and _is_empty(named[schema], named, around | {schema})
        case {"type": "record", "name": str(name), "fields": fields}:
            return name in around or all(
                _is_empty(one["type"], named, around | {name}) for one in fields
            )
        case {"type": dict()}:
            return _is_empty(schema["type"], named, around)
        case _:
            return False


class ProtobufFormat(Registered):
    """Values of Protobuf, as its own mapping to JSON has them, with the names of the schema."""

    kind = "PROTOBUF"
    form = "serialized"

    def reader_of(self, schema: Schema) -> Callable[[bytes], bytes]:
        """Return what reads the values of a schema."""
        with told_by_name():
            from google.protobuf import json_format, message_factory
            from google.protobuf.descriptor_pool import DescriptorPool
        pool: Any = DescriptorPool()
        added: set[str] = set()
        name = self._add(schema, "value.proto", pool, added)
        file: Any = pool.FindFileByName(name)
        classes: dict[tuple[int, ...], Any] = {}

        def read(body: bytes) -> bytes:
            path, rest = _message_path(body)
            if path not in classes:
                found = [*file.message_types_by_name.values()][path[0]]
                for number in path[1:]:
                    found = found.nested_types[number]
                classes[path] = message_factory.GetMessageClass(found)
            message = classes[path]()
            message.ParseFromString(rest)
            text = json_format.MessageToJson(
                message, preserving_proto_field_name=True, indent=None, ensure_ascii=False
            )
            return text.encode()

        return read

    def _add(self, schema: Schema, name: str, pool: Any, added: set[str]) -> str:
        """Add a file to the pool, behind those that it imports."""
        from google.protobuf.descriptor_pb2 import FileDescriptorProto

        file: Any = FileDescriptorProto.FromString(base64.b64decode(schema.schema_str))
        file.name = name
        references = {reference.name: reference for reference in schema.references or ()}
        for needed in file.dependency:
            if needed in added:
                continue
            if needed in references:
                self._add(
                    self._registry.referred(references[needed], self.form), needed, pool, added
                )
            else:
                _add_known(needed, pool, added)
        added.add(name)
        pool.AddSerializedFile(file.SerializeToString())
        return name


def _add_known(name: str, pool: Any, added: set[str]) -> None:
    """Add a file that Protobuf itself brings. Raises Unreadable for any other."""
    folder, _, base = name.rpartition("/")
    if folder != "google/protobuf" or not base.removesuffix(".proto").isidentifier():
        raise Unreadable(f"its schema imports {name[:100]}, which is not among its references")
    module = import_module(f"google.protobuf.{base.removesuffix('.proto')}_pb2")
    for needed in module.DESCRIPTOR.dependencies:
        if needed.name not in added:
            _add_known(needed.name, pool, added)
    added.add(name)
    pool.AddSerializedFile(module.DESCRIPTOR.serialized_pb)


def _message_path(body: bytes) -> tuple[tuple[int, ...], bytes]:
    """Return which message of its file a value is, and its bytes: zigzag numbers, 0 for [0]."""
    count, at = _zigzag(body, 0)
    if count == 0:
        return (0,), body[at:]
    if not 0 < count < 100:
        raise Unreadable("the value does not say which message of its schema it is")
    path: list[int] = []
    for _ in range(count):
        number, at = _zigzag(body, at)
        if number < 0:
            raise Unreadable("the value does not say which message of its schema it is")
        path.append(number)
    return tuple(path), body[at:]


def _zigzag(body: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while at < len(body) and shift < 35:
        number |= (body[at] & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if body[at - 1] < 0x80:
            return (number >> 1) ^ -(number & 1), at
    raise Unreadable("the value does not say which message of its schema it is")
