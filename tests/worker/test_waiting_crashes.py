"""Crashes in the middle of waiting: of a worker, the relay, the api, of Postgres.

Signals, events, and what goes up and down a family. Whatever is killed when: nothing of it is lost,
and nothing comes twice, also where whoever sends sends again.
"""

import signal
from collections import defaultdict
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from typing import LiteralString, TypeAlias
from uuid import UUID

import httpx2
import pytest

from onceflow.engine.calls import NamedEvent, Signal, check_instances, send_events, send_signals
from onceflow.engine.dev.postgres import EmbeddedPostgres
from onceflow.engine.migrate import migrate
from onceflow.engine.settings import Settings

from ..api.server import ADDRESS, running_api
from ..support import wait_until
from ..transports import use
from .support import Conn, deploy, relay, start, wait_for_ends
from .test_block_crashes import require_undone, step
from .test_crashes import connect, process, quick, worker_process

pytestmark = pytest.mark.only("postgres", reason="deliveries take no transport")


def does(name: str, what: str = "") -> str:
    """Return a step that does something, and is undone."""
    return step(name, f'"${{ $.input.n }} {what or name}"')


DEFINITIONS = [
    f"""
name: parcel
steps: [{does("pack")}, {does("send")}]
output: $.steps.send.output
""",
    f"""
name: waiter
steps: [{does("left")}, {{id: never, wait_for: never}}]
""",
    f"""
name: family
steps:
  - {does("order")}
  - {{id: parcel, workflow: parcel, with: {{n: $.input.n}}}}
  - {does("report", "report of ${ $.steps.parcel.output }")}
""",
    f"""
name: undone
steps:
  - {does("order")}
  - {{id: parcel, workflow: parcel, with: {{n: $.input.n}}}}
  - {{id: refuse, fail: {{code: bad}}}}
""",
    f"""
name: closed
steps:
  - id: fastest
    race:
      left: [{{id: waiter, workflow: waiter, with: {{n: $.input.n}}}}]
      right: [{does("right")}]
  - {does("report")}
""",
    f"""
name: signalled
steps: [{does("before")}, {{id: go, wait_for: go}}, {does("after", "after ${ $.steps.go.output }")}]
""",
    f"""
name: told
steps:
  - {does("before")}
  - {{id: paid, wait_for: {{event: paid, key: $.input.n}}}}
  - {does("after", "after ${ $.steps.paid.output }")}
""",
]
ENDS = {
    "family": "SUCCEEDED",
    "undone": "COMPENSATED",
    "closed": "SUCCEEDED",
    "signalled": "SUCCEEDED",
    "told": "SUCCEEDED",
}
Begun: TypeAlias = dict[str, dict[str, UUID]]
"""By workflow, of each instance its id by the name that it goes by."""


def prepare(conn: Conn) -> None:
    """Deploy the workflows, and make the table of what was done, which keeps nothing out."""
    use(conn, "postgres")
    conn.execute(
        "create table done (n bigint generated always as identity, key text not null,"
        " what text not null)"
    )
    for definition in DEFINITIONS:
        deploy(conn, definition)


def begin(conn: Conn, count: int) -> Begun:
    """Start so many instances of each workflow."""
    begun: Begun = {}
    for workflow in ENDS:
        names = [f"{workflow}{n}" for n in range(count)]
        ids = start(conn, workflow, [{"n": name} for name in names])
        begun[workflow] = dict(zip(names, ids, strict=True))
    return begun


def send(conn: Conn, begun: Begun) -> None:
    """Send to all what they wait for, or will: to be repeated without harm."""
    signals = [
        Signal(each, "go", f"signal of {name}", "only") for name, each in begun["signalled"].items()
    ]
    assert {sent.outcome for sent in send_signals(conn, signals)} <= {"accepted", "repeated"}
    events = [NamedEvent("paid", name, f"event of {name}", name) for name in begun["told"]]
    assert {sent.outcome for sent in send_events(conn, events)} <= {"sent", "repeated"}


