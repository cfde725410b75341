"""Lets requests in: as whom, and whether he may do what is asked.

Where nobody has made an account, and nobody but this machine reaches the api, whoever comes may do
everything. From the first account on, or where others reach it, everybody is asked who he is.
"""

import asyncio
import logging
import time
from collections.abc import Mapping
from typing import Final

from anyio import to_thread
from starlette.requests import Request

from ...engine import calls
from ...engine.accounts.keys import digest_of
from ...engine.accounts.roles import Role, read_role
from ...engine.errors import SettingsError
from ...engine.settings import Settings
from .. import root
from ..actor import note_actor
from ..database import Database
from ..hosts import Hosts, is_loopback
from ..problems import Problem
from . import cookies
from .visitor import ANYBODY, STRANGER, Visitor, current, enter

log = logging.getLogger("onceflow.api")

Roles = Role | None | Mapping[str, Role]
"""The least role that something takes: None where nobody is asked who he is; by decision, where a
path has one."""

FORM_FIELD: Final = "form_token"
"""The field by which a form says for whom it was made."""
SAFE: Final = frozenset({"GET", "HEAD"})
LOOK_AGAIN: Final = 1.0
"""Seconds for which it is taken that nobody has made the first account meanwhile."""
FIRST: Final = "onceflow person create NAME --role admin"
"""What makes the first account."""


def are_always_asked(settings: Settings) -> bool:
    """Whether everybody is asked who he is, even where there is no account yet."""
    if settings.accounts:
        return settings.accounts == "on"
    return not is_loopback(settings.host.lower())


def require_accounts(database: Database, settings: Settings) -> None:
    """Raise SettingsError where nobody at all could be let in."""
    if not are_always_asked(settings):
        return
    with database.connection() as conn:
        if calls.accounts_exist(conn):
            return
    why = (
        "ONCEFLOW_ACCOUNTS is on"
        if settings.accounts
        else f"on {settings.host} others than this machine reach the api"
    )
    raise SettingsError(
        f"{why}, and there are no accounts: `{FIRST}` makes the first, then start it again; or set "
        "ONCEFLOW_ACCOUNTS=off where something else keeps strangers away"
    )


