"""Crashes in the middle of blocks: of a worker, of the relay, of Postgres.

Whatever is killed when: every block goes on where it was, what it does is done once, and what it
leaves half done is undone once, after it was done.
"""

import signal
from collections import defaultdict
from collections.abc import Callable, Set
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from onceflow.engine.dev.postgres import EmbeddedPostgres
from onceflow.engine.migrate import migrate
from onceflow.engine.settings import Settings

from ..servers import Servers, create_database, drop_database
from ..support import wait_until
from ..transports import use
from .support import Conn, deploy, relay, start, wait_for_ends
from .test_crashes import at_each_point, connect, process, quick, worker_process

pytestmark = pytest.mark.dear

ITEMS, BAD = 8, (2, 5)


def step(name: str, what: str) -> str:
    """Return a step that does something, and is undone."""
    return (
        f"{{id: {name}, task: crash.do, with: {{what: {what}}},"
        f" compensate: {{task: crash.undo, with: {{what: {what}}}}}}}"
    )


BATCH = f"""
name: batch
steps:
  - id: items
    for_each: $.input.items
    max_parallel: 3
    tolerate: 2
    steps:
      - {step("first", '"first ${ $.item }"')}
      - {{id: refuse, when: $.item == {BAD[0]} || $.item == {BAD[1]}, fail: {{code: bad}}}}
      - {step("second", '"second ${ $.item }"')}
  - {step("report", '"report of ${ $.steps.items.errors[*].index | json }"')}
"""
UNDONE = f"""
name: undone
steps:
  - id: items
    for_each: $.input.items
    max_parallel: 3
    steps:
      - {step("first", '"first ${ $.item }"')}
      - {step("second", '"second ${ $.item }"')}
  - {{id: refuse, fail: {{code: bad}}}}
"""
RACE = f"""
name: race
steps:
  - id: fastest
    race:
      left: [{step("left1", "left 1")}, {step("left2", "left 2")}]
      right: [{step("right1", "right 1")}, {step("right2", "right 2")}]
  - {step("report", '"report of ${ $.steps.fastest.output.winner }"')}
"""
PARALLEL = f"""
name: parallel
steps:
  - id: both
    on_failure: continue
    parallel:
      good: [{step("good1", "good 1")}, {step("good2", "good 2")}]
      bad: [{step("bad1", "bad 1")}, {{id: refuse, fail: {{code: bad}}}}]
  - {step("report", '"report of ${ $.steps.both.error.code }"')}
"""
CHAIN = f"""
name: chain
steps:
  - id: rounds
    repeat:
      - {step("round", '"round ${ $.round }"')}
    until: $.round == 2
  - id: tried
    try:
      - id: attempt
        task: crash.do
        with: {{what: "attempt ${{ uuid() }}"}}
        compensate: {{task: crash.undo, with: {{what: $.task_input.what}}}}
      - {{id: refuse, fail: {{code: bad}}}}
    retry: {{attempts: 2, backoff: 0}}
    catch:
      - steps: [{step("caught", '"caught ${ $.error.code }"')}]
  - {step("visit", '"visit ${ $.steps.visit2.state | json }"')}
  - {{id: over, when: $.steps.visit2.state != null, goto: report}}
  - {step("visit2", '"visit2"')}
  - {{id: again, goto: visit}}
  - {step("report", '"report of ${ $.steps.tried.caught }"')}
"""
ENDS = {
    "batch": "SUCCEEDED",
    "undone": "COMPENSATED",
    "race": "SUCCEEDED",
    "parallel": "SUCCEEDED",
    "chain": "SUCCEEDED",
}


def prepare(conn: Conn, transport: str) -> None:
    """Deploy the workflows, and make the table of what was done, which keeps nothing out."""
    use(conn, transport)
    conn.execute(
        "create table done (n bigint generated always as identity, key text not null,"
        " what text not null)"
    )
    for definition in (BATCH, UNDONE, RACE, PARALLEL, CHAIN):
        deploy(conn, definition)


def begin(conn: Conn, count: int) -> dict[str, list[UUID]]:
    """Start so many instances of each workflow."""
    inputs = [{"items": list(range(ITEMS))}] * count
    return {workflow: start(conn, workflow, inputs) for workflow in ENDS}


