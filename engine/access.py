"""What migrate finds about the rights of others in a database, and may not mend itself."""

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


def roles_whose_path_leads_here(conn: psycopg.Connection[Any]) -> list[str]:
    """Return the roles that, by their search_path, would make tables in the engine's schema.

    They need the right to; a superuser and the owner of the schema have it.
    """
    found: list[str] = []
    for role, path in conn.execute(PATHS).fetchall():
        names = [name.strip().strip('"') for name in str(path).split(",")]
        if any((role if name == "$user" else name) in SCHEMAS for name in names):
            found.append(role)
    return found
