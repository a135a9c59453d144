/** Claims a partition and publishes one decision after the other in transactions, until its end. Prints the offset of each; after the third
 * the next commit may not come about (`end-at-commit-child.ts`). */
import { writeSync } from 'node:fs'
import { encodeClaim } from '#schemas/wire.ts'
import { epochMs } from '#schemas/units.ts'
import { openKafkaLog } from '#streams/kafka/event-log.ts'
import type { KafkaSettings } from '#streams/kafka/settings.ts'
import { silentLogger } from '#streams/logger.ts'

const { settings, partitions, partition } = JSON.parse(process.argv[2] ?? '') as {
  settings: KafkaSettings
  partitions: number
  partition: number
}
const log = await openKafkaLog({ settings, partitions, logger: silentLogger })
const key = Buffer.from('child')
for (let n = 0; ; n++) {
  const value = n === 0 ? encodeClaim({ owner: 'child', claimedAt: epochMs(0) }) : Buffer.from(`child ${n}`)
  const [offset] = await log.append('decisions', [{ partition, key, value }])
  writeSync(1, `${offset}\n`)
  if (n === 2) process.emit('SIGUSR2')
}
