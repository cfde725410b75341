-- The steps of each version as they are run, position being their order in the definition. block is the block in whose list a
-- step stands (null: in no block), list says in which of its lists; a compensation stands where the step does that it undoes.
create or replace view onceflow.steps as
select s.version_id, s.workflow, s.version, s.step, s.kind, coalesce(s.block, u.block) as block, coalesce(s.list, u.list) as list,
    (s.spec ->> 'position')::int as position, s.handler, case when s.handler is not null then s.queue end as queue
from onceflow.step s
left join onceflow.step u on u.version_id = s.version_id and s.kind in ('compensation', 'undo')
    and u.step = left(s.step, -length('.compensate'));
