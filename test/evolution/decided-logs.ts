/** Every decision of a data directory whose engine has ended. */
import { join } from 'node:path'
import type { Decision } from '#schemas/decision.ts'
import { decodeDecisionRecord } from '#schemas/wire.ts'
import { topicPartitions } from '#streams/embedded/event-log.ts'
import { openReadOnly } from '#streams/embedded/event-log-follower.ts'

const PARTITIONS = 12
const PAGE_BYTES = 1024 * 1024

export const decisionsOn = async (dataDir: string): Promise<readonly Decision[]> => {
  const log = openReadOnly({ folder: join(dataDir, 'log'), partitions: topicPartitions(PARTITIONS), topics: ['decisions'] })
  const out: Decision[] = []
  for (let partition = 0; partition < PARTITIONS; partition++)
    for (let next = 0; next < (log.end('decisions')[partition] ?? 0);)
      for (const { offset, value } of await log.read('decisions', partition, next, PAGE_BYTES)) {
        next = offset + 1
        const record = decodeDecisionRecord(value)
        if (record.kind === 'decision') out.push(record.decision)
      }
  await log.close()
  return out
}
