/** A bundle of the linked set, served by two processes on Kafka and Redis from one configuration, through the kill of one of them. */
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { creditLinkedFeatureSet } from '#features/credit-linked-v1.ts'
import { promote } from '#registry/promote.ts'
import type { Decision } from '#schemas/decision.ts'
import { decodeLinkedUpdate } from '#schemas/linked-wire.ts'
import { decodeDecisionRecord } from '#schemas/wire.ts'
import { openKafkaLog } from '#streams/kafka/event-log.ts'
import { silentLogger } from '#streams/logger.ts'
import type { LogRecord, Topic } from '#streams/ports.ts'
import { personally } from '../../cli/attribution.ts'
import { Producer } from '../crash/producer.ts'
import { type EngineProcess, startEngine } from '../crash/engine-process.ts'
import { demoEvents, publishBundle } from '../evolution/publish-bundle.ts'
import { testSettings } from '../kafka/settings.ts'
import { kafkaServer } from '../servers/kafka.ts'
import { redisBinary } from '../servers/redis-binary.ts'
import { type RedisServer, startRedis } from '../servers/redis.ts'
import { scorestream } from './command-line.ts'

const kafka = await kafkaServer()
const PARTITIONS = 4
const CLIENTS = 60
const LIMIT_MS = 120_000

if (kafka.kind === 'absent' || redisBinary().kind === 'absent')
  it.skip('the linked set on a cluster (Kafka and Redis are needed)', () => {})
else
  describe('the linked set on a cluster', { timeout: LIMIT_MS }, () => {
    const root = mkdtempSync(join(tmpdir(), 'scorestream-linked-cluster-'))
    const configFile = join(root, 'cluster.yaml')
    const settings = testSettings(kafka.brokers)
    /** Every client names one of a few devices, and devices lie in other partitions than those who name them. */
    const events = demoEvents(0, CLIENTS).map((event) =>
      event.kind === 'application' ? { ...event, deviceId: `device-${Number(event.applicantId.slice(3)) % 3}` } : event,
    )
    let redis: RedisServer
    const engines: EngineProcess[] = []
    let producer: Producer

    const begin = async (place: number): Promise<EngineProcess> => {
      const engine = await startEngine(join(root, `engine-${place}`), { arguments: ['--config', configFile] })
      engines.push(engine)
      return engine
    }

    const recordsOf = async (topic: Topic): Promise<readonly LogRecord[]> => {
      const log = await openKafkaLog({ settings, partitions: PARTITIONS, logger: silentLogger })
      const out: LogRecord[] = []
      for (let partition = 0; partition < PARTITIONS; partition++)
        for (let next = 0; ;) {
          const page = await log.read(topic, partition, next, 1024 * 1024)
          const last = page.at(-1)
          if (last === undefined) break
          out.push(...page)
          next = last.offset + 1
        }
      await log.close()
      return out
    }
    const decisions = async (): Promise<readonly Decision[]> =>
      (await recordsOf('decisions')).flatMap(({ value }) => {
        const found = decodeDecisionRecord(value)
        return found.kind === 'decision' ? [found.decision] : []
      })
    const decidedApplicants = async (): Promise<number> => new Set((await decisions()).map(({ body }) => body.applicantId)).size

    beforeAll(async () => {
      const modelsDir = join(root, 'models')
      cpSync(join(import.meta.dirname, '../../models'), modelsDir, { recursive: true })
      const version = await publishBundle('credit-linked-v1', modelsDir)
      promote(modelsDir, 'credit', version, 'champion', personally('a test', 0))
      redis = await startRedis()
      const { brokers, topicPrefix, replicas, minInsyncReplicas } = settings
      const group = { id: topicPrefix, sessionTimeoutMs: 2_000 }
      const config = {
        log: { kind: 'kafka', partitions: PARTITIONS, kafka: { brokers, topicPrefix, replicas, minInsyncReplicas, group } },
        state: { kind: 'redis', redis: { addresses: redis.address }, checkpointsDir: join(root, 'checkpoints') },
        warehouse: { kind: 'off' },
        models: { dir: modelsDir },
      }
      writeFileSync(configFile, stringify(config))
      const [doomed, other] = [await begin(0), await begin(1)]
      const half = events.length / 2
      const first = new Producer(events.slice(0, half), { lanes: 1, lines: 20 })
      first.pointAt(doomed.http)
      await first.run()
      await doomed.kill()
      producer = new Producer(events.slice(half), { lanes: 1, lines: 20 })
      producer.pointAt(other.http)
      await producer.run()
    }, LIMIT_MS)
    afterAll(async () => {
      await Promise.all(engines.map((engine) => engine.kill()))
      await redis.destroy()
      rmSync(root, { recursive: true, force: true })
    })

    it('each application is decided by it, once, on what was told of devices by other partitions before', async () => {
      await expect.poll(decidedApplicants, { timeout: 60_000, interval: 500 }).toBe(CLIENTS)
      const bodies = new Map((await decisions()).map(({ body }) => [`${body.partition}-${body.offset}`, body]))
      expect(bodies.size).toBe(CLIENTS)
      expect(new Set([...bodies.values()].map(({ featureSetHash }) => featureSetHash))).toEqual(new Set([creditLinkedFeatureSet.hash]))
      const place = creditLinkedFeatureSet.features.findIndex(({ name }) => name === 'device.application.event.count.7d')
      const read = [...bodies.values()].flatMap(({ linked, vector }) =>
        (linked ?? []).filter(({ entity }) => entity === 'device').map(({ version }) => ({ version, count: vector[place]! })),
      )
      expect(read).toHaveLength(CLIENTS)
      expect(read.filter(({ version, count }) => version > 0 && count > 0).length).toBeGreaterThan(0)
      for (const { version, count } of read) if (version === 0) expect(count).toBe(0)
    })

    it('every application told its device, and no position told it in two ways', async () => {
      const told = new Map<string, string>()
      for (const { value } of await recordsOf('linked-entities')) {
        const update = decodeLinkedUpdate(value)
        if (update.kind === 'rejected') throw new Error(update.rejection.detail)
        if (update.value.entity !== 'device') continue
        const { sourcePartition, sourceOffset, application } = update.value
        const at = `${sourcePartition}-${sourceOffset}`
        const content = Buffer.from(application).toString('hex')
        expect(told.get(at) ?? content).toBe(content)
        told.set(at, content)
      }
      expect(told.size).toBe(CLIENTS)
    })

    it('its decisions come out again, bit for bit, from the cluster’s topics', async () => {
      const ids = (await decisions()).filter((_, i) => i % 12 === 0).map(({ body }) => `${body.partition}-${body.offset}`)
      const { code, stdout, stderr } = await scorestream([
        'replay',
        '--json',
        ...ids,
        '--config',
        configFile,
        '--data-dir',
        join(root, 'desk'),
      ])
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
      const answers = stdout.trimEnd().split('\n')
      expect(answers).toHaveLength(ids.length)
      for (const line of answers) expect(JSON.parse(line)).toMatchObject({ result: 'same' })
    })
  })
