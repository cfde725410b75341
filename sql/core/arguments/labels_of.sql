-- labels_of(instance) -> jsonb   (internal)
-- The labels of an instance by their names; null where it has none. Read by its id: by the name alone they would be those of all.
create or replace function onceflow.labels_of(p_instance_id uuid) returns jsonb
language sql stable as $$
    select jsonb_object_agg(substr(s.field, 2), s.value) from onceflow.search_value s
    where s.instance_id = p_instance_id and left(s.field, 1) = '@'
$$;
revoke execute on function onceflow.labels_of(uuid) from public;