class Admission:
    """Lets requests in, or not."""

    def __init__(self, database: Database, settings: Settings, hosts: Hosts) -> None:
        self._database = database
        self._hosts = hosts
        self._off = settings.accounts == "off"
        self._asked = are_always_asked(settings)
        self._look_at = 0.0
        self._looking = asyncio.Lock()

    @property
    def off(self) -> bool:
        """Whether nobody is asked, whatever accounts there are."""
        return self._off

    async def admit(self, request: Request, roles: Roles, *, page: bool = False) -> None:
        """Let a request in that takes a role, or that of the decision in its path.

        ``page``: what it changes is asked by a form of ours, which tells for whom it was made.
        Raises Problem 401, 403.
        """
        role = least_of(roles, request.path_params)
        if role is None:
            return
        if not await self.asks():
            enter(ANYBODY)
            return
        visitor = await self.identify(request)
        if visitor is None:
            raise _unknown("Who asks has to be known")
        note_actor(request.scope, visitor.actor)
        enter(visitor)
        if not visitor.may(role):
            has = "none" if visitor.role is None else visitor.role.word
            self._tell(request, f"{visitor.actor} has the role {has}, it takes {role.word}")
            raise Problem(
                403,
                f"This takes the role {role.word} or one above it; {visitor.actor} has the role "
                f"{has}: ask who administers this deployment.",
            )
        if visitor.secret and not page and request.method not in SAFE and not _vouched(request):
            self._tell(request, f"no browser says that a page of ours has made {visitor.actor} ask")
            raise Problem(
                403,
                "A browser that is logged in changes something by a page of ours alone: other "
                "programs send a key, as `Authorization: Bearer KEY`.",
            )

    async def greet(self, request: Request) -> None:
        """Let anybody in, as who he is where he says so rightly."""
        visitor: Visitor | None = ANYBODY
        if await self.asks():
            try:
                visitor = await self.identify(request)
            except Problem:  # a probe with an old key is to hear how we are all the same
                visitor = None
        enter(visitor or STRANGER)

    async def asks(self) -> bool:
        """Whether it is asked who comes."""
        if self._off or self._asked:
            return self._asked and not self._off
        async with self._looking:  # of many who come at once one looks
            if time.monotonic() >= self._look_at:
                self._asked = await to_thread.run_sync(self._accounts_exist)
                self._look_at = time.monotonic() + LOOK_AGAIN
        return self._asked

    async def identify(self, request: Request) -> Visitor | None:
        """Return who comes, None where he does not say. Raises Problem 401 for what is wrong."""
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return await to_thread.run_sync(self._by_key, request, key.strip())
        secret = cookies.read(request, encrypted=self.is_encrypted(request))
        if secret is None:
            return None
        return await to_thread.run_sync(self._by_session, secret)

    def is_encrypted(self, request: Request) -> bool:
        """Whether a request came by TLS, to us or to a proxy that is trusted."""
        return self._hosts.asked(request.scope, request.headers).scheme == "https"

    def address(self, request: Request) -> str:
        """Return from where a request comes."""
        return self._hosts.client(request.scope, request.headers)

    def address_of(self, request: Request, path: str) -> str:
        """Return the whole address of a path, as the browser that asks calls us."""
        asked = self._hosts.asked(request.scope, request.headers)
        return f"{asked.scheme}://{asked.authority}{root.link(path)}"

    def check_form(self, request: Request, form: Mapping[str, str]) -> None:
        """Raise Problem 403 where a form was not made for who sends it."""
        if not current().has_made(form.get(FORM_FIELD, "")):
            self._tell(request, f"the form was not made for {current().actor}")
            raise Problem(
                403,
                "This form was not made for this login, or before you logged in again: load its "
                "page anew, and send it from there. Nothing was done.",
            )

    def _accounts_exist(self) -> bool:
        with self._database.connection() as conn:
            return calls.accounts_exist(conn)

    def _by_key(self, request: Request, key: str) -> Visitor:
        with self._database.connection() as conn:
            used = calls.use_api_key(conn, digest_of(key))
        if used is None or used.state != "live":
            whose = "a key that is nobody's" if used is None else f"the key {used.name}"
            self._tell(request, whose + (f", which is {used.state}" if used else ""))
            raise _unknown("The key is not valid", error="invalid_token")
        return Visitor(read_role(used.role), f"key {used.name}")

    def _by_session(self, secret: str) -> Visitor | None:
        with self._database.connection() as conn:
            found = calls.use_session(conn, digest_of(secret))
        if found is None:  # it has ended, which is no fault of anybody
            return None
        return Visitor(read_role(found.role), f"person {found.person}", secret)

    def _tell(self, request: Request, why: str) -> None:
        path = request.scope["path"]
        log.warning("refused: %s %s from %s: %s", request.method, path, self.address(request), why)


def least_of(roles: Roles, path: Mapping[str, str]) -> Role | None:
    """Return the least role that something takes, by the decision that its path names."""
    if isinstance(roles, Mapping):
        # What is no decision is told so by its handler, to whom may decide anything there.
        return roles.get(path["decision"]) or max(roles.values())
    return roles


def _vouched(request: Request) -> bool:
    """Whether a browser says that a page of ours sends a request.

    That of a site which is none of ours was turned away before.
    """
    headers = request.headers
    return headers.get("sec-fetch-site") == "same-origin" or "origin" in headers


def _unknown(what: str, error: str = "") -> Problem:
    """Return the 401, the same for what is wrong, expired, revoked or nobody's."""
    detail = f"{what}: send a key as `Authorization: Bearer KEY`, or log in at /login in a browser."
    challenge = 'Bearer realm="onceflow"' + (f', error="{error}"' if error else "")
    return Problem(401, detail, headers={"WWW-Authenticate": challenge})
