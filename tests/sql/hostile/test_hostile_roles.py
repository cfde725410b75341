"""What a role plants or sets: with what grant_access gives it, it becomes nobody else."""

import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo
from psycopg.types.string import TextLoader

from ...servers import Database, Servers, create_database, drop_database
from .. import rooms
from ..play import Connection, Play, execute
from . import traps
from .life import live

KINDS = ("client", "operator", "relay", "worker")
NOT_HIS = (psycopg.errors.InsufficientPrivilege, psycopg.errors.InvalidParameterValue)
SUPERUSER = "select rolsuper from pg_roles where rolname = %s"
CARELESS = """
    create function {}() returns pg_catalog.text language plpgsql security definer
    set search_path = {} as $$ declare v {}; begin {} into v; return v; end $$"""
PATHS = ("trap, pg_temp, pg_catalog", "pg_catalog, trap")


class Qualified(psycopg.Cursor[Any]):
    """Names the types of our own statements in full: what is attacked is what they call."""

    def execute(self, query: Any, *given: Any, **more: Any) -> "Qualified":
        if isinstance(query, str):
            query = re.sub(r"::(uuid|text|jsonb|name|xid8|bytea)\b", r"::pg_catalog.\1", query)
        return super().execute(query, *given, **more)


@dataclass
class Attacker:
    """A role that may log in, make temporary objects, and has a schema of its own."""

    database: Database
    name: str
    dsn: str
    told: list[str] = field(default_factory=list[str])

    def connect(self) -> Connection:
        conn = psycopg.connect(self.dsn, autocommit=True, cursor_factory=Qualified)
        conn.add_notice_handler(lambda notice: self.told.append(notice.message_primary or ""))
        return conn

    def met(self) -> list[str]:
        """Return which traps were met by others."""
        return [line for line in self.told if line.startswith(traps.MET)]


@dataclass(frozen=True)
class Life:
    """What comes of a life without any attack, and which functions it has called."""

    outcome: str
    called: set[str]


@pytest.fixture(scope="module")
def life(servers: Servers) -> Iterator[Life]:
    made = create_database(servers, migrated=True)
    with closing(made.connect()) as conn:
        execute(conn, "set track_functions = 'all'")
        outcome = live(dict.fromkeys(KINDS, conn), Play(conn))
        execute(conn, "select pg_stat_force_next_flush()")
        called = conn.execute("select funcname from pg_stat_user_functions").fetchall()
    yield Life(outcome, {name for (name,) in called})
    drop_database(servers, made.name)


@pytest.fixture
def unharmed(life: Life) -> str:
    return life.outcome


def test_what_is_attacked_is_every_function_that_can_be_granted(life: Life) -> None:
    granted = set[str]().union(*map(rooms.open_to, KINDS))
    # Pure text, by SQL that is part of the query; no rights of the owner's.
    assert granted - {"task_name", "idempotency_key", "redrive_takes"} - life.called == set()


@pytest.fixture
def play(database: Database, conn: Connection) -> Play:
    return Play(conn)


@pytest.fixture
def attacker(database: Database, conn: Connection) -> Iterator[Callable[..., Attacker]]:
    """A function that makes a role with access of kinds."""
    made: list[sql.Identifier] = []

    def make(*kinds: str) -> Attacker:
        name, password = f"onceflow_test_{secrets.token_hex(6)}", secrets.token_hex(8)
        role = sql.Identifier(name)
        made.append(role)
        conn.execute(sql.SQL("create role {} login password {}").format(role, password))
        for kind in kinds:
            conn.execute("select onceflow.grant_access(%s, %s)", (name, kind))
        # However it came to it: the guard holds even so.
        base = sql.Identifier(database.name)
        conn.execute(sql.SQL("grant temporary on database {} to {}").format(base, role))
        conn.execute(sql.SQL("create schema trap authorization {}").format(role))
        return Attacker(database, name, make_conninfo(database.dsn, user=name, password=password))

    yield make
    for role in made:
        conn.execute(sql.SQL("drop owned by {} cascade").format(role))
        conn.execute(sql.SQL("drop role {}").format(role))


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("kind", KINDS)
def test_nothing_that_a_role_plants_is_met_with_the_rights_of_another(
    kind: str, path: str, attacker: Callable[..., Attacker], play: Play, unharmed: str
) -> None:
    hostile = attacker(kind)
    with hostile.connect() as conn:
        assert traps.plant(conn) > 500
        execute(conn, f"set search_path = {path}")
        by = {each: conn if each == kind else play.conn for each in KINDS}
        assert live(by, play) == unharmed
        assert hostile.met() == []
        ((superuser,),) = play.rows(
            "select rolsuper from pg_roles where rolname = %s", hostile.name
        )
        assert not superuser


