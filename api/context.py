"""What every request of one app shares."""

from dataclasses import dataclass, field

from anyio import CapacityLimiter

from ..engine.secrets import Secrets
from .accounts.admission import Admission
from .accounts.login import Logins
from .accounts.oidc import Oidc
from .checks import Checks
from .database import Database
from .hooks.refusals import Refusals
from .live.live import Live
from .waiting import Waiting


@dataclass(frozen=True, slots=True)
class Context:
    """The database, who lets requests in and logs people in, the waiting room of requests that
    await the end of an instance, the browsers that look at pages, the secrets by which webhooks
    know their senders, and what those refused.
    """

    database: Database
    admission: Admission
    logins: Logins
    oidc: Oidc | None
    waiting: Waiting
    live: Live
    secrets: Secrets
    refusals: Refusals
    trace_url: str = ""
    """Where a trace is looked at, with ``{trace_id}``; empty: nowhere."""
    checks: Checks = field(default_factory=Checks)
    heavy: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(2))
    """For what computes long: definitions are compiled two at a time."""

    def let_go(self) -> None:
        """Send away who waits for instances and for changes: the server is about to stop."""
        self.waiting.let_go()
        self.live.let_go()
