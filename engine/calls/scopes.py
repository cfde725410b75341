"""Questions about the inside of an instance: its tasks, its blocks, and the scopes of these.

An instance may have ten thousand scopes: they are counted by Postgres and read page by page, and
so are tasks, scope by scope. Scope 0 is the instance itself.
"""

from collections.abc import Sequence
from typing import Final, LiteralString, NamedTuple
from uuid import UUID

from .reads import Query

KINDS: Final = ("steps", "switch", "parallel", "race", "for_each", "repeat", "try")
"""Kinds of steps that are blocks."""
FIRST: Final = 20
"""Scopes of a block that are shown where nobody says how many."""

# Outputs of blocks are put together when they are read: they come with the blocks.
TASK: Final[LiteralString] = """task, concat_ws('/', p.place, step || case when visit > 0
       then '#' || visit else '' end) as path, step, scope, kind, state, open, handler, queue,
       attempts, input, case when kind not in ('steps', 'switch', 'parallel', 'race', 'for_each',
       'repeat', 'try') then output end as output, error, reason, progress, worker_id, due_at,
       start_by, end_by, changed_at, seq, child,
       (select c.state from onceflow.instances c where c.id = child) as child_status"""
BLOCK: Final[LiteralString] = """b.task, b.total, b.scopes as by_state, b.failed, b.needed,
       b.tolerate, b.percent::float8, b.max_parallel, b.fails, b.caught, b.timeout_at, b.resume_at,
       case when b.total <= 20
       then onceflow.block_output(b.instance_id, b.step, b.scope, b.visit) end as output"""
SCOPE: Final[
    LiteralString
] = """s.scope, s.block_task as block, p.place as path, s.kind, s.ordinal, s.branch,
       s.item, s.state, s.ends_as, s.undone, r.dead_letter, s.open_tasks, s.error"""

# The places of all scopes of an answer are asked for at once.
PLACES: Final[LiteralString] = "onceflow.scope_places"
OF: Final[LiteralString] = "p (of_scope, place)"
STEPS_OF: Final[LiteralString] = """onceflow.steps s
    where s.version_id = (select i.version_id from onceflow.instances i where i.id = %(id)s)"""

# Whatever has a key is looked up by it: a join may read every scope of an instance, for each.
EACH: Final[LiteralString] = """cross join lateral (select * from onceflow.scopes s
    where s.instance_id = %(id)s and s.scope = r.scope offset 0) s"""

# Scopes in which a dead letter is open, at any depth.
HELD: Final[LiteralString] = f"""with recursive held as (
    select t.scope from onceflow.tasks t
    where t.instance_id = %(id)s and t.state = 'DEAD_LETTER' and t.open and t.scope > 0
    union
    select s.parent from held r {EACH} where s.parent > 0)"""
# What needs a person, or has needed one, then what is under way, what waits, and the rest.
RANKED: Final[LiteralString] = """ranked as materialized (
    select r.scope, r.dead_letter, case
        when r.dead_letter or 'FAILED' in (r.state, r.ends_as) then 0
        when r.state in ('OPEN', 'CLOSING', 'COMPENSATING') then 1
        when r.state = 'WAITING' then 2
        else 3 end as rank
    from (
        select s.*, s.scope in (select h.scope from held h) as dead_letter
        from onceflow.scopes s) r
    where r.instance_id = %(id)s"""


class TaskKey(NamedTuple):
    """Names a task within an instance."""

    step: str
    scope: int
    visit: int


def read_task_key(task: str) -> TaskKey | None:
    """Read the text of a task, ``render/17``; None where it can be none."""
    step, *numbers = task.split("/")
    if len(numbers) > 2 or not all(n.isascii() and n.isdecimal() for n in numbers):
        return None
    scope, visit = (*map(int, numbers), 0, 0)[:2]
    return TaskKey(step, scope, visit) if scope < 10**18 and visit < 10**9 else None


def list_tasks(
    columns: LiteralString,
    instance: UUID,
    limit: int | None = None,
    *,
    scopes: Sequence[int] = (0,),
    blocks: Sequence[str] = ("",),
) -> Query:
    """Ask for the tasks of scopes, each with its undoing, in the order of the definition.

    ``blocks`` are the steps that have opened these scopes; "" has opened scope 0.
    """
    places: LiteralString = "cross join (select null::text as place) p"
    if any(scopes):
        places = f"left join {PLACES}(%(id)s, %(scopes)s::bigint[]) {OF} on p.of_scope = scope"
    # By the keys that there can be: not one task of another scope is read.
    text: LiteralString = (
        f"select {columns} from onceflow.tasks {places} where instance_id = %(id)s"
        " and scope = any (%(scopes)s::bigint[]) and step = any (array("
        f"select s.step from {STEPS_OF} and coalesce(s.block, '') = any (%(blocks)s::text[])))"
        " order by scope, position, visit, kind in ('compensation', 'undo'), task limit %(limit)s"
    )
    return Query(
        text, {"id": instance, "scopes": [*scopes], "blocks": [*set(blocks)], "limit": limit}
    )


