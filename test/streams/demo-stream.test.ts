import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { creditFeatureSet } from '#features/credit-v1.ts'
import type { CreditEvent } from '#schemas/events.ts'
import { eventOf, eventToJson } from '#schemas/parse-event.ts'
import { epochMs } from '#schemas/units.ts'
import { type DemoStream, demoStream } from '#streams/demo/demo-stream.ts'

const folder = join(import.meta.dirname, '../../data/taiwan')
const csvGz = readFileSync(join(folder, 'taiwan-credit-default.csv.gz'))
let stream: DemoStream
let events: CreditEvent[]
beforeAll(() => {
  stream = demoStream(csvGz)
  events = [...stream.events()]
})

test('the shipped file is the one whose checksum stands beside it', () => {
  const [sum] = readFileSync(join(folder, 'SHA256SUMS'), 'utf8').split(' ')
  expect(createHash('sha256').update(csvGz).digest('hex')).toBe(sum)
})

test('there are 383,103 events, in order of event time, of the counts the data imply', () => {
  const kinds = Map.groupBy(events, (event) => event.kind)
  expect(events).toHaveLength(383_103)
  expect(stream.count).toBe(383_103)
  expect(Object.fromEntries([...kinds].map(([kind, list]) => [kind, list.length]))).toEqual({
    statement: 180_000,
    payment: 143_103,
    application: 30_000,
    outcome: 30_000,
  })
  expect(events.every((event, index) => index === 0 || event.eventTime >= (events[index - 1]?.eventTime ?? 0))).toBe(true)
  expect(events[stream.firstApplication]?.kind).toBe('application')
  expect(events.findIndex((event) => event.kind === 'application')).toBe(stream.firstApplication)
})

test('payments are never zero, negative bills are kept, and bad outcomes number 6,636', () => {
  const payments = events.filter((event) => event.kind === 'payment')
  expect(payments.every((event) => event.amount > 0 && event.amount % 100 === 0)).toBe(true)
  expect(events.filter((event) => event.kind === 'statement' && event.closingBalance < 0)).toHaveLength(3_932)
  expect(events.filter((event) => event.kind === 'outcome' && event.label === 1)).toHaveLength(6_636)
})

test('every client pays the bill before, then gets the statement, six times, then applies, then has an outcome 30 days later', () => {
  for (const [, history] of Map.groupBy(events, (event) => event.applicantId)) {
    const kinds = history.map((event) => event.kind)
    expect(kinds.slice(-2)).toEqual(['application', 'outcome'])
    expect(kinds.filter((kind) => kind === 'statement')).toHaveLength(6)
    expect(history.at(-1)!.eventTime - history.at(-2)!.eventTime).toBe(30 * 86_400_000)
    let month = 0
    for (const event of history) {
      if (event.kind === 'statement') month += 1
      if (event.kind === 'payment') expect(event.eventId).toBe(`${event.applicantId}-payment-${month + 1}`)
    }
  }
})

test('months, cohorts and days spread over a year, so that applications and outcomes interleave', () => {
  const applications = events
    .filter((event) => event.kind === 'application')
    .map((event) => new Date(event.eventTime).toISOString().slice(0, 7))
  const months = [...new Set(applications)]
  expect(months.length).toBeGreaterThanOrEqual(12)
  const firstOutcome = events.findIndex((event) => event.kind === 'outcome')
  expect(events.slice(firstOutcome).filter((event) => event.kind === 'application').length).toBeGreaterThan(20_000)
})

test('every event passes the schema at the edge, and two generations are equal', () => {
  const again = demoStream(csvGz)
  for (let index = 0; index < events.length; index += 97) {
    const event = events[index]!
    expect(again.event(index)).toEqual(event)
    expect(eventOf(eventToJson(event))).toEqual({ kind: 'accepted', value: event })
  }
})

test('protected attributes stand in protected events alone', () => {
  const words = new Set<string>()
  let count = 0
  for (const event of stream.protectedEvents()) {
    count += 1
    for (const [name, value] of Object.entries(event.attributes)) if (name !== 'birthYear') words.add(value)
    if (count % 501 === 0) expect(eventOf(eventToJson(event)).kind).toBe('accepted')
  }
  expect(count).toBe(30_000)
  expect([...words].toSorted()).toContain('female')
  expect(events.filter((event) => Object.values(event).some((value) => typeof value === 'string' && words.has(value)))).toEqual([])
  for (const event of events.slice(0, 1_000)) expect(Object.keys(event)).not.toContain('attributes')
})

test('changing any event after an application leaves its vector unchanged', () => {
  const set = creditFeatureSet
  for (const [, history] of [...Map.groupBy(events, (event) => event.applicantId)].slice(0, 300)) {
    const at = history.findIndex((event) => event.kind === 'application')
    const application = history[at]!
    if (application.kind !== 'application') throw new Error('unreachable')
    const before = set.emptyState()
    for (const event of history.slice(0, at)) set.fold(before, event)
    const vector = new Float32Array(set.size)
    set.vector(before, application, vector, 0)
    const after = before.slice()
    set.fold(after, application)
    for (const event of history.slice(at + 1)) set.fold(after, { ...event, eventTime: epochMs(event.eventTime + 1) })
    set.fold(after, {
      ...history.find((event) => event.kind === 'statement')!,
      eventTime: epochMs(application.eventTime + 1),
      eventId: 'later',
    })
    const again = new Float32Array(set.size)
    set.vector(after, application, again, 0)
    expect(again).toEqual(vector)
  }
})
