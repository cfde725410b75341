"""Formats of records: what values become, and what is said of those that are none."""

import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import fastavro
import pytest
from google.protobuf import message_factory, timestamp_pb2
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool

from onceflow.engine.errors import SettingsError
from onceflow.engine.settings import Settings
from onceflow.relay.intake.formats import format_of
from onceflow.relay.intake.records import Format, Unreadable, text_of, time_text
from onceflow.relay.intake.registry import RegistryAway

from .schema_registry import SchemaRegistry, framed, schema_registry

avro: Any = fastavro
JSON = format_of("json", Settings())


@pytest.fixture
def registry() -> Iterator[SchemaRegistry]:
    with schema_registry() as served:
        yield served


def reads(registry: SchemaRegistry, name: str) -> Format:
    return format_of(name, Settings(schema_registry=registry.url))


def value_of(reader: Format, value: bytes) -> Any:
    return json.loads(reader.json_of(value, "t"))


@pytest.mark.parametrize(
    "text", [b'{"a": 1e400}', b"[1.50]", b'"\\ud83d\\ude00"', b'"\\\\u0000"', b" null "]
)
def test_json_that_postgres_keeps_passes_as_it_stands(text: bytes) -> None:
    assert JSON.json_of(text, "t") == text


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"", "the value is not JSON: "),
        (b"{", "the value is not JSON: "),
        (b'"\xff"', "the value is not JSON: "),
        (b'"\\ud800"', "the value is not JSON: "),
        (b"[" * 5000, "the value at "),
        (b'{"a":"\\u0000"}', "the value at /a has a NUL character"),
        (b"1e131071", "the value has more than 1000 digits"),
        (b'"' + b"x" * 1024 * 1024 + b'"', "the value has 1048578 bytes as JSON text"),
    ],
)
def test_any_other_is_told_with_its_place(text: bytes, reason: str) -> None:
    with pytest.raises(Unreadable) as told:
        JSON.json_of(text, "t")
    assert str(told.value).startswith(reason)


def test_times_and_keys_that_nobody_can_write_are_none() -> None:
    assert time_text(1_700_000_000_123) == "2023-11-14T22:13:20.123000Z"
    assert [time_text(at) for at in (2**62, -(2**62), -(10**14))] == [None] * 3
    assert [text_of(key) for key in (b"k", b"\xff", b"\0", "k")] == ["k", None, None, "k"]


ORDER = {
    "type": "record",
    "name": "Order",
    "fields": [
        {"name": "id", "type": "long"},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {
            "name": "sum",
            "type": {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2},
        },
        {"name": "raw", "type": ["null", "bytes"]},
        {"name": "by", "type": "Customer"},
    ],
}
CUSTOMER = {"type": "record", "name": "Customer", "fields": [{"name": "name", "type": "string"}]}


def avro_value(number: int, schema: Any, value: Any, named: Any = None) -> bytes:
    written = io.BytesIO()
    parsed = avro.parse_schema(schema, named_schemas=named or {})
    avro.schemaless_writer(written, parsed, value)
    return framed(number, written.getvalue())


def test_avro_is_read_by_the_schema_that_it_names_with_those_that_this_refers_to(
    registry: SchemaRegistry,
) -> None:
    registry.avro(7, ORDER, "Customer")
    registry.avro(8, CUSTOMER)
    registry.subjects["Customer"] = 8
    named: dict[str, Any] = {}
    avro.parse_schema(CUSTOMER, named_schemas=named)
    order = {
        "id": 2**53 + 1,
        "at": datetime(2026, 1, 2, tzinfo=UTC),
        "sum": Decimal("12.50"),
        "raw": b"\x00\xff",
        "by": {"name": "Ola"},
    }
    reader = reads(registry, "avro")
    value = avro_value(7, ORDER, order, named)
    assert value_of(reader, value) == {
        "id": 2**53 + 1,
        "at": "2026-01-02T00:00:00Z",
        "sum": 12.5,
        "raw": "AP8=",
        "by": {"name": "Ola"},
    }
    assert b'"sum":12.50' in reader.json_of(value, "t")
    assert len(registry.asked) == 2, "each schema is asked for once"


