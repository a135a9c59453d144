/** Events for both parties: the demo stream, lap after lap of new applicants, and new events of the first lap's applicants. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { CreditEvent } from '#schemas/events.ts'
import { eventToJson } from '#schemas/parse-event.ts'
import { applicantId } from '#schemas/units.ts'
import { encodeEvent } from '#schemas/wire.ts'
import { demoStream, type DemoStream } from '#streams/demo/demo-stream.ts'
import { partitionOf } from '#streams/murmur2.ts'
import { openKafkaLog } from '#streams/kafka/event-log.ts'
import { silentLogger } from '#streams/logger.ts'
import type { AppendRecord } from '#streams/ports.ts'
import { kafkaSettings } from './kafka-settings.ts'
import type { Wire } from './party.ts'
import { PARTITIONS } from './servers.ts'

const DATA = join(import.meta.dirname, '../../data/taiwan/taiwan-credit-default.csv.gz')
const BATCH = 4_000

export const openDemo = (): DemoStream => demoStream(readFileSync(DATA))

const encoded = (event: CreditEvent, wire: Wire): Uint8Array =>
  wire === 'avro' ? encodeEvent(event) : Buffer.from(JSON.stringify(eventToJson(event)))

/** The key decides the partition as every Kafka client's default does. */
export const recordOf = (event: CreditEvent, wire: Wire): AppendRecord => {
  const key = Buffer.from(event.applicantId)
  return { key, value: encoded(event, wire), partition: partitionOf(key, PARTITIONS) }
}

/** The event as of an applicant of lap `lap`. */
const inLap = (event: CreditEvent, lap: number): CreditEvent => {
  const own = (id: string): string => `l${lap}${id.slice(2)}`
  const moved = { ...event, applicantId: applicantId(own(event.applicantId)), eventId: own(event.eventId) }
  if ('accountId' in moved) moved.accountId = own(moved.accountId)
  if ('applicationId' in moved) moved.applicationId = own(moved.applicationId)
  return moved
}

interface Preloading {
  readonly prefix: string
  readonly wire: Wire
  readonly laps: number
  /** Statements and payments alone. */
  readonly behaviouralOnly?: boolean
}

/** Writes `laps` laps to the topic that `prefix` leads to. @returns events and bytes of their values */
export const preload = async (
  broker: string,
  { prefix, wire, laps, behaviouralOnly = false }: Preloading,
): Promise<{ readonly events: number; readonly bytes: number }> => {
  const log = await openKafkaLog({ settings: kafkaSettings(broker, prefix), partitions: PARTITIONS, logger: silentLogger })
  const demo = openDemo()
  let [events, bytes] = [0, 0]
  let batch: AppendRecord[] = []
  const flush = async (): Promise<void> => {
    await log.append('credit-events', batch)
    batch = []
  }
  for (let lap = 0; lap < laps; lap++)
    for (const event of demo.events()) {
      if (behaviouralOnly && event.kind !== 'statement' && event.kind !== 'payment') continue
      const record = recordOf(inLap(event, lap), wire)
      batch.push(record)
      events++
      bytes += record.value.length
      if (batch.length === BATCH) await flush()
    }
  await flush()
  await log.close()
  return { events, bytes }
}

export interface Due {
  readonly event: CreditEvent
  /** Where it is an application: the id by which its decision is known again. */
  readonly decided: string | undefined
}

/** New events of the applicants of the first lap, for ever; every `applicationEvery`-th is an application. Ids end in the event's place. */
export function* newEvents(applicationEvery: number, run: string): Generator<Due> {
  const demo = openDemo()
  const kinds = [...demo.events()].map((event) => inLap(event, 0))
  const applications = kinds.filter(({ kind }) => kind === 'application')
  const others = kinds.filter(({ kind }) => kind === 'statement' || kind === 'payment')
  for (let n = 0; ; n++) {
    const isApplication = n % applicationEvery === 0
    const turn = isApplication ? n / applicationEvery : n
    const stock = isApplication ? applications : others
    const event = stock[turn % stock.length] as CreditEvent
    const fresh = { ...event, eventId: `${event.eventId}-${run}-${n}` }
    if ('applicationId' in fresh) fresh.applicationId = `${fresh.applicationId}-${run}-${n}`
    yield { event: fresh, decided: isApplication ? fresh.eventId : undefined }
  }
}
