/** A broker and a Redis for measurements, both on free ports and gone with the run. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Kafka, logLevel } from 'kafkajs'
import { type Broker, startBroker } from '../../test/servers/kafka.ts'
import { startRedis, type RedisServer } from '../../test/servers/redis.ts'
import { runFolder } from '../../test/servers/run-folder.ts'
import { cpuSecondsOfGroup } from './cpu-seconds.ts'

export const PARTITIONS = 12
/** Of both parties' groups; the peer's is its client's setting, ours the broker's. */
export const SESSION_MS = 6_000
export const HEARTBEAT_MS = 500
const REDIS_ARGS = ['--appendonly', 'yes', '--appendfsync', 'everysec', '--maxmemory-policy', 'noeviction']

export interface Servers {
  readonly broker: Broker
  readonly redis: RedisServer
  brokerCpuS(): number
  redisCpuS(): Promise<number>
  /** Removes topics, and returns once the broker has none of them. */
  dropTopics(names: readonly string[]): Promise<void>
  createTopics(names: readonly string[]): Promise<void>
  /** Records that a topic holds, none of which has been removed. */
  recordsIn(topic: string): Promise<number>
  end(): Promise<void>
}

/** Brokers of one run have folders of their own. */
let brokers = 0

export const startServers = async (): Promise<Servers> => {
  const name = `broker-${brokers++}`
  const broker = await startBroker({
    name,
    // As a production broker is run, on a small machine: both compilers, the default collector.
    jvm: ['-Xms1g', '-Xmx1g'],
    properties: [
      `group.consumer.session.timeout.ms=${SESSION_MS}`,
      `group.consumer.heartbeat.interval.ms=${HEARTBEAT_MS}`,
      'group.consumer.min.session.timeout.ms=500',
      'file.delete.delay.ms=1000',
    ],
  })
  const redis = await startRedis({ args: REDIS_ARGS })
  const admin = new Kafka({ brokers: [broker.address], clientId: 'bench', logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  const group = Number(readFileSync(join(runFolder(), `${name}.pid`), 'utf8'))
  const waitUntil = async (met: (topics: readonly string[]) => boolean, what: string): Promise<void> => {
    const deadline = performance.now() + 30_000
    while (!met(await admin.listTopics())) {
      if (performance.now() > deadline) throw new Error(`${what}: not so after 30 s`)
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
  return {
    broker,
    redis,
    brokerCpuS: () => cpuSecondsOfGroup(group),
    async redisCpuS() {
      const info = String(await redis.call('INFO', 'cpu'))
      const of = (what: string): number => Number(new RegExp(`used_cpu_${what}:([0-9.]+)`).exec(info)?.[1])
      return of('user') + of('sys')
    },
    async dropTopics(names) {
      const there = await admin.listTopics()
      const topics = names.filter((name) => there.includes(name))
      // A topic that is on its way out may already be unknown: what counts is that it is gone in the end.
      if (topics.length > 0) await admin.deleteTopics({ topics }).catch(() => {})
      await waitUntil((left) => !topics.some((name) => left.includes(name)), `deleting ${topics.join(', ')}`)
    },
    async createTopics(names) {
      await admin.createTopics({
        topics: names.map((topic) => ({ topic, numPartitions: PARTITIONS, replicationFactor: 1 })),
        waitForLeaders: false,
      })
      await waitUntil((there) => names.every((name) => there.includes(name)), `making ${names.join(', ')}`)
    },
    recordsIn: async (topic) => (await admin.fetchTopicOffsets(topic)).reduce((sum, { high }) => sum + Number(high), 0),
    async end() {
      await admin.disconnect()
      await broker.kill()
      await redis.destroy()
    },
  }
}