def test_protobuf_is_read_with_nested_messages_imports_and_times(registry: SchemaRegistry) -> None:
    common = FileDescriptorProto(name="common.proto", syntax="proto3")
    common.message_type.add(name="Customer").field.add(name="name", number=1, type=9, label=1)
    file = FileDescriptorProto(
        name="default",
        syntax="proto3",
        dependency=["common.proto", "google/protobuf/timestamp.proto"],
    )
    file.message_type.add(name="Other")
    outer = file.message_type.add(name="Outer")
    order = outer.nested_type.add(name="Order")
    of = FieldDescriptorProto
    order.field.add(name="order_id", number=1, type=of.TYPE_INT32, label=1)
    order.field.add(name="by", number=2, type=of.TYPE_MESSAGE, type_name=".Customer", label=1)
    stamp = ".google.protobuf.Timestamp"
    order.field.add(name="at", number=3, type=of.TYPE_MESSAGE, type_name=stamp, label=1)
    registry.protobuf(3, file, "common.proto")
    registry.protobuf(4, common)
    registry.subjects["common.proto"] = 4

    pool: Any = DescriptorPool()
    for each in (timestamp_pb2.DESCRIPTOR.serialized_pb, common.SerializeToString()):
        pool.AddSerializedFile(each)
    pool.AddSerializedFile(file.SerializeToString())
    made: Any = message_factory.GetMessageClass(pool.FindMessageTypeByName("Outer.Order"))()
    made.order_id, made.by.name = 5, "Zoë"
    made.at.FromSeconds(1_700_000_000)
    # Two numbers, [1, 0], zigzag: the second message, the first in it.
    value = framed(3, b"\x04\x02\x00" + made.SerializeToString())
    assert value_of(reads(registry, "protobuf"), value) == {
        "order_id": 5,
        "by": {"name": "Zoë"},
        "at": "2023-11-14T22:13:20Z",
    }
    assert value_of(reads(registry, "protobuf"), framed(3, b"\x00")) == {}


EMPTY_ITEMS = {"type": "array", "items": "null"}


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b'{"id": 1}', "the value does not begin with a zero byte and the id of a schema"),
        (b"\0\0", "the value does not begin with a zero byte and the id of a schema"),
        (framed(99, b""), "the schema registry has no schema with the id 99"),
        (framed(1, b""), "the value is not what its schema says"),
        (framed(2, b"\xfe\xff\xff\xff\x0f\x00"), "its schema has arrays of items without a byte"),
        (framed(3, b""), "its schema, 3, is of the type PROTOBUF"),
        (framed(4, b"\x02\x00"), "the value at  has a NUL character"),
    ],
)
def test_what_is_no_value_of_its_schema_is_told(
    registry: SchemaRegistry, value: bytes, reason: str
) -> None:
    registry.avro(1, CUSTOMER)
    registry.avro(2, EMPTY_ITEMS)
    registry.schemas[3] = {"schema": "", "schemaType": "PROTOBUF"}
    registry.avro(4, "string")
    with pytest.raises(Unreadable) as told:
        reads(registry, "avro").json_of(value, "t")
    assert str(told.value).startswith(reason.replace("at  ", ""))


def test_what_a_registry_lacks_is_not_asked_for_by_each_record(registry: SchemaRegistry) -> None:
    reader = reads(registry, "avro")
    for _ in range(5):
        with pytest.raises(Unreadable):
            reader.json_of(framed(99, b""), "t")
    assert len(registry.asked) == 1


@pytest.mark.parametrize("status", [401, 500])
def test_a_registry_that_is_away_or_refuses_is_no_fault_of_a_record(
    registry: SchemaRegistry, status: int
) -> None:
    registry.avro(1, "string")
    registry.status = status
    reader = reads(registry, "avro")
    with pytest.raises(RegistryAway):
        reader.json_of(framed(1, b"\x02a"), "t")
    registry.status = 200
    assert value_of(reader, framed(1, b"\x02a")) == "a"


def test_a_registry_that_is_not_named_is_told() -> None:
    with pytest.raises(SettingsError, match="ONCEFLOW_SCHEMA_REGISTRY is not set"):
        format_of("avro", Settings())
