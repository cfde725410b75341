-- judge_answers(keys, decisions, answers, by, idempotency keys) -> judged_answer[]   (internal)
-- What becomes of answers to forms of locked instances, in the order given: of several to one form the first that fits wins.
create or replace function onceflow.judge_answers(
    p_tasks onceflow.task_key[], p_decisions text[], p_answers jsonb[], p_by text[], p_keys text[])
returns onceflow.judged_answer[]
language plpgsql stable as $$
begin
    return array(
        with given as (
            select k.n, k.instance_id, k.step, k.scope, k.visit, k.key, k.by,
                jsonb_build_object('decision', k.decision, 'by', k.by, 'answer', coalesce(k.answer, '{}')) as payload,
                t.state, s.form, w.claimed_by, w.claimed_at, w.n is not null as open, i.erased_at,
                d.key as first_key, d.payload as first, d.made_at
            from rows from (unnest(p_tasks), unnest(p_decisions), unnest(p_answers), unnest(p_by), unnest(p_keys))
                with ordinality k (instance_id, step, scope, visit, decision, answer, by, key, n)
            left join onceflow.instance i on i.id = k.instance_id
            left join lateral (
                select s.spec -> 'form' as form from onceflow.step s
                where s.version_id = i.version_id and s.step = k.step and s.kind = 'approve' offset 0) s on true
            left join lateral (
                select t.state from onceflow.task t
                where t.instance_id = k.instance_id and t.step = k.step and t.scope = k.scope and t.visit = k.visit offset 0
                ) t on s.form is not null
            left join lateral (
                select w.* from onceflow.wait w
                where w.instance_id = k.instance_id and w.step = k.step and w.scope = k.scope and w.visit = k.visit
                    and w.kind = 'form' offset 0) w on true
            left join lateral (
                select d.key, d.payload, d.made_at from onceflow.delivery d
                where d.instance_id = k.instance_id and d.step = k.step and d.scope = k.scope and d.visit = k.visit
                    and d.kind = 'form' and d.name = 'answer' offset 0) d on true
        ), fitted as (
            select g.*, case
                when length(g.by) between 1 and 255 is not true
                    then '{"message": "by says who answers, in 1 to 255 characters"}'
                when length(g.key) not between 1 and 255 then '{"message": "a key has 1 to 255 characters"}'
                when g.open then onceflow.answer_fault(g.form, g.payload ->> 'decision', g.payload -> 'answer') end as fault
            from given g
        ), ranked as (
            -- Of one call the first that would be accepted answers for those behind it.
            select f.*, case when f.fits and row_number() over same > 1 then first_value(f.payload) over same end as winner,
                first_value(f.key) over same as winner_key
            from (
                select f.*, f.open and f.fault is null and coalesce(f.claimed_by = f.by, true) as fits from fitted f) f
            window same as (partition by f.instance_id, f.step, f.scope, f.visit, f.fits order by f.n)
        )
        select row(r.n, r.instance_id, r.step, r.scope, r.visit, r.key, r.payload, o.outcome,
            case o.outcome
                when 'accepted' then 'the answer is taken'
                when 'unknown' then 'there is no such form'
                when 'invalid' then r.fault ->> 'message'
                when 'repeated' then 'it came before, under this key'
                when 'conflict' then 'another answer came before under this key'
                when 'answered' then case when r.erased_at is not null then 'somebody has answered it already' else format(
                    '%s has answered it already, %s, at %s', o.first ->> 'by', o.first ->> 'decision',
                    onceflow.time_text(coalesce(r.made_at, onceflow.now()))) end
                when 'claimed' then format('%s has taken it, at %s: let him answer or release it, or reassign it',
                    r.claimed_by, onceflow.time_text(r.claimed_at))
                else format('it is %s, and takes no answer any more', r.state) end,
            case when o.outcome = 'invalid' then coalesce(r.fault -> 'faults', '[]') end)::onceflow.judged_answer
        from ranked r
        cross join lateral (select coalesce(r.first, r.winner) as first,
            case when r.first is not null then r.first_key else r.winner_key end as first_key,
            r.made_at is not null or r.winner is not null as is_answered) p
        cross join lateral (select p.first, case
            when r.state is null then 'unknown'
            when p.is_answered and r.key = p.first_key
                then case when r.erased_at is not null or p.first = r.payload then 'repeated' else 'conflict' end
            when p.is_answered then 'answered'
            when not r.open then 'ended'
            when r.fault is not null then 'invalid'
            when r.fits then 'accepted'
            else 'claimed' end as outcome) o
        order by r.n);
end $$;
revoke execute on function onceflow.judge_answers(onceflow.task_key[], text[], jsonb[], text[], text[]) from public;
