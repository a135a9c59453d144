/** A filled warehouse behind its SQL port, in this process. */
import { openFilled } from '../../streams/support/filled-warehouse.ts'
import { appendPortfolio, openTestDirectory, type Portfolio } from '../../streams/support/warehouse-fixture.ts'
import { startSqlServer, type SqlServer, type SqlServerOptions } from '#gateway/sql/sql-server.ts'
import type { OpenWarehouse } from '#streams/clickhouse/warehouse.ts'
import { silentLogger } from '#streams/logger.ts'

/** What stands in `protected` and must never be seen. */
export const SECRET = 'SECRET-ATTRIBUTE-VALUE'

export interface SqlFixture {
  readonly url: string
  readonly port: number
  readonly server: SqlServer
  readonly warehouse: OpenWarehouse
  readonly directory: string
  readonly portfolio: Portfolio
  close(): Promise<void>
}

export const sqlOptions = (warehouse: OpenWarehouse): SqlServerOptions => ({
  engine: warehouse.engine,
  host: '127.0.0.1',
  port: 0,
  database: warehouse.database,
  hidden: ['protected', 'migrations'],
  credentials: null,
  allowedHosts: [],
  logger: silentLogger,
  now: () => performance.now(),
})

export const openSqlFixture = async (clients: number, change: Partial<SqlServerOptions> = {}): Promise<SqlFixture> => {
  const test = openTestDirectory()
  const portfolio = await appendPortfolio(test.log, clients)
  const warehouse = await openFilled(test.directory, test.log)
  await warehouse
    .writer()
    .inserter.insertObjects('protected', [
      { applicant_id: 'tw-00001', attribute: 'sex', value: SECRET, sequence: 1, recorded_at: '2026-01-01 00:00:00.000' },
    ])
  const server = startSqlServer({ ...sqlOptions(warehouse), ...change })
  return {
    url: `http://127.0.0.1:${server.port}`,
    port: server.port,
    server,
    warehouse,
    directory: test.directory,
    portfolio,
    async close() {
      server.close()
      await warehouse.close()
      await test.remove()
    },
  }
}

/** One query by POST; status and text. */
export const ask = async (
  url: string,
  sql: string,
  query: Readonly<Record<string, string>> = {},
): Promise<{ status: number; text: string; headers: Headers }> => {
  const response = await fetch(`${url}/?${new URLSearchParams(query).toString()}`, { method: 'POST', body: sql })
  return { status: response.status, text: await response.text(), headers: response.headers }
}
