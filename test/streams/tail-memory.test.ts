import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { epochMs } from '#schemas/units.ts'
import { openEventLog, topicPartitions } from '#streams/embedded/event-log.ts'
import { silentLogger } from '#streams/logger.ts'

it('the records of a quiet topic hold the memory they fill, not that of everything small that came between them', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tail-'))
  const clock = { now: () => epochMs(1_700_000_000_000) }
  const log = openEventLog({ folder, partitions: topicPartitions(1), clock, durability: 'process-kill', logger: silentLogger })
  try {
    const others: Buffer[] = []
    for (let n = 0; n < 100; n++) {
      await log.append('dead-letters', [{ partition: 0, key: Buffer.from('k'), value: Buffer.from(`letter ${n}`) }])
      others.push(Buffer.allocUnsafe(Buffer.poolSize / 2 - 1))
    }
    const records = await log.read('dead-letters', 0, 0, 1e9)
    expect(records.map(({ value }) => Buffer.from(value).toString())).toEqual(others.map((_, n) => `letter ${n}`))
    const buffers = new Set(records.map(({ value }) => value.buffer))
    expect([...buffers].reduce((sum, { byteLength }) => sum + byteLength, 0)).toBeLessThanOrEqual(64 * 1024)
  } finally {
    await log.close()
    rmSync(folder, { recursive: true })
  }
})
