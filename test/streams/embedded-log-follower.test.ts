import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { openEventLog, topicPartitions } from '#streams/embedded/event-log.ts'
import { openReadOnly } from '#streams/embedded/event-log-follower.ts'
import { BLOCK_BYTES } from '#streams/embedded/segment.ts'
import { silentLogger } from '#streams/logger.ts'
import { epochMs } from '#schemas/units.ts'

const PARTITIONS = 4
const RECORDS = 1_500
const VALUE_BYTES = 2_000
let folder: string
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'log-'))))
afterEach(() => rmSync(folder, { recursive: true }))

it('far behind the tail, a follower that goes round all partitions can be given them block by block, and is given each record once', async () => {
  const log = openEventLog({
    folder,
    partitions: topicPartitions(PARTITIONS),
    clock: { now: () => epochMs(1_700_000_000_000) },
    durability: 'process-kill',
    logger: silentLogger,
  })
  const value = Buffer.alloc(VALUE_BYTES)
  for (let at = 0; at < RECORDS; at += 50)
    await log.append(
      'credit-events',
      Array.from({ length: 50 }, (_, i) => ({ partition: (at + i) % PARTITIONS, key: Buffer.from(String(at + i)), value })),
    )
  const follower = openReadOnly({
    folder,
    partitions: topicPartitions(PARTITIONS),
    topics: ['credit-events'],
    tailBytesMax: 0,
    coldBlocksMax: 1,
  })
  const next = Array.from({ length: PARTITIONS }, () => 0)
  const keys: string[] = []
  let rounds = 0
  let spreadMax = 0
  for (let read = true; read; rounds++) {
    read = false
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const records = await follower.read('credit-events', partition, next[partition]!, 1e9)
      expect(records.length * VALUE_BYTES).toBeLessThanOrEqual(2 * BLOCK_BYTES)
      read ||= records.length > 0
      next[partition]! += records.length
      keys.push(...records.map(({ key }) => Buffer.from(key).toString()))
    }
    spreadMax = Math.max(spreadMax, Math.max(...next) - Math.min(...next))
  }
  expect(keys.map(Number).toSorted((a, b) => a - b)).toEqual(Array.from({ length: RECORDS }, (_, i) => i))
  // The partitions stay within a block of one another, so that one cached block serves them all.
  expect(spreadMax * VALUE_BYTES * PARTITIONS).toBeLessThanOrEqual(2 * BLOCK_BYTES)
  expect(rounds).toBeGreaterThan((RECORDS * VALUE_BYTES) / (2 * BLOCK_BYTES))
  await follower.close()
  await log.close()
})
