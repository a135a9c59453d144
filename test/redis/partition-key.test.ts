import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { partitionKeys, slotOf } from '#streams/redis/partition-key.ts'
import { redisBinary } from '../servers/redis-binary.ts'
import { type RedisServer, startRedis } from '../servers/redis.ts'
import { FEATURE_SET } from './open-store.ts'

const tagOf = (key: string): string => /\{(.+?)\}/.exec(key)?.[1] ?? ''

describe.runIf(redisBinary().kind === 'ready')('against Redis itself', () => {
  let server: RedisServer
  beforeAll(async () => {
    server = await startRedis({ args: ['--cluster-enabled', 'yes'] })
  })
  afterAll(() => server.destroy())

  it('a key lies in the slot its tag was chosen for', async () => {
    const keys = partitionKeys('scorestream', FEATURE_SET, 12)
    for (const [p, key] of keys.entries()) {
      expect(await server.call('CLUSTER', 'KEYSLOT', key)).toBe(slotOf(tagOf(key)))
      expect(slotOf(tagOf(key))).toBe(Math.floor(((p + 0.5) * 16_384) / 12))
    }
  })
})

it.each([1, 2, 12, 64, 1024])('%i partitions are shared evenly among nodes of equal ranges, however many', (partitions) => {
  const slots = partitionKeys('p', FEATURE_SET, partitions).map((key) => slotOf(tagOf(key)))
  expect(new Set(slots).size).toBe(partitions)
  for (const nodes of [1, 3, 5, 7]) {
    const counts = Array.from({ length: nodes }, () => 0)
    for (const slot of slots) counts[Math.floor((slot * nodes) / 16_384)]! += 1
    expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1)
  }
})
