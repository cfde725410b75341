-- Open forms: what people are asked to decide. people are those who are asked, any of whom answers; schema is what the answer
-- must fit; n orders them as they were opened.
create or replace view onceflow.forms as
select w.instance_id, onceflow.task_name(w.step, w.scope, w.visit) as task, o.workflow, o.version, w.step, w.name as title,
    w.people, o.spec -> 'form' -> 'decisions' as decisions, o.spec -> 'form' -> 'schema' as schema,
    array(select jsonb_array_elements_text(o.spec -> 'form' -> 'unchecked')) as unchecked,
    w.claimed_by, w.claimed_at, o.changed_at as opened_at, o.due_at, w.remind_at, w.n
from onceflow.wait w
-- Each form on its own: of many, a page in their order looks at no more than it shows.
cross join lateral (
    select s.workflow, s.version, s.spec, t.changed_at, t.due_at
    from onceflow.task t
    join onceflow.instance i on i.id = t.instance_id
    join onceflow.step s on s.version_id = i.version_id and s.step = t.step
    where t.instance_id = w.instance_id and t.step = w.step and t.scope = w.scope and t.visit = w.visit
    limit 1) o
where w.kind = 'form';
