import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eventLogContract } from '../contract/event-log.ts'
import { openEventLog, topicPartitions } from '#streams/embedded/event-log.ts'
import { silentLogger } from '#streams/logger.ts'
import type { EventLog } from '#streams/ports.ts'
import { epochMs } from '#schemas/units.ts'

const variants = [
  { name: 'embedded, process-kill', durability: 'process-kill', segmentBytesMax: 64 * 1024 * 1024, tailBytesMax: 1024 * 1024 },
  { name: 'embedded, power-loss', durability: 'power-loss', segmentBytesMax: 64 * 1024 * 1024, tailBytesMax: 1024 * 1024 },
  { name: 'embedded, tiny segments and no tail to speak of', durability: 'process-kill', segmentBytesMax: 2000, tailBytesMax: 500 },
  { name: 'embedded, one segment and no tail to speak of', durability: 'process-kill', segmentBytesMax: 64 * 1024 * 1024, tailBytesMax: 1 },
] as const

for (const { name, ...variant } of variants) {
  const folders = new Map<EventLog, string>()
  const open = (folder: string): EventLog => {
    let now = 1_700_000_000_000
    const log = openEventLog({
      folder,
      partitions: topicPartitions(3),
      clock: { now: () => epochMs(now++) },
      logger: silentLogger,
      ...variant,
    })
    folders.set(log, folder)
    return log
  }
  eventLogContract({
    name,
    create: () => Promise.resolve(open(mkdtempSync(join(tmpdir(), 'log-')))),
    reopen: async (log) => {
      await log.close()
      return open(folders.get(log) as string)
    },
    destroy: async (log) => {
      await log.close()
      rmSync(folders.get(log) as string, { recursive: true })
    },
  })
}
