-- is_plain(tree, condition) -> boolean   (internal)
-- Whether an expression is a path that gives one value at a cost that nobody notices, and needs nothing but the context:
-- evaluate() tells what its letters mean. A condition may be true, false or, where it tells nothing, null.
create or replace function onceflow.is_plain(p_tree jsonb, p_condition boolean) returns boolean
language sql immutable parallel safe
return p_tree ? 'p' and not p_tree ?| '{m,z,g,w}'
    and (not p_tree ? 'b' or p_condition and p_tree ->> 'p' !~ 'like_regex|[?*]');
revoke execute on function onceflow.is_plain(jsonb, boolean) from public;
