/** RFC 3339 instants in their canonical form, read from the characters: most events carry two, and they all come this way. */

/** `2005-09-14T08:30:00Z`, with or without a fraction of a second. */
const LEAST = 20
const DAY_MS = 86_400_000
const DAYS = [0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
const BEFORE = [0, 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334]
const ZERO = 48
const [DASH, COLON, DOT, T, Z] = [45, 58, 46, 84, 90]

/** Two digits; far above any field's range where they are none. */
const two = (text: string, at: number): number => {
  const tens = text.charCodeAt(at) - ZERO
  const ones = text.charCodeAt(at + 1) - ZERO
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : 10_000
}

const isLeap = (year: number): boolean => year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)

/** Milliseconds of `.5Z`, `.0625Z` or `Z` from `at` to the end, digits beyond three cut off; NaN where it is none of them. */
const fractionOf = (text: string, at: number): number => {
  const end = text.length - 1
  if (text.charCodeAt(end) !== Z) return Number.NaN
  if (at === end) return 0
  if (text.charCodeAt(at) !== DOT || at + 1 === end) return Number.NaN
  let milliseconds = 0
  let unit = 100
  for (let i = at + 1; i < end; i++) {
    const digit = text.charCodeAt(i) - ZERO
    if (!(digit >= 0 && digit <= 9)) return Number.NaN
    milliseconds += digit * unit
    unit = unit === 1 ? 0 : unit / 10
  }
  return milliseconds
}

/**
 * Milliseconds since 1970 of an instant written with capital `T` and `Z`, from 1970 on, without a leap second, digits beyond milliseconds cut off;
 * NaN for everything else, which may yet be an instant: it is only not in this form.
 */
export const canonicalInstant = (text: string): number => {
  if (text.length < LEAST) return Number.NaN
  const year = two(text, 0) * 100 + two(text, 2)
  const month = two(text, 5)
  const day = two(text, 8)
  const hour = two(text, 11)
  const minute = two(text, 14)
  const second = two(text, 17)
  const punctuated =
    text.charCodeAt(4) === DASH &&
    text.charCodeAt(7) === DASH &&
    text.charCodeAt(10) === T &&
    text.charCodeAt(13) === COLON &&
    text.charCodeAt(16) === COLON
  if (!punctuated || !(year >= 1970 && year <= 9999 && month >= 1 && month <= 12 && hour < 24 && minute < 60 && second < 60))
    return Number.NaN
  const leap = isLeap(year) ? 1 : 0
  if (day < 1 || day > (DAYS[month] as number) + (month === 2 ? leap : 0)) return Number.NaN
  const past = year - 1
  const days =
    (year - 1970) * 365 +
    (Math.floor(past / 4) - Math.floor(past / 100) + Math.floor(past / 400) - 477) +
    (BEFORE[month] as number) +
    (month > 2 ? leap : 0) +
    day -
    1
  return days * DAY_MS + hour * 3_600_000 + minute * 60_000 + second * 1_000 + fractionOf(text, 19)
}
