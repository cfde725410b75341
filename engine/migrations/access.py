"""The rights of others in a database: what migrate keeps private, and what it may only warn of."""

from typing import Any, Final, LiteralString

import psycopg

SCHEMAS: Final = ("onceflow", "onceflow_migrations")

PATHS: Final[LiteralString] = """
select r.rolname,
       coalesce((select o.path
                   from pg_catalog.pg_db_role_setting s
                   cross join lateral (select pg_catalog.substr(c, 13) as path
                                         from pg_catalog.unnest(s.setconfig) c
                                        where c like 'search_path=%%') o
                  where s.setrole in (0, r.oid) and s.setdatabase in (0, d.oid)
                  order by s.setrole = 0, s.setdatabase = 0
                  limit 1), '"$user", public')
  from pg_catalog.pg_roles r
  join pg_catalog.pg_database d on d.datname = pg_catalog.current_database()
 where r.rolcanlogin and pg_catalog.has_database_privilege(r.oid, d.oid, 'connect')
 order by 1"""


GRANTED: Final[LiteralString] = """
select distinct r.rolname, d.datname,
       case when pg_catalog.has_database_privilege(r.oid, d.oid, 'temporary')
            then case when pg_catalog.has_database_privilege('public', d.oid, 'temporary')
                      then 'public' else r.rolname end end,
       not exists (select from pg_catalog.pg_db_role_setting s
                    cross join lateral pg_catalog.unnest(s.setconfig) c
                    where s.setrole = r.oid and s.setdatabase in (0, d.oid)
                      and c like 'statement_timeout=%%')
  from pg_catalog.pg_proc p
  cross join lateral pg_catalog.aclexplode(p.proacl) a
  join pg_catalog.pg_roles r on r.oid = a.grantee
  join pg_catalog.pg_database d on d.datname = pg_catalog.current_database()
 where p.pronamespace = pg_catalog.to_regnamespace('onceflow')
   and a.grantee <> p.proowner and not r.rolsuper
 order by 1"""

# Who may use a type can make tables of it, which then stand in the way of changing it.
PRIVATE_TYPES: Final[LiteralString] = """
do $$
declare
    v_type pg_catalog.regtype;
begin
    for v_type in
        select t.oid from pg_catalog.pg_type t
        where t.typnamespace = pg_catalog.to_regnamespace('onceflow') and t.typelem = 0
            and pg_catalog.has_type_privilege('public', t.oid, 'usage')
    loop
        execute pg_catalog.format('revoke usage on type %s from public', v_type);
    end loop;
end $$"""


def keep_types_private(conn: psycopg.Connection[Any]) -> None:
    """Let nobody use the types of the engine, those of tables and views too."""
    conn.execute(PRIVATE_TYPES)


def warnings(conn: psycopg.Connection[Any]) -> list[str]:
    """Return what endangers the schema and is not ours to change, with what to type."""
    found = [
        f"the search_path of the role {role} reaches the engine's schema: what it creates without "
        "naming a schema may land there; use a role of another name, or "
        f"`alter role {role} set search_path = public`"
        for role in _roles_whose_path_leads_here(conn)
    ]
    for role, database, through, endless in conn.execute(GRANTED).fetchall():
        if through:
            found.append(
                f"the role {role} may make temporary tables, which nothing of the engine needs: "
                f"`revoke temporary on database {database} from {through}`"
            )
        if endless:
            found.append(
                f"the role {role} has no statement_timeout, so that one input may hold locks for "
                f"long: `alter role {role} set statement_timeout = '30s'`"
            )
    return found


def _roles_whose_path_leads_here(conn: psycopg.Connection[Any]) -> list[str]:
    """Return the roles that, by their search_path, would make tables in the engine's schema.

    They need the right to; a superuser and the owner of the schema have it.
    """
    found: list[str] = []
    for role, path in conn.execute(PATHS).fetchall():
        names = [name.strip().strip('"') for name in str(path).split(",")]
        if any((role if name == "$user" else name) in SCHEMAS for name in names):
            found.append(role)
    return found
