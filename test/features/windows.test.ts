import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { WindowBounds } from '#features/compile/window-bounds.ts'
import { calendarMonth, days, hopping, hours, lastEvents, minutes, windowLabel } from '#features/language/window.ts'
import { monthIndex, zoneMonths } from '#features/language/zone-months.ts'

const ZONES = ['UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kolkata', 'Pacific/Apia', 'America/Sao_Paulo']

/** Year and month of an instant on the wall calendar of a zone, by the runtime's own formatter. */
const wallMonth = (zone: string, instant: number): string =>
  new Intl.DateTimeFormat('en-CA', { timeZone: zone, year: 'numeric', month: '2-digit' }).format(instant)

describe('calendar months', () => {
  test.for(ZONES)('of %s begin where the wall calendar turns', (zone) => {
    const table = zoneMonths(zone)
    for (let i = 0; i < table.length; i += 7) {
      const wanted = `${1970 + Math.floor(i / 12)}-${String(1 + (i % 12)).padStart(2, '0')}`
      expect(wallMonth(zone, table[i]!)).toBe(wanted)
      expect(wallMonth(zone, table[i]! - 1)).not.toBe(wanted)
    }
  })

  test('an instant lies in the month the wall calendar says, in any zone', () => {
    fc.assert(
      fc.property(fc.constantFrom(...ZONES), fc.integer({ min: Date.UTC(1971, 0, 1), max: Date.UTC(2199, 0, 1) }), (zone, instant) => {
        const index = monthIndex(zoneMonths(zone), Float64Array.of(instant))
        expect(wallMonth(zone, instant)).toBe(`${1970 + Math.floor(index / 12)}-${String(1 + (index % 12)).padStart(2, '0')}`)
      }),
      { numRuns: 500 },
    )
  })

  test('where clocks skip the first midnight of a month, it begins at the first moment there is', () => {
    const april = zoneMonths('America/Havana')[(2012 - 1970) * 12 + 3]!
    expect(new Date(april).toISOString()).toBe('2012-04-01T05:00:00.000Z')
    expect(wallMonth('America/Havana', april - 1)).toBe('2012-03')
  })
})

test('bounds: open at the old end; a month past ends where the next begins', () => {
  const bounds = new WindowBounds()
  const wanted = [days(30), hours(6), calendarMonth(1), calendarMonth(0, 'Asia/Taipei'), lastEvents(3)].map((window) =>
    bounds.index(window),
  )
  bounds.seal()
  const t = Date.UTC(2025, 2, 31, 20)
  bounds.locate(Float64Array.of(t))
  const of = (i: number): readonly [number, number] => [bounds.starts[wanted[i]!]!, bounds.ends[wanted[i]!]!]
  expect(of(0)).toEqual([t - 30 * 86_400_000, Infinity])
  expect(of(1)).toEqual([t - 6 * 3_600_000, Infinity])
  expect(of(2)).toEqual([Date.UTC(2025, 1, 1) - 1, Date.UTC(2025, 2, 1) - 1])
  // In Taipei it is April already.
  expect(of(3)).toEqual([Date.UTC(2025, 2, 31, 16) - 1, Date.UTC(2025, 3, 30, 16) - 1])
  expect(bounds.events[wanted[4]!]).toBe(3)
})

test('windows name themselves', () => {
  expect(
    [days(30), hours(36), minutes(90), lastEvents(5), calendarMonth(0), calendarMonth(1, 'Asia/Taipei'), hopping(days(30), days(1))].map(
      windowLabel,
    ),
  ).toEqual(['30d', '36h', '90min', '5ev', 'this-mo', '1mo-ago@Asia/Taipei', '30d-by-1d'])
})

test('windows that make no sense say what would', () => {
  expect(() => calendarMonth(0, 'Mars/Olympus')).toThrow(/no time zone "Mars\/Olympus"; use an IANA name/)
  expect(() => hopping(days(30), days(7))).toThrow(/whole hops, got 30d in hops of 7d/)
  expect(() => hopping(days(365), minutes(5))).toThrow(/1 to 400 whole hops/)
  expect(() => days(0.5)).toThrow(/1 to 731 whole days, got 0.5/)
  expect(() => lastEvents(300)).toThrow(/1 to 256 whole events/)
})
