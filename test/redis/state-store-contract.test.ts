import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe } from 'vitest'
import { stateStoreContract } from '../contract/state-store.ts'
import { redisBinary } from '../servers/redis-binary.ts'
import { type RedisCluster, startRedisCluster } from '../servers/redis-cluster.ts'
import { hasRedisToUse, redisToUse } from '../servers/redis.ts'
import { openStore } from './open-store.ts'

describe.runIf(hasRedisToUse())('on one server', () => {
  let server: Awaited<ReturnType<typeof redisToUse>>
  let fresh = 0
  const run = randomUUID()
  beforeAll(async () => {
    server = await redisToUse()
  })
  afterAll(() => server.end())
  const open = () => openStore({ addresses: server.address, prefix: `run-${run}-${fresh}` })
  stateStoreContract({
    name: 'Redis',
    create: () => {
      fresh++
      return open()
    },
    reopen: async (store) => {
      await store.close()
      return open()
    },
    destroy: (store) => store.close(),
  })
})

describe.runIf(redisBinary().kind === 'ready')('on a cluster', () => {
  let cluster: RedisCluster
  let fresh = 0
  beforeAll(async () => {
    cluster = await startRedisCluster(3)
  })
  afterAll(() => cluster.destroy())
  const open = () => openStore({ mode: 'cluster', addresses: cluster.addresses, prefix: `run${fresh}` })
  stateStoreContract({
    name: 'Redis Cluster',
    create: () => {
      fresh++
      return open()
    },
    reopen: async (store) => {
      await store.close()
      return open()
    },
    destroy: (store) => store.close(),
  })
})
