import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { beforeAll, expect, test } from 'vitest'
import { creditFeatureSet } from '#features/credit-v1.ts'
import type { CreditEvent } from '#schemas/events.ts'
import { eventOf, eventToJson } from '#schemas/parse-event.ts'
import { epochMs } from '#schemas/units.ts'
import { encodeEvent } from '#schemas/wire.ts'
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
  const provenance = readFileSync(join(folder, 'PROVENANCE.md'), 'utf8')
  const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
  expect(sha256(csvGz)).toBe(sum)
  expect(provenance).toContain(sum)
  expect(provenance).toContain(sha256(gunzipSync(csvGz)))
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

/** The stream of the data with some columns changed in every row. */
const withColumns = (change: (name: string, cell: string) => string): DemoStream => {
  const [head = '', ...rows] = gunzipSync(csvGz).toString('utf8').trimEnd().split('\n')
  const names = head.trim().split(',')
  const changed = rows.map((row) =>
    row
      .trim()
      .split(',')
      .map((cell, column) => change(names[column] ?? '', cell))
      .join(','),
  )
  return demoStream(gzipSync([head.trim(), ...changed].join('\n'), { level: 1 }))
}

const digestOf = (stream: DemoStream, kinds?: ReadonlySet<string>): string => {
  const digest = createHash('sha256')
  for (const event of stream.events()) if (!kinds || kinds.has(event.kind)) digest.update(encodeEvent(event))
  return digest.digest('hex')
}

test('protected attributes bear on no event: with all of them changed, the stream is the same to the byte', () => {
  const attributes = new Set(['SEX', 'EDUCATION', 'MARRIAGE', 'AGE'])
  const changed = withColumns((name, cell) => (attributes.has(name) ? String((Number(cell) % 3) + 1) : cell))
  expect([...changed.protectedEvents()][0]).not.toEqual([...stream.protectedEvents()][0])
  expect(digestOf(changed)).toBe(digestOf(stream))
})

test('what becomes of a client bears on its outcome alone: with all labels turned, every other event is the same', () => {
  const turned = withColumns((name, cell) => (name === 'DEFAULT' ? String(1 - Number(cell)) : cell))
  const before = new Set(['application', 'statement', 'payment'])
  expect(digestOf(turned, before)).toBe(digestOf(stream, before))
  const labels = (of: DemoStream): number => [...of.events()].reduce((sum, event) => sum + (event.kind === 'outcome' ? event.label : 0), 0)
  expect(labels(turned)).toBe(30_000 - labels(stream))
})

test('statements and payments say what the row of the client says, month by month', () => {
  const [head = '', ...rows] = gunzipSync(csvGz).toString('utf8').trimEnd().split('\n')
  const names = head.trim().split(',')
  const histories = Map.groupBy(events, (event) => event.applicantId as string)
  for (let client = 0; client < rows.length; client += 1_009) {
    const cells = (rows[client] ?? '').trim().split(',').map(Number)
    const cell = (name: string): number => cells[names.indexOf(name)] ?? Number.NaN
    const history = histories.get(`tw-${String(client + 1).padStart(5, '0')}`) ?? []
    const statements = history.filter((event) => event.kind === 'statement')
    // The file counts months backwards from September; its first status column is PAY_0, then PAY_2.
    const expected = [6, 5, 4, 3, 2, 1].map((k) => ({
      closingBalance: cell(`BILL_AMT${k}`) * 100,
      creditLimit: cell('LIMIT_BAL') * 100,
      repaymentStatus: cell(`PAY_${k === 1 ? 0 : k}`),
    }))
    expect(statements).toMatchObject(expected)
    // PAY_AMTk settles BILL_AMTk+1: the period of a payment is that of the statement before the month it came in.
    const paid = new Map(history.filter((event) => event.kind === 'payment').map((event) => [event.period, event.amount as number]))
    for (let month = 1; month < 6; month++) expect(paid.get(statements[month - 1]?.period) ?? 0).toBe(cell(`PAY_AMT${6 - month}`) * 100)
    expect(history.find((event) => event.kind === 'outcome')?.label).toBe(cell('DEFAULT'))
    const application = history.find((event) => event.kind === 'application')
    expect(application?.amount).toBeGreaterThan(0)
    expect(application?.amount).toBeLessThanOrEqual(cell('LIMIT_BAL') * 50)
  }
})

test('every event says that its calendar is synthetic, and its id is its own', () => {
  expect(new Set(events.map((event) => event.producer))).toEqual(new Set(['taiwan-demo-synthetic-calendar']))
  expect(new Set(events.map((event) => event.eventId)).size).toBe(events.length)
})

test('a damaged file is refused with its place', () => {
  const csv = gunzipSync(csvGz).toString('utf8').split('\n').slice(0, 4)
  const read = (lines: string[]) => () => demoStream(gzipSync(lines.join('\n')))
  expect(read(csv.with(2, csv[2]!.replace(/,[^,]*$/, '')))).toThrow(/line 3 has 24 cells/)
  expect(read(csv.with(2, csv[2]!.replace(/^[^,]*/, 'x')))).toThrow(/line 3, \w+: "x" is no number/)
  expect(read(csv.with(0, csv[0]!.replace('LIMIT_BAL', 'LIMIT')))).toThrow(/no column LIMIT_BAL/)
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
