/** Asks the warehouse of a data directory, behind the same guard whether an engine runs or not. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { CommandError, EXIT } from './exit.ts'
import { createLogger } from './logger.ts'
import { findEngine } from './running-engine.ts'
import { superviseWarehouse } from './warehouse-supervisor.ts'

/** Runs one statement; gives its result in a ClickHouse format. */
export type Ask = (sql: string, format: string) => Promise<string>

const askAt =
  (sqlUrl: string): Ask =>
  async (sql, format) => {
    const response = await fetch(`${sqlUrl}/?${new URLSearchParams({ default_format: format, database: 'scorestream' }).toString()}`, {
      method: 'POST',
      body: sql,
    })
    const body = await response.text()
    if (!response.ok) throw new CommandError('query-failed', body.trim(), EXIT.badData)
    return body
  }

/** The running engine's SQL port; where none runs, the warehouse's own process is started for as long as `questions` asks. */
export const askWarehouse = async <Answer>(dataDir: string, questions: (ask: Ask) => Promise<Answer>): Promise<Answer> => {
  const engine = findEngine(dataDir)
  if (engine?.sql) return await questions(askAt(engine.sql))
  if (!existsSync(join(dataDir, 'warehouse')))
    throw new CommandError(
      'no-data',
      `there is no warehouse in ${dataDir}; name a data directory with --data-dir, or start the engine`,
      EXIT.noInput,
    )
  const warehouse = superviseWarehouse({
    args: ['--data-dir', dataDir, '--sql-host', '127.0.0.1', '--sql-port', '0'],
    logger: createLogger('error'),
  })
  try {
    return await questions(askAt(`http://127.0.0.1:${await warehouse.ready}`))
  } finally {
    await warehouse.stop()
  }
}
