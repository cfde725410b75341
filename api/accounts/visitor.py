"""Whom a request was let in as, for the rest of it: what he may do, and who he is told to be."""

import hashlib
import hmac
from contextvars import ContextVar
from dataclasses import dataclass, field
from secrets import token_hex
from typing import Final, overload

from ...engine.accounts.roles import Role
from ..problems import Problem


@dataclass(frozen=True, slots=True)
class Visitor:
    """Whom a request was let in as.

    ``role``    None of a stranger, who may do what takes no role
    ``actor``   who it is, as ``actor_of`` tells it; empty where nobody was asked
    ``secret``  what his browser bears, where he is logged in by one; None of a key
    """

    role: Role | None
    actor: str = ""
    secret: str | None = field(default=None, repr=False)

    @property
    def name(self) -> str:
        """The name of who it is, without what."""
        return self.actor.partition(" ")[2]

    @property
    def is_person(self) -> bool:
        """Whether it is a person that is known, who needs not say who he is."""
        return self.actor.startswith("person ")

    @property
    def form_token(self) -> str:
        """What each form of a page bears, made of the session: another site's page has it not.

        Empty where there is no session that a browser would send along unasked.
        """
        if self.secret is None:
            return ""
        return hmac.new(self.secret.encode(), b"form", hashlib.sha256).hexdigest()

    def may(self, role: Role) -> bool:
        """Whether he may do what takes a role."""
        return self.role is not None and self.role >= role

    def has_made(self, token: str) -> bool:
        """Whether a form comes from a page that was made for this visitor."""
        return hmac.compare_digest(self.form_token.encode(), token.encode())


ANYBODY = Visitor(Role.ADMIN)
"""Whoever comes where nobody is asked who he is."""

STRANGER = Visitor(None)
"""Whoever does not say who he is, where that is asked."""

_NOBODY: Final = token_hex(32)


def unnamed(visitor: Visitor, *, keep: bool) -> Visitor:
    """Return somebody who may do and sees the same, for a page that several get to see.

    What its forms bear is nobody's; ``keep``: the name is as it was.
    """
    kind, _, name = visitor.actor.partition(" ")
    secret = None if visitor.secret is None else _NOBODY
    actor = f"{kind} …" if name and not keep else visitor.actor
    return Visitor(visitor.role, actor, secret)


_visitor: ContextVar[Visitor] = ContextVar("onceflow_visitor", default=ANYBODY)


def enter(visitor: Visitor) -> None:
    """Let ``current`` know as whom the request at hand was let in."""
    _visitor.set(visitor)


def require_known() -> None:
    """Raise Problem 403 where nobody was asked who he is: accounts are not made by anybody."""
    if not current().actor:
        raise Problem(
            403,
            "Nobody is asked who he is here, so that nobody may change accounts: "
            "`onceflow person create NAME --role admin` makes the first.",
        )


@overload
def in_the_name_of(by: str) -> str: ...
@overload
def in_the_name_of(by: str | None) -> str | None: ...
def in_the_name_of(by: str | None) -> str | None:
    """Return in whose name something is done: people act in their own, programs in what they say.

    Raises Problem 403 where a person names another.
    """
    visitor = current()
    if not visitor.is_person:
        return by or visitor.actor or by
    if by and by != visitor.name:
        raise Problem(
            403, f"{visitor.name} does this in the name of {visitor.name} alone, not of {by!r}."
        )
    return visitor.name


def current() -> Visitor:
    """Return as whom the request at hand was let in."""
    return _visitor.get()
