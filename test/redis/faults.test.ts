import { afterEach, describe, expect, it } from 'vitest'
import { redisBinary } from '../servers/redis-binary.ts'
import { startRedisCluster, until } from '../servers/redis-cluster.ts'
import { type RedisServer, startRedis } from '../servers/redis.ts'
import { ledgerCommit, persist, workOn, wrongAt } from './ledger.ts'
import { openStore } from './open-store.ts'
import type { StateStore } from '#streams/ports.ts'

const onRedis = describe.runIf(redisBinary().kind === 'ready')

onRedis('one server that fails', () => {
  let server: RedisServer
  let store: StateStore
  const open = async (...args: string[]) => {
    server = await startRedis({ args })
    store = await openStore({ addresses: server.address })
  }
  afterEach(async () => {
    await store.close()
    await server.destroy()
  })

  it('killed at any moment and started again, it holds every acknowledged commit, once', { retry: 0 }, async () => {
    await open('--appendonly', 'yes')
    await store.claim(0, 1)
    let at = 0
    for (let kill = 0; kill < 4; kill++) {
      const end = at + 150
      const work = workOn(store, 0, 1, at, (n) => n < end)
      await until(async () => (await store.claim(0, 1)).offset > at + 20).catch(() => {})
      await server.kill()
      await server.start()
      at = await work
    }
    expect((await persist(() => store.claim(0, 2))).offset).toBe(600)
    expect(await wrongAt(store, 0, 600)).toEqual([])
  })

  it('a commit whose reply was lost is confirmed when it is made again', async () => {
    await open('--appendonly', 'yes')
    await store.claim(0, 1)
    await store.commit([ledgerCommit(0, 1, 0)])
    await store.commit([ledgerCommit(0, 1, 0)])
    await store.commit([ledgerCommit(0, 1, 1)])
    await expect(store.commit([ledgerCommit(0, 1, 0)])).rejects.toMatchObject({ code: 'stale-commit' })
    expect(await wrongAt(store, 0, 2)).toEqual([])
  })

  it('rolled back to an older snapshot, it is found out by the next load and the next commit, and stands whole at the older offset', async () => {
    await open()
    await store.claim(0, 1)
    await workOn(store, 0, 1, 0, (n) => n < 40)
    await server.call('SAVE')
    await workOn(store, 0, 1, 40, (n) => n < 90)
    await server.kill()
    await server.start()
    await expect(persist(() => store.load(0, ['a1'], { epoch: 1, offset: 90 }))).rejects.toMatchObject({ code: 'stale-commit' })
    await expect(store.commit([ledgerCommit(0, 1, 90)])).rejects.toMatchObject({ code: 'stale-commit', partition: 0 })
    expect((await store.claim(0, 2)).offset).toBe(40)
    expect(await wrongAt(store, 0, 40)).toEqual([])
    await workOn(store, 0, 2, 40, (n) => n < 100)
    expect(await wrongAt(store, 0, 100)).toEqual([])
  })

  it('emptied, it is found out likewise', async () => {
    await open()
    await store.claim(0, 1)
    await workOn(store, 0, 1, 0, (n) => n < 10)
    await server.call('FLUSHALL')
    await expect(store.load(0, ['a1'], { epoch: 1, offset: 10 })).rejects.toMatchObject({ code: 'stale-commit' })
    await expect(store.commit([ledgerCommit(0, 1, 10)])).rejects.toMatchObject({ code: 'stale-commit' })
    expect(await store.claim(0, 2)).toEqual({ offset: 0, epoch: 2, chainHash: '0'.repeat(64), decisionsOffset: 0 })
  })

  it('frozen, it is given up after the time allowed, and used again once it goes on', async () => {
    await open()
    await store.claim(0, 1)
    server.signal('SIGSTOP')
    await expect(store.commit([ledgerCommit(0, 1, 0)])).rejects.toMatchObject({ name: 'RetryableFailure', code: 'state-unavailable' })
    await expect(store.load(0, ['a1'])).rejects.toMatchObject({ name: 'RetryableFailure' })
    server.signal('SIGCONT')
    await workOn(store, 0, 1, 0, (n) => n < 3)
    expect(await wrongAt(store, 0, 3)).toEqual([])
  })

  it('full, it refuses commits whole until there is room', async () => {
    await open('--maxmemory-policy', 'noeviction')
    await store.claim(0, 1)
    await workOn(store, 0, 1, 0, (n) => n < 5)
    await server.call('CONFIG', 'SET', 'maxmemory', '1')
    await expect(store.commit([ledgerCommit(0, 1, 5)])).rejects.toMatchObject({ name: 'RetryableFailure', code: 'state-unavailable' })
    expect(await wrongAt(store, 0, 5)).toEqual([])
    await server.call('CONFIG', 'SET', 'maxmemory', '0')
    await workOn(store, 0, 1, 5, (n) => n < 8)
    expect(await wrongAt(store, 0, 8)).toEqual([])
  })
})

onRedis('a cluster whose master dies in the middle of commits', () => {
  let destroy: () => Promise<void>
  afterEach(() => destroy())

  it('goes on with its replica; what that had not received is noticed, never mixed', async () => {
    const cluster = await startRedisCluster(3, { replicas: true })
    const store = await openStore({ mode: 'cluster', addresses: cluster.addresses })
    destroy = async () => {
      await store.close()
      await cluster.destroy()
    }
    const partitions = [0, 5, 11]
    let epoch = 1
    const offsets = new Map<number, number>()
    for (const p of partitions) offsets.set(p, (await store.claim(p, epoch)).offset)
    const work = partitions.map(async (partition) => {
      for (let n = 0; n < 400;) {
        try {
          await persist(() => store.commit([ledgerCommit(partition, epoch, n)]))
          n++
        } catch (refused) {
          expect(refused).toMatchObject({ name: 'StaleCommit' })
          n = (await persist(() => store.claim(partition, ++epoch))).offset
          expect(await persist(() => wrongAt(store, partition, n))).toEqual([])
        }
      }
    })
    await until(async () => (await store.claim(0, epoch)).offset > 50)
    await cluster.masters[0]?.kill()
    await Promise.all(work)
    for (const partition of partitions) expect(await wrongAt(store, partition, 400)).toEqual([])
  })
})
