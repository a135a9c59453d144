/** The warehouse on a ClickHouse server: tables made where missing, one connection for each writer. */
import { setTimeout as delay } from 'node:timers/promises'
import { ClickHouseError } from '@clickhouse/client'
import type { Logger } from '../logger.ts'
import { migrate } from './migrate.ts'
import { ServerConnection } from './server-connection.ts'
import type { ServerSettings } from './server-settings.ts'

/** Between two tries to reach a server that is away: at most this. */
const RETRY_MS_MAX = 10_000

export interface ServerWarehouse {
  readonly database: string
  /** Names of the migrations that were applied just now. */
  readonly migrated: readonly string[]
  writer(): { readonly connection: ServerConnection; readonly inserter: ServerConnection }
  close(): Promise<void>
}

export interface ServerWarehouseOptions {
  readonly settings: ServerSettings
  readonly logger: Logger
  /** Aborted where nobody waits any more. */
  readonly signal: AbortSignal
  /** Called with the reason while the server cannot be reached, and with null once it can. */
  readonly away?: (reason: string | null) => void
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
/** What a server says of a statement is an answer, not an absence: it would be the same next time. */
const isAnswer = (error: unknown): boolean => error instanceof ClickHouseError
/** Migrations of another version: a person must act. */
const isRefusal = (error: unknown): boolean => error instanceof Error && error.message.includes('migration ')

/**
 * Waits until the server answers, then brings its tables to this version. Rejects where the server refuses (password, rights, another
 * version's tables), or with the signal's reason.
 */
export const openServerWarehouse = async ({ settings, logger, signal, away }: ServerWarehouseOptions): Promise<ServerWarehouse> => {
  const { database, cluster } = settings
  const connections = [new ServerConnection(settings)]
  const [first] = connections as [ServerConnection]
  for (let attempt = 0; ; attempt++) {
    try {
      const migrated = await migrate(first, undefined, { database, cluster })
      away?.(null)
      return {
        database,
        migrated,
        writer() {
          const connection = new ServerConnection(settings)
          connections.push(connection)
          return { connection, inserter: connection }
        },
        async close() {
          for (const connection of connections) await connection.close()
        },
      }
    } catch (error) {
      if (isAnswer(error) || isRefusal(error)) throw error
      const waitMs = Math.min(RETRY_MS_MAX, 250 * 2 ** Math.min(attempt, 6))
      away?.(messageOf(error))
      logger.warn({ err: error, url: settings.url, waitMs }, 'the ClickHouse server does not answer; trying again')
      await delay(waitMs, undefined, { signal })
    }
  }
}
