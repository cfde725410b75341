"""The roles of accounts: each may do all that those before it may."""

from enum import IntEnum

from ..errors import BadArgument


class Role(IntEnum):
    """What somebody may do.

    ``VIEWER``   reads everything but accounts and the audit
    ``STARTER``  starts instances, sends signals and events, answers forms and deferred tasks
    ``OPERATOR`` decides: cancels, suspends, redrives, pauses, erases, reassigns; reads the audit
    ``DEPLOYER`` deploys workflows, and sets the configuration that they name
    ``ADMIN``    makes and changes accounts

    A deployer may all that an operator may: by a definition he can have any worker do anything, so
    nothing would be safe from him that is kept from him here.
    """

    VIEWER = 1
    STARTER = 2
    OPERATOR = 3
    DEPLOYER = 4
    ADMIN = 5

    @property
    def word(self) -> str:
        """How it is written."""
        return self.name.lower()


WORDS = tuple(role.word for role in Role)


def read_role(word: str) -> Role:
    """Return the role of that name. Raises BadArgument."""
    if word not in WORDS:
        raise BadArgument(f"there is no role {word!r}", hint=f"give one of {', '.join(WORDS)}")
    return Role[word.upper()]
