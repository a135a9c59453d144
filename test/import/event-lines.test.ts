import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { EVENT_TIME_MS_MAX, eventOf } from '#schemas/parse-event.ts'
import { EventLines, PLAIN } from '#streams/import/mapping/event-lines.ts'
import { Literals, SPELLED_OUT } from '#streams/import/mapping/literals.ts'
import { timeOrder } from '#streams/import/order/time-order.ts'
import { importText, withFolder } from './import-world.ts'

const MAPPING = `mapping: cells
title: Cells as they come
producer: cells
tables:
  cells:
    applicant: =who
    events:
      - kind: application
        time: =date(day, 'YYYY-MM-DD') + hours(hour)
        eventId: =id
        fields:
          applicationId: =id
          product: =product
          amount: =number(amount)
          currency: =currency
          termMonths: =number(term)
          purpose: =purpose
          channel: branch
          incomeMonthly: =number(income)
          employmentSince: =since
`
const COLUMNS = ['who', 'day', 'hour', 'id', 'product', 'amount', 'currency', 'term', 'purpose', 'income', 'since'] as const
type Cells = Readonly<Record<(typeof COLUMNS)[number], string>>

const whole = fc.oneof(
  fc.integer({ min: 0, max: 700 }).map(String),
  fc.constantFrom('', '-1', '0', '0.5', '601', '9007199254740993', '1e3'),
)
const cells: fc.Arbitrary<Cells> = fc.record({
  who: fc.constantFrom('a-1', 'b~2', '', 'with blank', 'ž', 'x'.repeat(128), 'x'.repeat(129)),
  day: fc.constantFrom('2020-02-29', '1969-12-31', '1970-01-01', '2199-12-31', '2200-01-01'),
  hour: fc.constantFrom('0', '13', '23.99999', '0.0001'),
  id: fc.constantFrom('i-1', 'i:2', 'i/3', ''),
  product: fc.constantFrom('mortgage', 'auto', 'boat', ''),
  amount: whole,
  currency: fc.constantFrom('EUR', 'eur', 'EURO'),
  term: whole,
  purpose: fc.constantFrom('car', 'a "quoted" one', 'back\\slash', 'čaj', '', 'p'.repeat(64), 'p'.repeat(65)),
  income: whole,
  since: fc.constantFrom('2001-12', '2001-13', '', '1969-12'),
})

const number = (text: string): number | undefined => (text === '' ? undefined : Number(text))
const text = (cell: string): string | undefined => (cell === '' ? undefined : cell)

/** The event that the mapping means, assembled here; undefined fields are absent. */
const meant = (row: Cells): Record<string, unknown> => {
  const time = Date.parse(row.day) + Number(row.hour) * 3_600_000
  return JSON.parse(
    JSON.stringify({
      eventId: text(row.id),
      kind: 'application',
      applicantId: text(row.who),
      eventTime: new Date(time).toISOString(),
      producer: 'cells',
      applicationId: text(row.id),
      product: text(row.product),
      amount: number(row.amount),
      currency: row.currency,
      termMonths: number(row.term),
      purpose: text(row.purpose),
      channel: 'branch',
      incomeMonthly: number(row.income),
      employmentSince: text(row.since),
    }),
  ) as Record<string, unknown>
}

const csv = (rows: readonly Cells[]): string =>
  [COLUMNS.join(','), ...rows.map((row) => COLUMNS.map((name) => `"${row[name].replaceAll('"', '""')}"`).join(','))].join('\n')

const viewOf = (bytes: Buffer): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.length)

describe('events written straight to bytes', () => {
  test('are those that the full check accepts, to the letter, and no others', async () => {
    const rows = fc.sample(cells, { numRuns: 4_000, seed: 11 })
    // Most random rows break somewhere; these do not.
    const sound: Cells = {
      who: 'a-1',
      day: '2020-02-29',
      hour: '13',
      id: 'i-1',
      product: 'auto',
      amount: '7',
      currency: 'EUR',
      term: '0',
      purpose: 'car',
      income: '',
      since: '',
    }
    const all = rows.flatMap((row, at) => [row, { ...sound, [COLUMNS[at % COLUMNS.length]!]: row[COLUMNS[at % COLUMNS.length]!] }])
    await withFolder(async (folder) => {
      const path = join(folder, 'cells.csv')
      writeFileSync(path, csv(all))
      const { events, rejectLines } = await importText(MAPPING, [path])
      const accepted = all.map(meant).filter((event) => eventOf({ ...event }).kind === 'accepted')
      const inOrder = accepted.toSorted((a, b) =>
        String(a['eventTime']) < String(b['eventTime']) ? -1 : a['eventTime'] === b['eventTime'] ? 0 : 1,
      )
      expect(events.map((event) => JSON.stringify(event))).toEqual(inOrder.map((event) => JSON.stringify(event)))
      expect(rejectLines).toHaveLength(all.length - accepted.length)
      expect(accepted.length).toBeGreaterThan(1_000)
    })
  })

  test('have numbers and instants as JSON and the calendar have them', () => {
    const number = fc.oneof(fc.maxSafeInteger(), fc.integer(), fc.constantFrom(0, -0, 2 ** 31, 2 ** 31 - 1, 1e15))
    fc.assert(
      fc.property(number, fc.integer({ min: 0, max: EVENT_TIME_MS_MAX - 1 }), (value, time) => {
        const lines = new EventLines()
        lines.integer(value)
        expect(lines.bytes.toString('latin1', 0, lines.used)).toBe(JSON.stringify(value))
        lines.clear()
        lines.instant(time)
        expect(lines.bytes.toString('latin1', 0, lines.used)).toBe(JSON.stringify(new Date(time)))
      }),
      { numRuns: 5_000 },
    )
  })

  test('come back from their literals as they went, whatever stands between them', () => {
    const plain = fc.string({ unit: fc.constantFrom('a', ':', ',', '7'), maxLength: 40 })
    fc.assert(
      fc.property(fc.array(fc.tuple(plain, fc.boolean())), plain, (parts, other) => {
        const literals = new Literals([other])
        const lines = new EventLines()
        for (const [part, isLiteral] of parts)
          if (isLiteral) lines.literal(literals.numberOf(part))
          else lines.letters(part, PLAIN)
        const out = Buffer.alloc(literals.roomFor(lines.bytes, 0, lines.used))
        const again = new Literals(literals.texts)
        expect(out.toString('latin1', 0, again.spellOut(lines.bytes, 0, lines.used, viewOf(out), 0))).toBe(
          parts.map(([part]) => part).join(''),
        )
      }),
    )
    const raw = Buffer.concat([Buffer.of(SPELLED_OUT), Buffer.from('žluť')])
    const out = Buffer.alloc(raw.length)
    expect(out.toString('utf8', 0, new Literals().spellOut(raw, 0, raw.length, viewOf(out), 0))).toBe('žluť')
  })
})

test('the order of times is that of a stable sort', () => {
  const spread = fc.constantFrom(1, 3, 5_000, 2 ** 23, EVENT_TIME_MS_MAX - 1)
  fc.assert(
    fc.property(
      spread.chain((max) => fc.array(fc.integer({ min: 0, max }), { maxLength: 60 })),
      (times) => {
        const expected = times.map((_, index) => index).toSorted((a, b) => times[a]! - times[b]!)
        expect([...timeOrder(Float64Array.from(times), times.length)]).toEqual(expected)
      },
    ),
  )
})
