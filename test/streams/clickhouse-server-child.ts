/** A ClickHouse to write to, in a process of its own: the engine's own HTTP interface with an operator. `node … <directory>` */
import { join } from 'node:path'
import { DEFAULT_SQL_LIMITS } from '#gateway/sql/query-settings.ts'
import { startSqlServer } from '#gateway/sql/sql-server.ts'
import { ChdbEngine } from '#streams/clickhouse/chdb-engine.ts'
import { silentLogger } from '#streams/logger.ts'

const [directory = ''] = process.argv.slice(2)
const server = startSqlServer({
  engine: new ChdbEngine(directory),
  host: '127.0.0.1',
  port: 0,
  database: 'scorestream',
  hidden: ['protected'],
  credentials: { user: 'analyst', password: 'reads-only' },
  operator: { credentials: { user: 'scorestream', password: 'writes-too' }, spool: join(directory, 'bodies') },
  allowedHosts: [],
  limits: { ...DEFAULT_SQL_LIMITS, bodyBytesMax: 64 * 1024 * 1024 },
  logger: silentLogger,
  now: () => performance.now(),
})
process.stdout.write(`${server.port}\n`)
