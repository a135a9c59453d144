/** Functions of one meaning each: how many arguments of which kind, and what they give. */
import { crc32 } from 'node:zlib'
import { monthEnd, monthStart, monthText, plusMonths } from './dates.ts'
import type { Kind, Node, Scope } from './node.ts'

type Numbers = readonly ((scope: Scope) => number)[]
type Texts = readonly ((scope: Scope) => string | null)[]

export interface FunctionRule {
  readonly parameters: readonly Exclude<Kind, 'cell' | 'flag'>[]
  /** How many of the parameters may be left out, from the last. */
  readonly optional?: number
  /** The last parameter may be repeated. */
  readonly repeats?: boolean
  /** `numbers[i]` or `texts[i]` is argument i, by the kind of its parameter. */
  make(numbers: Numbers, texts: Texts): Node
}

const DAY_MS = 86_400_000

const ofNumber = (kind: 'number' | 'span', step: (value: number) => number, parameter: 'number' | 'span' = 'number'): FunctionRule => ({
  parameters: [parameter],
  make: ([of]) => ({ kind, get: (scope) => step(of!(scope)) }),
})

const ofText = (step: (value: string) => string | null): FunctionRule => ({
  parameters: ['text'],
  make: (_, [of]) => {
    // Categories repeat from row to row.
    let last: string | null = null
    let made: string | null = null
    return {
      kind: 'text',
      get: (scope) => {
        const value = of!(scope)
        if (value === null) return null
        if (value !== last) {
          made = step(value)
          last = value
        }
        return made
      },
    }
  },
})

const condition = (step: (value: string, other: string) => boolean): FunctionRule => ({
  parameters: ['text', 'text'],
  make: (_, [of, other]) => ({
    kind: 'flag',
    get: (scope) => {
      const [left, right] = [of!(scope), other!(scope)]
      return left !== null && right !== null && step(left, right)
    },
  }),
})

const ofTime = (step: (time: number) => number): FunctionRule => ({
  parameters: ['time'],
  make: ([of]) => ({
    kind: 'time',
    get: (scope) => {
      const time = of!(scope)
      return Number.isNaN(time) ? time : step(time)
    },
  }),
})

/** Missing where any argument is, as with every operator: a bound on something unknown is not known. */
const extreme = (step: (...values: number[]) => number, kind: 'number' | 'time' = 'number'): FunctionRule => ({
  parameters: [kind],
  repeats: true,
  // Math.min and Math.max are NaN where any value is.
  make: (numbers) => {
    const [one, other] = numbers
    if (numbers.length === 2) return { kind, get: (scope) => step(one!(scope), other!(scope)) }
    return { kind, get: (scope) => step(...numbers.map((of) => of(scope))) }
  },
})

const POWERS = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000]

/** Half away from zero on the decimal digits that people see: 1.005 rounds to 1.01, although the double lies below. */
export const roundDecimal = (value: number, digits: number): number => {
  // Sixteen digits of a double are right to within 1e-6 below 1e9: only near a half can they decide otherwise than the fifteen below.
  const plain = Math.abs(value) * POWERS[digits]!
  if (plain < 1e9 && Math.abs(plain - Math.floor(plain) - 0.5) > 1e-4) return (Math.sign(value) * Math.round(plain)) / POWERS[digits]!
  const scaled = Number((Math.abs(value) * 10 ** digits).toPrecision(15))
  return (Math.sign(value) * Math.round(scaled)) / 10 ** digits
}

export const FUNCTIONS: Readonly<Record<string, FunctionRule>> = {
  abs: ofNumber('number', Math.abs),
  floor: ofNumber('number', Math.floor),
  ceil: ofNumber('number', Math.ceil),
  round: {
    parameters: ['number', 'number'],
    optional: 1,
    make: ([of, digits]) => ({ kind: 'number', get: (scope) => roundDecimal(of!(scope), digits?.(scope) ?? 0) }),
  },
  min: extreme(Math.min),
  max: extreme(Math.max),
  number: ofNumber('number', (value) => value),
  days: ofNumber('span', (value) => value * DAY_MS),
  hours: ofNumber('span', (value) => value * 3_600_000),
  minutes: ofNumber('span', (value) => value * 60_000),
  seconds: ofNumber('span', (value) => value * 1_000),
  inDays: ofNumber('number', (span) => span / DAY_MS, 'span'),
  earlier: extreme(Math.min, 'time'),
  later: extreme(Math.max, 'time'),
  monthStart: ofTime(monthStart),
  monthEnd: ofTime(monthEnd),
  plusMonths: {
    parameters: ['time', 'number'],
    make: ([of, months]) => ({
      kind: 'time',
      get: (scope) => {
        const [time, by] = [of!(scope), months!(scope)]
        return Number.isNaN(time) || Number.isNaN(by) ? Number.NaN : plusMonths(time, Math.trunc(by))
      },
    }),
  },
  /** An instant of year and month numbers; months beyond 12 and below 1 carry over. */
  yearMonth: {
    parameters: ['number', 'number'],
    make: ([year, month]) => ({ kind: 'time', get: (scope) => Date.UTC(year!(scope), month!(scope) - 1, 1) }),
  },
  month: {
    parameters: ['time'],
    make: ([of]) => ({
      kind: 'text',
      get: (scope) => {
        const time = of!(scope)
        return Number.isNaN(time) ? null : monthText(time)
      },
    }),
  },
  year: {
    parameters: ['time'],
    make: ([of]) => ({ kind: 'number', get: (scope) => new Date(of!(scope)).getUTCFullYear() }),
  },
  text: ofText((value) => value),
  trim: ofText((value) => value.trim() || null),
  lower: ofText((value) => value.toLowerCase()),
  upper: ofText((value) => value.toUpperCase()),
  /** Words of lower-case letters and digits joined by hyphens: for purposes, categories and identifiers. */
  slug: ofText(
    (value) =>
      value
        .normalize('NFD')
        .toLowerCase()
        .replaceAll(/\p{Mn}/gu, '')
        .replaceAll(/[^a-z0-9]+/g, '-')
        .replaceAll(/^-|-$/g, '')
        .slice(0, 64) || null,
  ),
  /** Characters `from` to before `to`, counted from 0. */
  slice: {
    parameters: ['text', 'number', 'number'],
    optional: 1,
    make: ([, from, to], [of]) => ({ kind: 'text', get: (scope) => of!(scope)?.slice(from!(scope), to?.(scope)) ?? null }),
  },
  pad: {
    parameters: ['text', 'number'],
    make: ([, width], [of]) => ({ kind: 'text', get: (scope) => of!(scope)?.padStart(width!(scope), '0') ?? null }),
  },
  /** Without a trailing percent sign. */
  percent: {
    parameters: ['text'],
    make: (_, [of]) => ({ kind: 'text', get: (scope) => of!(scope)?.trim().replace(/\s*%$/, '') ?? null }),
  },
  starts: condition((value, start) => value.startsWith(start)),
  ends: condition((value, end) => value.endsWith(end)),
  contains: condition((value, part) => value.includes(part)),
  /** CRC-32 of a text, 0 to 2^32 − 1: spreads what the data do not say, the same way every time. */
  hash: {
    parameters: ['text'],
    make: (_, [of]) => ({
      kind: 'number',
      get: (scope) => {
        const value = of!(scope)
        return value === null ? Number.NaN : crc32(value)
      },
    }),
  },
  rowNumber: { parameters: [], make: () => ({ kind: 'number', get: ({ row }) => row.number }) },
}
