"""Logging in by name and password, and out again."""

import logging
from typing import Final

from anyio import CapacityLimiter, to_thread

from ...engine import calls
from ...engine.accounts.keys import digest_of, make_secret
from ...engine.accounts.passwords import is_password
from ..database import Database
from ..problems import Problem
from .attempts import Attempts, network_of

log = logging.getLogger("onceflow.api")

AT_ONCE: Final = 2
"""Passwords that are checked at once: each takes 64 MiB, and some 50 ms of a core."""
IN_LINE: Final = 20
"""Who may wait for that; beyond it people are asked to try again."""


class Logins:
    """Opens sessions for who knows the password."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._limiter = CapacityLimiter(AT_ONCE)
        self._waiting = 0
        # Ten wrong ones, then one a minute; of an address fifty, since offices share one.
        self._of_name = Attempts(10, 60)
        self._of_address = Attempts(50, 12)

    async def log_in(self, name: str, password: str, address: str) -> str:
        """Return what the browser is to bear, of a session that was opened.

        Raises Problem 401, the same for a name that nobody has and for a wrong password, after
        the same work; 429 where too many were tried.
        """
        counted = name.lower()[:100]
        network = network_of(address)
        wait = self._of_address.take(network) or self._of_name.take(counted)
        if wait:
            log.warning("refused: too many logins as %r from %s", counted, address)
            raise _too_many(wait)
        person = await self._check(name, password)
        secret = make_secret()
        if person is None or not await to_thread.run_sync(self._open, person, secret):
            log.warning("refused: a login as %r from %s", counted, address)
            raise Problem(401, "The name or the password is wrong.")
        self._of_address.give_back(network)
        self._of_name.give_back(counted)
        log.info("%s has logged in from %s", person.name, address)
        return secret

    async def log_out(self, secret: str) -> None:
        """Close the session that a browser bears."""
        await to_thread.run_sync(self._close, secret)

    async def _check(self, name: str, password: str) -> calls.Login | None:
        """Return whose password it is. Raises Problem 429."""
        if self._waiting >= IN_LINE:
            raise _too_many(1)
        self._waiting += 1
        try:
            login = await to_thread.run_sync(self._find, name)
            kept = None if login is None else login.password
            right = await to_thread.run_sync(is_password, kept, password, limiter=self._limiter)
        finally:
            self._waiting -= 1
        return login if right else None

    def _find(self, name: str) -> calls.Login | None:
        if "\0" in name:
            return None
        with self._database.connection() as conn:
            return calls.find_login(conn, name)

    def _open(self, login: calls.Login, secret: str) -> bool:
        with self._database.connection() as conn:
            return calls.open_session(conn, digest_of(secret), login.name, login.password)

    def _close(self, secret: str) -> None:
        with self._database.connection() as conn:
            calls.close_session(conn, digest_of(secret))


def _too_many(wait: int) -> Problem:
    return Problem(
        429,
        f"Too many logins were tried: try again in {wait} s.",
        headers={"Retry-After": str(wait)},
    )
