/** Appends numbered records as fast as it can and prints each acknowledgement, until it is killed. */
import { writeSync } from 'node:fs'
import { openEventLog, topicPartitions } from '#streams/embedded/event-log.ts'
import { silentLogger } from '#streams/logger.ts'
import { epochMs } from '#schemas/units.ts'

const [folder, seed] = process.argv.slice(2) as [string, string]
const log = openEventLog({
  folder,
  partitions: topicPartitions(3),
  clock: { now: () => epochMs(Date.now()) },
  durability: 'process-kill',
  logger: silentLogger,
  segmentBytesMax: 100_000,
})
const one = async (n: number): Promise<void> => {
  const partition = n % 3
  const value = Buffer.from(`${seed}:${n}:${'x'.repeat(n % 997)}`)
  const [offset] = await log.append('credit-events', [{ partition, key: Buffer.from(`${n}`), value }])
  writeSync(1, `${partition} ${offset} ${seed}:${n}\n`)
}
for (let n = 0; ; n += 10) await Promise.all(Array.from({ length: 10 }, (_, i) => one(n + i)))
