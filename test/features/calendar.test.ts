import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { writeMonthStarts } from '#features/language/calendar.ts'

const monthsBefore = (instant: number, months: number): number => {
  const starts = new Float64Array(1)
  writeMonthStarts(Float64Array.of(instant), Int32Array.of(months), starts)
  return starts[0]!
}
const at = (text: string): number => Date.parse(text)

describe('calendar months', () => {
  test('keep the day and the time of day', () => {
    expect(monthsBefore(at('2025-06-15T10:20:30.456Z'), 3)).toBe(at('2025-03-15T10:20:30.456Z'))
    expect(monthsBefore(at('2025-02-01T00:00:00Z'), 3)).toBe(at('2024-11-01T00:00:00Z'))
  })

  test('end where the month ends', () => {
    expect(monthsBefore(at('2025-03-31T12:00:00Z'), 1)).toBe(at('2025-02-28T12:00:00Z'))
    expect(monthsBefore(at('2024-03-31T12:00:00Z'), 1)).toBe(at('2024-02-29T12:00:00Z'))
    expect(monthsBefore(at('2025-07-31T23:59:59.999Z'), 1)).toBe(at('2025-06-30T23:59:59.999Z'))
    expect(monthsBefore(at('2100-05-31T00:00:00Z'), 3)).toBe(at('2100-02-28T00:00:00Z'))
  })

  test('agree with Date from 1970 to 2200', () => {
    const anyInstant = fc.integer({ min: 0, max: at('2200-01-01T00:00:00Z') })
    fc.assert(
      fc.property(anyInstant, fc.integer({ min: 1, max: 24 }), (instant, months) => {
        const then = new Date(instant)
        const lastDay = new Date(Date.UTC(then.getUTCFullYear(), then.getUTCMonth() - months + 1, 0)).getUTCDate()
        const day = Math.min(then.getUTCDate(), lastDay)
        const expected = Date.UTC(then.getUTCFullYear(), then.getUTCMonth() - months, day) + (instant % 86_400_000)
        // Date.UTC reads years below 100 as 19xx; none occur here.
        expect(monthsBefore(instant, months)).toBe(expected)
      }),
      { numRuns: 2_000 },
    )
  })

  test('a window of no months has no beginning', () => {
    expect(monthsBefore(0, 0)).toBe(-Infinity)
  })
})
