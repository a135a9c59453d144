/** The engine on its log with its states in a real Redis that loses them. What must come of it is what an engine that folds the log from the start makes of it. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { CheckpointedStateStore } from '#streams/checkpoint/checkpointed-store.ts'
import { FolderCheckpoints } from '#streams/checkpoint/folder-checkpoints.ts'
import { encodeEntity } from '#streams/entity-record.ts'
import { silentLogger } from '#streams/logger.ts'
import type { PipelineSettings } from '#streams/pipeline/settings.ts'
import { openRedisState } from '#streams/redis/state-store.ts'
import { redisBinary } from '../servers/redis-binary.ts'
import { type RedisServer, startRedis } from '../servers/redis.ts'
import {
  application,
  closeWorld,
  decisionsIn,
  newFolder,
  openWorld,
  PARTITIONS,
  payment,
  put,
  tinyDecider,
  tinyFeatureSet,
  type World,
} from '../streams/support/embedded.ts'
import { persist } from './ledger.ts'
import { settingsFor } from './open-store.ts'

const APPLICANTS = Array.from({ length: 9 }, (_, i) => `c${i}`)
const events = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => {
    const n = from + i
    return n % 4 === 3 ? application(`c${n % 9}`, n) : payment(`c${n % 9}`, n)
  })

describe.runIf(redisBinary().kind === 'ready')('an engine whose states are in Redis', () => {
  let server: RedisServer
  let folder: string
  let checkpoints: string
  let store: CheckpointedStateStore
  let world: World
  beforeAll(async () => {
    server = await startRedis()
  })
  afterAll(() => server.destroy())
  beforeEach(async () => {
    await server.call('FLUSHALL')
    folder = newFolder()
    checkpoints = mkdtempSync(join(tmpdir(), 'checkpoints-'))
  })
  afterEach(() => {
    rmSync(folder, { recursive: true })
    rmSync(checkpoints, { recursive: true })
  })

  const open = async (salt: number, settings: Partial<PipelineSettings> = {}) => {
    const facts = { partitions: PARTITIONS, featureSetHash: tinyFeatureSet.hash, generation: 'log-1' }
    const redis = await openRedisState({ settings: settingsFor({ addresses: server.address }), ...facts, logger: silentLogger })
    const kept = new FolderCheckpoints(checkpoints, 'test')
    store = new CheckpointedStateStore({ store: redis, checkpoints: kept, facts, logger: silentLogger, settings: { everyMs: Infinity } })
    world = openWorld(folder, { state: () => store, parts: { decider: tinyDecider(salt), settings } })
    await world.engine.start()
  }
  const close = async () => {
    await closeWorld(world)
    await store.close()
  }
  const records = async (of: World) =>
    Promise.all(
      APPLICANTS.map(async (id) => encodeEntity(await of.engine.entity(id), Buffer.from(tinyFeatureSet.hash, 'hex')).toString('hex')),
    )

  /** A fresh engine over the same log, with an empty state folder of its own. */
  const refolded = async () => {
    rmSync(join(folder, 'state'), { recursive: true, force: true })
    const other = openWorld(folder, { parts: { decider: tinyDecider(99) } })
    await other.engine.start()
    const found = { records: await records(other), scored: other.engine.counters.decisions }
    await closeWorld(other)
    return found
  }

  it('emptied after its checkpoints, Redis gets them back; the rest is folded from the log, and every published decision adopted', async () => {
    await open(1)
    await put(world.log, ...events(0, 120))
    await world.engine.drain()
    for (let p = 0; p < PARTITIONS; p++) await store.checkpoint(p)
    await put(world.log, ...events(120, 200))
    await world.engine.drain()
    const published = await decisionsIn(world.log)
    await close()
    await server.call('FLUSHALL')

    await open(2)
    expect(await decisionsIn(world.log)).toEqual(published)
    expect(world.engine.counters).toMatchObject({ adopted: 20, decisions: 0 })
    await put(world.log, ...events(200, 240))
    await world.engine.drain()
    const states = await records(world)
    expect(await decisionsIn(world.log)).toHaveLength(60)
    await close()
    expect(await refolded()).toEqual({ records: states, scored: 0 })
  })

  it('rolled back to a snapshot older than its checkpoints, it gets them back all the same', async () => {
    await open(1)
    await put(world.log, ...events(0, 40))
    await world.engine.drain()
    const keys = (await server.call('KEYS', 'scorestream:*')) as string[]
    for (const key of keys) await server.call('COPY', key, `older:${key}`)
    await put(world.log, ...events(40, 160))
    await world.engine.drain()
    for (let p = 0; p < PARTITIONS; p++) await store.checkpoint(p)
    const states = await records(world)
    await close()
    for (const key of keys) await server.call('COPY', `older:${key}`, key, 'REPLACE')

    await open(2)
    expect(world.engine.counters).toMatchObject({ adopted: 0, decisions: 0 })
    expect(await records(world)).toEqual(states)
    await close()
    expect(await refolded()).toEqual({ records: states, scored: 0 })
  })

  it('emptied, rolled back and killed while the engine works, it costs time alone: nothing is lost, doubled or changed', async () => {
    await open(1, { cacheBytesMax: 1, commitAfterMs: 5, retryAfterMs: 10, retakeAfterMs: 10 })
    let sent = 0
    const send = async (count: number) => {
      await put(world.log, ...events(sent, (sent += count)))
      await new Promise((done) => setTimeout(done, 20))
    }
    await send(40)
    await world.engine.drain()
    const keys = (await server.call('KEYS', 'scorestream:*:records:*')) as string[]
    const mishaps = [
      () => server.call('FLUSHALL'),
      async () => {
        for (let p = 0; p < PARTITIONS; p++) await persist(() => store.checkpoint(p))
        await send(40)
        await server.call('FLUSHALL')
      },
      async () => {
        await server.call('SAVE')
        await send(40)
        await server.kill()
        await server.start()
      },
    ]
    for (let round = 0; round < 4; round++)
      for (const mishap of mishaps) {
        await mishap()
        await send(30)
      }
    await world.engine.drain()
    const positions = await Promise.all(keys.map((key) => server.call('HGET', key, '@position')))
    const stored = positions.map((text) => Number(String(text).split(' ')[1])).sort((a, b) => a - b)
    expect(stored).toEqual(world.log.end('credit-events').toSorted((a, b) => a - b))
    expect(world.failures).toEqual([])
    expect(world.engine.counters.losses).toBeGreaterThan(mishaps.length)
    const decided = (await decisionsIn(world.log)).map(({ body }) => body.applicationId).sort()
    const applied = events(0, sent).flatMap((event) => (event.kind === 'application' ? [event.applicationId] : []))
    expect(decided).toEqual(applied.sort())
    const states = await records(world)
    await close()
    expect(await refolded()).toEqual({ records: states, scored: 0 })
  })
})
