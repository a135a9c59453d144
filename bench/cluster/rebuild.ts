/** All applicants' states put back into an emptied Redis from a checkpoint in a folder, partition after partition, as a new owner does it. */
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { Value } from 'typebox/value'
import { creditFeatureSet } from '#features/credit-v1.ts'
import { CheckpointedStateStore } from '#streams/checkpoint/checkpointed-store.ts'
import { FolderCheckpoints } from '#streams/checkpoint/folder-checkpoints.ts'
import { silentLogger } from '#streams/logger.ts'
import { RedisSettings } from '#streams/redis/settings.ts'
import { openRedisState } from '#streams/redis/state-store.ts'
import { PARTITIONS, type Servers } from './servers.ts'

const BATCH = 500
/** Records as large, and as full of zeros, as the demo's applicants have on average: 1,400 bytes, three words in five zero. */
const RECORD_WORDS = 350
const ZERO_PERCENT = 61

export interface Rebuild {
  readonly checkpointS: number
  readonly checkpointBytes: number
  readonly restoreS: number
  readonly redisBytes: number
}

/** Records differ, so that they compress no better than real ones. */
const recordsFrom = (seed: number): (() => Buffer) => {
  let state = seed
  const random = (below: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
  return () => Buffer.from(Uint32Array.from({ length: RECORD_WORDS }, () => (random(100) < ZERO_PERCENT ? 0 : 1 + random(2 ** 31))).buffer)
}

const folderBytes = (folder: string): number =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0)

const secondsOf = async (work: () => Promise<unknown>): Promise<number> => {
  const began = performance.now()
  await work()
  return (performance.now() - began) / 1000
}

export const measureRebuild = async ({ redis }: Servers, scratch: string, applicants: number): Promise<Rebuild> => {
  await redis.call('FLUSHALL')
  const folder = join(scratch, 'rebuild')
  const facts = { partitions: PARTITIONS, featureSetHash: creditFeatureSet.hash, generation: 'bench' }
  const settings = Value.Default(RedisSettings, { addresses: redis.address }) as RedisSettings
  const inner = await openRedisState({ settings, ...facts, logger: silentLogger })
  const store = new CheckpointedStateStore({
    store: inner,
    checkpoints: new FolderCheckpoints(folder, 'bench'),
    facts,
    logger: silentLogger,
    settings: { everyMs: Infinity },
  })
  try {
    const partitions = Array.from({ length: PARTITIONS }, (_, partition) => partition)
    const share = Math.ceil(applicants / PARTITIONS)
    for (const partition of partitions) {
      const record = recordsFrom(partition + 1)
      await store.claim(partition, 1)
      for (let from = 0; from < share; from += BATCH) {
        const keys = Array.from({ length: Math.min(BATCH, share - from) }, (_, n) => `applicant-${from + n}`)
        const to = from + keys.length
        const states = new Map(keys.map((key) => [key, record()]))
        await store.commit([{ partition, from, to, epoch: 1, chainHash: '0'.repeat(64), decisionsOffset: to, states }])
      }
    }
    const checkpointS = await secondsOf(async () => {
      for (const partition of partitions)
        if (!(await store.checkpoint(partition))) throw new Error(`partition ${partition} was not checkpointed`)
    })
    await redis.call('FLUSHALL')
    const restoreS = await secondsOf(async () => {
      for (const partition of partitions) {
        const { offset } = await store.claim(partition, 2)
        if (offset !== share) throw new Error(`partition ${partition} was put back as of ${offset}, not ${share}`)
      }
    })
    const memory = Number(/used_memory:(\d+)/.exec(String(await redis.call('INFO', 'memory')))?.[1])
    return { checkpointS, checkpointBytes: folderBytes(folder), restoreS, redisBytes: memory }
  } finally {
    await store.close()
  }
}
