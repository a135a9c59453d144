/** Random definitions: every aggregate, window, filter and expression the language has, in combinations nobody would write by hand. */
import fc from 'fast-check'
import type { Aggregate } from '#features/aggregates/aggregate.ts'
import { count } from '#features/aggregates/count.ts'
import { currentStreak } from '#features/aggregates/current-streak.ts'
import { daysSinceFirst } from '#features/aggregates/days-since-first.ts'
import { daysSinceLast } from '#features/aggregates/days-since-last.ts'
import { decayedRate } from '#features/aggregates/decayed-rate.ts'
import { decayedSum } from '#features/aggregates/decayed-sum.ts'
import { distinct } from '#features/aggregates/distinct.ts'
import { first } from '#features/aggregates/first.ts'
import { gapMax, gapMean, gapStd } from '#features/aggregates/gap.ts'
import { last } from '#features/aggregates/last.ts'
import { longestStreak } from '#features/aggregates/longest-streak.ts'
import { max } from '#features/aggregates/max.ts'
import { mean } from '#features/aggregates/mean.ts'
import { min } from '#features/aggregates/min.ts'
import { nthLast } from '#features/aggregates/nth-last.ts'
import { quantile } from '#features/aggregates/quantile.ts'
import { slope } from '#features/aggregates/slope.ts'
import { std } from '#features/aggregates/std.ts'
import { sum } from '#features/aggregates/sum.ts'
import { topShare } from '#features/aggregates/top-share.ts'
import { variance } from '#features/aggregates/variance.ts'
import { zLast } from '#features/aggregates/z-last.ts'
import {
  absolute,
  clip,
  derive,
  greatest,
  isMissing,
  minus,
  otherwise,
  over,
  plus,
  root,
  times,
  velocity,
  zScore,
} from '#features/language/derived.ts'
import type { NamedExpression } from '#features/language/expression.ts'
import {
  add,
  atLeast,
  both,
  divide,
  equal,
  field,
  greater,
  is,
  multiply,
  named,
  not,
  previous,
  subtract,
  sumSincePrevious,
  when,
} from '#features/language/expression.ts'
import type { AggregateDefinition, Definition } from '#features/language/feature.ts'
import { feature, isPaned, ratio, stated } from '#features/language/feature.ts'
import type { FoldedKind } from '#features/language/kinds.ts'
import type { Window } from '#features/language/window.ts'
import { calendarMonth, days, ever, hopping, hours, lastEvents, minutes, months } from '#features/language/window.ts'

const by = 'applicant'

const HELD: readonly Window[] = [
  months(1),
  months(3),
  months(7),
  days(1),
  days(30),
  days(200),
  hours(18),
  minutes(90),
  lastEvents(1),
  lastEvents(4),
  calendarMonth(0),
  calendarMonth(1, 'Europe/Berlin'),
  calendarMonth(2, 'Asia/Taipei'),
  calendarMonth(0, 'America/New_York'),
]
const PANED: readonly Window[] = [hopping(days(30), days(1)), hopping(days(28), days(7)), hopping(hours(48), hours(6)), ever()]

const VALUE_AGGREGATES: readonly Aggregate[] = [
  sum(),
  mean(),
  variance(),
  std(),
  min(),
  max(),
  first(),
  last(),
  nthLast(2),
  nthLast(3),
  slope(),
  decayedSum(10),
  decayedSum(0.5),
  quantile(0.5),
  quantile(0.9),
  quantile(0),
  zLast(),
]
const EVENT_AGGREGATES: readonly Aggregate[] = [count(), decayedRate(30), decayedRate(2.5), daysSinceLast(), gapMean(), gapStd(), gapMax()]
const DISTINCTION_AGGREGATES: readonly Aggregate[] = [distinct(), distinct(6), topShare(1), topShare(3)]
const FLAG_AGGREGATES: readonly Aggregate[] = [longestStreak(), currentStreak(), mean(), sum()]

const flag = <Kind extends FoldedKind>(name: string, expression: Parameters<typeof named<Kind>>[3]): NamedExpression<Kind> =>
  named(name, 'flag', name, expression)
const value = <Kind extends FoldedKind>(name: string, expression: Parameters<typeof named<Kind>>[3]): NamedExpression<Kind> =>
  named(name, 'number', name, expression)

const outgoing = is('transaction', 'direction', 'out')
const large = greater(field('transaction', 'amount'), 500_000)
const balance = field('statement', 'closingBalance')
const paid = sumSincePrevious('statement', 'payment', 'amount')

const FLAGS = {
  transaction: [
    flag('out', outgoing),
    flag('incoming', not(outgoing)),
    flag('largeOut', both(outgoing, large)),
    flag('gambling', is('transaction', 'category', 'gambling')),
    flag('toThird', is('transaction', 'counterpartyId', 'c3')),
    flag('roseSince', greater(field('transaction', 'amount'), previous(field('transaction', 'amount')))),
  ],
  statement: [
    flag('late', greater(field('statement', 'repaymentStatus'), 0)),
    flag('inDebt', greater(balance, 0)),
    flag('unpaid', equal(paid, 0)),
    flag('covered', atLeast(paid, previous(balance))),
  ],
  payment: [flag('round', equal(field('payment', 'amount'), 100)), flag('first', is('payment', 'accountId', 'a1'))],
}
const VALUES = {
  transaction: [
    value('squared', multiply(divide(field('transaction', 'amount'), 1_000), divide(field('transaction', 'amount'), 1_000))),
    value('spent', when(outgoing, field('transaction', 'amount'))),
    value('change', subtract(field('transaction', 'amount'), previous(previous(field('transaction', 'amount'))))),
  ],
  statement: [
    value('utilisation', divide(balance, field('statement', 'creditLimit'))),
    value('paidSince', paid),
    value('charges', add(subtract(balance, previous(balance)), paid)),
    value('owedBefore', when(greater(previous(balance), 0), previous(balance))),
    value('dueShare', divide(field('statement', 'minimumDue'), previous(field('statement', 'minimumDue')))),
  ],
  payment: [value('growth', divide(field('payment', 'amount'), previous(field('payment', 'amount'))))],
}
const FIELDS = {
  transaction: ['amount'],
  statement: ['closingBalance', 'creditLimit', 'repaymentStatus', 'minimumDue'],
  payment: ['amount'],
} as const
const TEXTS = {
  transaction: ['direction', 'category', 'counterpartyId', 'accountId'],
  statement: ['accountId', 'period'],
  payment: ['accountId'],
} as const

