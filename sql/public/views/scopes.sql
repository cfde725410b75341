-- Scopes: the parts of instances that blocks have opened, or are to open, one for each branch, item or group, numbered within
-- their instance. (block, parent, visit) is the key of the block's task, block_task its name; parent is 0 where that lies in no
-- other scope. branch is the name of a branch; item is what a for_each gave it. ends_as: what it is closing as. undone: what
-- was done in it has been undone. open_tasks are those directly in it, open_blocks those blocks in it that are not settled.
create or replace view onceflow.scopes as
select c.instance_id, c.scope, c.parent, c.block, c.visit, onceflow.task_name(c.block, c.parent, c.visit) as block_task,
    s.kind, c.ordinal, s.spec #>> array['lists', c.list::text, 'name'] as branch, c.list, c.state, c.ends_as,
    c.undo is not distinct from 'done' as undone, c.open as open_tasks, c.live as open_blocks, c.item, c.error,
    onceflow.scope_place(c.instance_id, c.scope) as path
from onceflow.scope c
join onceflow.instance i on i.id = c.instance_id
join onceflow.step s on s.version_id = i.version_id and s.step = c.block;
