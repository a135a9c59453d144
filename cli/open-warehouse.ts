/** The warehouse of a data directory whose engine does not run, for `scorestream query`: the same guard and limits as the SQL port. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { QueryRunner } from '#gateway/sql/query-runner.ts'
import { DEFAULT_SQL_LIMITS } from '#gateway/sql/query-settings.ts'
import { describeError } from '#gateway/sql/sql-error.ts'
import { openWarehouse as open, WAREHOUSE_FOLDER } from '#streams/clickhouse/warehouse.ts'
import { CommandError, EXIT } from './exit.ts'

export interface ReadableWarehouse {
  /** The result as text in a ClickHouse format. Rejects with a `CommandError` that carries ClickHouse's own message. */
  query(sql: string, format: string): Promise<string>
  close(): Promise<void>
}

/** Never creates a warehouse: a directory without one is an error that says so. */
export const openWarehouse = async (dataDir: string): Promise<ReadableWarehouse> => {
  if (!existsSync(join(dataDir, WAREHOUSE_FOLDER, 'data')))
    throw new CommandError(
      'no-warehouse',
      `there is no warehouse in ${dataDir}; start the engine once (scorestream start), or name another directory with --data-dir`,
      EXIT.noInput,
    )
  const warehouse = await open(dataDir)
  const runner = new QueryRunner({
    engine: warehouse.engine,
    limits: DEFAULT_SQL_LIMITS,
    database: warehouse.database,
    hidden: new Set(['protected', 'migrations']),
  })
  return {
    async query(sql, format) {
      try {
        const { chunks } = await runner.run(
          { sql, format, database: warehouse.database, parameters: new Map(), settings: new Map(), queryId: null },
          new AbortController().signal,
        )
        const parts: Buffer[] = []
        for await (const { bytes } of chunks) parts.push(bytes)
        return Buffer.concat(parts).toString()
      } catch (error) {
        throw new CommandError('query-failed', describeError(error).text, EXIT.badData)
      }
    },
    close: () => warehouse.close(),
  }
}
