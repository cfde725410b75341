"""House rules of the SQL, held against the catalog of a migrated database and against the files."""

import re
from collections import Counter
from pathlib import Path

import pytest

import onceflow.sql

from .. import rooms
from ..play import Connection
from ..rooms import OF_CHECKS, PUBLIC, header
from ..rooms import TEXTS as FILES

TOLD = FILES | OF_CHECKS
TESTS = Path(__file__).parents[1]
LONGEST_BODY = 100
MOST_FILES = 25

RUN_BY_THEIR_CALLER = {
    "task_name": "pure text; views call it with the rights of their reader",
    "idempotency_key": "pure text; views call it with the rights of their reader",
    "redrive_takes": "pure text; views call it with the rights of their reader",
    "grant_access": "a grant must be by one who may give it",
}


def code(text: str) -> str:
    """Return a file's code, without comments and without strings."""
    text = re.sub(r"--.*", "", text)
    text = re.sub(r"'(?:[^']|'')*'", "''", text)
    return re.sub(r'"[^"]*"', '""', text)


@pytest.fixture(scope="module")
def catalog(shared_conn: Connection) -> Connection:
    return shared_conn


def test_each_function_has_a_file_of_its_own_and_each_file_a_function(catalog: Connection) -> None:
    rows = catalog.execute(
        "select proname from pg_proc where pronamespace = 'onceflow'::regnamespace"
        " and proname <> all (%s) order by 1",
        [list(OF_CHECKS)],
    ).fetchall()
    assert [name for (name,) in rows] == sorted(path.stem for path in onceflow.sql.functions())
    for name, text in FILES.items():
        assert re.findall(r"^create or replace function (\S+?)\(", text, re.MULTILINE) == [
            f"onceflow.{name}"
        ]


def test_what_is_not_public_says_so_in_its_header() -> None:
    said = [name for name, text in FILES.items() if "(internal)" not in header(text)]
    assert sorted(said) == PUBLIC


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_file_begins_with_what_its_function_is_for(name: str) -> None:
    first, *rest = header(FILES[name]).splitlines()
    assert re.match(rf"-- {name}\(.*\)", first + " " + (rest[0] if rest else ""))
    assert rest, "one line that tells the signature is not yet one that tells what it does"


def test_each_view_has_a_file_of_its_own_that_says_what_it_shows(catalog: Connection) -> None:
    rows = catalog.execute(
        "select relname from pg_class"
        " where relnamespace = 'onceflow'::regnamespace and relkind = 'v' order by 1"
    ).fetchall()
    assert [name for (name,) in rows] == sorted(path.stem for path in onceflow.sql.views())
    for name, path in rooms.VIEWS.items():
        text = path.read_text(encoding="utf-8")
        assert text.startswith("-- ")
        assert f"create or replace view onceflow.{name} as" in text
        assert "select *" not in text


def test_functions_that_others_may_call_pin_the_search_path(catalog: Connection) -> None:
    """What is internal runs within these, and would only pay for it again at each call.

    pg_temp is named, and last: where it is not, types and tables are looked for in it first, and a
    caller's domain pg_temp.text has a check that would run with the rights of the owner.
    Those whose body is standard SQL were bound to their objects when they were made.
    """
    rows = catalog.execute(
        "select proname, proconfig, prosecdef from pg_proc"
        " where pronamespace = 'onceflow'::regnamespace and (prosecdef or prosqlbody is null)"
    ).fetchall()
    pinned = {
        name for name, config, _ in rows if "search_path=pg_catalog, pg_temp" in (config or [])
    }
    assert len(pinned) > 25
    assert {name for name, _, definer in rows if definer or name in PUBLIC} == pinned


# guarantee: plans-claim
def test_functions_that_pin_their_plans_pin_them_all_alike(catalog: Connection) -> None:
    """What reads one row by its key, at costs made up for that, must not start processes for it."""
    rows = catalog.execute(
        "select proname, proconfig from pg_proc where pronamespace = 'onceflow'::regnamespace"
        " and 'cpu_tuple_cost=1000' = any (proconfig)"
    ).fetchall()
    assert len(rows) > 10
    assert len({tuple(sorted(config)) for _, config in rows}) == 1
    assert "max_parallel_workers_per_gather=0" in rows[0][1]


def test_nobody_may_execute_a_function_unasked(catalog: Connection) -> None:
    rows = catalog.execute(
        "select proname from pg_proc p where pronamespace = 'onceflow'::regnamespace"
        " and has_function_privilege('public', p.oid, 'execute')"
    ).fetchall()
    assert rows == []


