/** Moves of aliases and verdicts of gates, from the topic into the real tables. */
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { ModelEvent } from '#schemas/monitoring-events.ts'
import { encodeModelEvent } from '#schemas/monitoring-wire.ts'
import { epochMs } from '#schemas/units.ts'
import { PromotionSink } from '#streams/clickhouse/promotion-sink.ts'
import { openWarehouse, type OpenWarehouse } from '#streams/clickhouse/warehouse.ts'
import { drain } from './support/filled-warehouse.ts'
import { openTestDirectory } from './support/warehouse-fixture.ts'

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

const AT = epochMs(1_700_000_000_123)
const EVENTS: readonly ModelEvent[] = [
  {
    kind: 'model-promoted',
    modelVersion: 'credit@bbb',
    previousVersion: 'credit@aaa',
    alias: 'champion',
    requestId: 'retrain:1',
    promotedAt: AT,
    actor: 'gate',
    reason: 'every gate passed',
  },
  {
    kind: 'model-trained',
    modelVersion: 'credit@bbb',
    parentVersion: 'credit@aaa',
    requestId: 'retrain:1',
    trainedAt: AT,
    gates: [
      { gate: 'auc-non-inferior', state: 'passed', value: -0.001, low: -0.005, high: 0.004, threshold: -0.01, detail: 'as good' },
      { gate: 'four-fifths', state: 'insufficient-evidence', value: null, low: null, high: null, threshold: null, detail: 'nothing known' },
    ],
  },
  { kind: 'model-activated', modelVersion: 'credit@bbb', previousVersion: 'credit@aaa', activatedAt: AT, inputOffsets: [4, 0] },
  {
    kind: 'model-promoted',
    modelVersion: 'credit@aaa',
    previousVersion: null,
    alias: 'fallback',
    requestId: null,
    promotedAt: epochMs(AT + 1),
    actor: 'ann@desk',
    reason: 'it’s proven',
  },
]

it('every move of an alias and every gate becomes one row, however often it is read', async () => {
  const key = Buffer.from('k')
  await test.log.append(
    'model-events',
    EVENTS.map((event) => ({ partition: 0, key, value: encodeModelEvent(event) })),
  )
  for (let run = 0; run < 2; run++) await drain(warehouse, test.log, new PromotionSink())
  const { connection } = warehouse.writer()
  expect(
    await connection.rows(
      `SELECT toString(promoted_at) AS at, name, alias, version, previous_version, actor, reason FROM ${warehouse.database}.promotions FINAL ORDER BY promoted_at`,
    ),
  ).toEqual([
    {
      at: '2023-11-14 22:13:20.123',
      name: 'credit',
      alias: 'champion',
      version: 'bbb',
      previous_version: 'aaa',
      actor: 'gate',
      reason: 'every gate passed',
    },
    {
      at: '2023-11-14 22:13:20.124',
      name: 'credit',
      alias: 'fallback',
      version: 'aaa',
      previous_version: null,
      actor: 'ann@desk',
      reason: 'it’s proven',
    },
  ])
  expect(
    await connection.rows(
      `SELECT toString(judged_at) AS at, name, version, against, request_id, gate, state, value, low, high, threshold, detail FROM ${warehouse.database}.gates FINAL ORDER BY gate`,
    ),
  ).toEqual([
    {
      at: '2023-11-14 22:13:20.123',
      name: 'credit',
      version: 'bbb',
      against: 'aaa',
      request_id: 'retrain:1',
      gate: 'auc-non-inferior',
      state: 'passed',
      value: -0.001,
      low: -0.005,
      high: 0.004,
      threshold: -0.01,
      detail: 'as good',
    },
    {
      at: '2023-11-14 22:13:20.123',
      name: 'credit',
      version: 'bbb',
      against: 'aaa',
      request_id: 'retrain:1',
      gate: 'four-fifths',
      state: 'insufficient-evidence',
      value: null,
      low: null,
      high: null,
      threshold: null,
      detail: 'nothing known',
    },
  ])
})