type Kind = keyof typeof FIELDS
const pick = <Value>(values: readonly Value[]): fc.Arbitrary<Value> => fc.constantFrom(...values)
const anyWindow = fc.oneof({ weight: 3, arbitrary: pick(HELD) }, { weight: 2, arbitrary: pick(PANED) })

/** What a random choice gave, or nothing where the language refuses it: its refusals have tests of their own. */
const attempt = (make: () => AggregateDefinition): AggregateDefinition | null => {
  try {
    return make()
  } catch (error) {
    if ((error as { code?: unknown }).code === 'feature-definition') return null
    throw error
  }
}

const ofKind = (on: Kind): fc.Arbitrary<AggregateDefinition | null> => {
  const where = fc.option(pick(FLAGS[on] as readonly NamedExpression<Kind>[]), { nil: undefined })
  const shape = fc.record({ window: anyWindow, where })
  const make = (spec: object, how: Aggregate, { window, where: chosen }: { window: Window; where: NamedExpression<Kind> | undefined }) =>
    attempt(() => feature({ on, by, how, window, ...spec, ...(chosen === undefined ? {} : { where: chosen }) }))
  return fc.oneof(
    fc
      .tuple(pick(FIELDS[on] as readonly string[]), pick(VALUE_AGGREGATES), shape)
      .map(([name, how, rest]) => make({ field: name }, how, rest)),
    fc
      .tuple(pick(VALUES[on] as readonly NamedExpression<Kind>[]), pick(VALUE_AGGREGATES), shape)
      .map(([expression, how, rest]) => make({ expression }, how, rest)),
    fc.tuple(pick(EVENT_AGGREGATES), shape).map(([how, rest]) => make({}, how, rest)),
    fc
      .tuple(pick(TEXTS[on] as readonly string[]), pick(DISTINCTION_AGGREGATES), shape)
      .map(([text, how, rest]) => make({ text }, how, rest)),
    fc
      .tuple(pick(FLAGS[on] as readonly NamedExpression<Kind>[]), pick(FLAG_AGGREGATES), shape)
      .map(([expression, how, rest]) => make({ expression }, how, rest)),
  )
}

const applications: readonly Definition[] = [
  stated({ by, field: 'amount' }),
  stated({ by, field: 'incomeMonthly' }),
  feature({ on: 'application', by, how: count(), window: months(6) }),
  feature({ on: 'application', by, field: 'amount', how: mean(), window: days(90) }),
  feature({ on: 'application', by, field: 'incomeMonthly', how: last(), window: months(12) }),
  feature({ on: 'application', by, text: 'deviceId', how: distinct(), window: months(12) }),
  feature({ on: 'application', by, how: daysSinceFirst(), window: ever() }),
  feature({ on: 'statement', by, how: daysSinceFirst(), window: ever() }),
  feature({ on: 'payment', by, how: daysSinceLast(), window: ever() }),
]

/** Features computed from two others. */
const computed = (a: Definition, b: Definition, i: number): readonly Definition[] => [
  ratio(`ratio${i}`, { dividend: a, divisor: b, description: 'd' }),
  derive(`mixed${i}`, otherwise(over(minus(a, b), plus(absolute(b), 1)), -1), { description: 'd' }),
  derive(`rooted${i}`, times(root(greatest(a, 0)), clip(otherwise(b, 0), -5, 5)), { description: 'd' }),
  derive(`gone${i}`, isMissing(a), { description: 'd' }),
]

const amountOver = (window: Window, how: Aggregate): AggregateDefinition => feature({ on: 'transaction', by, field: 'amount', how, window })
const composed: readonly Definition[] = [
  velocity('burst', { recent: amountOver(days(7), sum()), baseline: amountOver(days(90), sum()), description: 'd' }),
  zScore('unusual', {
    value: amountOver(days(30), last()),
    mean: amountOver(hopping(days(30), days(1)), mean()),
    std: amountOver(hopping(days(30), days(1)), std()),
    description: 'd',
  }),
]

/** A feature set's worth of definitions, each name once. */
export const anyDefinitions: fc.Arbitrary<readonly Definition[]> = fc
  .array(fc.oneof(ofKind('transaction'), ofKind('statement'), ofKind('payment')), { minLength: 30, maxLength: 40, size: 'max' })
  .map((drawn) => {
    const aggregates = drawn.filter((definition) => definition !== null)
    // Sketches estimate: what is computed from them has no stated bound.
    const exact = aggregates.filter(
      (one) => !isPaned(one) || !['distinct', 'top-share', 'quantile'].includes(one.how.algorithm?.name ?? ''),
    )
    const pairs = exact.slice(0, 4).flatMap((a, i) => computed(a, exact.at(-1 - i)!, i))
    const all: readonly Definition[] = [...aggregates, ...applications, ...composed, ...pairs]
    return [...new Map(all.map((definition) => [definition.name, definition])).values()]
  })
