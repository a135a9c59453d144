import { parse } from 'csv-parse/sync'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CsvScanner } from '#streams/import/source/csv-scanner.ts'
import { decimalAt } from '#streams/import/source/decimal.ts'

/** Records of `text`, given to the scanner in pieces of these sizes. */
const scan = (text: string, pieces: readonly number[] = []): { records: string[][]; lines: number[]; faults: string[] } => {
  const bytes = Buffer.from(text)
  const scanner = new CsvScanner(',')
  const found = { records: [] as string[][], lines: [] as number[], faults: [] as string[] }
  let at = 0
  const take = (): void => {
    for (let scanned = scanner.next(); scanned !== 'more'; scanned = scanner.next()) {
      if (scanned === 'record') {
        found.lines.push(scanner.line)
        found.records.push(
          Array.from({ length: scanner.count }, (_, cell) => {
            const [from, end] = [scanner.cells[2 * cell]!, scanner.cells[2 * cell + 1]!]
            const cellText = scanner.bytes.toString('utf8', from, end < 0 ? ~end : end)
            return end < 0 ? cellText.replaceAll('""', '"') : cellText
          }),
        )
      } else if (scanned !== 'blank') found.faults.push(scanned)
    }
  }
  for (let piece = 0; at < bytes.length; piece++) {
    const size = pieces.length === 0 ? bytes.length : pieces[piece % pieces.length]!
    scanner.push(bytes.subarray(at, (at += size)))
    take()
  }
  scanner.end()
  take()
  return found
}

const cell = fc.string({ unit: fc.constantFrom('a', 'ž', '1', ' ', ',', '"', '\n', '\r\n', ';', '.'), maxLength: 6 })
const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`
const written = fc.tuple(cell, fc.boolean()).map(([text, always]) => (always || /[",\r\n]/.test(text) ? quoted(text) : text))
const table = fc
  .tuple(fc.integer({ min: 2, max: 5 }), fc.constantFrom('\n', '\r\n'), fc.boolean())
  .chain(([width, feed, open]) =>
    fc
      .array(fc.array(written, { minLength: width, maxLength: width }), { minLength: 1, maxLength: 8 })
      .map((rows) => rows.map((row) => row.join(',')).join(feed) + (open ? '' : feed)),
  )

describe('CsvScanner', () => {
  test('finds the records that csv-parse finds, however the bytes arrive', () => {
    fc.assert(
      fc.property(table, fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 4 }), (text, pieces) => {
        const expected = parse(text, { relax_column_count: true, record_delimiter: ['\n', '\r\n'] })
        expect(scan(text, pieces).records).toEqual(expected)
        expect(scan(text)).toEqual(scan(text, pieces))
      }),
      { numRuns: 500 },
    )
  })

  test('numbers records by the line they begin on, blank lines and line feeds inside quotes counted', () => {
    const { records, lines } = scan('a,b\n\n"1\n2",x\r\n\r\ny,z')
    expect(records).toEqual([
      ['a', 'b'],
      ['1\n2', 'x'],
      ['y', 'z'],
    ])
    expect(lines).toEqual([1, 3, 6])
  })

  test('a quote that is never closed costs its own line and no other', () => {
    const { records, faults } = scan('a,b\n"open,1\nc,d\n')
    expect(faults).toEqual(['unclosed-quote'])
    expect(records).toEqual([
      ['a', 'b'],
      ['c', 'd'],
    ])
  })
})

describe('decimalAt', () => {
  test('agrees with Number to the last bit, or leaves the text to it', () => {
    const digits = fc.string({ unit: fc.constantFrom(...'0123456789'), minLength: 0, maxLength: 12 })
    fc.assert(
      fc.property(fc.constantFrom('', '-'), digits, fc.option(digits), (sign, whole, part) => {
        const text = `${sign}${whole}${part === null ? '' : `.${part}`}`
        const bytes = Buffer.from(text)
        const value = decimalAt(bytes, 0, bytes.length)
        if (!Number.isNaN(value)) expect(Object.is(value, Number(text))).toBe(true)
      }),
      { numRuns: 2_000 },
    )
    for (const text of ['', '-', '.', '1e5', '0x10', '1,5', '12345678901234567'])
      expect(decimalAt(Buffer.from(text), 0, text.length)).toBeNaN()
    expect(decimalAt(Buffer.from('365243.0'), 0, 8)).toBe(365243)
  })
})
