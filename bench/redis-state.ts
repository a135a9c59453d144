/**
 * What loading and committing states through Redis costs beside its floor: one MGET of the keys and one MULTI/MSET of the same bytes, by the same client on the
 * same server, with nothing checked. Encoding records counts for neither: the engine does it when it takes a commit's cut, whatever the store. Append-only file, flushed every second. Rounds alternate.
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
import { RedisSettings } from '#streams/redis/settings.ts'
import { openRedisState } from '#streams/redis/state-store.ts'
import type { BenchContext } from './bench-context.ts'
import { median, type BenchRow } from './bench-row.ts'
import { demoRecords } from './demo-records.ts'

/** Entities of one round trip: a batch of the engine under load. */
const BATCH = 256
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
}

/** Which applicants come together, by a linear congruential generator (Numerical Recipes): the same in every run. */
const rounds = (count: number): readonly Round[] => {
  const records = demoRecords()
  let seed = 1
  const random = (below: number): number => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((seed / 2 ** 32) * below)
  }
  return Array.from({ length: count }, () => {
    const picked = new Set<number>()
    while (picked.size < BATCH) picked.add(random(records.length))
    const states = Array.from(picked, (applicant) => records[applicant] as Buffer)
    return { keys: Array.from(picked, (applicant) => `applicant-${applicant}`), states }
  })
}

/** The same bytes, with nothing checked. */
const floorRound = async (client: Redis, { keys, states }: Round): Promise<void> => {
  await client.mgetBuffer(...keys.map((key) => `floor:${key}`))
  await client
    .multi()
    .mset(...keys.flatMap((key, i) => [`floor:${key}`, states[i] as Buffer]))
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
/** Ours and the floor by turns of so many round trips, so that whatever else the machine does falls on both. */
const TURN = 20

interface Timed {
  readonly run: (round: Round, index: number) => Promise<void>
  ms: number
}

/** Entities a second of each. */
const alternate = async (work: readonly Round[], parties: readonly Timed[]): Promise<number[]> => {
  for (const party of parties) party.ms = 0
  for (let from = 0; from < work.length; from += TURN)
    for (const party of parties) {
      const began = performance.now()
      for (let i = from; i < from + TURN; i++) await party.run(work[i] as Round, i)
      party.ms += performance.now() - began
    }
  return parties.map(({ ms }) => (work.length * BATCH * 1000) / ms)
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
    let first = 0
    const parties: Timed[] = [
      { ms: 0, run: (round, i) => ourRound(store, round, first + i * BATCH) },
      { ms: 0, run: (round) => floorRound(client, round) },
    ]
    const ours: number[] = []
    const floor: number[] = []
    for (let run = 0; run <= runs; run++) {
      const [one = Number.NaN, other = Number.NaN] = await alternate(work, parties)
      first += work.length * BATCH
      say(`redis.state ${run === 0 ? 'warming up' : `run ${run}`}: ours ${one.toFixed(0)}, floor ${other.toFixed(0)} entities/s`)
      if (run === 0) continue
      ours.push(one)
      floor.push(other)
    }
    const value = median(ours)
    const peerValue = median(floor)
    const conditions = `records of ${mean(({ states }) => states)} B, one partition`
    const memory = await bytesPerApplicant(client)
    return [
      {
        name: 'redis.state',
        value,
        unit: 'entities/s',
        peer: 'MGET + MULTI MSET of the same bytes, nothing checked',
        peerValue,
        ratio: value / peerValue,
        conditions: `${BATCH} of the demo’s 30,000 applicants at its end, ${conditions}, loaded and written back each round trip; ioredis, loopback, AOF everysec. Held: floor ÷ 1.3`,
      },
      {
        name: 'redis.bytes_per_applicant',
        value: memory.hash,
        unit: 'B',
        peer: 'a key of its own for each record',
        peerValue: memory.keys,
        ratio: memory.keys / memory.hash,
        conditions: `MEMORY USAGE by Redis itself; ${conditions}`,
      },
    ]
  } finally {
    await store.close()
    client.disconnect()
    await server.stop()
  }
}

/** By Redis's own account: the partition's hash by its fields, and the floor's keys on average of a thousand of them. */
const bytesPerApplicant = async (client: Redis): Promise<{ hash: number; keys: number }> => {
  const [key = ''] = await client.keys('scorestream:*')
  const fields = await client.hlen(key)
  const sampled = Array.from({ length: 1000 }, () =>
    client.randomkey().then((one) => (one === null || one === key ? null : client.memory('USAGE', one))),
  )
  const usages = (await Promise.all(sampled)).filter((bytes) => bytes !== null)
  return {
    hash: Number(await client.memory('USAGE', key, 'SAMPLES', 0)) / fields,
    keys: usages.reduce((sum, bytes) => sum + bytes, 0) / usages.length,
  }
}
