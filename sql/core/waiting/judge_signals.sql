-- judge_signals(ids, names, payloads, keys) -> judged_signal[]   (internal)
-- What becomes of signals that are sent to locked instances, in the order given: each that is accepted goes to the step
-- that has waited longest for its name, if there is one left, or is kept.
create or replace function onceflow.judge_signals(
    p_ids uuid[], p_names text[], p_payloads jsonb[], p_keys text[])
returns onceflow.judged_signal[]
language plpgsql stable as $$
declare
    v_most constant int := 1000;
begin
    return array(
        with given as (
            select k.n, k.id as instance_id, k.name, k.key, coalesce(k.payload, 'null') as payload,
                onceflow.signal_fault(i, k.name, k.key, k.payload) as fault, i.erased_at
            from unnest(p_ids, p_names, p_payloads, p_keys) with ordinality k (id, name, payload, key, n)
            left join lateral (select i.* from onceflow.instance i where i.id = k.id offset 0) i on true
        ), keyed as (
            -- Whether it is that which came before under its key, in a call before or in this one.
            select g.*, coalesce(
                (select d.name = g.name and (g.erased_at is not null or d.payload = g.payload)
                from onceflow.delivery d
                where d.instance_id = g.instance_id and d.key = g.key and d.kind = 'signal'),
                case when first_value(g.fault) over same is null and g.n > first_value(g.n) over same
                    then first_value(g.name) over same = g.name and first_value(g.payload) over same = g.payload end) as repeats
            from given g
            -- Of one call the first that has no fault is it for those behind it.
            window same as (partition by g.instance_id, coalesce(g.key, g.n::text), g.key is null
                order by g.fault is not null, g.n)
        ), ranked as (
            select k.*, case when k.repeats is null and k.fault is null then row_number() over (
                partition by k.instance_id, k.name, k.repeats is null and k.fault is null order by k.n) end as place
            from keyed k
        ), matched as (
            select r.*, w.step, w.scope, w.visit, case when r.place is not null and w.step is null then
                row_number() over (partition by r.instance_id, r.place is not null and w.step is null order by r.n) + (
                    select count(*) from onceflow.delivery d
                    where d.instance_id = r.instance_id and d.state = 'kept') > v_most end as full
            from ranked r
            left join lateral (
                select w.step, w.scope, w.visit from onceflow.wait w
                where w.instance_id = r.instance_id and w.kind = 'signal' and w.name = r.name and r.place is not null
                order by w.n offset r.place - 1 limit 1) w on true
        ), judged as (
            select m.*, bool_or(m.full) over (
                partition by m.instance_id, coalesce(m.key, m.n::text), m.key is null) as overflows
            from matched m
        )
        select row(m.n, m.instance_id, m.name, m.key, m.payload, o.outcome, o.detail,
            m.step, m.scope, m.visit, case when o.outcome = 'invalid' then coalesce(m.fault -> 'faults', '[]') end
            )::onceflow.judged_signal
        from judged m
        cross join lateral (
            select case when m.fault ->> 'code' in ('invalid', 'unknown') then m.fault ->> 'code'
                    when m.overflows then 'full' when m.repeats then 'repeated' when not m.repeats then 'conflict'
                    when m.fault ->> 'code' = 'unfit' then 'invalid' when m.fault is not null then m.fault ->> 'code'
                    else 'accepted' end as outcome,
                case when m.fault ->> 'code' in ('invalid', 'unknown') then m.fault ->> 'message'
                    when m.overflows then 'as many as 1,000 signals are kept for it that nobody has waited for'
                    when m.repeats then 'it came before, under this key'
                    when not m.repeats then 'another name or payload came before under this key: take another for another signal'
                    when m.fault is not null then m.fault ->> 'message'
                    when m.step is not null then 'taken by ' || onceflow.task_name(m.step, m.scope, m.visit)
                    else 'kept until a step waits for it' end as detail) o
        order by m.n);
end $$;
revoke execute on function onceflow.judge_signals(uuid[], text[], jsonb[], text[]) from public;