def require_once(conn: Conn, begun: Begun) -> None:
    """Wait for the end of all; require that nothing was lost and nothing came twice."""
    send(conn, begun)
    for workflow, instances in begun.items():
        assert set(wait_for_ends(conn, list(instances.values()), 120)) == {ENDS[workflow]}, workflow
    # What loses a race is undone behind it.
    wait_until(lambda: still_open(conn) == 0, "the end of all families", 60)
    assert check_instances(conn) == []
    done: defaultdict[str, list[str]] = defaultdict(list)
    for (what,) in conn.execute("select what from done order by n"):
        undo = "undo " if what.startswith("undo ") else ""
        name, _, rest = what.removeprefix(undo).partition(" ")
        done[name].append(undo + rest)
    for workflow, instances in begun.items():
        for name in instances:
            CHECKS[workflow](name, done[name])


def check_family(name: str, done: list[str]) -> None:
    assert done == ["order", "pack", "send", f"report of {name} send"]


def check_undone(name: str, done: list[str]) -> None:
    ways = ["order", "pack", "send"]
    assert done == ways + [f"undo {what}" for what in reversed(ways)], name


def check_closed(name: str, done: list[str]) -> None:
    assert len(done) == len(set(done)), name
    assert {"right", "report"} <= set(done)
    require_undone(done, {"left"}, {"right", "report"})


def check_signalled(name: str, done: list[str]) -> None:
    assert done == ["before", f"after signal of {name}"]


def check_told(name: str, done: list[str]) -> None:
    assert done == ["before", f"after event of {name}"]


CHECKS: dict[str, Callable[[str, list[str]], None]] = {
    "family": check_family,
    "undone": check_undone,
    "closed": check_closed,
    "signalled": check_signalled,
    "told": check_told,
}


APPLIED: dict[str, LiteralString] = {
    "start": "select from onceflow.instance where parent_id is not null limit 3",
    "end": "select from onceflow.child c join onceflow.task t on t.instance_id = c.parent_id"
    " and t.step = c.step and t.scope = c.scope and t.visit = c.visit and t.seq is not null"
    " limit 3",
    "undo": "select from onceflow.delivery where kind = 'undo' and state = 'taken' limit 3",
}
"""What shows that some of what families tell each other is applied, by its kind."""


def applied(conn: Conn, kind: str) -> bool:
    """Tell whether some of what is sent is applied, of this kind."""
    return len(conn.execute(APPLIED[kind]).fetchall()) == 3


def still_open(conn: Conn) -> int:
    rows = conn.execute("select count(*) from onceflow.instances where ended_at is null")
    (count,) = rows.fetchone() or (0,)
    return count


@pytest.fixture
def alone(settings: Settings) -> Settings:
    return quick(replace(settings, transport="postgres"))


@pytest.mark.parametrize("point", ["worker.after_complete", "worker.before_complete"])
def test_a_worker_killed_in_the_middle_of_waiting_costs_nothing(
    conn: Conn, alone: Settings, tmp_path: Path, point: str
) -> None:
    prepare(conn)
    log = tmp_path / "killed.log"
    with ExitStack() as stack:
        stack.enter_context(relay(alone))
        begun = begin(conn, 3)
        send(conn, begun)
        failpoint = {"ONCEFLOW_FAILPOINT": f"{point}::9"}
        killed = stack.enter_context(worker_process(alone, log, **failpoint))
        assert killed.wait(60) == -signal.SIGKILL, log.read_text()
        stack.enter_context(worker_process(alone, log))
        require_once(conn, begun)


