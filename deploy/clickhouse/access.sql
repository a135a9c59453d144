-- Who may do what on a ClickHouse server. Run once by an administrator (compose.yaml does so at first start); repeatable.
-- `scorestream_writer` is for the engine, `scorestream_analyst` for people and tools. The vault's mirror is for neither people nor tools.

CREATE DATABASE IF NOT EXISTS scorestream;

CREATE ROLE IF NOT EXISTS scorestream_writer;
GRANT SELECT, INSERT, CREATE DATABASE, CREATE TABLE, CREATE VIEW, DROP VIEW, ALTER TABLE, ALTER VIEW, SHOW ON scorestream.* TO scorestream_writer;
GRANT CLUSTER, REMOTE ON *.* TO scorestream_writer;

CREATE ROLE IF NOT EXISTS scorestream_analyst;
GRANT SELECT, SHOW ON scorestream.* TO scorestream_analyst;
REVOKE SELECT, SHOW ON scorestream.protected FROM scorestream_analyst;
REVOKE SELECT, SHOW ON scorestream.protected_local FROM scorestream_analyst;
REVOKE SELECT, SHOW ON scorestream.migrations FROM scorestream_analyst;

-- As the embedded SQL port: queries that only read, bounded in time, memory and result.
CREATE SETTINGS PROFILE IF NOT EXISTS scorestream_analyst
    SETTINGS readonly = 2,
             max_execution_time = 30 MAX 300,
             max_memory_usage = 2000000000 MAX 4000000000,
             max_result_rows = 10000000,
             distributed_product_mode = 'global'
    TO scorestream_analyst;

CREATE QUOTA IF NOT EXISTS scorestream_analyst KEYED BY user_name
    FOR INTERVAL 1 hour MAX queries = 5000, read_rows = 50000000000, execution_time = 3600
    TO scorestream_analyst;
