"""The functions that lock: a row that was awaited, and changed meanwhile, is held afterwards.

Postgres looks at such a row again, by the plan of the locking statement, and some plans lose it.
"""

import pytest

from ...play import Play, execute
from ...sessions import Sessions
from ...workflows import Step, workflow

PINNED = """
    set plan_cache_mode = 'force_generic_plan'; set jit = 'off'; set enable_seqscan = 'off';
    set enable_hashjoin = 'off'; set enable_mergejoin = 'off'; set enable_material = 'off';
    set join_collapse_limit = 1; set cpu_tuple_cost = 1000;
"""
KEYS = (
    "array(select row(t.instance_id, t.step, t.scope, t.visit)::onceflow.task_key"
    " from onceflow.task t)"
)
IDS = "array(select i.id from onceflow.instance i order by i.id)"
SORTED = "set enable_hashagg = off"
LOCKING = {
    "lock_instances": ("instance", f"select onceflow.lock_instances({IDS})"),
    "lock_tasks": (
        "task",
        f"select count(distinct l) from unnest(onceflow.lock_tasks({KEYS} || {KEYS})) l",
    ),
    "lock_tasks, in a state": (
        "task",
        f"select count(*) from unnest(onceflow.lock_tasks({KEYS}, 'QUEUED')) l",
    ),
}
CHANGES = {
    "instance": "update onceflow.instance set seq = seq",
    "task": "update onceflow.task set changed_at = now()",
}


# guarantee: instance-lock
@pytest.mark.parametrize("rows", [1, 2, 40])
@pytest.mark.parametrize(
    "settings", ["select", PINNED, SORTED], ids=["planned", "pinned", "sorted"]
)
@pytest.mark.parametrize("name", LOCKING)
def test_what_was_awaited_and_changed_meanwhile_is_locked(
    play: Play, sessions: Sessions, name: str, settings: str, rows: int
) -> None:
    play.deploy(workflow(Step("a")))
    for _ in range(rows):
        play.start("flow")
    table, lock = LOCKING[name]
    changing, locking = sessions(), sessions()

    changing.begin(lambda conn: execute(conn, CHANGES[table]))
    locking.begin(lambda conn: execute(conn, settings))
    waiting = locking.call_blocked(lambda conn: execute(conn, lock))
    changing.commit()
    (answer,) = waiting.result(30).fetchall()
    if name.startswith("lock_tasks"):
        assert answer == (rows,)  # it also tells which rows it has locked
    left = play.rows(f"select * from onceflow.{table} for update skip locked")
    assert left == []
