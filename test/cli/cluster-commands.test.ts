/** The command line over a cluster: the same questions as on a data directory, asked of Kafka, beside an engine and without one. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Kafka, logLevel, type Producer } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { epochMs } from '#schemas/units.ts'
import { eventToJson } from '#schemas/parse-event.ts'
import { KafkaCluster } from '#streams/kafka/cluster.ts'
import { type EngineProcess, startEngine } from '../crash/engine-process.ts'
import { testSettings } from '../kafka/settings.ts'
import { kafkaServer } from '../servers/kafka.ts'
import { redisBinary } from '../servers/redis-binary.ts'
import { type RedisServer, startRedis } from '../servers/redis.ts'
import { application } from '../streams/support/embedded.ts'
import { scorestream } from './command-line.ts'

const kafka = await kafkaServer()
const ENGINE_MS = 60_000

if (kafka.kind === 'absent' || redisBinary().kind === 'absent')
  it.skip('the command line over a cluster (Kafka and Redis are needed)', () => {})
else
  describe('the command line over a cluster', { timeout: ENGINE_MS }, () => {
    const folder = mkdtempSync(join(tmpdir(), 'scorestream-cluster-'))
    const dataDir = join(folder, 'engine')
    const configFile = join(folder, 'cluster.yaml')
    const { brokers, topicPrefix, replicas, minInsyncReplicas } = testSettings(kafka.brokers)
    let redis: RedisServer
    let engine: EngineProcess
    let producer: Producer
    const atWork = () => startEngine(dataDir, { arguments: ['--config', configFile] })
    /** From a desk of its own: another data directory than the engine's. */
    const run = (...args: string[]) => scorestream([...args, '--config', configFile, '--data-dir', join(folder, 'desk')])
    const send = (key: string, value: string) => producer.send({ topic: `${topicPrefix}credit-events`, messages: [{ key, value }] })
    const applied = (who: string) => ({ ...eventToJson(application(who, 1, { eventTime: epochMs(Date.now() - 1_000), currency: 'TWD' })) })

    beforeAll(async () => {
      redis = await startRedis()
      const log = { kind: 'kafka', partitions: 3, kafka: { brokers, topicPrefix, replicas, minInsyncReplicas, group: { id: topicPrefix } } }
      const state = { kind: 'redis', redis: { addresses: redis.address }, checkpointsDir: join(folder, 'checkpoints') }
      writeFileSync(configFile, stringify({ log, state, warehouse: { kind: 'off' } }))
      producer = new Kafka({ clientId: 'other', brokers: [...brokers], logLevel: logLevel.NOTHING }).producer()
      await producer.connect()
      engine = await atWork()
    }, ENGINE_MS)
    afterAll(async () => {
      await engine.kill()
      await producer.disconnect()
      await redis.destroy()
      rmSync(folder, { recursive: true, force: true })
    })

    interface Listed {
      readonly matching: number
      readonly letters: readonly { id: string; code: string; eventId: string | null; state: string }[]
    }
    const listed = async (): Promise<Listed> => JSON.parse((await run('dead-letters', 'list', '--json')).stdout) as Listed
    interface Verified {
      readonly holds: boolean
      readonly decisions: number
    }
    const verified = async (): Promise<Verified> => JSON.parse((await run('verify-chain', '--json')).stdout) as Verified

    it('a foreign application is decided, its chain holds and its decision comes out again; a refused one is listed, mended and sent again', async () => {
      await send('c-1', JSON.stringify(applied('c-1')))
      await send('c-2', JSON.stringify({ ...applied('c-2'), amount: 'much' }))
      await expect.poll(async () => (await verified()).decisions, { timeout: 30_000, interval: 200 }).toBe(1)
      await expect.poll(async () => (await listed()).matching, { timeout: 30_000, interval: 200 }).toBe(1)
      const [letter] = (await listed()).letters
      expect(letter).toMatchObject({ code: 'schema-violation', eventId: 'app-c-2-1', state: 'open' })
      const shown = await run('dead-letters', 'show', letter?.id ?? '')
      expect(shown.stdout).toMatch(/refused at \d-\d+ of the input[^]*\/amount/)

      expect(await run('dead-letters', 'mend', letter?.id ?? '', '--set', '/amount=900')).toMatchObject({ code: 0 })
      const replayed = await run('dead-letters', 'replay', '--all-mended', '--json')
      expect(JSON.parse(replayed.stdout)).toMatchObject({ replayed: [{ id: letter?.id, outcome: 'accepted', eventId: 'app-c-2-1' }] })
      await expect.poll(async () => (await verified()).decisions, { timeout: 30_000, interval: 200 }).toBe(2)
      expect((await listed()).letters[0]?.state).toBe('replayed')

      const position = (JSON.parse(replayed.stdout) as { replayed: { position: string }[] }).replayed[0]?.position ?? ''
      expect(JSON.parse((await run('replay', position, '--json')).stdout)).toMatchObject({ id: position, result: 'same' })
      expect(await verified()).toMatchObject({ holds: true, decisions: 2 })
    })

    it('doctor looks at the cluster and finds the topics that the state belongs to', async () => {
      const { stdout } = await scorestream(['doctor', '--json', '--config', configFile, '--data-dir', dataDir], { SCORESTREAM_PORT: '0' })
      const { findings } = JSON.parse(stdout) as { findings: readonly { check: string; state: string }[] }
      expect(findings.find(({ check }) => check === `topic ${topicPrefix}credit-events`)?.state).not.toBe('failure')
      expect(findings.find(({ check }) => check === 'kafka')?.state).toBe('ok')
    })

    it('a topic deleted and made anew while the engine was away is refused at its start, with what to do', async () => {
      expect(await engine.end()).toBe(0)
      const cluster = new KafkaCluster(testSettings(brokers, { topicPrefix }))
      await cluster.admin.deleteTopics({ topics: [`${topicPrefix}decisions`] })
      await cluster.close()
      await expect(atWork()).rejects.toThrow(/decisions, whose id was .* is gone\. Restore the topic with its records; or begin anew/)
      const doctored = await scorestream(['doctor', '--json', '--config', configFile, '--data-dir', dataDir], { SCORESTREAM_PORT: '0' })
      expect(doctored.code).toBe(1)
      expect(doctored.stdout).toMatch(/decisions, whose id was .* is gone/)
    })
  })
