/**
 * The embedded warehouse's SQL interface. `SCORESTREAM_SQL_USER` (`default`) and `SCORESTREAM_SQL_PASSWORD` make its clients, who may only read, sign in.
 * `SCORESTREAM_SQL_OPERATOR_PASSWORD` lets a second user in besides, `SCORESTREAM_SQL_OPERATOR_USER` (`operator`), from this machine alone: whose
 * statements run as they are, writing ones too, on every table.
 */
import { join } from 'node:path'
import { type SqlServer, type SqlServerOptions, startSqlServer } from '#gateway/sql/sql-server.ts'
import type { OpenWarehouse } from '#streams/clickhouse/warehouse.ts'
import { warehouseLogger } from './warehouse-logger.ts'

/** Tables of the warehouse that the SQL port never shows. */
const HIDDEN = ['protected', 'migrations']

/** Null where no password is set. */
const credentials = (name: 'SCORESTREAM_SQL' | 'SCORESTREAM_SQL_OPERATOR', userByDefault: string): SqlServerOptions['credentials'] => {
  const password = process.env[`${name}_PASSWORD`] ?? ''
  return password === '' ? null : { user: process.env[`${name}_USER`] ?? userByDefault, password }
}

export interface SqlPlace {
  readonly dataDir: string
  readonly host: string
  readonly port: number
}

/** Throws where others than this machine could sign in as operator, or could ask without a password. */
export const serveSql = (warehouse: OpenWarehouse, { dataDir, host, port }: SqlPlace): SqlServer => {
  const operator = credentials('SCORESTREAM_SQL_OPERATOR', 'operator')
  return startSqlServer({
    engine: warehouse.engine,
    host,
    port,
    database: warehouse.database,
    hidden: HIDDEN,
    credentials: credentials('SCORESTREAM_SQL', 'default'),
    ...(operator === null ? {} : { operator: { credentials: operator, spool: join(dataDir, 'sql-bodies') } }),
    allowedHosts: [],
    logger: warehouseLogger,
    now: () => performance.now(),
  })
}
