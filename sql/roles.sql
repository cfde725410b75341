-- The logins of a deployment, each with no more rights than its work takes: an owner, for migrate alone, and one
-- for each kind of process. For a superuser, in the database of Onceflow; applied again it mends what has changed.
-- Passwords are given apart from it (alter role onceflow_api password '…'). Then, as onceflow_owner:
--   onceflow migrate --grant onceflow_api=operator --grant onceflow_relay=relay --grant onceflow_worker=worker
-- What the owner makes in the schema public, workers may read and write: handlers' own tables.
do $$
declare
    v_owner constant text := 'onceflow_owner';
    v_role text;
    v_change text;
begin
    -- Nothing of what others have left in this database is met.
    perform set_config('search_path', 'pg_catalog, pg_temp', true);
    foreach v_role in array array[v_owner, 'onceflow_api', 'onceflow_relay', 'onceflow_worker'] loop
        if to_regrole(v_role) is null then
            execute format('create role %I', v_role);
        end if;
        execute format('alter role %I login nosuperuser nocreatedb nocreaterole noreplication nobypassrls', v_role);
        if v_role <> v_owner then
            execute format('alter role %I set statement_timeout = %L', v_role, '30s');
        end if;
    end loop;
    -- Who holds what, and for how long: drop_partitions() and migrate tell it.
    execute format('grant pg_read_all_stats to %I', v_owner);
    execute format('alter database %I owner to %I', current_database(), v_owner);
    execute format('revoke create, temporary on database %I from public', current_database());
    revoke create on schema public from public;
    execute format('alter default privileges for role %I in schema public '
        'grant select, insert, update, delete on tables to onceflow_worker', v_owner);
    execute format('alter default privileges for role %I in schema public '
        'grant usage, select on sequences to onceflow_worker', v_owner);

    -- What somebody else has migrated before.
    for v_change in
        with ours as (
            select n.oid, n.nspname, n.nspowner from pg_namespace n
            where n.nspname in ('onceflow', 'onceflow_migrations'))
        select format('schema %I', o.nspname) from ours o where o.nspowner <> to_regrole(v_owner)
        union all
        select format('table %s', c.oid::regclass) from pg_class c join ours o on o.oid = c.relnamespace
        where c.relkind in ('r', 'p', 'v') and c.relowner <> to_regrole(v_owner)
        union all
        select format('type %s', t.oid::regtype) from pg_type t join ours o on o.oid = t.typnamespace
        join pg_class c on c.oid = t.typrelid and c.relkind = 'c'
        where t.typowner <> to_regrole(v_owner)
        union all
        select format('routine %s', p.oid::regprocedure) from pg_proc p join ours o on o.oid = p.pronamespace
        where p.proowner <> to_regrole(v_owner)
    loop
        execute format('alter %s owner to %I', v_change, v_owner);
    end loop;
end $$;
