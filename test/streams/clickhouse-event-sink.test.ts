/** Events, dead letters and the vault's mirror, over a real log into a real warehouse. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ApplicationEvent } from '#schemas/events.ts'
import { applicantId, epochMs, moneyMinor } from '#schemas/units.ts'
import { encodeDeadLetter, encodeEvent } from '#schemas/wire.ts'
import { ProtectedSink } from '#streams/clickhouse/protected-sink.ts'
import { DeadLetterSink, EventSink } from '#streams/clickhouse/row-sinks.ts'
import { openWarehouse, type OpenWarehouse } from '#streams/clickhouse/warehouse.ts'
import { partitionOf } from '#streams/murmur2.ts'
import type { EventLog, VaultRow } from '#streams/ports.ts'
import { drain } from './support/filled-warehouse.ts'
import { appendPortfolio, openTestDirectory, PARTITIONS } from './support/warehouse-fixture.ts'

let test: ReturnType<typeof openTestDirectory>
let warehouse: OpenWarehouse
beforeEach(async () => {
  test = openTestDirectory()
  warehouse = await openWarehouse(test.directory)
})
afterEach(async () => {
  await warehouse.close()
  await test.remove()
})

const rows = <Row>(sql: string): Promise<Row[]> => warehouse.writer().connection.rows<Row>(sql)
const key = new TextEncoder().encode('tw-00001')

const application = (n: number): ApplicationEvent => ({
  kind: 'application',
  eventId: `e${n}`,
  applicantId: applicantId('tw-00001'),
  eventTime: epochMs(1_700_000_000_000 + n),
  producer: 'test',
  applicationId: `app-${n}`,
  product: 'credit-line',
  amount: moneyMinor(1_000_000),
  currency: 'TWD',
  termMonths: 0,
  purpose: 'a "line"\n\n; DROP TABLE decisions',
  channel: 'online',
})

describe('events', () => {
  it('arrive with their body as JSON, whatever stands in it', async () => {
    const partition = partitionOf(key, PARTITIONS)
    await test.log.append('credit-events', [
      { partition, key, value: encodeEvent(application(5)) },
      // A stray makes its row where it is put.
      { partition: (partition + 1) % PARTITIONS, key, value: encodeEvent(application(6)) },
    ])
    await drain(warehouse, test.log, new EventSink())
    const [seen, ...more] = await rows<Record<string, unknown>>(
      'SELECT event_id, kind, applicant_id, toString(event_time) AS at, producer, tenant, partition, toUInt32(offset) AS position, body FROM scorestream.events',
    )
    expect(more).toEqual([])
    expect(seen).toMatchObject({
      event_id: 'e5',
      kind: 'application',
      applicant_id: 'tw-00001',
      at: '2023-11-14 22:13:20.005',
      producer: 'test',
      tenant: 'default',
      partition,
      position: 0,
    })
    expect(JSON.parse(seen?.['body'] as string)).toEqual({
      applicationId: 'app-5',
      product: 'credit-line',
      amount: 1_000_000,
      currency: 'TWD',
      termMonths: 0,
      purpose: 'a "line"\n\n; DROP TABLE decisions',
      channel: 'online',
    })
  })

  it('bytes that are no event are counted and do not stop the rest', async () => {
    await test.log.append(
      'credit-events',
      [new Uint8Array([9, 9, 9]), encodeEvent(application(1)), encodeEvent(application(2)).subarray(0, 20)].map((value) => ({
        partition: 0,
        key,
        value,
      })),
    )
    const sink = await drain(warehouse, test.log, new EventSink())
    expect(sink.status()).toMatchObject({ rejected: 2, rows: { events: 1 }, lag: 0 })
  })

  it('a second run adds what is new and nothing else', async () => {
    const first = await appendPortfolio(test.log, 30)
    await drain(warehouse, test.log, new EventSink())
    await drain(warehouse, test.log, new EventSink())
    const second = await appendPortfolio(test.log, 10)
    const sink = await drain(warehouse, test.log, new EventSink())
    expect(sink.status().rows['events']).toBe(second.events)
    expect(await rows('SELECT count() AS n, uniqExact(partition, offset) AS positions FROM scorestream.events')).toEqual([
      { n: first.events + second.events, positions: first.events + second.events },
    ])
    expect(await rows('SELECT count() AS n FROM scorestream.outcomes')).toEqual([{ n: first.outcomes + second.outcomes }])
  })
})

describe('dead letters', () => {
  it('keep reason, position and the very bytes', async () => {
    const bytes = Uint8Array.from({ length: 256 }, (_, i) => i)
    await test.log.append('dead-letters', [
      {
        partition: 1,
        key,
        value: encodeDeadLetter({
          code: 'schema-violation',
          detail: 'x',
          source: 'http',
          partition: null,
          offset: null,
          receivedAt: epochMs(0),
          errors: [{ pointer: '/amount', value: '-1', expected: 'from 0', remedy: 'send it' }],
          bytes,
        }),
      },
      {
        partition: 1,
        key,
        value: encodeDeadLetter({
          code: 'poison',
          detail: 'y',
          source: 'credit-events',
          partition: 3,
          offset: 7,
          receivedAt: epochMs(0),
          errors: [],
          bytes: new Uint8Array(),
        }),
      },
    ])
    await drain(warehouse, test.log, new DeadLetterSink())
    expect(
      await rows(
        'SELECT code, partition, offset, errors.remedy AS remedies, hex(bytes) AS bytes FROM scorestream.dead_letters ORDER BY log_offset',
      ),
    ).toEqual([
      {
        code: 'schema-violation',
        partition: null,
        offset: null,
        remedies: ['send it'],
        bytes: Buffer.from(bytes).toString('hex').toUpperCase(),
      },
      { code: 'poison', partition: 3, offset: 7, remedies: [], bytes: '' },
    ])
  })
})

describe('the mirror of the vault', () => {
  const vaultRow = (sequence: number, subject: string, attributes: Record<string, string> | null): VaultRow => ({
    sequence,
    subject,
    attributes,
  })

  it('takes what is new, keeps the latest of each attribute, and erases', async () => {
    const vault: VaultRow[] = [
      vaultRow(0, 'a', { sex: 'female', birthYear: '1980' }),
      vaultRow(1, 'b', { sex: 'male' }),
      vaultRow(2, 'a', { birthYear: '1981' }),
    ]
    const source = { read: (from: number, rowsMax: number) => vault.filter(({ sequence }) => sequence >= from).slice(0, rowsMax) }
    const mirror = (): ProtectedSink => new ProtectedSink({ source, ...warehouse.writer(), database: 'scorestream', now: () => 0 })
    const held = (): Promise<unknown[]> => rows('SELECT applicant_id, attribute, value FROM scorestream.protected FINAL ORDER BY ALL')
    const first = mirror()
    await first.step()
    expect(await held()).toEqual([
      { applicant_id: 'a', attribute: 'birthYear', value: '1981' },
      { applicant_id: 'a', attribute: 'sex', value: 'female' },
      { applicant_id: 'b', attribute: 'sex', value: 'male' },
    ])
    vault.push(vaultRow(3, 'a', null), vaultRow(4, 'c', { sex: 'female' }))
    await mirror().step()
    expect(await held()).toEqual([
      { applicant_id: 'b', attribute: 'sex', value: 'male' },
      { applicant_id: 'c', attribute: 'sex', value: 'female' },
    ])
    // Not merely hidden: no part holds the value any more.
    expect(await rows(`SELECT sum(rows) AS n FROM system.parts WHERE database = 'scorestream' AND table = 'protected' AND active`)).toEqual(
      [{ n: 2 }],
    )
  })
})

it('offsets of every partition are released to the log’s retention once their rows are in', async () => {
  const { events } = await appendPortfolio(test.log, 20)
  const released: number[][] = []
  const log = new Proxy<EventLog>(test.log, {
    get: (target, name) => {
      if (name === 'release')
        return (topic: string, consumer: string, offsets: readonly number[]) => {
          expect([topic, consumer]).toEqual(['credit-events', 'warehouse'])
          released.push([...offsets])
        }
      const value = Reflect.get(target, name) as unknown
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
  await drain(warehouse, log, new EventSink())
  expect(released.at(-1)).toEqual([...test.log.end('credit-events')])
  expect(released.at(-1)).toHaveLength(PARTITIONS)
  expect(released.at(-1)?.reduce((sum, next) => sum + next, 0)).toBe(events)
})
