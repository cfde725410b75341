"""The interface is written twice, for callers who wait and for those who await: alike in all."""

import inspect
from collections.abc import Callable
from typing import Any

import pytest

from onceflow.client import AsyncClient, AsyncHttpClient, Client, HttpClient
from onceflow.client.http_operations import HttpOperations
from onceflow.client.interface import SyncInterface
from onceflow.client.interface_async import AsyncInterface
from onceflow.client.sql_operations import SqlOperations


def methods(of: type[Any]) -> dict[str, Callable[..., Any]]:
    found = inspect.getmembers(of, inspect.isfunction)
    return {name: method for name, method in found if not name.startswith("_")}


def test_both_interfaces_have_the_same_methods_and_say_the_same_of_them() -> None:
    waiting, awaiting = methods(SyncInterface), methods(AsyncInterface)
    assert waiting.keys() == awaiting.keys()
    for name, method in waiting.items():
        twin = awaiting[name]
        assert inspect.getdoc(method) == inspect.getdoc(twin), name
        one, other = inspect.signature(method), inspect.signature(twin)
        assert str(one.parameters) == str(other.parameters), name
        given = str(other.return_annotation).replace("AsyncIterator", "Iterator")
        assert str(one.return_annotation) == given, name


@pytest.mark.parametrize("of", [Client, AsyncClient, HttpClient, AsyncHttpClient])
def test_a_client_adds_nothing(of: type[Any]) -> None:
    assert methods(of).keys() - methods(SyncInterface).keys() == set()


def test_both_ways_of_asking_have_every_operation() -> None:
    assert methods(SqlOperations).keys() == methods(HttpOperations).keys()
