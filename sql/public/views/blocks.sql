-- Blocks that have begun: how many scopes each has, and how many of them were opened, have ended, have succeeded, and were
-- closed as failed; scopes counts them by state. needed (of a join), tolerate, percent and max_parallel are what its
-- definition says; a repeat or a try has one scope at a time, and total counts those so far. caught: the code of the error
-- that a catch was taken for. It times out at timeout_at, its next round or attempt begins at resume_at; due_at is the
-- earlier. fails: it has failed, and its step goes on once its scopes have ended (closing) and are undone (undoing).
-- unsettled are scopes in which something is still open, or being undone: also such as a block has left behind that has ended.
create or replace view onceflow.blocks as
select b.instance_id, onceflow.task_name(b.step, b.scope, b.visit) as task, b.step, b.scope, b.visit, s.kind, b.total,
    b.opened, b.under_way, b.ended, b.succeeded, b.failed, b.live as unsettled,
    (select jsonb_object_agg(n.state, n.scopes)
        from (
            select c.state, count(*) as scopes
            from onceflow.scope c
            where c.instance_id = b.instance_id and c.parent = b.scope and c.block = b.step and c.visit = b.visit
            group by c.state) n) as scopes,
    (s.spec ->> 'join')::int as needed, (s.spec ->> 'tolerate')::int as tolerate, (s.spec ->> 'percent')::numeric as percent,
    (s.spec ->> 'max_parallel')::int as max_parallel, b.unwinds as fails, b.due_at, b.caught,
    b.timeout_at, b.resume_at
from onceflow.block b
join onceflow.instance i on i.id = b.instance_id
join onceflow.step s on s.version_id = i.version_id and s.step = b.step;
