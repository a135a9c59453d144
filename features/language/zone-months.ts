/** Where calendar months begin in a time zone, from the IANA database as the runtime's `Intl` holds it. */
import { Temporal } from 'temporal-polyfill'
import { MEAN_MONTH_MS } from './calendar.ts'

const FIRST_YEAR = 1970
/** Events are accepted from 1970 to 2200. */
const YEARS = 231
const tables = new Map<string, Float64Array>()

/** @throws RangeError where the runtime knows no such time zone. */
export const requireZone = (zone: string): void => {
  try {
    Temporal.PlainDate.from({ year: 2000, month: 1, day: 1 }).toZonedDateTime(zone)
  } catch (cause) {
    throw new RangeError(`there is no time zone "${zone}"; use an IANA name such as Europe/Berlin`, { cause })
  }
}

/**
 * Instants (epoch ms, ascending) of the first moment of each calendar month of `zone` from January 1970 on. Where clocks skip that midnight,
 * the first moment after. Made once a zone: some 15 ms.
 */
export const zoneMonths = (zone: string): Float64Array => {
  const known = tables.get(zone)
  if (known !== undefined) return known
  const table = new Float64Array(YEARS * 12)
  for (let i = 0; i < table.length; i++) {
    const first = Temporal.PlainDate.from({ year: FIRST_YEAR + Math.floor(i / 12), month: 1 + (i % 12), day: 1 })
    table[i] = first.toZonedDateTime(zone).epochMilliseconds
  }
  tables.set(zone, table)
  return table
}

/** Index of the month that holds `instant[0]`: months are so even that a division is at most a few entries off. */
export const monthIndex = (table: Float64Array, instant: Float64Array): number => {
  const t = instant[0]!
  let index = Math.min(Math.max(Math.floor(t / MEAN_MONTH_MS), 0), table.length - 1)
  while (index > 0 && table[index]! > t) index--
  while (index + 1 < table.length && table[index + 1]! <= t) index++
  return index
}
