-- set_config_values(names, values, by) -> (name, version, outcome)
-- Gives values of the deployment's configuration, which definitions name as $config.NAME; a SQL null takes one away.
-- What is set makes a new version of it, with the time and who did it: p_by, or else the login. Steps that come due
-- from now on see it; inputs that were evaluated before stay as they are. All of them are set, or none.
-- outcome: done | unchanged (it has that value already) | unknown (there is none to be taken away).
-- Errors: WF002 arrays that differ, a name that is none or stands twice, a value of more than 64 KiB as JSON.
create or replace function onceflow.set_config_values(p_names text[], p_values jsonb[], p_by text default null)
returns table (name text, version int, outcome text)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
    v_fault text;
    v_changed text[];
begin
    if cardinality(p_names) is distinct from cardinality(p_values) then
        raise exception 'there are % names and % values', cardinality(p_names), cardinality(p_values)
            using errcode = 'WF002', hint = 'Give one value a name; null takes it away.';
    end if;
    select format('%s: %s', coalesce(quote_literal(left(u.name, 100)), 'null'), case
            when u.name is null or u.name !~ '^[A-Za-z_][A-Za-z0-9_]{0,63}$'
                then 'a name is a letter or _, then up to 63 letters, digits or _'
            when count(*) over (partition by u.name) > 1 then 'the name stands twice'
            else onceflow.payload_fault(u.value, 65536) end)
    into v_fault
    from unnest(p_names, p_values) with ordinality u (name, value, n)
    where u.name is null or u.name !~ '^[A-Za-z_][A-Za-z0-9_]{0,63}$'
        or onceflow.payload_fault(u.value, 65536) is not null
        or u.name in (select d from unnest(p_names) d group by d having count(*) > 1)
    order by u.n limit 1;
    if v_fault is not null then
        raise exception 'the value cannot be set: %', v_fault
            using errcode = 'WF002', hint = 'Nothing was set; give another name or value, and set them again.';
    end if;

    -- One after the other: two that set one name make two versions of it. Nobody who reads is kept waiting.
    lock table onceflow.config_value in share row exclusive mode;
    v_changed := array(
        select u.name from unnest(p_names, p_values) with ordinality u (name, value, n)
        left join onceflow.config_values c on c.name = u.name
        where u.value is distinct from c.value order by u.n);
    return query
    with current as (
        select u.name, u.value, u.n, coalesce(c.version, 0) as version, c.value as was
        from unnest(p_names, p_values) with ordinality u (name, value, n)
        left join lateral (
            select c.version, c.value from onceflow.config_value c
            where c.name = u.name order by c.version desc limit 1) c on true
    ), written as (
        insert into onceflow.config_value (name, version, value, set_by)
        select c.name, c.version + 1, c.value, coalesce(nullif(left(p_by, 200), ''), session_user)
        from current c
        where c.value is distinct from c.was
        returning name, version
    )
    select c.name, coalesce(w.version, c.version), case
        when w.version is not null then 'done'
        when c.value is null then 'unknown'
        else 'unchanged' end
    from current c
    left join written w on w.name = c.name
    order by c.n;
    -- The values themselves are in its history.
    perform onceflow.record_audit('set_config_values', 'config', array_agg(c.name order by c.name),
        p_before => array_agg(case when c.version > 1 then jsonb_build_object('version', c.version - 1) end order by c.name),
        p_after => array_agg(jsonb_strip_nulls(jsonb_build_object('version', c.version, 'unset', nullif(c.unset, false)))
            order by c.name), p_by => array[p_by])
    from (
        select distinct on (h.name) h.name, h.version, h.unset from onceflow.config_history h
        where h.name = any (v_changed) order by h.name, h.version desc) c;
end $$;
revoke execute on function onceflow.set_config_values(text[], jsonb[], text) from public;
