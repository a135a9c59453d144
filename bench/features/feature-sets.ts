/** Feature sets of given sizes over the same history, for measuring the fold and the vector. */
import type { Aggregate } from '#features/aggregates/aggregate.ts'
import { count } from '#features/aggregates/count.ts'
import { first } from '#features/aggregates/first.ts'
import { last } from '#features/aggregates/last.ts'
import { max } from '#features/aggregates/max.ts'
import { mean } from '#features/aggregates/mean.ts'
import { min } from '#features/aggregates/min.ts'
import { slope } from '#features/aggregates/slope.ts'
import { std } from '#features/aggregates/std.ts'
import { sum } from '#features/aggregates/sum.ts'
import { compile } from '#features/compile/compile.ts'
import type { CompiledFeatureSet } from '#features/compile/compile.ts'
import { is, named } from '#features/language/expression.ts'
import { feature } from '#features/language/feature.ts'
import type { Definition } from '#features/language/feature.ts'
import type { Window } from '#features/language/window.ts'
import { days, ever, hopping, months } from '#features/language/window.ts'

const by = 'applicant'
const CAPACITIES = { statement: 12, payment: 32 }

const ofAmounts = (aggregates: readonly Aggregate[], windows: readonly Window[]): Definition[] =>
  windows.flatMap((window) => aggregates.map((how) => feature({ on: 'payment', by, field: 'amount', how, window })))

const ofStatements = (aggregates: readonly Aggregate[], windows: readonly Window[]): Definition[] =>
  (['closingBalance', 'creditLimit', 'repaymentStatus'] as const).flatMap((field) =>
    windows.flatMap((window) => aggregates.map((how) => feature({ on: 'statement', by, field, how, window }))),
  )

const outgoing = named('out', 'flag', 'outgoing transactions', is('transaction', 'direction', 'out'))

/** Transactions are many: partial results per day, and for ever. */
const ofTransactions = (windows: readonly Window[]): Definition[] =>
  windows.flatMap((window) => [
    feature({ on: 'transaction', by, how: count(), window }),
    feature({ on: 'transaction', by, where: outgoing, how: count(), window }),
    feature({ on: 'transaction', by, field: 'amount', how: sum(), window }),
    feature({ on: 'transaction', by, field: 'amount', where: outgoing, how: sum(), window }),
    feature({ on: 'transaction', by, field: 'amount', how: mean(), window }),
    feature({ on: 'transaction', by, field: 'amount', how: max(), window }),
  ])

const sixtyDefinitions = (): Definition[] => [
  ...ofAmounts([sum(), mean(), min(), max(), std(), last()], [months(1), months(3), months(6), days(7)]),
  ...ofStatements([mean(), max(), last()], [months(1), months(2), months(3), months(6)]),
]

/** 60 windowed numeric features of payments and statements. */
export const sixty = (): CompiledFeatureSet => compile({ definitions: sixtyDefinitions(), capacities: CAPACITIES })

/** 200 features of payments, statements and transactions. */
export const twoHundred = (): CompiledFeatureSet => {
  const definitions = [
    ...ofAmounts(
      [sum(), mean(), min(), max(), std(), last(), first(), slope()],
      [months(1), months(3), months(6), months(12), days(7), days(30)],
    ),
    ...ofStatements(
      [mean(), max(), min(), last(), first(), std(), slope()],
      [months(1), months(2), months(3), months(6), months(12), days(45)],
    ),
    ...ofTransactions([hopping(days(7), days(1)), hopping(days(14), days(1)), hopping(days(30), days(1)), ever()]),
    feature({ on: 'payment', by, how: count(), window: months(1) }),
    feature({ on: 'payment', by, how: count(), window: months(6) }),
  ]
  if (definitions.length !== 200) throw new Error(`${definitions.length} definitions are not 200`)
  return compile({ definitions, capacities: CAPACITIES, latenessMs: 0 })
}
