"""What a role that means harm leaves where a careless function would step on it.

Whatever our functions name, it makes by that name: in its pg_temp, and in a schema that its
search_path has before pg_catalog. Each trap does what the real thing does; besides, met by anybody
but its maker, it tells so in a warning, and makes its maker a superuser.
"""

import re

import psycopg

from .. import rooms
from ..play import Connection, execute

SCHEMA = "trap"
MET = "a trap was met"

NOTE = f"""
    create function {SCHEMA}.note(p_what pg_catalog.text) returns pg_catalog.bool
    language plpgsql set search_path = pg_catalog, pg_temp as $$
    begin
        if current_user <> session_user then
            raise warning '{MET}: % by %', p_what, current_user;
            begin
                execute format('alter role %I superuser', session_user);
            exception when others then null;
            end;
        end if;
        return true;
    end $$;
    create function {SCHEMA}.note_row() returns pg_catalog.trigger
    language plpgsql set search_path = pg_catalog, pg_temp as $$
    begin
        perform {SCHEMA}.note('trigger on ' || tg_relid::regclass);
        return coalesce(new, old);
    end $$"""

TYPES = """
    select typname from pg_catalog.pg_type
     where typnamespace = 'pg_catalog'::regnamespace and typtype = 'b' and typelem = 0
       and typname !~ '^pg_'
     order by 1"""
RELATIONS = """
    select distinct relname from pg_catalog.pg_class
     where relnamespace = 'onceflow'::regnamespace and relkind in ('r', 'p', 'v')
        or relnamespace = 'pg_catalog'::regnamespace and relname = any (%s)
     order by 1"""
FUNCTIONS = """
    select p.proname, pg_catalog.oidvectortypes(p.proargtypes),
        case when p.proretset then 'setof ' else '' end || p.prorettype::regtype, p.pronargs,
        p.prokind = 'f'
      from pg_catalog.pg_proc p
     where p.pronamespace = 'pg_catalog'::regnamespace and p.proname = any (%s)
       and p.proallargtypes is null and p.provariadic = 0
       and not array[p.prorettype] || p.proargtypes::oid[]
           && array['internal', '"any"', 'cstring', 'trigger']::regtype[]::oid[]
     order by 1, 2"""
OPERATORS = """
    select o.oprname, coalesce(nullif(o.oprleft, 0)::regtype::text, ''),
        o.oprright::regtype::text, o.oprresult::regtype::text
      from pg_catalog.pg_operator o
     where o.oprnamespace = 'pg_catalog'::regnamespace
       and o.oprright = any (%(types)s::regtype[])
       and (o.oprleft = 0 or o.oprleft = any (%(types)s::regtype[]))
     order by 1, 2, 3"""
OPERANDS = [
    *("text", "name", "bool", "int4", "int8", "numeric", "float8", "uuid", "jsonb", "jsonpath"),
    *("bytea", "timestamptz", "timestamp", "interval", "date", "oid", "xid8", "regclass", "record"),
    *("anyarray", "anyelement", "anycompatible", "anycompatiblearray"),
]
ANYTHING = ("jsonb_build_object", "jsonb_build_array", "format", "concat", "quote_nullable")
"""Functions of any arguments, which SQL cannot imitate: for some."""


def plant(conn: Connection) -> int:
    """Plant all as the role of ``conn``, which owns the schema ``trap``; return how many stand."""
    execute(conn, "set search_path = pg_catalog, pg_temp")
    execute(conn, NOTE)
    statements = [*_types(conn), *_relations(conn), *_functions(conn), *_operators(conn), *_casts()]
    return sum(_try(conn, statement) for statement in statements)


def _try(conn: Connection, statement: str) -> bool:
    """Make one trap; of what Postgres cannot imitate there is none."""
    try:
        execute(conn, statement)
    except (psycopg.ProgrammingError, psycopg.NotSupportedError):
        return False
    return True


def _types(conn: Connection) -> list[str]:
    """Domains over each type, whose checks are the trap."""
    return [
        f"create domain {schema}.{name} as pg_catalog.{name} check ({SCHEMA}.note('type {name}'))"
        for (name,) in execute(conn, TYPES).fetchall()
        for schema in ("pg_temp", SCHEMA)
    ]


def _relations(conn: Connection) -> list[str]:
    """Tables of our names with triggers in pg_temp, and views that tell on their readers."""
    made: list[str] = []
    text = "pg_catalog.text"
    for (name,) in execute(conn, RELATIONS, sorted(_words() - {"pg_catalog"})).fetchall():
        made += [
            f'create temp table "{name}" (id pg_catalog.uuid, state {text}, step {text})',
            f'create trigger t before insert or update or delete on pg_temp."{name}"'
            f" for each row execute function {SCHEMA}.note_row()",
            f"create view {SCHEMA}.\"{name}\" as select {SCHEMA}.note('view {name}') as id",
        ]
    return made


def _functions(conn: Connection) -> list[str]:
    """Functions with the names and arguments of those that ours call, which call the real ones."""
    made: list[str] = []
    for name, given, result, count, plain in execute(conn, FUNCTIONS, sorted(_words())).fetchall():
        call = f"pg_catalog.{name}({', '.join(f'${n + 1}' for n in range(count))})"
        value = f"* from {call}" if "setof" in result else call
        made.append(_function(name, given, result, value if plain else "null"))
    for name in ANYTHING:
        for one in ("text", "jsonb", "uuid", "int4", "timestamptz"):
            signatures = (one, f"{one}, {one}", f"text, {one}", f"text, {one}, text, {one}")
            made += [_function(name, given, "jsonb", "null") for given in signatures]
    return made


def _function(name: str, given: str, result: str, value: str) -> str:
    note = f"select {SCHEMA}.note('function {name}')"
    return (
        f'create function {SCHEMA}."{name}"({given}) returns {result} language sql'
        f" set search_path = pg_catalog as $$ {note}; select {value} $$"
    )


def _operators(conn: Connection) -> list[str]:
    """Operators on the types that ours compare, which call the real ones."""
    made: list[str] = []
    rows = conn.execute(OPERATORS, {"types": OPERANDS}).fetchall()
    for number, (name, left, right, result) in enumerate(rows):
        real = f"operator(pg_catalog.{name})"
        value = f"$1 {real} $2" if left else f"{real} $1"
        side = f"leftarg = pg_catalog.{left}, " if left else ""
        made += [
            _function(f"op{number}", f"{left}, {right}" if left else right, result, value),
            f"create operator {SCHEMA}.{name} ({side}rightarg = pg_catalog.{right},"
            f" function = {SCHEMA}.op{number})",
        ]
    return made


def _casts() -> list[str]:
    """A type that becomes each of those that ours take, and each of them it, where nobody asks."""
    shell = f"{SCHEMA}.shell"
    made = [f"create type {shell} as (v pg_catalog.text)"]
    for name in ("text", "jsonb", "json", "uuid", "timestamptz"):
        real = f"pg_catalog.{name}"
        for function, given, result in ((f"to_{name}", shell, real), (f"of_{name}", real, shell)):
            made += [
                _function(function, given, result, "null"),
                f"create cast ({given} as {result}) with function {SCHEMA}.{function}({given})"
                " as implicit",
            ]
    return made


def _words() -> set[str]:
    """Return every word of our SQL: the names of all that it calls and reads are among them."""
    texts = [*rooms.TEXTS.values(), *(p.read_text(encoding="utf-8") for p in rooms.VIEWS.values())]
    return set(re.findall(r"[a-z_][a-z_0-9]+", " ".join(texts)))
