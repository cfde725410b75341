-- For psql, in the container of Postgres: the passwords of the logins of sql/roles.sql, out of the environment.
-- The superuser gets none, so that he logs in over the container's own socket alone:
-- docker compose exec postgres psql -U postgres onceflow
\set ON_ERROR_STOP on
\getenv owner ONCEFLOW_OWNER_PASSWORD
\getenv api ONCEFLOW_API_PASSWORD
\getenv relay ONCEFLOW_RELAY_PASSWORD
\getenv worker ONCEFLOW_WORKER_PASSWORD
alter role onceflow_owner password :'owner';
alter role onceflow_api password :'api';
alter role onceflow_relay password :'relay';
alter role onceflow_worker password :'worker';
alter role current_user password null;
