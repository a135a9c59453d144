/**
 * The meaning of the feature language, written as plainly as it can be: recursion over arrays of raw events, `Date` for the calendar, no
 * state, no capacity, no shared code with the compiled path beyond the definitions themselves.
 */
import type { ApplicationEvent, CreditEvent } from '#schemas/events.ts'
import type { ExpressionNode } from '#features/language/expression.ts'
import type { AggregateDefinition, Definition } from '#features/language/feature.ts'

type Row = Readonly<Record<string, number>> & { readonly kind: string; readonly eventTime: number }
const missing = NaN
const MEAN_MONTH_DAYS = 365.2425 / 12

const monthsBack = (instant: number, count: number): number => {
  const then = new Date(instant)
  const firstOfMonth = new Date(Date.UTC(then.getUTCFullYear(), then.getUTCMonth() - count, 1))
  const lastDay = new Date(Date.UTC(firstOfMonth.getUTCFullYear(), firstOfMonth.getUTCMonth() + 1, 0)).getUTCDate()
  return firstOfMonth.getTime() + (Math.min(then.getUTCDate(), lastDay) - 1) * 86_400_000 + (instant % 86_400_000)
}

/** Fields by which events of one instant are ordered. */
const TIE_ORDER: Readonly<Record<string, readonly string[]>> = {
  statement: ['closingBalance', 'creditLimit', 'repaymentStatus'],
  payment: ['amount'],
  application: [],
}

const past = (events: readonly CreditEvent[], kind: string, t: number): Row[] =>
  (events as unknown as Row[])
    .filter((event) => event.kind === kind && (kind === 'application' ? event.eventTime < t : event.eventTime <= t))
    .sort((a, b) => {
      for (const field of ['eventTime', ...TIE_ORDER[kind]!]) if (a[field] !== b[field]) return a[field]! - b[field]!
      return 0
    })

const evaluate = (events: readonly CreditEvent[], rows: readonly Row[], i: number, node: ExpressionNode): number => {
  const at = (inner: ExpressionNode): number => evaluate(events, rows, i, inner)
  switch (node.op) {
    case 'field':
      return rows[i]![node.field]!
    case 'constant':
      return node.value
    case 'is': {
      const text = (rows[i] as unknown as Readonly<Record<string, string | undefined>>)[node.field]
      return text === undefined ? missing : Number(text === node.text)
    }
    case 'code':
      throw new Error('this oracle computes with numbers alone; the generated SQL judges texts')
    case 'when':
      return at(node.flag) === 1 ? at(node.value) : missing
    case 'previous':
      return i === 0 ? missing : evaluate(events, rows, i - 1, node.of)
    case 'sum-since-previous':
      if (i === 0) return missing
      return (events as unknown as Row[])
        .filter((e) => e.kind === node.on && e.eventTime > rows[i - 1]!.eventTime && e.eventTime <= rows[i]!.eventTime)
        .reduce((total, e) => total + e[node.field]!, 0)
    default:
      break
  }
  const [left, right] = [at(node.left), at(node.right)]
  if (Number.isNaN(left) || Number.isNaN(right)) return missing
  switch (node.op) {
    case 'add':
      return left + right
    case 'subtract':
      return left - right
    case 'multiply':
      return left * right
    case 'divide':
      return right === 0 ? missing : left / right
    case 'at-most':
      return left < right ? left : right
    case 'greater':
      return Number(left > right)
    case 'at-least':
      return Number(left >= right)
    case 'equal':
      return Number(left === right)
  }
}

const total = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0)

interface Point {
  readonly time: number
  readonly value: number
}

const regression = (points: readonly Point[]): number => {
  const first = points[0]?.time ?? 0
  const days = points.map((point) => (point.time - first) / 86_400_000)
  const [n, x, y] = [points.length, total(days), total(points.map((point) => point.value))]
  const spread = total(days.map((day) => (day - x / n) ** 2))
  if (n < 2 || spread === 0) return missing
  return (total(points.map((point, i) => (days[i]! - x / n) * (point.value - y / n))) / spread) * MEAN_MONTH_DAYS
}

const longestRun = (flags: readonly number[]): number =>
  flags.length === 0
    ? missing
    : Math.max(
        ...flags
          .join('')
          .split('0')
          .map((run) => run.length),
      )

const aggregate = (definition: AggregateDefinition, events: readonly CreditEvent[], t: number): number => {
  const rows = past(events, definition.on, t)
  const start = definition.window.kind === 'months' ? monthsBack(t, definition.window.months) : -Infinity
  const points: Point[] = []
  rows.forEach((row, i) => {
    if (row.eventTime <= start) return
    if (definition.where !== null && evaluate(events, rows, i, definition.where) !== 1) return
    const value = definition.value === null ? 1 : evaluate(events, rows, i, definition.value)
    if (!Number.isNaN(value)) points.push({ time: row.eventTime, value })
  })
  const values = points.map((point) => point.value)
  const average = total(values) / values.length
  switch (definition.how.name) {
    case 'count':
      return values.length
    case 'sum':
      return total(values)
    case 'mean':
      return average
    case 'std':
      return values.length < 2 ? missing : Math.sqrt(total(values.map((value) => (value - average) ** 2)) / (values.length - 1))
    case 'min':
      return values.length === 0 ? missing : Math.min(...values)
    case 'max':
      return values.length === 0 ? missing : Math.max(...values)
    case 'last':
      return values.at(-1) ?? missing
    case 'first':
      return values[0] ?? missing
    case 'slope':
      return regression(points)
    case 'days-since-last':
      return points.length === 0 ? missing : (t - points.at(-1)!.time) / 86_400_000
    case 'days-since-first':
      return points.length === 0 ? missing : (t - points[0]!.time) / 86_400_000
    case 'longest-streak':
      return longestRun(values)
    default:
      throw new Error(`the oracle does not know "${definition.how.name}": teach it`)
  }
}

/** A feature's value, in double precision, as of the application, from all events there are. */
export const naiveValue = (definition: Definition, events: readonly CreditEvent[], application: ApplicationEvent): number => {
  switch (definition.kind) {
    case 'aggregate':
      return aggregate(definition, events, application.eventTime)
    case 'stated':
      return (application as unknown as Readonly<Record<string, number | undefined>>)[definition.field] ?? missing
    case 'derived':
      throw new Error('this oracle knows version 1; the generated SQL judges what is computed from features')
    case 'ratio': {
      const divisor = naiveValue(definition.divisor, events, application)
      return divisor > 0 ? naiveValue(definition.dividend, events, application) / divisor : missing
    }
  }
}
