-- What the steps of each version need of the deployment, and whether it is there: values of the configuration,
-- and secrets of the workers that have the step's handler. is_there: null of a secret where no live worker tells;
-- lacking are the names of those that say they have it not.
create or replace view onceflow.workflow_needs as
select s.workflow, s.version, n.kind, n.name, s.step, s.queue,
    case n.kind
        when 'config' then exists (select from onceflow.config_values c where c.name = n.name)
        else h.have_it end as is_there,
    case n.kind when 'secret' then h.lacking end as lacking, s.version_id
from onceflow.step s
cross join lateral (
    select 'config' as kind, g #>> '{}' as name from jsonb_path_query(s.spec -> 'config', 'lax $[*]') g
    union
    select 'secret', p #>> '{}' from jsonb_path_query(s.extra, 'lax $.secrets[*].parts[*].secret') p) n
left join lateral (
    select bool_and(w.stats -> 'secrets' ? n.name) as have_it,
        array_agg(w.name order by w.name) filter (where not w.stats -> 'secrets' ? n.name) as lacking
    from onceflow.worker w
    where n.kind = 'secret' and w.state = 'live' and w.lease_until > clock_timestamp()
        and s.queue = any (w.queues) and s.handler = any (w.tasks)
        and jsonb_typeof(w.stats -> 'secrets') = 'array') h on true
where s.extra is not null or s.spec ? 'config';
