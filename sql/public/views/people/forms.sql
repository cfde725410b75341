-- Open forms: what people are asked to decide. people are those who are asked, any of whom answers; schema is what the answer
-- must fit; n orders them as they were opened.
create or replace view onceflow.forms as
select w.instance_id, onceflow.task_name(w.step, w.scope, w.visit) as task, s.workflow, s.version, w.step, w.name as title,
    w.people, s.spec -> 'form' -> 'decisions' as decisions, s.spec -> 'form' -> 'schema' as schema,
    array(select jsonb_array_elements_text(s.spec -> 'form' -> 'unchecked')) as unchecked,
    w.claimed_by, w.claimed_at, t.changed_at as opened_at, t.due_at, w.remind_at, w.n
from onceflow.wait w
join onceflow.task t on t.instance_id = w.instance_id and t.step = w.step and t.scope = w.scope and t.visit = w.visit
join onceflow.instance i on i.id = w.instance_id
join onceflow.step s on s.version_id = i.version_id and s.step = w.step
where w.kind = 'form';
