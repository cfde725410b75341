"""The application: operations, their description, web pages, and the guards around them."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Final

import msgspec
from anyio import to_thread
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from ..engine import calls
from ..engine.definition import json_schema
from ..engine.pool import Pool
from ..engine.settings import Settings
from .accounts.admission import Admission
from .accounts.login import Logins
from .accounts.oidc import Oidc
from .actor import Acting
from .context import Context
from .database import Database
from .guards import Guards
from .hooks.refusals import Refusals, Refused
from .hosts import Hosts
from .live.live import Live
from .openapi import make_document
from .operation import JSON, routes_of
from .pages import PAGES, login
from .pages.render import render
from .problems import problem_of
from .routes import OPERATIONS
from .telling import tell
from .waiting import Waiting

SCHEMA: Final = msgspec.json.encode(json_schema())
STATIC_FOLDER: Final = Path(__file__).parent / "static"


async def openapi(request: Request) -> Response:
    """Serve the OpenAPI document."""
    return Response(request.app.state.document, media_type=JSON)


async def definition_schema(_: Request) -> Response:
    """Serve the JSON Schema of definitions, for editors."""
    return Response(SCHEMA, media_type="application/schema+json")


async def swagger(_: Request) -> Response:
    """Serve Swagger UI, whose assets are ours: nothing is fetched from elsewhere."""
    return render("swagger.html", {})


async def answer_error(request: Request, error: Exception) -> Response:
    """Answer an error that arose outside an operation, such as an unknown path."""
    return tell(request, problem_of(error))


def keep_refusals(database: Database, refused: Refused, number: int) -> None:
    """Count what a webhook refused where operators see it."""
    with database.connection() as conn:
        calls.note_webhook_refusals(conn, *refused, number)


def create_app(pool: Pool, settings: Settings) -> Starlette:
    """Return the application over a pool, which the caller opens and closes.

    Of the settings it heeds by which names and under which path it is called, whom it believes, and
    the secrets by which webhooks know their senders.
    """
    database = Database(pool)
    refusals = Refusals(partial(keep_refusals, database))
    hosts = Hosts(settings)
    admission = Admission(database, settings, hosts)
    context = Context(
        database,
        admission,
        Logins(database),
        Oidc(database, settings.provider) if settings.provider else None,
        Waiting(database),
        Live(database),
        settings.secrets,
        refusals,
        settings.trace_url,
    )

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncGenerator[None]:
        telling = asyncio.create_task(refusals.keep_telling())
        yield
        telling.cancel()
        await to_thread.run_sync(partial(refusals.tell, at_once=True))
        await context.waiting.close()
        await context.live.close()

    app = Starlette(
        routes=[
            *routes_of(OPERATIONS),
            *PAGES,
            *login.ROUTES,
            Route("/openapi.json", openapi),
            Route("/schema/workflow.json", definition_schema),
            Route("/api", swagger),
            Mount("/static", StaticFiles(directory=STATIC_FOLDER)),
        ],
        middleware=[Middleware(Guards, hosts, settings.root_path), Middleware(Acting, hosts)],
        exception_handlers={Exception: answer_error, HTTPException: answer_error},
        lifespan=lifespan,
    )
    # A path is what it is: no redirects that clients would have to follow.
    app.router.redirect_slashes = False
    app.state.context = context
    app.state.document = msgspec.json.encode(make_document(OPERATIONS, settings.root_path))
    return app
