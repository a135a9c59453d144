/** Carries the vault into the table that fairness statistics read, for as long as the warehouse's process lives. */
import { setTimeout as delay } from 'node:timers/promises'
import { ProtectedSink } from '#streams/clickhouse/protected-sink.ts'
import { openVault } from '#streams/embedded/vault.ts'
import type { Logger } from '#streams/logger.ts'
import type { Tables } from './warehouse-tables.ts'

/** How often the vault is looked into. */
const POLL_MS = 500

export interface MirrorOptions {
  /** What a failure means: `ends` rejects, `waits` tries again, for a server may be away. */
  readonly patience: 'ends' | 'waits'
  readonly stopped: AbortSignal
  readonly logger: Logger
}

export const mirrorVault = async (folder: string, tables: Tables, { patience, stopped, logger }: MirrorOptions): Promise<void> => {
  const vault = openVault(folder)
  const { database, cluster } = tables
  const sink = new ProtectedSink({ source: vault, ...tables.writer(), database, cluster, now: () => Date.now() })
  const step = async (): Promise<boolean> => {
    try {
      return await sink.step()
    } catch (error) {
      if (patience === 'ends') throw error
      logger.warn({ err: error }, 'the vault could not be mirrored; trying again')
      return false
    }
  }
  while (!stopped.aborted) if (!(await step())) await delay(POLL_MS)
  await vault.close()
}