def done_by(conn: Conn) -> dict[UUID, list[str]]:
    """Return for each instance what was done and undone, in that order."""
    found: defaultdict[UUID, list[str]] = defaultdict(list)
    for key, what in conn.execute("select key, what from done order by n"):
        found[UUID(key.partition("/")[0])].append(what)
    return found


def require_once(conn: Conn, started: dict[str, list[UUID]]) -> None:
    """Wait for the end of all; require that nothing was lost and nothing came twice."""
    done = done_by_at_end(conn, started)
    for workflow, ids in started.items():
        for instance in ids:
            CHECKS[workflow](done[instance])
            assert len(done[instance]) == len(set(done[instance])), workflow


def done_by_at_end(conn: Conn, started: dict[str, list[UUID]]) -> dict[UUID, list[str]]:
    """Wait for the end of all, require their states, and return what was done."""
    for workflow, ids in started.items():
        assert set(wait_for_ends(conn, ids, 120)) == {ENDS[workflow]}, workflow
    return done_by(conn)


def require_undone(done: list[str], whats: set[str], also: Set[str] = frozenset()) -> None:
    """Require that what was done of ``whats`` was undone later, and nothing else but ``also``.

    What an attempt of unknown outcome may have done is undone too, so more may be undone than done.
    """
    undone = {what.removeprefix("undo ") for what in done if what.startswith("undo ")}
    assert undone <= whats
    for what in whats & set(done):
        assert done.index(f"undo {what}") > done.index(what)
    assert {what for what in done if not what.startswith("undo ")} <= whats | also


def check_batch(done: list[str]) -> None:
    good = [n for n in range(ITEMS) if n not in BAD]
    ends = {f"{which} {n}" for which in ("first", "second") for n in good}
    ends.add(f"report of [{BAD[0]}, {BAD[1]}]")
    failed = {f"first {n}" for n in BAD}
    assert set(done) == ends | failed | {f"undo {what}" for what in failed}
    require_undone(done, failed, ends)
    assert done[-1].startswith("report")  # what is tolerated is undone before the block goes on


def check_undone(done: list[str]) -> None:
    whats = {f"{which} {n}" for which in ("first", "second") for n in range(ITEMS)}
    assert set(done) == whats | {f"undo {what}" for what in whats}
    require_undone(done, whats)
    for n in range(ITEMS):
        assert done.index(f"undo second {n}") < done.index(f"undo first {n}")


def check_race(done: list[str]) -> None:
    (report,) = (what for what in done if what.startswith("report"))
    winner = report.removeprefix("report of ")
    loser = {"left": "right", "right": "left"}[winner]
    ends = {f"{winner} 1", f"{winner} 2", report}
    assert ends <= set(done)
    require_undone(done, {f"{loser} 1", f"{loser} 2"}, ends)


def check_parallel(done: list[str]) -> None:
    assert {"bad 1", "undo bad 1", "report of bad"} <= set(done)
    require_undone(done, {"bad 1", "good 1", "good 2"}, {"report of bad"})
    assert done[-1] == "report of bad"


def check_chain(done: list[str]) -> None:
    attempts = {what for what in done if what.startswith("attempt")}
    assert len(attempts) == 2
    ends = ["round 0", "round 1", "round 2", "caught bad", "visit null", "visit2"]
    ends += ['visit "SUCCEEDED"', "report of bad"]
    assert [what for what in done if what in ends] == ends
    require_undone(done, attempts, set(ends))
    assert all(done.index(f"undo {what}") < done.index("caught bad") for what in attempts)


CHECKS: dict[str, Callable[[list[str]], None]] = {
    "batch": check_batch,
    "undone": check_undone,
    "race": check_race,
    "parallel": check_parallel,
    "chain": check_chain,
}


def kill_a_worker(servers: Servers, transport: str, folder: Path, point: str, nth: int) -> None:
    """Let one worker die at ``point`` and another finish its work; require what the module says."""
    database = create_database(servers, migrated=True)
    prefix = database.name.replace("_", "-")
    settings = Settings(
        dsn=database.dsn,
        kafka=servers.kafka,
        kafka_options=servers.kafka_options,
        transport=transport,
        prefix=prefix,
        partitions=2,
    )
    settings = quick(settings)
    log = folder / f"{point}.log"
    try:
        with closing(database.connect()) as conn, ExitStack() as stack:
            prepare(conn, transport)
            stack.enter_context(relay(settings))
            started = begin(conn, 2)
            failpoint = {"ONCEFLOW_FAILPOINT": f"{point}::{nth}"}
            # Handed-off steps are not claimed.
            options = ("--no-hand-off",) if "claim" in point else ()
            killed = stack.enter_context(worker_process(settings, log, *options, **failpoint))
            assert killed.wait(90) == -signal.SIGKILL, log.read_text()
            stack.enter_context(worker_process(settings, log))
            require_once(conn, started)
    finally:
        drop_database(servers, database.name)


