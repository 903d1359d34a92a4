-- SPDX-License-Identifier: Apache-2.0
-- What database.terminate_idle does to PostgreSQL (10 or later). psql runs it as the user postgres, from its standard
-- input. A file of this name in /etc/hostmedic/sql, of root and writable by nobody else, is used instead of this one.
--
-- Variables, all whole numbers; -1: not wanted
--   in_transaction  sessions that did nothing for so many seconds inside a transaction are ended
--   idle            sessions that did nothing for so many seconds outside of one are ended ...
--   keep            ... but so many of each user and database are kept, those used last
--   full            only when so many percent of the places that clients may have are taken
--   most            so many sessions are ended at most
-- What is told, one a line: count|NAME|NUMBER, and terminated|NUMBER|APPLICATION.
\set ON_ERROR_STOP on
SET statement_timeout = '10s';
SET lock_timeout = '5s';

SELECT 'count', 'sessions_before', count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'
UNION ALL
SELECT 'count', 'idle_in_transaction_before', count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'
UNION ALL
SELECT 'count', 'idle_before', count(*) FROM pg_stat_activity WHERE state = 'idle'
UNION ALL
SELECT 'count', 'most_sessions', setting::bigint FROM pg_settings WHERE name = 'max_connections';

-- Sessions of superusers, of replication and this one are never touched.
WITH places AS (
  SELECT count(*) AS taken,
         (SELECT setting::bigint FROM pg_settings WHERE name = 'max_connections') -
         (SELECT setting::bigint FROM pg_settings WHERE name = 'superuser_reserved_connections') AS there
  FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
), sessions AS (
  SELECT a.pid, a.application_name, a.state_change,
         a.state LIKE 'idle in transaction%' AS in_transaction,
         row_number() OVER (PARTITION BY a.usesysid, a.datid, a.state ORDER BY a.state_change DESC) AS place,
         extract(epoch FROM clock_timestamp() - a.state_change) AS seconds
  FROM pg_stat_activity a JOIN pg_roles r ON r.oid = a.usesysid
  WHERE a.backend_type = 'client backend' AND a.pid <> pg_backend_pid()
    AND NOT r.rolsuper AND NOT r.rolreplication
    AND (a.state = 'idle' OR a.state LIKE 'idle in transaction%')
), chosen AS (
  SELECT pid, application_name FROM sessions
  WHERE ((in_transaction AND :in_transaction >= 0 AND seconds > :in_transaction)
      OR (NOT in_transaction AND :idle >= 0 AND seconds > :idle AND place > :keep))
    AND (SELECT taken * 100 >= there * :full FROM places)
  ORDER BY in_transaction DESC, state_change
  LIMIT :most
), ended AS MATERIALIZED (
  SELECT application_name, pg_terminate_backend(pid) AS done FROM chosen
)
SELECT 'terminated', count(*), application_name FROM ended WHERE done GROUP BY application_name ORDER BY 2 DESC LIMIT 8;

-- They need a moment to go.
SELECT pg_sleep(0.5) \g /dev/null
SELECT 'count', 'sessions_after', count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'
UNION ALL
SELECT 'count', 'idle_in_transaction_after', count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'
UNION ALL
SELECT 'count', 'idle_after', count(*) FROM pg_stat_activity WHERE state = 'idle';
