-- claimed_text(text, length) -> text   (internal)
-- What somebody claims of himself, as it may stand in a list: cut, letters that would not be seen or turn lines around as
-- blanks; null where nothing is left.
create or replace function onceflow.claimed_text(p_text text, p_length int) returns text
language sql immutable parallel safe
return nullif(btrim(left(regexp_replace(left(p_text, p_length * 2),
    '[\x01-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]', ' ', 'g'), p_length)), '');
revoke execute on function onceflow.claimed_text(text, int) from public;