@pytest.mark.parametrize("nth", [3, 10])
def test_a_worker_killed_in_the_middle_of_blocks_costs_nothing(
    servers: Servers, transport: str, tmp_path: Path, nth: int
) -> None:
    at_each_point(kill_a_worker, servers, transport, tmp_path, nth)


def some_done(conn: Conn) -> bool:
    """Tell whether blocks are in their middle."""
    return len(conn.execute("select from done limit 20").fetchall()) == 20


def some_undoing(conn: Conn) -> bool:
    """Tell whether something in a block is on its way back."""
    return bool(
        conn.execute("select from onceflow.scope where state = 'COMPENSATING' limit 1").fetchall()
    )


MIDDLES: dict[str, Callable[[Conn], bool]] = {"done": some_done, "undoing": some_undoing}


def still_open(conn: Conn) -> set[Any]:
    """Return the workflows that have instances which have not ended."""
    rows = conn.execute("select distinct workflow from onceflow.instances where ended_at is null")
    return {workflow for (workflow,) in rows}


@pytest.mark.parametrize("middle", MIDDLES)
def test_a_relay_killed_in_the_middle_of_blocks_costs_nothing(
    conn: Conn, settings: Settings, transport: str, tmp_path: Path, middle: str
) -> None:
    settings = quick(replace(settings, transport=transport))
    prepare(conn, transport)
    with ExitStack() as stack:
        first = stack.enter_context(process(settings, tmp_path / "first.log", "relay"))
        stack.enter_context(worker_process(settings, tmp_path / "worker.log"))
        started = begin(conn, 10)
        wait_until(lambda: MIDDLES[middle](conn), "the middle", 60)
        first.kill()
        assert still_open(conn) == set(ENDS)
        stack.enter_context(process(settings, tmp_path / "second.log", "relay"))
        require_once(conn, started)


@pytest.mark.only("kafka", reason="nothing is produced without a broker")
def test_a_relay_killed_between_produce_and_commit_doubles_nothing_in_blocks(
    conn: Conn, settings: Settings, tmp_path: Path
) -> None:
    settings = quick(settings)
    prepare(conn, settings.transport)
    log = tmp_path / "first.log"
    with ExitStack() as stack:
        failpoint = {"ONCEFLOW_FAILPOINT": "relay.after_produce::4"}
        first = stack.enter_context(process(settings, log, "relay", **failpoint))
        stack.enter_context(worker_process(settings, tmp_path / "worker.log", "--no-hand-off"))
        started = begin(conn, 5)
        assert first.wait(90) == -signal.SIGKILL, log.read_text()
        stack.enter_context(process(settings, tmp_path / "second.log", "relay"))
        require_once(conn, started)


@pytest.mark.parametrize("middle", MIDDLES)
def test_postgres_killed_in_the_middle_of_blocks_loses_nothing(
    own_postgres: EmbeddedPostgres,
    kafka: str,
    transport: str,
    prefix: str,
    tmp_path: Path,
    middle: str,
) -> None:
    settings = Settings(dsn=own_postgres.dsn, kafka=kafka, prefix=prefix, partitions=2)
    settings = quick(replace(settings, transport=transport))
    migrate(settings)
    with ExitStack() as stack:
        with closing(connect(settings)) as conn:
            prepare(conn, transport)
            stack.enter_context(process(settings, tmp_path / "relay.log", "relay"))
            stack.enter_context(worker_process(settings, tmp_path / "worker.log"))
            started = begin(conn, 20)
            wait_until(lambda: MIDDLES[middle](conn), "the middle", 60)
        own_postgres.stop(crash=True)
        own_postgres.start()
        with closing(connect(settings)) as conn:
            assert still_open(conn) == set(ENDS)
            require_once(conn, started)
