/** Dates of files: read by a pattern, moved by calendar months; all in UTC. */

const DAY_MS = 86_400_000
/** Months of the days from 1970 to 2106, as they are asked for: columns repeat their days, and a calendar is slow. */
const HELD_MONTHS: (string | undefined)[] = Array.from({ length: 50_000 })
const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']

type Part = 'year' | 'month' | 'day' | 'hour' | 'minute' | 'second' | 'skip'
/** Pattern letters → a part and how it looks. Longest first. */
const LETTERS: readonly (readonly [string, Part, string])[] = [
  ['YYYY', 'year', '\\d{4}'],
  ['MMM', 'month', '[A-Za-z]{3}'],
  ['YY', 'year', '\\d{2}'],
  ['MM', 'month', '\\d{1,2}'],
  ['DD', 'day', '\\d{1,2}'],
  ['HH', 'hour', '\\d{1,2}'],
  ['mm', 'minute', '\\d{1,2}'],
  ['ss', 'second', '\\d{1,2}(?:\\.\\d+)?'],
]
/** Two-digit years count from 1930 to 2029: the archives at hand end in the nineties and nobody in them was born before. */
const CENTURY_TURN = 30

export interface DatePattern {
  /** Epoch milliseconds, or NaN where the text does not follow the pattern or names no day of the calendar. */
  read(text: string): number
}

/** Undefined where the pattern has no year, or something in it is no letter of a pattern. */
export const datePattern = (pattern: string): DatePattern | undefined => {
  const parts: Part[] = []
  let source = ''
  for (let rest = pattern; rest !== '';) {
    const letters = LETTERS.find(([name]) => rest.startsWith(name))
    if (letters === undefined) {
      if (/^[A-SU-Za-z]/.test(rest)) return undefined
      source += rest[0]!.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)
      rest = rest.slice(1)
    } else {
      parts.push(letters[1])
      source += `(${letters[2]})`
      rest = rest.slice(letters[0].length)
    }
  }
  if (!parts.includes('year')) return undefined
  const shape = new RegExp(`^${source}$`)
  return { read: (text) => instantOf(shape.exec(text.trim()), parts) }
}

const yearOf = (digits: string): number =>
  digits.length === 4 ? Number(digits) : Number(digits) + (Number(digits) < CENTURY_TURN ? 2000 : 1900)

const instantOf = (found: RegExpExecArray | null, parts: readonly Part[]): number => {
  if (found === null) return Number.NaN
  const at = { year: 1970, month: 1, day: 1, hour: 0, minute: 0, second: 0, skip: 0 }
  parts.forEach((part, index) => {
    const text = found[index + 1]!
    if (part === 'year') at.year = yearOf(text)
    else if (part === 'month' && /^[A-Za-z]/.test(text)) at.month = MONTHS.indexOf(text.toLowerCase()) + 1
    else at[part] = Number(text)
  })
  const day = Date.UTC(at.year, at.month - 1, at.day)
  const back = new Date(day)
  // Date.UTC carries 31 February over into March: no day of the calendar.
  if (back.getUTCMonth() !== at.month - 1 || back.getUTCDate() !== at.day || at.hour > 24 || at.minute > 59 || at.second >= 61)
    return Number.NaN
  return day + Math.round((at.hour * 3600 + at.minute * 60 + at.second) * 1000)
}

/** `YYYY-MM` of an instant. */
export const monthText = (time: number): string => {
  const day = Math.floor(time / DAY_MS)
  const held = HELD_MONTHS[day]
  if (held !== undefined) return held
  const text = new Date(time).toISOString().slice(0, 7)
  if (day >= 0 && day < HELD_MONTHS.length) HELD_MONTHS[day] = text
  return text
}

/** The same day and time `months` calendar months later; the last day of that month where it is shorter. */
export const plusMonths = (time: number, months: number): number => {
  const date = new Date(time)
  const day = date.getUTCDate()
  date.setUTCDate(1)
  date.setUTCMonth(date.getUTCMonth() + months)
  const days = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate()
  date.setUTCDate(Math.min(day, days))
  return date.getTime()
}

/** The last millisecond of the instant's calendar month. */
export const monthEnd = (time: number): number => {
  const date = new Date(time)
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1) - 1
}

/** Midnight of the first of the instant's month. */
export const monthStart = (time: number): number => {
  const date = new Date(time)
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1)
}
