/**
 * An engine on real Kafka and Redis whose input is written by everybody at once: kafkajs and Java's client in JSON, registry Avro one version
 * ahead and one behind, kcat with librdkafka's own partitioner and without keys, the engine's edge, and people who write nonsense.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import avsc from 'avsc'
import { Kafka, logLevel, type Producer } from 'kafkajs'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { avroSchemaOf } from '#schemas/avro.ts'
import type { DeadLetter } from '#schemas/dead-letter.ts'
import { type CreditEvent, EVENT_SCHEMAS } from '#schemas/events.ts'
import { eventToJson } from '#schemas/parse-event.ts'
import { registerEventSchemas, subjectOf } from '#schemas/register-events.ts'
import { SchemaRegistry } from '#schemas/registry-client.ts'
import { epochMs } from '#schemas/units.ts'
import { decodeDeadLetter, schemaIdOf } from '#schemas/wire.ts'
import { DEDUPE_DEFAULT } from '#streams/dedupe-ring.ts'
import { openVault } from '#streams/embedded/vault.ts'
import { createEngine, type Engine } from '#streams/engine.ts'
import { inputOf, readInput } from '#streams/input.ts'
import { Ingest } from '#streams/ingest.ts'
import { type KafkaEventLog, openKafkaLog } from '#streams/kafka/event-log.ts'
import type { KafkaSettings } from '#streams/kafka/settings.ts'
import { silentLogger } from '#streams/logger.ts'
import { partitionOf } from '#streams/murmur2.ts'
import type { Clock, StateStore } from '#streams/ports.ts'
import { Reconciler } from '#streams/reconciler/reconciler.ts'
import { openRedisState } from '#streams/redis/state-store.ts'
import { replayDecision } from '#streams/replay.ts'
import { settingsFor } from '../redis/open-store.ts'
import { kafkaServer } from '../servers/kafka.ts'
import { redisBinary } from '../servers/redis-binary.ts'
import { type RedisServer, startRedis } from '../servers/redis.ts'
import { schemaRegistryServer } from '../servers/schema-registry.ts'
import { application, decisionsIn, newFolder, payment, tinyDecider, tinyFeatureSet } from '../streams/support/embedded.ts'
import { testSettings } from './settings.ts'

const PARTITIONS = 5
const kafka = await kafkaServer()
const registryServer = await schemaRegistryServer()
const haveKcat = spawnSync('kcat', ['-V']).status === 0 || process.env['CI'] === 'true'
const clock: Clock = { now: () => epochMs(Date.now()) }
const time = { aheadMsMax: 300_000, ageMsMax: null }

interface RecordSchema {
  readonly fields: readonly { readonly name: string }[]
}
const schemaOf = (kind: 'payment' | 'application') => avroSchemaOf(EVENT_SCHEMAS[kind]) as unknown as RecordSchema
/** A payment with a field that this build does not know, and an application without one that it knows. */
const ahead = (): RecordSchema => {
  const { fields, ...rest } = schemaOf('payment')
  return { ...rest, fields: [...fields, { name: 'instrument', type: ['null', 'string'], default: null } as { name: string }] }
}
const behind = (): RecordSchema => {
  const { fields, ...rest } = schemaOf('application')
  return { ...rest, fields: fields.filter(({ name }) => name !== 'deviceId') }
}
/** As a producer of another library writes. */
const written = (id: number, schema: RecordSchema, event: CreditEvent, more: object = {}): Buffer => {
  const type = avsc.Type.forSchema(schema as unknown as avsc.Schema, { wrapUnions: false, registry: {} })
  const head = Buffer.alloc(5)
  head.writeUInt32BE(id, 1)
  return Buffer.concat([head, type.toBuffer({ ...event, ...more })])
}
const json = (event: CreditEvent): string => JSON.stringify(eventToJson(event))
const twoOf = (who: string): [CreditEvent, CreditEvent] => [payment(who, 1), application(who, 2)]
const manyOf = (prefix: string, count: number): CreditEvent[] => Array.from({ length: count }, (_, i) => twoOf(`${prefix}-${i}`)).flat()

