/** Sinks over a real log into a real warehouse: belief, resumption, repeats, months, failures. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { creditFeatureSet } from '#features/credit-v1.ts'
import type { ApplicationEvent } from '#schemas/events.ts'
import { FIRST_HASH } from '#schemas/decision.ts'
import { applicantId, epochMs, moneyMinor } from '#schemas/units.ts'
import { encodeClaim, encodeDecision, encodeEvent } from '#schemas/wire.ts'
import { DecisionSink, EventSink } from '#streams/clickhouse/row-sinks.ts'
import { openWarehouse, type OpenWarehouse } from '#streams/clickhouse/warehouse.ts'
import { Sink } from '#streams/clickhouse/sink.ts'
import { silentLogger } from '#streams/logger.ts'
import type { EventLog } from '#streams/ports.ts'
import { drain } from './support/filled-warehouse.ts'
import { decide, openTestDirectory } from './support/warehouse-fixture.ts'

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

const MONTH_MS = 31 * 86_400_000
const decision = (at: number, epoch: number, change: { decidedAt?: number; bad?: boolean } = {}): Uint8Array =>
  encodeDecision(
    decide({
      application: application(at),
      vector: new Float32Array(creditFeatureSet.size).fill(1),
      bad: change.bad ?? false,
      at: { partition: 0, offset: at },
      previousHash: FIRST_HASH,
      decidedAt: change.decidedAt ?? 1_700_000_000_000,
      epoch,
    }),
  )
const claim = (): Uint8Array => encodeClaim({ owner: 'test', claimedAt: epochMs(0) })
const append = (values: readonly Uint8Array[]): Promise<readonly number[]> =>
  test.log.append(
    'decisions',
    values.map((value) => ({ partition: 0, key, value })),
  )

describe('decisions', () => {
  it('one whose epoch is older than the newest claim before it makes no row, in one run or across a restart', async () => {
    // 0: claim A, 1: A's decision, 2: claim B, 3: A's late decision, 4: B's decision of the same position.
    await append([claim(), decision(10, 0), claim(), decision(11, 0), decision(11, 2, { bad: true })])
    await drain(warehouse, test.log, new DecisionSink())
    // After the restart the newest claim is known from the table alone.
    await append([decision(12, 0), decision(13, 2), claim(), decision(14, 2)])
    await drain(warehouse, test.log, new DecisionSink())
    await append([decision(14, 7)])
    await drain(warehouse, test.log, new DecisionSink())
    expect(await rows('SELECT toUInt32(offset) AS position, toUInt32(epoch) AS epoch FROM scorestream.decisions ORDER BY offset')).toEqual([
      { position: 10, epoch: 0 },
      { position: 11, epoch: 2 },
      { position: 13, epoch: 2 },
      { position: 14, epoch: 7 },
    ])
  })

  it('a claim read but followed by no row is read again after a restart, whatever was released', async () => {
    const released: (readonly number[])[] = []
    const log: EventLog = new Proxy<EventLog>(test.log, {
      get: (target, name) => {
        if (name === 'release') return (_topic: string, _consumer: string, offsets: readonly number[]) => void released.push(offsets)
        const value = Reflect.get(target, name) as unknown
        return typeof value === 'function' ? (value.bind(target) as unknown) : value
      },
    })
    await append([claim(), decision(1, 0), claim(), decision(2, 0)])
    await drain(warehouse, log, new DecisionSink())
    expect(released).toEqual([[2, 0, 0, 0]])
    await append([decision(3, 0)])
    await drain(warehouse, test.log, new DecisionSink())
    expect(await rows('SELECT toUInt32(offset) AS position FROM scorestream.decisions')).toEqual([{ position: 1 }])
  })

  it('a repeated record is one row in the views, and the reconciler counts it', async () => {
    await append([claim(), decision(1, 0), decision(1, 0), decision(2, 0)])
    await test.log.append(
      'credit-events',
      [0, 1, 2].map((n) => ({ partition: 0, key, value: encodeEvent(application(n)) })),
    )
    await drain(warehouse, test.log, new DecisionSink())
    await drain(warehouse, test.log, new EventSink())
    expect(await rows('SELECT count() AS n FROM scorestream.decisions_latest')).toEqual([{ n: 2 }])
    const [seen] = await rows<Record<string, number>>('SELECT applications, decided, lost, conflicting FROM scorestream.reconciliation_now')
    // Position 0 is an application below the highest decided one that has neither decision nor dead letter.
    expect(seen).toEqual({ applications: 3, decided: 2, lost: 1, conflicting: 0 })
  })

  it('two contents at one position are a conflict', async () => {
    await append([claim(), decision(1, 0)])
    await drain(warehouse, test.log, new DecisionSink())
    await append([decision(1, 0, { bad: true })])
    await drain(warehouse, test.log, new DecisionSink())
    await test.log.append(
      'credit-events',
      [0, 1].map((n) => ({ partition: 0, key, value: encodeEvent(application(n)) })),
    )
    await drain(warehouse, test.log, new EventSink())
    expect(await rows('SELECT conflicting FROM scorestream.reconciliation_now')).toEqual([{ conflicting: 1 }])
  })

  it('rows of two months never share an insert, so that each insert is one part', async () => {
    const decidedAt = (n: number): number => 1_700_000_000_000 + (n % 2) * MONTH_MS
    await append([claim(), ...[1, 2, 3, 4].map((n) => decision(n, 0, { decidedAt: decidedAt(n) }))])
    const inserts: number[] = []
    const { connection, inserter } = warehouse.writer()
    const watched = {
      insert: async (...given: Parameters<typeof inserter.insert>) => {
        await inserter.insert(...given)
        inserts.push(1)
      },
    } as unknown as typeof inserter
    const sink = new Sink({
      log: test.log,
      sink: new DecisionSink(),
      connection,
      inserter: watched,
      database: 'scorestream',
      logger: silentLogger,
      now: () => Date.now(),
    })
    const running = sink.run()
    while (sink.readRecords < 5) await new Promise((resolve) => setTimeout(resolve, 5))
    sink.stop()
    await running
    expect(inserts).toHaveLength(4)
    expect(await rows('SELECT count() AS n FROM scorestream.decisions')).toEqual([{ n: 4 }])
  })

  it('a failed insert is tried again with the same rows', async () => {
    await append([claim(), decision(1, 0)])
    const { connection, inserter } = warehouse.writer()
    let failures = 2
    const failing = {
      insert: (...given: Parameters<typeof inserter.insert>) =>
        failures-- > 0 ? Promise.reject(new Error('Code: 241. DB::Exception: planted (MEMORY_LIMIT_EXCEEDED)')) : inserter.insert(...given),
    } as unknown as typeof inserter
    const sink = new Sink({
      log: test.log,
      sink: new DecisionSink(),
      connection,
      inserter: failing,
      database: 'scorestream',
      logger: silentLogger,
      now: () => Date.now(),
    })
    const running = sink.run()
    while (sink.readRecords < 2) await new Promise((resolve) => setTimeout(resolve, 5))
    sink.stop()
    await running
    expect(await rows('SELECT count() AS n FROM scorestream.decisions')).toEqual([{ n: 1 }])
  })

  it('a warehouse that is ahead of its log says so instead of skipping', async () => {
    await append([claim(), decision(1, 0)])
    await drain(warehouse, test.log, new DecisionSink())
    const other = openTestDirectory()
    try {
      const { connection, inserter } = warehouse.writer()
      const sink = new Sink({
        log: other.log,
        sink: new DecisionSink(),
        connection,
        inserter,
        database: 'scorestream',
        logger: silentLogger,
        now: () => Date.now(),
      })
      await expect(sink.run()).rejects.toThrow('they do not belong together')
    } finally {
      await other.remove()
    }
  })
})
