/** Alerts and revisions in the live feed: told at once, told again to who was away, and to nobody who asked for particular decisions. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Gateway } from '#gateway/server.ts'
import { encodeAlert } from '#schemas/monitoring-wire.ts'
import { encodeRevision } from '#schemas/revision-wire.ts'
import { UNIT_CHANGE } from '../schemas/sample-monitoring.ts'
import { REVISION } from '../schemas/sample-revision.ts'
import { decisionRecord } from './decision-records.ts'
import { FeedClient } from './feed-client.ts'
import { reported, serve, SmallEngine } from './small-engine.ts'

let engine: SmallEngine
let gateway: Gateway
beforeEach(async () => {
  engine = new SmallEngine()
  gateway = await serve(engine)
})
afterEach(async () => {
  await gateway.close()
  expect(reported).toEqual([])
})

const raise = (alertId: string): void => void engine.log.put('alerts', 0, encodeAlert({ ...UNIT_CHANGE, alertId }))
const alerts = (client: FeedClient): string[] => client.told.flatMap(({ alert }) => alert?.alertId ?? [])

test('an alert reaches live subscribers, with instants as text', async () => {
  const client = new FeedClient(gateway)
  await client.until(() => client.told.length === 1)
  raise('a-1')
  await client.until(() => alerts(client).length === 1)
  expect(client.told.at(-1)).toMatchObject({
    kind: 'alert',
    alert: { alertId: 'a-1', kind: 'data-quality', producer: 'bank-a', field: 'amount', raisedAt: '2027-01-15T08:00:00.000Z' },
  })
  await client.cut()
})

test('resuming from any cursor gives every alert and decision once', async () => {
  const expected: string[] = []
  const got: string[] = []
  let cursor = 'earliest'
  for (let round = 0; round < 20; round++) {
    for (let i = 0; i < 3; i++) {
      engine.log.put('decisions', 0, decisionRecord(0, round * 3 + i, 0))
      raise(`a-${round}-${i}`)
      expected.push(`0-${round * 3 + i}`, `a-${round}-${i}`)
    }
    const client = new FeedClient(gateway, `?after=${cursor}`)
    const names = () =>
      client.told.flatMap(({ alert, decisionId, kind }) => (kind === 'alert' ? alert.alertId : kind === 'decision' ? decisionId : []))
    await client.until(() => names().length > round % 3)
    got.push(...names())
    cursor = client.cursor
    await client.cut()
  }
  const last = new FeedClient(gateway, `?after=${cursor}`)
  await last.until(() => got.length + last.told.filter(({ kind }) => kind !== 'conflated').length >= expected.length)
  got.push(
    ...last.told.flatMap(({ alert, decisionId, kind }) => (kind === 'alert' ? alert.alertId : kind === 'decision' ? decisionId : [])),
  )
  expect(got.toSorted()).toEqual(expected.toSorted())
  const ofAlerts = got.filter((name) => name.startsWith('a-'))
  expect(ofAlerts).toEqual(expected.filter((name) => name.startsWith('a-')))
  await last.cut()
})

test('a revision is told live, and again to who was away, once', async () => {
  const live = new FeedClient(gateway)
  await live.until(() => live.told.length === 1)
  const { cursor } = live
  const revise = (partition: number, causeOffset: number) =>
    engine.log.put('revisions', partition, encodeRevision({ ...REVISION, partition, causeOffset }))
  revise(1, 7)
  await live.until(() => live.told.some(({ kind }) => kind === 'revision'))
  expect(live.told.at(-1)).toMatchObject({
    kind: 'revision',
    revision: {
      decisionId: '1-1204',
      causePosition: '1-7',
      revisedAt: '2027-01-15T08:00:00.000Z',
      flips: true,
      changes: [
        { feature: 'applicant.payment.amount.sum.3mo', old: 4_000, new: 10_000.5 },
        { old: null, new: -0.125 },
      ],
    },
  })
  await live.cut()
  revise(0, 8)
  const causes = (client: FeedClient) =>
    client.told.flatMap(({ kind, revision }) => (kind === 'revision' ? [revision['causePosition']] : []))
  const back = new FeedClient(gateway, `?after=${cursor}`)
  await back.until(() => causes(back).length === 2)
  expect(new Set(causes(back))).toEqual(new Set(['0-8', '1-7']))
  await back.cut()
})

test('who filters decisions hears of decisions alone', async () => {
  const client = new FeedClient(gateway, '?filter=decision:approve')
  await client.opened
  raise('a-1')
  engine.log.put('decisions', 0, decisionRecord(0, 0, 0))
  await client.until(() => client.decisions.length === 1)
  expect(alerts(client)).toEqual([])
  await client.cut()
})

test('an alert that does not decode is reported and passed over', async () => {
  const client = new FeedClient(gateway)
  await client.until(() => client.told.length === 1)
  engine.log.put('alerts', 0, Buffer.from('garbage'))
  raise('a-1')
  await client.until(() => alerts(client).length === 1)
  expect(reported.splice(0).join()).toContain('does not decode')
  await client.cut()
})
