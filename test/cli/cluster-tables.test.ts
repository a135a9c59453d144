/**
 * The cluster's composition from end to end: two `scorestream serve --config` on one Kafka and one Redis, the first of which fills a ClickHouse server, for which the
 * engine's own ClickHouse HTTP interface stands in a process of its own.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { partitionOf } from '#streams/murmur2.ts'
import { type EngineProcess, startEngine } from '../crash/engine-process.ts'
import { testSettings } from '../kafka/settings.ts'
import { kafkaServer } from '../servers/kafka.ts'
import { redisBinary } from '../servers/redis-binary.ts'
import { type RedisServer, startRedis } from '../servers/redis.ts'
import { ClickHouseServer } from '../streams/support/clickhouse-server.ts'

const PARTITIONS = 4
/** Starts, rebalances and restarts of real servers on a busy machine: generous, since only a hang reaches it. */
const WAIT_MS_MAX = 60_000
const kafka = await kafkaServer()
const here = kafka.kind === 'ready' && redisBinary().kind === 'ready'

interface Reply {
  readonly status: number
  readonly decisionId: string
}

describe.runIf(here)('two processes on Kafka and Redis, with the tables on a server', { timeout: 4 * WAIT_MS_MAX }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'scorestream-cluster-'))
  const clickhouse = new ClickHouseServer()
  let redis: RedisServer | undefined
  const engines: EngineProcess[] = []

  beforeAll(async () => {
    const brokers = kafka.kind === 'ready' ? kafka.brokers : []
    redis = await startRedis({ args: ['--maxmemory-policy', 'noeviction'] })
    await clickhouse.start()
    const settings = testSettings(brokers)
    const config = {
      log: { kind: 'kafka', partitions: PARTITIONS, kafka: { ...settings, group: { ...settings.group, id: settings.topicPrefix } } },
      state: { kind: 'redis', checkpointsDir: join(folder, 'checkpoints'), redis: { addresses: redis.address } },
      warehouse: { kind: 'server', server: clickhouse.settings() },
    }
    writeFileSync(join(folder, 'cluster.yaml'), stringify(config))
    for (const warehouse of ['server', 'off'])
      engines.push(
        await startEngine(join(folder, `engine-${warehouse}`), {
          arguments: ['--config', join(folder, 'cluster.yaml')],
          environment: { SCORESTREAM_WAREHOUSE_KIND: warehouse },
        }),
      )
    await shared()
  }, 4 * WAIT_MS_MAX)
  afterAll(async () => {
    await Promise.all(engines.map((engine) => engine.kill()))
    await clickhouse.remove()
    await redis?.destroy()
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
  }, WAIT_MS_MAX)

  const workedOn = async ({ http }: EngineProcess): Promise<number> =>
    Number(/works on (\d+) partitions/.exec(await (await fetch(`${http}/readyz`)).text())?.[1] ?? 0)
  /** Resolves once both have a part of the partitions, which together are all. */
  const shared = async (): Promise<void> => {
    for (const deadline = performance.now() + WAIT_MS_MAX; ;) {
      const counts = await Promise.all(engines.map(workedOn))
      if (counts.every((count) => count === PARTITIONS / 2)) return
      if (performance.now() > deadline)
        throw new Error(`after ${WAIT_MS_MAX / 1000} s the processes work on ${counts.join(' + ')} partitions`)
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }

  const apply = async (to: EngineProcess, n: number): Promise<Reply> => {
    const response = await fetch(`${to.http}/v1/applications?deadlineMs=20000`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        eventId: `e${n}`,
        kind: 'application',
        applicantId: `applicant-${n}`,
        eventTime: '2005-09-14T08:30:00Z',
        producer: 'test',
        applicationId: `a${n}`,
        product: 'credit-line',
        amount: 100_000 + n,
        currency: 'TWD',
        termMonths: 0,
        purpose: 'any',
        channel: 'online',
      }),
    })
    return { status: response.status, decisionId: ((await response.json()) as { decisionId: string }).decisionId }
  }
  const decided = new Set<string>()
  const applyTo = async (to: EngineProcess, from: number, count: number): Promise<void> => {
    const replies = await Promise.all(Array.from({ length: count }, (_, i) => apply(to, from + i)))
    expect(replies.map(({ status }) => status)).toEqual(replies.map(() => 200))
    for (const { decisionId } of replies) decided.add(decisionId)
  }
  const rows = () =>
    clickhouse
      .ask<{ id: string; times: string }>('SELECT decision_id AS id, count() AS times FROM decisions GROUP BY id ORDER BY id')
      .catch(() => [])
  /** Each decision answered is there, once. */
  const allInTables = () =>
    expect.poll(rows, { timeout: WAIT_MS_MAX, interval: 200 }).toEqual([...decided].sort().map((id) => ({ id, times: 1 })))

  it('each answers applications of every partition, also those that the other one works on', async () => {
    const partitions = new Set(Array.from({ length: 24 }, (_, n) => partitionOf(Buffer.from(`applicant-${n}`), PARTITIONS)))
    expect(partitions.size).toBe(PARTITIONS)
    await applyTo(engines[0] as EngineProcess, 0, 24)
    await applyTo(engines[1] as EngineProcess, 24, 24)
    expect(decided.size).toBe(48)
    await allInTables()
  })

  it('decisions made while the server was killed are in its tables once it is back, each once', async () => {
    await clickhouse.kill()
    await applyTo(engines[1] as EngineProcess, 100, 40)
    expect(decided.size).toBe(88)
    await clickhouse.start()
    await allInTables()
    // Events come by another consumer than decisions do, at its own pace.
    const events = async () =>
      Number((await clickhouse.ask<{ rows: number }>('SELECT count() AS rows FROM events').catch(() => []))[0]?.rows)
    await expect.poll(events, { timeout: WAIT_MS_MAX, interval: 200 }).toBe(88)
  })

  it('the process that fills the tables may be killed meanwhile: its successor resumes behind the last row', async () => {
    const [filling] = engines as [EngineProcess]
    await filling.kill()
    await applyTo(engines[1] as EngineProcess, 200, 24)
    engines[0] = await startEngine(join(folder, 'engine-server'), {
      arguments: ['--config', join(folder, 'cluster.yaml')],
      environment: { SCORESTREAM_WAREHOUSE_KIND: 'server' },
    })
    await allInTables()
    expect(decided.size).toBe(112)
  })
})