def test_nobody_has_rights_on_a_table_or_the_schema_unasked(catalog: Connection) -> None:
    """Partitions too, also those that are made later."""
    catalog.execute("select onceflow.ensure_partitions(now() + '9 weeks', now() + '9 weeks')")
    rows = catalog.execute(
        "select c.oid::regclass from pg_class c, unnest(c.relacl) a"
        " where c.relnamespace = 'onceflow'::regnamespace and a::text like '=%'"
    ).fetchall()
    assert rows == []
    usage = catalog.execute("select has_schema_privilege('public', 'onceflow', 'usage, create')")
    assert usage.fetchall() == [(False,)]


def test_exactly_the_public_functions_run_with_the_rights_of_their_owner(
    catalog: Connection,
) -> None:
    rows = catalog.execute(
        "select proname from pg_proc where pronamespace = 'onceflow'::regnamespace and prosecdef"
    ).fetchall()
    assert {name for (name,) in rows} == set(PUBLIC) - set(RUN_BY_THEIR_CALLER)


def test_parameters_are_named_p_and_outputs_o(catalog: Connection) -> None:
    rows = catalog.execute(
        "select p.proname, a.name, a.mode"
        " from pg_proc p, unnest(p.proargnames, p.proargmodes) u (name, given),"
        " lateral (select u.name, coalesce(u.given, 'i') as mode) a"
        " where p.pronamespace = 'onceflow'::regnamespace and a.mode <> 't'"
    ).fetchall()
    prefix = {"i": "p_", "o": "o_"}
    assert [(f, name) for f, name, mode in rows if not name.startswith(prefix[mode])] == []
    nameless = catalog.execute(
        "select proname from pg_proc where pronamespace = 'onceflow'::regnamespace"
        " and pronargs > 0 and proargnames is null"
    ).fetchall()
    assert nameless == []


def test_every_parameter_is_used(catalog: Connection) -> None:
    rows = catalog.execute(
        "select p.proname, a.name"
        " from pg_proc p, unnest(p.proargnames, p.proargmodes) a (name, mode)"
        " where p.pronamespace = 'onceflow'::regnamespace and a.mode is distinct from 't'"
    ).fetchall()
    unused = [
        (function, name)
        for function, name in rows
        if len(re.findall(rf"\b{name}\b(?! =>)", code(TOLD[function]))) < 2
    ]
    assert unused == []


def test_a_room_is_not_crowded() -> None:
    paths = [*onceflow.sql.functions(), *onceflow.sql.views()]
    crowd = Counter(str(path.parent) for path in paths)
    assert {room: count for room, count in crowd.items() if count > MOST_FILES} == {}


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_body_is_short_lower_case_and_names_its_variables_v(name: str) -> None:
    text = FILES[name]
    lines = text[len(header(text)) :].strip().splitlines()
    assert len(lines) <= LONGEST_BODY
    assert re.findall(r"\b[A-Z][A-Z_]+\b", code(text)) == []
    for block in re.findall(r"^declare\n(.*?)^begin$", code(text), re.MULTILINE | re.DOTALL):
        declared = re.findall(r"^    (\w+) ", block, re.MULTILINE)
        assert [variable for variable in declared if not variable.startswith("v_")] == []


@pytest.mark.parametrize("name", sorted(FILES))
def test_what_a_body_calls_and_reads_is_qualified(name: str) -> None:
    """The search path is not ours: an unqualified table or function of ours would not be found."""
    text = code(FILES[name])
    tables = re.findall(r"\b(?:from|join|into|update) (?:only )?([a-z_]+)\b(?![.(])", text)
    ours = {"instance", "task", "task_log", "outbox", "worker", "step", "edge", "queue", "clock"}
    assert ours & set(tables) == set()
    assert [f for f in FILES if re.search(rf"(?<![.\w]){f}\(", text) and f not in ("now",)] == []


@pytest.mark.parametrize("name", PUBLIC)
def test_a_public_function_has_tests_of_its_own(name: str) -> None:
    room = rooms.FUNCTIONS[name].relative_to(onceflow.sql.FOLDER).parent
    assert "\ndef test_" in (TESTS / room / f"test_{name}.py").read_text(encoding="utf-8")