/** Leads to the real registry, while it is not closed. */
class Road {
  readonly #server: Server
  readonly #travellers = new Set<Socket>()
  #closed = false
  constructor(target: URL) {
    this.#server = createServer((socket) => {
      if (this.#closed) return socket.destroy()
      const onward = connect(Number(target.port), target.hostname)
      for (const one of [socket, onward]) {
        this.#travellers.add(one)
        one.on('error', () => {})
      }
      return socket.pipe(onward).pipe(socket)
    })
  }
  async begin(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    return (this.#server.address() as AddressInfo).port
  }
  close(): void {
    this.#closed = true
    for (const one of this.#travellers) one.destroy()
  }
  reopen(): void {
    this.#closed = false
  }
  end(): void {
    this.close()
    this.#server.close()
  }
}

if (kafka.kind === 'absent' || registryServer.kind === 'absent' || redisBinary().kind === 'absent' || !haveKcat)
  it.skip('producers of every kind (Kafka, a schema registry, Redis and kcat are needed)', () => {})
else
  describe('producers of every kind', () => {
    let redis: RedisServer
    let producer: Producer
    let settings: KafkaSettings
    let log: KafkaEventLog
    let state: StateStore
    let engine: Engine
    const failures: unknown[] = []
    const topic = (): string => `${settings.topicPrefix}credit-events`

    beforeAll(async () => {
      redis = await startRedis()
      producer = new Kafka({ clientId: 'other', brokers: [...kafka.brokers], logLevel: logLevel.NOTHING }).producer()
      await producer.connect()
    })
    afterAll(async () => {
      await producer.disconnect()
      await redis.destroy()
    })
    afterEach(async () => {
      await engine.stop()
      await state.close()
      await log.close()
      expect(failures).toEqual([])
    })

    const open = async (url: string): Promise<void> => {
      settings = testSettings(kafka.brokers, { registry: { url } })
      log = await openKafkaLog({ settings, partitions: PARTITIONS, logger: silentLogger, writesEvents: true })
      state = await openRedisState({
        settings: settingsFor({ addresses: redis.address }),
        partitions: PARTITIONS,
        featureSetHash: tinyFeatureSet.hash,
        generation: log.topicIds()['credit-events'],
        logger: silentLogger,
      })
      engine = createEngine({
        ...{ log, state, featureSet: tinyFeatureSet, decider: tinyDecider(), clock, logger: silentLogger },
        ...{ monotonicUs: () => performance.now() * 1000, owner: 'test', host: 'test', runtime: 'test' },
        onStopped: (failure) => failures.push(failure),
      })
      await redis.call('FLUSHALL')
      await engine.start()
    }
    const send = async (events: readonly CreditEvent[], bytes: (event: CreditEvent) => Buffer | string): Promise<void> => {
      await producer.send({ topic: topic(), messages: events.map((event) => ({ key: event.applicantId, value: bytes(event) })) })
    }
    const settled = async (applications: number): Promise<void> => {
      await expect
        .poll(async () => (await decisionsIn(log)).length, { timeout: 30_000, interval: 100, message: 'decisions believed' })
        .toBe(applications)
      await engine.drain()
    }

    it('every event counts once, in the order of the partition it belongs to; nonsense is kept with its reason', async () => {
      await open(registryServer.url)
      const registry = new SchemaRegistry({ url: registryServer.url })
      const aheadId = await registry.register(subjectOf(topic(), 'payment'), ahead())
      const behindId = await registry.register(subjectOf(topic(), 'application'), behind())
      const avro = (event: CreditEvent): Buffer =>
        event.kind === 'payment' ? written(aheadId, ahead(), event, { instrument: 'card' }) : written(behindId, behind(), event)
      const kcat = (events: readonly CreditEvent[], ...args: string[]): void => {
        const lines = events.map((event) => (args.includes('-K') ? `${event.applicantId}|${json(event)}` : json(event)))
        execFileSync('kcat', ['-P', '-b', kafka.brokers.join(','), '-t', topic(), ...args], { input: `${lines.join('\n')}\n` })
      }
      await send(manyOf('json', 8), json)
      await send(manyOf('json', 2), json) // a producer's retry
      await send(manyOf('avro', 8), avro)
      kcat(manyOf('crc', 16), '-K', '|')
      kcat(manyOf('keyless', 3))
      const vaultFolder = newFolder()
      const vault = openVault(vaultFolder)
      const ingest = new Ingest({ log, engine, vault, clock })
      for (const event of manyOf('edge', 4)) await ingest.ingest([{ event, bytes: Buffer.from(json(event)) }])
      const invoice = await registry.register(`${topic()}-value`, { type: 'record', name: 'Invoice', fields: [{ name: 'x', type: 'int' }] })
      const nonsense = [
        Buffer.from('{"kind": "payment", "amount": '),
        Buffer.from(json(payment('x', 1)).replace('"amount":101', '"amount":"much"')),
        Buffer.from(JSON.stringify({ ...eventToJson(payment('x', 1)), kind: 'protected', attributes: { sex: 'f' } })),
        Buffer.concat([Buffer.from([0, 0, 0, 0, invoice]), Buffer.from([2])]),
        Buffer.from([0, 0x7f, 0xff, 0xff, 0xf0, 2]),
      ]
      await producer.send({ topic: topic(), messages: nonsense.map((value) => ({ key: 'x', value })) })

      await settled(8 + 8 + 16 + 3 + 4)
      const input = inputOf(log)
      const expected = new Map<string, readonly number[]>()
      for (let partition = 0; partition < PARTITIONS; partition++) {
        const states = new Map<string, Uint8Array>()
        const seen = new Set<string>()
        for (let next = 0; next < (log.end('credit-events')[partition] as number);)
          for (const record of await log.read('credit-events', partition, next, 100_000)) {
            next = record.offset + 1
            const found = readInput(record, input)
            if (found.kind !== 'event' || seen.has(found.event.eventId)) continue
            seen.add(found.event.eventId)
            const known = states.get(found.event.applicantId) ?? new Uint8Array(tinyFeatureSet.stateBytes)
            states.set(found.event.applicantId, known)
            const vector = new Float32Array(tinyFeatureSet.size)
            if (found.event.kind === 'application') {
              tinyFeatureSet.vector(known, found.event, vector, 0)
              expected.set(found.event.applicationId, [...vector])
            }
            tinyFeatureSet.fold(known, found.event)
          }
      }
      const decisions = await decisionsIn(log)
      expect(new Map(decisions.map(({ body }) => [body.applicationId, [...body.vector]]))).toEqual(expected)
      for (const { body } of decisions) {
        expect(body.partition).toBe(partitionOf(Buffer.from(body.applicantId), PARTITIONS))
        // Whoever sent it: a payment of 101, then the application; kcat and kafkajs may place the two out of turn only where they strayed.
        if (!/^(crc|keyless)/.test(body.applicantId)) expect([...body.vector].slice(0, 2)).toEqual([1, 101])
      }
      expect(engine.counters.rerouted).toBeGreaterThan(10)
      expect(engine.counters.duplicates).toBeGreaterThanOrEqual(4)

      const letters: DeadLetter[] = []
      for (let partition = 0; partition < PARTITIONS; partition++)
        for (const { value } of await log.read('dead-letters', partition, 0, 1e6)) {
          const letter = decodeDeadLetter(value)
          if (letter.kind === 'accepted') letters.push(letter.value)
        }
      const byCode = (code: string) => letters.filter((letter) => letter.code === code)
      expect(letters.map(({ code }) => code).sort()).toEqual(
        ['malformed-json', 'schema-violation', 'unknown-kind', 'unknown-schema', 'unknown-schema'].sort(),
      )
      expect(Buffer.from(byCode('malformed-json')[0]?.bytes ?? []).toString()).toBe(nonsense[0]?.toString())
      expect(byCode('schema-violation')[0]?.errors).toMatchObject([{ pointer: '/amount' }])
      expect(byCode('unknown-kind')[0]).toMatchObject({ bytes: Buffer.alloc(0), detail: expect.stringMatching(/withheld/) as string })
      expect(byCode('unknown-schema').map(({ detail }) => detail)).toEqual(
        expect.arrayContaining([expect.stringMatching(/it is a Invoice/), expect.stringMatching(/has no Avro schema 2147483632/)]),
      )

      const reconciler = new Reconciler({ log })
      while (await reconciler.step());
      expect(reconciler.totals()).toMatchObject({ decided: expected.size, lost: 0, conflicting: 0, inFlight: 0 })
      const reader = await openKafkaLog({ settings, partitions: PARTITIONS, logger: silentLogger })
      try {
        const parts = { log: reader, featureSet: tinyFeatureSet, decider: tinyDecider(), time, dedupe: DEDUPE_DEFAULT }
        for (const who of ['json-1', 'avro-1', 'crc-1', 'keyless-1', 'edge-1']) {
          const body = decisions.find((one) => one.body.applicantId === who)?.body
          expect(await replayDecision(`${body?.partition}-${body?.offset}`, parts), who).toMatchObject({ kind: 'same' })
        }
        // What the edge wrote, any client of the registry reads.
        const edge = decisions.find((one) => one.body.applicantId === 'edge-1')?.body
        const [record] = await reader.read('credit-events', edge?.partition ?? 0, edge?.offset ?? 0, 1)
        const text = await registry.schemaOf(schemaIdOf(record?.value ?? Buffer.alloc(0)))
        expect(JSON.parse(text ?? '')).toMatchObject({ name: 'Application' })
      } finally {
        await reader.close()
        await vault.close()
        rmSync(vaultFolder, { recursive: true })
      }
    })

    it('while the registry is away, what needs it waits and only the lag grows; nothing is given up', async () => {
      const target = new URL(registryServer.url)
      const road = new Road(target)
      const url = `http://127.0.0.1:${await road.begin()}${target.pathname}`
      try {
        await open(url)
        const id = await new SchemaRegistry({ url: registryServer.url }).register(subjectOf(topic(), 'payment'), ahead())
        road.close()
        await send([payment('c1', 1)], (event) => written(id, ahead(), event))
        await send([application('c1', 2)], json)
        await expect.poll(() => engine.counters.retries, { timeout: 20_000 }).toBeGreaterThan(2)
        expect(engine.counters).toMatchObject({ events: {}, deadLetters: {}, decisions: 0 })
        road.reopen()
        await settled(1)
        const [decision] = await decisionsIn(log)
        expect([...(decision?.body.vector ?? [])].slice(0, 2)).toEqual([1, 101])
        expect(engine.counters.deadLetters).toEqual({})
      } finally {
        road.end()
      }
    })

    it('without a registry JSON and this program’s own Avro are events, and ids are those of its catalogue', async () => {
      await open(registryServer.url)
      const plain = testSettings(kafka.brokers, { topicPrefix: settings.topicPrefix })
      const reader = await openKafkaLog({ settings: plain, partitions: PARTITIONS, logger: silentLogger })
      const ids = await registerEventSchemas(new SchemaRegistry({ url: registryServer.url }), topic())
      const bytes = reader.format.encode(payment('c1', 1))
      expect(schemaIdOf(bytes)).toBe(3)
      expect(schemaIdOf(log.format.encode(payment('c1', 1)))).toBe(ids.payment)
      expect(reader.format.decode(Buffer.from(json(payment('c1', 1))))).toMatchObject({ kind: 'accepted' })
      await reader.close()
    })
  })
