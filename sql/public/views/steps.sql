-- The steps of each version as they are run, position being their order in the definition. block is the block in whose list a
-- step stands (null: in no block), list says in which of its lists; a compensation stands where the step does that it undoes.
-- Looked up, not joined: a version that Postgres knows nothing of yet would be joined with itself, each step with each.
create or replace view onceflow.steps as
select s.version_id, s.workflow, s.version, s.step, s.kind,
    coalesce(s.block, case when s.kind in ('compensation', 'undo', 'undo_child') then (
        select u.block from onceflow.step u
        where u.version_id = s.version_id and u.step = left(s.step, -length('.compensate'))) end) as block,
    coalesce(s.list, case when s.kind in ('compensation', 'undo', 'undo_child') then (
        select u.list from onceflow.step u
        where u.version_id = s.version_id and u.step = left(s.step, -length('.compensate'))) end) as list,
    (s.spec ->> 'position')::int as position, s.handler, case when s.handler is not null then s.queue end as queue
from onceflow.step s;
