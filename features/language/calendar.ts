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

/**
 * The instant `months` calendar months before `instant` (both epoch milliseconds): same UTC day of the month and time of day; where that
 * month is too short, its last day (31 March − 1 month = 28 or 29 February).
 */
export const monthsBefore = (instant: number, months: number): number => {
  const epochDay = Math.floor(instant / DAY_MS)
  const shifted = epochDay + EPOCH_SHIFT
  const era = Math.floor(shifted / DAYS_PER_ERA)
  const dayOfEra = shifted - era * DAYS_PER_ERA
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1_460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  )
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const marchMonth = Math.floor((5 * dayOfYear + 2) / 153)
  const dayOfMonth = dayOfYear - Math.floor((153 * marchMonth + 2) / 5) + 1

  const monthCount = (yearOfEra + era * 400) * 12 + marchMonth - months
  const year = Math.floor(monthCount / 12)
  const month = monthCount - year * 12
  const day = Math.min(dayOfMonth, monthDays(year, month))

  const targetEra = Math.floor(year / 400)
  const targetYear = year - targetEra * 400
  const targetDayOfYear = Math.floor((153 * month + 2) / 5) + day - 1
  const targetDayOfEra = targetYear * 365 + Math.floor(targetYear / 4) - Math.floor(targetYear / 100) + targetDayOfYear
  const targetDay = targetEra * DAYS_PER_ERA + targetDayOfEra - EPOCH_SHIFT
  return targetDay * DAY_MS + (instant - epochDay * DAY_MS)
}
