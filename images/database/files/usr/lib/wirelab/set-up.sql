-- Run by psql as the superuser, over the local socket, at every start. Variables: seed (a path, or empty);
-- environment: PASSWORD. psql stops at the first error.
\o /dev/null
\getenv password PASSWORD
SELECT :'password' <> '' AS has_password, :'seed' <> '' AND NOT EXISTS (
    SELECT FROM pg_database WHERE shobj_description(oid, 'pg_database') = 'wirelab: seeded'
) AS must_seed \gset
\if :has_password
ALTER ROLE app PASSWORD :'password';
\endif
\if :must_seed
-- as the owner, and together with the mark: either all of the seed is there, or nothing
\connect - app
BEGIN;
\i :seed
COMMENT ON DATABASE app IS 'wirelab: seeded';
COMMIT;
\endif