def find_task(columns: LiteralString, instance: UUID, task: str) -> Query:
    """Ask for a task by its text."""
    key = read_task_key(task)
    step, scope, visit = key or (None, None, None)
    text: LiteralString = (
        f"select {columns} from onceflow.tasks left join {PLACES}(%(id)s, array[%(scope)s]) {OF}"
        " on p.of_scope = scope where instance_id = %(id)s"
        " and step = %(step)s and scope = %(scope)s and visit = %(visit)s"
    )
    return Query(text, {"id": instance, "step": step, "scope": scope, "visit": visit})


def list_not_reached(instance: UUID, scope: int = 0) -> Query:
    """Ask for the steps, as ``step``, of a scope's list that have no task, in the order written."""
    of: LiteralString = "s.block is null"
    if scope:
        of = (
            "(s.block, s.list) = (select c.block, c.list from onceflow.scopes c"
            " where c.instance_id = %(id)s and c.scope = %(scope)s)"
        )
    text: LiteralString = (
        f"select s.step from {STEPS_OF} and {of}"
        " and s.kind not in ('compensation', 'undo', 'notice')"
        " and s.step <> 'workflow.output'"  # it is not written as a step
        # By a hash, whatever Postgres takes the number of tasks for: they may be thousands.
        " and s.step not in (select t.step from onceflow.tasks t where t.instance_id = %(id)s"
        " and t.scope = %(scope)s) order by s.position"
    )
    return Query(text, {"id": instance, "scope": scope})


def list_blocks(columns: LiteralString, instance: UUID, keys: Sequence[TaskKey]) -> Query:
    """Ask for blocks, with their scopes counted by state."""
    text: LiteralString = (
        f"select {columns} from unnest(%(steps)s::text[], %(scopes)s::bigint[], %(visits)s::int[])"
        " with ordinality k (step, scope, visit, n) cross join lateral (select * from"
        " onceflow.blocks b where b.instance_id = %(id)s and b.step = k.step"
        " and b.scope = k.scope and b.visit = k.visit offset 0) b order by k.n"
    )
    steps, scopes, visits = zip(*keys, strict=True) if keys else ((), (), ())
    return Query(
        text, {"id": instance, "steps": [*steps], "scopes": [*scopes], "visits": [*visits]}
    )


def list_around(columns: LiteralString, instance: UUID, scope: int) -> Query:
    """Ask for the scopes around a scope, ``scopes s``, and for itself, from the outside in."""
    text: LiteralString = (
        f"{HELD}, around as (select %(scope)s::bigint as scope, 0 as depth union all"
        f" select s.parent, r.depth + 1 from around r {EACH})"
        f" select {columns} from (select a.*, a.scope in (select h.scope from held h)"
        f" as dead_letter from around a) r {EACH}"
        f" left join {PLACES}(%(id)s, array(select a.scope from around a)) {OF}"
        " on p.of_scope = s.scope order by r.depth desc"
    )
    return Query(text, {"id": instance, "scope": scope})


def page_scopes(
    columns: LiteralString,
    instance: UUID,
    limit: int,
    *,
    block: TaskKey | None = None,
    state: str | None = None,
    after: tuple[int, int] | None = None,
    offset: int = 0,
) -> Query:
    """Ask for scopes, ``scopes s``: failed ones first, then those under way.

    ``dead_letter``, of ``ranked r``, tells whether a dead letter is open in one; ``after`` are the
    rank and the number of the last one on the page before.
    """
    where: LiteralString = ""
    if block is not None:
        where += " and r.block = %(block)s and r.parent = %(parent)s and r.visit = %(visit)s"
    if state is not None:
        where += " and r.state = %(state)s"
    later: LiteralString = "where (rank, scope) > (%(rank)s, %(after)s)" if after else ""
    text: LiteralString = (
        f"{HELD}, {RANKED}{where}), page as (select scope, rank, dead_letter from ranked {later}"
        " order by rank, scope limit %(limit)s offset %(offset)s)"
        f" select {columns} from page r {EACH}"
        f" left join {PLACES}(%(id)s, array(select scope from page)) {OF} on p.of_scope = s.scope"
        " order by r.rank, r.scope"
    )
    step, parent, visit = block or (None, None, None)
    rank, scope = after or (None, None)
    return Query(
        text,
        {
            **{"id": instance, "block": step, "parent": parent, "visit": visit, "state": state},
            **{"rank": rank, "after": scope, "limit": limit, "offset": offset},
        },
    )
