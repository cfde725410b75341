-- lock_instances(ids, wait) -> uuid[]   (internal)
-- Locks the instances in the order of their ids and gives the ids, sorted, each once. Every
-- transition begins here, or in complete_alone(); lock order: instances, then tasks, each by key.
-- What is read under the lock is read in the next statement (READ COMMITTED gives it a new snapshot).
-- Without p_wait, instances that another transaction holds are left out: what looks again later (the
-- clock, a renewal) must not stand still behind one frozen handler.
-- Errors: WF004 (require_read_committed).
create or replace function onceflow.lock_instances(p_ids uuid[], p_wait boolean default true)
returns uuid[]
language plpgsql volatile as $$
declare
    v_ids uuid[] := p_ids;
begin
    if cardinality(p_ids) <> 1 or p_ids[1] is null then
        v_ids := array(select distinct u from unnest(p_ids) u where u is not null order by u);
    end if;
    perform onceflow.require_read_committed();
    if not p_wait then
        return array(
            select i.id from onceflow.instance i
            where i.id = any (v_ids) and i.id >= v_ids[1]
            order by i.id
            for no key update skip locked);
    end if;
    if cardinality(v_ids) = 1 then
        perform from onceflow.instance i where i.id = v_ids[1] for no key update;
        return v_ids;
    end if;
    perform from onceflow.instance i
    where i.id = any (v_ids) and i.id >= v_ids[1]
    order by i.id
    for no key update;
    return v_ids;
end $$;
revoke execute on function onceflow.lock_instances(uuid[], boolean) from public;
