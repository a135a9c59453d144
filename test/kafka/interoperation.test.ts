import { execFileSync, spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { CompressionTypes, Kafka, logLevel } from 'kafkajs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { CreditEvent } from '#schemas/events.ts'
import { eventToJson } from '#schemas/parse-event.ts'
import { encodeEvent } from '#schemas/wire.ts'
import { type KafkaEventLog, openKafkaLog } from '#streams/kafka/event-log.ts'
import { silentLogger } from '#streams/logger.ts'
import { inputOf } from '#streams/input.ts'
import { admit } from '#streams/pipeline/admission.ts'
import type { LogRecord } from '#streams/ports.ts'
import { reroute } from '#streams/reroute.ts'
import { SAMPLES } from '../schemas/sample-events.ts'
import { kafkaServer } from '../servers/kafka.ts'
import { testSettings } from './settings.ts'

const PARTITIONS = 5
const server = await kafkaServer()
const haveKcat = spawnSync('kcat', ['-V']).status === 0
const rules = { aheadMsMax: 300_000, ageMsMax: null }
const payment = SAMPLES.find(({ kind }) => kind === 'payment') as CreditEvent
const events = Array.from({ length: 40 }, (_, i): CreditEvent => ({
  ...payment,
  eventId: `e-${i}`,
  applicantId: `a-${i}` as CreditEvent['applicantId'],
}))
const json = (event: CreditEvent): string => JSON.stringify(eventToJson(event))
const lines = events.map((event) => `${event.applicantId}|${json(event)}`).join('\n')

/** Before Kafka 4 it was part of the broker's own packages. */
const consoleProducerIn = (classPath: string): string =>
  readdirSync(dirname(classPath)).some((jar) => /^kafka-tools-[123]\./.test(jar))
    ? 'kafka.tools.ConsoleProducer'
    : 'org.apache.kafka.tools.ConsoleProducer'

if (server.kind === 'absent') it.skip(`producers of other libraries (${server.reason})`, () => {})
else
  describe('producers of other libraries', () => {
    const settings = testSettings(server.brokers)
    const topic = `${settings.topicPrefix}credit-events`
    const brokers = server.brokers.join(',')
    const client = new Kafka({ clientId: 'other', brokers: [...server.brokers], logLevel: logLevel.NOTHING })
    let log: KafkaEventLog
    let from: readonly number[]

    beforeEach(async () => {
      log = await openKafkaLog({ settings, partitions: PARTITIONS, logger: silentLogger })
      from = log.end('credit-events')
    })
    afterEach(() => log.close())

    /** As a consumer of the port reads, up to the ends as they are. */
    const arrived = async (): Promise<LogRecord[]> => {
      const partitions = Array.from({ length: PARTITIONS }, (_, partition) => partition)
      await log.refresh('credit-events', partitions)
      const out: LogRecord[] = []
      for (const partition of partitions)
        for (let next = from[partition] as number; next < (log.end('credit-events')[partition] as number);) {
          const page = await log.read('credit-events', partition, next, 10_000)
          out.push(...page)
          next = page.length === 0 ? (log.end('credit-events')[partition] as number) : (page.at(-1) as LogRecord).offset + 1
        }
      return out
    }
    const admitted = (records: readonly LogRecord[]) => records.map((record) => admit(record, inputOf(log), rules))
    const idsOf = (records: readonly LogRecord[]): string[] =>
      admitted(records)
        .flatMap((one) => (one.kind === 'event' ? [one.event.eventId] : []))
        .sort()
    const everyId = events.map(({ eventId }) => eventId).sort()

    it('kafkajs places JSON and Avro where the engine expects them, compressed or not', async () => {
      const producer = client.producer({ allowAutoTopicCreation: false })
      await producer.connect()
      const messages = events.map((event, i) => ({
        key: event.applicantId,
        value: i % 2 === 0 ? json(event) : Buffer.from(encodeEvent(event)),
      }))
      await producer.send({ topic, messages: messages.slice(0, 20), compression: CompressionTypes.None })
      await producer.send({ topic, messages: messages.slice(20), compression: CompressionTypes.GZIP })
      await producer.disconnect()
      expect(idsOf(await arrived())).toEqual(everyId)
    })

    it('what a transaction of kafkajs aborts is never seen, and its marks are nothing to wait for', async () => {
      const producer = client.producer({ transactionalId: `tx-${topic}`, maxInFlightRequests: 1, idempotent: true })
      await producer.connect()
      for (const [i, outcome] of (['commit', 'abort', 'commit', 'abort'] as const).entries()) {
        const transaction = await producer.transaction()
        await transaction.send({
          topic,
          messages: events.slice(i * 10, i * 10 + 10).map((event) => ({ key: event.applicantId, value: json(event) })),
        })
        await transaction[outcome]()
      }
      await producer.disconnect()
      const records = await arrived()
      expect(idsOf(records)).toEqual([...events.slice(0, 10), ...events.slice(20, 30)].map(({ eventId }) => eventId).sort())
      for (let partition = 0; partition < PARTITIONS; partition++) {
        const last = records.filter((record) => record.partition === partition).at(-1)
        if (last !== undefined) {
          expect(await log.read('credit-events', partition, last.offset + 1, 1_000)).toEqual([])
          expect(log.end('credit-events')[partition]).toBe(last.offset + 1)
        }
      }
    })

    it.each(['gzip', 'snappy', 'lz4', 'zstd'])('the Java client places records where the engine expects them, %s', async (codec) => {
      if (server.classPath === undefined) throw new Error('Kafka’s jars are needed for its console producer')
      execFileSync(
        'java',
        [
          ...['-Xmx128m', '-XX:TieredStopAtLevel=1', '-cp', server.classPath, consoleProducerIn(server.classPath)],
          ...['--bootstrap-server', brokers, '--topic', topic, '--compression-codec', codec],
          ...['--property', 'parse.key=true', '--property', 'key.separator=|'],
        ],
        { input: `${lines}\n`, stdio: ['pipe', 'pipe', 'pipe'] },
      )
      expect(idsOf(await arrived())).toEqual(everyId)
    })

    describe.skipIf(!haveKcat && process.env['CI'] !== 'true')('kcat', () => {
      const kcat = (...args: string[]): void => {
        execFileSync('kcat', ['-P', '-b', brokers, '-t', topic, ...args], { input: `${lines}\n`, stdio: ['pipe', 'pipe', 'pipe'] })
      }

      it('with Kafka’s partitioner places records where the engine expects them', async () => {
        kcat('-K', '|', '-X', 'topic.partitioner=murmur2_random')
        expect(idsOf(await arrived())).toEqual(everyId)
      })

      it('with its own partitioner strays; strays are told apart, and lie right once they are put where they belong', async () => {
        kcat('-K', '|')
        const records = await arrived()
        const outcomes = admitted(records)
        const mended = records.flatMap((record, i) => {
          const outcome = outcomes[i]
          return outcome?.kind === 'stray' ? [reroute(record, outcome.event, PARTITIONS)] : []
        })
        expect(mended.length).toBeGreaterThan(10)
        expect(mended.length + outcomes.filter(({ kind }) => kind === 'event').length).toBe(events.length)
        await log.append('credit-events', mended)
        expect(idsOf(await arrived())).toEqual(everyId)
      })

      it('without a key strays, wherever it falls', async () => {
        execFileSync('kcat', ['-P', '-b', brokers, '-t', topic], { input: `${json(payment)}\n`, stdio: ['pipe', 'pipe', 'pipe'] })
        const [outcome] = admitted(await arrived())
        expect(outcome?.kind).toBe('stray')
      })
    })

    it('what the engine appends, another library reads: same key, value and order', async () => {
      const records = events.map((event) => ({ partition: 3, key: Buffer.from(event.applicantId), value: encodeEvent(event) }))
      await log.append('decisions', records)
      const consumer = client.consumer({ groupId: `reader-${topic}` })
      await consumer.connect()
      await consumer.subscribe({ topic: `${settings.topicPrefix}decisions`, fromBeginning: true })
      const seen: { key: string; value: Buffer }[] = []
      await consumer.run({
        eachMessage: ({ message }) => {
          seen.push({ key: String(message.key), value: message.value as Buffer })
          return Promise.resolve()
        },
      })
      await expect.poll(() => seen.length, { timeout: 20_000 }).toBe(records.length)
      await consumer.disconnect()
      expect(seen.map(({ key }) => key)).toEqual(events.map(({ applicantId }) => applicantId))
      expect(seen.every(({ value }, i) => value.equals((records[i] as { value: Uint8Array }).value))).toBe(true)
    })
  })