def test_the_traps_are_met_where_a_function_is_careless(
    attacker: Callable[..., Attacker], play: Play
) -> None:
    """Else the test above would prove nothing."""
    hostile = attacker()
    text, truth = "pg_catalog.text", "pg_catalog.bool"
    careless = [
        ("''", "text", "select 'x'::text"),
        ("trap, pg_catalog", text, "select lower('A'::pg_catalog.text)"),
        ("trap, pg_catalog", truth, "select 'a'::pg_catalog.text = 'b'::pg_catalog.text"),
        ("trap, pg_temp", truth, "select id from job"),
        ("pg_catalog", text, "insert into job (step) values ('x') returning step"),
    ]
    with hostile.connect() as conn:
        traps.plant(conn)
        for number, (path, result, body) in enumerate(careless):
            name = f"public.careless{number}"
            execute(play.conn, CARELESS.format(name, path, result, body))
            hostile.told.clear()
            execute(conn, f"select {name}()")
            assert hostile.met(), body
        assert play.value(SUPERUSER, hostile.name)


SETTINGS = {
    "how texts are read": {
        "backslash_quote": "on",
        "default_text_search_config": "pg_catalog.german",
        "escape_string_warning": "off",
        "standard_conforming_strings": "off",
        "timezone_abbreviations": "India",
        "transform_null_equals": "on",
        "xmloption": "document",
    },
    "how texts are written": {
        "bytea_output": "escape",
        "datestyle": "SQL, DMY",
        "extra_float_digits": "-15",
        "intervalstyle": "sql_standard",
        "lc_monetary": "C",
        "lc_numeric": "C",
        "lc_time": "C",
        "quote_all_identifiers": "on",
        "timezone": "Asia/Kathmandu",
        "xmlbinary": "hex",
    },
    "how functions run": {
        "check_function_bodies": "off",
        "client_min_messages": "debug1",
        "default_transaction_deferrable": "on",
        "plpgsql.check_asserts": "off",
        "plpgsql.print_strict_params": "on",
        "row_security": "off",
        "synchronous_commit": "off",
    },
    "how queries are planned": {
        "constraint_exclusion": "on",
        "cursor_tuple_fraction": "0",
        "enable_indexscan": "off",
        "enable_nestloop": "off",
        "enable_partition_pruning": "off",
        "from_collapse_limit": "1",
        "gin_fuzzy_search_limit": "1",
        "jit_above_cost": "0",
        "plan_cache_mode": "force_custom_plan",
        "work_mem": "64kB",
    },
}


@pytest.fixture
def everything(attacker: Callable[..., Attacker]) -> Iterator[Connection]:
    """A session of a role that may do all that can be granted."""
    with attacker(*KINDS).connect() as conn:
        for name in ("timestamptz", "date", "interval"):  # psycopg reads one way of writing them
            conn.adapters.register_loader(name, TextLoader)
        yield conn


@pytest.mark.parametrize("what", SETTINGS)
def test_what_a_session_sets_changes_no_outcome(
    what: str, everything: Connection, play: Play, unharmed: str
) -> None:
    for setting in SETTINGS[what].items():
        everything.execute("select pg_catalog.set_config(%s, %s, false)", setting)
    assert live(dict.fromkeys(KINDS, everything), play) == unharmed


def test_what_would_turn_checks_off_is_no_roles_to_set(everything: Connection) -> None:
    execute(everything, "do 'begin end'")  # loads plpgsql, with its settings
    for name, value in (
        ("session_replication_role", "replica"),
        ("plpgsql.variable_conflict", "use_variable"),
        ("ignore_checksum_failure", "on"),
        ("role", "postgres"),
        ("session_authorization", "postgres"),
    ):
        with pytest.raises(
            (psycopg.errors.InsufficientPrivilege, psycopg.errors.InvalidParameterValue)
        ):
            everything.execute("select pg_catalog.set_config(%s, %s, false)", (name, value))
