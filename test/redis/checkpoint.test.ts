import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { CheckpointedStateStore, type CheckpointSettings } from '#streams/checkpoint/checkpointed-store.ts'
import { FolderCheckpoints } from '#streams/checkpoint/folder-checkpoints.ts'
import type { CopyableStateStore } from '#streams/checkpoint/ports.ts'
import { silentLogger } from '#streams/logger.ts'
import { redisBinary } from '../servers/redis-binary.ts'
import { type RedisServer, startRedis } from '../servers/redis.ts'
import { ledgerCommit, workOn, wrongAt } from './ledger.ts'
import { FEATURE_SET, GENERATION, openStore, PARTITIONS } from './open-store.ts'

const digits = (offset: number): string => String(offset).padStart(16, '0')
const FACTS = { partitions: PARTITIONS, featureSetHash: FEATURE_SET, generation: GENERATION }

describe.runIf(redisBinary().kind === 'ready')('checkpoints of a Redis state store', () => {
  let server: RedisServer
  let folder: string
  let store: CheckpointedStateStore
  let inner: CopyableStateStore
  beforeAll(async () => {
    server = await startRedis()
  })
  afterAll(() => server.destroy())
  beforeEach(async () => {
    await server.call('FLUSHALL')
    folder = mkdtempSync(join(tmpdir(), 'checkpoints-'))
    await open()
  })
  afterEach(async () => {
    await store.close()
    rmSync(folder, { recursive: true })
  })
  const open = async (settings: Partial<CheckpointSettings> = {}, generation = GENERATION) => {
    inner = await openStore({ addresses: server.address }, generation)
    store = new CheckpointedStateStore({
      store: inner,
      checkpoints: new FolderCheckpoints(folder, 'test'),
      facts: { ...FACTS, generation },
      logger: silentLogger,
      settings: { everyMs: Infinity, ...settings },
    })
  }
  const reopen = async (settings: Partial<CheckpointSettings> = {}) => {
    await store.close()
    await open(settings)
  }
  const files = () => readdirSync(join(folder, 'partition-0003')).sort()
  const damage = (file: string, change: (bytes: Buffer) => Buffer) => {
    const path = join(folder, 'partition-0003', file)
    writeFileSync(path, change(readFileSync(path)))
  }

  it('an emptied store gets its newest checkpoint back at the next claim, and the log goes on from there', async () => {
    await store.claim(3, 1)
    await workOn(store, 3, 1, 0, (n) => n < 200)
    expect(await store.checkpoint(3)).toBe(true)
    await workOn(store, 3, 1, 200, (n) => n < 260)
    await server.call('FLUSHALL')
    await expect(store.load(3, ['a1'], { epoch: 1, offset: 260 })).rejects.toMatchObject({ code: 'stale-commit' })
    expect(await store.claim(3, 9)).toEqual({ offset: 200, epoch: 9, chainHash: '9'.repeat(64), decisionsOffset: 204 })
    expect(await wrongAt(store, 3, 200)).toEqual([])
    await workOn(store, 3, 9, 200, (n) => n < 300)
    expect(await wrongAt(store, 3, 300)).toEqual([])
    expect(await server.call('KEYS', '*restoring*')).toEqual([])
  })

  it('a store that stands further than its checkpoints keeps what it has', async () => {
    await store.claim(3, 1)
    await workOn(store, 3, 1, 0, (n) => n < 20)
    await store.checkpoint(3)
    await workOn(store, 3, 1, 20, (n) => n < 30)
    await reopen()
    expect((await store.claim(3, 2)).offset).toBe(30)
  })

  it('taken while commits go on, whole or adding to the last, a checkpoint is the state at one offset', async () => {
    await store.claim(3, 1)
    let busy = true
    const work = workOn(store, 3, 1, 0, () => busy)
    let made = 0
    for (; made < 12; made++) {
      await new Promise((done) => setTimeout(done, 15))
      await store.checkpoint(3)
    }
    busy = false
    const end = await work
    expect(end).toBeGreaterThan(made)
    expect(files().filter((file) => file.includes('after')).length).toBeGreaterThan(5)
    const names = await new FolderCheckpoints(folder, 'test').list(3)
    for (const { offset } of names.toSorted((a, b) => b.offset - a.offset)) {
      await server.call('FLUSHALL')
      expect((await store.claim(3, 2)).offset).toBe(offset)
      expect(await wrongAt(store, 3, offset)).toEqual([])
      const newest = files().find((file) => file.startsWith(digits(offset))) as string
      rmSync(join(folder, 'partition-0003', newest))
    }
  })

  it('a damaged checkpoint is passed over for the one before it', async () => {
    await store.claim(3, 1)
    for (const end of [50, 80, 90]) {
      await workOn(store, 3, 1, end === 50 ? 0 : end === 80 ? 50 : 80, (n) => n < end)
      await store.checkpoint(3)
    }
    const [, second, third] = files() as [string, string, string]
    damage(third, (bytes) => bytes.subarray(0, bytes.length - 7))
    damage(second, (bytes) => {
      bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] as number) ^ 1
      return bytes
    })
    await server.call('FLUSHALL')
    expect((await store.claim(3, 2)).offset).toBe(50)
    expect(await wrongAt(store, 3, 50)).toEqual([])
  })

  it('an owner that was succeeded keeps no checkpoint, and the successor begins with a whole one', async () => {
    await store.claim(3, 1)
    await workOn(store, 3, 1, 0, (n) => n < 20)
    const successor = await openStore({ addresses: server.address })
    await successor.claim(3, 2)
    await successor.commit([ledgerCommit(3, 2, 20)])
    expect(await store.checkpoint(3)).toBe(false)
    expect(await new FolderCheckpoints(folder, 'test').list(3)).toEqual([])
    await successor.close()
    await store.claim(3, 3)
    await store.checkpoint(3)
    expect(files()).toEqual(['0000000000000021-whole.checkpoint'])
  })

  it('as many whole ones as asked for are kept, with what adds to them', async () => {
    await reopen({ additionsMax: 1, keep: 2 })
    await store.claim(3, 1)
    for (let n = 0; n < 8; n++) {
      await workOn(store, 3, 1, n, (at) => at <= n)
      await store.checkpoint(3)
    }
    expect(files()).toEqual([5, 6, 7, 8].map((end) => `${digits(end)}-${end % 2 === 1 ? 'whole' : `after-${digits(end - 1)}`}.checkpoint`))
  })

  it('another input log’s checkpoints are refused by name', async () => {
    await store.claim(3, 1)
    await workOn(store, 3, 1, 0, (n) => n < 5)
    await store.checkpoint(3)
    const other = await openStore({ addresses: server.address }, 'topic-2')
    await expect(other.claim(3, 2)).rejects.toMatchObject({ code: 'state-mismatch' })
    await other.close()
    await server.call('FLUSHALL')
    await store.close()
    await open({}, 'topic-2')
    await expect(store.claim(3, 2)).rejects.toMatchObject({ code: 'state-mismatch' })
  })
})
