/** What `doctor` asks of a Redis that keeps states: things that are cheap to see now and dear to find out later. */
import { Cluster, type Redis } from 'ioredis'
import type { Logger } from '../logger.ts'
import { connectRedis, type RedisConnection } from './connection.ts'
import type { RedisSettings } from './settings.ts'

export interface RedisFinding {
  readonly check: string
  readonly state: 'ok' | 'warning' | 'failure'
  readonly detail: string
}

const VERSION_MIN = 7
/** Beyond this the two machines' logs cannot be read side by side; nothing else depends on it. */
const CLOCK_MS_MAX = 1000
const SLOTS = 16_384
/** Share of maxmemory in use from which on it is time to act: a full Redis stops the commits. */
const FULL_FROM = 0.85

const finding = (state: RedisFinding['state'], check: string, detail: string): RedisFinding => ({ check, state, detail })

/** `INFO` and `CLUSTER INFO` as pairs. */
const pairs = (text: string): ReadonlyMap<string, string> =>
  new Map(
    text
      .split('\r\n')
      .flatMap((line) => (line.includes(':') ? [[line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]] : [])),
  )

const version = (info: ReadonlyMap<string, string>): RedisFinding => {
  const found = info.get('redis_version') ?? 'unknown'
  return Number.parseInt(found, 10) >= VERSION_MIN
    ? finding('ok', 'version', found)
    : finding('failure', 'version', `${found}; ${VERSION_MIN} or later is needed`)
}

const eviction = (info: ReadonlyMap<string, string>): RedisFinding => {
  const policy = info.get('maxmemory_policy') ?? 'unknown'
  return policy === 'noeviction'
    ? finding('ok', 'eviction', policy)
    : finding(
        'failure',
        'eviction',
        `maxmemory-policy is ${policy}: states would vanish unasked. CONFIG SET maxmemory-policy noeviction, and in redis.conf`,
      )
}

const memory = (info: ReadonlyMap<string, string>): RedisFinding => {
  const used = Number(info.get('used_memory'))
  const max = Number(info.get('maxmemory'))
  const mebi = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(0)} MiB`
  if (max === 0)
    return finding('warning', 'memory', `${mebi(used)} used, no maxmemory: it grows until the machine has none left. Set maxmemory`)
  const detail = `${mebi(used)} of ${mebi(max)} used`
  return used < max * FULL_FROM
    ? finding('ok', 'memory', detail)
    : finding('warning', 'memory', `${detail}: a full Redis refuses commits, and the engine waits. Raise maxmemory or add nodes`)
}

const persistence = (info: ReadonlyMap<string, string>): RedisFinding => {
  if (info.get('aof_enabled') !== '1')
    return finding(
      'warning',
      'persistence',
      'no append-only file: a restart loses states, which are then rebuilt from checkpoint and log. appendonly yes',
    )
  return info.get('aof_last_write_status') === 'ok'
    ? finding('ok', 'persistence', 'append-only file')
    : finding('failure', 'persistence', 'the last write of the append-only file failed: look at the server’s disk')
}

const clock = async (node: Redis, now: () => number): Promise<RedisFinding> => {
  const before = now()
  const [seconds, micros] = await node.time()
  // The middle of the round trip is the best guess at when the server looked.
  const offMs = Math.abs(Number(seconds) * 1000 + Number(micros) / 1000 - (before + now()) / 2)
  const detail = `${offMs.toFixed(0)} ms from this machine’s`
  return offMs <= CLOCK_MS_MAX ? finding('ok', 'clock', detail) : finding('warning', 'clock', `${detail}: synchronise them (chrony, ntpd)`)
}

const named = (where: string, { check, state, detail }: RedisFinding): RedisFinding => ({ check: `redis ${where} ${check}`, state, detail })

const examineNode = async (node: Redis, where: string, now: () => number): Promise<RedisFinding[]> => {
  const info = pairs(await node.info())
  return [version(info), eviction(info), memory(info), persistence(info), await clock(node, now)].map((one) => named(where, one))
}

const slots = async (cluster: Cluster): Promise<RedisFinding> => {
  const info = pairs(await cluster.cluster('INFO'))
  const covered = Number(info.get('cluster_slots_ok'))
  return info.get('cluster_state') === 'ok' && covered === SLOTS
    ? finding('ok', 'redis cluster slots', `all ${SLOTS} covered by ${info.get('cluster_size')} masters`)
    : finding(
        'failure',
        'redis cluster slots',
        `state ${info.get('cluster_state')}, ${covered} of ${SLOTS} slots served: redis-cli --cluster fix`,
      )
}

const examine = async (client: RedisConnection, settings: RedisSettings, now: () => number): Promise<RedisFinding[]> => {
  if (!(client instanceof Cluster)) return examineNode(client, settings.addresses, now)
  const masters = client.nodes('master')
  const nodes = await Promise.all(masters.map((node) => examineNode(node, `${node.options.host}:${node.options.port}`, now)))
  return [await slots(client), ...nodes.flat()]
}

/** Connects, looks, changes nothing. That nobody answers, or refuses, is a finding too. `now`: wall-clock milliseconds. */
export const redisChecks = async (settings: RedisSettings, logger: Logger, now: () => number): Promise<readonly RedisFinding[]> => {
  let client: RedisConnection | undefined
  try {
    client = await connectRedis(settings, logger)
    return await examine(client, settings, now)
  } catch (error) {
    return [finding('failure', 'redis', error instanceof Error ? error.message : String(error))]
  } finally {
    client?.disconnect()
  }
}
