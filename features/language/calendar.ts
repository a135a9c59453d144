/**
 * Calendar arithmetic in UTC without `Date`, so that nothing is allocated.
 * Source: H. Hinnant, "chrono-Compatible Low-Level Date Algorithms" (civil_from_days, days_from_civil). Years begin in March there,
 * which puts the leap day last.
 */

export const DAY_MS = 86_400_000
/** Mean Gregorian month, 365.2425 / 12 days: the unit of time of slopes. */
export const MEAN_MONTH_MS = 2_629_746_000

const DAYS_PER_ERA = 146_097
/** Days from 0000-03-01 to 1970-01-01. */
const EPOCH_SHIFT = 719_468

const isLeap = (year: number): boolean => (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0

/** Length of month `month` (0 = March … 11 = February) of the year that began in March of `year`. */
const monthDays = (year: number, month: number): number => {
  if (month === 11) return isLeap(year + 1) ? 29 : 28
  return month === 1 || month === 3 || month === 6 || month === 8 ? 30 : 31
}

/** Days since 1970-01-01 of a day of the month, or of the month's last day where it is shorter. Months count from March of year 0. */
const epochDayOf = (monthCount: number, dayOfMonth: number): number => {
  const year = Math.floor(monthCount / 12)
  const month = monthCount - year * 12
  const era = Math.floor(year / 400)
  const yearOfEra = year - era * 400
  const dayOfYear = Math.floor((153 * month + 2) / 5) + Math.min(dayOfMonth, monthDays(year, month)) - 1
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear
  return era * DAYS_PER_ERA + dayOfEra - EPOCH_SHIFT
}

/**
 * Writes to `starts[i]` the instant `months[i]` calendar months before `instant[0]` (epoch milliseconds): same UTC day of the month and
 * time of day; where that month is too short, its last day (31 March − 1 month = 28 or 29 February). Where `months[i]` is 0, −∞.
 * Instants travel in arrays because a float64 passed to or from a function may be boxed.
 */
export const writeMonthStarts = (instant: Float64Array, months: Int32Array, starts: Float64Array): void => {
  const epochDay = Math.floor(instant[0]! / DAY_MS)
  const timeOfDay = instant[0]! - epochDay * DAY_MS
  const shifted = epochDay + EPOCH_SHIFT
  const era = Math.floor(shifted / DAYS_PER_ERA)
  const dayOfEra = shifted - era * DAYS_PER_ERA
  const leapDays = Math.floor(dayOfEra / 1_460) - Math.floor(dayOfEra / 36_524) + Math.floor(dayOfEra / 146_096)
  const yearOfEra = Math.floor((dayOfEra - leapDays) / 365)
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const month = Math.floor((5 * dayOfYear + 2) / 153)
  const dayOfMonth = dayOfYear - Math.floor((153 * month + 2) / 5) + 1
  const monthCount = (yearOfEra + era * 400) * 12 + month
  for (let i = 0; i < months.length; i++)
    starts[i] = months[i] === 0 ? -Infinity : epochDayOf(monthCount - months[i]!, dayOfMonth) * DAY_MS + timeOfDay
}
