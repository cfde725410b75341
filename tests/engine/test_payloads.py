"""Payloads are measured by their JSON text before anything is made of it."""

import time

import pytest

from onceflow.engine.payloads import payload_fault, unkept


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (b'{"a": [1, {"b/c": 1e131071}]}', "/a/1/b~1c"),
        (b'{"a": "x,[", "b": -1E+1001}', "/b"),
        (b"[0, 1e-131071]", "/1"),
        (b"[0e-16383]", "/0"),
        (b"9" * 1001, ""),
        (b'{"a": 0.' + b"1" * 1001 + b"}", "/a"),
        (b"[1e99999999999999999999]", "/0"),
        (b"[1e-" + b"0" * 5000 + b"1001]", "/0"),
        (b"[" * 129 + b"]" * 129, "/0" * 100),
    ],
    ids=lambda value: str(value)[:12],
)
def test_a_long_number_and_a_deep_nest_are_told_with_their_place(text: bytes, place: str) -> None:
    fault = payload_fault(text)
    assert fault is not None
    assert fault[0] == place


@pytest.mark.parametrize(
    "text",
    [
        b'{"a": "1e131071", "b": "' + b"9" * 2000 + b'"}',
        b'["3e123456-0000", 1e999, 1.5e-300, -0.0, "\\"1e9999"]',
        b"[" * 128 + b"]" * 128,
        b"[" + b"[]," * 1000 + b"[]]",
        b"9" * 1000,
        b"[1e" + b"0" * 5000 + b"1]",
    ],
    ids=["strings", "short", "deep", "wide", "digits", "zeros"],
)
def test_what_only_looks_so_is_kept(text: bytes) -> None:
    assert payload_fault(text) is None


@pytest.mark.parametrize("text", [b"1" * 1000, b'"' + b"1e1" * 1000 + b'",', b'{"a":[', b'\\"'])
def test_looking_takes_no_longer_for_a_text_made_for_it(text: bytes) -> None:
    began = time.perf_counter()
    payload_fault((text + b" ") * (1024 * 1024 // (len(text) + 1)))
    assert time.perf_counter() - began < 5


def test_every_nul_is_told_beside_numbers_that_no_float_can_be() -> None:
    text = b'{"a": [1e400, "x\\u0000"], "b/c\\u0000": -1e-400, "d": "\\\\u0000"}'
    assert unkept(text) == [
        ("/a/1", "has a NUL character"),
        ("/b~1c\0", "has a NUL character"),
    ]
