/** Numbers and times as people read them here: thin spaces between thousands, fixed digits, true minus, UTC. */
const grouped = new Intl.NumberFormat('en-GB', { maximumFractionDigits: 0 })

/** U+2212: as wide as a digit in tabular figures. */
const minus = (text: string): string => text.replaceAll('-', '−')

export const whole = (value: number): string => minus(grouped.format(value))

export const fixed = (value: number, digits: number): string => minus(value.toFixed(digits))

export const signed = (value: number, digits: number): string => (value > 0 ? `+${value.toFixed(digits)}` : minus(value.toFixed(digits)))

/** A share as a percentage; null where there is nothing to divide by. */
export const percent = (share: number | null, digits = 1): string =>
  share === null || Number.isNaN(share) ? '–' : `${fixed(share * 100, digits)} %`

/** Four significant digits, however large or small. */
export const significant = (value: number): string => {
  const size = Math.abs(value)
  if (value === 0) return '0'
  if (Number.isInteger(value) || size >= 10_000) return whole(value)
  if (size < 0.000_1) return minus(value.toExponential(1))
  return minus(String(Number(value.toPrecision(4))))
}

/** Digits behind the point of currencies that do not have two (ISO 4217). */
const FRACTION_DIGITS: Readonly<Record<string, number>> = { JPY: 0, KRW: 0, VND: 0, CLP: 0, ISK: 0, BHD: 3, KWD: 3, OMR: 3, TND: 3, JOD: 3 }

/** Minor units as an amount without decimals. */
export const money = (minor: number, currency: string): string => `${whole(minor / 10 ** (FRACTION_DIGITS[currency] ?? 2))} ${currency}`

export const micros = (us: number): string => {
  if (us < 1_000) return `${fixed(us, 0)} µs`
  if (us < 100_000) return `${fixed(us / 1_000, us < 10_000 ? 2 : 1)} ms`
  return us < 1_000_000 ? `${fixed(us / 1_000, 0)} ms` : `${fixed(us / 1_000_000, 2)} s`
}

/** RFC 3339 or ClickHouse's own form, which is UTC without saying so. */
export const instantOf = (value: string): Date => new Date(/[zZ]|[+-]\d\d:\d\d$/.test(value) ? value : `${value.replace(' ', 'T')}Z`)

const pad = (value: number, length = 2): string => String(value).padStart(length, '0')

export const day = (date: Date): string => date.toISOString().slice(0, 10)
export const clock = (date: Date): string => `${pad(date.getUTCHours())}:${pad(date.getUTCMinutes())}:${pad(date.getUTCSeconds())}`
export const clockMs = (date: Date): string => `${clock(date)}.${pad(date.getUTCMilliseconds(), 3)}`
export const dayAndClock = (date: Date): string => `${day(date)} ${clock(date)}`

export const capitalised = (words: string): string => words.charAt(0).toUpperCase() + words.slice(1)

/** Plural of a counted noun. */
export const counted = (count: number, one: string, many = `${one}s`): string => `${whole(count)} ${count === 1 ? one : many}`
