"""The inside of an instance on its page: its tasks, those of a scope, or the scopes of a block."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlencode

from ...engine.calls.reads import MOST_DIGITS
from ..problems import not_found
from ..reads import scopes as reads
from ..schemas.instances import InstanceDetail
from ..schemas.tasks import ScopeDetail, ScopePage, ScopesQuery, ScopeSummary, Task
from .page import Visit

KEPT: Final = ("scope", "block", "state")


@dataclass(frozen=True, slots=True)
class Inside:
    """What is shown of an instance.

    ``opened`` are the first scopes of blocks, by the block's task; ``page`` those of the one block
    that was asked for, ``following`` where its next ones are.
    """

    tasks: Sequence[Task]
    not_reached: Sequence[str]
    opened: dict[str, ScopePage] = field(default_factory=dict[str, ScopePage])
    around: Sequence[ScopeSummary] = ()
    scope: ScopeDetail | None = None
    block: Task | None = None
    page: ScopePage | None = None
    state: str | None = None
    following: str | None = None

    def shown(self) -> list[Task]:
        """Return all tasks that are shown."""
        pages = [*self.opened.values(), *([self.page] if self.page else [])]
        return [*self.tasks, *(t for page in pages for scope in page.items for t in scope.tasks)]


def read_inside(visit: Visit, found: InstanceDetail) -> Inside:
    """Read what the query asks for: a scope, a block, or what lies in no block.

    Raises Problem 404, 422.
    """
    given = visit.given(*KEPT)
    if not found.scopes:
        return Inside(found.tasks, found.not_reached)
    with visit.database.snapshot() as conn:
        if "block" in given:
            query = visit.read_query(ScopesQuery)
            page = reads.read_page(conn, found.id, query)
            mine = (t for t in found.tasks if t.task == given["block"] and t.block)
            block = next(mine, None) or reads.read_block(conn, found.id, given["block"])
            around = ()
            if block.scope:
                parent = reads.read_scope(conn, found.id, block.scope)
                around = (*parent.around, parent)
            rest = {"block": given["block"], **visit.given("state")}
            following = urlencode({**rest, "cursor": page.next}) if page.next else None
            opened = reads.open_beneath(conn, found.id, page)
            return Inside(
                tasks=(),
                not_reached=(),
                opened=opened,
                around=around,
                block=block,
                page=page,
                state=query.state,
                following=following,
            )
        if "scope" in given:
            number = given["scope"]
            if not (number.isascii() and number.isdecimal() and len(number) <= MOST_DIGITS):
                raise not_found(f"scope {number!r}")
            scope = reads.read_scope(conn, found.id, int(number))
            opened = reads.open_blocks(conn, found.id, scope.tasks)
            return Inside(scope.tasks, scope.not_reached, opened, scope.around, scope=scope)
        return Inside(
            found.tasks, found.not_reached, reads.open_blocks(conn, found.id, found.tasks)
        )
