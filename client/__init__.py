"""What an application imports to start workflows and to learn how they ended.

    from onceflow.client import Client

    with Client("postgresql://…") as client:
        order = client.start("order-invoice", {"customer": "ALFKI"}, key="order-36")
        invoice = client.result(order.id, timeout=60)

``Client`` and ``AsyncClient`` speak SQL: over a connection string, a pool, or the caller's own
connection, in the caller's own transaction. ``HttpClient`` and ``AsyncHttpClient`` speak to the
REST API. All four have the same methods and raise the same errors.
"""

from ..engine.errors import (
    BadArgument,
    DefinitionError,
    Fault,
    NotFound,
    OnceflowError,
    Refused,
    ServerError,
    WrongIsolation,
)
from .conversion import Mismatch
from .errors import Denied, Ended, NotEnded, WrongInput
from .http import AsyncHttpClient, HttpClient
from .model import Advice, Because, DeadLetter, Decided, Deployed, Form, Instance, Started, Status
from .operations import FormKey, LetterKey, Signal
from .sql import AsyncClient, Client

__all__ = [
    "Advice",
    "AsyncClient",
    "AsyncHttpClient",
    "BadArgument",
    "Because",
    "Client",
    "DeadLetter",
    "Decided",
    "DefinitionError",
    "Denied",
    "Deployed",
    "Ended",
    "Fault",
    "Form",
    "FormKey",
    "HttpClient",
    "Instance",
    "LetterKey",
    "Mismatch",
    "NotEnded",
    "NotFound",
    "OnceflowError",
    "Refused",
    "ServerError",
    "Signal",
    "Started",
    "Status",
    "WrongInput",
    "WrongIsolation",
]
