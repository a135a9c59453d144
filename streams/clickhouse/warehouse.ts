/** The embedded warehouse as a whole: engine, tables, inserter. One process has a data directory's warehouse open at a time. */
import { join } from 'node:path'
import { ChdbEngine, type ChdbConnection } from './chdb-engine.ts'
import { DEFAULT_LIMITS, type EngineLimits } from './engine-config.ts'
import { migrate } from './migrate.ts'
import { openSpool, RowInserter } from './row-inserter.ts'
import { ONE_MACHINE } from './template.ts'

/** Folder of the warehouse within the data directory; deleting it is safe, it is rebuilt from the logs. */
export const WAREHOUSE_FOLDER = 'warehouse'

export interface OpenWarehouse {
  readonly engine: ChdbEngine
  readonly database: string
  /** Names of the migrations that were applied just now. */
  readonly migrated: readonly string[]
  /** A connection of its own, and an inserter upon it, for each writer: a connection runs one statement at a time. */
  writer(): { readonly connection: ChdbConnection; readonly inserter: RowInserter }
  close(): Promise<void>
}

/** Opens, and migrates where needed, the warehouse of a data directory. Throws `ChdbError` where another process has it open. */
export const openWarehouse = async (dataDirectory: string, limits: EngineLimits = DEFAULT_LIMITS): Promise<OpenWarehouse> => {
  const directory = join(dataDirectory, WAREHOUSE_FOLDER)
  const engine = new ChdbEngine(directory, limits)
  const database = ONE_MACHINE.database
  // New tables may have many rows to move.
  const first = engine.connect({ patient: true })
  const connections = [first]
  const migrated = await migrate(first)
  const spool = openSpool(directory)
  return {
    engine,
    database,
    migrated,
    writer() {
      const connection = engine.connect()
      connections.push(connection)
      return { connection, inserter: new RowInserter(connection, spool, database) }
    },
    async close() {
      for (const connection of connections) await connection.close()
      await engine.close()
    },
  }
}