def test_what_only_reads_is_declared_so(catalog: Connection) -> None:
    """A function that is stable or immutable cannot write: Postgres refuses it."""
    rows = catalog.execute(
        "select proname from pg_proc where pronamespace = 'onceflow'::regnamespace"
        " and provolatile <> 'v' order by 1"
    ).fetchall()
    reading = {name for (name,) in rows}
    assert {"read_grants", "check_instances", "explain_instance", "list_queues", "now"} <= reading
    for name in reading:
        assert not re.search(r"\b(insert|update|delete|truncate)\b", code(TOLD[name])), name


def test_each_sqlstate_of_ours_comes_with_a_hint(catalog: Connection) -> None:
    """Each error says what to do; the exceptions that are caught again say it elsewhere."""
    for name, text in FILES.items():
        for raised in re.findall(r"raise exception .*?;\n", text, re.DOTALL):
            assert re.search(r"errcode = 'WF\d\d\d'", raised), name
            if "'WF006'" not in raised:
                assert "hint = " in raised, name


def test_no_plain_literal_has_a_backslash() -> None:
    """With the caller's standard_conforming_strings off it would mean something else."""
    texts = FILES | {name: path.read_text(encoding="utf-8") for name, path in rooms.VIEWS.items()}
    for name, text in texts.items():
        literals = re.findall(r"(\w?)('(?:[^']|'')*')", re.sub(r"--.*", "", text))
        assert [whole for mark, whole in literals if "\\" in whole and mark not in "eE"] == [], name


def test_what_runs_with_the_rights_of_the_owner_takes_no_type_of_the_callers(
    catalog: Connection,
) -> None:
    """A type that a caller has made brings functions of his: casts, operators, its output."""
    rows = catalog.execute(
        "select p.proname from pg_proc p, unnest(p.proargtypes) a (type)"
        " join pg_type t on t.oid = a.type"
        " where p.pronamespace = 'onceflow'::regnamespace and p.prosecdef and t.typtype = 'p'"
    ).fetchall()
    assert rows == []


EVALUATED = """
    select classid, objid from pg_depend
     where classid in ('pg_constraint'::regclass, 'pg_attrdef'::regclass, 'pg_trigger'::regclass)
        or classid = 'pg_class'::regclass
            and exists (select from pg_index i where i.indexrelid = objid)"""
EXPRESSIONS = """
    select pg_get_constraintdef(c.oid) from pg_constraint c
     where connamespace = 'onceflow'::regnamespace
    union all select pg_get_expr(a.adbin, a.adrelid) from pg_attrdef a
      join pg_class c on c.oid = a.adrelid where c.relnamespace = 'onceflow'::regnamespace
    union all select pg_get_indexdef(i.indexrelid) from pg_index i
      join pg_class c on c.oid = i.indrelid where c.relnamespace = 'onceflow'::regnamespace"""


def test_what_tables_evaluate_is_of_postgres_itself(catalog: Connection) -> None:
    """Checks, defaults, generated columns, indexes: nothing that has a path, or takes the caller's.

    What comes with Postgres is in no list of dependencies; a row there is something else: a
    function of a check, of which a caller's temporary schema cannot change what it looks up.
    """
    rows = catalog.execute(
        "select distinct split_part(pg_describe_object(d.refclassid, d.refobjid, 0), '(', 1)"
        f" from pg_depend d where (d.classid, d.objid) in ({EVALUATED})"
        " and d.refclassid in ('pg_proc'::regclass, 'pg_operator'::regclass)"
    ).fetchall()
    assert sorted(rows) == [(f"function onceflow.{name}",) for name in sorted(OF_CHECKS)]
    for name, text in OF_CHECKS.items():
        body = code(text.partition("$$")[2])
        assert re.findall(r"\b(select|from|set|perform|execute)\b", body) == [], name
        assert {*re.findall(r"(?:::|constant )(\w+)", body)} == {"pg_catalog"}, name
    found = [text for (text,) in catalog.execute(EXPRESSIONS).fetchall()]
    assert len(found) > 50
    assert [text for text in found if re.search(r"::reg|to_reg|current_setting", text)] == []


def test_nobody_may_use_a_type_unasked(catalog: Connection) -> None:
    """Else anybody's table of it would stand in the way of the next migration. Partitions' too."""
    catalog.execute("select onceflow.ensure_partitions(now() + '9 weeks', now() + '9 weeks')")
    rows = catalog.execute(
        "select t.typname from pg_type t where t.typnamespace = 'onceflow'::regnamespace"
        " and t.typelem = 0 and has_type_privilege('public', t.oid, 'usage')"
    ).fetchall()
    assert rows == []
