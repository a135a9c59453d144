/**
 * What loading and committing states through Redis costs beside its floor: one MGET of the keys and one MULTI/MSET of the same bytes, by the same client on the
 * same server, with nothing checked. Append-only file, flushed every second. Rounds alternate.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { Value } from 'typebox/value'
import { creditFeatureSet } from '#features/credit-v1.ts'
import { silentLogger } from '#streams/logger.ts'
import type { StateStore } from '#streams/ports.ts'
import { packRecord } from '#streams/redis/packed-record.ts'
import { RedisSettings } from '#streams/redis/settings.ts'
import { openRedisState } from '#streams/redis/state-store.ts'
import type { BenchContext } from './bench-context.ts'
import { median, type BenchRow } from './bench-row.ts'

/** Entities of one round trip: a batch of the engine under load. */
const BATCH = 256
const APPLICANTS = 50_000
const PARTITION = 0

const startServer = async (folder: string): Promise<{ port: number; stop: () => Promise<void> }> => {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as AddressInfo
  probe.close()
  mkdirSync(folder, { recursive: true })
  const args = [
    '--port',
    String(port),
    '--bind',
    '127.0.0.1',
    '--dir',
    folder,
    '--save',
    '',
    '--appendonly',
    'yes',
    '--appendfsync',
    'everysec',
  ]
  const child = spawn('redis-server', args, { stdio: 'ignore' })
  const started = await Promise.race([once(child, 'spawn').then(() => undefined), once(child, 'error').then(([error]) => error as Error)])
  if (started !== undefined) throw new Error('redis-server is not installed (Debian: apt-get install redis-server)', { cause: started })
  return {
    port,
    stop: async () => {
      child.kill()
      await once(child, 'exit')
    },
  }
}

interface Round {
  readonly keys: readonly string[]
  readonly states: readonly Buffer[]
  readonly packed: readonly Buffer[]
}

/**
 * Records like those of the demo's applicants, whose average was measured: 1,400 bytes, of which 600 are left once words of zeros are left out.
 */
const RECORD_WORDS = 350
const ZERO_PERCENT = 61

const rounds = (count: number): readonly Round[] => {
  let seed = 1
  const random = (below: number): number => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((seed / 2 ** 32) * below)
  }
  const state = (): Buffer => {
    const words = Uint32Array.from({ length: RECORD_WORDS }, () => (random(100) < ZERO_PERCENT ? 0 : 1 + random(2 ** 31)))
    return Buffer.from(words.buffer)
  }
  return Array.from({ length: count }, () => {
    const picked = new Set<string>()
    while (picked.size < BATCH) picked.add(`applicant-${random(APPLICANTS)}`)
    const states = Array.from(picked, state)
    return { keys: [...picked], states, packed: states.map(packRecord) }
  })
}

/** The same bytes on the wire: packed beforehand, so that packing counts for the floor. */
const floorRound = async (client: Redis, { keys, packed }: Round): Promise<void> => {
  await client.mgetBuffer(...keys.map((key) => `floor:${key}`))
  await client
    .multi()
    .mset(...keys.flatMap((key, i) => [`floor:${key}`, packed[i] as Buffer]))
    .exec()
}

const ourRound = async (store: StateStore, { keys, states }: Round, from: number): Promise<void> => {
  await store.load(PARTITION, keys, { epoch: 1, offset: from })
  await store.commit([
    {
      partition: PARTITION,
      from,
      to: from + BATCH,
      epoch: 1,
      chainHash: '0'.repeat(64),
      decisionsOffset: from,
      states: new Map(keys.map((key, i) => [key, states[i] as Buffer])),
    },
  ])
}

const ROUNDS = 400
const entitiesPerSecond = async (work: readonly Round[], run: (round: Round, index: number) => Promise<void>): Promise<number> => {
  const began = performance.now()
  for (const [index, round] of work.entries()) await run(round, index)
  return (work.length * BATCH * 1000) / (performance.now() - began)
}

export const redisStateBench = async ({ scratch, runs, say }: BenchContext): Promise<readonly BenchRow[]> => {
  const server = await startServer(join(scratch, 'redis'))
  const client = new Redis(server.port)
  client.on('error', () => {})
  await client.ping()
  const settings = Value.Default(RedisSettings, { addresses: `127.0.0.1:${server.port}` }) as RedisSettings
  const store = await openRedisState({
    settings,
    partitions: 1,
    featureSetHash: creditFeatureSet.hash,
    generation: 'bench',
    logger: silentLogger,
  })
  try {
    const work = rounds(ROUNDS)
    const mean = (of: (round: Round) => readonly Buffer[]): string =>
      (work.flatMap(of).reduce((sum, { length }) => sum + length, 0) / (work.length * BATCH)).toFixed(0)
    await store.claim(PARTITION, 1)
    let offset = 0
    const ours: number[] = []
    const floor: number[] = []
    for (let run = 0; run <= runs; run++) {
      const first = offset
      const one = await entitiesPerSecond(work, (round, i) => ourRound(store, round, first + i * BATCH))
      offset += work.length * BATCH
      const other = await entitiesPerSecond(work, (round) => floorRound(client, round))
      say(`redis.state ${run === 0 ? 'warming up' : `run ${run}`}: ours ${one.toFixed(0)}, floor ${other.toFixed(0)} entities/s`)
      if (run === 0) continue
      ours.push(one)
      floor.push(other)
    }
    const value = median(ours)
    const peerValue = median(floor)
    return [
      {
        name: 'redis.state',
        value,
        unit: 'entities/s',
        peer: 'MGET + MULTI MSET of the same packed bytes, nothing checked',
        peerValue,
        ratio: value / peerValue,
        conditions: `${BATCH} of ${APPLICANTS} states of ${mean(({ states }) => states)} B (${mean(({ packed }) => packed)} B packed) loaded and written back each round trip, one partition, ioredis, loopback, AOF everysec. Bound: floor ÷ 1.3`,
      },
    ]
  } finally {
    await store.close()
    client.disconnect()
    await server.stop()
  }
}