@pytest.mark.parametrize("nth", [1, 4])
def test_a_relay_killed_behind_what_it_has_applied_costs_nothing(
    conn: Conn, alone: Settings, tmp_path: Path, nth: int
) -> None:
    prepare(conn)
    log = tmp_path / "first.log"
    with ExitStack() as stack:
        failpoint = {"ONCEFLOW_FAILPOINT": f"relay.after_apply::{nth}"}
        first = stack.enter_context(process(alone, log, "relay", **failpoint))
        stack.enter_context(worker_process(alone, tmp_path / "worker.log"))
        begun = begin(conn, 5)
        send(conn, begun)
        assert first.wait(60) == -signal.SIGKILL, log.read_text()
        stack.enter_context(process(alone, tmp_path / "second.log", "relay"))
        require_once(conn, begun)


@pytest.mark.parametrize("kind", ["end", "undo"])
def test_a_relay_killed_in_the_middle_of_families_costs_nothing(
    conn: Conn, alone: Settings, tmp_path: Path, kind: str
) -> None:
    prepare(conn)
    with ExitStack() as stack:
        first = stack.enter_context(process(alone, tmp_path / "first.log", "relay"))
        stack.enter_context(worker_process(alone, tmp_path / "worker.log"))
        begun = begin(conn, 12)
        wait_until(lambda: applied(conn, kind), "the middle", 60)
        first.kill()
        assert still_open(conn) > 0
        stack.enter_context(process(alone, tmp_path / "second.log", "relay"))
        require_once(conn, begun)


@pytest.mark.parametrize("path", ["instances/{id}/signals/go", "events"])
def test_an_api_killed_behind_what_it_has_sent_costs_nothing(
    conn: Conn, alone: Settings, tmp_path: Path, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare(conn)
    begun = begin(conn, 1)
    ((name, instance),) = begun["signalled" if "signals" in path else "told"].items()
    if "signals" in path:
        body = {"payload": f"signal of {name}", "key": "only"}
    else:
        body = {"name": "paid", "key": name, "payload": f"event of {name}", "id": name}
    with ExitStack() as stack:
        log = tmp_path / "api.log"
        failpoint = {"ONCEFLOW_FAILPOINT": "api.after_send"}
        stack.enter_context(worker_process(alone, tmp_path / "worker.log"))
        waits = "select from onceflow.wait where instance_id = %s"
        wait_until(lambda: conn.execute(waits, (instance,)).fetchall(), "its wait", 60)
        killed = stack.enter_context(process(alone, log, "api", "--port", "0", **failpoint))
        found = wait_until(lambda: ADDRESS.search(log.read_text()), "the api", 60)
        with pytest.raises(httpx2.TransportError):
            httpx2.post(f"{found[1]}/{path.format(id=instance)}", json=body)
        assert killed.wait(60) == -signal.SIGKILL
        stack.enter_context(relay(alone))
        with running_api(alone, "--port", "0") as api:
            answer = httpx2.post(f"{api.url}/{path.format(id=instance)}", json=body)
        assert answer.json()["outcome"] == "repeated"
        require_once(conn, begun)


@pytest.mark.parametrize("kind", ["start", "undo"])
def test_postgres_killed_in_the_middle_of_waiting_loses_nothing(
    own_postgres: EmbeddedPostgres, kafka: str, prefix: str, tmp_path: Path, kind: str
) -> None:
    settings = Settings(dsn=own_postgres.dsn, kafka=kafka, prefix=prefix, partitions=2)
    settings = quick(replace(settings, transport="postgres"))
    migrate(settings)
    with ExitStack() as stack:
        with closing(connect(settings)) as conn:
            prepare(conn)
            stack.enter_context(process(settings, tmp_path / "relay.log", "relay"))
            stack.enter_context(worker_process(settings, tmp_path / "worker.log"))
            begun = begin(conn, 12)
            send(conn, begun)
            wait_until(lambda: applied(conn, kind), "the middle", 60)
        own_postgres.stop(crash=True)
        own_postgres.start()
        with closing(connect(settings)) as conn:
            assert still_open(conn) > 0
            require_once(conn, begun)
