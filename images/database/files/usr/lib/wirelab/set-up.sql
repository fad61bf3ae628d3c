-- Run by psql as the superuser, over the local socket, at every start. Variables: seed and users (paths, or empty);
-- environment: PASSWORD. psql stops at the first error.
\o /dev/null
-- Whatever the author's settings: no password of these statements is logged.
SET log_statement = none;
SET log_duration = off;
SET log_min_duration_statement = -1;
SET log_min_duration_sample = -1;
SET log_transaction_sample_rate = 0;
SET log_min_error_statement = panic;
\getenv password PASSWORD
SELECT :'password' <> '' AS has_password, :'users' <> '' AS has_replicas, :'seed' <> '' AND NOT EXISTS (
    SELECT FROM pg_database WHERE shobj_description(oid, 'pg_database') = 'wirelab: seeded'
) AS must_seed \gset
\if :has_password
ALTER ROLE app PASSWORD :'password';
\endif
\if :has_replicas
-- so that pg_stat_replication here, and pg_stat_wal_receiver there, show all
GRANT pg_monitor TO app;
-- a line for each replica: the role as which it logs in, and its password
CREATE TEMPORARY TABLE replica (role text, password text);
COPY replica FROM :'users' (DELIMITER ' ');
SELECT format('CREATE ROLE %I', role) FROM replica WHERE role NOT IN (SELECT rolname FROM pg_roles) \gexec
SELECT format('ALTER ROLE %I LOGIN REPLICATION PASSWORD %L', role, password) FROM replica \gexec
\endif
\if :must_seed
-- as the owner, and together with the mark: either all of the seed is there, or nothing
\connect - app
BEGIN;
\i :seed
COMMENT ON DATABASE app IS 'wirelab: seeded';
COMMIT;
\endif
